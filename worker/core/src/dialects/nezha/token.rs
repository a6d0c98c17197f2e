//! `/api/token`. Source: nezha specification, 7.1 and 17.

use serde::Serialize;

use super::Form;
use crate::failure::Failure;
use crate::model::ListedToken;

/// Characters of a token. Source: nezha specification, 2.1.
pub const TOKEN_CHARS: usize = 32;
/// The longest note.
const MAX_NOTE_CHARS: usize = 200;
/// What stands between a token's number and its last characters.
const MASK: &str = "-****";

/// The answer of `GET /api/token`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenListReply {
    /// 0.
    pub code: u16,
    /// `success`.
    pub message: &'static str,
    /// The caller's own, in the order in which they were made.
    pub result: Vec<TokenItem>,
}

/// A token in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenItem {
    /// Quirk: the original shows the token itself for ever; here a form that tells it from others, by which it can be deleted.
    pub token: String,
    /// The holder's words for it.
    pub note: String,
}

/// The answer of `POST /api/token`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenReply {
    /// Quirk: 200, where the list has 0.
    pub code: u16,
    /// `success`.
    pub message: &'static str,
    /// The token.
    pub result: MadeToken,
}

/// A token that was just made. Quirk: its keys are the other way round than in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MadeToken {
    /// The holder's words for it.
    pub note: String,
    /// The token, shown this once.
    pub token: String,
}

/// The answer of `DELETE /api/token/{token}`, whether there was one or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenDeletedReply {
    /// 200, or 400 when there was none.
    pub code: u16,
    /// For people.
    pub message: &'static str,
}

impl TokenListReply {
    /// The list of these.
    pub fn of(tokens: Vec<ListedToken>) -> Self {
        let item = |listed: ListedToken| TokenItem { token: masked(&listed), note: listed.token.note };
        Self { code: 0, message: "success", result: tokens.into_iter().map(item).collect() }
    }
}

impl TokenReply {
    /// The answer to a made token.
    pub fn of(note: String, token: String) -> Self {
        Self { code: 200, message: "success", result: MadeToken { note, token } }
    }
}

impl TokenDeletedReply {
    /// It is gone.
    pub const DONE: Self = Self { code: 200, message: "success" };
    /// There was none.
    pub const UNKNOWN: Self = Self { code: 400, message: "token 不存在" };
}

/// The note in the body of `POST /api/token`.
///
/// # Errors
/// [`Failure::Malformed`] for a body that cannot be read, or a note that is too long.
pub fn read_token_note(body: &[u8]) -> Result<String, Failure> {
    let form = Form::parse(body)?;
    let note = form.text("Note")?;
    if note.chars().count() > MAX_NOTE_CHARS {
        return Err(Failure::Malformed { detail: "Note is longer than 200 characters".to_owned() });
    }
    Ok(note.to_owned())
}

/// The number of a token in its masked form; `None` for what is none, such as a token itself.
pub fn read_masked_token(text: &str) -> Option<i64> {
    let (id, tail) = text.split_once(MASK)?;
    let is_number = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()) && !id.starts_with('0');
    id.parse().ok().filter(|_| is_number && !tail.is_empty())
}

fn masked(listed: &ListedToken) -> String {
    format!("{}{MASK}{}", listed.token.id, listed.tail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Scopes, Token, TokenKind};
    use crate::units::UnixSeconds;

    fn listed(id: i64, tail: &str, note: &str) -> ListedToken {
        let token = Token {
            id,
            kind: TokenKind::Api,
            scopes: Scopes::default(),
            note: note.to_owned(),
            user_id: 1,
            expires_at: None,
            uses_left: None,
            address_ranges: vec![],
            last_use: None,
        };
        ListedToken { token, tail: tail.to_owned(), created_at: UnixSeconds(0) }
    }

    #[test]
    fn a_list_shows_what_tells_tokens_apart_and_no_more() {
        let reply = TokenListReply::of(vec![listed(7, "abcd", "my note"), listed(12, "abcd", "")]);
        assert_eq!(
            serde_json::to_string(&reply).unwrap(),
            r#"{"code":0,"message":"success","result":[{"token":"7-****abcd","note":"my note"},{"token":"12-****abcd","note":""}]}"#
        );
        let ids: Vec<_> = reply.result.iter().map(|item| read_masked_token(&item.token)).collect();
        assert_eq!(ids, [Some(7), Some(12)]);
        assert_eq!(
            serde_json::to_string(&TokenListReply::of(vec![])).unwrap(),
            r#"{"code":0,"message":"success","result":[]}"#
        );
    }

    #[test]
    fn what_is_not_masked_is_no_number() {
        for text in
            ["", "7", "-****abcd", "7-****", "07-****abcd", "x-****abcd", "-7-****abcd", "+7-****abcd", &"a".repeat(32)]
        {
            assert_eq!(read_masked_token(text), None, "{text}");
        }
    }

    #[test]
    fn a_note_is_a_text_or_nothing() {
        assert_eq!(read_token_note(b"{}"), Ok(String::new()));
        assert_eq!(read_token_note(br#"{"NOTE":"my note"}"#), Ok("my note".to_owned()));
        assert_eq!(read_token_note(b""), Err(Failure::Malformed { detail: "EOF".to_owned() }));
        for body in ["[]", r#"{"Note":1}"#, &format!(r#"{{"Note":"{}"}}"#, "x".repeat(201))] {
            assert!(read_token_note(body.as_bytes()).is_err(), "{body}");
        }
    }
}
