//! Reads one export file and prints what came of it: format, rows, rejects, repairs and exact totals.
//! `cargo run --example read_export -- path/to/file`
#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use std::collections::BTreeMap;
use std::error::Error;

use outlay::model::{Amount, Number, Rejects, Text};
use outlay::sources::{Content, FileRef, Format, open_reader};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: read_export <file>")?;
    let content = std::fs::File::open(&path)?;
    let size = content.metadata()?.len();
    let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
    let file = FileRef { path: name, size, version: String::new() };
    let mut reader = open_reader(&file, Content::File(content), Format::Auto)?;
    let mut by_provider: BTreeMap<(String, String), Amount> = BTreeMap::new();
    while let Some(rows) = reader.next_rows()? {
        let (provider, currency) = (rows.text(Text::ServiceProviderName), rows.text(Text::BillingCurrency));
        for (row, cost) in rows.number(Number::BilledCost).iter().enumerate() {
            let key = (provider.get(row).unwrap_or("-").to_owned(), currency.get(row).unwrap_or("-").to_owned());
            let total = by_provider.entry(key).or_default();
            *total = total.checked_add(cost.unwrap_or_default()).ok_or("a sum left the range of exact amounts")?;
        }
    }
    let report = reader.report();
    println!("format    {}", report.format);
    println!("rows      {} read, {} kept", report.rows_read, report.rows_kept);
    tallies("rejected", &report.rejects);
    tallies("repaired", &report.repairs);
    tallies("converted", &report.conversions);
    println!("ignored   {}", report.ignored_columns.join(", "));
    for (name, total) in &report.control {
        println!("total     {name} {total}");
    }
    for (name, total) in &report.rejected_cost {
        println!("lost      {name} {total} in rejected rows");
    }
    for ((provider, currency), total) in &by_provider {
        println!("billed    {provider}: {total} {currency}");
    }
    Ok(())
}

fn tallies(title: &str, tallies: &Rejects) {
    for (key, tally) in tallies {
        println!("{title:<9} {key}: {}, e.g. {}", tally.count, tally.sample);
    }
}
