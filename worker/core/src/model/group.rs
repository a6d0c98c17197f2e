//! Notification groups: who is told of alerts of monitors. Things are named by their ids of eleven characters.

use super::EscalationAudience;

/// What stands before what [`Audience::text`] writes.
const PREFIX: &str = "monitor:";
const CRITICAL: &str = "critical";
const OTHER: &str = "other";

/// Channels that are told together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NotificationGroup {
    /// What people call it.
    pub name: String,
    /// Whether it is the one that is told of everything that no other group keeps for itself.
    pub is_default: bool,
    /// Whether it is told of what is critical alone.
    pub only_critical: bool,
    /// Groups that are told too.
    pub children: Vec<String>,
    /// Its channels; `None` for those that rules call the default group.
    pub channels: Option<Vec<String>>,
    /// Monitors whose alerts it is told of.
    pub monitors: Vec<GroupLink>,
    /// Services of whose hosts and metrics it is told.
    pub services: Vec<GroupLink>,
}

/// What a group is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupLink {
    /// A monitor's id, or a service's name.
    pub of: String,
    /// Whether the default group is not told of it then.
    pub skips_default: bool,
}

/// Who is told of a step of a monitor's alert, as an event names it in the place of a group of channels. The host is the event's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience {
    /// The monitor's id.
    pub monitor: String,
    /// The service that it looks at, where it looks at one by itself.
    pub service: Option<String>,
    /// Whether the alert is critical, or was until now.
    pub is_critical: bool,
}

impl Audience {
    /// As it stands in an event: `monitor:<id>:critical:<service>`.
    pub fn text(&self) -> String {
        let level = if self.is_critical { CRITICAL } else { OTHER };
        format!("{PREFIX}{}:{level}:{}", self.monitor, self.service.as_deref().unwrap_or_default())
    }

    /// Whether a text could be taken for an audience, or for that of what nobody acknowledges: no group of channels may be called so.
    pub fn is_like(text: &str) -> bool {
        text.starts_with(PREFIX) || EscalationAudience::is_like(text)
    }

    /// What [`Audience::text`] wrote; `None` for a group of channels.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix(PREFIX)?.splitn(3, ':');
        let (monitor, level, service) = (parts.next()?, parts.next()?, parts.next()?);
        let is_critical = match level {
            CRITICAL => true,
            OTHER => false,
            _ => return None,
        };
        let service = (!service.is_empty()).then(|| service.to_owned());
        Some(Self { monitor: monitor.to_owned(), service, is_critical })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_group_is_called_like_those_who_are_told_of_what_nobody_acknowledges() {
        for audience in [EscalationAudience::Email, EscalationAudience::Webhook] {
            assert!(Audience::is_like(audience.group()));
            assert_eq!(EscalationAudience::of_group(audience.group()), Some(audience));
        }
        assert_eq!((EscalationAudience::of_group(""), Audience::is_like("escalation")), (None, false));
    }

    #[test]
    fn an_audience_comes_back_from_its_text_and_a_group_is_none() {
        for (service, is_critical) in [(None, true), (Some("Shop"), false)] {
            let audience = Audience { monitor: "11111111112".into(), service: service.map(str::to_owned), is_critical };
            assert_eq!(Audience::parse(&audience.text()), Some(audience));
        }
        for text in ["", "default", "monitor:", "monitor:1:critical", "monitor:1:loud:", "Monitor:1:other:"] {
            assert_eq!(Audience::parse(text), None, "{text}");
        }
    }
}
