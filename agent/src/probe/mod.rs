//! Asks the targets that the server names, on a schedule of its own: HTTP, ICMP and TCP, at most [`AT_ONCE`] at a time.
//!
//! One thread asks them all without blocking; a second one looks up names, for the system's resolver blocks. Neither is there before
//! there is something to ask. Results wait on the [`Board`] until a sample takes them along.

mod board;
mod dial;
mod http;
mod icmp;
mod names;
mod schedule;
mod tcp;
#[cfg(test)]
mod tests;

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use edgewatch_core::domain::probing::endpoint;
use edgewatch_core::model::{ProbeId, ProbeKind, ProbeTask};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::{certificate, log};
use names::{Lookup, Names};
use schedule::Schedule;

pub use board::Board;
pub use http::Roots;

/// How many targets are asked at once. More that are due wait: their results come later, and none is lost.
const AT_ONCE: usize = 16;
/// Source: nezha specification, 8.3.
const HTTP_LIMIT: Duration = Duration::from_secs(30);
const ICMP_LIMIT: Duration = Duration::from_secs(20);
const TCP_LIMIT: Duration = Duration::from_secs(10);
/// Room for a handshake, as the sender's.
const STACK_BYTES: usize = 256 * 1024;

/// What came of asking once.
#[derive(Debug, Clone, PartialEq, Default)]
struct Outcome {
    /// How long the right answer took.
    delay: Option<Duration>,
    /// When the target's certificate ends, seconds since 1970, and who issued it.
    certificate: Option<certificate::Certificate>,
    /// Why there was no right answer.
    error: Option<String>,
}

impl Outcome {
    fn failed(error: impl Into<String>) -> Self {
        Self { error: Some(error.into()), ..Self::default() }
    }
}

/// What a running question waits for.
struct Waiting<'a> {
    socket: Option<(BorrowedFd<'a>, PollFlags)>,
    /// When there is something to do although nothing came.
    until: Instant,
}

/// A target being asked.
trait Question: Send {
    /// What it waits for now.
    fn waiting(&self) -> Waiting<'_>;
    /// Goes on as far as it can without waiting. Its outcome, once it is over.
    fn go_on(&mut self, now: Instant) -> Option<Outcome>;
}

/// A question on its way: first its target's name is looked up, then it is asked.
struct Running {
    task: ProbeTask,
    /// After this it has failed.
    limit: Instant,
    step: Step,
}

enum Step {
    Names(Lookup),
    Asking(Box<dyn Question>),
}

/// Asks what is on the board until the process ends. There is no thread before there is something to ask.
pub fn start(board: &Arc<Board>, seed: u64, roots: Roots) {
    let of_thread = Arc::clone(board);
    board.on_first(move || {
        let thread = std::thread::Builder::new().name("prober".to_owned()).stack_size(STACK_BYTES);
        let prober = Prober::new(of_thread, seed, roots);
        if let Err(error) = thread.spawn(move || prober.run()) {
            log::warn(format_args!("cannot start a thread for probes: {error}"));
        }
    });
}

struct Prober {
    board: Arc<Board>,
    schedule: Schedule,
    names: Names,
    http: http::Client,
    running: Vec<Running>,
    is_ping_refusal_told: bool,
}

impl Prober {
    fn new(board: Arc<Board>, seed: u64, roots: Roots) -> Self {
        Self {
            names: Names::new(Arc::clone(&board)),
            board,
            schedule: Schedule::new(seed),
            http: http::Client::new(roots),
            running: Vec::new(),
            is_ping_refusal_told: false,
        }
    }

    fn run(mut self) {
        loop {
            self.board.wake().down();
            self.turn();
            self.wait();
        }
    }

