//! Takes secrets out of texts that programs wrote, before these get into errors.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::secret::REDACTED;
use crate::value::{Data, Value};

/// The longest text that is shown, in bytes.
const LONGEST: usize = 600;
/// Lines of a secret that are shorter than this are common words rather than its content.
const SHORTEST_LINE: usize = 4;

/// The secrets of some values, in the forms in which a program is likely to repeat them.
///
/// It holds the values, which share their secrets in locked memory, and writes the forms out only for as long as it is
/// applied: a program may run for long.
#[derive(Default)]
pub(super) struct Mask {
    values: Vec<Value>,
}

impl Mask {
    /// A mask for all secrets in `values`.
    pub(super) fn new<'a>(values: impl IntoIterator<Item = &'a Value>) -> Self {
        Self {
            values: values.into_iter().cloned().collect(),
        }
    }

    /// The length of the longest thing that is masked, in bytes.
    pub(super) fn longest(&self) -> usize {
        self.patterns().first().map_or(0, Vec::len)
    }

    /// What is masked; longest first, so that none is left over where one is a part of another.
    fn patterns(&self) -> Vec<Vec<u8>> {
        let mut patterns = Vec::new();
        for value in &self.values {
            collect(value, false, &mut patterns);
        }
        patterns.sort_by(|a: &Vec<u8>, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        patterns.dedup();
        patterns
    }

    /// `text` for a message: masked, on one line, without control characters, and cut if it is long. The end is kept,
    /// where programs say what went wrong.
    pub(super) fn apply(&self, text: &[u8]) -> String {
        let masked = String::from_utf8_lossy(&self.replace(text)).into_owned();
        let mut line = String::new();
        for word in masked.split(|c: char| c.is_whitespace() || c.is_control()) {
            if !word.is_empty() {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(word);
            }
        }
        if line.len() <= LONGEST {
            return line;
        }
        let start = (line.len() - LONGEST..=line.len()).find(|at| line.is_char_boundary(*at));
        format!("…{}", &line[start.unwrap_or(line.len())..])
    }

    fn replace(&self, text: &[u8]) -> Vec<u8> {
        let patterns = self.patterns();
        let mut out = Vec::with_capacity(text.len());
        let mut at = 0;
        while at < text.len() {
            let found = patterns
                .iter()
                .find(|pattern| text[at..].starts_with(pattern));
            match found {
                Some(pattern) => {
                    out.extend_from_slice(REDACTED.as_bytes());
                    at += pattern.len();
                }
                None => {
                    out.push(text[at]);
                    at += 1;
                }
            }
        }
        out
    }
}

fn collect(value: &Value, inside_secret: bool, patterns: &mut Vec<Vec<u8>>) {
    let secret = inside_secret || value.secret;
    match &value.data {
        Data::String(text) | Data::Number(text) if secret => add(text.bytes(), patterns),
        Data::List(items) => items
            .iter()
            .for_each(|item| collect(item, secret, patterns)),
        Data::Object(object) => {
            let members = object.members.values();
            members.for_each(|member| collect(&member.value, secret, patterns));
        }
        _ => {}
    }
}

fn add(secret: &[u8], patterns: &mut Vec<Vec<u8>>) {
    let whole = secret.trim_ascii();
    if whole.is_empty() {
        return;
    }
    let mut forms = vec![secret.to_vec(), whole.to_vec()];
    forms.extend(
        secret
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::trim_ascii)
            .filter(|line| line.len() >= SHORTEST_LINE)
            .map(<[u8]>::to_vec),
    );
    for form in forms {
        let text = String::from_utf8_lossy(&form);
        // As programs quote what they were given: JSON's escapes, and Rust's and C's.
        if let Ok(quoted) = serde_json::to_string(&text) {
            patterns.push(quoted.as_bytes()[1..quoted.len() - 1].to_vec());
        }
        patterns.push(STANDARD_NO_PAD.encode(&form).into_bytes());
        patterns.push(form);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use crate::source::{Origin, Source, Span};
    use crate::value::Text;

    fn mask(secrets: &[&str]) -> Mask {
        let origin = Origin::new(&Source::new("test", None, ""), Span::default());
        let values: Vec<_> = secrets
            .iter()
            .map(|secret| {
                let text = Text::secret(Secret::from_parts(&[secret.as_bytes()]));
                let mut value = Value::new(Data::String(text), origin.clone());
                value.secret = true;
                value
            })
            .collect();
        Mask::new([&Value::new(Data::List(values.into()), origin)])
    }

    #[test]
    fn secrets_are_taken_out_in_the_usual_forms() {
        let mask = mask(&["hush\"1", "hush", "first line\nsecond line\n"]);
        let cases = [
            ("bad hush", "bad [secret]"),
            ("bad hush\"1!", "bad [secret]!"),
            (r#"bad "hush\"1""#, r#"bad "[secret]""#),
            ("at: second line", "at: [secret]"),
            ("Basic aHVzaA==", "Basic [secret]=="),
            ("first line\nsecond line\n", "[secret]"),
            ("nothing", "nothing"),
        ];
        for (text, expected) in cases {
            assert_eq!(mask.apply(text.as_bytes()), expected);
        }
    }

    #[test]
    fn texts_are_made_fit_for_a_message() {
        let mask = Mask::default();
        assert_eq!(
            mask.apply(b"a\r\n\x1b[31mb\x07\n\nc \xff"),
            "a [31mb c \u{fffd}"
        );
        let long = mask.apply("é".repeat(1000).as_bytes());
        assert!(long.starts_with('…') && long.len() <= LONGEST + '…'.len_utf8());
    }
}
