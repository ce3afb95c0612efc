//! Billing sources over a real S3 server: what is listed, opened, confirmed, refused.

use std::io::Read;
use std::sync::Arc;

use outlay::sources::location::{Allowed, PlaceSettings, connect};
use outlay::sources::{BillingSource, Content, Error, FileRef, Listing};
use secrecy::SecretString;

use crate::moto::Moto;

/// Settings and permissions for a bucket at an endpoint.
pub(crate) struct Bucket {
    pub(crate) settings: PlaceSettings,
    pub(crate) allowed: Allowed,
    spool: tempfile::TempDir,
}

/// A bucket at this endpoint, with any keys.
pub(crate) fn bucket(endpoint: &str, location: &str) -> Bucket {
    let spool = tempfile::tempdir().unwrap();
    let settings = PlaceSettings {
        source_id: "minio".into(),
        location: location.into(),
        endpoint: Some(endpoint.into()),
        access_key_id: Some(SecretString::from("AKIACANARYID")),
        secret_access_key: Some(SecretString::from("CANARYSECRET")),
        ..PlaceSettings::default()
    };
    let allowed = Allowed { hosts: vec![endpoint.into()], spool_dir: spool.path().join("spool"), ..Allowed::default() };
    Bucket { settings, allowed, spool }
}

impl Bucket {
    pub(crate) fn keys(mut self, id: &str, secret: &str) -> Self {
        self.settings.access_key_id = Some(SecretString::from(id.to_owned()));
        self.settings.secret_access_key = Some(SecretString::from(secret.to_owned()));
        self
    }

    pub(crate) fn source(&self) -> Arc<dyn BillingSource> {
        connect(&self.settings, &self.allowed).unwrap()
    }

    pub(crate) async fn list(&self) -> Result<Listing, Error> {
        self.source().list().await
    }

    /// Files left in the spool directory: always none.
    fn left_over(&self) -> usize {
        std::fs::read_dir(self.spool.path().join("spool")).map(|entries| entries.count()).unwrap_or(0)
    }
}

pub(crate) fn bytes(content: Content) -> Vec<u8> {
    match content {
        Content::Bytes(bytes) => bytes.to_vec(),
        Content::File(mut file) => {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).map(|_length| bytes).unwrap()
        }
    }
}

fn paths(listing: &Listing) -> Vec<&str> {
    listing.deliveries.iter().flat_map(|delivery| &delivery.files).map(|file| file.path.as_str()).collect()
}

/// One server for all cases, since it takes seconds to start; each case has a bucket of its own.
#[tokio::test]
async fn s3_against_moto() {
    let Some(moto) = Moto::start("s3_against_moto") else { return };
    exports_are_listed_and_read(&moto).await;
    odd_keys_are_read_as_they_are(&moto).await;
    manifests_lead(&moto).await;
    a_replaced_object_is_told(&moto).await;
    large_objects_are_spooled_without_a_trace(&moto).await;
    long_listings_are_paged(&moto).await;
    what_is_not_there_is_named(&moto).await;
    // Last: from here on the server demands signatures.
    wrong_keys_are_told_and_right_ones_pass(&moto).await;
}

async fn exports_are_listed_and_read(moto: &Moto) {
    moto.make_bucket("plain").await;
    let objects: [(&str, &[u8]); 3] = [
        ("focus/2026/01/a.csv", b"BilledCost\n1\n"),
        ("focus/2026/01/b.csv.gz", &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0]),
        ("focus/2026/02/c.parquet", b"PAR1....PAR1"),
    ];
    for (key, bytes) in objects {
        moto.put(&format!("plain/{key}"), bytes).await;
    }
    moto.put("plain/focus/", "").await;
    moto.put("plain/focus/_SUCCESS", "").await;
    moto.put("plain/focus-of-someone-else/x.csv", "x").await;
    let bucket = bucket(&moto.endpoint(), "s3://plain/focus");
    let source = bucket.source();
    let listing = source.list().await.unwrap();
    assert_eq!(paths(&listing), ["2026/01/a.csv", "2026/01/b.csv.gz", "2026/02/c.parquet"]);
    assert_eq!(listing.ignored, ["`_SUCCESS`: hidden"]);
    for (delivery, (key, expected)) in listing.deliveries.iter().zip(objects) {
        let file = &delivery.files[0];
        assert_eq!((format!("focus/{}", file.path), file.size), (key.to_owned(), expected.len() as u64));
        assert!(!delivery.complete && !file.version.is_empty() && delivery.version == file.version);
        assert_eq!(bytes(source.open(file).await.unwrap()), expected);
        source.confirm(file).await.unwrap();
    }
    assert_eq!(source.list().await.unwrap(), listing, "a second look sees the same");
}