    /// Does everything that can be done without waiting.
    fn turn(&mut self) {
        if let Some(tasks) = self.board.take_new_tasks() {
            self.running.retain(|one| tasks.contains(&one.task));
            self.schedule.set(tasks, Instant::now());
        }
        let mut at = 0;
        while at < self.running.len() {
            let outcome = Self::go_on(&mut self.running[at], &self.http, Instant::now());
            match outcome {
                Some(outcome) => {
                    let over = self.running.swap_remove(at);
                    self.over(&over.task, &outcome);
                }
                None => at += 1,
            }
        }
        while self.running.len() < AT_ONCE {
            let running = &self.running;
            let is_running = |id: ProbeId| running.iter().any(|one| one.task.id == id);
            let Some(task) = self.schedule.due(Instant::now(), is_running) else { break };
            let mut begun = match self.begin(&task) {
                Ok(running) => running,
                Err(error) => {
                    self.over(&task, &Outcome::failed(error));
                    continue;
                }
            };
            match Self::go_on(&mut begun, &self.http, Instant::now()) {
                Some(outcome) => self.over(&task, &outcome),
                None => self.running.push(begun),
            }
        }
    }

    fn begin(&mut self, task: &ProbeTask) -> Result<Running, String> {
        let endpoint = endpoint(task.kind, &task.target).map_err(|error| error.to_string())?;
        let lookup = self.names.look_up(endpoint.host);
        let limit = match task.kind {
            ProbeKind::Http => HTTP_LIMIT,
            ProbeKind::Icmp => ICMP_LIMIT,
            ProbeKind::Tcp => TCP_LIMIT,
        };
        Ok(Running { task: task.clone(), limit: Instant::now() + limit, step: Step::Names(lookup) })
    }

    fn go_on(running: &mut Running, http: &http::Client, now: Instant) -> Option<Outcome> {
        if let Step::Names(lookup) = &running.step {
            let addresses = match lookup.answer() {
                Some(Ok(addresses)) => addresses,
                Some(Err(error)) => return Some(Outcome::failed(error)),
                None if now >= running.limit => {
                    return Some(Outcome::failed("the name could not be looked up in time"));
                }
                None => return None,
            };
            match ask(&running.task, &addresses, http, running.limit) {
                Ok(question) => running.step = Step::Asking(question),
                Err(error) => return Some(Outcome::failed(error)),
            }
        }
        let Step::Asking(question) = &mut running.step else { return None };
        let outcome = question.go_on(now);
        if outcome.is_none() && now >= running.limit {
            return Some(Outcome::failed("no answer in time"));
        }
        outcome
    }

    fn over(&mut self, task: &ProbeTask, outcome: &Outcome) {
        if let Some(error) = &outcome.error {
            if task.kind == ProbeKind::Icmp
                && error == icmp::REFUSED
                && !std::mem::replace(&mut self.is_ping_refusal_told, true)
            {
                log::warn(format_args!("{error}"));
            }
            log::debug(format_args!("probe {} of {}: {error}", task.id.0, task.target));
        }
        self.board.post(task.id, outcome);
    }

    fn wait(&self) {
        let now = Instant::now();
        let is_room = self.running.len() < AT_ONCE;
        let is_running = |id: ProbeId| self.running.iter().any(|one| one.task.id == id);
        let mut until = if is_room { self.schedule.next(is_running) } else { None };
        let mut sooner = |at: Instant| until = Some(until.map_or(at, |until: Instant| until.min(at)));
        let mut watched = Vec::with_capacity(self.running.len() + 1);
        watched.push(PollFd::from_borrowed_fd(self.board.wake().as_fd(), PollFlags::IN));
        for one in &self.running {
            sooner(one.limit);
            if let Step::Asking(question) = &one.step {
                let waiting = question.waiting();
                sooner(waiting.until);
                if let Some((fd, flags)) = waiting.socket {
                    watched.push(PollFd::from_borrowed_fd(fd, flags));
                }
            }
        }
        let left = until.map(|until| until.saturating_duration_since(now));
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut watched, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            // Out of memory, perhaps: not to spin is all that can be done.
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

fn ask(
    task: &ProbeTask,
    addresses: &[std::net::IpAddr],
    http: &http::Client,
    limit: Instant,
) -> Result<Box<dyn Question>, String> {
    let endpoint = endpoint(task.kind, &task.target).map_err(|error| error.to_string())?;
    Ok(match task.kind {
        ProbeKind::Tcp => Box::new(tcp::Connect::begin(addresses, endpoint.port, limit)?),
        ProbeKind::Icmp => {
            let first = addresses.first().ok_or("the name has no address")?;
            Box::new(icmp::Ping::begin(*first, limit)?)
        }
        ProbeKind::Http => Box::new(http.get(addresses, &endpoint, limit)?),
    })
}
