//! What waits for a thread, each user's in its own line: whoever asks for much waits for it, and nobody else does.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound::{Excluded, Unbounded};

/// Jobs that wait, taken from one user after another.
pub(super) struct Queue<J> {
    lines: BTreeMap<u32, VecDeque<J>>,
    length: usize,
    /// Whose job was taken last.
    last: u32,
}

impl<J> Default for Queue<J> {
    fn default() -> Self {
        Self {
            lines: BTreeMap::new(),
            length: 0,
            last: 0,
        }
    }
}

impl<J> Queue<J> {
    /// How many jobs may wait.
    const LONGEST: usize = 1024;

    /// How many of one user: there is always room for others.
    pub(super) const LONGEST_LINE: usize = Self::LONGEST / 4 * 3;

    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Adds a job of `user`. Says whether there was room.
    pub(super) fn push(&mut self, user: u32, job: J) -> bool {
        let waiting = self.lines.get(&user).map_or(0, VecDeque::len);
        if self.length >= Self::LONGEST || waiting >= Self::LONGEST_LINE {
            return false;
        }
        self.lines.entry(user).or_default().push_back(job);
        self.length += 1;
        true
    }

    /// Takes the first job of the user who comes after the one of whom the last was taken, of those who `may` have another
    /// one done.
    pub(super) fn pop(&mut self, may: impl Fn(u32) -> bool) -> Option<(u32, J)> {
        let after = self.lines.range((Excluded(self.last), Unbounded));
        let user = after
            .chain(self.lines.range(..=self.last))
            .map(|(user, _)| *user)
            .find(|user| may(*user))?;
        let line = self.lines.get_mut(&user)?;
        let job = line.pop_front();
        if line.is_empty() {
            self.lines.remove(&user);
        }
        self.last = user;
        self.length -= usize::from(job.is_some());
        Some((user, job?))
    }

    /// Takes back what `user` has added last.
    pub(super) fn take_back(&mut self, user: u32) {
        let Some(line) = self.lines.get_mut(&user) else {
            return;
        };
        self.length -= usize::from(line.pop_back().is_some());
        if line.is_empty() {
            self.lines.remove(&user);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_take_turns() {
        let mut queue = Queue::default();
        for job in ["a1", "a2", "a3"] {
            assert!(queue.push(7, job));
        }
        assert!(queue.push(9, "b1") && queue.push(9, "b2"));
        let taken: Vec<(u32, &str)> = std::iter::from_fn(|| queue.pop(|_| true)).collect();
        let expected = [(7, "a1"), (9, "b1"), (7, "a2"), (9, "b2"), (7, "a3")];
        assert_eq!(taken, expected);
        assert!(queue.is_empty() && queue.lines.is_empty());
        assert!(queue.push(0, "c") && queue.push(u32::MAX, "d"));
        queue.take_back(0);
        queue.take_back(1);
        assert_eq!(queue.pop(|user| user == 0), None);
        assert_eq!(queue.pop(|_| true), Some((u32::MAX, "d")));
        assert_eq!(queue.pop(|_| true), None);
    }

    #[test]
    fn one_user_leaves_room_for_others() {
        let mut queue = Queue::default();
        let count = (0..).take_while(|_| queue.push(1, ())).count();
        assert_eq!(count, Queue::<()>::LONGEST_LINE);
        let more = (0..).take_while(|_| queue.push(2, ())).count();
        assert_eq!(count + more, Queue::<()>::LONGEST);
        assert!(more > 0 && !queue.push(3, ()));
    }
}
