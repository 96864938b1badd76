//! What a daemon costs, each measure beside what it is held against, in one run: `cargo bench --bench daemon`.
//!
//! With `--check`, the status is 1 if a bar is missed. With `--quick`, everything is measured once and shortly: to see
//! whether it works.

mod client;
mod echo;
mod load;
mod ssh_agent;
mod stage;
mod table;
mod watchers;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use client::{Request, ask};
use stage::Stage;
use table::Table;

/// The environment that is opened again and again, three definitions with 20 secrets among them.
const ENVIRONMENT: &str = "base,service,production";

/// How many clients ask at the same time.
const CROWD: usize = 64;

/// How many watchers hang on.
const WATCHERS: usize = 10_000;

/// How much is measured.
#[derive(Clone, Copy)]
struct Effort {
    /// How many rounds of requests, one kind after the other in each.
    rounds: usize,
    /// How many requests of a kind in a round.
    requests: usize,
    /// How long a crowd asks at a time.
    crowd: Duration,
    /// How often it does, by turns for one thing and for the other.
    crowds: usize,
    /// How many processes of a kind are run.
    runs: usize,
}

const FULL: Effort = Effort {
    rounds: 15,
    requests: 1000,
    crowd: Duration::from_secs(1),
    crowds: 9,
    runs: 300,
};

const QUICK: Effort = Effort {
    rounds: 3,
    requests: 100,
    crowd: Duration::from_millis(300),
    crowds: 3,
    runs: 10,
};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [verb, socket, length] = &arguments[..]
        && verb == echo::VERB
    {
        echo::serve(socket, length.parse().expect("a number"));
    }
    let has = |option: &str| arguments.iter().any(|argument| argument == option);
    let effort = if has("--quick") { QUICK } else { FULL };
    let mut table = Table::default();
    let stage = Stage::set();
    table.limit("at rest, MiB", stage.resident_mib(), 15.0);
    measure_requests(&stage, effort, &mut table);
    measure_crowds(&stage, effort, &mut table);
    let before = stage.resident_mib();
    let watchers = watchers::gather(&stage.socket(), ENVIRONMENT, WATCHERS);
    table.limit(
        &format!("with {} idle watchers, MiB", watchers.len()),
        stage.resident_mib(),
        100.0,
    );
    table.note("before these watchers came, MiB", before);
    drop(watchers);
    measure_runs(&stage, effort, &mut table);
    if has("--check") && !table.is_met() {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// One connection per request, one request at a time.
fn measure_requests(stage: &Stage, effort: Effort, table: &mut Table) {
    let open = Request::open(ENVIRONMENT);
    let health = Request::health();
    let length = ask(&stage.socket(), &open);
    let echo = echo::start(stage.folder(), length);
    let agent = ssh_agent::start(stage.folder());
    let mut times = [const { Vec::new() }; 4];
    for _ in 0..effort.rounds {
        times[0].push(per_request(effort, || echo.ask(&open)));
        times[1].push(per_request(effort, || {
            ask(&stage.socket(), &open);
        }));
        times[2].push(per_request(effort, || {
            ask(&stage.socket(), &health);
        }));
        if let Some(agent) = &agent {
            times[3].push(per_request(effort, || agent.sign()));
        }
    }
    let [echo, open, health, agent] = times.map(|mut times| table::median(&mut times));
    table.note("echo of as many bytes, with connect, µs", echo);
    table.note("health, µs", health);
    if agent > 0.0 {
        table.note("ed25519 signature of ssh-agent, with connect, µs", agent);
    }
    table.note(&format!("cached open ({length} bytes), µs"), open);
    table.limit("cached open / echo", open / echo, 8.0);
}

/// How long one request takes, in microseconds.
fn per_request(effort: Effort, request: impl Fn()) -> f64 {
    let since = Instant::now();
    for _ in 0..effort.requests {
        request();
    }
    since.elapsed().as_secs_f64() * 1e6 / effort.requests as f64
}

/// Many clients at the same time, with a connection for each request.
fn measure_crowds(stage: &Stage, effort: Effort, table: &mut Table) {
    let mut rates = [const { Vec::new() }; 3];
    for _ in 0..effort.crowds {
        let [health, open] = [Request::health(), Request::open(ENVIRONMENT)]
            .map(|request| load::rate(&stage.socket(), &request, CROWD, effort.crowd));
        // What else the machine does meanwhile bears on both of a pair.
        for (rates, rate) in rates.iter_mut().zip([health, open, open / health]) {
            rates.push(rate);
        }
    }
    let [health, open, ratio] = rates.map(|mut rates| table::median(&mut rates));
    table.note(&format!("health, {CROWD} clients, per second"), health);
    table.note(&format!("open, {CROWD} clients, per second"), open);
    table.at_least("open / health, rates", ratio, 0.5);
}

/// Whole processes.
fn measure_runs(stage: &Stage, effort: Effort, table: &mut Table) {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..effort.runs {
        for (times, via) in times.iter_mut().zip(["direct", "daemon"]) {
            let mut command = stage.run(ENVIRONMENT, via);
            let since = Instant::now();
            let status = command.status().expect("escrun starts");
            times.push(since.elapsed().as_secs_f64() * 1e3);
            assert!(status.success(), "{command:?}");
        }
    }
    let [direct, daemon] = times.map(|mut times| table::median(&mut times));
    table.note("run --via direct, 20 secrets, ms", direct);
    table.note("run --via daemon, 20 secrets, ms", daemon);
    table.limit("run --via daemon / direct", daemon / direct, 1.0);
}
