//! The daemon and its parts: real processes, real sockets, real files.

mod calls;
mod helper;
mod peers;
mod policy;
mod hostile;
mod sandbox;
pub(crate) mod served;
