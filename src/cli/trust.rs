//! `escrun trust`: lets definitions run programs, as they are now.

use super::error::Failure;
use super::workspace::Workspace;
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
        let (name, source) = workspace.load(environment)?;
        let file = source.display_name();
        if revoke {
            let was_trusted = trust::remove(&store, &source).map_err(failed)?;
            let done = if was_trusted {
                "no longer trusted"
            } else {
                "was not trusted"
            };
            workspace.ui.info(&format!("{name} ({file}): {done}"));
        } else {
            trust::add(&store, &source).map_err(failed)?;
            workspace.ui.info(&format!(
                "{name} ({file}): trusted as it is now; a change to it ends that"
            ));
        }
    }
    Ok(())
}
