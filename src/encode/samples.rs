//! Values for tests.

use std::sync::Arc;

use crate::schema::Schema;
use crate::secret::Secret;
use crate::source::{Origin, Source, Span};
use crate::value::{Data, Member, Object, Text, Value};

pub(crate) fn origin() -> Origin {
    Origin::new(&Source::new("sample", None, ""), Span::default())
}

pub(crate) fn plain(data: Data) -> Value {
    Value::new(data, origin())
}

pub(crate) fn string(text: &str) -> Value {
    plain(Data::String(Text::plain(text)))
}

pub(crate) fn bytes(text: &[u8]) -> Value {
    plain(Data::String(Text::plain(text)))
}

pub(crate) fn number(text: &str) -> Value {
    plain(Data::Number(Text::plain(text)))
}

pub(crate) fn list<const N: usize>(items: [Value; N]) -> Value {
    plain(Data::List(Arc::new(items)))
}

pub(crate) fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let member = |(key, value)| (Arc::from(key), Member::from(value));
    let members = members.into_iter().map(member).collect();
    plain(Data::Object(Arc::new(Object::new(members))))
}

pub(crate) fn unknown() -> Value {
    plain(Data::Unknown(Schema::always()))
}

/// Marks a value, and moves its own text into locked memory.
pub(crate) fn secret(mut value: Value) -> Value {
    let lock = |text: Text| Text::secret(Secret::from_parts(&[text.bytes()]));
    value.data = match value.data {
        Data::String(text) => Data::String(lock(text)),
        Data::Number(text) => Data::Number(lock(text)),
        other => other,
    };
    value.secret = true;
    value
}

/// An object as an answer from outside has it.
pub(crate) fn answer<const N: usize>(members: [(&str, Value); N]) -> Value {
    let mut value = object(members);
    if let Data::Object(object) = &mut value.data {
        let object = Arc::make_mut(object);
        for member in object.members.values_mut() {
            member.outside = true;
        }
    }
    value
}
