//! What the daemon and its clients say to each other: HTTP/1.1 with JSON on a Unix socket, version 1. Types and limits; no
//! sockets.
//!
//! The calls are described for everyone else in `docs/openapi.yaml`, which the tests compare with what the daemon does.

mod answer;
mod call;

pub use answer::{
    CheckAnswer, Code, ErrorAnswer, Fault, Health, LockAnswer, LockState, Place, Question,
    Reloaded, Status, UnlockRefusal,
};
pub use call::{
    ExportCall, MOST_ENVIRONMENTS, MOST_STANZAS, OpenCall, StanzaCall, UnwrapCall, View,
};

/// The name of the daemon's socket in its folder.
pub const SOCKET_NAME: &str = "escrun.sock";

/// The folder of the machine's daemon.
pub const SYSTEM_RUNTIME_FOLDER: &str = "/run/escrun";

/// The largest head of a request or an answer, in bytes.
pub const LONGEST_HEAD: usize = 8 << 10;

/// The largest body of a request, in bytes.
pub const LONGEST_REQUEST: usize = 256 << 10;

/// The largest body of an answer that a client takes, in bytes: more than the largest text that is made.
pub const LONGEST_ANSWER: usize = 64 << 20;
