//! Where definitions live: folders of YAML files, one environment each.
//!
//! Knows names, files and bytes, not what a definition means.

mod directory;
mod error;
mod listing;
mod name;
mod write;

pub(crate) use directory::decode;
pub use directory::{Directory, Found, MAX_DEFINITION_BYTES, Overlays};
pub use error::{Error, Instead};
pub use listing::{Listed, Listing, Skipped};
pub use name::{EnvironmentName, NameError};
