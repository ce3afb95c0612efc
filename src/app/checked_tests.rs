//! Tables of good and bad settings, and what is said about each.

use super::*;

fn read(json: &str) -> Settings {
    Settings::read(json.as_bytes(), &BTreeSet::new())
}

fn problems(json: &str) -> Vec<String> {
    read(json).all_problems().map(ToString::to_string).collect()
}

#[test]
fn an_empty_datasource_serves_the_sample() {
    for json in ["", "{}", r#"{"billing":[]}"#, r#"{"billing":null,"allocation":null}"#] {
        let settings = read(json);
        assert_eq!(settings, Settings { billing: vec![sample(&Rules::default())], ..Settings::default() }, "{json}");
    }
}

#[test]
fn good_settings_are_taken_as_they_are() {
    let settings = read(
        r#"{"billing":[{"id":"aws-prod","format":"focus","location":"s3://bills/focus","region":"eu-west-1",
            "endpoint":"https://minio.example.com","pathStyle":true,"refresh":"6h","since":"2026-01"},
            {"id":"made_up","format":"sample"}],
            "allocation":{"promotedTags":["env","env","team"],"clientTags":["bank"],"markets":{"r-1":"North"}},
            "currency":{"report":"SGD"},"kpis":[],"sql":{"enabled":false},"engine":{"kind":"local"},
            "utilization":[],"business":[]}"#,
    );
    assert_eq!(settings.all_problems().count() + settings.warnings.len(), 0, "{settings:?}");
    let [aws, made_up] = settings.billing.as_slice() else { panic!("two sources") };
    assert_eq!((aws.id.as_str(), aws.format, aws.refresh), ("aws-prod", Format::Focus, Duration::from_secs(21_600)));
    assert_eq!(aws.rules.since, Month::parse("2026-01"));
    assert_eq!(aws.rules.promoted_tags, ["env", "team"]);
    assert_eq!((made_up.place.clone(), made_up.refresh, made_up.rules.since), (Place::Sample, REFRESH, None));
    assert_eq!(
        aws.place,
        Place::Export {
            location: "s3://bills/focus".into(),
            region: Some("eu-west-1".into()),
            endpoint: Some("https://minio.example.com".into()),
            path_style: Some(true),
        }
    );
}

