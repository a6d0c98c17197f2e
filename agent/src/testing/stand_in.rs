//! A server on loopback that stands in for the Worker and its hub: takes a WebSocket and POSTs, keeps what it got, and behaves
//! as badly as it is told.

use std::collections::VecDeque;
use std::io::{self, Cursor, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use edgewatch_core::dialects::native::stream::{
    Ack, Frame, FromAgent, FromHub, Goodbye, Hello, PING, PONG, Resend, Settings, Welcome,
};
use edgewatch_core::dialects::native::{HostFacts, ReportReply, ReportRequest};
use edgewatch_core::domain::stream::gap::{Gap, Verdict};
use tungstenite::{Error, Message, WebSocket};

use crate::clock;

/// What becomes of one request for a WebSocket.
#[derive(Debug, Clone, Copy)]
pub enum Manner {
    /// It is welcomed, and the protocol kept.
    Hub,
    /// As [`Manner::Hub`], but nothing is answered from the hello on.
    Mute,
    /// It is answered with this status, these headers and this body.
    Status(u16, &'static str, &'static str),
    /// The connection is closed without an answer.
    Close,
    /// It is closed right after the upgrade.
    CloseUpgraded,
    /// Nothing is answered.
    Silence,
    /// It is answered with what is no HTTP.
    Garbage,
}

/// What an open connection is told to do.
#[derive(Debug, Clone)]
pub enum Order {
    /// Send this.
    Say(FromHub),
    /// End without a word.
    Cut,
}

/// What came.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Upgrade { authorization: String },
    Hello(Hello),
    Facts(HostFacts),
    Frame(Frame),
    Ping,
    Goodbye(Goodbye),
    Posted(ReportRequest),
    Ended,
}

/// What the server knows.
pub struct Knowledge {
    pub gap: Gap,
    /// The numbers taken, in the order of their coming.
    pub taken: Vec<u64>,
    pub events: Vec<Event>,
    pub settings: Settings,
    /// Whether what is taken is durable at once.
    pub is_durable_at_once: bool,
    /// Whether frames are answered.
    pub answers: bool,
    manners: VecDeque<Manner>,
    orders: VecDeque<Order>,
    is_open: bool,
}

/// The server.
pub struct StandIn {
    address: String,
    knowledge: Arc<Mutex<Knowledge>>,
}

/// Wraps a fresh connection in whatever lies between; plain by default.
pub type Wrap = Arc<dyn Fn(TcpStream) -> Box<dyn Duplex> + Send + Sync>;

/// Both directions.
pub trait Duplex: Read + Write + Send {}
impl<T: Read + Write + Send> Duplex for T {}

impl StandIn {
    /// A server that has samples up to `durable`. Requests for a WebSocket meet the manners in turn, the last one for good.
    pub fn start(durable: u64, manners: &[Manner]) -> Self {
        Self::wrapped(durable, manners, Arc::new(|stream| Box::new(stream)))
    }

    /// The same behind TLS or a proxy.
    pub fn wrapped(durable: u64, manners: &[Manner], wrap: Wrap) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let knowledge = Arc::new(Mutex::new(Knowledge {
            gap: Gap::loaded(durable, durable),
            taken: Vec::new(),
            events: Vec::new(),
            settings: Settings::default(),
            is_durable_at_once: true,
            answers: true,
            manners: manners.iter().copied().collect(),
            orders: VecDeque::new(),
            is_open: false,
        }));
        let shared = Arc::clone(&knowledge);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (shared, wrap) = (Arc::clone(&shared), Arc::clone(&wrap));
                thread::spawn(move || {
                    stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
                    let _ = serve(wrap(stream), &shared);
                });
            }
        });
        Self { address, knowledge }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn know(&self) -> MutexGuard<'_, Knowledge> {
        self.knowledge.lock().unwrap()
    }

    /// Has the open connection do this.
    pub fn order(&self, order: Order) {
        self.know().orders.push_back(order);
    }

    /// The open connection sends this.
    pub fn say(&self, message: FromHub) {
        self.order(Order::Say(message));
    }

    pub fn is_open(&self) -> bool {
        self.know().is_open
    }

    pub fn count(&self, is_it: impl Fn(&Event) -> bool) -> usize {
        self.know().events.iter().filter(|event| is_it(event)).count()
    }

    /// The numbers of each frame so far.
    pub fn frames(&self) -> Vec<Vec<u64>> {
        let numbers = |frame: &Frame| frame.samples.iter().map(|sample| sample.number).collect();
        let of = |event: &Event| if let Event::Frame(frame) = event { Some(numbers(frame)) } else { None };
        self.know().events.iter().filter_map(of).collect()
    }

    pub fn taken(&self) -> Vec<u64> {
        self.know().taken.clone()
    }
}

