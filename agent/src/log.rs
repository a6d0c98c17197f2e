//! Lines on standard error, terse, with a level; systemd adds the time and the name. No secret ever passes here.

use std::fmt::Arguments;
use std::io::Write;
use std::sync::atomic::{AtomicU8, Ordering};

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// What stops the agent from doing its work.
    Error,
    /// What a person should look at.
    Warn,
    /// What changed.
    Info,
    /// Everything.
    Debug,
}

static LEVEL: AtomicU8 = AtomicU8::new(Level::Info as u8);

impl Level {
    /// The level of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "error" => Self::Error,
            "warn" => Self::Warn,
            "info" => Self::Info,
            "debug" => Self::Debug,
            _ => return None,
        })
    }
}

/// Says nothing that is less grave than `level` from here on.
pub fn set_level(level: Level) {
    LEVEL.store(level as u8, Ordering::Relaxed);
}

/// What stops the agent from doing its work.
pub fn error(message: Arguments<'_>) {
    say(Level::Error, "error", message);
}

/// What a person should look at.
pub fn warn(message: Arguments<'_>) {
    say(Level::Warn, "warn", message);
}

/// What changed.
pub fn info(message: Arguments<'_>) {
    say(Level::Info, "info", message);
}

/// Everything.
pub fn debug(message: Arguments<'_>) {
    say(Level::Debug, "debug", message);
}

fn say(level: Level, name: &str, message: Arguments<'_>) {
    if level as u8 <= LEVEL.load(Ordering::Relaxed) {
        // Nobody reads our errors about not being able to write errors.
        let _ = writeln!(std::io::stderr().lock(), "{name}: {message}");
    }
}
