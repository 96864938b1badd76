//! `escrun keygen`: makes an identity.

use std::path::Path;
use std::time::SystemTime;

use super::error::Failure;
use super::ui::Ui;
use crate::crypt;
use crate::sys::fs::{Expected, ReplaceError, replace_file};

/// Only its owner may read an identity.
const IDENTITY_MODE: u32 = 0o600;

/// Makes an identity, writes it to `output` or prints it, and tells its public key.
pub(super) fn keygen(ui: &Ui, output: Option<&Path>) -> Result<(), Failure> {
    let public_key = match output {
        Some(file) => write_identity(file)?,
        None => {
            let (identity, public_key) = crypt::keygen(&now());
            // Printing it is what was asked for.
            ui.out(identity.expose())?;
            public_key
        }
    };
    ui.say(&format!("Public key: {public_key}"));
    Ok(())
}

/// Makes an identity in a new file, and returns its public key.
pub(super) fn write_identity(file: &Path) -> Result<String, Failure> {
    let (identity, public_key) = crypt::keygen(&now());
    // The file is where the identity lives.
    replace_file(
        file,
        identity.expose(),
        Expected::Absent {
            mode: IDENTITY_MODE,
        },
    )
    .map_err(|error| {
        let failure = Failure::new(format!("{}: {error}", file.display()));
        match error {
            ReplaceError::Exists => {
                failure.with_hint("an identity is never overwritten; name another file")
            }
            _ => failure,
        }
    })?;
    Ok(public_key)
}

fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}
