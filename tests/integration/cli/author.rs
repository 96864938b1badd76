//! `init`, `keygen`, `set` and `seal`: what they write, and what they leave as it was.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use escrun::crypt::{Interaction, Recipient, seal_complete};

use super::at_terminal::AtTerminal;
use super::test_env::{end, end_with_input};
use super::{CANARY, TestEnv};
use crate::outside::{have, skip};

fn mode(env: &TestEnv, path: &str) -> u32 {
    fs::metadata(env.path(path)).unwrap().permissions().mode() & 0o777
}

#[test]
fn init_makes_a_project_that_works_at_once() {
    let env = TestEnv::empty();
    let ended = env.escrun(["init"]).succeeds();
    let told: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(told[0], "wrote escrun.yaml");
    assert_eq!(*told.last().unwrap(), "try: escrun --dry-run");
    let identity = "home/.config/escrun/identities/default.txt";
    assert_eq!(
        (
            mode(&env, identity),
            mode(&env, "home/.config/escrun/identities")
        ),
        (0o600, 0o700)
    );
    assert_eq!(mode(&env, "project/escrun.yaml"), 0o644);
    env.escrun(["check", "--strict"]).succeeds();
    let ended = env.escrun(["--", "sh", "-c", "echo $STAGE $APP_PORT $SECRETS_API_KEY"]);
    assert_eq!(ended.succeeds().stdout, "development 8080 change-me\n");

    let before = env.read(identity);
    env.escrun(["init"]).fails(
        1,
        &[
            "error: environments/base.yaml exists already",
            "  hint: escrun init sets up a new project only; use another folder",
        ],
    );
    env.escrun(["init", "../other"]).succeeds();
    assert_eq!(env.read(identity), before);
}

#[test]
fn init_leaves_nothing_where_it_cannot_finish() {
    let env = TestEnv::empty();
    let mut command = env.prepare(["init"]);
    end(command.env_remove("HOME")).fails(
        1,
        &["error: there is no place for an identity: neither HOME nor XDG_CONFIG_HOME is set"],
    );
    assert_eq!(fs::read_dir(env.path("project")).unwrap().count(), 0);
}

#[test]
fn keygen_writes_an_identity_as_age_does() {
    let env = TestEnv::empty();
    let printed = env.escrun(["keygen"]).succeeds();
    let public = printed.stderr.trim().strip_prefix("Public key: ").unwrap();
    let lines: Vec<&str> = printed.stdout.lines().collect();
    assert!(lines[0].starts_with("# created: "), "{lines:?}");
    assert_eq!(lines[1], format!("# public key: {public}"));
    assert!(lines[2].starts_with("AGE-SECRET-KEY-1"));
    assert_eq!(lines.len(), 3);

    env.escrun(["keygen", "-o", "key.txt"]).succeeds();
    assert_eq!(mode(&env, "project/key.txt"), 0o600);
    let before = env.read("project/key.txt");
    assert_eq!(env.escrun(["keygen", "-o", "key.txt"]).status, 1);
    assert_eq!(env.read("project/key.txt"), before);
}

#[test]
fn set_writes_a_plain_value_and_nothing_else() {
    let env = TestEnv::project();
    let text = "# of ours\nvalues:\n  app: # the app\n    port: 1 # of all\n\n    host: x\n";
    env.define("plain", text);
    for (path, value, changed) in [
        ("app.port", "-5", text.replace("port: 1", "port: -5")),
        ("app.port", "true", text.replace("port: 1", "port: true")),
        ("app.port", "017", text.replace("port: 1", "port: \"017\"")),
        (
            "app.host",
            "a: b",
            text.replace("host: x", "host: \"a: b\""),
        ),
        (
            "app.host",
            "${app.port}",
            text.replace("host: x", "host: \"${app.port}\""),
        ),
    ] {
        env.define("plain", text);
        env.escrun(["set", "plain", path, value])
            .fails(0, &[&format!("environments/plain.yaml: set {path}")]);
        let unquoted = |text: &str| text.replace('\'', "\"");
        assert_eq!(
            unquoted(&env.definition("plain")),
            changed,
            "{path} {value}"
        );
    }
}

#[test]
fn set_refuses_what_would_lose_something() {
    let env = TestEnv::project();
    let before = env.definition("app");
    for path in ["", "app.", "[", "app.host.name.x["] {
        let ended = env.escrun(["set", "app", path, "1"]);
        assert_eq!((ended.status, &*ended.stdout), (2, ""), "{path}: {ended:?}");
    }
    assert_eq!(env.definition("app"), before);
    env.define("broken", "values: [unclosed\n");
    let ended = env.escrun(["set", "broken", "a", "1"]);
    assert_eq!(ended.status, 1);
    assert_eq!(env.definition("broken"), "values: [unclosed\n");
}

