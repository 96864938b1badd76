//! The daemon and its parts: real processes, real sockets, real files.

mod calls;
mod helper;
mod hostile;
mod revisions;
mod sandbox;
pub(crate) mod served;
