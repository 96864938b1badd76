//! `escrun check`: what is wrong with definitions, told without any identity.

use std::fs;

use super::test_env::end;
use super::{CANARY, TestEnv};
use crate::outside::have;

/// A project without its identity: what checks need none.
fn project() -> TestEnv {
    let env = TestEnv::project();
    fs::remove_dir_all(env.path("home/.config")).unwrap();
    env
}

#[test]
fn a_good_project_has_no_faults() {
    project()
        .escrun(["check", "--strict"])
        .fails(0, &["checked 2 environments: no errors, no warnings"]);
}

#[test]
fn errors_of_all_definitions_are_told_and_fail() {
    let env = project();
    env.define("a", "values:\n  x: ${nope}\n");
    env.define("b", "imports: [missing]\n");
    env.escrun(["check"]).fails(
        1,
        &[
            "environments/a.yaml:2:8: error: unknown property \"nope\"",
            "environments/b.yaml:1:11: error: open environments/missing.yaml: no such file or directory",
            "  hint: list what there is with `escrun ls`",
            "checked 4 environments: 2 errors, no warnings",
        ],
    );
    env.escrun(["check", "app", "production"])
        .fails(0, &["checked 2 environments: no errors, no warnings"]);
}

#[test]
fn plain_secrets_are_warnings_which_strict_makes_fail() {
    let env = project();
    env.define(
        "plain",
        &format!("values:\n  a:\n    fn::secret: {CANARY}\n  password: {CANARY}\n"),
    );
    let lines = [
        "environments/plain.yaml:3:17: warning: the secret is not encrypted",
        "  hint: escrun seal plain encrypts it in place",
        "environments/plain.yaml:4:13: warning: values.password is plain text, though its name says secret",
        "  hint: if it is secret, write it as fn::secret and run escrun seal; if not, rename it",
        "checked 1 environment: no errors, 2 warnings",
    ];
    env.escrun(["check", "plain"]).fails(0, &lines);
    env.escrun(["check", "plain", "--strict"]).fails(1, &lines);
    env.escrun(["check", "plain", "--strict", "-q"])
        .fails(1, &[]);
}

#[test]
fn that_there_is_nothing_to_check_is_a_warning() {
    let env = TestEnv::empty();
    std::fs::create_dir(env.path("project/environments")).unwrap();
    let lines = [
        "warning: there are no environments in environments",
        "  hint: name another folder with --dir; escrun init sets up a new project",
        "checked no environments: no errors, 1 warning",
    ];
    env.escrun(["check"]).fails(0, &lines);
    env.escrun(["check", "--strict"]).fails(1, &lines);
    env.escrun(["ls"]).fails(0, &lines[..2]);
}

#[test]
fn check_takes_the_environments_of_the_option_too() {
    let env = TestEnv::project();
    env.define("broken", "values: {a: \"${nope}\"}\n");
    let told = ["checked 2 environments: no errors, no warnings"];
    env.escrun(["check", "-e", "app,production"])
        .fails(0, &told);
    env.escrun(["check", "app", "production", "-e", "broken"])
        .fails(0, &told);
}

#[test]
fn what_stands_in_the_wrong_place_or_is_misspelled_is_told_with_what_helps() {
    let env = TestEnv::project();
    env.define("odd", "values:\n  a: {fn::secrt: x}\n  b: [${a}]\n");
    env.escrun(["check", "odd"]).fails(
        1,
        &[
            "environments/odd.yaml:3:8: error: yaml: did not find expected ',' or ']'",
            "  hint: within '[' and ']', a reference must be quoted: \"${a.b}\"",
            "checked 1 environment: 1 error, no warnings",
        ],
    );
    env.define(
        "odd",
        "values:\n  a: {fn::secrt: x}\nenvironmentVariables: {}\n",
    );
    let told = env.escrun(["check", "odd"]).stderr;
    assert!(told.contains("hint: did you mean fn::secret?"), "{told}");
    assert!(
        told.contains("hint: environmentVariables goes below values"),
        "{told}"
    );
}

#[test]
fn recipients_that_changed_are_told() {
    let env = project();
    let other = env.keygen("home/other.txt");
    let text = env.definition("app").replacen(
        "  recipients:\n",
        &format!("  recipients:\n    - {other}\n"),
        1,
    );
    env.define("app", &text);
    let ended = env.escrun(["check", "app"]).succeeds();
    assert!(
        ended.stderr.contains("warning: the recipients have changed since the header was made for them\n  hint: escrun seal app"),
        "{ended:?}"
    );
}

#[test]
fn own_values_that_git_tracks_are_told() {
    if !have(&["git"]) {
        return;
    }
    let env = project();
    env.write(
        "project/environments/app.local.yaml",
        "values:\n  app:\n    host: mine\n",
    );
    let git = |line: &str| {
        let mut command = env.command("git");
        command
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .args(line.split(' '));
        end(&mut command).succeeds();
    };
    git("init -q");
    env.escrun(["check", "app"])
        .fails(0, &["checked 1 environment: no errors, no warnings"]);
    git("add .");
    env.escrun(["check", "app"]).fails(
        0,
        &[
            "warning: environments/app.local.yaml is for values of your own, but git tracks it",
            "  hint: git rm --cached environments/app.local.yaml, and ignore *.local.yaml",
            "checked 1 environment: no errors, 1 warning",
        ],
    );
}

#[test]
fn git_gets_nothing_of_what_unlocks() {
    let env = project();
    env.write("project/environments/app.local.yaml", "values: {}\n");
    // By a shell: a file that this process had open for writing could be busy.
    env.shell(
        "mkdir ../bin && printf '#!/bin/sh\\nenv > seen\\n' > ../bin/git && chmod +x ../bin/git",
    )
    .succeeds();
    let mut check = env.prepare(["check", "app"]);
    let path = format!("{}:/usr/bin:/bin", env.path("bin").display());
    check.env("PATH", path).env("ESCRUN_IDENTITY", "key");
    end(&mut check).succeeds();
    let seen = env.read("project/seen");
    assert!(
        seen.contains("HOME=") && !seen.contains("ESCRUN_IDENTITY"),
        "{seen}"
    );
}

#[test]
fn a_mixture_of_declaring_and_not_is_told() {
    let env = project();
    env.define("declares", "values:\n  environmentVariables:\n    A: 1\n");
    let text = env.read("project/escrun.yaml") + "environment: [app, declares]\n";
    env.write("project/escrun.yaml", text);
    env.escrun(["check"]).fails(
        0,
        &[
            "warning: of the environments that are composed, only declares declares environmentVariables; the others \
             export every value",
            "  hint: export: all or export: declared in escrun.yaml settles it",
            "checked 3 environments: no errors, 1 warning",
        ],
    );
}

#[test]
fn names_that_are_none_are_mistakes_of_the_caller() {
    let env = project();
    assert_eq!(env.escrun(["check", "../x"]).status, 2);
    env.escrun(["check", "ap"]).fails(
        1,
        &[
            "error: open environments/ap.yaml: no such file or directory",
            "  hint: did you mean `app`?",
            "checked 1 environment: 1 error, no warnings",
        ],
    );
}
