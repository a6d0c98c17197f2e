//! Registration tokens: `/api/tokens`. Source: pulse specification, 13.3.

use serde::{Deserialize, Serialize};

use super::read::{self, bad, text};
use crate::failure::Failure;
use crate::model::proxmox::{InstanceKind, RegistrationDraft, RegistrationToken};
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

/// As it is sent.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct GenerateBody {
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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

/// As it is sent.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RevokeBody {
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SuccessReply {
    success: bool,
}

impl SuccessReply {
    /// It is done.
    pub const DONE: Self = Self { success: true };
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }

    #[test]
    fn success_is_one_key() {
        assert_eq!(serde_json::to_string(&SuccessReply::DONE).unwrap(), r#"{"success":true}"#);
    }
}
