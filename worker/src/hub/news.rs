//! What becomes of alerts of thresholds is told to programs for Pulse at once, and to the object that shows them.

use edgewatch_core::model::proxmox::ResourceAlert;
use edgewatch_core::model::{Alert, AlertDetails, Event, EventKind, Source};
use edgewatch_core::units::UnixMillis;

use super::object::Inner;
use crate::platform::log;
use crate::proxmox::client::alerts_changed;
use crate::store::{Db, alerts};
use crate::viewers::client::{self, News};

/// Tells of what these events say, which D1 has by now. What cannot be told is seen with a later state.
pub async fn tell(inner: &Inner, db: &Db, events: &[(Event, Option<String>)], now: UnixMillis) {
    let mut is_news = false;
    let (mut begun, mut over): (Vec<ResourceAlert>, Vec<String>) = (Vec::new(), Vec::new());
    for (event, _) in events {
        let Some(note) = event.alert.as_ref().filter(|note| note.cause.source == Source::Threshold) else { continue };
        match event.kind {
            EventKind::AlertFired => {
                // What nobody is told of, as in quiet hours, is seen in the state alone.
                begun.extend(alert_of(event).and_then(|alert| seen(&alert)).filter(|_| !event.is_quiet));
                is_news = true;
            }
            EventKind::AlertRecovered | EventKind::AlertWithdrawn => {
                let known = match alert_of(event).and_then(|alert| seen(&alert)) {
                    Some(known) => Some(known),
                    // The host is no more, or was not polled since the object woke.
                    None => alerts::find(db, &note.key).await.ok().flatten().and_then(|alert| seen(&alert)),
                };
                over.extend(known.map(|alert| alert.resource.kind.alert_id(&alert.resource.id, alert.metric)));
                is_news = true;
            }
            EventKind::AlertChanged => is_news = true,
            _ => {}
        }
    }
    if !is_news {
        return;
    }
    if let Err(error) = alerts_changed(&inner.objects).await {
        log::error("hub.alerts", &error.to_string());
    }
    let begun = begun.iter().map(News::Alert);
    let news: Vec<News<'_>> = begun.chain(over.iter().map(|id| News::Resolved(id))).collect();
    if let Err(error) = client::tell(&inner.objects, &news, now).await {
        log::error("hub.news", &error.to_string());
    }
}

fn seen(alert: &Alert) -> Option<ResourceAlert> {
    ResourceAlert::of(alert, alert.closed_at.unwrap_or(alert.opened_at))
}

/// The alert of an event, as it is listed.
fn alert_of(event: &Event) -> Option<Alert> {
    let note = event.alert.clone()?;
    Some(Alert {
        key: note.key,
        cause: note.cause,
        opened_at: note.opened_at,
        closed_at: note.closed_at,
        text: event.text.clone(),
        detail: note.detail,
        acknowledged: None,
        more: AlertDetails {
            standing: note.standing,
            kind: note.kind,
            reason: None,
            memo: String::new(),
            resource: note.resource,
        },
    })
}
