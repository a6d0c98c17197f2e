//! The walls between the rooms: reads the sources and fails on a path that a room may not use, and on a few habits the house forbids.
//! `walls.rs` is the table; a wall moves only in a commit that says why.

mod habits;
mod source;
mod walls;

use std::fs;
use std::path::{Path, PathBuf};

/// The folders whose sources are read, from the top of the tree.
const READ: [&str; 4] = ["worker", "agent", "tests", "scripts"];
/// Folders that hold no sources of ours.
const SKIPPED: [&str; 4] = ["target", "node_modules", "public", "golden"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every source file: its path from the top of the tree, with `/`, and its text.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in READ {
        collect(&root().join(folder), folder, &mut found);
    }
    found.sort();
    found
}

fn collect(folder: &Path, name: &str, found: &mut Vec<(String, String)>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let file = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{name}/{file}");
        if entry.path().is_dir() {
            if !SKIPPED.contains(&file.as_str()) {
                collect(&entry.path(), &path, found);
            }
        } else if [".rs", ".mjs", ".ts"].iter().any(|ending| file.ends_with(ending)) {
            found.push((path, fs::read_to_string(entry.path()).unwrap_or_default()));
        }
    }
}

/// The crates that a path may begin with: the workspace's dependencies, as Rust spells them.
fn crates() -> Vec<String> {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap_or_default();
    let dependencies = manifest.split("[workspace.dependencies]").nth(1).unwrap_or_default();
    dependencies
        .lines()
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once('=').map(|(name, _)| name.trim().replace('-', "_")))
        .collect()
}

fn report(problems: &[String]) {
    assert!(problems.is_empty(), "{} found:\n  {}", problems.len(), problems.join("\n  "));
}

#[test]
fn every_room_uses_only_what_it_may() {
    let crates = crates();
    assert!(crates.iter().any(|name| name == "worker"), "the workspace's dependencies were not found");
    let problems: Vec<String> =
        sources().iter().flat_map(|(path, text)| walls::problems(path, text, &crates)).collect();
    report(&problems);
}

#[test]
fn the_house_keeps_its_habits() {
    let problems: Vec<String> = sources().iter().flat_map(|(path, text)| habits::problems(path, text)).collect();
    report(&problems);
}
