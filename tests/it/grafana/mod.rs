//! A stand-in for Grafana: starts the plugin as Grafana does, calls it as Grafana does, ends it as Grafana does.
//! Used by the process tests and by `examples/ask.rs`; knows the wire and no cost.

pub(crate) mod reader;
pub(crate) mod rules;

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use grafana_plugin_sdk::pluginv2 as pb;
use serde::Deserialize;
use tonic::Status;
use tonic::transport::{Channel, Endpoint, Uri};

/// What Grafana sets for every data source; the cookie is the first.
pub(crate) const ENVIRONMENT: [(&str, &str); 5] = [
    ("grafana_plugin_type", "datasource"),
    ("PLUGIN_PROTOCOL_VERSIONS", "2"),
    ("PLUGIN_MIN_PORT", "10000"),
    ("PLUGIN_MAX_PORT", "25000"),
    ("GF_VERSION", "12.3.3"),
];

/// A datasource and its caller, as every call brings them.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct Datasource {
    pub(crate) org_id: i64,
    pub(crate) uid: String,
    pub(crate) name: String,
    pub(crate) updated_ms: i64,
    pub(crate) json_data: serde_json::Value,
    pub(crate) secure_json_data: HashMap<String, String>,
    /// Role of the caller; none at all where Grafana itself calls.
    pub(crate) role: Option<String>,
}

impl Default for Datasource {
    fn default() -> Self {
        Self {
            org_id: 1,
            uid: "outlay".into(),
            name: "Outlay".into(),
            updated_ms: 1_700_000_000_000,
            json_data: serde_json::json!({}),
            secure_json_data: HashMap::new(),
            role: Some("Admin".into()),
        }
    }
}

impl Datasource {
    pub(crate) fn context(&self) -> pb::PluginContext {
        let json_data = match &self.json_data {
            serde_json::Value::Null => Vec::new(),
            value => value.to_string().into_bytes(),
        };
        pb::PluginContext {
            org_id: self.org_id,
            plugin_id: "outlay-hostingcost-datasource".into(),
            user: self.role.as_ref().map(|role| pb::User { role: role.clone(), ..pb::User::default() }),
            data_source_instance_settings: Some(pb::DataSourceInstanceSettings {
                id: 1,
                uid: self.uid.clone(),
                name: self.name.clone(),
                json_data,
                decrypted_secure_json_data: self.secure_json_data.clone(),
                last_updated_ms: self.updated_ms,
                ..pb::DataSourceInstanceSettings::default()
            }),
            ..pb::PluginContext::default()
        }
    }
}

/// One query of a panel.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) ref_id: String,
    pub(crate) json: Vec<u8>,
    pub(crate) query_type: String,
    pub(crate) range_ms: Option<(i64, i64)>,
    pub(crate) interval_ms: i64,
    pub(crate) max_data_points: i64,
}

impl Query {
    /// A query as panels send it: a width, a point count, and Grafana's own fields beside ours.
    pub(crate) fn new(ref_id: &str, mut json: serde_json::Value, range_ms: (i64, i64)) -> Self {
        if let Some(object) = json.as_object_mut() {
            object.insert("refId".into(), ref_id.into());
            object.insert(
                "datasource".into(),
                serde_json::json!({"uid": "outlay", "type": "outlay-hostingcost-datasource"}),
            );
            object.insert("intervalMs".into(), 60_000.into());
            object.insert("maxDataPoints".into(), 1_000.into());
        }
        let json = json.to_string().into_bytes();
        let range_ms = Some(range_ms);
        Self {
            ref_id: ref_id.into(),
            json,
            query_type: String::new(),
            range_ms,
            interval_ms: 60_000,
            max_data_points: 1_000,
        }
    }

    pub(crate) fn message(self) -> pb::DataQuery {
        pb::DataQuery {
            ref_id: self.ref_id,
            max_data_points: self.max_data_points,
            interval_ms: self.interval_ms,
            time_range: self.range_ms.map(|(from, to)| pb::TimeRange { from_epoch_ms: from, to_epoch_ms: to }),
            json: self.json,
            query_type: self.query_type,
        }
    }
}

/// What one refId was answered.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: i32,
    pub(crate) error: String,
    pub(crate) frames: Vec<reader::Frame>,
}

/// What a resource call was answered.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) code: i32,
    pub(crate) headers: HashMap<String, pb::StringList>,
    pub(crate) body: Vec<u8>,
}

impl Resource {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// How a plugin ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    /// Whatever came on standard output after the handshake.
    pub(crate) stdout: String,
    pub(crate) stderr: Vec<String>,
}

/// A started plugin with an open connection.
#[derive(Debug)]
pub(crate) struct Grafana {
    child: Child,
    pub(crate) channel: Channel,
    pub(crate) handshake: String,
    stdout: Arc<Mutex<String>>,
    stderr: Arc<Mutex<Vec<String>>>,
    readers: Vec<std::thread::JoinHandle<()>>,
}

