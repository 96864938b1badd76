//! Compares what is known of an unknown value with the schema that it has to meet. Constants, ranges, lengths and
//! patterns are not compared: the value may turn out right.

use std::sync::Arc;

use super::View;
use super::check::Checker;
use super::keywords::{Keywords, Name, Node, Type};
use crate::quote::quoted;
use crate::secret::REDACTED;
use crate::source::Origin;

/// A step of the path below an unknown.
#[derive(Clone, Copy)]
pub(super) enum Step<'a> {
    Property(&'a str),
    /// A property whose name comes from a secret.
    Hidden,
    Element(usize),
}

/// Puts the path in front of a message: `a.b[0]: message`.
pub(super) fn prefixed(path: &[Step<'_>], message: String) -> String {
    if path.is_empty() {
        return message;
    }
    let mut text = String::new();
    for step in path {
        let key = match step {
            Step::Element(index) => {
                text.push_str(&format!("[{index}]"));
                continue;
            }
            Step::Property(key) => key,
            Step::Hidden => REDACTED,
        };
        if is_name(key) || matches!(step, Step::Hidden) {
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(key);
        } else {
            text.push_str(&format!("[{}]", quoted(key)));
        }
    }
    format!("{text}: {message}")
}

fn is_name(key: &str) -> bool {
    key.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !key.starts_with(|c: char| c.is_ascii_digit())
        && !key.is_empty()
}

impl<'a> Checker<'a> {
    /// Compares an unknown of the shape `source` with `target`.
    pub(super) fn compare(&mut self, source: View<'a>, target: View<'a>, origin: &Origin) {
        // Nothing is known of the one, nothing is asked by the other, or there is no value (and that has been told).
        if source.is_always() || target.is_always() || source.is_never() {
            return;
        }
        if target.is_never() {
            let message = match self.path.last() {
                Some(Step::Property(key)) => {
                    format!("unexpected property {}", quoted(key))
                }
                Some(Step::Element(index)) => format!("unexpected element [{index}]"),
                Some(Step::Hidden) | None => "no value meets the schema false".to_owned(),
            };
            return self.report(origin, message);
        }
        let pair = (source.id(), target.id());
        // A pair met again inside itself (schemas may be recursive) holds if all else does.
        if self.compared.contains(&pair) || !self.enter(origin) {
            return;
        }
        self.compared.push(pair);
        self.compare_source(source, target, origin);
        self.compared.pop();
        self.leave();
    }

    /// Follows what `source` refers to, so that what remains has a shape of its own.
    fn compare_source(&mut self, source: View<'a>, target: View<'a>, origin: &Origin) {
        let Some(keywords) = source.keywords() else {
            return;
        };
        if keywords.kind.is_none() {
            if let Some(referred) = source.target(keywords) {
                return self.compare(referred, target, origin);
            }
            for alternatives in [&keywords.any_of, &keywords.one_of] {
                if !alternatives.is_empty() {
                    return self.at_least_one(alternatives, origin, |checker, alternative| {
                        checker.compare(source.part(alternative), target, origin);
                    });
                }
            }
        }
        self.compare_target(source, keywords, target, origin);
    }

    fn compare_target(
        &mut self,
        source: View<'a>,
        known: &'a Keywords,
        target: View<'a>,
        origin: &Origin,
    ) {
        let Some(keywords) = target.keywords() else {
            return;
        };
        if let Some(referred) = target.target(keywords) {
            self.compare(source, referred, origin);
        }
        for alternatives in [&keywords.any_of, &keywords.one_of] {
            if !alternatives.is_empty() {
                self.at_least_one(alternatives, origin, |checker, alternative| {
                    checker.compare(source, target.part(alternative), origin);
                });
            }
        }
        if let (Some(got), Some(expected)) = (known.kind, keywords.kind)
            && got != expected
        {
            return self.report(origin, format!("expected {expected}, got {got}"));
        }
        match known.kind.or(keywords.kind) {
            Some(Type::Array) => self.compare_lists((source, known), (target, keywords), origin),
            Some(Type::Object) => self.compare_objects((source, known), (target, keywords), origin),
            _ => {}
        }
    }

    fn at_least_one(
        &mut self,
        alternatives: &'a [Arc<Node>],
        origin: &Origin,
        mut compare: impl FnMut(&mut Self, &'a Arc<Node>),
    ) {
        let before = self.mismatches.len();
        for alternative in alternatives {
            let count = self.mismatches.len();
            compare(self, alternative);
            if self.mismatches.len() == count {
                return self.mismatches.truncate(before);
            }
        }
        self.report(origin, "at least one subschema must match");
    }

    fn compare_lists(
        &mut self,
        (source, known): (View<'a>, &'a Keywords),
        (target, keywords): (View<'a>, &'a Keywords),
        origin: &Origin,
    ) {
        let prefix = known.prefix_items.len();
        // One element past both prefixes stands for all that follow.
        for index in 0..=prefix.max(keywords.prefix_items.len()) {
            let got = known.prefix_items.get(index).or(known.items.as_ref());
            let expected = keywords.prefix_items.get(index).or(keywords.items.as_ref());
            let (Some(got), Some(expected)) = (got, expected) else {
                continue;
            };
            let (got, expected) = (source.part(got), target.part(expected));
            // A list that may be longer than is allowed need not be.
            if index < prefix || !expected.is_never() {
                self.below(Step::Element(index), |checker| {
                    checker.compare(got, expected, origin)
                });
            }
        }
    }

    fn compare_objects(
        &mut self,
        (source, known): (View<'a>, &'a Keywords),
        (target, keywords): (View<'a>, &'a Keywords),
        origin: &Origin,
    ) {
        for (key, got) in &known.properties {
            let Some(expected) = keywords
                .properties
                .get(key)
                .or(keywords.additional.as_ref())
            else {
                continue;
            };
            let (got, expected) = (source.part(got), target.part(expected));
            // A property that may be there and must not be need not be there.
            if known.requires(key) || !expected.is_never() {
                self.below(Step::Property(key), |checker| {
                    checker.compare(got, expected, origin)
                });
            }
        }
        let dependent = keywords
            .dependent_required
            .iter()
            .filter(|(key, _)| known.requires(key))
            .flat_map(|(key, names)| names.iter().map(move |name| (Some(key), name)));
        for (trigger, name) in keywords
            .required
            .iter()
            .map(|name| (None, name))
            .chain(dependent)
        {
            let promised = trigger
                .and_then(|key| known.dependent_required.get(key))
                .is_some_and(|names| names.iter().any(|other| other.text == name.text));
            if !promised && source.may_lack(known, &name.text) {
                let step = Step::of(name);
                self.below(step, |checker| {
                    checker.report(origin, "missing required property")
                });
            }
        }
    }

    fn below(&mut self, step: Step<'a>, run: impl FnOnce(&mut Self)) {
        self.path.push(step);
        run(self);
        self.path.pop();
    }
}

impl<'a> Step<'a> {
    fn of(name: &'a Name) -> Self {
        if name.secret {
            Step::Hidden
        } else {
            Step::Property(&name.text)
        }
    }
}

impl View<'_> {
    /// Whether an object of this shape is not known to have the property `key`. Where further properties have been
    /// declared, `key` may be one of them.
    fn may_lack(self, known: &Keywords, key: &str) -> bool {
        if known.requires(key) {
            return false;
        }
        match &known.additional {
            Some(additional) => {
                !known.properties.contains_key(key) && self.part(additional).is_never()
            }
            None => true,
        }
    }
}

impl super::Schema {
    /// Whether an object of this shape surely has no property `key`.
    pub(super) fn lacks(&self, key: &str) -> bool {
        self.property(key).is_ok_and(|property| property.is_never())
    }
}
