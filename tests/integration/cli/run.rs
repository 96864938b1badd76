//! `escrun -- COMMAND`: what the command is given, and what becomes of its end.

use std::os::unix::ffi::OsStrExt as _;
use std::process::Stdio;

use super::test_env::{end, end_with_input};
use super::{CANARY, TestEnv};

#[test]
fn the_command_gets_the_composed_environment_over_the_inherited_one() {
    let env = TestEnv::project();
    let ended = env.escrun(["-e", "app,production", "--", "env"]).succeeds();
    let mut lines: Vec<&str> = ended.stdout.lines().collect();
    lines.retain(|line| !line.starts_with("HOME="));
    let key = format!("SECRETS_API_KEY={CANARY}");
    assert_eq!(
        lines,
        [
            "APP_HOST=example.org",
            "APP_PORT=8080",
            "PATH=/usr/local/bin:/usr/bin:/bin",
            &key,
            "TAGS=[\"a\",\"b\"]",
        ]
    );
    assert_eq!(ended.stderr, "");
}

/// Arguments, the inherited variable `APP_HOST`, and the lines of `env` that are looked at.
#[test]
fn options_choose_what_the_command_gets() {
    let env = TestEnv::project();
    env.define(
        "declared",
        "values:\n  a: 1\n  b: 2\n  environmentVariables:\n    A: ${a}\n",
    );
    let cases: &[(&[&str], &[&str])] = &[
        (
            &["-e", "production"],
            &["APP_HOST=example.org", "OTHER=x", "TAGS=[\"a\",\"b\"]"],
        ),
        (
            &["-e", "production", "--clean"],
            &["APP_HOST=example.org", "TAGS=[\"a\",\"b\"]"],
        ),
        (
            &["-e", "production", "--clean", "--keep", "OTH*"],
            &["APP_HOST=example.org", "OTHER=x", "TAGS=[\"a\",\"b\"]"],
        ),
        (
            &["-e", "production", "--on-conflict", "keep"],
            &["APP_HOST=inherited", "OTHER=x", "TAGS=[\"a\",\"b\"]"],
        ),
        (
            &["-e", "production", "--only", "APP_*"],
            &["APP_HOST=example.org", "OTHER=x"],
        ),
        (
            &["-e", "production", "--except", "TAGS"],
            &["APP_HOST=example.org", "OTHER=x"],
        ),
        (
            &["-e", "production", "--prefix", "MY_"],
            &[
                "APP_HOST=inherited",
                "MY_APP_HOST=example.org",
                "MY_TAGS=[\"a\",\"b\"]",
                "OTHER=x",
            ],
        ),
        (
            &[
                "-e",
                "production",
                "--set",
                "app.host=${x} $$=1",
                "--unset",
                "TAGS",
            ],
            &["APP_HOST=${x} $$=1", "OTHER=x"],
        ),
        (
            &["-e", "production", "--unset", "APP_HOST", "--only", "NONE"],
            &["OTHER=x"],
        ),
        (
            &["-e", "declared"],
            &["A=1", "APP_HOST=inherited", "OTHER=x"],
        ),
        (
            &["-e", "declared", "--export", "all"],
            &["A=1", "APP_HOST=inherited", "B=2", "OTHER=x"],
        ),
        (
            &["-e", "production", "--export", "declared"],
            &["APP_HOST=inherited", "OTHER=x"],
        ),
    ];
    for (options, expected) in cases {
        let mut command = env.prepare(*options);
        command.env("APP_HOST", "inherited").env("OTHER", "x");
        let ended = end(command.args(["--", "env"])).succeeds();
        let mut lines: Vec<&str> = ended.stdout.lines().collect();
        lines.retain(|line| !line.starts_with("HOME=") && !line.starts_with("PATH="));
        assert_eq!(lines, *expected, "{options:?}");
    }
}

#[test]
fn a_conflict_can_be_an_error() {
    let env = TestEnv::project();
    let mut command = env.prepare(["-e", "production", "--on-conflict", "error", "--", "env"]);
    end(command.env("APP_HOST", "inherited")).fails(
        125,
        &[
            "environments/production.yaml:3:11: error: the variable APP_HOST is set already, to another value",
            "  hint: unset it before, or choose with `--on-conflict override` or `keep`",
        ],
    );
}

