//! Which forms of which secrets are looked for. Holds places and lengths, no bytes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::Range;

use super::SHORTEST;
use super::form::Form;

/// When so many bytes are looked for, no further encoded forms are added: of locked memory, a process usually may have
/// 8 MiB, and each of these bytes takes up to seven there.
const MOST_DERIVED: usize = 1024 * 1024;
/// Longer pieces, in bytes, are looked for as they are only.
const LONGEST_DERIVED: usize = 128 * 1024;
/// How much can be looked for at all: places in it are numbers of 32 bits. Each secret adds at most ten times its length.
const MOST: usize = 1 << 31;

/// What is looked for.
#[derive(Default)]
pub(super) struct Plan {
    /// Each once, though two of different secrets may be equal.
    pub(super) items: Vec<Item>,
    /// How long all of `items` are together.
    pub(super) size: usize,
    /// From which size on nothing encoded is added.
    room: usize,
    /// The secrets that are not masked.
    pub(super) unmasked: Vec<usize>,
    /// The secrets that are masked as they are, but not encoded.
    pub(super) plain_only: Vec<usize>,
}

/// A form of a piece of a secret.
pub(super) struct Item {
    pub(super) secret: usize,
    pub(super) piece: Range<usize>,
    pub(super) form: Form,
    /// The length in this form.
    pub(super) length: usize,
}

impl Plan {
    /// Plans for `secrets`, which are told by their places.
    pub(super) fn new(secrets: &[&[u8]]) -> Self {
        Self::within(MOST_DERIVED, secrets)
    }

    /// Plans no more encoded forms when all together have `room` bytes.
    fn within(room: usize, secrets: &[&[u8]]) -> Self {
        let mut plan = Self {
            room,
            ..Self::default()
        };
        let hasher = RandomState::new();
        // The shortest first: there is room for many of them beside a few long ones, and they are the likelier ones to be
        // encoded.
        let mut order: Vec<usize> = (0..secrets.len()).collect();
        order.sort_by_key(|index| secrets[*index].len());
        for index in order {
            plan.add(index, secrets[index], &hasher);
        }
        plan.unmasked.sort_unstable();
        plan.plain_only.sort_unstable();
        plan
    }

    fn add(&mut self, index: usize, secret: &[u8], hasher: &RandomState) {
        let whole = 0..secret.len();
        let trimmed = trimmed(secret, whole.clone());
        let too_much = secret.len() > MOST / 10 || self.size > MOST;
        if trimmed.len() < SHORTEST || too_much {
            if !secret.is_empty() {
                self.unmasked.push(index);
            }
            return;
        }
        let mut forms = Forms {
            plan: self,
            secret,
            index,
            hasher,
            known: HashMap::new(),
        };
        // Decided once, so that a secret is not masked in some forms as a whole and in others without its line end.
        let encoded = forms.plan.size < forms.plan.room && secret.len() <= LONGEST_DERIVED;
        for piece in [whole, trimmed] {
            for form in Form::all(piece.len()) {
                if encoded || form.is_plain() {
                    forms.add(&piece, form);
                }
            }
        }
        for line in lines(secret) {
            let line = self::trimmed(secret, line);
            if line.len() >= SHORTEST {
                forms.add(&line, Form::Plain);
            }
        }
        if !encoded {
            self.plain_only.push(index);
        }
    }
}

/// The forms of one secret; equal ones are planned once.
struct Forms<'a> {
    plan: &'a mut Plan,
    secret: &'a [u8],
    index: usize,
    hasher: &'a RandomState,
    /// The places of items by length and keyed digest.
    known: HashMap<(usize, u64), usize>,
}

impl Forms<'_> {
    fn add(&mut self, piece: &Range<usize>, form: Form) {
        let bytes = &self.secret[piece.clone()];
        let mut hasher = self.hasher.build_hasher();
        let mut length = 0;
        for byte in form.write(bytes) {
            hasher.write_u8(byte);
            length += 1;
        }
        match self.known.entry((length, hasher.finish())) {
            Entry::Occupied(known) => {
                let item = &self.plan.items[*known.get()];
                let other = item.form.write(&self.secret[item.piece.clone()]);
                if other.eq(form.write(bytes)) {
                    return;
                }
            }
            Entry::Vacant(place) => {
                place.insert(self.plan.items.len());
            }
        }
        self.plan.size += length;
        self.plan.items.push(Item {
            secret: self.index,
            piece: piece.clone(),
            form,
            length,
        });
    }
}

/// The lines of `secret`, if it has more than one.
fn lines(secret: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    let has_several = secret.contains(&b'\n');
    let lines = secret.split(|byte| *byte == b'\n').map(move |line| {
        let range = start..start + line.len();
        start = range.end + 1;
        range
    });
    lines.filter(move |_| has_several)
}

/// `range` of `secret` without the white space at its ends.
fn trimmed(secret: &[u8], range: Range<usize>) -> Range<usize> {
    let bytes = &secret[range.clone()];
    let start = range.end - bytes.trim_ascii_start().len();
    start..start + bytes.trim_ascii().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(secret: &str) -> Vec<&str> {
        let plan = Plan::new(&[secret.as_bytes()]);
        let items = plan.items.iter().filter(|item| item.form == Form::Plain);
        items.map(|item| &secret[item.piece.clone()]).collect()
    }

    #[test]
    fn secrets_are_looked_for_whole_and_by_line() {
        for (secret, expected) in [
            ("hunter2", &["hunter2"][..]),
            ("hunter2\n", &["hunter2\n", "hunter2"]),
            (
                "first line\r\n  second\n\n   \nabc\n",
                &[
                    "first line\r\n  second\n\n   \nabc\n",
                    "first line\r\n  second\n\n   \nabc",
                    "first line",
                    "second",
                ],
            ),
            ("abc", &[]),
            ("abc\n", &[]),
            ("       ", &[]),
        ] {
            assert_eq!(plain(secret), expected, "{secret:?}");
        }
    }

    #[test]
    fn who_is_not_masked_is_told() {
        let large = vec![b'x'; LONGEST_DERIVED + 1];
        let plan = Plan::new(&[b"", b"abc", b"abcd", b"    ", &large]);
        assert_eq!(plan.unmasked, [1, 3]);
        assert_eq!(plan.plain_only, [4]);
    }

    #[test]
    fn equal_forms_are_planned_once() {
        let plan = Plan::new(&[b"hunter2"]);
        // As it is, three standings of base64 without a digit that differs, and hexadecimal in one case: 6 and 7.
        let plain = plan.items.iter().filter(|item| item.length == 7).count();
        assert_eq!(plain, 1);
        assert!(plan.items.len() < 8, "{} forms", plan.items.len());
    }

    #[test]
    fn many_secrets_are_masked_as_they_are_when_there_is_no_room() {
        let secrets = [&b"hunter2"[..], b"correct horse", b"battery staple"];
        let plan = Plan::within(1, &secrets);
        assert!(plan.unmasked.is_empty());
        assert_eq!(plan.plain_only, [1, 2]);
        for (index, secret) in secrets.iter().enumerate() {
            let mut items = plan.items.iter();
            assert!(items.any(|item| item.secret == index && item.length == secret.len()));
        }
    }
}
