//! Plugins: programs `escrun-provider-NAME` in the folders that the caller names.

use std::fs::Metadata;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use super::mask::Mask;
use super::process::{Complaint, Failure, Output, Run, describe_status};
use super::protocol::{self, Answer, AnswerError};
use super::slot::Finish;
use super::{Config, error, error_with_hint};
use crate::eval::{Call, ProviderError, ProviderSchema};
use crate::launcher::Invocation;
use crate::quote::quoted;
use crate::schema::{self, Schema};
use crate::source::{Origin, Source, Span};
use crate::sys::fs::describe;
use crate::value::{Text, Value};

/// What the names of plugins' files begin with.
const PREFIX: &str = "escrun-provider-";
/// The longest name of a provider, in bytes.
const LONGEST_NAME: usize = 64;

/// A plugin that was found.
pub(super) struct Plugin {
    name: String,
    program: PathBuf,
}

impl Plugin {
    /// Finds the plugin `name`: the first one counts.
    ///
    /// # Errors
    /// When there is none, or others could change what would be run.
    pub(super) fn find(name: &str, config: &Config) -> Result<Self, ProviderError> {
        let unknown = |hint| error_with_hint(format!("unknown provider {}", quoted(name)), hint);
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(is_name) {
            return Err(unknown(
                "names of providers are made of a to z, 0 to 9 and -".to_owned(),
            ));
        }
        if !config.allows_plugins() {
            return Err(error_with_hint(
                format!(
                    "the daemon's settings do not allow plugins, such as provider {}",
                    quoted(name)
                ),
                "whoever runs the daemon can allow those of the system there with `plugins: true` under providers",
            ));
        }
        let file = format!("{PREFIX}{name}");
        for folder in &config.plugin_folders {
            // A folder may be named relative to where the others are, but a program must not be looked up in PATH.
            let program = config.base.join(folder).join(&file);
            match std::fs::metadata(&program) {
                Ok(metadata) => {
                    require_safe(&program, &metadata)?;
                    let name = name.to_owned();
                    return Ok(Self { name, program });
                }
                Err(error) if is_absent(&error) => {}
                Err(fault) => {
                    let reason = describe(&fault);
                    return Err(error(format!(
                        "provider {}: {}: {reason}",
                        quoted(name),
                        program.display()
                    )));
                }
            }
        }
        Err(unknown(match &config.plugin_folders[..] {
            [] => format!("no folder was given in which to look for {file}"),
            folders => {
                let folders: Vec<_> = folders
                    .iter()
                    .map(|folder| folder.display().to_string())
                    .collect();
                format!("looked for {file} in {}", folders.join(", "))
            }
        }))
    }

    /// Asks for the schemas. Takes as long as the plugin does.
    pub(super) fn fetch_schema(
        self,
        config: &Config,
    ) -> impl FnOnce() -> Finish<ProviderSchema> + Send + use<> {
        let run = self.run(protocol::schema_request(), config);
        move || {
            let result = run.run();
            Box::new(move || {
                let text = Source::new(self.name.as_str(), Some(self.program.clone()), "");
                let origin = Origin::new(&text, Span::default());
                self.conclude(result, &Mask::default(), |answer| {
                    protocol::read_schema(answer, &origin)
                })
            })
        }
    }

    /// Asks for an answer, which has to meet `outputs`. Takes as long as the plugin does.
    ///
    /// # Errors
    /// When the request gets too large.
    pub(super) fn fetch_value(
        self,
        call: &Call<'_>,
        outputs: Option<Schema>,
        config: &Config,
    ) -> Result<impl FnOnce() -> Finish<Value> + Send + use<>, ProviderError> {
        let request = protocol::open_request(call);
        let request = request.map_err(|reason| {
            error(format!(
                "provider {}: its inputs: {reason}",
                quoted(&self.name)
            ))
        })?;
        let run = self.run(request, config);
        let mask = Mask::new([call.inputs, call.context].into_iter().chain(call.state));
        let origin = call.origin.clone();
        let provided = Arc::clone(&config.provided);
        Ok(move || -> Finish<Value> {
            let result = run.run();
            Box::new(move || {
                let Answer { value, lifetime } = self.conclude(result, &mask, |answer| {
                    protocol::read_value(answer, &origin)
                })?;
                if let Some(lifetime) = lifetime {
                    let mut provided = provided.lock().unwrap_or_else(PoisonError::into_inner);
                    provided.note_lifetime(lifetime);
                }
                let mismatch =
                    outputs.and_then(|outputs| schema::check(&outputs, &value).into_iter().next());
                match mismatch {
                    None => Ok(value),
                    Some(mismatch) => {
                        let reason =
                            format!("its answer is not as its schema says: {}", mismatch.message);
                        Err(self.error(reason))
                    }
                }
            })
        })
    }

