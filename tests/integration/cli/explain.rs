//! `escrun explain` and `escrun ls`.

use super::TestEnv;

#[test]
fn the_chain_of_a_variable_is_that_of_its_value() {
    let env = TestEnv::project();
    let chain = "  set at  environments/production.yaml:3  \"example.org\"\n  over    environments/app.yaml:3         \"localhost\"\n";
    let ended = env
        .escrun(["explain", "-e", "app,production", "APP_HOST"])
        .succeeds();
    assert_eq!(ended.stdout, format!("APP_HOST  values.app.host\n{chain}"));
    let ended = env
        .escrun(["explain", "-e", "app,production", "app.host"])
        .succeeds();
    assert_eq!(ended.stdout, format!("app.host\n{chain}"));
}

#[test]
fn every_variable_is_explained_without_an_identity_and_no_secret_is_shown() {
    let env = TestEnv::project();
    std::fs::remove_dir_all(env.path("home/.config")).unwrap();
    let ended = env.escrun(["explain", "-e", "app"]).succeeds();
    assert_eq!(
        ended.stdout,
        "APP_HOST  values.app.host\n  set at  environments/app.yaml:3  \"localhost\"\n\n\
         APP_PORT  values.app.port\n  set at  environments/app.yaml:4  8080\n\n\
         SECRETS_API_KEY  values.secrets.apiKey\n  set at  environments/app.yaml:7  [secret]\n"
    );
}

#[test]
fn what_there_is_not_is_told() {
    let env = TestEnv::project();
    env.escrun(["explain", "-e", "app", "APP_HSOT"]).fails(
        1,
        &[
            "error: there is no value at APP_HSOT",
            "  hint: did you mean the variable APP_HOST?",
        ],
    );
}

#[test]
fn ls_prints_names_and_with_long_their_files() {
    let env = TestEnv::project();
    env.write("project/environments/app.local.yaml", "values: {}\n");
    assert_eq!(env.escrun(["ls"]).succeeds().stdout, "app\nproduction\n");
    assert_eq!(
        env.escrun(["ls", "-l"]).succeeds().stdout,
        "app         environments/app.yaml         under environments/app.local.yaml\n\
         production  environments/production.yaml\n"
    );
}

#[test]
fn paths_are_told_from_where_one_stands() {
    let env = TestEnv::project();
    env.write("project/src/main.rs", "");
    let mut command = env.prepare(["ls", "-l"]);
    let ended = super::test_env::end(command.current_dir(env.path("project/src"))).succeeds();
    assert!(
        ended.stdout.contains("../environments/app.yaml"),
        "{ended:?}"
    );
}
