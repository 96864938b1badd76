//! What the options of supervision come to.

use std::time::Duration;

use super::error::Failure;
use super::run_options::{ForwardTo, SupervisionOptions};
use crate::quote::quoted;
use crate::run::{Policy, STOP_TIMEOUT};
use crate::sys::signal::Signal;

/// How signals are written.
const SIGNALS: &str = "a signal is a name or a number, such as TERM, SIGTERM, 15 or RTMIN+3";

/// How the options want the command to be supervised.
pub(super) fn policy(options: &SupervisionOptions) -> Result<Policy, Failure> {
    let rewrites = options.rewrite_signal.iter().map(|text| rewrite(text));
    let statuses = options.expect_status.iter().map(|text| status_pair(text));
    let policy = Policy {
        forward_to_group: options.forward_to == Some(ForwardTo::Group),
        stop_signal: match &options.stop_signal {
            Some(text) => signal("--stop-signal", text)?,
            None => Signal::TERM,
        },
        stop_timeout: match &options.stop_timeout {
            Some(text) => time("--stop-timeout", text)?,
            None => Some(STOP_TIMEOUT),
        },
        rewrites: rewrites.collect::<Result<_, _>>()?,
        statuses: statuses.collect::<Result<_, _>>()?,
        die_with_parent: options.die_with_parent,
    };
    let froms = policy.rewrites.iter().map(|(from, _)| from);
    if let Some(from) = repeated(froms) {
        return Err(twice("--rewrite-signal", from));
    }
    let froms = policy.statuses.iter().map(|(from, _)| from);
    if let Some(from) = repeated(froms) {
        return Err(twice("--expect-status", from));
    }
    Ok(policy)
}

/// A time as people write it: `10s`, `1m 30s`, `500ms`, or seconds as a plain number. None for one without end.
pub(super) fn time(option: &str, text: &str) -> Result<Option<Duration>, Failure> {
    if matches!(text, "infinity" | "never") {
        return Ok(None);
    }
    let seconds = text.bytes().all(|byte| byte.is_ascii_digit());
    let time = if seconds {
        text.parse().ok().map(Duration::from_secs)
    } else {
        humantime::parse_duration(text).ok()
    };
    time.map(Some).ok_or_else(|| {
        Failure::usage(format!("{option}: {} is no time", quoted(text)))
            .with_hint("a time is such as 10s, 500ms, 1m 30s, 10 (seconds), 0 or infinity")
    })
}

/// The signal that a name or number means.
pub(super) fn signal(option: &str, text: &str) -> Result<Signal, Failure> {
    text.parse().map_err(|_| {
        Failure::usage(format!("{option}: {} is no signal", quoted(text))).with_hint(SIGNALS)
    })
}

/// `FROM:TO`; a TO of 0 is no signal.
fn rewrite(text: &str) -> Result<(Signal, Option<Signal>), Failure> {
    const OPTION: &str = "--rewrite-signal";
    let (from, to) = pair(
        OPTION,
        text,
        "it is FROM:TO, as in --rewrite-signal TERM:QUIT, or FROM:0 to forward it not at all",
    )?;
    let from = signal(OPTION, from)?;
    if matches!(from, Signal::KILL | Signal::STOP | Signal::CHLD) {
        return Err(Failure::usage(format!(
            "{OPTION}: {from} is never forwarded"
        )));
    }
    let to = match to {
        "0" => None,
        to => Some(signal(OPTION, to)?),
    };
    Ok((from, to))
}

/// `FROM:TO`, both exit statuses.
fn status_pair(text: &str) -> Result<(u8, u8), Failure> {
    const OPTION: &str = "--expect-status";
    const FORM: &str = "it is FROM:TO with numbers from 0 to 255, as in --expect-status 143:0";
    let (from, to) = pair(OPTION, text, FORM)?;
    let status = |text: &str| {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        let status = text.parse().ok().filter(|_| is_number);
        status.ok_or_else(|| {
            Failure::usage(format!("{OPTION}: {} is no exit status", quoted(text))).with_hint(FORM)
        })
    };
    Ok((status(from)?, status(to)?))
}

