//! A stepped clock is for tests, and nothing that is shipped has one.

use std::path::Path;
use std::process::{Command, Output};

use crate::testing::TestDirectory;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The file behind the feature, compiled alone with these options.
fn compiled(options: &[&str]) -> Output {
    let directory = TestDirectory::new();
    let source = Path::new(ROOT).join("agent/src/clock/offset.rs");
    let mut compiler = Command::new("rustc");
    compiler.args(["--edition", "2024", "--crate-type", "lib", "--emit", "metadata", "--out-dir"]);
    compiler.arg(directory.path()).args(options).arg(source).output().expect("rustc is there, cargo has just used it")
}

#[test]
fn a_build_without_debug_assertions_cannot_have_a_test_clock() {
    let shipped = compiled(&["-C", "opt-level=z"]);
    let words = String::from_utf8_lossy(&shipped.stderr).into_owned();
    assert!(!shipped.status.success() && words.contains("for test builds"), "{words}");
    let tested = compiled(&["-C", "debug-assertions=on"]);
    assert!(tested.status.success(), "{}", String::from_utf8_lossy(&tested.stderr));
}

#[test]
fn no_shipped_profile_has_debug_assertions() {
    let manifest = std::fs::read_to_string(Path::new(ROOT).join("Cargo.toml")).unwrap();
    assert!(!manifest.contains("debug-assertions"), "the refusal of the test clock rests on this");
}

#[test]
fn an_agent_with_a_test_clock_is_not_published() {
    let directory = TestDirectory::new();
    let publish = |name: &str, content: &str| {
        let binary = directory.path().join(name);
        std::fs::write(&binary, content).unwrap();
        let script = r#". "$1"; agent_root=$2; agent_try() { :; }; agent_publish x86_64 "$3""#;
        let arguments = [Path::new(ROOT).join("scripts/lib/agent-build.sh"), directory.path().to_owned(), binary];
        let output = Command::new("bash").args(["-c", script, "bash"]).args(arguments).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let out = directory.path().join("worker/public/download/edgewatch-agent-x86_64-unknown-linux-musl");
    let (is_published, words) = publish("with", "\x7fELF\0EDGEWATCH_TEST_CLOCK_FILE\0");
    assert!(!is_published && words.contains("test clock") && !out.exists(), "{words}");
    let (is_published, words) = publish("without", "\x7fELF\0EDGEWATCH_URL\0");
    assert!(is_published && out.exists(), "{words}");
}

/// Run by `cargo test -p edgewatch-agent --features test-clock`.
#[cfg(feature = "test-clock")]
#[test]
fn the_clock_is_stepped_by_the_file_in_the_environment() {
    const HOUR_MS: i64 = 3_600_000;
    let directory = TestDirectory::new();
    let file = directory.path().join("offset");
    let seen = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let before = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        super::offset::read_ms_of(&file) + i64::try_from(before.as_millis()).unwrap() - super::now_ms()
    };
    assert!((seen("-3600000\n") + HOUR_MS).abs() < 60_000);
    assert!((seen("7200000") - 2 * HOUR_MS).abs() < 60_000);
    assert!(seen("soon").abs() < 60_000);
}
