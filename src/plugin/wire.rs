//! Grafana's messages and ours, both ways. Secrets leave the messages here, at once; no message is ever formatted,
//! since all of them print decrypted secrets. Knows nothing of what is answered.

use std::collections::HashMap;

use grafana_plugin_sdk::pluginv2 as pb;
use secrecy::SecretString;

use super::health::HealthReply;
use super::resource::{ResourceCall, ResourceReply};
use crate::app::{DatasourceSettings, Role};
use crate::model::{Instant, Period};

/// Who calls, about which datasource.
#[derive(Debug)]
pub(super) struct Caller {
    /// Rights; the least where the role is unknown, empty or absent.
    pub role: Role,
    /// The datasource; absent where Grafana names none.
    pub settings: Option<DatasourceSettings>,
}

/// All queries of one panel for one datasource.
#[derive(Debug)]
pub(super) struct Asked {
    pub caller: Caller,
    /// True for alert rules. Any caller may say so: it steers shape and deadline, never rights.
    pub from_alert: bool,
    pub queries: Vec<AskedQuery>,
}

/// One query as it came.
#[derive(Debug)]
pub(super) struct AskedQuery {
    pub ref_id: String,
    pub json: Vec<u8>,
    pub query_type: String,
    pub period: Period,
    pub interval_ms: i64,
    pub max_data_points: i64,
}

/// The answer to one refId.
#[derive(Debug)]
pub(super) struct Reply {
    pub ref_id: String,
    /// Arrow files.
    pub frames: Vec<Vec<u8>>,
    /// HTTP status; 200 where there is no error.
    pub status: u16,
    /// What failed and what to do; empty for nothing.
    pub error: String,
}

/// Takes a call's context apart.
pub(super) fn caller(context: Option<pb::PluginContext>) -> Caller {
    let Some(context) = context else { return Caller { role: Role::Viewer, settings: None } };
    let role = context.user.map_or(Role::Viewer, |user| role(&user.role));
    let settings = context.data_source_instance_settings.map(|settings| DatasourceSettings {
        org_id: context.org_id,
        uid: settings.uid,
        name: settings.name,
        updated_ms: settings.last_updated_ms,
        json_data: settings.json_data,
        secrets: settings
            .decrypted_secure_json_data
            .into_iter()
            .map(|(key, secret)| (key, SecretString::from(secret)))
            .collect(),
    });
    Caller { role, settings }
}

/// Shared dashboards say "", users without a role "None", later Grafanas perhaps more: never an error.
fn role(name: &str) -> Role {
    match name {
        "Admin" => Role::Admin,
        "Editor" => Role::Editor,
        _ => Role::Viewer,
    }
}

/// Takes a request of queries apart.
pub(super) fn asked(request: pb::QueryDataRequest) -> Asked {
    let from_alert =
        request.headers.iter().any(|(name, value)| name.eq_ignore_ascii_case("FromAlert") && value == "true");
    let queries = request.queries.into_iter().map(|query| AskedQuery {
        ref_id: query.ref_id,
        json: query.json,
        query_type: query.query_type,
        period: query.time_range.map_or(Period { start: Instant(0), end: Instant(0) }, |range| Period {
            start: instant(range.from_epoch_ms),
            end: instant(range.to_epoch_ms),
        }),
        interval_ms: query.interval_ms,
        max_data_points: query.max_data_points,
    });
    Asked { caller: caller(request.plugin_context), from_alert, queries: queries.collect() }
}

/// Milliseconds as an instant. What lies beyond 1684 or 2255 becomes that edge: no bill lies there, and day arithmetic
/// still works.
fn instant(epoch_ms: i64) -> Instant {
    const EDGE: i64 = 9_000_000_000_000_000_000;
    Instant(epoch_ms.saturating_mul(1_000_000).clamp(-EDGE, EDGE))
}

/// All answers of one request.
pub(super) fn answered(replies: Vec<Reply>) -> pb::QueryDataResponse {
    let responses = replies.into_iter().map(|reply| {
        let response = pb::DataResponse {
            frames: reply.frames,
            error: reply.error,
            json_meta: Vec::new(),
            status: i32::from(reply.status),
        };
        (reply.ref_id, response)
    });
    pb::QueryDataResponse { responses: responses.collect() }
}

