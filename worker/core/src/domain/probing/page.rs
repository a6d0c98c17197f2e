//! What the answer of a web address has to be, and where it may lead. Source: mackerel specification, 8 (`external`).

use super::target::{TargetError, check_edge_target, check_target, endpoint};
use crate::model::{ProbeKind, WebQuestion};

/// So much of a body is looked at, bytes.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;
/// So many redirections are followed.
pub const MOST_REDIRECTS: usize = 3;
/// How long an answer may take, with all redirections and as much of the body as is looked at, ms. Source: the vendor's help page on
/// external monitoring (15 seconds, whatever the limits).
pub const LIMIT_MS: u64 = 15_000;

/// Whether an address can be asked at all; `is_everywhere`: on a machine of one's own, where no platform forbids any.
///
/// # Errors
/// [`TargetError`] in words for people.
pub fn check_url(url: &str, is_everywhere: bool) -> Result<(), TargetError> {
    // What is behind the host decides nothing, and may be long.
    let place = place_of(url);
    let is_plain = |letter: char| !letter.is_whitespace() && !letter.is_control();
    if !url.chars().all(is_plain) {
        return Err(TargetError::Text);
    }
    if is_everywhere { check_target(ProbeKind::Http, place) } else { check_edge_target(ProbeKind::Http, place) }
}

/// Scheme, host and port as they stand there.
fn place_of(url: &str) -> &str {
    let from = url.find("://").map_or(0, |at| at + 3);
    let rest = url.get(from..).unwrap_or_default();
    let length = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    url.get(..from + length).unwrap_or(url)
}

/// Whether two addresses are one server's: what is secret may go from one to the other.
pub fn is_same_origin(one: &str, other: &str) -> bool {
    let origin = |url| {
        let place = endpoint(ProbeKind::Http, place_of(url)).ok()?;
        Some((place.is_tls, place.host.to_ascii_lowercase(), place.port))
    };
    origin(one).is_some_and(|one| origin(other) == Some(one))
}

/// Whether a status sends whoever asks elsewhere.
pub const fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// The method after a redirection of this status, and whether the body goes along, as browsers do it.
pub fn after_redirect(status: u16, method: &str) -> (&str, bool) {
    let becomes_get = status == 303 && method != "GET" || matches!(status, 301 | 302) && method == "POST";
    if becomes_get { ("GET", false) } else { (method, method != "GET") }
}

/// Whether a status is right.
///
/// # Errors
/// What is wrong with it, in words for people.
pub fn check_status(question: &WebQuestion, status: u16) -> Result<(), String> {
    match question.status {
        Some(wanted) if wanted != status => Err(format!("status {status}, not {wanted}")),
        None if status >= 400 => Err(format!("status {status}")),
        _ => Ok(()),
    }
}

/// Looks for a text in a body that comes in pieces.
#[derive(Debug)]
pub struct Finder<'a> {
    text: &'a [u8],
    /// The end of what came, where the text may have begun.
    tail: Vec<u8>,
    seen_bytes: usize,
    is_found: bool,
}

impl<'a> Finder<'a> {
    /// One that looks for this.
    pub const fn new(text: &'a str) -> Self {
        Self { text: text.as_bytes(), tail: Vec::new(), seen_bytes: 0, is_found: text.is_empty() }
    }

    /// Whether it was there.
    pub const fn is_found(&self) -> bool {
        self.is_found
    }

