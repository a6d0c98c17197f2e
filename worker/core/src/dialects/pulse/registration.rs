//! `POST /api/auto-register`: nodes that register themselves. Source: pulse specification, 13.2.

use serde::{Deserialize, Serialize};

use super::error::Refused;
use super::nodes::NodeRequest;
use super::read::{self, bad, text};
use super::setup::token_name;
use crate::failure::Failure;
use crate::model::proxmox::{InstanceDraft, InstanceKind, TokenRefusal};
use crate::units::UnixSeconds;

/// What is said of a registration token that lets nobody in.
pub fn refused_token(refusal: TokenRefusal) -> Refused {
    let why = match refusal {
        TokenRefusal::Unknown => "invalid token".to_owned(),
        TokenRefusal::Expired => "token expired".to_owned(),
        TokenRefusal::UsedUp => "token usage limit exceeded".to_owned(),
        TokenRefusal::WrongKind(kind) => format!("node type {} not allowed for this token", kind.word()),
    };
    Refused::new(401, "unauthorized", format!("Invalid registration token: {why}"))
}

/// What is said of a registration without a good token for the API.
pub fn refused_registration(is_token_required: bool) -> Refused {
    let words = if is_token_required {
        "Registration token required"
    } else {
        "Registration requires valid registration token or API token"
    };
    Refused::new(401, "unauthorized", words)
}

/// As it is sent.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub struct RegisterBody {
    #[serde(rename = "type", deserialize_with = "text")]
    kind: String,
    #[serde(deserialize_with = "text")]
    host: String,
    #[serde(deserialize_with = "text")]
    token_id: String,
    #[serde(deserialize_with = "text")]
    token_value: String,
    #[serde(deserialize_with = "text")]
    server_name: String,
    #[serde(deserialize_with = "text")]
    name: String,
    #[serde(deserialize_with = "text")]
    username: String,
    #[serde(deserialize_with = "text")]
    password: String,
    #[serde(deserialize_with = "text")]
    auth_token: String,
    request_token: Option<bool>,
    check_registration: Option<bool>,
}

/// A node that registers itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Registering {
    /// Whether it brings a credential in its body: what later releases call a setup code.
    pub auth_token: String,
    /// Its address, as it says.
    pub said_host: String,
    /// What it wants.
    pub wish: RegisteringWish,
}

/// What a node that registers itself wants.
#[derive(Debug, Clone, PartialEq)]
pub enum RegisteringWish {
    /// To be added, or to have its token replaced.
    Register(InstanceDraft),
    /// A token's name and value to make one of, and to be added with it. Source: pulse specification, 13.2, variant.
    NewToken(InstanceDraft),
    /// To know whether it is there: kind and address.
    Check(InstanceKind, String),
}

impl Registering {
    /// How many random bytes [`Registering::parse`] needs.
    pub const RANDOM_BYTES: usize = 16;

    /// Reads a body. A token that is asked for is named by the server's address and `now`, its value is made of `random`. A password
    /// that is said is forgotten.
    ///
    /// # Errors
    /// [`Failure::Malformed`] in the product's words.
    pub fn parse(
        body: &[u8],
        own_url: &str,
        now: UnixSeconds,
        random: [u8; Self::RANDOM_BYTES],
    ) -> Result<Self, Failure> {
        let said: RegisterBody = read::parse(body)?;
        let is_new = said.request_token == Some(true);
        let is_check = said.check_registration == Some(true);
        let needed: &[&String] = match (is_check, is_new) {
            (true, _) => &[&said.kind, &said.host],
            (_, true) => &[&said.kind, &said.host, &said.username, &said.password],
            _ => &[&said.kind, &said.host, &said.token_id, &said.token_value],
        };
        if needed.iter().any(|text| text.trim().is_empty()) {
            return Err(bad("Missing required fields"));
        }
        let kind = InstanceKind::parse(&said.kind).ok_or_else(|| bad("Invalid node type"))?;
        let (token_name, token_value) = if is_new { invented(kind, own_url, now, random) } else { brought(&said) };
        let name = if said.server_name.trim().is_empty() { said.name } else { said.server_name };
        let request = NodeRequest {
            kind: said.kind,
            name,
            host: said.host.clone(),
            token_name,
            token_value: if is_check { "-".to_owned() } else { token_value },
            ..NodeRequest::default()
        };
        let wish = if is_check {
            RegisteringWish::Check(kind, super::nodes::normalized(&said.host, kind)?)
        } else if is_new {
            RegisteringWish::NewToken(request.draft()?)
        } else {
            RegisteringWish::Register(request.draft()?)
        };
        Ok(Self { auth_token: said.auth_token, said_host: said.host, wish })
    }
}

fn brought(said: &RegisterBody) -> (String, String) {
    let is_whole = said.token_id.contains('!') || said.username.is_empty();
    let name = if is_whole { said.token_id.clone() } else { format!("{}!{}", said.username, said.token_id) };
    (name, said.token_value.clone())
}

/// A token's name, and a value in the form of a UUID.
fn invented(kind: InstanceKind, own_url: &str, now: UnixSeconds, random: [u8; 16]) -> (String, String) {
    let realm = match kind {
        InstanceKind::Pve => "pam",
        InstanceKind::Pbs => "pbs",
    };
    let digits = format!("{:032x}", u128::from_be_bytes(random));
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    let value = format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32));
    (format!("pulse-monitor@{realm}!{}", token_name(own_url, now)), value)
}

/// The answer to a node that registered itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RegisteredReply {
    status: &'static str,
    message: String,
    node_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
}

