# Grafana's stock Alpine image with the plugin beside it: frontend, static musl binary, manifest.

FROM node:24-alpine AS frontend
WORKDIR /build
COPY plugin.json README.md LICENSE CHANGELOG.md Cargo.toml ./
COPY provisioning/dashboards provisioning/dashboards
COPY docs docs
COPY ui ui
RUN cd ui && npm ci --no-audit --no-fund && npm run build

FROM rust:1.95-alpine AS backend
RUN apk add --no-cache build-base
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
COPY xtask xtask
COPY src src
COPY tests/it/main.rs tests/it/main.rs
COPY examples examples
RUN cargo build --release --locked --bin outlay && mkdir /out \
    && cp target/release/outlay "/out/gpx_outlay_linux_$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')" \
    && chmod 755 /out/gpx_outlay_linux_*

FROM grafana/grafana:12.3.3
ENV GF_PATHS_PLUGINS=/usr/share/outlay/plugins \
    GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS=outlay-hostingcost-datasource \
    GF_PLUGIN_OUTLAY_STORE_DIR=/var/lib/grafana/outlay
COPY --from=frontend /build/ui/dist /usr/share/outlay/plugins/outlay-hostingcost-datasource
COPY --from=backend /out /usr/share/outlay/plugins/outlay-hostingcost-datasource
COPY provisioning /etc/grafana/provisioning
