//! The operating system: the only place with `unsafe` code. Knows nothing of the rest of the crate; returns
//! `io::Result` and types of its own.

#![expect(
    unsafe_code,
    reason = "the operating system's interface is unsafe; this module is its fence"
)]

pub mod accounts;

pub mod allocator;

mod arena;

pub mod children;

pub mod credentials;

#[cfg(target_os = "linux")]
pub mod datagram;

pub mod descriptors;

pub mod entry;

pub mod exec;

mod inherited;

pub mod fs;

mod interrupt;

pub mod limit;

pub mod memory;

pub mod output;

pub mod process;

mod region;

#[cfg(target_os = "linux")]
mod seccomp;

pub mod signal;

pub mod stack;

pub mod start;

pub mod step;

pub mod terminal;

pub mod wipe;
