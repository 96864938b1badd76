//! The daemon and its parts: real processes, real sockets, real files.

mod helper;
mod peers;
mod sandbox;