#[test]
fn set_puts_no_single_value_in_the_place_of_several() {
    let env = TestEnv::project();
    env.define(
        "groups",
        "values:\n  app:\n    a: 1\n    b: 2\n  tags: [a]\n  none: {}\n  joined:\n    fn::join: [a, [b]]\n",
    );
    let before = env.definition("groups");
    let hint = "  hint: name the value in it that is meant, or remove them from the file first";
    for (path, held) in [("app", "2 values"), ("tags", "1 value")] {
        let error =
            format!("error: environments/groups.yaml: {path} holds {held}, which would be lost");
        env.escrun(["set", "groups", path, "x"])
            .fails(1, &[&error, hint]);
        env.escrun(["set", "--secret", "groups", path, "x"])
            .fails(1, &[&error, hint]);
    }
    assert_eq!(env.definition("groups"), before);
    for (path, value) in [("app", "{c: 3}"), ("none", "x"), ("joined", "x")] {
        env.escrun(["set", "groups", path, value]).succeeds();
    }
}

#[test]
fn paths_of_messages_are_told_from_paths_of_values() {
    let env = TestEnv::project();
    let before = env.definition("app");
    let hint = "  hint: paths begin below values: app.host";
    env.escrun(["set", "app", "values.app.host", "x"])
        .fails(2, &["error: there are no values in values", hint]);
    assert_eq!(env.definition("app"), before);
    for verb in ["get", "explain"] {
        env.escrun(["-e", "app", verb, "values.app.host"])
            .fails(1, &["error: there is no value at values", hint]);
    }
    env.define("odd", "values:\n  values:\n    a: 1\n");
    env.escrun(["set", "odd", "values.a", "2"]).succeeds();
    assert_eq!(env.definition("odd"), "values:\n  values:\n    a: 2\n");
}

#[test]
fn seal_takes_several_definitions() {
    let env = TestEnv::project();
    for name in ["a", "b"] {
        env.define(name, &format!("values:\n  x: {{fn::secret: {CANARY}}}\n"));
    }
    env.escrun(["seal", "a", "app", "b"]).fails(
        0,
        &[
            "environments/a.yaml: 1 secret encrypted",
            "nothing to do: every secret of app is encrypted for its recipients",
            "environments/b.yaml: 1 secret encrypted",
        ],
    );
}

#[test]
fn set_makes_a_definition_only_if_asked() {
    let env = TestEnv::project();
    env.escrun(["set", "prodution", "a.b", "1"]).fails(
        1,
        &[
            "error: open environments/prodution.yaml: no such file or directory",
            "  hint: did you mean `production`? to make a new definition, add --create",
        ],
    );
    env.escrun(["set", "--create", "team/new", "a.b", "1"])
        .fails(0, &["environments/team/new.yaml: made, with a.b"]);
    assert_eq!(env.definition("team/new"), "values:\n  a:\n    b: 1\n");
    env.escrun(["set", "--create", "app", "a.b", "1"])
        .fails(0, &["environments/app.yaml: set a.b"]);
}

#[test]
fn a_secret_from_standard_input_is_encrypted() {
    let env = TestEnv::project();
    for (input, value) in [
        (format!("{CANARY}\n"), CANARY.to_owned()),
        (CANARY.to_owned(), CANARY.to_owned()),
        (format!("a\n{CANARY}\n"), format!("a\n{CANARY}\n")),
    ] {
        let mut command = env.prepare(["set", "--secret", "production", "secrets.new"]);
        end_with_input(&mut command, input.as_bytes()).succeeds();
        assert!(!env.definition("production").contains(CANARY));
        let get = [
            "export",
            "-e",
            "production",
            "--only",
            "SECRETS_NEW",
            "--format",
            "json",
        ];
        let json = env.escrun(get).succeeds().stdout;
        assert!(json.contains(&value.replace('\n', "\\n")), "{json}");
    }
    env.escrun(["set", "--secret", "production", "secrets.new", CANARY])
        .succeeds();
    assert!(!env.definition("production").contains(CANARY));
}

#[test]
fn a_secret_is_asked_for_at_the_terminal() {
    if !have(&["setsid"]) {
        return;
    }
    let env = TestEnv::project();
    let mut terminal = AtTerminal::start(&env, &["set", "--secret", "production", "secrets.new"]);
    terminal.expect("Value of secrets.new: ");
    terminal.type_in(&format!("{CANARY}\n"));
    let (status, seen) = terminal.end();
    assert_eq!(status, 0, "{seen}");
    assert!(!seen.contains("canary"), "{seen}");
    let get = [
        "get",
        "-e",
        "production",
        "secrets.new",
        "--reveal",
        "--format",
        "string",
    ];
    assert_eq!(env.escrun(get).succeeds().stdout, format!("{CANARY}\n"));
}

