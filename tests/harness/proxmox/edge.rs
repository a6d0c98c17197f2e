//! What a collector speaks to: takes its WebSocket, keeps what it says, and says what it is told to. Reports it takes none.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use edgewatch_core::dialects::native::proxmox::{
    Durable, Frame, FromAgent, FromEdge, Hello, Instance, JobResult, Kept, PATH, PONG, SUBPROTOCOL, Section, Welcome,
};
use tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tungstenite::http::HeaderValue;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, Message, WebSocket};

use crate::receiver::{Port, lock};

/// How often it is looked whether there is something to say.
const STEP: Duration = Duration::from_millis(5);

/// The edge; its port is closed on drop.
pub struct StandInEdge {
    port: Port,
    shared: Arc<Mutex<Known>>,
}

/// What it knows.
#[derive(Default)]
pub struct Known {
    /// Said to each who connects; its `have` and `durable` are filled in.
    pub welcome: Welcome,
    /// Whether frames are safe as soon as they came.
    pub is_durable: bool,
    /// The secrets of who connected.
    pub authorizations: Vec<String>,
    /// Every hello.
    pub hellos: Vec<Hello>,
    /// Every frame, repeats included.
    pub frames: Vec<Frame>,
    /// The length of each frame's message.
    pub frame_bytes: Vec<usize>,
    /// By instance and name: hash and rows of each whole section.
    pub sections: BTreeMap<(String, String), (String, Vec<serde_json::Value>)>,
    /// How many messages with parts of sections came, and their bytes.
    pub section_messages: (usize, usize),
    /// The longest message of all.
    pub longest: usize,
    /// By instance: the names that were told last.
    pub names: BTreeMap<String, Vec<String>>,
    /// Results by job.
    pub results: BTreeMap<u64, JobResult>,
    /// How many pings came.
    pub pings: usize,
    /// Parts of the section that is coming.
    parts: Vec<Section>,
    run: String,
    durable: BTreeMap<String, u64>,
    orders: Vec<Order>,
}

enum Order {
    Say(String),
    Cut,
}

impl StandInEdge {
    /// An edge that has these instances polled, so often.
    pub fn start(instances: Vec<Instance>, poll_s: u64) -> Self {
        let welcome = Welcome { instances, poll_s, sweep_s: 600, ..Welcome::default() };
        let shared = Arc::new(Mutex::new(Known { welcome, is_durable: true, ..Known::default() }));
        let serving = Arc::clone(&shared);
        Self { port: Port::open(move |stream| serve(stream, &serving)), shared }
    }

    /// `http://127.0.0.1:<port>`
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port.number)
    }

    /// What it knows, to be looked at or changed.
    pub fn know<T>(&self, look: impl FnOnce(&mut Known) -> T) -> T {
        look(&mut lock(&self.shared))
    }

    /// Says this to who is connected.
    pub fn say(&self, message: &FromEdge) {
        self.say_text(&message.write().expect("a known message can be written"));
    }

    /// Says what may be no message.
    pub fn say_text(&self, text: &str) {
        lock(&self.shared).orders.push(Order::Say(text.to_owned()));
    }

    /// Ends the connection without a word.
    pub fn cut(&self) {
        lock(&self.shared).orders.push(Order::Cut);
    }

    /// Has these polled from now on.
    pub fn assign(&self, instances: Vec<Instance>) {
        let welcome = self.know(|known| {
            known.welcome.instances = instances;
            known.welcome()
        });
        self.say(&FromEdge::Welcome(welcome));
    }

    /// Closes the port: who comes is refused. Ends the connection that stands.
    pub fn close(&mut self) {
        self.cut();
        self.port.close();
    }

    /// Opens the same port again.
    pub fn reopen(&mut self) {
        self.port.reopen();
    }
}

impl Known {
    fn welcome(&self) -> Welcome {
        let mut have: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for ((instance, name), (hash, _)) in &self.sections {
            have.entry(instance.clone()).or_default().insert(name.clone(), hash.clone());
        }
        Welcome { have, durable: self.durable.clone(), ..self.welcome.clone() }
    }

    /// Every frame of an instance once, in order.
    pub fn frames_of(&self, instance: &str) -> Vec<Frame> {
        let mut frames: Vec<Frame> = self.frames.iter().filter(|frame| frame.instance == instance).cloned().collect();
        frames.sort_by_key(|frame| frame.n);
        frames.dedup_by_key(|frame| frame.n);
        frames
    }

