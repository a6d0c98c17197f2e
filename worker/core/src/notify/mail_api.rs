//! Mail by the HTTP interfaces of those who send it for others: Resend, Mailgun, `SendGrid`, Postmark.

use serde::Serialize;

use super::OutgoingRequest;
use super::mail::{mailbox, message_id, parse_from, parse_to, subject, text};
use super::notice::{Letter, at, post_json, request};
use super::push::basic;
use super::settings::Settings;
use super::words::query_escaped;
use crate::failure::Failure;

/// What every mail has.
struct Parts {
    from: String,
    from_name: String,
    from_address: String,
    to: Vec<String>,
    subject: String,
    text: String,
    message_id: String,
}

fn parts(settings: &Settings, letter: &Letter<'_>) -> Result<Parts, Failure> {
    let (from_name, from_address) = parse_from(settings.get("from")).map_err(Failure::Internal)?;
    Ok(Parts {
        from: mailbox(&from_name, &from_address),
        to: parse_to(settings.get("to")).map_err(Failure::Internal)?,
        subject: subject(letter),
        text: text(letter),
        message_id: message_id(letter, &from_address),
        from_name,
        from_address,
    })
}

/// A request with a header that says who asks.
fn known(mut request: OutgoingRequest, name: &str, value: String) -> OutgoingRequest {
    request.secrets.push(value.clone());
    request.headers.push((name.to_owned(), value));
    request
}

#[derive(Serialize)]
struct ResendBody<'a> {
    from: &'a str,
    to: &'a [String],
    subject: &'a str,
    text: &'a str,
    headers: ResendHeaders<'a>,
}

#[derive(Serialize)]
struct ResendHeaders<'a> {
    #[serde(rename = "X-Edgewatch-Event")]
    event: &'a str,
}

/// Resend: it drops a repeat by `Idempotency-Key` itself. Source: resend.com/docs, idempotency keys.
///
/// # Errors
/// [`Failure::Internal`] for settings that were never checked; so for all that follow.
pub fn resend(settings: &Settings, letter: &Letter<'_>) -> Result<OutgoingRequest, Failure> {
    let Parts { from, to, subject, text, .. } = parts(settings, letter)?;
    let headers = ResendHeaders { event: &letter.notice.event.key };
    let body = ResendBody { from: &from, to: &to, subject: &subject, text: &text, headers };
    let request = post_json(at(settings.get("server"), "/emails"), letter.key, &body)?;
    Ok(known(request, "authorization", format!("Bearer {}", settings.get("token"))))
}

/// Mailgun: a form. Source: documentation.mailgun.com, messages.
///
/// # Errors
/// As [`resend`].
pub fn mailgun(settings: &Settings, letter: &Letter<'_>) -> Result<OutgoingRequest, Failure> {
    let Parts { from, to, subject, text, message_id, .. } = parts(settings, letter)?;
    let to = to.join(",");
    let fields = [
        ("from", &from),
        ("to", &to),
        ("subject", &subject),
        ("text", &text),
        ("h:Message-Id", &message_id),
        ("h:X-Edgewatch-Event", &letter.notice.event.key),
    ];
    let pair = |(name, value): &(&str, &String)| format!("{}={}", query_escaped(name), query_escaped(value));
    let body = fields.iter().map(pair).collect::<Vec<_>>().join("&");
    let url = at(settings.get("server"), &format!("/v3/{}/messages", settings.get("domain")));
    let request = request("POST", url, letter.key, "application/x-www-form-urlencoded", body);
    Ok(known(request, "authorization", basic("api", settings.get("token"))))
}

#[derive(Serialize)]
struct SendGridBody<'a> {
    personalizations: [SendGridTo<'a>; 1],
    from: SendGridAddress<'a>,
    subject: &'a str,
    content: [SendGridContent<'a>; 1],
    headers: SendGridHeaders<'a>,
}

#[derive(Serialize)]
struct SendGridTo<'a> {
    to: Vec<SendGridAddress<'a>>,
}

#[derive(Serialize)]
struct SendGridAddress<'a> {
    email: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
}

#[derive(Serialize)]
struct SendGridContent<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    value: &'a str,
}

#[derive(Serialize)]
struct SendGridHeaders<'a> {
    #[serde(rename = "Message-ID")]
    message_id: &'a str,
    #[serde(rename = "X-Edgewatch-Event")]
    event: &'a str,
}

