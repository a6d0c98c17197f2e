//! Trying channels: `POST /api/notifications/test`, `/email/test` and `/webhooks/test`. Source: pulse specification, 11.2 and 11.4.

use serde::Serialize;
use serde_json::Value;

use super::email::read_mail;
use crate::dialects::pulse::object::{self, Object};
use crate::dialects::pulse::read::{self, bad};
use crate::failure::Failure;
use crate::model::proxmox::{ResourceAlert, node_id};
use crate::model::{AlertResource, Hook, MailSettings, Measured, ResourceKind, Severity, ThresholdMetric};
use crate::units::UnixSeconds;

/// Why settings that come along are not tried.
const OFF_AS_SAID: &str = "email notifications are not enabled in the provided configuration";

/// What is to be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotificationTest {
    /// Mail, with these settings.
    Mail(MailSettings),
    /// A webhook: the one of this id, or the first that is switched on.
    Webhook(Option<String>),
}

impl NotificationTest {
    /// Reads a body of `POST /api/notifications/test`, where mail is set up as `stored`.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for no object, for a method that is none, and for mail that cannot be sent.
    pub fn parse(stored: &MailSettings, body: &[u8]) -> Result<Self, Failure> {
        let mut from = object::parse(body)?;
        let (method, kind) = (from.text("method")?, from.text("type")?);
        match method.or(kind).unwrap_or_default().as_str() {
            "email" => {
                let settings = match from.object("config")? {
                    // What its page shows as switched off is not tried.
                    Some(mut config) => match config.bool("enabled")? {
                        Some(false) => return Err(bad(OFF_AS_SAID)),
                        _ => configured(stored, config)?,
                    },
                    None => stored.clone(),
                };
                check_mail(&settings)?;
                Ok(Self::Mail(settings))
            }
            "webhook" => Ok(Self::Webhook(from.text("webhookId")?.filter(|id| !id.is_empty()))),
            other => Err(bad(format!("unknown notification method: {other}"))),
        }
    }
}

/// Reads a body of `POST /api/notifications/email/test`: nothing, settings, settings below `config`, or an address to send to. What
/// is not said is as in `stored`.
///
/// # Errors
/// [`Failure::Malformed`] for what cannot be read or sent, [`Failure::Invalid`] for settings that cannot be.
pub fn email_test(stored: &MailSettings, body: &[u8]) -> Result<MailSettings, Failure> {
    let said = read::object_or_nothing(body)?;
    let keys: Vec<&str> = said.keys().map(String::as_str).collect();
    let settings = match (keys.as_slice(), said.get("config")) {
        ([], _) => stored.clone(),
        // An address alone asks for mail as it is set up, to somebody.
        (["to"], _) if said.get("to").is_some_and(Value::is_string) => {
            let mut settings = read_mail(stored, Object::new(said))?;
            settings.is_enabled = stored.is_enabled;
            settings
        }
        (_, Some(config)) => configured(stored, Object::of(config.clone(), "config")?)?,
        _ => configured(stored, Object::new(said))?,
    };
    check_mail(&settings)?;
    Ok(settings)
}

/// Settings that are tried before they are saved: whether they are switched on does not matter.
fn configured(stored: &MailSettings, config: Object) -> Result<MailSettings, Failure> {
    let mut config = config.into_map();
    config.retain(|key, _| !key.eq_ignore_ascii_case("enabled"));
    config.insert("enabled".to_owned(), Value::Bool(true));
    read_mail(stored, Object::new(config))
}

/// Whether mail can be sent with these settings.
///
/// # Errors
/// [`Failure::Malformed`] in the product's words.
pub fn check_mail(settings: &MailSettings) -> Result<(), Failure> {
    if !settings.is_enabled {
        return Err(bad("email notifications are not enabled"));
    }
    if settings.server.is_empty() || settings.from.is_empty() {
        return Err(bad("email configuration is incomplete: SMTP host and from address are required"));
    }
    Ok(())
}

