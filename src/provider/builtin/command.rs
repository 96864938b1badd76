//! `fn::open::command: {command: [PROGRAM, ARGUMENT…], as, input, folder, timeout, secret}`: what a program writes, run
//! without a shell.
//!
//! Who clones a repository must not thereby run its programs, so this is refused unless the user has allowed it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Begun;
use crate::eval::{Call, ProviderError};
use crate::launcher::Invocation;
use crate::provider::inputs::Inputs;
use crate::provider::mask::Mask;
use crate::provider::plugin::{describe_complaint, describe_failure};
use crate::provider::process::{Run, describe_status};
use crate::provider::slot::Finish;
use crate::provider::trust::Trusted;
use crate::provider::{Commands, Config, error, file};
use crate::quote::quoted;
use crate::source::Source;
use crate::sys::exec::check_executable;
use crate::value::{Data, Text, Value};

pub(super) const INPUTS: &str = r#"{
    "type": "object",
    "properties": {
        "command": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "as": {"type": "string", "enum": ["text", "json", "yaml", "dotenv", "base64", "bytes"]},
        "input": {"type": "string"},
        "folder": {"type": "string", "minLength": 1},
        "timeout": {"type": "number", "exclusiveMinimum": 0, "maximum": 3600},
        "secret": {"type": "boolean"}
    },
    "required": ["command"],
    "additionalProperties": false
}"#;

pub(super) fn open(call: &Call<'_>, config: &Config) -> Result<Begun, ProviderError> {
    let inputs = Inputs::of(call);
    require_allowed(call, &inputs, config)?;
    let command = inputs.texts("command")?.unwrap_or_default();
    let [program, arguments @ ..] = &command[..] else {
        return Err(inputs.error("`command` is empty"));
    };
    require_public(&inputs)?;
    require_listed(&inputs, program, config)?;
    let own_folder = file::folder(call.id.0, config);
    let folder = match inputs.text("folder")? {
        Some(folder) => own_folder.join(OsStr::from_bytes(folder)),
        None => own_folder.to_owned(),
    };
    let folder = config.base.join(folder);
    if !folder.is_dir() {
        // Starting a program elsewhere would say that the program does not exist.
        return Err(inputs.error("`folder` is not a folder"));
    }
    let run = Run {
        invocation: Invocation {
            program: find(program, own_folder, config).map_err(|reason| inputs.error(reason))?,
            arguments: arguments
                .iter()
                .map(|bytes| OsString::from_vec(bytes.to_vec()))
                .collect(),
            environment: config.inherited(),
            folder,
        },
        launcher: Arc::clone(&config.launcher),
        input: match inputs.get("input").map(|input| &input.data) {
            Some(Data::String(text)) => text.clone(),
            _ => Text::plain(""),
        },
        timeout: inputs.seconds("timeout")?.unwrap_or(config.timeout),
        output_limit: config.size_limit,
    };
    let (format, secret) = (inputs.format()?, inputs.secret()?);
    let mask = Mask::new([call.inputs]);
    let origin = call.origin.clone();
    let shown = String::from_utf8_lossy(program).into_owned();
    let fault = move |reason: String| error(format!("fn::open::command: {shown}: {reason}"));
    Ok(Begun::Fetching(Box::new(move || -> Finish<Value> {
        let result = run.run();
        Box::new(move || {
            let output = result.map_err(|failure| fault(describe_failure(failure, &mask)))?;
            if !output.status.success() {
                let ended = format!("it ended with {}", describe_status(output.status));
                return Err(fault(ended + &describe_complaint(&output.complaint, &mask)));
            }
            let value = format.decode(&output.output, secret, &origin);
            value.map_err(|reason| fault(format!("what it wrote is {reason}")))
        })
    })))
}

fn require_allowed(
    call: &Call<'_>,
    inputs: &Inputs<'_>,
    config: &Config,
) -> Result<(), ProviderError> {
    let trusted = match &config.commands {
        Commands::All => return Ok(()),
        Commands::Trusted(trusted) => trusted,
    };
    if trusted.contains(call.id.0) {
        return require_own_choice(call, inputs, trusted);
    }
    let mut error = inputs.error("this definition may not run programs");
    error.hint = Some(how_to_allow(call.id.0));
    Err(error)
}

/// Refuses to run, with rights that are not those of who asks, what is not listed under this very name: nothing is looked
/// up in folders, and no shell is run for what it might run.
fn require_listed(
    inputs: &Inputs<'_>,
    program: &[u8],
    config: &Config,
) -> Result<(), ProviderError> {
    let Some(allowed) = &config.allowed else {
        return Ok(());
    };
    if allowed.programs.contains(OsStr::from_bytes(program)) {
        return Ok(());
    }
    let mut error = inputs.error(format_args!(
        "the daemon's settings do not allow running {}",
        inputs.shown(program)
    ));
    error.hint = Some(
        "whoever runs the daemon can list a program there by its absolute path, under providers.commands"
            .to_owned(),
    );
    Err(error)
}

/// Refuses to run what a definition that is not trusted may have chosen: one that is imported can override even values
/// that stand in the trusted one.
fn require_own_choice(
    call: &Call<'_>,
    inputs: &Inputs<'_>,
    trusted: &Trusted,
) -> Result<(), ProviderError> {
    for key in ["command", "folder"] {
        let mut others = (call.influences)(key).into_iter();
        if let Some(other) = others.find(|other| !trusted.contains(other)) {
            let mut error = inputs.error(format_args!(
                "`{key}` may come from {}, which may not run programs",
                quoted(other.name())
            ));
            error.hint = Some(format!(
                "write it out without ${{…}}, or {}",
                how_to_allow(&other)
            ));
            return Err(error);
        }
    }
    Ok(())
}

fn how_to_allow(definition: &Source) -> String {
    let name = definition.name();
    if name.starts_with('<') {
        return "read it, and then --allow-commands".to_owned();
    }
    format!("read it, and then either `escrun trust {name}` or --allow-commands")
}

/// Refuses arguments that are secret: every user of the system can read them while the program runs.
fn require_public(inputs: &Inputs<'_>) -> Result<(), ProviderError> {
    let Some(command) = inputs.get("command") else {
        return Ok(());
    };
    if !command.holds_secret() {
        return Ok(());
    }
    let mut error = inputs.error(
        "a secret must not be an argument, which everyone can read in the list of processes",
    );
    error.hint =
        Some("give it as `input`, which the program reads from its standard input".to_owned());
    Err(error)
}

/// Finds a program as execvp(3) does, except that a folder of PATH counts only if it is absolute: in a checkout that
/// somebody else has made, `.` is not mine.
fn find(program: &[u8], folder: &Path, config: &Config) -> Result<PathBuf, String> {
    let name = OsStr::from_bytes(program);
    let shown = name.display();
    if program.is_empty() {
        return Err("`command` names no program".to_owned());
    }
    if program.contains(&b'/') {
        let path = config.base.join(folder).join(name);
        return match check_executable(&path) {
            Ok(()) => Ok(path),
            Err(_) => Err(format!("{} is not an executable file", path.display())),
        };
    }
    let path = config.variable(OsStr::new("PATH")).unwrap_or_default();
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|file| check_executable(file).is_ok())
        .ok_or_else(|| format!("{shown} was not found in PATH"))
}
