//! The daemon and its parts: real processes, real sockets, real files.

mod client;
mod helper;
mod sandbox;
pub(crate) mod served;
