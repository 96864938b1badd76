//! What is known of changes: who is told, and of what, and how often something is evaluated for it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::sync::Barrier;
use std::{fs, thread};

use super::served::{Served, read_head, request};
use crate::cli::test_env::TestEnv;

/// A stream of revisions.
struct Told(BufReader<UnixStream>);

impl Told {
    #[track_caller]
    fn by(served: &Served, environments: &str) -> Self {
        let mut stream = served.connect();
        let line = format!("GET /v1/watch?env={environments}");
        stream.write_all(&request(&line, "")).unwrap();
        let head = read_head(&mut stream).unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        Self(BufReader::new(stream))
    }

    /// The revision that is told next.
    #[track_caller]
    fn next(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(
                self.0.read_line(&mut line).unwrap(),
                0,
                "the stream has ended"
            );
            if let Some(revision) = line.strip_prefix("id:") {
                return revision.trim().to_owned();
            }
        }
    }
}

/// The revision of environments.
#[track_caller]
fn revision(served: &Served, name: &str) -> String {
    let answer = served.open(&format!(r#"{{"environments":["{name}"]}}"#));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["revision"].as_str().unwrap().to_owned()
}

#[test]
fn who_watches_is_told_once_of_each_change_and_of_no_other() {
    let env = TestEnv::project();
    env.define("base", "values: {a: 1}\n");
    env.define("top", "imports: [base]\n");
    env.define("other", "values: {b: 1}\n");
    let served = Served::start(env, "");
    let (mut top, mut other) = (Told::by(&served, "top"), Told::by(&served, "other"));
    let (first, first_other) = (top.next(), other.next());
    assert_eq!(first, revision(&served, "top"));
    assert_eq!(first_other, revision(&served, "other"));
    let folder = served.env.path("project/environments");
    let changes: [&dyn Fn(); 4] = [
        &|| served.env.define("base", "values: {a: 2}\n"),
        &|| {
            fs::write(folder.join(".base.swp"), "values: {a: 3}\n").unwrap();
            fs::rename(folder.join(".base.swp"), folder.join("base.yaml")).unwrap();
        },
        &|| {
            served.env.define("base", "values: {a: 4}\n");
            served
                .env
                .define("top", "imports: [base]\nvalues: {c: 1}\n");
        },
        &|| fs::remove_file(folder.join("base.yaml")).unwrap(),
    ];
    let mut before = first;
    for change in changes {
        change();
        let told = top.next();
        assert_ne!(told, before);
        before = told;
    }
    // Had there been more, it would come before this.
    served.env.define("base", "values: {a: 5}\n");
    let last = top.next();
    assert_eq!(last, revision(&served, "top"));
    // And whoever watches something else hears of that alone.
    served.env.define("other", "values: {b: 2}\n");
    assert_eq!(other.next(), revision(&served, "other"));
}

#[test]
fn a_git_checkout_is_one_change() {
    if !crate::outside::have(&["git"]) {
        return;
    }
    let served = Served::start(TestEnv::project(), "");
    let env = &served.env;
    let names: Vec<String> = (0..300).map(|index| format!("part{index}")).collect();
    let define = |text: &str| names.iter().for_each(|name| env.define(name, text));
    let git = |line: &str| {
        let mut command = env.command("git");
        command.args(["-c", "user.name=a", "-c", "user.email=a@b"]);
        let output = command.args(line.split(' ')).output().unwrap();
        assert!(output.status.success(), "{line}: {output:?}");
    };
    define("values: {a: 1}\n");
    env.define("top", &format!("imports: [{}]\n", names.join(", ")));
    for line in [
        "init -q -b one",
        "add .",
        "commit -q -m one",
        "checkout -q -b two",
    ] {
        git(line);
    }
    define("values: {a: 2}\n");
    for line in ["commit -q -a -m two", "checkout -q one"] {
        git(line);
    }
    let one = revision(&served, "top");
    let mut told = Told::by(&served, "top");
    assert_eq!(told.next(), one);
    git("checkout -q two");
    let two = told.next();
    assert_eq!(two, revision(&served, "top"));
    git("checkout -q one");
    // Whatever was told of half of it would have come before this.
    assert_eq!(told.next(), one);
    git("checkout -q two");
    assert_eq!(told.next(), two);
}

#[test]
fn equal_requests_at_the_same_time_are_evaluated_once() {
    let env = TestEnv::project();
    let (program, runs) = (env.path("count"), env.path("project/runs"));
    fs::write(
        &program,
        "#!/bin/sh\necho x >> \"$1\"\nsleep 0.2\nwc -l < \"$1\"\n",
    )
    .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let text = format!(
        "values: {{a: {{fn::open::command: {{command: ['{}', '{}']}}}}}}\n",
        program.display(),
        runs.display()
    );
    env.define("counted", &text);
    let settings = format!("providers: {{commands: ['{}']}}\n", program.display());
    let served = Served::start(env, &settings);
    let barrier = Barrier::new(16);
    let bodies: Vec<String> = thread::scope(|scope| {
        let asked = (0..16).map(|_| {
            scope.spawn(|| {
                barrier.wait();
                let answer = served.open(r#"{"environments":["counted"]}"#);
                assert_eq!(answer.status, 200, "{}", answer.text());
                answer.text()
            })
        });
        let asked: Vec<_> = asked.collect();
        asked.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    assert_eq!(fs::read_to_string(&runs).unwrap(), "x\n");
    assert!(bodies[0].contains("\"A\":\"1\""));
}
