//! `reload`: what is done when values change while a command runs.

use serde::{Deserialize, Deserializer};

use super::config::{OneOrMany, text};
use super::rules::ordered;
use crate::reaction::{Glob, Reaction, Rule};

/// A rule as it is written.
#[derive(Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a mapping with `do` and perhaps `match`"
)]
struct Written {
    #[serde(rename = "match", default, deserialize_with = "patterns")]
    patterns: Option<Vec<Glob>>,
    #[serde(rename = "do", deserialize_with = "reaction")]
    reaction: Reaction,
}

fn patterns<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Glob>>, D::Error> {
    struct Name(Glob);

    impl<'de> Deserialize<'de> for Name {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            text(deserializer, |text| {
                Glob::try_from(text.to_owned()).map(Self)
            })
        }
    }

    let OneOrMany(names) = OneOrMany::<Name>::deserialize(deserializer)?;
    Ok(Some(names.into_iter().map(|Name(glob)| glob).collect()))
}

fn reaction<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Reaction, D::Error> {
    text(deserializer, str::parse)
}

/// The rules, in order.
pub(super) struct Reload(pub(super) Vec<Rule>);

impl<'de> Deserialize<'de> for Reload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = ordered(deserializer, |rule: &Written| rule.patterns.is_none())?;
        let rule = |Written { patterns, reaction }| Rule { patterns, reaction };
        Ok(Self(written.into_iter().map(rule).collect()))
    }
}
