//! What is counted, and its text for Prometheus (text exposition format 0.0.4). No name of an environment, a peer or a
//! variable is in it.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::route::Call;
use crate::protocol::Code;

/// How many outcomes a request may have: that it is answered, and each failure.
const OUTCOMES: usize = 1 + Code::ALL.len();

/// Counts since the start.
#[derive(Default)]
pub(crate) struct Metrics {
    requests: [[AtomicU64; OUTCOMES]; Call::ALL.len()],
    /// Microseconds that requests took, by call.
    time: [AtomicU64; Call::ALL.len()],
    /// What was no request, or for no call.
    refused: [AtomicU64; OUTCOMES],
    /// Connections that were not let in, because there were too many.
    pub(super) turned_away: AtomicU64,
    /// Streams that are open.
    pub(super) watchers: AtomicU64,
    /// Records that the audit did not take.
    pub(crate) audit_failures: AtomicU64,
}

/// What others count, and how things are at the moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gauges {
    /// Connections that are open.
    pub(crate) connections: u64,
    /// Whether nothing can be decrypted.
    pub(crate) locked: bool,
    /// Whether no program can be started any more, though some may be.
    pub(crate) helper_is_gone: bool,
    /// How long the daemon has run.
    pub(crate) uptime: Duration,
    /// Evaluations since the start.
    pub(crate) evaluations: u64,
    /// Answers that were given without an evaluation.
    pub(crate) cache_hits: u64,
    /// Locked memory that answers take which are kept, in bytes.
    pub(crate) cache_bytes: u64,
    /// How many answers are kept.
    pub(crate) cache_answers: u64,
    /// How many lists of environments are known, and watched for changes.
    pub(crate) lists: u64,
    /// Changes of files that were reacted to, since the start.
    pub(crate) changes: u64,
}

impl Metrics {
    /// Counts a request that was for a call.
    pub(super) fn count(&self, call: Call, outcome: Option<Code>, time: Duration) {
        self.requests[call.index()][index(outcome)].fetch_add(1, Ordering::Relaxed);
        let time = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.time[call.index()].fetch_add(time, Ordering::Relaxed);
    }

    /// Counts what was none.
    pub(super) fn count_refused(&self, code: Option<Code>) {
        self.refused[index(code)].fetch_add(1, Ordering::Relaxed);
    }

    /// The text.
    pub(super) fn text(&self, gauges: &Gauges) -> String {
        let mut text = Text(String::with_capacity(4096));
        self.write_requests(&mut text);
        self.write_refused(&mut text);
        self.write_durations(&mut text);
        self.write_singles(&mut text, gauges);
        text.0
    }

    fn write_requests(&self, text: &mut Text) {
        let name = "escrun_requests_total";
        text.family(name, "counter", "Requests, by call and outcome.");
        for call in Call::ALL {
            for (outcome, count) in outcomes().zip(&self.requests[call.index()]) {
                // Those that never happened would be most of the text.
                if load(count) > 0 || outcome.is_none() {
                    let labels = format!("call=\"{}\",outcome=\"{}\"", call.name(), word(outcome));
                    text.sample(name, &labels, load(count));
                }
            }
        }
    }

    fn write_refused(&self, text: &mut Text) {
        let name = "escrun_refused_total";
        let help = "What was no request, or for no call, by outcome.";
        text.family(name, "counter", help);
        for (outcome, count) in outcomes().zip(&self.refused) {
            if outcome.is_some() {
                let labels = format!("outcome=\"{}\"", word(outcome));
                text.sample(name, &labels, load(count));
            }
        }
    }

    fn write_durations(&self, text: &mut Text) {
        text.family(
            "escrun_request_duration_seconds",
            "summary",
            "Time from a complete request to its answer; of streams, to their first event.",
        );
        for call in Call::ALL {
            let count = self.requests[call.index()].iter().map(load).sum::<u64>();
            let labels = format!("call=\"{}\"", call.name());
            let seconds = Duration::from_micros(load(&self.time[call.index()])).as_secs_f64();
            text.sample("escrun_request_duration_seconds_sum", &labels, seconds);
            text.sample("escrun_request_duration_seconds_count", &labels, count);
        }
    }

