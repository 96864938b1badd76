//! The daemon and its parts: real processes, real sockets, real files.

mod agent;
mod calls;
mod helper;
mod peers;
mod hostile;
mod memory;
mod sandbox;
pub(crate) mod served;
mod storm;
