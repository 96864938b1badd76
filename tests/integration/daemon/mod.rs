//! The daemon and its parts: real processes, real sockets, real files.

mod audit;
mod calls;
mod helper;
mod hostile;
mod sandbox;
pub(crate) mod served;
