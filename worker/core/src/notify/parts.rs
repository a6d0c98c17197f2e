//! Several alerts told as one: each waits as a finished part, and when it is time all that wait for a channel become one request.

use serde::{Deserialize, Serialize};

use super::notice::{Letter, Notice, render};
use super::settings::Settings;
use super::{Kind, Outgoing, pulse};
use crate::failure::Failure;
use crate::model::proxmox::ResourceAlert;
use crate::model::{Event, EventKind, HostId, Source};
use crate::units::UnixSeconds;

/// So many alerts are told one by one in what has room for a text; the rest is counted.
const MOST_LINES: usize = 20;

/// What is told of one alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The event's key.
    pub key: String,
    /// The word of its kind.
    pub kind: String,
    /// When it happened, Unix seconds.
    pub at_s: i64,
    /// The host's number.
    pub host_id: Option<i64>,
    /// Its name.
    pub host_name: Option<String>,
    /// A sentence for people.
    pub text: String,
    /// The alert, as Pulse tells of it.
    pub(super) alert: pulse::Alert,
}

impl Part {
    /// What is told of an event.
    pub fn of(notice: &Notice<'_>) -> Self {
        let Notice { event, host, host_name, .. } = *notice;
        let name = host.map(|host| host.name.as_str()).or(host_name);
        Self {
            key: event.key.clone(),
            kind: event.kind.word().to_owned(),
            at_s: event.at.0,
            host_id: event.host_id.map(|id| id.0),
            host_name: name.map(str::to_owned),
            text: event.text.clone(),
            alert: pulse::Alert::of(event, name),
        }
    }

    /// Whether an event waits for others: an alert of a threshold that begins, is another one than it was, or that nobody acknowledged.
    pub fn waits(event: &Event) -> bool {
        let is_of_threshold = event.alert.as_ref().is_some_and(|alert| alert.cause.source == Source::Threshold);
        let is_trouble =
            matches!(event.kind, EventKind::AlertFired | EventKind::AlertChanged | EventKind::AlertEscalated);
        is_of_threshold && is_trouble
    }

    /// Whether it is critical.
    pub fn is_critical(&self) -> bool {
        self.alert.level == pulse::CRITICAL
    }

    fn event(&self) -> Event {
        Event::new(
            self.key.clone(),
            EventKind::from_word(&self.kind),
            self.host_id.map(HostId),
            UnixSeconds(self.at_s),
            self.text.clone(),
        )
    }
}

/// What tells `settings`' receiver of all of these, of which there is at least one. `key` is the same for every repeat.
///
/// # Errors
/// [`Failure::Internal`] for settings that were never checked, and for no parts.
pub fn render_parts(settings: &Settings, parts: &[Part], key: &str, edgewatch_url: &str) -> Result<Outgoing, Failure> {
    let Some(first) = parts.first() else { return Err(Failure::Internal("nothing to tell".to_owned())) };
    let mut event = first.event();
    if parts.len() > 1 {
        let newest = parts.iter().map(|part| part.at_s).max().unwrap_or(first.at_s);
        (event.host_id, event.at, event.text) = (None, UnixSeconds(newest), text(parts));
    }
    let host_name = first.host_name.as_deref().filter(|_| parts.len() == 1);
    let notice = Notice { event: &event, host: None, host_name, group: "" };
    let letter = Letter { notice, key, edgewatch_url };
    match settings.kind() {
        Kind::PulseWebhook => {
            let mut request = pulse::webhook(settings, &letter, parts)?;
            request.secrets.extend(settings.secrets());
            Ok(Outgoing::Request(request))
        }
        Kind::Smtp if settings.get("style") == "pulse" => pulse::mail(settings, &letter, parts).map(Outgoing::Mail),
        _ => render(settings, notice, key, edgewatch_url),
    }
}

/// The mail that tries `settings` in Pulse's style: it tells of an alert that is none.
///
/// # Errors
/// [`Failure::Internal`] for settings that were never checked, and for no mail.
pub fn render_sample(
    settings: &Settings,
    alert: &ResourceAlert,
    key: &str,
    edgewatch_url: &str,
) -> Result<Outgoing, Failure> {
    if settings.kind() != Kind::Smtp {
        return Err(Failure::Internal("no mail".to_owned()));
    }
    let event = Event::new(key.to_owned(), EventKind::Test, None, alert.started_at, alert.text.clone());
    let notice = Notice { event: &event, host: None, host_name: None, group: "" };
    let letter = Letter { notice, key, edgewatch_url };
    pulse::mail_alone(settings, &letter, alert).map(Outgoing::Mail)
}

/// All of them in words: a line each.
fn text(parts: &[Part]) -> String {
    let mut lines = vec![format!("{} alerts", parts.len())];
    lines.extend(parts.iter().take(MOST_LINES).map(|part| part.text.clone()));
    let more = parts.len().saturating_sub(MOST_LINES);
    lines.extend((more > 0).then(|| format!("and {more} more")));
    lines.join("\n")
}

#[cfg(test)]
mod tests;
