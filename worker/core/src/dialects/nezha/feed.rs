//! `GET /ws`, and the same within the page at `/`. Source: nezha specification, 13.

use serde::Serialize;

use super::server::{HostPart, NEVER_ACTIVE, ServerDetail, StatusPart};
use crate::failure::Failure;
use crate::model::{Form, Host, Piece};
use crate::units::{UnixMillis, UnixSeconds};

/// A server in the feed, but for when it was last active: that is written behind it, see [`Feed::add`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
struct FeedServer {
    #[serde(rename = "ID")]
    id: i64,
    /// When it was registered.
    created_at: String,
    /// The same: nobody keeps when it was edited.
    updated_at: String,
    /// null.
    deleted_at: Option<String>,
    name: String,
    tag: String,
    display_index: i64,
    hide_for_guest: bool,
    /// false.
    #[serde(rename = "EnableDDNS")]
    enable_ddns: bool,
    /// In the page alone, and where there is one.
    #[serde(skip_serializing_if = "String::is_empty")]
    public_note: String,
    host: HostPart,
    state: StatusPart,
}

/// A host as the feed has it, a JSON object without `LastActive`. No secret, note or address is in it.
///
/// # Errors
/// [`Failure::Internal`] when it cannot be written as JSON, which would be our fault.
pub fn feed_piece(host: Host) -> Result<String, Failure> {
    piece(host, String::new())
}

fn piece(host: Host, public_note: String) -> Result<String, Failure> {
    let (id, registered_at) = (host.id.0, host.registered_at.rfc3339());
    let detail = ServerDetail::from(host);
    let server = FeedServer {
        id,
        created_at: registered_at.clone(),
        updated_at: registered_at,
        deleted_at: None,
        name: detail.summary.name,
        tag: detail.summary.tag,
        display_index: detail.summary.display_index,
        hide_for_guest: detail.summary.hide_for_guest,
        enable_ddns: false,
        public_note,
        host: detail.host,
        state: detail.status,
    };
    serde_json::to_string(&server).map_err(|error| Failure::Internal(format!("a server in JSON: {error}")))
}

/// One text of the feed while it is written.
#[derive(Debug)]
pub struct Feed {
    text: String,
    is_empty: bool,
}

impl Feed {
    /// A text of `now`, without servers.
    pub fn new(now: UnixMillis) -> Self {
        // Quirk: milliseconds of a whole second.
        Self { text: format!("{{\"now\":{}", now.seconds().millis().0), is_empty: true }
    }

    /// Adds a server: its [`feed_piece`], and when it was last seen.
    pub fn add(&mut self, piece: &str, last_seen: Option<UnixSeconds>) {
        let Some(open) = piece.trim_end().strip_suffix('}') else { return };
        self.text.push_str(if self.is_empty { ",\"servers\":[" } else { "," });
        self.is_empty = false;
        let last_active = last_seen.unwrap_or(UnixSeconds(NEVER_ACTIVE)).rfc3339();
        self.text.push_str(open);
        self.text.push_str(",\"LastActive\":\"");
        self.text.push_str(&last_active);
        self.text.push_str("\"}");
    }

    /// The text. Quirk: without servers it has no such key.
    pub fn finish(mut self) -> String {
        self.text.push_str(if self.is_empty { "}" } else { "]}" });
        self.text
    }
}

/// The servers of the feed as the page at `/` holds them: JSON within a text of a script, see [`page_literal`].
pub static PAGE: Form = Form {
    name: "nezha.page",
    of: |_| true,
    before: "[",
    after: "]",
    write: |host| {
        let note = host.public_note.clone();
        let piece = piece(host, note)?;
        let open = piece.strip_suffix('}').unwrap_or(&piece);
        Ok(Piece::new(&escaped(&format!("{open},\"LastActive\":\"")), &escaped("\"}")))
    },
    seen: |seen| seen.unwrap_or(UnixSeconds(NEVER_ACTIVE)).rfc3339(),
};

/// The literal that front ends look for: one line of script that holds the feed's first text. `servers` is a list in the form
/// [`PAGE`].
pub fn page_literal(now: UnixMillis, servers: &str) -> String {
    // Quirk: without servers there is no such key.
    let servers = if servers == "[]" { String::new() } else { format!("{}{servers}", escaped(",\"servers\":")) };
    format!("servers = JSON.parse('{}{}{servers}{}')", escaped("{\"now\":"), now.seconds().millis().0, '}')
}

