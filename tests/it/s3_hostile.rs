//! Servers that break, lie, redirect, or do not answer: each ends with a typed error that repeats nothing of theirs.

use std::time::{Duration, Instant};

use outlay::sources::{Error, FileRef};

use crate::http_server::{Reply, Server, answer, head};
use crate::s3::{Bucket, bucket, bytes};

const CANARY: &str = "<Message>CANARYBODY</Message><Resource>/CANARYPATH</Resource>";

fn complaint(status: u16, code: &str) -> Reply {
    answer(status, &[("x-canary", "CANARYHEADER")], format!("<Error><Code>{code}</Code>{CANARY}</Error>").as_bytes())
}

fn listing(rest: &str) -> Reply {
    answer(200, &[], format!("<ListBucketResult>{rest}</ListBucketResult>").as_bytes())
}

fn one_file() -> Reply {
    listing("<Contents><Key>a.csv</Key><Size>10</Size><ETag>&quot;e&quot;</ETag></Contents>")
}

fn at(server: &Server) -> Bucket {
    bucket(&server.endpoint(), "s3://bucket")
}

fn file() -> FileRef {
    FileRef { path: "a.csv".into(), size: 10, version: "\"e\"".into() }
}

/// Lists, and expects an error with this part after so many requests.
async fn check(server: Server, part: &str, requests: usize) {
    let bucket = at(&server);
    let error = bucket.list().await.unwrap_err();
    let said = format!("{error} | {error:?} | {:?}", bucket.source());
    assert!(said.contains(part), "expected {part}: {said}");
    assert!(!said.contains("CANARY"), "{said}");
    assert_eq!(server.requests().len(), requests, "{said}");
}

#[tokio::test]
async fn complaints_keep_the_code_and_lose_the_rest() {
    check(
        Server::start(|_, _| complaint(403, "AccessDenied")),
        "access to `s3://bucket` is denied (AccessDenied, 403)",
        1,
    )
    .await;
    check(Server::start(|_, _| complaint(403, "RequestTimeTooSkewed")), "the clock of this machine is wrong", 1).await;
    check(Server::start(|_, _| complaint(401, "X")), "denied (X, 401)", 1).await;
    check(Server::start(|_, _| complaint(400, "ExpiredToken")), "denied (ExpiredToken, 400)", 1).await;
    check(Server::start(|_, _| complaint(404, "NoSuchBucket")), "`s3://bucket` does not exist", 1).await;
    check(Server::start(|_, _| complaint(400, "CANARY CODE")), "it answers status 400", 1).await;
    check(Server::start(|_, _| answer(403, &[], b"<html>CANARY</html>")), "denied (status 403)", 1).await;
    check(Server::start(|_, _| answer(403, &[], &vec![b'x'; 1 << 20])), "denied (status 403)", 1).await;
}

#[tokio::test]
async fn a_busy_server_is_asked_again_and_not_for_ever() {
    let busy = Server::start(|n, _| if n < 2 { complaint(503, "SlowDown") } else { one_file() });
    let found = at(&busy).list().await.unwrap();
    assert_eq!((found.deliveries.len(), busy.requests().len()), (1, 3));
    check(Server::start(|_, _| complaint(503, "SlowDown")), "it answers SlowDown, 503", 4).await;
    check(Server::start(|_, _| complaint(429, "TooMany")), "it answers TooMany, 429", 4).await;
}

#[tokio::test]
async fn redirects_are_never_followed() {
    let trap = Server::start(|_, _| one_file());
    for status in [301, 302, 303, 307, 308] {
        let location = format!("{}/CANARYPATH", trap.endpoint());
        let server = Server::start(move |_, _| answer(status, &[("location", &location)], b""));
        check(server, "it redirects", 1).await;
    }
    assert!(trap.requests().is_empty(), "nobody may be sent there");
    let region = Server::start(|_, _| answer(301, &[("x-amz-bucket-region", "eu-central-1")], b""));
    check(region, "the bucket is in region `eu-central-1`, not `us-east-1`: set `region`", 1).await;
    let body = "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>";
    check(Server::start(move |_, _| answer(400, &[], body.as_bytes())), "region `eu-west-1`", 1).await;
    let evil = Server::start(|_, _| answer(301, &[("x-amz-bucket-region", "CANARY.example")], b""));
    check(evil, "it redirects", 1).await;
}

