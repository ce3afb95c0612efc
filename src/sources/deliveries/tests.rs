//! Cases of manifests and files: what becomes a delivery, what fails, what is left over.

use super::super::manifest::parse;
use super::*;

/// A place in memory: files with a time each, and the text of its manifests.
struct Case {
    files: Vec<Entry>,
    texts: BTreeMap<String, String>,
    since: Option<Month>,
}

fn place(files: &[(&str, u64)]) -> Case {
    let entry = |(n, (path, size)): (usize, &(&str, u64))| Entry {
        file: FileRef { path: (*path).to_owned(), size: *size, version: format!("v{n}") },
        modified: Some(0),
        same_as: None,
    };
    let mut files: Vec<Entry> = files.iter().enumerate().map(entry).collect();
    files.sort_by(|a, b| a.file.path.cmp(&b.file.path));
    Case { files, texts: BTreeMap::new(), since: None }
}

impl Case {
    /// Adds a manifest with this text, written at this time.
    fn manifest(mut self, path: &str, text: &str, modified: i64) -> Self {
        let file = FileRef { path: path.to_owned(), size: text.len() as u64, version: format!("m{modified}") };
        self.files.push(Entry { file, modified: Some(modified), same_as: None });
        self.files.sort_by(|a, b| a.file.path.cmp(&b.file.path));
        self.texts.insert(path.to_owned(), text.to_owned());
        self
    }

    fn aws(self, path: &str, names: &[&str], modified: i64) -> Self {
        let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
        self.manifest(path, &format!("{{\"executionId\": \"e\", \"dataFiles\": [{}]}}", names.join(", ")), modified)
    }

    fn since(mut self, month: &str) -> Self {
        self.since = Month::parse(month);
        self
    }

    fn change(mut self, path: &str, change: impl FnOnce(&mut Entry)) -> Self {
        change(self.files.iter_mut().find(|entry| entry.file.path == path).unwrap());
        self
    }

    fn told(&self) -> Told {
        let survey = Survey::of(&self.files, self.since);
        let read = |file: &FileRef| {
            manifest::check_size(file)?;
            parse(&file.path, self.texts[&file.path].as_bytes()).map(Arc::new)
        };
        let read: Vec<_> = survey.manifest_files().iter().map(read).collect();
        tell(&survey, &read, Ignored::default())
    }

    /// Compares the listing, one line each: `key: files`, with `?` where nobody vouches; `key! part of the error`;
    /// `- part of an ignored line`.
    fn check(&self, expected: &[&str]) {
        let told = self.told();
        let listing = &told.listing;
        let delivery = |delivery: &Delivery| {
            let files: Vec<&str> = delivery.files.iter().map(|file| file.path.as_str()).collect();
            let month = delivery.month.map(|month| format!(" [{month}]")).unwrap_or_default();
            format!("{}{month}{}: {}", delivery.key, if delivery.complete { "" } else { "?" }, files.join(" "))
        };
        let mut found: Vec<String> = listing.deliveries.iter().map(delivery).collect();
        found.extend(listing.failures.iter().map(|(key, error)| format!("{key}! {error}")));
        found.extend(listing.ignored.iter().map(|line| format!("- {line}")));
        let same = found.len() == expected.len()
            && found.iter().zip(expected).all(|(found, expected)| match expected.split_once("! ") {
                Some((key, part)) => found.starts_with(&format!("{key}! ")) && found.contains(part),
                None => found == expected,
            });
        assert!(same, "found {found:#?}\nexpected {expected:#?}");
    }
}

const JAN: &str = "e/metadata/BILLING_PERIOD=2026-01/e-Manifest.json";
const FEB: &str = "e/metadata/BILLING_PERIOD=2026-02/e-Manifest.json";

