//! The built binary's life: cookie, one line, one caller, a clean end, and what happens when it or Grafana is killed.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use tonic::Code;

use crate::grafana::{self, Datasource, Grafana};
use crate::plugin::{PLUGIN, cost, plugin, plugin_with, statuses};

#[test]
fn without_the_cookie_it_hints_and_ends() {
    for cookie in [None, Some("app"), Some("")] {
        let environment: BTreeMap<String, String> =
            cookie.map(|value| ("grafana_plugin_type".to_owned(), value.to_owned())).into_iter().collect();
        let output = grafana::command(Path::new(PLUGIN), &environment).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty());
        assert!(String::from_utf8(output.stderr).unwrap().contains("Grafana plugin"));
    }
}

#[tokio::test]
async fn it_says_one_line_and_serves_what_go_plugin_asks_for() {
    let plugin = plugin().await;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let path = plugin.handshake.split('|').nth(3).unwrap().to_owned();
        assert!(plugin.handshake.starts_with("1|2|unix|/") && path.len() <= 100, "{}", plugin.handshake);
        let folder = Path::new(&path).parent().unwrap();
        assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }
    for path in ["/plugin.GRPCBroker/StartStream", "/plugin.GRPCStdio/StreamStdio", "/plugin.GRPCController/Other"] {
        assert_eq!(plugin.empty_call(path).await.unwrap_err().code(), Code::Unimplemented, "{path}");
    }
    let mut health = tonic_health::pb::health_client::HealthClient::new(plugin.channel.clone());
    let request = tonic_health::pb::HealthCheckRequest { service: "plugin".into() };
    assert_eq!(health.check(request).await.unwrap().into_inner().status, 1);
    let folder = Path::new(plugin.handshake.split('|').nth(3).unwrap()).parent().unwrap().to_owned();
    plugin.stop_cleanly().await;
    assert!(!folder.exists() || folder == Path::new(""), "the folder of the socket stays");
}

#[tokio::test]
async fn after_a_hard_kill_it_starts_again_at_once() {
    let store = tempfile::tempdir().unwrap();
    let sockets = tempfile::tempdir().unwrap();
    let environment = BTreeMap::from([
        ("GF_PLUGIN_OUTLAY_STORE_DIR".to_owned(), store.path().display().to_string()),
        ("PLUGIN_UNIX_SOCKET_DIR".to_owned(), sockets.path().display().to_string()),
    ]);
    let folders = || std::fs::read_dir(sockets.path()).unwrap().count();
    for _ in 0..3 {
        let grafana = Grafana::start(Path::new(PLUGIN), &environment).await.unwrap();
        assert!(grafana.handshake.contains(sockets.path().to_str().unwrap()), "{}", grafana.handshake);
        let answers = grafana.query(&Datasource::default(), &[], vec![cost("A")]).await.unwrap();
        assert_eq!(statuses(&answers), [("A", 200)]);
        assert_eq!(folders(), 1, "folders of killed processes are swept");
        grafana.kill();
    }
    let grafana = Grafana::start(Path::new(PLUGIN), &environment).await.unwrap();
    assert_eq!(grafana.stop().await.code, Some(0));
    assert_eq!(folders(), 0);
}

#[tokio::test]
async fn without_any_directory_for_sockets_it_listens_on_loopback() {
    let long = tempfile::tempdir().unwrap();
    let deep = long.path().join("d".repeat(120));
    std::fs::create_dir(&deep).unwrap();
    let deep = deep.display().to_string();
    // A directory whose sockets would have too long a path, then the system's own, which works.
    let plugin = plugin_with(&[("PLUGIN_UNIX_SOCKET_DIR", &deep), ("TMPDIR", &deep)]).await;
    assert!(
        plugin.handshake.starts_with("1|2|unix|/tmp/outlay-") || plugin.handshake.starts_with("1|2|tcp|127.0.0.1:")
    );
    plugin.stop_cleanly().await;
}

