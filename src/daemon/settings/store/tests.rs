//! What becomes of settings that are read anew.

use std::fs;
use std::time::Duration;

use super::super::{Overrides, Places};
use super::*;
use crate::sys::fs::effective_user;

/// Settings in a folder of their own.
struct Scene {
    folder: tempfile::TempDir,
    store: SettingsStore,
}

impl Scene {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("daemon.yaml"), text).expect("written");
        let source = Source {
            places: Places {
                system: false,
                config: folder.path().to_owned(),
                runtime: Some("/run/user/7".into()),
                state: Some("/state".into()),
            },
            overrides: Overrides::default(),
            home: None,
            user: effective_user(),
        };
        let store = SettingsStore::open(source).expect("settings");
        Self { folder, store }
    }

    fn reload(&self, text: &str) -> Result<Change, String> {
        fs::write(self.folder.path().join("daemon.yaml"), text).expect("written");
        let change = self.store.reload(|path| path.starts_with("/near"));
        change.map_err(|error| error.to_string())
    }
}

#[test]
fn each_key_is_taken_over_or_waits() {
    for (text, taken, waiting) in [
        ("", &[][..], &[][..]),
        ("idle: 1h", &["idle"], &[]),
        ("cache: {maxBytes: 1M}", &["cache"], &[]),
        ("limits: {connections: 7}", &["limits"], &[]),
        (
            "audit: {maxSize: 1M, keep: 1, journal: true, file: other}",
            &["audit.maxSize", "audit.keep", "audit.journal"],
            &["audit.file"],
        ),
        (
            "credentials: [{unit: a, credential: b, environments: c, path: d}]",
            &["credentials"],
            &[],
        ),
        ("providers: {variables: A}", &["providers.variables"], &[]),
        ("providers: {maxAge: 1s}", &["providers.maxAge"], &[]),
        ("providers: {files: /near/*}", &["providers.files"], &[]),
        (
            "providers: {files: [/near/a, /far/b]}",
            &["providers.files"],
            &["providers.files"],
        ),
        // Nothing is there that could start them.
        (
            "providers: {commands: /bin/true}",
            &[],
            &["providers.commands"],
        ),
        ("confirm: /bin/true", &[], &["confirm"]),
        ("providers: {plugins: true}", &[], &["providers.plugins"]),
        (
            "{folders: a, identities: b, policy: c, credentialsSocket: d, sandbox: false, socket: {mode: 0660}}",
            &[],
            &[
                "folders",
                "identities",
                "socket",
                "policy",
                "credentialsSocket",
                "sandbox",
            ],
        ),
    ] {
        let scene = Scene::new("");
        let change = scene.reload(text).expect(text);
        assert_eq!(
            (&*change.taken, &*change.waiting),
            (taken, waiting),
            "{text}"
        );
        let warnings = scene.store.warnings();
        let warned = warnings.iter().any(|told| told.contains("after a restart"));
        assert_eq!(
            (warnings.len(), warned),
            (waiting.len().min(1), !waiting.is_empty())
        );
        // What waits is not in force by half, and waits still when it is read again.
        let again = scene.reload(text).expect(text);
        assert_eq!(
            (&*again.taken, &*again.waiting),
            (&[][..], waiting),
            "{text}"
        );
        // What is taken back waits for nothing.
        let back = scene.reload("").expect("settings");
        assert_eq!((&*back.taken, &*back.waiting), (taken, &[][..]), "{text}");
        assert_eq!(scene.store.current(), scene.store.started);
    }
}

#[test]
fn where_programs_are_started_others_can_be_too() {
    for text in [
        "confirm: /bin/ask",
        "sandbox: false",
        "providers: {plugins: true}",
    ] {
        let scene = Scene::new(text);
        assert_eq!(scene.reload(text), Ok(Change::default()));
        let more = match text {
            "providers: {plugins: true}" => {
                "providers: {plugins: true, commands: /bin/true}".to_owned()
            }
            text => format!("{text}\nproviders: {{commands: /bin/true}}"),
        };
        let change = scene.reload(&more).expect("settings");
        assert_eq!(change.taken, ["providers.commands"], "{text}");
        assert_eq!(change.waiting, [""; 0], "{text}");
        assert_eq!(scene.store.current().providers.commands, ["/bin/true"]);
    }
}

#[test]
fn what_is_faulty_changes_nothing() {
    let scene = Scene::new("idle: 1h");
    let before = scene.store.current();
    let fault = scene
        .reload("idle: 2h\nlimits: {connections: 0}")
        .expect_err("a fault");
    assert!(
        fault.contains("daemon.yaml:2:23: limits.connections: "),
        "{fault}"
    );
    assert_eq!(scene.store.current(), before);
    let warnings = scene.store.warnings();
    assert_eq!(
        warnings,
        [format!("the settings before hold still: {fault}")]
    );
    let change = scene.reload("idle: 2h").expect("settings");
    assert_eq!(change.taken, ["idle"]);
    assert_eq!(scene.store.current().idle, Some(Duration::from_secs(7200)));
    assert_eq!(scene.store.warnings(), [""; 0]);
}

#[test]
fn a_file_that_is_gone_says_nothing() {
    let scene = Scene::new("idle: 1h");
    fs::remove_file(scene.folder.path().join("daemon.yaml")).expect("removed");
    let change = scene.store.reload(|_| true).expect("settings");
    assert_eq!(change.taken, ["idle"]);
    assert_eq!(scene.store.current().idle, None);
}
