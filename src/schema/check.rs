//! Checks values against schemas.

use super::compare::{Step, prefixed};
use super::decimal::Decimal;
use super::equal::equal;
use super::keywords::{Keywords, Limit, Limits, Literal, Name, Node};
use super::message;
use super::{Schema, View};
use crate::quote::quoted;
use crate::secret::REDACTED;
use crate::source::Origin;
use crate::value::{Data, Object, Text, Value};

/// One way in which a value does not meet a schema.
#[derive(Clone, Debug)]
pub struct Mismatch {
    /// What is wrong; holds no secret.
    pub message: String,
    /// Where the offending part of the value was defined.
    pub origin: Origin,
}

/// Checks `value` against `schema`. Unknown parts are judged by what is known of their shape. An empty list means that
/// the value fits.
pub fn check(schema: &Schema, value: &Value) -> Vec<Mismatch> {
    let mut checker = Checker::default();
    checker.value(schema.view(), value, None);
    match checker.exhausted {
        None => checker.mismatches,
        Some(origin) => vec![Mismatch {
            message: "the schema is too intricate to check this value".to_owned(),
            origin,
        }],
    }
}

/// How many pairs of a schema and a part of a value are looked at: nested alternatives can multiply without bound.
const MAX_STEPS: u32 = 1_000_000;
/// How deep schemas are followed.
const MAX_DEPTH: u32 = 4_000;

/// The state of one check.
#[derive(Default)]
pub(super) struct Checker<'a> {
    pub(super) mismatches: Vec<Mismatch>,
    steps: u32,
    depth: u32,
    /// Where the limits were reached. The result is worthless then.
    exhausted: Option<Origin>,
    /// The schemas that are being checked against the current part of the value; meeting one again proves nothing new.
    active: Vec<*const Node>,
    /// The pairs of schemas that are being compared, for the same reason.
    pub(super) compared: Vec<(*const Node, *const Node)>,
    /// Where the comparison of schemas has got to below the unknown.
    pub(super) path: Vec<Step<'a>>,
}

/// Where a part stands in the value around it.
#[derive(Clone, Copy)]
enum Place<'v> {
    Property { key: &'v str, secret: bool },
    Element(usize),
}

