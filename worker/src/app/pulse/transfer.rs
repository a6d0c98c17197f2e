//! Exports and imports: all that programs for Pulse configure, encrypted under a passphrase.

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::proxmox::{Credentials, Instance, InstanceDraft, SystemSettings};
use edgewatch_core::model::{AlertConfig, Hook, HostId, MailSettings};

use super::door::{self, Shown};
use super::told::News;
use super::{alerts, outlets, system};
use crate::app::{App, actor, hosts, proxmox, rules, thresholds};
use crate::gate::client::{self, Derivation};
use crate::platform::{passphrase, random};
use crate::store;

/// All of it, with what is secret of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Everything {
    /// Instances, but for those that agents have from files of their own.
    pub instances: Vec<(Instance, Credentials)>,
    /// The configuration of alerts.
    pub alerts: AlertConfig,
    /// The setting for mail.
    pub mail: MailSettings,
    /// Webhooks.
    pub hooks: Vec<Hook>,
    /// The settings of the server.
    pub system: SystemSettings,
}

/// What takes the place of all of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Replacement {
    /// Instances, in their order.
    pub instances: Vec<InstanceDraft>,
    /// The configuration of alerts.
    pub alerts: AlertConfig,
    /// The setting for mail.
    pub mail: MailSettings,
    /// Webhooks, each with its id.
    pub hooks: Vec<Hook>,
    /// The settings of the server.
    pub system: SystemSettings,
}

/// Whether somebody may export or import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permission {
    /// Yes, as the audit table names them.
    Granted(String),
    /// There is no token that they could show, and nobody opened it.
    NotOpened,
}

/// What somebody may who shows this. Source: pulse specification, 10.1.
///
/// # Errors
/// [`Failure::Unauthenticated`] or [`Failure::Forbidden`] for who shows no administrator's credential, where there is a token;
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn permission(app: &App, shown: &Shown<'_>) -> Result<Permission, Failure> {
    let refused = match door::caller(app, shown).await {
        Ok(caller) => match require(&caller, Right::Admin) {
            Ok(()) => return Ok(Permission::Granted(actor(&caller))),
            Err(refused) => refused,
        },
        Err(refused @ (Failure::Unauthenticated | Failure::Forbidden { .. })) => refused,
        Err(failure) => return Err(failure),
    };
    if door::has_token(app).await? {
        return Err(refused);
    }
    let is_open = app.config.pulse.allows_unprotected_export;
    Ok(if is_open { Permission::Granted("nobody".to_owned()) } else { Permission::NotOpened })
}

/// All of it, for who was granted it.
///
/// # Errors
/// [`Failure::Internal`] when a secret does not open; [`Failure::Unavailable`] when the database does not answer.
pub async fn collect(app: &App, actor: &str) -> Result<Everything, Failure> {
    let (mail, hooks) = outlets::find(app).await?;
    let everything = Everything {
        instances: proxmox::list_open(app).await?,
        alerts: alerts::config(app).await?,
        mail,
        hooks,
        system: system::find(app).await?,
    };
    app.db.run(app.audit(actor, "pulse.export", "")?).await?;
    Ok(everything)
}

/// A text encrypted under a passphrase: salt, nonce, and what came of it.
pub type Sealed = ([u8; 32], [u8; 12], Vec<u8>);

/// Encrypts a text under a passphrase, from which the key is derived in so many iterations.
///
/// # Errors
/// [`Failure::Unavailable`] when the object does not answer; [`Failure::Internal`] without randomness.
pub async fn seal(app: &App, words: &str, plain: &[u8], iterations: u32) -> Result<Sealed, Failure> {
    let (mut salt, mut nonce) = ([0; 32], [0; 12]);
    random::fill(&mut salt)?;
    random::fill(&mut nonce)?;
    let wanted = Derivation { passphrase: words.to_owned(), salt: salt.to_vec(), iterations };
    let key = client::derive(app.objects()?, &wanted).await?;
    let sealed = passphrase::seal(&key, &nonce, plain)?;
    Ok((salt, nonce, sealed))
}

/// What was encrypted under a passphrase; each number of iterations is tried. `None` where the passphrase is another, or something was
/// changed.
///
/// # Errors
/// [`Failure::Unavailable`] when the object does not answer.
pub async fn open(
    app: &App,
    words: &str,
    (salt, nonce, sealed): &Sealed,
    iterations: &[u32],
) -> Result<Option<Vec<u8>>, Failure> {
    for iterations in iterations.iter().copied() {
        let wanted = Derivation { passphrase: words.to_owned(), salt: salt.to_vec(), iterations };
        let key = client::derive(app.objects()?, &wanted).await?;
        if let Some(plain) = passphrase::open(&key, nonce, sealed) {
            return Ok(Some(plain));
        }
    }
    Ok(None)
}

