//! Values from a daemon: what the options ask for, as it is asked there, and what is answered, as it is used here.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use super::ambient::Ambient;
use super::args::ExportOptions;
use super::error::Failure;
use super::invocation::Invocation;
use super::overrides;
use super::recollection::Recollection;
use super::ui::Ui;
use super::variables;
use crate::client::{Client, Given, Opened};
use crate::diagnostic::Diagnostic;
use crate::eval::Mode;
use crate::export::{Export, File, Kind, Projection, Variable, Variables};
use crate::project::{ResolvedProject, Selection};
use crate::protocol::{ExportCall, OpenCall, Place};
use crate::run::Subscription;
use crate::source::{Origin, Source, Span};
use crate::value::Value;

/// A daemon that is asked in place of definitions on this side.
pub(super) struct Remote<'a> {
    pub(super) ui: &'a Ui,
    pub(super) ambient: &'a Ambient,
    pub(super) project: ResolvedProject,
    /// What can be asked or read only once, if it is remembered.
    pub(super) recollection: Option<Arc<Recollection>>,
    /// When the first of what decides was read.
    pub(super) since: SystemTime,
    client: Client,
    pub(super) environments: Vec<String>,
    context: BTreeMap<String, String>,
    /// What was given last.
    subscription: RefCell<Option<Subscription>>,
}

/// What is wanted besides variables and files.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wanted {
    /// Where each is from, and whether it is secret.
    pub(super) details: bool,
    /// Every secret of the values.
    pub(super) secrets: bool,
    /// That no secret is given.
    pub(super) redacted: bool,
}

impl<'a> Remote<'a> {
    /// Finds out what is meant; asks nothing yet. A `project` that is known is not looked for again.
    ///
    /// # Errors
    /// When no environment is named, or one that a daemon cannot know.
    pub(super) fn open(
        invocation: Invocation<'a>,
        client: Client,
        project: Option<ResolvedProject>,
    ) -> Result<Self, Failure> {
        let typed_context = &invocation.sources.context;
        // Faults of what was typed are told as they always are.
        overrides::context(typed_context)?;
        let context = overrides::texts("--context", typed_context)?;
        let project = match project {
            Some(project) => project,
            None => invocation.find_project(None)?,
        };
        let environments = match &project.selection {
            Some(Selection::Names(imports)) => {
                let merged = imports.iter().filter(|import| import.merge);
                merged.map(|import| import.name.to_string()).collect()
            }
            Some(Selection::Inline(source)) => {
                return Err(Failure::new(format!(
                    "{} defines an environment of its own, which no daemon knows",
                    source.display_name()
                ))
                .with_hint("name environments with --env A,B, or use --via direct"));
            }
            None => Vec::new(),
        };
        Ok(Self {
            ui: invocation.ui,
            ambient: invocation.ambient,
            project,
            recollection: invocation.recollection,
            since: invocation.since,
            client,
            environments,
            context,
            subscription: RefCell::default(),
        })
    }

    /// What is wrong with the definition of an environment.
    ///
    /// # Errors
    /// When the daemon does not tell.
    pub(super) fn check(&self, environment: &str) -> Result<Vec<Diagnostic>, Failure> {
        let told = self.client.check(&OpenCall {
            environments: vec![environment.to_owned()],
            context: self.context.clone(),
            ..OpenCall::default()
        })?;
        let told = told.diagnostics.iter();
        Ok(told.filter_map(Diagnostic::from_json_value).collect())
    }

    /// What every call for what is meant says.
    fn call(&self) -> Result<OpenCall, Failure> {
        if self.environments.is_empty() {
            return Err(Failure::new("no environment is named")
                .with_hint("name some with --env A,B or ESCRUN_ENV"));
        }
        Ok(OpenCall {
            environments: self.environments.clone(),
            context: self.context.clone(),
            ..OpenCall::default()
        })
    }

    /// The variables that the options ask for, with what the daemon tells of them.
    ///
    /// # Errors
    /// When the daemon does not give them. An error of definitions is one of these.
    pub(super) fn project(
        &self,
        mode: Mode,
        options: &ExportOptions,
        wanted: Wanted,
    ) -> Result<Projection, Failure> {
        let chosen = variables::choose(&self.project, options)?;
        overrides::definition(&options.set)?;
        let call = OpenCall {
            export: match chosen.export {
                Export::PerEnvironment => None,
                Export::All => Some(ExportCall::All),
                Export::Declared => Some(ExportCall::Declared),
            },
            only: options.only.clone(),
            except: options.except.clone(),
            unset: options.unset.clone(),
            prefix: chosen.prefix,
            set: overrides::texts("--set", &options.set)?,
            details: wanted.details,
            secrets: wanted.secrets,
            redact: wanted.redacted,
            symbolic: mode == Mode::Check,
            ..self.call()?
        };
        let opened = self.client.open(&call)?;
        if let Some(lifetime) = opened.lifetime {
            self.ui
                .note(&format!("what is given may be used for {lifetime:?}"));
        }
        self.subscription.replace(Some(Subscription {
            socket: self.client.socket().to_owned(),
            environments: self.environments.clone(),
            revision: opened.revision.to_string(),
            lifetime: opened.lifetime,
        }));
        Ok(projection(opened))
    }

    /// The values, or the one at `path`.
    ///
    /// # Errors
    /// When the daemon does not give them.
    pub(super) fn values(
        &self,
        mode: Mode,
        path: Option<&str>,
        redacted: bool,
    ) -> Result<Value, Failure> {
        let call = OpenCall {
            path: path.map(str::to_owned),
            redact: redacted,
            symbolic: mode == Mode::Check,
            ..self.call()?
        };
        Ok(self.client.values(&call)?)
    }

    /// The files that say what the daemon is asked.
    pub(super) fn inputs(&self) -> BTreeSet<PathBuf> {
        self.project.inputs.clone()
    }

    /// How the daemon tells when what it gave last changes.
    pub(super) fn subscription(&self) -> Option<Subscription> {
        self.subscription.borrow().clone()
    }
}

/// What a daemon gave, as if it had been composed here.
fn projection(opened: Opened) -> Projection {
    let variables = opened.variables.into_iter().map(|given| {
        let (origin, path, secret) = place(&given);
        Variable {
            name: given.name.into(),
            value: given.text,
            secret,
            origin,
            path,
            kind: Kind::Declared,
        }
    });
    let files = opened.files.into_iter().map(|given| {
        let (origin, path, secret) = place(&given);
        File {
            variable: given.name.into(),
            content: given.text,
            secret,
            origin,
            path,
        }
    });
    let warnings = opened
        .warnings
        .iter()
        .filter_map(Diagnostic::from_json_value);
    Projection {
        variables: Variables::new(variables.collect()),
        files: files.collect(),
        diagnostics: warnings.collect(),
        notes: Vec::new(),
        secrets: opened.secrets,
    }
}

/// Where something is from, as far as it is known, its document path, and whether it is secret. What is not known to be
/// none is one.
fn place(given: &Given) -> (Origin, String, bool) {
    match &given.place {
        Some(Place {
            environment,
            line,
            column,
            path,
            secret,
        }) => {
            let span = Span {
                line: *line,
                column: *column,
                ..Span::default()
            };
            let source = Source::new(environment.as_str(), None, "");
            (Origin::new(&source, span), path.clone(), *secret)
        }
        None => {
            let source = Source::new("the daemon", None, "");
            (Origin::new(&source, Span::default()), String::new(), true)
        }
    }
}