#[test]
fn without_a_manifest_each_export_file_counts_alone_and_unverified() {
    place(&[("b.csv", 1), ("a.csv.gz", 1), ("year=2026/month=01/p-0.parquet", 1), ("x.gz", 1)]).check(&[
        "a.csv.gz?: a.csv.gz",
        "b.csv?: b.csv",
        "x.gz?: x.gz",
        "year=2026/month=01/p-0.parquet?: year=2026/month=01/p-0.parquet",
    ]);
    place(&[("a.csv", 1), ("notes.txt", 1), ("_SUCCESS", 0), ("b.csv.tmp", 1), ("c.csv.zip", 1)]).check(&[
        "a.csv?: a.csv",
        "- `b.csv.tmp`: a temporary file",
        "- `c.csv.zip`: a zip file: export as .gz, .csv or .parquet",
        "- `_SUCCESS`: hidden",
        "- `notes.txt`: no export file by its name (.csv, .csv.gz, .gz, .parquet)",
    ]);
}

#[test]
fn the_manifest_is_the_truth_and_files_beside_it_add_nothing() {
    let files = [
        ("e/data/BILLING_PERIOD=2026-01/e-00001.csv.gz", 10),
        ("e/data/BILLING_PERIOD=2026-01/e-00002.csv.gz", 10),
        ("e/data/BILLING_PERIOD=2026-01/old-00003.csv.gz", 0),
        ("e/data/BILLING_PERIOD=2026-02/e-00001.csv.gz", 10),
        ("other.csv", 3),
    ];
    let names = [
        "s3://bucket/e/data/BILLING_PERIOD=2026-01/e-00002.csv.gz",
        "s3://bucket/e/data/BILLING_PERIOD=2026-01/e-00001.csv.gz",
    ];
    place(&files).aws(JAN, &names, 9).check(&[
        "e/BILLING_PERIOD=2026-01 [2026-01]: e/data/BILLING_PERIOD=2026-01/e-00002.csv.gz e/data/BILLING_PERIOD=2026-01/e-00001.csv.gz",
        "other.csv?: other.csv",
        "- `e/data/BILLING_PERIOD=2026-01/old-00003.csv.gz`, `e/data/BILLING_PERIOD=2026-02/e-00001.csv.gz`: not named by a manifest",
    ]);
}

#[test]
fn uris_of_a_copied_export_are_rebased_by_their_tail() {
    let file = "copy/data/BILLING_PERIOD=2026-01/x.parquet";
    for name in [
        "s3://first-bucket/deep/prefix/e/data/BILLING_PERIOD=2026-01/x.parquet",
        "s3a://first-bucket/data/BILLING_PERIOD=2026-01/x.parquet",
        "/e/data/BILLING_PERIOD=2026-01/x.parquet",
        "e/data/billing_period=2026-01/x.parquet",
        "s3://b/e/data/BILLING_PERIOD%3D2026-01/x.parquet",
        "s3://b/data/BILLING_PERIOD=2026-01/e/data/BILLING_PERIOD=2026-01/x.parquet",
    ] {
        place(&[(file, 5)])
            .aws("copy/metadata/BILLING_PERIOD=2026-01/e-Manifest.json", &[name], 1)
            .check(&["copy/BILLING_PERIOD=2026-01 [2026-01]: copy/data/BILLING_PERIOD=2026-01/x.parquet"]);
    }
    // The location may be the export's own folder, and the whole prefix may begin with a slash.
    for root in ["", "/", "/a//b/"] {
        let (file, manifest) = (
            format!("{root}data/BILLING_PERIOD=2026-01/x.csv"),
            format!("{root}metadata/BILLING_PERIOD=2026-01/e-Manifest.json"),
        );
        let expected = format!("{root}BILLING_PERIOD=2026-01 [2026-01]: {file}");
        place(&[(&file, 5)]).aws(&manifest, &["s3://b/p/data/BILLING_PERIOD=2026-01/x.csv"], 1).check(&[&expected]);
    }
}