/// JSON as a text between single quotes in a script: nothing in it ends the text, the line or the element it stands in.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len() + json.len() / 2);
    for character in json.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '"' | '\'' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '`' | '=' | '\0'..='\x1f' => {
                let code = u32::from(character);
                text.push_str("\\u");
                text.extend([12, 8, 4, 0].map(|shift| char::from_digit((code >> shift) & 15, 16).unwrap_or('0')));
            }
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Addresses, HostClass, HostId, Presence};
    use serde_json::{Value, json};

    fn host() -> Host {
        Host {
            id: HostId(14),
            public_id: String::new(),
            uuid: String::new(),
            class: HostClass::Machine,
            parent: None,
            name: "</script>'\"&\u{2028}\\".to_owned(),
            tags: Vec::new(),
            absorbed: Vec::new(),
            tag: "AG".to_owned(),
            note: "SECRET NOTE".to_owned(),
            public_note: r#"{"a":"b'c"}"#.to_owned(),
            display_index: 3,
            hidden_for_guest: true,
            registered_at: UnixSeconds(1_795_361_186),
            presence: Presence::Online,
            last_seen: Some(UnixSeconds(1_795_361_289)),
            addresses: Addresses { v4: "198.51.100.7".to_owned(), v6: String::new() },
            country_code: "de".to_owned(),
            agent_version: "0.20.5".to_owned(),
            facts: None,
            newest: None,
        }
    }

    /// What a script that holds the literal parses.
    fn unquoted(literal: &str) -> Value {
        let inner = literal.strip_prefix("servers = JSON.parse('").and_then(|rest| rest.strip_suffix("')")).unwrap();
        // A script's text between quotes reads like JSON's, single quotes aside, of which there are none.
        let json: String = serde_json::from_str(&format!("\"{inner}\"")).unwrap();
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn a_text_holds_the_servers_in_the_products_order() {
        let mut feed = Feed::new(UnixMillis(1_795_361_290_777));
        feed.add(&feed_piece(host()).unwrap(), host().last_seen);
        feed.add(&feed_piece(host()).unwrap(), None);
        let text = feed.finish();
        assert!(text.starts_with(concat!(
            r#"{"now":1795361290000,"servers":[{"ID":14,"CreatedAt":"2026-11-22T15:26:26Z","#,
            r#""UpdatedAt":"2026-11-22T15:26:26Z","DeletedAt":null,"Name":"#
        )));
        let value: Value = serde_json::from_str(&text).unwrap();
        let server = &value["servers"][0];
        assert_eq!((&server["Tag"], &server["DisplayIndex"]), (&json!("AG"), &json!(3)));
        assert_eq!((&server["HideForGuest"], &server["EnableDDNS"]), (&json!(true), &json!(false)));
        assert_eq!((&server["Host"]["CPU"], &server["Host"]["CountryCode"]), (&Value::Null, &json!("de")));
        assert_eq!((&server["State"]["CPU"], &server["LastActive"]), (&json!(0), &json!("2026-11-22T15:28:09Z")));
        assert_eq!(value["servers"][1]["LastActive"], "0001-01-01T00:00:00Z");
        for secret in ["SECRET NOTE", "198.51.100.7", "PublicNote"] {
            assert!(!text.contains(secret), "{secret}");
        }
        assert_eq!(Feed::new(UnixMillis(1_999)).finish(), r#"{"now":1000}"#);
    }

    #[test]
    fn the_literal_ends_nothing_that_it_stands_in() {
        let list = |hosts: Vec<Host>| String::from_utf8(PAGE.list(hosts).unwrap()).unwrap();
        let literal = page_literal(UnixMillis(1_795_361_290_777), &list(vec![host(), host()]));
        let inner = &literal["servers = JSON.parse('".len()..literal.len() - 2];
        for mark in ['\'', '"', '<', '>', '&', '\n', '\u{2028}'] {
            assert!(!inner.contains(mark), "{mark:?} in {inner}");
        }
        let value = unquoted(&literal);
        assert_eq!(value["servers"][0]["Name"], host().name);
        let note: Value = serde_json::from_str(value["servers"][0]["PublicNote"].as_str().unwrap()).unwrap();
        assert_eq!(note["a"], "b'c");
        assert_eq!(
            (&value["now"], &value["servers"][1]["LastActive"]),
            (&json!(1_795_361_290_000_i64), &json!("2026-11-22T15:28:09Z"))
        );
        assert_eq!(unquoted(&page_literal(UnixMillis(0), &list(vec![]))), json!({ "now": 0 }));
    }
}
