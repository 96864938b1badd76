//! Changes definitions: sets values, encrypts plaintext secrets. Takes text and gives text; what is not meant to change
//! stays byte for byte.

use std::fmt;
use std::sync::Arc;

use crate::ast::{self, Call, Definition, Encryption, ExprKind};
use crate::crypt::{self, Keyring, Recipient, Sealer};
use crate::diagnostic::Diagnostic;
use crate::secret::Secret;
use crate::source::{Source, Span};
use crate::syntax::edit::{self, EditError, NewValue};
use crate::syntax::path::{self, Step};
use crate::syntax::{self, Node, NodeKind};

/// Why a definition was not changed.
#[derive(Debug)]
pub enum Error {
    /// It has faults of its own.
    Faulty(Vec<Diagnostic>),
    /// It cannot be changed as asked.
    Edit(EditError),
    /// Something could not be encrypted or decrypted.
    Crypt(crypt::Error),
    /// Nothing says for whom to encrypt.
    NoRecipients,
    /// A recipient is none.
    Recipient(String),
    /// One value would take the place of several.
    Several {
        /// The path below `values`.
        path: String,
        /// How many there are.
        count: usize,
    },
}

impl Error {
    /// What helps.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Crypt(error) => error.hint(),
            Error::NoRecipients => Some(
                "list recipients (age1…) under encryption in escrun.yaml, or under encryption.recipients here"
                    .to_owned(),
            ),
            Error::Several { .. } => Some(
                "name the value in it that is meant, or remove them from the file first".to_owned(),
            ),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Faulty(_) => f.write_str("the definition has errors, so it was not changed"),
            Error::Edit(error) => error.fmt(f),
            Error::Crypt(error) => error.fmt(f),
            Error::NoRecipients => {
                f.write_str("nothing says for whom the secrets are to be encrypted")
            }
            Error::Recipient(message) => f.write_str(message),
            Error::Several { path, count } => {
                let values = if *count == 1 { "value" } else { "values" };
                write!(f, "{path} holds {count} {values}, which would be lost")
            }
        }
    }
}

impl std::error::Error for Error {}

impl From<EditError> for Error {
    fn from(error: EditError) -> Self {
        match error {
            EditError::Faulty(diagnostics) => Error::Faulty(diagnostics),
            error => Error::Edit(error),
        }
    }
}

impl From<crypt::Error> for Error {
    fn from(error: crypt::Error) -> Self {
        Error::Crypt(error)
    }
}

/// What sealing did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    /// How many plaintexts were encrypted.
    pub plaintexts: usize,
    /// How many ciphertexts were encrypted anew, because the recipients have changed.
    pub renewed: usize,
    /// How many complete age files were folded under the definition's header.
    pub folded: usize,
}

/// Sets the value at `path` below `values`.
///
/// # Errors
/// When the definition has faults, the path does not fit it, or a scalar would take the place of an object or list.
pub fn set(source: &Arc<Source>, path: &[Step], value: &NewValue) -> Result<String, Error> {
    if !matches!(value, NewValue::List(_) | NewValue::Map(_)) {
        keep_several(source, path)?;
    }
    Ok(edit::set(source, &below_values(path), value)?)
}

/// Sets the value at `path` below `values` to a secret, encrypted for the definition's recipients, or for `default`
/// where it has none. Who cannot open the definition's header can still add a secret: as a complete age file.
///
/// # Errors
/// When the definition has faults, the path does not fit it, other values would be lost, or nothing says for whom to
/// encrypt.
pub fn set_secret(
    source: &Arc<Source>,
    path: &[Step],
    secret: &Secret,
    default: Option<&[String]>,
    keyring: &Keyring,
) -> Result<String, Error> {
    let definition = read(source)?;
    keep_several(source, path)?;
    let plan = Plan::of(&definition, default)?;
    let recipients = &plan.recipients;
    let mut text = source.text().to_owned();
    let ciphertext = match plan.sealer(keyring)? {
        Access::Full(sealer) => {
            // Encrypting is what the secret is seen for.
            let ciphertext = sealer.seal(secret.expose())?;
            if plan.changes_header(&sealer) {
                let (sealed, _) = seal_all(&definition, &plan, &sealer, keyring)?;
                text = sealed;
            }
            ciphertext
        }
        Access::RecipientsOnly => {
            crypt::seal_complete(secret.expose(), recipients, &keyring.interaction())?
        }
    };
    let source = same_source(source, text);
    let value = NewValue::entry(
        "fn::secret",
        NewValue::entry("ciphertext", NewValue::string(ciphertext)),
    );
    Ok(edit::set(&source, &below_values(path), &value)?)
}

