//! What comes of a question.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::Rate;
use super::rule::{Effect, Rule};

/// What was decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Decision {
    /// Whether it may be done.
    pub allowed: bool,
    /// The rule that decided; none if none fitted. If it is allowed by several, all of them, joined by `, `.
    pub rule: Option<Arc<str>>,
    /// What is not allowed, if it was not named itself: the environment that is reached from those that were. For the
    /// audit only; a peer that is denied learns nothing.
    pub refused: Option<Arc<str>>,
    /// How long what is given may be used.
    pub lifetime: Option<Duration>,
    /// Whether a person has to agree first.
    pub confirm: bool,
    /// What has to be asked of [`Limiter::take`](super::Limiter::take) before it is done.
    pub charges: Vec<Charge>,
}

/// That a request counts against the rate of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Charge {
    /// The rule.
    pub rule: Arc<str>,
    /// How often its peers may ask.
    pub rate: Rate,
}

impl Decision {
    pub(super) fn denied(rule: Option<&Rule>) -> Self {
        Self {
            rule: rule.map(|rule| Arc::clone(&rule.name)),
            ..Self::default()
        }
    }

    /// Denied because of what is reached.
    pub(super) fn denied_for(import: &str, rule: Option<&Rule>) -> Self {
        Self {
            refused: Some(import.into()),
            ..Self::denied(rule)
        }
    }
}

/// The rules that together allow what was asked.
#[derive(Default)]
pub(super) struct Grants<'p> {
    /// One for each environment that was named, in order.
    roots: Vec<&'p Arc<Rule>>,
    /// Those that allow what is reached besides.
    imports: Vec<&'p Arc<Rule>>,
}

impl<'p> Grants<'p> {
    pub(super) fn add_root(&mut self, rule: &'p Arc<Rule>) {
        self.roots.push(rule);
    }

    pub(super) fn add_import(&mut self, rule: &'p Arc<Rule>) {
        if !self.imports.iter().any(|other| Arc::ptr_eq(other, rule)) {
            self.imports.push(rule);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// The rule that allows the environment that was named at `index`.
    pub(super) fn root(&self, index: usize) -> &'p Arc<Rule> {
        self.roots[index]
    }

    /// What all of them together come to: the shortest lifetime, and every limit.
    pub(super) fn decision(&self, now: SystemTime) -> Decision {
        let mut decision = Decision {
            allowed: true,
            rule: Some(self.names()),
            ..Decision::default()
        };
        for rule in self.roots.iter().chain(&self.imports) {
            let Effect::Allow(terms) = &rule.effect else {
                continue;
            };
            let rest = rule
                .until
                .map(|until| until.duration_since(now).unwrap_or_default());
            let lifetimes = [decision.lifetime, terms.lifetime, rest];
            decision.lifetime = lifetimes.into_iter().flatten().min();
            decision.confirm |= terms.confirm;
            let charge = terms.rate.map(|rate| Charge {
                rule: Arc::clone(&rule.name),
                rate,
            });
            decision
                .charges
                .extend(charge.filter(|charge| !decision.charges.contains(charge)));
        }
        decision
    }

    fn names(&self) -> Arc<str> {
        let mut names: Vec<&Arc<str>> = Vec::new();
        for rule in &self.roots {
            if !names.contains(&&rule.name) {
                names.push(&rule.name);
            }
        }
        match names[..] {
            [name] => Arc::clone(name),
            _ => names
                .iter()
                .map(|name| &***name)
                .collect::<Vec<_>>()
                .join(", ")
                .into(),
        }
    }
}
