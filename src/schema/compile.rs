//! Compiles schemas that are written as data.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Schema;
use super::decimal::Decimal;
use super::keywords::{Keywords, Limit, Limits, Literal, Name, Node, Pattern, Type};
use super::pattern;
use crate::quote::quoted;
use crate::secret::REDACTED;
use crate::value::{Data, Value};

/// How deep schemas may be nested.
const MAX_DEPTH: usize = 1_000;

impl Schema {
    /// Compiles the schema that `value` describes: `true`, `false`, or an object of keywords. Keywords that are not known
    /// are passed over.
    ///
    /// # Errors
    /// The reason, for a message `invalid schema: REASON`. What [`super::schema_of_schemas`] accepts has no other faults
    /// than references that lead nowhere and patterns that are none.
    pub fn compile(value: &Value) -> Result<Schema, String> {
        let mut compiler = Compiler::default();
        if let Some(definitions) = value.member("$defs") {
            for (number, (key, _)) in members(definitions, "$defs")?.enumerate() {
                compiler.definitions.insert(Arc::clone(key), number);
            }
        }
        let mut scope = Vec::new();
        if let Some(definitions) = value.member("$defs") {
            for (_, definition) in members(definitions, "$defs")? {
                scope.push(compiler.node(definition, 1)?);
            }
        }
        let node = compiler.node(value, 0)?;
        let scope = (!scope.is_empty()).then(|| Arc::from(scope));
        Ok(Schema { node, scope })
    }
}

#[derive(Default)]
struct Compiler {
    /// Numbers of the definitions in the scope.
    definitions: HashMap<Arc<str>, usize>,
}

type Parts = Vec<Arc<Node>>;

impl Compiler {
    fn node(&self, value: &Value, depth: usize) -> Result<Arc<Node>, String> {
        if depth > MAX_DEPTH {
            return Err("nested too deeply".to_owned());
        }
        let object = match &value.data {
            Data::Bool(true) => return Ok(Arc::new(Node::Always)),
            Data::Bool(false) => return Ok(Arc::new(Node::Never)),
            Data::Object(object) => object,
            _ => {
                return Err(format!(
                    "expected boolean or object, got {}",
                    value.type_name()
                ));
            }
        };
        let mut keywords = Keywords::default();
        for (key, member) in &object.members {
            let value = &member.value;
            match &**key {
                "$ref" => keywords.reference = Some(self.reference(text("$ref", value)?, value)?),
                "anyOf" => keywords.any_of = self.list(key, value, depth)?,
                "oneOf" => keywords.one_of = self.list(key, value, depth)?,
                "prefixItems" => keywords.prefix_items = self.list(key, value, depth)?,
                "items" => keywords.items = Some(self.node(value, depth + 1)?),
                "additionalProperties" => keywords.additional = Some(self.node(value, depth + 1)?),
                "properties" => keywords.properties = self.map(key, value, depth)?,
                "type" => keywords.kind = Some(kind(value)?),
                // A constant null cannot be told from none.
                "const" if matches!(value.data, Data::Null) => {}
                "const" => keywords.constant = Some(Literal::Value(known(key, value)?)),
                "enum" => {
                    let literals = elements(key, value)?.iter();
                    let literals = literals.map(|value| known(key, value).map(Literal::Value));
                    keywords.enumeration = Some(literals.collect::<Result<_, _>>()?);
                }
                "required" => keywords.required = names(key, value)?,
                "dependentRequired" => {
                    let members = members(value, key)?;
                    let lists =
                        members.map(|(name, list)| Ok((Arc::clone(name), names(key, list)?)));
                    keywords.dependent_required = lists.collect::<Result<_, String>>()?;
                }
                "rotateOnly" => {
                    keywords.rotate_only = names(key, value)?
                        .into_iter()
                        .map(|name| name.text)
                        .collect();
                }
                "secret" => keywords.secret = Some(boolean(key, value)?),
                _ => limit(key, value, &mut keywords)?,
            }
        }
        Ok(Arc::new(Node::Keywords(Box::new(keywords))))
    }

    fn reference(&self, reference: &str, value: &Value) -> Result<usize, String> {
        let name = reference
            .strip_prefix("#/$defs/")
            .and_then(percent_decoded)
            .ok_or("only fragment references of the form #/$defs/ref are supported")?;
        self.definitions.get(&*name).copied().ok_or_else(|| {
            let shown = if value.secret { REDACTED } else { reference };
            format!("unknown subschema {shown}")
        })
    }

    fn list(&self, key: &str, value: &Value, depth: usize) -> Result<Parts, String> {
        let parts = elements(key, value)?.iter();
        parts.map(|part| self.node(part, depth + 1)).collect()
    }