/// A health check's result.
pub(super) fn health(reply: HealthReply) -> pb::CheckHealthResponse {
    use pb::check_health_response::HealthStatus;
    let status = if reply.ok { HealthStatus::Ok } else { HealthStatus::Error };
    pb::CheckHealthResponse { status: status.into(), message: reply.message, json_details: reply.details }
}

/// Counters as Prometheus text.
pub(super) fn metrics(text: String) -> pb::CollectMetricsResponse {
    let payload = pb::collect_metrics_response::Payload { prometheus: text.into_bytes() };
    pb::CollectMetricsResponse { metrics: Some(payload) }
}

/// Takes a resource call apart.
pub(super) fn resource_call(request: pb::CallResourceRequest) -> ResourceCall {
    ResourceCall {
        caller: caller(request.plugin_context),
        path: request.path,
        method: request.method,
        url: request.url,
        body_len: request.body.len(),
    }
}

/// A resource call's answer.
pub(super) fn resource_reply(reply: ResourceReply) -> pb::CallResourceResponse {
    let headers: HashMap<String, pb::StringList> = reply
        .headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), pb::StringList { values: vec![value] }))
        .collect();
    pb::CallResourceResponse { code: i32::from(reply.code), headers, body: reply.body.into() }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn unknown_roles_have_the_least_rights() {
        for (name, expected) in [
            ("Admin", Role::Admin),
            ("Editor", Role::Editor),
            ("Viewer", Role::Viewer),
            ("None", Role::Viewer),
            ("", Role::Viewer),
            ("admin", Role::Viewer),
            ("Root", Role::Viewer),
        ] {
            let user = pb::User { role: name.into(), ..Default::default() };
            let context = pb::PluginContext { user: Some(user), ..Default::default() };
            assert_eq!(caller(Some(context)).role, expected, "{name}");
        }
        assert_eq!(caller(Some(pb::PluginContext::default())).role, Role::Viewer);
        assert_eq!(caller(None).role, Role::Viewer);
    }

    #[test]
    fn secrets_arrive_whole_and_print_as_nothing() {
        let settings = pb::DataSourceInstanceSettings {
            uid: "u".into(),
            decrypted_secure_json_data: HashMap::from([("billing.a.secretAccessKey".into(), "canary".into())]),
            ..Default::default()
        };
        let context =
            pb::PluginContext { org_id: 7, data_source_instance_settings: Some(settings), ..Default::default() };
        let caller = caller(Some(context));
        assert!(!format!("{caller:?}").contains("canary"));
        let settings = caller.settings.unwrap();
        assert_eq!((settings.org_id, settings.uid.as_str()), (7, "u"));
        assert_eq!(settings.secrets["billing.a.secretAccessKey"].expose_secret(), "canary");
    }

    #[test]
    fn times_beyond_all_years_end_at_their_edge() {
        let range = |from, to| {
            let time_range = Some(pb::TimeRange { from_epoch_ms: from, to_epoch_ms: to });
            let query = pb::DataQuery { time_range, ..Default::default() };
            asked(pb::QueryDataRequest { queries: vec![query], ..Default::default() }).queries[0].period
        };
        let all = range(i64::MIN, i64::MAX);
        assert_eq!(range(-1, 1), Period { start: Instant(-1_000_000), end: Instant(1_000_000) });
        // Such instants stand in the error text.
        assert_eq!(format!("{:?} {:?}", all.start.day(), all.end.day()), "1684-10-19 2255-03-14");
    }

    #[test]
    fn alerts_are_told_by_their_header() {
        let alert = |name: &str, value: &str| {
            let headers = HashMap::from([(name.to_owned(), value.to_owned())]);
            asked(pb::QueryDataRequest { headers, ..Default::default() }).from_alert
        };
        assert!(alert("FromAlert", "true") && alert("fromalert", "true"));
        assert!(!alert("FromAlert", "false") && !alert("http_X-Grafana-From-Expr", "true"));
    }
}
