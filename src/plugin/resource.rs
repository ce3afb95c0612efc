//! The closed table of routes behind the editors: pick lists, states, and the order to look again.
//! A request path is compared, never used: it becomes no file and no address.

use std::time::Duration;

use serde::Serialize;

use super::data::guarded;
use super::error::{self, shown};
use super::services::Edge;
use super::wire::Caller;
use crate::app::{Instance, Role, ValuesRequest};
use crate::query::request::Filter;

const DEADLINE: Duration = Duration::from_secs(10);
const LONGEST_BODY: usize = 256 * 1024;
const LONGEST_URL: usize = 4 * 1024;
const LONGEST_ANSWER: usize = 4 * 1024 * 1024;
const DEFAULT_LIMIT: usize = 1_000;
const MOST_VALUES: usize = 10_000;

/// A call as it came.
#[derive(Debug)]
pub(super) struct ResourceCall {
    pub caller: Caller,
    pub path: String,
    pub method: String,
    /// Path and query.
    pub url: String,
    /// No route reads a body; only its size is looked at.
    pub body_len: usize,
}

/// What a call is answered with.
#[derive(Debug)]
pub(super) struct ResourceReply {
    pub code: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    Dimensions,
    Values,
    Status,
    Refresh,
}

impl Route {
    /// The route of a path, compared whole: whatever is encoded, doubled, dotted or longer is no route.
    fn of(path: &str) -> Option<Self> {
        Some(match path {
            "dimensions" => Self::Dimensions,
            "values" => Self::Values,
            "status" => Self::Status,
            "refresh" => Self::Refresh,
            _ => return None,
        })
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Dimensions => "dimensions",
            Self::Values => "values",
            Self::Status => "status",
            Self::Refresh => "refresh",
        }
    }

    const fn method(self) -> &'static str {
        match self {
            Self::Dimensions | Self::Values | Self::Status => "GET",
            Self::Refresh => "POST",
        }
    }

    const fn least_role(self) -> Role {
        match self {
            Self::Dimensions | Self::Values | Self::Status => Role::Viewer,
            Self::Refresh => Role::Editor,
        }
    }
}

/// Answers one call; every failure is a reply too.
pub(super) async fn call(edge: &Edge, call: ResourceCall) -> ResourceReply {
    let route = Route::of(&call.path);
    let reply = match admit(route, &call) {
        Ok(route) => {
            let work = guarded(&edge.metrics, answer(edge, route, call));
            match tokio::time::timeout(DEADLINE, work).await {
                Ok(Ok(Ok(reply) | Err(reply))) => reply,
                Ok(Err(code)) => {
                    fault(500, &format!("internal error {code}; the plugin's log has more under this code"))
                }
                Err(_elapsed) => fault(504, "no answer after 10 s; try again with a narrower search"),
            }
        }
        Err(reply) => reply,
    };
    edge.metrics.resource(route.map_or("unknown", Route::name), reply.code);
    reply
}

/// Route, method, role and sizes, in this order: nothing is read before the caller may.
fn admit(route: Option<Route>, call: &ResourceCall) -> Result<Route, ResourceReply> {
    let route = route.ok_or_else(|| fault(404, "no such route; there are dimensions, values, status and refresh"))?;
    if call.method != route.method() {
        let mut reply = fault(405, &format!("{} takes {} only", route.name(), route.method()));
        reply.headers.push(("Allow", route.method().to_owned()));
        return Err(reply);
    }
    if call.caller.role < route.least_role() {
        return Err(fault(403, &format!("{} is for editors and administrators", route.name())));
    }
    if call.body_len > LONGEST_BODY {
        return Err(fault(413, &format!("the body is {} bytes long, at most {LONGEST_BODY} may be", call.body_len)));
    }
    if call.url.len() > LONGEST_URL {
        return Err(fault(414, &format!("the address is {} bytes long, at most {LONGEST_URL} may be", call.url.len())));
    }
    Ok(route)
}

async fn answer(edge: &Edge, route: Route, call: ResourceCall) -> Result<ResourceReply, ResourceReply> {
    let role = call.caller.role;
    let settings = call.caller.settings.ok_or_else(|| fault(400, "the request names no datasource"))?;
    let wanted = if route == Route::Values { Some(values_request(&call.url)?) } else { None };
    let instance = edge.app.instance(settings).await;
    match route {
        Route::Dimensions => Ok(json(200, &instance.dimensions().await)),
        Route::Values => values(&instance, wanted.unwrap_or_default()).await,
        Route::Status => Ok(json(200, &instance.status(role).await)),
        Route::Refresh => match instance.refresh() {
            Ok(()) => Ok(json(202, &Said { message: "all sources are looked at now" })),
            Err(seconds) => {
                let mut reply = fault(429, &format!("the sources were looked at just now; try again in {seconds} s"));
                reply.headers.push(("Retry-After", seconds.to_string()));
                Err(reply)
            }
        },
    }
}

async fn values(instance: &Instance, request: ValuesRequest) -> Result<ResourceReply, ResourceReply> {
    let values = instance.values(request).await;
    values.map(|values| json(200, &values)).map_err(|error| fault(error::verdict(&error).status, &error.to_string()))
}

