//! What pages that are written here share.

use crate::units::UnixSeconds;

/// A text between tags or in an attribute between quotation marks: nothing in it is markup.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// A number of bytes for people.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
    let mut value = bytes as f64;
    let mut shown = format!("{bytes} B");
    for unit in UNITS {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        shown = format!("{value:.2} {unit}");
    }
    shown
}

/// A moment for people and machines, by UTC: `2026-11-22 15:26` within its element.
pub fn moment(at: UnixSeconds) -> String {
    let machine = at.rfc3339();
    let people = machine.get(..16).unwrap_or(&machine).replace('T', " ");
    format!("<time datetime=\"{machine}\">{people} UTC</time>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_markup() {
        let hostile = "<script>alert('1')</script>\"&amp;";
        let safe = escaped(hostile);
        assert_eq!(safe, "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&amp;amp;");
    }

    #[test]
    fn sizes_and_times_are_for_people() {
        assert_eq!([0, 1023, 1024, 1_610_612_736].map(bytes), ["0 B", "1023 B", "1.00 KiB", "1.50 GiB"]);
        assert_eq!(bytes(u64::MAX), "16.00 EiB");
        let at = moment(UnixSeconds(1_795_361_186));
        assert_eq!(at, "<time datetime=\"2026-11-22T15:26:26Z\">2026-11-22 15:26 UTC</time>");
    }
}
