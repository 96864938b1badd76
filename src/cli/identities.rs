//! Where identities are looked for.

use std::io::IsTerminal as _;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use super::ambient::Ambient;
use super::args::Shared;
use super::error::Failure;
use super::prompt::Terminal;
use super::standard_input;
use crate::crypt::{IdentitySource, Interaction, Keyring, Plugins, Prompt, read_identity};
use crate::project::UserConfig;
use crate::secret::Secret;
use crate::sys::fs::describe;
use crate::sys::process;
use crate::withheld::is_withheld;

/// The keyring of all identities that there may be: those that were named, which must be usable, and behind them those in
/// the usual places.
pub(super) fn keyring(
    shared: &Shared,
    ambient: &Ambient,
    config: &UserConfig,
) -> Result<Keyring, Failure> {
    let mut sources = Vec::new();
    for path in &shared.identities {
        sources.push(named(path)?);
    }
    if let Some(file) = ambient.variable("ESCRUN_IDENTITY_FILE") {
        sources.push(IdentitySource::file(file));
    }
    if let Some(text) = ambient.variable("ESCRUN_IDENTITY") {
        let text = Secret::from_parts(&[text.as_bytes()]);
        sources.push(IdentitySource::text("ESCRUN_IDENTITY", text));
    }
    if let Some(command) = ambient.variable("ESCRUN_IDENTITY_COMMAND") {
        sources.push(from_command(command.to_owned(), ambient));
    }
    sources.extend(config.identities.iter().map(IdentitySource::optional_file));
    if let Some(folder) = ambient.variable("CREDENTIALS_DIRECTORY") {
        sources.push(IdentitySource::optional_file(
            Path::new(folder).join("escrun.identity"),
        ));
    }
    sources.push(IdentitySource::optional_file(
        "/run/secrets/escrun_identity",
    ));
    sources.extend(
        ambient
            .config_folder()
            .map(|folder| IdentitySource::folder(folder.join("identities"))),
    );
    if let Some(file) = ambient.variable("SOPS_AGE_KEY_FILE") {
        sources.push(IdentitySource::optional_file(file));
    }
    sources.extend(ambient.sops_keys().map(IdentitySource::optional_file));

    let prompt: Option<Arc<dyn Prompt>> = Some(Arc::new(Terminal));
    Ok(Keyring::new(
        sources,
        Interaction::new(prompt, Plugins::Allowed),
    ))
}

/// An identity that was named: a file, or `-` for standard input.
fn named(path: &Path) -> Result<IdentitySource, Failure> {
    if path != Path::new("-") {
        return Ok(IdentitySource::file(path));
    }
    if std::io::stdin().is_terminal() {
        return Err(Failure::usage(
            "--identity - reads standard input, which is a terminal",
        ));
    }
    let input = standard_input::file()?;
    Ok(IdentitySource::reader("standard input", input))
}

/// What the command in `ESCRUN_IDENTITY_COMMAND` prints, run by the shell only if no other identity fits.
fn from_command(command: std::ffi::OsString, ambient: &Ambient) -> IdentitySource {
    let variables: Vec<_> = ambient
        .variables
        .iter()
        .filter(|(name, _)| !is_withheld(name))
        .cloned()
        .collect();
    let folder: PathBuf = ambient.working_directory.clone();
    IdentitySource::deferred("ESCRUN_IDENTITY_COMMAND", move || {
        let failed =
            |error: std::io::Error| format!("the command cannot be run: {}", describe(&error));
        let mut child = process::command("/bin/sh".as_ref())
            .arg("-c")
            .arg(command)
            .env_clear()
            .envs(variables)
            .current_dir(folder)
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let output = child.stdout.take().ok_or("the command has no output")?;
        let identity = read_identity(output)
            .map_err(|error| format!("its output cannot be read: {}", describe(&error)))?;
        let status = child.wait().map_err(failed)?;
        if status.success() {
            Ok(identity)
        } else {
            Err(format!("the command failed: {status}"))
        }
    })
}
