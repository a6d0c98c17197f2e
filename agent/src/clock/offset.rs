//! For tests alone: the wall clock stepped by what a file says. It does not compile without debug assertions, so that nothing
//! that is shipped has it; `scripts/build-agent` looks for the variable's name in what it publishes, too.

use std::path::Path;

#[cfg(not(debug_assertions))]
compile_error!("the feature `test-clock` is for test builds: it needs debug assertions, which no shipped profile has");

/// Names the file; in it one number, milliseconds to add.
const VARIABLE: &str = "EDGEWATCH_TEST_CLOCK_FILE";

/// How far the clock is stepped now, milliseconds; 0 without the file. It is read anew each time.
pub fn read_ms() -> i64 {
    std::env::var_os(VARIABLE).map_or(0, |path| read_ms_of(Path::new(&path)))
}

/// What that file says.
pub fn read_ms_of(path: &Path) -> i64 {
    let text = std::fs::read_to_string(path).ok();
    text.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}
