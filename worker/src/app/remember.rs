//! Credentials that were found good lately, so that reading what the hub has in memory asks D1 for nothing.
//!
//! The hub counts how often a credential was taken away, its *epoch*, and says so with every answer. A credential is remembered
//! with the epochs that were known before it was looked up; it counts for as long as the answers name the same ones. Whoever
//! takes a credential away waits until every shard has counted, so it is dead at once and everywhere.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use edgewatch_core::domain::access::{is_alive, require_address};
use edgewatch_core::domain::ids::could_be_secret;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::Credential;
use edgewatch_core::units::UnixSeconds;

use super::{App, identity};
use crate::platform::digest;
use crate::viewers::client as viewers;

/// How long a credential is not looked up again, seconds; unless the database does not answer. Its use is noted as often.
const GOOD_FOR_S: i64 = 3_600;
/// So many are remembered.
const MAX: usize = 1_000;

/// What this isolate of the Worker knows. It dies with it.
static KNOWN: Mutex<Known> = Mutex::new(Known { epochs: Vec::new(), credentials: BTreeMap::new() });

struct Known {
    /// The epochs that the hub named last.
    epochs: Vec<u64>,
    /// By the hash of what was shown.
    credentials: BTreeMap<String, Remembered>,
}

#[derive(Clone)]
struct Remembered {
    credential: Credential,
    epochs: Vec<u64>,
    looked_up: UnixSeconds,
}

/// What a caller showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// A token.
    pub token: Option<String>,
    /// Session cookies.
    pub cookies: Vec<String>,
    /// Where the caller is.
    pub address: Option<IpAddr>,
}

/// Somebody who may be who they say: [`Reader::confirm`] knows, once the hub has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// Who it was when it was looked up.
    pub credential: Credential,
    /// The epochs it was looked up under; `None` when that was now.
    remembered: Option<Vec<u64>>,
    shown: Shown,
}

/// The holder of what was shown, remembered or looked up.
///
/// # Errors
/// As `identity::caller`.
pub async fn reader(app: &App, shown: Shown) -> Result<Reader, Failure> {
    let found = recall(&shown);
    if let Some((_, found)) = &found
        && app.now_s().since(found.looked_up) < GOOD_FOR_S
        && is_good(&found.credential, &shown, app.now_s())?
    {
        let (credential, remembered) = (found.credential.clone(), Some(found.epochs.clone()));
        return Ok(Reader { credential, remembered, shown });
    }
    match look_up(app, &shown).await {
        Ok(credential) => Ok(Reader { credential, remembered: None, shown }),
        // Without the database the hub's word on the epoch has to do.
        Err(failure @ Failure::Unavailable { .. }) => match found {
            Some((_, found)) if is_good(&found.credential, &shown, app.now_s())? => {
                Ok(Reader { credential: found.credential, remembered: Some(found.epochs), shown })
            }
            _ => Err(failure),
        },
        Err(failure) => Err(failure),
    }
}

impl Reader {
    /// Somebody who was looked up just now, for the tests of use cases.
    #[cfg(test)]
    pub const fn for_tests(credential: Credential) -> Self {
        Self { credential, remembered: None, shown: Shown { token: None, cookies: Vec::new(), address: None } }
    }

    /// The caller, now that the hub named its epochs; `None` when it did not answer. One who was remembered under others is looked
    /// up again.
    ///
    /// # Errors
    /// As [`reader`].
    pub async fn confirm(&self, app: &App, epochs: Option<&[u64]>) -> Result<Credential, Failure> {
        if let Some(epochs) = epochs {
            known().epochs = epochs.to_vec();
        }
        match &self.remembered {
            None => Ok(self.credential.clone()),
            Some(remembered) if epochs.is_some_and(|epochs| epochs == remembered) => Ok(self.credential.clone()),
            Some(_) => look_up(app, &self.shown).await,
        }
    }
}

