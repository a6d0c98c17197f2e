//! SMTP as a client speaks it, without the connection: what comes in is fed, what is to be done comes out. Source: RFC 5321, 3207, 4954.

use std::net::Ipv4Addr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{OutgoingMail, Security};

/// The most bytes one reply may have.
const MAX_REPLY_BYTES: usize = 16_384;

/// What the connection is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Wait for more.
    Wait,
    /// Send this.
    Send(String),
    /// Begin TLS, then ask [`Session::secured`] what to send.
    Secure,
    /// It is over.
    End(Ended),
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Whether the server took the mail for somebody.
    pub is_taken: bool,
    /// The reply's code; `None` where there was no reply to speak of.
    pub code: Option<u16>,
    /// The reply's words, or what was wrong with it.
    pub words: String,
    /// Who does not get it: the server took it, but not for them.
    pub refused: Vec<String>,
}

/// Where the conversation is: what the next reply answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Greeting,
    Hello,
    StartTls,
    AuthPlain,
    AuthUser,
    AuthName,
    AuthPassword,
    From,
    /// The recipient of this index.
    To(usize),
    Data,
    Message,
    Over,
}

/// A conversation that hands over one mail.
#[derive(Debug)]
pub struct Session<'a> {
    mail: &'a OutgoingMail,
    hello: String,
    state: State,
    is_secure: bool,
    unread: Vec<u8>,
    refused: Vec<String>,
    /// What the server said to those it refused.
    refusal: Option<(u16, String)>,
}

/// A whole reply.
struct Reply {
    code: u16,
    /// Its lines without their codes.
    lines: Vec<String>,
}

impl Reply {
    const fn is_fine(&self) -> bool {
        self.code >= 200 && self.code < 300
    }

    fn words(&self) -> String {
        self.lines.join(" ")
    }

    /// The words behind a capability, such as `PLAIN LOGIN` behind `AUTH`.
    fn offers(&self, capability: &str) -> Option<Vec<String>> {
        self.lines.iter().skip(1).find_map(|line| {
            let mut words = line.split([' ', '=']).map(str::to_ascii_uppercase);
            (words.next()? == capability).then(|| words.collect())
        })
    }
}

impl<'a> Session<'a> {
    /// A conversation about `mail` in which we call ourselves `hello`, a host's name. The server speaks first.
    pub fn new(mail: &'a OutgoingMail, hello: &str) -> Self {
        let fine = !hello.is_empty() && hello.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
        let hello = match hello.parse::<Ipv4Addr>() {
            Ok(address) => format!("[{address}]"),
            Err(_) if fine => hello.to_owned(),
            Err(_) => "edgewatch.invalid".to_owned(),
        };
        Self {
            mail,
            hello,
            state: State::Greeting,
            is_secure: mail.security == Security::Tls,
            unread: Vec::new(),
            refused: Vec::new(),
            refusal: None,
        }
    }

    /// Takes what came over the connection.
    pub fn feed(&mut self, bytes: &[u8]) -> Action {
        self.unread.extend_from_slice(bytes);
        if self.unread.len() > MAX_REPLY_BYTES {
            return self.broken("the server's reply has no end");
        }
        match self.next_reply() {
            Ok(None) => Action::Wait,
            Ok(Some(reply)) => self.answer(&reply),
            Err(words) => self.broken(words),
        }
    }

    /// What to send once TLS has begun.
    pub fn secured(&mut self) -> String {
        self.is_secure = true;
        self.state = State::Hello;
        format!("EHLO {}\r\n", self.hello)
    }

    /// The connection broke with these words.
    pub fn broken(&mut self, words: &str) -> Action {
        // A runtime says little of a TLS that fails, and most often it is the name.
        let stage = match self.state {
            State::Message => "after the mail was sent, so it may have been taken",
            State::Greeting if self.mail.security == Security::Tls => {
                "before the server's greeting; its certificate must be valid for the host's name"
            }
            State::Greeting => "before the server's greeting",
            State::StartTls => "while TLS was begun; its certificate must be valid for the host's name",
            _ => "in mid-conversation",
        };
        self.state = State::Over;
        Action::End(Ended { is_taken: false, code: None, words: format!("{words} ({stage})"), refused: Vec::new() })
    }

