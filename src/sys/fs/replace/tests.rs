use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use super::*;

struct Scratch {
    folder: tempfile::TempDir,
    file: PathBuf,
}

fn scratch(content: Option<&str>) -> Scratch {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    if let Some(content) = content {
        std::fs::write(&file, content).unwrap();
    }
    Scratch { folder, file }
}

impl Scratch {
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.file).unwrap()
    }

    fn mode(&self) -> u32 {
        std::fs::metadata(&self.file).unwrap().mode() & 0o7777
    }
}

const NEW: Expected<'_> = Expected::Absent { mode: 0o644 };

#[test]
fn a_new_file_has_the_mode_asked_for() {
    for mode in [0o644, 0o600] {
        let scratch = scratch(None);
        replace_file(&scratch.file, b"new", Expected::Absent { mode }).unwrap();
        assert_eq!((scratch.text().as_str(), scratch.mode()), ("new", mode));
        assert_eq!(scratch.names(), ["file"]);
    }
}

#[test]
fn a_replaced_file_keeps_its_mode() {
    let scratch = scratch(Some("old"));
    std::fs::set_permissions(&scratch.file, PermissionsExt::from_mode(0o664)).unwrap();
    replace_file(&scratch.file, b"new", Expected::Content(b"old")).unwrap();
    assert_eq!((scratch.text().as_str(), scratch.mode()), ("new", 0o664));
    assert_eq!(scratch.names(), ["file"]);
}

#[test]
fn a_replaced_file_keeps_its_owner() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let scratch = scratch(Some("old"));
    std::os::unix::fs::chown(&scratch.file, Some(4321), Some(1234)).unwrap();
    replace_file(&scratch.file, b"new", Expected::Content(b"old")).unwrap();
    let metadata = std::fs::metadata(&scratch.file).unwrap();
    assert_eq!((metadata.uid(), metadata.gid()), (4321, 1234));
}

#[test]
fn what_is_not_as_expected_stays_as_it_is() {
    type Table<'a> = [(Option<&'a str>, Expected<'a>, &'a str); 6];
    let table: Table<'_> = [
        (
            Some("other"),
            Expected::Content(b"old"),
            "changed meanwhile",
        ),
        (
            Some("old and more"),
            Expected::Content(b"old"),
            "changed meanwhile",
        ),
        (Some(""), Expected::Content(b"old"), "changed meanwhile"),
        (Some("old"), Expected::Content(b""), "changed meanwhile"),
        (None, Expected::Content(b""), "changed meanwhile"),
        (Some(""), NEW, "exists already"),
    ];
    for (content, expected, message) in table {
        let scratch = scratch(content);
        let error = replace_file(&scratch.file, b"new", expected).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!(
            std::fs::read_to_string(&scratch.file).ok().as_deref(),
            content
        );
        assert_eq!(scratch.names().len(), usize::from(content.is_some()));
    }
}

#[test]
fn links_and_directories_are_not_replaced() {
    let scratch = scratch(None);
    symlink("elsewhere", &scratch.file).unwrap();
    assert!(replace_file(&scratch.file, b"new", NEW).is_err());
    assert!(replace_file(&scratch.file, b"new", Expected::Content(b"")).is_err());
    assert_eq!(scratch.names(), ["file"]);
    std::fs::remove_file(&scratch.file).unwrap();
    std::fs::create_dir(&scratch.file).unwrap();
    let error = replace_file(&scratch.file, b"new", Expected::Content(b"")).unwrap_err();
    assert_eq!(error.to_string(), "is a directory, not a regular file");
}

#[test]
fn a_dead_writers_file_does_not_block() {
    let scratch = scratch(Some("old"));
    let stale = scratch.folder.path().join(staging_name(OsStr::new("file")));
    std::fs::write(&stale, "half of somethi").unwrap();
    replace_file(&scratch.file, b"new", Expected::Content(b"old")).unwrap();
    assert_eq!(scratch.text(), "new");
    // Nor does a link that someone put there: it goes, what it points to stays.
    let precious = scratch.folder.path().join("precious");
    std::fs::write(&precious, "precious").unwrap();
    symlink(&precious, &stale).unwrap();
    replace_file(&scratch.file, b"newer", Expected::Content(b"new")).unwrap();
    assert_eq!(scratch.text(), "newer");
    assert_eq!(std::fs::read_to_string(&precious).unwrap(), "precious");
    assert_eq!(scratch.names(), ["file", "precious"]);
}

