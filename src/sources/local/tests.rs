//! Folders in a temporary directory: links, pipes, rewritten files, what is missing or forbidden.

use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::super::location::{Allowed, PlaceSettings, connect};
use super::super::{BillingSource, Listing};
use super::*;

/// A root with a folder `bills` in it, and an outside that must stay unread.
struct World {
    temp: tempfile::TempDir,
}

fn world() -> World {
    let temp = tempfile::tempdir().unwrap();
    for folder in ["root/bills", "outside", "root/store"] {
        fs::create_dir_all(temp.path().join(folder)).unwrap();
    }
    fs::write(temp.path().join("outside/secret.csv"), "secret").unwrap();
    World { temp }
}

impl World {
    fn bills(&self) -> PathBuf {
        self.temp.path().join("root/bills")
    }

    fn write(&self, path: &str, text: &str) -> &Self {
        let path = self.bills().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn source(&self, folder: &Path) -> Result<Arc<dyn BillingSource>, Error> {
        let settings = PlaceSettings {
            source_id: "a".into(),
            location: format!("file://{}", folder.display()),
            ..PlaceSettings::default()
        };
        let allowed = Allowed {
            local_roots: vec![self.temp.path().join("root")],
            forbidden: vec![self.temp.path().join("root/store")],
            ..Allowed::default()
        };
        connect(&settings, &allowed)
    }

    async fn list(&self) -> Result<Listing, Error> {
        self.source(&self.bills()).unwrap().list().await
    }

    /// Files that are read, and lines on what is not.
    async fn check(&self, files: &[&str], ignored: &[&str]) {
        let listing = self.list().await.unwrap();
        let found: Vec<&str> =
            listing.deliveries.iter().flat_map(|delivery| &delivery.files).map(|file| file.path.as_str()).collect();
        assert_eq!(found, files);
        assert_eq!(listing.ignored, ignored);
    }
}

fn text(content: Content) -> String {
    let mut text = String::new();
    match content {
        Content::File(mut file) => drop(file.read_to_string(&mut text).unwrap()),
        Content::Bytes(bytes) => text = String::from_utf8(bytes.to_vec()).unwrap(),
    }
    text
}

#[tokio::test]
async fn files_are_found_at_any_depth_and_read_as_listed() {
    let world = world();
    world.write("b.csv", "bb").write("2026/01/a.csv", "a").write(".hidden/c.csv", "c").write("notes.txt", "n");
    world
        .check(
            &["2026/01/a.csv", "b.csv"],
            &["`.hidden`: hidden", "`notes.txt`: no export file by its name (.csv, .csv.gz, .gz, .parquet)"],
        )
        .await;
    let source = world.source(&world.bills()).unwrap();
    let file = &source.list().await.unwrap().deliveries[1].files[0];
    assert_eq!((file.path.as_str(), file.size), ("b.csv", 2));
    assert_eq!(text(source.open(file).await.unwrap()), "bb");
    source.confirm(file).await.unwrap();
}

#[tokio::test]
async fn links_count_inside_of_the_folder_once_and_never_outside() {
    let world = world();
    world.write("a.csv", "a").write("sub/b.csv", "b");
    let bills = world.bills();
    symlink(world.temp.path().join("outside"), bills.join("out-folder")).unwrap();
    symlink(world.temp.path().join("outside/secret.csv"), bills.join("out-file.csv")).unwrap();
    symlink("../../outside/secret.csv", bills.join("out-relative.csv")).unwrap();
    symlink("/etc/passwd", bills.join("passwd.csv")).unwrap();
    symlink("a.csv", bills.join("again.csv")).unwrap();
    symlink("..", bills.join("sub/up")).unwrap();
    symlink(".", bills.join("loop")).unwrap();
    symlink("nowhere.csv", bills.join("nowhere.lnk.csv")).unwrap();
    fs::hard_link(bills.join("sub/b.csv"), bills.join("sub/c.csv")).unwrap();
    world
        .check(
            &["a.csv", "sub/b.csv"],
            &[
                "`loop`, `sub/up`: a folder that was listed before",
                "`nowhere.lnk.csv`: a link that leads nowhere",
                "`out-file.csv`, `out-folder`, `out-relative.csv` and 1 more: a link that leaves the folder",
                "`again.csv`: the same file as `a.csv`",
                "`sub/c.csv`: the same file as `sub/b.csv`",
            ],
        )
        .await;
    // Asked for by name, as a manifest could: refused as well.
    let source = world.source(&bills).unwrap();
    for path in ["out-file.csv", "out-folder/secret.csv", "../../outside/secret.csv", "/etc/passwd", "passwd.csv"] {
        let file = FileRef { path: path.into(), size: 6, version: String::new() };
        let error = source.open(&file).await.unwrap_err();
        assert!(matches!(error, Error::NotAllowed { .. }), "{path}: {error}");
    }
}

#[tokio::test]
async fn pipes_and_sockets_are_neither_read_nor_waited_for() {
    let world = world();
    world.write("a.csv", "a");
    let pipe = world.bills().join("pipe.csv");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let _socket = std::os::unix::net::UnixListener::bind(world.bills().join("socket.csv")).unwrap();
    world.check(&["a.csv"], &["`pipe.csv`, `socket.csv`: a pipe, socket or device"]).await;

    // A file that became a pipe after the listing: opening it must not wait for a writer.
    let source = world.source(&world.bills()).unwrap();
    let file = source.list().await.unwrap().deliveries[0].files[0].clone();
    fs::remove_file(world.bills().join("a.csv")).unwrap();
    fs::rename(&pipe, world.bills().join("a.csv")).unwrap();
    let opened = tokio::time::timeout(std::time::Duration::from_secs(5), source.open(&file)).await.unwrap();
    assert!(matches!(opened, Err(Error::Changed { .. })), "{opened:?}");
}

#[tokio::test]
async fn a_file_that_changes_is_told() {
    let world = world();
    world.write("a.csv", "one");
    let source = world.source(&world.bills()).unwrap();
    let file = source.list().await.unwrap().deliveries[0].files[0].clone();
    let changed = Error::Changed { file: "a.csv".into() };

    // Replaced by a rename, with the same size and time.
    let path = world.bills().join("a.csv");
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    world.write("b.tmp", "two");
    let other = fs::File::options().write(true).open(world.bills().join("b.tmp")).unwrap();
    other.set_modified(time).unwrap();
    fs::rename(world.bills().join("b.tmp"), &path).unwrap();
    assert_eq!(source.open(&file).await.unwrap_err(), changed);

    // Written to in place, while it is read.
    let file = source.list().await.unwrap().deliveries[0].files[0].clone();
    let opened = source.open(&file).await.unwrap();
    world.write("a.csv", "longer than before");
    assert_eq!(source.confirm(&file).await.unwrap_err(), changed);
    drop(opened);

    let file = source.list().await.unwrap().deliveries[0].files[0].clone();
    fs::remove_file(&path).unwrap();
    assert_eq!(source.open(&file).await.unwrap_err(), changed);
    assert_eq!(source.confirm(&file).await.unwrap_err(), changed);
}

#[tokio::test]
async fn a_manifest_that_is_rewritten_voids_the_files_it_named() {
    let world = world();
    let manifest = "metadata/BILLING_PERIOD=2026-01/bills-Manifest.json";
    let text = "{\"dataFiles\": [\"s3://b/bills/data/BILLING_PERIOD=2026-01/x.csv\"]}";
    world.write("data/BILLING_PERIOD=2026-01/x.csv", "x").write(manifest, text);
    let source = world.source(&world.bills()).unwrap();
    let listing = source.list().await.unwrap();
    let delivery = &listing.deliveries[0];
    assert_eq!((delivery.key.as_str(), delivery.complete), ("BILLING_PERIOD=2026-01", true));
    source.confirm(&delivery.files[0]).await.unwrap();
    world.write(manifest, &format!("{text} "));
    assert_eq!(source.confirm(&delivery.files[0]).await.unwrap_err(), Error::Changed { file: manifest.into() });
    // Found anew at the next listing.
    let again = source.list().await.unwrap();
    assert_ne!(again.deliveries[0].version, delivery.version);
    source.confirm(&again.deliveries[0].files[0]).await.unwrap();
}

#[tokio::test]
async fn a_place_that_cannot_be_read_names_itself_and_the_way_out() {
    let world = world();
    let shown = format!("file://{}", world.bills().display());
    let said = world.list().await.unwrap_err().to_string();
    assert_eq!(
        said,
        format!("`{shown}` holds no billing export (it is empty); expected FOCUS files (.csv, .csv.gz, .parquet)")
    );
    world.write("photo.jpg", "x");
    let said = world.list().await.unwrap_err().to_string();
    assert!(said.contains("(only `photo.jpg`)"), "{said}");

    let missing = world.temp.path().join("root/gone");
    let error = world.source(&missing).unwrap().list().await.unwrap_err();
    assert_eq!(error, Error::NotFound { place: format!("file://{}", missing.display()) });

    let error = world.source(&world.bills().join("photo.jpg")).unwrap().list().await.unwrap_err();
    assert!(error.to_string().contains("it is a file: name the folder that holds it"), "{error}");

    // A location that is a link out of the root, or into the store by another name.
    symlink(world.temp.path().join("outside"), world.temp.path().join("root/escape")).unwrap();
    let error = world.source(&world.temp.path().join("root/escape")).unwrap().list().await.unwrap_err();
    assert!(matches!(&error, Error::NotAllowed { why, .. } if why.contains("outlay_local_roots")), "{error}");
    fs::write(world.temp.path().join("root/store/part.csv"), "x").unwrap();
    symlink("store", world.temp.path().join("root/other-name")).unwrap();
    let error = world.source(&world.temp.path().join("root/other-name")).unwrap().list().await.unwrap_err();
    assert!(matches!(&error, Error::NotAllowed { why, .. } if why.contains("Outlay's own store")), "{error}");
}

#[tokio::test]
async fn the_store_inside_of_a_location_is_passed_over() {
    let world = world();
    world.write("a.csv", "a");
    fs::write(world.temp.path().join("root/store/part.csv"), "x").unwrap();
    symlink("../store", world.bills().join("link")).unwrap();
    let listing = world.source(&world.temp.path().join("root")).unwrap().list().await.unwrap();
    let keys: Vec<&str> = listing.deliveries.iter().map(|delivery| delivery.key.as_str()).collect();
    assert_eq!(keys, ["bills/a.csv"]);
    assert_eq!(listing.ignored, ["`bills/link`, `store`: belongs to Grafana, to Outlay's own store, or to the system"]);
}

#[tokio::test]
async fn folders_nest_only_so_deep() {
    let world = world();
    world.write(&format!("{}a.csv", "d/".repeat(31)), "a").check(&[&format!("{}a.csv", "d/".repeat(31))], &[]).await;
    world.write(&format!("{}a.csv", "e/".repeat(32)), "a");
    let error = world.list().await.unwrap_err();
    assert!(error.to_string().contains("the depth of folders is over 32"), "{error}");
}
