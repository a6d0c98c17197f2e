//! `POST /api/notification`: a request with placeholders that people are told by. Source: nezha specification, 11.

use std::collections::BTreeMap;

use super::Form;
use crate::failure::Failure;
use crate::model::ChannelDraft;

/// The kind of channel that these are.
const KIND: &str = "nezha";
/// What stands where no name is given; the original takes an empty one.
const NAMELESS: &str = "notification";
/// The longest `RequestBody` and `RequestHeader`, in bytes.
const MAX_LONG_BYTES: usize = 16_384;
/// The longest `URL`, in bytes.
const MAX_URL_BYTES: usize = 2048;

/// A notification to be made, or to take the place of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationRequest {
    /// `None` for a new one.
    pub id: Option<i64>,
    /// Whether it is kept without a test message.
    pub skips_check: bool,
    /// The channel.
    pub draft: ChannelDraft,
}

impl NotificationRequest {
    /// Reads a body. `VerifySSL` is read and has no effect: certificates are always verified.
    ///
    /// # Errors
    /// [`Failure::Malformed`] as [`Form`] has it, and for a method or type that is none.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        let form = Form::parse(body)?;
        let malformed = |detail: &str| Failure::Malformed { detail: detail.to_owned() };
        let method = match form.int("RequestMethod")? {
            1 => "GET",
            2 => "POST",
            _ => return Err(malformed("RequestMethod is neither 1 (GET) nor 2 (POST)")),
        };
        let body_type = match (form.int("RequestType")?, method) {
            (2, _) => "form",
            (1, _) | (_, "GET") => "json",
            _ => return Err(malformed("RequestType is neither 1 (JSON) nor 2 (form)")),
        };
        form.on("VerifySSL")?;
        let settings = [
            ("url", form.long_text("URL", MAX_URL_BYTES)?),
            ("method", method),
            ("body_type", body_type),
            ("headers", form.long_text("RequestHeader", MAX_LONG_BYTES)?),
            ("body", form.long_text("RequestBody", MAX_LONG_BYTES)?),
        ];
        let settings: BTreeMap<String, String> =
            settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let name = form.text("Name")?;
        Ok(Self {
            id: Some(form.int("ID")?).filter(|id| *id != 0),
            skips_check: form.on("SkipCheck")?,
            draft: ChannelDraft {
                name: if name.is_empty() { NAMELESS } else { name }.to_owned(),
                kind: KIND.to_owned(),
                group: form.text("Tag")?.to_owned(),
                settings,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_becomes_a_channel() {
        let body = r##"{"ID":7,"name":"ops","TAG":"night","URL":"https://x/?m=#NEZHA#","RequestMethod":2,"RequestType":2,
            "RequestHeader":"{\"X-A\":\"b\"}","RequestBody":"{\"m\":\"#NEZHA#\"}","VerifySSL":"on","SkipCheck":"on"}"##;
        let request = NotificationRequest::parse(body.as_bytes()).unwrap();
        assert_eq!((request.id, request.skips_check), (Some(7), true));
        let ChannelDraft { name, kind, group, settings } = request.draft;
        assert_eq!((name.as_str(), kind.as_str(), group.as_str()), ("ops", "nezha", "night"));
        assert_eq!((settings["method"].as_str(), settings["body_type"].as_str()), ("POST", "form"));
        assert_eq!(settings["headers"], r#"{"X-A":"b"}"#);
    }

    #[test]
    fn what_is_left_out_is_what_the_original_takes_it_for() {
        let request = NotificationRequest::parse(br#"{"URL":"https://x/","RequestMethod":1}"#).unwrap();
        assert_eq!((request.id, request.skips_check), (None, false));
        assert_eq!((request.draft.group.as_str(), request.draft.settings["body_type"].as_str()), ("", "json"));
        for body in ["{}", r#"{"RequestMethod":3}"#, r#"{"RequestMethod":2}"#, r#"{"RequestMethod":"1"}"#, ""] {
            assert!(matches!(NotificationRequest::parse(body.as_bytes()), Err(Failure::Malformed { .. })), "{body}");
        }
    }
}
