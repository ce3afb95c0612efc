//! What panels and imports cost at ten million billing rows, measured in one run beside DuckDB on the same export.
//! Prints a table; asserts nothing about time. The totals of both sides must agree, else the run fails.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Datelike, Days, Months, NaiveDate, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::stand_in::{self, Build, StandIn};
use crate::tools::{self, cargo, python, root, target};

/// Threads of DuckDB; the plugin's own sums use one.
const THREADS: usize = 2;

/// Measures and prints.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let rows = match arguments {
        [] => 10_000_000,
        ["--rows", rows] => rows.replace('_', "").parse().context("--rows takes a number")?,
        _ => bail!("usage: cargo xtask bench [--rows N]"),
    };
    let python = python("bench-python", &["duckdb"]).context("the other side needs python3 with venv, and DuckDB")?;
    let stand_in = StandIn::build(Build::Release)?;
    let export = export(rows)?;
    let questions = questions();
    let duckdb = ask_duckdb(&python, &export, &questions)?;
    let bill = json!({ "jsonData": { "billing": [{ "id": "export", "location": format!("file://{}", export.folder.display()) }] } });
    let store = stand_in::fresh_folder("bench-store")?;
    let env = |cache: &str| {
        let mut env = stand_in::environment(&store);
        env["GF_PLUGIN_OUTLAY_LOCAL_ROOTS"] = json!(export.folder);
        env["GF_PLUGIN_OUTLAY_ANSWER_CACHE"] = json!(cache);
        env
    };
    let asked: Vec<Value> = questions.iter().map(Question::call).collect();

    let import = stand_in.script(
        &env("off"),
        &bill,
        &[
            asked[0].clone(),
            json!({"title": "import", "waitSeconds": 3600}),
            json!({"title": "memory", "memory": true}),
        ],
    )?;
    if import[2]["ready"] != true {
        bail!("the import did not end: {}", import[2]);
    }
    let mut calls = asked.clone();
    calls.push(json!({"title": "memory", "memory": true}));
    let uncached = stand_in.script(&env("off"), &bill, &calls)?;
    let twice: Vec<Value> = asked.iter().chain(&asked).cloned().collect();
    let cached = stand_in.script(&env("on"), &bill, &twice)?;
    let fresh = stand_in::fresh_folder("bench-sample-store")?;
    let sample = stand_in.script(&stand_in::environment(&fresh), &json!({}), &asked[..1])?;

    let ours: Vec<f64> = uncached[1..=asked.len()].iter().map(ms).collect();
    let again: Vec<f64> = cached[1 + asked.len()..1 + 2 * asked.len()].iter().map(ms).collect();
    let theirs: Vec<f64> = duckdb["answers"].as_array().context("no answers")?.iter().map(ms).collect();
    compare(&uncached[1..=asked.len()], &duckdb["answers"])?;
    // The first question of a process also loads the daily sums; it is told apart, as the first answer after a restart.
    let (panel, duck) = (median(&ours[1..]), median(&theirs[1..]));
    println!("\n{}", machine());
    println!(
        "export: {} rows, {} MiB Parquet; DuckDB {}, {THREADS} threads",
        export.rows,
        export.bytes >> 20,
        duckdb["version"].as_str().unwrap_or("?")
    );
    println!("\n| measure | figure |\n|---|---|");
    let line = |what: &str, figure: String| println!("| {what} | {figure} |");
    line("year by day by service, top 10, through gRPC, answer cache off, median", format!("{panel:.2} ms"));
    line("the same by DuckDB over the export, median", format!("{duck:.1} ms"));
    line("DuckDB / Outlay", format!("{:.0}", duck / panel));
    line("the same, answer cache on, median", format!("{:.2} ms", median(&again)));
    line("start to handshake", format!("{:.0} ms", ms(&uncached[0])));
    line("first answer after a restart on the filled store", format!("{:.0} ms", ours[0]));
    line("first panel of the sample on a very first start", format!("{:.0} ms", ms(&sample[1])));
    line("import of the export, first panel included", format!("{:.1} s", (ms(&import[1]) + ms(&import[2])) / 1e3));
    line("peak resident memory while importing", mib(&import[3]["peakKib"]));
    line("resident memory while serving", mib(&uncached[1 + asked.len()]["residentKib"]));
    line("store on disk", format!("{} MiB", size(&store)? >> 20));
    Ok(())
}

struct Export {
    folder: PathBuf,
    rows: u64,
    bytes: u64,
}

