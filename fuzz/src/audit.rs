//! Any file is verified or told where it is wrong, and no edit of a whole chain passes for whole.

use std::fs;
use std::path::Path;

use escrun::daemon::audit::verify::{Failure, Report, Verifier};
use escrun::daemon::audit::{Audit, Outcome, Record};
use escrun::daemon::settings::Audit as Settings;

/// Takes an edit in its first four bytes (where, how much, and how), and then texts of peers, one a line; and all of it as
/// a file.
pub fn check(data: &[u8]) {
    // Whatever it is, it is judged.
    let _ = verify(data);
    let Some((edit, texts)) = data.split_at_checked(4) else {
        return;
    };
    let whole = chain(texts);
    let report = verify(&whole).expect("a chain that was just written");
    assert_eq!(report.torn, []);
    let edited = edited(&whole, edit);
    // What cannot be told is that lines are missing at the end. What stands there without a line feed is told as a line that
    // broke off.
    let lines = edited.iter().rposition(|byte| *byte == b'\n');
    let lines = &edited[..lines.map_or(0, |end| end + 1)];
    let is_of_the_end = whole.starts_with(lines);
    match verify(&edited) {
        Ok(told) if edited == whole => assert_eq!(told, report),
        Ok(told) => {
            assert!(is_of_the_end, "an edit is not told");
            let is_longer = edited.len() > lines.len();
            assert_eq!(told.torn.len(), usize::from(is_longer));
            assert!(is_longer || told.lines < report.lines);
        }
        Err(_) => assert!(edited != whole, "a whole chain is told to be broken"),
    }
}

fn verify(file: &[u8]) -> Result<Report, Failure> {
    let mut verifier = Verifier::new(None);
    verifier.read(Path::new("audit"), file)?;
    verifier.finish()
}

/// The file of a daemon that was asked these things.
fn chain(texts: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings::new(folder.path().join("audit"), false);
    let audit = Audit::open(&settings).expect("an audit");
    for text in texts.split(|byte| *byte == b'\n').take(8) {
        let text = String::from_utf8_lossy(text);
        let record = Record {
            path: Some(&text),
            ..Record::new("value", Outcome::Denied)
        };
        audit.record(&record).expect("recorded");
    }
    drop(audit);
    let file = fs::read(&settings.file).expect("a file");
    for line in file.split_inclusive(|byte| *byte == b'\n') {
        let line: serde_json::Value = serde_json::from_slice(line).expect("JSON");
        assert!(line["decision"] == "denied" || line["event"].is_string());
    }
    file
}

fn edited(file: &[u8], edit: &[u8]) -> Vec<u8> {
    let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % file.len();
    let (before, behind) = file.split_at(at);
    let end = usize::from(edit[2]).min(behind.len());
    match edit[3] % 4 {
        0 => [before, &behind[end..]].concat(),
        1 => [before, &behind[..end], behind].concat(),
        2 => [before, &[behind[0] ^ edit[2]], &behind[1..]].concat(),
        _ => [before, &[edit[2]], behind].concat(),
    }
}
