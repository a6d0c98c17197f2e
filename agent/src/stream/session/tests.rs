use edgewatch_core::dialects::native::stream::{Ack, Welcome};
use edgewatch_core::dialects::native::{Sample, Temperature};

use edgewatch_core::dialects::native::HostFacts;

use super::*;
use crate::backlog::Backlog;
use crate::shared::Shared;
use crate::spool::{Limits, Spool};
use crate::status::StatusFile;
use crate::testing::TestDirectory;

/// A session with a state of its own and a clock that is set by hand.
struct Bench {
    session: Session,
    shared: std::sync::Arc<Shared>,
    record: Record,
    begun: Instant,
    _directory: TestDirectory,
}

impl Bench {
    fn new() -> Self {
        let directory = TestDirectory::new();
        let spool = Spool::open(directory.path(), Limits { samples: 8_640, bytes: 8 << 20 });
        let shared = Shared::new(Backlog::new(spool), HostFacts::default(), (10, 60)).unwrap();
        let record = Record::new(StatusFile::new(directory.path(), "https://a.example.com", 10));
        let begun = Instant::now();
        Self { session: Session::new(begun, DEAD_AFTER), shared, record, begun, _directory: directory }
    }

    fn welcomed(settings: Settings) -> Self {
        let mut bench = Self::new();
        bench.receive(0, &FromHub::Welcome(Welcome { durable_up_to: 0, time_ms: clock::now_ms(), settings })).unwrap();
        bench
    }

    fn at(&self, seconds: u64) -> Instant {
        self.begun + Duration::from_secs(seconds)
    }

    fn receive(&mut self, seconds: u64, message: &FromHub) -> Result<(), Ended> {
        self.session.heard(None);
        let (bytes, now) = (message.encode().unwrap(), self.at(seconds));
        self.session.receive(&bytes, &mut self.shared.lock(), &mut self.record, now)
    }

    fn measure(&self, samples: usize) {
        let mut state = self.shared.lock();
        (0..samples).for_each(|_| state.backlog.add(Sample { at_ms: clock::now_ms(), ..Sample::default() }));
        state.is_due = true;
    }

    /// Everything that is sent at that time: pings, facts, and the numbers of frames.
    fn said(&mut self, seconds: u64) -> Vec<String> {
        let mut said = Vec::new();
        let now = self.at(seconds);
        while let Some(outgoing) = self.session.next(&mut self.shared.lock(), &mut self.record, now).unwrap() {
            said.push(match outgoing {
                Outgoing::Ping => "ping".to_owned(),
                Outgoing::Message(bytes) => match FromAgent::decode(&bytes).unwrap() {
                    FromAgent::Facts(_) => "facts".to_owned(),
                    FromAgent::Frame(frame) => format!(
                        "{}-{} of {}",
                        frame.samples[0].number,
                        frame.samples.last().unwrap().number,
                        frame.oldest
                    ),
                    message => panic!("{message:?}"),
                },
            });
        }
        said
    }

    fn ack(&mut self, seconds: u64, answers: u64, durable_up_to: u64) {
        let ack = Ack { answers: Some(answers), taken_up_to: durable_up_to, durable_up_to, dropped: Vec::new() };
        self.receive(seconds, &FromHub::Ack(ack)).unwrap();
    }
}

#[test]
fn nothing_is_said_before_the_welcome() {
    let mut bench = Bench::new();
    bench.measure(3);
    assert!(bench.said(15).is_empty());
    bench.receive(15, &FromHub::Ack(Ack { durable_up_to: 99, ..Ack::default() })).unwrap();
    assert_eq!(bench.shared.lock().backlog.durable_up_to(), 0, "an answer to nothing");
}