/// The command that Grafana would run, with pipes for both outputs.
pub(crate) fn command(plugin: &Path, environment: &BTreeMap<String, String>) -> Command {
    let mut command = Command::new(plugin);
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in ["PATH", "HOME", "TMPDIR", "SystemRoot"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.envs(environment);
    command
}

impl Grafana {
    /// Starts the plugin, waits for its line, and connects.
    pub(crate) async fn start(plugin: &Path, environment: &BTreeMap<String, String>) -> Result<Self, String> {
        let mut all: BTreeMap<String, String> =
            ENVIRONMENT.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        all.extend(environment.clone());
        let mut child = command(plugin, &all).spawn().map_err(|error| format!("{}: {error}", plugin.display()))?;
        let stdout = child.stdout.take().ok_or("no standard output")?;
        let stderr = child.stderr.take().ok_or("no standard error")?;
        let (lines, rest) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(String::new())));
        let (line_out, line_in) = tokio::sync::oneshot::channel();
        let readers = vec![
            std::thread::spawn({
                let rest = Arc::clone(&rest);
                move || read_stdout(stdout, line_out, &rest)
            }),
            std::thread::spawn({
                let lines = Arc::clone(&lines);
                move || {
                    for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
                        lock(&lines).push(String::from_utf8_lossy(&line).into_owned());
                    }
                }
            }),
        ];
        let handshake = tokio::time::timeout(Duration::from_secs(60), line_in).await;
        let handshake = match handshake {
            Ok(Ok(line)) => line,
            _ => {
                child.kill().ok();
                child.wait().ok();
                return Err(format!("no handshake; standard error says {:?}", lock(&lines)));
            }
        };
        let channel = connect(&handshake).await?;
        Ok(Self { child, channel, handshake, stdout: rest, stderr: lines, readers })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Lines on standard error until now.
    pub(crate) fn stderr(&self) -> Vec<String> {
        lock(&self.stderr).clone()
    }

    /// The raw QueryData call.
    pub(crate) async fn query_data(
        &self,
        context: Option<pb::PluginContext>,
        headers: &[(&str, &str)],
        queries: Vec<pb::DataQuery>,
        timeout: Option<Duration>,
    ) -> Result<pb::QueryDataResponse, Status> {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut request = tonic::Request::new(pb::QueryDataRequest { plugin_context: context, headers, queries });
        if let Some(timeout) = timeout {
            request.set_timeout(timeout);
        }
        let mut client =
            pb::data_client::DataClient::new(self.channel.clone()).max_decoding_message_size(i32::MAX as usize);
        client.query_data(request).await.map(tonic::Response::into_inner)
    }

    /// One panel: every refId's answer, read as strictly as Grafana reads.
    pub(crate) async fn query(
        &self,
        datasource: &Datasource,
        headers: &[(&str, &str)],
        queries: Vec<Query>,
    ) -> Result<BTreeMap<String, Answered>, String> {
        let queries = queries.into_iter().map(Query::message).collect();
        let response = self.query_data(Some(datasource.context()), headers, queries, None).await;
        read_response(response.map_err(|status| status.to_string())?)
    }

    pub(crate) async fn health(&self, datasource: &Datasource) -> Result<pb::CheckHealthResponse, Status> {
        let request = pb::CheckHealthRequest { plugin_context: Some(datasource.context()), headers: HashMap::new() };
        pb::diagnostics_client::DiagnosticsClient::new(self.channel.clone())
            .check_health(request)
            .await
            .map(tonic::Response::into_inner)
    }

    pub(crate) async fn metrics(&self) -> Result<String, Status> {
        let context = pb::PluginContext { plugin_id: "outlay-hostingcost-datasource".into(), ..Default::default() };
        let request = pb::CollectMetricsRequest { plugin_context: Some(context) };
        let response =
            pb::diagnostics_client::DiagnosticsClient::new(self.channel.clone()).collect_metrics(request).await?;
        let bytes = response.into_inner().metrics.unwrap_or_default().prometheus;
        String::from_utf8(bytes).map_err(|error| Status::internal(error.to_string()))
    }

    /// A resource call; like Grafana, only the first message's code and headers count.
    pub(crate) async fn resource(
        &self,
        datasource: &Datasource,
        method: &str,
        url: &str,
        body: Vec<u8>,
    ) -> Result<Resource, Status> {
        let request = pb::CallResourceRequest {
            plugin_context: Some(datasource.context()),
            path: url.split('?').next().unwrap_or_default().to_owned(),
            method: method.into(),
            url: url.into(),
            headers: HashMap::new(),
            body: body.into(),
        };
        let mut client = pb::resource_client::ResourceClient::new(self.channel.clone());
        let mut stream = client.call_resource(request).await?.into_inner();
        let first = stream.message().await?.ok_or_else(|| Status::internal("no message"))?;
        let mut resource = Resource { code: first.code, headers: first.headers, body: first.body.to_vec() };
        while let Some(more) = stream.message().await? {
            resource.body.extend_from_slice(&more.body);
        }
        Ok(resource)
    }

    /// Any unary call whose messages are both empty, by path: go-plugin's own services.
    pub(crate) async fn empty_call(&self, path: &'static str) -> Result<(), Status> {
        let mut grpc = tonic::client::Grpc::new(self.channel.clone());
        grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let codec = tonic::codec::ProstCodec::<(), ()>::default();
        grpc.unary(tonic::Request::new(()), http::uri::PathAndQuery::from_static(path), codec)
            .await
            .map(tonic::Response::into_inner)
    }

    /// Ends the plugin as Grafana does: Shutdown, two seconds, SIGKILL.
    pub(crate) async fn stop(self) -> Ended {
        let started = Instant::now();
        // Like Grafana, whatever it answers is ignored.
        let _answer = self.empty_call("/plugin.GRPCController/Shutdown").await;
        self.ended(started).await
    }

    /// Waits up to two seconds for the process to end by itself.
    pub(crate) async fn ended(mut self, started: Instant) -> Ended {
        drop(self.channel);
        let mut status: Option<ExitStatus> = None;
        while status.is_none() && started.elapsed() < Duration::from_secs(2) {
            status = self.child.try_wait().ok().flatten();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if status.is_none() {
            self.child.kill().ok();
            self.child.wait().ok();
        }
        for reader in self.readers {
            reader.join().ok();
        }
        let stdout = lock(&self.stdout).clone();
        let stderr = lock(&self.stderr).clone();
        Ended { code: status.and_then(|status| status.code()), stdout, stderr }
    }

    /// SIGKILL, and gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The first line goes to whoever waits for it, all later bytes are kept: there should be none.
fn read_stdout(stdout: impl Read, first: tokio::sync::oneshot::Sender<String>, rest: &Mutex<String>) {
    let mut reader = BufReader::new(stdout);
    let mut line = String::new();
    if reader.read_line(&mut line).is_ok() && line.ends_with('\n') {
        first.send(line.trim_end().to_owned()).ok();
    }
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).ok();
    *lock(rest) = String::from_utf8_lossy(&bytes).into_owned();
}

