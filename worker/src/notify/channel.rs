//! A channel's settings between those who make it, the seal, and what is rendered from them.

use std::collections::BTreeMap;

use edgewatch_core::failure::Failure;
use edgewatch_core::model::ChannelKind;
use edgewatch_core::notify::{Kind, Settings, check_host, describe};

use crate::platform::config::Config;
use crate::platform::outbound;
use crate::store::channels::SealedChannel;

/// Every kind of channel with its settings.
pub fn kinds() -> Vec<ChannelKind> {
    describe()
}

/// The settings of a new channel, checked.
///
/// # Errors
/// [`Failure::Invalid`] for a kind or setting that cannot be.
pub fn settings(kind: &str, values: BTreeMap<String, String>) -> Result<Settings, Failure> {
    let known = Kind::from_word(kind).ok_or_else(|| {
        let words: Vec<&str> = Kind::ALL.into_iter().map(Kind::word).collect();
        Failure::Invalid { field: "kind".to_owned(), reason: format!("one of {}", words.join(", ")) }
    })?;
    check_targets(Settings::check(known, values)?)
}

/// The settings with some of them changed, checked.
///
/// # Errors
/// As [`settings`].
pub fn changed(settings: Settings, changes: BTreeMap<String, Option<String>>) -> Result<Settings, Failure> {
    check_targets(settings.changed(changes)?)
}

/// Settings as they are stored.
///
/// # Errors
/// [`Failure::Conflict`] when the deployment has no key to encrypt with.
pub fn seal(config: &Config, settings: &Settings) -> Result<String, Failure> {
    config.seal_key()?.seal(&settings.to_text()?)
}

/// The settings of a stored channel.
///
/// # Errors
/// [`Failure::Internal`] when they do not open; [`Failure::Conflict`] without a key to open them with.
pub fn open(config: &Config, channel: &SealedChannel) -> Result<Settings, Failure> {
    let kind = Kind::from_word(&channel.channel.kind)
        .ok_or_else(|| Failure::Internal(format!("a channel of the kind {}", channel.channel.kind)))?;
    Settings::from_text(kind, &config.seal_key()?.open(&channel.config_sealed)?)
}

/// Whether every address leads where one may lead, as the runtime will read it.
fn check_targets(settings: Settings) -> Result<Settings, Failure> {
    for (name, target) in settings.targets() {
        let invalid = |reason: String| Failure::Invalid { field: name.to_owned(), reason };
        let host = if target.contains("://") {
            outbound::host(target).ok_or_else(|| invalid("is no address".to_owned()))?
        } else {
            // A bare host goes through the same parser: it may be a number in one of its many spellings.
            outbound::host(&format!("http://{target}/"))
                .ok_or_else(|| invalid("is no host's name or address".to_owned()))?
        };
        check_host(&host).map_err(|failure| match failure {
            Failure::Invalid { reason, .. } => invalid(reason),
            other => other,
        })?;
    }
    Ok(settings)
}
