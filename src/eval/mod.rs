//! Evaluates definitions: imports, merging, interpolation, functions. Does no I/O of its own: the traits below are
//! its windows, and the layers further down implement them.

mod access;
mod cache;
mod environment;
mod functions;
mod influence;
mod merge;
mod scope;

use std::sync::Arc;

pub use environment::{Evaluated, Host, Mode, Selection, evaluate};
pub use merge::merge;

use crate::ast::{Encryption, ExprId};
use crate::diagnostic::Extent;
use crate::schema::Schema;
use crate::secret::Secret;
use crate::source::Source;
use crate::value::Value;

/// Finds the text of environments.
pub trait Loader {
    /// Loads the definition `name`.
    ///
    /// # Errors
    /// A text for the person who wrote the import: what was looked for, where, and why it was not to be had.
    fn load(&self, name: &str) -> Result<Loaded, LoadError>;
}

/// What a loader found.
#[derive(Clone)]
pub struct Loaded {
    /// The definition.
    pub definition: Arc<Source>,
    /// The developer's own values that go over it, if there are any.
    pub local: Option<Arc<Source>>,
}

/// Why there is no definition.
#[derive(Clone, Debug)]
pub struct LoadError {
    /// What went wrong.
    pub message: String,
    /// What helps.
    pub hint: Option<String>,
}

/// Opens ciphertexts.
pub trait Decrypter {
    /// Says what is wrong with the form of a ciphertext (base64 text), without any key.
    ///
    /// # Errors
    /// The reason, for a message `invalid ciphertext: REASON`.
    fn validate(&self, encryption: Option<&Encryption>, ciphertext: &str) -> Result<(), String>;

    /// Opens a ciphertext (base64 text): a payload under the definition's own header, or a complete age file.
    ///
    /// # Errors
    /// When no identity fits, or the ciphertext was cut or changed.
    fn decrypt(
        &self,
        encryption: Option<&Encryption>,
        ciphertext: &str,
    ) -> Result<Secret, DecryptError>;

    /// Opens a complete age file, binary or armored.
    ///
    /// # Errors
    /// When no identity fits, or the file was cut or changed.
    fn decrypt_file(&self, file: &[u8]) -> Result<Secret, DecryptError>;
}

/// Why a ciphertext did not open.
#[derive(Clone, Debug)]
pub struct DecryptError {
    /// What went wrong; never any of the content.
    pub message: String,
    /// What helps.
    pub hint: Option<String>,
    /// Whether other ciphertexts do not open for the same reason.
    pub extent: Extent,
}

/// Calls providers. Calls are begun in the order they are asked for and run concurrently: the first question about one
/// is answered by [`Progress::Pending`], and after [`Providers::settle`] by its result.
pub trait Providers {
    /// The schemas of a provider.
    fn schema(&self, provider: &str) -> Progress<ProviderSchema>;

    /// The answer of a provider. Asked again with the same `call.id` (in a later pass), it gives the result.
    fn open(&self, call: &Call<'_>) -> Progress<Value>;

    /// Waits for all that is pending. Returns whether anything was.
    fn settle(&self) -> bool;
}

/// A result, or word that it is being fetched.
pub enum Progress<T> {
    /// Begun, not finished.
    Pending,
    /// Finished.
    Done(Result<T, ProviderError>),
}

/// Why a provider did not answer as it should. Never holds a secret.
#[derive(Clone, Debug)]
pub struct ProviderError {
    /// What went wrong.
    pub message: String,
    /// What helps.
    pub hint: Option<String>,
}

/// What a provider takes and gives.
#[derive(Clone)]
pub struct ProviderSchema {
    /// The schema of its inputs.
    pub inputs: Schema,
    /// The schema of its answer.
    pub outputs: Schema,
    /// The schema of its state, if it is a rotator.
    pub state: Option<Schema>,
}

/// One call of a provider.
pub struct Call<'a> {
    /// Which call it is: the definition and the expression.
    pub id: (&'a Arc<Source>, ExprId),
    /// The name of the provider.
    pub provider: &'a str,
    /// Its inputs, without unknowns.
    pub inputs: &'a Value,
    /// Its state, if it is called as a rotator.
    pub state: Option<&'a Value>,
    /// The execution context.
    pub context: &'a Value,
    /// For those that read encrypted files.
    pub decrypter: &'a dyn Decrypter,
    /// What the values of the answer have as their origin.
    pub origin: &'a crate::source::Origin,
    /// The other definitions that may have had a say in an input: those that this one imports or refers to, unless the
    /// input is written out.
    pub influences: &'a dyn Fn(&str) -> Vec<Arc<Source>>,
}
