//! `kill -9` at random moments of an import, over and over: each restart answers with the old or the new complete
//! totals, never with a mix, and then finishes the import.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use super::grafana::{Datasource, Grafana, Query};

const ROUNDS: u64 = 50;
const ROWS: u64 = 4_000;
/// 2026-01-01 to 2026-03-01, milliseconds.
const RANGE: (i64, i64) = (1_767_225_600_000, 1_772_323_200_000);

/// One export file whose every row costs `cents` hundredths: the total tells which version it is.
fn export(cents: u64) -> String {
    let mut text = String::from(
        "BillingAccountId,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,ChargePeriodStart,ChargePeriodEnd,\
         ChargeCategory,BilledCost,EffectiveCost,ContractedCost,ListCost,ServiceName,ServiceCategory,ProviderName,\
         PublisherName,InvoiceIssuerName,ResourceId\n",
    );
    for row in 0..ROWS {
        let day = row % 28 + 1;
        let cost = format!("{}.{:02}", cents / 100, cents % 100);
        text += &format!(
            "1,USD,2026-01-01T00:00:00Z,2026-02-01T00:00:00Z,2026-01-{day:02}T00:00:00Z,2026-01-{day:02}T01:00:00Z,\
             Usage,{cost},{cost},{cost},{cost},service {},Compute,AWS,AWS,AWS,resource-{row}\n",
            row % 12
        );
    }
    text
}

fn total_of(cents: u64) -> String {
    let hundredths = cents * ROWS;
    let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Written beside and renamed, as a careful delivery is: a torn export is another test.
fn deliver(folder: &Path, cents: u64) {
    let beside = folder.join(".next");
    std::fs::write(&beside, export(cents)).unwrap();
    std::fs::rename(beside, folder.join("bill.csv")).unwrap();
}

async fn total(grafana: &Grafana, datasource: &Datasource) -> String {
    let query = Query::new("A", json!({"kind": "cost", "metric": "BilledCost", "grain": "day"}), RANGE);
    let answer = grafana.query(datasource, &[], vec![query]).await.unwrap().remove("A").unwrap();
    assert_eq!(answer.status, 200, "{}", answer.error);
    let frame = &answer.frames[0];
    let totals = &frame.meta.custom["outlay"]["totals"]["BilledCost"]["USD"];
    let text = totals.as_str().map_or_else(|| "nothing".to_owned(), str::to_owned);
    // What is drawn is what the total says: no row of another version is among them.
    let drawn: f64 =
        frame.fields.iter().skip(1).flat_map(|field| &field.values).filter_map(serde_json::Value::as_f64).sum();
    let told: f64 = text.parse().unwrap_or(0.0);
    assert!((drawn - told).abs() < 1e-6, "drawn {drawn}, told {told}");
    text
}

#[tokio::test]
async fn fifty_kills_leave_the_old_or_the_new_totals() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("bills");
    std::fs::create_dir(&folder).unwrap();
    let environment: BTreeMap<String, String> = [
        ("GF_PLUGIN_OUTLAY_STORE_DIR", home.path().join("store").to_string_lossy().into_owned()),
        ("GF_PLUGIN_OUTLAY_LOCAL_ROOTS", folder.to_string_lossy().into_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let location = format!("file://{}", folder.display());
    let datasource =
        Datasource { json_data: json!({"billing": [{"id": "bills", "location": location}]}), ..Datasource::default() };
    let plugin = Path::new(env!("CARGO_BIN_EXE_outlay"));
    let mut seed = 0x9e37_79b9_u64;
    eprintln!("seed {seed}");
    let (mut kept_old, mut went_new) = (0, 0);
    let mut old = "nothing".to_owned();
    for round in 1..=ROUNDS {
        deliver(&folder, round);
        let grafana = Grafana::start(plugin, &environment).await.unwrap();
        // The first look starts the import; the kill comes at any moment of it.
        let look =
            tokio::time::timeout(Duration::from_millis(next(&mut seed) % 160), total(&grafana, &datasource)).await;
        if let Ok(seen) = look {
            assert!(seen == old || seen == total_of(round), "round {round}: {seen}");
            tokio::time::sleep(Duration::from_millis(next(&mut seed) % 160)).await;
        }
        grafana.kill();

        let grafana = Grafana::start(plugin, &environment).await.unwrap();
        let seen = total(&grafana, &datasource).await;
        assert!(
            seen == old || seen == total_of(round),
            "round {round}: {seen} is neither {old} nor {}",
            total_of(round)
        );
        if seen == old {
            kept_old += 1
        } else {
            went_new += 1
        }
        let until = Instant::now() + Duration::from_secs(30);
        while total(&grafana, &datasource).await != total_of(round) {
            assert!(Instant::now() < until, "round {round}: the import after the kill did not finish");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let ended = grafana.stop().await;
        assert_eq!(ended.code, Some(0), "{:?}", ended.stderr);
        old = total_of(round);
    }
    eprintln!("{kept_old} restarts answered with the old state first, {went_new} with the new one");
}

/// A small generator (splitmix64), so that a failing run can be run again.
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *seed;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
