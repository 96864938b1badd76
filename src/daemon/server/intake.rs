//! Collects requests from the pieces in which they come, in locked memory. Where a request ends, and whether it is one,
//! does not depend on the pieces.

use super::allowance::Allowance;
use super::request::{Head, Refusal, Request};
use crate::protocol::{Code, LONGEST_HEAD};
use crate::secret::Secret;
use crate::sys::memory::Locked;

/// The least that is held for an unfinished request, in bytes.
const SMALLEST: usize = 512;

/// What came of a piece.
pub enum Taken {
    /// More has to come.
    Partial,
    /// The client wants to be told to send the body; more has to come.
    Continue,
    /// A request is complete.
    Request(Request),
    /// What came is no request that is answered. Nothing more is understood on this connection.
    Refused(Refusal),
}

/// The unfinished request of a connection.
pub struct Intake {
    allowance: Allowance,
    held: Held,
    /// The head, once it is complete, and where it ends.
    head: Option<(Head, usize)>,
    /// Up to where no end of a head was found.
    searched: usize,
    told_to_continue: bool,
}

impl Intake {
    /// Nothing yet.
    pub fn new(allowance: Allowance) -> Self {
        Self {
            held: Held::nothing(&allowance),
            allowance,
            head: None,
            searched: 0,
            told_to_continue: false,
        }
    }

    /// Whether nothing of a request is there.
    pub fn is_empty(&self) -> bool {
        self.held.used == 0
    }

    /// Whether a head is complete, and its body is not.
    pub fn awaits_body(&self) -> bool {
        self.head.is_some()
    }

    /// Takes the next `piece`; an empty one asks whether what came before holds another request.
    pub fn take(&mut self, piece: &[u8]) -> Taken {
        // Most requests come in one piece, and are never held.
        if self.is_empty() {
            return match self.advance(piece) {
                Ok(Advance::Partial) => self.hold(piece),
                Ok(Advance::Request(request, used)) => match self.hold_rest(&piece[used..]) {
                    Ok(()) => Taken::Request(request),
                    Err(refusal) => Taken::Refused(refusal),
                },
                Err(refusal) => Taken::Refused(refusal),
            };
        }
        if let Err(refusal) = self.held.append(piece) {
            return Taken::Refused(refusal);
        }
        let held = std::mem::replace(&mut self.held, Held::nothing(&self.allowance));
        let advance = self.advance(held.bytes());
        match advance {
            Ok(Advance::Partial) => {
                self.held = held;
                self.partial()
            }
            Ok(Advance::Request(request, used)) => match self.hold_rest(&held.bytes()[used..]) {
                Ok(()) => Taken::Request(request),
                Err(refusal) => Taken::Refused(refusal),
            },
            Err(refusal) => Taken::Refused(refusal),
        }
    }

    fn hold(&mut self, piece: &[u8]) -> Taken {
        match self.held.append(piece) {
            Ok(()) => self.partial(),
            Err(refusal) => Taken::Refused(refusal),
        }
    }

    /// Keeps what follows a request: the beginning of the next.
    fn hold_rest(&mut self, rest: &[u8]) -> Result<(), Refusal> {
        match rest {
            [] => Ok(()),
            rest => self.held.append(rest),
        }
    }

    fn partial(&mut self) -> Taken {
        let expects = self
            .head
            .as_ref()
            .is_some_and(|(head, _)| head.expects_continue);
        if expects && !std::mem::replace(&mut self.told_to_continue, true) {
            return Taken::Continue;
        }
        Taken::Partial
    }

    /// Looks at all that has come of a request.
    fn advance(&mut self, bytes: &[u8]) -> Result<Advance, Refusal> {
        if self.head.is_none() {
            let Some(end) = end_of_head(bytes, self.searched)? else {
                self.searched = bytes.len();
                return Ok(Advance::Partial);
            };
            self.head = Some((Head::parse(&bytes[start_of_head(bytes)..end])?, end));
        }
        let complete = |(head, start): &(Head, usize)| bytes.len() >= start + head.length;
        let Some((head, start)) = self.head.take_if(|head| complete(head)) else {
            return Ok(Advance::Partial);
        };
        self.searched = 0;
        self.told_to_continue = false;
        let end = start + head.length;
        let body = Secret::from_parts(&[&bytes[start..end]]);
        Ok(Advance::Request(Request { head, body }, end))
    }
}

enum Advance {
    Partial,
    /// A request, and how many bytes it was.
    Request(Request, usize),
}

/// An empty line in front of a request is let pass (RFC 9112, section 2.2): one.
fn start_of_head(bytes: &[u8]) -> usize {
    match bytes {
        [b'\r', b'\n', ..] => 2,
        [b'\n', ..] => 1,
        _ => 0,
    }
}