#[test]
fn seal_encrypts_in_place_and_once() {
    let env = TestEnv::project();
    let text = format!("# ours\nvalues:\n  a:\n    fn::secret: {CANARY} # mine\n\n  b: 1\n");
    env.define("plain", &text);
    env.escrun(["seal", "plain"])
        .fails(0, &["environments/plain.yaml: 1 secret encrypted"]);
    let sealed = env.definition("plain");
    assert!(
        sealed.starts_with("# ours\nvalues:\n  a:\n    fn::secret:"),
        "{sealed}"
    );
    assert!(
        sealed.contains("# mine") && sealed.contains("\n\n  b: 1\n"),
        "{sealed}"
    );
    assert!(!sealed.contains(CANARY));
    env.escrun(["seal", "plain"]).fails(
        0,
        &["nothing to do: every secret of plain is encrypted for its recipients"],
    );
    assert_eq!(env.definition("plain"), sealed);
}

#[test]
fn seal_follows_changed_recipients() {
    let env = TestEnv::project();
    let other = env.keygen("home/other.txt");
    let get = [
        "get",
        "-e",
        "app",
        "-i",
        "../home/other.txt",
        "secrets.apiKey",
        "--reveal",
        "--format",
        "string",
    ];
    let open = || {
        let mut command = env.prepare(get);
        end(command.env("XDG_CONFIG_HOME", env.path("nowhere")))
    };
    assert_eq!(open().status, 1);
    let text = env.definition("app").replacen(
        "  recipients:\n",
        &format!("  recipients:\n    - {other}\n"),
        1,
    );
    env.define("app", &text);
    env.escrun(["seal", "app"]).fails(
        0,
        &["environments/app.yaml: 1 secret encrypted anew, since the recipients have changed"],
    );
    assert_eq!(open().succeeds().stdout, format!("{CANARY}\n"));
    env.escrun(["check", "--strict"]).succeeds();
}

#[test]
fn without_recipients_nothing_is_sealed() {
    let env = TestEnv::project();
    env.write("project/escrun.yaml", "");
    let text = format!("values:\n  a:\n    fn::secret: {CANARY}\n");
    env.define("plain", &text);
    env.escrun(["seal", "plain"]).fails(
        1,
        &[
            "error: environments/plain.yaml: nothing says for whom the secrets are to be encrypted",
            "  hint: list recipients (age1…) under encryption in escrun.yaml, or under encryption.recipients here",
        ],
    );
    assert_eq!(env.definition("plain"), text);
}

/// As a user who may not write there; only root can become one.
#[test]
fn folders_that_cannot_be_written_are_told() {
    if !nix::unistd::geteuid().is_root() {
        skip("only root may become another user");
        return;
    }
    if !have(&["setpriv"]) {
        return;
    }
    let env = TestEnv::project();
    let before = env.definition("app");
    for folder in ["", "project", "project/environments"] {
        fs::set_permissions(env.path(folder), PermissionsExt::from_mode(0o755)).unwrap();
    }
    // The program itself lies in a folder that this user may not enter.
    env.copy_program("project/escrun");
    let as_nobody = |arguments: &[&str]| {
        let mut command = env.command("setpriv");
        command.args([
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "./escrun",
        ]);
        end(command.args(arguments))
    };
    for arguments in [
        &["set", "app", "a.b", "1"][..],
        &["set", "--create", "new", "a.b", "1"],
        &["keygen", "-o", "key.txt"],
        &["init", "new"],
        &["trust", "app"],
    ] {
        let ended = as_nobody(arguments);
        assert_eq!(ended.status, 1, "{arguments:?} {ended:?}");
        let errors = ended
            .stderr
            .lines()
            .filter(|line| line.starts_with("error: "));
        assert_eq!(errors.count(), 1, "{arguments:?} {ended:?}");
    }
    assert_eq!(env.definition("app"), before);
    assert_eq!(
        fs::read_dir(env.path("project/environments"))
            .unwrap()
            .count(),
        2
    );
}

#[test]
fn what_stands_on_its_own_for_others_keeps_nobody_from_adding() {
    let env = TestEnv::project();
    let other = Recipient::parse(&env.keygen("theirs.txt")).unwrap();
    let theirs = seal_complete(b"theirs", &[other], &Interaction::default()).unwrap();
    env.define(
        "shared",
        &format!("values:\n  a:\n    fn::secret:\n      ciphertext: {theirs}\n"),
    );
    let mut set = env.prepare(["set", "--secret", "shared", "b"]);
    end_with_input(&mut set, b"mine").succeeds();
    assert!(env.definition("shared").contains(&theirs));
    let ended = env.escrun(["-e", "shared", "get", "b", "--format", "string", "--reveal"]);
    assert_eq!(ended.stdout, "mine\n", "{ended:?}");
}
