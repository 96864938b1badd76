//! What needs real programs: one binary for all of it, because each takes seconds to link; one module per part.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(
    clippy::disallowed_methods,
    reason = "tests are at the edge themselves"
)]

mod bombs;
mod canary;
mod cases;
mod cli;
mod container;
mod crypt;
#[cfg(target_os = "linux")]
mod daemon;
mod export;
mod host;
mod house;
mod inits;
mod limits;
mod log;
mod mask;
mod memory;
mod outside;
mod process;
mod properties;
mod pulumi_project;
mod readme;
mod scan;
#[cfg(target_os = "linux")]
mod supervise;
#[cfg(target_os = "linux")]
mod systemd;
mod terminal;
