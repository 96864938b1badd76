//! `escrun export`: whether what it prints gives a shell the variables. How each format is read by its own reader is
//! tested where the formats are.

use super::{CANARY, TestEnv};

const FORMATS: [&str; 8] = [
    "dotenv", "shell", "fish", "json", "yaml", "docker", "github", "systemd",
];

#[test]
fn every_format_holds_every_variable() {
    let env = TestEnv::project();
    for format in FORMATS {
        let ended = env
            .escrun(["export", "-e", "app", "--format", format])
            .succeeds();
        assert!(ended.stdout.contains(CANARY), "{ended:?}");
        for name in ["APP_HOST", "APP_PORT", "SECRETS_API_KEY"] {
            assert!(ended.stdout.contains(name), "{ended:?}");
        }
    }
}

#[test]
fn a_shell_gets_the_variables() {
    let env = TestEnv::project();
    let line =
        "eval \"$(escrun export -e app --format shell --prefix MY_)\"; echo $MY_SECRETS_API_KEY";
    assert_eq!(env.shell(line).succeeds().stdout, format!("{CANARY}\n"));
}

#[test]
fn what_a_format_cannot_hold_is_an_error_and_nothing_is_printed() {
    let env = TestEnv::project();
    env.define("lines", "values:\n  a: 1\n  b: \"x\\ny\"\n");
    for (format, status) in [("docker", 1), ("json", 0), ("shell", 0)] {
        let ended = env.escrun(["export", "-e", "lines", "--format", format]);
        assert_eq!(ended.status, status, "{ended:?}");
        assert_eq!(ended.stdout.is_empty(), status == 1);
        assert_eq!(
            ended.stderr.contains("error: ") && ended.stderr.contains('B'),
            status == 1
        );
    }
    env.define("broken", "values:\n  a: 1\n  b: ${nope}\n");
    let ended = env.escrun(["export", "-e", "broken", "--format", "shell"]);
    assert_eq!((ended.status, &*ended.stdout), (1, ""));
    let ended = env.escrun(["export", "-e", "app"]);
    assert_eq!(ended.status, 2);
}
