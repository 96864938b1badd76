//! Documents at random.

use proptest::prelude::*;

/// Lines of a block mapping or list that no line breaks yet.
type Lines = Vec<String>;

fn inline() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just(String::new()),
        "[a-zä😀0-9]([a-zä :#'\"0-9]{0,8}[a-zß0-9])?".prop_filter("plain", |text| {
            !text.contains(": ") && !text.contains(" #") && !text.ends_with(':')
        }),
        "[a-z#:,\\[ß -]{0,9}".prop_map(|text| format!("'{text}'")),
        "[a-z#:,\\]😀 -]{0,9}".prop_map(|text| format!("\"{text}\"")),
        "(&[a-z]{1,3} )?(!!str )?[a-z]{1,4}",
        Just("!!null".to_owned()),
    ];
    scalar.prop_recursive(3, 12, 3, |inner| {
        let filled =
            inner.prop_map(
                |text| match text.is_empty() || text.contains([',', ':', '#', '\'']) {
                    true => "\"q\"".to_owned(),
                    false => text,
                },
            );
        prop_oneof![
            proptest::collection::vec(filled.clone(), 0..4)
                .prop_map(|items| format!("[{}]", items.join(" , "))),
            proptest::collection::vec(filled, 0..4).prop_map(|values| {
                let entries: Vec<_> = values.iter().map(|value| format!("k: {value}")).collect();
                format!("{{ {}}}", entries.join(", "))
            }),
        ]
    })
}

fn lines() -> impl Strategy<Value = Lines> {
    let comment = prop_oneof![Just(""), Just("  # it's [a"), Just(" "), Just("\t")];
    let leaf = (inline(), comment).prop_map(|(text, comment)| vec![format!("{text}{comment}")]);
    let block = (
        "[|>][+-]?( # c)?",
        proptest::collection::vec("  [a-zä#:][a-z #:\"]{0,6}|  |  x\t", 0..4),
        proptest::collection::vec(prop_oneof![Just(""), Just("  ")], 0..3),
    )
        .prop_map(|(head, body, blanks)| {
            let mut lines = vec![head];
            lines.extend(body);
            lines.extend(blanks.into_iter().map(str::to_owned));
            lines
        });
    let leaf = prop_oneof![leaf, block];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let children = proptest::collection::vec((inner, any::<bool>()), 1..4);
        (children, any::<bool>()).prop_map(|(children, list)| {
            let mut lines = vec![String::new()];
            for (number, (child, gap)) in children.iter().enumerate() {
                let lead = if list {
                    "-".to_owned()
                } else {
                    format!("k{number}:")
                };
                let mut child = child.iter();
                lines.extend(child.next().map(|first| format!("  {lead} {first}")));
                lines.extend(child.map(|line| format!("  {line}")));
                if *gap {
                    lines.push("  # between".into());
                }
            }
            lines
        })
    })
}

/// A block mapping, mostly.
pub(super) fn document() -> impl Strategy<Value = String> {
    (lines(), any::<bool>()).prop_map(|(lines, crlf)| {
        let head = if lines[0].is_empty() { "" } else { "k: " };
        let text = format!("{head}{}\n", lines.join("\n"));
        if crlf {
            text.replace('\n', "\r\n")
        } else {
            text
        }
    })
}
