//! `escrun check`: tells the faults of definitions without any key.

use std::process::{Command, Stdio};
use std::sync::Arc;

use super::error::Failure;
use super::remote::Remote;
use super::ui::Ui;
use super::variables;
use super::verb_options::CheckOptions;
use super::workspace::{Workspace, environment_name};
use crate::ast;
use crate::crypt::{parse_recipients, recipients_digest};
use crate::diagnostic::{self, Diagnostic};
use crate::eval::{Loader, Mode, Selection};
use crate::export::{self, Export};
use crate::lint;
use crate::open;
use crate::source::Source;
use crate::store::EnvironmentName;
use crate::sys::process;
use crate::withheld::is_withheld;

/// Checks every definition, or those that were named.
pub(super) fn check(workspace: &Workspace<'_>, options: &CheckOptions) -> Result<(), Failure> {
    let mut diagnostics = Vec::new();
    let names = if options.names.is_empty() {
        let listing = workspace.directory.list()?;
        for skipped in &listing.skipped {
            let message = format!("{}: {}", skipped.path.display(), skipped.reason);
            diagnostics.push(Diagnostic::warning_nowhere(message));
        }
        listing
            .environments
            .into_iter()
            .filter(|listed| !listed.hidden)
            .map(|listed| listed.name)
            .collect()
    } else {
        let names = options.names.iter().map(|name| environment_name(name));
        names.collect::<Result<Vec<_>, _>>()?
    };
    if names.is_empty() {
        // In a wrong folder, that nothing is wrong would mislead.
        diagnostics.push(nothing_here(workspace));
    }
    for name in &names {
        check_environment(workspace, name, &mut diagnostics);
    }
    check_mixture(workspace, &mut diagnostics);
    diagnostic::deduplicate(&mut diagnostics);
    conclude(workspace.ui, names.len(), diagnostics, options)
}

/// Has a daemon check the definitions that were named.
pub(super) fn check_remote(remote: &Remote<'_>, options: &CheckOptions) -> Result<(), Failure> {
    let mut names = options.names.clone();
    if names.is_empty() {
        names.clone_from(&remote.environments);
    }
    for name in &names {
        environment_name(name)?;
    }
    if names.is_empty() {
        return Err(Failure::usage("no environment is named")
            .with_hint("which ones a daemon has it tells nobody: name those that are meant"));
    }
    let mut diagnostics = Vec::new();
    for name in &names {
        diagnostics.extend(remote.check(name)?);
    }
    // What two of them share tells its faults for each.
    diagnostic::deduplicate(&mut diagnostics);
    conclude(remote.ui, names.len(), diagnostics, options)
}

/// Tells all that is wrong, and how much that is.
fn conclude(
    ui: &Ui,
    environments: usize,
    diagnostics: Vec<Diagnostic>,
    options: &CheckOptions,
) -> Result<(), Failure> {
    let count = |errors: bool| {
        diagnostics
            .iter()
            .filter(|one| one.is_error() == errors)
            .count()
    };
    let (errors, warnings) = (count(true), count(false));
    ui.diagnostics(diagnostics);
    ui.info(&format!(
        "checked {}: {}, {}",
        counted(environments, "environment"),
        counted(errors, "error"),
        counted(warnings, "warning")
    ));
    if errors > 0 || (options.strict && warnings > 0) {
        Err(Failure::told())
    } else {
        Ok(())
    }
}

/// That there is no definition, and where.
pub(super) fn nothing_here(workspace: &Workspace<'_>) -> Diagnostic {
    let folders = workspace.project.folders.iter();
    let folders: Vec<_> = folders.map(|folder| folder.display().to_string()).collect();
    let message = format!("there are no environments in {}", folders.join(", "));
    Diagnostic::warning_nowhere(message)
        .with_hint("name another folder with --dir; escrun init sets up a new project")
}

