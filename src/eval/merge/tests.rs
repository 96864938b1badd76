//! The laws of merging, for arbitrary values.

use proptest::prelude::*;

use super::*;
use crate::encode::{Redaction, json};
use crate::schema::Schema;
use crate::source::{Origin, Source, Span};
use crate::value::Text;

/// The shape of a value.
#[derive(Clone, Debug)]
enum Shape {
    Null,
    Text(u8),
    List(Vec<Shape>),
    Object(Vec<(u8, Shape)>),
    Unknown,
    Final(Box<Shape>),
}

/// Values with few keys, so that they meet. With `special`, unknowns and final values among them.
fn shapes(special: bool) -> BoxedStrategy<Shape> {
    let mut leaf = prop_oneof![Just(Shape::Null), (0..4u8).prop_map(Shape::Text)].boxed();
    if special {
        leaf = prop_oneof![4 => leaf, 1 => Just(Shape::Unknown)].boxed();
    }
    leaf.prop_recursive(4, 40, 4, move |inner| {
        let members = prop::collection::vec((0..4u8, inner.clone()), 0..4);
        let list = prop::collection::vec(inner.clone(), 0..3).prop_map(Shape::List);
        let object = members.prop_map(Shape::Object);
        if special {
            let fixed = inner.prop_map(|shape| Shape::Final(Box::new(shape)));
            prop_oneof![1 => list, 6 => object, 1 => fixed].boxed()
        } else {
            prop_oneof![1 => list, 6 => object].boxed()
        }
    })
    .boxed()
}

/// The value of a shape, as the definition `name` would give it.
fn value(shape: &Shape, name: &Arc<Source>) -> Value {
    let origin = Origin::new(name, Span::default());
    let data = match shape {
        Shape::Null => Data::Null,
        Shape::Text(text) => Data::String(Text::plain([b'a' + text])),
        Shape::List(items) => Data::List(items.iter().map(|item| value(item, name)).collect()),
        Shape::Object(members) => {
            let members = members.iter().map(|(key, member)| {
                let key: Arc<str> = Arc::from(format!("k{key}"));
                (key, Member::from(value(member, name)))
            });
            Data::Object(Arc::new(Object::new(members.collect())))
        }
        Shape::Unknown => Data::Unknown(Schema::always()),
        Shape::Final(shape) => {
            return Value {
                is_final: true,
                ..value(shape, name)
            };
        }
    };
    Value::new(data, origin)
}

fn named(shapes: &[Shape]) -> Vec<Value> {
    let names = ["first", "second", "third"];
    let values = shapes.iter().zip(names);
    values
        .map(|(shape, name)| value(shape, &Source::new(name, None, "")))
        .collect()
}

fn over(top: &Value, base: &Value) -> Value {
    merge(top.clone(), base, &mut Vec::new())
}

fn shown(value: &Value) -> String {
    let encoded = json(value, Redaction::Reveal).expect("a small value");
    String::from_utf8_lossy(encoded.text.bytes()).into_owned()
}

/// The leaves of a value with their paths.
fn leaves(value: &Value, path: &str, found: &mut Vec<(String, String)>) {
    match &value.data {
        Data::Object(object) if !object.members.is_empty() => {
            for (key, member) in &object.members {
                leaves(&member.value, &format!("{path}.{key}"), found);
            }
        }
        _ => found.push((path.to_owned(), shown(value))),
    }
}

