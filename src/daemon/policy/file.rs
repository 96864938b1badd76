//! The form of a policy file.

mod notation;

use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::peer_pattern::PeerPattern;
use super::rule::{Effect, NamePattern, Rule, Terms};
use super::value_path::PathPattern;
use super::{Action, Rate};
use crate::project::config::{self, Fault, or_default, refused};
use notation::{Texts, WrittenPeer};

/// Reads the rules of a policy.
pub(super) fn parse(file: &Path, text: &str) -> Result<Vec<Rule>, Fault> {
    let PolicyFile { rules } = config::parse(file, text)?;
    Ok(rules.0)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a mapping")]
struct PolicyFile {
    #[serde(deserialize_with = "or_default")]
    rules: Rules,
}

#[derive(Debug, Default)]
struct Rules(Vec<Rule>);

/// The most rules of a policy; each request looks at all of them.
const MOST_RULES: usize = 10_000;

impl<'de> Deserialize<'de> for Rules {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RulesVisitor;

        impl<'de> Visitor<'de> for RulesVisitor {
            type Value = Rules;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of rules")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Rules, A::Error> {
                let mut rules: Vec<Rule> = Vec::new();
                let mut names: HashSet<Arc<str>> = HashSet::new();
                while let Some(Checked(mut rule)) = list.next_element()? {
                    if rules.len() == MOST_RULES {
                        return Err(refused(format!("there are more than {MOST_RULES} rules")));
                    }
                    if rule.name.is_empty() {
                        rule.name = format!("rule {}", rules.len() + 1).into();
                    }
                    // The audit has to tell which it was.
                    if !names.insert(Arc::clone(&rule.name)) {
                        return Err(refused(format!("two rules are called `{}`", rule.name)));
                    }
                    rules.push(rule);
                }
                Ok(Rules(rules))
            }
        }

        deserializer.deserialize_seq(RulesVisitor)
    }
}

/// A rule that makes sense.
struct Checked(Rule);

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RuleVisitor;

        // The parser tells the place only of errors that arise in a visitor.
        impl<'de> Visitor<'de> for RuleVisitor {
            type Value = Checked;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping with `peer` and `allow` or `deny`")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Checked, A::Error> {
                let written = WrittenRule::deserialize(MapAccessDeserializer::new(map))?;
                written.check().map(Checked).map_err(refused)
            }
        }

        deserializer.deserialize_map(RuleVisitor)
    }
}

/// A rule as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    #[serde(default, deserialize_with = "notation::name")]
    name: Option<Arc<str>>,
    peer: WrittenPeer,
    #[serde(default, deserialize_with = "notation::some")]
    environments: Option<Texts<NamePattern>>,
    #[serde(default, deserialize_with = "notation::some")]
    allow: Option<Texts<Action>>,
    #[serde(default, deserialize_with = "notation::some")]
    deny: Option<Texts<Action>>,
    #[serde(default, deserialize_with = "notation::some")]
    paths: Option<Texts<PathPattern>>,
    #[serde(default, deserialize_with = "notation::some")]
    lend: Option<Texts<NamePattern>>,
    #[serde(default, deserialize_with = "notation::rate")]
    rate: Option<Rate>,
    #[serde(default, deserialize_with = "notation::lifetime")]
    lifetime: Option<Duration>,
    #[serde(default, deserialize_with = "notation::moment")]
    until: Option<SystemTime>,
    #[serde(default, deserialize_with = "notation::some")]
    confirm: Option<bool>,
}

impl WrittenRule {
    /// The rule, if what stands in it goes together.
    fn check(self) -> Result<Rule, &'static str> {
        let allows = self.allow.is_some();
        let actions = match (self.allow, self.deny) {
            (Some(Texts(actions)), None) | (None, Some(Texts(actions))) => actions,
            (Some(_), Some(_)) => {
                return Err("`allow` and `deny` do not go together: write two rules");
            }
            (None, None) => return Err("either `allow` or `deny` has to be there"),
        };
        // Where this holds, whoever names environments has actions on them.
        let is_of_environments = self.environments.is_some();
        check_object(&actions, is_of_environments)?;
        if self.paths.is_some() && actions != [Action::Value] {
            return Err("`paths` goes with the action value alone");
        }
        if self.lend.is_some() && !is_of_environments {
            return Err("`lend` goes with the actions open, value and watch");
        }
        let peers = self.peer.pattern();
        let confirm = self.confirm.unwrap_or(false);
        if confirm && actions != [Action::Decrypt] {
            return Err("`confirm` goes with the action decrypt alone");
        }
        let has_terms =
            self.lend.is_some() || self.rate.is_some() || self.lifetime.is_some() || confirm;
        let effect = match allows {
            true => Effect::Allow(Terms {
                lend: self.lend.map(|Texts(lend)| lend).unwrap_or_default(),
                rate: self.rate,
                lifetime: self.lifetime,
                confirm,
            }),
            false if has_terms => {
                return Err("`lend`, `rate`, `lifetime` and `confirm` go with `allow` alone");
            }
            false => Effect::Deny,
        };
        check_peers(&peers, allows)?;
        Ok(Rule {
            name: self.name.unwrap_or_default(),
            peers,
            environments: self
                .environments
                .map(|Texts(names)| names)
                .unwrap_or_default(),
            actions,
            paths: self.paths.map(|Texts(paths)| paths),
            until: self.until,
            effect,
        })
    }
}

/// Whether environments are named where all of `actions` are of some, and only there.
fn check_object(actions: &[Action], names_environments: bool) -> Result<(), &'static str> {
    let of_environments = actions.iter().filter(|action| action.is_of_environments());
    match (of_environments.count(), names_environments) {
        (0, true) => Err("decrypt and manage are of no environment: leave `environments` out"),
        (0, false) => Ok(()),
        (count, _) if count < actions.len() => {
            Err("decrypt and manage are of no environment: they need a rule of their own")
        }
        (_, false) => Err("`environments` is missing; \"**\" stands for all"),
        (_, true) => Ok(()),
    }
}

/// Every user decides which units of its own manager it starts, and what these are called.
fn check_peers(peers: &PeerPattern, allows: bool) -> Result<(), &'static str> {
    if peers.user_units.is_none() {
        return Ok(());
    }
    if !allows {
        return Err(
            "`userUnit` does not go with `deny`: a user may start the same in another unit",
        );
    }
    if peers.users.is_none() && peers.groups.is_none() {
        return Err(
            "`userUnit` needs `user` or `group` beside it: any user may have a unit of that name",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests;
