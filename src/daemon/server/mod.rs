//! The socket and what is said on it: HTTP/1.1, of which only as much is understood as a client needs. A request is read
//! into locked memory, since it may hold a passphrase, and an answer is written from where it lies.
//!
//! What a peer sends decides nothing but what is asked: who it is comes from the kernel.

mod intake;
mod request;

pub use intake::{Intake, Taken};
pub use request::{Head, Method, Request};
