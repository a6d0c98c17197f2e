//! The whole thread that reports, against a stand-in for the hub on loopback. Waits for tries are 600 times shorter.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use edgewatch_core::dialects::native::stream::{Ack, FromHub, Goodbye, Reason, Settings, Versions};
use edgewatch_core::dialects::native::{HostFacts, ReportSettings, Sample};

use super::*;
use crate::backlog::Backlog;
use crate::config::Transport;
use crate::push::Pusher;
use crate::push::https::{Client, Settings as ClientSettings};
use crate::push::websocket::Line;
use crate::reporter::Reporter;
use crate::sender::Sender;
use crate::spool::{Limits as SpoolLimits, Spool};
use crate::status::{Status, StatusFile};
use crate::testing::stand_in::{Event, Manner, Order, StandIn};
use crate::testing::{TestDirectory, wait_for};

mod between;
mod refusals;

const SPOOL: SpoolLimits = SpoolLimits { samples: 8_640, bytes: 8 << 20 };
/// Ten minutes are a second.
const HURRY: u32 = 600;
const SECRET: &str = "Yejw9jNvi4GJhxTMZg";

/// A running agent without collectors.
struct Bench {
    shared: Arc<Shared>,
    directory: TestDirectory,
    thread: Option<JoinHandle<()>>,
}

impl Bench {
    fn start(server: &StandIn) -> Self {
        Self::with(&server.url(), Transport::Auto, ClientSettings::default(), Limits::default())
    }

    fn with(url: &str, transport: Transport, settings: ClientSettings, limits: Limits) -> Self {
        let directory = TestDirectory::new();
        let settings = ClientSettings { timeout: Duration::from_secs(5), is_tls: url.starts_with("https"), ..settings };
        let client = Client::new(&settings).unwrap();
        let dialer = (transport != Transport::Post).then(|| Dialer::new(&client, url, SECRET, Line::REPORTS).unwrap());
        let record = Record::new(StatusFile::new(directory.path(), url, 10));
        let sender = Sender::new(Pusher::new(client, url, SECRET), record);
        let facts = HostFacts { platform: Some("debian".to_owned()), ..HostFacts::default() };
        let shared = Shared::new(Backlog::new(Spool::open(directory.path(), SPOOL)), facts, (10, 60)).unwrap();
        let of_thread = Arc::clone(&shared);
        let reporter = Reporter::new(sender, dialer, transport).hurried(limits, HURRY);
        let thread = thread::spawn(move || reporter.run(&of_thread));
        Self { shared, directory, thread: Some(thread) }
    }

    /// So many samples, a tick apart and of now; not due.
    fn measure(&self, samples: i64) {
        let now_ms = clock::now_ms();
        let mut state = self.shared.lock();
        for tick in 0..samples {
            state.backlog.add(Sample { at_ms: now_ms - (samples - tick) * 10, ..Sample::default() });
        }
    }

    /// A report is due.
    fn due(&self) {
        self.shared.lock().is_due = true;
        self.shared.notify();
    }

    fn measure_and_send(&self, samples: i64) {
        self.measure(samples);
        self.due();
    }

    fn held(&self) -> u64 {
        self.shared.lock().backlog.held()
    }

    fn wait_until_safe(&self) {
        wait_for("everything to be safe", || self.held() == 0);
    }

    fn status(&self) -> Status {
        Status::read(self.directory.path()).unwrap_or_default()
    }

    /// As on SIGTERM. True when the thread ended in good order.
    fn stop(&mut self) -> bool {
        self.shared.lock().is_stopping = true;
        self.shared.notify();
        self.thread.take().is_none_or(|thread| thread.join().is_ok())
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.stop();
    }
}

fn all(to: u64) -> Vec<u64> {
    (1..=to).collect()
}

fn is_hello(event: &Event) -> bool {
    matches!(event, Event::Hello(_))
}

fn is_ping(event: &Event) -> bool {
    matches!(event, Event::Ping)
}

fn is_post(event: &Event) -> bool {
    matches!(event, Event::Posted(_))
}

fn is_facts(event: &Event) -> bool {
    matches!(event, Event::Facts(_))
}

