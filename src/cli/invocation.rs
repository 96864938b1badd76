//! What a verb was called with: what was typed of where values come from, and what surrounds it.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use super::ambient::Ambient;
use super::error::Failure;
use super::recollection::Recollection;
use super::relative::relative_to;
use super::source_options::Sources;
use super::ui::Ui;
use super::workspace::environment_name;
use crate::project::{self, ProjectFile, ResolvedProject};
use crate::store::EnvironmentName;

/// What decides where values come from.
pub(super) struct Invocation<'a> {
    pub(super) sources: &'a Sources,
    pub(super) ambient: &'a Ambient,
    pub(super) ui: &'a Ui,
    /// What can be asked or read only once is remembered in it, and which way was chosen.
    pub(super) recollection: Option<Arc<Recollection>>,
    /// Before anything of what decides is read.
    pub(super) since: SystemTime,
}

impl<'a> Invocation<'a> {
    /// An invocation of which nothing is remembered.
    pub(super) fn new(sources: &'a Sources, ambient: &'a Ambient, ui: &'a Ui) -> Self {
        Self {
            sources,
            ambient,
            ui,
            recollection: None,
            since: SystemTime::now(),
        }
    }

    /// Has `recollection` remember.
    pub(super) fn remembering(self, recollection: Option<Arc<Recollection>>) -> Self {
        Self {
            recollection,
            ..self
        }
    }

    /// What is meant, by the options and by what lies around. Without a `system_folder`, definitions may be elsewhere.
    ///
    /// # Errors
    /// When what was typed or what lies around makes no sense.
    pub(super) fn find_project(
        &self,
        system_folder: Option<&Path>,
    ) -> Result<ResolvedProject, Failure> {
        let environments = self.named()?;
        let working_directory = &self.ambient.working_directory;
        let project = project::resolve(&project::Request {
            working_directory,
            file: ProjectFile::Nearest,
            folders: &self.sources.folders,
            environments: &environments,
            stack: self.sources.stack.as_deref(),
            user: self.ambient.user,
            system_folder,
        });
        let shown = |path: &Path| relative_to(working_directory, path);
        Ok(project.map_err(|error| error.with_paths(shown))?)
    }

    /// The environments that the options or `ESCRUN_ENV` name.
    fn named(&self) -> Result<Vec<EnvironmentName>, Failure> {
        if !self.sources.environments.is_empty() {
            let names = self.sources.environments.iter();
            return names.map(|name| environment_name(name.trim())).collect();
        }
        let Some(variable) = self.ambient.variable("ESCRUN_ENV") else {
            return Ok(Vec::new());
        };
        let Some(text) = variable.to_str() else {
            return Err(Failure::usage("ESCRUN_ENV is not UTF-8"));
        };
        let names = text.split(',').map(|name| environment_name(name.trim()));
        let names: Result<_, _> = names.collect();
        names.map_err(|failure| Failure {
            message: failure
                .message
                .map(|message| format!("ESCRUN_ENV: {message}")),
            ..failure
        })
    }
}
