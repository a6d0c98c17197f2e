//! How many processes there are: one listing of `/proc`, nothing is read of any process.

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, RawDir, SeekFrom};

use super::CollectError;

const PROC: &str = "/proc";

/// Room for the entries of one system call.
const LISTING_BYTES: usize = 8192;

/// The directory, kept open.
#[derive(Debug, Default)]
pub struct ProcessDirectory {
    directory: Option<OwnedFd>,
}

impl ProcessDirectory {
    /// Processes (not threads) of this pid namespace.
    ///
    /// # Errors
    /// [`CollectError::Unavailable`] when `/proc` cannot be listed, or shows us our own processes only (`hidepid`).
    pub fn count(&mut self) -> Result<u64, CollectError> {
        let counted = self.list().map_err(|error| {
            self.directory = None;
            CollectError::Unavailable { what: PROC, kind: error.kind() }
        })?;
        counted.ok_or(CollectError::Unavailable {
            what: "the list of all processes",
            kind: std::io::ErrorKind::PermissionDenied,
        })
    }

    fn list(&mut self) -> std::io::Result<Option<u64>> {
        let directory = match &mut self.directory {
            Some(directory) => {
                rustix::fs::seek(&*directory, SeekFrom::Start(0))?;
                directory
            }
            none => none.insert(rustix::fs::open(
                PROC,
                OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
                Mode::empty(),
            )?),
        };
        let mut room = [MaybeUninit::<u8>::uninit(); LISTING_BYTES];
        let mut listing = RawDir::new(directory, &mut room);
        let mut tally = Tally::default();
        while let Some(entry) = listing.next() {
            tally.add(entry?.file_name().to_bytes());
        }
        Ok(tally.processes())
    }
}

/// Counts the names of `/proc`.
#[derive(Debug, Default)]
struct Tally {
    processes: u64,
    first_seen: bool,
}

impl Tally {
    fn add(&mut self, name: &[u8]) {
        if name.first().is_some_and(u8::is_ascii_digit) {
            self.processes += 1;
            self.first_seen |= name == b"1";
        }
    }

    /// Process 1 is always there; a listing without it hides what is not ours.
    fn processes(&self) -> Option<u64> {
        self.first_seen.then_some(self.processes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(names: &[&str]) -> Option<u64> {
        let mut tally = Tally::default();
        for name in names {
            tally.add(name.as_bytes());
        }
        tally.processes()
    }

    #[test]
    fn only_names_that_are_numbers_count() {
        assert_eq!(tally(&[".", "..", "fb", "1", "2", "412", "self", "thread-self", "sys"]), Some(3));
    }

    #[test]
    fn a_listing_that_hides_the_first_process_says_nothing() {
        assert_eq!(tally(&["412", "self"]), None);
    }

    #[test]
    fn this_machine_has_processes() {
        let mut directory = ProcessDirectory::default();
        assert!(directory.count().unwrap() >= 1);
        assert!(directory.count().unwrap() >= 1, "the second listing starts anew");
    }
}