    fn run(&self, input: Text, config: &Config) -> Run {
        Run {
            invocation: Invocation {
                program: self.program.clone(),
                arguments: Vec::new(),
                environment: config.inherited(),
                folder: config.base.clone(),
            },
            launcher: Arc::clone(&config.launcher),
            input,
            timeout: config.timeout,
            output_limit: config.size_limit,
        }
    }

    fn conclude<T>(
        &self,
        result: Result<Output, Failure>,
        mask: &Mask,
        read: impl FnOnce(&[u8]) -> Result<T, AnswerError>,
    ) -> Result<T, ProviderError> {
        let output = result.map_err(|failure| self.error(describe_failure(failure, mask)))?;
        let answer = read(&output.output);
        // A plugin that tells what went wrong may well end with another status than 0.
        if let Err(AnswerError::Told(text)) = &answer {
            let text = mask.apply(text);
            return Err(if text.is_empty() {
                self.error("it failed and does not say why")
            } else {
                error(text)
            });
        }
        if !output.status.success() {
            let ended = format!("it ended with {}", describe_status(output.status));
            return Err(self.error(ended + &describe_complaint(&output.complaint, mask)));
        }
        answer.map_err(|fault| match fault {
            AnswerError::Broken(reason) => {
                self.error(reason + &describe_complaint(&output.complaint, mask))
            }
            AnswerError::Told(_) => self.error("it failed"),
        })
    }

    fn error(&self, reason: impl std::fmt::Display) -> ProviderError {
        error(format!("provider {}: {reason}", quoted(&self.name)))
    }
}

fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR))
}

/// Refuses a plugin that others than its user and root could have put there or changed.
fn require_safe(program: &Path, metadata: &Metadata) -> Result<(), ProviderError> {
    if !metadata.is_file() || metadata.permissions().mode() & 0o111 == 0 {
        let hint = format!("chmod +x {}", program.display());
        return Err(error_with_hint(
            format!("{} is not an executable file", program.display()),
            hint,
        ));
    }
    // Through links, what counts is the file that is run and the folder that it lies in.
    let actual = std::fs::canonicalize(program);
    let folders = [
        program.parent(),
        actual.as_deref().ok().and_then(Path::parent),
    ];
    require_own(program, metadata)?;
    for folder in folders.into_iter().flatten() {
        let metadata = std::fs::metadata(folder)
            .map_err(|fault| error(format!("{}: {}", folder.display(), describe(&fault))))?;
        require_own(folder, &metadata)?;
    }
    Ok(())
}

fn require_own(path: &Path, metadata: &Metadata) -> Result<(), ProviderError> {
    let user = nix::unistd::geteuid().as_raw();
    let shown = path.display();
    if metadata.uid() != 0 && metadata.uid() != user {
        let hint = format!("chown it to root or to the user with the number {user}");
        return Err(error_with_hint(
            format!("{shown} belongs to another user, so its plugins are not run"),
            hint,
        ));
    }
    if metadata.permissions().mode() & 0o022 != 0 {
        let hint = format!("chmod go-w {shown}");
        return Err(error_with_hint(
            format!("{shown} can be written by others, so its plugins are not run"),
            hint,
        ));
    }
    Ok(())
}

/// What is said of a program that did not end by itself.
pub(super) fn describe_failure(failure: Failure, mask: &Mask) -> String {
    match failure {
        Failure::Start(error) => format!("it cannot be started: {}", describe(&error)),
        Failure::Talk(error) => format!("talking to it failed: {}", describe(&error)),
        Failure::TimedOut(complaint) => {
            format!(
                "it did not end in time{}",
                describe_complaint(&complaint, mask)
            )
        }
        Failure::TooMuch => "it wrote more than is taken".to_owned(),
    }
}

/// What a program said on its standard error, to be put behind a message.
pub(super) fn describe_complaint(complaint: &Complaint, mask: &Mask) -> String {
    let mut text = &complaint.text[..];
    if complaint.is_cut {
        // The cut may have gone through a secret, which would not be recognized.
        text = &text[..text.len().saturating_sub(mask.longest())];
    }
    let text = mask.apply(text);
    if text.is_empty() {
        text
    } else {
        format!(": {text}")
    }
}
