//! The secrets in a value, wherever they stand: what must not be seen of it.

use std::collections::HashSet;

use super::Path;
use crate::value::{Data, Text, Value};

/// A secret text or number, and where it was first found.
#[derive(Clone)]
pub struct SecretText {
    /// Its document path.
    pub path: String,
    /// What it is.
    pub text: Text,
}

/// Every secret text and number in `value`, each once however many share it. Whether something is true is no text that
/// could be told from others.
pub fn secrets(value: &Value) -> Vec<SecretText> {
    let mut walk = Walk::default();
    walk.value(value, Path::VALUES, false);
    walk.found
}

#[derive(Default)]
struct Walk {
    found: Vec<SecretText>,
    // Parts are shared, and what is small in memory can be huge to walk.
    seen: HashSet<(*const (), bool)>,
}

impl Walk {
    fn value(&mut self, value: &Value, path: Path<'_, '_>, within_secret: bool) {
        let secret = within_secret || value.secret;
        if !secret && !value.holds_secret() {
            return;
        }
        match &value.data {
            Data::String(text) | Data::Number(text)
                if secret && self.is_new(text.bytes().as_ptr().cast(), true) =>
            {
                self.found.push(SecretText {
                    path: path.to_string(),
                    text: text.clone(),
                });
            }
            Data::List(items) if self.is_new(items.as_ptr().cast(), secret) => {
                for item in items.iter() {
                    self.value(item, path, secret);
                }
            }
            Data::Object(object) if self.is_new(std::ptr::from_ref(&**object).cast(), secret) => {
                for (key, member) in &object.members {
                    self.value(&member.value, path.join(key), secret);
                }
            }
            _ => {}
        }
    }

    fn is_new(&mut self, place: *const (), secret: bool) -> bool {
        self.seen.insert((place, secret))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::source::{Origin, Source, Span};
    use crate::value::Object;

    fn nowhere() -> Origin {
        Origin::new(&Source::new("test", None, ""), Span::default())
    }

    fn text(text: &str, secret: bool) -> Value {
        let text = Text::join(&[text.as_bytes()], secret);
        let value = Value::new(Data::String(text), nowhere());
        match secret {
            true => value.into_secret(),
            false => value,
        }
    }

    fn object(members: &[(&str, Value)]) -> Value {
        let members = members.iter().map(|(key, value)| {
            let key: Arc<str> = Arc::from(*key);
            (key, value.clone().into())
        });
        let object = Object::new(members.collect());
        Value::new(Data::Object(Arc::new(object)), nowhere())
    }

    fn found(value: &Value) -> Vec<(String, String)> {
        let secrets = secrets(value).into_iter();
        secrets
            .map(|secret| {
                let text = String::from_utf8_lossy(secret.text.bytes()).into_owned();
                (secret.path, text)
            })
            .collect()
    }

    #[test]
    fn secrets_are_found_once_wherever_they_stand() {
        let shared = text("shared", true);
        let value = object(&[
            ("a", shared.clone()),
            ("b", object(&[("c", text("plain", false)), ("d", shared)])),
            ("e", object(&[("f", text("within", false))]).into_secret()),
        ]);
        let expected = [("values.a", "shared"), ("values.e.f", "within")];
        let expected = expected.map(|(path, text)| (path.to_owned(), text.to_owned()));
        assert_eq!(found(&value), expected);
    }
}
