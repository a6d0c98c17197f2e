//! `run`: looks at the host at every tick, and wires collectors, backlog and sender together.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use edgewatch_core::dialects::native::ReportSettings;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use sha2::{Digest, Sha256};
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::backlog::Backlog;
use crate::collect::{Collector, Facts, Minutes};
#[cfg(feature = "proxmox")]
use crate::collector;
use crate::config::{Config, ConfigError, Transport};
use crate::failed::Failed;
use crate::probe::Roots;
use crate::push::Pusher;
use crate::push::https::{self, Client, Settings};
use crate::push::websocket::{Dialer, Line};
use crate::record::Record;
use crate::reporter::Reporter;
use crate::schedule::Ticks;
use crate::sender::Sender;
use crate::shared::Shared;
use crate::spool::Spool;
use crate::status::StatusFile;
use crate::{clock, log, probe, report};

/// From the first reading to the second: rates need two, and the server should show them within seconds.
const BASELINE: Duration = Duration::from_secs(1);
/// How often the host's facts are read anew.
const FACTS_EVERY: Duration = Duration::from_mins(10);
/// An answer must be complete after this.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How long the last report may take, and how long the sender may take to put the rest on the disk.
const LAST_REPORT: Duration = Duration::from_secs(3);
const LAST_SAVE: Duration = Duration::from_secs(5);
/// The server is told no longer time between two reports.
const LONGEST_FRAME_S: u32 = 86_400;
/// The sender's stack: a TLS handshake takes about a fifth of it.
const SENDER_STACK_BYTES: usize = 256 * 1024;

/// Reports until the process is told to end.
///
/// # Errors
/// [`Failed`] when it cannot begin; the words say what to do.
pub fn run(config: &Config) -> Result<(), Failed> {
    let server = config.server()?;
    let secret = config.secret()?.ok_or_else(|| {
        ConfigError::new(format!("no secret in {}: run `edgewatch-agent register` first", config.secret_file.display()))
    })?;
    // The service manager makes it for the service; a hand-started agent makes its own. What fails is told by the spool.
    let _ = std::fs::create_dir_all(&config.state_dir);
    let signals = signals().map_err(|error| Failed::new(format!("cannot listen for signals: {error}")))?;

    let mut collector = Collector::new(config.selection.clone(), config.details);
    collector.take_baseline();
    let begun = Instant::now();
    let minutes = Minutes::new(begun, clock::now_ms());
    let facts = collector.facts(None);

    let client = Client::new(&client_settings(config, TIMEOUT)?).map_err(|error| Failed::new(error.to_string()))?;
    let stopper = client.stopper();
    let dialer = dialer(config, &client, server.as_str(), secret.reveal())?;
    let roots = probe_roots(config, &client);
    let _collecting = start_collector(config, &client, server.as_str(), secret.reveal())?;
    let pusher = Pusher::new(client, server.as_str(), secret.reveal());
    let status = StatusFile::new(&config.state_dir, server.as_str(), config.frame_s);
    let backlog = Backlog::new(Spool::open(&config.state_dir, config.spool_limits()));
    let pace = pace(ReportSettings::default(), config.period_s, config.frame_s);
    let host_facts = report::host_facts(facts.clone(), config.addresses.as_deref());
    let shared =
        Shared::new(backlog, host_facts, pace).map_err(|error| Failed::new(format!("cannot begin: {error}")))?;
    let board = Arc::clone(&shared.lock().probes);
    if config.probes {
        probe::start(&board, seed(secret.reveal()), roots);
    } else {
        board.turn_off();
    }
    let reporter = Reporter::new(Sender::new(pusher, Record::new(status)), dialer, config.transport);
    let of_sender = Arc::clone(&shared);
    let thread = thread::Builder::new().name("sender".to_owned()).stack_size(SENDER_STACK_BYTES);
    let thread = thread.spawn(move || reporter.run(&of_sender));
    thread.map_err(|error| Failed::new(format!("cannot start a thread: {error}")))?;
    log::info(format_args!("reporting to {}", server.as_str()));

    let ticks = Ticks::new(config.period_s, seed(secret.reveal()), clock::now_ms());
    let shared_too = Arc::clone(&shared);
    let mut sampler = Sampler {
        config,
        collector,
        minutes,
        shared: shared_too,
        facts,
        facts_read: begun,
        since_report: u32::MAX,
        period_s: config.period_s,
    };
    sampler.run(ticks, &signals, BASELINE.saturating_sub(begun.elapsed()));

    log::info(format_args!("stopping"));
    shared.lock().is_stopping = true;
    shared.notify();
    if !shared.wait_finished(LAST_REPORT) {
        stopper.stop();
        if !shared.wait_finished(LAST_SAVE) {
            log::warn(format_args!("the last report hangs; what was not saved yet is lost"));
        }
    }
    Ok(())
}

/// Waits until the process is told to end, for what runs by itself.
///
/// # Errors
/// [`Failed`] when signals cannot be heard.
#[cfg(feature = "itcockpit")]
pub fn wait_for_end() -> Result<(), Failed> {
    let signals = signals().map_err(|error| Failed::new(format!("cannot listen for signals: {error}")))?;
    while !is_signalled(&signals, Duration::from_hours(1)) {}
    log::info(format_args!("stopping"));
    Ok(())
}

