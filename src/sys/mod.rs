//! The operating system: the only place with `unsafe` code. Knows nothing of the rest of the crate; returns
//! `io::Result` and types of its own.

pub mod fs;

pub mod memory;