    /// The families that are a number each.
    fn write_singles(&self, text: &mut Text, gauges: &Gauges) {
        let (counter, gauge) = ("counter", "gauge");
        for (family, kind, help, value) in [
            (
                "escrun_evaluations_total",
                counter,
                "Evaluations of environments.",
                gauges.evaluations,
            ),
            (
                "escrun_cache_hits_total",
                counter,
                "Answers that were given without an evaluation.",
                gauges.cache_hits,
            ),
            (
                "escrun_cache_bytes",
                gauge,
                "Locked memory of the answers that are kept.",
                gauges.cache_bytes,
            ),
            (
                "escrun_cache_answers",
                gauge,
                "Answers that are kept.",
                gauges.cache_answers,
            ),
            (
                "escrun_lists",
                gauge,
                "Lists of environments that were asked for, and are watched for changes.",
                gauges.lists,
            ),
            (
                "escrun_changes_total",
                counter,
                "Changes of files that were reacted to; a burst is one.",
                gauges.changes,
            ),
            (
                "escrun_connections",
                gauge,
                "Open connections.",
                gauges.connections,
            ),
            (
                "escrun_connections_turned_away_total",
                counter,
                "Connections that were not let in, because there were too many.",
                load(&self.turned_away),
            ),
            (
                "escrun_watchers",
                gauge,
                "Open streams of revisions.",
                load(&self.watchers),
            ),
            (
                "escrun_audit_failures_total",
                counter,
                "Decisions that could not be recorded, for which nothing was given.",
                load(&self.audit_failures),
            ),
            (
                "escrun_locked",
                gauge,
                "1 if nothing can be decrypted before someone unlocks.",
                gauges.locked.into(),
            ),
            (
                "escrun_helper_gone",
                gauge,
                "1 if no plugin or command can be started before the daemon is started anew.",
                gauges.helper_is_gone.into(),
            ),
            (
                "escrun_uptime_seconds",
                gauge,
                "Seconds since the start.",
                gauges.uptime.as_secs(),
            ),
        ] {
            text.family(family, kind, help);
            text.sample(family, "", value);
        }
    }
}

/// A text that grows by lines. Writing to it cannot fail.
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _ = match labels {
            "" => writeln!(self.0, "{name} {value}"),
            labels => writeln!(self.0, "{name}{{{labels}}} {value}"),
        };
    }
}

/// All outcomes, in the order of their numbers.
fn outcomes() -> impl Iterator<Item = Option<Code>> {
    std::iter::once(None).chain(Code::ALL.map(Some))
}

fn index(outcome: Option<Code>) -> usize {
    let place = outcomes().position(|known| known == outcome);
    place.expect("every code is one of all")
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// The word of an outcome: that which answers have.
fn word(outcome: Option<Code>) -> String {
    let code = outcome.and_then(|code| serde_json::to_value(code).ok());
    code.and_then(|code| code.as_str().map(str::to_owned))
        .unwrap_or_else(|| "ok".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_has_a_family_and_a_number() {
        let metrics = Metrics::default();
        metrics.count(Call::Open, None, Duration::from_millis(3));
        metrics.count(Call::Open, Some(Code::Denied), Duration::ZERO);
        metrics.count_refused(Some(Code::BadRequest));
        let text = metrics.text(&Gauges::default());
        let mut family = String::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                family = rest.split(' ').next().unwrap_or_default().to_owned();
            } else if !line.starts_with('#') {
                let (name, value) = line.rsplit_once(' ').expect(line);
                assert!(!family.is_empty() && name.starts_with(&family), "{line}");
                assert!(value.parse::<f64>().is_ok(), "{line}");
            }
        }
        for line in [
            "escrun_requests_total{call=\"open\",outcome=\"ok\"} 1",
            "escrun_requests_total{call=\"open\",outcome=\"denied\"} 1",
            "escrun_refused_total{outcome=\"bad-request\"} 1",
            "escrun_request_duration_seconds_sum{call=\"open\"} 0.003",
            "escrun_request_duration_seconds_count{call=\"open\"} 2",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
    }
}
