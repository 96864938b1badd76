//! Runs the command. Knows names and values of variables, but not where they come from.
//!
//! [`Program::find`] comes before anything is decrypted; after that, [`replace`] becomes the command, or `supervise` stays
//! beside it.

pub mod delivery;
pub mod files;
pub mod mask;
pub mod privileges;

mod environment;
mod error;
mod lifecycle;
mod policy;
mod program;
mod replace;
mod resolution;
pub(crate) mod wire;

#[cfg(target_os = "linux")]
pub mod supervise;

pub use delivery::Delivery;
pub use environment::EnvironmentBlock;
pub use error::Error;
pub use lifecycle::{
    Condition, InvalidCondition, Lifecycle, READY_TIMEOUT, RESTART_LIMIT, Readiness, Restart,
};
pub use policy::{Policy, STOP_TIMEOUT};
pub use privileges::Privileges;
pub use program::Program;
pub use replace::replace;
pub use resolution::{RESOLVER, Resolution, Setback, Subscription};
