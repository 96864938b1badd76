//! What a definition should not hold: secrets in plain text. Reads definitions, evaluates nothing.

use crate::ast::{Call, Definition, ExprId, ExprKind};
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::syntax::path::Step;

/// Warns of every plaintext under `fn::secret`, which waits to be encrypted, and of every plain value whose name says
/// that it is a secret.
pub fn plain_secrets(definition: &Definition) -> Vec<Diagnostic> {
    let source = &definition.source;
    let mut warnings: Vec<Diagnostic> = definition
        .plaintext_secrets
        .iter()
        .map(|secret| {
            Diagnostic::warning(
                source,
                secret.span,
                &*secret.path,
                "the secret is not encrypted",
            )
            .with_hint(format!(
                "escrun seal {} encrypts it in place",
                source.name()
            ))
        })
        .collect();
    for id in suspicious(definition) {
        let path = definition.path_of(id);
        let message = format!("{path} is plain text, though its name says secret");
        let hint = "if it is secret, write it as fn::secret and run escrun seal; if not, rename it";
        let span = definition.expression(id).span;
        warnings.push(Diagnostic::warning(source, span, path, message).with_hint(hint));
    }
    warnings
}

/// The places in a definition that are not to be shown: texts under `fn::secret`, well-formed or not, and plain values
/// whose names say that they are secret.
pub fn sensitive_spans(definition: &Definition) -> impl Iterator<Item = Span> + '_ {
    let under_secret =
        definition
            .expressions()
            .filter_map(|(_, expression)| match &expression.kind {
                ExprKind::Call(call) => match **call {
                    Call::Plaintext(_, span) => Some(span),
                    _ => None,
                },
                _ => None,
            });
    let suspicious = suspicious(definition).map(|id| definition.expression(id).span);
    under_secret.chain(suspicious)
}

/// The plain scalars whose names, or the names of what they lie in, are those of secrets.
fn suspicious(definition: &Definition) -> impl Iterator<Item = ExprId> + '_ {
    let scalars = definition
        .expressions()
        .filter(|(_, expression)| match &expression.kind {
            ExprKind::String(text) => !text.bytes().is_empty(),
            ExprKind::Number(_) => true,
            _ => false,
        });
    scalars.map(|(id, _)| id).filter(|&id| {
        let steps = definition.steps_of(id);
        let mut keys = steps.iter().skip(1).filter_map(|step| match step {
            Step::Key(key) => Some(&**key),
            Step::Index(_) => None,
        });
        // The arguments of a function are no values of their own.
        if keys
            .clone()
            .any(|key| key.starts_with("fn::") && key != "fn::secret")
        {
            return false;
        }
        keys.any(names_secret)
    })
}

/// Whether a name is that of a secret: its last word is one of those that secrets go by, and none says public.
fn names_secret(name: &str) -> bool {
    let words = words(name);
    let Some(last) = words.last() else {
        return false;
    };
    let secret = matches!(
        last.as_str(),
        "secret"
            | "secrets"
            | "password"
            | "passwords"
            | "passwd"
            | "passphrase"
            | "pwd"
            | "token"
            | "tokens"
            | "key"
            | "keys"
            | "apikey"
            | "apikeys"
            | "credential"
            | "credentials"
    );
    secret && !words.iter().any(|word| word == "public")
}

/// The words of a name, lower case: `apiKey`, `api-key` and `API_KEY` all have two.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut previous: Option<char> = None;
    for c in name.chars() {
        let starts = match previous {
            None => true,
            Some(before) => {
                !before.is_alphanumeric() || (before.is_lowercase() && c.is_uppercase())
            }
        };
        if c.is_alphanumeric() {
            if starts {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.extend(c.to_lowercase());
            }
        }
        previous = Some(c);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::names_secret;

    #[test]
    fn names_of_secrets_are_recognized() {
        for name in [
            "secrets",
            "password",
            "dbPassword",
            "API_KEY",
            "api-key",
            "key",
            "clientSecret",
            "fn::secret",
        ] {
            assert!(names_secret(name), "{name}");
        }
        for name in [
            "host",
            "publicKey",
            "keyboard",
            "tokenUrl",
            "secretary",
            "monkey",
            "",
        ] {
            assert!(!names_secret(name), "{name}");
        }
    }
}
