//! Settings as checked: what a datasource reads, with every problem found at once and named by its path.
//! Pure; whether a location can be reached or is allowed is asked elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use super::lenient;
use super::settings::{RawAllocation, RawBilling, RawSettings};
use crate::ingest::Rules;
use crate::model::Month;
use crate::sources::Format;

/// Largest `jsonData` that is looked at.
const MAX_JSON: usize = 1 << 20;
/// Most sources of one datasource.
const MAX_SOURCES: usize = 100;
/// Most tag keys in a list, and longest text of a name.
const MAX_TAGS: usize = 32;
const MAX_NAME: usize = 128;
/// Most own markets.
const MAX_MARKETS: usize = 1_000;
/// How often a source is looked at unless it says otherwise.
const REFRESH: Duration = Duration::from_secs(15 * 60);
const REFRESH_LEAST: Duration = Duration::from_secs(60);
const REFRESH_MOST: Duration = Duration::from_secs(31 * 86_400);
/// Formats of this version, and those that a later one reads.
const FORMATS: [&str; 3] = ["auto", "focus", "sample"];
const LATER_FORMATS: [&str; 4] = ["awsCur", "azureCost", "gcpBilling", "ociCost"];
/// Secrets of a billing source.
const SECRETS: [&str; 3] = ["accessKeyId", "secretAccessKey", "sessionToken"];

/// A setting that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// Path in `jsonData`, e.g. `billing[1].location`.
    pub path: String,
    /// What is wrong and how to mend it.
    pub why: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.why)
    }
}

/// What a datasource reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    /// The billing sources, in the order of the settings.
    pub billing: Vec<Billing>,
    /// Problems that concern the datasource as a whole: with any of them, nothing is answered.
    pub problems: Vec<Problem>,
    /// What is odd but not wrong.
    pub warnings: Vec<String>,
}

/// One billing source: usable, or with all that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Billing {
    /// Its id, or its path where it has none of its own.
    pub id: String,
    /// Its path in `jsonData`.
    pub path: String,
    /// Where it reads and how.
    pub place: Place,
    /// How its files are read.
    pub format: Format,
    /// How often it is looked at.
    pub refresh: Duration,
    /// How its rows are kept.
    pub rules: Rules,
    /// What is wrong with it; with any of them it is not read.
    pub problems: Vec<Problem>,
}

/// Where a source reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The made-up company.
    Sample,
    /// A bucket or folder.
    Export {
        /// `s3://bucket/prefix` or `file:///folder`.
        location: String,
        /// Region of the bucket.
        region: Option<String>,
        /// Address of an S3-compatible service.
        endpoint: Option<String>,
        /// Bucket in the path rather than the host name.
        path_style: Option<bool>,
    },
}

impl Settings {
    /// Reads `jsonData`. `secrets` are the names of the secrets that are set.
    pub(super) fn read(json: &[u8], secrets: &BTreeSet<&str>) -> Self {
        if json.len() > MAX_JSON {
            let why = format!("is {} KiB long, at most {} KiB are read", json.len() >> 10, MAX_JSON >> 10);
            return Self::broken(Problem { path: "jsonData".into(), why });
        }
        let mut read = lenient::Reading::default();
        let raw = match read.settings(json) {
            Ok(raw) => raw,
            Err(problem) => return Self::broken(problem),
        };
        let mut settings = Self { problems: read.problems, warnings: read.warnings, ..Self::default() };
        let rules = settings.rules(raw.allocation.as_ref());
        settings.billing(&raw, &rules, read.entries, secrets);
        settings.secrets(secrets);
        settings
    }

    /// Every problem, the whole datasource's first.
    #[cfg(test)]
    fn all_problems(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter().chain(self.billing.iter().flat_map(|source| &source.problems))
    }

    fn broken(problem: Problem) -> Self {
        Self { problems: vec![problem], ..Self::default() }
    }