/// Encrypts every plaintext under `fn::secret`; folds complete age files under the header; and where the recipients
/// have changed since the header was made, makes a new file key and encrypts everything anew. Nothing to do gives none.
///
/// # Errors
/// When the definition has faults, something does not open, or nothing says for whom to encrypt.
pub fn seal(
    source: &Arc<Source>,
    default: Option<&[String]>,
    keyring: &Keyring,
) -> Result<Option<(String, Sealed)>, Error> {
    let definition = read(source)?;
    if definition.plaintext_secrets.is_empty() && ciphertexts(&definition).next().is_none() {
        return Ok(None);
    }
    let plan = Plan::of(&definition, default)?;
    match plan.sealer(keyring)? {
        Access::Full(sealer) => {
            let (text, sealed) = seal_all(&definition, &plan, &sealer, keyring)?;
            Ok((sealed != Sealed::default()).then_some((text, sealed)))
        }
        Access::RecipientsOnly => {
            let mut replacements = Vec::new();
            for secret in &definition.plaintext_secrets {
                let ciphertext = crypt::seal_complete(
                    secret.text.bytes(),
                    &plan.recipients,
                    &keyring.interaction(),
                )?;
                replacements.push((
                    secret.span,
                    NewValue::entry("ciphertext", NewValue::string(ciphertext)),
                ));
            }
            let sealed = Sealed {
                plaintexts: replacements.len(),
                ..Sealed::default()
            };
            if replacements.is_empty() {
                return Ok(None);
            }
            Ok(Some((edit::replace_nodes(source, &replacements)?, sealed)))
        }
    }
}

/// For whom a definition is encrypted, and what its header says of it.
struct Plan<'a> {
    encryption: Option<&'a Encryption>,
    recipients: Vec<Recipient>,
    /// Recipients that are to be written into the definition.
    written: Option<&'a [String]>,
}

/// What the one who writes may do.
enum Access {
    /// Has the file key.
    Full(Sealer),
    /// Can encrypt for the recipients, but read nothing.
    RecipientsOnly,
}

impl<'a> Plan<'a> {
    fn of(definition: &'a Definition, default: Option<&'a [String]>) -> Result<Self, Error> {
        let encryption = definition.encryption.as_ref();
        let own = encryption.filter(|encryption| !encryption.recipients.is_empty());
        let recipients = match own {
            Some(encryption) => {
                crypt::parse_recipients(encryption.recipients.iter().map(|(text, _)| text))
            }
            None => crypt::parse_recipients(default.unwrap_or_default()),
        };
        let recipients = recipients.map_err(|error| Error::Recipient(error.to_string()))?;
        if recipients.is_empty() {
            return Err(Error::NoRecipients);
        }
        Ok(Self {
            encryption,
            recipients,
            written: if own.is_none() { default } else { None },
        })
    }

    /// The definition's own file key, or a new one where there is none or it was made for others.
    fn sealer(&self, keyring: &Keyring) -> Result<Access, Error> {
        let interaction = &keyring.interaction();
        let Some(encryption) = self
            .encryption
            .filter(|encryption| encryption.header.is_some())
        else {
            return Ok(Access::Full(Sealer::fresh(&self.recipients, interaction)?));
        };
        match Sealer::open(encryption, keyring) {
            Ok(sealer) if sealer.is_current(&self.recipients) => Ok(Access::Full(sealer)),
            Ok(_) => Ok(Access::Full(Sealer::fresh(&self.recipients, interaction)?)),
            Err(error) if error.is_locked() => Ok(Access::RecipientsOnly),
            Err(error) => Err(error.into()),
        }
    }

    fn has_header(&self) -> bool {
        self.encryption
            .is_some_and(|encryption| encryption.header.is_some())
    }

    /// Whether the definition must get the sealer's header.
    fn changes_header(&self, sealer: &Sealer) -> bool {
        let header = self
            .encryption
            .and_then(|encryption| encryption.header.as_ref());
        header.is_none_or(|(text, _)| text.trim_end() != sealer.header_text().trim_end())
    }
}

