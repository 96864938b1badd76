//! What the options of restarts and changes come to.

use std::time::Duration;

use super::error::Failure;
use super::run_options::{ChangeOptions, Restart as RestartChoice};
use super::supervision::time;
use crate::quote::quoted;
use crate::reaction::{InvalidReaction, Reaction, Rule, Rules};
use crate::run::{
    Condition, InvalidCondition, Lifecycle, READY_TIMEOUT, RESTART_LIMIT, Readiness, Restart,
};

/// When the command is started again, and when it counts as up. `masks_terminal` says whether it gets a terminal of its
/// own, so that secrets are hidden in what it writes.
pub(super) fn lifecycle(
    options: &ChangeOptions,
    masks_terminal: bool,
) -> Result<Lifecycle, Failure> {
    let needs = |option: &str, is_given: bool, needed: &str, is_there: bool| {
        if is_given && !is_there {
            return Err(
                Failure::usage(format!("{option} does nothing without {needed}"))
                    .with_hint(format!("add {needed}, or leave out {option}")),
            );
        }
        Ok(())
    };
    let restart = match options.restart {
        None | Some(RestartChoice::No) => Restart::No,
        Some(RestartChoice::OnFailure) => Restart::OnFailure,
        Some(RestartChoice::Always) => Restart::Always,
    };
    let restarts = restart != Restart::No;
    let is_awaited = options.ready_when.is_some();
    needs(
        "--restart-limit",
        options.restart_limit.is_some(),
        "--restart",
        restarts,
    )?;
    needs(
        "--ready-timeout",
        options.ready_timeout.is_some(),
        "--ready-when",
        is_awaited,
    )?;
    needs(
        "--on-change",
        options.on_change.is_some(),
        "--watch",
        options.watch,
    )?;
    needs("--overlap", options.overlap, "--watch", options.watch)?;
    if options.overlap && masks_terminal {
        return Err(Failure::usage(
            "--overlap does not go with --mask at a terminal: keys are for one command only",
        )
        .with_hint("leave out one of them, or give the command another standard input"));
    }
    let readiness = readiness(options)?;
    let asks_port = |readiness: &Readiness| matches!(readiness.condition, Condition::Port(_));
    if options.overlap && readiness.as_ref().is_some_and(asks_port) {
        return Err(Failure::usage(
            "--overlap does not go with --ready-when port: the old command answers on that port as well",
        )
        .with_hint("use --ready-when notify or exec:COMMAND, which can tell the two apart"));
    }
    Ok(Lifecycle {
        restart,
        restart_limit: match options.restart_limit {
            None => Some(RESTART_LIMIT),
            Some(0) => None,
            limit => limit,
        },
        readiness,
        overlaps: options.overlap,
    })
}

fn readiness(options: &ChangeOptions) -> Result<Option<Readiness>, Failure> {
    let Some(text) = &options.ready_when else {
        return Ok(None);
    };
    let condition = text.parse().map_err(|error: InvalidCondition| {
        Failure::usage(format!("--ready-when {}: {error}", quoted(text))).with_hint(
            "such as --ready-when port:8080, or --ready-when exec:'curl -f localhost:8080/health'",
        )
    })?;
    let timeout = match &options.ready_timeout {
        None => READY_TIMEOUT,
        // What is too far away never comes.
        Some(text) => time("--ready-timeout", text)?.unwrap_or(Duration::MAX),
    };
    Ok(Some(Readiness { condition, timeout }))
}

/// What is done about changes: the project's rules, and for all else what the option says.
pub(super) fn rules(options: &ChangeOptions, rules: &[Rule]) -> Result<Rules, Failure> {
    let otherwise = match &options.on_change {
        None => Reaction::default(),
        Some(text) => text.parse().map_err(|error: InvalidReaction| {
            Failure::usage(format!("--on-change {}: {error}", quoted(text)))
        })?,
    };
    Ok(Rules {
        rules: rules.to_vec(),
        otherwise,
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::reaction::Decision;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        options: ChangeOptions,
    }

    fn options(line: &str) -> ChangeOptions {
        Line::parse_from(std::iter::once("run").chain(line.split_whitespace())).options
    }

    #[test]
    fn options_come_to_a_lifecycle() {
        let read = |line| lifecycle(&options(line), false).expect("valid");
        assert_eq!(read(""), Lifecycle::default());
        assert_eq!(read("--restart no"), Lifecycle::default());
        let always = read("--restart always --restart-limit 0");
        assert_eq!(
            (always.restart, always.restart_limit),
            (Restart::Always, None)
        );
        let failing = read("--restart on-failure");
        assert_eq!(
            (failing.restart, failing.restart_limit),
            (Restart::OnFailure, Some(5))
        );
        let ready = read("--ready-when port:80").readiness.expect("a condition");
        assert_eq!(
            (ready.condition, ready.timeout),
            (Condition::Port(80), READY_TIMEOUT)
        );
        let ready = read("--ready-when notify --ready-timeout infinity").readiness;
        assert_eq!(ready.expect("a condition").timeout, Duration::MAX);
        assert!(read("--watch --overlap").overlaps);
    }

    #[test]
    fn what_would_do_nothing_is_refused() {
        for (line, message) in [
            (
                "--restart-limit 3",
                "--restart-limit does nothing without --restart",
            ),
            (
                "--ready-timeout 3s",
                "--ready-timeout does nothing without --ready-when",
            ),
            (
                "--on-change none",
                "--on-change does nothing without --watch",
            ),
            ("--overlap", "--overlap does nothing without --watch"),
            (
                "--watch --overlap --ready-when port:80",
                "--overlap does not go with --ready-when port: the old command answers on that port as well",
            ),
            (
                "--ready-when prt:80",
                "--ready-when \"prt:80\": must be exec:COMMAND, notify or port:NUMBER",
            ),
            (
                "--ready-when port:99999",
                "--ready-when \"port:99999\": a port is a number from 1 to 65535",
            ),
        ] {
            let failure = lifecycle(&options(line), false).expect_err("invalid");
            assert_eq!(failure.message.as_deref(), Some(message), "{line}");
        }
    }

    #[test]
    fn the_option_is_for_what_no_rule_is_for() {
        let parsed = rules(&options("--watch --on-change none"), &[]).expect("valid");
        assert_eq!(parsed.decide(&["A".into()].into()), Decision::Tell(vec![]));
        let failure = rules(&options("--watch --on-change reload"), &[]).expect_err("invalid");
        assert_eq!(
            failure.message.as_deref(),
            Some("--on-change \"reload\": must be restart, signal:NAME, exec:COMMAND or none")
        );
    }
}
