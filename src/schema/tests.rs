use super::*;
use crate::secret::Secret;
use crate::source::{Origin, Source, Span};
use crate::value::{Data, Member, Object, Text, Value};

/// Values written as JSON. Strings `secret:TEXT` become secrets, and `unknown:SCHEMA` unknowns of that schema.
fn value(json: &str) -> Value {
    let source = Source::new("test", None, json);
    let json: serde_json::Value = serde_json::from_str(json).expect(json);
    build(&json, &source, &mut 0)
}

fn build(json: &serde_json::Value, source: &std::sync::Arc<Source>, line: &mut u32) -> Value {
    *line += 1;
    let span = Span {
        line: *line,
        ..Span::default()
    };
    let mut secret = false;
    let data = match json {
        serde_json::Value::Null => Data::Null,
        serde_json::Value::Bool(value) => Data::Bool(*value),
        serde_json::Value::Number(number) => Data::Number(Text::plain(number.to_string())),
        serde_json::Value::String(text) => {
            if let Some(text) = text.strip_prefix("secret:") {
                secret = true;
                Data::String(Text::secret(Secret::from_parts(&[text.as_bytes()])))
            } else if let Some(text) = text.strip_prefix("unknown:") {
                Data::Unknown(schema(text))
            } else {
                Data::String(Text::plain(text))
            }
        }
        serde_json::Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| build(item, source, line)).collect();
            Data::List(items.into())
        }
        serde_json::Value::Object(members) => {
            let members = members.iter().map(|(key, json)| {
                (
                    Arc::from(key.as_str()),
                    Member::from(build(json, source, line)),
                )
            });
            Data::Object(Arc::new(Object::new(members.collect())))
        }
    };
    let mut value = Value::new(data, Origin::new(source, span));
    value.secret = secret;
    value
}

fn schema(json: &str) -> Schema {
    Schema::compile(&value(json)).expect(json)
}

fn messages(schema: &Schema, json: &str) -> Vec<String> {
    let mismatches = check(schema, &value(json));
    mismatches.into_iter().map(|found| found.message).collect()
}

#[track_caller]
fn expect(schema_text: &str, value_text: &str, expected: &[&str]) {
    let got = messages(&schema(schema_text), value_text);
    assert_eq!(got, expected, "{value_text} against {schema_text}");
}

