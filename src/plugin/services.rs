//! The gRPC services that Grafana calls, each a few lines: message in, our room asked, message out.
//! They implement the protocol's own traits, not the SDK's: those would log requests with their decrypted secrets.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use grafana_plugin_sdk::pluginv2 as pb;
use tonic::codegen::{Body, BoxFuture, Service, StdError};
use tonic::{Request, Response, Status};

use super::life::Ending;
use super::metrics::Metrics;
use super::{data, health, resource, wire};
use crate::app::App;

/// What all services share.
#[derive(Clone, Debug)]
pub(super) struct Edge {
    pub app: Arc<App>,
    pub metrics: Arc<Metrics>,
    pub ending: Ending,
}

impl Edge {
    /// The work's result, unless the process ends first or the work panics.
    async fn unless_ending<T>(&self, work: impl Future<Output = T>) -> Result<Response<T>, Status> {
        tokio::select! {
            done = data::guarded(&self.metrics, work) => {
                done.map(Response::new).map_err(|code| Status::internal(format!("internal error {code}")))
            }
            () = self.ending.begun() => Err(Status::unavailable("the plugin is stopping")),
        }
    }
}

#[tonic::async_trait]
impl pb::data_server::Data for Edge {
    async fn query_data(
        &self,
        request: Request<pb::QueryDataRequest>,
    ) -> Result<Response<pb::QueryDataResponse>, Status> {
        let timeout = timeout(&request);
        let asked = wire::asked(request.into_inner());
        self.unless_ending(async { wire::answered(data::answer_all(self, asked, timeout).await) }).await
    }
}

#[tonic::async_trait]
impl pb::diagnostics_server::Diagnostics for Edge {
    async fn check_health(
        &self,
        request: Request<pb::CheckHealthRequest>,
    ) -> Result<Response<pb::CheckHealthResponse>, Status> {
        let caller = wire::caller(request.into_inner().plugin_context);
        self.unless_ending(async { wire::health(health::check(self, caller).await) }).await
    }

    async fn collect_metrics(
        &self,
        _request: Request<pb::CollectMetricsRequest>,
    ) -> Result<Response<pb::CollectMetricsResponse>, Status> {
        self.unless_ending(async { wire::metrics(self.metrics.text() + &self.app.metrics()) }).await
    }
}

#[tonic::async_trait]
impl pb::resource_server::Resource for Edge {
    type CallResourceStream = tokio_stream::Once<Result<pb::CallResourceResponse, Status>>;

    async fn call_resource(
        &self,
        request: Request<pb::CallResourceRequest>,
    ) -> Result<Response<Self::CallResourceStream>, Status> {
        let call = wire::resource_call(request.into_inner());
        let reply = async { wire::resource_reply(resource::call(self, call).await) };
        Ok(self.unless_ending(reply).await?.map(|reply| tokio_stream::once(Ok(reply))))
    }
}

/// Outlay has no channels: nobody can subscribe, nobody may publish, and a stream ends at once.
#[tonic::async_trait]
impl pb::stream_server::Stream for Edge {
    type RunStreamStream = tokio_stream::Empty<Result<pb::StreamPacket, Status>>;

    async fn subscribe_stream(
        &self,
        _request: Request<pb::SubscribeStreamRequest>,
    ) -> Result<Response<pb::SubscribeStreamResponse>, Status> {
        let status = pb::subscribe_stream_response::Status::NotFound.into();
        Ok(Response::new(pb::SubscribeStreamResponse { status, data: Vec::new() }))
    }

    async fn run_stream(
        &self,
        _request: Request<pb::RunStreamRequest>,
    ) -> Result<Response<Self::RunStreamStream>, Status> {
        Ok(Response::new(tokio_stream::empty()))
    }

    async fn publish_stream(
        &self,
        _request: Request<pb::PublishStreamRequest>,
    ) -> Result<Response<pb::PublishStreamResponse>, Status> {
        let status = pb::publish_stream_response::Status::PermissionDenied.into();
        Ok(Response::new(pb::PublishStreamResponse { status, data: Vec::new() }))
    }
}

/// The caller's deadline (gRPC over HTTP/2: up to eight digits and a unit). The server enforces it too, for the whole
/// request; what can't be read is no deadline.
fn timeout<T>(request: &Request<T>) -> Option<Duration> {
    let text = request.metadata().get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u64 = digits.parse().ok().filter(|_| digits.len() <= 8)?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3_600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

/// go-plugin's `GRPCController`: how Grafana asks us to end. It is not part of the SDK's protocol, so it is written by
/// hand: both messages are empty.
#[derive(Clone, Debug)]
pub(super) struct Controller(pub Ending);

impl tonic::server::NamedService for Controller {
    const NAME: &'static str = "plugin.GRPCController";
}

impl<B> Service<http::Request<B>> for Controller
where
    B: Body + Send + 'static,
    B::Error: Into<StdError> + Send + 'static,
{
    type Response = http::Response<tonic::body::BoxBody>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let shutdown = Shutdown(self.0.clone());
        Box::pin(async move {
            if request.uri().path() != "/plugin.GRPCController/Shutdown" {
                return Ok(Status::unimplemented("GRPCController knows Shutdown only").into_http());
            }
            let mut grpc = tonic::server::Grpc::new(tonic::codec::ProstCodec::<(), ()>::default());
            Ok(grpc.unary(shutdown, request).await)
        })
    }
}

struct Shutdown(Ending);

impl tonic::server::UnaryService<()> for Shutdown {
    type Response = ();
    type Future = std::future::Ready<Result<Response<()>, Status>>;

    /// Answers at once: Grafana waits without a deadline, and kills two seconds later.
    fn call(&mut self, _request: Request<()>) -> Self::Future {
        self.0.begin("Grafana asked");
        std::future::ready(Ok(Response::new(())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_are_read_as_grpc_writes_them() {
        for (text, expected) in [
            ("30S", Some(Duration::from_secs(30))),
            ("50m", Some(Duration::from_millis(50))),
            ("99999999H", Some(Duration::from_secs(99_999_999 * 3_600))),
            ("1u", Some(Duration::from_micros(1))),
            ("100000000n", None),
            ("S", None),
            ("5", None),
            ("-5S", None),
        ] {
            let mut request = Request::new(());
            request.metadata_mut().insert("grpc-timeout", text.parse().unwrap());
            assert_eq!(timeout(&request), expected, "{text}");
        }
        assert_eq!(timeout(&Request::new(())), None);
    }
}
