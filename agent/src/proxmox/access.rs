//! Who we are to a server: a token, or a password that a ticket is had for. Source: pulse specification, 17.1 and 18.1.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use edgewatch_core::dialects::native::proxmox::{Instance, InstanceKind, PollErrorKind};

use super::error::ApiError;
use super::place::encoded;

/// A ticket is good for two hours.
const RENEW_AFTER: Duration = Duration::from_mins(90);

/// Credentials. Their `Debug` does not show them.
pub struct Access {
    kind: InstanceKind,
    way: Way,
}

enum Way {
    /// The line of the head.
    Token(String),
    Password {
        form: String,
        ticket: Mutex<Option<(String, Instant)>>,
    },
}

impl fmt::Debug for Access {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Access(…)")
    }
}

impl Access {
    /// The credentials of an instance; a token goes before a password.
    ///
    /// # Errors
    /// When there are none that can be used.
    pub fn new(instance: &Instance) -> Result<Self, ApiError> {
        let kind = instance.kind;
        let wrong = |text: &str| ApiError::new(PollErrorKind::Auth, text);
        let user = instance.user.as_deref().unwrap_or_default();
        if let (Some(name), Some(secret)) = (&instance.token_name, &instance.token_value) {
            let name = if name.contains('!') || user.is_empty() { name.clone() } else { format!("{user}!{name}") };
            if !name.contains('!') || !name.contains('@') {
                return Err(wrong("the token's name is none, expected user@realm!id"));
            }
            let line = match kind {
                InstanceKind::Pve => format!("Authorization: PVEAPIToken={name}={}\r\n", secret.0.trim()),
                InstanceKind::Pbs => format!("Authorization: PBSAPIToken={name}:{}\r\n", secret.0.trim()),
            };
            if line.trim_end().contains(|letter: char| letter.is_control()) {
                return Err(wrong("the token cannot stand in a header"));
            }
            return Ok(Self { kind, way: Way::Token(line) });
        }
        let Some(password) = instance.password.as_ref().filter(|_| !user.is_empty()) else {
            return Err(wrong("there are no credentials"));
        };
        let user = match kind {
            _ if user.contains('@') => user.to_owned(),
            InstanceKind::Pve => return Err(wrong("invalid user format, expected user@realm")),
            InstanceKind::Pbs => format!("{user}@pbs"),
        };
        let form = format!("username={}&password={}", encoded(&user), encoded(&password.0));
        Ok(Self { kind, way: Way::Password { form, ticket: Mutex::default() } })
    }

    /// The lines of a request's head; a ticket is had by `log_in` where one is needed, which sends the form.
    ///
    /// # Errors
    /// Those of the login.
    pub fn headers(&self, log_in: &dyn Fn(&str) -> Result<String, ApiError>) -> Result<String, ApiError> {
        match &self.way {
            Way::Token(line) => Ok(line.clone()),
            Way::Password { form, ticket } => {
                // Who comes second waits for the ticket of who came first.
                let mut ticket = ticket.lock().unwrap_or_else(PoisonError::into_inner);
                let known = ticket.as_ref().filter(|(_, since)| since.elapsed() < RENEW_AFTER);
                let known = if let Some((known, _)) = known {
                    known.clone()
                } else {
                    let fresh = log_in(form)?;
                    *ticket = Some((fresh.clone(), Instant::now()));
                    fresh
                };
                let cookie = match self.kind {
                    InstanceKind::Pve => "PVEAuthCookie",
                    InstanceKind::Pbs => "PBSAuthCookie",
                };
                Ok(format!("Cookie: {cookie}={}\r\n", encoded(&known)))
            }
        }
    }

    /// The server does not accept `headers`. True when another ticket may help: the one in them is forgotten.
    pub fn forget(&self, headers: &str) -> bool {
        let Way::Password { ticket, .. } = &self.way else { return false };
        let mut ticket = ticket.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = ticket.as_ref().is_some_and(|(known, _)| headers.contains(&encoded(known)));
        if is_same {
            *ticket = None;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use edgewatch_core::dialects::native::proxmox::Hidden;

    use super::*;

    fn instance(kind: InstanceKind, user: &str, token: &str) -> Instance {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Instance {
            kind,
            user: some(user),
            token_name: some(token),
            token_value: some(token).map(|_| Hidden("s3cret".to_owned())),
            password: Some(Hidden("p&w".to_owned())),
            ..Instance::default()
        }
    }

    fn line(kind: InstanceKind, user: &str, token: &str) -> Result<String, ApiError> {
        Access::new(&instance(kind, user, token))?.headers(&|form| Ok(form.to_owned()))
    }

    #[test]
    fn a_token_is_named_in_full_or_beside_its_user() {
        let pve = |user, token| line(InstanceKind::Pve, user, token).unwrap();
        assert_eq!(pve("", "m@pve!t1"), "Authorization: PVEAPIToken=m@pve!t1=s3cret\r\n");
        assert_eq!(pve("m@pve", "t1"), "Authorization: PVEAPIToken=m@pve!t1=s3cret\r\n");
        assert_eq!(pve("x@pam", "m@pve!t1"), "Authorization: PVEAPIToken=m@pve!t1=s3cret\r\n");
        let pbs = line(InstanceKind::Pbs, "", "m@pbs!t1").unwrap();
        assert_eq!(pbs, "Authorization: PBSAPIToken=m@pbs!t1:s3cret\r\n");
        assert!(line(InstanceKind::Pve, "", "t1").is_err());
    }

    #[test]
    fn a_password_needs_a_realm_but_at_a_backup_server() {
        assert!(line(InstanceKind::Pve, "root", "").unwrap_err().to_string().contains("expected user@realm"));
        let cookie = line(InstanceKind::Pbs, "root", "").unwrap();
        assert!(cookie.starts_with("Cookie: PBSAuthCookie=username%3Droot%2540pbs%26password"), "{cookie}");
    }

    #[test]
    fn a_ticket_is_had_once_and_again_when_it_is_refused() {
        let access = Access::new(&instance(InstanceKind::Pve, "m@pve", "")).unwrap();
        let count = std::cell::Cell::new(0);
        let log_in = |_: &str| {
            count.set(count.get() + 1);
            Ok(format!("PVE:{}", count.get()))
        };
        let first = access.headers(&log_in).unwrap();
        assert_eq!(access.headers(&log_in).unwrap(), first);
        assert!(access.forget(&first));
        let second = access.headers(&log_in).unwrap();
        assert_eq!(count.get(), 2);
        // Somebody who still had the first one does not cost the second.
        assert!(access.forget(&first));
        assert_eq!(access.headers(&log_in).unwrap(), second);
    }

    #[test]
    fn nothing_is_shown() {
        let access = Access::new(&instance(InstanceKind::Pve, "m@pve", "t1")).unwrap();
        assert_eq!(format!("{access:?}"), "Access(…)");
        let mut evil = instance(InstanceKind::Pve, "m@pve", "t1");
        evil.token_value = Some(Hidden("a\r\nX: y".to_owned()));
        assert!(Access::new(&evil).is_err());
    }
}
