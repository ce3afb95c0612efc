//! Writes the sample as an export folder, month by month: `make_sample OUT [--scale N] [--until YYYY-MM-DD]
//! [--format csv|csv.gz|parquet|parquet-double] [--focus 1.0|1.2] [--first] [--truth]`. `--first` writes the restated
//! month as it was first delivered; `--truth` tells what is in it on purpose.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line program speaks to its user")]

use std::error::Error;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use outlay::model::{Day, Instant, SystemClock};
use outlay::sources::sample::export::{Columns, Folder, Format, Money, write_folder};
use outlay::sources::sample::truth::{Truth, of_catalog};
use outlay::sources::sample::{Catalog, Edition, Timeline};

const USAGE: &str = "usage: make_sample OUT [--scale N] [--until YYYY-MM-DD] \
                     [--format csv|csv.gz|parquet|parquet-double] [--focus 1.0|1.2] [--first] [--truth]";

/// What was asked for.
struct Asked {
    out: PathBuf,
    scale: u32,
    until: Day,
    format: Format,
    columns: Columns,
    edition: Edition,
    truth: bool,
}

fn main() -> ExitCode {
    match asked(std::env::args().skip(1)).and_then(|asked| write(&asked)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn asked(mut words: impl Iterator<Item = String>) -> Result<Asked, Box<dyn Error>> {
    use outlay::model::Clock;
    let mut asked = Asked {
        out: PathBuf::new(),
        scale: 1,
        until: SystemClock.now().day(),
        format: Format::Parquet(Money::Decimal),
        columns: Columns::Focus1_2,
        edition: Edition::Last,
        truth: false,
    };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(USAGE);
        match word.as_str() {
            "--scale" => asked.scale = value()?.parse().map_err(|_number| USAGE)?,
            "--until" => asked.until = day(&value()?).ok_or(USAGE)?,
            "--format" => asked.format = Format::named(&value()?).ok_or(USAGE)?,
            "--focus" => {
                asked.columns = match value()?.as_str() {
                    "1.0" => Columns::Focus1_0,
                    "1.2" => Columns::Focus1_2,
                    _ => return Err(USAGE.into()),
                }
            }
            "--first" => asked.edition = Edition::First,
            "--truth" => asked.truth = true,
            _ if word.starts_with('-') || !asked.out.as_os_str().is_empty() => return Err(USAGE.into()),
            _ => asked.out = word.into(),
        }
    }
    if asked.out.as_os_str().is_empty() || asked.scale == 0 { Err(USAGE.into()) } else { Ok(asked) }
}

fn day(text: &str) -> Option<Day> {
    let mut parts = text.split('-').map(str::parse::<u32>);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let whole = parts.next().is_none();
    Instant::midnight(year.try_into().ok()?, month, day).filter(|_| whole).map(Instant::day)
}

fn write(asked: &Asked) -> Result<(), Box<dyn Error>> {
    let catalog = Catalog::new(Timeline::ending(asked.until), asked.scale);
    let folder = Folder {
        export: "corebank-focus",
        uri: "s3://corebank-billing/exports/corebank-focus",
        format: asked.format,
        columns: asked.columns,
        edition: asked.edition,
    };
    let months = write_folder(&catalog, &folder, |path| create(&asked.out.join(path)))?;
    for (month, rows) in &months {
        println!("{month} {rows:>10} rows");
    }
    if asked.truth {
        tell(&of_catalog(&catalog));
    }
    println!("total   {:>10} rows in {}", months.iter().map(|(_, rows)| rows).sum::<u64>(), asked.out.display());
    Ok(())
}

/// One line for each thing that is in the sample on purpose: its kind, whose it is, when, in how many rows, its money.
fn tell(truth: &Truth) {
    for planted in &truth.planted {
        let only = if let [one] = planted.resources.as_slice() { Some(one.as_str()) } else { None };
        let of = only.or(planted.client.as_deref()).unwrap_or("all");
        let money: Vec<String> = planted.money.iter().map(|(name, money)| format!("{name} {money}")).collect();
        let (plant, from, to) = (planted.plant, planted.from, planted.to);
        println!("{plant:?} {of} {from:?} to {to:?} {} rows {} {}", planted.rows, planted.currency, money.join(", "));
    }
}

fn create(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    File::create(path)
}
