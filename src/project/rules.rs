//! For whom the secrets of new definitions are encrypted.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::config::{OneOrMany, refused, text};
use crate::store::EnvironmentName;

/// A pattern of environment names: `*` and `?` stand for anything within a segment, `**` for any segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(glob::Pattern);

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        glob::Pattern::new(text)
            .map(Self)
            .map_err(|error| format!("no valid pattern: {}", error.msg))
    }

    /// Whether a name fits.
    pub fn matches(&self, name: &EnvironmentName) -> bool {
        self.matches_text(name.as_str())
    }

    /// Whether a text fits that may be a name, or none.
    pub fn matches_text(&self, name: &str) -> bool {
        let options = glob::MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: false,
        };
        self.0.matches_with(name, options)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, Self::new)
    }
}

/// One rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a mapping with `recipients` and perhaps `match`"
)]
pub struct Rule {
    /// The environments that it is for; nothing for all.
    #[serde(rename = "match", default, deserialize_with = "patterns")]
    pub patterns: Option<Vec<Pattern>>,
    /// For whom, as written.
    #[serde(deserialize_with = "recipients")]
    pub recipients: Vec<String>,
}

fn patterns<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Pattern>>, D::Error> {
    let OneOrMany(patterns) = OneOrMany::deserialize(deserializer)?;
    Ok(Some(patterns))
}

fn recipients<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct Recipient(String);

    impl<'de> Deserialize<'de> for Recipient {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            text(deserializer, |text| match text.trim() {
                "" => Err("a recipient must not be empty"),
                _ => Ok(Self(text.to_owned())),
            })
        }
    }

    let OneOrMany(recipients) = OneOrMany::deserialize(deserializer)?;
    Ok(recipients.into_iter().map(|Recipient(text)| text).collect())
}

/// The rules, in order.
#[derive(Clone, Debug, Default)]
pub struct Rules(pub Vec<Rule>);

impl<'de> Deserialize<'de> for Rules {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ordered(deserializer, |rule: &Rule| rule.patterns.is_none()).map(Self)
    }
}

/// A list of rules of which the first that fits counts. `is_for_all` says of
/// a rule whether everything fits it.
pub(super) fn ordered<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
    is_for_all: impl Fn(&T) -> bool,
) -> Result<Vec<T>, D::Error> {
    struct RulesVisitor<T, F>(F, PhantomData<T>);

    impl<'de, T: Deserialize<'de>, F: Fn(&T) -> bool> Visitor<'de> for RulesVisitor<T, F> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of rules")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
            let mut rules: Vec<T> = Vec::new();
            while let Some(rule) = list.next_element()? {
                // It was surely not written to be ignored.
                if rules.last().is_some_and(&self.0) {
                    return Err(refused(
                        "rules behind one without `match` are never reached: put that one last",
                    ));
                }
                rules.push(rule);
            }
            Ok(rules)
        }
    }

    deserializer.deserialize_seq(RulesVisitor(is_for_all, PhantomData))
}

impl Rules {
    /// For whom the secrets of a new definition are encrypted: what the first rule that fits says.
    pub fn recipients(&self, name: &EnvironmentName) -> Option<&[String]> {
        let fits = |rule: &&Rule| match &rule.patterns {
            Some(patterns) => patterns.iter().any(|pattern| pattern.matches(name)),
            None => true,
        };
        self.0.iter().find(fits).map(|rule| &*rule.recipients)
    }
}

#[cfg(test)]
mod tests;
