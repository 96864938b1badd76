//! The daemon and its parts: real processes, real sockets, real files.

mod agent;
mod audit;
mod calls;
mod client;
mod fairness;
mod helper;
mod hostile;
mod memory;
mod openapi;
mod peers;
mod policy;
mod revisions;
mod sandbox;
pub(crate) mod served;
mod settings;
mod socket;
mod storm;