impl Knowledge {
    /// Everything taken becomes durable.
    pub fn store(&mut self) {
        let snapshot = self.gap.snapshot();
        self.gap.stored(snapshot);
    }

    /// What is taken and not durable is lost.
    pub fn forget(&mut self) {
        let durable = self.gap.durable();
        self.taken.retain(|number| *number <= durable);
        self.gap = Gap::loaded(durable, durable);
    }

    fn take(&mut self, oldest: u64, numbers: &[u64]) -> Option<u64> {
        let resend_from = match self.gap.frame(oldest, numbers.first().copied().unwrap_or(0), numbers.len() as u64) {
            Verdict::Take { skip } => {
                self.taken.extend(numbers.iter().skip(skip));
                None
            }
            Verdict::Repeat => None,
            Verdict::Resend { from } => Some(from),
            Verdict::NotLoaded => unreachable!("loaded from the start"),
        };
        if self.is_durable_at_once {
            self.store();
        }
        resend_from
    }

    fn answer(&mut self, frame: &Frame) -> FromHub {
        let numbers: Vec<u64> = frame.samples.iter().map(|sample| sample.number).collect();
        match self.take(frame.oldest, &numbers) {
            Some(from) => FromHub::Resend(Resend { answers: frame.frame, from }),
            None => FromHub::Ack(Ack {
                answers: Some(frame.frame),
                taken_up_to: self.gap.taken(),
                durable_up_to: self.gap.durable(),
                dropped: Vec::new(),
            }),
        }
    }
}

fn is_quiet(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

fn serve(mut stream: Box<dyn Duplex>, knowledge: &Mutex<Knowledge>) -> io::Result<()> {
    loop {
        let head = read_head(&mut stream)?;
        let text = String::from_utf8_lossy(&head).into_owned();
        let header = |name: &str| {
            let line = text.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")));
            line.map(|line| line[name.len() + 1..].trim().to_owned()).unwrap_or_default()
        };
        if text.starts_with("POST /agent/v1/reports ") {
            let mut body = vec![0; header("content-length").parse().unwrap()];
            read_all(&mut stream, &mut body)?;
            post(&mut stream, &body, &mut knowledge.lock().unwrap())?;
            continue;
        }
        assert!(text.starts_with("GET /agent/v1/stream HTTP/1.1\r\n"), "{text}");
        let manner = {
            let mut knowledge = knowledge.lock().unwrap();
            knowledge.events.push(Event::Upgrade { authorization: header("authorization") });
            let manner = knowledge.manners[0];
            if knowledge.manners.len() > 1 {
                knowledge.manners.pop_front();
            }
            manner
        };
        match manner {
            Manner::Status(status, headers, body) => {
                let length = body.len();
                write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{headers}\r\n{body}")?;
                stream.flush()?;
            }
            Manner::Garbage => stream.write_all(b"\x15\x03\x01 what?\r\n\r\n")?,
            Manner::Close => {}
            Manner::Silence => while stream.read(&mut [0; 64]).is_ok_and(|read| read > 0) {},
            Manner::Hub | Manner::Mute | Manner::CloseUpgraded => {
                upgrade(Replay(Cursor::new(head), stream), manner, knowledge);
            }
        }
        return Ok(());
    }
}

fn read_head(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        read_all(stream, &mut byte)?;
        head.extend(byte);
    }
    Ok(head)
}

