//! A decision in all its steps, for people.

use std::sync::Arc;
use std::time::SystemTime;

use super::rule::{Ask, Misfit, Object, Rule};
use super::value_path::Wanted;
use super::{Decision, Policy, Question, first, import_verdict};

/// What is decided of one environment.
#[derive(Clone, Copy, Debug)]
pub(super) enum Judgement<'p> {
    /// This rule allows it.
    Allowed(&'p Arc<Rule>),
    /// This rule denies it.
    Denied(&'p Arc<Rule>),
    /// No rule is for it.
    Unmatched,
    /// The rule that allows the environment which reaches it lends it.
    Lent(&'p Arc<Rule>),
}

/// Why a question is decided as it is.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The decision.
    pub decision: Decision,
    /// What was decided in turn: first what was asked for, then what that reaches.
    pub parts: Vec<Part>,
}

/// What is decided of one environment, or of the daemon.
#[derive(Clone, Debug)]
pub struct Part {
    /// The environment; none for the daemon.
    pub environment: Option<Arc<str>>,
    /// The environment that reaches it; none for what was asked for.
    pub reached_from: Option<Arc<str>>,
    /// The rules that were looked at in turn, and why they do not fit. Only the last may fit.
    pub rules: Vec<(Arc<str>, Option<Misfit>)>,
    /// What comes of it.
    pub verdict: Verdict,
}

/// What is decided of one environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This rule allows it.
    Allowed(Arc<str>),
    /// This rule denies it.
    Denied(Arc<str>),
    /// No rule fits.
    Unmatched,
    /// The rule that allows the environment which reaches it lends it.
    Lent(Arc<str>),
}

impl Policy {
    /// Explains what [`Policy::decide_at`] says.
    pub fn explain(&self, question: &Question<'_>, now: SystemTime) -> Explanation {
        let candidates = self.candidates(question, now);
        let mut parts = Vec::new();
        let mut roots = Vec::new();
        for object in question.objects() {
            let judgement = first(&candidates, &object);
            let environment = match object {
                Object::Daemon => None,
                Object::Environment { environment, .. } => Some(Arc::from(environment)),
            };
            parts.push(Part {
                environment,
                reached_from: None,
                rules: self.looked_at(question, &object, now),
                verdict: judgement.into(),
            });
            roots.push(match judgement {
                Judgement::Allowed(rule) => Some(rule),
                _ => None,
            });
        }
        for (reach, root) in question.environments.iter().zip(roots) {
            // What is denied itself is not asked what it reaches.
            let Some(root) = root else { continue };
            for import in reach.imports.into_iter().flatten() {
                let object = Object::Environment {
                    environment: import,
                    wanted: Wanted::Everything,
                };
                parts.push(Part {
                    environment: Some(Arc::clone(import)),
                    reached_from: Some(reach.environment.into()),
                    rules: self.looked_at(question, &object, now),
                    verdict: import_verdict(&candidates, root, import).into(),
                });
            }
        }
        Explanation {
            decision: self.decide_at(question, now),
            parts,
        }
    }

    /// The rules up to the first that fits, and why the others do not.
    fn looked_at(
        &self,
        question: &Question<'_>,
        object: &Object<'_>,
        now: SystemTime,
    ) -> Vec<(Arc<str>, Option<Misfit>)> {
        let ask = Ask {
            peer: question.peer,
            action: question.action,
            now,
        };
        let mut looked_at = Vec::new();
        for rule in &self.rules {
            let misfit = rule.misfit(&ask).or_else(|| rule.object_misfit(object));
            looked_at.push((Arc::clone(&rule.name), misfit));
            if misfit.is_none() {
                break;
            }
        }
        looked_at
    }
}

impl From<Judgement<'_>> for Verdict {
    fn from(judgement: Judgement<'_>) -> Self {
        let name = |rule: &Arc<Rule>| Arc::clone(&rule.name);
        match judgement {
            Judgement::Allowed(rule) => Self::Allowed(name(rule)),
            Judgement::Denied(rule) => Self::Denied(name(rule)),
            Judgement::Unmatched => Self::Unmatched,
            Judgement::Lent(rule) => Self::Lent(name(rule)),
        }
    }
}
