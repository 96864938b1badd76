//! What a composed value gives a process: variables, files, the environment of the child, and their notations for other
//! programs. Evaluates nothing, and neither reads the environment of escrun itself nor starts anything.

pub mod format;
pub mod name;

mod collect;
mod inherit;
mod path;
mod project;
mod reserved;
mod secrets;
mod variables;

pub use inherit::{Entry, Inherit, OnConflict, inherit};
pub use path::Path;
pub use project::{Composed, Export, Note, Options, Projection, missing, project};
pub use reserved::is_reserved;
pub use secrets::{SecretText, secrets};
pub use variables::{File, Kind, Variable, Variables};
