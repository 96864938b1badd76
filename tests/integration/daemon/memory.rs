//! What can be found of secrets in the memory of a daemon, from outside: only what it serves, only in locked pages, and
//! after `lock` nothing at all.

use std::io::{Read, Write};

use super::served::{Served, request};
use crate::cli::test_env::TestEnv;
use crate::memory::random_text;
use crate::outside::skip;
use crate::scan::{Finding, Scanner};

const ESCRUN: &str = env!("CARGO_BIN_EXE_escrun");

/// How many environments there are.
const CROWD: usize = 1000;

/// How many secrets each has.
const EACH: usize = 5;

/// How long a secret is that does not fit into a socket's buffers, in bytes.
const LARGE: usize = 1 << 20;

/// A file of definitions that nobody but this test has, and what must not be found.
struct Stage {
    env: TestEnv,
    /// A piece of every secret.
    mark: String,
    /// A value that is no secret.
    open: String,
    scanner: Scanner,
}

impl Stage {
    fn set() -> Self {
        let env = TestEnv::project();
        let [mark, open, lonely] = [32, 32, 48].map(random_text);
        for number in 0..CROWD {
            let values = (0..EACH).map(|each| {
                format!("  s{each}: {{fn::secret: \"{mark}-{number:04}-{each}-{mark}\"}}\n")
            });
            let names = (0..EACH).map(|each| format!("    S{each}: ${{s{each}}}\n"));
            env.define(
                &format!("e{number}"),
                &format!(
                    "values:\n{}  plain: {open}\n  environmentVariables:\n{}",
                    values.collect::<String>(),
                    names.collect::<String>()
                ),
            );
        }
        let large = mark.repeat(LARGE / mark.len());
        env.define("large", &format!("values:\n  s: {{fn::secret: {large}}}\n"));
        env.define(
            "lonely",
            &format!("values:\n  s: {{fn::secret: {lonely}}}\n"),
        );
        for name in ["private", "broken"] {
            env.define(name, &format!("values:\n  s: {{fn::secret: {mark}}}\n"));
        }
        let names = (0..CROWD).map(|number| format!("e{number}"));
        let others = ["large", "lonely", "private", "broken"].map(str::to_owned);
        let words = ["seal".to_owned()].into_iter().chain(names).chain(others);
        env.escrun(words.collect::<Vec<_>>()).succeeds();
        alter(&env, "broken");
        env.write(
            "policy.yaml",
            "rules:\n\
             - {peer: any, environments: private, deny: [open, value, watch]}\n\
             - {peer: any, environments: '**', allow: [open, value, watch]}\n\
             - {peer: any, allow: [manage]}\n",
        );
        let identity = env.read("home/.config/escrun/identities/default.txt");
        let key = identity.lines().last().unwrap().to_owned();
        Self {
            scanner: Scanner::new(&[mark.clone(), lonely, key]),
            env,
            mark,
            open,
        }
    }
}

/// Changes a byte of the ciphertext in a definition.
fn alter(env: &TestEnv, name: &str) {
    let text = env.definition(name);
    let place = text.find("ciphertext:").unwrap() + "ciphertext: ".len() + 30;
    let other = if text.as_bytes()[place] == b'A' {
        "B"
    } else {
        "A"
    };
    env.define(
        name,
        &format!("{}{other}{}", &text[..place], &text[place + 1..]),
    );
}

/// A daemon on that stage, started by these words, and what to look for; none for who may not look.
fn serve(words: &[&str]) -> Option<(Served, Stage)> {
    if !nix::unistd::geteuid().is_root() {
        skip("only root may look into the memory of escrun");
        return None;
    }
    let mut stage = Stage::set();
    let env = std::mem::replace(&mut stage.env, TestEnv::empty());
    let policy = env.path("policy.yaml").display().to_string();
    let served = Served::start_by(words, env, "", &["--policy", &policy]);
    Some((served, stage))
}

