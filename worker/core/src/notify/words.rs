//! Text that receivers take: cut to what they allow, escaped as they ask, without what a hostile name could do to the rest.

use crate::units::UnixSeconds;
use crate::units::calendar::{Day, format_header};

/// What stands at the end of a text that was cut.
const CUT: char = '…';

/// How long a piece of text is, in a receiver's units.
pub type Measure = fn(&str) -> usize;
/// Writes a character as a receiver wants it.
pub type Escape = fn(char, &mut String);

/// In bytes of UTF-8.
pub fn bytes(text: &str) -> usize {
    text.len()
}

/// In units of UTF-16, as JavaScript and most chat services count.
pub fn utf16(text: &str) -> usize {
    text.encode_utf16().count()
}

/// In bytes of a JSON string, without its quotes.
pub fn json_bytes(text: &str) -> usize {
    json_escaped(text).len()
}

/// `text` with each character as `escape` writes it, of at most `max` by `measure`; what is longer ends in `…`.
pub fn fitted(text: &str, max: usize, measure: Measure, escape: Escape) -> String {
    let room = max.saturating_sub(measure(CUT.encode_utf8(&mut [0; 4])));
    let (mut out, mut total, mut keep) = (String::with_capacity(text.len().min(max)), 0, 0);
    for one in text.chars() {
        let start = out.len();
        escape(one, &mut out);
        total += measure(out.get(start..).unwrap_or_default());
        if total <= room {
            keep = out.len();
        }
        if total > max {
            out.truncate(keep);
            out.push(CUT);
            return out;
        }
    }
    out
}

/// A character as it is, unless it is one that changes how others are shown: controls become spaces (a new line stays), marks that
/// turn the direction of writing vanish.
pub fn plain(one: char, out: &mut String) {
    match one {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' => {}
        '\n' => out.push(one),
        _ if one.is_control() => out.push(' '),
        _ => out.push(one),
    }
}

/// The same on one line.
pub fn one_line(one: char, out: &mut String) {
    plain(if matches!(one, '\n' | '\u{2028}' | '\u{2029}') { ' ' } else { one }, out);
}

/// The same for HTML, as Telegram and Slack read it.
pub fn html(one: char, out: &mut String) {
    match one {
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '&' => out.push_str("&amp;"),
        _ => plain(one, out),
    }
}

/// The same for Discord's Markdown: nothing is bold, quoted, mentioned or a link.
pub fn discord(one: char, out: &mut String) {
    if matches!(
        one,
        '\\' | '*' | '_' | '~' | '`' | '|' | '>' | '<' | '#' | '-' | '+' | '[' | ']' | '(' | ')' | '@' | ':' | '.'
    ) {
        out.push('\\');
    }
    plain(one, out);
}

/// A text as a JSON string has it, without the quotes.
pub fn json_escaped(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap_or_default();
    quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default().to_owned()
}

/// A text as a query has it, as Go writes it: a space is `+`. Source: nezha specification, 11.
pub fn query_escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => {
                const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
                out.push('%');
                for nibble in [byte >> 4, byte & 15] {
                    out.push(DIGITS.get(usize::from(nibble)).copied().map_or('0', char::from));
                }
            }
        }
    }
    out
}

/// `2026-11-23 00:01:52`, in UTC.
pub fn date_time(at: UnixSeconds) -> String {
    let (Day { year, month, day }, [hour, minute, second]) = at.civil();
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// `Mon, 23 Nov 2026 00:01:52 +0000`, as mail has it. Source: RFC 5322, 3.3.
pub fn mail_date(at: UnixSeconds) -> String {
    format_header(at, "+0000")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters_and_never_within_an_escape() {
        assert_eq!(fitted("abc", 3, bytes, plain), "abc");
        assert_eq!(fitted("abcdef", 5, bytes, plain), "ab…");
        assert_eq!(fitted("<<<<", 9, bytes, html), "&lt;…");
        assert_eq!(fitted("\u{1f600}\u{1f600}\u{1f600}", 5, utf16, plain), "\u{1f600}\u{1f600}…");
        assert_eq!(fitted("***", 5, utf16, discord), "\\*\\*…");
        assert_eq!(fitted("\"\"\"\"", 7, json_bytes, plain), "\"\"…");
        for max in 0..20 {
            let long = "a<é\u{1f600}&".repeat(9);
            assert!(fitted(&long, max.max(3), bytes, html).len() <= max.max(3));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_longer_than_it_may_be(text in ".{0,200}", max in 3_usize..300) {
            let ways: [(Measure, Escape); 5] =
                [(bytes, plain), (utf16, html), (utf16, discord), (json_bytes, one_line), (bytes, html)];
            for (measure, escape) in ways {
                proptest::prop_assert!(measure(&fitted(&text, max, measure, escape)) <= max);
            }
        }
    }

    #[test]
    fn a_hostile_name_is_only_text() {
        assert_eq!(fitted("a\u{202e}b\r\nc\u{7}", 99, utf16, one_line), "ab  c ");
        assert_eq!(fitted("<b>&", 99, utf16, html), "&lt;b&gt;&amp;");
        assert_eq!(fitted("@everyone [x](http://y)", 99, utf16, discord), "\\@everyone \\[x\\]\\(http\\://y\\)");
    }

    #[test]
    fn escapes_are_those_of_the_original() {
        assert_eq!(query_escaped("a b&c=é/~*"), "a+b%26c%3D%C3%A9%2F~%2A");
        assert_eq!(json_escaped("a\"b\n\\"), "a\\\"b\\n\\\\");
    }

    #[test]
    fn moments_are_written_in_utc() {
        assert_eq!(date_time(UnixSeconds(1_795_392_112)), "2026-11-23 00:01:52");
        assert_eq!(mail_date(UnixSeconds(1_795_392_112)), "Mon, 23 Nov 2026 00:01:52 +0000");
        assert_eq!(date_time(UnixSeconds(951_782_400)), "2000-02-29 00:00:00");
        assert_eq!(mail_date(UnixSeconds(0)), "Thu, 01 Jan 1970 00:00:00 +0000");
        assert_eq!(date_time(UnixSeconds(-1)), "1969-12-31 23:59:59");
    }
}
