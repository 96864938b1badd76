//! The journal's own protocol: fields in a datagram (systemd.io, "Native Journal Protocol").

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use tracing::Level;

use super::record::Record;

/// Fields that say why.
const REASONS: [&str; 2] = ["reason", "error"];

/// Where the journal listens.
pub(super) const SOCKET: &str = "/run/systemd/journal/socket";

/// Whether standard error leads into the journal: `stream` is the variable `JOURNAL_STREAM`, which names the device and the
/// inode of what does (systemd.exec(5)). It is inherited by what has its output elsewhere, so it must be compared.
pub fn is_standard_error(stream: &OsStr) -> bool {
    let found = io::stderr()
        .as_fd()
        .try_clone_to_owned()
        .and_then(|descriptor| File::from(descriptor).metadata());
    let Ok(found) = found else {
        return false;
    };
    *stream == *format!("{}:{}", found.dev(), found.ino())
}

/// A way to the journal, for who has more to tell than events have fields. It is never waited for.
pub struct Journal {
    socket: UnixDatagram,
}

impl Journal {
    /// A way to that of this machine, if there is one now.
    pub fn connect() -> Option<Self> {
        Self::open(Path::new(SOCKET))
    }

    /// Hands an entry over.
    ///
    /// # Errors
    /// Those of sendto(2): `WouldBlock` if it has too much to do, others if it is gone.
    pub fn send(&self, entry: &Entry) -> io::Result<()> {
        self.send_to(entry, Path::new(SOCKET))
    }

    /// A way to it, if there is one now.
    pub(super) fn open(path: &Path) -> Option<Self> {
        let socket = UnixDatagram::unbound().ok()?;
        socket.set_nonblocking(true).ok()?;
        socket.connect(path).ok()?;
        // Not to stay connected: the journal may be started again.
        let socket = UnixDatagram::unbound().ok()?;
        socket.set_nonblocking(true).ok()?;
        Some(Self { socket })
    }

    /// Hands an entry over.
    ///
    /// # Errors
    /// Those of sendto(2): `WouldBlock` if it has too much to do, others if it is gone.
    pub(super) fn send_to(&self, entry: &Entry, path: &Path) -> io::Result<()> {
        self.socket.send_to(&entry.0, path).map(|_| ())
    }
}

/// What the journal takes: fields.
pub struct Entry(Vec<u8>);

impl Entry {
    /// An entry that says something in words.
    pub fn new(level: Level, message: &str) -> Self {
        // syslog(3).
        let priority = match level {
            Level::ERROR => "3",
            Level::WARN => "4",
            Level::INFO => "6",
            Level::DEBUG | Level::TRACE => "7",
        };
        let mut entry = Self(Vec::new());
        entry.field("MESSAGE", message);
        entry.field("PRIORITY", priority);
        entry.field("SYSLOG_IDENTIFIER", "escrun");
        entry
    }

    /// A record as the journal takes it. Our own fields are `ESCRUN_CHILD` and the like. Why something is as it is, and
    /// what helps, stand in the message too: that is all that is shown unless somebody asks for more.
    pub(super) fn of(record: &Record) -> Self {
        let text = |names: &[&str]| {
            let fields = record.fields.iter();
            let mut texts = fields.filter(|(name, _)| names.contains(name));
            texts.next().map(|(_, value)| value.to_string())
        };
        let mut message = record.message.clone();
        if let Some(reason) = text(&REASONS) {
            message += &format!(": {reason}");
        }
        if let Some(hint) = text(&["hint"]).filter(|hint| !hint.is_empty()) {
            message += &format!(" ({hint})");
        }
        let mut entry = Self::new(record.level, &message);
        for (name, value) in &record.fields {
            let name = format!("ESCRUN_{}", name.to_ascii_uppercase());
            entry.field(&name, &value.to_string());
        }
        entry
    }

    /// Adds a field, whose name is of upper-case letters, digits and `_`: `NAME=value`, or, if that has more lines, the
    /// name, the length of the value in bytes, and the value.
    pub fn field(&mut self, name: &str, value: &str) {
        let bytes = &mut self.0;
        bytes.extend(name.as_bytes());
        if value.contains('\n') {
            bytes.push(b'\n');
            bytes.extend((value.len() as u64).to_le_bytes());
        } else {
            bytes.push(b'=');
        }
        bytes.extend(value.as_bytes());
        bytes.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::Value;
    use super::*;

    fn record(message: &str) -> Record {
        Record {
            level: Level::WARN,
            message: message.into(),
            fields: vec![("child", Value::Number(7))],
        }
    }

    #[test]
    fn values_of_one_line_are_text_and_others_have_a_length() {
        assert_eq!(
            Entry::of(&record("a=b")).0,
            b"MESSAGE=a=b\nPRIORITY=4\nSYSLOG_IDENTIFIER=escrun\nESCRUN_CHILD=7\n"
        );
        assert!(
            Entry::of(&record("a\nb"))
                .0
                .starts_with(b"MESSAGE\n\x03\0\0\0\0\0\0\0a\nb\nPRIORITY=4\n")
        );
    }

    #[test]
    fn a_message_says_why() {
        let mut record = record("refused");
        let reason = Value::Text("the file is gone".into());
        record.fields.push(("reason", reason));
        let entry = Entry::of(&record).0;
        assert!(entry.starts_with(b"MESSAGE=refused: the file is gone\n"));
        assert!(entry.ends_with(b"ESCRUN_REASON=the file is gone\n"));
        record
            .fields
            .push(("hint", Value::Text("put it back".into())));
        let entry = Entry::of(&record).0;
        assert!(entry.starts_with(b"MESSAGE=refused: the file is gone (put it back)\n"));
    }

    #[test]
    fn entries_reach_whoever_listens() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        assert!(Journal::open(&path).is_none());
        let listener = UnixDatagram::bind(&path).expect("a socket");
        let journal = Journal::open(&path).expect("a journal");
        journal
            .send_to(&Entry::of(&record("hello")), &path)
            .expect("taken");
        let mut buffer = [0; 100];
        let length = listener.recv(&mut buffer).expect("an entry");
        assert!(buffer[..length].starts_with(b"MESSAGE=hello\n"));
        // It is started again.
        drop(listener);
        std::fs::remove_file(&path).expect("removed");
        assert!(journal.send_to(&Entry::of(&record("lost")), &path).is_err());
        let _listener = UnixDatagram::bind(&path).expect("a socket");
        journal
            .send_to(&Entry::of(&record("again")), &path)
            .expect("taken");
    }

    #[test]
    fn a_stream_of_others_is_not_ours() {
        assert!(!is_standard_error(OsStr::new("0:0")));
        assert!(!is_standard_error(OsStr::new("")));
    }
}