#[test]
fn a_manifest_reaches_nothing_outside_of_its_month() {
    let files = [("e/data/BILLING_PERIOD=2026-01/x.csv", 5), ("e/data/BILLING_PERIOD=2026-02/x.csv", 5), ("x.csv", 5)];
    for (name, part) in [
        ("s3://b/e/data/BILLING_PERIOD=2026-02/x.csv", "lies outside of the month's `data` folder"),
        ("s3://b/x.csv", "lies outside of the month's `data` folder"),
        ("x.csv", "lies outside of the month's `data` folder"),
        ("https://evil.example/data/BILLING_PERIOD=2026-01/x.csv", "lies outside of the month's `data` folder"),
        ("file:///etc/data/BILLING_PERIOD=2026-01/x.csv", "lies outside of the month's `data` folder"),
        ("s3://b/e/data/BILLING_PERIOD=2026-01/../BILLING_PERIOD=2026-02/x.csv", "could lead elsewhere"),
        ("s3://b/e/data/BILLING_PERIOD=2026-01/%2e%2e/x.csv", "could lead elsewhere"),
        ("s3://b/e/data/BILLING_PERIOD=2026-01/missing.csv", "names `missing.csv`, which is not there (yet)"),
        ("s3://b/e/data/BILLING_PERIOD=2026-01", "lies outside"),
    ] {
        let expected = format!("e/BILLING_PERIOD=2026-01! {part}");
        place(&files).aws(JAN, &[name], 1).check(&[
            "x.csv?: x.csv",
            &expected,
            "- `e/data/BILLING_PERIOD=2026-01/x.csv`, `e/data/BILLING_PERIOD=2026-02/x.csv`: not named by a manifest",
        ]);
    }
}

#[test]
fn a_bad_manifest_costs_its_own_month_and_is_never_a_reason_to_glob() {
    let files = [("e/data/BILLING_PERIOD=2026-01/x.csv", 5), ("e/data/BILLING_PERIOD=2026-02/x.csv", 5)];
    for (text, part) in [
        ("", "it is empty: the delivery is still being written"),
        ("{\"dataFiles\": [", "cut off"),
        ("<html>", "no JSON"),
        ("{\"dataFiles\": []}", "names no files"),
        (
            "{\"dataFiles\": [\"s3://b/e/data/BILLING_PERIOD=2026-01/x.csv\", \"/e/data/BILLING_PERIOD=2026-01/x.csv\"]}",
            "twice",
        ),
    ] {
        let expected = format!("e/BILLING_PERIOD=2026-01! {part}");
        place(&files).manifest(JAN, text, 1).aws(FEB, &["s3://b/e/data/BILLING_PERIOD=2026-02/x.csv"], 1).check(&[
            "e/BILLING_PERIOD=2026-02 [2026-02]: e/data/BILLING_PERIOD=2026-02/x.csv",
            &expected,
            "- `e/data/BILLING_PERIOD=2026-01/x.csv`: not named by a manifest",
        ]);
    }
}

#[test]
fn an_empty_file_that_a_manifest_names_is_an_error_with_its_name() {
    place(&[("e/data/BILLING_PERIOD=2026-01/x.csv", 0)])
        .aws(JAN, &["s3://b/data/BILLING_PERIOD=2026-01/x.csv"], 1)
        .check(&[
            "e/BILLING_PERIOD=2026-01! names `x.csv`, which is empty",
            "- `e/data/BILLING_PERIOD=2026-01/x.csv`: not named by a manifest",
        ]);
}

#[test]
fn deeper_manifests_are_history_and_the_focus_one_is_skipped() {
    let x = "e/data/BILLING_PERIOD=2026-01/run2/x.csv";
    let name = "s3://b/e/data/BILLING_PERIOD=2026-01/run2/x.csv";
    let runs = |case: Case| {
        case.aws("e/metadata/BILLING_PERIOD=2026-01/run1/e-Manifest.json", &["gone"], 1).aws(
            "e/metadata/BILLING_PERIOD=2026-01/run2/e-Manifest.json",
            &[name],
            2,
        )
    };
    runs(place(&[(x, 5)]))
        .aws(JAN, &[name], 2)
        .aws("e/metadata/BILLING_PERIOD=2026-01/e-Manifest-FOCUS.json", &[name], 3)
        .check(&["e/BILLING_PERIOD=2026-01 [2026-01]: e/data/BILLING_PERIOD=2026-01/run2/x.csv"]);
    runs(place(&[(x, 5)])).check(&[
        "e/BILLING_PERIOD=2026-01! none right below its folder",
        "- `e/data/BILLING_PERIOD=2026-01/run2/x.csv`: not named by a manifest",
    ]);
}

