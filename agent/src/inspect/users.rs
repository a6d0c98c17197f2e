//! Group `users`: who is logged in, from utmp; where there is none, as on recent distributions, from logind.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Instant;

use edgewatch_core::dialects::openitcockpit::result::User;

use super::bus::wire::{Reader, Variant};
use super::bus::{self, Bus, Call};
use super::fault::Fault;

/// Where the C library keeps it, on systems new and old.
pub const UTMP: [&str; 2] = ["/run/utmp", "/var/run/utmp"];
/// Source: room for ten thousand sessions.
const MOST_BYTES: u64 = 4 * 1024 * 1024;
/// A record of somebody who is logged in. Source: `utmp(5)`, `USER_PROCESS`.
const LOGGED_IN: [u8; 2] = 7_i16.to_ne_bytes();

const LOGIND: &str = "org.freedesktop.login1";
const LIST: Call<'_> = Call {
    service: LOGIND,
    path: "/org/freedesktop/login1",
    interface: "org.freedesktop.login1.Manager",
    method: "ListSessions",
};

/// Where a record has what, in bytes from its beginning. Source: glibc's `bits/utmp.h`; on 64-bit ARM times are longer.
struct Layout {
    length: usize,
    seconds_at: usize,
    seconds_length: usize,
}

const LAYOUT: Layout = if cfg!(target_arch = "aarch64") {
    Layout { length: 400, seconds_at: 344, seconds_length: 8 }
} else {
    Layout { length: 384, seconds_at: 340, seconds_length: 4 }
};
const TERMINAL: std::ops::Range<usize> = 8..40;
const ACCOUNT: std::ops::Range<usize> = 44..76;
const HOST: std::ops::Range<usize> = 76..332;

/// The group.
///
/// # Errors
/// [`Fault::Refused`] of utmp, but for one that is not there; then those of the bus and of logind.
pub fn read(utmp: &[&str], socket: &Path, until: Instant) -> Result<Vec<User>, Fault> {
    for path in utmp {
        match File::open(path) {
            Ok(file) => {
                let mut bytes = Vec::new();
                file.take(MOST_BYTES).read_to_end(&mut bytes).map_err(Fault::refused(*path))?;
                return Ok(parse(&bytes, &LAYOUT));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Fault::refused(*path)(error)),
        }
    }
    ask(socket, until)
}

fn parse(bytes: &[u8], layout: &Layout) -> Vec<User> {
    let records = bytes.chunks_exact(layout.length).filter(|record| record.starts_with(&LOGGED_IN));
    let one = |record: &[u8]| {
        let seconds = record.get(layout.seconds_at..layout.seconds_at + layout.seconds_length)?;
        Some(User {
            name: text(record.get(ACCOUNT)?),
            terminal: text(record.get(TERMINAL)?),
            host: text(record.get(HOST)?),
            started: match <[u8; 4]>::try_from(seconds) {
                // Without a sign it lasts until 2106.
                Ok(short) => i64::from(u32::from_ne_bytes(short)),
                Err(_) => i64::from_ne_bytes(seconds.try_into().ok()?),
            },
        })
    };
    records.filter_map(one).collect()
}

/// Up to the first empty byte.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
}

