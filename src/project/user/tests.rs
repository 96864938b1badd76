use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::sys::fs::effective_user;

struct Scratch {
    folder: tempfile::TempDir,
    file: PathBuf,
}

fn scratch(text: &str) -> Scratch {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    fs::write(&file, text).unwrap();
    Scratch { folder, file }
}

#[test]
fn a_missing_or_empty_file_allows_nothing() {
    let missing = Path::new("/nonexistent/escrun/config.yaml");
    let read = UserConfig::read(missing, None, effective_user()).unwrap();
    assert_eq!(read, UserConfig::default());
    for text in ["", "# nothing\n", "{}"] {
        let scratch = scratch(text);
        let read = UserConfig::read(&scratch.file, None, effective_user()).unwrap();
        assert_eq!(read, UserConfig::default());
        assert!(!read.allow_commands);
    }
}

#[test]
fn paths_are_relative_to_the_file_or_the_home() {
    let scratch =
        scratch("allowCommands: true\nproviders: [p, /opt/p]\nidentities: [~/keys/a.txt]\n");
    let home = Path::new("/home/me");
    let read = UserConfig::read(&scratch.file, Some(home), effective_user()).unwrap();
    assert!(read.allow_commands);
    assert_eq!(
        read.providers,
        [scratch.folder.path().join("p"), PathBuf::from("/opt/p")]
    );
    assert_eq!(read.identities, [PathBuf::from("/home/me/keys/a.txt")]);
}

#[test]
fn what_others_can_write_is_not_believed() {
    let scratch = scratch("allowCommands: true\n");
    fs::set_permissions(&scratch.file, PermissionsExt::from_mode(0o666)).unwrap();
    let error = UserConfig::read(&scratch.file, None, effective_user()).unwrap_err();
    assert!(matches!(error, Error::Exposed(_)));
    if effective_user() == 0 {
        std::os::unix::fs::chown(&scratch.file, Some(4321), None).unwrap();
        let error = UserConfig::read(&scratch.file, None, effective_user()).unwrap_err();
        assert!(matches!(error, Error::Foreign { owner: 4321, .. }));
    }
}

#[test]
fn a_word_that_is_no_truth_value_allows_nothing() {
    for text in ["yes", "1", "\"true\"", "[true]"] {
        let scratch = scratch(&format!("allowCommands: {text}\n"));
        let error = UserConfig::read(&scratch.file, None, effective_user()).unwrap_err();
        assert!(
            error.to_string().contains("must be true or false"),
            "{error}"
        );
    }
}
