//! What settings say, and what is told of those that say something wrong.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::sys::fs::effective_user;

fn places(folder: &Path) -> Places {
    Places {
        system: false,
        config: folder.to_owned(),
        runtime: Some(folder.join("run")),
        state: Some(folder.join("state")),
    }
}

fn read(text: &str, overrides: Overrides) -> Result<Settings, String> {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join(FILE_NAME), text).expect("a file");
    let home = Some(Path::new("/home/ada"));
    let settings = Settings::read(&places(folder.path()), overrides, home, effective_user());
    settings.map_err(|error| {
        let text = error.to_string();
        text.replace(&*folder.path().to_string_lossy(), "")
    })
}

#[test]
fn without_a_file_everything_is_in_its_usual_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let places = places(folder.path());
    let settings =
        Settings::read(&places, Overrides::default(), None, effective_user()).expect("settings");
    assert_eq!(settings.folders, [folder.path().join("environments")]);
    assert_eq!(settings.socket.path, folder.path().join("run/escrun.sock"));
    assert_eq!(settings.socket.mode, 0o600);
    assert_eq!(settings.audit.file, folder.path().join("state/audit.jsonl"));
    assert!(!settings.policy.required);
    assert_eq!(settings.idle, None);
}

#[test]
fn what_is_named_and_is_not_there_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let of = |text: &str, system| {
        std::fs::write(folder.path().join(FILE_NAME), text).expect("a file");
        let places = Places {
            system,
            ..places(folder.path())
        };
        let settings = Settings::read(&places, Overrides::default(), None, effective_user());
        let absences = settings.expect("settings").absences();
        absences.join("\n")
    };
    let program = "there is no program /nowhere/ask, which the settings name";
    let missing = |name| {
        let folder = folder.path().join(name);
        format!("there is no folder of definitions {}", folder.display())
    };
    assert_eq!(of("{}", false), "");
    assert_eq!(of("{}", true), missing("environments"));
    assert_eq!(of("folders: [., gone]", false), missing("gone"));
    assert_eq!(of("confirm: [/nowhere/ask, -q]", false), program);
    assert_eq!(
        of("providers: {commands: [/bin/sh, /nowhere/ask]}", false),
        program
    );
}

#[test]
fn the_command_line_goes_over_the_file() {
    let text = "folders: a\nidentities: [~/key]\nsocket: {path: s, mode: 0660, group: web}\nidle: 15m\n\
                cache: {maxBytes: 1M}\nlimits: {headTime: 50ms}\npolicy: p.yaml\n";
    let settings = read(text, Overrides::default()).expect("settings");
    assert!(settings.folders[0].ends_with("a") && settings.folders[0].is_absolute());
    assert_eq!(settings.identities, [Path::new("/home/ada/key")]);
    assert_eq!(settings.socket.mode, 0o660);
    assert_eq!(settings.idle, Some(Duration::from_secs(900)));
    assert_eq!(settings.cache.max_bytes, Some(1 << 20));
    assert_eq!(settings.limits.head_time, Duration::from_millis(50));
    assert!(settings.policy.required);
    let overrides = Overrides {
        folders: vec!["/b".into()],
        socket: Some("/t".into()),
        idle: Some(None),
        ..Overrides::default()
    };
    let settings = read(text, overrides).expect("settings");
    assert_eq!(settings.folders, [Path::new("/b")]);
    assert_eq!(settings.socket.path, Path::new("/t"));
    assert_eq!(settings.idle, None);
}

