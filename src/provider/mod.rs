//! What answers `fn::open`: built-in providers, and plugins that talk JSON on their standard streams.
//!
//! Everything from the surroundings (folders, variables, what may be run) is handed in by [`Config`]. Nothing is
//! decrypted here: encrypted files go to the caller's decrypter, on its own thread. What providers write may hold
//! secrets, so their texts reach errors only after the secrets that went in have been masked.

mod builtin;
mod config;
pub mod dotenv;
mod file;
mod format;
mod inputs;
mod mask;
mod plugin;
mod pool;
mod process;
pub mod protocol;
mod provider_set;
mod slot;
pub mod trust;

pub use config::{AllowList, Commands, Config, SYSTEM_FOLDERS};
pub use provider_set::{Provided, ProviderSet};

use crate::eval::ProviderError;

/// An error without a hint.
fn error(message: impl Into<String>) -> ProviderError {
    ProviderError {
        message: message.into(),
        hint: None,
    }
}

/// An error with what helps.
fn error_with_hint(message: impl Into<String>, hint: impl Into<String>) -> ProviderError {
    ProviderError {
        message: message.into(),
        hint: Some(hint.into()),
    }
}

#[cfg(test)]
mod tests;
