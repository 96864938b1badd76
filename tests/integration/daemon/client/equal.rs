//! Whatever is asked, it makes no difference whether definitions are on this side or a daemon's.

use super::super::served::Served;
use crate::cli::test_env::{CANARY, Ended, TestEnv, end};

fn scene() -> Served {
    let env = TestEnv::project();
    env.define(
        "service",
        &format!(
            "imports: [app]\n\
             values:\n  \
             name: ${{app.host}}-${{context.stage}}\n  \
             numbers: [1, 2.50, {{a: null, b: true}}]\n  \
             text: \"line\\nline \\\"quoted\\\" $x ä\"\n  \
             derived: {{fn::toJSON: \"${{secrets}}\"}}\n  \
             secretList: {{fn::fromJSON: {{fn::secret: '[\"a-{CANARY}\", {{\"b\": \"c\"}}]'}}}}\n  \
             files:\n    CERT: \"${{secrets.apiKey}}\\n\"\n  \
             environmentVariables:\n    HOST: ${{app.host}}\n    KEY: ${{secrets.apiKey}}\n    NAME: ${{name}}\n    TEXT: ${{text}}\n"
        ),
    );
    env.define(
        "plain",
        "values:\n  a: {b: 1, c: [x]}\n  password: {fn::secret: pw-0123456789}\n",
    );
    env.define("bytes", "values:\n  binary: {fn::fromBase64: /wD+}\n");
    env.define(
        "broken",
        "values:\n  a: ${missing}\n  b: {fn::nonsense: 1}\n",
    );
    env.escrun(["seal", "service", "plain"]).succeeds();
    env.write(
        "project/required/escrun.yaml",
        "environment: [app]\nenvironments: [../environments]\nrequired: [NOPE]\n",
    );
    Served::start(env, "")
}

/// What is printed, without where it was read: names of files are known on the side where they are.
fn shown(served: &Served, text: &str) -> String {
    let folder = format!("{}/", served.env.path("project/environments").display());
    let text = text.replace(&folder, "").replace("environments/", "");
    ["app", "service", "plain", "broken", "production"]
        .iter()
        .fold(text, |text, name| {
            text.replace(&format!("{name}.yaml:"), &format!("{name}:"))
        })
}

#[track_caller]
fn check(served: &Served, line: &str, normalize: impl Fn(&str) -> String) -> Ended {
    let words: Vec<&str> = line.split_whitespace().collect();
    let socket = served.socket().display().to_string();
    let prepare = |way: &[&str]| {
        let typed = words.iter().filter(|word| **word != "@required");
        let mut command = served.env.prepare(way.iter().chain(typed));
        command.env("INHERITED", "1").env("HOST", "inherited");
        if words.first() == Some(&"@required") {
            command.current_dir(served.env.path("project/required"));
        }
        end(&mut command)
    };
    let here = prepare(&["--via", "direct"]);
    let there = prepare(&["--via", "daemon", "--socket", &socket]);
    let lines = |text: &str| text.lines().map(&normalize).collect::<Vec<_>>();
    for (here, there) in [(&here.stdout, &there.stdout), (&here.stderr, &there.stderr)] {
        assert_eq!(lines(here), lines(there), "{line}");
    }
    assert_eq!(here.status, there.status, "{line}");
    there
}

#[test]
fn values_are_printed_alike() {
    let served = scene();
    let stage = "--context stage=test";
    for (line, status) in [
        ("get -e app", 0),
        ("get -e app --reveal", 0),
        ("get -e app,production --format yaml", 0),
        ("get -e app app.host", 0),
        ("get -e app app.host --format string", 0),
        ("get -e app secrets", 0),
        ("get -e app secrets.apiKey --reveal --format string", 0),
        ("get -e app,production tags[1] --format yaml", 0),
        ("get -e app app..host", 2),
        ("get -e app --symbolic", 0),
        ("get -e plain --format dotenv", 0),
        ("get -e plain --format shell --reveal", 0),
        ("get -e plain a --format dotenv", 2),
        ("get -e plain password", 0),
        ("get -e bytes", 0),
        ("get -e bytes binary", 0),
        ("get -e bytes binary --format yaml --reveal", 0),
        ("get -e bytes binary --format string --reveal", 0),
        ("get -e plain a.c", 0),
    ] {
        assert_eq!(check(&served, line, str::to_owned).status, status, "{line}");
    }
    // Who asks a daemon for one value is not told what stands beside it.
    for path in ["app.hots", "nothing.at.all"] {
        let ended = served.ask(["get", "-e", "app", path]);
        let message = format!("error: there is no value at {path}\n");
        assert_eq!((ended.status, ended.stderr), (1, message));
    }
    for path in [
        "",
        "numbers",
        "text",
        "derived",
        "secretList",
        "environmentVariables",
    ] {
        for options in [
            "",
            "--reveal",
            "--format yaml",
            "--format yaml --reveal",
            "--format string",
            "--format string --reveal",
        ] {
            let line = format!("get -e service {stage} {path} {options}");
            check(&served, &line, str::to_owned);
        }
    }
}

