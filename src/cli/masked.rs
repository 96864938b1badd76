//! What is hidden in the output of a command.

use std::collections::BTreeSet;

use super::ui::Ui;
use crate::export::{File, SecretText, Variables};
use crate::run::delivery::Masked;
use crate::run::mask::is_maskable;
use crate::secret::Secret;

/// The secrets of what was composed: what the command is given, and whatever that may have been made of. Warns of those
/// that are too short to be hidden.
pub(super) fn masked(
    ui: &Ui,
    variables: &Variables,
    files: &[File],
    others: &[SecretText],
) -> Vec<Masked> {
    let of_variables = variables.iter().filter(|variable| variable.secret);
    let of_files = files.iter().filter(|file| file.secret);
    let secrets = of_variables
        .map(|variable| (&*variable.name, &variable.value, true))
        .chain(of_files.map(|file| (&*file.variable, &file.content, true)))
        .chain(
            others
                .iter()
                .map(|other| (&*other.path, &other.text, false)),
        );
    let mut masked = Vec::new();
    let mut known = BTreeSet::new();
    for (name, value, is_given) in secrets {
        // Compared, not shown.
        if !known.insert(value.bytes()) {
            continue;
        }
        if is_maskable(value.bytes()) {
            masked.push(Masked {
                name: name.to_owned(),
                value: Secret::from_parts(&[value.bytes()]),
            });
        } else {
            let message = format!("the value of {name} is too short to be hidden in output");
            match is_given {
                true => ui.warning(&message),
                // Most are in nothing that the command has.
                false => ui.note(&message),
            }
        }
    }
    masked
}
