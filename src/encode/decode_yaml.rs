//! YAML to values, by the parser that reads definitions: numbers keep their text, aliases are refused.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Place};
use crate::source::{Origin, Source};
use crate::syntax::{self, Node, NodeKind};
use crate::value::{Data, Member, Object, Text, Value};

/// Decodes the first document of `text`; one without content is null. If `secret`, all values at every level are, and lie
/// in locked memory. All have `origin`, and members are marked as chosen from outside.
///
/// # Errors
/// The reason and its line, for a message `decoding YAML string: REASON`. It holds nothing of the text if `secret`.
pub fn decode_yaml(text: &[u8], secret: bool, origin: &Origin) -> Result<Value, String> {
    let text = std::str::from_utf8(text).map_err(|_| "text is not UTF-8".to_owned())?;
    let source = Source::new("<yaml>", None, text);
    let (node, diagnostics) = syntax::parse(&source);
    if let Some(fault) = diagnostics.iter().find(|fault| fault.is_error()) {
        return Err(reason(fault, secret));
    }
    let decoder = Decoder { secret, origin };
    match node {
        None => Ok(decoder.flagged(Data::Null)),
        Some(node) => decoder.value(&node),
    }
}

/// What is told of a fault. The parser's own words may quote the text.
fn reason(fault: &Diagnostic, secret: bool) -> String {
    let message = if secret {
        "text is not valid YAML"
    } else {
        // What it is about is said in front of it.
        fault.message.trim_start_matches("yaml: ")
    };
    match &fault.place {
        Place::At(origin) => format!("line {}: {message}", origin.span.line),
        Place::Nowhere | Place::In(_) => message.to_owned(),
    }
}

struct Decoder<'a> {
    secret: bool,
    origin: &'a Origin,
}

impl Decoder<'_> {
    // The parser limits how deep nodes nest, hence how deep this goes.
    fn value(&self, node: &Node) -> Result<Value, String> {
        Ok(self.flagged(match &node.kind {
            NodeKind::Null => Data::Null,
            NodeKind::Bool(bool) => Data::Bool(*bool),
            NodeKind::Number(text) => Data::Number(self.text(text)),
            NodeKind::String(string) => Data::String(self.text(&string.text)),
            NodeKind::List { items, .. } => {
                let items: Result<Vec<Value>, String> =
                    items.iter().map(|item| self.value(item)).collect();
                Data::List(Arc::from(items?))
            }
            NodeKind::Map { entries, .. } => self.object(entries)?,
        }))
    }

    fn object(&self, entries: &[syntax::Entry]) -> Result<Data, String> {
        let mut members = BTreeMap::new();
        for entry in entries {
            let member = Member {
                value: self.value(&entry.value)?,
                outside: true,
            };
            match members.entry(Arc::from(&*entry.key)) {
                Entry::Vacant(vacant) => {
                    vacant.insert(member);
                }
                Entry::Occupied(_) => return Err(self.duplicate(entry)),
            }
        }
        Ok(Data::Object(Arc::new(Object::new(members))))
    }

    fn duplicate(&self, entry: &syntax::Entry) -> String {
        let line = entry.key_span.line;
        if self.secret {
            format!("line {line}: duplicate key")
        } else {
            format!("line {line}: duplicate key {:?}", entry.key)
        }
    }

    fn flagged(&self, data: Data) -> Value {
        Value {
            secret: self.secret,
            ..Value::new(data, self.origin.clone())
        }
    }

    fn text(&self, text: &str) -> Text {
        Text::join(&[text.as_bytes()], self.secret)
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::origin;
    use super::super::{Redaction, json};
    use super::*;
    use crate::source::Span;
    use crate::syntax::{StringNode, Style};

    fn node(kind: NodeKind) -> Node {
        let span = Span::default();
        Node { kind, span }
    }

    fn map<const N: usize>(entries: [(&str, NodeKind); N]) -> NodeKind {
        let entry = |(key, kind): (&str, NodeKind)| syntax::Entry {
            key: key.into(),
            key_span: Span::default(),
            value: node(kind),
        };
        NodeKind::Map {
            entries: entries.into_iter().map(entry).collect(),
            flow: false,
        }
    }

    fn sample() -> NodeKind {
        let string = NodeKind::String(StringNode {
            text: "x".into(),
            style: Style::Plain,
            properties: 0,
        });
        let list = NodeKind::List {
            items: vec![node(NodeKind::Number("1.50".into())), node(string)],
            flow: true,
        };
        map([
            ("l", list),
            ("b", NodeKind::Bool(true)),
            ("n", NodeKind::Null),
        ])
    }

    fn decode(kind: NodeKind, secret: bool) -> Result<Value, String> {
        let origin = &origin();
        Decoder { secret, origin }.value(&node(kind))
    }

    #[test]
    fn nodes_become_values() {
        let value = decode(sample(), false).unwrap();
        let encoded = json(&value, Redaction::Reveal).unwrap();
        assert_eq!(
            encoded.text.bytes(),
            br#"{"b":true,"l":[1.50,"x"],"n":null}"#
        );
        let Data::Object(object) = &value.data else {
            panic!("not an object");
        };
        assert!(object.members.values().all(|member| member.outside));
    }

    #[test]
    fn a_secret_is_secret_at_every_level_and_in_faults() {
        let value = decode(sample(), true).unwrap();
        let Some(Data::List(items)) = value.member("l").map(|list| &list.data) else {
            panic!("not a list");
        };
        assert!(value.secret && items.iter().all(|item| item.secret));
        assert!(matches!(items[0].data, Data::Number(Text::Secret(_))));
        let twice = || map([("hunter2", NodeKind::Null), ("hunter2", NodeKind::Null)]);
        let fault = |secret| decode(twice(), secret).err().unwrap();
        assert_eq!(fault(true), "line 0: duplicate key");
        assert_eq!(fault(false), "line 0: duplicate key \"hunter2\"");
    }

    #[test]
    fn text_that_is_not_utf_8_is_refused() {
        let fault = decode_yaml(b"\xff", false, &origin());
        assert_eq!(fault.err().as_deref(), Some("text is not UTF-8"));
    }
}