#[test]
fn samples_arrive_after_a_hello_and_are_forgotten_when_they_are_safe() {
    let server = StandIn::start(0, &[Manner::Hub]);
    let bench = Bench::start(&server);
    bench.measure_and_send(6);
    wait_for("a frame", || !server.taken().is_empty());
    bench.wait_until_safe();
    assert_eq!(server.taken(), all(6));
    let events = server.know().events.clone();
    assert_eq!(events[0], Event::Upgrade { authorization: format!("Bearer {SECRET}") });
    let Event::Hello(hello) = &events[1] else { panic!("{events:?}") };
    assert_eq!((hello.versions, hello.capabilities), (Versions::OURS, 7));
    assert!(matches!(&events[2], Event::Facts(facts) if facts.platform.as_deref() == Some("debian")));
    let Event::Frame(frame) = &events[3] else { panic!("{events:?}") };
    assert_eq!((frame.frame, frame.oldest, frame.period_s, frame.frame_s), (1, 1, 10, 60));
    assert!((clock::now_ms() - frame.sent_at_ms).abs() < 60_000);
    wait_for("the status", || bench.status().durable_up_to == 6);
    assert_eq!(bench.status().transport, "websocket");
    assert_eq!(bench.shared.lock().settings, ReportSettings { period_s: 10, frame_s: 60 });
}

#[test]
fn what_is_only_taken_is_kept_until_it_is_safe() {
    let server = StandIn::start(0, &[Manner::Hub]);
    server.know().is_durable_at_once = false;
    let bench = Bench::start(&server);
    bench.measure_and_send(4);
    wait_for("the frame", || server.taken().len() == 4);
    assert_eq!(bench.held(), 4);
    server.say(FromHub::Ack(Ack { answers: None, taken_up_to: 4, durable_up_to: 3, dropped: Vec::new() }));
    wait_for("three to be safe", || bench.held() == 1);
    bench.measure_and_send(1);
    wait_for("the next frame", || server.frames().len() == 2);
    assert_eq!(server.frames(), [vec![1, 2, 3, 4], vec![5]], "what was taken is not sent again");
    assert_eq!(server.count(is_facts), 1);
}

#[test]
fn facts_that_change_go_before_the_next_frame() {
    let server = StandIn::start(0, &[Manner::Hub]);
    let bench = Bench::start(&server);
    bench.measure_and_send(1);
    wait_for("the first frame", || server.frames().len() == 1);
    let facts = HostFacts { mem_total_bytes: Some(1.0), ..HostFacts::default() };
    bench.shared.lock().say(facts.clone(), true);
    bench.measure_and_send(1);
    wait_for("the second frame", || server.frames().len() == 2);
    assert_eq!(server.count(is_facts), 2);
    // What is no news goes when it is told anyway.
    bench.shared.lock().say(facts, false);
    bench.measure_and_send(1);
    wait_for("the third frame", || server.frames().len() == 3);
    assert_eq!(server.count(is_facts), 2);
}

#[test]
fn a_hub_that_forgot_asks_and_gets_everything_once() {
    let server = StandIn::start(0, &[Manner::Hub]);
    server.know().is_durable_at_once = false;
    let bench = Bench::start(&server);
    for round in 1..=3_usize {
        bench.measure_and_send(3);
        wait_for("the frame", || server.taken().len() == 3 * round);
    }
    server.know().forget();
    assert_eq!(server.taken(), all(0));
    bench.measure_and_send(2);
    wait_for("everything", || server.taken().len() == 11);
    server.know().is_durable_at_once = true;
    bench.measure_and_send(1);
    bench.wait_until_safe();
    assert_eq!(server.taken(), all(12));
}

#[test]
fn a_backlog_waits_for_answers() {
    let server = StandIn::start(0, &[Manner::Hub]);
    {
        let mut know = server.know();
        (know.answers, know.settings.window) = (false, 2);
    }
    let bench = Bench::start(&server);
    wait_for("the welcome", || bench.shared.lock().backlog.is_confirmed());
    for _ in 0..4 {
        bench.measure(125);
        bench.shared.lock().backlog.save();
    }
    bench.due();
    wait_for("two frames", || server.frames().len() == 2);
    bench.due();
    let pings = server.count(is_ping);
    server.say(FromHub::Settings(Settings { ping_s: 1, window: 2, ..Settings::default() }));
    wait_for("pings", || server.count(is_ping) > pings + 1);
    assert_eq!(server.frames().len(), 2, "no third one before an answer");
    {
        let mut know = server.know();
        know.answers = true;
        let frames: Vec<_> = know.events.iter().filter(|event| matches!(event, Event::Frame(_))).cloned().collect();
        let Some(Event::Frame(frame)) = frames.last() else { panic!("no frame") };
        let answer = FromHub::Ack(Ack { answers: Some(frame.frame), ..Ack::default() });
        drop(know);
        server.say(answer);
    }
    // The two were never taken: the third one is refused, and everything comes again.
    bench.wait_until_safe();
    assert_eq!(server.taken(), all(500));
    assert!(server.frames().iter().all(|frame| frame.len() <= 120));
}

