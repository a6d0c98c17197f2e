//! A small mail server on loopback, with TLS from the first byte, by STARTTLS, or without.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::receiver::{Port, lock};
use crate::tls::Authority;

/// Who may send.
pub const LOGIN: (&str, &str) = ("watch", "pass word-1");

/// When a server speaks TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// From the first byte.
    Always,
    /// When it is asked for it; it takes no password before.
    Offered,
    /// Never.
    Never,
}

/// How a server takes a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mood {
    /// For everybody.
    Takes,
    /// Not from anybody, with this reply to `MAIL FROM`.
    Refuses(&'static str),
    /// Not for this recipient.
    RefusesOne(&'static str),
    /// For everybody, but it keeps what it says of it to itself for so long.
    Slow(Duration),
    /// It says hello and hangs up.
    HangsUp,
}

/// A mail that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The sender's address.
    pub from: String,
    /// Who gets it.
    pub to: Vec<String>,
    /// Whether it came over TLS.
    pub is_secure: bool,
    /// Whether the sender gave name and password, and how.
    pub login: Option<&'static str>,
    /// Head and body.
    pub message: String,
}

impl Mail {
    /// A line of its head.
    pub fn header(&self, name: &str) -> &str {
        let start = format!("{name}: ");
        self.message.lines().find_map(|line| line.strip_prefix(start.as_str())).unwrap_or_default()
    }

    /// Its text, decoded.
    pub fn text(&self) -> String {
        let (_, body) = self.message.split_once("\r\n\r\n").unwrap_or_default();
        let bytes = STANDARD.decode(body.replace(['\r', '\n'], "")).expect("the body is base64");
        String::from_utf8(bytes).expect("the body is UTF-8")
    }
}

/// The server; its port is closed on drop.
pub struct MailServer {
    port: Port,
    shared: Arc<Shared>,
}

struct Shared {
    tls: Tls,
    config: Arc<ServerConfig>,
    /// The ways of AUTH that are offered, such as `PLAIN LOGIN`; empty for none.
    auth: &'static str,
    mood: Mutex<Mood>,
    mails: Mutex<Vec<Mail>>,
}

impl MailServer {
    /// Listens on a free port of `localhost`.
    pub fn start(authority: &Authority, tls: Tls, auth: &'static str) -> Self {
        let shared = Shared {
            tls,
            config: Arc::clone(&authority.server),
            auth,
            mood: Mutex::new(Mood::Takes),
            mails: Mutex::default(),
        };
        let shared = Arc::new(shared);
        let serving = Arc::clone(&shared);
        Self { port: Port::open(move |stream| drop(serve(stream, &serving))), shared }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port.number
    }

    /// It is so from now on.
    pub fn set_mood(&self, mood: Mood) {
        *lock(&self.shared.mood) = mood;
    }

    /// Everything that was taken, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        lock(&self.shared.mails).clone()
    }

    /// Closes the port: who comes is refused by the system.
    pub fn close(&mut self) {
        self.port.close();
    }

    /// Opens the same port again.
    pub fn reopen(&mut self) {
        self.port.reopen();
    }
}

enum Stream {
    Plain(TcpStream),
    Secure(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Stream {
    fn secure(self, shared: &Shared) -> std::io::Result<Self> {
        let Self::Plain(stream) = self else { return Ok(self) };
        let session = ServerConnection::new(Arc::clone(&shared.config)).map_err(std::io::Error::other)?;
        Ok(Self::Secure(Box::new(StreamOwned::new(session, stream))))
    }
}

impl Read for Stream {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(bytes),
            Self::Secure(stream) => stream.read(bytes),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Secure(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Secure(stream) => stream.flush(),
        }
    }
}

/// A client and what is known of it.
struct Talk<'a> {
    stream: BufReader<Stream>,
    shared: &'a Shared,
    is_secure: bool,
    login: Option<&'static str>,
}

