//! The socket and what is said on it: HTTP/1.1, of which only as much is understood as a client needs. A request is read
//! into locked memory, since it may hold a passphrase, and an answer is written from where it lies.
//!
//! What a peer sends decides nothing but what is asked: who it is comes from the kernel.

mod accept;
mod allowance;
mod calls;
mod connection;
mod intake;
mod keep;
mod listener;
mod metrics;
mod request;
mod response;
mod route;
mod scratch;
mod slots;
mod sse;
mod stop;
mod turns;

pub(crate) use accept::{Waiting, accept};
pub use allowance::Allowance;
pub use intake::{Intake, Taken};
pub(crate) use keep::keep;
pub use listener::ListenError;
pub(crate) use listener::OwnSocket;
pub(crate) use metrics::{Gauges, Metrics};
pub use request::{Head, Method, Refusal, Request};
pub(crate) use scratch::Scratch;
pub(crate) use slots::Slots;
pub(crate) use stop::Stop;
pub(crate) use turns::Turns;