#[test]
fn a_connection_that_breaks_is_opened_again_and_what_is_not_safe_comes_again() {
    let server = StandIn::start(0, &[Manner::Hub]);
    server.know().is_durable_at_once = false;
    let bench = Bench::start(&server);
    bench.measure_and_send(3);
    wait_for("the first frame", || server.taken().len() == 3);
    server.know().store();
    bench.measure_and_send(2);
    wait_for("the second frame", || server.taken().len() == 5);
    server.know().forget();
    server.order(Order::Cut);
    wait_for("a new connection", || server.count(is_hello) == 2);
    wait_for("the rest", || server.taken().len() == 5);
    assert_eq!(server.frames(), [vec![1, 2, 3], vec![4, 5], vec![4, 5]], "1 to 3 were safe");
    assert_eq!(server.taken(), all(5));
    assert_eq!(server.count(is_facts), 2, "a new connection tells what the host is");
}

#[test]
fn an_agent_without_a_counter_continues_behind_the_hub() {
    let server = StandIn::start(4_000, &[Manner::Hub]);
    let bench = Bench::start(&server);
    bench.measure_and_send(2);
    bench.wait_until_safe();
    assert_eq!(server.taken(), [4_001, 4_002]);
}

#[test]
fn a_hub_that_runs_ahead_ends_the_connection_and_the_next_one_numbers_anew() {
    let server = StandIn::start(0, &[Manner::Hub]);
    let bench = Bench::start(&server);
    bench.measure_and_send(2);
    bench.wait_until_safe();
    server.know().gap = edgewatch_core::domain::stream::gap::Gap::loaded(50, 50);
    server.say(FromHub::Ack(Ack { durable_up_to: 50, ..Ack::default() }));
    wait_for("a new connection", || server.count(is_hello) == 2);
    bench.measure_and_send(1);
    bench.wait_until_safe();
    assert_eq!(server.taken(), [1, 2, 51]);
}

#[test]
fn a_peer_that_falls_silent_is_left() {
    let server = StandIn::start(0, &[Manner::Mute, Manner::Hub]);
    let limits = Limits { silence: Duration::from_millis(200), ..Limits::default() };
    let bench = Bench::with(&server.url(), Transport::Auto, ClientSettings::default(), limits);
    bench.measure_and_send(1);
    bench.wait_until_safe();
    assert_eq!((server.count(is_hello), server.count(is_post)), (2, 0));
    // A frame without an answer, too.
    server.know().answers = false;
    bench.measure_and_send(1);
    wait_for("a new connection", || server.count(is_hello) > 2);
    server.know().answers = true;
    bench.wait_until_safe();
    assert_eq!(server.taken(), all(2));
}

#[test]
fn settings_of_the_welcome_and_later_ones_are_followed() {
    let server = StandIn::start(0, &[Manner::Hub]);
    let report = |period_s, frame_s| ReportSettings { period_s, frame_s };
    server.know().settings = Settings { report: report(20, 120), ping_s: 1, ..Settings::default() };
    let mut bench = Bench::start(&server);
    wait_for("the first settings", || bench.shared.lock().settings == report(20, 120));
    wait_for("pings", || server.count(is_ping) >= 2);
    server.say(FromHub::Settings(Settings { report: report(30, 300), ..Settings::default() }));
    wait_for("the second settings", || bench.shared.lock().settings == report(30, 300));
    assert!(bench.stop());
    let status = bench.status();
    assert!(status.pong_at_s > 0 && status.frame_s == 300, "{status:?}");
}

#[test]
fn live_mode_sends_what_there_is_at_once_and_ends_with_the_connection() {
    let server = StandIn::start(0, &[Manner::Hub]);
    let bench = Bench::start(&server);
    wait_for("the welcome", || bench.shared.lock().backlog.is_confirmed());
    bench.measure(3);
    server.say(FromHub::Settings(Settings { live_for_s: 600, ..Settings::default() }));
    wait_for("the samples so far", || server.frames() == [vec![1, 2, 3]]);
    assert!(bench.shared.lock().is_live(Instant::now()));
    server.say(FromHub::Settings(Settings::default()));
    wait_for("the end of it", || !bench.shared.lock().is_live(Instant::now()));
    server.say(FromHub::Settings(Settings { live_for_s: 600, ..Settings::default() }));
    wait_for("live again", || bench.shared.lock().is_live(Instant::now()));
    server.order(Order::Cut);
    wait_for("a new connection", || server.count(is_hello) == 2);
    assert!(!bench.shared.lock().is_live(Instant::now()));
}

