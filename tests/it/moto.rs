//! moto's S3 server from PyPI, on loopback: found, started on a free port, ended with the test.
//! `python3 -m venv target/moto && target/moto/bin/pip install 'moto[s3,server]'` brings it; `cargo xtask test` does that.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running server.
pub(crate) struct Moto {
    child: Child,
    address: SocketAddr,
    client: reqwest::Client,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Moto {
    /// Starts the server; `None` where this machine has none, which is printed and is no failure.
    pub(crate) fn start(test: &str) -> Option<Self> {
        for program in candidates() {
            if let Some(moto) = Self::run(&program) {
                return Some(moto);
            }
        }
        eprintln!("not run: {test}: moto server missing (set OUTLAY_MOTO or install it in target/moto)");
        None
    }

    fn run(program: &PathBuf) -> Option<Self> {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?.local_addr().ok()?;
        let mut child = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &address.port().to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let started = Instant::now();
        while TcpStream::connect(address).is_err() {
            // A program that ends at once is a stale shim; one that does not answer is none of ours.
            if child.try_wait().ok()?.is_some() {
                return None;
            }
            if started.elapsed() > Duration::from_secs(60) {
                let _ended = child.kill();
                let _reaped = child.wait();
                return None;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(Self { child, address, client: reqwest::Client::builder().no_proxy().build().unwrap() })
    }

    /// `http://127.0.0.1:<port>`.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) async fn make_bucket(&self, bucket: &str) {
        self.ask(reqwest::Method::PUT, bucket, Vec::new()).await;
    }

    /// Writes an object; the path is the bucket and the key, percent-encoded where it has to be.
    pub(crate) async fn put(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.ask(reqwest::Method::PUT, path, bytes.into()).await;
    }

    pub(crate) async fn delete(&self, path: &str) {
        self.ask(reqwest::Method::DELETE, path, Vec::new()).await;
    }

    async fn ask(&self, method: reqwest::Method, path: &str, body: Vec<u8>) {
        let url = format!("{}/{path}", self.endpoint());
        let request = self.client.request(method, &url).header("authorization", signed_for("s3"));
        let response = request.body(body).send().await.unwrap();
        assert!(response.status().is_success(), "{url}: {}", response.status());
    }

    /// A user who may read everything in S3; from now on every request has to be signed by one. Gives his keys.
    pub(crate) async fn demand_keys(&self) -> (String, String) {
        self.iam("Action=CreateUser&UserName=reader").await;
        let policy = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C\
                      %22Action%22%3A%22s3%3A*%22%2C%22Resource%22%3A%22*%22%7D%5D%7D";
        self.iam(&format!("Action=PutUserPolicy&UserName=reader&PolicyName=all&PolicyDocument={policy}")).await;
        let answer = self.iam("Action=CreateAccessKey&UserName=reader").await;
        let field = |name: &str| {
            let (_, rest) = answer.split_once(&format!("<{name}>")).unwrap();
            rest.split_once('<').unwrap().0.to_owned()
        };
        let keys = (field("AccessKeyId"), field("SecretAccessKey"));
        self.ask(reqwest::Method::POST, "moto-api/reset-auth", b"0".to_vec()).await;
        keys
    }

    async fn iam(&self, form: &str) -> String {
        let request = self.client.post(self.endpoint()).header("authorization", signed_for("iam"));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let response = request.body(format!("{form}&Version=2010-05-08")).send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert!(status.is_success(), "{status} {text}");
        text
    }
}

/// Until keys are demanded the server looks at the service that a signature is for, and not at the signature.
fn signed_for(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

fn candidates() -> Vec<PathBuf> {
    let target = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/moto/bin/moto_server");
    let named = std::env::var_os("OUTLAY_MOTO").map(PathBuf::from);
    named.into_iter().chain(target.exists().then_some(target)).chain([PathBuf::from("moto_server")]).collect()
}
