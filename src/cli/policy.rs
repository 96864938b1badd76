//! `escrun daemon policy`: what is wrong with a policy, and what it would decide.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use serde::Serialize;

use super::ambient::Ambient;
use super::args::MessageFormat;
use super::daemon;
use super::daemon_options::DaemonOptions;
use super::error::Failure;
use super::policy_options::{PolicyTest, PolicyVerb};
use super::policy_report::{Definitions, Report};
use super::privileges;
use super::source_options::Sources;
use super::ui::Ui;
use super::workspace::environment_name;
use crate::daemon::peer::{Membership, Peer};
use crate::daemon::policy::{Action, PolicyStore, Question, Reach};
use crate::daemon::settings::Settings;
use crate::project;
use crate::quote::quoted;
use crate::sys::accounts::Account;
use crate::sys::fs::describe;

/// Does what was asked about the policy.
pub(super) fn policy(
    typed: &Sources,
    ambient: &Ambient,
    ui: &Ui,
    mut options: DaemonOptions,
    verb: &PolicyVerb,
) -> Result<(), Failure> {
    // Nothing is served and nothing recorded, so it does not matter where that would be.
    let nowhere = || PathBuf::from("/nonexistent");
    options.socket.get_or_insert_with(nowhere);
    options.audit.get_or_insert_with(nowhere);
    let settings = || daemon::settings(typed, ambient, &options);
    match verb {
        PolicyVerb::Test(test) => self::test(typed, ambient, ui, &settings()?, test),
        PolicyVerb::Check { file } => {
            let file = match file {
                Some(_) if options.policy.is_some() => {
                    return Err(Failure::usage("--policy and FILE both name the policy")
                        .with_hint("leave out one of them"));
                }
                Some(file) => ambient.working_directory.join(file),
                None => settings()?.policy.file,
            };
            let store = PolicyStore::open(&file, ambient.user, None).map_err(failure)?;
            tell_of_rules(ui, &file, store.current().len())
        }
    }
}

/// What was found of a policy that can be followed, for programs.
#[derive(Serialize)]
struct Checked {
    file: String,
    rules: usize,
}

fn tell_of_rules(ui: &Ui, file: &Path, rules: usize) -> Result<(), Failure> {
    let file = file.display().to_string();
    if ui.format() == MessageFormat::Json {
        return ui.out_json(&Checked { file, rules });
    }
    let rules = match rules {
        0 => "no rules: it allows nothing".to_owned(),
        1 => "1 rule".to_owned(),
        count => format!("{count} rules"),
    };
    ui.info(&format!("{file}: {rules}"));
    Ok(())
}

fn failure(error: project::Error) -> Failure {
    Failure {
        hint: error.hint(),
        ..Failure::new(error)
    }
}

/// Explains a decision; fails if it is a denial.
fn test(
    typed: &Sources,
    ambient: &Ambient,
    ui: &Ui,
    settings: &Settings,
    test: &PolicyTest,
) -> Result<(), Failure> {
    check(typed, test)?;
    let names = typed.environments.iter();
    let names: Vec<Arc<str>> = names
        .map(|name| Ok(environment_name(name.trim())?.as_str().into()))
        .collect::<Result<_, Failure>>()?;
    let peer = peer(test, ambient)?;
    let store = PolicyStore::of(settings, ambient.user).map_err(failure)?;
    if !store.is_of_file() {
        ui.note(&format!(
            "there is no {}: what holds without one is asked",
            store.file().display()
        ));
    }
    let definitions = Definitions::read(settings, &names)?;
    let reaches = Reach::of(definitions.roots());
    let question = Question {
        peer: &peer,
        action: test.action,
        environments: &reaches,
        path: test.path.as_deref(),
    };
    let explanation = store.current().explain(&question, SystemTime::now());
    let report = Report {
        peer: &peer,
        explanation: &explanation,
        definitions: &definitions,
    };
    match ui.format() {
        MessageFormat::Json => ui.out_json(&report.to_json())?,
        MessageFormat::Plain => ui.out(report.in_words().as_bytes())?,
    }
    match explanation.decision.allowed {
        true => Ok(()),
        false => Err(Failure::told()),
    }
}

