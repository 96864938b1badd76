use super::*;
use crate::provider::Commands;
use crate::provider::trust::Trusted;

fn allowed(fixture: &Fixture) -> ProviderSet {
    ProviderSet::new(Config {
        commands: Commands::All,
        ..fixture.config()
    })
}

#[test]
fn files_are_read_beside_the_definition() {
    let fixture = Fixture::new();
    fixture.write("token", "t0k\n");
    fixture.write("data.json", "{\"a\":[1.50]}\n");
    fixture.write("data.yaml", "a: [1.50]\n");
    fixture.write(".env", "A=1\nexport B='x y'\n");
    let cases = [
        (r#"{"path":"token","secret":false}"#, r#""t0k""#),
        (
            r#"{"path":"token","secret":false,"as":"bytes"}"#,
            r#""t0k\n""#,
        ),
        (
            r#"{"path":"token","secret":false,"as":"base64"}"#,
            r#""dDBrCg==""#,
        ),
        (
            r#"{"path":"data.json","secret":false,"as":"json"}"#,
            r#"{"a":[1.50]}"#,
        ),
        (
            r#"{"path":"./.env","secret":false,"as":"dotenv"}"#,
            r#"{"A":"1","B":"x y"}"#,
        ),
        (r#"{"path":"token"}"#, r#""[secret]""#),
        (r#"{"path":"data.json","as":"json"}"#, r#""[secret]""#),
    ];
    for (inputs, expected) in cases {
        assert_eq!(
            fixture.shown(&fixture.set(), "file", inputs).as_deref(),
            Ok(expected),
            "{inputs}"
        );
    }
    let absolute = format!(
        r#"{{"path":"{}","secret":false}}"#,
        fixture.path().join("token").display()
    );
    assert_eq!(
        fixture.shown(&fixture.set(), "file", &absolute).as_deref(),
        Ok(r#""t0k""#)
    );
    let got = fixture.shown(
        &fixture.set(),
        "dotenv",
        r#"{"path":".env","secret":false}"#,
    );
    assert_eq!(got.as_deref(), Ok(r#"{"A":"1","B":"x y"}"#));
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let fixture = Fixture::new();
    fixture.write("binary", b"\xff");
    fixture.write("hush.json", "hush");
    fixture.write("large", vec![b'x'; 101]);
    fs::create_dir(fixture.path().join("folder")).expect("a folder");
    nix::unistd::mkfifo(&fixture.path().join("fifo"), nix::sys::stat::Mode::S_IRWXU)
        .expect("a FIFO");
    let cases = [
        (r#"{"path":"absent"}"#, "absent: no such file or directory"),
        (
            r#"{"path":"folder"}"#,
            "folder: is a directory, not a regular file",
        ),
        (
            r#"{"path":"fifo"}"#,
            "fifo: is a named pipe, not a regular file",
        ),
        (
            r#"{"path":"/dev/zero"}"#,
            "/dev/zero: is a device, not a regular file",
        ),
        (
            r#"{"path":"/proc/self/environ"}"#,
            "/proc/self/environ: is a process's, in /proc, not a regular file",
        ),
        (r#"{"path":"large"}"#, "large: larger than 100 bytes"),
        (
            r#"{"path":"binary"}"#,
            "binary: not UTF-8; `as: bytes` takes any bytes",
        ),
        (
            r#"{"path":"hush.json","as":"json","secret":false}"#,
            "hush.json: not JSON: invalid character looking for beginning of value",
        ),
        (
            r#"{"path":{"$secret":"hush"}}"#,
            "[secret]: no such file or directory",
        ),
    ];
    for (inputs, expected) in cases {
        let set = ProviderSet::new(Config {
            size_limit: 100,
            ..fixture.config()
        });
        let got = fixture.shown(&set, "file", inputs);
        assert_eq!(got, Err(format!("fn::open::file: {expected}")), "{inputs}");
    }
}

#[test]
fn an_encrypted_file_goes_to_the_decrypter_and_is_secret() {
    let fixture = Fixture::new();
    fixture.write("sealed", "}1:\"a\"{");
    fixture.write("empty", "");
    let Ok(got) = fixture.open(&fixture.set(), "age", r#"{"path":"sealed","as":"json"}"#) else {
        panic!("not opened");
    };
    assert!(got.secret && got.member("a").is_some_and(|a| a.secret));
    let error = fixture
        .open(&fixture.set(), "age", r#"{"path":"empty"}"#)
        .err()
        .expect("not opened");
    assert_eq!(error.message, "fn::open::age: empty: no identity fits");
    assert_eq!(error.hint.as_deref(), Some("get one"));
}

#[test]
fn variables_are_read_but_for_escruns_own() {
    let fixture = Fixture::new();
    let cases = [
        (r#"{"name":"OTHER","secret":false}"#, Ok(r#""other""#)),
        (r#"{"name":"OTHER"}"#, Ok(r#""[secret]""#)),
        (
            r#"{"name":"ABSENT","default":"d","secret":false}"#,
            Ok(r#""d""#),
        ),
        (
            r#"{"names":["OTHER","ABSENT"],"default":"","secret":false}"#,
            Ok(r#"{"ABSENT":"","OTHER":"other"}"#),
        ),
        (r#"{"names":[],"secret":false}"#, Ok("{}")),
        (
            r#"{"names":["OTHER","X","Y"]}"#,
            Err("not set: \"X\", \"Y\""),
        ),
        (
            r#"{"name":"OTHER","names":[]}"#,
            Err("expected either `name` or `names`"),
        ),
        ("{}", Err("expected either `name` or `names`")),
        (
            r#"{"name":"ESCRUN_IDENTITY"}"#,
            Err("\"ESCRUN_IDENTITY\" is escrun's own secret and no definition reads it"),
        ),
        (
            r#"{"names":["ESCRUN_IDENTITY_X"],"default":"d"}"#,
            Err("\"ESCRUN_IDENTITY_X\" is escrun's own secret and no definition reads it"),
        ),
    ];
    for (inputs, expected) in cases {
        let got = fixture.shown(&fixture.set(), "env", inputs);
        let expected = expected
            .map(str::to_owned)
            .map_err(|reason| format!("fn::open::env: {reason}"));
        assert_eq!(got, expected, "{inputs}");
    }
}

#[test]
fn only_trusted_definitions_run_commands() {
    let fixture = Fixture::new();
    let inputs = r#"{"command":["sh","-c","echo ran"],"secret":false}"#;
    let error = fixture
        .open(&fixture.set(), "command", inputs)
        .err()
        .expect("refused");
    assert_eq!(
        error.message,
        "fn::open::command: this definition may not run programs"
    );
    assert!(
        error.hint.is_some_and(
            |hint| hint.contains("escrun trust env") && hint.contains("--allow-commands")
        )
    );
    let mut trusted = Trusted::default();
    trusted.insert(&Source::new(
        "env",
        fixture.definition.file().map(Into::into),
        "another text",
    ));
    let set = |trusted: &Trusted| {
        ProviderSet::new(Config {
            commands: Commands::Trusted(trusted.clone()),
            ..fixture.config()
        })
    };
    assert!(fixture.shown(&set(&trusted), "command", inputs).is_err());
    trusted.insert(&fixture.definition);
    assert_eq!(
        fixture.shown(&set(&trusted), "command", inputs).as_deref(),
        Ok(r#""ran""#)
    );
    assert_eq!(
        fixture
            .shown(&allowed(&fixture), "command", inputs)
            .as_deref(),
        Ok(r#""ran""#)
    );
}

#[test]
fn commands_are_run_without_a_shell() {
    let fixture = Fixture::new();
    fixture.program("tool", "#!/bin/sh\npwd -P\n");
    fs::create_dir(fixture.path().join("sub")).expect("a folder");
    let here = fs::canonicalize(fixture.path())
        .expect("it exists")
        .display()
        .to_string();
    let cases = [
        (r#"{"command":["printf","%s|","$HOME","a b","*"],"secret":false}"#, Ok(r#""$HOME|a b|*|""#.to_owned())),
        (r#"{"command":["printf","x"]}"#, Ok(r#""[secret]""#.to_owned())),
        (r#"{"command":["printf","{\"a\":1.50}"],"as":"json","secret":false}"#, Ok(r#"{"a":1.50}"#.to_owned())),
        (r#"{"command":["cat"],"input":{"$secret":"hush"},"secret":false}"#, Ok(r#""hush""#.to_owned())),
        (r#"{"command":["sh","-c","echo $OTHER$ESCRUN_IDENTITY"],"secret":false}"#, Ok(r#""other""#.to_owned())),
        (r#"{"command":["./tool"],"secret":false}"#, Ok(format!("\"{here}\""))),
        (r#"{"command":["./tool"],"folder":"sub","secret":false}"#, Ok(format!("\"{here}/sub\""))),
        (r#"{"command":["tool"]}"#, Err("tool was not found in PATH".to_owned())),
        (r#"{"command":["./absent"]}"#, Err(format!("{}/./absent is not an executable file", fixture.path().display()))),
        (r#"{"command":["./tool"],"folder":"absent"}"#, Err("`folder` is not a folder".to_owned())),
        (r#"{"command":[""]}"#, Err("`command` names no program".to_owned())),
        (r#"{"command":[]}"#, Err("`command` is empty".to_owned())),
        (r#"{"command":["sh","-c","cat >&2; exit 2"],"input":{"$secret":"hush"}}"#, Err("sh: it ended with exit status 2: [secret]".to_owned())),
        (r#"{"command":["sleep","1000"],"timeout":0.1}"#, Err("sleep: it did not end in time".to_owned())),
        (r#"{"command":["printf","x"],"as":"json"}"#, Err("printf: what it wrote is not JSON: invalid character looking for beginning of value".to_owned())),
        (
            r#"{"command":["echo",{"$secret":"hush"}]}"#,
            Err("a secret must not be an argument, which everyone can read in the list of processes".to_owned()),
        ),
    ];
    for (inputs, expected) in cases {
        let got = fixture.shown(&allowed(&fixture), "command", inputs);
        let expected = expected.map_err(|reason| format!("fn::open::command: {reason}"));
        assert_eq!(got, expected, "{inputs}");
    }
}

#[test]
fn built_in_providers_answer_at_once_and_keep_their_answer() {
    let fixture = Fixture::new();
    let file = fixture.write("token", "one");
    let set = fixture.set();
    let ask = || match fixture.begin(&set, "file", r#"{"path":"token"}"#, 1, None) {
        Progress::Done(result) => shown(result, Redaction::Reveal),
        Progress::Pending => panic!("it is read at once"),
    };
    assert!(matches!(set.schema("file"), Progress::Done(Ok(_))));
    assert_eq!(ask().as_deref(), Ok(r#""one""#));
    fs::write(file, "two").expect("written");
    assert_eq!(ask().as_deref(), Ok(r#""one""#));
    assert!(!set.settle());
}