#[test]
fn pings_go_out_at_their_times_whatever_else_is_said() {
    let mut bench = Bench::welcomed(Settings::default());
    let mut pings = 0;
    for second in 1..=60 {
        bench.measure(1);
        let said = bench.said(second);
        pings += said.iter().filter(|said| *said == "ping").count();
        bench.ack(second, second, second);
    }
    // One that is due within a second goes along with a frame: every nine seconds here.
    assert_eq!(pings, 6);
    let wanted = Settings { ping_s: 30, ..Settings::default() };
    bench.receive(60, &FromHub::Settings(wanted)).unwrap();
    let next = bench.session.deadline(&bench.shared.lock()).unwrap();
    assert!(next <= bench.at(70), "the next one is not put off");
}

#[test]
fn a_peer_that_answers_nothing_for_half_a_minute_is_dead() {
    let mut bench = Bench::welcomed(Settings::default());
    assert_eq!(bench.session.judge(bench.at(10_000)), Ok(()), "nobody asked anything");
    assert_eq!(bench.said(10), ["ping"]);
    assert_eq!(bench.said(20), ["ping"]);
    assert_eq!(bench.session.judge(bench.at(39)), Ok(()));
    assert_eq!(bench.session.deadline(&bench.shared.lock()), Some(bench.at(30)));
    assert!(matches!(bench.session.judge(bench.at(40)), Err(Ended::Lost(_))));
    assert!(bench.session.heard(Some(PONG)));
    assert_eq!(bench.session.judge(bench.at(40)), Ok(()));
    let mut unwelcome = Bench::new();
    let (state, now) = (std::sync::Arc::clone(&unwelcome.shared), unwelcome.at(0));
    unwelcome.session.hello(&state.lock(), &unwelcome.record, now).unwrap();
    assert!(matches!(unwelcome.session.judge(unwelcome.at(30)), Err(Ended::Futile(_))));
}

#[test]
fn a_hub_that_answers_pings_and_no_frame_is_left_after_a_minute() {
    let mut bench = Bench::welcomed(Settings::default());
    bench.measure(1);
    assert_eq!(bench.said(0), ["facts", "1-1 of 1"]);
    for second in (10..60).step_by(10) {
        bench.said(second);
        bench.session.heard(Some(PONG));
        assert_eq!(bench.session.judge(bench.at(second)), Ok(()));
    }
    assert!(matches!(bench.session.judge(bench.at(60)), Err(Ended::Lost(_))));
}

#[test]
fn what_is_not_due_is_kept() {
    let mut bench = Bench::welcomed(Settings::default());
    bench.measure(3);
    assert_eq!(bench.said(0), ["facts", "1-3 of 1"]);
    bench.measure(2);
    bench.shared.lock().is_due = false;
    assert!(bench.said(1).is_empty());
    bench.measure(1);
    assert_eq!(bench.said(2), ["4-6 of 1"]);
}

#[test]
fn a_large_backlog_goes_in_frames_as_answers_come() {
    let mut bench = Bench::welcomed(Settings { window: 2, ..Settings::default() });
    bench.measure(300);
    assert_eq!(bench.said(0), ["facts", "1-120 of 1", "121-240 of 1"]);
    bench.ack(1, 1, 120);
    assert_eq!(bench.said(1), ["241-300 of 121"]);
    assert!(!bench.session.is_answered());
    bench.ack(1, 3, 300);
    assert!(bench.session.is_answered() && bench.session.has_delivered());
    assert!(bench.session.is_all_sent(&bench.shared.lock()));
}

#[test]
fn what_the_hub_asks_for_goes_at_once() {
    let mut bench = Bench::welcomed(Settings::default());
    bench.measure(6);
    bench.said(0);
    bench.receive(0, &FromHub::Resend(Resend { answers: 1, from: 3 })).unwrap();
    assert!(!bench.session.is_all_sent(&bench.shared.lock()));
    assert_eq!(bench.said(1), ["3-6 of 1"]);
    bench.receive(1, &FromHub::Resend(Resend { answers: 2, from: 3 })).unwrap();
    bench.said(1);
    let again = FromHub::Resend(Resend { answers: 3, from: 3 });
    assert!(matches!(bench.receive(1, &again), Err(Ended::Lost(_))), "the third time it is no use");
}

