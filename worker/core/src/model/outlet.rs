//! Where programs for Pulse want people told: one setting for mail, and webhooks.

use std::collections::BTreeMap;
use std::fmt;

/// How mail is sent, and to whom.
#[derive(Clone, PartialEq, Eq)]
pub struct MailSettings {
    /// Whether mail is sent at all.
    pub is_enabled: bool,
    /// The provider's name, as it was chosen.
    pub provider: String,
    /// The server's name.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// Who sends, as the server knows them.
    pub username: String,
    /// Their password; empty for none.
    pub password: String,
    /// The sender's address.
    pub from: String,
    /// Addresses; where there are none, the sender's.
    pub to: Vec<String>,
    /// Whether the connection is encrypted from its beginning.
    pub tls: bool,
    /// Whether it is encrypted once both agreed to.
    pub start_tls: bool,
    /// What else was said: a JSON object as text, empty for none.
    pub rest: String,
}

/// How a connection for mail is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailSecurity {
    /// From its beginning.
    Tls,
    /// Once both agreed to.
    StartTls,
    /// Not at all.
    None,
}

/// Source: pulse specification, 11.1.
impl Default for MailSettings {
    fn default() -> Self {
        Self {
            is_enabled: false,
            provider: String::new(),
            server: String::new(),
            port: 587,
            username: String::new(),
            password: String::new(),
            from: String::new(),
            to: vec![],
            tls: true,
            start_tls: false,
            rest: String::new(),
        }
    }
}

impl MailSettings {
    /// How the connection is encrypted. Source: pulse specification, 11.1.
    pub const fn security(&self) -> MailSecurity {
        match (self.tls, self.start_tls) {
            (true, _) if self.port == 465 => MailSecurity::Tls,
            (true, false) => MailSecurity::Tls,
            (_, true) => MailSecurity::StartTls,
            (false, false) => MailSecurity::None,
        }
    }

    /// To whom mail goes.
    pub fn recipients(&self) -> Vec<&str> {
        if self.to.is_empty() { vec![self.from.as_str()] } else { self.to.iter().map(String::as_str).collect() }
    }
}

impl fmt::Debug for MailSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It may end up in a log.
        write!(formatter, "MailSettings({:?}, {:?})", self.server, self.from)
    }
}

/// A webhook.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Hook {
    /// Its id, `webhook-` and a number, unless whoever made it chose another.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Where it goes.
    pub url: String,
    /// Such as `POST`.
    pub method: String,
    /// Names and values; both may be secret.
    pub headers: BTreeMap<String, String>,
    /// Whether anything is sent.
    pub is_enabled: bool,
    /// The service that is told, such as `discord`; `generic` for any.
    pub service: String,
    /// What the body is made of, instead of what the service usually gets; may be empty.
    pub template: String,
    /// Values for the template, which may be secret.
    pub custom_fields: BTreeMap<String, String>,
    /// What else was said: a JSON object as text, empty for none.
    pub rest: String,
}

impl fmt::Debug for Hook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It may end up in a log, and its address may be a secret.
        write!(formatter, "Hook({:?}, {:?})", self.id, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encryption_is_what_ports_and_switches_say() {
        for (port, tls, start_tls, security) in [
            (465, true, false, MailSecurity::Tls),
            (465, true, true, MailSecurity::Tls),
            (587, true, false, MailSecurity::Tls),
            (587, true, true, MailSecurity::StartTls),
            (587, false, true, MailSecurity::StartTls),
            (465, false, true, MailSecurity::StartTls),
            (25, false, false, MailSecurity::None),
        ] {
            let settings = MailSettings { port, tls, start_tls, ..MailSettings::default() };
            assert_eq!(settings.security(), security, "{port} {tls} {start_tls}");
        }
    }

    #[test]
    fn mail_without_recipients_goes_to_its_sender_and_no_log_has_secrets() {
        let mut settings = MailSettings {
            from: "me@example.com".to_owned(),
            password: "hidden".to_owned(),
            ..MailSettings::default()
        };
        assert_eq!(settings.recipients(), ["me@example.com"]);
        settings.to = vec!["ops@example.com".to_owned()];
        assert_eq!(settings.recipients(), ["ops@example.com"]);
        let hook = Hook { url: "https://example.com/hidden".to_owned(), ..Hook::default() };
        assert!(!format!("{settings:?}{hook:?}").contains("hidden"));
    }
}
