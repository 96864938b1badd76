use std::time::{Duration, Instant};

use super::*;
use crate::schema::Type;

const ANY: &str = r#"echo '{"inputs":true,"outputs":true}'"#;

fn short(fixture: &Fixture) -> ProviderSet {
    ProviderSet::new(Config {
        timeout: Duration::from_millis(300),
        ..fixture.config()
    })
}

#[test]
fn a_request_is_what_the_protocol_says() {
    let fixture = Fixture::new();
    // It answers with the request itself.
    fixture.plugin("mirror", r#"printf '{"value":'; cat; printf '}'"#);
    let set = fixture.set();
    let inputs = r#"{"n":1.50,"s":{"$secret":"a\"<\n"},"l":[null,true,1e400]}"#;
    let got = shown(
        fixture.open_as(&set, "mirror", inputs, 1, None),
        Redaction::Reveal,
    );
    let expected = r#"{"context":{"rootEnvironment":{"name":"env"}},"inputs":{"l":[null,true,1e400],"n":1.50,"s":"a\"\u003c\n"},"method":"open","protocol":1}"#;
    assert_eq!(got.as_deref(), Ok(expected));
    let got = shown(
        fixture.open_as(&set, "mirror", "{}", 2, Some(r#"{"a":1}"#)),
        Redaction::Reveal,
    );
    assert_eq!(
        got.as_deref(),
        Ok(
            r#"{"context":{"rootEnvironment":{"name":"env"}},"inputs":{},"method":"open","protocol":1,"state":{"a":1}}"#
        )
    );
}

#[test]
fn schemas_are_asked_for_and_remembered() {
    let fixture = Fixture::new();
    fixture.plugin(
        "typed",
        r#"echo x >>"$FOLDER/asked"; echo '{"inputs":{"type":"object","required":["a"]},"outputs":{"type":"string","secret":false},"state":{"type":"object"}}'"#,
    );
    let set = fixture.set();
    assert!(matches!(set.schema("typed"), Progress::Pending));
    assert!(set.settle() && !set.settle());
    for _ in 0..2 {
        let Progress::Done(Ok(schema)) = set.schema("typed") else {
            panic!("the schema is there");
        };
        assert_eq!(
            (schema.outputs.kind(), schema.outputs.secret()),
            (Some(Type::String), Some(false))
        );
        assert_eq!(
            schema.state.and_then(|state| state.kind()),
            Some(Type::Object)
        );
    }
    assert_eq!(
        fs::read_to_string(fixture.path().join("asked")).expect("written"),
        "x\n"
    );
}

#[test]
fn calls_are_remembered() {
    let fixture = Fixture::new();
    fixture.plugin(
        "count",
        r#"echo x >>"$FOLDER/asked"; printf '{"value":%s}' "$(wc -l <"$FOLDER/asked")""#,
    );
    let set = fixture.set();
    let count = |expression| {
        shown(
            fixture.open_as(&set, "count", "{}", expression, None),
            Redaction::Reveal,
        )
    };
    assert_eq!(
        (count(1), count(1), count(2)),
        (Ok("1".to_owned()), Ok("1".to_owned()), Ok("2".to_owned()))
    );
}

#[test]
fn marks_make_secrets() {
    let fixture = Fixture::new();
    fixture.plugin(
        "marks",
        r#"echo '{"value":{"user":"u","key":{"$secret":"k"}}}'"#,
    );
    fixture.plugin("whole", r#"echo '{"value":{"user":"u"},"secret":true}'"#);
    let set = fixture.set();
    assert_eq!(
        fixture.shown(&set, "marks", "{}").as_deref(),
        Ok(r#"{"key":"[secret]","user":"u"}"#)
    );
    let set = fixture.set();
    assert_eq!(
        fixture.shown(&set, "whole", "{}").as_deref(),
        Ok(r#""[secret]""#)
    );
}

#[test]
fn unknown_providers_say_where_they_were_looked_for() {
    let fixture = Fixture::new();
    let set = fixture.set();
    for (name, expected, hint) in [
        (
            "nope",
            "unknown provider \"nope\"",
            "looked for escrun-provider-nope in ",
        ),
        (
            "",
            "unknown provider \"\"",
            "names of providers are made of",
        ),
        (
            "../x",
            "unknown provider \"../x\"",
            "names of providers are made of",
        ),
        (
            "Nope",
            "unknown provider \"Nope\"",
            "names of providers are made of",
        ),
    ] {
        let Progress::Done(Err(error)) = set.schema(name) else {
            panic!("{name} is known at once to be unknown");
        };
        assert_eq!(error.message, expected);
        let got = error.hint.expect("a hint");
        assert!(got.starts_with(hint), "{got}");
    }
    assert!(!set.settle());
}

#[test]
fn a_plugin_that_does_not_answer_is_an_error() {
    let fixture = Fixture::new();
    let json = "its answer is not JSON: ";
    let cases = [
        (
            "crash",
            "echo 'no luck' >&2; exit 3",
            "it ended with exit status 3: no luck".to_owned(),
        ),
        (
            "signal",
            "kill -SEGV $$",
            "it ended with signal SIGSEGV".to_owned(),
        ),
        ("silent", "exit 0", "it answered nothing".to_owned()),
        (
            "silent-crash",
            "exit 1",
            "it ended with exit status 1".to_owned(),
        ),
        (
            "babble",
            r#"echo 'hello'; echo '{"value":1}'"#,
            format!("{json}invalid character looking for beginning of value"),
        ),
        (
            "trail",
            r#"echo '{"value":1}'; echo bye"#,
            format!("{json}text follows the value"),
        ),
        (
            "cut",
            r#"printf '{"value":'"#,
            format!("{json}unexpected EOF"),
        ),
        ("list", "echo '[]'", "its answer is no object".to_owned()),
        (
            "neither",
            "echo '{}'",
            "its answer has neither `value` nor `error`".to_owned(),
        ),
        (
            "failed-answer",
            r#"echo '{"value":1}'; exit 1"#,
            "it ended with exit status 1".to_owned(),
        ),
        ("flood", "yes", "it wrote more than is taken".to_owned()),
        (
            "complain",
            "head -c 1000000 /dev/zero >&2; exit 1",
            "it ended with exit status 1".to_owned(),
        ),
        (
            "empty-error",
            r#"echo '{"error":""}'"#,
            "it failed and does not say why".to_owned(),
        ),
    ];
    for (name, script, expected) in cases {
        fixture.plugin(name, script);
        let set = ProviderSet::new(Config {
            size_limit: 100_000,
            ..fixture.config()
        });
        let got = fixture.shown(&set, name, "{}");
        assert_eq!(got, Err(format!("provider \"{name}\": {expected}")));
    }
    fixture.plugin("told", r#"printf '%s' '{"error":"it is\nclosed"}'; exit 1"#);
    assert_eq!(
        fixture.shown(&fixture.set(), "told", "{}"),
        Err("it is closed".to_owned())
    );
}

#[test]
fn what_cannot_be_started_is_an_error() {
    let fixture = Fixture::new();
    fixture.program(
        "providers/escrun-provider-broken",
        "#!/no/such/interpreter\n",
    );
    let got = fixture.shown(&fixture.set(), "broken", "{}");
    assert_eq!(
        got.unwrap_err(),
        "provider \"broken\": it cannot be started: no such file or directory"
    );
    let file = fixture.write("providers/escrun-provider-plain", "#!/bin/sh\n");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("set");
    let got = fixture.shown(&fixture.set(), "plain", "{}");
    assert_eq!(
        got.unwrap_err(),
        format!("{} is not an executable file", file.display())
    );
    fs::create_dir(fixture.path().join("providers/escrun-provider-dir")).expect("a folder");
    assert!(
        fixture
            .shown(&fixture.set(), "dir", "{}")
            .unwrap_err()
            .ends_with("is not an executable file")
    );
}

#[test]
fn a_plugin_that_others_can_change_is_not_run() {
    let fixture = Fixture::new();
    let file = fixture.plugin("test", ANY);
    let folder = fixture.path().join("providers");
    for (path, mode) in [(&folder, 0o777), (&folder, 0o775), (&file, 0o757)] {
        let before = fs::metadata(path).expect("it exists").permissions();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
        let error = fixture
            .open(&fixture.set(), "test", "{}")
            .err()
            .expect("refused");
        assert_eq!(
            error.message,
            format!(
                "{} can be written by others, so its plugins are not run",
                path.display()
            )
        );
        assert_eq!(error.hint, Some(format!("chmod go-w {}", path.display())));
        fs::set_permissions(path, before).expect("set");
    }
    // A link does not hide where the program really lies.
    let open = fixture.path().join("open");
    fs::create_dir(&open).expect("a folder");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).expect("set");
    let program = fixture.program("open/program", "#!/bin/sh\necho '{\"value\":1}'\n");
    std::os::unix::fs::symlink(program, folder.join("escrun-provider-link")).expect("a link");
    assert!(
        fixture
            .shown(&fixture.set(), "link", "{}")
            .unwrap_err()
            .contains("open can be written by others")
    );
}

#[test]
fn a_hanging_plugin_ends_with_all_that_it_started() {
    let fixture = Fixture::new();
    fixture.plugin(
        "hang",
        r#"echo 'waiting for hush' >&2; sleep 1000 & echo $! >"$FOLDER/pid"; wait"#,
    );
    let set = short(&fixture);
    // Only when the number is there has it started what has to end.
    let mut message = fixture
        .shown(&set, "hang", r#"{"k":{"$secret":"hush"}}"#)
        .unwrap_err();
    if !fixture.path().join("pid").exists() {
        let set = ProviderSet::new(Config {
            timeout: Duration::from_secs(5),
            ..fixture.config()
        });
        message = fixture
            .shown(&set, "hang", r#"{"k":{"$secret":"hush"}}"#)
            .unwrap_err();
    }
    assert_eq!(
        message,
        "provider \"hang\": it did not end in time: waiting for [secret]"
    );
    let number = fs::read_to_string(fixture.path().join("pid")).expect("written");
    let process = PathBuf::from(format!("/proc/{}/stat", number.trim()));
    let is_alive = || fs::read_to_string(&process).is_ok_and(|stat| !stat.contains(") Z "));
    let begin = Instant::now();
    while is_alive() {
        assert!(
            begin.elapsed() < Duration::from_secs(60),
            "the grandchild lives on"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_plugin_that_closes_its_streams_and_stays_is_ended() {
    let fixture = Fixture::new();
    fixture.plugin(
        "stay",
        r#"echo '{"value":1}'; exec >&- 2>&- <&-; exec sleep 1000"#,
    );
    let got = fixture.shown(&short(&fixture), "stay", "{}");
    assert_eq!(
        got,
        Err("provider \"stay\": it did not end in time".to_owned())
    );
}

#[test]
fn what_a_plugin_leaves_behind_is_not_waited_for() {
    let fixture = Fixture::new();
    // The sleeper holds both streams open, for longer than a plugin may take.
    fixture.plugin(
        "leave",
        r#"sleep 1000 & echo $! >"$FOLDER/pid"; echo '{"value":1}'"#,
    );
    let got = fixture.shown(&fixture.set(), "leave", "{}");
    let number = fs::read_to_string(fixture.path().join("pid")).expect("written");
    let number = nix::unistd::Pid::from_raw(number.trim().parse().expect("a number"));
    nix::sys::signal::kill(number, nix::sys::signal::Signal::SIGKILL).expect("it lives");
    assert_eq!(got, Ok("1".to_owned()));
}

#[test]
fn a_plugin_need_not_read_its_request_and_may_answer_much() {
    let fixture = Fixture::new();
    fixture.plugin(
        "deaf",
        r#"exec <&-; printf '{"value":"'; head -c 1000000 /dev/zero | tr '\0' x; printf '"}'"#,
    );
    let inputs = format!(r#"{{"k":"{}"}}"#, "y".repeat(1_000_000));
    let got = fixture
        .revealed(&fixture.set(), "deaf", &inputs)
        .expect("an answer");
    assert_eq!(got.len(), 1_000_002);
}

#[test]
fn plugins_run_side_by_side() {
    let fixture = Fixture::new();
    nix::unistd::mkfifo(&fixture.path().join("fifo"), nix::sys::stat::Mode::S_IRWXU)
        .expect("a FIFO");
    // Each waits until the other is there.
    fixture.plugin("write", r#"echo 7 >"$FOLDER/fifo"; echo '{"value":1}'"#);
    fixture.plugin("read", r#"read x <"$FOLDER/fifo"; echo "{\"value\":$x}""#);
    let set = fixture.set();
    assert!(matches!(
        fixture.begin(&set, "write", "{}", 1, None),
        Progress::Pending
    ));
    assert!(matches!(
        fixture.begin(&set, "read", "{}", 2, None),
        Progress::Pending
    ));
    assert!(set.settle());
    let done = |provider, expression| match fixture.begin(&set, provider, "{}", expression, None) {
        Progress::Done(result) => shown(result, Redaction::Reveal),
        Progress::Pending => panic!("settled"),
    };
    assert_eq!(
        (done("write", 1), done("read", 2)),
        (Ok("1".to_owned()), Ok("7".to_owned()))
    );
}

#[test]
fn secrets_that_went_in_do_not_come_out_in_errors() {
    let fixture = Fixture::new();
    let inputs = r#"{"key":{"$secret":"hush\"1"},"n":{"$secret":4711}}"#;
    fixture.plugin("stderr", "cat >&2; exit 1");
    let message = fixture.shown(&fixture.set(), "stderr", inputs).unwrap_err();
    assert!(
        message.contains(r#""key":"[secret]","n":[secret]"#),
        "{message}"
    );
    assert!(
        !message.contains("hush") && !message.contains("4711"),
        "{message}"
    );
    fixture.plugin(
        "error",
        r#"cat >/dev/null; printf '{"error":"bad key hush\\"1"}'"#,
    );
    assert_eq!(
        fixture.shown(&fixture.set(), "error", inputs),
        Err("bad key [secret]".to_owned())
    );
    // The cut goes through the secret.
    fixture.plugin(
        "long",
        r#"cat >/dev/null; head -c 65532 /dev/zero >&2; printf 'hush"1' >&2; exit 1"#,
    );
    let message = fixture.shown(&fixture.set(), "long", inputs).unwrap_err();
    assert!(!message.contains("hu"), "{message}");
}

#[test]
fn escruns_own_secrets_are_not_inherited() {
    let fixture = Fixture::new();
    fixture.plugin("env", "true");
    fixture.plugin("vars", r#"printf '{"value":"%s"}' "$OTHER:${ESCRUN_IDENTITY-none}:${ESCRUN_IDENTITY_FILE-none}:$(pwd -P)""#);
    let folder = fs::canonicalize(fixture.path()).expect("it exists");
    let got = fixture.revealed(&fixture.set(), "vars", "{}");
    assert_eq!(got, Ok(format!("\"other:none:none:{}\"", folder.display())));
}

#[test]
fn an_answer_meets_its_schema() {
    let fixture = Fixture::new();
    fixture.plugin(
        "liar",
        r#"case $(cat) in *schema*) echo '{"inputs":true,"outputs":{"type":"string"}}' ;; *) echo '{"value":1}' ;; esac"#,
    );
    let set = fixture.set();
    assert!(matches!(set.schema("liar"), Progress::Pending) && set.settle());
    let got = fixture.shown(&set, "liar", "{}");
    assert_eq!(
        got,
        Err(
            "provider \"liar\": its answer is not as its schema says: expected string, got number"
                .to_owned()
        )
    );
}

#[test]
fn a_broken_schema_is_told() {
    let fixture = Fixture::new();
    fixture.plugin(
        "broken",
        r#"echo '{"inputs":{"pattern":"["},"outputs":true}'"#,
    );
    let set = fixture.set();
    assert!(matches!(set.schema("broken"), Progress::Pending) && set.settle());
    let Progress::Done(Err(error)) = set.schema("broken") else {
        panic!("it is broken");
    };
    assert!(
        error
            .message
            .starts_with("provider \"broken\": the schema `inputs` is invalid: pattern \"[\""),
        "{}",
        error.message
    );
}

#[test]
fn plugins_in_other_languages_keep_the_texts_of_numbers() {
    if !has_program("python3") {
        return;
    }
    let fixture = Fixture::new();
    let python = r#"#!/usr/bin/env -S python3 -IS
import json, re, sys

def keep(text):
    return "\0" + text + "\0"

request = json.load(sys.stdin.buffer, parse_float=keep, parse_int=keep)
answer = {"inputs": True, "outputs": True} if request["method"] == "schema" else {"value": request["inputs"]}
print(re.sub(r'"\\u0000(.*?)\\u0000"', r"\1", json.dumps(answer)))
"#;
    fixture.program("providers/escrun-provider-test", python);
    let set = fixture.set();
    assert!(matches!(set.schema("test"), Progress::Pending) && set.settle());
    assert!(matches!(set.schema("test"), Progress::Done(Ok(_))));
    let inputs = r#"{"a":[1.50,-0,1e+06,123456789012345678901234567890],"b":"é\u0001"}"#;
    assert_eq!(
        fixture.revealed(&set, "test", inputs).as_deref(),
        Ok(inputs)
    );
}
