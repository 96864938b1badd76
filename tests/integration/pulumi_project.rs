//! A Pulumi project as it is: one definition per service and per stage, plain texts under `secrets`, and a `pulumi.yaml`
//! that lists what is composed.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const PROJECT: &[(&str, &str)] = &[
    (
        "pulumi.yaml",
        "name: ferry\nruntime: nodejs\n\nenvironment:\n  - base-config\n  - timetable-service\n  - tickets-service  \n  - harbour\n",
    ),
    (
        "environments/base-config.yaml",
        "values:\n  app:\n    name: \"ferry\"\n    logLevel: \"info\"\n    database:\n      port: 5433\n",
    ),
    (
        "environments/timetable-service.yaml",
        "# environments/timetable-service.yaml\nvalues:\n  timetable:\n    host: \"times.ferry.example\"\n    port: 7070\n    ttl: 60\n",
    ),
    (
        "environments/tickets-service.yaml",
        "values:\n  tickets:\n    provider: \"oauth2\"\n    clientId: \"ferry-client\"\n  secrets:\n    clientSecret: \"gangway\"\n    connectionString: \"postgresql://mate:rope@db.ferry.example:5433/tickets\"\n",
    ),
    (
        "environments/harbour.yaml",
        "values:\n  stage: \"harbour\"\n  app:\n    replicas: 3\n    logLevel: \"warn\"\n    database:\n      host: \"harbour-db.ferry.example\"\n      ssl: true\n  secrets:\n    apiKey: \"anchor\"\n",
    ),
];

const VARIABLES: &str = "\
APP_DATABASE_HOST=harbour-db.ferry.example
APP_DATABASE_PORT=5433
APP_DATABASE_SSL=true
APP_LOG_LEVEL=warn
APP_NAME=ferry
APP_REPLICAS=3
SECRETS_API_KEY=anchor
SECRETS_CLIENT_SECRET=gangway
SECRETS_CONNECTION_STRING=postgresql://mate:rope@db.ferry.example:5433/tickets
STAGE=harbour
TICKETS_CLIENT_ID=ferry-client
TICKETS_PROVIDER=oauth2
TIMETABLE_HOST=times.ferry.example
TIMETABLE_PORT=7070
TIMETABLE_TTL=60
";

fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("environments")).expect("a folder");
    for (file, text) in PROJECT {
        fs::write(folder.path().join(file), text).expect("a file");
    }
    folder
}

fn escrun(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_escrun"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("PATH", "/usr/bin:/bin")
        .output()
        .expect("escrun starts")
}

#[test]
fn its_list_says_what_a_command_gets() {
    let project = project();
    let output = escrun(project.path(), &["--", "env"]);
    let mut lines: Vec<&str> = std::str::from_utf8(&output.stdout)
        .expect("UTF-8")
        .lines()
        .filter(|line| !line.starts_with("HOME=") && !line.starts_with("PATH="))
        .collect();
    lines.sort_unstable();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(lines.join("\n") + "\n", VARIABLES);
}

#[test]
fn check_warns_of_each_plain_secret_and_shows_none() {
    let project = project();
    let output = escrun(project.path(), &["check"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}");
    for place in [
        "tickets-service.yaml:6:19: warning",
        "tickets-service.yaml:7:23: warning",
        "harbour.yaml:10:13: warning",
    ] {
        assert!(text.contains(place), "{place} is missing in:\n{text}");
    }
    assert_eq!(text.matches("warning: ").count(), 3, "{text}");
    for secret in ["gangway", "rope", "anchor"] {
        assert!(!text.contains(secret), "{text}");
    }
    let strict = escrun(project.path(), &["check", "--strict"]);
    assert_eq!(strict.status.code(), Some(1));
}
