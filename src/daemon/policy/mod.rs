//! Who may do what: rules in a file, the first that fits decides, and without one the answer is no.
//!
//! Deciding is a function of the question, the rules and the time. It touches no file, so it tells nobody whether an
//! environment exists.

mod action;
mod decision;
mod explanation;
mod file;
mod limiter;
mod peer_pattern;
mod rate;
mod rule;
mod store;
mod value_path;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

pub use action::Action;
pub use decision::{Charge, Decision};
pub use explanation::{Explanation, Part, Verdict};
pub use limiter::Limiter;
pub use peer_pattern::PeerFact;
pub use rate::Rate;
pub use rule::Misfit;
pub use store::PolicyStore;

use super::peer::{Peer, ROOT};
use crate::project::Fault;
use decision::Grants;
use explanation::Judgement;
use peer_pattern::PeerPattern;
use rule::{Ask, Effect, Object, Rule};
use value_path::Wanted;

/// An environment that is asked for, and what it reaches.
#[derive(Clone, Copy, Debug)]
pub struct Reach<'a> {
    /// Its name.
    pub environment: &'a str,
    /// All that it imports or refers to, and what these do; absent as long as nothing has been loaded.
    pub imports: Option<&'a BTreeSet<Arc<str>>>,
}

impl<'a> Reach<'a> {
    /// Environments with all that each reaches.
    pub fn of(roots: &'a [(Arc<str>, BTreeSet<Arc<str>>)]) -> Vec<Self> {
        let reach = roots.iter().map(|(environment, imports)| Self {
            environment,
            imports: Some(imports),
        });
        reach.collect()
    }
}

/// What is to be decided.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Who asks.
    pub peer: &'a Peer,
    /// What for.
    pub action: Action,
    /// Of which environments; none for [`Action::Manage`] and [`Action::Decrypt`].
    pub environments: &'a [Reach<'a>],
    /// Which value, for [`Action::Value`]: a path below `values`. All values if there is none.
    pub path: Option<&'a str>,
}

/// The rules in force. Without any, nobody may do anything.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    rules: Vec<Arc<Rule>>,
}

impl Policy {
    /// The policy of a person's agent that has no policy file: what runs as `user` may do everything, and nobody else
    /// anything.
    pub fn of_owner(user: u32) -> Self {
        let of_environments = Action::ALL
            .into_iter()
            .filter(|action| action.is_of_environments());
        let others = Action::ALL
            .into_iter()
            .filter(|action| !action.is_of_environments());
        Self {
            rules: vec![
                Arc::new(Rule::for_user("owner", user, of_environments)),
                Arc::new(Rule::for_user("owner", user, others)),
            ],
        }
    }

    /// The policy of the machine's daemon that has no policy file: root may manage it, and nobody is given anything.
    pub fn of_system() -> Self {
        let manage = [Action::Manage].into_iter();
        Self {
            rules: vec![Arc::new(Rule::for_user("root", ROOT, manage))],
        }
    }

    /// Reads the text of a policy `file`.
    ///
    /// # Errors
    /// The first fault, with its place.
    pub fn parse(file: &Path, text: &str) -> Result<Self, Fault> {
        let rules = file::parse(file, text)?;
        Ok(Self {
            rules: rules.into_iter().map(Arc::new).collect(),
        })
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is no rule at all.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Decides, by the time that it is now.
    pub fn decide(&self, question: &Question<'_>) -> Decision {
        self.decide_at(question, SystemTime::now())
    }

    /// Decides, as of `now`.
    ///
    /// All environments that are asked for must be allowed, and all that each of them reaches: by itself, for the same
    /// action, or lent by the rule that allows the one that was asked for. Which value is asked for makes no difference to
    /// what is reached: it may come from anywhere in it.
    pub fn decide_at(&self, question: &Question<'_>, now: SystemTime) -> Decision {
        let candidates = self.candidates(question, now);
        let mut grants = Grants::default();
        for object in question.objects() {
            match first(&candidates, &object) {
                Judgement::Allowed(rule) => grants.add_root(rule),
                Judgement::Denied(rule) => return Decision::denied(Some(rule)),
                Judgement::Unmatched | Judgement::Lent(_) => return Decision::denied(None),
            }
        }
        if grants.is_empty() {
            return Decision::denied(None);
        }
        for (index, reach) in question.environments.iter().enumerate() {
            for import in reach.imports.into_iter().flatten() {
                match import_verdict(&candidates, grants.root(index), import) {
                    Judgement::Allowed(rule) => grants.add_import(rule),
                    Judgement::Lent(_) => {}
                    Judgement::Denied(rule) => {
                        return Decision::denied_for(import, Some(rule));
                    }
                    Judgement::Unmatched => return Decision::denied_for(import, None),
                }
            }
        }
        grants.decision(now)
    }

    /// The rules that fit the question, as far as that does not depend on the environment.
    fn candidates(&self, question: &Question<'_>, now: SystemTime) -> Vec<&Arc<Rule>> {
        let ask = Ask {
            peer: question.peer,
            action: question.action,
            now,
        };
        let fits = |rule: &&Arc<Rule>| rule.misfit(&ask).is_none();
        self.rules.iter().filter(fits).collect()
    }
}

impl<'a> Question<'a> {
    /// What has to be decided first: each environment that was named, or the daemon itself. Nothing if the question makes no
    /// sense.
    fn objects(&self) -> Vec<Object<'a>> {
        match (self.action.is_of_environments(), self.environments) {
            (false, []) => vec![Object::Daemon],
            (false, _) | (true, []) => Vec::new(),
            (true, environments) => {
                let wanted = match self.action {
                    Action::Value => Wanted::at(self.path),
                    _ => Wanted::Everything,
                };
                let named = environments.iter().map(|reach| reach.environment);
                named
                    .map(|environment| Object::Environment {
                        environment,
                        wanted: wanted.clone(),
                    })
                    .collect()
            }
        }
    }
}

/// What the first of `candidates` that fits `object` says.
fn first<'p>(candidates: &[&'p Arc<Rule>], object: &Object<'_>) -> Judgement<'p> {
    let mut rules = candidates.iter().copied();
    match rules.find(|rule| rule.object_misfit(object).is_none()) {
        None => Judgement::Unmatched,
        Some(rule) => match rule.effect {
            Effect::Allow(_) => Judgement::Allowed(rule),
            Effect::Deny => Judgement::Denied(rule),
        },
    }
}

/// What is decided of an environment that is reached from one which the rule `root` allows.
fn import_verdict<'p>(
    candidates: &[&'p Arc<Rule>],
    root: &'p Arc<Rule>,
    import: &str,
) -> Judgement<'p> {
    let object = Object::Environment {
        environment: import,
        wanted: Wanted::Everything,
    };
    match first(candidates, &object) {
        Judgement::Denied(_) | Judgement::Unmatched if root.lends(import) => Judgement::Lent(root),
        judgement => judgement,
    }
}

#[cfg(test)]
mod tests;
