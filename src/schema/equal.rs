//! Whether a value is the one that `const` or `enum` demands.

use super::keywords::Literal;
use crate::value::{Data, Value};

/// No value equals a literal that is larger than this, in bytes when written out: literals that share parts can be far
/// larger than they look, and comparing them takes as long.
const HEAVIEST: u64 = 16 * 1024 * 1024;

/// Whether `value` is what `literal` says; nothing if unknown parts leave it open. Numbers are equal if their texts are.
pub(super) fn equal(literal: &Literal, value: &Value) -> Option<bool> {
    match literal {
        Literal::Value(literal) if literal.weight() > HEAVIEST => Some(false),
        Literal::Value(literal) => equal_values(literal, value),
        Literal::String(literal) => match &value.data {
            Data::String(text) => Some(**literal == *text.bytes()),
            Data::Unknown(_) => None,
            _ => Some(false),
        },
    }
}

fn equal_values(a: &Value, b: &Value) -> Option<bool> {
    let all = |results: &mut dyn Iterator<Item = Option<bool>>| {
        let mut all = Some(true);
        for result in results {
            match result {
                Some(true) => {}
                Some(false) => return Some(false),
                None => all = None,
            }
        }
        all
    };
    match (&a.data, &b.data) {
        (Data::Unknown(_), _) | (_, Data::Unknown(_)) => None,
        (Data::Null, Data::Null) => Some(true),
        (Data::Bool(a), Data::Bool(b)) => Some(a == b),
        (Data::Number(a), Data::Number(b)) | (Data::String(a), Data::String(b)) => {
            Some(a.bytes() == b.bytes())
        }
        (Data::List(a), Data::List(b)) => {
            if a.len() != b.len() {
                return Some(false);
            }
            all(&mut a.iter().zip(b.iter()).map(|(a, b)| equal_values(a, b)))
        }
        (Data::Object(a), Data::Object(b)) => {
            if a.rest.is_some() || b.rest.is_some() {
                return None;
            }
            if !a.members.keys().eq(b.members.keys()) {
                return Some(false);
            }
            let members = a.members.values().zip(b.members.values());
            all(&mut members.map(|(a, b)| equal_values(&a.value, &b.value)))
        }
        _ => Some(false),
    }
}