    /// Looks at the next piece; whether there is more to look at.
    pub fn feed(&mut self, piece: &[u8]) -> bool {
        let left = MAX_BODY_BYTES.saturating_sub(self.seen_bytes).min(piece.len());
        self.seen_bytes += left;
        self.tail.extend_from_slice(piece.get(..left).unwrap_or_default());
        self.is_found = self.is_found || self.tail.windows(self.text.len().max(1)).any(|window| window == self.text);
        let rest = self.tail.len().saturating_sub(self.text.len().saturating_sub(1));
        self.tail.drain(..rest);
        !self.is_found && self.seen_bytes < MAX_BODY_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{prop, proptest};

    #[test]
    fn an_address_may_be_long_but_leads_where_the_platform_may_go() {
        let long = format!("https://example.com/?q={}", "x".repeat(2_000));
        for good in ["https://example.com", "http://example.com:8080/a?b#c", "HTTPS://example.com?x", long.as_str()] {
            assert_eq!((check_url(good, false), check_url(good, true)), (Ok(()), Ok(())), "{good}");
        }
        for own in ["http://127.0.0.1:8080/x", "http://nas.local/", "https://8.8.8.8/"] {
            assert!(check_url(own, false).is_err() && check_url(own, true).is_ok(), "{own}");
        }
        for bad in [
            "",
            "example.com",
            "ftp://example.com",
            "https://",
            "https://user:secret@example.com/",
            "https://example.com/a b",
            "https://example.com\\@127.0.0.1/",
            "https://example.com/\n",
            "https://example.com:0/",
            "http://0251.0376.0251.0376/",
        ] {
            assert!(check_url(bad, true).is_err(), "{bad}");
        }
        // A sign of an account behind the host is none.
        assert_eq!(check_url("https://example.com/@a", false), Ok(()));
    }

    #[test]
    fn one_origin_is_one_scheme_host_and_port() {
        let one = "https://example.com/a";
        for same in ["https://EXAMPLE.com:443/b?c", "https://example.com"] {
            assert!(is_same_origin(one, same), "{same}");
        }
        for other in ["http://example.com/a", "https://example.com:8443/a", "https://www.example.com/a", "", "x"] {
            assert!(!is_same_origin(one, other), "{other}");
        }
        assert!(!is_same_origin("", ""));
    }

    #[test]
    fn redirections_turn_into_gets_where_browsers_do_so() {
        let all = [(301, "POST"), (302, "POST"), (303, "PUT"), (303, "GET"), (307, "POST"), (308, "PUT"), (302, "PUT")];
        let after = all.map(|(status, method)| after_redirect(status, method));
        let get = ("GET", false);
        assert_eq!(after, [get, get, get, get, ("POST", true), ("PUT", true), ("PUT", true)]);
        assert!(is_redirect(301) && is_redirect(308) && !is_redirect(300) && !is_redirect(304) && !is_redirect(200));
    }

    #[test]
    fn below_four_hundred_is_good_unless_one_status_is_wanted() {
        let any = WebQuestion::default();
        let one = WebQuestion { status: Some(404), ..WebQuestion::default() };
        assert_eq!([200, 204, 302, 399].map(|status| check_status(&any, status)), [const { Ok(()) }; 4]);
        assert_eq!(check_status(&any, 400), Err("status 400".to_owned()));
        assert_eq!((check_status(&one, 404), check_status(&one, 200).is_err()), (Ok(()), true));
        assert_eq!(check_status(&one, 200).unwrap_err(), "status 200, not 404");
    }

    #[test]
    fn no_more_than_a_megabyte_is_looked_at() {
        let filler = vec![b'x'; MAX_BODY_BYTES - 3];
        for (before, is_found) in [(0, true), (1, false)] {
            let mut finder = Finder::new("end");
            let more = finder.feed(&vec![b' '; before]) && finder.feed(&filler) && finder.feed(b"end");
            assert_eq!((more, finder.is_found()), (false, is_found));
        }
        assert!(Finder::new("").is_found());
    }

    proptest! {
        #[test]
        fn a_text_is_found_wherever_the_pieces_end(
            body in "[ab]{0,40}",
            text in "[ab]{1,4}",
            cuts in prop::collection::vec(0_usize..40, 0..6),
        ) {
            let mut cuts = cuts;
            cuts.retain(|cut| *cut <= body.len());
            cuts.extend([0, body.len()]);
            cuts.sort_unstable();
            let mut finder = Finder::new(&text);
            for pair in cuts.windows(2) {
                finder.feed(&body.as_bytes()[pair[0]..pair[1]]);
            }
            assert_eq!(finder.is_found(), body.contains(&text));
        }
    }
}
