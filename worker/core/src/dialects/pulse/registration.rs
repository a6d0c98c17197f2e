//! `POST /api/auto-register`, and the tokens for it. Source: pulse specification, 13.2 and 13.3.

use serde::{Deserialize, Serialize};

use super::error::Refused;
use super::nodes::NodeRequest;
use super::read::{self, bad, text};
use super::setup::token_name;
use crate::failure::Failure;
use crate::model::proxmox::{InstanceDraft, InstanceKind, RegistrationDraft, RegistrationToken, TokenRefusal};
use crate::units::UnixSeconds;

/// Minutes for which a token is good, unless something else is said.
const USUAL_MIN: i64 = 15;
/// A day.
const MOST_MIN: i64 = 1_440;
/// The most uses that can be asked for.
const MOST_USES: i64 = 100;

/// What a deployment's variables say of tokens that say nothing themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenDefaults {
    /// `REGISTRATION_TOKEN_DEFAULT_VALIDITY`, seconds.
    pub validity_s: Option<i64>,
    /// `REGISTRATION_TOKEN_DEFAULT_MAX_USES`; 0 for as often as somebody likes.
    pub most: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GenerateBody {
    validity_minutes: Option<i64>,
    max_uses: Option<i64>,
    #[serde(default, deserialize_with = "read::list")]
    allowed_types: Vec<String>,
    #[serde(default, deserialize_with = "text")]
    description: String,
}

/// Reads a body of `POST /api/tokens/generate`.
///
/// # Errors
/// [`Failure::Malformed`] for one that cannot be read, [`Failure::Invalid`] for a type that is none.
pub fn read_token_draft(body: &[u8], defaults: TokenDefaults) -> Result<RegistrationDraft, Failure> {
    let said: GenerateBody = read::parse(body)?;
    let usual_s = defaults.validity_s.filter(|seconds| *seconds > 0).unwrap_or(USUAL_MIN * 60);
    let minutes = said.validity_minutes.filter(|minutes| *minutes > 0);
    let most = match said.max_uses {
        None | Some(0) => defaults.most.filter(|most| *most > 0),
        Some(below) if below < 0 => Some(1),
        Some(uses) => u32::try_from(uses.min(MOST_USES)).ok(),
    };
    let kind =
        |word: &String| InstanceKind::parse(word).ok_or_else(|| read::invalid("allowedTypes", "may hold pve and pbs"));
    let description: String = said.description.chars().filter(|one| !one.is_control()).take(255).collect();
    Ok(RegistrationDraft {
        validity_s: minutes.map_or(usual_s, |minutes| minutes.min(MOST_MIN) * 60).min(MOST_MIN * 60),
        most,
        kinds: said.allowed_types.iter().map(kind).collect::<Result<_, _>>()?,
        description,
    })
}

/// A token, as it is made and listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenReply {
    token: String,
    /// RFC 3339.
    expires: String,
    /// Quirk: 0 for as often as somebody likes.
    max_uses: u32,
    used_count: u32,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allowed_types: Vec<&'static str>,
}

impl From<&RegistrationToken> for TokenReply {
    fn from(token: &RegistrationToken) -> Self {
        Self {
            token: token.token.clone(),
            expires: token.expires_at.rfc3339(),
            max_uses: token.most.unwrap_or(0),
            used_count: token.used,
            description: token.description.clone(),
            allowed_types: token.kinds.iter().map(|kind| kind.word()).collect(),
        }
    }
}

/// `GET /api/tokens/list`: those that can still let somebody in.
pub fn listed_tokens(tokens: &[RegistrationToken], now: UnixSeconds) -> Vec<TokenReply> {
    tokens.iter().filter(|token| token.is_listed(now)).map(TokenReply::from).collect()
}

#[derive(Deserialize)]
struct RevokeBody {
    #[serde(default, deserialize_with = "text")]
    token: String,
}

/// The token that `DELETE /api/tokens/revoke` names, in its query or its body.
///
/// # Errors
/// [`Failure::Malformed`] when it names none.
pub fn revoked_token(query: Option<&str>, body: &[u8]) -> Result<String, Failure> {
    let in_body = || read::parse::<RevokeBody>(body).map(|body| body.token).unwrap_or_default();
    let token = query.filter(|token| !token.is_empty()).map_or_else(in_body, str::to_owned);
    if token.is_empty() { Err(bad("Token parameter required")) } else { Ok(token) }
}

/// An answer that says `{"success":true}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SuccessReply {
    success: bool,
}

impl SuccessReply {
    /// It is done.
    pub const DONE: Self = Self { success: true };
}

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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct RegisterBody {
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
    fn what_is_asked_for_of_a_token_is_clamped() {
        let draft = |body: &str| read_token_draft(body.as_bytes(), TokenDefaults::default()).unwrap();
        for (body, minutes, most) in [
            ("{}", 15, None),
            (r#"{"validityMinutes":30,"maxUses":5}"#, 30, Some(5)),
            (r#"{"validityMinutes":0,"maxUses":0}"#, 15, None),
            (r#"{"validityMinutes":-7,"maxUses":-1}"#, 15, Some(1)),
            (r#"{"validityMinutes":99999,"maxUses":101}"#, 1_440, Some(100)),
            (r#"{"validityMinutes":null,"maxUses":null,"allowedTypes":null,"description":null}"#, 15, None),
        ] {
            assert_eq!((draft(body).validity_s, draft(body).most), (minutes * 60, most), "{body}");
        }
        let set = TokenDefaults { validity_s: Some(90), most: Some(3) };
        let by_variables = read_token_draft(b"{}", set).unwrap();
        assert_eq!((by_variables.validity_s, by_variables.most), (90, Some(3)));
        let said = read_token_draft(br#"{"allowedTypes":["pbs","pve"],"description":"a\nb"}"#, set).unwrap();
        assert_eq!((said.kinds, said.description.as_str()), (vec![InstanceKind::Pbs, InstanceKind::Pve], "ab"));
        assert_eq!(read_token_draft(b"", set), Err(bad("Invalid request body")));
        assert!(read_token_draft(br#"{"allowedTypes":["pmg"]}"#, set).is_err());
    }

    #[test]
    fn tokens_are_listed_while_they_are_good() {
        let token = RegistrationToken {
            token: "PULSE-REG-9f86d081884c7d65".to_owned(),
            expires_at: UnixSeconds(1_754_994_600),
            most: Some(5),
            used: 0,
            kinds: vec![],
            description: "Production cluster setup".to_owned(),
        };
        let json = r#"{"token":"PULSE-REG-9f86d081884c7d65","expires":"2025-08-12T10:30:00Z","maxUses":5,"usedCount":0,"description":"Production cluster setup"}"#;
        assert_eq!(serde_json::to_string(&TokenReply::from(&token)).unwrap(), json);
        let used = RegistrationToken { used: 5, ..token.clone() };
        let tokens = [token, used];
        assert_eq!((listed_tokens(&tokens, UnixSeconds(0)).len(), listed_tokens(&tokens, NOW).len()), (1, 0));
        assert_eq!(revoked_token(Some("a"), br#"{"token":"b"}"#), Ok("a".to_owned()));
        assert_eq!(revoked_token(None, br#"{"token":"b"}"#), Ok("b".to_owned()));
        assert_eq!(revoked_token(Some(""), b""), Err(bad("Token parameter required")));
        assert_eq!(serde_json::to_string(&SuccessReply::DONE).unwrap(), r#"{"success":true}"#);
    }

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
