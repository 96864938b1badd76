//! Whether escrun becomes the command or stays as its supervisor.

use super::args::RunOptions;
use super::error::Failure;
use super::run_options::Restart;

/// What is done with the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// It takes the place of escrun.
    Replace,
    /// It is supervised, for this reason.
    Supervise(&'static str),
}

/// What the choice depends on besides options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Circumstances {
    /// Whether this is the first process of its namespace.
    pub(super) is_first: bool,
    /// What has to be removed when the command has ended, as far as that is known yet.
    pub(super) handed_over: Option<&'static str>,
}

/// Chooses: the command takes the place of escrun unless something must outlive that.
///
/// # Errors
/// When `--exec` demands what cannot be.
pub(super) fn choose(
    options: &RunOptions,
    circumstances: Circumstances,
) -> Result<Choice, Failure> {
    let needed = need(options, circumstances);
    match (options.supervision.exec, needed) {
        (_, None) => Ok(Choice::Replace),
        // It knows what it does: nobody will reap.
        (true, Some(Need::First)) => Ok(Choice::Replace),
        (true, Some(Need::Option(option))) => Err(Failure::usage(format!(
            "{option} needs escrun to stay, which --exec forbids"
        ))
        .with_hint(format!("leave out --exec or {option}"))),
        (true, Some(Need::HandedOver(reason))) => Err(Failure::usage(format!(
            "{reason}, and with --exec nobody would do that"
        ))
        .with_hint(
            "leave out --exec, or hand them over as descriptors: --files memfd, --deliver fd",
        )),
        (false, Some(Need::HandedOver(reason))) => Ok(Choice::Supervise(reason)),
        (false, Some(Need::First)) => Ok(Choice::Supervise("it is process 1")),
        (false, Some(Need::Option(option))) => Ok(Choice::Supervise(option)),
    }
}

/// What needs escrun to stay.
enum Need {
    /// The first process must reap what others leave.
    First,
    /// An option.
    Option(&'static str),
    /// What is handed over, which has to be removed.
    HandedOver(&'static str),
}

fn need(options: &RunOptions, circumstances: Circumstances) -> Option<Need> {
    let supervision = &options.supervision;
    let changes = &options.changes;
    let options = [
        (supervision.supervise, "--supervise"),
        (supervision.mask, "--mask"),
        (changes.watch, "--watch"),
        (
            !matches!(changes.restart, None | Some(Restart::No)),
            "--restart",
        ),
        (changes.ready_when.is_some(), "--ready-when"),
        (supervision.forward_to.is_some(), "--forward-to"),
        (supervision.stop_signal.is_some(), "--stop-signal"),
        (supervision.stop_timeout.is_some(), "--stop-timeout"),
        (!supervision.rewrite_signal.is_empty(), "--rewrite-signal"),
        (!supervision.expect_status.is_empty(), "--expect-status"),
    ];
    let option = options.into_iter().find(|(is_given, _)| *is_given);
    option
        .map(|(_, name)| Need::Option(name))
        .or_else(|| circumstances.handed_over.map(Need::HandedOver))
        .or_else(|| circumstances.is_first.then_some(Need::First))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        options: RunOptions,
    }

    #[test]
    fn escrun_stays_only_for_a_reason() {
        let none = Circumstances::default();
        let first = Circumstances {
            is_first: true,
            ..none
        };
        let files = Circumstances {
            handed_over: Some("files are removed"),
            ..none
        };
        for (line, circumstances, expected) in [
            ("", none, Ok(Choice::Replace)),
            ("--exec", none, Ok(Choice::Replace)),
            ("--exec", first, Ok(Choice::Replace)),
            ("", first, Ok(Choice::Supervise("it is process 1"))),
            ("--supervise", none, Ok(Choice::Supervise("--supervise"))),
            ("--mask", first, Ok(Choice::Supervise("--mask"))),
            ("--restart no", none, Ok(Choice::Replace)),
            ("--restart always", none, Ok(Choice::Supervise("--restart"))),
            ("--exec --watch", none, Err(())),
            ("--exec --supervise", none, Err(())),
            ("--die-with-parent", none, Ok(Choice::Replace)),
            ("", files, Ok(Choice::Supervise("files are removed"))),
            ("--exec", files, Err(())),
        ] {
            let words = std::iter::once("run").chain(line.split_whitespace());
            let options = Line::parse_from(words).options;
            let choice = choose(&options, circumstances).map_err(|_| ());
            assert_eq!(choice, expected, "{line} {circumstances:?}");
        }
    }
}
