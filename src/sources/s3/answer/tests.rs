//! Answers of servers, right and wrong.

use super::*;

const HEAD: &str =
    r#"<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">"#;

fn check(body: &str, expected: Result<&[(&str, u64)], &str>) -> Page {
    let found = page(body.as_bytes());
    let keys = found.as_ref().map(|page| page.keys.iter().map(|key| (key.key.as_str(), key.size)).collect::<Vec<_>>());
    match (&keys, expected) {
        (Ok(keys), Ok(expected)) => assert_eq!(keys, expected, "{body}"),
        (Err(error), Err(part)) => assert!(error.contains(part), "{body}: {error}"),
        _ => panic!("{body}: {keys:?}, expected {expected:?}"),
    }
    found.unwrap_or_default()
}

#[test]
fn pages_give_keys_as_they_are() {
    let body = format!(
        "{HEAD}<Name>b</Name><IsTruncated>true</IsTruncated><NextContinuationToken>a&amp;b=</NextContinuationToken>\
         <EncodingType>url</EncodingType>\n<Contents><Key>p/a%20b%2Bc+d%26e/BILLING_PERIOD%3D2026-01/%C3%A9.csv</Key>\
         <LastModified>2026-11-24T10:00:00.000Z</LastModified><ETag>&quot;0a1b-2&#34;</ETag><Size>12</Size>\
         <StorageClass>STANDARD</StorageClass><Owner><ID>x</ID></Owner></Contents><Contents><Key>/x</Key><Size>0</Size>\
         <StorageClass>GLACIER</StorageClass></Contents><CommonPrefixes><Prefix>q/</Prefix></CommonPrefixes></ListBucketResult>"
    );
    let page = check(&body, Ok(&[("p/a b+c d&e/BILLING_PERIOD=2026-01/é.csv", 12), ("/x", 0)]));
    assert_eq!(page.next.as_deref(), Some("a&b="));
    assert_eq!((page.keys[0].etag.as_str(), page.keys[1].etag.as_str()), ("\"0a1b-2\"", ""));
    assert_eq!(page.keys[0].modified, Some(1_795_514_400_000_000_000));
    assert_eq!((page.keys[0].archived, page.keys[1].archived), (false, true));
}

#[test]
fn without_url_encoding_the_key_is_literal() {
    let body = format!("{HEAD}<Contents><Key>a%20b+c</Key><Size>1</Size></Contents></ListBucketResult>");
    check(&body, Ok(&[("a%20b+c", 1)]));
    check(&format!("{HEAD}</ListBucketResult>"), Ok(&[]));
    check(
        &format!("{HEAD}<Contents><Key><![CDATA[a<b]]></Key><Size>1</Size></Contents></ListBucketResult>"),
        Ok(&[("a<b", 1)]),
    );
}

#[test]
fn the_token_counts_only_while_there_is_more() {
    let body = format!(
        "{HEAD}<IsTruncated>false</IsTruncated><NextContinuationToken>t</NextContinuationToken></ListBucketResult>"
    );
    assert_eq!(check(&body, Ok(&[])).next, None);
    let body = format!("{HEAD}<IsTruncated>true</IsTruncated></ListBucketResult>");
    check(&body, Err("cut off without a way to go on"));
}

#[test]
fn what_is_no_listing_is_refused() {
    for (body, part) in [
        (String::new(), "something else"),
        ("<html><body>Sign in</body></html>".into(), "something else"),
        ("{}".into(), "something else"),
        (HEAD.to_owned(), "cut off"),
        (format!("{HEAD}<Contents><Key>a</Key>"), "cut off"),
        (format!("{HEAD}<Contents></ListBucketResult>"), "no XML"),
        (format!("{HEAD}<Contents><Key>a</Key></Contents></ListBucketResult>"), "not readable"),
        (format!("{HEAD}<Contents><Key>a</Key><Size>-1</Size></Contents></ListBucketResult>"), "not readable"),
        (format!("{HEAD}<Contents><Key></Key><Size>1</Size></Contents></ListBucketResult>"), "not readable"),
        (
            format!(
                "{HEAD}<EncodingType>url</EncodingType><Contents><Key>%FF</Key><Size>1</Size></Contents></ListBucketResult>"
            ),
            "not readable",
        ),
        (format!("{HEAD}<Contents><Key>&undeclared;</Key></Contents></ListBucketResult>"), "no XML"),
        ("<!DOCTYPE a [<!ENTITY b \"c\">]><ListBucketResult/>".into(), "no XML"),
        (format!("{HEAD}{}", "<a>".repeat(20)), "no XML"),
    ] {
        check(&body, Err(part));
    }
    assert!(page(b"\xff\xfe<ListBucketResult/>").is_err());
}

#[test]
fn complaints_give_a_code_and_nothing_else() {
    for (body, code, region) in [
        ("<Error><Code>SlowDown</Code><Message>secret</Message></Error>", Some("SlowDown"), None),
        (
            "<Error><Code>PermanentRedirect</Code><Region>eu-central-1</Region></Error>",
            Some("PermanentRedirect"),
            Some("eu-central-1"),
        ),
        ("<?xml version=\"1.0\"?>\n<Error>\n<Code>NoSuchKey</Code>\n</Error>", Some("NoSuchKey"), None),
        ("<Error><Code>two words</Code><Region>evil.example/</Region></Error>", None, None),
        ("<Error><Code>AKIA&lt;script&gt;</Code></Error>", None, None),
        ("<Other><Code>X</Code></Other>", None, None),
        ("not XML", None, None),
        ("<Error><Code>Torn</Code>", Some("Torn"), None),
        ("", None, None),
    ] {
        let found = complaint(body.as_bytes());
        assert_eq!((found.code.as_deref(), found.region.as_deref()), (code, region), "{body}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2_000))]

    /// Whatever a server sends: no panic, and a code stays a word.
    #[test]
    fn no_answer_breaks_the_reader(bytes: Vec<u8>, pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..30)) {
        let text = pieces.concat();
        for body in [&bytes[..], text.as_bytes()] {
            let _any = page(body);
            let complaint = complaint(body);
            proptest::prop_assert!(complaint.code.is_none_or(|code| is_code(&code)));
            proptest::prop_assert!(complaint.region.is_none_or(|region| is_region(&region)));
        }
    }
}

const PIECES: &[&str] = &[
    "<ListBucketResult>",
    "</ListBucketResult>",
    "<Contents>",
    "</Contents>",
    "<Key>",
    "</Key>",
    "<Size>",
    "</Size>",
    "1",
    "-",
    "<Error>",
    "</Error>",
    "<Code>",
    "</Code>",
    "&amp;",
    "&#x0;",
    "&#1114112;",
    "&",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<?x",
    "?>",
    "<a b=\"",
    "\"",
    "/>",
    "é",
    "\u{0}",
    "%FF",
    "<EncodingType>url</EncodingType>",
    "x",
];