#[test]
fn two_spellings_are_one_period_and_the_newer_counts() {
    let files = [("e/data/BILLING_PERIOD=2026-01/x.csv", 5), ("e/data/billing_period=2026-01/y.csv", 5)];
    let lower = "e/metadata/billing_period=2026-01/e-Manifest.json";
    place(&files)
        .aws(JAN, &["s3://b/e/data/BILLING_PERIOD=2026-01/x.csv"], 1)
        .aws(lower, &["s3://b/e/data/billing_period=2026-01/y.csv"], 2)
        .check(&[
            "e/BILLING_PERIOD=2026-01 [2026-01]: e/data/billing_period=2026-01/y.csv",
            "- `e/data/BILLING_PERIOD=2026-01/x.csv`: not named by a manifest",
            "- `e/metadata/BILLING_PERIOD=2026-01/e-Manifest.json`: superseded by a newer manifest of the same month",
        ]);
}

#[test]
fn the_manifest_named_after_the_export_speaks_for_it() {
    let files = [("e/data/BILLING_PERIOD=2026-01/x.csv", 5)];
    let name = ["s3://b/e/data/BILLING_PERIOD=2026-01/x.csv"];
    let other = "e/metadata/BILLING_PERIOD=2026-01/other-Manifest.json";
    place(&files)
        .aws(JAN, &name, 1)
        .aws(other, &["gone"], 2)
        .check(&["e/BILLING_PERIOD=2026-01 [2026-01]: e/data/BILLING_PERIOD=2026-01/x.csv"]);
    // In a renamed copy nothing says which of the two it is.
    let (a, b) = ("metadata/BILLING_PERIOD=2026-01/a-Manifest.json", "metadata/BILLING_PERIOD=2026-01/b-Manifest.json");
    place(&[("data/BILLING_PERIOD=2026-01/x.csv", 5)]).aws(a, &name, 1).aws(b, &name, 2).check(&[
        "BILLING_PERIOD=2026-01! `a-Manifest.json` beside it speaks for the same month",
        "- `data/BILLING_PERIOD=2026-01/x.csv`: not named by a manifest",
    ]);
}

#[test]
fn a_file_younger_than_its_manifest_takes_the_seal_away() {
    let x = "e/data/BILLING_PERIOD=2026-01/x.csv";
    let name = ["s3://b/e/data/BILLING_PERIOD=2026-01/x.csv"];
    let case = |modified| place(&[(x, 5)]).aws(JAN, &name, 10).change(x, |entry| entry.modified = Some(modified));
    case(10).check(&["e/BILLING_PERIOD=2026-01 [2026-01]: e/data/BILLING_PERIOD=2026-01/x.csv"]);
    case(11).check(&["e/BILLING_PERIOD=2026-01 [2026-01]?: e/data/BILLING_PERIOD=2026-01/x.csv"]);
}

#[test]
fn months_before_since_are_left_out_unread() {
    let files = [("e/data/BILLING_PERIOD=2026-01/x.csv", 5), ("e/data/BILLING_PERIOD=2026-02/x.csv", 5)];
    let own = "{\"period\": \"2026-01\", \"files\": [{\"path\": \"a.csv\"}]}";
    let case = place(&[files[0], files[1], ("own/a.csv", 1)])
        .manifest(JAN, "not even JSON", 1)
        .aws(FEB, &["s3://b/e/data/BILLING_PERIOD=2026-02/x.csv"], 1)
        .manifest("own/outlay-manifest.json", own, 1);
    case.since("2026-02").check(&[
        "e/BILLING_PERIOD=2026-02 [2026-02]: e/data/BILLING_PERIOD=2026-02/x.csv",
        "- `e/data/BILLING_PERIOD=2026-01/x.csv`, `own/a.csv`: not named by a manifest",
    ]);
    let old = place(&[files[0]]).aws(JAN, &["s3://b/e/data/BILLING_PERIOD=2026-01/x.csv"], 1).since("2027-01");
    assert!(!old.told().nothing, "a place whose months are all before `since` is not empty");
}

