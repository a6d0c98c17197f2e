//! The simulated agents against a hub of a few lines: what they hold, send again and forget is what the rules say.

use std::collections::HashMap;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use edgewatch_core::dialects::native::stream::{Ack, FromAgent, FromHub, PING, PONG, Resend, Settings, Welcome};
use edgewatch_core::domain::stream::gap::{Gap, Verdict};
use tungstenite::handshake::server::{Request, Response};
use tungstenite::{Message, WebSocket};

use super::*;

/// How far a host is, and what was taken from it: numbers and marks.
type Host = (Gap, Vec<(u64, u64)>);

/// Hosts by their bearer.
#[derive(Default)]
struct Hub {
    hosts: Mutex<HashMap<String, Host>>,
    /// The next so many frames are lost with the connection.
    drops: AtomicU64,
    live_for_s: AtomicU64,
}

impl Hub {
    fn start() -> (Arc<Self>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let hub = Arc::new(Self::default());
        let of_thread = Arc::clone(&hub);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let hub = Arc::clone(&of_thread);
                thread::spawn(move || hub.serve(stream));
            }
        });
        (hub, address)
    }

    #[expect(clippy::result_large_err, reason = "the library's callback is of this type")]
    fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut bearer = String::new();
        let callback = |request: &Request, response: Response| {
            bearer = request.headers()["authorization"].to_str().unwrap_or_default().to_owned();
            Ok(response)
        };
        let mut socket = tungstenite::accept_hdr(stream, callback).ok()?;
        loop {
            let answer = match socket.read().ok()? {
                Message::Text(text) if text.as_str() == PING => {
                    socket.send(Message::text(PONG)).ok()?;
                    continue;
                }
                Message::Binary(bytes) => self.answer(&bearer, FromAgent::decode(&bytes).unwrap())?,
                _ => continue,
            };
            for message in answer {
                send(&mut socket, &message)?;
            }
        }
    }

    fn answer(&self, bearer: &str, message: FromAgent) -> Option<Vec<FromHub>> {
        let mut hosts = self.hosts.lock().unwrap();
        let (gap, taken) = hosts.entry(bearer.to_owned()).or_insert_with(|| (Gap::loaded(0, 0), Vec::new()));
        Some(match message {
            FromAgent::Hello(_) => {
                let live_for_s = u32::try_from(self.live_for_s.load(Ordering::SeqCst)).unwrap();
                let settings = Settings { live_for_s, ..Settings::default() };
                vec![FromHub::Welcome(Welcome { durable_up_to: gap.durable(), time_ms: 0, settings })]
            }
            FromAgent::Frame(frame) => {
                if self.drops.load(Ordering::SeqCst) > 0 {
                    self.drops.fetch_sub(1, Ordering::SeqCst);
                    return None;
                }
                let first = frame.samples.first().map_or(0, |sample| sample.number);
                match gap.frame(frame.oldest, first, frame.samples.len() as u64) {
                    Verdict::Take { skip } => {
                        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "marks are whole")]
                        let marks =
                            frame.samples.iter().skip(skip).map(|one| (one.number, one.uptime_s.unwrap() as u64));
                        taken.extend(marks);
                        let begun = gap.snapshot();
                        gap.stored(begun);
                    }
                    Verdict::Repeat => {}
                    Verdict::Resend { from } => {
                        return Some(vec![FromHub::Resend(Resend { answers: frame.frame, from })]);
                    }
                    Verdict::NotLoaded => unreachable!("it is loaded"),
                }
                let (taken_up_to, durable_up_to) = (gap.taken(), gap.durable());
                vec![FromHub::Ack(Ack { answers: Some(frame.frame), taken_up_to, durable_up_to, dropped: Vec::new() })]
            }
            _ => Vec::new(),
        })
    }

    fn taken(&self, secret: &str) -> Vec<(u64, u64)> {
        self.hosts.lock().unwrap().get(&format!("Bearer {secret}")).map(|(_, taken)| taken.clone()).unwrap_or_default()
    }
}

fn send(socket: &mut WebSocket<TcpStream>, message: &FromHub) -> Option<()> {
    socket.send(Message::binary(message.encode().unwrap())).ok()
}

fn fleet(address: String, agents: u64) -> Fleet {
    let hosts: Vec<TestHost> = (1..=agents).map(|id| TestHost { id, secret: format!("secret-{id}") }).collect();
    let options = Options {
        address,
        spread: Duration::from_millis(20),
        haste: 20,
        period_s: 1,
        frame_samples: 60,
        spool: 10_000,
        begun: Instant::now(),
        wall_ms: 0,
    };
    Fleet::new(&hosts, options)
}