/// Reads the handshake as go-plugin does, and connects.
async fn connect(handshake: &str) -> Result<Channel, String> {
    let parts: Vec<&str> = handshake.split('|').collect();
    let [core, protocol, network, address, "grpc"] = parts.as_slice() else {
        return Err(format!("no handshake of five parts: {handshake}"));
    };
    if (*core, *protocol) != ("1", "2") {
        return Err(format!("wrong versions: {handshake}"));
    }
    let endpoint = match *network {
        "tcp" => return connect_tcp(address).await,
        "unix" => Endpoint::from_static("http://unused"),
        _ => return Err(format!("unknown network: {handshake}")),
    };
    #[cfg(unix)]
    {
        let address = (*address).to_owned();
        let connector = tower::service_fn(move |_: Uri| {
            let address = address.clone();
            async move { tokio::net::UnixStream::connect(address).await.map(hyper_util::rt::TokioIo::new) }
        });
        endpoint.connect_with_connector(connector).await.map_err(|error| format!("{handshake}: {error:?}"))
    }
    #[cfg(not(unix))]
    Err(format!("no unix sockets here: {handshake}, {endpoint:?}, {:?}", Uri::default()))
}

async fn connect_tcp(address: &str) -> Result<Channel, String> {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).map_err(|error| error.to_string())?;
    endpoint.connect().await.map_err(|error| error.to_string())
}

/// Reads all refIds of a response; one unreadable frame fails all, as in Grafana.
pub(crate) fn read_response(response: pb::QueryDataResponse) -> Result<BTreeMap<String, Answered>, String> {
    let mut answers = BTreeMap::new();
    for (ref_id, response) in BTreeMap::from_iter(response.responses) {
        if response.status == 0 {
            return Err(format!("{ref_id}: status 0 is shown as 500"));
        }
        let frames: Result<Vec<reader::Frame>, String> =
            response.frames.iter().map(|bytes| reader::read(bytes)).collect();
        let frames = frames.map_err(|error| format!("{ref_id}: {error}"))?;
        if let Some(frame) = frames.iter().find(|frame| frame.ref_id != ref_id) {
            return Err(format!("{ref_id}: a frame says it is of {}", frame.ref_id));
        }
        answers.insert(ref_id, Answered { status: response.status, error: response.error, frames });
    }
    Ok(answers)
}
