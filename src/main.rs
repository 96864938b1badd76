//! The `escrun` command.

#![no_main]

use std::ffi::OsString;
use std::io::Write;

use escrun::cli::{self, Outcome};
#[cfg(target_os = "linux")]
use escrun::daemon::sandbox;
#[cfg(target_os = "linux")]
use escrun::run::supervise;
use escrun::sys::{children, process, stack};

/// env(1): the status of faults of its own.
const FAULT: u8 = 125;

escrun::program!(run);

fn run(arguments: Vec<OsString>) -> u8 {
    std::panic::set_hook(Box::new(report_panic));
    if let Err(error) = process::harden() {
        report(format_args!("cannot protect this process: {error}"));
        return FAULT;
    }
    #[cfg(target_os = "linux")]
    if let Some(status) = sandbox::resume(&arguments) {
        return status;
    }
    #[cfg(target_os = "linux")]
    if let Some(status) = supervise::resume(&arguments) {
        return status.unwrap_or_else(|error| {
            report(format_args!("cannot supervise the command: {error}"));
            FAULT
        });
    }
    if children::Pid::own().number() == 1 {
        process::end_on_request();
    }
    // Keys and plaintext pass over a stack that is wiped before anything else happens.
    match stack::on_private_stack(|| cli::main(arguments)) {
        Ok(Outcome::Exit(status)) => status,
        Ok(Outcome::Launch(launch)) => launch.start(),
        Err(error) => {
            report(format_args!("{error}"));
            FAULT
        }
    }
}

/// Says where, but not what: the payload of a panic may hold a value. Then ends the process, so that a fault of ours is
/// never taken for the death of the command by a signal.
fn report_panic(panic: &std::panic::PanicHookInfo<'_>) {
    match panic.location() {
        Some(place) => report(format_args!("this is a defect of escrun: panic at {place}")),
        None => report(format_args!("this is a defect of escrun: panic")),
    }
    process::exit_now(FAULT);
}

/// Writes a line to standard error. Nobody is left to tell if that fails.
fn report(message: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "escrun: {message}");
}
