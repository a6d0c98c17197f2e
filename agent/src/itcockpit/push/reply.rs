//! What a server's answers mean to an agent. Pure. Source: openitcockpit specification, 1.7.

use serde::Deserialize;

/// What a server says is told in a log so far, characters.
const MOST_TOLD: usize = 200;

/// What an answer's body may say; anything else in it means nothing.
#[derive(Debug, Default, Deserialize)]
struct Body {
    agentuuid: Option<String>,
    password: Option<String>,
    error: Option<String>,
    #[serde(rename = "success")]
    _success: Option<bool>,
    received_checks: Option<i64>,
}

fn read(body: &[u8]) -> Result<Body, String> {
    if body.is_empty() {
        return Ok(Body::default());
    }
    serde_json::from_slice(body).map_err(|_| "the answer is not what an openITCOCKPIT server says".to_owned())
}

/// The password that an answer to a registration gives to the agent `uuid`.
///
/// # Errors
/// Why there is none, in words.
pub fn registered(status: u16, body: &[u8], uuid: &str) -> Result<String, String> {
    let Body { agentuuid, password, error, .. } = read(body)?;
    match status {
        201 if agentuuid.as_deref() != Some(uuid) => Err("the server answered for another agent".to_owned()),
        201 => {
            let waits = || "this agent is known to the server, which gives no password yet".to_owned();
            password.filter(|password| !password.is_empty()).ok_or_else(waits)
        }
        200 => Err("the server takes this agent for one that has a password".to_owned()),
        403 => {
            Err("the server knows this agent by another password; delete it there, or let it register anew".to_owned())
        }
        405 => Err(refused()),
        _ => Err(error.map_or_else(|| plain(status), |error| told(&error))),
    }
}

/// How many checks of the server's were fed by what it took, where it says.
///
/// # Errors
/// Why it took nothing, in words.
pub fn submitted(status: u16, body: &[u8]) -> Result<Option<i64>, String> {
    let Body { error, received_checks, .. } = read(body)?;
    match status {
        200 => Ok(received_checks),
        405 => Err(refused()),
        _ => Err(error.map_or_else(|| plain(status), |error| told(&error))),
    }
}

/// What a server says of an error, as it may stand in a log.
fn told(error: &str) -> String {
    let words: String = error.chars().filter(|letter| !letter.is_control()).take(MOST_TOLD).collect();
    format!("the server says: {words}")
}

fn refused() -> String {
    "the server lets nobody in with this apikey (status 405)".to_owned()
}

fn plain(status: u16) -> String {
    match status {
        401 => "the server does not know this apikey (status 401)".to_owned(),
        300..=399 => format!("the server points elsewhere, where this must not follow (status {status})"),
        _ => format!("the server answered with status {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTML: &[u8] = b"<html>Bad gateway</html>";

    #[test]
    fn a_password_is_taken_for_our_own_name_and_with_status_201_alone() {
        let said = |status, body: &str| registered(status, body.as_bytes(), "me");
        assert_eq!(said(201, r#"{"agentuuid":"me","password":"abc","more":[]}"#), Ok("abc".to_owned()));
        for (status, body, words) in [
            (201, r#"{"agentuuid":"me","password":""}"#, "no password yet"),
            (201, r#"{"agentuuid":"me"}"#, "no password yet"),
            (201, r#"{"agentuuid":"other","password":"abc"}"#, "another agent"),
            (201, "", "another agent"),
            (200, r#"{"success":true}"#, "has a password"),
            (200, r#"{"agentuuid":"me","password":"abc"}"#, "has a password"),
            (403, r#"{"error":"The given UUID is already registed with a password!"}"#, "another password"),
            (405, "", "apikey"),
            (400, r#"{"error":"Field uuid is missing"}"#, "Field uuid is missing"),
            (400, r#"{"error":{"uuid":{"a":"b"}}}"#, "not what"),
            (401, "", "401"),
            (404, "", "404"),
            (500, "", "500"),
            (307, "", "elsewhere"),
        ] {
            let error = said(status, body).unwrap_err();
            assert!(error.contains(words), "{status} {body}: {error}");
        }
        assert!(registered(201, HTML, "me").is_err());
    }

    #[test]
    fn what_was_sent_is_taken_with_status_200_alone() {
        let said = |status, body: &str| submitted(status, body.as_bytes());
        assert_eq!(said(200, r#"{"success":true,"received_checks":7}"#), Ok(Some(7)));
        assert_eq!((said(200, ""), said(200, "{}")), (Ok(None), Ok(None)));
        for (status, body, words) in [
            (400, r#"{"error":"Invalid credentials or host not found"}"#, "Invalid credentials or host not found"),
            (405, "", "apikey"),
            (401, "", "apikey"),
            (502, "", "502"),
            (200, r#"{"received_checks":"7"}"#, "not what"),
            (200, r#"{"error":{}}"#, "not what"),
        ] {
            let error = said(status, body).unwrap_err();
            assert!(error.contains(words), "{status} {body}: {error}");
        }
        assert!(submitted(200, HTML).is_err() && submitted(502, HTML).is_err());
    }
}