/// Puts all of it in the place of what there is, at once or not at all. An instance that is called as one of before stays the one it is,
/// its hosts with it.
///
/// # Errors
/// [`Failure::Invalid`] for what cannot be; [`Failure::Conflict`] without a key for secrets, or where somebody changed an instance
/// meanwhile; [`Failure::Unavailable`] when the database does not answer. Nothing is changed then.
pub async fn replace(app: &App, actor: &str, new: Replacement) -> Result<(), Failure> {
    thresholds::check(&new.alerts)?;
    let (mut statements, retiring) = proxmox::replacing(app, actor, new.instances).await?;
    statements.extend(store::thresholds::setting(&new.alerts)?);
    statements.extend(outlets::setting(app, &new.mail, &new.hooks).await?);
    statements.extend(store::pulse::system::put(&new.system)?);
    statements.push(store::settings::bump(store::settings::HOSTS_VERSION));
    statements.push(app.audit(actor, "pulse.import", "")?);
    let mut retired: Vec<HostId> = Vec::new();
    for (place, outcome) in app.db.batch(statements).await?.into_iter().enumerate() {
        if retiring.contains(&place) {
            retired.extend(store::proxmox::instances::ids(&outcome)?);
        }
    }
    system::remember(app, &new.system.allowed_origins);
    hosts::tell_hub(app, &retired).await;
    rules::tell_hub(app).await;
    proxmox::tell_of(app, &[News::NodesChanged]).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use edgewatch_core::model::proxmox::{InstanceKind, Monitors};

    use super::*;
    use crate::platform::config::Config;
    use crate::platform::pulse_variables::{Hidden, PulseVariables};
    use crate::platform::seal::SealKey;
    use crate::store::Db;
    use crate::store::db::now;

    fn app(pulse: PulseVariables) -> App {
        let app = App::for_tests(Db::in_memory().unwrap());
        let seal_key = SealKey::parse("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        let config = Config { seal_key, pulse, ..Config::clone(&app.config) };
        App { config: Arc::new(config), ..app }
    }

    fn draft(name: &str, value: &str) -> InstanceDraft {
        InstanceDraft {
            kind: InstanceKind::Pve,
            name: name.to_owned(),
            host: format!("https://{name}:8006"),
            credentials: Credentials {
                token_name: "a@pam!t".to_owned(),
                token_value: value.to_owned(),
                ..Credentials::default()
            },
            fingerprint: String::new(),
            verify_tls: false,
            monitors: Monitors::default(),
            cluster: None,
        }
    }

    fn replacement(instances: Vec<InstanceDraft>) -> Replacement {
        Replacement {
            instances,
            alerts: AlertConfig::default(),
            mail: MailSettings { server: "m.example.com".to_owned(), ..MailSettings::default() },
            hooks: vec![],
            system: SystemSettings { polling_s: 33, ..SystemSettings::default() },
        }
    }

    #[test]
    fn all_of_it_is_replaced_or_nothing_is() {
        let app = app(PulseVariables::default());
        let names = |all: &Everything| -> Vec<(String, String, i64)> {
            let of = |(one, secret): &(Instance, Credentials)| (one.name.clone(), secret.token_value.clone(), one.id.0);
            all.instances.iter().map(of).collect()
        };
        now(replace(&app, "x", replacement(vec![draft("a", "1"), draft("b", "2")]))).unwrap();
        let first = now(collect(&app, "x")).unwrap();
        now(replace(&app, "x", replacement(vec![draft("b", "3"), draft("c", "4"), draft("c", "5")]))).unwrap();
        let second = now(collect(&app, "x")).unwrap();
        let id = names(&first)[1].2;
        assert_eq!(names(&second)[0], ("b".to_owned(), "3".to_owned(), id), "it stays the one it is");
        assert_eq!(names(&second)[1..].iter().map(|one| one.0.as_str()).collect::<Vec<_>>(), ["c", "c (2)"]);
        assert_eq!((second.system.polling_s, second.mail.server.as_str()), (33, "m.example.com"));
        let bad = replacement(vec![draft("d", "6"), InstanceDraft { host: " ".to_owned(), ..draft("e", "7") }]);
        assert!(now(replace(&app, "x", bad)).is_err());
        assert_eq!(now(collect(&app, "x")).unwrap(), second);
    }

    #[test]
    fn who_may_is_whom_the_documents_let() {
        let of = |variables: PulseVariables, tokens: &[&str]| {
            let shown = Shown { tokens: tokens.to_vec(), cookies: vec![], view_cookies: vec![], address: None };
            now(permission(&app(variables), &shown))
        };
        let opened = || PulseVariables { allows_unprotected_export: true, ..PulseVariables::default() };
        assert_eq!(of(PulseVariables::default(), &[]), Ok(Permission::NotOpened));
        assert_eq!(of(opened(), &[]), Ok(Permission::Granted("nobody".to_owned())));
        let with_token = || PulseVariables { api_token: Some(Hidden::from("t")), ..opened() };
        assert_eq!(of(with_token(), &["x"]), Err(Failure::Unauthenticated), "it is opened for want of a token alone");
        assert_eq!(of(with_token(), &["t"]), Ok(Permission::Granted("token:0".to_owned())));
    }
}