fn pair<'a>(option: &str, text: &'a str, form: &str) -> Result<(&'a str, &'a str), Failure> {
    text.split_once(':').ok_or_else(|| {
        Failure::usage(format!("{option}: {} has no colon", quoted(text))).with_hint(form)
    })
}

/// The first of `items` that was there before.
fn repeated<'a, T: PartialEq>(items: impl Iterator<Item = &'a T> + Clone) -> Option<&'a T> {
    items
        .clone()
        .enumerate()
        .find(|(index, item)| items.clone().take(*index).any(|earlier| earlier == *item))
        .map(|(_, item)| item)
}

fn twice(option: &str, from: impl std::fmt::Display) -> Failure {
    Failure::usage(format!("{option}: {from} is given twice"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> SupervisionOptions {
        SupervisionOptions::default()
    }

    fn message<T>(result: Result<T, Failure>) -> String {
        result.err().and_then(|it| it.message).unwrap_or_default()
    }

    #[test]
    fn nothing_given_is_the_default() {
        assert_eq!(policy(&options()).expect("a policy"), Policy::default());
    }

    #[test]
    fn everything_given_is_followed() {
        let given = SupervisionOptions {
            forward_to: Some(ForwardTo::Group),
            stop_signal: Some("sigquit".into()),
            stop_timeout: Some("500ms".into()),
            rewrite_signal: vec!["TERM:INT".into(), "1:0".into()],
            expect_status: vec!["143:0".into(), "3:255".into()],
            die_with_parent: true,
            ..options()
        };
        assert_eq!(
            policy(&given).expect("a policy"),
            Policy {
                forward_to_group: true,
                stop_signal: Signal::QUIT,
                stop_timeout: Some(Duration::from_millis(500)),
                rewrites: vec![(Signal::TERM, Some(Signal::INT)), (Signal::HUP, None)],
                statuses: vec![(143, 0), (3, 255)],
                die_with_parent: true,
            }
        );
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, expected) in [
            ("10", Some(10_000)),
            ("0", Some(0)),
            ("0s", Some(0)),
            ("500ms", Some(500)),
            ("1m 30s", Some(90_000)),
            ("infinity", None),
            ("never", None),
        ] {
            let expected = expected.map(Duration::from_millis);
            assert_eq!(time("--x", text).expect("a time"), expected, "{text}");
        }
        for text in ["", "s", "-1", "10 apples", "1.5", "99999999999999999999"] {
            let expected = format!("--x: {} is no time", quoted(text));
            assert_eq!(message(time("--x", text)), expected);
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_option() {
        for (text, expected) in [
            ("TERM", "--rewrite-signal: \"TERM\" has no colon"),
            ("TERM:", "--rewrite-signal: \"\" is no signal"),
            ("FOO:INT", "--rewrite-signal: \"FOO\" is no signal"),
            ("KILL:INT", "--rewrite-signal: SIGKILL is never forwarded"),
            ("CHLD:0", "--rewrite-signal: SIGCHLD is never forwarded"),
        ] {
            assert_eq!(message(rewrite(text)), expected);
        }
        for (text, expected) in [
            ("1", "--expect-status: \"1\" has no colon"),
            ("256:0", "--expect-status: \"256\" is no exit status"),
            ("1:-1", "--expect-status: \"-1\" is no exit status"),
            ("+1:0", "--expect-status: \"+1\" is no exit status"),
            (":", "--expect-status: \"\" is no exit status"),
        ] {
            assert_eq!(message(status_pair(text)), expected);
        }
        let given = SupervisionOptions {
            rewrite_signal: vec!["TERM:INT".into(), "15:0".into()],
            ..options()
        };
        assert_eq!(
            message(policy(&given)),
            "--rewrite-signal: SIGTERM is given twice"
        );
        let given = SupervisionOptions {
            stop_signal: Some("0".into()),
            ..options()
        };
        assert_eq!(message(policy(&given)), "--stop-signal: \"0\" is no signal");
    }
}
