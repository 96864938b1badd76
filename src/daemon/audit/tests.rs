//! Writing an audit, whatever becomes of its files meanwhile.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::settings::Audit as Settings;
use super::verify::{Failure, Report, Wrong, verify};
use super::*;

/// An audit in a folder of its own.
struct Scratch {
    _folder: TempDir,
    settings: Settings,
}

impl Scratch {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = Settings::new(folder.path().join("log/audit.jsonl"), false);
        Self {
            _folder: folder,
            settings,
        }
    }

    fn file(&self) -> PathBuf {
        self.settings.file.clone()
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.settings.file.with_file_name(name)
    }

    fn open(&self) -> Audit {
        Audit::open(&self.settings).expect("an audit")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).expect("a file")
    }

    /// What is said of the whole chain.
    fn verdict(&self) -> Result<Report, String> {
        self.verdict_of(&files_of(&self.file()).expect("files"))
    }

    fn verdict_of(&self, files: &[PathBuf]) -> Result<Report, String> {
        let folder = self.beside("").display().to_string();
        verify(files, None).map_err(|failure| failure.to_string().replace(&folder, ""))
    }
}

fn record(audit: &Audit) {
    audit
        .record(&Record::new("open", Outcome::Allowed))
        .expect("recorded");
}

#[test]
fn a_chain_goes_on_when_a_daemon_starts_again() {
    let scratch = Scratch::new();
    for round in 1..=3 {
        let audit = scratch.open();
        record(&audit);
        record(&audit);
        assert_eq!(audit.counts().written, 2);
        assert_eq!(audit.head().seq, 4 * round - 1);
    }
    let report = scratch.verdict().expect("whole");
    assert_eq!((report.lines, report.decisions, report.first), (12, 6, 1));
    assert_eq!(report.torn, []);
}

#[test]
fn files_are_for_their_owner_alone_or_for_a_group() {
    for mode in [0o600, 0o640] {
        let mut scratch = Scratch::new();
        scratch.settings.mode = mode;
        scratch.settings.max_size = 1;
        let audit = scratch.open();
        record(&audit);
        for file in files_of(&scratch.file()).expect("files") {
            let found = fs::metadata(&file).expect("a file").mode();
            assert_eq!(found & 0o7777, mode, "{}", file.display());
        }
        let folder = fs::metadata(scratch.beside("")).expect("a folder").mode();
        assert_eq!(folder & 0o7777, 0o700);
    }
}

#[test]
fn what_others_may_do_with_a_file_is_taken_from_them() {
    let mode = |path: &Path| fs::metadata(path).expect("a file").mode() & 0o7777;
    let mut scratch = Scratch::new();
    scratch.settings.mode = 0o640;
    let file = scratch.file();
    let audit = scratch.open();
    for (made, expected) in [
        (0o644, 0o640),
        (0o640, 0o640),
        (0o600, 0o600),
        (0o755, 0o640),
    ] {
        // As logrotate(8) does it.
        fs::rename(&file, scratch.beside("old")).expect("moved");
        fs::write(&file, "").expect("written");
        fs::set_permissions(&file, Permissions::from_mode(made)).expect("set");
        audit.reopen().expect("reopened");
        assert_eq!(mode(&file), expected, "{made:o}");
    }
    // The same of the file that is written already, and of one that is found.
    fs::set_permissions(&file, Permissions::from_mode(0o644)).expect("set");
    audit.reopen().expect("reopened");
    assert_eq!(mode(&file), 0o640);
    drop(audit);
    fs::set_permissions(&file, Permissions::from_mode(0o644)).expect("set");
    let _audit = scratch.open();
    assert_eq!(mode(&file), 0o640);
}

#[test]
fn a_file_that_is_no_audit_keeps_its_mode() {
    let scratch = Scratch::new();
    let file = scratch.file();
    fs::create_dir_all(file.parent().expect("a folder")).expect("made");
    fs::write(&file, "root:x:0:0\n").expect("written");
    fs::set_permissions(&file, Permissions::from_mode(0o644)).expect("set");
    assert!(matches!(
        Audit::open(&scratch.settings),
        Err(Error::NoAudit(_))
    ));
    let found = fs::metadata(&file).expect("it is there");
    assert_eq!(found.mode() & 0o7777, 0o644);
}