#[test]
fn faults_are_told_by_place_and_key() {
    const WAIT: &str = "must be a time with a unit, such as 10s or 1m 30s, from 1ms to 1d";
    const IDLE: &str =
        "must be a time with a unit, such as 15m or 1h 30m, from 1s to 365d, or never";
    const PROGRAM: &str = "must be the absolute path of a program, such as /usr/bin/git";
    const FILE: &str =
        "must be the path of a file, such as policy.yaml, /etc/escrun/policy.yaml or ~/policy.yaml";
    for (text, place, expected) in [
        ("folder: a", "1:1", "unknown key `folder`"),
        (
            "limits:\n  conections: 7",
            "2:3",
            "limits: unknown key `conections`",
        ),
        (
            "limits: {}\nidle: 1m\nidle: 2m",
            "1:1",
            "`idle` is there twice",
        ),
        ("- idle", "1:1", "must be a mapping, not a list"),
        ("idle: 1m\n---\nidle: 2m", "", "not valid YAML"),
        ("idle: *x", "1:7", "not valid YAML: unknown anchor"),
        ("{", "2:1", "not valid YAML"),
        ("idle: soon", "1:7", IDLE),
        ("idle: 15", "1:7", IDLE),
        ("idle: 0s", "1:7", IDLE),
        ("idle: [1m]", "1:7", "not a list"),
        ("limits: {idleTime: 0}", "1:20", WAIT),
        ("limits: {headTime: 0s}", "1:20", WAIT),
        ("limits: {bodyTime: -1s}", "1:20", WAIT),
        ("limits: {writeTime: 100y}", "1:21", WAIT),
        (
            "limits: {connections: 0}",
            "1:23",
            "must be a number from 1 to 1000000",
        ),
        (
            "limits: {connectionsPerUser: -1}",
            "1:30",
            "must be a number from 1 to 1000000",
        ),
        ("limits: 7", "1:9", "must be a mapping, not a number"),
        (
            "cache: {maxBytes: 1.5M}",
            "1:19",
            "must be a size such as 65536, 64K or 16M",
        ),
        (
            "audit: {maxSize: x}",
            "1:18",
            "must be a size such as 64M or 1G, at least 1K, or 0",
        ),
        (
            "audit: {maxSize: 1}",
            "1:18",
            "must be a size such as 64M or 1G, at least 1K, or 0",
        ),
        (
            "audit: {keep: 0}",
            "1:15",
            "must be a number from 1 to 10000",
        ),
        ("audit: {file: ''}", "1:15", FILE),
        ("audit: {file: log/}", "1:15", FILE),
        (
            "audit: {journal: yes}",
            "1:18",
            "must be true or false, not a text",
        ),
        ("policy: [a]", "1:9", FILE),
        ("credentialsSocket: ~ada/s", "1:20", FILE),
        (
            "socket: {mode: 9}",
            "1:16",
            "must be a mode in octal digits",
        ),
        (
            "socket: {mode: 0}",
            "1:16",
            "must be a mode in octal digits",
        ),
        (
            "socket: {mode: 07777}",
            "1:16",
            "must be a mode in octal digits",
        ),
        (
            "socket: {group: ''}",
            "1:17",
            "must be the name or number of a group",
        ),
        ("folders: [a, '']", "1:14", "folders[1]: must be a path"),
        (
            "folders:\n- a\n- b\n- a",
            "4:3",
            "folders[2]: is in the list already",
        ),
        ("folders: []", "1:10", "folders: must not be empty"),
        ("identities: {a: b}", "1:13", "not a mapping"),
        ("confirm: yes", "1:10", PROGRAM),
        ("confirm: [ssh-askpass]", "1:11", PROGRAM),
        ("providers: {commands: [git]}", "1:24", PROGRAM),
        ("providers: {commands: git}", "1:23", PROGRAM),
        (
            "providers: {files: [etc/*]}",
            "1:21",
            "must be an absolute path, or a glob of such",
        ),
        (
            "providers: {variables: [A=B]}",
            "1:25",
            "must be the name of a variable",
        ),
        (
            "providers: {maxAge: 60}",
            "1:21",
            "must be a time with a unit",
        ),
        ("sandbox: 1", "1:10", "must be true or false, not a number"),
    ] {
        let error = read(text, Overrides::default()).expect_err(text);
        let place = match place {
            "" => "/daemon.yaml:".to_owned(),
            place => format!("/daemon.yaml:{place}: "),
        };
        assert!(error.contains(expected), "{text}: {error}");
        assert!(error.starts_with(&place), "{text}: {error}");
    }
}

