//! The dashboard in a real browser: each scenario is a file beside this one, run by Node. See README.md.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs a scenario; what it says is shown when it fails.
fn scenario(name: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let own_node = root.join("node_modules/.bin/node");
    let node = if own_node.exists() { own_node } else { PathBuf::from("node") };
    let output = Command::new(&node)
        .arg(root.join("tests/browser").join(format!("{name}.mjs")))
        .current_dir(&root)
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", node.display()));
    println!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "the scenario {name} failed; what it says stands above");
}

/// A test for each scenario.
macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            scenario(stringify!($name));
        })*

        #[test]
        fn every_scenario_is_run() {
            let known = [$(stringify!($name)),*];
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
            for entry in folder.read_dir().expect("the folder of this file").flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                let Some(stem) = name.strip_suffix(".mjs").filter(|stem| *stem != "kit") else { continue };
                assert!(known.contains(&stem), "{name} is in no list: name it in main.rs");
            }
        }
    };
}

scenarios![shell, fleet, add, alerts, settings, guest, host, docs];
