//! `GET /api/notifications/email-providers`. Source: pulse specification, 11.3.

use serde::Serialize;

/// A provider, as forms are filled from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct EmailProvider {
    /// What people call it.
    pub name: &'static str,
    /// The server's name.
    pub smtp_host: &'static str,
    /// 587.
    pub smtp_port: u16,
    /// False.
    pub tls: bool,
    /// True.
    #[serde(rename = "startTLS")]
    pub start_tls: bool,
    /// True.
    pub auth_required: bool,
    /// What to type.
    pub instructions: &'static str,
}

/// Names, servers, and what to type, in the order in which they are listed.
const PROVIDERS: [(&str, &str, &str); 11] = [
    (
        "Gmail / Google Workspace",
        "smtp.gmail.com",
        "The user name is the whole address. The password is an app password, made in the account's security settings once \
         two-step verification is on.",
    ),
    ("SendGrid", "smtp.sendgrid.net", "The user name is the word apikey, the password an API key that may send mail."),
    (
        "Mailgun",
        "smtp.mailgun.org",
        "User name and password are the SMTP credentials of the sending domain, from the dashboard. In the EU the server is \
         smtp.eu.mailgun.org.",
    ),
    (
        "Amazon SES (US East)",
        "email-smtp.us-east-1.amazonaws.com",
        "User name and password are SMTP credentials made in the SES console; they are no access keys. The sender has to be verified. \
         Other regions have other servers.",
    ),
    (
        "Microsoft 365 / Outlook",
        "smtp.office365.com",
        "The user name is the whole address. Authenticated SMTP has to be switched on for the mailbox.",
    ),
    (
        "Brevo (formerly Sendinblue)",
        "smtp-relay.brevo.com",
        "The user name is the address of the account, the password an SMTP key from its settings.",
    ),
    ("Postmark", "smtp.postmarkapp.com", "The server's API token is user name and password alike."),
    (
        "SparkPost",
        "smtp.sparkpostmail.com",
        "The user name is the word SMTP_Injection, the password an API key that may send by SMTP.",
    ),
    ("Resend", "smtp.resend.com", "The user name is the word resend, the password an API key."),
    ("SMTP2GO", "mail.smtp2go.com", "User name and password are those of an SMTP user, from the dashboard."),
    (
        "Custom SMTP Server",
        "",
        "Any server that takes mail by SMTP, with the user name and password it knows. Port 25 cannot be reached from Cloudflare.",
    ),
];

/// Every provider.
pub fn email_providers() -> Vec<EmailProvider> {
    let provider = |(name, smtp_host, instructions)| EmailProvider {
        name,
        smtp_host,
        smtp_port: 587,
        tls: false,
        start_tls: true,
        auth_required: true,
        instructions,
    };
    PROVIDERS.into_iter().map(provider).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_are_listed_in_their_order_and_say_what_to_type() {
        let all = email_providers();
        let names: Vec<&str> = all.iter().map(|one| one.name).collect();
        assert_eq!((names.len(), names[0], names[10]), (11, "Gmail / Google Workspace", "Custom SMTP Server"));
        let host = |name: &str| all.iter().find(|one| one.name.starts_with(name)).unwrap().smtp_host;
        let hosts = [
            "SendGrid",
            "Mailgun",
            "Amazon",
            "Microsoft",
            "Brevo",
            "Postmark",
            "SparkPost",
            "Resend",
            "SMTP2GO",
            "Custom",
        ]
        .map(host);
        let expected = [
            "smtp.sendgrid.net",
            "smtp.mailgun.org",
            "email-smtp.us-east-1.amazonaws.com",
            "smtp.office365.com",
            "smtp-relay.brevo.com",
            "smtp.postmarkapp.com",
            "smtp.sparkpostmail.com",
            "smtp.resend.com",
            "mail.smtp2go.com",
            "",
        ];
        assert_eq!(hosts, expected);
        for (name, word) in [
            ("SendGrid", "apikey"),
            ("SparkPost", "SMTP_Injection"),
            ("Resend", "resend"),
            ("Mailgun", "smtp.eu.mailgun.org"),
        ] {
            assert!(all.iter().any(|one| one.name == name && one.instructions.contains(word)), "{name}");
        }
        let json = serde_json::to_value(all[0]).unwrap();
        assert_eq!(
            (&json["smtpPort"], &json["startTLS"], &json["authRequired"], &json["tls"]),
            (&587.into(), &true.into(), &true.into(), &false.into())
        );
    }
}