#[tokio::test]
async fn answers_that_are_no_listing() {
    check(Server::start(|_, _| answer(200, &[], b"<html>Sign in, CANARY</html>")), "something else than a listing", 1)
        .await;
    check(Server::start(|_, _| answer(200, &[], b"CANARY")), "something else than a listing", 1).await;
    let more = "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>";
    check(Server::start(move |_, _| listing(more)), "its listing goes in circles", 2).await;
    let endless = Server::start(|_, _| {
        let mut all = head(200, &[]);
        all.extend_from_slice(b"\r\n");
        all.resize(18 << 20, b'x');
        Reply::Raw(all)
    });
    check(endless, "its listing has no end", 1).await;
}

#[tokio::test]
async fn a_server_that_is_not_there_or_breaks_off() {
    check(Server::start(|_, _| Reply::Raw(Vec::new())), "cannot be reached: the connection broke", 4).await;
    check(Server::start(|_, _| Reply::Raw(b"SSH-2.0-CANARY\r\n\r\n".to_vec())), "cannot be reached", 4).await;
    let closed = Server::start(|_, _| one_file());
    let endpoint = closed.endpoint();
    drop(closed);
    let error = bucket(&endpoint, "s3://bucket").list().await.unwrap_err();
    let host = endpoint.trim_start_matches("http://").to_owned();
    assert_eq!(error, Error::Unreachable { place: host, why: "the connection is refused".into() });
}

#[tokio::test]
async fn a_server_without_tls_gets_no_request() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("https://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut first = [0_u8; 5];
        std::io::Read::read_exact(&mut connection, &mut first).unwrap();
        std::io::Write::write_all(&mut connection, b"HTTP/1.1 400 CANARY\r\n\r\n").unwrap();
        first
    });
    let error = bucket(&endpoint, "s3://bucket").list().await.unwrap_err();
    assert!(error.to_string().contains("its TLS certificate is not trusted, or it speaks no TLS"), "{error}");
    assert_eq!(server.join().unwrap()[0], 22, "a TLS handshake, not a request in clear");
}

#[tokio::test]
async fn a_file_without_an_etag_is_told_apart_by_its_time() {
    let time = "2026-11-24T10:00:00.000Z";
    let server = Server::start(move |n, request| {
        assert!(!request.contains("if-match"), "{request}");
        match n {
            0 => listing(&format!(
                "<Contents><Key>a.csv</Key><Size>2</Size><LastModified>{time}</LastModified></Contents>"
            )),
            1 => answer(200, &[("last-modified", "Tue, 24 Nov 2026 10:00:00 GMT")], b"ok"),
            _ => answer(200, &[("last-modified", "Tue, 24 Nov 2026 10:00:01 GMT")], b"no"),
        }
    });
    let source = at(&server).source();
    let found = source.list().await.unwrap();
    let file = &found.deliveries[0].files[0];
    assert!(!file.version.is_empty());
    assert_eq!(bytes(source.open(file).await.unwrap()), b"ok");
    assert_eq!(source.open(file).await.unwrap_err(), Error::Changed { file: "a.csv".into() });
}