#[test]
fn a_failed_write_leaves_the_old_text_and_nothing_else() {
    let scratch = scratch(Some("old"));
    // A directory in the place of the staged file cannot be removed as a file.
    let blocked = scratch.folder.path().join(staging_name(OsStr::new("file")));
    std::fs::create_dir(&blocked).unwrap();
    assert!(replace_file(&scratch.file, b"new", Expected::Content(b"old")).is_err());
    assert_eq!(scratch.text(), "old");
}

#[test]
fn a_full_disk_leaves_the_old_text_and_nothing_else() {
    // A limit on the size of files stands in for the disk, in a process of its own, since limits are a whole process's.
    const FILE: &str = "ESCRUN_TEST_FULL_DISK";
    if let Some(file) = std::env::var_os(FILE) {
        let big = vec![b'x'; 1 << 20];
        let result = replace_file(Path::new(&file), &big, Expected::Content(b"old"));
        assert!(matches!(result, Err(ReplaceError::Io("write", _))));
        return;
    }
    let scratch = scratch(Some("old"));
    let status = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$@\"", "sh"])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "sys::fs::replace::tests::a_full_disk_leaves_the_old_text_and_nothing_else",
        ])
        .env(FILE, &scratch.file)
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    assert_eq!(scratch.text(), "old");
    assert_eq!(scratch.names(), ["file"]);
}

#[test]
fn write_protection_is_respected() {
    if nix::unistd::geteuid().is_root() {
        return;
    }
    let scratch = scratch(Some("old"));
    std::fs::set_permissions(&scratch.file, PermissionsExt::from_mode(0o444)).unwrap();
    let error = replace_file(&scratch.file, b"new", Expected::Content(b"old")).unwrap_err();
    assert_eq!(error.to_string(), "is write-protected");
}

#[test]
fn of_many_writers_with_one_text_exactly_one_wins() {
    let scratch = scratch(Some("old"));
    let texts: Vec<String> = (0..8).map(|n| format!("{n}").repeat(10_000)).collect();
    let results: Vec<_> = std::thread::scope(|scope| {
        let write =
            |text: &str| replace_file(&scratch.file, text.as_bytes(), Expected::Content(b"old"));
        let threads: Vec<_> = texts
            .iter()
            .map(|text| scope.spawn(move || write(text)))
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    let winners: Vec<usize> = (0..8).filter(|n| results[*n].is_ok()).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(scratch.text(), texts[winners[0]]);
    for result in results {
        assert!(matches!(result, Ok(()) | Err(ReplaceError::Changed)));
    }
    assert_eq!(scratch.names(), ["file"]);
}

#[test]
fn writers_that_read_again_lose_nothing() {
    let scratch = scratch(Some(""));
    std::thread::scope(|scope| {
        for letter in ["a", "b", "c", "d"] {
            let file = &scratch.file;
            scope.spawn(move || {
                for _ in 0..5 {
                    loop {
                        let old = std::fs::read_to_string(file).unwrap();
                        let new = format!("{old}{letter}");
                        match replace_file(file, new.as_bytes(), Expected::Content(old.as_bytes()))
                        {
                            Ok(()) => break,
                            Err(ReplaceError::Changed) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                }
            });
        }
    });
    let text = scratch.text();
    for letter in ["a", "b", "c", "d"] {
        assert_eq!(text.matches(letter).count(), 5, "{text}");
    }
}

#[test]
fn of_many_that_create_one_file_exactly_one_does() {
    let scratch = scratch(None);
    let wins: Vec<bool> = std::thread::scope(|scope| {
        let file = &scratch.file;
        let threads: Vec<_> = (0..8)
            .map(|n| scope.spawn(move || replace_file(file, &[b'0' + n; 1000], NEW).is_ok()))
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    let winners: Vec<usize> = (0..8).filter(|n| wins[*n]).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(scratch.text(), winners[0].to_string().repeat(1000));
    assert_eq!(scratch.names(), ["file"]);
}
