//! "Save & test": what was found, check by check. Every viewer may call it, so places and reasons are for editors only.

use std::time::Duration;

use serde::Serialize;

use super::data::guarded;
use super::error::shown;
use super::services::Edge;
use super::wire::Caller;
use crate::app::{Check, Health, Role, SourceStatus};

/// A person waits for it, and so does provisioning.
const DEADLINE: Duration = Duration::from_secs(5);

/// Result of a health check as Grafana shows it.
#[derive(Debug)]
pub(super) struct HealthReply {
    pub ok: bool,
    /// The line that is always shown.
    pub message: String,
    /// A JSON object.
    pub details: Vec<u8>,
}

/// On failure Grafana shows `message` below the reply's own and `verboseMessage` when unfolded.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    checks: Vec<Check>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verbose_message: Option<String>,
}

/// Checks the caller's datasource.
pub(super) async fn check(edge: &Edge, caller: Caller) -> HealthReply {
    let Some(settings) = caller.settings else {
        return for_editors(failure("no datasource in the request; save the datasource and try again"));
    };
    let editor = caller.role >= Role::Editor;
    let work = guarded(&edge.metrics, async {
        let instance = edge.app.instance(settings).await;
        let health = instance.health().await;
        // What viewers may read of each source; only asked for where it is shown.
        let public = if editor { Vec::new() } else { instance.status(caller.role).await };
        (health, public)
    });
    match tokio::time::timeout(DEADLINE, work).await {
        Ok(Ok((health, _))) if editor => for_editors(health),
        Ok(Ok((health, public))) => for_viewers(health.ok, &public),
        Ok(Err(code)) => {
            for_editors(failure(&format!("internal error {code}; the plugin's log has more under this code")))
        }
        Err(_elapsed) => for_editors(failure("the check did not end within 5 s; a source does not answer")),
    }
}

fn failure(message: &str) -> Health {
    Health { ok: false, message: message.to_owned(), checks: Vec::new() }
}

fn for_editors(health: Health) -> HealthReply {
    let line = |check: &Check| shown(&format!("{}: {}", check.name, check.message));
    let failing: Vec<String> = health.checks.iter().filter(|check| !check.ok).map(line).collect();
    let details = Details {
        message: failing.first().cloned(),
        verbose_message: Some(failing.join("\n")).filter(|text| !text.is_empty()),
        checks: health.checks,
    };
    reply(health.ok, shown(&health.message), &details)
}

fn for_viewers(ok: bool, sources: &[SourceStatus]) -> HealthReply {
    let line = |source: &SourceStatus| match source.message.as_str() {
        "" => format!("{} is {}", source.source, source.state),
        message => format!("{} is {}: {message}", source.source, source.state),
    };
    let mut message = sources.iter().map(line).collect::<Vec<_>>().join("; ");
    if !ok {
        message = format!("not all is well; an editor sees what and why. {message}");
    }
    reply(ok, shown(message.trim_end()), &Details { checks: Vec::new(), message: None, verbose_message: None })
}

fn reply(ok: bool, message: String, details: &Details) -> HealthReply {
    // A plain struct of texts always serializes; an empty body would be as good.
    HealthReply { ok, message, details: serde_json::to_vec(details).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health(ok: bool) -> Health {
        let check = |name: &str, ok, message: &str| Check { name: name.into(), ok, message: message.into() };
        let checks = vec![check("billing a", true, "18 months"), check("billing b", ok, "s3://bucket: denied")];
        Health { ok, message: "newest month 2026-10 at s3://bucket".into(), checks }
    }

    fn details(reply: &HealthReply) -> serde_json::Value {
        serde_json::from_slice(&reply.details).unwrap()
    }

    #[test]
    fn editors_see_every_check() {
        let failed = for_editors(health(false));
        assert!(!failed.ok && failed.message.contains("2026-10"));
        let told = details(&failed);
        assert_eq!(told["message"], "billing b: s3://bucket: denied");
        assert_eq!(told["verboseMessage"], "billing b: s3://bucket: denied");
        assert_eq!(told["checks"][0]["name"], "billing a");
        let told = details(&for_editors(health(true)));
        assert!(told.get("message").is_none() && told["checks"].as_array().is_some_and(|checks| checks.len() == 2));
    }

    #[test]
    fn viewers_see_states_but_no_checks() {
        let source = |source: &str, state: &str, message: &str| SourceStatus {
            source: source.into(),
            state: state.into(),
            generation: 1,
            message: message.into(),
        };
        let sources = [source("a", "ready", ""), source("b", "failed", "the source can't be read")];
        let told = for_viewers(false, &sources);
        assert_eq!(
            told.message,
            "not all is well; an editor sees what and why. a is ready; b is failed: the source can't be read"
        );
        assert_eq!(details(&told), serde_json::json!({ "checks": [] }));
        assert_eq!(for_viewers(true, &sources[..1]).message, "a is ready");
    }
}