async fn odd_keys_are_read_as_they_are(moto: &Moto) {
    moto.make_bucket("odd").await;
    let keys = [
        "/leading.csv",
        "a b+c&d=e;f.csv",
        "double//slash/x.csv",
        "é/ü %2F.csv",
        "(1)'!*~$@,:.csv",
        "BILLING_PERIOD=2026-01/x.csv",
    ];
    for key in keys {
        let escaped: String = key.bytes().map(|b| if b == b'/' { "/".into() } else { format!("%{b:02X}") }).collect();
        moto.put(&format!("odd/{escaped}"), key).await;
    }
    let bucket = bucket(&moto.endpoint(), "s3://odd");
    let source = bucket.source();
    let listing = source.list().await.unwrap();
    let mut expected = keys.to_vec();
    expected.sort_unstable();
    assert_eq!(paths(&listing), expected);
    for delivery in &listing.deliveries {
        let file = &delivery.files[0];
        assert_eq!(bytes(source.open(file).await.unwrap()), file.path.as_bytes(), "{}", file.path);
        source.confirm(file).await.unwrap();
    }
}

async fn manifests_lead(moto: &Moto) {
    moto.make_bucket("exports").await;
    let root = "exports/billing/focus";
    for (path, text) in [
        ("data/BILLING_PERIOD=2026-01/focus-00001.csv.gz", "one"),
        ("data/BILLING_PERIOD=2026-01/focus-00002.csv.gz", "two"),
        ("data/BILLING_PERIOD=2026-01/focus-00003.csv.gz", ""),
        ("data/BILLING_PERIOD=2026-02/focus-00001.csv.gz", "feb"),
        ("data/BILLING_PERIOD=2026-03/focus-00001.csv.gz", "mar"),
        (
            "metadata/BILLING_PERIOD=2026-01/focus-Manifest.json",
            "{\"dataFiles\": [\"s3://first/p/focus/data/BILLING_PERIOD=2026-01/focus-00002.csv.gz\", \
              \"s3://first/p/focus/data/BILLING_PERIOD=2026-01/focus-00001.csv.gz\"]}",
        ),
        (
            "metadata/BILLING_PERIOD=2026-02/focus-Manifest.json",
            "{\"dataFiles\": [\"s3://first/p/focus/data/BILLING_PERIOD=2026-02/focus-00009.csv.gz\"]}",
        ),
        ("metadata/BILLING_PERIOD=2026-03/focus-Manifest.json", ""),
    ] {
        moto.put(&format!("{root}/{}", path.replace('=', "%3D")), text).await;
    }
    let bucket = bucket(&moto.endpoint(), "s3://exports/billing");
    let source = bucket.source();
    let listing = source.list().await.unwrap();
    let [january] = &listing.deliveries[..] else { panic!("{listing:?}") };
    assert_eq!(january.key, "focus/BILLING_PERIOD=2026-01");
    assert!(january.complete);
    assert_eq!(
        paths(&listing),
        [
            "focus/data/BILLING_PERIOD=2026-01/focus-00002.csv.gz",
            "focus/data/BILLING_PERIOD=2026-01/focus-00001.csv.gz"
        ]
    );
    let failures: Vec<String> = listing.failures.iter().map(|(key, error)| format!("{key}: {error}")).collect();
    assert!(failures[0].contains("2026-02") && failures[0].contains("names `focus-00009.csv.gz`, which is not there"));
    assert!(failures[1].contains("2026-03") && failures[1].contains("still being written"), "{failures:?}");
    source.confirm(&january.files[0]).await.unwrap();

    // A refresh rewrites the manifest last: whatever was read before is void.
    let manifest = format!("{root}/metadata/BILLING_PERIOD%3D2026-01/focus-Manifest.json");
    moto.put(&manifest, "{\"dataFiles\": [\"s3://f/focus/data/BILLING_PERIOD=2026-01/focus-00001.csv.gz\"]}").await;
    assert!(matches!(source.confirm(&january.files[0]).await, Err(Error::Changed { .. })));
    let again = source.list().await.unwrap();
    assert_eq!(again.deliveries[0].files.len(), 1);
    assert_ne!(again.deliveries[0].version, january.version);
}

