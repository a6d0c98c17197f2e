//! The places of connections: how many there are, and who gives way when all are taken and somebody waits.
//!
//! Who waits for a request of its client's gives way at once. A client that is not known and takes its time over a request, be it by
//! saying a byte now and then, gives way once it had [`GRACE`]; of several the one that has had the longest. Who showed that it is known
//! is left alone until its time is over.

use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::PATIENCE;
use crate::log;
use crate::wake::Wake;

/// More than this wait until one ends.
const MOST: usize = 16;
/// What a client that is not known may take for a request although others wait for its place: enough for a handshake and a pull by a slow way.
pub const GRACE: Duration = Duration::from_secs(1);

/// The places, and who has them.
#[derive(Debug)]
pub struct Places {
    is_stopping: AtomicBool,
    /// Whether somebody waits for a place.
    is_wanted: AtomicBool,
    /// Up when connections that wait for a request, the first one too, are to end.
    leave: Wake,
    taken: Mutex<Vec<Seat>>,
    freed: Condvar,
}

#[derive(Debug)]
struct Seat {
    socket: Arc<TcpStream>,
    /// The beginning of its request.
    since: Instant,
    /// Whether its client showed who it is.
    is_known: bool,
    /// Whether it was told to go.
    is_leaving: bool,
}

/// One of the places, while its connection lives.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    socket: Arc<TcpStream>,
}

impl Places {
    /// All of them free.
    ///
    /// # Errors
    /// When the process has too many files open.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self {
            is_stopping: AtomicBool::new(false),
            is_wanted: AtomicBool::new(false),
            leave: Wake::new()?,
            taken: Mutex::default(),
            freed: Condvar::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Seat>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is time to end.
    pub fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    /// It is time to end: what is being answered is answered, and who waits for a request leaves.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::Release);
        self.leave.up();
        self.freed.notify_all();
    }

    /// Waits until there is room for a connection that has come, or until it is time to end; has others give way.
    pub fn wait_for_room(&self) {
        let mut taken = self.lock();
        while taken.len() >= MOST && !self.is_stopping() {
            self.is_wanted.store(true, Ordering::Release);
            self.leave.up();
            let wait = give_way(&mut taken, Instant::now());
            taken = self.freed.wait_timeout(taken, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
        self.is_wanted.store(false, Ordering::Release);
        if !self.is_stopping() {
            self.leave.down();
        }
    }

    /// Takes a place for a connection; [`Places::wait_for_room`] comes before it.
    pub fn take(self: &Arc<Self>, socket: TcpStream) -> Place {
        let socket = Arc::new(socket);
        let seat = Seat { socket: Arc::clone(&socket), since: Instant::now(), is_known: false, is_leaving: false };
        self.lock().push(seat);
        Place { places: Arc::clone(self), socket }
    }
}

/// Ends the connection that has had its grace the longest, and says when to look again.
fn give_way(taken: &mut [Seat], now: Instant) -> Duration {
    let slow = taken.iter_mut().filter(|seat| !seat.is_known && !seat.is_leaving).min_by_key(|seat| seat.since);
    let Some(seat) = slow else { return PATIENCE };
    let left = (seat.since + GRACE).saturating_duration_since(now);
    if left.is_zero() {
        // Whoever reads from it or writes to it is told at once, and ends.
        let _ = seat.socket.shutdown(Shutdown::Both);
        seat.is_leaving = true;
        log::debug(format_args!("a slow client gave way to others"));
        return GRACE;
    }
    left
}

impl Place {
    /// The connection.
    pub fn socket(&self) -> &Arc<TcpStream> {
        &self.socket
    }

    /// Up when a connection that waits for a request is to end.
    pub fn leave(&self) -> &Wake {
        &self.places.leave
    }

    /// Whether the connection is to end once what was asked is answered.
    pub fn is_wanted(&self) -> bool {
        self.places.is_wanted.load(Ordering::Acquire) || self.places.is_stopping()
    }

    /// Its client showed who it is.
    pub fn know(&self) {
        self.change(|seat| seat.is_known = true);
    }

    /// The next request begins.
    pub fn begin(&self) {
        self.change(|seat| seat.since = Instant::now());
    }

    fn change(&self, change: impl FnOnce(&mut Seat)) {
        let mut taken = self.places.lock();
        if let Some(seat) = taken.iter_mut().find(|seat| Arc::ptr_eq(&seat.socket, &self.socket)) {
            change(seat);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().retain(|seat| !Arc::ptr_eq(&seat.socket, &self.socket));
        self.places.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;

    use super::*;

    /// A connection's two ends.
    fn pair(listener: &TcpListener) -> (TcpStream, TcpStream) {
        let far = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        far.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        (listener.accept().unwrap().0, far)
    }

    /// All places taken, by these clients.
    fn full() -> (Arc<Places>, Vec<Place>, Vec<TcpStream>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let places = Arc::new(Places::new().unwrap());
        let (near, far): (Vec<TcpStream>, Vec<TcpStream>) = (0..MOST).map(|_| pair(&listener)).unzip();
        let held = near.into_iter().map(|socket| places.take(socket)).collect();
        (places, held, far)
    }

    fn since(places: &Places, at: usize, ago: Duration) {
        places.lock()[at].since = Instant::now().checked_sub(ago).unwrap();
    }

    #[test]
    fn the_slowest_client_that_nobody_knows_gives_way_once_it_had_its_grace() {
        let (places, held, mut far) = full();
        for at in 0..MOST {
            since(&places, at, GRACE * 10);
        }
        since(&places, 3, GRACE * 30);
        since(&places, 7, GRACE * 20);
        held[3].know();
        held[5].begin();
        assert_eq!(give_way(&mut places.lock(), Instant::now()), GRACE);
        assert_eq!(far[7].read(&mut [0]).unwrap(), 0, "it is told");
        far[3].set_nonblocking(true).unwrap();
        assert!(far[3].read(&mut [0]).is_err(), "who is known is left alone");
        let left: Vec<bool> = places.lock().iter().map(|seat| seat.is_leaving).collect();
        assert_eq!(left.iter().filter(|is_leaving| **is_leaving).count(), 1, "one for one");
    }

    #[test]
    fn who_has_just_come_or_is_known_is_waited_for() {
        let (places, held, _far) = full();
        assert!((Duration::ZERO..=GRACE).contains(&give_way(&mut places.lock(), Instant::now())));
        for (at, place) in held.iter().enumerate() {
            since(&places, at, GRACE * 10);
            place.know();
        }
        assert_eq!(give_way(&mut places.lock(), Instant::now()), PATIENCE);
        assert!(places.lock().iter().all(|seat| !seat.is_leaving));
    }

    #[test]
    fn a_place_is_waited_for_until_one_is_free() {
        let (places, mut held, _far) = full();
        held.iter().for_each(Place::know);
        let waiting = Arc::clone(&places);
        let waits = std::thread::spawn(move || waiting.wait_for_room());
        crate::testing::wait_for("somebody to want a place", || held[0].is_wanted());
        assert!(!waits.is_finished());
        held.pop();
        waits.join().unwrap();
        assert!(!held[0].is_wanted() && places.lock().len() == MOST - 1);
        places.stop();
        assert!(held[0].is_wanted());
    }
}
