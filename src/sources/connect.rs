//! The HTTP client for places in a network: no redirects, no system proxy, every resolved address checked, time limits.
//! Knows hosts and addresses, not what is asked of them.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Url;

use super::Error;
use super::hosts::{Reach, refusal};

/// Longest wait for a connection, name lookup included.
pub(super) const CONNECT: Duration = Duration::from_secs(5);
/// Longest silence of a server within an answer.
pub(super) const SILENCE: Duration = Duration::from_secs(60);

/// A client for one host and its subdomains.
///
/// # Errors
/// [`Error::Unreachable`] where the machine's certificates cannot be read.
pub(super) fn client(endpoint: &Url, reach: Reach) -> Result<reqwest::Client, Error> {
    let tls = endpoint.scheme() == "https";
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .https_only(tls)
        .tls_built_in_root_certs(tls)
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .pool_idle_timeout(Duration::from_secs(20))
        .pool_max_idle_per_host(4)
        .user_agent(concat!("outlay/", env!("CARGO_PKG_VERSION")))
        .dns_resolver(std::sync::Arc::new(Checked { reach }));
    builder.build().map_err(|_error| Error::Unreachable {
        place: host(endpoint),
        why: "the machine's TLS certificates cannot be loaded".into(),
    })
}

/// Host and port of an endpoint, for messages.
pub(super) fn host(endpoint: &Url) -> String {
    let port = endpoint.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}{port}", endpoint.host_str().unwrap_or_default())
}

/// Resolves names and refuses all of a name's addresses if one of them is not allowed, so that nothing can be slipped in.
/// The connection then goes to the addresses that were checked: a later answer of the name server does not matter.
#[derive(Debug)]
struct Checked {
    reach: Reach,
}

/// A name that leads where Outlay does not go.
#[derive(Debug, thiserror::Error)]
#[error("the host resolves to {why}")]
pub(super) struct Refused {
    /// What kind of address it is.
    pub why: &'static str,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.reach;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if let Some(why) = found.iter().find_map(|address| refusal(address.ip(), reach)) {
                return Err(Refused { why }.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Why a request failed, in a few words without address, path or query; and whether another try may help.
pub(super) fn explain(error: &reqwest::Error) -> (Failure, bool) {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    let mut io: Option<std::io::ErrorKind> = None;
    let mut tls = false;
    while let Some(error) = cause {
        if let Some(Refused { why }) = error.downcast_ref() {
            return (Failure::Refused(why), false);
        }
        cause = match error.downcast_ref::<std::io::Error>() {
            None => error.source(),
            Some(error) => {
                io = Some(error.kind());
                // A TLS failure travels inside of an I/O error, which may lie in another one that does not tell its source.
                tls |= error.kind() == std::io::ErrorKind::InvalidData;
                error.get_ref().map(|inner| inner as &dyn std::error::Error)
            }
        };
    }
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, UnexpectedEof};
    let why = match io {
        _ if tls => return (Failure::Unreachable("its TLS certificate is not trusted, or it speaks no TLS"), false),
        Some(ConnectionRefused) => "the connection is refused",
        Some(ConnectionReset | ConnectionAborted | UnexpectedEof) => "the connection broke",
        _ if error.is_timeout() && error.is_connect() => "no connection within 5 s",
        _ if error.is_timeout() => "no answer in time",
        _ if error.is_connect() => "the host is unknown or there is no way to it",
        _ => "the connection broke",
    };
    (Failure::Unreachable(why), true)
}

/// How a connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Its address is not allowed.
    Refused(&'static str),
    /// It does not answer.
    Unreachable(&'static str),
}

impl Failure {
    /// As an error that names the host and the way out.
    pub(super) fn at(self, endpoint: &Url) -> Error {
        let place = host(endpoint);
        match self {
            Self::Refused(why) => Error::NotAllowed {
                place,
                why: format!("the host resolves to {why}; the operator can name the host in `outlay_allowed_hosts`"),
            },
            Self::Unreachable(why) => Error::Unreachable { place, why: why.to_owned() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_is_judged_by_the_addresses_it_resolves_to() {
        for (reach, allowed) in [(Reach::Named, true), (Reach::Suffix, false), (Reach::Provider, false)] {
            let name: Name = "localhost".parse().unwrap();
            let found = Checked { reach }.resolve(name).await;
            assert_eq!(found.is_ok(), allowed, "{reach:?}");
            if let Err(error) = found {
                assert_eq!(error.to_string(), "the host resolves to an address of this machine");
            }
        }
    }

    #[tokio::test]
    async fn a_refused_name_stays_a_refusal_through_the_client() {
        let endpoint = Url::parse("http://localhost:1/").unwrap();
        let error = client(&endpoint, Reach::Suffix).unwrap().get(endpoint.clone()).send().await.unwrap_err();
        let (failure, again) = explain(&error);
        assert_eq!((failure, again), (Failure::Refused("an address of this machine"), false));
        assert!(failure.at(&endpoint).to_string().contains("`outlay_allowed_hosts`"));
    }
}
