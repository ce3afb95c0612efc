//! Real files of the shared data, with the totals that were measured on their own text.

use std::path::Path;

use super::read;
use crate::model::{Amount, Number, Rows, Text};
use crate::sources::{Content, Error, ReadReport};

/// A naive sum beside the reader's own, by provider; nulls add nothing.
fn total(batches: &[Rows], cost: Number, provider: Option<&str>) -> String {
    let mut total = Amount::ZERO;
    for rows in batches {
        for row in 0..rows.len() {
            if provider.is_none() || rows.text(Text::ServiceProviderName).get(row) == provider {
                total = total.checked_add(rows.number(cost)[row].unwrap_or_default()).unwrap();
            }
        }
    }
    total.to_string()
}

/// A real file of the shared data, or `None` with a word where it is absent.
fn real(name: &str) -> Option<(Vec<Rows>, ReadReport)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/billing").join(name);
    let Ok(file) = std::fs::File::open(&path) else {
        eprintln_not_run(name);
        return None;
    };
    Some(read(name, Content::File(file)).unwrap())
}

#[expect(clippy::print_stderr, reason = "a test that is not run has to say so")]
fn eprintln_not_run(name: &str) {
    eprintln!("not run: ../shared/data/billing/{name} is absent");
}

#[test]
fn the_official_sample_gives_its_golden_totals() {
    let Some((rows, report)) = real("focus/FOCUS-1.0_focus_sample_1000.csv") else { return };
    assert_eq!((report.format.as_str(), report.rows_read, report.rows_kept), ("FOCUS 1.0", 1000, 1000));
    let golden = [
        (Number::BilledCost, None, "20.52022672899"),
        (Number::BilledCost, Some("AWS"), "18.0066386184"),
        (Number::BilledCost, Some("Microsoft"), "1.97651418586"),
        (Number::BilledCost, Some("Oracle"), "0.53707392473"),
        (Number::EffectiveCost, None, "14.97651418586"),
        (Number::ListCost, None, "20.39090575119"),
        (Number::ContractedCost, None, "14.97626039326"),
    ];
    for (cost, provider, expected) in golden {
        assert_eq!(total(&rows, cost, provider), expected, "{cost:?} {provider:?}");
        if provider.is_none() {
            assert_eq!(report.control[&format!("{} USD", cost.name())], expected);
        }
    }
    assert_eq!(report.repairs["missing:ContractedCost"].count, 7);
    assert_eq!(report.repairs["enum-spelling:ChargeFrequency"].count, 7);
    assert_eq!(report.repairs["timestamp-without-zone:ChargePeriodStart"].count, 1000);
    assert_eq!(report.ignored_columns, ["Id"]);
    let nulls = |column: Text| {
        rows.iter().map(move |rows| (0..rows.len()).filter(|row| rows.text(column).get(*row).is_none()).count())
    };
    assert_eq!((nulls(Text::ResourceId).sum::<usize>(), nulls(Text::Tags).sum::<usize>()), (75, 289));
    let negative =
        |rows: &Rows| rows.number(Number::BilledCost).iter().flatten().filter(|cost| **cost < Amount::ZERO).count();
    assert_eq!(rows.iter().map(negative).sum::<usize>(), 13);
}

/// Rows, kept, billed and effective of what was kept, billed of what was rejected.
fn check_example(name: &str, rows: (u64, u64), billed: &str, effective: &str, lost: Option<&str>) {
    let Some((batches, report)) = real(&format!("focus-spec-examples/{name}.csv")) else { return };
    assert_eq!((report.rows_read, report.rows_kept), rows, "{name}: {report:?}");
    assert_eq!(total(&batches, Number::BilledCost, None), billed, "{name}");
    assert_eq!(total(&batches, Number::EffectiveCost, None), effective, "{name}");
    assert_eq!(report.rejected_cost.get("BilledCost XXX").map(String::as_str), lost, "{name}");
}

#[test]
fn the_specification_examples_give_their_golden_totals() {
    // One row each of the second and third ends at 30:00 o'clock, which is read as the next day's 6:00 and told.
    check_example("commitment_discount_purchase_scenario_1", (1, 1), "8760", "0", None);
    check_example("commitment_discount_purchase_scenario_2", (3, 3), "3", "0", None);
    check_example("commitment_discount_purchase_scenario_3", (4, 4), "4381.5", "0", None);
    check_example("commitment_discount_usage_scenario_1", (1, 1), "0", "1", None);
    check_example("commitment_discount_usage_scenario_2", (1, 1), "0", "1", None);
    let flexible = "one_hundred_percent_utilization_with_commitment_discount_flexibility_with_1_resource";
    check_example(flexible, (3, 3), "2.75", "2.75", None);
    let inflexible = "one_hundred_percent_utilization_without_commitment_discount_flexibility";
    check_example(inflexible, (2, 2), "1.5", "1.5", None);
}

#[test]
fn examples_whose_dates_nothing_decides_ask_instead_of_guessing() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/billing/focus-spec-examples");
    for name in ["saas_spend_agreements_a1", "simple_saas_agreements_a1", "virtual_currency_pricing_model_a2"] {
        let Ok(file) = std::fs::File::open(folder.join(format!("{name}.csv"))) else {
            eprintln_not_run(&format!("focus-spec-examples/{name}.csv"));
            continue;
        };
        let error = read(name, Content::File(file)).unwrap_err();
        assert!(matches!(&error, Error::AmbiguousDates { found, .. } if found.contains("`4/1/25`")), "{error}");
    }
}

#[test]
fn bills_in_other_formats_are_named() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/billing");
    for (name, format) in [
        ("aws/test_cur.csv.gz", "an AWS Cost and Usage Report"),
        ("aws/2022-07-01-alt-columns.csv", "an AWS Cost and Usage Report"),
        ("azure/ftk_EA_ActualCost_Small.csv", "an Azure cost export"),
        ("azure/opencost_values_Template.csv", "an Azure cost export"),
        ("gcp/2022-08-01_5.csv", "a Google Cloud billing export"),
        ("oci/reports_cost-csv_0000000030000269.csv", "an OCI cost report"),
    ] {
        let Ok(file) = std::fs::File::open(folder.join(name)) else {
            eprintln_not_run(name);
            continue;
        };
        let error = read(name, Content::File(file)).unwrap_err().to_string();
        assert!(error.contains(format), "{error}");
    }
}
