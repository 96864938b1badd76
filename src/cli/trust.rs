//! `escrun trust`: lets definitions run programs, as they are now.

use super::error::Failure;
use super::workspace::{Workspace, environment_name};
use crate::provider::trust;

/// Trusts the definitions, or takes that back.
pub(super) fn trust(
    workspace: &Workspace<'_>,
    environments: &[String],
    revoke: bool,
) -> Result<(), Failure> {
    let Some(store) = workspace.trust_file() else {
        return Err(Failure::new(
            "there is no place to remember it: neither HOME nor XDG_STATE_HOME is set",
        ));
    };
    let failed = |error: std::io::Error| Failure::io(store.display(), &error);
    for environment in environments {
        let name = environment_name(environment)?;
        let loaded = workspace.directory.load_named(&name)?;
        // Values of one's own go over the definition, and are as much part of the environment.
        for source in [Some(loaded.definition), loaded.local]
            .into_iter()
            .flatten()
        {
            let done = if !revoke {
                trust::add(&store, &source).map_err(failed)?;
                "trusted as it is now; a change to it ends that"
            } else if trust::remove(&store, &source).map_err(failed)? {
                "no longer trusted"
            } else {
                "was not trusted"
            };
            let file = source.display_name();
            workspace
                .ui
                .info(&format!("{} ({file}): {done}", source.name()));
        }
    }
    Ok(())
}
