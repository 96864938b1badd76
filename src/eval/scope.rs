//! The evaluation of one definition's expressions, each at most once.

use std::rc::Rc;
use std::sync::Arc;

use super::environment::{MAX_INHERITED, Mode, Pass};
use super::merge::{below, final_override, inherited, merge, merged_members};
use crate::ast::{Call, Definition, ExprId, ExprKind, Parsed, Part, Property, find_property};
use crate::diagnostic::Diagnostic;
use crate::encode::{self, Redaction};
use crate::schema::{self, Schema};
use crate::source::{Origin, Span};
use crate::value::{Data, Member, Object, Text, Value};

/// How many expressions may be evaluated each for the sake of the one before it. The stack that evaluation runs on
/// has room for this many.
pub(super) const MAX_DEPTH: usize = 20_000;

/// How much a value may expand to, as [`Value::weight`] counts: references make it easy to write a small document
/// that would fill any memory.
const MAX_WEIGHT: u64 = 64 << 20;

/// How many bytes functions and interpolations may make in one evaluation, roughly.
const MAX_MADE: u64 = 1 << 30;

/// How many bytes of memory a list or object takes for each that it has when written out, at worst roughly.
const OVERHEAD: u64 = 64;

/// The message for a chain that is too long.
pub(super) fn too_deep() -> String {
    format!("more than {MAX_DEPTH} references, imports and nested values hang on one another")
}

/// Whether an expression makes a value, instead of sharing what it is given or what was bounded where it came from.
fn makes(kind: &ExprKind) -> bool {
    match kind {
        ExprKind::Interpolation(_) => true,
        ExprKind::Call(call) => !matches!(
            **call,
            Call::Final(_)
                | Call::Validate { .. }
                | Call::Open { .. }
                | Call::Rotate { .. }
                | Call::Plaintext(..)
                | Call::Ciphertext(..)
                | Call::Invalid
        ),
        _ => false,
    }
}

fn too_heavy() -> String {
    format!("the value expands to more than {} MiB", MAX_WEIGHT >> 20)
}

/// A definition under evaluation.
pub(super) struct Scope<'s, 'a> {
    pub(super) pass: &'s mut Pass<'a>,
    pub(super) parsed: Rc<Parsed>,
    /// What `${imports}` is.
    pub(super) imports: Value,
    /// What `${context}` is.
    pub(super) context: Value,
    /// What the definition's own values go over.
    pub(super) base: Option<Value>,
    /// Whether the environment was asked for, in contrast to imported.
    pub(super) is_root: bool,
    cells: Vec<Cell>,
}

/// How far an expression is.
enum Cell {
    New,
    Evaluating,
    Done(Value),
}

impl<'s, 'a> Scope<'s, 'a> {
    pub(super) fn new(
        pass: &'s mut Pass<'a>,
        parsed: &Rc<Parsed>,
        definition: &Definition,
        imports: Value,
        context: Value,
        is_root: bool,
    ) -> Self {
        let cells = std::iter::repeat_with(|| Cell::New)
            .take(definition.expression_count())
            .collect();
        Self {
            pass,
            parsed: Rc::clone(parsed),
            imports,
            context,
            base: None,
            is_root,
            cells,
        }
    }

    /// Evaluates everything, in the order of the keys.
    pub(super) fn evaluate_root(mut self, base: Option<Value>) -> Value {
        self.base = base;
        let parsed = Rc::clone(&self.parsed);
        let definition = definition_of(&parsed);
        let base = self.base.clone();
        let origin = Origin::new(&definition.source, Span::default());
        let value = self.object(&definition.values, base.as_ref(), origin);
        limit_weight(value, &mut self.pass.diagnostics, "values")
    }

    pub(super) fn is_check(&self) -> bool {
        self.pass.host.mode == Mode::Check
    }

    /// The value of an expression, over what it inherits.
    pub(super) fn evaluate(&mut self, id: ExprId, base: Option<&Value>) -> Value {
        let parsed = Rc::clone(&self.parsed);
        let definition = definition_of(&parsed);
        match &self.cells[id.0 as usize] {
            Cell::Done(value) => return value.clone(),
            Cell::Evaluating => {
                let message = format!("cyclic reference to {}", definition.path_below_values(id));
                self.error(id, message);
                return self.unknown(id, Schema::always());
            }
            Cell::New => {}
        }
        let value = self.evaluate_new(definition, id, base);
        self.cells[id.0 as usize] = Cell::Done(value.clone());
        value
    }

