//! `/ws`: what is sent to clients, what they may say, and who may connect. Source: pulse specification, 15.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::alert::Alert;
use super::number::time_ms;
use super::server::DiscoveredServer;
use super::updates::UpdateStatusReply;
use super::written::Written;
use crate::failure::Failure;
use crate::model::proxmox::{Discovered, InstanceDraft, InstanceKind, ResourceAlert, UpdateStatus};
use crate::units::{UnixMillis, UnixSeconds};

/// Seconds between pings in JSON.
pub const PING_S: u32 = 30;

/// A frame.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Frame<T> {
    #[serde(rename = "type")]
    kind: &'static str,
    data: T,
    /// RFC 3339, on events alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
}

fn frame<T: Serialize>(kind: &'static str, data: T, at: Option<UnixMillis>) -> Result<String, Failure> {
    let frame = Frame { kind, data, timestamp: at.map(|at| time_ms(Some(at))) };
    serde_json::to_string(&frame).map_err(|error| Failure::Internal(error.to_string()))
}

/// Which frame the whole state is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateFrame {
    /// The first one, after the welcome.
    Initial,
    /// Every one after that.
    Raw,
}

/// A frame with the whole state, as [`super::write_state`] wrote it.
pub fn state_frame(kind: StateFrame, state: &Written) -> Written {
    let word = match kind {
        StateFrame::Initial => "initialState",
        StateFrame::Raw => "rawData",
    };
    let mut out = Written::default();
    out.raw(&format!(r#"{{"type":"{word}","data":"#));
    out.join(state);
    out.raw("}");
    out
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Message {
    message: &'static str,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Stamp {
    /// Unix seconds.
    timestamp: i64,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct AlertIdData<'a> {
    alert_id: &'a str,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct NodeTypeData {
    node_type: &'static str,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct RegisteredData<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    host: &'a str,
    name: &'a str,
    token_id: &'a str,
    has_token: bool,
    #[serde(rename = "verifySSL")]
    verify_ssl: bool,
    status: &'static str,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct DiscoveryData {
    servers: Vec<DiscoveredServer>,
    errors: Vec<String>,
    /// Unix seconds.
    timestamp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    immediate: Option<bool>,
}

/// What a client is told first.
///
/// # Errors
/// [`Failure::Internal`] when it cannot be written; and so for all that follow.
pub fn welcome_frame() -> Result<String, Failure> {
    frame("welcome", Message { message: "Connected to Pulse WebSocket" }, None)
}

/// A sign of life.
///
/// # Errors
/// As [`welcome_frame`].
pub fn ping_frame(now: UnixSeconds) -> Result<String, Failure> {
    frame("ping", Stamp { timestamp: now.0 }, None)
}

/// The answer to a client's ping.
///
/// # Errors
/// As [`welcome_frame`].
pub fn pong_frame(now: UnixSeconds) -> Result<String, Failure> {
    frame("pong", Stamp { timestamp: now.0 }, None)
}

/// An alert that began.
///
/// # Errors
/// As [`welcome_frame`].
pub fn alert_frame(alert: &ResourceAlert) -> Result<String, Failure> {
    frame("alert", Alert::from(alert), None)
}

/// An alert that is over.
///
/// # Errors
/// As [`welcome_frame`].
pub fn resolved_frame(alert_id: &str) -> Result<String, Failure> {
    frame("alertResolved", AlertIdData { alert_id }, None)
}

/// How far an update is.
///
/// # Errors
/// As [`welcome_frame`].
pub fn update_frame(status: &UpdateStatus, now: UnixMillis) -> Result<String, Failure> {
    frame("update:progress", UpdateStatusReply::from(status), Some(now))
}

/// A node that registered itself, at the address that it said.
///
/// # Errors
/// As [`welcome_frame`].
pub fn registered_frame(said_host: &str, draft: &InstanceDraft, now: UnixMillis) -> Result<String, Failure> {
    let data = RegisteredData {
        kind: draft.kind.word(),
        host: said_host,
        name: &draft.name,
        token_id: &draft.credentials.token_name,
        has_token: true,
        verify_ssl: draft.verify_tls,
        status: "connected",
    };
    frame("node_auto_registered", data, Some(now))
}

/// What `POST /api/test-notification` has everybody told.
///
/// # Errors
/// As [`welcome_frame`].
pub fn sample_registered_frame(now: UnixMillis) -> Result<String, Failure> {
    let data = RegisteredData {
        kind: InstanceKind::Pve.word(),
        host: "https://192.0.2.10:8006",
        name: "test-node",
        token_id: "pulse-monitor@pam!test",
        has_token: true,
        verify_ssl: false,
        status: "connected",
    };
    frame("node_auto_registered", data, Some(now))
}

/// A node that was deleted.
///
/// # Errors
/// As [`welcome_frame`].
pub fn deleted_frame(kind: InstanceKind, now: UnixMillis) -> Result<String, Failure> {
    frame("node_deleted", NodeTypeData { node_type: kind.word() }, Some(now))
}

/// The list of nodes changed.
///
/// # Errors
/// As [`welcome_frame`].
pub fn nodes_frame(now: UnixMillis) -> Result<String, Failure> {
    frame("nodes_changed", Value::Object(serde_json::Map::new()), Some(now))
}

/// What was found in networks; `is_immediate` when something that somebody did made it so.
///
/// # Errors
/// As [`welcome_frame`].
pub fn discovery_frame(
    servers: Vec<Discovered>,
    errors: Vec<String>,
    is_immediate: bool,
    now: UnixMillis,
) -> Result<String, Failure> {
    let data = DiscoveryData {
        servers: servers.into_iter().map(DiscoveredServer::from).collect(),
        errors,
        timestamp: now.seconds().0,
        immediate: is_immediate.then_some(true),
    };
    frame("discovery_update", data, Some(now))
}

/// What a client says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientFrame {
    /// It wants a sign of life.
    Ping,
    /// It heard one.
    Pong,
    /// It wants the whole state.
    RequestData,
    /// Anything else, which means nothing.
    Other,
}

impl ClientFrame {
    /// Reads a frame. What is no JSON means nothing, and harms nobody.
    pub fn parse(text: &str) -> Self {
        #[derive(Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        struct Said {
            #[serde(rename = "type")]
            kind: String,
        }
        match serde_json::from_str::<Said>(text).map(|said| said.kind).as_deref() {
            Ok("ping") => Self::Ping,
            Ok("pong") => Self::Pong,
            Ok("requestData") => Self::RequestData,
            _ => Self::Other,
        }
    }
}

/// Whether a page of this origin may connect: any without an origin, those that are allowed, and our own, at `own` (an origin). What is
/// allowed is `*`, or origins with commas between them.
pub fn may_connect(origin: Option<&str>, allowed: &str, own: &str) -> bool {
    let Some(origin) = origin.filter(|origin| !origin.is_empty()) else { return true };
    let same = |one: &str| one.trim().trim_end_matches('/').eq_ignore_ascii_case(origin);
    same(own) || allowed.split(',').any(|one| one.trim() == "*" || same(one))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dialects::pulse::alert::tests::alert;
    use crate::dialects::pulse::nodes::NodeRequest;
    use crate::model::proxmox::UpdateStep;
    use crate::model::{ResourceKind, ThresholdMetric};

    const NOW: UnixMillis = UnixMillis(1_754_992_800_500);

    #[test]
    fn frames_have_a_type_and_data_and_events_a_time() {
        let welcome = r#"{"type":"welcome","data":{"message":"Connected to Pulse WebSocket"}}"#;
        assert_eq!(welcome_frame().unwrap(), welcome);
        assert_eq!(ping_frame(UnixSeconds(7)).unwrap(), r#"{"type":"ping","data":{"timestamp":7}}"#);
        assert_eq!(pong_frame(UnixSeconds(7)).unwrap(), r#"{"type":"pong","data":{"timestamp":7}}"#);
        assert_eq!(resolved_frame("a").unwrap(), r#"{"type":"alertResolved","data":{"alertId":"a"}}"#);
        let deleted = r#"{"type":"node_deleted","data":{"nodeType":"pve"},"timestamp":"2025-08-12T10:00:00.5Z"}"#;
        assert_eq!(deleted_frame(InstanceKind::Pve, NOW).unwrap(), deleted);
        let alert: Value =
            serde_json::from_str(&alert_frame(&alert(ResourceKind::Vm, Some(ThresholdMetric::Cpu))).unwrap()).unwrap();
        assert_eq!((&alert["type"], &alert["data"]["metadata"]["resourceType"]), (&json!("alert"), &json!("VM")));
        let update = update_frame(&UpdateStatus::at(UpdateStep::Applying, "", UnixSeconds(7)), NOW).unwrap();
        assert!(
            update.starts_with(r#"{"type":"update:progress","data":{"status":"applying","progress":80,"#),
            "{update}"
        );
        let draft = NodeRequest::parse(br#"{"type":"pve","host":"pve1","tokenName":"m@pam!t","tokenValue":"hidden"}"#)
            .unwrap()
            .draft()
            .unwrap();
        let registered = registered_frame("pve1", &draft, NOW).unwrap();
        let data = r#""data":{"type":"pve","host":"pve1","name":"pve1","tokenId":"m@pam!t","hasToken":true,"verifySSL":false,"status":"connected"}"#;
        assert!(registered.contains(data) && !registered.contains("hidden"), "{registered}");
        assert!(
            sample_registered_frame(NOW).unwrap().contains("test-node")
                && nodes_frame(NOW).unwrap().contains(r#""data":{}"#)
        );
        let found = discovery_frame(vec![], vec![], true, NOW).unwrap();
        assert!(
            found.contains(r#""data":{"servers":[],"errors":[],"timestamp":1754992800,"immediate":true}"#),
            "{found}"
        );
        assert!(!discovery_frame(vec![], vec![], false, NOW).unwrap().contains("immediate"));
    }

    #[test]
    fn the_state_is_wrapped_without_being_read() {
        let mut state = Written::default();
        state.raw(r#"{"nodes":[]}"#);
        assert_eq!(state_frame(StateFrame::Initial, &state).text(), r#"{"type":"initialState","data":{"nodes":[]}}"#);
        assert_eq!(state_frame(StateFrame::Raw, &state).text(), r#"{"type":"rawData","data":{"nodes":[]}}"#);
    }

    #[test]
    fn clients_may_say_three_things_and_anything_else_in_vain() {
        for (text, meant) in [
            (r#"{"type":"ping"}"#, ClientFrame::Ping),
            (r#"{"type":"ping","data":{"timestamp":1}}"#, ClientFrame::Ping),
            (r#"{"type":"requestData"}"#, ClientFrame::RequestData),
            (r#"{"type":"pong"}"#, ClientFrame::Pong),
            (r#"{"type":7}"#, ClientFrame::Other),
            ("[]", ClientFrame::Other),
            ("{", ClientFrame::Other),
            ("", ClientFrame::Other),
        ] {
            assert_eq!(ClientFrame::parse(text), meant, "{text}");
        }
    }

    #[test]
    fn pages_of_strangers_may_not_connect_unless_they_are_allowed() {
        let own = "https://watch.example.com";
        for (origin, allowed, may) in [
            (None, "", true),
            (Some(""), "", true),
            (Some(own), "", true),
            (Some("https://other"), "", false),
            (Some("https://other"), "*", true),
            (Some("https://other"), "https://a, https://other/", true),
            (Some("https://other.evil"), "https://other", false),
            (Some("null"), "https://other", false),
        ] {
            assert_eq!(may_connect(origin, allowed, own), may, "{origin:?} {allowed}");
        }
    }
}