#[tokio::test]
async fn a_complaint_that_never_ends_is_not_waited_for() {
    let server = Server::start(|_, _| {
        let mut all = head(403, &[("content-length", "1000")]);
        all.extend_from_slice(b"\r\n<Error><Code>AccessDenied</Code>");
        Reply::Hang(all, Duration::from_secs(30))
    });
    let started = Instant::now();
    check(server, "denied (AccessDenied, 403)", 1).await;
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_broken_download_goes_on_where_it_ended() {
    let server = Server::start(|n, request| {
        assert!(request.contains("\r\nif-match: \"e\"\r\n"), "{request}");
        let mut all = match n {
            0 => head(200, &[("etag", "\"e\""), ("content-length", "10")]),
            _ => {
                assert!(request.contains("\r\nrange: bytes=4-\r\n"), "{request}");
                head(206, &[("etag", "\"e\""), ("content-length", "6"), ("content-range", "bytes 4-9/10")])
            }
        };
        all.extend_from_slice(if n == 0 { b"\r\n0123" } else { b"\r\n456789" });
        Reply::Raw(all)
    });
    let content = at(&server).source().open(&file()).await.unwrap();
    assert_eq!((bytes(content), server.requests().len()), (b"0123456789".to_vec(), 2));
}

#[tokio::test]
async fn a_server_that_starts_over_is_read_from_the_start() {
    let server = Server::start(|n, _| {
        let mut all = head(200, &[("etag", "\"e\""), ("content-length", "10")]);
        all.extend_from_slice(if n == 0 { b"\r\n0123" } else { b"\r\n0123456789" });
        Reply::Raw(all)
    });
    let content = at(&server).source().open(&file()).await.unwrap();
    assert_eq!(bytes(content), b"0123456789");
}

#[tokio::test]
async fn a_download_that_is_short_every_time_ends() {
    let server = Server::start(|_, _| {
        let mut all = head(200, &[("etag", "\"e\"")]);
        // Without a length the end of the connection looks like the end of the file.
        all.extend_from_slice(b"\r\n0123");
        Reply::Raw(all)
    });
    let error = at(&server).source().open(&file()).await.unwrap_err();
    assert!(error.to_string().contains("`a.csv` ended after 4 of 10 bytes, 4 times"), "{error}");
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn other_bytes_than_listed_are_a_change() {
    let changed = Error::Changed { file: "a.csv".into() };
    let replies: [fn() -> Reply; 5] = [
        // A server that ignores the condition.
        || answer(200, &[("etag", "\"f\"")], b"0123456789"),
        || answer(200, &[("etag", "\"e\"")], b"01234567890"),
        || answer(200, &[("etag", "\"e\"")], b"012"),
        || answer(412, &[], b"<Error><Code>PreconditionFailed</Code></Error>"),
        || answer(404, &[], b"<Error><Code>NoSuchKey</Code></Error>"),
    ];
    for reply in replies {
        let server = Server::start(move |_, _| reply());
        assert_eq!(at(&server).source().open(&file()).await.unwrap_err(), changed);
        assert_eq!(server.requests().len(), 1);
    }
    // More bytes than listed, and no length that would say so.
    let server = Server::start(|_, _| {
        let mut all = head(200, &[("etag", "\"e\"")]);
        all.extend_from_slice(b"\r\n0123456789 and more");
        Reply::Raw(all)
    });
    assert_eq!(at(&server).source().open(&file()).await.unwrap_err(), changed);
    // Confirming asks for the head only.
    for headers in [[("etag", "\"f\""), ("content-length", "10")], [("etag", "\"e\""), ("content-length", "11")]] {
        let server = Server::start(move |_, request| {
            assert!(request.starts_with("head /bucket/a.csv "), "{request}");
            let mut all = head(200, &headers);
            all.extend_from_slice(b"\r\n");
            Reply::Raw(all)
        });
        assert_eq!(at(&server).source().confirm(&file()).await.unwrap_err(), changed);
    }
}

#[tokio::test]
async fn a_file_over_the_limit_is_not_even_asked_for() {
    let server = Server::start(|_, _| one_file());
    let huge = FileRef { size: (8 << 30) + 1, ..file() };
    let error = at(&server).source().open(&huge).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn requests_carry_a_signature_and_no_secret() {
    let server = Server::start(|_, _| one_file());
    let mut bucket = at(&server);
    bucket.settings.session_token = Some(secrecy::SecretString::from("TOKEN"));
    bucket.list().await.unwrap();
    let request = &server.requests()[0];
    assert!(request.starts_with("get /bucket/?encoding-type=url&list-type=2&prefix= http/1.1"), "{request}");
    assert!(request.contains("authorization: aws4-hmac-sha256 credential=akiacanaryid/"), "{request}");
    assert!(request.contains("x-amz-security-token: token\r\n"), "{request}");
    assert!(!request.contains("canarysecret"), "{request}");
}

#[tokio::test]
async fn a_manifest_is_fetched_once_for_each_of_its_versions() {
    const MANIFEST: &str = "metadata/BILLING_PERIOD=2026-01/e-Manifest.json";
    let text = "{\"dataFiles\": [\"s3://b/data/BILLING_PERIOD=2026-01/x.csv\"]}";
    let server = Server::start(move |n, request| {
        if !request.contains("list-type=2") {
            return answer(200, &[], text.as_bytes());
        }
        let version = if n < 4 { "one" } else { "two" };
        let contents = |key: &str, size: usize, version: &str| {
            format!("<Contents><Key>{key}</Key><Size>{size}</Size><ETag>{version}</ETag></Contents>")
        };
        listing(&(contents("data/BILLING_PERIOD=2026-01/x.csv", 1, "x") + &contents(MANIFEST, text.len(), version)))
    });
    let source = at(&server).source();
    for fetched in [1, 1, 1, 2] {
        let found = source.list().await.unwrap();
        assert_eq!((found.deliveries.len(), found.deliveries[0].complete), (1, true));
        let asked = server.requests().iter().filter(|request| request.contains("-manifest.json")).count();
        assert_eq!(asked, fetched, "{:?}", server.requests());
    }
}
