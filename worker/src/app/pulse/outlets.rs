//! Where programs for Pulse want people told: the setting for mail, and webhooks. Each that is switched on is a channel like others.

use std::collections::BTreeMap;

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::domain::ids;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::proxmox::ResourceAlert;
use edgewatch_core::model::{Credential, Delivery, Hook, MailSecurity, MailSettings};

use crate::app::{App, actor};
use crate::notify;
use crate::platform::{outbound, random};
use crate::store::mackerel::groups;
use crate::store::pulse::outlets;
use crate::store::{Statement, channels, outbox};

/// The most webhooks.
const MAX_HOOKS: usize = 50;
/// The outlet that mail is, beside webhooks by their ids.
const MAIL: &str = "email";
const SMTP: &str = "smtp";
const WEBHOOK: &str = "pulse_webhook";
/// The longest name of a channel, in characters.
const MAX_NAME_CHARS: usize = 64;

/// Both, with what is secret of them.
pub(super) async fn find(app: &App) -> Result<(MailSettings, Vec<Hook>), Failure> {
    match outlets::find_sealed(&app.db).await? {
        None => Ok((MailSettings::default(), vec![])),
        Some(sealed) => Ok(outlets::decode(&app.config.seal_key()?.open(&sealed)?)?),
    }
}

/// An id for a webhook: `webhook-` and nanoseconds since 1970, the last of them random. Source: pulse specification, 2.3.
///
/// # Errors
/// [`Failure::Internal`] without randomness.
pub fn fresh_id(app: &App) -> Result<String, Failure> {
    Ok(format!("webhook-{}{:06}", app.now.0, random::number()? % 1_000_000))
}

/// The setting for mail.
///
/// # Errors
/// [`Failure::Forbidden`] without the right to read; [`Failure::Conflict`] or [`Failure::Internal`] when it does not open;
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn mail(app: &App, caller: &Credential) -> Result<MailSettings, Failure> {
    require(caller, Right::Read)?;
    Ok(find(app).await?.0)
}

/// Every webhook, in the order in which they were made.
///
/// # Errors
/// As [`mail`]; [`Failure::Forbidden`] for who is no administrator.
pub async fn hooks(app: &App, caller: &Credential) -> Result<Vec<Hook>, Failure> {
    require(caller, Right::Admin)?;
    Ok(find(app).await?.1)
}

/// Sets mail.
///
/// # Errors
/// [`Failure::Forbidden`] for who is no administrator; [`Failure::Invalid`] for what cannot be; [`Failure::Conflict`] without a key for
/// secrets; [`Failure::Unavailable`] when the database does not answer.
pub async fn save_mail(app: &App, caller: &Credential, mail: &MailSettings) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    let (_, hooks) = find(app).await?;
    save(app, caller, mail, &hooks, "pulse.email").await
}

/// Sets a webhook: in the place of the one with its id, or behind all.
///
/// # Errors
/// As [`save_mail`].
pub async fn save_hook(app: &App, caller: &Credential, hook: Hook) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    let (mail, mut hooks) = find(app).await?;
    match hooks.iter_mut().find(|one| one.id == hook.id) {
        Some(known) => *known = hook,
        None => hooks.push(hook),
    }
    save(app, caller, &mail, &hooks, "pulse.webhook").await
}

/// Takes a webhook away.
///
/// # Errors
/// As [`save_mail`]; [`Failure::NotFound`] when there is none with this id.
pub async fn remove_hook(app: &App, caller: &Credential, id: &str) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    let (mail, mut hooks) = find(app).await?;
    let before = hooks.len();
    hooks.retain(|hook| hook.id != id);
    if hooks.len() == before {
        return Err(Failure::NotFound { what: "webhook" });
    }
    save(app, caller, &mail, &hooks, "pulse.webhook").await
}

async fn save(
    app: &App,
    caller: &Credential,
    mail: &MailSettings,
    hooks: &[Hook],
    action: &str,
) -> Result<(), Failure> {
    let mut statements = setting(app, mail, hooks).await?;
    statements.push(app.audit(&actor(caller), action, "")?);
    app.db.batch(statements).await?;
    Ok(())
}

/// The statements that set both, and what channels they are.
///
/// # Errors
/// As [`save_mail`].
pub(super) async fn setting(app: &App, mail: &MailSettings, hooks: &[Hook]) -> Result<Vec<Statement>, Failure> {
    if hooks.len() > MAX_HOOKS {
        let reason = format!("at most {MAX_HOOKS}");
        return Err(Failure::Invalid { field: "webhooks".to_owned(), reason });
    }
    let text = app.config.seal_key()?.seal(&outlets::encode(mail, hooks)?)?;
    let mut statements = vec![outlets::put_sealed(&text)];
    let mut kept: Vec<&str> = Vec::new();
    // Mail that lacks something says so when it is tried.
    if mail.is_enabled && !mail.server.is_empty() && !mail.from.is_empty() {
        let sealed = notify::seal(&app.config, &notify::settings(SMTP, of_mail(mail))?)?;
        statements.push(outlets::put_channel(MAIL, "Pulse: e-mail", SMTP, &sealed, app.now_s()));
        kept.push(MAIL);
    }
    for hook in hooks.iter().filter(|hook| hook.is_enabled) {
        let sealed = notify::seal(&app.config, &notify::settings(WEBHOOK, of_hook(hook)?)?)?;
        let name: String = format!("Pulse: {}", hook.name).chars().take(MAX_NAME_CHARS).collect();
        statements.push(outlets::put_channel(&hook.id, &name, WEBHOOK, &sealed, app.now_s()));
        kept.push(&hook.id);
    }
    for (id, outlet) in outlets::list_channels(&app.db).await? {
        if !kept.contains(&outlet.as_str()) {
            let gone =
                [channels::deleting(id), outbox::delete_of_channel(id), groups::forget_channel(&ids::of_row(id))];
            statements.extend(gone);
        }
    }
    Ok(statements)
}