#[test]
fn variables_are_exported_alike() {
    let served = scene();
    for format in [
        "dotenv", "shell", "fish", "json", "yaml", "docker", "github", "systemd", "nul",
    ] {
        for environments in ["app", "app,production", "plain"] {
            check(
                &served,
                &format!("export -e {environments} --format {format}"),
                str::to_owned,
            );
        }
        let line = format!("export -e service --context stage=x --format {format}");
        check(&served, &line, |text| shown(&served, text));
    }
    for options in [
        "--only APP_*",
        "--only NONE*",
        "--except *KEY",
        "--prefix X_",
        "--prefix 1",
        "--unset APP_HOST",
        "--set app.host=elsewhere --set app.new=$x",
        "--set app.host=a --set app.host.b=c",
        "--set nothing",
        "--export declared",
        "--export all",
        "--only [",
    ] {
        check(
            &served,
            &format!("export -e app --format json {options}"),
            |text| shown(&served, text),
        );
    }
    check(&served, "@required export --format json", str::to_owned);
}

#[test]
fn commands_are_run_alike() {
    let served = scene();
    let stage = "-e service --context stage=x";
    for (line, status) in [
        ("-e app -- env".to_owned(), 0),
        ("-e app --clean -- env".to_owned(), 0),
        ("-e app --clean --keep INH* -- env".to_owned(), 0),
        ("-e app --mask -- sh -c env".to_owned(), 0),
        ("-e app --deliver stdin -- cat".to_owned(), 0),
        (
            "-e app --deliver stdin --deliver-format dotenv -- cat".to_owned(),
            0,
        ),
        (format!("{stage} -- sh -c cat<$CERT"), 0),
        (format!("{stage} -- printenv HOST NAME KEY TEXT"), 0),
        (format!("{stage} --on-conflict keep -- printenv HOST"), 0),
        (format!("{stage} --on-conflict error -- printenv HOST"), 125),
        ("-e app --only NONE* -- true".to_owned(), 0),
        ("@required -- true".to_owned(), 125),
        ("-e broken -- true".to_owned(), 125),
        ("-e app -- false".to_owned(), 1),
        ("-e app -- /nonexistent".to_owned(), 127),
    ] {
        let ended = check(&served, &line, |text| shown(&served, text));
        assert_eq!(ended.status, status, "{line}: {ended:?}");
    }
    for line in [
        "-e app --dry-run",
        "-e app,production --dry-run",
        "-e plain --export all --dry-run",
        "-e app --clean --dry-run",
    ] {
        let ended = check(&served, line, |text| columns(&shown(&served, text)));
        assert!(!ended.stdout.contains(CANARY), "{ended:?}");
    }
    for conflict in ["keep", "error", "override"] {
        let line = format!("{stage} --dry-run --on-conflict {conflict}");
        check(&served, &line, |text| columns(&shown(&served, text)));
    }
}

/// The texts of a table, whatever its columns are wide.
fn columns(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn definitions_are_checked_alike() {
    let served = scene();
    for line in [
        "check app",
        "check broken",
        "check app production",
        "check -e app",
        "check a/../b",
    ] {
        check(&served, line, |text| shown(&served, text));
    }
    let json = check(&served, "check broken --message-format json", |text| {
        shown(&served, text)
    });
    assert!(json.stderr.contains("\"severity\":\"error\""), "{json:?}");
}
