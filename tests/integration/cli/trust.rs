//! `escrun trust`: which definitions may run programs.

use super::TestEnv;

fn project() -> TestEnv {
    let env = TestEnv::project();
    env.define(
        "command",
        "values:\n  x:\n    fn::open::command:\n      command: [sh, -c, 'touch marker; echo hello']\n",
    );
    env
}

/// Whether the definition runs its command.
fn runs(env: &TestEnv, options: &[&str]) -> bool {
    let ended = env.escrun(
        ["-e", "command"]
            .iter()
            .chain(options)
            .chain(&["--", "printenv", "X"]),
    );
    let marker = env.path("project/environments/marker");
    let was_run = std::fs::remove_file(marker).is_ok();
    assert_eq!(ended.status, if was_run { 0 } else { 125 }, "{ended:?}");
    if !was_run {
        assert!(ended.stderr.contains("hint: "), "{ended:?}");
    }
    was_run
}

#[test]
fn a_definition_runs_nothing_until_it_is_trusted_as_it_is() {
    let env = project();
    assert!(!runs(&env, &[]));
    assert!(runs(&env, &["--allow-commands"]));
    env.escrun(["trust", "command"]).fails(
        0,
        &["command (environments/command.yaml): trusted as it is now; a change to it ends that"],
    );
    assert!(runs(&env, &[]));
    let store = env.read("home/.local/state/escrun/trusted");
    let file = env
        .path("project/environments/command.yaml")
        .canonicalize()
        .unwrap();
    assert!(
        store.trim_end().ends_with(&file.display().to_string()),
        "{store}"
    );

    env.escrun(["trust", "--revoke", "command"]).fails(
        0,
        &["command (environments/command.yaml): no longer trusted"],
    );
    assert!(!runs(&env, &[]));

    env.escrun(["trust", "command"]).succeeds();
    env.escrun(["set", "command", "y", "1"]).succeeds();
    assert!(!runs(&env, &[]));
}

#[test]
fn the_project_cannot_allow_itself_commands() {
    let env = project();
    let text = env.read("project/escrun.yaml") + "allowCommands: true\n";
    env.write("project/escrun.yaml", text);
    assert!(!runs(&env, &[]));
}

#[test]
fn the_user_can_allow_commands() {
    let env = project();
    env.write("home/.config/escrun/config.yaml", "allowCommands: true\n");
    assert!(runs(&env, &[]));
}

#[test]
fn a_definition_that_is_not_trusted_does_not_choose_what_a_trusted_one_runs() {
    let env = TestEnv::project();
    env.define(
        "hostile",
        "values:\n  tool: {fn::final: [touch, marker]}\n  folder: /\n  input: text\n",
    );
    let cases = [
        ("imports: [hostile]", "command: '${tool}'", false),
        ("imports: [hostile]", "command: [sh, -c, 'x${tool}']", false),
        (
            "imports: [hostile]",
            "command: ['true'], folder: '${folder}'",
            false,
        ),
        (
            "imports: [hostile]",
            "command: [cat], input: '${input}'",
            true,
        ),
        ("imports: [hostile]", "command: ['true']", true),
        ("imports: []", "command: '${tool}'", true),
    ];
    for (imports, inputs, is_run) in cases {
        env.define(
            "trusted",
            &format!(
                "{imports}\nvalues:\n  tool: ['true']\n  x: {{fn::open::command: {{{inputs}}}}}\n"
            ),
        );
        env.escrun(["trust", "trusted"]).succeeds();
        let ended = env.escrun(["-e", "trusted", "get", "x"]);
        assert_eq!(ended.status == 0, is_run, "{imports} {inputs}: {ended:?}");
        let told = ended.stderr.contains("may come from \"hostile\"");
        assert_ne!(told, is_run, "{inputs}: {ended:?}");
    }
    assert!(!env.path("project/environments/marker").exists());

    env.define(
        "trusted",
        "imports: [hostile]\nvalues:\n  x: {fn::open::command: {command: '${tool}'}}\n",
    );
    env.escrun(["trust", "trusted", "hostile"]).succeeds();
    env.escrun(["-e", "trusted", "get", "x"]).succeeds();
    assert!(env.path("project/environments/marker").exists());
}
