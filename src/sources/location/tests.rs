//! Locations and endpoints as people and attackers write them.

use super::*;

fn secret(text: &str) -> Option<SecretString> {
    Some(SecretString::from(text.to_owned()))
}

fn settings(location: &str) -> PlaceSettings {
    PlaceSettings { source_id: "aws-prod".into(), location: location.into(), ..PlaceSettings::default() }
}

fn allowed() -> Allowed {
    Allowed {
        local_roots: vec!["/data/billing".into(), "/data/billing/special".into(), "/srv".into()],
        hosts: vec!["minio.example.com:9000".into(), "http://127.0.0.1:5000".into(), "*.store.example.com".into()],
        forbidden: vec!["/srv/grafana".into()],
        ..Allowed::default()
    }
}

/// The definition on one line, or a part of the error.
fn check(settings: &PlaceSettings, expected: Result<&str, &str>) {
    let found = super::check(settings, &allowed()).map(|location| location.definition().trim_end().replace('\n', " "));
    let written = (&settings.location, &settings.endpoint);
    match (&found, expected) {
        (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{written:?}"),
        (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{written:?}: {error}"),
        _ => panic!("{written:?}: {found:?}, expected {expected:?}"),
    }
}

#[test]
fn folders_below_a_root() {
    for (location, path) in [
        ("file:///data/billing", "/data/billing"),
        ("file:///data/billing/", "/data/billing"),
        ("file:///data/billing/aws", "/data/billing/aws"),
        ("FILE:///data/billing/aws/", "/data/billing/aws"),
        ("file:///data//billing/./aws", "/data/billing/aws"),
        ("file:///data/billing/with%20space", "/data/billing/with space"),
        ("file:///data/billing/with space", "/data/billing/with space"),
        (" file:///data/billing/special/x ", "/data/billing/special/x"),
        ("file:///srv/grafana-exports", "/srv/grafana-exports"),
    ] {
        check(&settings(location), Ok(&format!("provider=file path={path}")));
    }
}

#[test]
fn hostile_folders_are_refused() {
    let plain = "has to be a plain absolute folder";
    let outside = "outside of the folders of `outlay_local_roots`";
    for (location, part) in [
        ("", "`location` is empty"),
        ("   ", "`location` is empty"),
        ("/data/billing", "write `file://` in front of it"),
        ("data/billing", "has to begin with `s3://` or `file:///`"),
        ("file:/data/billing", "has to begin with"),
        ("file://data/billing", "with three slashes"),
        ("file://localhost/data/billing", "with three slashes"),
        ("file://evil.example/data/billing", "with three slashes"),
        ("file:///data/billing/../../etc", plain),
        ("file:///data/billing/..", plain),
        ("file:///../data/billing", plain),
        ("file:///data/billing/%2e%2e/x", plain),
        ("file:///data/billing/%2E./x", plain),
        ("file:///data/billing/..%2fx", plain),
        ("file:///data/billing/a%2Fb", plain),
        ("file:///data/billing/a%5cb", plain),
        ("file:///data/billing\\..\\x", plain),
        ("file:///data/billing/%00", plain),
        ("file:///data/billing/a?b", plain),
        ("file:///data/billing/a#b", plain),
        ("file:///data/billing/%0a", plain),
        ("file:///data/billing/%ff", plain),
        ("file:///data/billing\u{0}", "control characters"),
        ("file:///data/billing/a\nb", "control characters"),
        ("file:///", outside),
        ("file:///data", outside),
        ("file:///data/billing2", outside),
        ("file:///data/billing%20", outside),
        ("file:///etc/passwd", outside),
        ("file:///proc/self/environ", outside),
        ("file:///DATA/billing", outside),
        ("file:///srv/grafana", "belongs to Grafana or to Outlay's own store"),
        ("file:///srv/grafana/outlay/data", "belongs to Grafana or to Outlay's own store"),
        ("gs://bucket/x", "has to begin with `s3://` or `file:///`"),
        ("az://bucket/x", "has to begin with"),
        ("http://169.254.169.254/latest/meta-data", "has to begin with"),
        ("https://bucket.s3.amazonaws.com/x", "has to begin with"),
        ("ftp://x/y", "has to begin with"),
        ("javascript://x", "has to begin with"),
    ] {
        check(&settings(location), Err(part));
    }
    check(&settings(&format!("file:///data/billing/{}", "a".repeat(2_048))), Err("longer than 2,048 bytes"));
    let off = super::check(&settings("file:///data/billing"), &Allowed::default()).unwrap_err();
    assert_eq!(
        off.to_string(),
        "`file:///data/billing` is not allowed: `file://` is off; the operator can allow a folder with `outlay_local_roots`"
    );
}

#[test]
fn buckets_at_aws() {
    let aws = "region=us-east-1 endpoint=https://s3.us-east-1.amazonaws.com/";
    for (location, expected) in [
        ("s3://bucket", format!("provider=s3 bucket=bucket prefix= {aws}")),
        ("S3://bucket/", format!("provider=s3 bucket=bucket prefix= {aws}")),
        ("s3://my.bucket-1/exports/focus", format!("provider=s3 bucket=my.bucket-1 prefix=exports/focus/ {aws}")),
        ("s3://bucket/exports//focus//", format!("provider=s3 bucket=bucket prefix=exports//focus/ {aws}")),
        ("s3://bucket//report", format!("provider=s3 bucket=bucket prefix=/report/ {aws}")),
        ("s3://Old_Bucket/x y", format!("provider=s3 bucket=Old_Bucket prefix=x y/ {aws}")),
    ] {
        check(&settings(location), Ok(&expected));
    }
    for (region, endpoint) in [
        ("ap-southeast-1", "https://s3.ap-southeast-1.amazonaws.com/"),
        ("cn-north-1", "https://s3.cn-north-1.amazonaws.com.cn/"),
        (" eu-central-1 ", "https://s3.eu-central-1.amazonaws.com/"),
    ] {
        let settings = PlaceSettings { region: Some(region.into()), ..settings("s3://bucket") };
        check(
            &settings,
            Ok(&format!("provider=s3 bucket=bucket prefix= region={} endpoint={endpoint}", region.trim())),
        );
    }
}

#[test]
fn hostile_buckets_and_regions_are_refused() {
    let no_bucket = "names no bucket";
    for (location, part) in [
        ("s3://", no_bucket),
        ("s3:///prefix", no_bucket),
        ("s3://ab", no_bucket),
        ("s3://user:pass@bucket/x", no_bucket),
        ("s3://AKIACANARY:CANARYSECRET@bucket", no_bucket),
        ("s3://bucket:9000/x", no_bucket),
        ("s3://bucket?x=y", no_bucket),
        ("s3://bucket#x", no_bucket),
        ("s3://..", no_bucket),
        ("s3://a..b", no_bucket),
        ("s3://-bucket", no_bucket),
        ("s3://bucket.", no_bucket),
        ("s3://192.168.0.1/x", no_bucket),
        ("s3://b%75cket/x", no_bucket),
        ("s3://büro/x", no_bucket),
        ("s3://evil.example\\bucket", no_bucket),
        ("s3://bucket/../other", "a prefix with `..`"),
        ("s3://bucket/a/../b", "a prefix with `..`"),
        ("s3://bucket/./a", "a prefix with `..`"),
        ("s3://bucket/a?X-Amz-Signature=CANARY", "a prefix with `..`, `?`"),
        ("s3://bucket/a#b", "a prefix with `..`, `?`"),
        ("s3://bucket/a\\b", "a prefix with `..`"),
    ] {
        check(&settings(location), Err(part));
        let said = super::check(&settings(location), &allowed()).unwrap_err().to_string();
        assert!(!said.contains("CANARY") && !said.contains("pass"), "{said}");
    }
    check(&settings(&format!("s3://{}", "b".repeat(64))), Err(no_bucket));
    for region in ["evil.example/", "eu-central-1.evil.example", "EU-CENTRAL-1", "x@y", "../x", "1", "eu-", "a b"] {
        let settings = PlaceSettings { region: Some(region.into()), ..settings("s3://bucket") };
        check(&settings, Err("`region` is no region"));
    }
}

#[test]
fn endpoints_the_operator_allows() {
    for (endpoint, shown) in [
        ("https://minio.example.com:9000", "https://minio.example.com:9000/"),
        ("https://MINIO.example.com:9000/", "https://minio.example.com:9000/"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000/"),
        ("https://eu.store.example.com", "https://eu.store.example.com/"),
        ("https://s3.eu-west-1.amazonaws.com", "https://s3.eu-west-1.amazonaws.com/"),
    ] {
        let settings = PlaceSettings { endpoint: Some(endpoint.into()), ..settings("s3://bucket/p") };
        check(&settings, Ok(&format!("provider=s3 bucket=bucket prefix=p/ region=us-east-1 endpoint={shown}")));
    }
    let blank = PlaceSettings { endpoint: Some(" ".into()), ..settings("s3://bucket") };
    check(
        &blank,
        Ok("provider=s3 bucket=bucket prefix= region=us-east-1 endpoint=https://s3.us-east-1.amazonaws.com/"),
    );
}

#[test]
fn hostile_endpoints_are_refused() {
    let form = "`endpoint` has to be";
    let metadata = "metadata service";
    for (endpoint, part) in [
        ("minio.example.com:9000", form),
        ("ftp://minio.example.com:9000", form),
        ("file:///etc/passwd", form),
        ("https://", form),
        ("https://user:CANARY@minio.example.com:9000", form),
        ("https://@minio.example.com:9000", form),
        ("https://minio.example.com:9000@evil.example", form),
        ("https://minio.example.com:9000/path", form),
        ("https://minio.example.com:9000?x=CANARY", form),
        ("https://minio.example.com:9000#CANARY", form),
        ("https://minio.example.com.:9000", form),
        ("http://169.254.169.254", metadata),
        ("http://[::ffff:169.254.169.254]", metadata),
        ("http://[fd00:ec2::254]", metadata),
        ("http://2852039166", metadata),
        ("http://0xa9fea9fe", metadata),
        ("http://0251.0376.0251.0376", metadata),
        ("http://169.254.43518", metadata),
        ("http://１６９.254.169.254", metadata),
        ("http://169.254.170.2", metadata),
        ("http://0.0.0.0:5000", metadata),
        ("http://[::]:5000", metadata),
        ("http://127.0.0.1:5001", "add `http://127.0.0.1:5001` to `outlay_allowed_hosts`"),
        ("https://127.0.0.1:5000", "add `127.0.0.1:5000` to"),
        ("http://127.0.0.2:5000", "to `outlay_allowed_hosts`"),
        ("http://localhost:5000", "add `http://localhost:5000` to"),
        ("http://[::1]:5000", "to `outlay_allowed_hosts`"),
        ("http://minio.example.com:9000", "add `http://minio.example.com:9000` to"),
        ("https://minio.example.com", "add `minio.example.com` to"),
        ("https://minio.example.com:9000.evil.example", form),
        ("https://minio.example.com.evil.example:9000", "to `outlay_allowed_hosts`"),
        ("https://evil.example/?minio.example.com:9000", form),
        ("https://store.example.com", "add `store.example.com` to"),
        ("https://evilstore.example.com", "to `outlay_allowed_hosts`"),
        ("http://eu.store.example.com", "to `outlay_allowed_hosts`"),
        ("https://eu.store.example.com:8443", "to `outlay_allowed_hosts`"),
        ("http://s3.amazonaws.com", "to `outlay_allowed_hosts`"),
        ("https://s3.amazonaws.com.evil.example", "to `outlay_allowed_hosts`"),
        ("https://x.execute-api.eu-west-1.amazonaws.com", "to `outlay_allowed_hosts`"),
        ("https://minıo.example.com:9000", "to `outlay_allowed_hosts`"),
        ("http://metadata.google.internal", "to `outlay_allowed_hosts`"),
        ("https://prometheus.monitoring.svc:9090", "to `outlay_allowed_hosts`"),
    ] {
        let settings = PlaceSettings { endpoint: Some(endpoint.into()), ..settings("s3://bucket/p") };
        check(&settings, Err(part));
        let said = super::check(&settings, &allowed()).unwrap_err().to_string();
        assert!(!said.contains("CANARY"), "{said}");
    }
    // An operator cannot open the metadata service even by naming it.
    let open = Allowed { hosts: vec!["http://169.254.169.254".into()], ..Allowed::default() };
    let settings = PlaceSettings { endpoint: Some("http://169.254.169.254".into()), ..settings("s3://bucket") };
    assert!(super::check(&settings, &open).unwrap_err().to_string().contains(metadata));
}

#[test]
fn the_bucket_goes_where_it_makes_a_valid_host() {
    let style = |location: &str, endpoint: Option<&str>, path_style: Option<bool>| {
        let settings = PlaceSettings { endpoint: endpoint.map(str::to_owned), path_style, ..settings(location) };
        match super::check(&settings, &allowed()).unwrap().kind {
            Kind::S3 { path_style, .. } => path_style,
            Kind::Local { .. } => panic!("{location} is a bucket"),
        }
    };
    let minio = Some("https://minio.example.com:9000");
    assert!(!style("s3://bucket", None, None));
    assert!(style("s3://my.bucket", None, None), "a dot has no certificate");
    assert!(style("s3://Old_Bucket", None, None));
    assert!(style("s3://bucket", None, Some(true)));
    assert!(style("s3://bucket", minio, None));
    assert!(!style("s3://bucket", minio, Some(false)));
    let in_host = PlaceSettings {
        endpoint: Some("http://127.0.0.1:5000".into()),
        path_style: Some(false),
        ..settings("s3://bucket")
    };
    check(&in_host, Err("`pathStyle` has to be on"));
}

#[test]
fn keys_come_from_the_secrets_only() {
    let said = |settings: PlaceSettings, ambient: &[&str]| {
        let ambient_identity = ambient.iter().map(|&provider| provider.to_owned()).collect();
        let allowed = Allowed { ambient_identity, ..allowed() };
        super::connect(&settings, &allowed)
            .map(|source| format!("{source:?} {source:#?}"))
            .map_err(|error| error.to_string())
    };
    let both = "set the secrets `billing.aws-prod.accessKeyId` and `billing.aws-prod.secretAccessKey`";
    let none = said(settings("s3://bucket"), &[]).unwrap_err();
    assert_eq!(none, format!("billing source `aws-prod`: it has no access keys: {both}"));
    assert!(said(settings("s3://bucket"), &["gcp"]).unwrap_err().contains(both));
    assert!(said(settings("s3://bucket"), &["aws"]).unwrap().contains("the machine's identity"));
    let endpoint = Some("https://minio.example.com:9000".to_owned());
    let elsewhere = said(PlaceSettings { endpoint, ..settings("s3://bucket") }, &["aws"]).unwrap_err();
    assert!(elsewhere.contains("is for AWS itself") && elsewhere.contains(both), "{elsewhere}");

    let half = PlaceSettings { access_key_id: secret("AKIACANARY"), ..settings("s3://bucket") };
    assert!(said(half.clone(), &["aws"]).unwrap_err().contains("`billing.aws-prod.secretAccessKey` is missing"));
    let blank = PlaceSettings { secret_access_key: secret("  "), ..half.clone() };
    assert!(said(blank, &[]).unwrap_err().contains("`billing.aws-prod.secretAccessKey` is missing"));
    let other = PlaceSettings { secret_access_key: secret("CANARY"), ..settings("s3://bucket") };
    assert!(said(other, &[]).unwrap_err().contains("`billing.aws-prod.accessKeyId` is missing"));
    let odd = PlaceSettings { secret_access_key: secret("CANARY CANARY"), ..half.clone() };
    let odd = said(odd, &[]).unwrap_err();
    assert!(odd.contains("`billing.aws-prod.secretAccessKey` holds spaces") && !odd.contains("CANARY"), "{odd}");
    let full = PlaceSettings { secret_access_key: secret("CANARY"), session_token: secret("CANARY"), ..half };
    assert!(!format!("{full:?} {full:#?}").contains("CANARY"));
    assert!(!said(full, &[]).unwrap().contains("CANARY"));
}

#[test]
fn another_place_has_another_definition() {
    let base = settings("s3://bucket/p");
    let of = |settings: &PlaceSettings| super::check(settings, &allowed()).unwrap().definition();
    let others = [
        settings("s3://bucket/q"),
        settings("s3://bucket2/p"),
        PlaceSettings { region: Some("eu-west-1".into()), ..base.clone() },
        PlaceSettings { endpoint: Some("https://minio.example.com:9000".into()), ..base.clone() },
        settings("file:///data/billing"),
    ];
    for other in &others {
        assert_ne!(of(&base), of(other), "{}", other.location);
    }
    let same = [
        PlaceSettings { source_id: "other".into(), access_key_id: secret("CANARY"), ..base.clone() },
        PlaceSettings { since: Month::parse("2026-01"), ..base.clone() },
        settings("s3://bucket/p/"),
    ];
    for same in &same {
        assert_eq!(of(&base), of(same));
    }
}