impl<'a> Checker<'a> {
    /// Counts a step down. Whoever gets `true` takes it back by `leave`.
    pub(super) fn enter(&mut self, origin: &Origin) -> bool {
        if self.steps >= MAX_STEPS || self.depth >= MAX_DEPTH {
            self.exhausted.get_or_insert_with(|| origin.clone());
        }
        if self.exhausted.is_some() {
            return false;
        }
        self.steps += 1;
        self.depth += 1;
        true
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    pub(super) fn report(&mut self, origin: &Origin, message: impl Into<String>) {
        self.mismatches.push(Mismatch {
            message: prefixed(&self.path, message.into()),
            origin: origin.clone(),
        });
    }

    fn value(&mut self, schema: View<'a>, value: &'a Value, place: Option<Place<'_>>) {
        if let Data::Unknown(known) = &value.data {
            return self.compare(known.view(), schema, &value.origin);
        }
        match &**schema.node {
            Node::Always | Node::Scoped(_) => {}
            Node::Never => self.report(&value.origin, refusal(place)),
            Node::Keywords(keywords) => {
                if self.active.contains(&schema.id()) || !self.enter(&value.origin) {
                    return;
                }
                self.active.push(schema.id());
                self.keywords(schema, keywords, value, place);
                self.active.pop();
                self.leave();
            }
        }
    }

    fn keywords(
        &mut self,
        schema: View<'a>,
        keywords: &'a Keywords,
        value: &'a Value,
        place: Option<Place<'_>>,
    ) {
        if let Some(target) = schema.target(keywords) {
            self.value(target, value, place);
        }
        if !keywords.any_of.is_empty() {
            self.alternatives(schema, &keywords.any_of, value, place, false);
        }
        if !keywords.one_of.is_empty() {
            self.alternatives(schema, &keywords.one_of, value, place, true);
        }
        if let Some(constant) = &keywords.constant
            && equal(constant, value) == Some(false)
        {
            let message = format!("expected {}", message::literal(constant));
            self.report(&value.origin, message);
        }
        if let Some(literals) = &keywords.enumeration {
            self.enumeration(literals, value);
        }
        if let Some(kind) = keywords.kind
            && kind.name() != value.type_name()
        {
            let message = format!("expected {kind}, got {}", value.type_name());
            return self.report(&value.origin, message);
        }
        let limits = keywords.limits.as_deref();
        match &value.data {
            Data::Number(text) => self.number(limits, text, &value.origin),
            Data::String(text) => self.string(limits, text, &value.origin),
            Data::List(items) => self.list(schema, keywords, items, &value.origin),
            Data::Object(object) => self.object(schema, keywords, object, value),
            Data::Null | Data::Bool(_) | Data::Unknown(_) => {}
        }
    }

    /// `anyOf`, or `oneOf` if `exclusive`.
    fn alternatives(
        &mut self,
        schema: View<'a>,
        alternatives: &'a [std::sync::Arc<Node>],
        value: &'a Value,
        place: Option<Place<'_>>,
        exclusive: bool,
    ) {
        let before = self.mismatches.len();
        let mut fitting = 0;
        for alternative in alternatives {
            let count = self.mismatches.len();
            self.value(schema.part(alternative), value, place);
            fitting += usize::from(self.mismatches.len() == count);
            if fitting > 0 && !exclusive {
                break;
            }
        }
        if fitting > 0 {
            self.mismatches.truncate(before);
        }
        match (fitting, exclusive) {
            (0, false) => self.report(&value.origin, "at least one subschema must match"),
            (0, true) => self.report(&value.origin, "exactly one subschema must match"),
            // What is unknown fits more alternatives than the value will.
            (2.., true) if !is_open(value) => {
                self.report(&value.origin, "exactly one subschema may match");
            }
            _ => {}
        }
    }

    fn enumeration(&mut self, literals: &[Literal], value: &Value) {
        if literals
            .iter()
            .any(|literal| equal(literal, value) != Some(false))
        {
            return;
        }
        let message = match literals {
            [only] => format!("expected {}", message::literal(only)),
            _ => format!("expected one of {}", message::literals(literals)),
        };
        self.report(&value.origin, message);
    }

    fn number(&mut self, limits: Option<&Limits>, text: &Text, origin: &Origin) {
        let Some(limits) = limits else { return };
        let Some(number) = Decimal::parse(text.bytes()) else {
            return;
        };
        let mut bound = |limit: &Option<Limit>, holds: fn(&Decimal, &Decimal) -> bool, text| {
            if let Some(limit) = limit
                && !holds(&number, &limit.number)
            {
                self.report(origin, format!("expected {text}{}", limit.shown));
            }
        };
        bound(
            &limits.multiple_of,
            Decimal::is_multiple_of,
            "a multiple of ",
        );
        bound(
            &limits.minimum,
            Decimal::ge,
            "a number greater than or equal to ",
        );
        bound(
            &limits.exclusive_minimum,
            Decimal::gt,
            "a number greater than ",
        );
        // The missing blank is the original's; texts are kept for those who match them.
        bound(
            &limits.maximum,
            Decimal::le,
            "a number less than or equal to",
        );
        bound(
            &limits.exclusive_maximum,
            Decimal::lt,
            "a number less than ",
        );
    }

    fn string(&mut self, limits: Option<&Limits>, text: &Text, origin: &Origin) {
        let Some(limits) = limits else { return };
        let length = Decimal::from_count(text.bytes().len());
        self.count(
            origin,
            &length,
            (&limits.min_length, &limits.max_length),
            |bound, limit| format!("a string of at {bound} length {limit}"),
        );
        if let Some(pattern) = &limits.pattern
            && !pattern.regex.is_match(text.bytes())
        {
            self.report(
                origin,
                format!("string must match the pattern {}", pattern.shown),
            );
        }
    }

    fn list(
        &mut self,
        schema: View<'a>,
        keywords: &'a Keywords,
        items: &'a [Value],
        origin: &Origin,
    ) {
        if let Some(limits) = keywords.limits.as_deref() {
            let count = Decimal::from_count(items.len());
            self.count(
                origin,
                &count,
                (&limits.min_items, &limits.max_items),
                |bound, limit| format!("an array with at {bound} {limit} items"),
            );
        }
        for (index, item) in items.iter().enumerate() {
            let part = keywords.prefix_items.get(index).or(keywords.items.as_ref());
            if let Some(part) = part {
                self.child(schema.part(part), item, Place::Element(index));
            }
        }
    }

    fn object(
        &mut self,
        schema: View<'a>,
        keywords: &'a Keywords,
        object: &'a Object,
        value: &'a Value,
    ) {
        if let Some(limits) = keywords.limits.as_deref() {
            let count = Decimal::from_count(object.members.len());
            // An object over an unknown may have more members than are known.
            let minimum = if object.rest.is_some() {
                &None
            } else {
                &limits.min_properties
            };
            self.count(
                &value.origin,
                &count,
                (minimum, &limits.max_properties),
                |bound, limit| format!("an object with at {bound} {limit} properties"),
            );
        }
        for (key, member) in &object.members {
            let part = keywords
                .properties
                .get(key)
                .or(keywords.additional.as_ref());
            if let Some(part) = part {
                let place = Place::Property {
                    key,
                    secret: value.secret,
                };
                self.child(schema.part(part), &member.value, place);
            }
        }
        self.required(keywords, object, &value.origin);
    }

    fn required(&mut self, keywords: &Keywords, object: &Object, origin: &Origin) {
        let is_missing = |name: &&Name| {
            !object.members.contains_key(&name.text)
                && object
                    .rest
                    .as_ref()
                    .is_none_or(|rest| rest.lacks(&name.text))
        };
        let dependent = keywords
            .dependent_required
            .iter()
            .filter(|(key, _)| object.members.contains_key(*key))
            .flat_map(|(_, names)| names);
        let missing: Vec<_> = keywords
            .required
            .iter()
            .chain(dependent)
            .filter(is_missing)
            .collect();
        if !missing.is_empty() {
            let message = format!("missing required properties: {}", message::names(missing));
            self.report(origin, message);
        }
    }

    /// Checks a part of the value, for which no schema is active yet.
    fn child(&mut self, schema: View<'a>, value: &'a Value, place: Place<'_>) {
        let active = std::mem::take(&mut self.active);
        self.value(schema, value, Some(place));
        self.active = active;
    }

    fn count(
        &mut self,
        origin: &Origin,
        count: &Decimal,
        (minimum, maximum): (&Option<Limit>, &Option<Limit>),
        text: impl Fn(&str, &str) -> String,
    ) {
        if let Some(limit) = minimum
            && *count < limit.number
        {
            self.report(origin, format!("expected {}", text("least", &limit.shown)));
        }
        if let Some(limit) = maximum
            && *count > limit.number
        {
            self.report(origin, format!("expected {}", text("most", &limit.shown)));
        }
    }
}

/// What is said of a value where there must be none.
fn refusal(place: Option<Place<'_>>) -> String {
    match place {
        Some(Place::Property { secret: true, .. }) => format!("unexpected property {REDACTED}"),
        Some(Place::Property { key, .. }) => {
            format!("unexpected property {}", quoted(key))
        }
        Some(Place::Element(index)) => format!("unexpected element [{index}]"),
        None => "no value meets the schema false".to_owned(),
    }
}

/// Whether what is unknown of a value can still decide.
fn is_open(value: &Value) -> bool {
    value.holds_unknown() || matches!(&value.data, Data::Object(object) if object.rest.is_some())
}
