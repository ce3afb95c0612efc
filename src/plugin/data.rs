//! A request of queries in, one reply per refId out: a bad query, even one that panics, fails alone and never late.
//! Knows neither messages nor how anything is answered.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use tokio::time::Instant as Moment;

use super::error::QueryError;
use super::frames::{self, Limits};
use super::log;
use super::metrics::{Metrics, Running};
use super::services::Edge;
use super::wire::{Asked, AskedQuery, Reply};
use crate::app::{DatasourceSettings, Instance};
use crate::query::{self, PanelQuery, Request};

/// A panel's person waits no longer than this; panels bring no deadline of their own.
const PANEL_DEADLINE: Duration = Duration::from_secs(10);
/// Alert rules are given up by Grafana after 30 s.
const ALERT_DEADLINE: Duration = Duration::from_secs(25);
/// A caller's deadline cancels the whole request, so ours comes earlier by this: then the siblings keep their answers.
const MARGIN: Duration = Duration::from_secs(1);
const MOST_QUERIES: usize = 100;
const LONGEST_QUERY: usize = 256 * 1024;
/// Queries of one request that are answered at once, so that one panel never fills the queue by itself.
const AT_ONCE: usize = 8;
/// Most bytes of all frames of a response together.
const RESPONSE_MIB: usize = 32;
/// Answers of more values than this are written as frames off the request threads.
const FEW_CELLS: usize = 20_000;

/// Answers all queries of one request. Dropping the future stops them.
pub(super) async fn answer_all(edge: &Edge, asked: Asked, timeout: Option<Duration>) -> Vec<Reply> {
    let started = Moment::now();
    let deadline = started + time_to_answer(asked.from_alert, timeout);
    let mut seen = BTreeMap::<String, usize>::new();
    for query in &asked.queries {
        *seen.entry(query.ref_id.clone()).or_default() += 1;
    }
    let mut told = BTreeSet::new();
    let queries: Vec<AskedQuery> =
        asked.queries.into_iter().filter(|query| told.insert(query.ref_id.clone())).collect();
    let found = queries.len();
    let instance = find_instance(edge, asked.caller.settings, deadline).await;
    let lane = Lane { edge, deadline, started, from_alert: asked.from_alert };
    let replies = queries.into_iter().enumerate().map(|(place, query)| {
        let refused = if seen.get(&query.ref_id).is_some_and(|count| *count > 1) {
            Some(QueryError::DuplicateRefId { ref_id: query.ref_id.clone() })
        } else if place >= MOST_QUERIES {
            Some(QueryError::TooManyQueries { found, limit: MOST_QUERIES })
        } else {
            None
        };
        lane.reply(query, &instance, refused)
    });
    let mut replies: Vec<Reply> = futures::stream::iter(replies).buffered(AT_ONCE).collect().await;
    bound_response(&mut replies);
    replies
}

fn time_to_answer(from_alert: bool, timeout: Option<Duration>) -> Duration {
    let own = if from_alert { ALERT_DEADLINE } else { PANEL_DEADLINE };
    match timeout {
        None => own,
        Some(timeout) => own.min(timeout.saturating_sub(MARGIN).max(timeout / 2)),
    }
}

/// What stands behind the datasource of a request.
enum Found {
    Instance(Arc<Instance>),
    NoDatasource,
    Late,
    Panicked(String),
}

async fn find_instance(edge: &Edge, settings: Option<DatasourceSettings>, deadline: Moment) -> Found {
    let Some(settings) = settings else { return Found::NoDatasource };
    let found = guarded(&edge.metrics, edge.app.instance(settings));
    match tokio::time::timeout_at(deadline, found).await {
        Ok(Ok(instance)) => Found::Instance(instance),
        Ok(Err(code)) => Found::Panicked(code),
        Err(_elapsed) => Found::Late,
    }
}

/// What the queries of one request share.
struct Lane<'e> {
    edge: &'e Edge,
    deadline: Moment,
    started: Moment,
    from_alert: bool,
}

