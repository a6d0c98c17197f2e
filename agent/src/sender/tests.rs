//! The sender against a server of a few lines on loopback that answers as told and keeps what it got.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use edgewatch_core::dialects::native::{HostFacts, ReportSettings, Sample};

use super::*;
use crate::backlog::Backlog;
use crate::config::Transport;
use crate::push::https::{Client, Settings};
use crate::reporter::Reporter;
use crate::spool::{Limits, Spool};
use crate::status::{Status, StatusFile};
use crate::testing::TestDirectory;

const LIMITS: Limits = Limits { samples: 8_640, bytes: 8 << 20 };

/// What the server does with one request.
#[derive(Debug, Clone, Copy)]
enum Answer {
    /// Takes it as the contract says, from the state it keeps.
    Contract,
    /// Takes it, then closes without an answer.
    LoseReply,
    /// Answers with this status and these headers.
    Status(u16, &'static str),
    /// Refuses every report that holds this sample's time; takes the others.
    RefuseSample(i64),
    /// Refuses every report with facts; takes the others.
    RefuseFacts,
    /// Breaks on every report with more samples than this; takes the others.
    BreakAbove(usize),
}

#[derive(Debug)]
struct Got {
    authorization: String,
    report: ReportRequest,
}

/// The server: the number of the newest sample it has, and what it does next.
struct Server {
    url: String,
    got: Receiver<Got>,
}

fn serve(durable: u64, answers: Vec<Answer>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, got) = channel();
    thread::spawn(move || {
        let mut state = durable;
        let mut answers = answers.into_iter();
        let mut last = Answer::Contract;
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            while let Some(request) = read_request(&mut reader) {
                last = answers.next().unwrap_or(last);
                let keeps = respond(reader.get_mut(), &last, &request, &mut state);
                if tell.send(request).is_err() || !keeps {
                    break;
                }
            }
        }
    });
    Server { url, got }
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Got> {
    let (mut length, mut authorization) = (0, String::new());
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if lower.starts_with("authorization:") {
            authorization = line["authorization:".len()..].trim().to_owned();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Got { authorization, report: serde_json::from_slice(&body).unwrap() })
}

