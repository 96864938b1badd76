//! The lines: records of what was decided, and events of the file itself.

use std::io::Write as _;
use std::sync::Arc;
use std::time::SystemTime;

use super::chain::{self, BEFORE_TIME, Digest, Head, START};
use super::record::{Outcome, Record};
use super::text::string;
use crate::daemon::peer::Peer;
use crate::daemon::policy::Action;

/// The most that the names of environments take of a line, in bytes. All of what is below is less than
/// [`chain::LONGEST_LINE`] together.
const MOST_ENVIRONMENTS: usize = 8 << 10;

/// The same of a line that says that something is denied, in bytes.
const MOST_DENIED: usize = 1 << 10;

/// The most that the names of variables and files take of a line, in bytes.
const MOST_VARIABLES: usize = 32 << 10;

/// The most that a path takes, in bytes.
const LONGEST_PATH: usize = 1 << 10;

/// The most that any other text takes, in bytes.
const LONGEST_NAME: usize = 256;

/// What a line says.
pub(super) enum Line<'l, 'r> {
    /// What was decided.
    Record(&'l Record<'r>),
    /// What became of the file.
    Event(Event<'l>),
}

/// What became of the file.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event<'a> {
    /// It is new: the first line of every file.
    File(Reason),
    /// The daemon goes on with one that is there.
    Start,
    /// The daemon ends.
    Stop,
    /// Bytes in front of this line are the beginning of one that never became whole.
    Torn(Remains),
    /// Bytes in front of this line are none that were written there.
    Damaged(Remains),
    /// The file is shorter than it was.
    Cut {
        /// How much of it is missing, in bytes.
        missing: u64,
    },
    /// What was written could not be brought to the disk for a while.
    Synced {
        /// Why not.
        reason: &'a str,
    },
}

/// Why a file was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// There was none.
    New,
    /// The one before was full.
    Rotated,
    /// The one before was moved away.
    Reopened,
    /// The one before was deleted.
    Deleted,
    /// The one before is the same, emptied.
    Emptied,
}

/// What is left of something, in front of the line that tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Remains {
    /// How much, in bytes, the line feed that ends it included.
    pub(super) bytes: u64,
    /// Its SHA-256.
    pub(super) digest: Digest,
}

impl Reason {
    fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Rotated => "rotated",
            Self::Reopened => "reopened",
            Self::Deleted => "deleted",
            Self::Emptied => "emptied",
        }
    }
}

impl Line<'_, '_> {
    /// Writes the line that comes after `head`, with its line feed; gives the new head.
    pub(super) fn write(&self, line: &mut Vec<u8>, head: Head, time: SystemTime) -> Head {
        let seq = head.seq + 1;
        line.extend(START);
        number(line, seq);
        line.extend(BEFORE_TIME);
        let time = humantime::format_rfc3339_micros(time);
        // A Vec takes all.
        let _ = write!(line, "{time}\"");
        match self {
            Self::Record(record) => write_record(line, record),
            Self::Event(event) => write_event(line, event),
        }
        let hash = chain::seal(line, head.hash);
        Head { seq, hash }
    }
}

fn write_record(line: &mut Vec<u8>, record: &Record<'_>) {
    if let Some(peer) = record.peer {
        write_peer(line, peer);
    }
    text(line, "call", record.call.as_bytes(), LONGEST_NAME);
    optional(
        line,
        "action",
        record.action.map(Action::name),
        LONGEST_NAME,
    );
    let most = match record.outcome {
        // Anybody can name anything.
        Outcome::Denied => MOST_DENIED,
        _ => MOST_ENVIRONMENTS,
    };
    list(line, "environments", record.environments, most);
    optional(line, "path", record.path, LONGEST_PATH);
    optional(line, "subject", record.subject, LONGEST_NAME);
    list(line, "variables", record.variables, MOST_VARIABLES);
    optional(line, "revision", record.revision, LONGEST_NAME);
    text(
        line,
        "decision",
        record.outcome.word().as_bytes(),
        LONGEST_NAME,
    );
    optional(line, "reason", record.outcome.reason(), LONGEST_NAME);
    optional(line, "rule", record.rule, LONGEST_NAME);
    optional(line, "refused", record.refused, LONGEST_NAME);
}

