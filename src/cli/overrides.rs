//! `--set` and `--context`: values from the command line.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::error::Failure;
use crate::ast::Parsed;
use crate::open;
use crate::value::Object;

/// The definition that goes over everything: each `PATH=VALUE` as a text, of which nothing is interpolated.
pub(super) fn definition(settings: &[String]) -> Result<Option<Rc<Parsed>>, Failure> {
    Ok(open::overrides("--set", split_all("--set", settings)?)?)
}

/// The object that `--context` options describe.
pub(super) fn context(settings: &[String]) -> Result<Object, Failure> {
    Ok(open::context(
        "--context",
        split_all("--context", settings)?,
    )?)
}

/// The texts that the settings of an option describe, by path; the last one of a path counts.
pub(super) fn texts(
    option: &str,
    settings: &[String],
) -> Result<BTreeMap<String, String>, Failure> {
    let split = split_all(option, settings)?.into_iter();
    Ok(split
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .collect())
}

fn split_all<'a>(option: &str, settings: &'a [String]) -> Result<Vec<(&'a str, &'a str)>, Failure> {
    settings
        .iter()
        .map(|setting| split(option, setting))
        .collect()
}

fn split<'a>(option: &str, setting: &'a str) -> Result<(&'a str, &'a str), Failure> {
    // A key in brackets may hold the sign.
    let at = setting
        .char_indices()
        .scan(false, |quoted, (at, c)| {
            *quoted ^= c == '"';
            Some((at, c == '=' && !*quoted))
        })
        .find(|(_, separates)| *separates)
        .map(|(at, _)| at);
    let Some(at) = at else {
        return Err(Failure::usage(format!(
            "{option} takes PATH=VALUE, and there is no = in its argument"
        )));
    };
    Ok((&setting[..at], &setting[at + 1..]))
}
