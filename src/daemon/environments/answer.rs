//! The bodies of answers, written straight into locked memory.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::diagnostic::Diagnostic;
use crate::encode::{self, Part, Redaction, Sink, json_string, write_json};
use crate::export::{File, Projection, SecretText, Variable};
use crate::secret::{REDACTED, Secret};
use crate::source::Origin;
use crate::value::{Data, Text, Value};

/// How much is written as base64 at a time, in bytes: a multiple of three, so that the pieces join.
const CHUNK: usize = 48;

/// What is given for a request.
pub struct Answer {
    /// The whole body, in locked memory: an object of JSON.
    pub body: Secret,
    /// The names of the variables and files in it, sorted.
    pub names: Vec<Arc<str>>,
    /// The revision that it is of.
    pub revision: Arc<str>,
}

impl Answer {
    /// How much locked memory it takes, in bytes, roughly.
    pub(super) fn size(&self) -> usize {
        let names: usize = self.names.iter().map(|name| name.len()).sum();
        self.body.expose().len() + names
    }
}

/// How an answer is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    /// Whether secrets are shown.
    pub(super) redaction: Redaction,
    /// Whether it is told where things are from.
    pub(super) details: bool,
}

/// The answer with variables and files.
pub(super) fn of_variables(
    revision: &Arc<str>,
    projection: &Projection,
    form: Form,
) -> Result<Answer, encode::Error> {
    let body = build(|sink| {
        write_start(revision, sink)?;
        sink.write(b",\"variables\":")?;
        write_members(projection.variables.iter(), sink, |variable, sink| {
            json_string(variable.name.as_bytes(), sink)?;
            sink.write(b":")?;
            write_text(shown(&variable.value, variable.secret, form), sink)
        })?;
        sink.write(b",\"files\":")?;
        write_members(projection.files.iter(), sink, |file, sink| {
            json_string(file.variable.as_bytes(), sink)?;
            sink.write(b":")?;
            write_text(shown(&file.content, file.secret, form), sink)
        })?;
        if form.details {
            sink.write(b",\"details\":")?;
            let details = details(projection);
            write_members(details.iter(), sink, write_detail)?;
        }
        write_secrets(&projection.secrets, form, sink)?;
        write_end(&projection.diagnostics, sink)
    })?;
    let variables = projection.variables.iter().map(|variable| &variable.name);
    let files = projection.files.iter().map(|file| &file.variable);
    let mut names: Vec<Arc<str>> = variables.chain(files).cloned().collect();
    names.sort();
    Ok(Answer {
        body,
        names,
        revision: Arc::clone(revision),
    })
}

/// The answer with the tree of values, or with one value.
pub(super) fn of_value(
    revision: &Arc<str>,
    key: &str,
    value: &Value,
    secrets: &[SecretText],
    diagnostics: &[Diagnostic],
    form: Form,
) -> Result<Answer, encode::Error> {
    let body = build(|sink| {
        write_start(revision, sink)?;
        sink.write(b",")?;
        json_string(key.as_bytes(), sink)?;
        sink.write(b":")?;
        match &value.data {
            // JSON has no other way to hold it whole.
            Data::String(text) if std::str::from_utf8(text.bytes()).is_err() => {
                write_text(shown(text, value.secret, form), sink)?;
            }
            _ => write_json(value, form.redaction, sink)?,
        }
        write_secrets(secrets, form, sink)?;
        write_end(diagnostics, sink)
    })?;
    Ok(Answer {
        body,
        names: Vec::new(),
        revision: Arc::clone(revision),
    })
}

/// The answer of a check.
pub(super) fn of_check(
    revision: &Arc<str>,
    is_sound: bool,
    diagnostics: &[Diagnostic],
) -> Result<Answer, encode::Error> {
    let body = build(|sink| {
        write_start(revision, sink)?;
        sink.write(b",\"ok\":")?;
        sink.write(is_sound.to_string().as_bytes())?;
        sink.write(b",\"diagnostics\":")?;
        write_diagnostics(diagnostics, sink)?;
        sink.write(b"}")
    })?;
    Ok(Answer {
        body,
        names: Vec::new(),
        revision: Arc::clone(revision),
    })
}

/// Makes a text in locked memory, whatever is in it.
fn build(
    write: impl Fn(&mut dyn Sink) -> Result<(), encode::Error>,
) -> Result<Secret, encode::Error> {
    let encoded = encode::build(|sink| {
        sink.note(Part::Secret);
        write(sink)
    })?;
    Ok(match encoded.text {
        Text::Secret(secret) => Arc::into_inner(secret).expect("nobody else has it yet"),
        Text::Plain(bytes) => Secret::from_parts(&[&bytes]),
    })
}