impl Lane<'_> {
    async fn reply(&self, query: AskedQuery, found: &Found, refused: Option<QueryError>) -> Reply {
        let mut running = self.edge.metrics.running();
        let ref_id = query.ref_id.clone();
        let result = match refused {
            Some(error) => Err(error),
            None => {
                let work = guarded(&self.edge.metrics, self.answer(query, found, &mut running));
                match tokio::time::timeout_at(self.deadline, work).await {
                    Ok(Ok(result)) => result,
                    Ok(Err(code)) => Err(QueryError::Panic { code }),
                    Err(_elapsed) => Err(self.late()),
                }
            }
        };
        match result {
            Ok(frames) => {
                running.ended("ok");
                Reply { ref_id, frames, status: 200, error: String::new() }
            }
            Err(error) => {
                running.ended(error.verdict().outcome);
                failed(ref_id, &error)
            }
        }
    }

    async fn answer(
        &self,
        query: AskedQuery,
        found: &Found,
        running: &mut Running<'_>,
    ) -> Result<Vec<Vec<u8>>, QueryError> {
        if query.json.len() > LONGEST_QUERY {
            return Err(QueryError::QueryTooLong { found: query.json.len(), limit: LONGEST_QUERY });
        }
        let panel_query = PanelQuery::parse(&query.json, &query.query_type).map_err(query::Error::from)?;
        running.is(panel_query.kind());
        let instance = match found {
            Found::Instance(instance) => instance,
            Found::NoDatasource => return Err(QueryError::NoDatasource),
            Found::Late => return Err(self.late()),
            Found::Panicked(code) => return Err(QueryError::Panic { code: code.clone() }),
        };
        let request = Request {
            query: panel_query,
            period: query.period,
            interval_ms: query.interval_ms,
            max_data_points: query.max_data_points,
            from_alert: self.from_alert,
        };
        let answer = instance.answer(request).await?;
        let rows = self.edge.app.operator.row_limit;
        let limits = if self.from_alert { Limits::alert(rows) } else { Limits::panel(rows) };
        let cells: usize = answer.frames.iter().flat_map(|frame| &frame.fields).map(|field| field.values.len()).sum();
        if cells <= FEW_CELLS {
            return Ok(frames::encode(&answer, &query.ref_id, limits)?);
        }
        // Bounded by the limits, which are looked at first, so it may outlive a cancelled request for a moment.
        match tokio::task::spawn_blocking(move || frames::encode(&answer, &query.ref_id, limits)).await {
            Ok(frames) => Ok(frames?),
            Err(_panicked) => Err(QueryError::Panic { code: panicked(&self.edge.metrics) }),
        }
    }

    fn late(&self) -> QueryError {
        QueryError::Deadline { elapsed_ms: self.started.elapsed().as_millis() }
    }
}

/// The future's result, or the code under which its panic was logged.
pub(super) async fn guarded<T>(metrics: &Metrics, work: impl Future<Output = T>) -> Result<T, String> {
    // What a panicking query leaves behind is dropped with it; what it shares is behind locks that survive a panic.
    AssertUnwindSafe(work).catch_unwind().await.map_err(|_payload: Box<dyn Any + Send>| panicked(metrics))
}

fn panicked(metrics: &Metrics) -> String {
    metrics.panicked();
    let code = log::panic_code();
    tracing::error!(code, "a query or call failed alone");
    code
}

fn failed(ref_id: String, error: &QueryError) -> Reply {
    let (verdict, text) = (error.verdict(), error.text());
    if verdict.status >= 500 {
        tracing::warn!(status = verdict.status, outcome = verdict.outcome, error = text, "a query has no answer");
    } else {
        tracing::debug!(status = verdict.status, outcome = verdict.outcome, error = text, "a query has no answer");
    }
    Reply { ref_id, frames: Vec::new(), status: verdict.status, error: text }
}

/// Replaces answers that no longer fit into the response, in the order of the queries.
fn bound_response(replies: &mut [Reply]) {
    let mut bytes = 0_usize;
    for reply in replies {
        let own: usize = reply.frames.iter().map(Vec::len).sum();
        if bytes.saturating_add(own) > RESPONSE_MIB * 1024 * 1024 {
            let ref_id = std::mem::take(&mut reply.ref_id);
            *reply = failed(ref_id, &QueryError::ResponseTooLarge { limit_mib: RESPONSE_MIB });
        } else {
            bytes += own;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_deadline_comes_before_the_callers() {
        let seconds = Duration::from_secs_f64;
        for (from_alert, timeout, expected) in [
            (false, None, 10.0),
            (true, None, 25.0),
            (true, Some(30.0), 25.0),
            (true, Some(20.0), 19.0),
            (false, Some(1.5), 0.75),
            (false, Some(0.05), 0.025),
        ] {
            assert_eq!(time_to_answer(from_alert, timeout.map(seconds)), seconds(expected), "{timeout:?}");
        }
    }

    #[tokio::test]
    async fn a_panic_fails_alone_and_is_counted() {
        let metrics = Metrics::default();
        let work = async {
            tokio::task::yield_now().await;
            assert!(metrics.text().is_empty(), "secret");
        };
        let code = guarded(&metrics, work).await.unwrap_err();
        assert_eq!(code.len(), 8);
        assert!(metrics.text().contains("outlay_panics_total 1\n"));
        assert_eq!(guarded(&metrics, async { 7 }).await, Ok(7));
    }

    #[test]
    fn what_does_not_fit_into_the_response_is_told() {
        let reply = |ref_id: &str, mib: usize| Reply {
            ref_id: ref_id.into(),
            frames: vec![vec![0; mib * 1024 * 1024]],
            status: 200,
            error: String::new(),
        };
        let mut replies = [reply("A", 20), reply("B", 20), reply("C", 12)];
        bound_response(&mut replies);
        let told: Vec<(&str, u16, usize)> =
            replies.iter().map(|r| (r.ref_id.as_str(), r.status, r.frames.len())).collect();
        assert_eq!(told, [("A", 200, 1), ("B", 400, 0), ("C", 200, 1)]);
        assert!(replies[1].error.contains("32 MiB"));
    }
}
