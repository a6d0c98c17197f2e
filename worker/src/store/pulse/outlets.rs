//! Where programs for Pulse want people told: one encrypted text in table `settings`, and a row of table `channels` for each outlet that
//! is switched on.

use std::collections::BTreeMap;

use edgewatch_core::model::{Hook, MailSettings};
use edgewatch_core::units::UnixSeconds;
use serde::{Deserialize, Serialize};

use crate::store::{Db, Statement, StoreError, settings};

/// The key, JSON in an envelope.
const KEY: &str = "pulse_outlets";
const PUT_CHANNEL: &str = "INSERT INTO channels (name, kind, group_name, config_sealed, created_at_s, pulse_id) \
     VALUES (?2, ?3, 'default', ?4, ?5, ?1) ON CONFLICT (pulse_id) WHERE pulse_id IS NOT NULL \
     DO UPDATE SET name = excluded.name, config_sealed = excluded.config_sealed, paused_until_s = 0";
const LIST_CHANNELS: &str = "SELECT id, pulse_id FROM channels WHERE pulse_id IS NOT NULL ORDER BY id";

#[derive(Serialize, Deserialize)]
struct Stored {
    mail: MailStored,
    hooks: Vec<HookStored>,
}

#[derive(Serialize, Deserialize)]
struct MailStored {
    is_enabled: bool,
    provider: String,
    server: String,
    port: u16,
    username: String,
    password: String,
    from: String,
    to: Vec<String>,
    tls: bool,
    start_tls: bool,
    rest: String,
}

#[derive(Serialize, Deserialize)]
struct HookStored {
    id: String,
    name: String,
    url: String,
    method: String,
    headers: BTreeMap<String, String>,
    is_enabled: bool,
    service: String,
    template: String,
    custom_fields: BTreeMap<String, String>,
    rest: String,
}

impl From<&MailSettings> for MailStored {
    fn from(mail: &MailSettings) -> Self {
        let MailSettings { is_enabled, provider, server, port, username, password, from, to, tls, start_tls, rest } =
            mail.clone();
        Self { is_enabled, provider, server, port, username, password, from, to, tls, start_tls, rest }
    }
}

impl From<MailStored> for MailSettings {
    fn from(mail: MailStored) -> Self {
        let MailStored { is_enabled, provider, server, port, username, password, from, to, tls, start_tls, rest } =
            mail;
        Self { is_enabled, provider, server, port, username, password, from, to, tls, start_tls, rest }
    }
}

impl From<&Hook> for HookStored {
    fn from(hook: &Hook) -> Self {
        let Hook { id, name, url, method, headers, is_enabled, service, template, custom_fields, rest } = hook.clone();
        Self { id, name, url, method, headers, is_enabled, service, template, custom_fields, rest }
    }
}

impl From<HookStored> for Hook {
    fn from(hook: HookStored) -> Self {
        let HookStored { id, name, url, method, headers, is_enabled, service, template, custom_fields, rest } = hook;
        Self { id, name, url, method, headers, is_enabled, service, template, custom_fields, rest }
    }
}

/// The text as it was put, still encrypted; `None` where nothing was set.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn find_sealed(db: &Db) -> Result<Option<String>, StoreError> {
    settings::find(db, KEY).await
}

/// The statement that puts the text, encrypted: 1 row.
pub fn put_sealed(sealed: &str) -> Statement {
    settings::put(KEY, sealed)
}

/// All outlets as one text.
///
/// # Errors
/// [`StoreError::Corrupt`] when it cannot be written.
pub fn encode(mail: &MailSettings, hooks: &[Hook]) -> Result<String, StoreError> {
    let stored = Stored { mail: mail.into(), hooks: hooks.iter().map(HookStored::from).collect() };
    serde_json::to_string(&stored).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// What [`encode`] wrote.
///
/// # Errors
/// [`StoreError::Corrupt`] for anything else.
pub fn decode(text: &str) -> Result<(MailSettings, Vec<Hook>), StoreError> {
    let stored: Stored = serde_json::from_str(text).map_err(|error| StoreError::Corrupt(format!("{KEY}: {error}")))?;
    Ok((stored.mail.into(), stored.hooks.into_iter().map(Hook::from).collect()))
}

/// Headers as a channel's settings hold them.
///
/// # Errors
/// As [`encode`].
pub fn headers_text(headers: &BTreeMap<String, String>) -> Result<String, StoreError> {
    serde_json::to_string(headers).map_err(|error| StoreError::Corrupt(error.to_string()))
}

#[derive(Deserialize)]
struct ChannelRow {
    id: i64,
    pulse_id: String,
}

/// The channels of outlets, by their numbers: which outlet each is of.
///
/// # Errors
/// [`StoreError::Backend`] when D1 refuses.
pub async fn list_channels(db: &Db) -> Result<Vec<(i64, String)>, StoreError> {
    let rows: Vec<ChannelRow> = db.run(Statement::new(LIST_CHANNELS, vec![])).await?.rows()?;
    Ok(rows.into_iter().map(|row| (row.id, row.pulse_id)).collect())
}

/// The statement that makes the channel of an outlet, or changes it: 1 row. `config_sealed`: its settings, encrypted.
pub fn put_channel(outlet: &str, name: &str, kind: &str, config_sealed: &str, now: UnixSeconds) -> Statement {
    Statement::new(PUT_CHANNEL, vec![outlet.into(), name.into(), kind.into(), config_sealed.into(), now.0.into()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::channels;
    use crate::store::db::now;

    #[test]
    fn outlets_come_back_as_they_were_said() {
        let mail = MailSettings { server: "mail.example".to_owned(), rest: "{}".to_owned(), ..MailSettings::default() };
        let hook = Hook { id: "webhook-1".to_owned(), is_enabled: true, ..Hook::default() };
        let text = encode(&mail, std::slice::from_ref(&hook)).unwrap();
        assert_eq!(decode(&text).unwrap(), (mail, vec![hook]));
        assert!(decode("{}").is_err());
    }

    #[test]
    fn an_outlet_has_one_channel_which_stays_the_one_it_is() {
        let db = Db::in_memory().unwrap();
        let put = |outlet, name| put_channel(outlet, name, "pulse_webhook", "sealed", UnixSeconds(1));
        now(db.batch(vec![put("webhook-1", "a"), put("webhook-2", "b"), put("webhook-1", "c")])).unwrap();
        let all = now(channels::list(&db)).unwrap();
        assert_eq!(all.iter().map(|one| one.channel.name.as_str()).collect::<Vec<_>>(), ["c", "b"]);
        let of = now(list_channels(&db)).unwrap();
        assert_eq!(of, [(all[0].channel.id, "webhook-1".to_owned()), (all[1].channel.id, "webhook-2".to_owned())]);
    }
}