#[test]
fn what_is_merged_is_counted_by_its_members() {
    let text = || Shape::Text(0);
    let object = |members: &[(u8, Shape)]| Shape::Object(members.to_vec());
    let fixed = |shape| Shape::Final(Box::new(shape));
    let two = || object(&[(0, text()), (1, text())]);
    for (over, base, expected) in [
        (two(), object(&[(1, text()), (2, text())]), 3),
        // At each level; what only one of them has is taken as it is.
        (
            object(&[(0, two()), (1, two())]),
            object(&[(0, object(&[(3, two())])), (2, two())]),
            3 + 3,
        ),
        (object(&[(0, two())]), object(&[(0, fixed(two()))]), 1),
        (two(), fixed(two()), 0),
        (two(), text(), 2),
        (object(&[(0, two())]), Shape::Unknown, 1 + 2),
        (text(), two(), 0),
    ] {
        let values = named(&[over.clone(), base.clone()]);
        let counted = merged_members(&values[0], &values[1]);
        assert_eq!(counted, expected, "{over:?} over {base:?}");
    }
    // However much is written in them.
    let long = Data::String(Text::plain(vec![b'a'; 5_000_000]));
    let mut values = named(&[object(&[(0, text())]), object(&[(1, text())])]);
    let long = Value::new(long, values[0].origin.clone());
    values[0].data = Data::Object(Arc::new(Object::new([("k0".into(), long.into())].into())));
    assert_eq!(merged_members(&values[0], &values[1]), 2);
}

proptest! {
    /// Layers may be gathered in any grouping, as long as their order stays: that is what lets a definition be split
    /// into imports.
    #[test]
    fn grouping_does_not_matter(a in shapes(false), b in shapes(false), c in shapes(false)) {
        let values = named(&[a, b, c]);
        let [a, b, c] = values.as_slice() else { unreachable!("three shapes") };
        let left = over(a, &over(b, c));
        let right = over(&over(a, b), c);
        prop_assert_eq!(shown(&left), shown(&right));
    }

    #[test]
    fn merging_onto_itself_changes_nothing(a in shapes(true)) {
        let values = named(&[a]);
        let mut diagnostics = Vec::new();
        let merged = merge(values[0].clone(), &values[0], &mut diagnostics);
        prop_assert_eq!(shown(&merged), shown(&values[0]));
        // The same import on two ways overrides nothing.
        prop_assert!(diagnostics.is_empty());
    }

    #[test]
    fn the_later_leaf_wins(a in shapes(false), b in shapes(false)) {
        let values = named(&[a, b]);
        let merged = over(&values[0], &values[1]);
        let (mut top, mut all) = (Vec::new(), Vec::new());
        leaves(&values[0], "", &mut top);
        leaves(&merged, "", &mut all);
        for leaf in top {
            // An empty object shows what lies below it.
            prop_assert!(leaf.1 == "{}" || all.contains(&leaf), "{:?} in {:?}", leaf, all);
        }
    }

    #[test]
    fn anything_but_an_object_replaces(a in shapes(true), b in shapes(false)) {
        let values = named(&[a, b]);
        if !matches!(values[0].data, Data::Object(_)) {
            prop_assert_eq!(shown(&over(&values[0], &values[1])), shown(&values[0]));
        }
    }

    #[test]
    fn what_is_final_stays(a in shapes(true), b in shapes(true)) {
        let values = named(&[a, Shape::Final(Box::new(b))]);
        let mut diagnostics = Vec::new();
        let merged = merge(values[0].clone(), &values[1], &mut diagnostics);
        prop_assert_eq!(shown(&merged), shown(&values[1]));
        prop_assert!(merged.is_final);
        prop_assert_eq!(diagnostics.len(), 1);
    }

    #[test]
    fn an_unknown_hides_the_keys_below_it(a in shapes(false), c in shapes(false)) {
        let values = named(&[a, Shape::Unknown, c]);
        let merged = over(&values[0], &over(&values[1], &values[2]));
        prop_assert_eq!(shown(&merged), shown(&values[0]));
        if let Data::Object(object) = &merged.data {
            prop_assert!(object.rest.is_some());
        }
    }

    #[test]
    fn a_cut_lets_nothing_through(a in shapes(false), c in shapes(false)) {
        let values = named(&[a, Shape::Null, c]);
        let merged = over(&over(&values[0], &values[1]), &values[2]);
        prop_assert_eq!(shown(&merged), shown(&values[0]));
    }

    #[test]
    fn all_that_was_merged_is_told(a in shapes(false), b in shapes(false), c in shapes(false)) {
        let values = named(&[a, b, c]);
        let merged = over(&over(&values[0], &values[1]), &values[2]);
        let names: Vec<_> = merged.bases().map(|base| base.origin.source.name().to_string()).collect();
        prop_assert_eq!(names, ["second", "third"]);
    }
}