    fn map(
        &self,
        key: &str,
        value: &Value,
        depth: usize,
    ) -> Result<BTreeMap<Arc<str>, Arc<Node>>, String> {
        members(value, key)?
            .map(|(name, part)| Ok((Arc::clone(name), self.node(part, depth + 1)?)))
            .collect()
    }
}

/// Takes one of the keywords that bound numbers, lengths and counts; passes over all others.
fn limit(key: &str, value: &Value, keywords: &mut Keywords) -> Result<(), String> {
    let field: fn(&mut Limits) -> &mut Option<Limit> = match key {
        "multipleOf" => |limits| &mut limits.multiple_of,
        "minimum" => |limits| &mut limits.minimum,
        "exclusiveMinimum" => |limits| &mut limits.exclusive_minimum,
        "maximum" => |limits| &mut limits.maximum,
        "exclusiveMaximum" => |limits| &mut limits.exclusive_maximum,
        "minLength" => |limits| &mut limits.min_length,
        "maxLength" => |limits| &mut limits.max_length,
        "minItems" => |limits| &mut limits.min_items,
        "maxItems" => |limits| &mut limits.max_items,
        "minProperties" => |limits| &mut limits.min_properties,
        "maxProperties" => |limits| &mut limits.max_properties,
        "pattern" => {
            let source = text(key, value)?;
            let regex = pattern::compile(source).map_err(|reason| {
                let shown = shown(value, || quoted(source));
                // The reason may cite a piece of the pattern.
                let reason = if value.secret {
                    "not a regular expression"
                } else {
                    &reason
                };
                format!("pattern {shown}: {reason}")
            })?;
            let shown = shown(value, || quoted(source)).into();
            keywords.limits_mut().pattern = Some(Pattern { regex, shown });
            return Ok(());
        }
        _ => return Ok(()),
    };
    let Data::Number(number) = &value.data else {
        return Err(wrong(key, "number", value));
    };
    let decimal =
        Decimal::parse(number.bytes()).ok_or_else(|| format!("{key} is not a decimal number"))?;
    let shown = shown(value, || {
        String::from_utf8_lossy(number.bytes()).into_owned()
    });
    *field(keywords.limits_mut()) = Some(Limit {
        number: decimal,
        shown: shown.into(),
    });
    Ok(())
}

fn shown(value: &Value, text: impl FnOnce() -> String) -> String {
    if value.secret {
        REDACTED.to_owned()
    } else {
        text()
    }
}

fn wrong(key: &str, expected: &str, value: &Value) -> String {
    format!("{key}: expected {expected}, got {}", value.type_name())
}

fn text<'a>(key: &str, value: &'a Value) -> Result<&'a str, String> {
    match &value.data {
        Data::String(text) => {
            std::str::from_utf8(text.bytes()).map_err(|_| format!("{key} is not valid UTF-8"))
        }
        _ => Err(wrong(key, "string", value)),
    }
}

fn boolean(key: &str, value: &Value) -> Result<bool, String> {
    match value.data {
        Data::Bool(value) => Ok(value),
        _ => Err(wrong(key, "boolean", value)),
    }
}

fn kind(value: &Value) -> Result<Type, String> {
    Type::named(text("type", value)?.as_bytes()).ok_or_else(|| "type: no such type".to_owned())
}

fn elements<'a>(key: &str, value: &'a Value) -> Result<&'a [Value], String> {
    match &value.data {
        Data::List(items) => Ok(items),
        _ => Err(wrong(key, "array", value)),
    }
}

fn members<'a>(
    value: &'a Value,
    key: &str,
) -> Result<impl Iterator<Item = (&'a Arc<str>, &'a Value)>, String> {
    match &value.data {
        Data::Object(object) => Ok(object
            .members
            .iter()
            .map(|(key, member)| (key, &member.value))),
        _ => Err(wrong(key, "object", value)),
    }
}

fn names(key: &str, value: &Value) -> Result<Vec<Name>, String> {
    let names = elements(key, value)?.iter();
    let name = |item: &Value| {
        let text = Arc::from(text(key, item)?);
        let secret = item.secret || value.secret;
        Ok(Name { text, secret })
    };
    names.map(name).collect()
}

/// A value for `const` or `enum`, which must be known.
fn known(key: &str, value: &Value) -> Result<Value, String> {
    let all_known = match &value.data {
        Data::Unknown(_) => false,
        Data::List(items) => items.iter().all(|item| known(key, item).is_ok()),
        Data::Object(object) => {
            object.rest.is_none()
                && object
                    .members
                    .values()
                    .all(|member| known(key, &member.value).is_ok())
        }
        _ => true,
    };
    all_known
        .then(|| value.clone())
        .ok_or_else(|| format!("{key}: the value is not known"))
}

/// RFC 3986, section 2.1.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, tail @ ..] = rest else {
            return None;
        };
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        bytes.push((digit(high)? * 16 + digit(low)?) as u8);
        rest = tail;
    }
    String::from_utf8(bytes).ok()
}
