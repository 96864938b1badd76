use std::os::unix::fs::{MetadataExt, symlink};

use super::*;
use crate::store::Overlays;

fn name(text: &str) -> EnvironmentName {
    text.parse().unwrap()
}

struct Store {
    scratch: tempfile::TempDir,
    directory: Directory,
}

fn store() -> Store {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().join("environments");
    fs::create_dir(&folder).unwrap();
    let directory = Directory::open([&folder], Overlays::Merged).unwrap();
    Store { scratch, directory }
}

impl Store {
    fn path(&self, path: &str) -> PathBuf {
        self.scratch.path().join("environments").join(path)
    }
}

#[test]
fn a_new_definition_is_made_with_its_folders_and_for_all_to_read() {
    let store = store();
    let file = store.directory.create(&name("a/b/c"), "x: 1\n").unwrap();
    assert_eq!(file, store.path("a/b/c.yaml"));
    assert_eq!(fs::read_to_string(&file).unwrap(), "x: 1\n");
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o644);
    for folder in ["a", "a/b"] {
        let metadata = fs::metadata(store.path(folder)).unwrap();
        assert_eq!(metadata.mode() & 0o7777, 0o755);
    }
    let error = store.directory.create(&name("a/b/c"), "y").unwrap_err();
    let expected = format!("write {}: exists already", file.display());
    assert_eq!(error.to_string(), expected);
    assert_eq!(fs::read_to_string(&file).unwrap(), "x: 1\n");
}

#[test]
fn nothing_is_made_behind_a_link_that_leads_out() {
    let store = store();
    fs::create_dir(store.scratch.path().join("outside")).unwrap();
    symlink("../outside", store.path("out")).unwrap();
    for text in ["out/x", "out/deeper/x"] {
        let error = store.directory.create(&name(text), "x").unwrap_err();
        assert!(
            matches!(error, Error::Outside { link: Some(_), .. }),
            "{error}"
        );
    }
    let outside = fs::read_dir(store.scratch.path().join("outside")).unwrap();
    assert_eq!(outside.count(), 0);
}

#[test]
fn a_change_made_from_an_old_text_is_refused() {
    let store = store();
    let file = store.directory.create(&name("x"), "one").unwrap();
    store.directory.replace(&name("x"), "one", "two").unwrap();
    let error = store
        .directory
        .replace(&name("x"), "one", "three")
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("write {}: changed meanwhile", file.display())
    );
    assert!(error.hint().is_some());
    assert_eq!(fs::read_to_string(&file).unwrap(), "two");
}

#[test]
fn a_link_stays_and_its_target_is_written() {
    let store = store();
    let target = store.directory.create(&name("shared/base"), "old").unwrap();
    let link = store.path("base.yaml");
    symlink("shared/base.yaml", &link).unwrap();
    store
        .directory
        .replace(&name("base"), "old", "new")
        .unwrap();
    assert!(link.is_symlink());
    assert_eq!(fs::read_to_string(&target).unwrap(), "new");
    assert!(!target.is_symlink());
}

#[test]
fn without_a_folder_nothing_is_created() {
    let directory = Directory::open([""; 0], Overlays::Merged).unwrap();
    let error = directory.create(&name("x"), "").unwrap_err();
    assert_eq!(
        error.to_string(),
        "open x.yaml: there is no environments folder"
    );
}