#[test]
fn only_the_usual_folders_are_made_as_a_whole() {
    let mut scratch = Scratch::new();
    let top = scratch.beside("").join("..");
    scratch.settings.file = scratch.beside("esrcun/state/audit.jsonl");
    let refused = Audit::open(&scratch.settings).expect_err("refused");
    assert!(matches!(refused, Error::NoFolder(_)), "{refused}");
    assert!(!top.exists());
    scratch.settings.is_usual = true;
    record(&scratch.open());
    assert_eq!(scratch.verdict().expect("whole").decisions, 1);
}

#[test]
fn other_settings_hold_from_the_next_line_on() {
    let mut scratch = Scratch::new();
    let audit = scratch.open();
    record(&audit);
    assert_eq!(files_of(&scratch.file()).expect("files").len(), 1);
    (scratch.settings.max_size, scratch.settings.keep) = (1, 2);
    audit.configure(&scratch.settings);
    for _ in 0..4 {
        record(&audit);
    }
    assert_eq!(files_of(&scratch.file()).expect("files").len(), 3);
    scratch.settings.max_size = 0;
    audit.configure(&scratch.settings);
    let before = scratch.text();
    record(&audit);
    assert!(scratch.text().starts_with(&before));
}

#[test]
fn files_are_rotated_and_some_kept() {
    let mut scratch = Scratch::new();
    scratch.settings.max_size = 2000;
    scratch.settings.keep = 3;
    let audit = scratch.open();
    for _ in 0..100 {
        record(&audit);
    }
    let files = files_of(&scratch.file()).expect("files");
    assert_eq!(files.len(), 4);
    for file in &files {
        let size = fs::metadata(file).expect("a file").len();
        assert!((1..2300).contains(&size), "{size}");
    }
    let report = scratch.verdict().expect("whole");
    assert!(report.first > 1);
    assert_eq!(report.head, audit.head());
    // A file that is not given is missed.
    let without = files.iter().filter(|file| *file != &files[1]);
    let without: Vec<_> = without.cloned().collect();
    let told = scratch.verdict_of(&without).expect_err("broken");
    assert!(
        told.starts_with("audit.jsonl.1:1: ") && told.ends_with("are missing in front of this one"),
        "{told}"
    );
    // In which order they are given is all the same.
    let mut turned = files;
    turned.reverse();
    scratch.verdict_of(&turned).expect("whole");
}

#[test]
fn a_line_that_broke_off_is_closed_and_told() {
    for torn in ["{", "{\"seq\":9,\"time\":\"2023", "\0\0\0\0"] {
        let scratch = Scratch::new();
        record(&scratch.open());
        let before = scratch.text();
        fs::write(scratch.file(), format!("{before}{torn}")).expect("written");
        let report = scratch.verdict().expect("whole before it is closed");
        assert_eq!(report.torn.len(), 1);
        record(&scratch.open());
        let report = scratch.verdict().expect("whole");
        assert_eq!((report.torn.len(), report.decisions), (1, 2), "{torn}");
        assert_eq!(report.torn[0].line, 4);
        // What broke off stays, and cannot be changed either.
        let instead = format!("\n{}\n", "x".repeat(torn.len()));
        let changed = scratch.text().replace(&format!("\n{torn}\n"), &instead);
        fs::write(scratch.file(), changed).expect("written");
        let told = scratch.verdict().expect_err("broken");
        assert_eq!(told, "audit.jsonl:4: the line was changed, or is none");
    }
}

#[test]
fn a_first_line_that_broke_off_is_no_other_file() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.beside("")).expect("a folder");
    fs::write(scratch.file(), "{\"seq\":1,\"ti").expect("written");
    record(&scratch.open());
    let report = scratch.verdict().expect("whole");
    assert_eq!((report.torn.len(), report.decisions), (1, 1));
}

#[test]
fn lines_of_others_are_told_as_damage() {
    let scratch = Scratch::new();
    let audit = scratch.open();
    record(&audit);
    let mut file = OpenOptions::new()
        .append(true)
        .open(scratch.file())
        .expect("a file");
    file.write_all(b"something else\nand more")
        .expect("written");
    record(&audit);
    let told = scratch.verdict().expect_err("broken");
    assert_eq!(told, "audit.jsonl:3: 24 bytes are no lines");
}