/// Replaces everything that is not yet sealed by `sealer`, and the header where it is another one.
fn seal_all(
    definition: &Definition,
    plan: &Plan<'_>,
    sealer: &Sealer,
    keyring: &Keyring,
) -> Result<(String, Sealed), Error> {
    let mut sealed = Sealed::default();
    let mut replacements = Vec::new();
    for secret in &definition.plaintext_secrets {
        let ciphertext = sealer.seal(secret.text.bytes())?;
        replacements.push((
            secret.span,
            NewValue::entry("ciphertext", NewValue::string(ciphertext)),
        ));
        sealed.plaintexts += 1;
    }
    let new_header = plan.changes_header(sealer);
    for (ciphertext, span) in ciphertexts(definition) {
        let complete = crypt::is_complete_file(ciphertext);
        if !new_header && !complete {
            continue;
        }
        let secret = match keyring.open(definition.encryption.as_ref(), ciphertext) {
            // With no header before, no recipient has left: it stays what others put there, for them to fold in.
            Err(error) if complete && error.is_locked() && !plan.has_header() => continue,
            opened => opened?,
        };
        // Encrypting it anew is what the secret is seen for.
        let ciphertext = sealer.seal(secret.expose())?;
        replacements.push((span, NewValue::string(ciphertext)));
        if complete {
            sealed.folded += 1;
        } else {
            sealed.renewed += 1;
        }
    }
    let source = &definition.source;
    let mut text = if replacements.is_empty() {
        source.text().to_owned()
    } else {
        edit::replace_nodes(source, &replacements)?
    };
    if new_header {
        let mut put = |key: &str, value: NewValue| -> Result<(), Error> {
            let source = same_source(source, std::mem::take(&mut text));
            text = edit::set(&source, &[Step::key("encryption"), Step::key(key)], &value)?;
            Ok(())
        };
        if let Some(recipients) = plan.written {
            let recipients = recipients
                .iter()
                .map(|text| NewValue::string(text.as_str()))
                .collect();
            put("recipients", NewValue::List(recipients))?;
        }
        put("header", NewValue::string(sealer.header_text()))?;
        if let Some(digest) = sealer.digest() {
            put("recipientsDigest", NewValue::string(digest))?;
        }
    }
    Ok((text, sealed))
}

/// The ciphertexts of a definition, and where each stands.
fn ciphertexts(definition: &Definition) -> impl Iterator<Item = (&str, Span)> {
    definition
        .expressions()
        .filter_map(|(_, expression)| match &expression.kind {
            ExprKind::Call(call) => match &**call {
                Call::Ciphertext(text, span) => Some((&**text, *span)),
                _ => None,
            },
            _ => None,
        })
}

fn read(source: &Arc<Source>) -> Result<Definition, Error> {
    let parsed = ast::parse(source);
    let has_errors = parsed.has_errors();
    match parsed.definition {
        Some(definition) if !has_errors => Ok(definition),
        _ => Err(Error::Faulty(parsed.diagnostics)),
    }
}

/// Whether there is anything at `path` below `values`.
pub fn has(source: &Arc<Source>, path: &[Step]) -> bool {
    let (root, _) = syntax::parse(source);
    root.is_some_and(|root| node_at(&root, &below_values(path)).is_some())
}

/// Refuses the path of an object or list with values in it. A call of a function is a single value.
fn keep_several(source: &Arc<Source>, path: &[Step]) -> Result<(), Error> {
    let (root, _) = syntax::parse(source);
    let node = root
        .as_ref()
        .and_then(|root| node_at(root, &below_values(path)));
    let count = match node.map(|node| &node.kind) {
        Some(NodeKind::Map { entries, .. }) => match &entries[..] {
            [call] if call.key.starts_with("fn::") => 0,
            entries => entries.len(),
        },
        Some(NodeKind::List { items, .. }) => items.len(),
        _ => 0,
    };
    match count {
        0 => Ok(()),
        count => Err(Error::Several {
            path: path::render(path),
            count,
        }),
    }
}

fn node_at<'n>(root: &'n Node, path: &[Step]) -> Option<&'n Node> {
    path.iter()
        .try_fold(root, |node, step| match (&node.kind, step) {
            (NodeKind::Map { entries, .. }, Step::Key(key)) => {
                let entry = entries.iter().find(|entry| entry.key == *key)?;
                Some(&entry.value)
            }
            (NodeKind::List { items, .. }, Step::Index(index)) => items.get(*index),
            _ => None,
        })
}

fn same_source(source: &Source, text: String) -> Arc<Source> {
    Source::new(
        Arc::clone(source.name()),
        source.file().map(Into::into),
        text,
    )
}

fn below_values(path: &[Step]) -> Vec<Step> {
    std::iter::once(Step::key("values"))
        .chain(path.iter().cloned())
        .collect()
}