/// Refuses what makes no sense together.
fn check(typed: &Sources, test: &PolicyTest) -> Result<(), Failure> {
    let action = test.action;
    if action.is_of_environments() && typed.environments.is_empty() {
        return Err(Failure::usage(format!("to {action} takes an environment"))
            .with_hint("name some with --env A,B"));
    }
    if !action.is_of_environments() && !typed.environments.is_empty() {
        return Err(Failure::usage(format!(
            "--action {action} is of no environment, and goes with no --env"
        )));
    }
    if test.path.is_some() && action != Action::Value {
        return Err(Failure::usage("--path goes with --action value"));
    }
    if let Some(Err(error)) = test.path.as_deref().map(crate::syntax::path::parse) {
        return Err(Failure::usage(format!("--path: {error}")));
    }
    Ok(())
}

/// The peer that was described.
fn peer(test: &PolicyTest, ambient: &Ambient) -> Result<Peer, Failure> {
    let (user, account) = user(test, ambient)?;
    let (group, groups) = groups(test, user, account.as_ref())?;
    let membership = Membership::at(&control_group(test, user)?, user);
    Ok(Peer {
        user,
        group,
        groups,
        unit: membership.unit,
        user_unit: membership.user_unit,
        cgroup: membership.path,
        ..Peer::default()
    })
}

/// The user that was named, or else the one who asks, and what the system knows of it. A number need not be known.
fn user(test: &PolicyTest, ambient: &Ambient) -> Result<(u32, Option<Account>), Failure> {
    let unreadable =
        |error: io::Error| Failure::new(format!("--uid: cannot look it up: {}", describe(&error)));
    let number = match &test.uid {
        None => ambient.user,
        Some(text) => match privileges::id(text) {
            Some(Some(number)) => number,
            Some(None) => return Err(Failure::usage(format!("--uid {text}: no such id"))),
            None => {
                let account = Account::named(text).map_err(unreadable)?;
                let account = account
                    .ok_or_else(|| Failure::usage(format!("--uid: no user {}", quoted(text))))?;
                return Ok((account.user, Some(account)));
            }
        },
    };
    Ok((number, Account::numbered(number).map_err(unreadable)?))
}

/// The group and the supplementary groups that were named, or else those that a login would give.
fn groups(
    test: &PolicyTest,
    user: u32,
    account: Option<&Account>,
) -> Result<(u32, Vec<u32>), Failure> {
    let group = match (&test.gid, account) {
        (Some(text), _) => privileges::group("--gid", text)?,
        (None, Some(account)) => account.group,
        (None, None) => {
            return Err(
                Failure::usage(format!("user {user} is not known, and so is no group"))
                    .with_hint("name one with --gid"),
            );
        }
    };
    let groups = match (&test.groups[..], account) {
        ([], Some(account)) if test.gid.is_none() => account
            .groups(group)
            .map_err(|error| Failure::io("the groups cannot be looked up", &error))?,
        (groups, _) => groups
            .iter()
            .map(|text| privileges::group("--group", text))
            .collect::<Result<_, _>>()?,
    };
    Ok((group, groups))
}

/// The control group that was given, or one in which systemd would put the unit.
fn control_group(test: &PolicyTest, user: u32) -> Result<String, Failure> {
    let path = match (&test.cgroup, &test.unit, &test.user_unit) {
        (Some(path), ..) if !path.starts_with('/') => {
            return Err(Failure::usage("--cgroup: a path begins with /"));
        }
        (Some(path), ..) => return Ok(path.clone()),
        (None, None, None) => return Ok("/".to_owned()),
        (None, Some(unit), None) => format!("/system.slice/{unit}"),
        (None, None, Some(unit)) => {
            format!("/user.slice/user-{user}.slice/user@{user}.service/app.slice/{unit}")
        }
        (None, Some(manager), Some(unit)) => format!("/user.slice/{manager}/{unit}"),
    };
    let membership = Membership::at(&path, user);
    let fits = |asked: &Option<String>, found: &Option<Box<str>>| {
        asked.is_none() || asked.as_deref() == found.as_deref()
    };
    if !fits(&test.unit, &membership.unit) {
        return Err(
            Failure::usage("--unit: no unit with processes has such a name")
                .with_hint("such names end with .service, .scope, .socket, .mount or .swap"),
        );
    }
    if !fits(&test.user_unit, &membership.user_unit) {
        return Err(Failure::usage(format!(
            "--user-unit: user {user} has no unit of that name in such a place"
        ))
        .with_hint(format!(
            "units of users are those below user@{user}.service, and their names end as all do"
        )));
    }
    Ok(path)
}
