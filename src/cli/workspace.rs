//! What the options and the surroundings together say: where definitions are, which are meant, who decrypts and who
//! answers.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use super::ambient::Ambient;
use super::error::Failure;
use super::identities::{self, Identities};
use super::invocation::Invocation;
use super::overrides;
use super::recollection::Recollection;
use super::relative::relative_to;
use super::ui::Ui;
use crate::ast::{self, Parsed};
use crate::crypt::Keyring;
use crate::eval::{self, Evaluated, Mode};
use crate::open::{self, Opened};
use crate::project::{ResolvedProject, SYSTEM_FOLDER, Selection, UserConfig};
use crate::provider::trust::Trusted;
use crate::provider::{self, Commands};
use crate::quote::quoted;
use crate::source::Source;
use crate::store::{Directory, EnvironmentName, NameError, Overlays};
use crate::sys::fs::describe;
use crate::value::Object;

/// The user's own settings, in the folder of the user's configuration.
const USER_CONFIG: &str = "config.yaml";

/// Everything that the verbs work on.
pub(super) struct Workspace<'a> {
    pub(super) ui: &'a Ui,
    pub(super) ambient: &'a Ambient,
    pub(super) project: ResolvedProject,
    pub(super) directory: Directory,
    pub(super) keyring: Keyring,
    plugin_folders: Vec<PathBuf>,
    allow_commands: bool,
    context: Object,
    /// What can be asked or read only once, if it is remembered.
    pub(super) recollection: Option<Arc<Recollection>>,
    /// When the first of what decides was read.
    pub(super) since: SystemTime,
    identity_files: Vec<PathBuf>,
    /// What providers have read.
    provided_files: RefCell<BTreeSet<PathBuf>>,
}

impl<'a> Workspace<'a> {
    /// Finds out what is meant. Reads settings, but neither definitions nor keys. A `project` that is known, but for the
    /// system's folder, is not looked for again.
    pub(super) fn open(
        invocation: Invocation<'a>,
        project: Option<ResolvedProject>,
    ) -> Result<Self, Failure> {
        let mut project = match project.filter(|project| !project.folders.is_empty()) {
            Some(project) => project,
            None => invocation.find_project(Some(SYSTEM_FOLDER.as_ref()))?,
        };
        let Invocation {
            sources,
            ambient,
            ui,
            recollection,
            since,
        } = invocation;
        let shown = |path: &Path| relative_to(&ambient.working_directory, path);
        // All that is told of definitions is told by these paths.
        for folder in &mut project.folders {
            *folder = shown(folder);
        }
        if let Some(file) = &project.file {
            ui.note(&format!("project file: {}", shown(file).display()));
        }
        for folder in &project.folders {
            ui.note(&format!("definitions: {}", folder.display()));
        }
        let directory = Directory::open(&project.folders, Overlays::Merged)?;
        let config = user_config(ambient)?;
        let Identities { keyring, files } =
            identities::keyring(sources, ambient, &config, recollection.clone())?;
        let mut plugin_folders = sources.provider_folders.clone();
        plugin_folders.extend(config.providers.iter().cloned());
        plugin_folders.extend(ambient.data_folder().map(|folder| folder.join("providers")));
        plugin_folders.extend(provider::SYSTEM_FOLDERS.map(PathBuf::from));
        Ok(Self {
            ui,
            ambient,
            project,
            directory,
            keyring,
            allow_commands: sources.allow_commands || config.allow_commands,
            plugin_folders,
            context: overrides::context(&sources.context)?,
            recollection,
            since,
            identity_files: files,
            provided_files: RefCell::default(),
        })
    }

    /// The files that decide what is composed, absolute, those included that do not exist: what was read up to now.
    pub(super) fn inputs(&self) -> BTreeSet<PathBuf> {
        let settings = self.project.inputs.iter().cloned();
        let user = self.ambient.config_folder();
        let definitions = self.directory.sought();
        let provided = self.provided_files.borrow();
        settings
            .chain(user.map(|folder| folder.join(USER_CONFIG)))
            .chain(definitions)
            .chain(self.identity_files.iter().cloned())
            .chain(provided.iter().cloned())
            .chain(self.trust_file().filter(|_| !self.allow_commands))
            .map(|path| self.ambient.working_directory.join(path))
            // Nothing there is a file whose changes are told.
            .filter(|path| !path.starts_with("/dev") && !path.starts_with("/proc"))
            .collect()
    }

