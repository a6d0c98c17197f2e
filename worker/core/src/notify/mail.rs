//! Mail: addresses, and a message as RFC 5322 has it. All of it is ASCII, so every server takes it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::notice::Letter;
use super::settings::Settings;
use super::words::{fitted, mail_date, one_line, plain, utf16};
use super::{OutgoingMail, Security};
use crate::failure::Failure;

/// The most people one mail goes to.
const MAX_RECIPIENTS: usize = 50;
/// The longest address. Source: RFC 5321, 4.5.3.1.3.
const MAX_ADDRESS_BYTES: usize = 254;
/// Of a subject, in UTF-16.
const MAX_SUBJECT: usize = 200;
/// Of a body, in UTF-16.
const MAX_TEXT: usize = 20_000;
/// So many bytes make an encoded word of at most 75 characters. Source: RFC 2047, 2.
const WORD_BYTES: usize = 42;
/// So many bytes make a line of 76 characters. Source: RFC 2045, 6.8.
const LINE_BYTES: usize = 57;

/// The name, which may be empty, and the address in `Edgewatch <watch@example.com>` or `watch@example.com`. A name may be in quotes,
/// with a backslash before what is not to be read as a mark.
///
/// # Errors
/// What is wrong with it.
pub fn parse_from(text: &str) -> Result<(String, String), String> {
    let (name, address) = match text.trim().strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
        Some((name, address)) => (unquoted(name.trim()), address),
        None => (String::new(), text.trim()),
    };
    if name.contains(['<', '>']) || name.chars().any(char::is_control) {
        return Err("holds a name with angle brackets or control characters".to_owned());
    }
    check_address(address)?;
    Ok((name, address.to_owned()))
}

fn unquoted(name: &str) -> String {
    let inner = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
    let Some(inner) = inner else { return name.to_owned() };
    let (mut text, mut rest) = (String::with_capacity(inner.len()), inner.chars());
    while let Some(one) = rest.next() {
        text.extend(if one == '\\' { rest.next() } else { Some(one) });
    }
    text.trim().to_owned()
}

/// A name in quotes. Source: RFC 5322, 3.2.4.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A name and an address as those who send mail for others read them: the name in quotes where it holds a mark that would end it.
pub fn mailbox(name: &str, address: &str) -> String {
    let is_mark = |one: char| one.is_ascii() && !one.is_ascii_alphanumeric() && !"!#$%&'*+-/=?^_`{|}~ ".contains(one);
    match name {
        "" => address.to_owned(),
        name if name.contains(is_mark) => format!("{} <{address}>", quoted(name)),
        name => format!("{name} <{address}>"),
    }
}

/// The addresses in a list with commas.
///
/// # Errors
/// What is wrong with it.
pub fn parse_to(text: &str) -> Result<Vec<String>, String> {
    let found: Vec<String> = text.split(',').map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect();
    if found.is_empty() || found.len() > MAX_RECIPIENTS {
        return Err(format!("1 to {MAX_RECIPIENTS} addresses"));
    }
    found.iter().try_for_each(|one| check_address(one))?;
    Ok(found)
}

/// An address that can stand in a command and in a header as it is.
fn check_address(address: &str) -> Result<(), String> {
    let is_fine = |byte: u8| byte.is_ascii_graphic() && !b"<>()[],;:\\\"".contains(&byte);
    let parts = address.split_once('@').filter(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !domain.contains('@') && !domain.starts_with('.')
    });
    if parts.is_none() || address.len() > MAX_ADDRESS_BYTES || !address.bytes().all(is_fine) {
        return Err("holds what is no mail address in ASCII".to_owned());
    }
    Ok(())
}

/// What a mail is about.
pub fn subject(letter: &Letter<'_>) -> String {
    fitted(&format!("[Edgewatch] {}", letter.title()), MAX_SUBJECT, utf16, one_line)
}

/// What a mail says.
pub fn text(letter: &Letter<'_>) -> String {
    let text = fitted(&letter.notice.event.text, MAX_TEXT, utf16, plain);
    let event = letter.notice.event;
    let address = if letter.edgewatch_url.is_empty() { String::new() } else { format!("\n{}", letter.edgewatch_url) };
    format!("{text}\n\n{}{address}\nEvent {}\n", letter.when(), event.key)
}

/// The mail's id, the same for every repeat: the letter's key at the sender's domain, in brackets.
pub fn message_id(letter: &Letter<'_>, from: &str) -> String {
    let domain = from.rsplit_once('@').map_or("edgewatch.invalid", |(_, domain)| domain);
    format!("<{}@{domain}>", letter.key.replace(':', "."))
}

