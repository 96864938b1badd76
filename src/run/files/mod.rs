//! Hands files and documents over to a command: in a folder on memory, as descriptors, or as pipes that are read once.
//!
//! [`place`] makes them and says which variables lead to them. What is in a [`Folder`] has to be removed when the command
//! ends, so it needs a supervisor; what is under a descriptor ends with the command.

mod error;
mod options;

#[cfg(target_os = "linux")]
mod base;
#[cfg(target_os = "linux")]
mod entry;
#[cfg(target_os = "linux")]
mod folder;
#[cfg(target_os = "linux")]
mod placement;
#[cfg(target_os = "linux")]
mod servers;
#[cfg(target_os = "linux")]
mod sweep;

pub use error::Error;
#[cfg(target_os = "linux")]
pub use folder::{Folder, Place};
pub use options::{DOCUMENT_DESCRIPTOR, DOCUMENT_FILE, DocumentPlace, Kind, Options};
#[cfg(target_os = "linux")]
pub use placement::{Placed, place};