    /// The next whole reply, out of what is unread.
    fn next_reply(&mut self) -> Result<Option<Reply>, &'static str> {
        const NO_SMTP: &str = "what answers there does not speak SMTP";
        let mut lines = Vec::new();
        let mut used = 0;
        while let Some(length) = self.unread.get(used..).and_then(|rest| rest.iter().position(|&byte| byte == b'\n')) {
            let line = String::from_utf8_lossy(self.unread.get(used..used + length).unwrap_or_default());
            used += length + 1;
            let line = line.trim_end_matches('\r');
            let code = line.get(..3).and_then(|code| code.parse::<u16>().ok()).filter(|code| (200..600).contains(code));
            let code = code.ok_or(NO_SMTP)?;
            lines.push(line.get(4..).unwrap_or_default().to_owned());
            match line.as_bytes().get(3) {
                Some(b'-') => {}
                None | Some(b' ') => {
                    self.unread.drain(..used);
                    return Ok(Some(Reply { code, lines }));
                }
                Some(_) => return Err(NO_SMTP),
            }
        }
        Ok(None)
    }

    fn answer(&mut self, reply: &Reply) -> Action {
        match self.state {
            State::Greeting if reply.is_fine() => self.say(State::Hello, format!("EHLO {}\r\n", self.hello)),
            State::Hello if reply.is_fine() => self.after_hello(reply),
            State::StartTls if reply.is_fine() => {
                if self.unread.is_empty() {
                    return Action::Secure;
                }
                // Somebody on the way would have it read as if it came over TLS. Source: RFC 3207, 5.
                self.broken("the server said more than it may before TLS")
            }
            State::AuthUser if reply.code == 334 => {
                let name = self.mail.login.as_ref().map(|(name, _)| STANDARD.encode(name)).unwrap_or_default();
                self.say(State::AuthName, format!("{name}\r\n"))
            }
            State::AuthName if reply.code == 334 => {
                let password = self.mail.login.as_ref().map(|(_, word)| STANDARD.encode(word)).unwrap_or_default();
                self.say(State::AuthPassword, format!("{password}\r\n"))
            }
            State::AuthPlain | State::AuthPassword if reply.is_fine() => self.begin_mail(),
            State::From if reply.is_fine() => self.ask_for(0),
            State::To(index) => {
                if !reply.is_fine() {
                    self.refused.extend(self.mail.to.get(index).cloned());
                    self.refusal = Some((reply.code, reply.words()));
                }
                self.ask_for(index + 1)
            }
            State::Data if reply.code == 354 => {
                let message = stuffed(&self.mail.message);
                self.say(State::Message, message)
            }
            State::Message if reply.is_fine() => {
                self.state = State::Over;
                let (code, words) = self.refusal.take().unwrap_or_else(|| (reply.code, reply.words()));
                let refused = std::mem::take(&mut self.refused);
                Action::End(Ended { is_taken: true, code: Some(code), words, refused })
            }
            State::Over => Action::Wait,
            _ => self.refused_with(reply.code, reply.words()),
        }
    }

    fn after_hello(&mut self, reply: &Reply) -> Action {
        if !self.is_secure && self.mail.security == Security::StartTls {
            return match reply.offers("STARTTLS") {
                Some(_) => self.say(State::StartTls, "STARTTLS\r\n".to_owned()),
                None => self.refused_with(reply.code, "the server offers no STARTTLS".to_owned()),
            };
        }
        let Some((name, password)) = &self.mail.login else { return self.begin_mail() };
        if !self.is_secure {
            return self.refused_with(reply.code, "a password is sent over TLS alone".to_owned());
        }
        let ways = reply.offers("AUTH").unwrap_or_default();
        let has = |way: &str| ways.iter().any(|one| one == way);
        if has("PLAIN") {
            let word = STANDARD.encode(format!("\0{name}\0{password}"));
            return self.say(State::AuthPlain, format!("AUTH PLAIN {word}\r\n"));
        }
        if has("LOGIN") {
            return self.say(State::AuthUser, "AUTH LOGIN\r\n".to_owned());
        }
        self.refused_with(reply.code, format!("the server offers neither AUTH PLAIN nor LOGIN, but {ways:?}"))
    }

    fn begin_mail(&mut self) -> Action {
        self.say(State::From, format!("MAIL FROM:<{}>\r\n", self.mail.from))
    }

    /// Names the next recipient; when there is none, goes on to the mail, unless nobody was taken.
    fn ask_for(&mut self, index: usize) -> Action {
        if let Some(address) = self.mail.to.get(index) {
            return self.say(State::To(index), format!("RCPT TO:<{address}>\r\n"));
        }
        if self.refused.len() < self.mail.to.len() {
            return self.say(State::Data, "DATA\r\n".to_owned());
        }
        let (code, words) = self.refusal.take().unwrap_or_default();
        self.refused_with(code, words)
    }

    fn say(&mut self, next: State, text: String) -> Action {
        self.state = next;
        Action::Send(text)
    }

    fn refused_with(&mut self, code: u16, words: String) -> Action {
        self.state = State::Over;
        Action::End(Ended { is_taken: false, code: Some(code), words, refused: Vec::new() })
    }
}

