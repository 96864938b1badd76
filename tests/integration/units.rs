//! The sample units are ones that systemd understands.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::outside::have;

#[test]
fn systemd_understands_the_sample_units() {
    if !have(&["systemd-analyze"]) {
        return;
    }
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd");
    let copies = tempfile::tempdir().unwrap();
    for sample in fs::read_dir(samples).unwrap() {
        let sample = sample.unwrap();
        // Programs have to be there, and the instance has to have a name.
        let unit = fs::read_to_string(sample.path())
            .unwrap()
            .replace("/usr/local/bin/escrun", env!("CARGO_BIN_EXE_escrun"));
        let name = sample.file_name().into_string().unwrap();
        let copy = copies.path().join(name.replace("@.", "@production."));
        fs::write(&copy, unit).unwrap();
        let output = Command::new("systemd-analyze")
            .args(["verify", "--man=no"])
            .arg(&copy)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        // It looks at the machine's own units as well, whose faults are none of ours.
        let ours: Vec<_> = told
            .lines()
            .filter(|line| line.contains("web-app"))
            .collect();
        assert!(ours.is_empty(), "{told}");
    }
}