    /// The rows of a section.
    pub fn rows(&self, instance: &str, name: &str) -> Option<&[serde_json::Value]> {
        self.sections.get(&(instance.to_owned(), name.to_owned())).map(|(_, rows)| rows.as_slice())
    }

    fn hear(&mut self, text: &str) -> Vec<FromEdge> {
        self.longest = self.longest.max(text.len());
        let message = FromAgent::read(text).unwrap_or_else(|error| panic!("no message ({error}): {text}"));
        match message {
            FromAgent::Hello(hello) => {
                if hello.run != self.run {
                    self.run.clone_from(&hello.run);
                    self.durable.clear();
                }
                self.hellos.push(hello);
                return vec![FromEdge::Welcome(self.welcome())];
            }
            FromAgent::Frame(frame) => {
                let (instance, n) = (frame.instance.clone(), frame.n);
                self.frame_bytes.push(text.len());
                self.frames.push(frame);
                if self.is_durable {
                    self.durable.insert(instance.clone(), n);
                    return vec![FromEdge::Durable(Durable { instance, n })];
                }
            }
            FromAgent::Section(section) => {
                self.section_messages.0 += 1;
                self.section_messages.1 += text.len();
                return self.section(section);
            }
            FromAgent::Sections(sections) => {
                let names: Vec<String> = sections.names.iter().map(ToString::to_string).collect();
                self.sections.retain(|(instance, name), _| *instance != sections.instance || names.contains(name));
                self.names.insert(sections.instance, names);
            }
            FromAgent::Done(done) => drop(self.results.insert(done.job, done.result)),
            FromAgent::Ping | FromAgent::Unknown(_) => {}
        }
        Vec::new()
    }

    fn section(&mut self, section: Section) -> Vec<FromEdge> {
        assert_eq!(usize::try_from(section.part).ok(), Some(self.parts.len() + 1), "parts come in order");
        let (part, parts) = (section.part, section.parts);
        self.parts.push(section);
        if part < parts {
            return Vec::new();
        }
        let all = std::mem::take(&mut self.parts);
        let rows = all.iter().flat_map(|part| part.rows::<serde_json::Value>().unwrap_or_default()).collect();
        let Some(Section { instance, name, hash, .. }) = all.into_iter().next() else { return Vec::new() };
        self.sections.insert((instance.clone(), name.to_string()), (hash.clone(), rows));
        vec![FromEdge::Kept(Kept { instance, name, hash })]
    }
}

#[expect(clippy::result_large_err, reason = "the library's own signature")]
fn serve(stream: TcpStream, shared: &Mutex<Known>) {
    let mut authorization = String::new();
    let choose = |request: &Request, mut response: Response| {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if request.uri().path() != PATH || header("sec-websocket-protocol") != SUBPROTOCOL {
            let mut refusal = ErrorResponse::new(None);
            *refusal.status_mut() = tungstenite::http::StatusCode::NOT_FOUND;
            return Err(refusal);
        }
        header("authorization").clone_into(&mut authorization);
        response.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(SUBPROTOCOL));
        Ok(response)
    };
    let config = WebSocketConfig::default().max_message_size(Some(1 << 20)).max_frame_size(Some(1 << 20));
    let Ok(mut socket) = tungstenite::accept_hdr_with_config(stream, choose, Some(config)) else { return };
    {
        let mut known = lock(shared);
        known.authorizations.push(authorization);
        known.parts.clear();
        known.orders.clear();
    }
    if socket.get_ref().set_read_timeout(Some(STEP)).is_ok() {
        let _ = talk(&mut socket, shared);
    }
}

fn talk(socket: &mut WebSocket<TcpStream>, shared: &Mutex<Known>) -> Result<(), Error> {
    loop {
        let orders = std::mem::take(&mut lock(shared).orders);
        for order in orders {
            match order {
                Order::Say(text) => socket.send(Message::text(text))?,
                Order::Cut => return Ok(()),
            }
        }
        match socket.read() {
            Ok(Message::Text(text)) if text.as_str() == edgewatch_core::dialects::native::proxmox::PING => {
                lock(shared).pings += 1;
                socket.send(Message::text(PONG))?;
            }
            Ok(Message::Text(text)) => {
                let answers = lock(shared).hear(text.as_str());
                for answer in answers {
                    socket.send(Message::text(answer.write().expect("a known message can be written")))?;
                }
            }
            Ok(_) => {}
            Err(Error::Io(error)) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
    }
}
