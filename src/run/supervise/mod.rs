//! Stays as the parent of the command: forwards signals, reaps what ends, and ends as the command does.
//!
//! The process that decrypted starts the command and then executes escrun once more, in itself ([`launch`]). What
//! supervises ([`resume`]) is therefore a program that never saw a secret. It waits in poll(2) and turns what
//! happens into events for [`machine::Machine`], which decides.

pub mod machine;

mod attend;
mod cgroup;
mod family;
mod helper;
mod herald;
mod job;
mod keepsake;
mod launch;
mod leader;
mod masking;
mod notify;
mod outlets;
mod plan;
mod prober;
mod report;
mod resolver;
mod resume;
mod screen;
mod starter;
mod supervisor;
mod terminal;
mod values;
mod vigil;
mod words;

pub use launch::{Order, Watch, launch};
pub use resume::resume;
