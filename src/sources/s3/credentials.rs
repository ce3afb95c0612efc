//! Who signs: the access keys of the source's secrets, or the machine's own identity where the operator allows it.
//! Never reads the environment; nothing here can be printed.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AwsCredential, AwsCredentialProvider};
use object_store::client::{ClientOptions, HttpClient, HttpConnector};
use object_store::{BackoffConfig, RetryConfig, StaticCredentialProvider};
use secrecy::{ExposeSecret, SecretString};

/// Where credentials come from.
#[derive(Clone)]
pub(in crate::sources) struct Credentials {
    provider: AwsCredentialProvider,
    kind: &'static str,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The types inside print the key id in clear.
        f.debug_struct("Credentials").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// A key that cannot be part of a request: empty, or with spaces, control or non-ASCII characters inside.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::sources) struct BadKey(pub &'static str);

impl Credentials {
    /// Access keys. Spaces around them, as pasted, are cut off.
    ///
    /// # Errors
    /// Names the secret that cannot be a key.
    pub(in crate::sources) fn keys(
        id: &SecretString,
        secret: &SecretString,
        token: Option<&SecretString>,
    ) -> Result<Self, BadKey> {
        let credential = AwsCredential {
            key_id: key(id, "accessKeyId")?,
            secret_key: key(secret, "secretAccessKey")?,
            token: token.map(|token| key(token, "sessionToken")).transpose()?,
        };
        Ok(Self { provider: Arc::new(StaticCredentialProvider::new(credential)), kind: "access keys" })
    }

    /// The identity of the EC2 instance, from its metadata service (IMDSv2); asked for when it is first needed.
    pub(in crate::sources) fn machine() -> Option<Self> {
        Self::machine_at(None)
    }

    fn machine_at(metadata: Option<&str>) -> Option<Self> {
        let retry =
            RetryConfig { backoff: BackoffConfig::default(), max_retries: 2, retry_timeout: Duration::from_secs(5) };
        // Only the builder knows the metadata protocol; the bucket is not used.
        let builder = match metadata {
            None => AmazonS3Builder::new(),
            Some(endpoint) => AmazonS3Builder::new().with_metadata_endpoint(endpoint),
        };
        let store = builder
            .with_bucket_name("unused")
            .with_region("us-east-1")
            .with_retry(retry)
            .with_http_connector(MetadataOnly)
            .build();
        let store = store.ok()?;
        Some(Self { provider: Arc::clone(store.credentials()), kind: "the machine's identity" })
    }

    /// In words, for messages.
    pub(super) fn kind(&self) -> &'static str {
        self.kind
    }

    /// The credential to sign with now; `None` where the machine gives none.
    pub(super) async fn now(&self) -> Option<Arc<AwsCredential>> {
        // The error holds the answer's body: it is dropped unseen.
        self.provider.get_credential().await.ok()
    }
}

fn key(secret: &SecretString, name: &'static str) -> Result<String, BadKey> {
    let text = secret.expose_secret().trim();
    if text.is_empty() || text.len() > 4_096 || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(BadKey(name));
    }
    Ok(text.to_owned())
}

/// Connects to the metadata service, plainly and briefly; its address is fixed in object_store.
#[derive(Debug)]
struct MetadataOnly;

impl HttpConnector for MetadataOnly {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tls_built_in_root_certs(false)
            .connect_timeout(Duration::from_secs(1))
            .timeout(Duration::from_secs(5))
            .build()
            .map_err(|_error| object_store::Error::NotImplemented {
                operation: "metadata client".into(),
                implementer: "outlay".into(),
            })?;
        Ok(HttpClient::new(client))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text.to_owned())
    }

    #[tokio::test]
    async fn keys_are_trimmed_and_never_printed() {
        let keys =
            Credentials::keys(&secret(" AKIACANARY\n"), &secret("\tCANARYSECRET "), Some(&secret("CANARYTOKEN")));
        let keys = keys.unwrap();
        assert!(!format!("{keys:?} {keys:#?}").contains("CANARY"));
        let now = keys.now().await.unwrap();
        assert_eq!((now.key_id.as_str(), now.secret_key.as_str()), ("AKIACANARY", "CANARYSECRET"));
    }

    /// A metadata service that hands out credentials after the token of IMDSv2, or refuses everything.
    fn metadata_service(grants: bool) -> (String, std::thread::JoinHandle<Vec<String>>) {
        use std::io::{BufRead, BufReader, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let serve = move || {
            let mut asked = Vec::new();
            for connection in listener.incoming().take(if grants { 3 } else { 1 }) {
                let mut connection = connection.unwrap();
                let lines = BufReader::new(connection.try_clone().unwrap()).lines();
                let head: Vec<String> = lines.map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
                let body = match head[0].split(' ').nth(1).unwrap() {
                    _ if !grants => "CANARYBODY",
                    "/latest/api/token" => "imds-token",
                    "/latest/meta-data/iam/security-credentials/" => "role",
                    "/latest/meta-data/iam/security-credentials/role" => {
                        "{\"AccessKeyId\": \"ID\", \"SecretAccessKey\": \"SECRET\", \"Token\": \"TOKEN\", \
                         \"Expiration\": \"2999-01-01T00:00:00Z\"}"
                    }
                    _ => "",
                };
                let status = if grants { 200 } else { 403 };
                let head_and_body =
                    format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                connection.write_all(head_and_body.as_bytes()).unwrap();
                asked.push(head.join("\n").to_lowercase());
            }
            asked
        };
        (endpoint, std::thread::spawn(serve))
    }

    #[tokio::test]
    async fn the_machine_s_identity_comes_from_its_metadata_service() {
        let (endpoint, service) = metadata_service(true);
        let machine = Credentials::machine_at(Some(&endpoint)).unwrap();
        let now = machine.now().await.unwrap();
        assert_eq!((now.key_id.as_str(), now.token.as_deref()), ("ID", Some("TOKEN")));
        assert_eq!(now, machine.now().await.unwrap(), "kept until it expires");
        let asked = service.join().unwrap();
        assert!(asked[0].starts_with("put /latest/api/token"), "{}", asked[0]);
        assert!(asked[2].contains("x-aws-ec2-metadata-token: imds-token"), "{}", asked[2]);

        let (endpoint, service) = metadata_service(false);
        assert!(Credentials::machine_at(Some(&endpoint)).unwrap().now().await.is_none());
        service.join().unwrap();
    }

    #[test]
    fn what_cannot_be_signed_with_is_named() {
        let ok = secret("AKIA");
        for bad in ["", "  ", "a b", "a\nb", "ключ", "a\u{0}b"] {
            let bad = secret(bad);
            assert_eq!(Credentials::keys(&bad, &ok, None).unwrap_err(), BadKey("accessKeyId"));
            assert_eq!(Credentials::keys(&ok, &bad, None).unwrap_err(), BadKey("secretAccessKey"));
            assert_eq!(Credentials::keys(&ok, &ok, Some(&bad)).unwrap_err(), BadKey("sessionToken"));
        }
    }
}
