//! What definitions evaluate to: data with its flags and the trace of where it came from.
//!
//! Values are shared, never copied: cloning one counts references. Text that is secret lies in locked memory.

mod base;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use base::{Base, Bases};

use crate::schema::Schema;
use crate::secret::Secret;
use crate::source::Origin;

/// A text, which need not be UTF-8 (what `fn::fromBase64` decodes need not be).
#[derive(Clone)]
pub enum Text {
    /// Bytes that anyone may see.
    Plain(Arc<[u8]>),
    /// Bytes in locked memory.
    Secret(Arc<Secret>),
}

impl Text {
    /// A plain text.
    pub fn plain(text: impl AsRef<[u8]>) -> Self {
        Text::Plain(Arc::from(text.as_ref()))
    }

    /// A secret text.
    pub fn secret(secret: Secret) -> Self {
        Text::Secret(Arc::new(secret))
    }

    /// Joins `parts` into one text, in locked memory if `secret`.
    pub fn join(parts: &[&[u8]], secret: bool) -> Self {
        if secret {
            Text::secret(Secret::from_parts(parts))
        } else {
            Text::Plain(Arc::from(parts.concat()))
        }
    }

    /// The bytes. Whoever prints them looks at the value's flags first.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Text::Plain(bytes) => bytes,
            // A text is the one way to a secret's bytes for evaluation and export, which compute with them.
            Text::Secret(secret) => secret.expose(),
        }
    }
}

/// What a value is.
#[derive(Clone)]
pub enum Data {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, kept as its decimal text.
    Number(Text),
    /// A string.
    String(Text),
    /// A list.
    List(Arc<[Value]>),
    /// An object.
    Object(Arc<Object>),
    /// Not known: in check mode, or after a fault that has been reported. Carries what is known of its shape.
    Unknown(Schema),
}

/// The members of an object, sorted by the bytes of their keys.
#[derive(Clone, Default)]
pub struct Object {
    /// Members by key, inherited ones included.
    pub members: BTreeMap<Arc<str>, Member>,
    /// Set where the object was merged over an unknown: further members may exist, of this shape.
    pub rest: Option<Schema>,
    /// Set where the object overrode a value that is no object: whatever it is merged over next does not show.
    pub closed: bool,
}

impl Object {
    /// An object of these members, which nothing is known to lie below.
    pub fn new(members: BTreeMap<Arc<str>, Member>) -> Self {
        Self {
            members,
            ..Self::default()
        }
    }
}

impl From<Value> for Member {
    /// A member whose key stands in a definition.
    fn from(value: Value) -> Self {
        Self {
            value,
            outside: false,
        }
    }
}

impl Parts {
    fn add(&mut self, part: &Value) {
        self.secret |= part.holds_secret();
        self.unknown |= part.holds_unknown();
        self.weight = self.weight.saturating_add(part.weight());
    }
}

/// A member of an object.
#[derive(Clone)]
pub struct Member {
    /// Its value.
    pub value: Value,
    /// Whether its key was chosen by an answer from outside (a provider, decoded text) instead of a definition.
    pub outside: bool,
}

/// Data with flags and trace.
#[derive(Clone)]
pub struct Value {
    /// What it is.
    pub data: Data,
    /// Whether the value as a whole is secret. Parts carry their own flags.
    pub secret: bool,
    /// Whether later definitions cannot override it.
    pub is_final: bool,
    /// The expression that defined it.
    pub origin: Origin,
    /// What it was merged onto or overrode; [`Value::bases`] goes through it.
    pub base: Option<Arc<Base>>,
    /// What holds of its parts, at any depth; [`Value::new`] sees to it.
    pub parts: Parts,
}

/// What holds of the parts of a list or object, kept so that nobody has to walk them: values share parts, and what is
/// small in memory can be huge to walk.
#[derive(Clone, Copy, Default)]
pub struct Parts {
    secret: bool,
    unknown: bool,
    weight: u64,
}

impl Value {
    /// A value without flags or base.
    pub fn new(data: Data, origin: Origin) -> Self {
        let mut parts = Parts::default();
        match &data {
            Data::Null | Data::Bool(_) | Data::Unknown(_) => {}
            Data::Number(text) | Data::String(text) => parts.weight = text.bytes().len() as u64,
            Data::List(items) => items.iter().for_each(|item| parts.add(item)),
            Data::Object(object) => {
                for (key, member) in &object.members {
                    parts.add(&member.value);
                    parts.weight = parts.weight.saturating_add(key.len() as u64);
                }
            }
        }
        Self {
            data,
            secret: false,
            is_final: false,
            origin,
            base: None,
            parts,
        }
    }

    /// Whether it or any of its parts is secret.
    pub fn holds_secret(&self) -> bool {
        self.secret || self.parts.secret
    }

    /// Whether it or any of its parts is unknown.
    pub fn holds_unknown(&self) -> bool {
        self.is_unknown() || self.parts.unknown
    }

    /// How large it is when written out: roughly its bytes, shared parts counted as often as they occur.
    pub fn weight(&self) -> u64 {
        self.parts.weight.saturating_add(1)
    }

    /// The same value with the origin of an expression that refers to it.
    #[must_use]
    pub fn relocated(&self, origin: Origin) -> Self {
        Self {
            origin,
            is_final: false,
            base: None,
            ..self.clone()
        }
    }

    /// The same value, secret at every level.
    #[must_use]
    pub fn into_secret(self) -> Self {
        let data = match self.data {
            Data::List(items) => {
                Data::List(items.iter().cloned().map(Value::into_secret).collect())
            }
            Data::Object(object) => {
                let mut object = Arc::unwrap_or_clone(object);
                for member in object.members.values_mut() {
                    member.value = member.value.clone().into_secret();
                }
                Data::Object(Arc::new(object))
            }
            Data::Number(Text::Plain(bytes)) => Data::Number(Text::join(&[&bytes], true)),
            Data::String(Text::Plain(bytes)) => Data::String(Text::join(&[&bytes], true)),
            data => data,
        };
        Self {
            secret: true,
            is_final: self.is_final,
            base: self.base,
            ..Value::new(data, self.origin)
        }
    }

    /// Whether it is unknown.
    pub fn is_unknown(&self) -> bool {
        matches!(self.data, Data::Unknown(_))
    }

    /// The member `key`, if this is an object that has it.
    pub fn member(&self, key: &str) -> Option<&Value> {
        match &self.data {
            Data::Object(object) => object.members.get(key).map(|member| &member.value),
            _ => None,
        }
    }

    /// The name of its type, as schemas name it; `unknown` for unknowns.
    pub fn type_name(&self) -> &'static str {
        match &self.data {
            Data::Null => "null",
            Data::Bool(_) => "boolean",
            Data::Number(_) => "number",
            Data::String(_) => "string",
            Data::List(_) => "array",
            Data::Object(_) => "object",
            Data::Unknown(_) => "unknown",
        }
    }
}
