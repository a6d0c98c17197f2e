//! Goldens: whole bodies under `tests/golden/<dialect>/`, byte for byte, but for volatile values that the caller names.
//! `UPDATE_GOLDEN=1` rewrites them. `scripts/test` fails on a golden that no test has read: each read is noted in the file that
//! `EDGEWATCH_GOLDEN_USED` names.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// What a value that differs from run to run must at least be. In the golden stands its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Volatile {
    /// Whole seconds since 1970, between 2020 and 2100: `"[unix_seconds]"`.
    UnixSeconds,
    /// Whole milliseconds since 1970, between 2020 and 2100: `"[unix_millis]"`.
    UnixMillis,
    /// A positive whole number, or a text of letters, digits, `-` and `_`: `"[id]"`.
    Id,
    /// A text of at least 16 letters, digits, `-` and `_`: `"[secret]"`.
    Secret,
    /// Any number: `"[number]"`.
    Number,
    /// Any text: `"[text]"`.
    Text,
    /// A time as RFC 3339 writes it: `"[rfc3339]"`.
    Rfc3339,
}

impl Volatile {
    fn word(self) -> &'static str {
        match self {
            Self::UnixSeconds => "\"[unix_seconds]\"",
            Self::UnixMillis => "\"[unix_millis]\"",
            Self::Id => "\"[id]\"",
            Self::Secret => "\"[secret]\"",
            Self::Number => "\"[number]\"",
            Self::Text => "\"[text]\"",
            Self::Rfc3339 => "\"[rfc3339]\"",
        }
    }

    /// Whether `token`, a value as JSON writes it, is of this kind.
    fn fits(self, token: &str) -> bool {
        const SECONDS: std::ops::Range<u64> = 1_577_836_800..4_102_444_800;
        let whole = token.parse::<u64>();
        let text = token.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let name_like = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        match self {
            Self::UnixSeconds => whole.is_ok_and(|seconds| SECONDS.contains(&seconds)),
            Self::UnixMillis => whole.is_ok_and(|millis| SECONDS.contains(&(millis / 1000))),
            Self::Id => whole.is_ok_and(|id| id > 0) || text.is_some_and(|text| !text.is_empty() && name_like(text)),
            Self::Secret => text.is_some_and(|text| text.len() >= 16 && name_like(text)),
            Self::Number => token.parse::<f64>().is_ok(),
            Self::Text => text.is_some(),
            Self::Rfc3339 => text.is_some_and(|text| {
                text.len() >= 20 && text.as_bytes()[4] == b'-' && text.as_bytes()[10] == b'T' && text.is_ascii()
            }),
        }
    }
}

/// Compares `body` with the golden of that name, or writes it.
pub(crate) fn assert(name: &str, body: &str, volatile: &[(&str, Volatile)]) {
    let seen = settle(body, volatile).unwrap_or_else(|problem| panic!("golden {name}: {problem}\nin {body}"));
    let path = path_of(name);
    note_use(&path);
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        fs::create_dir_all(path.parent().expect("a golden lies in a folder")).expect("the golden folder can be made");
        fs::write(&path, &seen).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        return;
    }
    let expected = fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; UPDATE_GOLDEN=1 writes it. Body: {seen}", path.display()));
    if seen != expected {
        let at = seen.bytes().zip(expected.bytes()).take_while(|(a, b)| a == b).count();
        panic!(
            "golden {name} differs at byte {at}\n  golden: …{}\n  reply:  …{}\nwhole reply: {seen}",
            around(&expected, at),
            around(&seen, at)
        );
    }
}

/// The neighbourhood of a byte, for a message.
fn around(text: &str, at: usize) -> String {
    let bytes = &text.as_bytes()[at.saturating_sub(40)..(at + 60).min(text.len())];
    String::from_utf8_lossy(bytes).into_owned()
}

fn path_of(name: &str) -> PathBuf {
    assert!(
        name.contains('/') && !name.contains("..") && !name.starts_with('/'),
        "a golden is named <dialect>/<route>.<case>, not {name}"
    );
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden").join(name)
}

fn note_use(path: &Path) {
    if let Some(list) = std::env::var_os("EDGEWATCH_GOLDEN_USED") {
        let name = path.to_string_lossy();
        let name = name.rsplit_once("/golden/").map_or(&*name, |(_, name)| name);
        let mut file =
            OpenOptions::new().create(true).append(true).open(list).expect("the list of used goldens can be opened");
        // One write call, so that lines of parallel tests do not mix.
        file.write_all(format!("{name}\n").as_bytes()).expect("the list of used goldens can be written");
    }
}