/// A mail by SMTP.
///
/// # Errors
/// [`Failure::Internal`] for settings that were never checked.
pub fn render(settings: &Settings, letter: &Letter<'_>) -> Result<OutgoingMail, Failure> {
    let lines = body_lines(&text(letter));
    message(settings, letter, &subject(letter), ("text/plain; charset=utf-8", Some("base64"), &lines))
}

/// A text as the lines of a body in base64.
pub fn body_lines(text: &str) -> String {
    let text = text.replace('\n', "\r\n");
    let lines: Vec<String> = text.as_bytes().chunks(LINE_BYTES).map(|line| STANDARD.encode(line)).collect();
    lines.join("\r\n")
}

/// A mail of this subject, and of a body: what it is, how it is encoded, and its lines.
///
/// # Errors
/// [`Failure::Internal`] for settings that were never checked.
pub fn message(
    settings: &Settings,
    letter: &Letter<'_>,
    subject: &str,
    (content_type, encoding, body): (&str, Option<&str>, &str),
) -> Result<OutgoingMail, Failure> {
    let (name, from) = parse_from(settings.get("from")).map_err(Failure::Internal)?;
    let to = parse_to(settings.get("to")).map_err(Failure::Internal)?;
    let (security, usual_port) = match settings.get("security") {
        "starttls" => (Security::StartTls, 587),
        "none" => (Security::None, 587),
        _ => (Security::Tls, 465),
    };
    let login = (settings.get("username").to_owned(), settings.get("password").to_owned());
    let mut secrets = settings.secrets();
    if !login.1.is_empty() {
        secrets.push(STANDARD.encode(&login.1));
        secrets.push(STANDARD.encode(format!("\0{}\0{}", login.0, login.1)));
    }
    let from_header = if name.is_empty() { from.clone() } else { format!("{} <{from}>", header_text(&name, true)) };
    let mut head = vec![
        format!("From: {from_header}"),
        format!("To: {}", to.join(",\r\n ")),
        format!("Subject: {}", header_text(subject, false)),
        format!("Date: {}", mail_date(letter.notice.event.at)),
        format!("Message-ID: {}", message_id(letter, &from)),
        format!("X-Edgewatch-Event: {}", letter.notice.event.key),
        "Auto-Submitted: auto-generated".to_owned(),
        "MIME-Version: 1.0".to_owned(),
        format!("Content-Type: {content_type}"),
    ];
    head.extend(encoding.map(|encoding| format!("Content-Transfer-Encoding: {encoding}")));
    Ok(OutgoingMail {
        host: settings.get("host").to_owned(),
        port: settings.get("port").parse().unwrap_or(usual_port),
        security,
        login: (!login.1.is_empty()).then_some(login),
        from,
        to,
        message: format!("{}\r\n\r\n{}\r\n", head.join("\r\n"), body),
        secrets,
    })
}

