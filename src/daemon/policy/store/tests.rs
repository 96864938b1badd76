use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::sys::fs::effective_user;

const MANAGE: &str = "rules: [{peer: any, allow: manage}]";

struct Scratch {
    folder: tempfile::TempDir,
}

impl Scratch {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("policy.yaml")
    }

    fn write(&self, text: &str, mode: u32) {
        fs::write(self.file(), text).expect("it can be written");
        fs::set_permissions(self.file(), fs::Permissions::from_mode(mode)).expect("it is ours");
    }

    fn open(&self, default: Option<Policy>) -> Result<PolicyStore, Error> {
        PolicyStore::open(&self.file(), effective_user(), default)
    }
}

#[test]
fn what_holds_holds_until_there_is_better() {
    let scratch = Scratch::new();
    let store = scratch
        .open(Some(Policy::of_owner(7)))
        .expect("the default");
    assert!(!store.is_of_file());
    assert_eq!(store.current().len(), 2);
    store.reload().expect("there is no file yet");
    // A broken first file is no reason to fall back to anything else.
    scratch.write("rules: [{peer: any}]", 0o600);
    store.reload().expect_err("it is broken");
    assert_eq!(store.current().len(), 2);
    let warning = store.warning().expect("it is told");
    assert!(warning.contains("either `allow` or `deny`"), "{warning}");
    scratch.write(MANAGE, 0o600);
    store.reload().expect("it is good");
    assert_eq!((store.current().len(), store.warning()), (1, None));
    // What a request has in its hands stays.
    let before = store.current();
    scratch.write("", 0o600);
    store.reload().expect("an empty one is good");
    assert_eq!((before.len(), store.current().len()), (1, 0));
    // The default may allow more than the file did.
    fs::remove_file(scratch.file()).expect("it is there");
    store.reload().expect_err("it is gone");
    assert!(store.current().is_empty() && store.is_of_file());
    assert!(store.warning().is_some());
}

#[test]
fn nobody_else_may_write_it() {
    let scratch = Scratch::new();
    for (mode, expected) in [
        (0o600, true),
        (0o644, true),
        (0o640, true),
        (0o660, false),
        (0o622, false),
        (0o666, false),
    ] {
        scratch.write(MANAGE, mode);
        assert_eq!(scratch.open(None).is_ok(), expected, "{mode:o}");
    }
    scratch.write(MANAGE, 0o600);
    let store = scratch.open(None).expect("it is good");
    scratch.write("", 0o666);
    store.reload().expect_err("everybody may write it");
    assert_eq!(store.current().len(), 1);
}

#[test]
fn it_must_be_there_where_there_is_no_default() {
    let scratch = Scratch::new();
    assert!(scratch.open(None).is_err());
    symlink("elsewhere", scratch.file()).expect("a link");
    // A link to nowhere is a policy that got lost.
    assert!(scratch.open(Some(Policy::of_owner(7))).is_err());
}