fn write_start(revision: &str, sink: &mut dyn Sink) -> Result<(), encode::Error> {
    sink.write(b"{\"revision\":")?;
    json_string(revision.as_bytes(), sink)
}

/// Ends the object, with what there is to warn of.
fn write_end(diagnostics: &[Diagnostic], sink: &mut dyn Sink) -> Result<(), encode::Error> {
    if !diagnostics.is_empty() {
        sink.write(b",\"diagnostics\":")?;
        write_diagnostics(diagnostics, sink)?;
    }
    sink.write(b"}")
}

fn write_diagnostics(diagnostics: &[Diagnostic], sink: &mut dyn Sink) -> Result<(), encode::Error> {
    sink.write(b"[")?;
    for (index, diagnostic) in diagnostics.iter().enumerate() {
        if index > 0 {
            sink.write(b",")?;
        }
        sink.write(diagnostic.to_json().as_bytes())?;
    }
    sink.write(b"]")
}

fn write_members<T>(
    members: impl Iterator<Item = T>,
    sink: &mut dyn Sink,
    write: impl Fn(T, &mut dyn Sink) -> Result<(), encode::Error>,
) -> Result<(), encode::Error> {
    sink.write(b"{")?;
    for (index, member) in members.enumerate() {
        if index > 0 {
            sink.write(b",")?;
        }
        write(member, sink)?;
    }
    sink.write(b"}")
}

/// What is written for a text.
fn shown(text: &Text, secret: bool, form: Form) -> &[u8] {
    match form.redaction {
        Redaction::Redact if secret => REDACTED.as_bytes(),
        // Giving it to the peer is what was decided.
        _ => text.bytes(),
    }
}

/// A text as a string, or as base64 if it is no UTF-8.
fn write_text(text: &[u8], sink: &mut dyn Sink) -> Result<(), encode::Error> {
    if std::str::from_utf8(text).is_ok() {
        return json_string(text, sink);
    }
    sink.write(b"{\"base64\":\"")?;
    // On the private stack, which is wiped.
    let mut buffer = [0; CHUNK / 3 * 4];
    for chunk in text.chunks(CHUNK) {
        let length = STANDARD
            .encode_slice(chunk, &mut buffer)
            .expect("the buffer has room for a chunk");
        sink.write(&buffer[..length])?;
    }
    sink.write(b"\"}")
}

fn write_secrets(
    secrets: &[SecretText],
    form: Form,
    sink: &mut dyn Sink,
) -> Result<(), encode::Error> {
    if secrets.is_empty() || form.redaction == Redaction::Redact {
        return Ok(());
    }
    sink.write(b",\"secrets\":[")?;
    for (index, secret) in secrets.iter().enumerate() {
        sink.write(if index == 0 { b"{" } else { b",{" })?;
        sink.write(b"\"path\":")?;
        json_string(secret.path.as_bytes(), sink)?;
        sink.write(b",\"text\":")?;
        write_text(secret.text.bytes(), sink)?;
        sink.write(b"}")?;
    }
    sink.write(b"]")
}

/// Where a variable or file is from.
struct Detail<'p> {
    name: &'p str,
    origin: &'p Origin,
    path: &'p str,
    secret: bool,
}

/// Those of all variables and files, by name.
fn details(projection: &Projection) -> Vec<Detail<'_>> {
    let of_variable = |variable| {
        let Variable {
            name,
            origin,
            path,
            secret,
            ..
        }: &Variable = variable;
        Detail {
            name,
            origin,
            path,
            secret: *secret,
        }
    };
    let of_file = |file| {
        let File {
            variable,
            origin,
            path,
            secret,
            ..
        }: &File = file;
        Detail {
            name: variable,
            origin,
            path,
            secret: *secret,
        }
    };
    let variables = projection.variables.iter().map(of_variable);
    let mut details: Vec<_> = variables
        .chain(projection.files.iter().map(of_file))
        .collect();
    details.sort_by_key(|detail| detail.name);
    details
}

fn write_detail(detail: &Detail<'_>, sink: &mut dyn Sink) -> Result<(), encode::Error> {
    let Origin { source, span } = detail.origin;
    json_string(detail.name.as_bytes(), sink)?;
    sink.write(b":{\"environment\":")?;
    json_string(source.name().as_bytes(), sink)?;
    let place = format!(
        ",\"line\":{},\"column\":{},\"path\":",
        span.line, span.column
    );
    sink.write(place.as_bytes())?;
    json_string(detail.path.as_bytes(), sink)?;
    sink.write(format!(",\"secret\":{}}}", detail.secret).as_bytes())
}
