//! The daemon: keeps identities unlocked, serves environments to the peers that its policy allows, and tells them when
//! values change.
//!
//! One thread runs the sockets, the policy and the audit, by tokio. Evaluating and decrypting are done by a few threads
//! with private stacks, which wait for nothing else. Whatever a peer says, what it *is* comes from the kernel.

#[cfg(target_os = "linux")]
mod assembly;
pub mod audit;
#[cfg(target_os = "linux")]
mod context;
#[cfg(target_os = "linux")]
pub mod credentials;
pub mod environments;
pub mod keys;
pub mod peer;
pub mod policy;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
pub mod sandbox;
#[cfg(target_os = "linux")]
pub mod server;
#[cfg(target_os = "linux")]
pub mod service;
pub mod settings;

#[cfg(target_os = "linux")]
pub use context::Daemon;
#[cfg(target_os = "linux")]
pub use run::{Error, Start, run};
