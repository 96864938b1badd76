//! The daemon and its parts: real processes, real sockets, real files.

mod agent;
mod calls;
mod client;
mod helper;
mod hostile;
mod memory;
mod openapi;
mod peers;
mod sandbox;
pub(crate) mod served;
mod storm;