#[test]
fn each_bad_value_is_named_by_its_path() {
    let check = |billing: &str, expected: &[&str]| {
        assert_eq!(problems(&format!(r#"{{"billing":[{billing}]}}"#)), expected, "{billing}");
    };
    let good = r#""id":"a","location":"s3://b/c""#;
    check(
        r#"{"location":"s3://b"}"#,
        &["billing[0].id: is missing; name the source with letters, digits, `-` and `_`"],
    );
    check(
        r#"{"id":"a b","location":"s3://b"}"#,
        &["billing[0].id: `a b` is no id; use up to 64 letters, digits, `-` and `_`"],
    );
    check(r#"{"id":"a"}"#, &["billing[0].location: is missing; name `s3://bucket/prefix` or `file:///folder`"]);
    check(
        &format!(r#"{{{good},"refresh":"15"}}"#),
        &["billing[0].refresh: `15` is no duration; write `15m`, `6h` or `1d`"],
    );
    check(&format!(r#"{{{good},"refresh":"30s"}}"#), &["billing[0].refresh: `30s` is out of range; use `1m` to `31d`"]);
    check(
        &format!(r#"{{{good},"refresh":"99999999999999999999d"}}"#),
        &["billing[0].refresh: `99999999999999999999d` is no duration; write `15m`, `6h` or `1d`"],
    );
    for since in ["2026", "2026-13", "2026-1", "yesterday"] {
        let why = format!("billing[0].since: `{since}` is no month; write `2026-01`");
        check(&format!(r#"{{{good},"since":"{since}"}}"#), &[&why]);
    }
    check(
        &format!(r#"{{{good},"format":"csv"}}"#),
        &["billing[0].format: `csv` is no format; use one of auto, focus, sample"],
    );
    check(
        &format!(r#"{{{good},"format":"awsCur"}}"#),
        &["billing[0].format: `awsCur` is not readable by this version of Outlay; let the provider export FOCUS \
         instead, with format `focus` or `auto`"],
    );
    check(
        &format!(r#"{{{good}}},{{{good}}}"#),
        &["billing[1].id: `a` is also the id of billing[0]; each source needs its own"],
    );
    check(&format!(r#""text",{{{good}}}"#), &["billing[0]: expected an object, found a text"]);
    check(
        &format!(r#"{{{good},"pathStyle":"perhaps","region":["x"]}}"#),
        &[
            "billing[0].pathStyle: invalid type: string \"perhaps\", expected a boolean",
            "billing[0].region: invalid type: sequence, expected a string",
        ],
    );
    check(r#"{"id":{},"location":7}"#, &["billing[0].id: invalid type: map, expected a string"]);
}

#[test]
fn all_problems_come_at_once_and_only_their_source_suffers() {
    let json = r#"{"billing":[{"id":"","refresh":"x","since":"y"},{"id":"ok","location":"s3://b/c"}],
                   "allocation":{"promotedTags":["","env"],"markets":{"":"x"}}}"#;
    assert_eq!(problems(json).len(), 6, "{:?}", problems(json));
    let settings = read(r#"{"billing":[{"id":"x y","location":"s3://b"},{"id":"ok","location":"s3://b/c"}]}"#);
    let state: Vec<_> = settings.billing.iter().map(|s| (s.id.as_str(), s.problems.len())).collect();
    assert_eq!((state, settings.problems.len()), (vec![("billing[0]", 1), ("ok", 0)], 0));
}

#[test]
fn what_cannot_be_read_at_all_says_so() {
    let check = |json: &str, expected: &str| assert_eq!(problems(json), [expected], "{json:.40}");
    check("[]", "jsonData: expected an object, found a list");
    check(r#"{"billing":"s3://b"}"#, "billing: expected a list of sources, found a text");
    check(r#"{"allocation":[]}"#, "allocation: expected an object, found a list");
    assert!(problems("{oops")[0].starts_with("jsonData: is no JSON: key must be a string at line 1"));
    let long = format!(r#"{{"note":"{}"}}"#, "x".repeat(MAX_JSON));
    check(&long, "jsonData: is 1024 KiB long, at most 1024 KiB are read");
    let many = vec![r#"{"id":"a","location":"s3://b"}"#; 101].join(",");
    check(&format!(r#"{{"billing":[{many}]}}"#), "billing: has 101 sources, at most 100");
    let deep = format!(r#"{{"x":{}{}}}"#, "[".repeat(5_000), "]".repeat(5_000));
    assert!(problems(&deep)[0].contains("recursion limit"));
}

#[test]
fn numbers_from_the_environment_are_taken_as_text_and_reported() {
    let settings = read(r#"{"billing":[{"id":12345678901,"location":"s3://b","pathStyle":"true","since":2026}]}"#);
    assert_eq!(settings.billing[0].id, "12345678901");
    assert!(matches!(settings.billing[0].place, Place::Export { path_style: Some(true), .. }));
    assert_eq!(
        settings.warnings,
        ["billing[0].id arrived as the number 12345678901, without any zeros at its start; write it in quotes"]
    );
    assert_eq!(
        problems(r#"{"billing":[{"id":1,"location":"s3://b","since":2026}]}"#),
        ["billing[0].since: `2026` is no month; write `2026-01`"]
    );
    let tags = read(r#"{"allocation":{"promotedTags":"env, team","clientTags":[7],"markets":{"r":8}}}"#);
    let rules = &tags.billing[0].rules;
    assert_eq!(
        (rules.promoted_tags.clone(), rules.client_tags.clone()),
        (vec!["env".into(), "team".into()], vec!["7".into()])
    );
    assert_eq!(rules.markets["r"], "8");
}

#[test]
fn secrets_belong_to_sources() {
    let json = r#"{"billing":[{"id":"a","location":"s3://b"},{"id":"c","location":"s3://d"}]}"#;
    let secrets = BTreeSet::from([
        "billing.a.accessKeyId",
        "billing.a.secretAccessKey",
        "billing.c.accessKeyId",
        "billing.gone.accessKeyId",
        "password",
    ]);
    let settings = Settings::read(json.as_bytes(), &secrets);
    let problems: Vec<String> = settings.all_problems().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        ["secureJsonData: `billing.c.accessKeyId` is set but not `billing.c.secretAccessKey`; both belong together"]
    );
    assert_eq!(settings.warnings.len(), 2, "{:?}", settings.warnings);
    assert!(settings.warnings[0].starts_with("secret `billing.gone.accessKeyId` belongs to no billing source"));
}

#[test]
fn a_misspelled_setting_is_pointed_at() {
    let settings = read(r#"{"billing":[{"id":"a","location":"s3://b","refesh":"1h"}],"unknown":1}"#);
    assert_eq!(settings.warnings, ["billing[0].refesh is no setting of a billing source and is ignored"]);
    assert_eq!(settings.all_problems().count(), 0);
}
