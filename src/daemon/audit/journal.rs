//! Tells the journal of every record too, with the hash of its line: what was told there cannot be taken back by who can
//! write the file.

use super::chain::Head;
use super::record::{Outcome, Record};
use crate::daemon::peer::Peer;
use crate::log::{Entry, Journal};
use crate::quote::quoted;

/// What finds these entries: `journalctl MESSAGE_ID=…`.
const MESSAGE_ID: &str = "3e5b2d0f8c1a4f6d9b7e60a1c4d8f215";

/// Longer texts are not told the journal, in bytes.
const LONGEST_FIELD: usize = 1 << 10;

/// The journal, as long as it takes entries. It is never waited for.
pub(super) struct AuditJournal {
    journal: Journal,
    /// How many entries it did not take since the last that it did.
    lost: u64,
}

impl AuditJournal {
    /// The journal of this machine, if there is one.
    pub(super) fn open() -> Option<Self> {
        Some(Self {
            journal: Journal::connect()?,
            lost: 0,
        })
    }

    /// Tells it of a record, whose line is `head`.
    pub(super) fn record(&mut self, record: &Record<'_>, head: &Head) {
        let mut entry = Entry::new(level(record.outcome), &sentence(record));
        entry.field("ESCRUN_CALL", record.call);
        entry.field("ESCRUN_DECISION", record.outcome.word());
        let environments = record.environments.join(",");
        let texts = [
            ("ESCRUN_ENVIRONMENTS", Some(&*environments)),
            ("ESCRUN_PATH", record.path),
            ("ESCRUN_SUBJECT", record.subject),
            ("ESCRUN_REVISION", record.revision),
            ("ESCRUN_REASON", record.outcome.reason()),
            ("ESCRUN_RULE", record.rule),
            ("ESCRUN_REFUSED", record.refused),
        ];
        for (name, text) in texts {
            optional(&mut entry, name, text);
        }
        if let Some(peer) = record.peer {
            entry.field("ESCRUN_PEER_UID", &peer.user.to_string());
            entry.field("ESCRUN_PEER_GID", &peer.group.to_string());
            if let Some(pid) = peer.pid {
                entry.field("ESCRUN_PEER_PID", &pid.to_string());
            }
            optional(&mut entry, "ESCRUN_PEER_UNIT", peer.unit.as_deref());
            optional(
                &mut entry,
                "ESCRUN_PEER_USER_UNIT",
                peer.user_unit.as_deref(),
            );
            optional(&mut entry, "ESCRUN_PEER_CGROUP", peer.cgroup.as_deref());
        }
        self.send(entry, head);
    }

    /// Tells it how far the file is.
    pub(super) fn head(&mut self, head: &Head) {
        let message = format!("the audit ends with line {}", head.seq);
        self.send(Entry::new(tracing::Level::INFO, &message), head);
    }

    fn send(&mut self, mut entry: Entry, head: &Head) {
        entry.field("MESSAGE_ID", MESSAGE_ID);
        entry.field("ESCRUN_AUDIT_SEQ", &head.seq.to_string());
        entry.field("ESCRUN_AUDIT_HASH", &head.hash.to_string());
        if self.lost > 0 {
            entry.field("ESCRUN_AUDIT_LOST", &self.lost.to_string());
        }
        match self.journal.send(&entry) {
            Ok(()) => self.lost = 0,
            Err(_) => self.lost += 1,
        }
    }
}

fn level(outcome: Outcome) -> tracing::Level {
    match outcome {
        Outcome::Allowed => tracing::Level::INFO,
        Outcome::Denied | Outcome::Failed(_) => tracing::Level::WARN,
    }
}

fn optional(entry: &mut Entry, name: &str, text: Option<&str>) {
    if let Some(text) = text
        && !text.is_empty()
    {
        entry.field(name, cut(text));
    }
}

fn cut(text: &str) -> &str {
    match text.char_indices().find(|(at, _)| *at >= LONGEST_FIELD) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// What people read.
fn sentence(record: &Record<'_>) -> String {
    let mut sentence = record.peer.map_or_else(|| "escrun".to_owned(), who);
    sentence += ": ";
    sentence += record.call;
    for environment in record.environments.iter().take(8) {
        sentence += " ";
        sentence += &quoted(cut(environment));
    }
    if let Some(subject) = record.subject {
        sentence += " ";
        sentence += &quoted(cut(subject));
    }
    sentence += ": ";
    sentence += record.outcome.word();
    if let Some(reason) = record.outcome.reason() {
        sentence += ": ";
        sentence += reason;
    }
    if let Some(refused) = record.refused {
        sentence += ", since it reaches ";
        sentence += &quoted(cut(refused));
    }
    if let Some(rule) = record.rule {
        sentence += ", by the rule ";
        sentence += &quoted(cut(rule));
    }
    sentence
}

fn who(peer: &Peer) -> String {
    let unit = peer.user_unit.as_deref().or(peer.unit.as_deref());
    let user = peer.user;
    match (unit, peer.pid) {
        (Some(unit), _) => format!("{} (uid {user})", quoted(cut(unit))),
        (None, Some(pid)) => format!("process {pid} (uid {user})"),
        (None, None) => format!("uid {user}"),
    }
}