#[test]
fn a_file_that_is_moved_away_is_followed_until_it_is_reopened() {
    let scratch = Scratch::new();
    let audit = scratch.open();
    record(&audit);
    fs::rename(scratch.file(), scratch.beside("old")).expect("moved");
    record(&audit);
    assert!(!scratch.file().exists());
    audit.reopen().expect("reopened");
    record(&audit);
    let report = scratch
        .verdict_of(&[scratch.file(), scratch.beside("old")])
        .expect("whole");
    assert_eq!((report.decisions, report.first), (3, 1));
    assert!(
        scratch
            .text()
            .contains(r#""event":"file","reason":"reopened""#)
    );
    // Without any change it is the same file.
    let before = scratch.text();
    audit.reopen().expect("reopened");
    assert_eq!(scratch.text(), before);
}

#[test]
fn the_chain_goes_on_from_the_file_that_was_moved_while_nobody_ran() {
    let scratch = Scratch::new();
    record(&scratch.open());
    fs::rename(scratch.file(), scratch.beside("audit.jsonl.1")).expect("moved");
    record(&scratch.open());
    let report = scratch.verdict().expect("whole");
    assert_eq!((report.decisions, report.first), (2, 1));
    // Otherwise another one begins, which is told.
    fs::rename(scratch.file(), scratch.beside("old")).expect("moved");
    fs::remove_file(scratch.beside("audit.jsonl.1")).expect("removed");
    record(&scratch.open());
    let told = scratch
        .verdict_of(&[scratch.beside("old"), scratch.file()])
        .expect_err("broken");
    assert!(told.starts_with("old:1: "), "{told}");
}

#[test]
fn a_file_that_is_deleted_or_emptied_is_begun_again() {
    let scratch = Scratch::new();
    let audit = scratch.open();
    record(&audit);
    fs::remove_file(scratch.file()).expect("removed");
    record(&audit);
    assert!(
        scratch
            .text()
            .contains(r#""event":"file","reason":"deleted""#)
    );
    scratch.verdict().expect("whole in itself");
    let file = OpenOptions::new().write(true).open(scratch.file());
    file.expect("a file").set_len(0).expect("emptied");
    record(&audit);
    assert!(
        scratch
            .text()
            .contains(r#""event":"file","reason":"emptied""#)
    );
    let report = scratch.verdict().expect("whole in itself");
    assert_eq!((report.lines, report.first), (2, 5));
}

#[test]
fn a_file_that_is_cut_off_shows_it() {
    let scratch = Scratch::new();
    let audit = scratch.open();
    record(&audit);
    record(&audit);
    let length = fs::metadata(scratch.file()).expect("a file").len();
    let file = OpenOptions::new().write(true).open(scratch.file());
    file.expect("a file").set_len(length - 10).expect("cut");
    record(&audit);
    let told = scratch.verdict().expect_err("broken");
    assert_eq!(told, "audit.jsonl:3: the line was changed, or is none");
    assert!(scratch.text().contains(r#""event":"cut","bytes":10,"#));
}

#[test]
fn only_one_writes_a_file() {
    let scratch = Scratch::new();
    let _audit = scratch.open();
    let refused = Audit::open(&scratch.settings).expect_err("busy");
    assert!(matches!(refused, Error::Busy(_)), "{refused}");
}

#[test]
fn other_files_are_left_alone() {
    let scratch = Scratch::new();
    let file = scratch.file();
    fs::create_dir(scratch.beside("")).expect("a folder");
    let refused = || Audit::open(&scratch.settings).expect_err("refused");
    for content in ["root:x:0:0\n", "no line", "{\"seq\":x}\n", "\n"] {
        fs::write(&file, content).expect("written");
        fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("set");
        assert!(matches!(refused(), Error::NoAudit(_)), "{content}");
        assert_eq!(fs::read_to_string(&file).expect("read"), content);
    }
    fs::set_permissions(&file, Permissions::from_mode(0o660)).expect("set");
    assert!(matches!(refused(), Error::Exposed(_)));
    fs::rename(&file, scratch.beside("other")).expect("moved");
    symlink("other", &file).expect("a link");
    assert!(matches!(refused(), Error::Io { .. }));
    fs::remove_file(&file).expect("removed");
    fs::create_dir(&file).expect("a folder");
    assert!(matches!(refused(), Error::Io { .. } | Error::Kind { .. }));
    fs::remove_dir(&file).expect("removed");
    nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    assert!(matches!(refused(), Error::Kind { .. }));
}

#[test]
fn what_a_killed_rotation_leaves_is_put_in_order() {
    let mut scratch = Scratch::new();
    scratch.settings.max_size = 1200;
    let audit = scratch.open();
    for _ in 0..10 {
        record(&audit);
    }
    drop(audit);
    // Killed between moving the old file away and the new one in.
    let newest = scratch.beside("audit.jsonl.1");
    for number in (1..=9).rev() {
        let from = scratch.beside(&format!("audit.jsonl.{number}"));
        if from.exists() {
            let to = scratch.beside(&format!("audit.jsonl.{}", number + 1));
            fs::rename(from, to).expect("moved");
        }
    }
    fs::rename(scratch.file(), newest).expect("moved");
    fs::write(scratch.beside("audit.jsonl.new"), "half a line").expect("written");
    let audit = scratch.open();
    record(&audit);
    assert!(!scratch.beside("audit.jsonl.new").exists());
    let report = scratch.verdict().expect("whole");
    assert_eq!((report.first, report.decisions), (1, 11));
}

#[test]
fn a_hash_from_elsewhere_shows_that_the_end_was_cut() {
    let scratch = Scratch::new();
    let audit = scratch.open();
    record(&audit);
    let files = [scratch.file()];
    let first = audit.head().hash;
    record(&audit);
    let second = audit.head().hash;
    drop(audit);
    for hash in [first, second] {
        verify(&files, Some(hash)).expect("whole");
    }
    let text = scratch.text();
    let lines: Vec<_> = text.lines().collect();
    fs::write(scratch.file(), lines[..2].join("\n") + "\n").expect("cut");
    verify(&files, None).expect("nobody sees that");
    verify(&files, Some(first)).expect("whole");
    let missing = verify(&files, Some(second)).expect_err("cut");
    assert!(matches!(missing, Failure::Missing(hash) if hash == second));
}

#[test]
fn whoever_has_no_room_writes_no_half_line() {
    let scratch = Scratch::new();
    let audit = scratch.open();
    record(&audit);
    // As if a write had been cut short where truncating is not allowed.
    let mut file = OpenOptions::new()
        .append(true)
        .open(scratch.file())
        .expect("a file");
    file.write_all(b"{\"seq\":3,\"time").expect("written");
    record(&audit);
    let report = scratch.verdict().expect("whole");
    assert_eq!((report.torn.len(), report.decisions), (1, 2));
    drop(audit);
}

#[test]
fn threads_share_one_chain() {
    let mut scratch = Scratch::new();
    scratch.settings.max_size = 20_000;
    scratch.settings.keep = 100;
    let audit = scratch.open();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..200).for_each(|_| record(&audit)));
        }
    });
    assert_eq!(scratch.verdict().expect("whole").decisions, 1600);
}