#[test]
fn our_own_manifest_speaks_for_its_folder() {
    let files = [("jan/a.csv", 3), ("jan/deep/b.csv.gz", 4), ("jan/left-over.csv", 5), ("feb/a.csv", 6)];
    let path = "jan/outlay-manifest.json";
    let text =
        |files: &str| format!("{{\"version\": 1, \"run\": \"7\", \"period\": \"2026-01\", \"files\": [{files}]}}");
    let left = "- `jan/left-over.csv`: not named by a manifest";
    place(&files)
        .manifest(path, &text("{\"path\": \"deep/b.csv.gz\", \"bytes\": 4, \"rows\": 2}, {\"path\": \"a.csv\"}"), 1)
        .check(&["feb/a.csv?: feb/a.csv", "jan/outlay-manifest.json [2026-01]: jan/deep/b.csv.gz jan/a.csv", left]);
    let all_left = "- `jan/a.csv`, `jan/deep/b.csv.gz`, `jan/left-over.csv`: not named by a manifest";
    for (named, part) in [
        ("{\"path\": \"a.csv\", \"bytes\": 4}", "names `a.csv` with 4 bytes, but the file has 3"),
        ("{\"path\": \"c.csv\"}", "names `c.csv`, which is not there (yet)"),
        ("{\"path\": \"../feb/a.csv\"}", "could lead elsewhere"),
        ("{\"path\": \"/jan/a.csv\"}", "no path below the manifest's folder"),
        ("{\"path\": \"s3://b/jan/a.csv\"}", "no path below the manifest's folder"),
    ] {
        let expected = format!("jan/outlay-manifest.json! {part}");
        place(&files).manifest(path, &text(named), 1).check(&["feb/a.csv?: feb/a.csv", &expected, all_left]);
    }
    place(&files).manifest(path, "{\"version\": 9}", 1).check(&[
        "feb/a.csv?: feb/a.csv",
        "jan/outlay-manifest.json! has version 9; Outlay reads up to 1",
        all_left,
    ]);
    // A name that only ends like ours is none of ours.
    place(&[("jan/a.csv", 3)]).manifest("jan/my-outlay-manifest.json", "{}", 1).check(&[
        "jan/a.csv?: jan/a.csv",
        "- `jan/my-outlay-manifest.json`: no export file by its name (.csv, .csv.gz, .gz, .parquet)",
    ]);
}

#[test]
fn a_file_counts_for_one_delivery_only() {
    let text = "{\"files\": [{\"path\": \"b/a.csv\"}]}";
    place(&[("b/a.csv", 3)])
        .manifest("outlay-manifest.json", text, 1)
        .manifest("b/outlay-manifest.json", "{\"files\": [{\"path\": \"a.csv\"}]}", 1)
        .check(&[
            "b/outlay-manifest.json: b/a.csv",
            "outlay-manifest.json! names `a.csv`, which counts for `b/outlay-manifest.json`",
        ]);
    let link = place(&[("a.csv", 3), ("b.csv", 3)]).change("b.csv", |entry| entry.same_as = Some("a.csv".into()));
    link.check(&["a.csv?: a.csv", "- `b.csv`: the same file as `a.csv`"]);
}

#[test]
fn the_version_changes_with_anything_that_may_change_the_rows() {
    let x = "e/data/BILLING_PERIOD=2026-01/x.csv";
    let case = || place(&[(x, 5)]).aws(JAN, &["s3://b/e/data/BILLING_PERIOD=2026-01/x.csv"], 1);
    let version = |case: Case| case.told().listing.deliveries[0].version.clone();
    let base = version(case());
    assert_eq!(base, version(case()));
    assert_eq!(base.len(), 32);
    assert_ne!(base, version(case().change(x, |entry| entry.file.version = "w".into())));
    assert_ne!(base, version(case().change(x, |entry| entry.file.size = 6)));
    assert_ne!(base, version(case().change(JAN, |entry| entry.file.version = "w".into())));
}

