//! escrun composes environment definitions, decrypts their secrets and runs a process with the result.
//!
//! The modules below stand in the order in which they may use each other: a layer uses what stands above it, never the
//! other way. `age` is named only in `crypt`, the YAML event parser only in `syntax`, clap only in `cli`, and
//! `unsafe` only in `sys`.

#![cfg_attr(
    test,
    expect(
        clippy::disallowed_methods,
        reason = "tests are at the edge themselves"
    )
)]
// What only a daemon or a supervisor needs is written for Linux alone; elsewhere some of its foundation has no use.
#![cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, unused_imports, unused_variables)
)]

pub mod sys;

pub mod secret;

pub mod source;

pub mod diagnostic;

pub mod quote;

pub mod log;

pub mod suggest;

pub mod withheld;

pub mod launcher;

pub mod schema;

pub mod value;

pub mod syntax;

pub mod ast;

pub mod lint;

pub mod encode;

pub mod eval;

pub mod provider;

pub mod store;

pub mod reaction;

pub mod project;

pub mod crypt;

pub mod author;

pub mod export;

pub mod watch;

pub mod open;

pub mod protocol;

pub mod client;

pub mod run;

#[cfg(target_os = "linux")]
pub mod daemon;

pub mod cli;

/// Every program that is built on this library wipes what it frees.
#[global_allocator]
static ALLOCATOR: sys::allocator::WipingAllocator = sys::allocator::WipingAllocator;
