//! Puts the daemon together, and shuts its process in: everything that needs more rights than serving does comes before.

use std::ffi::OsString;
use std::sync::Arc;

use tracing::{info, warn};

use super::audit::Audit;
use super::context::{Daemon, Parts};
use super::environments::{Environments, Setup};
use super::error::Error;
use super::keys::{Confirmer, IdentityPlace, Vault, VaultSettings};
use super::policy::PolicyStore;
use super::sandbox::{self, Helper, Paths};
use super::settings::{Providers, Settings, SettingsStore};
use crate::crypt::Plugins;
use crate::launcher::{Direct, Launcher};
use crate::sys::fs::effective_user;
use crate::sys::limit::Resource;

/// What a daemon is made from.
pub(super) struct Materials {
    pub(super) settings: SettingsStore,
    /// Where identities are, besides those in the settings.
    pub(super) places: Vec<IdentityPlace>,
    /// The variables of this process.
    pub(super) variables: Vec<(OsString, OsString)>,
}

/// Makes the daemon. There must be no other thread yet; from here on this process can neither start programs nor read
/// more than it serves.
pub(super) fn assemble(materials: Materials) -> Result<Daemon, Error> {
    let Materials {
        settings: store,
        mut places,
        variables,
    } = materials;
    let settings = store.current();
    let helper = helper(&settings, &variables)?;
    let launcher: Arc<dyn Launcher> = match &helper {
        Some(helper) => Arc::clone(helper) as _,
        None => Arc::new(Direct),
    };
    let named = settings.identities.iter().cloned().map(IdentityPlace::File);
    places.splice(0..0, named);
    let policy = PolicyStore::of(&settings, effective_user()).map_err(Error::Policy)?;
    let audit = Audit::open(&settings.audit).map_err(Error::Audit)?;
    let paths = paths(&settings, &places);
    let vault = Vault::open(VaultSettings {
        places,
        plugins: match settings.providers.plugins {
            true => Plugins::Allowed,
            false => Plugins::Refused,
        },
        host: helper.clone().map(|helper| helper as _),
        idle: settings.idle,
    })
    .map_err(|error| Error::Io("identities cannot be read", error))?;
    for problem in vault.problems() {
        warn!(reason = problem, "an identity cannot be used");
    }
    // After what starts the helper, or that would have as many.
    let descriptors = raise_descriptors();
    let warnings = shut_in(&settings, &paths);
    let setup = Setup::of(&settings, variables.clone(), Arc::clone(&launcher));
    let environments = Environments::new(setup, Arc::clone(&vault));
    let confirmer = Confirmer::new(variables, launcher);
    let daemon = Daemon::new(Parts {
        settings: store,
        vault,
        audit,
        policy,
        confirmer,
        environments,
        helper,
        descriptors,
        unfinished: unfinished(),
    });
    warnings
        .into_iter()
        .for_each(|warning| daemon.warn(warning));
    Ok(daemon)
}

/// What starts programs, if any may be started: a process that is not shut in.
fn helper(
    settings: &Settings,
    variables: &[(OsString, OsString)],
) -> Result<Option<Arc<Helper>>, Error> {
    if !settings.starts_programs() {
        return Ok(None);
    }
    let helper = Helper::start(variables)
        .map_err(|error| Error::Io("the process that starts programs cannot be started", error))?;
    Ok(Some(Arc::new(helper)))
}

fn paths(settings: &Settings, places: &[IdentityPlace]) -> Paths {
    let files = settings.providers.files.iter().map(Providers::fixed);
    let readable = settings.folders.iter().cloned();
    let readable = readable
        .chain([settings.file.clone(), settings.policy.file.clone()])
        .chain(places.iter().map(|place| place.path().to_owned()))
        .chain(files);
    let writable = [&settings.socket.path, &settings.audit.file].into_iter();
    Paths {
        readable: readable.collect(),
        writable: writable
            .chain(&settings.credentials_socket)
            .cloned()
            .collect(),
    }
}

/// Gives up what serving does not need. Gives what could not be given up.
fn shut_in(settings: &Settings, paths: &Paths) -> Vec<String> {
    if !settings.sandbox {
        let warning = "the daemon is not shut in, as its settings say";
        warn!("{warning}");
        return vec![warning.to_owned()];
    }
    let report = sandbox::enter(paths);
    info!("{report}");
    for reason in &report.warnings {
        warn!("{reason}");
    }
    report.warnings
}

/// As many descriptors as the process may have.
fn raise_descriptors() -> usize {
    let resource = Resource::DESCRIPTORS;
    let soft = resource
        .raise()
        .or_else(|_| resource.limit().map(|limit| limit.soft));
    soft.map_or(1024, |soft| usize::try_from(soft).unwrap_or(usize::MAX))
}

/// How much locked memory unfinished requests may take, in bytes: a quarter of what there is, and no more than they could
/// use.
fn unfinished() -> usize {
    const LEAST: usize = 512 << 10;
    const MOST: usize = 4 << 20;
    let limit = Resource::LOCKED_MEMORY.limit();
    let limit = limit.map_or(u64::MAX, |limit| limit.soft);
    usize::try_from(limit / 4).map_or(MOST, |quarter| quarter.clamp(LEAST, MOST))
}