#[test]
fn samples_are_held_while_the_hub_wants_it_and_pings_go_on() {
    let server = StandIn::start(0, &[Manner::Hub]);
    server.know().settings = Settings { hold_for_s: 600, ping_s: 1, ..Settings::default() };
    let bench = Bench::start(&server);
    bench.measure_and_send(200);
    wait_for("pings", || server.count(is_ping) >= 2);
    bench.due();
    assert_eq!((server.frames().len(), bench.held()), (0, 200));
    assert_eq!(Spool::open(bench.directory.path(), SPOOL).held(), 200, "long before memory ends they are on the disk");
    server.say(FromHub::Settings(Settings { ping_s: 1, ..Settings::default() }));
    bench.wait_until_safe();
    assert_eq!(server.taken(), all(200));
}

#[test]
fn a_hold_ends_by_itself() {
    let server = StandIn::start(0, &[Manner::Hub]);
    server.know().settings = Settings { hold_for_s: 1, ..Settings::default() };
    let bench = Bench::start(&server);
    bench.measure_and_send(2);
    bench.wait_until_safe();
    assert_eq!(server.taken(), all(2));
}

#[test]
fn an_agent_that_ends_sends_what_is_left_and_says_goodbye() {
    let server = StandIn::start(70, &[Manner::Hub]);
    let mut bench = Bench::start(&server);
    wait_for("the welcome", || bench.shared.lock().backlog.is_confirmed());
    bench.measure(2);
    assert!(bench.stop());
    assert_eq!(server.taken(), [71, 72]);
    let goodbye = Event::Goodbye(Goodbye { reason: Reason::Restart, ..Goodbye::default() });
    wait_for("the goodbye", || server.know().events.contains(&goodbye));
    let spool = Spool::open(bench.directory.path(), SPOOL);
    assert_eq!((spool.held(), spool.next_number()), (0, 73));
    let status = bench.status();
    assert!(status.is_stopped && status.error.is_none(), "{status:?}");
}

#[test]
fn an_agent_that_ends_without_an_answer_leaves_everything_on_the_disk() {
    let server = StandIn::start(0, &[Manner::Hub]);
    server.know().answers = false;
    let mut bench = Bench::start(&server);
    wait_for("the welcome", || bench.shared.lock().backlog.is_confirmed());
    bench.measure(3);
    let begun = Instant::now();
    assert!(bench.stop());
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(Spool::open(bench.directory.path(), SPOOL).held(), 3);
}

#[test]
fn nothing_is_lost_and_nothing_stored_twice_whatever_happens_to_the_connections() {
    let server = StandIn::start(0, &[Manner::Hub]);
    server.know().is_durable_at_once = false;
    let bench = Bench::start(&server);
    let mut measured = 0;
    let goodbye = FromHub::Goodbye(Goodbye { reason: Reason::Restart, ..Goodbye::default() });
    for round in 0..60_u64 {
        wait_for("a connection", || server.is_open());
        let hellos = server.count(is_hello);
        bench.measure_and_send(5);
        measured += 5;
        // In every second round the fault meets the frame on its way.
        if round % 2 == 0 {
            wait_for("the frame", || server.know().gap.taken() == measured);
        }
        match round % 7 {
            0 | 4 => server.know().store(),
            1 => server.know().forget(),
            2 | 5 => server.order(Order::Cut),
            3 => server.say(goodbye.clone()),
            _ => {}
        }
        if matches!(round % 7, 2 | 3 | 5) {
            wait_for("a new connection", || server.count(is_hello) > hellos);
        }
    }
    server.know().is_durable_at_once = true;
    // A hub that forgot learns of it with the next frame: one more is measured until nothing is missing.
    let mut next = Instant::now();
    wait_for("everything to be safe", || {
        if next <= Instant::now() {
            bench.measure_and_send(1);
            measured += 1;
            next += Duration::from_millis(500);
        }
        bench.held() == 0
    });
    assert_eq!(server.taken(), all(measured));
}