/// What logind knows. A session that ends meanwhile is left out.
fn ask(socket: &Path, until: Instant) -> Result<Vec<User>, Fault> {
    let mut bus = Bus::connect(socket, until)?;
    let sessions = bus::parse(&bus.call(LIST, &[])?, |reader| reader.structures(session))?;
    let mut found = Vec::new();
    for (name, path) in sessions {
        let call =
            Call { service: LOGIND, path: &path, interface: "org.freedesktop.DBus.Properties", method: "GetAll" };
        match bus.call(call, &["org.freedesktop.login1.Session"]) {
            Ok(body) => {
                let (user, is_told) = bus::parse(&body, |reader| user(name, reader))?;
                found.extend(Some(user).filter(|_| is_told));
            }
            Err(Fault::Said(_)) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(found)
}

/// The account's name and the session's object: its id, the account's number and its seat lie around them.
fn session(reader: &mut Reader<'_>) -> Option<(String, String)> {
    reader.skip("su")?;
    let name = reader.text()?.to_owned();
    reader.skip("s")?;
    Some((name, reader.text()?.to_owned()))
}

/// Who it is, and whether they are told: the login screen and a manager of services are no person's.
fn user(name: String, reader: &mut Reader<'_>) -> Option<(User, bool)> {
    let mut user = User { name, ..User::default() };
    let (mut is_person, mut is_closing) = (false, false);
    reader.structures(|reader| {
        match (reader.text()?, reader.variant()?) {
            ("TTY", Variant::Text(terminal)) => terminal.clone_into(&mut user.terminal),
            ("RemoteHost", Variant::Text(host)) => host.clone_into(&mut user.host),
            ("Timestamp", Variant::Number(microseconds)) => {
                user.started = i64::try_from(microseconds / 1_000_000).unwrap_or(i64::MAX);
            }
            ("Class", Variant::Text(class)) => is_person = class == "user",
            ("State", Variant::Text(state)) => is_closing = state == "closing",
            _ => {}
        }
        Some(())
    })?;
    Some((user, is_person && !is_closing))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::bus::stand_in::{StandIn, array};
    use super::super::bus::wire::Writer;
    use super::*;
    use crate::testing::TestDirectory;

    const SHORT: Layout = Layout { length: 384, seconds_at: 340, seconds_length: 4 };
    const LONG: Layout = Layout { length: 400, seconds_at: 344, seconds_length: 8 };

    const LOGGED_IN_KIND: i16 = 7;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    fn record(layout: &Layout, kind: i16, texts: [&str; 3], started: i64) -> Vec<u8> {
        let mut record = vec![0; layout.length];
        record[..2].copy_from_slice(&kind.to_ne_bytes());
        for (range, text) in [TERMINAL, ACCOUNT, HOST].into_iter().zip(texts) {
            record[range.start..range.start + text.len()].copy_from_slice(text.as_bytes());
        }
        let seconds = &mut record[layout.seconds_at..layout.seconds_at + layout.seconds_length];
        if layout.seconds_length == 4 {
            seconds.copy_from_slice(&u32::try_from(started).unwrap().to_ne_bytes());
        } else {
            seconds.copy_from_slice(&started.to_ne_bytes());
        }
        record
    }

    fn alice() -> User {
        User {
            name: "alice".to_owned(),
            terminal: "pts/0".to_owned(),
            host: "198.51.100.7".to_owned(),
            started: 2_147_483_700,
        }
    }

    #[test]
    fn whoever_is_logged_in_is_told_on_both_layouts() {
        for layout in [SHORT, LONG] {
            let mut bytes = record(&layout, 2, ["~", "reboot", "6.1"], 1);
            bytes.extend(record(&layout, LOGGED_IN_KIND, ["pts/0", "alice", "198.51.100.7"], 2_147_483_700));
            bytes.extend(record(&layout, 8, ["pts/1", "", ""], 1));
            bytes.push(7);
            assert_eq!(parse(&bytes, &layout), [alice()]);
        }
    }

    #[test]
    fn utmp_goes_before_logind() {
        let directory = TestDirectory::new();
        let path = directory.path().join("utmp");
        let record = record(&LAYOUT, LOGGED_IN_KIND, ["pts/0", "alice", "198.51.100.7"], 2_147_483_700);
        std::fs::write(&path, record).unwrap();
        let found = read(&["/no/utmp", path.to_str().unwrap()], Path::new("/no/bus"), soon()).unwrap();
        assert_eq!(found, [alice()]);
    }

    fn properties(class: &str) -> Vec<u8> {
        let mut numbers = 0;
        let texts = [("TTY", "pts/0"), ("RemoteHost", "198.51.100.7"), ("Class", class), ("State", "active")];
        array(|writer: &mut Writer| {
            numbers += 1;
            match numbers {
                1..=4 => {
                    let (name, value) = texts[numbers - 1];
                    writer.text(name);
                    writer.signature("s");
                    writer.text(value);
                }
                5 => {
                    writer.text("Timestamp");
                    writer.signature("t");
                    writer.pad(8);
                    writer.0.extend(2_147_483_700_000_001_u64.to_le_bytes());
                }
                6 => {
                    writer.text("Seat");
                    writer.signature("(so)");
                    writer.pad(8);
                    writer.text("");
                    writer.text("/");
                }
                _ => return false,
            }
            true
        })
    }

    #[test]
    fn without_utmp_logind_tells_the_sessions_of_people() {
        let mut asked = 0;
        let stand_in = StandIn::start(move |method, text| {
            if method == "GetAll" {
                assert_eq!(text, "org.freedesktop.login1.Session");
                asked += 1;
                return match asked {
                    1 => Ok(("a{sv}", properties("user"))),
                    2 => Ok(("a{sv}", properties("greeter"))),
                    _ => Err("org.freedesktop.DBus.Error.UnknownObject"),
                };
            }
            let mut names = ["alice", "gdm", "bob"].iter();
            let body = array(|writer| {
                let Some(name) = names.next() else { return false };
                writer.text("c1");
                writer.pad(4);
                writer.length(1000);
                writer.text(name);
                writer.text("seat0");
                writer.text(&format!("/org/freedesktop/login1/session/{name}"));
                true
            });
            Ok(("a(susso)", body))
        });
        assert_eq!(read(&["/no/utmp"], &stand_in.socket(), soon()).unwrap(), [alice()]);
        assert_eq!(stand_in.called()[3], "/org/freedesktop/login1/session/gdm GetAll org.freedesktop.login1.Session");
    }

    #[test]
    fn a_machine_with_neither_says_so() {
        assert!(read(&["/no/utmp"], Path::new("/no/bus"), soon()).is_err());
    }
}
