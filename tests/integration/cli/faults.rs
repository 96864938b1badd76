//! Bad input: one clear message with its place, the right status, no command started, and no secret shown.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};

use super::test_env::end;
use super::{CANARY, TestEnv};

/// Prepares a fault, and gives the arguments in front of `--`.
type Prepare = fn(&TestEnv) -> Vec<String>;

/// Runs a command that leaves a mark with each fault in place. A case is what prepares it, where its message begins, and
/// what that says.
#[track_caller]
fn check(cases: &[(Prepare, &str, &str)]) {
    let mut failures = Vec::new();
    for (number, (prepare, place, message)) in cases.iter().enumerate() {
        let env = TestEnv::project();
        let mut arguments = prepare(&env);
        arguments.extend(["--", "touch", "marker"].map(str::to_owned));
        let ended = env.escrun(&arguments);
        let faults: Vec<&str> = ended
            .stderr
            .lines()
            .filter(|line| line.contains("error: "))
            .collect();
        let is_told = matches!(faults[..], [fault] if fault.starts_with(place)
            && fault.contains(message)
            && !fault.ends_with('.')
            && fault.len() < 400);
        let is_started = env.path("project/marker").exists();
        if !is_told || is_started || ended.status != 125 || !ended.stdout.is_empty() {
            failures.push(format!("{number}: {place}{message}: {ended:#?}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn select(name: &str) -> Vec<String> {
    vec!["-e".to_owned(), name.to_owned()]
}

/// Writes the definition `bad`, and selects it.
fn define(env: &TestEnv, text: &str) -> Vec<String> {
    env.define("bad", text);
    select("bad")
}

/// Changes the definition `app`, and selects it.
fn change(env: &TestEnv, change: impl Fn(&str) -> String) -> Vec<String> {
    let text = env.definition("app");
    let changed = change(&text);
    assert_ne!(text, changed);
    env.define("app", &changed);
    select("app")
}

/// The text with the character behind `mark` exchanged.
fn alter(text: &str, mark: &str) -> String {
    let at = text.find(mark).unwrap() + mark.len() + 8;
    let other = if text.as_bytes()[at] == b'A' {
        "B"
    } else {
        "A"
    };
    format!("{}{other}{}", &text[..at], &text[at + 1..])
}

/// Cuts so many characters off the line with `mark`.
fn cut(text: &str, mark: &str, count: usize) -> String {
    let lines = text.lines().map(|line| match line.contains(mark) {
        true => line[..line.len() - count].to_owned() + "\n",
        false => line.to_owned() + "\n",
    });
    lines.collect()
}

#[test]
fn definitions_that_cannot_be_used() {
    let at_bad = "environments/bad.yaml:";
    let cases: &[(Prepare, &str, &str)] = &[
        (
            |_| select("missing"),
            "error: ",
            "open environments/missing.yaml: no such file or directory",
        ),
        (|_| select("../app"), "error: ", "must not have `..` in it"),
        (
            |_| select("/etc/passwd"),
            "error: ",
            "environment \"/etc/passwd\"",
        ),
        (|env| define(env, "values: [unclosed\n"), at_bad, "yaml"),
        (
            |env| define(env, "values:\n  a: ${nope}\n"),
            "environments/bad.yaml:2:8: ",
            "unknown property \"nope\"",
        ),
        (
            |env| define(env, "imports: [nope]\n"),
            "environments/bad.yaml:1:11: ",
            "nope.yaml: no such file",
        ),
        (
            |env| define(env, "imports: [../app]\n"),
            "environments/bad.yaml:1:11: ",
            "`..`",
        ),
        (
            |env| {
                env.define("other", "imports: [bad]\n");
                define(env, "imports: [other]\n")
            },
            "environments/",
            "cycl",
        ),
        (
            |env| define(env, "values:\n  a: ${b}\n  b: ${a}\n"),
            at_bad,
            "cycl",
        ),
        (
            |env| define(env, "values:\n  a: \"x\\0y\"\n"),
            "environments/bad.yaml:2:6: ",
            "the value of the variable A contains NUL",
        ),
        (
            |env| define(env, "values:\n  a:\n    b: 1\n  a_b: 2\n"),
            at_bad,
            "two values give the variable A_B: ",
        ),
        (
            |env| define(env, "values:\n  ld:\n    preload: x\n"),
            at_bad,
            "would set LD_PRELOAD",
        ),
        (
            |env| {
                fs::create_dir_all(env.path("project/environments/bad.yaml")).unwrap();
                select("bad")
            },
            "error: ",
            "environments/bad.yaml: is a directory",
        ),
        (
            |env| {
                let outside = env.write("outside.yaml", "values: {a: 1}\n");
                symlink(outside, env.path("project/environments/bad.yaml")).unwrap();
                select("bad")
            },
            "error: ",
            "leads out of the environments folder",
        ),
        (
            |env| {
                env.write("project/environments/bad.yaml", b"values:\n  a: \xff\n");
                select("bad")
            },
            "error: environments/bad.yaml:2:6: ",
            "not UTF-8",
        ),
        (
            |env| {
                env.define("bad", "values: {}\n");
                let file = File::options()
                    .write(true)
                    .open(env.path("project/environments/bad.yaml"));
                file.unwrap().set_len(100 << 20).unwrap();
                select("bad")
            },
            "error: ",
            "environments/bad.yaml: ",
        ),
        (
            |env| {
                define(
                    env,
                    &format!("values: {}{}\n", "[".repeat(100_000), "]".repeat(100_000)),
                )
            },
            at_bad,
            "nest",
        ),
        (
            |env| define(env, &format!("values:\n  a: {}\n", "x".repeat(200 << 10))),
            at_bad,
            "the variable A is longer than the 128 KiB that a process can be given",
        ),
    ];
    check(cases);
}

#[test]
fn secrets_that_do_not_open() {
    let at_secret = "environments/app.yaml:";
    let cases: &[(Prepare, &str, &str)] = &[
        (
            |env| {
                fs::remove_dir_all(env.path("home/.config")).unwrap();
                select("app")
            },
            at_secret,
            "there is no identity to decrypt with",
        ),
        (
            |env| {
                fs::remove_dir_all(env.path("home/.config")).unwrap();
                env.keygen("home/.config/escrun/identities/other.txt");
                select("app")
            },
            at_secret,
            "no identity fits",
        ),
        (
            |env| {
                let file = env.path("home/.config/escrun/identities/default.txt");
                fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
                // Only on a disk: a file in memory is as readable as its owner wants it.
                let mut options = select("app");
                options.extend(["-i".to_owned(), file.display().to_string()]);
                options
            },
            at_secret,
            "default.txt",
        ),
        (
            |env| change(env, |text| alter(text, "ciphertext: ")),
            at_secret,
            "",
        ),
        (
            |env| change(env, |text| cut(text, "ciphertext: ", 4)),
            at_secret,
            "",
        ),
        (
            |env| change(env, |text| cut(text, "ciphertext: ", 40)),
            at_secret,
            "",
        ),
        (
            |env| change(env, |text| alter(text, "-> X25519 ")),
            at_secret,
            "header",
        ),
        (
            |env| change(env, |text| alter(text, "--- ")),
            at_secret,
            "header",
        ),
        (
            |env| change(env, |text| cut(text, "--- ", 4)),
            at_secret,
            "header",
        ),
        (
            |env| change(env, |text| cut(text, "-> X25519 ", 20)),
            at_secret,
            "header",
        ),
        (
            |env| {
                change(env, |text| {
                    text.replace("age-encryption.org/v1", "age-encryption.org/v9")
                })
            },
            at_secret,
            "header",
        ),
        (
            |_| [select("app"), vec!["-i".into(), "nope".into()]].concat(),
            at_secret,
            "identity nope: ",
        ),
        (
            |_| [select("app"), vec!["-i".into(), "environments".into()]].concat(),
            at_secret,
            "identity environments: ",
        ),
        (
            |_| [select("app"), vec!["-i".into(), "escrun.yaml".into()]].concat(),
            at_secret,
            "identity escrun.yaml: ",
        ),
    ];
    check(cases);
}

#[test]
fn projects_that_cannot_be_used() {
    let cases: &[(Prepare, &str, &str)] = &[
        (
            |env| {
                env.write("project/escrun.yaml", "environment: [app\n");
                select("app")
            },
            "error: escrun.yaml:",
            "",
        ),
        (
            |env| {
                env.write("project/escrun.yaml", format!("password: {CANARY}\n"));
                select("app")
            },
            "error: escrun.yaml:1:1: ",
            "unknown key `password`",
        ),
        (|_| Vec::new(), "error: ", "no environment is named"),
        (
            |env| {
                fs::remove_dir_all(env.path("project/environments")).unwrap();
                select("app")
            },
            "error: ",
            "no environments folder: looked for environments, /etc/escrun/environments",
        ),
        (
            |_| [select("app"), vec!["--dir".into(), "nope".into()]].concat(),
            "error: ",
            "open nope: no such file or directory",
        ),
    ];
    check(cases);
}

#[test]
fn an_environment_too_big_for_the_kernel_is_126() {
    let env = TestEnv::project();
    let mut text = "values:\n".to_owned();
    for number in 0..80 {
        text += &format!("  v{number}: {}\n", "x".repeat(100 << 10));
    }
    env.define("big", &text);
    let ended = env.escrun(["-e", "big", "--", "touch", "marker"]);
    assert_eq!(ended.status, 126, "{ended:?}");
    assert!(
        ended
            .stderr
            .starts_with("error: the environment is too large: "),
        "{ended:?}"
    );
    assert!(!env.path("project/marker").exists());
}

/// Aliases that would unfold to a terabyte; and more faults than anyone reads.
#[test]
fn an_alias_bomb_is_refused() {
    let env = TestEnv::project();
    let mut text = "values:\n  a0: &a0 [x]\n".to_owned();
    for level in 1..40 {
        text += &format!("  a{level}: &a{level} [*a{0}, *a{0}]\n", level - 1);
    }
    env.define("bad", &text);
    let ended = env.escrun(["-e", "bad", "--", "touch", "marker"]);
    let lines: Vec<&str> = ended.stderr.lines().collect();
    let first = "environments/bad.yaml:3:12: error: alias nodes are not supported";
    assert_eq!((ended.status, lines[0]), (125, first));
    assert_eq!((lines.len(), lines[50]), (51, "and 28 more"));
    assert!(!env.path("project/marker").exists());
}

#[test]
fn all_faults_are_told_in_one_run() {
    let env = TestEnv::project();
    env.define(
        "bad",
        "values:\n  a: ${nope}\n  b: ${neither}\n  c:\n    fn::nothing: 1\n",
    );
    let ended = env.escrun(["-e", "bad", "--", "true"]);
    let places: Vec<&str> = ended
        .stderr
        .lines()
        .filter_map(|line| line.split(": error:").next())
        .collect();
    for place in ["environments/bad.yaml:2:8", "environments/bad.yaml:3:8"] {
        assert!(places.contains(&place), "{ended:?}");
    }
}

#[test]
fn a_plaintext_secret_is_not_shown_by_its_faults() {
    let env = TestEnv::project();
    for text in [
        format!("values:\n  a:\n    fn::secret: [{CANARY}]\n"),
        format!("values:\n  a:\n    fn::secret:\n      ciphertext: {CANARY}\n"),
        format!("values:\n  password: \"{CANARY}\n"),
        format!("values:\n  a:\n    fn::secret: {CANARY}\n  b:\n    fn::fromJSON: ${{a}}\n"),
        format!("values:\n  a:\n    fn::secret: {CANARY}\n  b:\n    fn::fromBase64: ${{a}}\n"),
        format!("values:\n  a:\n    fn::secret: \"{CANARY}\\0\"\n"),
    ] {
        env.define("bad", &text);
        for arguments in [
            &["-e", "bad", "--", "true"][..],
            &["-v", "-e", "bad", "--message-format", "json", "--dry-run"],
            &["check", "bad"],
            &["get", "-e", "bad"],
            &["explain", "-e", "bad"],
            &["seal", "bad"],
        ] {
            // That no message holds it is looked at for every end.
            let ended = end(&mut env.prepare(arguments));
            assert!(!ended.stdout.contains("hunter2"), "{arguments:?} {text}");
        }
    }
}
