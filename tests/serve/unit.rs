//! The systemd unit.

use edgewatch_harness::folder::Folder;
use std::process::Command;

use crate::process;

fn verify(file: &std::path::Path) {
    if let Ok(verified) = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(file).output() {
        let said = String::from_utf8_lossy(&verified.stderr).into_owned();
        assert!(verified.status.success() && !said.contains("edgewatch"), "{said}");
    }
}

#[test]
fn the_unit_is_one_that_systemd_takes() {
    let folder = Folder::new("unit");
    let file = folder.0.join("edgewatch.service");
    let install = format!("--install-unit={}", file.display());
    process::succeeds(&["--data", "/var/lib/edgewatch", "--address", "::1", "--port", "9000", &install]);
    let unit = std::fs::read_to_string(&file).expect("a unit");
    for line in [
        "DynamicUser=yes",
        "StateDirectory=edgewatch",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "CapabilityBoundingSet=",
        "Restart=always",
    ] {
        assert!(unit.lines().any(|one| one == line), "no {line} in\n{unit}");
    }
    let command = unit.lines().find(|line| line.starts_with("ExecStart=")).expect("a command");
    assert!(command.contains(r#""--data" "/var/lib/edgewatch" "--address" "::1" "--port" "9000""#), "{command}");
    verify(&file);
    // How exposed it is, by systemd's own measure: what would be 9.6 without a line.
    if let Ok(said) =
        Command::new("systemd-analyze").args(["security", "--offline=true", "--threshold=30"]).arg(&file).output()
    {
        let words = String::from_utf8_lossy(&said.stdout).into_owned();
        assert!(said.status.success() || words.is_empty(), "{words}");
    }

    // Elsewhere the folder's owner runs it; names with blanks and signs of systemd's own stay what they are.
    let data = folder.0.join("my data 100%");
    std::fs::create_dir_all(&data).expect("a folder");
    process::succeeds(&["--data", &data.display().to_string(), &install]);
    let unit = std::fs::read_to_string(&file).expect("a unit");
    assert!(unit.contains("my data 100%%") && unit.contains("\nUser="), "{unit}");
    verify(&file);
    let refused = process::fails(&["--data", &folder.0.join("missing").display().to_string(), &install], &[]);
    assert!(refused.contains("make it"), "{refused}");
}
