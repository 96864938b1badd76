//! `fn::secret`: text that is secret in every mode, or a ciphertext that is opened in eval mode.

use std::rc::Rc;

use crate::ast::ExprId;
use crate::diagnostic::Diagnostic;
use crate::eval::scope::{Scope, definition_of};
use crate::schema::Schema;
use crate::source::{Origin, Span};
use crate::value::{Data, Text, Value};

impl Scope<'_, '_> {
    /// A plaintext. Its origin is the text, not the call.
    pub(super) fn plaintext(&mut self, text: &Text, span: Span, id: ExprId) -> Value {
        let origin = Origin {
            span,
            ..self.origin(id)
        };
        Value {
            secret: true,
            ..Value::new(Data::String(text.clone()), origin)
        }
    }

    /// What may have been meant as a secret, whatever it is.
    pub(super) fn hidden(&mut self, value: ExprId) -> Value {
        self.evaluate(value, None).into_secret()
    }

    pub(super) fn ciphertext(&mut self, ciphertext: &str, id: ExprId) -> Value {
        let parsed = Rc::clone(&self.parsed);
        let definition = definition_of(&parsed);
        let span = definition.expression(id).span;
        let form = self
            .pass
            .host
            .decrypter
            .validate(definition.encryption.as_ref(), ciphertext);
        let data = if let Err(reason) = form {
            self.error(id, format!("invalid ciphertext: {reason}"));
            None
        } else if self.is_check() {
            None
        } else {
            match self.pass.decrypt(definition, id, ciphertext) {
                Ok(text) => Some(Data::String(text)),
                Err(error) => {
                    let message = format!("decrypting: {}", error.message);
                    let path = definition.path_of(id);
                    self.pass.report(Diagnostic {
                        hint: error.hint,
                        extent: error.extent,
                        ..Diagnostic::error(&definition.source, span, path, message)
                    });
                    None
                }
            }
        };
        let data = data.unwrap_or_else(|| Data::Unknown(Schema::string()));
        Value {
            secret: true,
            ..self.value(id, data)
        }
    }
}
