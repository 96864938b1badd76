use super::*;

#[test]
fn an_excerpt_keeps_every_position() {
    let text =
        "name: größe\r\nenvironment: # ö\r\n  imports: [a]\n  values:\n    x: ü\n\nruntime: go\n";
    let source = Source::new(ANONYMOUS, None, text);
    let start = text.find("imports").unwrap();
    let end = text.find("ü").unwrap() + "ü".len();
    let span = Span {
        start: u32::try_from(start).unwrap(),
        end: u32::try_from(end).unwrap(),
        line: 3,
        column: 3,
    };
    let excerpt = excerpt(&source, span);
    assert_eq!(excerpt.text()[start..end], text[start..end]);
    assert!(excerpt.text()[..start].chars().all(char::is_whitespace));
    assert_eq!(excerpt.text().len(), end);
    let breaks = |text: &str| {
        text.match_indices(['\r', '\n'])
            .map(|(at, _)| at)
            .collect::<Vec<_>>()
    };
    assert_eq!(breaks(excerpt.text()), breaks(&text[..end]));
}
