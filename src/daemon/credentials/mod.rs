//! Gives units their credentials: the other end of `LoadCredential=NAME:SOCKET` (systemd.exec(5)).
//!
//! systemd connects for a unit that is about to start, and reads to the end. Which unit and which credential stands in
//! the name that it has bound its own end to. Anybody can bind such a name, so it counts for nothing unless the kernel says
//! the same of the process: that it is the service manager's, and already part of that unit.
//!
//! What a credential is, is mapped in the settings. Whether the unit may have it, the policy decides as if the unit itself
//! had asked.

mod asked;
mod content;
mod delivery;
mod refusal;
mod server;
mod wanted;

pub use asked::{Asked, Manager};
pub use refusal::Refusal;
pub use server::{Source, Times, serve};
pub use wanted::Wanted;
