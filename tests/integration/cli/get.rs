//! `escrun get`: the value tree.

use super::{CANARY, TestEnv};

#[test]
fn every_format_prints_the_values_secrets_hidden() {
    let env = TestEnv::project();
    for (arguments, expected) in [
        (
            &["app"][..],
            "{\n  \"host\": \"localhost\",\n  \"port\": 8080\n}\n",
        ),
        (&["app.host"], "\"localhost\"\n"),
        (&["app.host", "--format", "string"], "localhost\n"),
        (&["[\"app\"][\"port\"]"], "8080\n"),
        (&["secrets"], "{\n  \"apiKey\": \"[secret]\"\n}\n"),
        (&["secrets.apiKey", "--format", "string"], "[secret]\n"),
        (&["secrets.apiKey", "--symbolic"], "\"[secret]\"\n"),
        (
            &["--format", "yaml", "app"],
            "host: localhost\nport: 8080\n",
        ),
        (
            &["--format", "dotenv"],
            "APP_HOST=localhost\nAPP_PORT=8080\nSECRETS_API_KEY=[secret]\n",
        ),
        (
            &["--format", "shell"],
            "export APP_HOST='localhost'\nexport APP_PORT='8080'\nexport SECRETS_API_KEY='[secret]'\n",
        ),
    ] {
        let ended = env
            .escrun(["get", "-e", "app"].iter().chain(arguments))
            .succeeds();
        let unquoted = |text: &str| text.replace(['\'', '"'], "");
        assert_eq!(unquoted(&ended.stdout), unquoted(expected), "{arguments:?}");
    }
}

#[test]
fn revealing_is_asked_for() {
    let env = TestEnv::project();
    let ended = env.escrun([
        "get",
        "-e",
        "app",
        "secrets.apiKey",
        "--format",
        "string",
        "--reveal",
    ]);
    assert_eq!(ended.succeeds().stdout, format!("{CANARY}\n"));
    let hidden = env.escrun(["get", "-e", "app"]).succeeds();
    assert!(!hidden.stdout.contains(CANARY));
}

#[test]
fn symbolic_needs_no_identity_and_runs_nothing() {
    let env = TestEnv::project();
    std::fs::remove_dir_all(env.path("home/.config")).unwrap();
    env.define(
        "command",
        "imports: [app]\nvalues:\n  x:\n    fn::open::command:\n      command: [touch, marker]\n",
    );
    let ended = env
        .escrun(["get", "-e", "command", "--symbolic", "--allow-commands"])
        .succeeds();
    assert!(
        ended.stdout.contains("\"x\": \"[unknown]\"")
            || ended.stdout.contains("\"x\": \"[secret]\""),
        "{ended:?}"
    );
    assert!(
        !env.path("project/marker").exists() && !env.path("project/environments/marker").exists()
    );
}

#[test]
fn the_tree_is_printed_in_spite_of_errors() {
    let env = TestEnv::project();
    env.define("broken", "values:\n  a: ${nope}\n  b: 1\n");
    let ended = env.escrun(["get", "-e", "broken"]);
    assert_eq!(ended.status, 1);
    assert_eq!(ended.stdout, "{\n  \"a\": \"[unknown]\",\n  \"b\": 1\n}\n");
    assert_eq!(
        ended.stderr,
        "environments/broken.yaml:2:8: error: unknown property \"nope\"\n"
    );
}

#[test]
fn an_empty_environment_is_an_empty_object() {
    let env = TestEnv::project();
    env.define("empty", "");
    assert_eq!(env.escrun(["get", "-e", "empty"]).succeeds().stdout, "{}\n");
}

#[test]
fn a_path_that_leads_nowhere_is_told() {
    let env = TestEnv::project();
    env.escrun(["get", "-e", "app", "app.hosts"]).fails(
        1,
        &[
            "error: there is no value at app.hosts",
            "  hint: did you mean \"host\"?",
        ],
    );
    let ended = env.escrun(["get", "-e", "app", "app."]);
    assert_eq!((ended.status, &*ended.stdout), (2, ""));
    let ended = env.escrun(["get", "-e", "app", "app", "--format", "shell"]);
    assert_eq!((ended.status, &*ended.stdout), (2, ""));
}