/// Everything that can be said of one environment.
fn check_environment(
    workspace: &Workspace<'_>,
    name: &EnvironmentName,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let selection = Selection::Named(vec![Arc::from(name.as_str())]);
    let evaluated = workspace.evaluate_selection(Mode::Check, &selection, None);
    let options = export::Options {
        symbolic: true,
        ..export::Options::default()
    };
    diagnostics.extend(open::project(evaluated, &options).diagnostics);

    let Ok(loaded) = workspace.directory.load(name.as_str()) else {
        return;
    };
    for source in [Some(loaded.definition), loaded.local]
        .into_iter()
        .flatten()
    {
        if let Some(definition) = ast::parse(&source).definition {
            diagnostics.extend(lint::plain_secrets(&definition));
            diagnostics.extend(check_recipients(&definition));
        }
        if source.name().ends_with(".local") && is_tracked(workspace, &source) {
            let file = source.display_name();
            let message = format!("{file} is for values of your own, but git tracks it");
            diagnostics.push(
                Diagnostic::warning_nowhere(message)
                    .with_hint(format!("git rm --cached {file}, and ignore *.local.yaml")),
            );
        }
    }
}

/// The faults of `encryption`: recipients that are none, and a header that was made for others.
fn check_recipients(definition: &ast::Definition) -> Vec<Diagnostic> {
    let Some(encryption) = &definition.encryption else {
        return Vec::new();
    };
    let source = &definition.source;
    let recipients = match parse_recipients(encryption.recipients.iter().map(|(text, _)| text)) {
        Ok(recipients) => recipients,
        Err(error) => {
            let span = encryption
                .recipients
                .first()
                .map(|(_, span)| *span)
                .unwrap_or_default();
            return vec![Diagnostic::error(
                source,
                span,
                "encryption.recipients",
                error.to_string(),
            )];
        }
    };
    match (&encryption.header, &encryption.recipients_digest) {
        (Some((_, span)), Some((digest, _))) if digest.trim() != recipients_digest(&recipients) => {
            let message = "the recipients have changed since the header was made for them";
            let name = source.name();
            let hint = format!(
                "escrun seal {name} encrypts the secrets anew for the recipients listed now"
            );
            vec![Diagnostic::warning(source, *span, "encryption.header", message).with_hint(hint)]
        }
        _ => Vec::new(),
    }
}

/// Tells when the environments of the project are exported by different rules.
fn check_mixture(workspace: &Workspace<'_>, diagnostics: &mut Vec<Diagnostic>) {
    if workspace.selected_names().len() < 2 {
        return;
    }
    let Ok(evaluated) = workspace.evaluate(Mode::Check, None) else {
        return;
    };
    let Ok(options) = variables::choose(&workspace.project, &Default::default()) else {
        return;
    };
    if options.export != Export::PerEnvironment {
        return;
    }
    let declares = |value: &crate::value::Value| value.member("environmentVariables").is_some();
    let declaring: Vec<&str> = evaluated
        .environments
        .iter()
        .filter(|(_, value)| declares(value))
        .map(|(name, _)| &**name)
        .collect();
    if !declaring.is_empty() && declaring.len() < evaluated.environments.len() {
        let message = format!(
            "of the environments that are composed, only {} declares environmentVariables; the others export every \
             value",
            declaring.join(", ")
        );
        diagnostics.push(
            Diagnostic::warning_nowhere(message)
                .with_hint("export: all or export: declared in escrun.yaml settles it"),
        );
    }
}

/// Whether git has a file under control.
fn is_tracked(workspace: &Workspace<'_>, source: &Source) -> bool {
    let Some(file) = source.file() else {
        return false;
    };
    let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else {
        return false;
    };
    let mut git: Command = process::command("git".as_ref());
    let variables = workspace.ambient.variables.iter();
    for (name, _) in variables.filter(|(name, _)| is_withheld(name)) {
        git.env_remove(name);
    }
    git.arg("-C")
        .arg(folder)
        .args(["ls-files", "--error-unmatch", "--"])
        .arg(name);
    git.stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    git.status().is_ok_and(|status| status.success())
}

fn counted(count: usize, thing: &str) -> String {
    match count {
        0 => format!("no {thing}s"),
        1 => format!("1 {thing}"),
        _ => format!("{count} {thing}s"),
    }
}