#[test]
fn values_meet_their_types() {
    let values = [
        ("null", "null"),
        ("boolean", "true"),
        ("number", "1.50"),
        ("string", r#""x""#),
        ("array", "[1]"),
        ("object", "{}"),
    ];
    for (kind, _) in values {
        for (got, value) in values {
            let schema = format!(r#"{{"type":"{kind}"}}"#);
            if kind == got {
                expect(&schema, value, &[]);
            } else {
                expect(&schema, value, &[&format!("expected {kind}, got {got}")]);
            }
        }
    }
    expect("true", "[1]", &[]);
    expect("{}", "[1]", &[]);
}

#[test]
fn constants_are_equal_by_text() {
    expect(r#"{"const":1}"#, "1", &[]);
    expect(r#"{"const":1}"#, "1.0", &["expected 1"]);
    expect(r#"{"const":null}"#, "5", &[]);
    expect(
        r#"{"const":{"b":1,"a":[true]}}"#,
        r#"{"a":[true],"b":1}"#,
        &[],
    );
    expect(
        r#"{"const":{"b":1,"a":"<é>"}}"#,
        "5",
        &[r#"expected {"a":"\u003cé\u003e","b":1}"#],
    );
    expect(r#"{"enum":["a",1,null]}"#, "null", &[]);
    expect(
        r#"{"enum":["a",1,null]}"#,
        r#""b""#,
        &[r#"expected one of ["a",1,null]"#],
    );
    expect(r#"{"enum":["a"]}"#, r#""b""#, &[r#"expected "a""#]);
    expect(
        r#"{"type":"string","enum":["dev","prod"]}"#,
        "5",
        &[
            r#"expected one of ["dev","prod"]"#,
            "expected string, got number",
        ],
    );
}

#[test]
fn numbers_are_bounded() {
    expect(r#"{"multipleOf":0.1}"#, "0.3", &[]);
    expect(r#"{"multipleOf":2}"#, "5", &["expected a multiple of 2"]);
    expect(
        r#"{"minimum":1.50}"#,
        "1",
        &["expected a number greater than or equal to 1.50"],
    );
    expect(
        r#"{"exclusiveMinimum":1}"#,
        "1",
        &["expected a number greater than 1"],
    );
    expect(
        r#"{"maximum":1}"#,
        "1.1",
        &["expected a number less than or equal to1"],
    );
    expect(
        r#"{"exclusiveMaximum":1}"#,
        "1",
        &["expected a number less than 1"],
    );
    expect(r#"{"minimum":1,"maximum":1}"#, "1", &[]);
    expect(r#"{"minimum":1e3}"#, "1000", &[]);
    expect(r#"{"minimum":3}"#, r#""1""#, &[]);
}

#[test]
fn strings_are_bounded_in_bytes() {
    expect(r#"{"minLength":3}"#, r#""日""#, &[]);
    expect(
        r#"{"minLength":3}"#,
        r#""ab""#,
        &["expected a string of at least length 3"],
    );
    expect(
        r#"{"maxLength":3}"#,
        r#""éé""#,
        &["expected a string of at most length 3"],
    );
    expect(
        r#"{"pattern":"^a\"$"}"#,
        r#""b""#,
        &[r#"string must match the pattern "^a\"$""#],
    );
    expect(r#"{"pattern":"b"}"#, r#""abc""#, &[]);
}

#[test]
fn lists_are_checked_by_element() {
    expect(
        r#"{"items":{"type":"string"}}"#,
        r#"["a",1,null]"#,
        &["expected string, got number", "expected string, got null"],
    );
    expect(
        r#"{"minItems":2}"#,
        "[1]",
        &["expected an array with at least 2 items"],
    );
    expect(
        r#"{"maxItems":0}"#,
        "[1]",
        &["expected an array with at most 0 items"],
    );
    expect(
        r#"{"prefixItems":[{"type":"string"}],"items":{"type":"number"}}"#,
        r#"[1,"a"]"#,
        &["expected string, got number", "expected number, got string"],
    );
    expect(
        r#"{"prefixItems":[true],"items":false}"#,
        "[1,2]",
        &["unexpected element [1]"],
    );
    expect(r#"{"uniqueItems":true}"#, "[1,1]", &[]);
}

#[test]
fn objects_are_checked_by_property() {
    expect(
        r#"{"properties":{"a":{"type":"string"}}}"#,
        r#"{"a":1,"b":1}"#,
        &["expected string, got number"],
    );
    expect(
        r#"{"additionalProperties":false,"properties":{"a":true}}"#,
        r#"{"a":1,"b\n":1}"#,
        &[r#"unexpected property "b\n""#],
    );
    expect(
        r#"{"properties":{"a":false}}"#,
        r#"{"a":1}"#,
        &[r#"unexpected property "a""#],
    );
    expect(
        r#"{"minProperties":2}"#,
        r#"{"a":1}"#,
        &["expected an object with at least 2 properties"],
    );
    expect(
        r#"{"maxProperties":0}"#,
        r#"{"a":1}"#,
        &["expected an object with at most 0 properties"],
    );
    expect(
        r#"{"required":["z","a"],"dependentRequired":{"k":["b","k"],"n":["c"]}}"#,
        r#"{"k":1}"#,
        &["missing required properties: z, a, b"],
    );
    expect("false", "5", &["no value meets the schema false"]);
}

#[test]
fn alternatives_tell_what_each_wanted() {
    let both = r#"[{"type":"string"},{"type":"number"}]"#;
    expect(&format!(r#"{{"anyOf":{both}}}"#), "5", &[]);
    expect(
        &format!(r#"{{"anyOf":{both}}}"#),
        "true",
        &[
            "expected string, got boolean",
            "expected number, got boolean",
            "at least one subschema must match",
        ],
    );
    expect(
        &format!(r#"{{"oneOf":{both}}}"#),
        "null",
        &[
            "expected string, got null",
            "expected number, got null",
            "exactly one subschema must match",
        ],
    );
    expect(
        r#"{"oneOf":[{"type":"string"},{"minLength":1}]}"#,
        r#""abc""#,
        &["exactly one subschema may match"],
    );
    expect(r#"{"oneOf":[true,false]}"#, "1", &[]);
}

#[test]
fn references_are_resolved_and_may_recurse() {
    let tree = r##"{"$defs":{"t":{"type":"object","properties":{"l":{"$ref":"#/$defs/t"},"v":{"type":"number"}}}},"$ref":"#/$defs/t"}"##;
    expect(tree, r#"{"l":{"l":{"v":1}}}"#, &[]);
    expect(
        tree,
        r#"{"l":{"l":{"v":"x"}}}"#,
        &["expected number, got string"],
    );
    expect(
        r##"{"$defs":{"a b":{"type":"string"}},"$ref":"#/$defs/a%20b"}"##,
        "1",
        &["expected string, got number"],
    );
    for circular in [
        r##"{"$defs":{"a":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"}"##,
        r##"{"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/b"}]},"b":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"}"##,
    ] {
        expect(circular, "1", &[]);
        expect(
            circular,
            &format!("{:?}", format!("unknown:{circular}")),
            &[],
        );
        let circular = schema(circular);
        assert!(circular.property("k").is_ok_and(|found| found.is_always()));
        assert_eq!(
            (circular.secret(), circular.is_rotate_only("a")),
            (None, false)
        );
    }
}

#[test]
fn endless_alternatives_end() {
    let definitions: Vec<_> = (0..40)
        .map(|n| {
            format!(
                r##""d{n}":{{"anyOf":[{{"$ref":"#/$defs/d{m}"}},{{"$ref":"#/$defs/d{m}"}}]}}"##,
                m = n + 1
            )
        })
        .collect();
    let text = format!(
        r##"{{"$defs":{{{},"d40":{{"type":"null"}}}},"$ref":"#/$defs/d0"}}"##,
        definitions.join(",")
    );
    let too_intricate = ["the schema is too intricate to check this value"];
    expect(&text, "1", &too_intricate);
    expect(&text, "null", &[]);
}

#[test]
fn schemas_are_checked_as_data() {
    let types = r#"expected one of ["string","number","boolean","array","object","null"]"#;
    let cases: [(&str, &[&str]); 9] = [
        ("true", &[]),
        (r#"{"format":"email","type":"string","const":{"a":1}}"#, &[]),
        (
            r#"{"$defs":{"a":{"items":{"type":"number"}}},"properties":{"k":{"$ref":"x"}}}"#,
            &[],
        ),
        (
            "5",
            &[
                "expected boolean, got number",
                "expected object, got number",
            ],
        ),
        (
            r#"{"type":"integer"}"#,
            &["expected boolean, got object", types],
        ),
        (
            r#"{"minimum":"1"}"#,
            &[
                "expected boolean, got object",
                "expected number, got string",
            ],
        ),
        (
            r#"{"required":"a"}"#,
            &["expected boolean, got object", "expected array, got string"],
        ),
        (
            r#"{"properties":["a"]}"#,
            &["expected boolean, got object", "expected object, got array"],
        ),
        (
            r#"{"items":{"pattern":5}}"#,
            &[
                "expected boolean, got object",
                "expected boolean, got object",
                "expected string, got number",
                "at least one subschema must match",
            ],
        ),
    ];
    for (text, expected) in cases {
        let mut expected = expected.to_vec();
        if !expected.is_empty() {
            expected.push("at least one subschema must match");
        }
        assert_eq!(messages(schema_of_schemas(), text), expected, "{text}");
    }
}

#[test]
fn faults_of_schemas_are_told() {
    let cases = [
        (
            r#"{"$ref":"http://x"}"#,
            "only fragment references of the form #/$defs/ref are supported",
        ),
        (
            r##"{"items":{"$ref":"#/$defs/X"}}"##,
            "unknown subschema #/$defs/X",
        ),
        (
            r#"{"pattern":"["}"#,
            r#"pattern "[": unclosed character class"#,
        ),
        (
            r#"{"pattern":"secret:hush["}"#,
            "pattern [secret]: not a regular expression",
        ),
        (
            r##"{"$ref":"secret:#/$defs/hush"}"##,
            "unknown subschema [secret]",
        ),
        (r#"{"minimum":"1"}"#, "minimum: expected number, got string"),
        ("7", "expected boolean or object, got number"),
    ];
    for (text, expected) in cases {
        let got = Schema::compile(&value(text)).err();
        assert_eq!(got.as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn secrets_stay_out_of_messages() {
    expect(
        r#"{"const":"secret:hush"}"#,
        r#""x""#,
        &["expected [secret]"],
    );
    expect(r#"{"const":"secret:hush"}"#, r#""secret:hush""#, &[]);
    expect(
        r#"{"enum":[1,{"k":"secret:hush"}]}"#,
        "2",
        &[r#"expected one of [1,{"k":[secret]}]"#],
    );
    expect(
        r#"{"pattern":"secret:hush"}"#,
        r#""x""#,
        &["string must match the pattern [secret]"],
    );
    expect(
        r#"{"required":["secret:hush","a"]}"#,
        "{}",
        &["missing required properties: [secret], a"],
    );
    expect(
        r#"{"type":"number"}"#,
        r#""secret:hush""#,
        &["expected number, got string"],
    );
}

/// A JSON string that [`build`] reads as an unknown.
fn unknown(schema: &str) -> String {
    serde_json::Value::String(format!("unknown:{schema}")).to_string()
}

#[test]
fn unknowns_are_compared_by_shape() {
    let object = r#"{"type":"object","properties":{"a":{"type":"object","properties":{"b":{"type":"array","items":{"type":"number"}}}}}}"#;
    let wanted = r#"{"type":"object","properties":{"a":{"properties":{"b":{"type":"array","items":{"type":"string"}}}}}}"#;
    let cases: [(&str, &str, &[&str]); 20] = [
        ("true", r#"{"type":"string"}"#, &[]),
        (r#"{"type":"string"}"#, "true", &[]),
        (
            r#"{"type":"string"}"#,
            r#"{"type":"string","const":"a","minLength":9}"#,
            &[],
        ),
        (
            r#"{"type":"number"}"#,
            r#"{"type":"string"}"#,
            &["expected string, got number"],
        ),
        (
            r#"{"anyOf":[{"type":"string"},{"type":"number"}]}"#,
            r#"{"type":"number"}"#,
            &[],
        ),
        (
            r#"{"type":"number"}"#,
            r#"{"oneOf":[{"type":"string"},{"type":"number"},true]}"#,
            &[],
        ),
        (
            r#"{"type":"null"}"#,
            r#"{"oneOf":[{"type":"string"},{"type":"number"}]}"#,
            &[
                "expected string, got null",
                "expected number, got null",
                "at least one subschema must match",
            ],
        ),
        (
            r#"{"oneOf":[{"type":"string"},{"type":"null"}]}"#,
            r#"{"type":"number"}"#,
            &[
                "expected number, got string",
                "expected number, got null",
                "at least one subschema must match",
            ],
        ),
        (
            r#"{"type":"object"}"#,
            r#"{"required":["bar"]}"#,
            &["bar: missing required property"],
        ),
        (
            r#"{"type":"object","required":["bar"]}"#,
            r#"{"required":["bar"]}"#,
            &[],
        ),
        (
            r#"{"type":"object","additionalProperties":true}"#,
            r#"{"required":["bar"]}"#,
            &[],
        ),
        (
            r#"{"type":"object","additionalProperties":false}"#,
            r#"{"required":["a b"]}"#,
            &[r#"["a b"]: missing required property"#],
        ),
        (
            r#"{"type":"object","required":["k"]}"#,
            r#"{"dependentRequired":{"k":["l"],"m":["n"]}}"#,
            &["l: missing required property"],
        ),
        (
            r#"{"type":"object","required":["k"],"dependentRequired":{"k":["l"]}}"#,
            r#"{"dependentRequired":{"k":["l"]}}"#,
            &[],
        ),
        (object, wanted, &["a.b[0]: expected string, got number"]),
        (
            r#"{"type":"object","properties":{"a":true,"b":false},"required":["a"]}"#,
            r#"{"properties":{"b":false}}"#,
            &[],
        ),
        (
            r#"{"type":"object","properties":{"a":{"type":"null"}},"required":["a"]}"#,
            r#"{"additionalProperties":false}"#,
            &[r#"a: unexpected property "a""#],
        ),
        (
            r#"{"type":"array","prefixItems":[{"type":"null"}],"items":false}"#,
            r#"{"prefixItems":[{"type":"string"},{"type":"string"}]}"#,
            &["[0]: expected string, got null"],
        ),
        (
            r##"{"$defs":{"s":{"type":"string"}},"$ref":"#/$defs/s"}"##,
            r#"{"type":"number"}"#,
            &["expected number, got string"],
        ),
        (
            r#"{"type":"string"}"#,
            "false",
            &["no value meets the schema false"],
        ),
    ];
    for (known, wanted, expected) in cases {
        expect(wanted, &unknown(known), expected);
    }
    expect(
        r#"{"properties":{"p":{"type":"string"}}}"#,
        &format!(r#"{{"p":{}}}"#, unknown(r#"{"type":"null"}"#)),
        &["expected string, got null"],
    );
}

#[test]
fn what_is_open_is_not_judged() {
    let text = unknown(r#"{"type":"string"}"#);
    expect(r#"{"const":"a"}"#, &text, &[]);
    expect(r#"{"const":["a"]}"#, &format!("[{text}]"), &[]);
    expect(
        r#"{"const":["a",1]}"#,
        &format!("[{text},2]"),
        &[r#"expected ["a",1]"#],
    );
    expect(r#"{"enum":[["a"],["b"]]}"#, &format!("[{text}]"), &[]);
    expect(
        r#"{"oneOf":[{"items":{"maxLength":3}},{"items":{"minLength":4}}]}"#,
        &format!("[{text}]"),
        &[],
    );
}

#[test]
fn an_object_over_an_unknown_may_have_more() {
    let with_rest = |rest: &str| {
        let mut top = value(r#"{"a":1}"#);
        if let Data::Object(object) = &mut top.data {
            *object = Arc::new(Object {
                members: object.members.clone(),
                rest: Some(schema(rest)),
                closed: false,
            });
        }
        top
    };
    let wanted = schema(r#"{"required":["a","b"],"minProperties":5}"#);
    assert!(check(&wanted, &with_rest("true")).is_empty());
    assert!(check(&wanted, &with_rest(r#"{"type":"object"}"#)).is_empty());
    let closed = check(
        &wanted,
        &with_rest(r#"{"type":"object","additionalProperties":false}"#),
    );
    assert_eq!(closed[0].message, "missing required properties: b");
}

#[test]
fn paths_lead_through_schemas() {
    let schema = schema(
        r##"{"$defs":{"r":{"type":"object","properties":{"n":{"$ref":"#/$defs/r"},"s":{"type":"string"}}}},"type":"object","properties":{
            "tuple":{"type":"array","prefixItems":[{"type":"string"}],"items":false},
            "open":{"type":"array"}, "list":{"type":"array","items":{"type":"number"}},
            "ref":{"$ref":"#/$defs/r"}, "closed":{"type":"object","additionalProperties":false},
            "either":{"anyOf":[{"type":"object","properties":{"k":{"type":"string"}},"additionalProperties":false},{"type":"object","properties":{"k":{"type":"number"}}},{"type":"null"}]},
            "text":{"type":"string"}}}"##,
    );
    let at = |key: &str| schema.property(key).expect(key);
    let kind = |found: Result<Schema, AccessError>| found.map(|schema| schema.kind());
    assert_eq!(kind(at("tuple").element(0)), Ok(Some(Type::String)));
    assert_eq!(
        kind(at("tuple").element(1)),
        Err(AccessError::OutOfBounds {
            index: 1,
            length: 1
        })
    );
    assert_eq!(kind(at("tuple").property("x")), Err(AccessError::KeyOnList));
    assert!(at("open").element(7).is_ok_and(|found| found.is_always()));
    assert_eq!(kind(at("list").element(7)), Ok(Some(Type::Number)));
    assert_eq!(kind(schema.element(0)), Err(AccessError::IndexOnObject));
    assert_eq!(
        kind(at("text").property("x")),
        Err(AccessError::NotContainer)
    );
    assert!(
        at("closed")
            .property("x")
            .is_ok_and(|found| found.is_never())
    );
    let deep = at("ref")
        .property("n")
        .and_then(|n| n.property("n"))
        .and_then(|n| n.property("s"));
    assert_eq!(kind(deep), Ok(Some(Type::String)));
    let either = at("either").property("k").expect("k");
    assert_eq!(messages(&either, "null").len(), 3);
    assert!(messages(&either, "1").is_empty());
    assert!(
        Schema::always()
            .property("a")
            .is_ok_and(|found| found.is_always())
    );
    assert!(
        Schema::always()
            .element(3)
            .is_ok_and(|found| found.is_always())
    );
}

#[test]
fn annotations_are_carried() {
    let annotated = schema(
        r##"{"$defs":{"p":{"type":"string","secret":false}},"type":"object","rotateOnly":["next"],"properties":{"a":{"$ref":"#/$defs/p"},"b":{"secret":true}}}"##,
    );
    assert!(annotated.is_rotate_only("next") && !annotated.is_rotate_only("a"));
    let secret = |key| {
        annotated
            .property(key)
            .ok()
            .and_then(|schema| schema.secret())
    };
    assert_eq!(
        (secret("a"), secret("b"), secret("c")),
        (Some(false), Some(true), None)
    );
}

#[test]
fn parts_with_scopes_of_their_own_combine() {
    let one = schema(r##"{"$defs":{"d":{"type":"string"}},"$ref":"#/$defs/d"}"##);
    let two = schema(r##"{"$defs":{"d":{"type":"number"}},"$ref":"#/$defs/d"}"##);
    let both = Schema::array_of(Schema::one_of([one, two]));
    assert!(messages(&both, r#"["x",1]"#).is_empty());
    assert_eq!(
        messages(&both, "[true]"),
        [
            "expected string, got boolean",
            "expected number, got boolean",
            "exactly one subschema must match"
        ]
    );
}

#[test]
fn faults_lie_where_the_part_was_defined() {
    let found = check(
        &schema(r#"{"properties":{"b":{"items":{"type":"string"}}}}"#),
        &value(r#"{"a":0,"b":["x",5]}"#),
    );
    // Lines count the values of the document in `build`: the object, a, b, "x", 5.
    assert_eq!(found[0].origin.span.line, 5);
}
