//! All that descends from a process: who that is, and signals to all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::sys::children::Pid;
use crate::sys::signal::{Signal, Target, send};

/// How often a family is looked at anew while it is killed: a member may fork before it dies.
const ROUNDS: usize = 32;

/// Sends `signal` to every descendant of this process, as far as /proc shows them.
pub(super) fn signal_descendants(signal: Signal) {
    for pid in descendants(Pid::own()) {
        // Who is gone needs no signal.
        let _ = send(Target::Process(pid), signal);
    }
}

/// Kills every descendant of this process, those that are forked meanwhile too.
pub(super) fn kill_descendants() {
    kill_descendants_of(Pid::own());
}

/// Kills a child of this process and all that descends from it.
pub(super) fn kill_with_descendants(child: Pid) {
    // First of all it forks no more. Who is gone needs no signal.
    let _ = send(Target::Process(child), Signal::STOP);
    kill_descendants_of(child);
    let _ = send(Target::Group(child), Signal::KILL);
    let _ = send(Target::Process(child), Signal::KILL);
}

fn kill_descendants_of(ancestor: Pid) {
    let mut killed = BTreeSet::new();
    for _ in 0..ROUNDS {
        let alive = descendants(ancestor);
        if alive.iter().all(|pid| killed.contains(pid)) {
            return;
        }
        for pid in alive {
            let _ = send(Target::Process(pid), Signal::KILL);
            killed.insert(pid);
        }
    }
}

/// Whether a process is `ancestor` or descends from it; nothing if that cannot be told any more.
pub(super) fn is_of_family(pid: Pid, ancestor: Pid) -> Option<bool> {
    let mut pid = pid;
    // Deeper than any family is: parents that change meanwhile cannot lead in circles for ever.
    for _ in 0..1000 {
        if pid == ancestor {
            return Some(true);
        }
        let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
        match state_and_parent(&stat) {
            Some((_, parent)) => pid = parent,
            None => return Some(false),
        }
    }
    Some(false)
}

/// The living descendants of a process.
fn descendants(of: Pid) -> Vec<Pid> {
    let mut children: BTreeMap<Pid, Vec<Pid>> = BTreeMap::new();
    let Ok(folder) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    for entry in folder.flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.parse().ok());
        let Some(pid) = pid.and_then(Pid::from_number) else {
            continue;
        };
        let stat = fs::read(entry.path().join("stat")).unwrap_or_default();
        if let Some((state, parent)) = state_and_parent(&stat)
            && state != b'Z'
        {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = Vec::new();
    let mut next = vec![of];
    while let Some(parent) = next.pop() {
        // Taken out, so that not even a table that changed while it was read can lead in circles.
        for child in children.remove(&parent).unwrap_or_default() {
            found.push(child);
            next.push(child);
        }
    }
    found
}

/// The state and the parent of a process by its /proc/PID/stat. The name before them is in parentheses, and may hold
/// any byte.
fn state_and_parent(stat: &[u8]) -> Option<(u8, Pid)> {
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = str::from_utf8(&stat[end + 1..]).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let state = *fields.next()?.as_bytes().first()?;
    let parent = fields.next()?.parse().ok().and_then(Pid::from_number)?;
    Some((state, parent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_are_of_the_family() {
        let own = Pid::own();
        let parent = crate::sys::children::parent();
        assert_eq!(is_of_family(own, own), Some(true));
        assert_eq!(
            parent.and_then(|parent| is_of_family(own, parent)),
            parent.map(|_| true)
        );
        assert_eq!(
            parent.and_then(|parent| is_of_family(parent, own)),
            parent.map(|_| false)
        );
        let nobody = Pid::from_number(i32::MAX).expect("positive");
        assert_eq!(is_of_family(nobody, own), None);
    }

    #[test]
    fn names_of_processes_may_be_anything() {
        let pid = |number| Pid::from_number(number).expect("positive");
        for (stat, expected) in [
            (&b"12 (sh) S 7 12"[..], Some((b'S', pid(7)))),
            (b"12 (a) R 1) (x\n) Z 8 12", Some((b'Z', pid(8)))),
            (b"12 (kthread) S 0 0", None),
            (b"12 sh S", None),
            (b"", None),
        ] {
            assert_eq!(state_and_parent(stat), expected);
        }
    }
}