#[cfg(unix)]
mod signals {
    use super::*;

    fn signal(pid: u32, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    #[tokio::test]
    async fn an_interrupt_is_ignored_and_a_termination_is_a_clean_end() {
        let plugin = plugin().await;
        signal(plugin.pid(), rustix::process::Signal::INT);
        tokio::time::sleep(Duration::from_millis(100)).await;
        let answers = plugin.query(&plugin.datasource(), &[], vec![cost("A")]).await.unwrap();
        assert_eq!(statuses(&answers), [("A", 200)]);
        let started = Instant::now();
        signal(plugin.pid(), rustix::process::Signal::TERM);
        let ended = plugin.grafana.ended(started).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }

    #[tokio::test]
    async fn another_process_of_the_same_user_is_turned_away() {
        let plugin = plugin().await;
        let socket = plugin.handshake.split('|').nth(3).unwrap().to_owned();
        // The shell's child connects, sends the opening of HTTP/2 and waits for an answer that never comes.
        let script = "import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n\
            s.sendall(b'PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n'+bytes(3)+b'\\x04'+bytes(5))\n\
            print(len(s.recv(9)))";
        let Ok(output) = std::process::Command::new("python3").args(["-c", script, &socket]).output() else {
            eprintln!("not run: no python3 to call from another process");
            return plugin.stop_cleanly().await;
        };
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(said.trim() == "0" || said.contains("Broken pipe") || said.contains("reset"), "{said}");
        assert!(plugin.metrics().await.unwrap().contains("outlay_rejected_peers_total 1\n"));
        assert!(plugin.stderr().iter().any(|line| line.contains("turned away")));
        plugin.stop_cleanly().await;
    }

    #[tokio::test]
    async fn an_orphan_ends_by_itself() {
        // A shell starts the plugin in the background and is killed: nothing tells the plugin but its own watch.
        let store = tempfile::tempdir().unwrap();
        let mut environment: BTreeMap<String, String> =
            grafana::ENVIRONMENT.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        environment.insert("GF_PLUGIN_OUTLAY_STORE_DIR".into(), store.path().display().to_string());
        environment.insert("PLUGIN_UNIX_SOCKET_DIR".into(), store.path().display().to_string());
        let mut shell = grafana::command(Path::new("/bin/sh"), &environment);
        let mut shell = shell.args(["-c", &format!("{PLUGIN} & echo $!; wait")]).spawn().unwrap();
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(shell.stdout.take().unwrap()));
        let first: Vec<String> = lines.by_ref().take(2).map(Result::unwrap).collect();
        let pid: i32 = first.iter().find_map(|line| line.parse().ok()).unwrap();
        assert!(first.iter().any(|line| line.starts_with("1|2|")), "{first:?}");
        shell.kill().unwrap();
        shell.wait().unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        let started = Instant::now();
        while rustix::process::test_kill_process(pid).is_ok() && started.elapsed() < Duration::from_secs(5) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(started.elapsed() < Duration::from_secs(4), "the orphan lives on");
    }
}

#[tokio::test]
async fn it_ends_in_time_with_calls_running() {
    let plugin = plugin().await;
    // The sample, so that an import is running too.
    let datasource = Datasource::default();
    plugin.query(&datasource, &[], vec![cost("A")]).await.unwrap();
    let running = {
        let calls = (0..50).map(|at| plugin.query(&datasource, &[], vec![cost(&at.to_string())]));
        futures::future::join_all(calls)
    };
    // Calls on their way while the end comes: they are answered or told that the plugin stops, and hold nothing up.
    let started = Instant::now();
    let (answers, shutdown) = tokio::join!(running, plugin.empty_call("/plugin.GRPCController/Shutdown"));
    assert!(shutdown.is_ok() || answers.iter().any(Result::is_err), "{shutdown:?}");
    let ended = plugin.grafana.ended(started).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
}