#[test]
fn partitions_without_manifests_hint_at_the_location() {
    place(&[("BILLING_PERIOD=2026-01/x.csv", 1)]).check(&[
        "BILLING_PERIOD=2026-01/x.csv?: BILLING_PERIOD=2026-01/x.csv",
        "- no manifest lies below the location, so each file counts alone, such as `BILLING_PERIOD=2026-01/x.csv`: \
         set `location` to the folder that holds `data` and `metadata`",
    ]);
}

#[test]
fn a_place_without_exports_says_what_is_there() {
    for (files, found) in [
        (&[][..], "it is empty"),
        (&[("photo.jpg", 1)], "only `photo.jpg`"),
        (&[("a.jpg", 1), ("b.jpg", 1)], "2 other files, such as `a.jpg`"),
    ] {
        let told = place(files).told();
        assert!(told.nothing && told.found == found, "{found}: {told:?}");
    }
    assert!(!place(&[]).manifest(JAN, "", 1).told().nothing);
    assert!(!place(&[("a.csv", 0)]).told().nothing);
}

#[test]
fn the_manifest_of_a_file_is_remembered() {
    let told = place(&[("e/data/BILLING_PERIOD=2026-01/x.csv", 5), ("y.csv", 1)])
        .aws(JAN, &["s3://b/e/data/BILLING_PERIOD=2026-01/x.csv"], 1)
        .told();
    let named: Vec<_> = told.named_by.iter().map(|(file, manifest)| (file.as_str(), manifest.path.as_str())).collect();
    assert_eq!(named, [("e/data/BILLING_PERIOD=2026-01/x.csv", JAN)]);
}

/// Texts that are almost manifests, from a seed that proptest prints.
fn almost_a_manifest() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let piece = prop_oneof![
        Just("{".to_owned()),
        Just("}".into()),
        Just("[".into()),
        Just("]".into()),
        Just(",".into()),
        Just(":".into()),
        Just("\"dataFiles\"".into()),
        Just("\"s3://b/e/data/BILLING_PERIOD=2026-01/x.csv\"".into()),
        Just("\"../x.csv\"".into()),
        Just("\"e/data/BILLING_PERIOD=2026-02/x.csv\"".into()),
        Just("\"\\u0000\"".into()),
        Just("null".into()),
        Just("1e400".into()),
        Just("\"%2e%2e/%\"".into()),
        "[ -~]{0,6}",
        "\\PC{0,4}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2_000))]

    /// Whatever a manifest says: no panic, and nothing outside of its own month's folder.
    #[test]
    fn no_manifest_reaches_out(text in almost_a_manifest(), name in "\\PC{0,40}") {
        let files = [
            ("e/data/BILLING_PERIOD=2026-01/x.csv", 5), ("e/data/BILLING_PERIOD=2026-02/x.csv", 5), ("x.csv", 5),
            ("f/data/BILLING_PERIOD=2026-01/x.csv", 5),
        ];
        let quoted = serde_json::to_string(&name).unwrap();
        for text in [text, format!("{{\"dataFiles\": [\"s3://b/data/BILLING_PERIOD=2026-01/x.csv\", {quoted}]}}")] {
            let listing = place(&files).manifest(JAN, &text, 1).told().listing;
            let of_manifest = listing.deliveries.iter().filter(|delivery| delivery.complete).flat_map(|d| &d.files);
            for file in of_manifest {
                proptest::prop_assert!(file.path.starts_with("e/data/BILLING_PERIOD=2026-01/"), "{} by {text}", file.path);
            }
            let spoken_for = listing.deliveries.iter().filter(|delivery| delivery.key.starts_with("e/BILL")).count();
            proptest::prop_assert_eq!(spoken_for + listing.failures.len(), 1);
        }
    }
}