/// `SendGrid`. Source: docs.sendgrid.com, v3 mail send.
///
/// # Errors
/// As [`resend`].
pub fn sendgrid(settings: &Settings, letter: &Letter<'_>) -> Result<OutgoingRequest, Failure> {
    let parts = parts(settings, letter)?;
    let to = parts.to.iter().map(|email| SendGridAddress { email, name: "" }).collect();
    let body = SendGridBody {
        personalizations: [SendGridTo { to }],
        from: SendGridAddress { email: &parts.from_address, name: &parts.from_name },
        subject: &parts.subject,
        content: [SendGridContent { kind: "text/plain", value: &parts.text }],
        headers: SendGridHeaders { message_id: &parts.message_id, event: &letter.notice.event.key },
    };
    let request = post_json(at(settings.get("server"), "/v3/mail/send"), letter.key, &body)?;
    Ok(known(request, "authorization", format!("Bearer {}", settings.get("token"))))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PostmarkBody<'a> {
    from: &'a str,
    to: &'a str,
    subject: &'a str,
    text_body: &'a str,
    headers: [PostmarkHeader<'a>; 3],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PostmarkHeader<'a> {
    name: &'static str,
    value: &'a str,
}

/// Postmark. Source: postmarkapp.com/developer, email; `X-PM-KeepID` keeps a message's id.
///
/// # Errors
/// As [`resend`].
pub fn postmark(settings: &Settings, letter: &Letter<'_>) -> Result<OutgoingRequest, Failure> {
    let parts = parts(settings, letter)?;
    let header = |name: &'static str, value| PostmarkHeader { name, value };
    let body = PostmarkBody {
        from: &parts.from,
        to: &parts.to.join(","),
        subject: &parts.subject,
        text_body: &parts.text,
        headers: [
            header("Message-ID", &parts.message_id),
            header("X-PM-KeepID", "true"),
            header("X-Edgewatch-Event", &letter.notice.event.key),
        ],
    };
    let request = post_json(at(settings.get("server"), "/email"), letter.key, &body)?;
    Ok(known(request, "x-postmark-server-token", settings.get("token").to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::notify::OutgoingRequest;
    use crate::notify::kinds::Kind;
    use crate::notify::notice::tests::{event, host, sent};

    const COMMON: [(&str, &str); 3] = [("token", "key-123"), ("from", "Ed <w@b.c>"), ("to", "d@e.f, g@h.i")];

    fn posted(kind: Kind, more: &[(&str, &str)]) -> OutgoingRequest {
        sent(kind, &[&COMMON, more].concat(), &event("it is \"down\" & out"), Some(&host("fra-1")))
    }

    fn header(request: &OutgoingRequest, name: &str) -> String {
        request.headers.iter().find(|(one, _)| one == name).map(|(_, value)| value.clone()).unwrap_or_default()
    }

    #[test]
    fn resend_is_told_the_key_of_the_letter() {
        let request = posted(Kind::Resend, &[]);
        let body: Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!(
            (request.url.as_str(), header(&request, "authorization").as_str()),
            ("https://api.resend.com/emails", "Bearer key-123")
        );
        assert_eq!((&body["from"], &body["to"]), (&json!("Ed <w@b.c>"), &json!(["d@e.f", "g@h.i"])));
        assert_eq!(
            (&body["subject"], header(&request, "idempotency-key").as_str()),
            (&json!("[Edgewatch] Host offline: fra-1"), "0001:7")
        );
    }

    #[test]
    fn mailgun_gets_a_form() {
        let request = posted(Kind::Mailgun, &[("domain", "mg.b.c")]);
        assert_eq!(request.url, "https://api.mailgun.net/v3/mg.b.c/messages");
        assert_eq!(header(&request, "authorization"), "Basic YXBpOmtleS0xMjM=");
        assert_eq!(header(&request, "content-type"), "application/x-www-form-urlencoded");
        assert!(request.body.starts_with("from=Ed+%3Cw%40b.c%3E&to=d%40e.f%2Cg%40h.i&subject="), "{}", request.body);
        assert!(request.body.contains("&h%3AMessage-Id=%3C0001.7%40b.c%3E&"), "{}", request.body);
    }

    #[test]
    fn sendgrid_and_postmark_get_the_message_id() {
        let request = posted(Kind::SendGrid, &[("server", "https://api.eu.sendgrid.com")]);
        let body: Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!(request.url, "https://api.eu.sendgrid.com/v3/mail/send");
        assert_eq!(body["headers"]["Message-ID"], "<0001.7@b.c>");
        assert_eq!(body["personalizations"][0]["to"], json!([{"email": "d@e.f"}, {"email": "g@h.i"}]));
        assert_eq!(body["from"], json!({"email": "w@b.c", "name": "Ed"}));
        let request = posted(Kind::Postmark, &[]);
        let body: Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!(
            (header(&request, "x-postmark-server-token").as_str(), &body["To"]),
            ("key-123", &json!("d@e.f,g@h.i"))
        );
        assert_eq!(body["Headers"][0], json!({"Name": "Message-ID", "Value": "<0001.7@b.c>"}));
    }
}