fn write_peer(line: &mut Vec<u8>, peer: &Peer) {
    line.extend(b",\"peer\":{\"uid\":");
    number(line, peer.user.into());
    key(line, "gid");
    number(line, peer.group.into());
    if let Some(pid) = peer.pid {
        key(line, "pid");
        number(line, pid.unsigned_abs().into());
    }
    optional(line, "unit", peer.unit.as_deref(), LONGEST_NAME);
    optional(line, "userUnit", peer.user_unit.as_deref(), LONGEST_NAME);
    optional(line, "cgroup", peer.cgroup.as_deref(), LONGEST_PATH);
    if let Some(executable) = &peer.executable {
        let path = executable.as_os_str().as_encoded_bytes();
        text(line, "exe", path, LONGEST_PATH);
    }
    optional(line, "name", peer.name.as_deref(), LONGEST_NAME);
    line.push(b'}');
}

fn write_event(line: &mut Vec<u8>, event: &Event<'_>) {
    let name = match event {
        Event::File(_) => "file",
        Event::Start => "start",
        Event::Stop => "stop",
        Event::Torn(_) => "torn",
        Event::Damaged(_) => "damaged",
        Event::Cut { .. } => "cut",
        Event::Synced { .. } => "synced",
    };
    text(line, "event", name.as_bytes(), LONGEST_NAME);
    match event {
        Event::File(reason) => {
            text(line, "reason", reason.word().as_bytes(), LONGEST_NAME);
            process(line);
        }
        Event::Start => process(line),
        Event::Torn(remains) | Event::Damaged(remains) => {
            key(line, "bytes");
            number(line, remains.bytes);
            text(line, "digest", &remains.digest.digits(), LONGEST_NAME);
        }
        Event::Cut { missing } => {
            key(line, "bytes");
            number(line, *missing);
        }
        Event::Synced { reason } => text(line, "reason", reason.as_bytes(), LONGEST_NAME),
        Event::Stop => {}
    }
}

fn process(line: &mut Vec<u8>) {
    key(line, "pid");
    number(line, std::process::id().into());
}

fn key(line: &mut Vec<u8>, name: &str) {
    line.extend(b",\"");
    line.extend(name.bytes());
    line.extend(b"\":");
}

fn text(line: &mut Vec<u8>, name: &str, value: &[u8], limit: usize) {
    key(line, name);
    string(line, value, limit);
}

fn optional(line: &mut Vec<u8>, name: &str, value: Option<&str>, limit: usize) {
    if let Some(value) = value {
        text(line, name, value.as_bytes(), limit);
    }
}

/// A list of texts; nothing if there are none. How many had no place is told by `nameOmitted`.
fn list(line: &mut Vec<u8>, name: &str, values: &[Arc<str>], limit: usize) {
    if values.is_empty() {
        return;
    }
    key(line, name);
    line.push(b'[');
    let end = line.len() + limit;
    let mut given = 0;
    for value in values {
        if line.len() >= end {
            break;
        }
        if given > 0 {
            line.push(b',');
        }
        string(line, value.as_bytes(), LONGEST_NAME);
        given += 1;
    }
    line.push(b']');
    let omitted = values.len() - given;
    if omitted > 0 {
        key(line, &format!("{name}Omitted"));
        number(line, omitted as u64);
    }
}

