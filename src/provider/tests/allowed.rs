//! Providers with the rights of a daemon, which reach nothing that is not listed.

use std::os::unix::fs::symlink;

use glob::Pattern;

use super::*;
use crate::provider::{AllowList, Commands};

fn set(fixture: &Fixture, allowed: AllowList) -> ProviderSet {
    ProviderSet::new(Config {
        commands: Commands::All,
        allowed: Some(Arc::new(allowed)),
        ..fixture.config()
    })
}

fn nothing(fixture: &Fixture) -> ProviderSet {
    set(fixture, AllowList::default())
}

#[test]
fn nothing_is_allowed_that_is_not_listed() {
    let fixture = Fixture::new();
    fixture.write("token", "t0k");
    fixture.plugin("some", "echo '{}'");
    for (provider, inputs, message) in [
        (
            "file",
            r#"{"path":"token"}"#,
            "fn::open::file: the daemon's settings do not allow reading token",
        ),
        (
            "file",
            r#"{"path":"none"}"#,
            "fn::open::file: the daemon's settings do not allow reading none",
        ),
        (
            "dotenv",
            r#"{"path":"token"}"#,
            "fn::open::dotenv: the daemon's settings do not allow reading token",
        ),
        (
            "age",
            r#"{"path":"token"}"#,
            "fn::open::age: the daemon's settings do not allow reading token",
        ),
        (
            "env",
            r#"{"name":"OTHER"}"#,
            "fn::open::env: the daemon's settings do not allow reading \"OTHER\"",
        ),
        (
            "env",
            r#"{"names":["NONE"],"default":"x"}"#,
            "fn::open::env: the daemon's settings do not allow reading \"NONE\"",
        ),
        (
            "command",
            r#"{"command":["/bin/echo","x"]}"#,
            "fn::open::command: the daemon's settings do not allow running \"/bin/echo\"",
        ),
        (
            "some",
            "{}",
            "the daemon's settings do not allow plugins, such as provider \"some\"",
        ),
    ] {
        let error = fixture
            .open(&nothing(&fixture), provider, inputs)
            .err()
            .expect(inputs);
        assert_eq!(error.message, message);
        assert!(
            error.hint.is_some_and(|hint| hint.contains("providers")),
            "{inputs}"
        );
    }
}

#[test]
fn files_are_judged_by_where_they_are() {
    let fixture = Fixture::new();
    let root = fixture.path().canonicalize().expect("a folder");
    for folder in ["open/deep", "closed"] {
        fs::create_dir_all(root.join(folder)).expect("a folder");
    }
    for file in ["open/a.txt", "open/deep/b.txt", "closed/c.txt", "single"] {
        fixture.write(file, file);
    }
    symlink("../closed/c.txt", root.join("open/out.txt")).expect("a link");
    symlink("open/a.txt", root.join("in.txt")).expect("a link");
    symlink("open", root.join("also")).expect("a link");
    let globs = ["open/*.txt", "single"];
    let globs = globs.map(|glob| Pattern::new(&root.join(glob).display().to_string()));
    let set = set(
        &fixture,
        AllowList {
            files: globs
                .into_iter()
                .map(|glob| glob.expect("a glob"))
                .collect(),
            ..AllowList::default()
        },
    );
    let refused = |path: &str| {
        Err(format!(
            "fn::open::file: the daemon's settings do not allow reading {path}"
        ))
    };
    for (index, (path, expected)) in [
        ("open/a.txt", Ok(r#""open/a.txt""#)),
        ("single", Ok(r#""single""#)),
        // Links lead where they lead.
        ("in.txt", Ok(r#""open/a.txt""#)),
        ("also/a.txt", Ok(r#""open/a.txt""#)),
        ("closed/../open/./a.txt", Ok(r#""open/a.txt""#)),
        ("open/out.txt", Err("")),
        ("open/../closed/c.txt", Err("")),
        // A star does not go deeper.
        ("open/deep/b.txt", Err("")),
        // Whether there is something is told of what may be read alone.
        (
            "open/none.txt",
            Err("fn::open::file: open/none.txt: no such file or directory"),
        ),
        ("closed/none.txt", Err("")),
    ]
    .into_iter()
    .enumerate()
    {
        let inputs = format!(r#"{{"path":"{path}","secret":false}}"#);
        let expected = match expected {
            Ok(text) => Ok(text.to_owned()),
            Err("") => refused(path),
            Err(text) => Err(text.to_owned()),
        };
        let got = fixture.open_as(&set, "file", &inputs, index as u32, None);
        let got = got.map_err(|error| error.message).map(|value| {
            let json = encode::json(&value, Redaction::Redact).expect("small");
            String::from_utf8_lossy(json.text.bytes()).into_owned()
        });
        assert_eq!(got, expected, "{path}");
    }
}

#[test]
fn what_is_listed_is_given() {
    let fixture = Fixture::new();
    let program = fixture.program("say", "#!/bin/sh\nprintf %s \"$1\"\n");
    let set = set(
        &fixture,
        AllowList {
            variables: ["OTHER".into(), "ESCRUN_IDENTITY".into()].into(),
            programs: [program.clone().into_os_string()].into(),
            plugins: true,
            ..AllowList::default()
        },
    );
    fixture.plugin("some", r#"echo '{"inputs":true,"outputs":true,"value":7}'"#);
    let run = |index: u32, provider: &str, inputs: &str| {
        let got = fixture.open_as(&set, provider, inputs, index, None);
        got.map_err(|error| error.message).map(|value| {
            let json = encode::json(&value, Redaction::Reveal).expect("small");
            String::from_utf8_lossy(json.text.bytes()).into_owned()
        })
    };
    assert_eq!(
        run(0, "env", r#"{"name":"OTHER"}"#).as_deref(),
        Ok("\"other\"")
    );
    assert!(run(1, "env", r#"{"name":"PATH"}"#).is_err());
    // escrun's own secrets are for no definition, whatever is listed.
    assert!(run(2, "env", r#"{"name":"ESCRUN_IDENTITY"}"#).is_err());
    let shown = program.display();
    let command = format!(r#"{{"command":["{shown}","hello"]}}"#);
    assert_eq!(run(3, "command", &command).as_deref(), Ok("\"hello\""));
    // By its name, or by another path to it, it is not what was listed.
    assert!(run(4, "command", r#"{"command":["./say","hello"]}"#).is_err());
    assert!(run(5, "command", r#"{"command":["sh","-c","true"]}"#).is_err());
    assert_eq!(run(6, "some", "{}").as_deref(), Ok("7"));
}