async fn a_replaced_object_is_told(moto: &Moto) {
    moto.make_bucket("changing").await;
    moto.put("changing/a.csv", "one").await;
    let bucket = bucket(&moto.endpoint(), "s3://changing");
    let source = bucket.source();
    let file = |listing: Listing| listing.deliveries[0].files[0].clone();
    let changed = Error::Changed { file: "a.csv".into() };

    let old = file(source.list().await.unwrap());
    moto.put("changing/a.csv", "two").await;
    assert_eq!(source.open(&old).await.unwrap_err(), changed, "same size, other bytes: the condition is refused");
    assert_eq!(source.confirm(&old).await.unwrap_err(), changed);

    let now = file(source.list().await.unwrap());
    assert_eq!(bytes(source.open(&now).await.unwrap()), b"two");
    moto.put("changing/a.csv", "three").await;
    assert_eq!(source.confirm(&now).await.unwrap_err(), changed, "replaced while it was read");

    let now = file(source.list().await.unwrap());
    moto.delete("changing/a.csv").await;
    assert_eq!(source.open(&now).await.unwrap_err(), changed);
    assert_eq!(source.confirm(&now).await.unwrap_err(), changed);
}

async fn large_objects_are_spooled_without_a_trace(moto: &Moto) {
    moto.make_bucket("large").await;
    let large: Vec<u8> = (0..9 << 20).map(|n: u32| (n % 251) as u8).collect();
    moto.put("large/a.csv", large.clone()).await;
    let bucket = bucket(&moto.endpoint(), "s3://large");
    let source = bucket.source();
    let file = source.list().await.unwrap().deliveries[0].files[0].clone();
    let content = source.open(&file).await.unwrap();
    assert!(matches!(content, Content::File(_)), "from 8 MiB on a file is spooled");
    assert_eq!(bucket.left_over(), 0, "the spooled file has no name");
    assert!(bytes(content) == large, "the same bytes come back");
}

async fn long_listings_are_paged(moto: &Moto) {
    moto.make_bucket("long").await;
    let puts = (0..1_050).map(|n| async move { moto.put(&format!("long/{n:04}.csv"), "x").await });
    futures::StreamExt::for_each_concurrent(futures::stream::iter(puts), 8, |put| put).await;
    let listing = bucket(&moto.endpoint(), "s3://long").list().await.unwrap();
    assert_eq!(listing.deliveries.len(), 1_050);
    assert_eq!(listing.deliveries[1_049].key, "1049.csv");
}

async fn what_is_not_there_is_named(moto: &Moto) {
    let missing = bucket(&moto.endpoint(), "s3://no-such-bucket/x").list().await.unwrap_err();
    assert_eq!(missing, Error::NotFound { place: "s3://no-such-bucket".into() });
    moto.make_bucket("empty").await;
    let empty = bucket(&moto.endpoint(), "s3://empty").list().await.unwrap_err();
    assert_eq!(empty, Error::Empty { place: "s3://empty".into(), found: "it is empty".into() });
    let file = bucket(&moto.endpoint(), "s3://empty/a.csv").list().await.unwrap_err();
    assert_eq!(file, Error::Empty { place: "s3://empty/a.csv".into(), found: "name the folder, not the file".into() });
    moto.put("empty/photos/a.jpg", "x").await;
    let other = bucket(&moto.endpoint(), "s3://empty/photos").list().await.unwrap_err();
    assert_eq!(other, Error::Empty { place: "s3://empty/photos".into(), found: "only `a.jpg`".into() });
}

/// The server recomputes each signature with botocore: an independent check of ours.
async fn wrong_keys_are_told_and_right_ones_pass(moto: &Moto) {
    let (id, secret) = moto.demand_keys().await;
    let file = FileRef { path: "a.csv".into(), size: 3, version: String::new() };
    for (location, key, secret, why) in [
        ("s3://plain/focus", "AKIACANARYID", "CANARYSECRET", "InvalidAccessKeyId"),
        ("s3://plain/focus", id.as_str(), "CANARYSECRET", "SignatureDoesNotMatch"),
    ] {
        let source = bucket(&moto.endpoint(), location).keys(key, secret).source();
        for error in [source.list().await.unwrap_err(), source.open(&file).await.unwrap_err()] {
            assert!(matches!(&error, Error::Denied { why: said, .. } if said.contains(why)), "{error}");
            let said = format!("{error} {error:?} {source:?}");
            assert!(!said.contains("CANARY") && !said.contains(key) && !said.contains(secret), "{said}");
        }
    }
    for (location, files) in
        [("s3://plain/focus", 3), ("s3://odd", 6), ("s3://exports/billing", 1), ("s3://long", 1_050)]
    {
        let source = bucket(&moto.endpoint(), location).keys(&id, &secret).source();
        let listing = source.list().await.unwrap();
        assert_eq!(paths(&listing).len(), files, "{location}");
        for delivery in listing.deliveries.iter().take(5) {
            source.open(&delivery.files[0]).await.unwrap();
            source.confirm(&delivery.files[0]).await.unwrap();
        }
    }
}
