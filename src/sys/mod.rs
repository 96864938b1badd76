//! The operating system: the only place with `unsafe` code. Knows nothing of the rest of the crate; returns
//! `io::Result` and types of its own.

#![expect(
    unsafe_code,
    reason = "the operating system's interface is unsafe; this module is its fence"
)]

pub mod accounts;

pub mod allocator;

mod arena;

#[cfg(target_os = "linux")]
pub mod channel;

mod check;

pub mod children;

pub mod credentials;

#[cfg(target_os = "linux")]
pub mod datagram;

pub mod descriptors;

pub mod entry;

pub mod exec;

#[cfg(target_os = "linux")]
pub mod fifo;

mod inherited;

pub mod fs;

#[cfg(target_os = "linux")]
pub mod hang_up;

mod interrupt;

pub mod led;

pub mod life;

pub mod limit;

pub mod local_socket;

#[cfg(target_os = "linux")]
pub mod memfd;

pub mod memory;

#[cfg(target_os = "linux")]
pub mod mount;

#[cfg(target_os = "linux")]
pub mod namespace;

pub mod output;

#[cfg(target_os = "linux")]
pub mod peer;

pub mod process;

pub mod pty;

#[cfg(target_os = "linux")]
pub mod readable;

mod region;

#[cfg(target_os = "linux")]
pub mod seccomp;

pub mod signal;

pub mod stack;

pub mod start;

pub mod step;

pub mod terminal;

pub mod wipe;