/// The webhook that a test is about: the one of this id, or the first that is switched on.
///
/// # Errors
/// [`Failure::NotFound`] for an id that is nobody's, [`Failure::Malformed`] in the product's words where there is none to try.
pub fn tested_hook<'a>(hooks: &'a [Hook], id: Option<&str>) -> Result<&'a Hook, Failure> {
    match id {
        Some(id) => hooks.iter().find(|hook| hook.id == id).ok_or(Failure::NotFound { what: "webhook" }),
        None if hooks.is_empty() => Err(bad("no webhooks configured")),
        None => hooks.iter().find(|hook| hook.is_enabled).ok_or_else(|| bad("no enabled webhooks found")),
    }
}

/// What is told in a test, of the first node that there is.
pub fn sample_alert(node: Option<(&str, &str)>, now: UnixSeconds) -> ResourceAlert {
    let (instance, node) = node.unwrap_or(("test-instance", "test-node"));
    ResourceAlert {
        resource: AlertResource {
            kind: ResourceKind::Vm,
            id: node_id(instance, "test"),
            name: "Email Configuration Test".to_owned(),
            node: node.to_owned(),
            instance: instance.to_owned(),
            limit: Some((Measured::of(80.0), Measured::of(75.0))),
        },
        metric: Some(ThresholdMetric::Cpu),
        severity: Severity::Warning,
        value: 85.5,
        started_at: now,
        seen_at: now,
        ended_at: None,
        acknowledged: None,
        escalated_at: vec![],
        text: "This is a test: what is set up works.".to_owned(),
    }
}

/// The answer when a notification was taken by its receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TestSentReply {
    /// `success`.
    pub status: &'static str,
    /// A sentence.
    pub message: &'static str,
}

impl TestSentReply {
    /// It was sent.
    pub const DONE: Self = Self { status: "success", message: "Test notification sent" };
}

