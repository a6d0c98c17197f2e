//! Looks names up on a thread of its own, for the system's resolver blocks. Answers are kept for a while.

use std::collections::BTreeMap;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Board;

/// How long addresses are good. A name that was not found is looked up again with the next question.
const KEPT: Duration = Duration::from_mins(1);
/// Names that are kept.
const MOST_KEPT: usize = 256;
/// What a resolver needs: musl's has buffers of some 10 kB.
const STACK_BYTES: usize = 128 * 1024;

type Answer = Result<Vec<IpAddr>, String>;

/// A name being looked up.
pub struct Lookup(Arc<Mutex<Option<Answer>>>);

impl Lookup {
    fn done(answer: Answer) -> Self {
        Self(Arc::new(Mutex::new(Some(answer))))
    }

    /// The addresses, once they are there.
    pub fn answer(&self) -> Option<Answer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, answer: Answer) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
    }
}

type Kept = Arc<Mutex<BTreeMap<String, (Vec<IpAddr>, Instant)>>>;

/// Looks names up.
pub struct Names {
    board: Arc<Board>,
    kept: Kept,
    asked: Option<Sender<(String, Lookup)>>,
}

impl Names {
    /// Without a thread before there is a name. The prober is woken by the board when an answer came.
    pub fn new(board: Arc<Board>) -> Self {
        Self { board, kept: Kept::default(), asked: None }
    }

    /// Begins to look a host up; an address is its own answer.
    pub fn look_up(&mut self, host: &str) -> Lookup {
        if let Ok(address) = host.parse() {
            return Lookup::done(Ok(vec![address]));
        }
        let known = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(host).cloned();
        if let Some((addresses, since)) = known
            && since.elapsed() < KEPT
        {
            return Lookup::done(Ok(addresses));
        }
        let answer = Arc::new(Mutex::new(None));
        let question = (host.to_owned(), Lookup(Arc::clone(&answer)));
        if self.asked.is_none() {
            self.asked = self.thread();
        }
        match self.asked.as_ref().map(|asked| asked.send(question)) {
            Some(Ok(())) => Lookup(answer),
            _ => Lookup::done(Err("there is no thread to look names up".to_owned())),
        }
    }

    fn thread(&self) -> Option<Sender<(String, Lookup)>> {
        let (asked, questions) = channel::<(String, Lookup)>();
        let (board, kept) = (Arc::clone(&self.board), Arc::clone(&self.kept));
        let thread = std::thread::Builder::new().name("names".to_owned()).stack_size(STACK_BYTES);
        let spawned = thread.spawn(move || {
            for (name, lookup) in questions {
                let recent = kept.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
                // Others may have waited for the same name.
                let answer = match recent.filter(|(_, since)| since.elapsed() < KEPT) {
                    Some((addresses, _)) => Ok(addresses),
                    None => resolve(&name),
                };
                if let Ok(addresses) = &answer {
                    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                    if kept.len() >= MOST_KEPT {
                        kept.clear();
                    }
                    kept.insert(name, (addresses.clone(), Instant::now()));
                }
                lookup.set(answer);
                board.wake().up();
            }
        });
        spawned.is_ok().then_some(asked)
    }
}

fn resolve(name: &str) -> Answer {
    let found = (name, 0).to_socket_addrs().map_err(|error| format!("cannot look up {name}: {error}"))?;
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in found.map(|one| one.ip()) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() { Err(format!("{name} has no address")) } else { Ok(addresses) }
}
