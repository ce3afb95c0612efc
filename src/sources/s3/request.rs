//! Signed requests to one bucket, with retries: three verbs, nothing else can be asked.
//! Answers come back as success or as an error of ours; no body, URL or header of the server gets into a message.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use object_store::aws::AwsAuthorizer;
use object_store::client::{HttpRequest, HttpRequestBody};
use tokio::time::Instant;
use url::Url;

use super::answer::{self, Complaint};
use super::credentials::Credentials;
use super::{Error, FileRef};
use crate::sources::connect;

/// Tries for one request, the first included.
pub(super) const TRIES: usize = 4;
/// No try begins later than this after the first.
const RETRYING: Duration = Duration::from_secs(60);
/// Longest wait for the head of an answer.
const HEAD: Duration = Duration::from_secs(30);
/// Most bytes read of an error's body, and longest time for that.
const COMPLAINT_BYTES: usize = 64 << 10;
const COMPLAINT_TIME: Duration = Duration::from_secs(5);

/// A bucket that can be asked.
#[derive(Debug)]
pub(in crate::sources) struct Bucket {
    /// Name of the bucket.
    pub(in crate::sources) name: String,
    /// Region that requests are signed for.
    pub(in crate::sources) region: String,
    /// The service, e.g. `https://s3.eu-central-1.amazonaws.com/`.
    pub(in crate::sources) endpoint: Url,
    /// True where the bucket is part of the path, false where it is part of the host name.
    pub(in crate::sources) path_style: bool,
    /// Who signs.
    pub(in crate::sources) credentials: Credentials,
    /// Connects to this endpoint only.
    pub(in crate::sources) client: reqwest::Client,
}

/// What is asked of a bucket.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    method: Method,
    /// Key, empty for the bucket itself.
    key: &'a str,
    /// The file, for messages; `None` for a listing.
    file: Option<&'a FileRef>,
    query: Vec<(&'static str, &'a str)>,
    headers: Vec<(HeaderName, String)>,
}

impl<'a> Ask<'a> {
    /// A page of keys below a prefix (ListObjectsV2).
    pub(super) fn list(prefix: &'a str, after: Option<&'a str>) -> Self {
        // Keys are asked for percent-encoded: XML cannot hold every character of a key. Sorted, as signing wants it.
        let mut query = Vec::new();
        query.extend(after.map(|token| ("continuation-token", token)));
        query.extend([("encoding-type", "url"), ("list-type", "2"), ("prefix", prefix)]);
        Self { method: Method::GET, key: "", file: None, query, headers: Vec::new() }
    }

    /// A file at its version, from a byte on (GetObject).
    pub(super) fn get(key: &'a str, file: &'a FileRef, from: u64) -> Self {
        let mut headers = Self::condition(file);
        if from > 0 {
            headers.push((header::RANGE, format!("bytes={from}-")));
        }
        Self { method: Method::GET, key, file: Some(file), query: Vec::new(), headers }
    }

    /// A file's size and version (HeadObject).
    pub(super) fn head(key: &'a str, file: &'a FileRef) -> Self {
        Self { method: Method::HEAD, key, file: Some(file), query: Vec::new(), headers: Vec::new() }
    }

    /// `If-Match`, where the listing gave an ETag that can be matched: weak ones never are.
    fn condition(file: &FileRef) -> Vec<(HeaderName, String)> {
        let weak = file.version.starts_with("W/") || file.version.starts_with(super::WRITTEN);
        let strong = !file.version.is_empty() && !weak;
        if strong { vec![(header::IF_MATCH, file.version.clone())] } else { Vec::new() }
    }
}

/// How one try ended.
enum Try {
    Done(reqwest::Response),
    Failed(Error),
    /// Worth another try.
    Later(Error),
}

