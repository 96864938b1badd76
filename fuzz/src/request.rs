//! Any bytes on a connection are requests, or are refused, and the pieces in which they come do not matter; no more memory is
//! taken for what is unfinished than is allowed.

use escrun::daemon::server::{Allowance, Intake, Method, Taken};
use escrun::protocol::{Code, LONGEST_HEAD, LONGEST_REQUEST};

/// How much memory unfinished requests may take here, in bytes: enough for any one.
const ALLOWED: usize = 4 * (LONGEST_HEAD + LONGEST_REQUEST);

/// Method, path, query and body of a request.
type Seen = (Method, Box<str>, Box<str>, Vec<u8>);

/// What came of a connection.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    requests: Vec<Seen>,
    refusal: Option<Code>,
}

/// Takes the sizes of pieces, up to a NUL, and what comes in them.
pub fn check(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == 0).unwrap_or(0);
    let (sizes, bytes) = (&data[..end], &data[(end + 1).min(data.len())..]);
    let whole = outcome(bytes, &[]);
    assert_eq!(outcome(bytes, sizes), whole);
    assert_eq!(outcome(bytes, &[1]), whole);
    for (method, path, query, body) in &whole.requests {
        // What is understood was said.
        assert!(path.starts_with('/') && !path.contains([' ', '?', '#']));
        assert!(!query.contains([' ', '#']));
        assert!(body.len() <= LONGEST_REQUEST);
        let name: &[u8] = match method {
            Method::Get => b"GET ",
            Method::Head => b"HEAD ",
            Method::Post => b"POST ",
            Method::Other => b" ",
        };
        assert!(bytes.windows(name.len()).any(|window| window == name));
        assert!(bytes.windows(5).any(|window| window == b"HTTP/"));
    }
    // A refusal has the status of one.
    assert!(whole.refusal.is_none_or(|code| code.status() >= 400));
}

/// What comes of `bytes` in pieces of these sizes, round and round, or in one.
fn outcome(bytes: &[u8], sizes: &[u8]) -> Outcome {
    let allowance = Allowance::new(ALLOWED);
    let mut intake = Intake::new(allowance.clone());
    let mut outcome = Outcome {
        requests: Vec::new(),
        refusal: None,
    };
    let mut sizes = sizes.iter().cycle();
    let mut rest = bytes;
    while !rest.is_empty() && outcome.refusal.is_none() {
        let size = sizes.next().map_or(rest.len(), |size| usize::from(*size));
        let (piece, later) = rest.split_at(size.clamp(1, rest.len()));
        rest = later;
        take(&mut intake, piece, &mut outcome);
        assert!(allowance.taken() <= ALLOWED);
    }
    drop(intake);
    assert_eq!(allowance.taken(), 0);
    outcome
}

fn take(intake: &mut Intake, piece: &[u8], outcome: &mut Outcome) {
    let mut taken = intake.take(piece);
    loop {
        match taken {
            Taken::Request(request) => {
                let head = request.head;
                let body = request.body.expose().to_vec();
                outcome
                    .requests
                    .push((head.method, head.path, head.query, body));
            }
            Taken::Refused(refusal) => {
                outcome.refusal = Some(refusal.code);
                return;
            }
            Taken::Partial | Taken::Continue => return,
        }
        if intake.is_empty() {
            return;
        }
        taken = intake.take(&[]);
    }
}
