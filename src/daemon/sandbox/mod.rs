//! What the daemon gives up once it is set up, and the process that keeps for it what it cannot give up.

mod helper;

pub use helper::{Helper, resume};