    /// Evaluates what is selected, `overrides` over it.
    pub(super) fn evaluate(
        &self,
        mode: Mode,
        overrides: Option<&Rc<Parsed>>,
    ) -> Result<Evaluated, Failure> {
        let selection = self.selection()?;
        Ok(self.evaluate_selection(mode, &selection, overrides))
    }

    /// Evaluates a selection.
    pub(super) fn evaluate_selection(
        &self,
        mode: Mode,
        selection: &eval::Selection,
        overrides: Option<&Rc<Parsed>>,
    ) -> Evaluated {
        let Opened {
            evaluated,
            provided,
        } = open::evaluate(open::Request {
            mode,
            loader: &self.directory,
            decrypter: &self.keyring,
            providers: self.provider_config(),
            context: self.context.clone(),
            selection,
            overrides,
            wait: &|settle| settle(),
        });
        self.provided_files.borrow_mut().extend(provided.files);
        for note in self.keyring.notes() {
            self.ui.note(&note);
        }
        if let Some(note) = crate::sys::memory::degraded() {
            self.ui.note(note);
        }
        evaluated
    }

    /// The environments that are meant.
    fn selection(&self) -> Result<eval::Selection, Failure> {
        match &self.project.selection {
            Some(Selection::Names(imports)) => {
                let merged = imports.iter().filter(|import| import.merge);
                Ok(eval::Selection::Named(merged.map(|import| Arc::from(import.name.as_str())).collect()))
            }
            Some(Selection::Inline(source)) => Ok(eval::Selection::Inline(Rc::new(ast::parse(source)))),
            None => Err(Failure::new("no environment is named").with_hint(
                "name some with --env A,B or ESCRUN_ENV, or list them under environment in escrun.yaml; \
                 escrun ls shows which there are",
            )),
        }
    }

    /// The definition that is to be changed.
    pub(super) fn load(
        &self,
        environment: &str,
    ) -> Result<(EnvironmentName, Arc<Source>), Failure> {
        let name = environment_name(environment)?;
        let definition = self.directory.load_named(&name)?.definition;
        Ok((name, definition))
    }

    /// The names that are meant; none for an inline definition.
    pub(super) fn selected_names(&self) -> Vec<EnvironmentName> {
        match &self.project.selection {
            Some(Selection::Names(imports)) => {
                imports.iter().map(|import| import.name.clone()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Where trusted definitions are remembered.
    pub(super) fn trust_file(&self) -> Option<PathBuf> {
        Some(self.ambient.state_folder()?.join("trusted"))
    }

    fn provider_config(&self) -> provider::Config {
        let mut config = provider::Config::new(&self.ambient.working_directory);
        config.plugin_folders.clone_from(&self.plugin_folders);
        config.environment.clone_from(&self.ambient.variables);
        config.commands = if self.allow_commands {
            Commands::All
        } else {
            Commands::Trusted(self.trusted())
        };
        config
    }

    /// The definitions that the user trusts. A store that cannot be used trusts none, which is told.
    fn trusted(&self) -> Trusted {
        let Some(file) = self.trust_file() else {
            return Trusted::default();
        };
        Trusted::read(&file).unwrap_or_else(|error| {
            self.ui.note(&format!(
                "no definition is trusted: {}: {}",
                file.display(),
                describe(&error)
            ));
            Trusted::default()
        })
    }
}

/// An environment's name as it was typed.
pub(super) fn environment_name(text: &str) -> Result<EnvironmentName, Failure> {
    text.parse().map_err(|error: NameError| Failure {
        hint: error.hint().map(str::to_owned),
        ..Failure::usage(format!("environment {}: {error}", quoted(text)))
    })
}

fn user_config(ambient: &Ambient) -> Result<UserConfig, Failure> {
    let Some(folder) = ambient.config_folder() else {
        return Ok(UserConfig::default());
    };
    let file = folder.join(USER_CONFIG);
    let home = ambient.home();
    Ok(UserConfig::read(&file, home.as_deref(), ambient.user)?)
}
