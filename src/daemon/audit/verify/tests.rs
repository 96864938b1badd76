//! Any edit of a chain is found.

use std::fs;

use proptest::prelude::*;

use super::*;
use crate::daemon::audit::{Audit, Outcome, Record};
use crate::daemon::settings::Audit as Settings;

/// The lines of a chain, and its files.
fn chain(max_size: u64) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("audit");
    let settings = Settings {
        max_size,
        keep: 10,
        ..Settings::new(&file, false)
    };
    for torn in [&b"{\"seq\":"[..], b""] {
        let audit = Audit::open(&settings).expect("an audit");
        for call in ["open", "value", "watch", "\n\"", "open", "open"] {
            let record = Record::new(call, Outcome::Denied);
            audit.record(&record).expect("recorded");
        }
        drop(audit);
        let text = fs::read(&file).expect("a file");
        fs::write(&file, [&text, torn].concat()).expect("written");
    }
    let files = super::super::files_of(&file).expect("files");
    let read = files.iter().map(|file| fs::read(file).expect("a file"));
    read.collect()
}

fn check(files: &[Vec<u8>]) -> Result<Report, Failure> {
    let mut verifier = Verifier::new(None);
    for file in files {
        verifier.read(Path::new("file"), &file[..])?;
    }
    verifier.finish()
}

/// What makes another file of one.
#[derive(Clone, Debug)]
enum Edit {
    Flip(u8),
    Insert(Vec<u8>),
    Remove(usize),
    RemoveLine,
    RepeatLine,
    ExchangeLines,
}

fn edits() -> impl Strategy<Value = Edit> {
    prop_oneof![
        (1..=255u8).prop_map(Edit::Flip),
        prop::collection::vec(any::<u8>(), 1..100).prop_map(Edit::Insert),
        (1..3000usize).prop_map(Edit::Remove),
        Just(Edit::RemoveLine),
        Just(Edit::RepeatLine),
        Just(Edit::ExchangeLines),
    ]
}

fn edit(file: &[u8], edit: &Edit, place: f64) -> Vec<u8> {
    let at = ((file.len() as f64) * place) as usize;
    let (before, behind) = file.split_at(at);
    let mut lines: Vec<_> = file.split_inclusive(|byte| *byte == b'\n').collect();
    let line = before.iter().filter(|byte| **byte == b'\n').count();
    match edit {
        Edit::Flip(bits) => [before, &[behind[0] ^ bits], &behind[1..]].concat(),
        Edit::Insert(bytes) => [before, bytes, behind].concat(),
        Edit::Remove(count) => [before, behind.get(*count..).unwrap_or_default()].concat(),
        Edit::RemoveLine => {
            lines.remove(line);
            lines.concat()
        }
        Edit::RepeatLine => {
            lines.insert(line, lines[line]);
            lines.concat()
        }
        Edit::ExchangeLines => {
            let other = (line + 1) % lines.len();
            lines.swap(line, other);
            lines.concat()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Only that the last lines are missing cannot be seen, and that the last one broke off is told.
    #[test]
    fn any_edit_is_found(
        place in 0.0..1.0f64,
        which in 0..4usize,
        change in edits(),
        is_rotated in any::<bool>(),
    ) {
        thread_local! {
            static CHAINS: [Vec<Vec<u8>>; 2] = [chain(0), chain(1000)];
        }
        let mut files = CHAINS.with(|chains| chains[usize::from(is_rotated)].clone());
        let whole = check(&files).expect("whole");
        prop_assert_eq!(whole.torn.len(), 1);
        let which = which % files.len();
        let edited = edit(&files[which], &change, place);
        // Behind the last line feed is what is told as a line that broke off.
        let lines = edited.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let is_of_the_end = which == files.len() - 1 && files[which].starts_with(&edited[..lines]);
        prop_assume!(edited != files[which]);
        files[which] = edited;
        match check(&files) {
            Err(Failure::Broken(_)) => {}
            Ok(report) if is_of_the_end => {
                prop_assert!(report.head != whole.head || report.torn != whole.torn);
            }
            other => prop_assert!(false, "{:?} in file {}: {:?}", change, which, other),
        }
    }
}

#[test]
fn what_is_wrong_is_told_by_line() {
    let [file] = &chain(0)[..] else {
        panic!("one file");
    };
    let lines: Vec<_> = file.split_inclusive(|byte| *byte == b'\n').collect();
    let pick = |numbers: &[usize]| {
        let picked = numbers.iter().map(|number| lines[*number - 1]);
        picked.collect::<Vec<_>>().concat()
    };
    for (numbers, line, wrong) in [
        (&[2, 3][..], 1, Wrong::BeginningRemoved),
        (&[1, 2, 4], 3, Wrong::Missing(1)),
        (&[1, 2, 5], 3, Wrong::Missing(2)),
        (
            &[1, 2, 3, 2],
            4,
            Wrong::OutOfOrder {
                number: 2,
                after: 3,
            },
        ),
        (&[1, 2, 1], 3, Wrong::Anew),
    ] {
        match check(&[pick(numbers)]) {
            Err(Failure::Broken(fault)) => {
                assert_eq!((fault.line, fault.wrong), (line, wrong), "{numbers:?}");
            }
            other => panic!("{numbers:?}: {other:?}"),
        }
    }
    // A chain of another daemon has other hashes.
    let other = chain(0).remove(0);
    let other: Vec<_> = other.split_inclusive(|byte| *byte == b'\n').collect();
    let mixed = [lines[0], lines[1], other[2]].concat();
    assert!(matches!(
        check(&[mixed]),
        Err(Failure::Broken(Fault {
            line: 3,
            wrong: Wrong::Exchanged,
            ..
        }))
    ));
}