impl Reader {
    /// The epoch of a shard that the caller was remembered under; `None` for one who was looked up just now.
    pub fn remembered_epoch(&self, shard: u32) -> Option<u64> {
        // One of a shard that was not there is none that it could have now.
        let of_shard = |epochs: &Vec<u64>| usize::try_from(shard).ok().and_then(|shard| epochs.get(shard).copied());
        self.remembered.as_ref().map(|epochs| of_shard(epochs).unwrap_or(u64::MAX - 1))
    }

    /// As [`Reader::confirm`], when some of the shards answered: whoever takes a credential away tells all of them.
    ///
    /// # Errors
    /// As [`reader`].
    pub async fn confirm_by(&self, app: &App, answered: &BTreeMap<u32, u64>) -> Result<Credential, Failure> {
        let is_same =
            answered.iter().all(|(shard, epoch)| self.remembered_epoch(*shard).is_none_or(|known| known == *epoch));
        if is_same && self.remembered.is_some() {
            return Ok(self.credential.clone());
        }
        // The other shards are asked once, by who comes first after the isolate began or something was taken away.
        let epochs = match (&app.hub, answered.len()) {
            (Some(hub), answered) if usize::try_from(hub.shards()).is_ok_and(|shards| shards > answered) => {
                if self.remembered.is_none() && !known().epochs.is_empty() {
                    return Ok(self.credential.clone());
                }
                hub.epochs().await?
            }
            _ => answered.values().copied().collect(),
        };
        self.confirm(app, Some(&epochs)).await
    }
}

async fn look_up(app: &App, shown: &Shown) -> Result<Credential, Failure> {
    // Known before the look: what is taken away from here on raises them.
    let epochs = known().epochs.clone();
    let cookies: Vec<&str> = shown.cookies.iter().map(String::as_str).collect();
    let credential = identity::caller(app, shown.token.as_deref(), &cookies, shown.address).await;
    let keys = keys(shown);
    let mut known = known();
    match &credential {
        Ok(credential) if !epochs.is_empty() => {
            // Which of several it was is not known; of one it is.
            if let [key] = keys.as_slice() {
                if known.credentials.len() >= MAX {
                    known.credentials.clear();
                }
                let remembered = Remembered { credential: credential.clone(), epochs, looked_up: app.now_s() };
                known.credentials.insert(key.clone(), remembered);
            }
        }
        Err(Failure::Unavailable { .. }) | Ok(_) => {}
        Err(_) => keys.iter().for_each(|key| drop(known.credentials.remove(key))),
    }
    credential
}

fn recall(shown: &Shown) -> Option<(String, Remembered)> {
    let keys = keys(shown);
    let [key] = keys.as_slice() else { return None };
    known().credentials.get(key).map(|found| (key.clone(), found.clone()))
}

fn is_good(credential: &Credential, shown: &Shown, now: UnixSeconds) -> Result<bool, Failure> {
    match credential {
        Credential::Token(token) => {
            require_address(token, shown.address)?;
            Ok(is_alive(token, now))
        }
        Credential::Session(session) => Ok(now < session.expires_at),
    }
}

/// The hashes of what was shown, by which it is remembered.
fn keys(shown: &Shown) -> Vec<String> {
    let token = shown.token.iter().map(|text| ('t', text));
    let all = token.chain(shown.cookies.iter().map(|text| ('s', text)));
    all.filter(|(_, text)| could_be_secret(text))
        .map(|(kind, text)| format!("{kind}{}", digest::secret_hash(text)))
        .collect()
}

fn known() -> MutexGuard<'static, Known> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A credential was taken away: every shard counts it, and none that was remembered before counts any more.
///
/// # Errors
/// [`Failure::Unavailable`] when a shard does not answer: what was remembered may be good for an hour more, and doing it
/// again helps.
pub async fn taken_away(app: &App) -> Result<(), Failure> {
    known().credentials.clear();
    if let Some(hub) = &app.hub {
        hub.taken_away().await?;
    }
    // Who looks on may do so by what was taken away.
    match &app.objects {
        Some(objects) => Ok(viewers::let_all_show_again(objects).await?),
        None => Ok(()),
    }
}