/// The body with each volatile value replaced by its word. Everything else stays as sent, spaces and order of keys included.
fn settle(body: &str, volatile: &[(&str, Volatile)]) -> Result<String, String> {
    if volatile.is_empty() {
        return Ok(body.to_owned());
    }
    let mut scan =
        Scan { text: body, at: 0, out: String::with_capacity(body.len()), volatile, met: vec![false; volatile.len()] };
    scan.value("")?;
    scan.out.push_str(&body[scan.at..]);
    match scan.met.iter().position(|met| !met) {
        Some(missed) => Err(format!("no value at {}", volatile[missed].0)),
        None => Ok(scan.out),
    }
}

/// A walk over JSON text that copies it. A path is keys joined by dots, `[]` for every element of an array: `result[].host.ip`.
struct Scan<'a> {
    text: &'a str,
    at: usize,
    out: String,
    volatile: &'a [(&'a str, Volatile)],
    met: Vec<bool>,
}

impl Scan<'_> {
    fn value(&mut self, path: &str) -> Result<(), String> {
        self.space();
        match self.peek() {
            Some(b'{') => self.object(path),
            Some(b'[') => self.array(path),
            Some(_) => self.scalar(path),
            None => Err("the body ends too early".to_owned()),
        }
    }

    fn object(&mut self, path: &str) -> Result<(), String> {
        self.copy(1);
        loop {
            self.space();
            match self.peek() {
                Some(b'}') => {
                    self.copy(1);
                    return Ok(());
                }
                Some(b',') => self.copy(1),
                Some(b'"') => {
                    let key = self.token()?.to_owned();
                    self.copy(key.len());
                    self.space();
                    if self.peek() != Some(b':') {
                        return Err(format!("no colon after {key}"));
                    }
                    self.copy(1);
                    let key = key.trim_matches('"');
                    self.value(&if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") })?;
                }
                _ => return Err(format!("not JSON at byte {}", self.at)),
            }
        }
    }

    fn array(&mut self, path: &str) -> Result<(), String> {
        self.copy(1);
        loop {
            self.space();
            match self.peek() {
                Some(b']') => {
                    self.copy(1);
                    return Ok(());
                }
                Some(b',') => self.copy(1),
                _ => self.value(&format!("{path}[]"))?,
            }
        }
    }

    fn scalar(&mut self, path: &str) -> Result<(), String> {
        let token = self.token()?;
        let length = token.len();
        match self.volatile.iter().position(|(named, _)| *named == path) {
            Some(index) => {
                let kind = self.volatile[index].1;
                if !kind.fits(token) {
                    return Err(format!("{path} is {token}, which does not look like {}", kind.word()));
                }
                self.met[index] = true;
                self.out.push_str(kind.word());
                self.at += length;
            }
            None => self.copy(length),
        }
        Ok(())
    }

    /// The text, number or word that begins here, as written.
    fn token(&self) -> Result<&str, String> {
        let rest = &self.text[self.at..];
        let end = if rest.starts_with('"') {
            let mut escaped = false;
            rest.char_indices()
                .skip(1)
                .find(|&(_, c)| {
                    let closes = c == '"' && !escaped;
                    escaped = c == '\\' && !escaped;
                    closes
                })
                .map(|(index, _)| index + 1)
        } else {
            let end = rest.find([',', ']', '}', ' ', '\n', '\r', '\t']).unwrap_or(rest.len());
            (end > 0).then_some(end)
        };
        end.map(|end| &rest[..end]).ok_or_else(|| format!("not JSON at byte {}", self.at))
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.copy(1);
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn copy(&mut self, length: usize) {
        self.out.push_str(&self.text[self.at..self.at + length]);
        self.at += length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volatile_values_become_words_and_the_rest_stays_as_sent() {
        let body = "{\"b\":1.0, \"a\":[{\"id\":7,\"t\":1795361188},{\"id\":8,\"t\":1795361189}],\"s\":\"x\\\"}\"}\n";
        let settled = settle(body, &[("a[].id", Volatile::Id), ("a[].t", Volatile::UnixSeconds)]).unwrap();
        assert_eq!(
            settled,
            "{\"b\":1.0, \"a\":[{\"id\":\"[id]\",\"t\":\"[unix_seconds]\"},{\"id\":\"[id]\",\"t\":\"[unix_seconds]\"}],\"s\":\"x\\\"}\"}\n"
        );
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_refused() {
        let problem = settle("{\"t\":12}", &[("t", Volatile::UnixSeconds)]).unwrap_err();
        assert!(problem.contains("t is 12"), "{problem}");
    }

    #[test]
    fn a_path_that_meets_nothing_is_refused() {
        assert_eq!(settle("{\"t\":12}", &[("u", Volatile::Number)]).unwrap_err(), "no value at u");
    }

    #[test]
    fn a_bare_text_is_a_whole_body() {
        assert_eq!(settle("\"xrSMqver6AGDNLowul\"", &[("", Volatile::Secret)]).unwrap(), "\"[secret]\"");
    }

    #[test]
    fn a_body_that_breaks_off_is_refused() {
        assert!(settle("{\"t\":[1,", &[("t[]", Volatile::Number)]).is_err());
    }
}