/// What opens a WebSocket, where the configuration wants one.
///
/// # Errors
/// When the configuration wants nothing else and there can be none.
fn dialer(config: &Config, client: &Client, base_url: &str, secret: &str) -> Result<Option<Dialer>, Failed> {
    if config.transport == Transport::Post {
        return Ok(None);
    }
    match Dialer::new(client, base_url, secret, Line::REPORTS) {
        Ok(dialer) => Ok(Some(dialer)),
        Err(error) if config.transport == Transport::WebSocket => Err(Failed::new(error.to_string())),
        Err(error) => {
            log::info(format_args!("{error}; reporting by POST"));
            Ok(None)
        }
    }
}

/// Starts the role of a Proxmox collector, where it is wanted.
///
/// # Errors
/// When there can be none.
#[cfg(feature = "proxmox")]
fn start_collector(
    config: &Config,
    client: &Client,
    base_url: &str,
    secret: &str,
) -> Result<Option<collector::Role>, Failed> {
    if !config.proxmox {
        return Ok(None);
    }
    if config.transport == Transport::Post {
        return Err(ConfigError::new("a Proxmox collector needs a WebSocket; `transport` allows none").into());
    }
    let dialer =
        Dialer::new(client, base_url, secret, Line::PROXMOX).map_err(|error| Failed::new(error.to_string()))?;
    let roots = Arc::from(probe_roots(config, client));
    collector::start(dialer, config.proxmox_file.as_deref(), roots).map(Some)
}

#[cfg(not(feature = "proxmox"))]
fn start_collector(config: &Config, _: &Client, _: &str, _: &str) -> Result<Option<()>, Failed> {
    if config.proxmox {
        let words = "this agent was built without the role of a Proxmox collector; edgewatch-agent-full has it";
        return Err(Failed::new(words));
    }
    Ok(None)
}

/// The certificates that targets of probes are judged by: those of the system and, where one is set, those in `ca_file`. The ones that
/// the server is judged by are shared where they are the same.
fn probe_roots(config: &Config, client: &Client) -> Roots {
    let shared = client.roots().filter(|_| config.ca_file.is_none()).map(Arc::clone);
    let ca_file = config.ca_file.clone();
    Box::new(move || match &shared {
        Some(roots) => Ok(Arc::clone(roots)),
        None => https::all_roots(ca_file.as_deref()).map(Arc::new).map_err(|error| error.to_string()),
    })
}

/// What the HTTP client needs.
///
/// # Errors
/// When no server is configured.
pub fn client_settings(config: &Config, timeout: Duration) -> Result<Settings, ConfigError> {
    let is_tls = config.server()?.is_tls();
    Ok(Settings { ca_file: config.ca_file.clone(), proxy: config.proxy.clone(), timeout, is_tls, tls: None })
}

/// Looks at the host at every tick.
struct Sampler<'a> {
    config: &'a Config,
    collector: Collector,
    minutes: Minutes,
    shared: Arc<Shared>,
    facts: Facts,
    facts_read: Instant,
    since_report: u32,
    /// Seconds to the next sample.
    period_s: u32,
}

impl Sampler<'_> {
    /// Until a signal comes. The first look comes after `first`, the others at the ticks.
    fn run(&mut self, mut ticks: Ticks, signals: &UnixStream, first: Duration) {
        if is_signalled(signals, first) {
            return;
        }
        let mut period_s = self.sample(clock::now_ms());
        ticks = ticks.with_period(period_s, clock::now_ms());
        // A tick right behind the first look has nothing to add.
        if ticks.wait_ms(clock::now_ms()) < i64::from(period_s) * 200 {
            let skipped = clock::now_ms() + ticks.wait_ms(clock::now_ms());
            ticks.take(skipped);
        }
        loop {
            let wait_ms = ticks.wait_ms(clock::now_ms());
            if wait_ms > 0 {
                if is_signalled(signals, Duration::from_millis(wait_ms.unsigned_abs())) {
                    return;
                }
                continue;
            }
            let at_ms = ticks.take(clock::now_ms());
            period_s = self.sample(at_ms);
            ticks = ticks.with_period(period_s, clock::now_ms());
        }
    }

    /// Looks once and hands the sample over, as of `at_ms`. Returns the period that holds now.
    fn sample(&mut self, at_ms: i64) -> u32 {
        let reading = self.collector.read();
        let is_changed = differs(reading.memory.map(|memory| memory.total_bytes), self.facts.mem_total_bytes)
            || differs(reading.memory.map(|memory| memory.swap_total_bytes), self.facts.swap_total_bytes)
            || differs(reading.disk.map(|disk| disk.total_bytes), self.facts.disk_total_bytes);
        let new_facts = (is_changed || self.facts_read.elapsed() >= FACTS_EVERY).then(|| {
            let facts = self.collector.facts(Some(&reading)).settled(&self.facts);
            self.facts_read = Instant::now();
            log::debug(format_args!(
                "facts read anew; {} values could not be read so far",
                self.collector.failed_reads()
            ));
            facts
        });
        let mut sample = report::sample(&reading, at_ms);
        if self.minutes.is_ended_by(at_ms, self.period_s) {
            let elapsed = self.minutes.end(at_ms, self.period_s, Instant::now(), clock::now_ms());
            sample.named = report::named(self.collector.details(&reading, elapsed));
        }

        let mut state = self.shared.lock();
        sample.probes = state.probes.take();
        state.backlog.add(sample);
        if let Some((facts, is_news)) = new_facts {
            self.facts = facts.clone();
            state.say(report::host_facts(facts, self.config.addresses.as_deref()), is_news);
        }
        let (period_s, frame_s) = pace(state.settings, self.config.period_s, self.config.frame_s);
        (state.period_s, state.frame_s) = (period_s, frame_s);
        self.since_report = self.since_report.saturating_add(1);
        // Live reports are as slow as our own configuration wants all reports to be.
        let wait_s = if state.is_live(Instant::now()) { self.config.frame_s } else { frame_s };
        if self.since_report >= wait_s.div_ceil(period_s) {
            self.since_report = 0;
            state.is_due = true;
        }
        drop(state);
        self.shared.notify();
        self.period_s = period_s;
        period_s
    }
}