    fn rules(&mut self, raw: Option<&RawAllocation>) -> Rules {
        let default = Rules::default();
        let Some(raw) = raw else { return default };
        let promoted_tags = self.tags("allocation.promotedTags", raw.promoted_tags.as_ref());
        let client_tags = self.tags("allocation.clientTags", raw.client_tags.as_ref());
        let markets = raw.markets.clone().unwrap_or_default();
        if markets.len() > MAX_MARKETS {
            self.problem("allocation.markets", format!("has {} regions, at most {MAX_MARKETS}", markets.len()));
        }
        for (region, market) in &markets {
            if !is_name(region) || !is_name(market) {
                let why = format!("a region and its market have 1 to {MAX_NAME} characters");
                self.problem(&format!("allocation.markets.{}", shorten(region)), why);
            }
        }
        Rules {
            promoted_tags: promoted_tags.unwrap_or(default.promoted_tags),
            client_tags: client_tags.unwrap_or(default.client_tags),
            markets,
            since: None,
        }
    }

    fn tags(&mut self, path: &str, raw: Option<&Vec<String>>) -> Option<Vec<String>> {
        let mut tags: Vec<String> = Vec::new();
        for (at, tag) in raw?.iter().enumerate() {
            if !is_name(tag) {
                self.problem(&format!("{path}[{at}]"), format!("a tag key has 1 to {MAX_NAME} characters"));
            } else if !tags.contains(tag) {
                tags.push(tag.clone());
            }
        }
        if tags.len() > MAX_TAGS {
            self.problem(path, format!("has {} keys, at most {MAX_TAGS}", tags.len()));
        }
        Some(tags)
    }

    fn billing(
        &mut self,
        raw: &RawSettings,
        rules: &Rules,
        mut entries: BTreeMap<usize, Vec<Problem>>,
        secrets: &BTreeSet<&str>,
    ) {
        if raw.billing.len() > MAX_SOURCES {
            self.problem("billing", format!("has {} sources, at most {MAX_SOURCES}", raw.billing.len()));
            return;
        }
        let mut ids: BTreeMap<&str, usize> = BTreeMap::new();
        for (at, source) in raw.billing.iter().enumerate() {
            let problems = entries.remove(&at).unwrap_or_default();
            if let Some(problem) = problems.iter().find(|problem| problem.path == format!("billing[{at}]")) {
                // Not even an object: nothing else can be said about it.
                let path = problem.path.clone();
                self.billing.push(Billing { id: path.clone(), path, problems, ..sample(rules) });
                continue;
            }
            let mut check = Check { path: format!("billing[{at}]"), problems, warnings: &mut self.warnings };
            let named = check.id(&source.id, ids.get(source.id.as_str()).copied());
            if named {
                ids.insert(&source.id, at);
            }
            let place = check.place(source);
            let billing = Billing {
                id: if named { source.id.clone() } else { check.path.clone() },
                place,
                format: check.format(source.format.as_deref()),
                refresh: check.refresh(source.refresh.as_deref()),
                rules: Rules { since: check.since(source.since.as_deref()), ..rules.clone() },
                path: check.path.clone(),
                problems: {
                    check.keys(&source.id, secrets);
                    check.problems
                },
            };
            self.billing.push(billing);
        }
        if self.billing.is_empty() && self.problems.is_empty() {
            self.billing.push(sample(rules));
        }
    }

    fn secrets(&mut self, secrets: &BTreeSet<&str>) {
        for name in secrets {
            let known =
                name.strip_prefix("billing.").and_then(|rest| rest.split_once('.')).is_some_and(|(id, field)| {
                    SECRETS.contains(&field) && self.billing.iter().any(|source| source.id == id)
                });
            if !known {
                let fields = SECRETS.join(", ");
                self.warnings.push(format!(
                    "secret `{}` belongs to no billing source; names are `billing.<id>.` and one of {fields}",
                    shorten(name)
                ));
            }
        }
    }

    fn problem(&mut self, path: &str, why: String) {
        self.problems.push(Problem { path: path.into(), why });
    }
}

/// The source of a datasource that names none.
fn sample(rules: &Rules) -> Billing {
    Billing {
        id: "sample".into(),
        path: "billing".into(),
        place: Place::Sample,
        format: Format::Auto,
        refresh: REFRESH,
        rules: rules.clone(),
        problems: Vec::new(),
    }
}

/// Checks one billing source, field by field.
struct Check<'w> {
    path: String,
    problems: Vec<Problem>,
    warnings: &'w mut Vec<String>,
}

