//! Landlock: which files this process can reach, and that it can reach no network: landlock(7).

use std::collections::BTreeSet;
use std::path::PathBuf;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus,
    RestrictSelfAttr, RestrictionStatus, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError,
    RulesetStatus, Scope, path_beneath_rules,
};

use super::{Paths, reach};

/// What is known here of Landlock's interface. Later ones are left for when they have been tried.
const KNOWN: ABI = ABI::V7;

/// What every process reads: the databases of users and groups, wherever the C library's modules have them, whose files
/// are replaced by others; the modules; the local time; processes.
const COMMON: [&str; 11] = [
    "/etc",
    "/proc",
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/share/zoneinfo",
    "/nix/store",
    "/run/systemd/userdb",
    "/dev/null",
    "/dev/urandom",
];

/// What may be written besides.
const NOWHERE: [&str; 1] = ["/dev/null"];

/// How far this process is confined.
pub(super) struct Confined {
    /// The version of the interface that was used.
    pub(super) version: u32,
    /// What this kernel's version cannot do.
    pub(super) lacks: Option<String>,
}

/// Confines this thread, all that it will start, and all others where the kernel can.
pub(super) fn confine(paths: &Paths) -> Result<Confined, String> {
    let status = restrict(paths).map_err(|error| error.to_string())?;
    let LandlockStatus::Available { effective_abi, .. } = status.landlock else {
        return Err("this kernel has no Landlock, or it is turned off".to_owned());
    };
    if status.ruleset == RulesetStatus::NotEnforced {
        return Err("this kernel does not enforce it".to_owned());
    }
    let lacks = [
        (ABI::V3, "keep files from being cut (Linux 6.2)"),
        (ABI::V4, "refuse TCP (Linux 6.7)"),
        (ABI::V6, "keep signals in (Linux 6.12)"),
    ];
    let lacks: Vec<&str> = lacks
        .into_iter()
        .filter(|(since, _)| effective_abi < *since)
        .map(|(_, what)| what)
        .collect();
    Ok(Confined {
        version: effective_abi as u32,
        lacks: (!lacks.is_empty()).then(|| {
            format!(
                "Landlock {effective_abi} of this kernel does not {}",
                lacks.join(", nor ")
            )
        }),
    })
}

fn restrict(paths: &Paths) -> Result<RestrictionStatus, RulesetError> {
    let mut readable: BTreeSet<PathBuf> = COMMON.map(PathBuf::from).into();
    for path in &paths.readable {
        reach::add(path, &mut readable);
    }
    let mut writable = BTreeSet::new();
    for path in &paths.writable {
        reach::add(path, &mut writable);
    }
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(KNOWN))?
        // Nothing is said below of any port.
        .handle_access(AccessNet::from_all(KNOWN))?
        // Abstract sockets are left out: the service manager's may be one.
        .scope(Scope::Signal)?
        .create()?;
    ruleset
        .add_rules(path_beneath_rules(&readable, reading()))?
        .add_rules(path_beneath_rules(&writable, reading() | writing()))?
        .add_rules(path_beneath_rules(
            NOWHERE,
            BitFlags::from(AccessFs::WriteFile),
        ))?
        // The kernel refuses to say what each peer executes, and would tell of that each time.
        .log_same_exec(false)?
        .all_threads(true)?
        .restrict_self()
}

fn reading() -> BitFlags<AccessFs> {
    AccessFs::ReadFile | AccessFs::ReadDir
}

/// Making, changing and removing files and sockets; no folders, links or devices.
fn writing() -> BitFlags<AccessFs> {
    AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::MakeReg
        | AccessFs::MakeSock
        | AccessFs::RemoveFile
}
