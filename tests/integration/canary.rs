//! No secret shows in what escrun prints, whatever is asked and whatever is wrong.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Secrets in all that is tried: encrypted, waiting to be, and a number.
const SEALED: &str = "canary-sealed-8d1f";
const PLAIN: &str = "canary-plain-77c2";
const NUMBER: &str = "90210733";

const DEFINITION: &str = "\
values:
  secrets:
    plain:
      fn::secret: canary-plain-77c2
  made: https://user:${secrets.plain}@host
";

/// Faults that have a secret in their midst.
const FAULTS: &[(&str, &str)] = &[
    (
        "key",
        "values:\n  a:\n    fn::secret: canary-plain-77c2\n  b: ${a.canary}\n",
    ),
    (
        "json",
        "values:\n  a:\n    fn::fromJSON: {fn::secret: '{canary-plain-77c2'}\n",
    ),
    (
        "base64",
        "values:\n  a:\n    fn::fromBase64: {fn::secret: canary-plain-77c2}\n",
    ),
    (
        "schema",
        "values:\n  a:\n    fn::validate:\n      schema: {type: string, maxLength: 2}\n      value: {fn::secret: canary-plain-77c2}\n",
    ),
    ("number", "values:\n  a:\n    fn::secret: 90210733\n"),
    (
        "list",
        "values:\n  a:\n    fn::secret: [canary-plain-77c2]\n",
    ),
    (
        "syntax",
        "values:\n  a:\n    fn::secret: \"canary-plain-77c2\n",
    ),
    (
        "name",
        "values:\n  a-b:\n    fn::secret: canary-plain-77c2\n  a_b:\n    fn::secret: canary-plain-77c2\n",
    ),
    (
        "nul",
        "values:\n  a:\n    fn::secret: \"canary-plain-77c2\\0\"\n",
    ),
    (
        "file",
        "values:\n  a:\n    fn::open::file: {path: {fn::secret: /canary-plain-77c2}}\n",
    ),
    (
        "company",
        "values:\n  a: {fn::secret: canary-plain-77c2, other: 1}\n  b: ${a[\"fn::secret\"]}\n  c: {fn::toJSON: \"${a}\"}\n",
    ),
    (
        "slips",
        "values:\n  a: {Fn::Secret: canary-plain-77c2}\n  b: {fn::secert: {x: [canary-plain-77c2]}}\n  c: {\"fn::secret \": \"${canary-plain-77c2}\"}\n",
    ),
    (
        "command",
        "values:\n  a:\n    fn::open::command: {command: [sh, -c, 'cat >&2; exit 3'], input: {fn::secret: canary-plain-77c2}}\n",
    ),
];

/// What `escrun` prints on both its streams, with `input`.
fn printed(folder: &Path, arguments: &[&str], input: &str) -> String {
    fs::write(folder.join("input"), input).expect("a file");
    let output = Command::new(env!("CARGO_BIN_EXE_escrun"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::from(
            fs::File::open(folder.join("input")).expect("a file"),
        ))
        .output()
        .expect("escrun starts");
    fs::remove_file(folder.join("input")).expect("a file");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

fn assert_clean(text: &str, about: &dyn std::fmt::Debug) {
    for secret in [SEALED, PLAIN, NUMBER] {
        let encoded = STANDARD.encode(secret);
        for form in [secret, encoded.trim_end_matches('=')] {
            assert!(!text.contains(form), "{about:?} shows {form}:\n{text}");
        }
    }
}

#[test]
fn no_verb_shows_a_secret_by_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    printed(folder, &["init"], "");
    fs::write(folder.join("environments/app.yaml"), DEFINITION).expect("a file");
    for arguments in [
        &["set", "--secret", "app", "secrets.sealed"][..],
        &["-e", "app", "get", "secrets.plain"],
        &["-e", "app", "get", "--format", "yaml", "secrets.plain"],
        &["-e", "app", "get", "--format", "string", "made"],
        &["-e", "app", "get", "--symbolic", "made"],
        &["-e", "app", "explain", "secrets.plain"],
        &["-e", "app", "explain"],
        &["-e", "app", "--dry-run"],
        &["-v", "-e", "app", "--", "true"],
        &[
            "-e",
            "app",
            "--on-conflict",
            "error",
            "--",
            "no-such-program",
        ],
        &["check"],
        &["--message-format", "json", "check"],
        &["seal", "app"],
        &["ls"],
    ] {
        assert_clean(&printed(folder, arguments, SEALED), &arguments);
    }
    let text = fs::read_to_string(folder.join("environments/app.yaml")).expect("a definition");
    assert!(!text.contains(SEALED) && !text.contains(PLAIN), "{text}");
}

#[test]
fn no_fault_shows_a_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    fs::create_dir(folder.join("environments")).expect("a folder");
    for (name, definition) in FAULTS {
        let file = folder.join(format!("environments/{name}.yaml"));
        fs::write(file, definition).expect("a file");
        let run = ["-e", name, "--allow-commands", "--", "true"];
        let text = printed(folder, &run, "");
        assert!(text.contains("error"), "{run:?} finds nothing:\n{text}");
        assert_clean(&text, &run);
        for arguments in [
            &[
                "-e",
                name,
                "--allow-commands",
                "--message-format",
                "json",
                "--",
                "true",
            ][..],
            &["-e", name, "--allow-commands", "get"],
            &["check", name],
        ] {
            assert_clean(&printed(folder, arguments, ""), &arguments);
        }
    }
}