/// Everything that a daemon is asked for: what it gives, what it refuses, and what nobody waits for.
fn ask_everything(served: &Served, stage: &Stage) {
    for number in 0..CROWD {
        let answer = served.open(&format!("{{\"environments\":[\"e{number}\"]}}"));
        let text = answer.text();
        assert_eq!(
            (answer.status, text.matches(&stage.mark).count()),
            (200, 2 * EACH)
        );
    }
    for (body, status) in [
        (r#"{"environments":["e1"]}"#, 200),
        (
            r#"{"environments":["e1","e2"],"details":true,"secrets":true}"#,
            200,
        ),
        (r#"{"environments":["lonely"],"view":"values"}"#, 200),
        (
            r#"{"environments":["lonely"],"view":"values","path":"s"}"#,
            200,
        ),
        (r#"{"environments":["private"]}"#, 403),
        (r#"{"environments":["broken"]}"#, 422),
        (r#"{"environments":["no-such"]}"#, 404),
    ] {
        assert_eq!(served.open(body).status, status, "{body}");
    }
    // A passphrase that nobody asked for, and one whose sender goes in the middle.
    let answers = format!("{{\"answers\":{{\"question\":\"{}\"}}}}", stage.mark);
    served.request("POST /v1/unlock", &answers);
    let whole = request("POST /v1/unlock", &answers);
    served
        .connect()
        .write_all(&whole[..whole.len() - 5])
        .unwrap();
    // Clients that vanish with an answer on its way.
    for _ in 0..20 {
        let call = request(
            "POST /v1/open",
            r#"{"environments":["large"],"view":"values"}"#,
        );
        served.connect().write_all(&call).unwrap();
    }
}

#[test]
fn nothing_of_secrets_can_be_found_while_they_are_served() {
    let Some((served, stage)) = serve(&[ESCRUN]) else {
        return;
    };
    ask_everything(&served, &stage);
    // One that takes its time, whose answer waits in the daemon.
    let mut slow = served.connect();
    let call = request(
        "POST /v1/open",
        r#"{"environments":["large"],"view":"values"}"#,
    );
    slow.write_all(&call).unwrap();
    slow.read_exact(&mut [0; 100]).unwrap();
    // Pages of memfd_secret(2) cannot even be looked at; where there are none, they are locked.
    let outside = |found: &[Finding]| found.iter().all(|finding| finding.is_protected);
    let found = stage.scanner.settled(served.pid(), outside);
    assert!(outside(&found), "{found:?}");
    drop(slow);
    // The scanner does find what the daemon keeps in ordinary memory.
    let control = Scanner::new(std::slice::from_ref(&stage.open));
    let found = control.find(served.pid());
    assert!(
        found.iter().any(|finding| !finding.is_protected),
        "{found:?}"
    );
}

/// What a daemon locks is all that holds anything, and holds nothing once it was told to lock.
fn check_locked_pages(program: &str) {
    let wrapper = [
        env!("CARGO_BIN_EXE_fixture-subject"),
        "without-secret-memory",
        program,
    ];
    let Some((served, stage)) = serve(&wrapper) else {
        return;
    };
    ask_everything(&served, &stage);
    // What is cached is there, and can be looked at here.
    let right =
        |found: &[Finding]| !found.is_empty() && found.iter().all(|finding| finding.is_protected);
    let found = stage.scanner.settled(served.pid(), right);
    assert!(right(&found), "{found:?}");
    assert_eq!(served.request("POST /v1/lock", "").status, 200);
    assert_eq!(served.open(r#"{"environments":["e1"]}"#).status, 423);
    let found = stage.scanner.settled(served.pid(), <[Finding]>::is_empty);
    assert_eq!(found, []);
}

#[test]
fn secrets_lie_in_locked_pages_alone_and_nowhere_after_a_lock() {
    check_locked_pages(ESCRUN);
}

/// Another C library keeps other things in other places.
#[test]
fn the_same_holds_for_the_static_program() {
    match std::env::var("ESCRUN_STATIC") {
        Ok(program) => check_locked_pages(&program),
        Err(_) => skip("ESCRUN_STATIC names no static program"),
    }
}