    fn evaluate_new(&mut self, definition: &Definition, id: ExprId, base: Option<&Value>) -> Value {
        if let Some(base) = base.filter(|base| base.is_final) {
            let here = self.unknown(id, Schema::always());
            let path = definition.path_of(id);
            self.pass.report(Diagnostic {
                path,
                ..final_override(&here, base)
            });
            return base.clone();
        }
        if self.pass.is_too_deep() {
            self.error(id, too_deep());
            return self.unknown(id, Schema::always());
        }
        self.pass.depth += 1;
        self.cells[id.0 as usize] = Cell::Evaluating;
        let value = match &definition.expression(id).kind {
            ExprKind::Object(properties) => self.object(properties, base, definition.origin(id)),
            kind => {
                let value = self.bounded(definition, id, kind);
                match self.inheritable(base) {
                    Some(base) => {
                        self.inherit(merged_members(&value, base), &definition.origin(id));
                        merge(value, base, &mut self.pass.diagnostics)
                    }
                    None => value,
                }
            }
        };
        self.pass.depth -= 1;
        let weight = value.weight();
        if weight > MAX_WEIGHT {
            return limit_weight(value, &mut self.pass.diagnostics, &definition.path_of(id));
        }
        value
    }

    /// An expression that is no object literal, by itself; unknown once too much has been made.
    fn bounded(&mut self, definition: &Definition, id: ExprId, kind: &ExprKind) -> Value {
        if !makes(kind) {
            return self.compute(definition, id, kind);
        }
        if self.pass.made <= MAX_MADE {
            let value = self.compute(definition, id, kind);
            // What was made for its sake may have been too much already, and told.
            if self.pass.made <= MAX_MADE {
                return self.charge(value, id);
            }
        }
        self.unknown(id, Schema::always())
    }

    /// An object literal over its base.
    fn object(&mut self, properties: &[Property], base: Option<&Value>, origin: Origin) -> Value {
        let has = |key: &str| find_property(properties, key).is_some();
        let base = self.inheritable(base);
        let mut object = base.map_or_else(Object::default, |base| below(base, has));
        self.inherit(object.members.len() as u64, &origin);
        for property in properties {
            let below = base.and_then(|base| inherited(base, &property.key));
            let value = self.evaluate(property.value, below.as_ref());
            let key = Arc::clone(&property.key);
            object.members.insert(key, Member::from(value));
        }
        let value = Value::new(Data::Object(Arc::new(object)), origin);
        match base {
            Some(base) => value.onto(base),
            None => value,
        }
    }

