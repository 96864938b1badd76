//! Hands files and documents over to a command: in a folder on memory, as descriptors, or as pipes that are read once.
//!
//! [`place`] makes them and says which variables lead to them. What is in a [`Folder`] has to be removed when the command
//! ends, so it needs a supervisor; what is under a descriptor ends with the command.

mod base;
mod entry;
mod error;
mod folder;
mod options;
mod placement;
mod servers;
mod sweep;

pub use error::Error;
pub use folder::{Folder, Place};
pub use options::{DOCUMENT_DESCRIPTOR, DOCUMENT_FILE, DocumentPlace, Kind, Options};
pub use placement::{Placed, place};