#[test]
fn dry_run_shows_names_sources_and_no_secret() {
    let env = TestEnv::project();
    let expected = "\
        APP_HOST         \"example.org\"    environments/production.yaml:3  values.app.host\n\
        APP_PORT         [inherited]      instead of environments/app.yaml:4  values.app.port\n\
        SECRETS_API_KEY  [secret]         environments/app.yaml:7         values.secrets.apiKey\n\
        TAGS             \"[\\\"a\\\",\\\"b\\\"]\"  environments/production.yaml:4  values.tags\n";
    let mut command = env.prepare(["-e", "app,production", "--on-conflict", "keep", "--dry-run"]);
    let ended = end(command.env("APP_PORT", "1").args(["--", "touch", "marker"])).succeeds();
    let squeezed = |text: &str| {
        let lines = text.lines();
        let lines = lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        lines.collect::<Vec<_>>()
    };
    assert_eq!(squeezed(&ended.stdout), squeezed(expected));
    assert_eq!(ended.stderr, "4 composed; 2 inherited besides\n");
    assert!(!env.path("project/marker").exists());
}

#[test]
fn the_command_is_the_same_process_and_its_end_is_ours() {
    let env = TestEnv::project();
    let escrun = env!("CARGO_BIN_EXE_escrun");
    let same = env.shell(&format!("echo $$; exec {escrun} -e app -- sh -c 'echo $$'"));
    let (shell, command) = same.stdout.trim().split_once('\n').unwrap();
    assert_eq!(shell, command);
    for (script, status) in [
        ("exit 42", 42),
        ("kill -TERM $$", 143),
        ("kill -PIPE $$", 141),
    ] {
        let ended = env.escrun(["-e", "app", "--", "sh", "-c", script]);
        assert_eq!((ended.status, &*ended.stderr), (status, ""), "{script}");
    }
}

#[test]
fn streams_and_arguments_are_untouched() {
    let env = TestEnv::project();
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let mut command = env.prepare(["-e", "app", "--", "od", "-An", "-v", "-tx1"]);
    let ended = end_with_input(&mut command, &bytes).succeeds();
    assert_eq!(ended.stdout.split_whitespace().count(), bytes.len());

    let arguments = [
        &b""[..],
        b"a b",
        b"${app.host} $HOME",
        b"--",
        b"-e",
        b"\xff\xfe",
        b"*",
    ];
    let mut command = env.prepare(["-e", "app", "--", "printf", "[%s]"]);
    command.args(arguments.map(std::ffi::OsStr::from_bytes));
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    let expected: Vec<u8> = arguments
        .iter()
        .flat_map(|one| [b"[", *one, b"]"].concat())
        .collect();
    assert_eq!(output.stdout, expected);
}

#[test]
fn a_command_that_is_not_there_is_told_before_anything_is_decrypted() {
    let env = TestEnv::project();
    std::fs::remove_dir_all(env.path("home/.config")).unwrap();
    env.escrun(["-e", "app", "--", "no-such-command"]).fails(
        127,
        &[
            "error: command not found: no-such-command",
            "  hint: it is looked up in PATH; a path with a slash is taken as it is",
        ],
    );
    env.write("project/text", "no program");
    env.escrun(["-e", "app", "--", "./text"]).fails(
        126,
        &[
            "error: cannot execute ./text: permission denied",
            "  hint: chmod +x makes a file executable",
        ],
    );
    env.escrun(["-e", "app", "--", "echo hello"]).fails(
        127,
        &[
            "error: command not found: echo hello",
            "  hint: the command is one argument and its own arguments are others; for shell syntax use sh -c 'COMMAND'",
        ],
    );
}

