//! An app over made-up places: first panels, refreshes that fail, settings that change, tenants kept apart.

mod make;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant as Moment};

use make::*;

use super::{Role, ValuesRequest};
use crate::query::request::{Filter, Operator};
use crate::sources;

fn unreachable() -> sources::Error {
    sources::Error::Unreachable { place: "secret-bucket".into(), why: "timed out".into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_panel_waits_for_the_first_import() {
    let world = World::new();
    world.places.place(1, "s3://a").put("nov.csv", &bill(&[("EC2", 1, "1.10", "prod"), ("S3", 2, "0.22", "dev")]));
    let instance = world.instance(one_source()).await;
    let (total, notices) = total(&instance).await;
    assert_eq!(total, "1.32");
    assert!(!notices.iter().any(|text| text.contains("importing")), "{notices:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_first_import_does_not_hold_panels_for_ever() {
    let mut world = World::new();
    world.app.shorten_first_wait(Duration::from_millis(300));
    let place = world.places.place(1, "s3://a");
    place.put("nov.csv", &bill(&[("EC2", 1, "1", "prod")]));
    place.stuck.store(true, Ordering::Relaxed);
    let instance = world.instance(one_source()).await;
    let (nothing, notices) = total(&instance).await;
    assert_eq!(nothing, "nothing");
    assert!(notices.iter().any(|text| text.contains("source a: importing, 0 of 1 deliveries")), "{notices:?}");
    let status = instance.status(Role::Viewer).await;
    assert_eq!((status[0].state.as_str(), status[0].generation), ("importing", 0));
    place.stuck.store(false, Ordering::Relaxed);
    until(|| instance.readers().all(|reader| reader.standing().0.looks > 0)).await;
    assert_eq!(total(&instance).await.0, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_that_fails_leaves_older_data_with_the_reason() {
    let mut world = World::new();
    world.app.shorten_back_off(Duration::from_millis(20));
    let place = world.places.place(1, "s3://a");
    place.put("nov.csv", &bill(&[("EC2", 1, "1.5", "prod")]));
    let instance = world.instance(one_source()).await;
    assert_eq!(total(&instance).await.0, "1.5");

    place.fail(Some(unreachable()));
    instance.refresh().unwrap();
    until(|| instance.readers().all(|reader| reader.standing().0.trouble.is_some())).await;
    let (older, notices) = total(&instance).await;
    assert_eq!(older, "1.5");
    let notice = notices.iter().find(|text| text.contains("older data is shown")).expect("a notice");
    assert!(notice.contains("last read 2026-11-24 10:00 UTC; its location cannot be reached"), "{notice}");
    let status = |role| instance.status(role);
    let (viewer, editor) = (status(Role::Viewer).await, status(Role::Editor).await);
    assert_eq!(viewer[0].state, "stale");
    assert!(!viewer[0].message.contains("secret-bucket") && editor[0].message.contains("secret-bucket"));

    place.put("nov.csv", &bill(&[("EC2", 1, "2.5", "prod")]));
    place.fail(None);
    until(|| instance.readers().all(|reader| reader.standing().0.trouble.is_none())).await;
    let (newer, notices) = total(&instance).await;
    assert_eq!(newer, "2.5");
    assert!(!notices.iter().any(|text| text.contains("older")), "{notices:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_never_could_be_read_says_so_and_others_answer() {
    let world = World::new();
    world.places.place(1, "s3://b").fail(Some(unreachable()));
    world.places.place(1, "s3://a").put("nov.csv", &bill(&[("EC2", 1, "3", "prod")]));
    let both = r#"{"billing":[{"id":"b","location":"s3://b"},{"id":"a","location":"s3://a"}]}"#;
    let instance = world.instance(settings(both)).await;
    let (total, notices) = total(&instance).await;
    assert_eq!(total, "3");
    assert!(notices.iter().any(|text| text.starts_with("source b is missing: its location cannot be reached")));
    assert_eq!(
        instance.status(Role::Viewer).await.iter().map(|s| s.state.as_str()).collect::<Vec<_>>(),
        ["ready", "failed"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_cannot_be_read_is_told_and_its_neighbors_count() {
    let world = World::new();
    let place = world.places.place(1, "s3://a");
    place.put("good.csv", &bill(&[("EC2", 1, "4", "prod")]));
    place.put("torn.csv", "not,a,bill\n1,2,3\n");
    let instance = world.instance(one_source()).await;
    let (total, notices) = total(&instance).await;
    assert_eq!(total, "4");
    assert!(notices.iter().any(|text| text.contains("1 of 2 deliveries could not be read")), "{notices:?}");
    let health = instance.health().await;
    assert!(!health.ok && health.message.contains("torn.csv"), "{}", health.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_settings_are_the_same_instance() {
    let world = World::new();
    world.places.place(1, "s3://a").put("nov.csv", &bill(&[("EC2", 1, "1", "prod")]));
    let first = world.instance(one_source()).await;
    assert!(Arc::ptr_eq(&first, &world.instance(one_source()).await));
    let renamed = make::settings(r#"{"billing":[{"id":"a","location":"s3://a"}]}"#);
    let renamed = super::DatasourceSettings { name: "Other".into(), updated_ms: 2, ..renamed };
    let second = world.instance(renamed).await;
    assert!(!Arc::ptr_eq(&first, &second));
    let reader = |instance: &super::Instance| Arc::clone(instance.readers().next().unwrap());
    assert!(Arc::ptr_eq(&reader(&first), &reader(&second)), "saved without a change of the source: it goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_interval_or_id_keeps_reading_and_changed_rules_keep_the_store() {
    let world = World::new();
    let place = world.places.place(1, "s3://a");
    place.put("nov.csv", &bill(&[("EC2", 1, "1", "prod")]));
    let first = world.instance(one_source()).await;
    assert_eq!(total(&first).await.0, "1");
    assert_eq!(place.lists.load(Ordering::Relaxed), 1);

    let second = world.instance(settings(r#"{"billing":[{"id":"z","location":"s3://a","refresh":"1h"}]}"#)).await;
    assert_eq!(total(&second).await.0, "1");
    assert_eq!((place.lists.load(Ordering::Relaxed), place.opens.load(Ordering::Relaxed)), (1, 1));
    assert_eq!(second.status(Role::Viewer).await[0].source, "z");

    place.stuck.store(true, Ordering::Relaxed);
    let rules = r#"{"billing":[{"id":"z","location":"s3://a"}],"allocation":{"promotedTags":["cost-center"]}}"#;
    let third = world.instance(settings(rules)).await;
    until(|| place.opens.load(Ordering::Relaxed) == 2).await;
    let (older, notices) = total(&third).await;
    assert_eq!(older, "1", "the store answers while it is read by the new rules: {notices:?}");
    assert!(notices.iter().any(|text| text.contains("importing")), "{notices:?}");
    place.stuck.store(false, Ordering::Relaxed);
    let fast = |name: &'static str| {
        let third = Arc::clone(&third);
        async move { third.dimensions().await.iter().any(|dimension| dimension.name == name && dimension.fast) }
    };
    let waited = async {
        while !fast("Tags.cost-center").await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waited).await.unwrap();
    assert_eq!(total(&third).await.0, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_tenant_sees_another() {
    let world = World::new();
    for (org, cost) in [(1, "1"), (2, "2")] {
        world.places.place(org, "s3://a").put("nov.csv", &bill(&[("EC2", 1, cost, "prod")]));
    }
    let first = world.instance(one_source()).await;
    let second = world.instance(super::DatasourceSettings { org_id: 2, ..one_source() }).await;
    for _twice in 0..2 {
        assert_eq!((total(&first).await.0, total(&second).await.0), ("1".into(), "2".into()));
    }

    // The same uid made anew, or the same datasource with other keys: nothing of before is shown.
    let with_keys = |key: &str| {
        let settings = with_secret(one_source(), "billing.a.accessKeyId", key);
        with_secret(settings, "billing.a.secretAccessKey", "s")
    };
    let place = world.places.place(1, "s3://a");
    place.fail(Some(unreachable()));
    let other = world.instance(with_keys("thief")).await;
    let (nothing, notices) = total(&other).await;
    assert_eq!(nothing, "nothing", "{notices:?}");
    let back = world.instance(one_source()).await;
    assert_eq!(total(&back).await.0, "1", "its own store was not touched");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_kept_until_its_data_changes() {
    let world = World::new();
    let place = world.places.place(1, "s3://a");
    place.put("nov.csv", &bill(&[("EC2", 1, "1", "prod"), ("S3", 2, "5", "dev")]));
    let instance = world.instance(one_source()).await;
    let query = request(r#"{"groupBy":["ServiceName"]}"#);
    let first = instance.answer(query.clone()).await.unwrap();
    assert!(!was_kept(&first));
    let second = instance.answer(query.clone()).await.unwrap();
    assert!(was_kept(&second));
    assert_eq!(first.frames[0].fields, second.frames[0].fields);

    place.put("nov.csv", &bill(&[("EC2", 1, "7", "prod")]));
    let before = place.opens.load(Ordering::Relaxed);
    instance.refresh().unwrap();
    until(|| place.opens.load(Ordering::Relaxed) > before).await;
    until(|| instance.readers().all(|reader| reader.standing().1.generation > 1)).await;
    until(|| instance.readers().all(|reader| reader.standing().0.looks > 1)).await;
    let third = instance.answer(query).await.unwrap();
    assert!(!was_kept(&third));
    assert_eq!(dollars(&third), "7");
    let metrics = world.app.metrics();
    assert!(metrics.contains("outlay_answer_cache_hits_total 1"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_cache_can_be_off() {
    let world = World::with(FakePlaces::default(), tempfile::tempdir().unwrap(), false);
    world.places.place(1, "s3://a").put("nov.csv", &bill(&[("EC2", 1, "1", "prod")]));
    let instance = world.instance(one_source()).await;
    for _twice in 0..2 {
        assert!(!was_kept(&instance.answer(request("{}")).await.unwrap()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_on_a_filled_store_answers_at_once_even_without_its_source() {
    let world = World::new();
    let place = world.places.place(1, "s3://a");
    place.put("nov.csv", &bill(&[("EC2", 1, "9", "prod")]));
    assert_eq!(total(&*world.instance(one_source()).await).await.0, "9");
    world.app.stop().await;
    place.fail(Some(unreachable()));
    let World { places, dir, app, .. } = world;
    drop(app);
    let world = World::with(places, dir, true);
    assert_eq!(total(&*world.instance(one_source()).await).await.0, "9");
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_ends_whatever_runs() {
    let world = World::new();
    let place = world.places.place(1, "s3://a");
    place.put("nov.csv", &bill(&[("EC2", 1, "1", "prod")]));
    place.stuck.store(true, Ordering::Relaxed);
    let instance = world.instance(one_source()).await;
    until(|| place.opens.load(Ordering::Relaxed) > 0).await;
    world.app.stop().await;
    drop(instance);
    let late = world.instance(one_source()).await;
    let lists = place.lists.load(Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(place.lists.load(Ordering::Relaxed), lists, "nothing starts after the stop");
    drop(late);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_make_no_sense_are_told_by_answers_and_only_theirs() {
    let world = World::new();
    world.places.place(2, "s3://a").put("nov.csv", &bill(&[("EC2", 1, "1", "prod")]));
    let check = |json: &'static str, expected: &'static str| {
        let world = &world;
        async move {
            let instance = world.instance(settings(json)).await;
            let why = refused(&instance).await;
            assert!(why.contains(expected), "{why}");
            let health = instance.health().await;
            assert!(!health.ok && health.message.contains(expected), "{}", health.message);
        }
    };
    check("{oops", "jsonData: is no JSON").await;
    check(r#"{"billing":7}"#, "billing: expected a list").await;
    check(r#"{"billing":[{"id":"a"}]}"#, "billing[0].location: is missing").await;
    check(r#"{"billing":[{"id":"a","location":"s3://a"}],"allocation":[]}"#, "allocation: expected an object").await;
    check(r#"{"billing":[{"id":"a","location":"file:///etc"}]}"#, "billing[0] (source `a`): ").await;
    let why = refused(&*world.instance(settings(r#"{"billing":[{"id":"a","location":"file:///etc"}]}"#)).await).await;
    assert!(why.contains("not allowed by the operator") && !why.contains("/etc"), "{why}");
    let fine = world.instance(super::DatasourceSettings { org_id: 2, ..one_source() }).await;
    assert_eq!(total(&fine).await.0, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sources_that_read_the_same_are_one_too_many() {
    let world = World::new();
    world.places.place(1, "s3://a").put("nov.csv", &bill(&[("EC2", 1, "1", "prod")]));
    let twice = r#"{"billing":[{"id":"a","location":"s3://a"},{"id":"b","location":"s3://a"}]}"#;
    let instance = world.instance(settings(twice)).await;
    let (total, notices) = total(&instance).await;
    assert_eq!(total, "1");
    assert!(notices.iter().any(|text| text.contains("reads the same as source `a`")), "{notices:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn save_and_test_says_what_was_found_per_source() {
    let world = World::new();
    world.places.place(1, "s3://a").put("nov.csv", &bill(&[("EC2", 1, "1", "prod"), ("EC2", 23, "1", "prod")]));
    let place = world.places.place(1, "s3://b");
    place.put("nov.csv", &bill(&[("EC2", 1, "1", "prod")]));
    let both = r#"{"billing":[{"id":"a","location":"s3://a"},{"id":"b","location":"s3://b","typo":1}]}"#;
    let instance = world.instance(settings(both)).await;
    let health = instance.health().await;
    assert!(health.ok, "{}", health.message);
    assert_eq!(
        health.message,
        "2 sources: a ready, newest billing month 2026-11, 2 rows, data until 2026-11-23; \
         b ready, newest billing month 2026-11, 1 rows, data until 2026-11-01; \
         note: billing[1].typo is no setting of a billing source and is ignored"
    );
    assert_eq!(health.checks[0].name, "billing a");
    place.fail(Some(unreachable()));
    assert_eq!(instance.health().await, health, "kept for some seconds");
}

#[tokio::test(flavor = "multi_thread")]
async fn save_and_test_names_what_is_wrong() {
    let world = World::new();
    world.places.place(1, "s3://a").fail(Some(unreachable()));
    let instance = world.instance(one_source()).await;
    let health = instance.health().await;
    assert!(!health.ok);
    let expected = "1 source: a failed: `secret-bucket` cannot be reached: timed out";
    assert!(health.message.starts_with(expected), "{}", health.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn editors_are_offered_dimensions_tag_keys_and_values() {
    let world = World::new();
    world.places.place(1, "s3://a").put("nov.csv", &bill(&[("EC2", 1, "1", "prod"), ("S3", 2, "5", "dev")]));
    let instance = world.instance(one_source()).await;
    let dimensions = instance.dimensions().await;
    let find = |name: &str| dimensions.iter().find(|dimension| dimension.name == name).map(|d| d.fast);
    assert_eq!(
        (find("ServiceName"), find("Tags.env"), find("Tags.cost-center")),
        (Some(true), Some(true), Some(false))
    );
    let values = |dimension: &str, search: &str, filters: Vec<Filter>| {
        instance.values(ValuesRequest { dimension: dimension.into(), search: search.into(), limit: 0, filters })
    };
    assert_eq!(values("ServiceName", "", Vec::new()).await.unwrap(), ["EC2", "S3"]);
    assert_eq!(values("ServiceName", "ec", Vec::new()).await.unwrap(), ["EC2"]);
    let dev = Filter { key: "Tags.env".into(), operator: Operator::Equals, values: vec!["dev".into()] };
    assert_eq!(values("ServiceName", "", vec![dev]).await.unwrap(), ["S3"]);
    assert!(values("NoSuchThing", "", Vec::new()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_can_be_asked_for_once_a_minute() {
    let world = World::new();
    let instance = world.instance(one_source()).await;
    assert_eq!(instance.refresh(), Ok(()));
    assert!(matches!(instance.refresh(), Err(1..=60)));
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_hold_no_names() {
    let world = World::new();
    world.places.place(1, "s3://secret-place").put("secret.csv", &bill(&[("SecretService", 1, "1", "prod")]));
    let json = r#"{"billing":[{"id":"secret-id","location":"s3://secret-place"}]}"#;
    let instance = world.instance(settings(json)).await;
    total(&instance).await;
    let metrics = world.app.metrics();
    assert!(!metrics.to_lowercase().contains("secret") && !metrics.contains("uid"), "{metrics}");
    for line in ["outlay_import_age_seconds{source=\"0\"} 0", "outlay_rows{source=\"0\"} 1", "outlay_instances 1"] {
        assert!(metrics.lines().any(|found| found == line), "{line} is missing in {metrics}");
    }
    let line = |line: &str| line.starts_with('#') || line.split_whitespace().count() == 2;
    assert!(metrics.lines().all(line), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_nobody_asks_for_is_dropped() {
    let world = World::new();
    let place = world.places.place(1, "s3://a");
    place.put("nov.csv", &bill(&[("EC2", 1, "1", "prod")]));
    let instance = world.instance(one_source()).await;
    total(&instance).await;
    world.app.drop_idle(Duration::from_secs(3_600));
    assert!(Arc::ptr_eq(&instance, &world.instance(one_source()).await));
    world.app.drop_idle(Duration::ZERO);
    let another = world.instance(one_source()).await;
    assert!(!Arc::ptr_eq(&instance, &another));
    assert_eq!(total(&another).await.0, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_datasource_without_settings_serves_the_sample_until_yesterday() {
    let dir = tempfile::tempdir().unwrap();
    let operator = super::Operator { store_dir: dir.path().join("stores"), ..super::Operator::default() };
    let clock = Arc::new(crate::model::FixedClock(at(NOW)));
    let app = super::App::new(operator, clock);
    let began = Moment::now();
    let instance = app.instance(settings("{}")).await;
    let query = request(r#"{"grain":"total","groupBy":["BillingCurrency"]}"#);
    let first = instance.answer(query).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(30), "a panel was held up: {:?}", began.elapsed());
    assert_ne!(dollars(&first), "nothing", "{:?}", notices(&first));
    until(|| instance.readers().all(|reader| reader.standing().0.looks > 0)).await;
    let health = instance.health().await;
    assert!(health.ok, "{}", health.message);
    let expected = "1 source: sample ready, newest billing month 2026-11, ";
    assert!(health.message.starts_with(expected), "{}", health.message);
    assert!(health.message.contains("data until 2026-11-23"), "{}", health.message);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_is_read_anew_when_the_day_changes() {
    let mut world = World::new();
    world.app.shorten_tick(Duration::from_millis(10));
    let place = world.places.place(1, "sample");
    place.put("nov.csv", &bill(&[("EC2", 1, "1", "prod")]));
    let instance = world.instance(settings("{}")).await;
    assert_eq!(total(&instance).await.0, "1");
    place.put("nov.csv", &bill(&[("EC2", 1, "1", "prod"), ("EC2", 24, "1", "prod")]));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(place.lists.load(Ordering::Relaxed), 1, "not before midnight");
    *world.clock.0.lock().unwrap() = at("2026-11-25T00:00:01Z");
    until(|| place.lists.load(Ordering::Relaxed) == 2).await;
    until(|| instance.readers().all(|reader| reader.standing().0.looks == 2)).await;
    assert_eq!(total(&instance).await.0, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_place_does_not_hold_up_the_imports_of_others() {
    let world = World::new();
    let silent = world.places.place(1, "s3://silent");
    silent.silent.store(true, Ordering::Relaxed);
    let first = world.instance(settings(r#"{"billing":[{"id":"s","location":"s3://silent"}]}"#)).await;
    until(|| silent.lists.load(Ordering::Relaxed) == 1).await;
    world.places.place(2, "s3://a").put("nov.csv", &bill(&[("EC2", 1, "1", "prod")]));
    let second = world.instance(super::DatasourceSettings { org_id: 2, ..one_source() }).await;
    assert_eq!(total(&second).await.0, "1");
    assert_eq!(first.status(Role::Editor).await[0].message, "waiting for its first import");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_questions_at_once_build_one_instance() {
    let world = World::new();
    let place = world.places.place(1, "s3://a");
    place.put("nov.csv", &bill(&[("EC2", 1, "1", "prod")]));
    let asked = futures::future::join_all((0..20).map(|_| world.instance(one_source()))).await;
    assert!(asked.iter().all(|instance| Arc::ptr_eq(instance, &asked[0])));
    let totals = futures::future::join_all(asked.iter().map(|instance| total(instance))).await;
    assert!(totals.iter().all(|(total, _)| total == "1"));
    assert_eq!(place.lists.load(Ordering::Relaxed), 1);
    let metrics = world.app.metrics();
    assert!(metrics.contains("outlay_answer_cache_misses_total 1\n"), "one execution for all: {metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_store_stops_imports_and_says_so() {
    let places = FakePlaces::default();
    let dir = tempfile::tempdir().unwrap();
    let store_dir = dir.path().join("stores");
    let operator = super::Operator { store_dir, store_limit_gib: 0, ..super::Operator::default() };
    let clock = Arc::new(crate::model::FixedClock(at(NOW)));
    let app = super::App::with_connector(operator, clock, Box::new(places.clone()));
    places.place(1, "s3://a").put("nov.csv", &bill(&[("EC2", 1, "1", "prod")]));
    let instance = app.instance(one_source()).await;
    let (nothing, notices) = total(&instance).await;
    assert_eq!(nothing, "nothing");
    assert!(notices.iter().any(|text| text.contains("`outlay_store_limit_gib` allows 0 GiB")), "{notices:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_on_one_store_one_imports_and_both_answer() {
    let first = World::new();
    let place = first.places.place(1, "s3://a");
    place.put("nov.csv", &bill(&[("EC2", 1, "1", "prod")]));
    place.stuck.store(true, Ordering::Relaxed);
    let importing = first.instance(one_source()).await;
    until(|| place.opens.load(Ordering::Relaxed) == 1).await;

    let operator = super::Operator { store_dir: first.dir.path().join("stores"), ..super::Operator::default() };
    let clock = Arc::<HandClock>::clone(&first.clock);
    let second = super::App::with_connector(operator, clock, Box::new(first.places.clone()));
    let reading = second.instance(one_source()).await;
    until(|| reading.readers().all(|reader| reader.standing().0.trouble.is_some())).await;
    let status = reading.status(Role::Viewer).await;
    assert_eq!(status[0].state, "importing");
    assert!(status[0].message.contains("imported by another process, process "), "{}", status[0].message);

    place.stuck.store(false, Ordering::Relaxed);
    assert_eq!(total(&importing).await.0, "1");
    until(|| reading.readers().all(|reader| !reader.standing().1.deliveries.is_empty())).await;
    assert_eq!(total(&reading).await.0, "1");
    assert!(reading.health().await.ok);
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_store_heals_from_its_source() {
    let world = World::new();
    let place = world.places.place(1, "s3://a");
    place.put("nov.csv", &bill(&[("EC2", 1, "6", "prod")]));
    assert_eq!(total(&*world.instance(one_source()).await).await.0, "6");
    world.app.stop().await;
    let World { places, dir, app, .. } = world;
    drop(app);
    let spoilt = spoil_parts(&dir.path().join("stores"));
    assert!(spoilt > 0, "nothing was there to spoil");
    let world = World::with(places, dir, true);
    let instance = world.instance(one_source()).await;
    until(|| place.opens.load(Ordering::Relaxed) == 2).await;
    until(|| instance.readers().all(|reader| reader.standing().0.looks == 1)).await;
    let (total, notices) = total(&instance).await;
    assert_eq!(total, "6", "{notices:?}");
}

/// Overwrites the end of every part below a folder; says how many.
fn spoil_parts(folder: &std::path::Path) -> usize {
    let mut spoilt = 0;
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            spoilt += spoil_parts(&path);
        } else if folder.file_name().is_some_and(|name| name == "data") {
            let mut bytes = std::fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0xff;
            std::fs::remove_file(&path).unwrap();
            std::fs::write(&path, bytes).unwrap();
            spoilt += 1;
        }
    }
    spoilt
}