fn pass(fleet: &mut Fleet, steps: u64) {
    for _ in 0..steps {
        fleet.pass(Duration::from_secs(10));
        assert_eq!(fleet.settle(Duration::from_secs(10)), 0, "agents wait: {:?}", fleet.counters());
    }
}

#[test]
fn a_frame_a_minute_and_each_sample_once() {
    let (hub, address) = Hub::start();
    let mut fleet = fleet(address, 12);
    pass(&mut fleet, 60);
    let counters = fleet.counters();
    assert_eq!((counters.resent, counters.resends, counters.cut), (0, 0, 0));
    assert!((12 * 9..=12 * 11).contains(&counters.frames), "{counters:?}");
    for agent in &fleet.agents {
        let taken = hub.taken(&format!("secret-{}", agent.host));
        assert!((54..=60).contains(&taken.len()), "{}", taken.len());
        assert!((1..).zip(&taken).all(|(expected, taken)| *taken == (expected, expected)));
        assert_eq!(agent.durable_marks.len(), taken.len());
        assert_eq!(agent.spooled(), 60 - taken.len());
    }
}

#[test]
fn a_live_agent_sends_every_sample_and_stops_by_itself() {
    let (hub, address) = Hub::start();
    hub.live_for_s.store(90, Ordering::SeqCst);
    let mut fleet = fleet(address, 1);
    fleet.settle(Duration::from_secs(10));
    pass(&mut fleet, 8);
    assert_eq!(fleet.counters().frames, 8);
    pass(&mut fleet, 60);
    assert!((17..=20).contains(&fleet.counters().frames), "{}", fleet.counters().frames);
}

#[test]
fn what_was_lost_on_the_way_is_sent_again_and_a_lost_counter_is_numbered_anew() {
    let (hub, address) = Hub::start();
    let mut fleet = fleet(address, 4);
    pass(&mut fleet, 12);
    hub.drops.store(3, Ordering::SeqCst);
    pass(&mut fleet, 12);
    fleet.agents[0].kill();
    fleet.agents[1].wipe();
    pass(&mut fleet, 24);
    let counters = fleet.counters();
    assert!(counters.cut >= 3 && counters.resent > 0 && counters.renumbered == 1, "{counters:?}");
    for agent in &fleet.agents {
        let taken = hub.taken(&format!("secret-{}", agent.host));
        let numbers: Vec<u64> = taken.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, (1..=taken.len() as u64).collect::<Vec<_>>());
        let marks: Vec<u64> = taken.iter().map(|(_, mark)| *mark).collect();
        assert!(marks.is_sorted_by(|a, b| a < b), "none twice");
        assert_eq!(marks, agent.durable_marks);
        assert_eq!(agent.measured(), 48);
    }
}

#[test]
fn what_is_lost_and_what_is_there_twice_is_found() {
    let (_hub, address) = Hub::start();
    let mut fleet = fleet(address, 2);
    pass(&mut fleet, 12);
    let all = |agent: &Agent| agent.durable_marks.iter().map(|mark| (*mark, *mark)).collect::<Vec<_>>();
    let mut hosts: BTreeMap<u64, stored::Samples> = fleet
        .agents
        .iter()
        .map(|agent| (agent.host, stored::Samples { blocks: all(agent), ..stored::Samples::default() }))
        .collect();
    let whole = stored::check(&fleet, &hosts);
    assert_eq!((whole.lost, whole.twice, whole.stored), (0, 0, whole.acknowledged));
    let first = hosts.get_mut(&1).unwrap();
    first.blocks.remove(3);
    // The same sample under another number, and the same number with another sample.
    first.journal.push((999, 2));
    hosts.get_mut(&2).unwrap().journal.push((2, 998));
    let damaged = stored::check(&fleet, &hosts);
    assert_eq!((damaged.lost, damaged.twice), (1, 2));
    assert_eq!(stored::check(&fleet, &BTreeMap::new()).lost, whole.acknowledged);
}

#[test]
fn walks_are_the_same_for_the_same_seed() {
    let of = |seed| {
        let mut walk = walk::Walk::new(seed);
        (1..=50).map(|number| walk.sample(number, 0, 10.0, 1.0)).collect::<Vec<_>>()
    };
    assert_eq!(of(7), of(7));
    assert_ne!(of(7), of(8));
}