/// Seconds between two samples and between two reports. The server may ask for slower ones; our own configuration too;
/// the slower one holds. A report goes out with a sample, so the time between two is a whole number of periods: the server
/// measures our silence by what it is told.
fn pace(wanted: ReportSettings, own_period_s: u32, own_frame_s: u32) -> (u32, u32) {
    let period_s = wanted.period_s.clamp(1, 3600).max(own_period_s);
    let frame_s = wanted.frame_s.clamp(1, LONGEST_FRAME_S).max(own_frame_s);
    (period_s, frame_s.next_multiple_of(period_s).min(LONGEST_FRAME_S))
}

/// Whether a size is another one than before. A file system that counts its own overhead, such as ZFS, wavers by less.
fn differs(now: Option<u64>, before: Option<u64>) -> bool {
    match (now, before) {
        (Some(now), Some(before)) => now.abs_diff(before) > before / 100,
        (now, before) => now.is_some() && before.is_none(),
    }
}

/// A socket that becomes readable when the process is told to end.
fn signals() -> std::io::Result<UnixStream> {
    let (read, write) = UnixStream::pair()?;
    read.set_nonblocking(true)?;
    signal_hook::low_level::pipe::register(SIGTERM, write.try_clone()?)?;
    signal_hook::low_level::pipe::register(SIGINT, write)?;
    Ok(read)
}

/// Waits; true when the process was told to end meanwhile.
fn is_signalled(signals: &UnixStream, patience: Duration) -> bool {
    let until = Instant::now() + patience;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).ok();
        let mut watched = [PollFd::new(signals, PollFlags::IN)];
        match poll(&mut watched, timeout.as_ref()) {
            Ok(0) => return false,
            Ok(_) => return true,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => {
                thread::sleep(left);
                return false;
            }
        }
    }
}

/// Where in the period this host's ticks lie: by its secret, which no two hosts share.
fn seed(secret: &str) -> u64 {
    let digest = Sha256::digest(secret.as_bytes());
    digest.iter().take(8).fold(0, |seed, byte| (seed << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_that_wavers_is_the_same_size() {
        assert!(!differs(Some(1_000), Some(1_005)));
        assert!(differs(Some(2_000), Some(1_000)));
        assert!(differs(Some(1), None));
        assert!(!differs(None, Some(1)), "what cannot be read now is not gone");
        assert!(differs(Some(1), Some(0)));
    }

    #[test]
    fn the_slower_of_the_servers_and_our_own_pace_holds() {
        let wanted = |period_s, frame_s| ReportSettings { period_s, frame_s };
        assert_eq!(pace(wanted(10, 10), 10, 10), (10, 10));
        assert_eq!(pace(wanted(30, 60), 10, 10), (30, 60));
        assert_eq!(pace(wanted(10, 10), 10, 300), (10, 300), "our own slower reports");
        assert_eq!(pace(wanted(0, 0), 60, 120), (60, 120));
    }

    #[test]
    fn the_time_between_two_reports_is_a_whole_number_of_periods() {
        let wanted = |period_s, frame_s| ReportSettings { period_s, frame_s };
        assert_eq!(pace(wanted(60, 10), 10, 10), (60, 60), "never more often than a sample");
        assert_eq!(pace(wanted(20, 10), 10, 30), (20, 40));
        assert_eq!(pace(wanted(3599, u32::MAX), 10, 10), (3599, LONGEST_FRAME_S));
    }

    #[test]
    fn hosts_of_different_secrets_tick_apart() {
        assert_ne!(seed("Yejw9jNvi4GJhxTMZg") % 10_000, seed("Yejw9jNvi4GJhxTMZh") % 10_000);
        assert_eq!(seed("a"), seed("a"));
    }
}