/// As `read_exact`, over a stream with a time-out.
fn read_all(stream: &mut impl Read, mut into: &mut [u8]) -> io::Result<()> {
    while !into.is_empty() {
        match stream.read(into) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => into = &mut into[read..],
            Err(error) if is_quiet(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn post(stream: &mut impl Write, body: &[u8], knowledge: &mut Knowledge) -> io::Result<()> {
    let report: ReportRequest = serde_json::from_slice(body).unwrap();
    let numbers: Vec<u64> = report.samples.iter().map(|sample| sample.number).collect();
    let resend_from = if numbers.is_empty() { None } else { knowledge.take(report.oldest, &numbers) };
    // A reply to a POST says that it is safe.
    knowledge.store();
    knowledge.events.push(Event::Posted(report));
    let reply = ReportReply {
        durable_up_to: knowledge.gap.durable(),
        resend_from,
        dropped: Vec::new(),
        time_ms: clock::now_ms(),
        settings: knowledge.settings.report,
        probes: None,
    };
    let body = serde_json::to_string(&reply).unwrap();
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())?;
    stream.flush()
}

/// A stream whose first bytes were read already.
struct Replay(Cursor<Vec<u8>>, Box<dyn Duplex>);

impl Read for Replay {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let again = self.0.read(into)?;
        if again > 0 { Ok(again) } else { self.1.read(into) }
    }
}

impl Write for Replay {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.1.flush()
    }
}

fn upgrade(stream: Replay, manner: Manner, knowledge: &Mutex<Knowledge>) {
    let mut socket = tungstenite::accept(stream).unwrap();
    if matches!(manner, Manner::CloseUpgraded) {
        return;
    }
    {
        let mut knowledge = knowledge.lock().unwrap();
        knowledge.orders.clear();
        knowledge.is_open = true;
    }
    // How it ends is for the agent to see.
    let _ = converse(&mut socket, matches!(manner, Manner::Mute), knowledge);
    let mut knowledge = knowledge.lock().unwrap();
    knowledge.is_open = false;
    knowledge.events.push(Event::Ended);
}

fn converse(socket: &mut WebSocket<Replay>, is_mute: bool, knowledge: &Mutex<Knowledge>) -> Result<(), Error> {
    loop {
        let order = knowledge.lock().unwrap().orders.pop_front();
        match order {
            Some(Order::Cut) => return Ok(()),
            Some(Order::Say(message)) => {
                send(socket, &message)?;
                if matches!(message, FromHub::Goodbye(_)) {
                    socket.close(None)?;
                }
            }
            None => {}
        }
        let message = match socket.read() {
            Err(Error::Io(error)) if is_quiet(&error) => continue,
            message => message?,
        };
        let answer = listen(&message, &mut knowledge.lock().unwrap());
        match (answer, &message) {
            _ if is_mute => {}
            (Some(answer), _) => send(socket, &answer)?,
            (None, Message::Text(_)) => socket.send(Message::text(PONG))?,
            (None, _) => {}
        }
    }
}

fn send(socket: &mut WebSocket<Replay>, message: &FromHub) -> Result<(), Error> {
    socket.send(Message::binary(message.encode().unwrap()))
}

/// Keeps what came; what to answer.
fn listen(message: &Message, knowledge: &mut Knowledge) -> Option<FromHub> {
    let bytes = match message {
        Message::Text(text) => {
            assert_eq!(text.as_str(), PING);
            knowledge.events.push(Event::Ping);
            return None;
        }
        Message::Binary(bytes) => bytes,
        _ => return None,
    };
    match FromAgent::decode(bytes).unwrap() {
        FromAgent::Hello(hello) => {
            knowledge.events.push(Event::Hello(hello));
            let (durable_up_to, settings) = (knowledge.gap.durable(), knowledge.settings);
            Some(FromHub::Welcome(Welcome { durable_up_to, time_ms: clock::now_ms(), settings }))
        }
        FromAgent::Frame(frame) => {
            let answer = knowledge.answers.then(|| knowledge.answer(&frame));
            knowledge.events.push(Event::Frame(frame));
            answer
        }
        FromAgent::Facts(facts) => {
            knowledge.events.push(Event::Facts(facts.0));
            None
        }
        FromAgent::Goodbye(goodbye) => {
            knowledge.events.push(Event::Goodbye(goodbye));
            None
        }
        FromAgent::Unknown(kind) => panic!("kind {kind}"),
    }
}
