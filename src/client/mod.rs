//! Asks a daemon: a small HTTP client on a Unix socket that reads answers straight into locked memory. Waits, and needs
//! no runtime; only a [`Feed`] does not wait, for a supervisor that has other things to do as well.
//!
//! Whatever the daemon answers is judged before it is used; and whether it is a daemon that may be believed, before
//! anything is said to it.

mod agent;
mod calls;
mod connection;
mod error;
mod events;
mod feed;
mod http;
mod opened;
mod trusted_path;

pub use agent::DaemonAgent;
pub use calls::{Client, Unlocked};
pub use error::Error;
pub use feed::{Feed, Heard};
pub use http::Answer;
pub use opened::{Given, Opened, read_values, text as read_text};
