//! What it costs to write a decision down, and to verify what was written: `cargo bench --bench audit`.

use std::fs;
use std::hint::black_box;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use escrun::daemon::audit::verify::verify;
use escrun::daemon::audit::{Audit, Outcome, Record};
use escrun::daemon::peer::Peer;
use escrun::daemon::policy::Action;
use escrun::daemon::settings::Audit as Settings;

/// How many records each line of the result is about.
const RECORDS: u32 = 50_000;

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut out = std::io::stdout().lock();
    for (name, variables, journal) in [
        ("20 variables", 20, false),
        ("1,000 variables", 1000, false),
        ("20 variables, journal", 20, true),
    ] {
        let file = folder.path().join(format!("audit-{variables}-{journal}"));
        let settings = Settings {
            journal,
            max_size: 0,
            ..Settings::new(&file, false)
        };
        let audit = Audit::open(&settings).expect("an audit");
        let time = record(&audit, variables);
        drop(audit);
        let start = Instant::now();
        let report = black_box(verify(std::slice::from_ref(&file), None).expect("whole"));
        let verified = start.elapsed();
        let bytes = fs::metadata(&file).expect("a file").len();
        let each = bytes / report.lines;
        let rate = bytes as f64 / verified.as_secs_f64() / 1e6;
        let _unheard = writeln!(
            out,
            "{name:24} {time:>10.1?} each of {each} bytes; verified at {rate:.0} MB/s"
        );
    }
}

/// How long each record takes.
fn record(audit: &Audit, variables: usize) -> Duration {
    let peer = Peer {
        user: 1000,
        group: 1000,
        pid: Some(12345),
        unit: Some("auth-service.service".into()),
        cgroup: Some("/system.slice/auth-service.service".into()),
        executable: Some("/usr/local/bin/node".into()),
        name: Some("node".into()),
        ..Peer::default()
    };
    let environments = ["auth-service".into(), "production".into()];
    let variables: Vec<Arc<str>> = (0..variables)
        .map(|number| format!("APP_SETTING_{number}").into())
        .collect();
    let record = Record {
        peer: Some(&peer),
        action: Some(Action::Open),
        environments: &environments,
        variables: &variables,
        revision: Some("b4c46f346a108eed5cf571bdec6c4d6736995f7d68d8bc48b6199c9c1ab700ae"),
        rule: Some("auth-service"),
        ..Record::new("open", Outcome::Allowed)
    };
    let start = Instant::now();
    for _ in 0..RECORDS {
        audit.record(black_box(&record)).expect("recorded");
    }
    start.elapsed() / RECORDS
}