/// Text as a header has it: as it is where it may, else in encoded words. A name before an address is put in quotes.
fn header_text(text: &str, is_name: bool) -> String {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) && !text.contains("=?") {
        return if is_name { quoted(text) } else { text.to_owned() };
    }
    let mut words = vec![String::new()];
    for one in text.chars() {
        match words.last_mut() {
            Some(word) if word.len() + one.len_utf8() <= WORD_BYTES => word.push(one),
            _ => words.push(one.to_string()),
        }
    }
    let encoded: Vec<String> = words.iter().map(|word| format!("=?utf-8?B?{}?=", STANDARD.encode(word))).collect();
    encoded.join("\r\n ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::kinds::Kind;
    use crate::notify::notice::tests::{HOSTILE, event, host};
    use crate::notify::notice::{Notice, render as render_any};
    use crate::notify::settings::tests::settings;
    use crate::notify::{MASK, Outgoing, shown};

    fn mail(more: &[(&str, &str)], text: &str, name: &str) -> OutgoingMail {
        let base = [
            ("host", "mail.example.com"),
            ("from", "Wächter <watch@example.com>"),
            ("to", "a@example.com, b@example.org"),
        ];
        let (event, host) = (event(text), host(name));
        let notice = Notice { event: &event, host: Some(&host), host_name: None, group: "" };
        let settings = settings(Kind::Smtp, &[&base, more].concat()).unwrap();
        match render_any(&settings, notice, "0001:7", "").unwrap() {
            Outgoing::Mail(mail) => mail,
            Outgoing::Request(request) => panic!("{request:?}"),
        }
    }

    #[test]
    fn a_mail_is_ascii_and_has_one_head() {
        let mail = mail(&[], &"ü".repeat(3_000), HOSTILE);
        let (head, body) = mail.message.split_once("\r\n\r\n").unwrap();
        assert!(mail.message.is_ascii() && !mail.message.replace("\r\n", "").contains(['\r', '\n']));
        assert!(mail.message.split("\r\n").all(|line| line.len() <= 998));
        assert!(body.split("\r\n").all(|line| line.len() <= 76));
        let names: Vec<&str> = head
            .split("\r\n")
            .filter(|line| !line.starts_with(' '))
            .filter_map(|line| line.split(':').next())
            .collect();
        assert_eq!(names[..5], ["From", "To", "Subject", "Date", "Message-ID"]);
        assert!(!names.contains(&"Bcc"), "{head}");
        assert!(head.contains("Message-ID: <0001.7@example.com>"), "{head}");
        assert!(head.contains("From: =?utf-8?B?V8OkY2h0ZXI=?= <watch@example.com>"), "{head}");
        let text = STANDARD.decode(body.replace("\r\n", "")).unwrap();
        assert!(String::from_utf8(text).unwrap().contains("2026-11-23 00:01:52 UTC\r\nEvent 0001\r\n"));
    }

    #[test]
    fn a_senders_name_with_marks_is_one_name() {
        for (from, header) in [
            ("Watch, Inc. <w@x.y>", r#""Watch, Inc." <w@x.y>"#),
            (r#""Watch, Inc." <w@x.y>"#, r#""Watch, Inc." <w@x.y>"#),
            (r#"Ed "W" <w@x.y>"#, r#""Ed \"W\"" <w@x.y>"#),
            (r"a\b (c); d:e@f <w@x.y>", r#""a\\b (c); d:e@f" <w@x.y>"#),
        ] {
            let mail = mail(&[("from", from)], "x", "n");
            assert!(mail.message.contains(&format!("From: {header}\r\n")), "{}", mail.message);
            let (name, address) = parse_from(from).unwrap();
            assert_eq!(mailbox(&name, &address), header);
            assert_eq!(parse_from(header), Ok((name, address)), "it is read back as it was");
        }
        assert_eq!(
            (mailbox("", "w@x.y"), mailbox("Wächter", "w@x.y")),
            ("w@x.y".to_owned(), "Wächter <w@x.y>".to_owned())
        );
        let coded = mail(&[("from", "Wächter, \"W\" <w@x.y>")], "x", "n").message;
        assert!(coded.contains("From: =?utf-8?B?"), "{coded}");
    }

    #[test]
    fn a_long_subject_is_made_of_short_words() {
        let mail = mail(&[], "x", &"é".repeat(500));
        let words: Vec<&str> = mail.message.split("\r\n").filter(|line| line.contains("=?utf-8?B?")).collect();
        assert!(words.len() > 3 && words.iter().all(|line| line.len() <= 90), "{words:?}");
    }

    #[test]
    fn the_port_follows_the_security() {
        let ports = |more: &[(&str, &str)]| {
            let mail = mail(more, "x", "n");
            (mail.port, mail.security)
        };
        assert_eq!(ports(&[]), (465, Security::Tls));
        assert_eq!(ports(&[("security", "starttls")]), (587, Security::StartTls));
        assert_eq!(ports(&[("security", "none"), ("port", "2525")]), (2525, Security::None));
    }

    #[test]
    fn a_password_is_shown_in_no_spelling() {
        let mail = mail(&[("username", "u"), ("password", "hunter2-hunter2")], "x", "n");
        let plain = STANDARD.encode("\0u\0hunter2-hunter2");
        assert_eq!(shown(&format!("no {plain} hunter2-hunter2"), &mail.secrets), format!("no {MASK} {MASK}"));
        assert_eq!(mail.login, Some(("u".to_owned(), "hunter2-hunter2".to_owned())));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\r\nRCPT", "<a@b", "ä@b.c", "a@.b", "x<y <a@b.c>"] {
            assert!(parse_from(text).is_err(), "{text}");
        }
        assert_eq!(parse_from("\"Ed W\" <a@b.c>"), Ok(("Ed W".to_owned(), "a@b.c".to_owned())));
        assert_eq!(parse_from(r#""a \"b\\c, d" <a@b.c>"#), Ok((r#"a "b\c, d"#.to_owned(), "a@b.c".to_owned())));
        assert_eq!(parse_to("a@b.c,, d@e.f").unwrap(), ["a@b.c", "d@e.f"]);
        assert!(parse_to(",").is_err() && parse_to(&"a@b.c,".repeat(51)).is_err());
    }
}
