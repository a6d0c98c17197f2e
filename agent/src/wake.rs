//! How one thread waits for another and for a socket at once, without looking again and again.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;

/// A flag that a thread may wait for; it stays up until it is taken down.
#[derive(Debug)]
pub struct Wake(OwnedFd);

/// A socket to wait for beside the flag.
#[derive(Debug, Clone, Copy)]
pub struct Watched<'a> {
    /// The socket.
    pub fd: BorrowedFd<'a>,
    /// Whether there is something to read that matters.
    pub reads: bool,
    /// Whether there is something that could not be written yet.
    pub writes: bool,
}

impl AsFd for Wake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Wake {
    /// A flag that is down.
    ///
    /// # Errors
    /// When the process has too many files open.
    pub fn new() -> io::Result<Self> {
        Ok(Self(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
    }

    /// Puts the flag up and wakes who waits for it.
    pub fn up(&self) {
        // It cannot fail but by standing at its highest value, which is up as well.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    /// Takes the flag down. What it stood for is looked at after this.
    pub fn down(&self) {
        let _ = rustix::io::read(&self.0, &mut [0_u8; 8]);
    }

    /// Waits until the flag is up, the socket is ready or `until` has come; without it as long as it takes. True when the
    /// socket is ready.
    pub fn wait(&self, socket: Option<Watched<'_>>, until: Option<Instant>) -> bool {
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let flag = PollFd::new(&self.0, PollFlags::IN);
            let (result, is_ready) = match socket {
                Some(Watched { fd, reads, writes }) => {
                    let mut interest = PollFlags::empty();
                    interest.set(PollFlags::IN, reads);
                    interest.set(PollFlags::OUT, writes);
                    let mut both = [flag, PollFd::from_borrowed_fd(fd, interest)];
                    let result = wait_for(&mut both, left);
                    (result, !both[1].revents().is_empty())
                }
                None => (wait_for(&mut [flag], left), false),
            };
            match result {
                Err(Errno::INTR) => {}
                Err(_) => {
                    // Out of memory, perhaps: not to spin is all that can be done.
                    std::thread::sleep(Duration::from_millis(100));
                    return false;
                }
                Ok(_) => return is_ready,
            }
        }
    }
}

fn wait_for(watched: &mut [PollFd<'_>], left: Option<Duration>) -> Result<usize, Errno> {
    let timeout = left.and_then(|left| Timespec::try_from(left).ok());
    poll(watched, timeout.as_ref())
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    use super::*;

    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn a_flag_that_is_up_ends_the_wait_until_it_is_taken_down() {
        let wake = Wake::new().unwrap();
        wake.up();
        wake.up();
        for _ in 0..2 {
            assert!(!wake.wait(None, Some(Instant::now() + LONG)));
        }
        wake.down();
        let begun = Instant::now();
        assert!(!wake.wait(None, Some(begun + Duration::from_millis(20))));
        assert!(begun.elapsed() >= Duration::from_millis(20));
    }

    #[test]
    fn a_socket_ends_the_wait_for_what_is_wanted_of_it() {
        let wake = Wake::new().unwrap();
        let (near, mut far) = UnixStream::pair().unwrap();
        let watched = |reads, writes| Some(Watched { fd: near.as_fd(), reads, writes });
        assert!(wake.wait(watched(true, true), Some(Instant::now() + LONG)));
        let begun = Instant::now();
        assert!(!wake.wait(watched(true, false), Some(begun + Duration::from_millis(20))));
        assert!(begun.elapsed() >= Duration::from_millis(20));
        far.write_all(b"x").unwrap();
        assert!(wake.wait(watched(true, false), Some(Instant::now() + LONG)));
    }
}