impl RegisteredReply {
    /// It was added, or has its new token.
    pub fn added(said_host: &str) -> Self {
        Self {
            status: "success",
            message: format!("Node {said_host} auto-registered successfully"),
            node_id: said_host.to_owned(),
            token_id: None,
            token_value: None,
            action: None,
        }
    }

    /// It was added, with the token that it has to make now.
    pub fn with_token(draft: &InstanceDraft) -> Self {
        Self {
            status: "success",
            message: format!("Node {} registered successfully", draft.name),
            node_id: draft.name.clone(),
            token_id: Some(draft.credentials.token_name.clone()),
            token_value: Some(draft.credentials.token_value.clone()),
            action: Some("create_token"),
        }
    }
}

/// The answer to a node that asks whether it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RegistrationCheckReply {
    /// Whether it is.
    pub registered: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::proxmox::Monitors;

    const NOW: UnixSeconds = UnixSeconds(1_754_995_749);

    #[test]
    fn refusals_have_their_words_and_none_says_success() {
        for (refusal, words) in [
            (TokenRefusal::Unknown, "Invalid registration token: invalid token"),
            (TokenRefusal::Expired, "Invalid registration token: token expired"),
            (TokenRefusal::UsedUp, "Invalid registration token: token usage limit exceeded"),
            (
                TokenRefusal::WrongKind(InstanceKind::Pbs),
                "Invalid registration token: node type pbs not allowed for this token",
            ),
        ] {
            assert_eq!((refused_token(refusal).status, refused_token(refusal).error.as_str()), (401, words));
        }
        assert_eq!(refused_registration(true).error, "Registration token required");
        assert_eq!(refused_registration(false).error, "Registration requires valid registration token or API token");
    }

    fn parse(body: &str) -> Result<Registering, Failure> {
        Registering::parse(body.as_bytes(), "https://watch.example.com", NOW, [0xab; 16])
    }

    #[test]
    fn a_node_registers_under_the_first_name_it_says() {
        let register = |body: &str| match parse(body).unwrap().wish {
            RegisteringWish::Register(draft) => draft,
            other => panic!("{other:?}"),
        };
        let stock = register(
            r#"{"type":"pve","host":"https://192.0.2.10:8006","serverName":"pve1","name":"x","tokenId":"pulse-monitor@pam!t","tokenValue":"v"}"#,
        );
        assert_eq!((stock.name.as_str(), stock.host.as_str()), ("pve1", "https://192.0.2.10:8006"));
        assert_eq!(
            (stock.credentials.token_name.as_str(), stock.monitors, stock.verify_tls),
            ("pulse-monitor@pam!t", Monitors::default(), false)
        );
        let documented = register(
            r#"{"type":"pbs","host":"192.0.2.20","name":"b","username":"m@pbs","tokenId":"t","tokenValue":"v","source":"agent"}"#,
        );
        assert_eq!((documented.name.as_str(), documented.host.as_str()), ("b", "https://192.0.2.20:8007"));
        assert_eq!(documented.credentials.token_name, "m@pbs!t");
        assert_eq!(register(r#"{"type":"pve","host":"pve9","tokenId":"t","tokenValue":"v"}"#).name, "pve9");
        let reply = serde_json::to_string(&RegisteredReply::added("https://192.0.2.10:8006")).unwrap();
        let json = r#"{"status":"success","message":"Node https://192.0.2.10:8006 auto-registered successfully","nodeId":"https://192.0.2.10:8006"}"#;
        assert_eq!(reply, json);
    }

    #[test]
    fn a_node_may_ask_for_a_token_or_whether_it_is_there() {
        let asked = r#"{"requestToken":true,"type":"pve","host":"pve1","username":"root@pam","password":"hidden","serverName":"lab"}"#;
        let RegisteringWish::NewToken(draft) = parse(asked).unwrap().wish else { panic!() };
        assert!(draft.credentials.password.is_empty() && draft.credentials.user.is_empty());
        let reply = serde_json::to_string(&RegisteredReply::with_token(&draft)).unwrap();
        let json = r#"{"status":"success","message":"Node lab registered successfully","nodeId":"lab","tokenId":"pulse-monitor@pam!pulse-watch-example-com-1754995749","tokenValue":"abababab-abab-abab-abab-abababababab","action":"create_token"}"#;
        assert_eq!(reply, json);
        let check = parse(r#"{"type":"pve","host":"pve1","serverName":"lab","source":"agent","checkRegistration":true,"authToken":"c"}"#).unwrap();
        assert_eq!(
            (check.auth_token.as_str(), check.wish),
            ("c", RegisteringWish::Check(InstanceKind::Pve, "https://pve1:8006".to_owned()))
        );
        assert_eq!(
            serde_json::to_string(&RegistrationCheckReply { registered: true }).unwrap(),
            r#"{"registered":true}"#
        );
    }

    #[test]
    fn what_is_missing_or_strange_is_refused() {
        for (body, words) in [
            ("", "Invalid request body"),
            ("{}", "Missing required fields"),
            (r#"{"type":"pve","host":"h","tokenId":"t"}"#, "Missing required fields"),
            (r#"{"type":"pve","host":"","tokenId":"t","tokenValue":"v"}"#, "Missing required fields"),
            (r#"{"requestToken":true,"type":"pve","host":"h","username":"u"}"#, "Missing required fields"),
            (r#"{"type":"pmg","host":"h","tokenId":"t","tokenValue":"v"}"#, "Invalid node type"),
            (r#"{"type":"pve","host":"a b","tokenId":"t","tokenValue":"v"}"#, "Invalid host format"),
        ] {
            assert_eq!(parse(body), Err(bad(words)), "{body}");
        }
    }
}