impl Check<'_> {
    fn problem(&mut self, field: &str, why: impl Into<String>) {
        self.problems.push(Problem { path: format!("{}.{field}", self.path), why: why.into() });
    }

    /// True where the id is one.
    fn id(&mut self, id: &str, taken: Option<usize>) -> bool {
        let letters = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if self.problems.iter().any(|problem| problem.path == format!("{}.id", self.path)) {
            return false;
        }
        if id.is_empty() {
            self.problem("id", "is missing; name the source with letters, digits, `-` and `_`");
        } else if id.len() > 64 || !id.bytes().all(letters) {
            let why = format!("`{}` is no id; use up to 64 letters, digits, `-` and `_`", shorten(id));
            self.problem("id", why);
        } else if let Some(first) = taken {
            self.problem("id", format!("`{id}` is also the id of billing[{first}]; each source needs its own"));
        } else {
            return true;
        }
        false
    }

    fn place(&mut self, raw: &RawBilling) -> Place {
        let text =
            |value: &Option<String>| value.as_deref().map(str::trim).filter(|v| !v.is_empty()).map(str::to_owned);
        if raw.format.as_deref() == Some("sample") {
            if text(&raw.location).is_some() {
                self.warnings.push(format!("{}.location is not used: the format is `sample`", self.path));
            }
            return Place::Sample;
        }
        let location = text(&raw.location).unwrap_or_default();
        if location.is_empty() && !self.problems.iter().any(|p| p.path == format!("{}.location", self.path)) {
            self.problem("location", "is missing; name `s3://bucket/prefix` or `file:///folder`");
        }
        Place::Export { location, region: text(&raw.region), endpoint: text(&raw.endpoint), path_style: raw.path_style }
    }

    fn format(&mut self, raw: Option<&str>) -> Format {
        match raw.map_or("auto", str::trim) {
            "" | "auto" | "sample" => {}
            "focus" => return Format::Focus,
            later if LATER_FORMATS.iter().any(|name| name.eq_ignore_ascii_case(later)) => {
                let why = format!(
                    "`{later}` is not readable by this version of Outlay; let the provider export FOCUS instead, \
                     with format `focus` or `auto`"
                );
                self.problem("format", why);
            }
            other => {
                let why = format!("`{}` is no format; use one of {}", shorten(other), FORMATS.join(", "));
                self.problem("format", why);
            }
        }
        Format::Auto
    }

    fn refresh(&mut self, raw: Option<&str>) -> Duration {
        let Some(text) = raw.map(str::trim).filter(|text| !text.is_empty()) else { return REFRESH };
        match duration(text) {
            Some(refresh) if (REFRESH_LEAST..=REFRESH_MOST).contains(&refresh) => refresh,
            Some(_) => {
                self.problem("refresh", format!("`{}` is out of range; use `1m` to `31d`", shorten(text)));
                REFRESH
            }
            None => {
                let why = format!("`{}` is no duration; write `15m`, `6h` or `1d`", shorten(text));
                self.problem("refresh", why);
                REFRESH
            }
        }
    }

    fn since(&mut self, raw: Option<&str>) -> Option<Month> {
        let text = raw.map(str::trim).filter(|text| !text.is_empty())?;
        let month = Month::parse(text).filter(|month| month.to_string() == text);
        if month.is_none() {
            self.problem("since", format!("`{}` is no month; write `2026-01`", shorten(text)));
        }
        month
    }

    fn keys(&mut self, id: &str, secrets: &BTreeSet<&str>) {
        let has = |field: &str| secrets.contains(format!("billing.{id}.{field}").as_str());
        let (key, secret, token) = (has("accessKeyId"), has("secretAccessKey"), has("sessionToken"));
        if key != secret {
            let (there, missing) =
                if key { ("accessKeyId", "secretAccessKey") } else { ("secretAccessKey", "accessKeyId") };
            let why = format!("`billing.{id}.{there}` is set but not `billing.{id}.{missing}`; both belong together");
            self.problems.push(Problem { path: "secureJsonData".into(), why });
        } else if token && !key {
            let why = format!("`billing.{id}.sessionToken` is set without an access key");
            self.problems.push(Problem { path: "secureJsonData".into(), why });
        }
    }
}

fn duration(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let number: u64 = text.strip_suffix(unit)?.trim_end().parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}

fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= MAX_NAME && !text.chars().any(char::is_control)
}

/// A text as messages show it.
pub(super) fn shorten(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

#[cfg(test)]
#[path = "checked_tests.rs"]
mod tests;
