//! The variables and files of what was evaluated.

use glob::Pattern;

use super::Invalid;
use crate::diagnostic::{Diagnostic, any_error};
use crate::eval::Evaluated;
use crate::export::{self, Composed, Options, Projection};

/// The variables of what was evaluated. What an evaluation with errors gives is not looked at: it would only give
/// errors that follow from those.
pub fn project(evaluated: Evaluated, options: &Options) -> Projection {
    let Evaluated {
        environments,
        merged,
        mut diagnostics,
    } = evaluated;
    if any_error(&diagnostics) {
        return Projection {
            diagnostics,
            ..Projection::default()
        };
    }
    let mut projection = export::project(
        &Composed {
            named: environments,
            merged,
        },
        options,
    );
    if !any_error(&projection.diagnostics) {
        let matches = |glob: &Pattern| {
            let mut variables = projection.variables.iter();
            let mut files = projection.files.iter();
            variables.any(|one| glob.matches(&one.name))
                || files.any(|one| glob.matches(&one.variable))
        };
        let idle = options.only.iter().filter(|glob| !matches(glob));
        diagnostics.extend(idle.map(|glob| {
            Diagnostic::warning_nowhere(format!(
                "--only {}: no variable has such a name",
                glob.as_str()
            ))
            .with_hint("escrun --dry-run shows which there are")
        }));
    }
    diagnostics.append(&mut projection.diagnostics);
    Projection {
        diagnostics,
        ..projection
    }
}

/// The globs that were given for `option`.
///
/// # Errors
/// When one of them is none.
pub fn globs(option: &str, texts: &[String]) -> Result<Vec<Pattern>, Invalid> {
    let parse = |text: &String| {
        Pattern::new(text).map_err(|error| Invalid(format!("{option} {text}: {}", error.msg)))
    };
    texts.iter().map(parse).collect()
}