impl Talk<'_> {
    fn say(&mut self, reply: &str) -> std::io::Result<()> {
        self.stream.get_mut().write_all(format!("{reply}\r\n").as_bytes())?;
        self.stream.get_mut().flush()
    }

    /// The next line; an error at the end.
    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }

    fn greet(&mut self) -> std::io::Result<()> {
        let mut lines = vec!["localhost".to_owned()];
        if self.shared.tls == Tls::Offered && !self.is_secure {
            lines.push("STARTTLS".to_owned());
        } else if !self.shared.auth.is_empty() {
            lines.push(format!("AUTH {}", self.shared.auth));
        }
        let (last, first) = lines.split_last().expect("there is a line");
        let first = first.iter().fold(String::new(), |text, line| text + "250-" + line + "\r\n");
        self.say(&format!("{first}250 {last}"))
    }

    fn authenticate(&mut self, way: &str) -> std::io::Result<()> {
        let (way, is_right) = match way.split_once(' ') {
            Some(("PLAIN", word)) => ("PLAIN", word == STANDARD.encode(format!("\0{}\0{}", LOGIN.0, LOGIN.1))),
            None if way == "LOGIN" => {
                self.say("334 VXNlcm5hbWU6")?;
                let name = self.line()?;
                self.say("334 UGFzc3dvcmQ6")?;
                let password = self.line()?;
                ("LOGIN", (name, password) == (STANDARD.encode(LOGIN.0), STANDARD.encode(LOGIN.1)))
            }
            _ => return self.say("504 5.5.4 no such way"),
        };
        if !is_right || !self.shared.auth.contains(way) {
            return self.say("535 5.7.8 authentication failed");
        }
        self.login = Some(way);
        self.say("235 2.7.0 welcome")
    }
}

fn serve(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let stream = Stream::Plain(stream);
    let is_secure = shared.tls == Tls::Always;
    let stream = if is_secure { stream.secure(shared)? } else { stream };
    let mut talk = Talk { stream: BufReader::new(stream), shared, is_secure, login: None };
    talk.say("220 localhost ESMTP")?;
    if *lock(&shared.mood) == Mood::HangsUp {
        return Ok(());
    }
    let (mut from, mut to) = (String::new(), Vec::new());
    loop {
        let line = talk.line()?;
        let address = || line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        let mood = lock(&shared.mood).clone();
        match line.to_ascii_uppercase().as_str() {
            command if command.starts_with("EHLO ") => talk.greet()?,
            "STARTTLS" => {
                talk.say("220 go ahead")?;
                let stream = talk.stream.into_inner().secure(shared)?;
                talk = Talk { stream: BufReader::new(stream), shared, is_secure: true, login: None };
            }
            command if command.starts_with("AUTH ") => talk.authenticate(&line["AUTH ".len()..])?,
            command if command.starts_with("MAIL FROM:") => match mood {
                Mood::Refuses(reply) => talk.say(reply)?,
                _ if !shared.auth.is_empty() && talk.login.is_none() => talk.say("530 5.7.0 log in first")?,
                _ => {
                    (from, to) = (address(), Vec::new());
                    talk.say("250 ok")?;
                }
            },
            command if command.starts_with("RCPT TO:") => {
                if matches!(mood, Mood::RefusesOne(one) if one == address()) {
                    talk.say("550 5.1.1 no such user")?;
                } else {
                    to.push(address());
                    talk.say("250 ok")?;
                }
            }
            "DATA" => {
                talk.say("354 go on")?;
                let mut message = String::new();
                loop {
                    let line = talk.line()?;
                    if line == "." {
                        break;
                    }
                    message.push_str(line.strip_prefix('.').unwrap_or(&line));
                    message.push_str("\r\n");
                }
                let mail =
                    Mail { from: from.clone(), to: to.clone(), is_secure: talk.is_secure, login: talk.login, message };
                lock(&shared.mails).push(mail);
                if let Mood::Slow(wait) = mood {
                    thread::sleep(wait);
                }
                talk.say("250 2.0.0 taken as 1")?;
            }
            "QUIT" => return talk.say("221 bye"),
            _ => talk.say("500 5.5.2 what?")?,
        }
    }
}