/// The answer of `POST /api/notifications/webhooks/test`: what the receiver said, with status 200 or 400.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WebhookTestReply {
    #[serde(skip_serializing_if = "Option::is_none")]
    success: Option<bool>,
    /// The receiver's; 0 where there was none.
    status: u16,
    response: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl WebhookTestReply {
    /// What the receiver answered, and the HTTP status to say it with.
    pub fn answered(status: u16, response: String) -> (u16, Self) {
        if (200..300).contains(&status) {
            return (200, Self { success: Some(true), status, response, error: None });
        }
        let error = Some(format!("Webhook returned HTTP {status}: {response}"));
        (400, Self { success: Some(false), status, response, error })
    }

    /// Why there was no answer, and the HTTP status to say it with.
    pub fn failed(error: String) -> (u16, Self) {
        (400, Self { success: None, status: 0, response: String::new(), error: Some(error) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready() -> MailSettings {
        MailSettings {
            is_enabled: true,
            server: "smtp.example.com".to_owned(),
            from: "me@example.com".to_owned(),
            password: "p".to_owned(),
            ..MailSettings::default()
        }
    }

    #[test]
    fn mail_is_tried_as_it_is_set_up_or_as_it_is_said() {
        let test = |body: &str| email_test(&ready(), body.as_bytes());
        for body in ["", "null", "{}"] {
            assert_eq!(test(body), Ok(ready()));
        }
        let to = test(r#"{"to":"x@y"}"#).unwrap();
        assert_eq!((to.recipients(), to.server.as_str()), (vec!["x@y"], "smtp.example.com"));
        for body in [r#"{"server":"other","enabled":false,"password":""}"#, r#"{"config":{"server":"other"}}"#] {
            let said = test(body).unwrap();
            assert_eq!((said.server.as_str(), said.password.as_str(), said.is_enabled), ("other", "p", true), "{body}");
        }
        assert!(test("[]").is_err() && test(r#"{"to":"x"}"#).is_err() && test(r#"{"config":7}"#).is_err());
        let off = MailSettings { is_enabled: false, ..ready() };
        assert_eq!(email_test(&off, b""), Err(bad("email notifications are not enabled")));
        assert_eq!(email_test(&off, br#"{"to":"x@y"}"#), Err(bad("email notifications are not enabled")));
        assert!(email_test(&off, br#"{"config":{}}"#).is_ok());
        let empty = MailSettings { server: String::new(), ..ready() };
        let words = "email configuration is incomplete: SMTP host and from address are required";
        assert_eq!(email_test(&empty, b""), Err(bad(words)));
    }

    #[test]
    fn a_method_is_named_in_two_ways_and_has_to_be_known() {
        let parse = |body: &str| NotificationTest::parse(&ready(), body.as_bytes());
        assert_eq!(parse(r#"{"method":"email"}"#), Ok(NotificationTest::Mail(ready())));
        assert!(
            matches!(parse(r#"{"type":"email","config":{"from":"a@b"}}"#), Ok(NotificationTest::Mail(said)) if said.from == "a@b")
        );
        assert_eq!(parse(r#"{"type":"email","config":{"Enabled":false,"from":"a@b"}}"#), Err(bad(OFF_AS_SAID)));
        assert_eq!(
            parse(r#"{"method":"webhook","webhookId":"w"}"#),
            Ok(NotificationTest::Webhook(Some("w".to_owned())))
        );
        assert_eq!(parse(r#"{"method":"webhook"}"#), Ok(NotificationTest::Webhook(None)));
        assert_eq!(parse(r#"{"method":"pigeon"}"#), Err(bad("unknown notification method: pigeon")));
        assert_eq!(parse("{}"), Err(bad("unknown notification method: ")));
    }

    #[test]
    fn a_webhook_is_tried_by_its_id_or_because_it_is_on() {
        let hook = |id: &str, is_enabled| Hook { id: id.to_owned(), is_enabled, ..Hook::default() };
        let hooks = [hook("a", false), hook("b", true)];
        assert_eq!(tested_hook(&[], None).err(), Some(bad("no webhooks configured")));
        assert_eq!(tested_hook(&hooks[..1], None).err(), Some(bad("no enabled webhooks found")));
        assert_eq!(
            (tested_hook(&hooks, None).unwrap().id.as_str(), tested_hook(&hooks, Some("a")).unwrap().id.as_str()),
            ("b", "a")
        );
        assert_eq!(tested_hook(&hooks, Some("c")).err(), Some(Failure::NotFound { what: "webhook" }));
    }

    #[test]
    fn the_sample_is_a_warning_of_the_first_node() {
        let alert = sample_alert(Some(("lab", "pve1")), UnixSeconds(7));
        assert_eq!((alert.resource.name.as_str(), alert.resource.node.as_str()), ("Email Configuration Test", "pve1"));
        assert_eq!((alert.value.to_bits(), alert.severity), (85.5_f64.to_bits(), Severity::Warning));
        assert_eq!(sample_alert(None, UnixSeconds(7)).resource.node, "test-node");
    }

    #[test]
    fn what_the_receiver_said_is_told() {
        let json = |(status, reply): (u16, WebhookTestReply)| (status, serde_json::to_string(&reply).unwrap());
        let done = json(WebhookTestReply::answered(204, String::new()));
        assert_eq!(done, (200, r#"{"success":true,"status":204,"response":""}"#.to_owned()));
        let refused = json(WebhookTestReply::answered(403, "no".to_owned()));
        assert_eq!(
            refused,
            (
                400,
                r#"{"success":false,"status":403,"response":"no","error":"Webhook returned HTTP 403: no"}"#.to_owned()
            )
        );
        let failed = json(WebhookTestReply::failed("nobody there".to_owned()));
        assert_eq!(failed, (400, r#"{"status":0,"response":"","error":"nobody there"}"#.to_owned()));
        assert_eq!(
            serde_json::to_string(&TestSentReply::DONE).unwrap(),
            r#"{"status":"success","message":"Test notification sent"}"#
        );
    }
}
