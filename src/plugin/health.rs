//! "Save & test": what was found, check by check. Every viewer may call it, so places and reasons are for editors only.

use std::time::Duration;

use serde::Serialize;

use super::data::guarded;
use super::error::shown;
use super::services::Edge;
use super::wire::Caller;
use crate::app::{Check, Health, Role};

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
        return reply(failure("no datasource in the request; save the datasource and try again"), caller.role);
    };
    let work = guarded(&edge.metrics, async { edge.app.instance(settings).await.health().await });
    let health = match tokio::time::timeout(DEADLINE, work).await {
        Ok(Ok(health)) => health,
        Ok(Err(code)) => failure(&format!("internal error {code}; the plugin's log has more under this code")),
        Err(_elapsed) => failure("the check did not end within 5 s; a source does not answer"),
    };
    reply(health, caller.role)
}

fn failure(message: &str) -> Health {
    Health { ok: false, message: message.to_owned(), checks: Vec::new() }
}

fn reply(health: Health, role: Role) -> HealthReply {
    let editor = role >= Role::Editor;
    let failing: Vec<&Check> = health.checks.iter().filter(|check| !check.ok).collect();
    let message = if editor || health.ok || failing.is_empty() {
        shown(&health.message)
    } else {
        format!("{} of {} checks failed; an editor sees which and why", failing.len(), health.checks.len())
    };
    let told = editor && !health.ok;
    let line = |check: &&Check| shown(&format!("{}: {}", check.name, check.message));
    let lines: Vec<String> = failing.iter().map(line).collect();
    let details = Details {
        message: lines.first().filter(|_| told).cloned(),
        verbose_message: Some(lines.join("\n")).filter(|text| told && !text.is_empty()),
        checks: health.checks.into_iter().filter(|_| editor).collect(),
    };
    // A plain struct of texts always serializes; an empty body would be as good.
    HealthReply { ok: health.ok, message, details: serde_json::to_vec(&details).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(ok: bool, role: Role) -> (String, serde_json::Value) {
        let check = |name: &str, ok, message: &str| Check { name: name.into(), ok, message: message.into() };
        let checks = vec![check("billing a", true, "18 months"), check("billing b", ok, "s3://secret-bucket: denied")];
        let health = Health { ok, message: "newest month 2026-10 at s3://secret-bucket".into(), checks };
        let reply = reply(health, role);
        assert_eq!(reply.ok, ok);
        (reply.message, serde_json::from_slice(&reply.details).unwrap())
    }

    #[test]
    fn editors_see_every_check() {
        let (message, details) = told(false, Role::Editor);
        assert!(message.contains("2026-10"));
        assert_eq!(details["message"], "billing b: s3://secret-bucket: denied");
        assert_eq!(details["verboseMessage"], "billing b: s3://secret-bucket: denied");
        assert_eq!(details["checks"][0]["name"], "billing a");
        let (_, details) = told(true, Role::Admin);
        assert!(details.get("message").is_none() && details["checks"].as_array().is_some_and(|c| c.len() == 2));
    }

    #[test]
    fn viewers_see_that_something_fails_but_not_where() {
        let (message, details) = told(false, Role::Viewer);
        assert_eq!(message, "1 of 2 checks failed; an editor sees which and why");
        assert_eq!(details, serde_json::json!({ "checks": [] }));
    }
}