/// Where the head ends that `bytes` begin with, if they hold all of it. `searched` bytes were looked at before.
fn end_of_head(bytes: &[u8], searched: usize) -> Result<Option<usize>, Refusal> {
    // The end of a line may have come with what was looked at.
    let from = searched.saturating_sub(3).max(start_of_head(bytes));
    let limit = bytes.len().min(LONGEST_HEAD);
    let mut line_ends = (from..limit).filter(|at| bytes[*at] == b'\n');
    let end = line_ends.find_map(|at| match bytes[at + 1..limit] {
        [b'\n', ..] => Some(at + 2),
        [b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    });
    if end.is_none() && bytes.len() >= LONGEST_HEAD {
        return Err(Refusal {
            code: Code::HeadTooLarge,
            message: "the head of the request is too large",
        });
    }
    Ok(end)
}

/// Bytes in locked memory, counted against the allowance.
struct Held {
    bytes: Option<Locked>,
    used: usize,
    allowance: Allowance,
}

impl Held {
    fn nothing(allowance: &Allowance) -> Self {
        Self {
            bytes: None,
            used: 0,
            allowance: allowance.clone(),
        }
    }

    fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Some(bytes) => &bytes.as_slice()[..self.used],
            None => &[],
        }
    }

    fn capacity(&self) -> usize {
        self.bytes
            .as_ref()
            .map_or(0, |bytes| bytes.as_slice().len())
    }

    fn append(&mut self, piece: &[u8]) -> Result<(), Refusal> {
        let length = self.used + piece.len();
        if length > self.capacity() {
            let capacity = length.next_power_of_two().max(SMALLEST);
            // The old place is given back only when its bytes are in the new one.
            if !self.allowance.take(capacity) {
                return Err(Refusal {
                    code: Code::Unavailable,
                    message: "too many unfinished requests",
                });
            }
            let grown = Locked::filled(capacity, |grown| {
                grown[..self.used].copy_from_slice(self.bytes());
            });
            self.allowance.give_back(self.capacity());
            self.bytes = Some(grown);
        }
        if let Some(bytes) = &mut self.bytes {
            bytes.as_mut_slice()[self.used..length].copy_from_slice(piece);
        }
        self.used = length;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.allowance.give_back(self.capacity());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The path and the body of a request.
    type Seen = (Box<str>, Vec<u8>);

    /// What comes of `bytes` in pieces of these sizes, round and round: paths and bodies of requests, and the refusal.
    fn outcome(bytes: &[u8], sizes: &[usize]) -> (Vec<Seen>, Option<Code>) {
        let allowance = Allowance::new(1 << 20);
        let mut intake = Intake::new(allowance.clone());
        let mut requests = Vec::new();
        let mut rest = bytes;
        let mut refused = None;
        let mut sizes = sizes.iter().cycle();
        'pieces: while !rest.is_empty() {
            let size = (*sizes.next().expect("they go round")).clamp(1, rest.len());
            let mut piece = &rest[..size];
            rest = &rest[size..];
            loop {
                match intake.take(piece) {
                    Taken::Partial => break,
                    Taken::Continue => {}
                    Taken::Request(request) => {
                        requests.push((request.head.path, request.body.expose().to_vec()));
                    }
                    Taken::Refused(refusal) => {
                        refused = Some(refusal.code);
                        break 'pieces;
                    }
                }
                if intake.is_empty() {
                    break;
                }
                piece = &[];
            }
        }
        drop(intake);
        assert_eq!(allowance.taken(), 0, "all is given back");
        (requests, refused)
    }

    const TWO: &[u8] = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc\r\n\
        GET /b HTTP/1.1\nHost: x\n\nPOST /c HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nde";

    #[test]
    fn requests_that_follow_each_other_are_told_apart() {
        let (requests, refused) = outcome(TWO, &[TWO.len()]);
        assert_eq!(refused, None);
        let expected: [Seen; 3] = [
            ("/a".into(), b"abc".to_vec()),
            ("/b".into(), Vec::new()),
            ("/c".into(), b"de".to_vec()),
        ];
        assert_eq!(requests, expected);
    }

    #[test]
    fn a_head_without_an_end_is_refused_at_the_limit() {
        let endless = vec![b'a'; 3 * LONGEST_HEAD];
        for size in [1, 100, LONGEST_HEAD, 3 * LONGEST_HEAD] {
            assert_eq!(
                outcome(&endless, &[size]).1,
                Some(Code::HeadTooLarge),
                "{size}"
            );
        }
    }

    #[test]
    fn unfinished_requests_take_no_more_than_they_may() {
        let allowance = Allowance::new(2048);
        let mut first = Intake::new(allowance.clone());
        let mut second = Intake::new(allowance.clone());
        assert!(matches!(first.take(&[b'a'; 1000]), Taken::Partial));
        assert!(matches!(second.take(&[b'a'; 1000]), Taken::Partial));
        let refused = first.take(&[b'a'; 1000]);
        assert!(matches!(refused, Taken::Refused(refusal) if refusal.code == Code::Unavailable));
        drop(second);
        drop(first);
        assert!(matches!(
            Intake::new(allowance).take(&[b'a'; 2000]),
            Taken::Partial
        ));
    }

    #[test]
    fn unfinished_requests_of_one_user_leave_room_for_others() {
        let all = Allowance::new(4096);
        let mut held = Intake::new(all.of(1));
        assert!(matches!(held.take(&[b'a'; 2000]), Taken::Partial));
        let refused = Intake::new(all.of(1)).take(b"a");
        assert!(matches!(refused, Taken::Refused(refusal) if refusal.code == Code::Unavailable));
        assert!(matches!(
            Intake::new(all.of(2)).take(&[b'a'; 2000]),
            Taken::Partial
        ));
        drop(held);
        assert_eq!(all.taken(), 0);
        assert!(matches!(Intake::new(all.of(1)).take(b"a"), Taken::Partial));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn pieces_do_not_matter(sizes in prop::collection::vec(1usize..40, 1..8)) {
            prop_assert_eq!(outcome(TWO, &sizes), outcome(TWO, &[TWO.len()]));
        }

        #[test]
        fn pieces_of_garbage_do_not_matter(
            bytes in prop::collection::vec(prop::sample::select(&b"GET /HTP1.0:\r\n\r\n\0 Content-Length25"[..]), 0..400),
            sizes in prop::collection::vec(1usize..40, 1..8),
        ) {
            prop_assert_eq!(outcome(&bytes, &sizes), outcome(&bytes, &[bytes.len().max(1)]));
        }
    }
}
