//! The server: one handshake line, the services, and an end that is always clean and never late.
//! Start touches no store, no settings and no network: a start that fails is never tried again by Grafana.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use grafana_plugin_sdk::pluginv2 as pb;
use tonic::transport::Server;
use tonic::transport::server::Router;

use super::life::{Ending, watch_signals_and_parent};
use super::listen::{self, Door};
use super::metrics::Metrics;
use super::services::{Controller, Edge};
use crate::app::{App, Operator};
use crate::model::SystemClock;

/// What Go plugins take; tonic's own default is a quarter of it.
const LARGEST_MESSAGE: usize = 16 * 1024 * 1024;
/// Calls cancelled before we took them up. HTTP/2's usual 20 is for strangers; a closed dashboard cancels more at once,
/// and going over the limit would break the connection for everybody.
const CANCELLED_AT_ONCE: usize = 1_000;
/// How long open calls may take to notice the end. Grafana kills after two seconds.
const LAST_CALLS: Duration = Duration::from_millis(400);
/// How long background work may take to stop.
const LAST_WORK: Duration = Duration::from_millis(900);

/// Serves until the end, whoever calls for it.
pub(super) fn run() -> ExitCode {
    let parent = parent();
    let runtime = tokio::runtime::Builder::new_multi_thread().thread_name("outlay").enable_all().build();
    let served = runtime.and_then(|runtime| {
        let served = runtime.block_on(serve(parent));
        // What still runs is cut off: all that it writes is safe against a kill.
        runtime.shutdown_background();
        served
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the plugin could not start");
            ExitCode::FAILURE
        }
    }
}

/// The process that started us: the only one that may call.
fn parent() -> u32 {
    #[cfg(unix)]
    let parent = std::os::unix::process::parent_id();
    #[cfg(not(unix))]
    let parent = 0;
    parent
}

async fn serve(parent: u32) -> io::Result<()> {
    let ending = Ending::new();
    watch_signals_and_parent(&ending, parent)?;
    let app = Arc::new(App::new(operator(), Arc::new(SystemClock)));
    let edge = Edge { app: Arc::clone(&app), metrics: Arc::new(Metrics::default()), ending: ending.clone() };
    let router = services(&edge).await;
    let door = Door::open().await?;
    say(&door.handshake()?)?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "serving");
    let mut serving = Box::pin(serve_behind(door, router, parent, edge));
    let ended = tokio::select! {
        ended = &mut serving => Some(ended),
        () = ending.begun() => None,
    };
    ending.begin("the server ended by itself");
    let last_calls = async {
        match ended {
            Some(ended) => ended,
            // Calls that do not end in time are cut off with the process, as Grafana would.
            None => tokio::time::timeout(LAST_CALLS, serving).await.unwrap_or(Ok(())),
        }
    };
    let (served, _stopped) = tokio::join!(last_calls, tokio::time::timeout(LAST_WORK, app.stop()));
    tracing::info!("stopped");
    served
}

/// All services with the limits that a broken or hostile caller meets.
async fn services(edge: &Edge) -> Router {
    let (reporter, health) = tonic_health::server::health_reporter();
    // go-plugin asks for this name.
    reporter.clone().set_service_status("plugin", tonic_health::ServingStatus::Serving).await;
    let shared = Arc::new(edge.clone());
    Server::builder()
        .max_concurrent_streams(100)
        .http2_max_header_list_size(16 * 1024)
        .http2_keepalive_interval(Some(Duration::from_secs(30)))
        .http2_max_pending_accept_reset_streams(Some(CANCELLED_AT_ONCE))
        .add_service(health)
        .add_service(Controller(edge.ending.clone()))
        .add_service(
            pb::data_server::DataServer::from_arc(Arc::clone(&shared)).max_decoding_message_size(LARGEST_MESSAGE),
        )
        .add_service(
            pb::diagnostics_server::DiagnosticsServer::from_arc(Arc::clone(&shared))
                .max_decoding_message_size(LARGEST_MESSAGE),
        )
        .add_service(
            pb::resource_server::ResourceServer::from_arc(Arc::clone(&shared))
                .max_decoding_message_size(LARGEST_MESSAGE),
        )
        .add_service(pb::stream_server::StreamServer::from_arc(shared).max_decoding_message_size(LARGEST_MESSAGE))
}

/// The only bytes that ever go to standard output.
fn say(handshake: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(handshake.as_bytes())?;
    stdout.flush()
}

/// Serves behind an open door; the folder of a socket is removed at the end, whatever the end is.
async fn serve_behind(door: Door, router: Router, parent: u32, edge: Edge) -> io::Result<()> {
    let end = {
        let ending = edge.ending.clone();
        async move { ending.begun().await }
    };
    match door {
        #[cfg(unix)]
        Door::Unix(listener, _folder) => {
            let callers = listen::accept(listener, parent, edge.metrics);
            router.serve_with_incoming_shutdown(callers, end).await.map_err(io::Error::other)
        }
        Door::Tcp(listener) => {
            let callers = listen::accept_tcp(listener);
            router.serve_with_incoming_shutdown(callers, end).await.map_err(io::Error::other)
        }
    }
}

/// What the operator allows. Grafana's environment holds passwords: only variables that we name are looked at.
fn operator() -> Operator {
    let set = Operator::VARIABLES.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
    let operator = Operator::from_vars(&set.collect());
    match std::env::current_exe().ok().as_deref().and_then(std::path::Path::parent) {
        Some(plugin_folder) => operator.outside(plugin_folder),
        None => operator,
    }
}

#[cfg(test)]
mod tests {
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_client::HealthClient;

    use super::*;

    #[tokio::test]
    async fn loopback_serves_where_there_are_no_sockets() {
        let metrics = Arc::new(Metrics::default());
        let ending = Ending::new();
        let app = Arc::new(App::new(operator(), Arc::new(SystemClock)));
        let edge = Edge { app, metrics, ending: ending.clone() };
        let listener = tokio::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let door = Door::Tcp(listener);
        let line = door.handshake().unwrap();
        let address = line.strip_prefix("1|2|tcp|").and_then(|line| line.strip_suffix("|grpc\n")).unwrap().to_owned();
        let router = services(&edge).await;
        let asked = async {
            let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{address}")).unwrap();
            let mut client = HealthClient::new(endpoint.connect().await.unwrap());
            let answer = client.check(HealthCheckRequest { service: "plugin".into() }).await.unwrap();
            ending.begin("asked enough");
            answer.into_inner().status
        };
        let (served, status) = tokio::join!(serve_behind(door, router, 0, edge), asked);
        served.unwrap();
        assert_eq!(status, 1);
    }
}
