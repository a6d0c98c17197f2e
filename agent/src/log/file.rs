//! A log file, begun anew each day. Source: openitcockpit specification, 9.1.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use edgewatch_core::units::calendar::{DAY_S, Day};

/// Its owner writes, the owner's group reads.
const MODE: u32 = 0o640;

/// A file that lines are added to.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    file: File,
    /// How many earlier days are kept beside it; `None` when it goes on for ever.
    kept_days: Option<u32>,
    /// The day of the last line, since 1970.
    day: i64,
}

impl LogFile {
    /// Opens it, and makes it where there is none.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(path: &Path, kept_days: Option<u32>, now_s: i64) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            // What fails here is told by the next step.
            let _ = fs::create_dir_all(folder);
        }
        Ok(Self { path: path.to_owned(), file: add_to(path)?, kept_days, day: now_s.div_euclid(DAY_S) })
    }

    /// Adds a line of this moment.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn add(&mut self, line: &str, now_s: i64) -> io::Result<()> {
        let day = now_s.div_euclid(DAY_S);
        if let Some(kept) = self.kept_days.filter(|_| day > self.day) {
            self.rotate(kept)?;
        }
        self.day = day;
        let (second, Day { year, month, day }) = (now_s.rem_euclid(DAY_S), Day::of_number(day));
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        self.file
            .write_all(format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z {line}\n").as_bytes())
    }

    /// `.1` is yesterday's.
    fn rotate(&mut self, kept: u32) -> io::Result<()> {
        let of = |number: u32| {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{number}"));
            PathBuf::from(name)
        };
        for number in (1..kept).rev() {
            // One that is not there yet.
            let _ = fs::rename(of(number), of(number + 1));
        }
        if kept > 0 {
            fs::rename(&self.path, of(1))?;
        } else {
            fs::remove_file(&self.path)?;
        }
        self.file = add_to(&self.path)?;
        Ok(())
    }
}

fn add_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(MODE).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestDirectory;

    #[test]
    fn each_day_has_its_file_and_the_oldest_goes() {
        let directory = TestDirectory::new();
        let path = directory.path().join("made/agent.log");
        let mut log = LogFile::open(&path, Some(2), 0).unwrap();
        log.add("one", 86_399).unwrap();
        for day in 1..=3 {
            log.add(&format!("day {day}"), day * DAY_S).unwrap();
            log.add("again", day * DAY_S + 1).unwrap();
        }
        let text = |name: &str| fs::read_to_string(directory.path().join("made").join(name)).ok();
        assert_eq!(text("agent.log").unwrap(), "1970-01-04T00:00:00Z day 3\n1970-01-04T00:00:01Z again\n");
        assert!(text("agent.log.1").unwrap().contains("day 2") && text("agent.log.2").unwrap().contains("day 1"));
        assert_eq!(text("agent.log.3"), None);
    }

    #[test]
    fn without_rotation_one_file_goes_on() {
        let directory = TestDirectory::new();
        let path = directory.path().join("agent.log");
        LogFile::open(&path, None, 0).unwrap().add("one", 0).unwrap();
        LogFile::open(&path, None, 0).unwrap().add("two", 3 * DAY_S).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
        assert!(LogFile::open(directory.path(), None, 0).is_err());
    }
}