/// False when the connection is to be closed.
fn respond(stream: &mut TcpStream, answer: &Answer, request: &Got, durable: &mut u64) -> bool {
    let report = &request.report;
    let refuses = match answer {
        Answer::RefuseSample(at_ms) => report.samples.iter().any(|sample| sample.at_ms == *at_ms),
        Answer::RefuseFacts => report.host.is_some(),
        Answer::BreakAbove(most) => report.samples.len() > *most,
        _ => false,
    };
    let (status, headers, body) = match answer {
        Answer::Status(status, headers) => {
            (*status, *headers, r#"{"error":{"code":"x","message":"because"}}"#.to_owned())
        }
        Answer::BreakAbove(_) if refuses => (503, "", "error code: 1102".to_owned()),
        _ if refuses => (400, "", r#"{"error":{"code":"bad_request","message":"no"}}"#.to_owned()),
        _ => {
            let mut resend_from = None;
            if let Some(first) = report.samples.first().map(|sample| sample.number) {
                if first > *durable + 1 && report.oldest < first {
                    resend_from = Some(*durable + 1);
                } else {
                    *durable = (*durable).max(report.samples.last().unwrap().number);
                }
            }
            let settings = ReportSettings { period_s: 10, frame_s: 60 };
            let reply = ReportReply {
                durable_up_to: *durable,
                resend_from,
                dropped: Vec::new(),
                time_ms: clock::now_ms(),
                settings,
                probes: None,
            };
            (200, "", serde_json::to_string(&reply).unwrap())
        }
    };
    if matches!(answer, Answer::LoseReply) {
        return false;
    }
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
    .unwrap();
    true
}

struct Bench {
    sender: Sender,
    shared: Arc<Shared>,
    directory: TestDirectory,
    server: Server,
}

impl Bench {
    fn new(durable: u64, answers: Vec<Answer>) -> Self {
        Self::with(TestDirectory::new(), serve(durable, answers))
    }

    fn with(directory: TestDirectory, server: Server) -> Self {
        let settings = Settings { timeout: Duration::from_secs(5), ..Settings::default() };
        let client = Client::new(&settings).unwrap();
        let pusher = Pusher::new(client, &server.url, "Yejw9jNvi4GJhxTMZg");
        let sender = Sender::new(pusher, Record::new(StatusFile::new(directory.path(), &server.url, 10)));
        let facts = HostFacts { platform: Some("debian".to_owned()), ..HostFacts::default() };
        let shared = Shared::new(Backlog::new(Spool::open(directory.path(), LIMITS)), facts, (10, 10)).unwrap();
        Self { sender, shared, directory, server }
    }

    fn measure(&self, times: std::ops::RangeInclusive<i64>) {
        let mut state = self.shared.lock();
        times.for_each(|at_ms| state.backlog.add(Sample { at_ms, ..Sample::default() }));
    }

    fn attempt(&mut self) -> (Next, Got) {
        let next = self.sender.attempt(&self.shared);
        (next, self.server.got.recv_timeout(Duration::from_secs(5)).unwrap())
    }

    fn held(&self) -> u64 {
        self.shared.lock().backlog.held()
    }
}

fn numbers(got: &Got) -> Vec<u64> {
    got.report.samples.iter().map(|sample| sample.number).collect()
}

#[test]
fn the_first_report_asks_and_the_second_brings_samples_and_facts() {
    let mut bench = Bench::new(0, vec![Answer::Contract]);
    bench.measure(1..=2);
    let (_, asked) = bench.attempt();
    assert_eq!(asked.authorization, "Bearer Yejw9jNvi4GJhxTMZg");
    assert!(asked.report.samples.is_empty() && asked.report.host.is_none());
    let (next, sent) = bench.attempt();
    assert_eq!((numbers(&sent), sent.report.oldest, next), (vec![1, 2], 1, Next::Idle));
    assert!(sent.report.host.is_some());
    assert_eq!(bench.held(), 0);
    bench.measure(3..=3);
    let (_, sent) = bench.attempt();
    assert!(sent.report.host.is_none(), "facts are sent once");
    assert_eq!(bench.shared.lock().settings, ReportSettings { period_s: 10, frame_s: 60 });
}

#[test]
fn facts_that_change_are_sent_again() {
    let mut bench = Bench::new(0, vec![Answer::Contract]);
    bench.attempt();
    bench.measure(1..=1);
    bench.attempt();
    bench.measure(2..=2);
    let facts = HostFacts { mem_total_bytes: Some(1.0), ..HostFacts::default() };
    bench.shared.lock().say(facts, true);
    let (_, sent) = bench.attempt();
    assert_eq!(sent.report.host.unwrap().mem_total_bytes, Some(1.0));
}

#[test]
fn a_lost_reply_is_sent_again_and_stored_once() {
    let mut bench = Bench::new(0, vec![Answer::Contract, Answer::LoseReply, Answer::LoseReply, Answer::Contract]);
    bench.attempt();
    bench.measure(1..=3);
    let (next, first) = bench.attempt();
    assert!(matches!(next, Next::After(_)));
    assert_eq!(numbers(&bench.server.got.recv().unwrap()), [1, 2, 3], "a closed connection is tried anew at once");
    assert_eq!(bench.held(), 3);
    bench.measure(4..=4);
    let (_, second) = bench.attempt();
    assert_eq!((numbers(&first), numbers(&second)), (vec![1, 2, 3], vec![1, 2, 3, 4]));
    assert_eq!(bench.held(), 0);
}

#[test]
fn an_agent_without_a_counter_continues_behind_the_server() {
    let mut bench = Bench::new(4_000, vec![Answer::Contract]);
    bench.measure(1..=3);
    bench.attempt();
    let (_, sent) = bench.attempt();
    assert_eq!((numbers(&sent), sent.report.oldest), (vec![4_001, 4_002, 4_003], 4_001));
    assert_eq!(bench.held(), 0);
}

#[test]
fn a_backlog_drains_in_several_reports_with_pauses() {
    let mut bench = Bench::new(0, vec![Answer::Contract]);
    for start in 0..8 {
        bench.measure(start * 100..=start * 100 + 99);
        bench.shared.lock().backlog.save();
    }
    bench.attempt();
    let mut reports = Vec::new();
    loop {
        let (next, sent) = bench.attempt();
        reports.push((*numbers(&sent).first().unwrap(), sent.report.samples.len()));
        match next {
            Next::Idle => break,
            Next::After(wait) => assert!(wait >= PAUSE / 2),
        }
    }
    assert_eq!(
        reports,
        [(1, 120), (121, 120), (241, 120), (361, 120), (481, 120), (601, 120), (721, 80)],
        "no report is larger than one may be"
    );
    assert_eq!(bench.held(), 0);
}

#[test]
fn what_a_busy_server_asks_for_is_waited_and_samples_go_to_the_disk() {
    let mut bench =
        Bench::new(0, vec![Answer::Contract, Answer::Status(429, "Retry-After: 120\r\n"), Answer::Contract]);
    bench.attempt();
    bench.measure(1..=2);
    let (next, _) = bench.attempt();
    let Next::After(wait) = next else { panic!("{next:?}") };
    assert!(wait >= Duration::from_mins(2) && wait <= Duration::from_secs(133), "{wait:?}");
    assert_eq!(Spool::open(bench.directory.path(), LIMITS).held(), 2);
    bench.attempt();
    assert_eq!(bench.held(), 0);
    assert_eq!(Spool::open(bench.directory.path(), LIMITS).held(), 0);
}

#[test]
fn a_redirect_is_not_followed_and_samples_are_kept() {
    let elsewhere = serve(0, vec![Answer::Contract]);
    let header: &'static str = format!("Location: {}/agent/v1/reports\r\n", elsewhere.url).leak();
    let mut bench = Bench::new(0, vec![Answer::Contract, Answer::Status(307, header)]);
    bench.attempt();
    bench.measure(1..=1);
    let (next, _) = bench.attempt();
    assert!(matches!(next, Next::After(_)));
    assert!(elsewhere.got.try_recv().is_err(), "the secret must not travel");
    assert!(Status::read(bench.directory.path()).unwrap().error.unwrap().contains("redirects"));
    assert_eq!(bench.held(), 1);
}

#[test]
fn a_secret_that_is_not_accepted_is_tried_hourly_until_it_is() {
    let mut bench = Bench::new(0, vec![Answer::Status(401, ""), Answer::Status(401, ""), Answer::Contract]);
    bench.measure(1..=1);
    for _ in 0..2 {
        let (next, _) = bench.attempt();
        assert!(matches!(next, Next::After(wait) if wait >= UNAUTHORIZED_WAIT));
        assert!(bench.sender.is_unauthorized);
    }
    assert!(Status::read(bench.directory.path()).unwrap().judge(clock::now_s()).unwrap_err().contains("401"));
    bench.attempt();
    assert!(!bench.sender.is_unauthorized);
    bench.attempt();
    assert_eq!(bench.held(), 0);
}

#[test]
fn a_sample_that_is_refused_is_found_dropped_and_counted() {
    let mut bench = Bench::new(0, vec![Answer::Contract, Answer::RefuseSample(13)]);
    bench.attempt();
    bench.measure(1..=40);
    let mut reports = 0;
    while bench.held() > 0 {
        bench.attempt();
        reports += 1;
        assert!(reports < 30, "an endless loop");
    }
    assert_eq!(bench.sender.record.refused_samples, 1);
    bench.measure(41..=41);
    let (_, sent) = bench.attempt();
    assert_eq!((numbers(&sent), sent.report.dropped_samples), (vec![41], 1));
}

#[test]
fn a_report_that_gets_no_answer_again_and_again_is_made_smaller() {
    let mut bench = Bench::new(0, vec![Answer::Contract, Answer::BreakAbove(3)]);
    bench.attempt();
    bench.measure(1..=9);
    let mut sizes = Vec::new();
    while bench.held() > 0 {
        let (next, sent) = bench.attempt();
        let is_waiting = bench.sender.backoff.is_waiting();
        assert!(next == Next::Idle || is_waiting || matches!(next, Next::After(wait) if wait <= PAUSE), "{next:?}");
        sizes.push(sent.report.samples.len());
        assert!(sizes.len() < 30, "an endless loop: {sizes:?}");
    }
    assert_eq!(sizes, [9, 9, 9, 4, 4, 4, 2, 4, 4, 4, 2, 4, 4, 4, 2, 3]);
    bench.measure(10..=12);
    bench.attempt();
    assert_eq!(bench.sender.most, 16, "it grows back");
}

#[test]
fn a_server_that_is_only_busy_gets_the_same_report_again() {
    let busy = [Answer::Status(503, "Retry-After: 1\r\n"), Answer::Status(429, ""), Answer::Status(404, "")];
    for answer in busy {
        let mut bench = Bench::new(0, vec![Answer::Contract, answer]);
        bench.attempt();
        bench.measure(1..=9);
        for _ in 0..6 {
            let (_, sent) = bench.attempt();
            assert_eq!(sent.report.samples.len(), 9);
        }
    }
}

#[test]
fn an_answer_between_two_silences_makes_no_report_smaller() {
    let (broken, busy) = (Answer::Status(500, ""), Answer::Status(429, ""));
    let answers = [&[Answer::Contract][..], &[broken, broken, busy].repeat(3)].concat();
    let mut bench = Bench::new(0, answers);
    bench.attempt();
    bench.measure(1..=9);
    (0..9).for_each(|_| drop(bench.attempt()));
    assert_eq!(bench.sender.most, ReportRequest::MAX_SAMPLES);
}

#[test]
fn a_single_sample_without_an_answer_stays_what_it_is() {
    let mut bench = Bench::new(0, vec![Answer::Contract, Answer::Status(500, "")]);
    bench.attempt();
    bench.measure(1..=1);
    (0..7).for_each(|_| drop(bench.attempt()));
    assert_eq!((bench.sender.most, bench.held()), (ReportRequest::MAX_SAMPLES, 1));
}

#[test]
fn samples_too_old_for_the_server_are_not_sent_and_counted() {
    let mut bench = Bench::new(0, vec![Answer::Contract]);
    bench.attempt();
    let now_ms = clock::now_ms();
    bench.measure(now_ms - 25 * 3_600_000..=now_ms - 25 * 3_600_000 + 4);
    bench.measure(now_ms..=now_ms + 1);
    let (_, sent) = bench.attempt();
    assert_eq!((numbers(&sent), sent.report.oldest, sent.report.dropped_samples), (vec![6, 7], 6, 5));
    assert_eq!(bench.held(), 0);
    assert!(!bench.sender.record.is_outdated_told(), "the next time is another episode");
}

#[test]
fn samples_that_grow_too_old_are_told_once_until_everything_is_sent() {
    let mut bench = Bench::new(0, vec![Answer::Contract, Answer::Status(503, ""), Answer::Contract]);
    bench.attempt();
    let old_ms = clock::now_ms() - 30 * 3_600_000;
    bench.measure(old_ms..=old_ms);
    assert_eq!(bench.sender.attempt(&bench.shared), Next::Idle, "nothing is left to send");
    assert!(bench.sender.record.is_outdated_told());
    bench.measure(clock::now_ms()..=clock::now_ms());
    bench.attempt();
    assert!(bench.sender.record.is_outdated_told(), "the server is away: the episode goes on");
    bench.attempt();
    assert!(!bench.sender.record.is_outdated_told());
}

#[test]
fn our_own_slower_reports_are_told() {
    let mut bench = Bench::new(0, vec![Answer::Contract]);
    bench.shared =
        Shared::new(Backlog::new(Spool::open(bench.directory.path(), LIMITS)), HostFacts::default(), (60, 300))
            .unwrap();
    let (_, asked) = bench.attempt();
    assert_eq!((asked.report.period_s, asked.report.frame_s), (60.0, Some(300.0)));
    bench.measure(1..=1);
    bench.shared.lock().frame_s = 600;
    let (_, sent) = bench.attempt();
    assert_eq!(sent.report.frame_s, Some(600.0));
}

#[test]
fn facts_that_are_refused_are_left_out() {
    let mut bench = Bench::new(0, vec![Answer::RefuseFacts]);
    bench.attempt();
    bench.measure(1..=1);
    let (_, refused) = bench.attempt();
    assert!(refused.report.host.is_some());
    let (_, sent) = bench.attempt();
    assert!(sent.report.host.is_none());
    assert_eq!((numbers(&sent), bench.held()), (vec![1], 0));
}

#[test]
fn a_server_that_asks_for_earlier_samples_gets_them() {
    let mut bench = Bench::new(0, vec![Answer::Contract]);
    bench.attempt();
    bench.measure(1..=3);
    let taken = ReportReply {
        durable_up_to: 0,
        resend_from: None,
        dropped: Vec::new(),
        time_ms: clock::now_ms(),
        settings: ReportSettings::default(),
        probes: None,
    };
    // A server that took three samples and lost them before they were safe.
    bench.shared.lock().backlog.settle(&taken, Some(3));
    bench.measure(4..=4);
    let (next, first) = bench.attempt();
    assert_eq!((numbers(&first), first.report.oldest, next), (vec![4], 1, Next::After(Duration::ZERO)));
    let (_, second) = bench.attempt();
    assert_eq!((numbers(&second), bench.held()), (vec![1, 2, 3, 4], 0));
}

#[test]
fn a_server_that_is_away_is_tried_again_ever_later() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (_, got) = channel();
    let server = Server { url: format!("http://{closed}"), got };
    let mut bench = Bench::with(TestDirectory::new(), server);
    bench.measure(1..=1);
    for _ in 0..12 {
        let next = bench.sender.attempt(&bench.shared);
        assert!(matches!(next, Next::After(wait) if wait <= Duration::from_mins(5)), "{next:?}");
    }
    assert_eq!(bench.held(), 1);
    assert!(Status::read(bench.directory.path()).unwrap().error.is_some());
}

#[test]
fn the_end_sends_what_is_left_and_keeps_the_numbering() {
    let mut bench = Bench::new(70, vec![Answer::Contract]);
    bench.attempt();
    bench.measure(1..=2);
    bench.shared.lock().is_stopping = true;
    let Bench { sender, shared, directory, server } = bench;
    Reporter::new(sender, None, Transport::Post).run(&shared);
    let sent = server.got.recv_timeout(Duration::from_secs(5)).unwrap();
    assert_eq!(numbers(&sent), [71, 72]);
    let spool = Spool::open(directory.path(), LIMITS);
    assert_eq!((spool.held(), spool.next_number()), (0, 73));
    assert!(Status::read(directory.path()).unwrap().is_stopped);
}

#[test]
fn the_end_without_a_server_leaves_everything_on_the_disk() {
    let mut bench = Bench::new(70, vec![Answer::Contract, Answer::Status(503, "")]);
    bench.attempt();
    bench.measure(1..=2);
    bench.shared.lock().is_stopping = true;
    let Bench { sender, shared, directory, .. } = bench;
    Reporter::new(sender, None, Transport::Post).run(&shared);
    let mut spool = Spool::open(directory.path(), LIMITS);
    assert_eq!(spool.read(0, 10).iter().map(|sample| sample.number).collect::<Vec<_>>(), [71, 72]);
}
