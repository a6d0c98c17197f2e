//! `POST /agentconnector/register_agent.json`. Source: openitcockpit specification, 1.5 and 3.3.

use serde::Deserialize;

use super::read::Text;
use crate::failure::Failure;
use crate::model::PushRegistration;

/// What an agent says who wants a password, or wants to know whether its own is good.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RegisterRequest {
    #[serde(default)]
    agentuuid: Text,
    /// Empty from an agent that has none.
    #[serde(default)]
    password: Text,
    #[serde(default)]
    hostname: Text,
    /// Quirk: an IPv6 address stands in brackets.
    #[serde(default)]
    ipaddress: Text,
}

impl RegisterRequest {
    /// The registration in a body.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for what is no JSON object; [`Failure::Invalid`] without a UUID or a password.
    pub fn parse(body: &[u8]) -> Result<PushRegistration, Failure> {
        if !body.trim_ascii_start().starts_with(b"{") {
            return Err(Failure::Malformed { detail: "the body is no JSON object".to_owned() });
        }
        let request: Self =
            serde_json::from_slice(body).map_err(|error| Failure::Malformed { detail: error.to_string() })?;
        let (Some(uuid), Some(password)) = (request.agentuuid.0, request.password.0) else {
            return Err(Failure::Invalid { field: "uuid or password".to_owned(), reason: "is missing".to_owned() });
        };
        Ok(PushRegistration {
            uuid,
            password,
            host_name: request.hostname.0.unwrap_or_default(),
            address: bare(request.ipaddress.0.unwrap_or_default()),
        })
    }
}

/// An address without brackets.
fn bare(address: String) -> String {
    let inner = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).map(str::to_owned);
    inner.unwrap_or(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registration_is_read_as_the_stock_agent_writes_it() {
        let body = br#"{"agentuuid":"66089500-8661-48f0-8ede-ecbc6886a84f","password":"","hostname":"web01","ipaddress":"[2001:db8::1]"}"#;
        let expected = PushRegistration {
            uuid: "66089500-8661-48f0-8ede-ecbc6886a84f".to_owned(),
            password: String::new(),
            host_name: "web01".to_owned(),
            address: "2001:db8::1".to_owned(),
        };
        assert_eq!(RegisterRequest::parse(body), Ok(expected));
    }

    #[test]
    fn without_a_uuid_or_a_password_it_is_refused() {
        for body in [
            "{}",
            r#"{"agentuuid":"a"}"#,
            r#"{"password":""}"#,
            r#"{"agentuuid":null,"password":""}"#,
            r#"{"agentuuid":"a","password":null}"#,
            r#"{"agentuuid":7,"password":""}"#,
        ] {
            assert!(matches!(RegisterRequest::parse(body.as_bytes()), Err(Failure::Invalid { .. })), "{body}");
        }
        for body in ["", "[]", "{", "null", "x"] {
            assert!(matches!(RegisterRequest::parse(body.as_bytes()), Err(Failure::Malformed { .. })), "{body}");
        }
    }
}