#[test]
fn a_hole_that_the_hub_asks_for_is_said_to_be_gone() {
    let mut bench = Bench::welcomed(Settings::default());
    bench.measure(6);
    bench.shared.lock().backlog.remove(3);
    assert_eq!(bench.said(0), ["facts", "1-2 of 1", "4-6 of 1"]);
    bench.receive(0, &FromHub::Resend(Resend { answers: 2, from: 3 })).unwrap();
    assert_eq!(bench.said(0), ["4-6 of 4"]);
}

#[test]
fn a_frame_that_is_too_long_is_cut_in_two() {
    let mut bench = Bench::welcomed(Settings::default());
    bench.measure(0);
    let name = |index: i32| format!("{index:064}");
    for number in 1..=120_u32 {
        // Values that no two samples share pack badly.
        let sensor = |index| Temperature { name: name(index), celsius: f64::from(number).sqrt() + f64::from(index) };
        let sample =
            Sample { at_ms: clock::now_ms(), temperatures: (0..64).map(sensor).collect(), ..Sample::default() };
        bench.shared.lock().backlog.add(sample);
    }
    let said = bench.said(0);
    assert_eq!(said[..2], ["facts", "1-60 of 1"]);
}

#[test]
fn facts_are_told_again_after_six_hours_and_with_a_frame() {
    let mut bench = Bench::welcomed(Settings { ping_s: 60, ..Settings::default() });
    bench.measure(1);
    assert_eq!(bench.said(0), ["facts", "1-1 of 1"]);
    bench.ack(0, 1, 1);
    assert_eq!(bench.said(21_601), ["ping"]);
    bench.measure(1);
    assert_eq!(bench.said(21_602), ["facts", "2-2 of 2"]);
}

#[test]
fn a_hold_and_live_mode_have_their_ends() {
    let mut bench = Bench::welcomed(Settings { hold_for_s: 60, ping_s: 60, ..Settings::default() });
    bench.measure(2);
    assert!(bench.said(30).is_empty());
    assert_eq!(bench.session.deadline(&bench.shared.lock()), Some(bench.at(60)));
    assert_eq!(bench.said(60), ["ping", "facts", "1-2 of 1"]);
    let live = Settings { live_for_s: 600, ..Settings::default() };
    bench.receive(100, &FromHub::Settings(live)).unwrap();
    let state = bench.shared.lock();
    assert!(state.is_live(bench.at(699)) && !state.is_live(bench.at(700)));
}

#[test]
fn who_ends_sends_what_was_held_back() {
    let mut bench = Bench::welcomed(Settings { hold_for_s: 600, ..Settings::default() });
    bench.measure(2);
    Session::send_all(&mut bench.shared.lock());
    assert_eq!(bench.said(1), ["facts", "1-2 of 1"]);
}

#[test]
fn samples_that_grew_too_old_are_not_sent() {
    let mut bench = Bench::welcomed(Settings::default());
    let day_ago = clock::now_ms() - 25 * 3_600_000;
    for at_ms in [day_ago, day_ago, clock::now_ms()] {
        bench.shared.lock().backlog.add(Sample { at_ms, ..Sample::default() });
    }
    bench.shared.lock().is_due = true;
    assert_eq!(bench.said(0), ["facts", "3-3 of 3"]);
    assert!(bench.record.is_outdated_told());
    bench.ack(0, 1, 3);
    assert!(!bench.record.is_outdated_told());
}

#[test]
fn messages_that_cannot_be_read_end_the_connection_and_unknown_ones_do_not() {
    let mut bench = Bench::welcomed(Settings::default());
    bench.receive(0, &FromHub::Unknown(99)).unwrap();
    let now = bench.at(0);
    let ended = bench.session.receive(b"\x01\x11\xff", &mut bench.shared.lock(), &mut bench.record, now);
    assert!(matches!(ended, Err(Ended::Lost(_))));
    let goodbye = Goodbye { reason: Reason::Busy, spread_s: 7, ..Goodbye::default() };
    assert_eq!(bench.receive(0, &FromHub::Goodbye(goodbye.clone())), Err(Ended::Goodbye(goodbye)));
}
