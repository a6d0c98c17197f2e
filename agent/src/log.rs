//! Lines on standard error, terse, with a level; systemd adds the time and the name. No secret ever passes here.

#[cfg(feature = "itcockpit")]
mod file;

use std::fmt::Arguments;
use std::io::Write;
#[cfg(feature = "itcockpit")]
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};
#[cfg(feature = "itcockpit")]
use std::sync::{Mutex, PoisonError};

#[cfg(feature = "itcockpit")]
use self::file::LogFile;
#[cfg(feature = "itcockpit")]
use crate::clock;

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

/// The file that lines go to as well, where there is one.
#[cfg(feature = "itcockpit")]
static FILE: Mutex<Option<LogFile>> = Mutex::new(None);

/// Has all that is said from here on added to the file at `path` too, which begins anew each day where `kept_days` says how many
/// earlier ones stay.
///
/// # Errors
/// Those of the file system.
#[cfg(feature = "itcockpit")]
pub fn keep_in(path: &Path, kept_days: Option<u32>) -> std::io::Result<()> {
    let file = LogFile::open(path, kept_days, clock::now_s())?;
    *FILE.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
    Ok(())
}

fn say(level: Level, name: &str, message: Arguments<'_>) {
    if level as u8 <= LEVEL.load(Ordering::Relaxed) {
        // Nobody reads our errors about not being able to write errors.
        let _ = writeln!(std::io::stderr().lock(), "{name}: {message}");
        #[cfg(feature = "itcockpit")]
        if let Some(file) = FILE.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            let _ = file.add(&format!("{name}: {message}"), clock::now_s());
        }
    }
}