#[test]
fn mistakes_in_the_arguments_of_a_run_are_125() {
    let env = TestEnv::project();
    let cases: &[(&[&str], &str, &str)] = &[
        (
            &[],
            "no command is given",
            "write it behind --, as in escrun --env app -- node app.js; escrun --help shows more",
        ),
        (
            &["run"],
            "no command is given",
            "write it behind --, as in escrun --env app -- node app.js; escrun --help shows more",
        ),
        (
            &["node", "app.js"],
            "escrun has no verb node",
            "to run it as a command, write -- in front: escrun -- node …; escrun --help shows the verbs",
        ),
        (
            &["help"],
            "escrun has no verb help",
            "did you mean --help? to run it as a command, write -- in front: escrun -- help …",
        ),
        (
            &["-e", "app", "chek"],
            "escrun has no verb chek",
            "did you mean check? to run it as a command, write -- in front: escrun -- chek …",
        ),
        (
            &["--onyl", "X", "--", "env"],
            "there is no option --onyl",
            "did you mean --only?",
        ),
        (
            &["--on-conflict", "no", "--", "env"],
            "invalid value 'no' for '--on-conflict <WHAT>' [possible values: override, keep, error]",
            "escrun --help shows the verbs and options",
        ),
        (
            &["--restart", "onfailure", "--", "env"],
            "invalid value 'onfailure' for '--restart <WHEN>' [possible values: no, on-failure, always]",
            "did you mean on-failure?",
        ),
        (
            &["--restart", "always", "--restart-limit", "-1", "--", "env"],
            "invalid value '-1' for '--restart-limit <COUNT>': must be a whole number, such as 0 or 5",
            "escrun --help shows the verbs and options",
        ),
        (
            &["--stop-timeout", "-1", "--", "env"],
            "--stop-timeout: \"-1\" is no time",
            "a time is such as 10s, 500ms, 1m 30s, 10 (seconds), 0 or infinity",
        ),
        (
            &["--keep", "X*", "--", "env"],
            "--keep does nothing without --clean",
            "add --clean, or leave out --keep",
        ),
        (
            &["--exec", "--supervise", "--", "env"],
            "--supervise needs escrun to stay, which --exec forbids",
            "leave out --exec or --supervise",
        ),
        (
            &["-e", "app", "--", ""],
            "command not found: ",
            "it is looked up in PATH; a path with a slash is taken as it is",
        ),
        (
            &["--clean", "get"],
            "escrun get has no option --clean",
            "--clean is for run",
        ),
        (
            &["--set", "a=b", "export", "--format", "json"],
            "options and commands of run do not go in front of another verb",
            "write them behind the verb",
        ),
        (
            &["lock", "--env", "x"],
            "escrun lock has no option --env",
            "--env is for run, get, export, explain, check and daemon policy test",
        ),
        (
            &["--env=x", "lock"],
            "escrun lock has no option --env",
            "--env is for run, get, export, explain, check and daemon policy test",
        ),
        (
            &["audit", "verify", "--set", "a=b"],
            "escrun audit verify has no option --set",
            "--set is for run and export",
        ),
        (
            &["keygen", "-e", "x"],
            "escrun keygen has no option -e",
            "-e is for run, get, export, explain, check and daemon policy test",
        ),
        (
            &["lock", "--all", "--socket", "x"],
            "--socket is of one daemon, and --all means every one",
            "leave out one of them",
        ),
        (
            &["-e", "", "--", "env"],
            "environment \"\": an environment's name must not be empty",
            "",
        ),
        (
            &["-e", "app", "--set", "x", "--", "env"],
            "--set takes PATH=VALUE, and there is no = in its argument",
            "",
        ),
    ];
    for (arguments, message, hint) in cases {
        let ended = env.escrun(*arguments);
        let mut expected = format!("error: {message}\n");
        if !hint.is_empty() {
            expected += &format!("  hint: {hint}\n");
        }
        assert_eq!(ended.stderr, expected, "{arguments:?}");
    }
}

#[test]
fn what_is_selected_comes_from_the_options_or_a_variable_or_the_project() {
    let env = TestEnv::project();
    env.write("project/Pulumi.yaml", "name: x\nenvironment: [app]\n");
    let host = |options: &[&str], variable: Option<&str>| {
        let mut command = env.prepare(options);
        if let Some(variable) = variable {
            command.env("ESCRUN_ENV", variable);
        }
        let ended = end(command.args(["--", "sh", "-c", "echo $APP_HOST $APP_PORT"])).succeeds();
        ended.stdout.trim().to_owned()
    };
    assert_eq!(host(&[], None), "localhost 8080");
    assert_eq!(host(&[], Some("production")), "example.org");
    assert_eq!(host(&[], Some("production, app")), "localhost 8080");
    assert_eq!(
        host(&["-e", "app", "-e", "production"], Some("nope")),
        "example.org 8080"
    );
    assert_eq!(
        host(&["run", "--env=app,production"], None),
        "example.org 8080"
    );
}

#[test]
fn required_variables_must_be_there() {
    let env = TestEnv::project();
    let project = env.read("project/escrun.yaml") + "required: [APP_HOST, DATABASE_URL]\n";
    env.write("project/escrun.yaml", project);
    env.escrun(["-e", "app", "--", "touch", "marker"]).fails(
        125,
        &[
            "error: required variable DATABASE_URL is not set",
            "  hint: define it in one of the environments, or name another environment",
        ],
    );
    let mut command = env.prepare(["-e", "app", "--", "true"]);
    end(command.env("DATABASE_URL", "inherited")).succeeds();
}

#[test]
fn a_glob_that_chooses_nothing_is_told() {
    let env = TestEnv::project();
    let ended = env.escrun([
        "-e",
        "production",
        "--only",
        "APP_*",
        "--only",
        "AP_*",
        "--",
        "true",
    ]);
    assert_eq!(ended.status, 0, "{ended:?}");
    assert_eq!(
        ended.stderr,
        "warning: --only AP_*: no variable has such a name\n  hint: escrun --dry-run shows which there are\n"
    );
}
