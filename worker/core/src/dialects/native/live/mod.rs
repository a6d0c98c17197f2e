//! What our own pages are shown while it happens: `GET /live`, a WebSocket, version 1.
//!
//! **To the browser** go JSON texts. The first is a snapshot, which replaces all that the browser knows; it comes again
//! whenever the server cannot be sure of what the browser has:
//! `{"type":"snapshot","version":1,"now_ms":…,"hosts":[…],"banner":null}`. Then deltas:
//! `{"type":"delta","now_ms":…,"hosts":[…],"gone":[…],"banner":null}`. `hosts` are whole [`HostNow`]s, in a delta those that
//! changed; `gone` the ids of hosts to forget; `banner` a sentence to show above everything, or null. `now_ms` is the
//! server's clock.
//!
//! **From the browser** come JSON texts: `{"type":"window","hosts":[1,2]}` names the hosts it shows right now, of which the
//! first [`MAX_WINDOW`] count: their agents are asked to send each sample at once. The text `ping`, every 30 s or sooner, is
//! answered `pong`; who is silent for longer than two minutes is taken for gone. The server ends a socket within an hour, so
//! that a browser shows again who it is: connect again.
//!
//! **Between the hub and the object of the viewers** goes [`WatchRequest`] to the hub, and [`Digest`] back and by itself.
//!
//! Both sides ignore keys and types that they do not know; a change that is more than an addition has another version.

mod host;

pub use host::{HostNow, PresenceWord, TemperatureNow};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The version of the messages to browsers.
pub const VERSION: u32 = 1;
/// So many hosts of a window count. Source: design, "The bill is a feature".
pub const MAX_WINDOW: usize = 50;
/// A longer text is no message of a browser of ours; its window has ids of at most 16 digits.
const MAX_MESSAGE_BYTES: usize = 4096;

/// The first message, and each that replaces all before it. Borrows the pieces: they are written as they came.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Snapshot<'a> {
    r#type: &'static str,
    version: u32,
    now_ms: i64,
    hosts: Vec<&'a RawValue>,
    banner: Option<&'a str>,
}

/// What changed since the message before.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Delta<'a> {
    r#type: &'static str,
    now_ms: i64,
    hosts: Vec<&'a RawValue>,
    gone: &'a [i64],
    banner: Option<&'a str>,
}

/// What a browser said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromViewer {
    /// It shows these hosts, each once, at most [`MAX_WINDOW`].
    Window(Vec<i64>),
    /// Nothing that we know.
    Unknown,
}

/// What the viewers' object asks of a hub shard: `POST https://hub/watch`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WatchRequest {
    /// The hosts that somebody looks at; at most [`MAX_WINDOW`], those of other shards among them.
    pub hosts: Vec<i64>,
    /// Digests are wanted for so many seconds from now; 0: nobody looks any more.
    pub for_s: u32,
    /// Whether the answer shall be a digest of all hosts of the shard.
    pub snapshot: bool,
    /// Whether digests shall say how hosts are written in the feed.
    #[serde(default)]
    pub feed: bool,
}

/// What a hub shard says of its hosts: the answer to a [`WatchRequest`] with `snapshot`, and `POST https://viewers/digest`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Digest {
    /// The shard's number, from 0.
    pub shard: u32,
    /// When it was made, by the hub's clock.
    pub now_ms: i64,
    /// All hosts in an answer, those that changed in a push.
    #[serde(default)]
    pub hosts: Vec<DigestHost>,
    /// Hosts that are no more.
    #[serde(default)]
    pub gone: Vec<i64>,
    /// A sentence to show to everybody.
    #[serde(default)]
    pub banner: Option<String>,
}

/// One host in a digest.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DigestHost {
    /// The host's number.
    pub id: i64,
    /// Shown to nobody but members.
    #[serde(default)]
    pub hidden: bool,
    /// A [`HostNow`], written once by the hub.
    pub piece: Box<RawValue>,
    /// The host in the feed, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feed: Option<FeedHost>,
}