#[test]
fn changes_of_the_first_line_are_told_as_such() {
    let scratch = Scratch::new();
    record(&scratch.open());
    let text = scratch.text();
    let (_, rest) = text.split_once('\n').expect("lines");
    fs::write(scratch.file(), rest).expect("written");
    match verify(&[scratch.file()], None) {
        Err(Failure::Broken(fault)) => assert_eq!(fault.wrong, Wrong::BeginningRemoved),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_audit_that_cannot_be_rotated_grows_on() {
    let mut scratch = Scratch::new();
    scratch.settings.max_size = 500;
    scratch.settings.keep = 1;
    fs::create_dir_all(scratch.beside("audit.jsonl.1/full")).expect("folders");
    let audit = scratch.open();
    for _ in 0..20 {
        record(&audit);
    }
    assert!(!scratch.beside("audit.jsonl.new").exists());
    let report = scratch.verdict_of(&[scratch.file()]).expect("whole");
    assert_eq!(report.decisions, 20);
}

/// Asks for something until `recorded` is what comes of it, at most for a minute.
#[track_caller]
fn await_recorded(audit: &Audit, recorded: bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    let attempt = || audit.record(&Record::new("open", Outcome::Allowed)).is_ok();
    while attempt() != recorded {
        assert!(Instant::now() < deadline, "{recorded}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn nothing_is_recorded_while_the_disk_does_not_take_it() {
    static IS_BROKEN: AtomicBool = AtomicBool::new(false);
    fn sync(file: &File) -> io::Result<()> {
        match IS_BROKEN.load(Ordering::SeqCst) {
            true => Err(io::Error::from_raw_os_error(nix::libc::EIO)),
            false => file.sync_data(),
        }
    }
    let scratch = Scratch::new();
    let audit = Audit::open_with(&scratch.settings, sync).expect("an audit");
    record(&audit);
    IS_BROKEN.store(true, Ordering::SeqCst);
    await_recorded(&audit, false);
    assert!(audit.counts().failed > 0);
    IS_BROKEN.store(false, Ordering::SeqCst);
    await_recorded(&audit, true);
    drop(audit);
    let told = r#""event":"synced","reason":"i/o error""#;
    assert!(scratch.text().contains(told), "{}", scratch.text());
    scratch.verdict().expect("whole");
}
