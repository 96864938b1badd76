//! The project that a working directory belongs to, and the user's own settings: which folders and environments are
//! meant where the command line names none, for whom new secrets are encrypted, what is exported.
//!
//! Working directory, user and the paths of settings come in as values. What the files say about exporting and encrypting
//! is handed on, not acted on.

pub mod config;
mod error;
mod file;
mod pulumi;
mod reload;
mod resolve;
mod rules;
mod search;
mod selection;
mod user;

pub use config::Fault;
pub use error::Error;
pub use file::Export;
pub use resolve::{ProjectFile, Request, ResolvedProject, SYSTEM_FOLDER, resolve};
pub use rules::{Pattern, Rule, Rules};
pub use search::{SettingsFile, Writers};
pub use selection::{Import, Selection};
pub use user::UserConfig;
