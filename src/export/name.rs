//! Names of variables. The rule is ours and stands in the table below, so that no library ever renames a variable.

/// Whether a name is one that every shell can use: `[A-Za-z_][A-Za-z0-9_]*`.
pub fn is_portable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The name for a path: its keys in SCREAMING_SNAKE_CASE, joined by `_`. Nothing where that is no portable name.
pub fn flatten(keys: &[&str]) -> Option<String> {
    let segments: Option<Vec<String>> = keys.iter().copied().map(segment).collect();
    let name = segments?.join("_");
    is_portable(&name).then_some(name)
}

/// A key in SCREAMING_SNAKE_CASE, unless it is already. An underscore stays where it is written; a blank, `-`, `.` or `/`
/// becomes one between words and nothing at the ends; any other character that is no ASCII letter or digit has no name.
fn segment(key: &str) -> Option<String> {
    if is_screaming(key) {
        return Some(key.to_owned());
    }
    let bytes = key.as_bytes();
    let mut name = String::new();
    let mut separated = false;
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            b'_' => {
                separated = false;
                name.push('_');
            }
            b' ' | b'-' | b'.' | b'/' => separated = true,
            _ if byte.is_ascii_alphanumeric() => {
                let breaks = separated || starts_word(bytes, at);
                if breaks && !name.is_empty() && !name.ends_with('_') {
                    name.push('_');
                }
                separated = false;
                name.push(char::from(byte.to_ascii_uppercase()));
            }
            _ => return None,
        }
    }
    (!name.is_empty()).then_some(name)
}

fn is_screaming(key: &str) -> bool {
    !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Whether a word starts at `at` without a separator: a capital behind a small letter or digit (`apiKey`), or the last
/// capital of several before a small letter (`DBHost`).
fn starts_word(bytes: &[u8], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|before| bytes[before]) else {
        return false;
    };
    let after = bytes.get(at + 1);
    bytes[at].is_ascii_uppercase()
        && (before.is_ascii_lowercase()
            || before.is_ascii_digit()
            || before.is_ascii_uppercase() && after.is_some_and(u8::is_ascii_lowercase))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_follow_the_table() {
        let cases: [(&[&str], &str); 32] = [
            (&["app", "database", "host"], "APP_DATABASE_HOST"),
            (&["secrets", "apiKey"], "SECRETS_API_KEY"),
            (&["clientId"], "CLIENT_ID"),
            (&["DBHost"], "DB_HOST"),
            (&["http2Port"], "HTTP2_PORT"),
            (&["s3Bucket"], "S3_BUCKET"),
            (&["HTTPServer"], "HTTP_SERVER"),
            (&["HTTP2Server"], "HTTP2_SERVER"),
            (&["parseJSON"], "PARSE_JSON"),
            (&["userID"], "USER_ID"),
            (&["aB"], "A_B"),
            (&["Ab"], "AB"),
            (&["sha256"], "SHA256"),
            (&["sha256sum"], "SHA256SUM"),
            (&["DB__HOST"], "DB__HOST"),
            (&["DB_2"], "DB_2"),
            (&["_X_"], "_X_"),
            (&["app", "LOG_LEVEL"], "APP_LOG_LEVEL"),
            (&["log-level"], "LOG_LEVEL"),
            (&["log_level"], "LOG_LEVEL"),
            (&["log level"], "LOG_LEVEL"),
            (&["log.level"], "LOG_LEVEL"),
            (&["log--level"], "LOG_LEVEL"),
            (&["app/log"], "APP_LOG"),
            (&["Logging__LogLevel"], "LOGGING__LOG_LEVEL"),
            (&["log-Level"], "LOG_LEVEL"),
            (&["log_Level"], "LOG_LEVEL"),
            (&["-log-"], "LOG"),
            (&["_log"], "_LOG"),
            (&["log_"], "LOG_"),
            (&["app", "2fa"], "APP_2FA"),
            (&["x-API-key"], "X_API_KEY"),
        ];
        for (keys, name) in cases {
            assert_eq!(flatten(keys).as_deref(), Some(name), "{keys:?}");
        }
    }

    #[test]
    fn what_gives_no_portable_name_has_none() {
        let cases: [&[&str]; 11] = [
            &[],
            &[""],
            &["a", ""],
            &["-"],
            &["2fa"],
            &["2FA"],
            &["größe"],
            &["a=b"],
            &["a\0"],
            &["a\n"],
            &["$a"],
        ];
        for keys in cases {
            assert_eq!(flatten(keys), None, "{keys:?}");
        }
    }

    proptest! {
        #[test]
        fn names_are_portable_and_stay_as_they_are(key in "[A-Za-z0-9_ ./-]{0,12}") {
            if let Some(name) = flatten(&[&key]) {
                prop_assert!(is_portable(&name));
                prop_assert_eq!(flatten(&[&name]), Some(name));
            }
        }

        #[test]
        fn no_key_panics(key in any::<String>()) {
            let _ = flatten(&[&key]);
        }
    }
}
