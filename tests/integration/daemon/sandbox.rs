//! What a process that has shut itself in can still do, and what not: tried from inside.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const SUBJECT: &str = env!("CARGO_BIN_EXE_fixture-subject");

/// A process in the sandbox, which does what it is told.
struct Inside {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    report: String,
}

impl Inside {
    fn start(readable: &[&Path], writable: &[&Path]) -> Self {
        let mut child = Command::new(SUBJECT)
            .arg("sandboxed")
            .args(readable)
            .arg("--")
            .args(writable)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the fixture starts");
        let mut inside = Self {
            orders: child.stdin.take().expect("a pipe"),
            answers: BufReader::new(child.stdout.take().expect("a pipe")),
            child,
            report: String::new(),
        };
        inside.report = inside.answer();
        inside
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    /// What comes of an order.
    fn does(&mut self, order: &str) -> String {
        writeln!(self.orders, "{order}").expect("it reads");
        self.answer()
    }

    /// Whether files are confined here: not every kernel has Landlock.
    fn is_confined(&self) -> bool {
        let confined = self.report.contains("landlock: Some(");
        if !confined {
            crate::outside::skip("this kernel has no Landlock");
        }
        confined
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn neither_programs_nor_networks_can_be_reached_from_inside() {
    let mut inside = Inside::start(&[], &[]);
    assert!(inside.report.contains("seccomp: true"), "{}", inside.report);
    let own = std::process::id();
    for (order, expected) in [
        ("start /bin/true", "PermissionDenied"),
        ("become /bin/true", "PermissionDenied"),
        ("listen-tcp", "PermissionDenied"),
        ("connect-tcp", "PermissionDenied"),
        ("udp", "PermissionDenied"),
        (&format!("look-into {own}"), "PermissionDenied"),
        ("thread", "in a thread"),
        ("help /bin/pwd", "/"),
        ("group no-such-group", "None"),
    ] {
        assert_eq!(inside.does(order), expected, "{order}");
    }
    if inside.is_confined() && !inside.report.contains("keep signals in") {
        assert_eq!(inside.does(&format!("signal {own}")), "PermissionDenied");
    }
    assert_eq!(
        inside.does(&format!("signal {}", inside.child.id())),
        "done"
    );
}

#[test]
fn only_what_is_needed_can_be_read_and_written_from_inside() {
    let base = tempfile::tempdir().expect("a folder");
    let path = |name: &str| base.path().join(name);
    for folder in ["config/environments", "audit", "run", "home"] {
        fs::create_dir_all(path(folder)).expect("a folder");
    }
    fs::write(path("config/environments/a.yaml"), "a: 1").expect("a file");
    fs::write(path("home/diary"), "private").expect("a file");
    let mut inside = Inside::start(
        &[&path("config/environments"), &path("config/policy.yaml")],
        &[&path("audit/audit.jsonl"), &path("run/escrun.sock")],
    );
    if !inside.is_confined() {
        return;
    }
    for (order, expected) in [
        ("read config/environments/a.yaml", "a: 1"),
        ("list config/environments", "1"),
        ("write config/environments/a.yaml", "PermissionDenied"),
        ("write config/environments/b.yaml", "PermissionDenied"),
        ("remove config/environments/a.yaml", "PermissionDenied"),
        ("read home/diary", "PermissionDenied"),
        ("list home", "PermissionDenied"),
        ("write home/diary", "PermissionDenied"),
        ("remove home/diary", "PermissionDenied"),
        ("rename home/diary audit/diary", "PermissionDenied"),
        ("write audit/audit.jsonl", "done"),
        ("read audit/audit.jsonl", "written"),
        ("rename audit/audit.jsonl audit/audit.jsonl.1", "done"),
        ("write audit/audit.jsonl", "done"),
        ("cut audit/audit.jsonl.1", "done"),
        ("remove audit/audit.jsonl.1", "done"),
        ("make-folder audit/folder", "PermissionDenied"),
        ("listen run/escrun.sock", "done"),
        ("remove run/escrun.sock", "done"),
        ("listen run/escrun.sock", "done"),
        ("listen config/escrun.sock", "PermissionDenied"),
    ] {
        let mut words = order.split(' ').map(str::to_owned);
        let mut placed = words.next().expect("a verb");
        for word in words {
            placed = format!("{placed} {}", path(&word).display());
        }
        assert_eq!(inside.does(&placed), expected, "{order}");
    }
    // What is not the sandbox's to refuse.
    assert_eq!(inside.does("write /dev/null"), "done");
    assert!(inside.does("read /etc/hostname") != "PermissionDenied");
}

#[test]
fn what_takes_the_place_of_something_can_be_read_from_inside() {
    let base = tempfile::tempdir().expect("a folder");
    let path = |name: &str| base.path().join(name);
    let fill = |folder: &str, text: &str| {
        fs::create_dir_all(path(folder)).expect("a folder");
        fs::write(path(folder).join("a.yaml"), text).expect("a file");
    };
    fill("config/environments", "first");
    fill("releases/1/environments", "first");
    symlink("releases/1", path("current")).expect("a link");
    fill("map/..1", "first");
    symlink("..1", path("map/..data")).expect("a link");
    symlink("..data/a.yaml", path("map/a.yaml")).expect("a link");
    let mut inside = Inside::start(
        &[
            &path("config/environments"),
            &path("current/environments"),
            &path("map"),
            &path("config/late/environments"),
        ],
        &[],
    );
    let files = [
        path("config/environments/a.yaml"),
        path("current/environments/a.yaml"),
        path("map/a.yaml"),
    ];
    for file in &files {
        assert_eq!(inside.does(&format!("read {}", file.display())), "first");
    }
    // A folder moved into place, a link to the next release, a ConfigMap's next content, and a folder that is new.
    fill("config/next", "second");
    fs::rename(path("config/environments"), path("config/old")).expect("moved");
    fs::rename(path("config/next"), path("config/environments")).expect("moved");
    fill("releases/2/environments", "second");
    symlink("releases/2", path("next")).expect("a link");
    fs::rename(path("next"), path("current")).expect("moved");
    fill("map/..2", "second");
    symlink("..2", path("map/..next")).expect("a link");
    fs::rename(path("map/..next"), path("map/..data")).expect("moved");
    for file in &files {
        assert_eq!(inside.does(&format!("read {}", file.display())), "second");
    }
    fill("config/late/environments", "late");
    let late = path("config/late/environments/a.yaml");
    assert_eq!(inside.does(&format!("read {}", late.display())), "late");
}