/// Reads `dimension`, `search`, `limit` and `filters` (the JSON of a query's `filters`); others are tolerated.
fn values_request(url: &str) -> Result<ValuesRequest, ResourceReply> {
    let query = url.split_once('?').map_or("", |(_path, query)| query);
    let mut request = ValuesRequest { limit: DEFAULT_LIMIT, ..ValuesRequest::default() };
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "dimension" => request.dimension = value.into_owned(),
            "search" => request.search = value.into_owned(),
            "limit" => {
                let limit = value.parse::<usize>().ok().filter(|limit| (1..=MOST_VALUES).contains(limit));
                request.limit = limit.ok_or_else(|| fault(400, "limit should be a number from 1 to 10000"))?;
            }
            "filters" if value.is_empty() => {}
            "filters" => {
                request.filters = serde_json::from_str::<Vec<Filter>>(&value)
                    .map_err(|error| fault(400, &format!("filters should be a JSON array of filters: {error}")))?;
            }
            _ => {}
        }
    }
    if request.dimension.is_empty() {
        return Err(fault(400, "values needs a dimension, e.g. values?dimension=ServiceName"));
    }
    Ok(request)
}

#[derive(Serialize)]
struct Said<'a> {
    message: &'a str,
}

fn fault(code: u16, message: &str) -> ResourceReply {
    json(code, &Said { message: &shown(message) })
}

fn json(code: u16, value: &impl Serialize) -> ResourceReply {
    let body = serde_json::to_vec(value).unwrap_or_default();
    if body.len() > LONGEST_ANSWER {
        return fault(400, "the answer is longer than 4 MiB; ask with a search or a smaller limit");
    }
    let headers = vec![
        ("Content-Type", "application/json".to_owned()),
        ("Cache-Control", "no-store".to_owned()),
        ("X-Content-Type-Options", "nosniff".to_owned()),
    ];
    ResourceReply { code, headers, body }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::request::Operator;

    fn admitted(path: &str, method: &str, role: Role, body_len: usize) -> u16 {
        let caller = Caller { role, settings: None };
        let call = ResourceCall { caller, path: path.into(), method: method.into(), url: path.into(), body_len };
        match admit(Route::of(path), &call) {
            Ok(_) => 200,
            Err(reply) => {
                let told: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
                assert!(told["message"].as_str().is_some_and(|message| !message.is_empty()));
                reply.code
            }
        }
    }

    #[test]
    fn the_table_of_routes_is_closed() {
        for path in ["dimensions", "values", "status"] {
            assert_eq!(admitted(path, "GET", Role::Viewer, 0), 200, "{path}");
            assert_eq!(admitted(path, "POST", Role::Admin, 0), 405, "{path}");
        }
        for path in [
            "",
            "/",
            "dimensions/",
            "/dimensions",
            "//dimensions",
            "./dimensions",
            "../dimensions",
            "a/../dimensions",
            "%64imensions",
            "dimensions%00",
            "dimensions\0",
            "Dimensions",
            "dimensions?x",
            "%2e%2e",
            "values\\..",
            "kpis",
            "values;x",
            "dimensions\n",
            "dimensions ",
            "status/..",
            "..%2fstatus",
            "ｓtatus",
        ] {
            assert_eq!(admitted(path, "GET", Role::Admin, 0), 404, "{path:?}");
        }
    }

    #[test]
    fn only_editors_may_ask_for_a_refresh() {
        assert_eq!(admitted("refresh", "POST", Role::Viewer, 0), 403);
        assert_eq!(admitted("refresh", "POST", Role::Editor, 0), 200);
        assert_eq!(admitted("refresh", "GET", Role::Viewer, 0), 405);
        assert_eq!(admitted("refresh", "POST", Role::Viewer, LONGEST_BODY + 1), 403);
        assert_eq!(admitted("refresh", "POST", Role::Admin, LONGEST_BODY + 1), 413);
    }

    #[test]
    fn values_are_asked_for_by_parameters() {
        let request = values_request(
            "values?dimension=Tags.env&search=pr%20od&limit=5&x=1&filters=%5B%7B%22key%22%3A%22Market%22%2C%22operator%22%3A%22%21%3D%22%2C%22values%22%3A%5B%22APAC%22%5D%7D%5D",
        )
        .unwrap();
        assert_eq!((request.dimension.as_str(), request.search.as_str(), request.limit), ("Tags.env", "pr od", 5));
        let [filter] = request.filters.as_slice() else { panic!("{request:?}") };
        assert_eq!((filter.key.as_str(), filter.operator), ("Market", Operator::Differs));
        for (url, text) in [
            ("values", "needs a dimension"),
            ("values?dimension=", "needs a dimension"),
            ("values?dimension=a&limit=0", "limit should be"),
            ("values?dimension=a&limit=-1", "limit should be"),
            ("values?dimension=a&limit=10001", "limit should be"),
            ("values?dimension=a&filters={", "filters should be"),
        ] {
            let reply = values_request(url).unwrap_err();
            assert_eq!(reply.code, 400, "{url}");
            assert!(String::from_utf8(reply.body).unwrap().contains(text), "{url}");
        }
    }

    #[test]
    fn long_answers_are_refused_rather_than_cut() {
        let reply = json(200, &vec!["x".repeat(1024); 5_000]);
        assert_eq!(reply.code, 400);
        assert!(reply.body.len() < 200);
    }
}
