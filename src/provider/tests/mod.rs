//! Providers as an evaluation sees them, with real programs.

mod allowed;
mod builtins;
mod plugins;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::protocol::{self, AnswerError};
use super::{Config, ProviderSet};
use crate::ast::{Encryption, ExprId};
use crate::diagnostic::Extent;
use crate::encode::{self, Redaction};
use crate::eval::{Call, DecryptError, Decrypter, Progress, ProviderError, Providers};
use crate::secret::Secret;
use crate::source::{Origin, Source, Span};
use crate::value::Value;

/// A folder with a definition `env.yaml` and a folder `providers`.
struct Fixture {
    folder: tempfile::TempDir,
    definition: Arc<Source>,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let plugins = folder.path().join("providers");
        fs::create_dir(&plugins).expect("a folder");
        fs::set_permissions(&plugins, fs::Permissions::from_mode(0o755)).expect("set");
        let file = folder.path().join("env.yaml");
        fs::write(&file, "values: {}\n").expect("written");
        let definition = Source::new("env", Some(file), "values: {}\n");
        Self { folder, definition }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn config(&self) -> Config {
        let variable = |name: &str, value: &str| (name.into(), value.into());
        Config {
            plugin_folders: vec![self.path().join("absent"), self.path().join("providers")],
            environment: vec![
                variable("PATH", ".:/usr/local/bin:/usr/bin:/bin"),
                variable("OTHER", "other"),
                variable("ESCRUN_IDENTITY", "AGE-SECRET-KEY-1"),
                variable("ESCRUN_IDENTITY_FILE", "/keys"),
                variable("FOLDER", &self.path().display().to_string()),
            ],
            ..Config::new(self.path())
        }
    }

    fn set(&self) -> ProviderSet {
        ProviderSet::new(self.config())
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let file = self.path().join(name);
        fs::write(&file, content).expect("written");
        file
    }

    /// Makes a plugin of a shell script.
    fn plugin(&self, name: &str, script: &str) -> PathBuf {
        self.program(
            &format!("providers/escrun-provider-{name}"),
            &format!("#!/bin/sh\n{script}\n"),
        )
    }

    fn program(&self, name: &str, text: &str) -> PathBuf {
        let file = self.write(name, text);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("set");
        file
    }

    /// Asks for an answer until it is there. `inputs` is JSON, in which `{"$secret": X}` is a secret.
    fn open(
        &self,
        set: &ProviderSet,
        provider: &str,
        inputs: &str,
    ) -> Result<Value, ProviderError> {
        self.open_as(set, provider, inputs, 0, None)
    }

    fn open_as(
        &self,
        set: &ProviderSet,
        provider: &str,
        inputs: &str,
        expression: u32,
        state: Option<&str>,
    ) -> Result<Value, ProviderError> {
        loop {
            match self.begin(set, provider, inputs, expression, state) {
                Progress::Done(result) => return result,
                Progress::Pending => assert!(set.settle(), "what is pending was begun"),
            }
        }
    }

    fn begin(
        &self,
        set: &ProviderSet,
        provider: &str,
        inputs: &str,
        expression: u32,
        state: Option<&str>,
    ) -> Progress<Value> {
        let origin = Origin::new(&self.definition, Span::default());
        let (inputs, state) = (value(inputs), state.map(value));
        let call = Call {
            id: (&self.definition, ExprId(expression)),
            provider,
            inputs: &inputs,
            state: state.as_ref(),
            context: &value(r#"{"rootEnvironment":{"name":"env"}}"#),
            decrypter: &Reversing,
            origin: &origin,
            influences: &|_| Vec::new(),
        };
        set.open(&call)
    }

    /// The answer as JSON with its secrets redacted, or the message.
    fn shown(&self, set: &ProviderSet, provider: &str, inputs: &str) -> Result<String, String> {
        shown(self.open(set, provider, inputs), Redaction::Redact)
    }

    fn revealed(&self, set: &ProviderSet, provider: &str, inputs: &str) -> Result<String, String> {
        shown(self.open(set, provider, inputs), Redaction::Reveal)
    }
}

fn shown(result: Result<Value, ProviderError>, redaction: Redaction) -> Result<String, String> {
    let value = result.map_err(|error| error.message)?;
    let json = encode::json(&value, redaction).expect("a small value");
    Ok(String::from_utf8_lossy(json.text.bytes()).into_owned())
}

fn value(json: &str) -> Value {
    let origin = Origin::new(&Source::new("inputs", None, ""), Span::default());
    let answer = format!(r#"{{"value":{json}}}"#);
    match protocol::read_value(answer.as_bytes(), &origin) {
        Ok(answer) => answer.value,
        Err(AnswerError::Broken(reason)) => panic!("{json}: {reason}"),
        Err(AnswerError::Told(_)) => panic!("{json}"),
    }
}

/// Takes what is written backwards for what is encrypted.
struct Reversing;

impl Decrypter for Reversing {
    fn validate(&self, _: Option<&Encryption>, _: &str) -> Result<(), String> {
        Ok(())
    }

    fn decrypt(&self, _: Option<&Encryption>, _: &str) -> Result<Secret, DecryptError> {
        Err(DecryptError {
            message: "not here".to_owned(),
            hint: None,
            extent: Extent::Place,
        })
    }

    fn decrypt_file(&self, file: &[u8]) -> Result<Secret, DecryptError> {
        if file.is_empty() {
            return Err(DecryptError {
                message: "no identity fits".to_owned(),
                hint: Some("get one".to_owned()),
                extent: Extent::Run,
            });
        }
        let bytes: Vec<u8> = file.iter().rev().copied().collect();
        Ok(Secret::from_parts(&[&bytes]))
    }
}

/// Whether a program exists that a test needs. Where it does not, the test is skipped, but not on the continuous
/// integration's machines.
fn has_program(name: &str) -> bool {
    let found = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|folder| folder.join(name).is_file());
    if !found {
        assert!(
            std::env::var_os("CI").is_none_or(|ci| ci != "true"),
            "{name} is missing"
        );
        // The harness shows what tests write only by way of its own macros.
        #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
        {
            eprintln!("skipped: {name} is not installed");
        }
    }
    found
}
