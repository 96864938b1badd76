//! What stays the same from pass to pass: documents that were read, ciphertexts that were opened.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::{DecryptError, Decrypter, LoadError, Loader};
use crate::ast::{self, Definition, ExprId, Parsed};
use crate::source::Source;
use crate::value::Text;

/// The memory of an evaluation.
#[derive(Default)]
pub(super) struct Cache {
    parsed: HashMap<Arc<str>, Rc<Files>>,
    decrypted: HashMap<(*const Source, ExprId), Result<Text, DecryptError>>,
}

/// The documents of one environment.
pub(super) struct Files {
    pub(super) definition: Rc<Parsed>,
    pub(super) local: Option<Rc<Parsed>>,
}

impl Cache {
    /// The documents of the environment `name`, loaded and read at the first time. Failures are not remembered.
    pub(super) fn files(
        &mut self,
        loader: &dyn Loader,
        name: &Arc<str>,
    ) -> Result<Rc<Files>, LoadError> {
        if let Some(files) = self.parsed.get(name) {
            return Ok(Rc::clone(files));
        }
        let loaded = loader.load(name)?;
        let files = Rc::new(Files {
            definition: Rc::new(ast::parse(&loaded.definition)),
            local: loaded.local.map(|local| Rc::new(ast::parse(&local))),
        });
        self.parsed.insert(Arc::clone(name), Rc::clone(&files));
        Ok(files)
    }

    /// The documents of the environment `name`, if they have been loaded.
    pub(super) fn loaded(&self, name: &str) -> Option<&Rc<Files>> {
        self.parsed.get(name)
    }

    /// The text of the ciphertext of an expression, opened at the first time.
    pub(super) fn decrypt(
        &mut self,
        decrypter: &dyn Decrypter,
        definition: &Definition,
        id: ExprId,
        ciphertext: &str,
    ) -> Result<Text, DecryptError> {
        let open = || {
            let secret = decrypter.decrypt(definition.encryption.as_ref(), ciphertext);
            secret.map(Text::secret)
        };
        let key = (Arc::as_ptr(&definition.source), id);
        self.decrypted.entry(key).or_insert_with(open).clone()
    }
}