/// A host as another dialect's feed has it.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FeedHost {
    /// All of it but when it was last active.
    pub piece: Box<RawValue>,
    /// Higher is listed first.
    pub display_index: i64,
    /// Whether it is up.
    pub online: bool,
    /// When it was last seen, Unix seconds; null before it ever was.
    pub seen_s: Option<i64>,
}

/// The answer to a pushed digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DigestReply {
    /// How many viewers there are. At 0 the hub may stop.
    pub viewers: u32,
}

impl<'a> Snapshot<'a> {
    /// A snapshot of these hosts.
    pub const fn new(now_ms: i64, hosts: Vec<&'a RawValue>, banner: Option<&'a str>) -> Self {
        Self { r#type: "snapshot", version: VERSION, now_ms, hosts, banner }
    }
}

impl<'a> Delta<'a> {
    /// A delta of these hosts.
    pub const fn new(now_ms: i64, hosts: Vec<&'a RawValue>, gone: &'a [i64], banner: Option<&'a str>) -> Self {
        Self { r#type: "delta", now_ms, hosts, gone, banner }
    }
}

impl FromViewer {
    /// Reads a text of a browser; whatever it is, there is an answer.
    pub fn read(text: &str) -> Self {
        #[derive(Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        struct Message {
            r#type: String,
            #[serde(default)]
            hosts: Vec<i64>,
        }
        if text.len() > MAX_MESSAGE_BYTES {
            return Self::Unknown;
        }
        match serde_json::from_str::<Message>(text) {
            Ok(message) if message.r#type == "window" => {
                let mut window = Vec::new();
                for id in message.hosts {
                    if id > 0 && window.len() < MAX_WINDOW && !window.contains(&id) {
                        window.push(id);
                    }
                }
                Self::Window(window)
            }
            Ok(_) | Err(_) => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_counts_each_host_once_and_fifty_of_them() {
        let window = |text: &str| match FromViewer::read(text) {
            FromViewer::Window(hosts) => hosts,
            FromViewer::Unknown => panic!("{text}"),
        };
        assert_eq!(window(r#"{"type":"window","hosts":[3,1,3,0,-7],"new":{}}"#), [3, 1]);
        assert_eq!(window(r#"{"type":"window"}"#), [0_i64; 0]);
        let many = (1..=200).map(|id| id.to_string()).collect::<Vec<_>>().join(",");
        assert_eq!(window(&format!(r#"{{"type":"window","hosts":[{many}]}}"#)), (1..=50).collect::<Vec<i64>>());
    }

    #[test]
    fn what_is_no_message_is_unknown() {
        let long = format!(r#"{{"type":"window","hosts":[1],"pad":"{}"}}"#, "x".repeat(5000));
        for text in ["", "ping", "[]", "{}", r#"{"type":"sing"}"#, r#"{"type":"window","hosts":["a"]}"#, &long] {
            assert_eq!(FromViewer::read(text), FromViewer::Unknown, "{text}");
        }
    }

    #[test]
    fn pieces_pass_through_as_they_were_written() {
        let text =
            r#"{"shard":1,"now_ms":5,"new":1,"hosts":[{"id":1,"hidden":true,"piece":{"b":1.50, "a":"<\u0041>"}}]}"#;
        let digest: Digest = serde_json::from_str(text).unwrap();
        assert!(digest.hosts[0].hidden && digest.gone.is_empty() && digest.banner.is_none());
        let delta = Delta::new(7, vec![&digest.hosts[0].piece], &[2], Some("careful"));
        assert_eq!(
            serde_json::to_string(&delta).unwrap(),
            r#"{"type":"delta","now_ms":7,"hosts":[{"b":1.50, "a":"<\u0041>"}],"gone":[2],"banner":"careful"}"#
        );
        let snapshot = Snapshot::new(7, vec![], None);
        assert_eq!(
            serde_json::to_string(&snapshot).unwrap(),
            r#"{"type":"snapshot","version":1,"now_ms":7,"hosts":[],"banner":null}"#
        );
    }
}