fn of_mail(mail: &MailSettings) -> BTreeMap<String, String> {
    let security = match mail.security() {
        MailSecurity::Tls => "tls",
        MailSecurity::StartTls => "starttls",
        MailSecurity::None => "none",
    };
    let to = mail.recipients().join(", ");
    let mut values: BTreeMap<String, String> = [
        ("host", mail.server.as_str()),
        ("port", &mail.port.to_string()),
        ("security", security),
        ("style", "pulse"),
        ("from", &mail.from),
        ("to", &to),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    if !mail.username.is_empty() {
        values.insert("username".to_owned(), mail.username.clone());
        values.insert("password".to_owned(), mail.password.clone());
    }
    values
}

fn of_hook(hook: &Hook) -> Result<BTreeMap<String, String>, Failure> {
    // What comes in groups is posted or put.
    let method = if hook.method == "PUT" { "PUT" } else { "POST" };
    let mut values: BTreeMap<String, String> =
        [("url", hook.url.as_str()), ("method", method), ("service", hook.service.as_str())]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
    for (name, texts) in [("headers", &hook.headers), ("fields", &hook.custom_fields)] {
        if !texts.is_empty() {
            values.insert(name.to_owned(), outlets::headers_text(texts)?);
        }
    }
    if !hook.template.is_empty() {
        values.insert("template".to_owned(), hook.template.clone());
    }
    Ok(values)
}

/// Sends a mail about `sample` with these settings now, and tells what came of it.
///
/// # Errors
/// As [`save_mail`].
pub async fn try_mail(
    app: &App,
    caller: &Credential,
    mail: &MailSettings,
    sample: &ResourceAlert,
) -> Result<Delivery, Failure> {
    require(caller, Right::Admin)?;
    let settings = notify::settings(SMTP, of_mail(mail))?;
    notify::send_sample(&app.config, &settings, sample, &app.time_key()?).await
}

/// Sends the request that a webhook makes now, and tells what its receiver answered.
///
/// # Errors
/// As [`save_mail`], for an address that notifications may not go to. Within: why there was no answer.
pub async fn try_hook(
    caller: &Credential,
    hook: &Hook,
    (method, url, headers, body): (&str, &str, &[(String, String)], &str),
) -> Result<Result<(u16, String), String>, Failure> {
    require(caller, Right::Admin)?;
    notify::settings(WEBHOOK, of_hook(&Hook { url: url.to_owned(), ..hook.clone() })?)?;
    let answer = outbound::send(method, url, headers, body).await;
    Ok(answer.map(|answer| (answer.status, answer.body)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use edgewatch_core::model::{Role, Session, User};
    use edgewatch_core::units::UnixSeconds;

    use super::*;
    use crate::platform::config::Config;
    use crate::platform::seal::SealKey;
    use crate::store::Db;
    use crate::store::db::now;

    fn app() -> (App, Credential) {
        let app = App::for_tests(Db::in_memory().unwrap());
        let seal_key = SealKey::parse("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        let config = Config { seal_key, ..Config::clone(&app.config) };
        let user = User { id: 1, name: "a".to_owned(), role: Role::Admin };
        let admin = Credential::Session(Session { user, expires_at: UnixSeconds(i64::MAX) });
        (App { config: Arc::new(config), ..app }, admin)
    }

    fn hook(id: &str, is_enabled: bool) -> Hook {
        Hook {
            id: id.to_owned(),
            name: id.to_owned(),
            url: "https://example.com/hidden".to_owned(),
            method: "POST".to_owned(),
            service: "generic".to_owned(),
            is_enabled,
            ..Hook::default()
        }
    }

    #[test]
    fn what_is_switched_on_is_a_channel_and_what_is_not_is_none() {
        let (app, admin) = app();
        let made = || -> Vec<String> {
            now(channels::list(&app.db)).unwrap().into_iter().map(|one| one.channel.name).collect()
        };
        assert_eq!(now(find(&app)), Ok((MailSettings::default(), vec![])));
        let mail = MailSettings {
            is_enabled: true,
            server: "mail.example.com".to_owned(),
            from: "me@example.com".to_owned(),
            username: "me".to_owned(),
            password: "hidden".to_owned(),
            ..MailSettings::default()
        };
        now(save_mail(&app, &admin, &mail)).unwrap();
        now(save_hook(&app, &admin, hook("webhook-1", true))).unwrap();
        now(save_hook(&app, &admin, hook("webhook-2", false))).unwrap();
        assert_eq!(made(), ["Pulse: e-mail", "Pulse: webhook-1"]);
        assert_eq!(now(find(&app)), Ok((mail.clone(), vec![hook("webhook-1", true), hook("webhook-2", false)])));
        let sealed = now(outlets::find_sealed(&app.db)).unwrap().unwrap();
        assert!(!sealed.contains("hidden"));
        now(save_mail(&app, &admin, &MailSettings { is_enabled: false, ..mail })).unwrap();
        now(remove_hook(&app, &admin, "webhook-1")).unwrap();
        assert_eq!((made(), now(remove_hook(&app, &admin, "x"))), (vec![], Err(Failure::NotFound { what: "webhook" })));
    }
}