fn number(line: &mut Vec<u8>, number: u64) {
    // A Vec takes all.
    let _ = write!(line, "{number}");
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;
    use crate::daemon::audit::record::Outcome;

    fn write(line: &Line<'_, '_>) -> String {
        let mut text = Vec::new();
        let time = SystemTime::UNIX_EPOCH + Duration::from_micros(1_700_000_000_000_042);
        let head = line.write(&mut text, Head::default(), time);
        assert!(text.len() <= chain::LONGEST_LINE, "{} bytes", text.len());
        assert_eq!(text.pop(), Some(b'\n'));
        assert_eq!(chain::read(&text).expect("a line").head(), head);
        let text = String::from_utf8(text).expect("UTF-8");
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert!(value.is_object());
        text
    }

    fn names(names: &[&str]) -> Vec<Arc<str>> {
        names.iter().map(|name| Arc::from(*name)).collect()
    }

    #[test]
    fn a_record_says_all_that_is_known() {
        let peer = Peer {
            user: 999,
            group: 998,
            pid: Some(12),
            unit: Some("web.service".into()),
            cgroup: Some("/system.slice/web.service".into()),
            executable: Some(PathBuf::from("/usr/bin/node")),
            name: Some("node".into()),
            ..Peer::default()
        };
        let environments = names(&["auth-service", "production"]);
        let variables = names(&["API_KEY", "PORT"]);
        let record = Record {
            peer: Some(&peer),
            action: Some(Action::Open),
            environments: &environments,
            variables: &variables,
            revision: Some("abc"),
            rule: Some("web"),
            ..Record::new("open", Outcome::Allowed)
        };
        let text = write(&Line::Record(&record));
        let expected = concat!(
            r#"{"seq":1,"time":"2023-11-14T22:13:20.000042Z","peer":{"uid":999,"gid":998,"pid":12,"unit":"web.service","#,
            r#""cgroup":"/system.slice/web.service","exe":"/usr/bin/node","name":"node"},"call":"open","action":"open","#,
            r#""environments":["auth-service","production"],"variables":["API_KEY","PORT"],"revision":"abc","#,
            r#""decision":"allowed","rule":"web","prev":"00000000"#
        );
        assert!(text.starts_with(expected), "{text}");
    }

    #[test]
    fn a_line_without_a_peer_has_no_more_than_it_needs() {
        let record = Record::new("lock", Outcome::Failed("locked"));
        let text = write(&Line::Record(&record));
        assert!(
            text.contains(r#"Z","call":"lock","decision":"failed","reason":"locked","prev":"#),
            "{text}"
        );
    }

    #[test]
    fn hostile_peers_neither_break_out_nor_fill_the_disk() {
        let hostile = "\",\"decision\":\"allowed\"}\n\0\u{202e}".repeat(10_000);
        let name = || Some(hostile.as_str().into());
        let peer = Peer {
            user: u32::MAX,
            pid: Some(i32::MIN),
            unit: name(),
            user_unit: name(),
            cgroup: name(),
            executable: Some(PathBuf::from(&hostile)),
            name: name(),
            ..Peer::default()
        };
        let many = vec![Arc::from(hostile.as_str()); 10_000];
        let record = Record {
            peer: Some(&peer),
            environments: &many,
            path: Some(&hostile),
            subject: Some(&hostile),
            variables: &many,
            revision: Some(&hostile),
            rule: Some(&hostile),
            refused: Some(&hostile),
            ..Record::new(&hostile, Outcome::Denied)
        };
        let text = write(&Line::Record(&record));
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["decision"], "denied");
        assert_eq!(value["peer"]["uid"], u32::MAX);
        let given = value["environments"].as_array().expect("a list").len() as u64;
        assert_eq!(value["environmentsOmitted"], 10_000 - given);
    }

    #[test]
    fn events_tell_of_the_file() {
        let remains = Remains {
            bytes: 7,
            digest: Digest::of(b"torn"),
        };
        for (event, expected) in [
            (
                Event::File(Reason::Rotated),
                r#""event":"file","reason":"rotated","pid":"#,
            ),
            (Event::Start, r#""event":"start","pid":"#),
            (Event::Stop, r#""event":"stop","prev":"#),
            (
                Event::Torn(remains),
                r#""event":"torn","bytes":7,"digest":""#,
            ),
            (
                Event::Damaged(remains),
                r#""event":"damaged","bytes":7,"digest":""#,
            ),
            (
                Event::Cut { missing: 3 },
                r#""event":"cut","bytes":3,"prev":"#,
            ),
            (
                Event::Synced { reason: "x" },
                r#""event":"synced","reason":"x","prev":"#,
            ),
        ] {
            let text = write(&Line::Event(event));
            assert!(text.contains(expected), "{text}");
        }
    }
}
