//! Where identities are looked for.

use std::ffi::OsString;
use std::fs::File;
use std::io::IsTerminal as _;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use super::agent;
use super::ambient::Ambient;
use super::error::Failure;
use super::prompt::Terminal;
use super::recollection::Recollection;
use super::source_options::Sources;
use super::standard_input;
use crate::crypt::{IdentitySource, Interaction, Keyring, Plugins, Prompt, read_identity};
use crate::project::UserConfig;
use crate::secret::Secret;
use crate::sys::fs::describe;
use crate::sys::process;
use crate::withheld::is_withheld;

/// The name of what is read from standard input.
const STANDARD_INPUT: &str = "standard input";

/// The variable with the command that prints identities.
const COMMAND: &str = "ESCRUN_IDENTITY_COMMAND";

/// Who decrypts.
pub(super) struct Identities {
    /// All identities that there may be.
    pub(super) keyring: Keyring,
    /// The files and folders that they are in, or would be.
    pub(super) files: Vec<PathBuf>,
}

/// The keyring of all identities that there may be: those that were named, which must be usable, and behind them those in
/// the usual places.
pub(super) fn keyring(
    typed: &Sources,
    ambient: &Ambient,
    config: &UserConfig,
    recollection: Option<Arc<Recollection>>,
) -> Result<Identities, Failure> {
    let mut sources = Vec::new();
    for path in &typed.identities {
        sources.push(named(path, recollection.as_deref())?);
    }
    if let Some(file) = ambient.variable("ESCRUN_IDENTITY_FILE") {
        sources.push(named_file(file.as_ref(), recollection.as_deref())?);
    }
    if let Some(text) = ambient.variable("ESCRUN_IDENTITY") {
        let text = Secret::from_parts(&[text.as_bytes()]);
        sources.push(IdentitySource::text("ESCRUN_IDENTITY", text));
    }
    if let Some(command) = ambient.variable(COMMAND) {
        sources.push(from_command(
            command.to_owned(),
            ambient,
            recollection.clone(),
        ));
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

    let prompt: Arc<dyn Prompt> = match recollection {
        Some(recollection) => recollection,
        None => Arc::new(Terminal),
    };
    let mut interaction = Interaction::new(Some(prompt), Plugins::Allowed);
    if let Some(agent) = agent::of_direct_runs(typed, ambient) {
        interaction = interaction.with_agent(Arc::new(agent));
    }
    Ok(Identities {
        files: sources
            .iter()
            .filter_map(IdentitySource::path)
            .map(Path::to_owned)
            .collect(),
        keyring: Keyring::new(sources, interaction),
    })
}

/// An identity that was named: a file, or `-` for standard input.
fn named(path: &Path, recollection: Option<&Recollection>) -> Result<IdentitySource, Failure> {
    if path != Path::new("-") {
        return named_file(path, recollection);
    }
    let open = || {
        if std::io::stdin().is_terminal() {
            return Err(Failure::usage(
                "--identity - reads standard input, which is a terminal",
            ));
        }
        standard_input::file()
    };
    match recollection {
        None => Ok(IdentitySource::reader(STANDARD_INPUT, open()?)),
        Some(recollection) => read_once(STANDARD_INPUT, recollection, open),
    }
}

/// An identity file that was named. One that is no regular file, such as the pipe of a shell's `<(…)`, can be read once.
fn named_file(path: &Path, recollection: Option<&Recollection>) -> Result<IdentitySource, Failure> {
    let is_regular = || path.metadata().is_ok_and(|metadata| metadata.is_file());
    let name = path.display().to_string();
    match recollection {
        Some(recollection) if recollection.knows(&name) || (path.exists() && !is_regular()) => {
            read_once(&name, recollection, || {
                File::open(path).map_err(|error| Failure::io(&name, &error))
            })
        }
        _ => Ok(IdentitySource::file(path)),
    }
}

/// An identity that is remembered, because it cannot be read again.
fn read_once(
    name: &str,
    recollection: &Recollection,
    open: impl FnOnce() -> Result<File, Failure>,
) -> Result<IdentitySource, Failure> {
    let read = || read_identity(open()?).map_err(|error| Failure::io(name, &error));
    Ok(IdentitySource::text(name, recollection.recall(name, read)?))
}

/// What the command in `ESCRUN_IDENTITY_COMMAND` prints, run by the shell only if no other identity fits.
///
/// What it prints is remembered: it may ask a person.
fn from_command(
    command: OsString,
    ambient: &Ambient,
    recollection: Option<Arc<Recollection>>,
) -> IdentitySource {
    let variables: Vec<_> = ambient
        .variables
        .iter()
        .filter(|(name, _)| !is_withheld(name))
        .cloned()
        .collect();
    let folder: PathBuf = ambient.working_directory.clone();
    let run = move || {
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
    };
    IdentitySource::deferred(COMMAND, move || match recollection {
        Some(recollection) => recollection.recall(COMMAND, run),
        None => run(),
    })
}