    /// What a value goes over. Once that was too much in all, nothing is inherited any more.
    fn inheritable<'v>(&self, base: Option<&'v Value>) -> Option<&'v Value> {
        base.filter(|_| self.pass.inherited <= MAX_INHERITED)
    }

    /// Counts what an object has from what it goes over.
    fn inherit(&mut self, members: u64, origin: &Origin) {
        let before = self.pass.inherited;
        self.pass.inherited = before.saturating_add(members);
        if before <= MAX_INHERITED && self.pass.inherited > MAX_INHERITED {
            let message = format!(
                "environments have more than {MAX_INHERITED} values of their imports in all"
            );
            let fault = Diagnostic::error(&origin.source, origin.span, "values", message);
            self.pass.report(fault);
        }
    }

    /// The value of an expression by itself.
    fn compute(&mut self, definition: &Definition, id: ExprId, kind: &ExprKind) -> Value {
        let data = match kind {
            ExprKind::Null => Data::Null,
            ExprKind::Bool(value) => Data::Bool(*value),
            ExprKind::Number(text) => Data::Number(text.clone()),
            ExprKind::String(text) => Data::String(text.clone()),
            ExprKind::List(items) => Data::List(
                items
                    .iter()
                    .map(|item| self.evaluate(*item, None))
                    .collect(),
            ),
            ExprKind::Interpolation(parts) => return self.interpolate(parts, id),
            ExprKind::Reference(access) => {
                return match self.resolve(access, id) {
                    Some(value) => value.relocated(definition.origin(id)),
                    None => self.unknown(id, Schema::always()),
                };
            }
            ExprKind::Call(call) => return self.call(call, id),
            // Object literals are evaluated with their base at hand.
            ExprKind::Object(properties) => {
                return self.object(properties, None, definition.origin(id));
            }
        };
        Value::new(data, definition.origin(id))
    }

    /// Counts what an expression has made, and refuses it once that is too much in all: each value may be of a bearable
    /// size, and there may be thousands.
    fn charge(&mut self, value: Value, id: ExprId) -> Value {
        let overhead = match value.data {
            Data::List(_) | Data::Object(_) => OVERHEAD,
            _ => 1,
        };
        let made = value.weight().saturating_mul(overhead);
        self.pass.made = self.pass.made.saturating_add(made);
        if self.pass.made <= MAX_MADE {
            return value;
        }
        // Told once: from here on nothing is made.
        let message = format!(
            "functions and interpolations make more than {} MiB in all",
            MAX_MADE >> 20
        );
        self.error(id, message);
        self.unknown(id, Schema::always())
    }

    /// The text of a string with interpolations.
    fn interpolate(&mut self, parts: &[Part], id: ExprId) -> Value {
        let mut texts = Vec::with_capacity(parts.len());
        let (mut secret, mut unknown) = (false, false);
        let mut weight = 0;
        for part in parts {
            match part {
                Part::Text(text) => texts.push(Text::plain(text.as_bytes())),
                Part::Access(access) => match self.resolve(access, id) {
                    Some(value) => {
                        secret |= value.holds_secret();
                        unknown |= value.holds_unknown();
                        let fitted = weight <= MAX_WEIGHT;
                        weight = weight.saturating_add(value.weight());
                        if weight > MAX_WEIGHT {
                            // Before it is written out, and told once.
                            if fitted {
                                self.error(id, too_heavy());
                            }
                            unknown = true;
                            texts.clear();
                        }
                        if !unknown {
                            match encode::text(&value, Redaction::Reveal) {
                                Ok(encoded) => texts.push(encoded.text),
                                Err(error) => {
                                    self.error(id, format!("the {error}"));
                                    unknown = true;
                                }
                            }
                        }
                    }
                    None => unknown = true,
                },
            }
        }
        let value = if unknown {
            self.unknown(id, Schema::string())
        } else {
            let pieces: Vec<&[u8]> = texts.iter().map(Text::bytes).collect();
            self.value(id, Data::String(Text::join(&pieces, secret)))
        };
        Value { secret, ..value }
    }

    /// A value defined by an expression.
    pub(super) fn value(&self, id: ExprId, data: Data) -> Value {
        Value::new(data, self.origin(id))
    }

    /// An unknown defined by an expression.
    pub(super) fn unknown(&self, id: ExprId, schema: Schema) -> Value {
        self.value(id, Data::Unknown(schema))
    }

    pub(super) fn origin(&self, id: ExprId) -> Origin {
        definition_of(&self.parsed).origin(id)
    }

    /// Reports an error at an expression.
    pub(super) fn error(&mut self, id: ExprId, message: impl Into<String>) {
        let span = definition_of(&self.parsed).expression(id).span;
        self.error_at(id, span, message, None);
    }

    /// Reports an error at a place within an expression.
    pub(super) fn error_at(
        &mut self,
        id: ExprId,
        span: Span,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        let definition = definition_of(&self.parsed);
        let diagnostic =
            Diagnostic::error(&definition.source, span, definition.path_of(id), message);
        self.pass.report(Diagnostic { hint, ..diagnostic });
    }

    /// Checks a value against a schema and reports what does not fit, each fault where the offending part was
    /// defined. Returns whether all fits.
    pub(super) fn check(&mut self, id: ExprId, schema: &Schema, value: &Value) -> bool {
        let mismatches = schema::check(schema, value);
        let fits = mismatches.is_empty();
        if !fits {
            let path = definition_of(&self.parsed).path_of(id);
            for mismatch in mismatches {
                let Origin { source, span } = mismatch.origin;
                self.pass.report(Diagnostic::error(
                    &source,
                    span,
                    path.as_str(),
                    mismatch.message,
                ));
            }
        }
        fits
    }
}

/// The definition of a document that is being evaluated.
pub(super) fn definition_of(parsed: &Parsed) -> &Definition {
    parsed
        .definition
        .as_ref()
        .expect("only what has a definition is evaluated")
}

/// Refuses a value that expands to more than any process can take.
fn limit_weight(value: Value, diagnostics: &mut Vec<Diagnostic>, path: &str) -> Value {
    if value.weight() <= MAX_WEIGHT {
        return value;
    }
    let Origin { source, span } = &value.origin;
    diagnostics.push(Diagnostic::error(source, *span, path, too_heavy()));
    Value::new(Data::Unknown(Schema::always()), value.origin)
}