#[test]
fn faults_of_credentials_are_told_by_place_and_key() {
    const GOOD: &str = "{unit: a, credential: b, environments: c, path: d}";
    for (entry, place, expected) in [
        (
            "{unit: a}",
            "3:5",
            "credentials[1]: `credential` is missing",
        ),
        (
            "{unit: '[', credential: b, environments: c, path: d}",
            "3:12",
            "[1].unit: must be a name",
        ),
        (
            "{unit: a, credential: '***', environments: c, path: d}",
            "3:27",
            "a glob of names",
        ),
        (
            "{unit: a, credential: '', environments: c, path: d}",
            "3:27",
            "a glob of names",
        ),
        (
            "{unit: a, credential: c, environments: ../x, path: d}",
            "3:44",
            "name of an environment",
        ),
        (
            "{unit: a, credential: c, environments: , path: d}",
            "3:5",
            "`environments` names none",
        ),
        (
            "{unit: a, credential: c, environments: e, path: 'c['}",
            "3:53",
            "the path of a value",
        ),
        (
            "{unit: a, credential: c, environments: e, path: ''}",
            "3:53",
            "the path of a value",
        ),
        (
            "{unit: a, credential: c, environments: e, variable: A*}",
            "3:57",
            "letters, digits",
        ),
        (
            "{unit: a, credential: c, environments: e, file: ''}",
            "3:53",
            "letters, digits",
        ),
        (
            "{unit: a, credential: c, environments: e, format: shell}",
            "3:55",
            "dotenv or json",
        ),
        (
            "{unit: a, credential: c, environments: e}",
            "3:5",
            "[1]: needs one of `path`",
        ),
        (
            "{unit: a, credential: c, environments: e, path: a, file: B}",
            "3:5",
            "needs one of",
        ),
        (
            "{unit: a, credential: b, environments: e, file: B}",
            "3:5",
            "are in the list already",
        ),
        (
            "{unit: a, credential: c, environments: e, pfad: B}",
            "3:47",
            "unknown key `pfad`",
        ),
        ("db", "3:5", "must be a mapping with unit, credential"),
    ] {
        let text = format!("credentials:\n  - {GOOD}\n  - {entry}\n");
        let error = read(&text, Overrides::default()).expect_err(entry);
        let place = format!("/daemon.yaml:{place}: credentials[1]");
        assert!(error.contains(expected), "{entry}: {error}");
        assert!(error.starts_with(&place), "{entry}: {error}");
    }
    let settings = read(&format!("credentials: [{GOOD}]"), Overrides::default());
    let credentials = settings.expect("settings").credentials;
    assert_eq!(credentials[0].value, CredentialValue::Path("d".to_owned()));
}

#[test]
fn what_says_nothing_is_no_fault() {
    let silent = read("", Overrides::default()).expect("settings");
    for text in [
        "# a remark",
        "idle:",
        "folders:\nsocket:\nlimits: {}\ncredentials:\nconfirm: ~",
        "x",
    ] {
        let settings = read(text, Overrides::default());
        match text {
            "x" => assert!(settings.is_err()),
            _ => assert_eq!(settings.expect(text).limits, silent.limits),
        }
    }
    // What is the same is written once.
    let text = "limits: {headTime: &long 1m, bodyTime: *long}";
    let settings = read(text, Overrides::default()).expect("settings");
    assert_eq!(settings.limits.body_time, Duration::from_secs(60));
}

#[test]
fn a_home_that_nobody_knows_is_no_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join(FILE_NAME), "folders: [a, ~/b]").expect("a file");
    let places = places(folder.path());
    let settings = Settings::read(&places, Overrides::default(), None, effective_user());
    let error = settings.expect_err("a fault").to_string();
    assert!(
        error.contains("folders: nothing says where the home folder is"),
        "{error}"
    );
}

#[test]
fn what_is_no_readable_file_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(FILE_NAME);
    let refused = || {
        let places = places(folder.path());
        let settings = Settings::read(&places, Overrides::default(), None, effective_user());
        settings.expect_err("refused").to_string()
    };
    std::fs::create_dir(&file).expect("a folder");
    assert!(refused().contains("directory"), "{}", refused());
    std::fs::remove_dir(&file).expect("removed");
    std::os::unix::fs::symlink("nowhere", &file).expect("a link");
    assert!(refused().contains("no such file"), "{}", refused());
    std::fs::remove_file(&file).expect("removed");
    // Root may read everything.
    if effective_user() != 0 {
        std::fs::write(&file, "").expect("a file");
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o000)).expect("a mode");
        assert!(refused().contains("permission denied"), "{}", refused());
        let hide = |mode| std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(mode));
        hide(0o000).expect("a mode");
        let told = refused();
        hide(0o700).expect("a mode");
        assert!(told.contains("permission denied"), "{told}");
    }
}

#[test]
fn settings_that_others_can_write_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(FILE_NAME);
    std::fs::write(&file, "idle: never\n").expect("a file");
    for (mode, accepted) in [(0o644, true), (0o664, false), (0o646, false)] {
        std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).expect("a mode");
        let settings = Settings::read(
            &places(folder.path()),
            Overrides::default(),
            None,
            effective_user(),
        );
        assert_eq!(settings.is_ok(), accepted, "{mode:o}");
    }
}

#[test]
fn settings_that_were_named_have_to_be_there() {
    let overrides = Overrides {
        config: Some("/nonexistent/daemon.yaml".into()),
        ..Overrides::default()
    };
    let error = read("", overrides).expect_err("it is not there");
    assert!(error.contains("/nonexistent/daemon.yaml"), "{error}");
}
