//! The arguments with which escrun starts itself once more for another purpose.

use std::ffi::{CString, NulError, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// The arguments that escrun was called with (the first is its name), with `verb` behind the name: who looks at the list
/// of processes still sees what was typed.
///
/// # Errors
/// When an argument holds a NUL byte, which none can.
pub(super) fn words(own_arguments: &[OsString], verb: &[&str]) -> Result<Vec<CString>, NulError> {
    let mut own = own_arguments.iter().map(OsString::as_os_str);
    let name = own.next().unwrap_or(OsStr::new("escrun"));
    let verb = verb.iter().map(OsStr::new);
    let words = std::iter::once(name).chain(verb).chain(own);
    words.map(|word| CString::new(word.as_bytes())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verb_stands_behind_the_name() {
        for (own, expected) in [
            (
                &["/bin/escrun", "--", "true"][..],
                &[c"/bin/escrun", c"__verb", c"3", c"--", c"true"][..],
            ),
            (&["e"], &[c"e", c"__verb", c"3"]),
            (&[], &[c"escrun", c"__verb", c"3"]),
        ] {
            let own: Vec<OsString> = own.iter().map(OsString::from).collect();
            let words = words(&own, &["__verb", "3"]).expect("no NUL");
            assert!(
                words
                    .iter()
                    .map(|word| word.as_c_str())
                    .eq(expected.iter().copied()),
                "{words:?}"
            );
        }
        assert!(words(&["a\0b".into()], &[]).is_err());
    }
}
