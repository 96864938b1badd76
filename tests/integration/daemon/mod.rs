//! The daemon and its parts: real processes, real sockets, real files.

mod calls;
mod helper;
mod hostile;
mod memory;
mod sandbox;
pub(crate) mod served;
mod storm;
