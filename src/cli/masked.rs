//! What is hidden in the output of a command.

use super::ui::Ui;
use crate::export::{File, Variables};
use crate::run::delivery::Masked;
use crate::run::mask::is_maskable;
use crate::secret::Secret;

/// The secrets among what the command is given. Warns of those that are too short to be hidden.
pub(super) fn masked(ui: &Ui, variables: &Variables, files: &[File]) -> Vec<Masked> {
    let of_variables = variables.iter().filter(|variable| variable.secret);
    let of_files = files.iter().filter(|file| file.secret);
    let secrets = of_variables
        .map(|variable| (&variable.name, &variable.value))
        .chain(of_files.map(|file| (&file.variable, &file.content)));
    let mut masked = Vec::new();
    for (name, value) in secrets {
        if is_maskable(value.bytes()) {
            masked.push(Masked {
                name: name.to_string(),
                value: Secret::from_parts(&[value.bytes()]),
            });
        } else {
            ui.warning(&format!(
                "the value of {name} is too short to be hidden in output"
            ));
        }
    }
    masked
}