impl Bucket {
    /// Asks, again where the server is busy or the connection breaks.
    pub(super) async fn send(&self, ask: &Ask<'_>) -> Result<reqwest::Response, Error> {
        let started = Instant::now();
        let mut tries = 0;
        loop {
            tries += 1;
            match self.once(ask).await? {
                Try::Done(response) => return Ok(response),
                Try::Failed(error) => return Err(error),
                Try::Later(error) => {
                    let pause = pause(tries);
                    if tries >= TRIES || started.elapsed() + pause > RETRYING {
                        return Err(error);
                    }
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    /// A whole small body, at most `limit` bytes.
    pub(super) async fn small_body(&self, mut response: reqwest::Response, limit: usize) -> Result<Bytes, Error> {
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > limit => {
                    return Err(self.unusable("its listing has no end"));
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => return Ok(body.into()),
                Err(error) => return Err(connect::explain(&error).0.at(&self.endpoint)),
            }
        }
    }

    /// The server answers, but not as S3 does.
    pub(super) fn unusable(&self, why: &str) -> Error {
        Error::Unreachable { place: connect::host(&self.endpoint), why: why.to_owned() }
    }

    async fn once(&self, ask: &Ask<'_>) -> Result<Try, Error> {
        let request = self.signed(ask).await?;
        let sent = match tokio::time::timeout(HEAD, self.client.execute(request)).await {
            Ok(sent) => sent,
            Err(_elapsed) => return Ok(Try::Later(self.unusable("no answer within 30 s"))),
        };
        Ok(match sent {
            Ok(response) if response.status().is_success() => Try::Done(response),
            Ok(response) => self.judge(ask, response).await,
            Err(error) => {
                let (failure, again) = connect::explain(&error);
                let error = failure.at(&self.endpoint);
                if again { Try::Later(error) } else { Try::Failed(error) }
            }
        })
    }

    /// Signed anew for every try: signatures are good for minutes only.
    async fn signed(&self, ask: &Ask<'_>) -> Result<reqwest::Request, Error> {
        let unsigned = || self.unusable("its address cannot be written as a request");
        let Some(credential) = self.credentials.now().await else {
            let why = format!("{} gives no credentials", self.credentials.kind());
            return Err(Error::Denied { place: self.shown(), why });
        };
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        *request.method_mut() = ask.method.clone();
        *request.uri_mut() = self.address(ask).parse().map_err(|_error| unsigned())?;
        for (name, value) in &ask.headers {
            request.headers_mut().insert(name, HeaderValue::from_str(value).map_err(|_error| unsigned())?);
        }
        AwsAuthorizer::new(&credential, "s3", &self.region).authorize(&mut request, None);
        let (parts, _empty) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string()).map_err(|_error| unsigned())?;
        let mut signed = reqwest::Request::new(parts.method, url);
        *signed.headers_mut() = parts.headers;
        Ok(signed)
    }

    fn address(&self, ask: &Ask<'_>) -> String {
        let host = connect::host(&self.endpoint);
        let scheme = self.endpoint.scheme();
        let mut address = if self.path_style {
            format!("{scheme}://{host}/{}/{}", self.name, escaped(ask.key, true))
        } else {
            format!("{scheme}://{}.{host}/{}", self.name, escaped(ask.key, true))
        };
        for (n, (name, value)) in ask.query.iter().enumerate() {
            address.push(if n == 0 { '?' } else { '&' });
            address.push_str(name);
            address.push('=');
            address.push_str(&escaped(value, false));
        }
        address
    }

    /// An answer that is no success, as an error.
    async fn judge(&self, ask: &Ask<'_>, mut response: reqwest::Response) -> Try {
        let status = response.status();
        let region = answer::region(&response);
        let mut body = Vec::new();
        let read = async {
            while let Ok(Some(chunk)) = response.chunk().await {
                if body.len() + chunk.len() > COMPLAINT_BYTES {
                    break;
                }
                body.extend_from_slice(&chunk);
            }
        };
        // A complaint that is slow or broken counts as far as it came.
        let _late = tokio::time::timeout(COMPLAINT_TIME, read).await;
        let mut complaint = answer::complaint(&body);
        complaint.region = region.or(complaint.region);
        let busy = status.is_server_error() || matches!(status.as_u16(), 408 | 429);
        let error = self.error(ask, status, &complaint);
        if busy { Try::Later(error) } else { Try::Failed(error) }
    }

    fn error(&self, ask: &Ask<'_>, status: StatusCode, complaint: &Complaint) -> Error {
        let code = complaint.code.as_deref().unwrap_or_default();
        let said = if code.is_empty() {
            format!("status {}", status.as_u16())
        } else {
            format!("{code}, {}", status.as_u16())
        };
        let file = ask.file.map(|file| file.path.clone());
        let place = file.clone().unwrap_or_else(|| self.shown());
        let elsewhere = complaint.region.as_deref().filter(|region| *region != self.region);
        match (status.as_u16(), code) {
            (300..=400, _) if let Some(region) = elsewhere => Error::NotAllowed {
                place: self.shown(),
                why: format!("the bucket is in region `{region}`, not `{}`: set `region`", self.region),
            },
            (300..=399, _) => Error::NotAllowed {
                place: connect::host(&self.endpoint),
                why: format!(
                    "it redirects ({said}), which is never followed: set `endpoint` and `region` of the bucket itself"
                ),
            },
            (_, "NoSuchBucket") => Error::NotFound { place: self.shown() },
            (404, _) => file.map_or_else(|| Error::NotFound { place: self.shown() }, |file| Error::Changed { file }),
            (412 | 416, _) => {
                file.map_or_else(|| self.unusable(&format!("it answers {said}")), |file| Error::Changed { file })
            }
            (_, "RequestTimeTooSkewed") => {
                Error::Denied { place, why: format!("{said}: the clock of this machine is wrong") }
            }
            (_, "InvalidObjectState") => {
                Error::Denied { place, why: format!("{said}: it is archived, restore it first") }
            }
            (401 | 403, _) | (400, "ExpiredToken" | "InvalidToken" | "TokenRefreshRequired" | "InvalidAccessKeyId") => {
                Error::Denied { place, why: said }
            }
            _ => self.unusable(&format!("it answers {said}")),
        }
    }

    /// The bucket, for messages.
    fn shown(&self) -> String {
        format!("s3://{}", self.name)
    }
}

/// Percent-encodes all but unreserved characters, as signatures demand ("Signature Version 4", UriEncode).
fn escaped(text: &str, keep_slash: bool) -> String {
    use std::fmt::Write;
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => escaped.push(char::from(byte)),
            b'/' if keep_slash => escaped.push('/'),
            // Writing to a text cannot fail.
            _ => drop(write!(escaped, "%{byte:02X}")),
        }
    }
    escaped
}

/// 0.2, 0.6, 1.8 s, each with up to half more, so that many sources do not come back at once.
fn pause(tries: usize) -> Duration {
    let base = 200 * 3_u64.pow(u32::try_from(tries.saturating_sub(1).min(5)).unwrap_or_default());
    let mut random = [0_u8; 1];
    // Without randomness the pause is merely not spread.
    let _unspread = getrandom::fill(&mut random);
    Duration::from_millis(base + base * u64::from(random[0]) / 512)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_escaped_as_signatures_want_them() {
        assert_eq!(escaped("a/b c+d=é~.csv", true), "a/b%20c%2Bd%3D%C3%A9~.csv");
        assert_eq!(escaped("p/BILLING_PERIOD=1", false), "p%2FBILLING_PERIOD%3D1");
        assert_eq!(escaped("/a//b", true), "/a//b");
    }

    #[test]
    fn pauses_grow_and_stay_within_the_retry_time() {
        let longest: Duration = (1..TRIES).map(pause).sum();
        assert!(pause(1) >= Duration::from_millis(200) && pause(3) >= Duration::from_millis(1_800));
        assert!(longest < Duration::from_secs(5) && pause(usize::MAX) < RETRYING * 2);
    }
}