/// The sample scaled to at least `rows` rows, as Parquet with manifests. Kept between runs of one day.
fn export(rows: u64) -> Result<Export> {
    tools::run(cargo().args(["build", "--release", "--locked", "--example", "make_sample"]))?;
    let make = |folder: &Path, scale: u64| -> Result<u64> {
        let stamp = folder.join("made");
        let wanted = format!("{} {scale}", Utc::now().date_naive());
        if let Ok(done) = std::fs::read_to_string(&stamp)
            && let Some(count) = done.strip_prefix(&wanted)
        {
            return Ok(count.trim().parse()?);
        }
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        let program =
            target().join("release").join("examples").join(format!("make_sample{}", std::env::consts::EXE_SUFFIX));
        let mut command = tools::command(program);
        command.arg(folder.join("export")).args(["--scale", &scale.to_string(), "--format", "parquet"]);
        println!("\nmaking the sample at scale {scale}");
        let said = tools::output(&mut command)?;
        // The last number that the generator says is the count of rows.
        let count = said.replace(',', "").split_whitespace().filter_map(|word| word.parse::<u64>().ok()).next_back();
        let count = count.with_context(|| format!("make_sample told no count of rows: {said}"))?;
        std::fs::write(stamp, format!("{wanted} {count}"))?;
        Ok(count)
    };
    // Some rows (shared accounts, fees) do not grow with the scale, so what one step adds is measured.
    let one = make(&target().join("bench-export-1"), 1)?;
    let two = make(&target().join("bench-export-2"), 2)?;
    let scale = 1 + rows.saturating_sub(one).div_ceil(two.saturating_sub(one).max(1));
    let folder = target().join(format!("bench-export-{scale}"));
    let rows = make(&folder, scale)?;
    let folder = folder.join("export");
    let bytes = size(&folder)?;
    Ok(Export { folder, rows, bytes })
}

/// One panel: a year of daily cost by service, each time with another range or filter.
struct Question {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    filter: Option<(&'static str, &'static str)>,
}

fn questions() -> Vec<Question> {
    let today = Utc::now().date_naive();
    let first = |back: u32| {
        let month = NaiveDate::from_ymd_opt(today.year(), today.month(), 1)
            .and_then(|day| day.checked_sub_months(Months::new(back)));
        month.unwrap_or(today)
    };
    let at = |date: NaiveDate| date.and_time(chrono::NaiveTime::MIN).and_utc();
    let filters = [
        None,
        Some(("ServiceProviderName", "AWS")),
        Some(("ChargeCategory", "Usage")),
        Some(("RegionId", "ap-southeast-1")),
        Some(("ServiceCategory", "Compute")),
        Some(("PricingCategory", "Standard")),
    ];
    (0..24_u32)
        .map(|n| {
            let start = first(17 - n % 6);
            let end = start.checked_add_days(Days::new(365 - u64::from(n))).unwrap_or(start);
            Question { from: at(start), to: at(end), filter: filters[n as usize % filters.len()] }
        })
        .collect()
}

impl Question {
    fn call(&self) -> Value {
        let filters: Vec<Value> =
            self.filter.iter().map(|(key, value)| json!({"key": key, "operator": "=", "values": [value]})).collect();
        json!({
            "title": "year by day by service",
            "from": self.from.timestamp_millis(),
            "to": self.to.timestamp_millis(),
            "queries": [{ "refId": "A", "json": {
                "kind": "cost", "groupBy": ["ServiceName"], "grain": "day", "top": 10, "currency": "USD", "filters": filters,
            }}],
        })
    }

    fn sql(&self) -> Value {
        let text =
            |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true).replace('T', " ").replace('Z', "");
        let condition = self.filter.map(|(key, value)| {
            // The export is FOCUS 1.2, where the provider's column has its older name.
            let column = if key == "ServiceProviderName" { "ProviderName" } else { key };
            format!("AND {column} = '{value}'")
        });
        json!({ "from": text(self.from), "to": text(self.to), "where": condition.unwrap_or_default() })
    }
}

fn ask_duckdb(python: &Path, export: &Export, questions: &[Question]) -> Result<Value> {
    let asked = json!({
        "export": format!("{}/**/*.parquet", export.folder.display()),
        "threads": THREADS,
        "questions": questions.iter().map(Question::sql).collect::<Vec<_>>(),
    });
    println!("\nasking DuckDB");
    let mut child = tools::command(python)
        .arg(root().join("xtask").join("bench").join("duckdb_panels.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(asked.to_string().as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("DuckDB did not answer");
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The totals of both sides as decimal text, without trailing zeros.
fn compare(ours: &[Value], theirs: &Value) -> Result<()> {
    for (at, answer) in ours.iter().enumerate() {
        let one = &answer["answers"]["A"];
        let frame = &one["frames"][0]["meta"]["custom"]["outlay"]["totals"]["EffectiveCost"]["USD"];
        let mine = plain(frame.as_str().with_context(|| format!("no total in answer {at}: {}", one["error"]))?);
        let other = plain(theirs[at]["total"].as_str().unwrap_or_default());
        if mine != other {
            bail!("question {at}: Outlay says {mine}, DuckDB says {other}");
        }
    }
    Ok(())
}

fn plain(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

fn ms(answer: &Value) -> f64 {
    answer["ms"].as_f64().unwrap_or(f64::NAN)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn mib(kib: &Value) -> String {
    kib.as_u64().map_or_else(|| "not known on this system".to_owned(), |kib| format!("{} MiB", kib >> 10))
}

fn size(place: &Path) -> Result<u64> {
    if !place.is_dir() {
        return Ok(place.metadata()?.len());
    }
    std::fs::read_dir(place)?.map(|entry| size(&entry?.path())).sum()
}

fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown processor", |rest| rest.trim_start_matches(['\t', ' ', ':']));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("machine: {model}, {cores} cores, {}", std::env::consts::OS)
}
