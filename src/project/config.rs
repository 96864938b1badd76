//! Reading settings from YAML. Faults are told by place, key and what would be right, never by what stands there: a value
//! in the wrong place may be a secret, and the texts of YAML libraries quote it.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{DeserializeOwned, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, de};

/// What is wrong in a file of settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub file: PathBuf,
    /// Line and column in code points, both from 1, where they are known.
    pub place: Option<(usize, usize)>,
    /// The key that it is about, as a path (`encryption[0].match`); empty for the file as a whole.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What helps.
    pub hint: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some((line, column)) = self.place {
            write!(f, "{line}:{column}:")?;
        }
        if !self.key.is_empty() {
            write!(f, " {}:", self.key)?;
        }
        write!(f, " {}", self.message)
    }
}

/// Parses the text of `file`; an empty one is as good as an empty mapping.
///
/// # Errors
/// The first fault, with its place and key, and without any value that stands in the file.
pub fn parse<T: DeserializeOwned + Default>(file: &Path, text: &str) -> Result<T, Fault> {
    let parsed: Result<Option<T>, _> = serde_yaml::from_str(text);
    parsed.map(Option::unwrap_or_default).map_err(|error| {
        let place = error.location().map(|at| (at.line(), at.column()));
        let (key, message, hint) = explain(&error.to_string());
        Fault {
            file: file.to_owned(),
            place,
            key,
            message,
            hint,
        }
    })
}

/// An error of our own, whose text may be shown: it holds nothing of the value.
pub fn refused<E: de::Error>(reason: impl fmt::Display) -> E {
    E::custom(format_args!("{REFUSED}{reason}"))
}

const REFUSED: &str = "refused: ";

/// Key, message and hint for the text of a YAML error, of which only what is known to be safe is taken over.
fn explain(text: &str) -> (String, String, Option<String>) {
    let text = text.rfind(" at line ").map_or(text, |end| &text[..end]);
    type Explain = fn(&str) -> (String, Option<String>);
    const KINDS: [(&str, Explain); 8] = [
        (REFUSED, |reason| (reason.to_owned(), None)),
        ("invalid type: ", wrong_type),
        ("invalid value: ", |rest| {
            (format!("must be {}", expected(rest)), None)
        }),
        ("invalid length ", |rest| {
            (format!("must be {}", expected(rest)), None)
        }),
        ("unknown field `", unknown_key),
        ("unknown variant `", |rest| {
            (format!("must be {}", expected(rest)), None)
        }),
        ("missing field `", |rest| {
            (format!("`{}` is missing", rest.trim_end_matches('`')), None)
        }),
        ("duplicate field `", |rest| {
            (
                format!("`{}` is there twice", rest.trim_end_matches('`')),
                None,
            )
        }),
    ];
    // A quoted value may hold any of these words, but it comes after the word for its own kind; what comes before that
    // is the path, which consists of known keys.
    let first = KINDS
        .iter()
        .filter_map(|(words, explain)| Some((text.find(words)?, words.len(), explain)))
        .min_by_key(|(start, ..)| *start);
    if let Some((start, length, explain)) = first {
        let (message, hint) = explain(&text[start + length..]);
        let key = text[..start].trim_end_matches(": ").to_owned();
        return (key, message, hint);
    }
    // libyaml's own texts for faults of form; they are constant.
    const FORM: [&str; 9] = [
        "did not find expected key",
        "did not find expected ',' or ']'",
        "did not find expected ',' or '}'",
        "did not find expected '-' indicator",
        "could not find expected ':'",
        "mapping values are not allowed in this context",
        "found character that cannot start any token",
        "found unexpected end of stream",
        "unknown anchor",
    ];
    let form = FORM.iter().find(|form| text.starts_with(**form));
    let message = form.map_or("not valid YAML".to_owned(), |form| {
        format!("not valid YAML: {form}")
    });
    (String::new(), message, None)
}

/// What serde says that it expected, which comes after the value.
fn expected(rest: &str) -> &str {
    match rest.rsplit_once(", expected ") {
        Some((_, expected)) => match expected {
            "a sequence" => "a list",
            "a map" => "a mapping",
            "a string" => "a text",
            "a boolean" => "true or false",
            other => other,
        },
        None => "something else",
    }
}

fn wrong_type(rest: &str) -> (String, Option<String>) {
    const TYPES: [(&str, &str); 8] = [
        ("string", "a text"),
        ("integer", "a number"),
        ("floating point", "a number"),
        ("boolean", "true or false"),
        ("sequence", "a list"),
        ("map", "a mapping"),
        ("unit", "nothing"),
        ("null", "nothing"),
    ];
    let found = TYPES.iter().find(|(name, _)| rest.starts_with(name));
    let found = found.map_or("something else", |(_, word)| word);
    (format!("must be {}, not {found}", expected(rest)), None)
}

fn unknown_key(rest: &str) -> (String, Option<String>) {
    let Some((key, known)) = rest.rsplit_once("`, expected ") else {
        return ("unknown key".to_owned(), None);
    };
    let known: Vec<_> = known.split('`').skip(1).step_by(2).collect();
    let likely = known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(key, known), *known))
        .min()
        .filter(|(distance, _)| *distance <= 1 + key.chars().count() / 3);
    let hint = match likely {
        Some((_, likely)) => format!("did you mean `{likely}`?"),
        None => format!("the keys are {}", known.join(", ")),
    };
    (format!("unknown key `{}`", key.escape_debug()), Some(hint))
}

/// A key without a value is as good as none: for `deserialize_with`.
///
/// # Errors
/// Those of reading the value.
pub fn or_default<'de, D: Deserializer<'de>, T>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A text that `check` makes a value of or refuses, with a reason that does not hold it. The check stands inside the
/// visitor because the parser tells the place only of errors that arise there.
///
/// # Errors
/// What is no text, and what `check` refuses.
pub fn text<'de, D: Deserializer<'de>, T, R: fmt::Display>(
    deserializer: D,
    check: impl FnOnce(&str) -> Result<T, R>,
) -> Result<T, D::Error> {
    struct TextVisitor<C>(C);

    impl<T, R: fmt::Display, C: FnOnce(&str) -> Result<T, R>> Visitor<'_> for TextVisitor<C> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            (self.0)(text).map_err(refused)
        }
    }

    deserializer.deserialize_str(TextVisitor(check))
}

/// One value, or a list of at least one.
#[derive(Debug)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrManyVisitor<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrManyVisitor<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                let one = T::deserialize(de::value::StrDeserializer::new(text))?;
                Ok(OneOrMany(vec![one]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut many = Vec::new();
                while let Some(one) = list.next_element()? {
                    many.push(one);
                }
                // None could mean all or nothing.
                if many.is_empty() {
                    return Err(refused("must not be empty"));
                }
                Ok(OneOrMany(many))
            }
        }

        deserializer.deserialize_any(OneOrManyVisitor(std::marker::PhantomData))
    }
}

#[cfg(test)]
mod tests;
