//! Which names are export files, and a short account of those that are not read.
//! Judges by name only; what is inside decides later.

use std::collections::BTreeMap;

/// Most reasons that are told, and most examples for each.
const MAX_LINES: usize = 40;
const EXAMPLES: usize = 3;

/// Why a name is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// A part of the path is hidden: `.git`, `_temporary`.
    Hidden,
    /// The file is being written, or was left over.
    Temporary,
    /// A container that is not read.
    Zip,
    /// Some other file.
    Other,
}

impl Why {
    /// As it is told.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::Hidden => "hidden",
            Self::Temporary => "a temporary file",
            Self::Zip => "a zip file: export as .gz, .csv or .parquet",
            Self::Other => "no export file by its name (.csv, .csv.gz, .gz, .parquet)",
        }
    }

    /// True where only the file's own ending is to blame, so that it may still be a manifest.
    pub(super) const fn is_name(self) -> bool {
        matches!(self, Self::Other)
    }
}

/// Why a path is no export file, `None` where it is one.
pub(super) fn why_ignored(path: &str) -> Option<Why> {
    if path.split('/').any(|part| part.starts_with(['.', '_', '#'])) {
        return Some(Why::Hidden);
    }
    let name = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    if name.starts_with('~')
        || ends(&["~", ".tmp", ".temp", ".part", ".partial", ".crdownload", ".inprogress", ".swp", ".bak"])
    {
        return Some(Why::Temporary);
    }
    if ends(&[".zip"]) {
        return Some(Why::Zip);
    }
    let other_gz = ends(&[".json.gz", ".tar.gz", ".sql.gz", ".xml.gz", ".log.gz"]);
    let export = ends(&[".csv", ".gz", ".parquet"]) && !other_gz;
    (!export).then_some(Why::Other)
}

/// Files that are not read, by reason: how many, and a few of their paths.
#[derive(Debug, Default)]
pub(super) struct Ignored {
    by_reason: BTreeMap<String, (usize, Vec<String>)>,
    /// Further reasons beyond those kept.
    others: usize,
}

impl Ignored {
    /// Counts a path that is passed over.
    pub(super) fn note(&mut self, path: &str, reason: &str) {
        if self.by_reason.len() >= MAX_LINES && !self.by_reason.contains_key(reason) {
            self.others += 1;
            return;
        }
        let (count, examples) = self.by_reason.entry(reason.to_owned()).or_default();
        *count += 1;
        // The first by name, so that the order in which a folder is read does not show.
        examples.push(path.chars().filter(|c| !c.is_control()).take(200).collect());
        examples.sort();
        examples.truncate(EXAMPLES);
    }

    /// One line for each reason.
    pub(super) fn lines(self) -> Vec<String> {
        let line = |(reason, (count, examples)): (&String, &(usize, Vec<String>))| {
            format!("{}: {reason}", some_of(*count, examples))
        };
        let mut lines: Vec<String> = self.by_reason.iter().map(line).collect();
        if self.others > 0 {
            lines.push(format!("and {} more for other reasons", self.others));
        }
        lines
    }

    /// What lies there, in words.
    pub(super) fn summary(&self) -> String {
        let count: usize = self.by_reason.values().map(|(count, _)| count).sum::<usize>() + self.others;
        let first = self.by_reason.values().find_map(|(_, examples)| examples.first());
        match (count, first) {
            (0, _) | (_, None) => "it is empty".to_owned(),
            (1, Some(first)) => format!("only `{first}`"),
            (_, Some(first)) => format!("{count} other files, such as `{first}`"),
        }
    }
}

fn some_of(count: usize, examples: &[String]) -> String {
    let shown: Vec<String> = examples.iter().map(|path| format!("`{path}`")).collect();
    match count.saturating_sub(examples.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_export_files() {
        for path in [
            "a.csv",
            "A.CSV",
            "a.csv.gz",
            "part-0.gz",
            "BILLING_PERIOD=2026-01/a.snappy.parquet",
            "year=2026/month=01/part.0.parquet",
            "/leading/slash.csv",
            "double//slash.csv",
        ] {
            assert_eq!(why_ignored(path), None, "{path}");
        }
        for (path, why) in [
            (".a.csv", Why::Hidden),
            ("_temporary/a.csv", Why::Hidden),
            ("2026/_SUCCESS", Why::Hidden),
            (".git/a.csv", Why::Hidden),
            ("a.csv.tmp", Why::Temporary),
            ("a.csv~", Why::Temporary),
            ("~a.csv", Why::Temporary),
            ("a.csv.part", Why::Temporary),
            ("a.csv.zip", Why::Zip),
            ("readme.txt", Why::Other),
            ("a.json", Why::Other),
            ("a.json.gz", Why::Other),
            ("csv", Why::Other),
        ] {
            assert_eq!(why_ignored(path), Some(why), "{path}");
        }
    }

    #[test]
    fn the_account_is_short_whatever_lies_there() {
        let mut ignored = Ignored::default();
        for n in 0..1_000 {
            ignored.note(&format!("n{n}.txt"), "no export file");
            ignored.note(&format!("n{n}.lnk"), &format!("reason {n}"));
        }
        assert_eq!(ignored.summary(), "2000 other files, such as `n0.txt`");
        let lines = ignored.lines();
        assert_eq!(lines.len(), MAX_LINES + 1);
        assert_eq!(lines[0], "`n0.txt`, `n1.txt`, `n10.txt` and 997 more: no export file");
        assert_eq!(Ignored::default().summary(), "it is empty");
    }
}