/// A message as DATA has it: a line's first dot twice, and a dot alone at the end.
fn stuffed(message: &str) -> String {
    let mut out = String::with_capacity(message.len() + 8);
    for line in message.split_inclusive('\n') {
        if line.starts_with('.') {
            out.push('.');
        }
        out.push_str(line);
    }
    if !out.ends_with("\r\n") {
        out.push_str("\r\n");
    }
    out.push_str(".\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(security: Security, login: bool) -> OutgoingMail {
        OutgoingMail {
            host: "mail.example.com".to_owned(),
            port: 587,
            security,
            login: login.then(|| ("u".to_owned(), "p".to_owned())),
            from: "a@b.c".to_owned(),
            to: vec!["d@e.f".to_owned(), "g@h.i".to_owned()],
            message: "Subject: x\r\n\r\n.dot\r\n".to_owned(),
            secrets: Vec::new(),
        }
    }

    /// What a session does when it is fed these one after the other; TLS begins when it asks for it.
    fn talk(mail: &OutgoingMail, replies: &[&str]) -> Vec<String> {
        let mut session = Session::new(mail, "watch.example.com");
        let mut said = Vec::new();
        for reply in replies {
            said.push(match session.feed(reply.as_bytes()) {
                Action::Send(text) => text.trim_end().to_owned(),
                Action::Secure => format!("TLS, {}", session.secured().trim_end()),
                Action::Wait => "...".to_owned(),
                Action::End(ended) => {
                    format!("{} {:?} {} {:?}", ended.is_taken, ended.code, ended.words, ended.refused)
                }
            });
        }
        said
    }

    #[test]
    fn a_mail_goes_over_starttls_with_a_password() {
        let said = talk(
            &mail(Security::StartTls, true),
            &[
                "220 hi\r\n",
                "250-mail\r\n250-SIZE 1000\r\n250 STARTTLS\r\n",
                "220 go\r\n",
                "250-mail\r\n250 AUTH=PLAIN LOGIN\r\n",
                "235 ok\r\n",
                "250 ok\r\n",
                "250 ok\r\n",
                "250 ok\r\n",
                "354 go\r\n",
                "250 2.0.0 queued as 7\r\n",
            ],
        );
        assert_eq!(
            said,
            [
                "EHLO watch.example.com",
                "STARTTLS",
                "TLS, EHLO watch.example.com",
                "AUTH PLAIN AHUAcA==",
                "MAIL FROM:<a@b.c>",
                "RCPT TO:<d@e.f>",
                "RCPT TO:<g@h.i>",
                "DATA",
                "Subject: x\r\n\r\n..dot\r\n.",
                "true Some(250) 2.0.0 queued as 7 []",
            ]
        );
    }

    #[test]
    fn login_is_spoken_where_plain_is_not() {
        let said = talk(
            &mail(Security::Tls, true),
            &[
                "220 hi\r\n",
                "250-mail\r\n250 AUTH LOGIN\r\n",
                "334 VXNlcm5hbWU6\r\n",
                "334 UGFzc3dvcmQ6\r\n",
                "535 5.7.8 no\r\n",
            ],
        );
        assert_eq!(said[1..], ["AUTH LOGIN", "dQ==", "cA==", "false Some(535) 5.7.8 no []"]);
        let said = talk(&mail(Security::Tls, true), &["220 hi\r\n", "250-mail\r\n250 AUTH CRAM-MD5\r\n"]);
        assert!(said[1].contains("neither AUTH PLAIN nor LOGIN"), "{said:?}");
    }

    #[test]
    fn no_password_goes_out_before_tls() {
        let said = talk(&mail(Security::StartTls, true), &["220 hi\r\n", "250-mail\r\n250 AUTH PLAIN\r\n"]);
        assert_eq!(said[1], "false Some(250) the server offers no STARTTLS []");
        let said = talk(&mail(Security::None, true), &["220 hi\r\n", "250-mail\r\n250 AUTH PLAIN\r\n"]);
        assert!(said[1].contains("over TLS alone"), "{said:?}");
        let injected =
            talk(&mail(Security::StartTls, true), &["220 hi\r\n", "250-m\r\n250 STARTTLS\r\n", "220 go\r\n250 ok\r\n"]);
        assert!(injected[2].contains("more than it may"), "{injected:?}");
    }

    #[test]
    fn who_is_refused_is_told_and_the_others_get_it() {
        let start = ["220 hi\r\n", "250 mail\r\n", "250 ok\r\n", "550 no such user\r\n"];
        let said =
            talk(&mail(Security::None, false), &[&start[..], &["250 ok\r\n", "354 go\r\n", "250 queued\r\n"]].concat());
        assert_eq!(said[6], "true Some(550) no such user [\"d@e.f\"]");
        let said = talk(&mail(Security::None, false), &[&start[..], &["451 later\r\n"]].concat());
        assert_eq!(said[4], "false Some(451) later []");
    }

    #[test]
    fn a_reply_may_come_in_pieces_and_must_be_one() {
        let mail = mail(Security::None, false);
        assert_eq!(talk(&mail, &["22", "0 hi", "\r\n"])[..2], ["...", "..."]);
        for bad in ["HTTP/1.1 400 Bad Request\r\n", "2x0 hi\r\n", "999 hi\r\n", "220_hi\r\n", "é\u{1f600}\r\n"] {
            assert!(talk(&mail, &[bad])[0].contains("does not speak SMTP"), "{bad}");
        }
        assert!(talk(&mail, &[&"220-x\r\n".repeat(3_000)])[0].contains("no end"));
        assert!(talk(&mail, &["554 go away\r\n"])[0].starts_with("false Some(554) go away"));
    }

    #[test]
    fn we_call_ourselves_what_a_server_can_read() {
        let mail = mail(Security::None, false);
        for (hello, said) in [("10.0.0.7", "[10.0.0.7]"), ("a.example", "a.example"), ("x y", "edgewatch.invalid")] {
            let Action::Send(text) = Session::new(&mail, hello).feed(b"220 hi\r\n") else { panic!("{hello}") };
            assert_eq!(text, format!("EHLO {said}\r\n"));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_server_breaks_us(replies in proptest::collection::vec("([2-5][0-9]{2}[ -][A-Z ]{0,12}(\r\n)?|[ -~\r\n]{0,9})", 0..30)) {
            for (security, login) in [(Security::Tls, true), (Security::StartTls, true), (Security::None, false)] {
                let mail = mail(security, login);
                let mut session = Session::new(&mail, "a.example");
                for reply in &replies {
                    match session.feed(reply.as_bytes()) {
                        Action::Send(text) => proptest::prop_assert!(text.ends_with("\r\n")),
                        Action::Secure => drop(session.secured()),
                        Action::Wait => {}
                        Action::End(_) => break,
                    }
                }
            }
        }
    }

    #[test]
    fn a_break_says_whether_the_mail_may_have_been_taken() {
        let mail = mail(Security::None, false);
        let mut session = Session::new(&mail, "x y");
        for reply in ["220 hi\r\n", "250 m\r\n", "250 ok\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n"] {
            session.feed(reply.as_bytes());
        }
        let Action::End(ended) = session.broken("the server hung up") else { panic!() };
        assert!(!ended.is_taken && ended.words.contains("may have been taken"), "{}", ended.words);
    }
}
