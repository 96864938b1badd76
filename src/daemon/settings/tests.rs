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
    for (text, expected) in [
        ("folder: a", "unknown key `folder`"),
        ("idle: soon", "idle: must be a time"),
        ("socket: {mode: 9}", "socket.mode: must be a file mode"),
        ("audit: {maxSize: x}", "audit.maxSize: must be a size"),
        (
            "confirm: [ssh-askpass]",
            "confirm: the program must be an absolute path",
        ),
        (
            "limits: {connections: 0}",
            "limits.connections: must be at least 1",
        ),
        ("{", "not valid YAML"),
        (
            "credentials: [{unit: a, credential: b, environments: c}]",
            "needs one of `path`",
        ),
    ] {
        let error = read(text, Overrides::default()).expect_err(text);
        assert!(error.contains(expected), "{text}: {error}");
        assert!(error.starts_with("/daemon.yaml:"), "{text}: {error}");
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
