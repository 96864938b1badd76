//! The daemon: keeps identities unlocked, serves environments to the peers that its policy allows, and tells them when
//! values change.
//!
//! One thread runs the sockets, the policy and the audit, by tokio. Evaluating and decrypting are done by a few threads
//! with private stacks, which wait for nothing else. Whatever a peer says, what it *is* comes from the kernel.

mod assembly;
pub mod audit;
mod context;
pub mod credentials;
mod end;
mod endpoint;
pub mod environments;
mod error;
pub mod keys;
pub mod peer;
pub mod policy;
mod run;
pub mod sandbox;
pub mod server;
pub mod service;
pub mod settings;
mod until;
mod upkeep;

pub use context::Daemon;
pub use error::Error;
pub use run::{Start, run};
