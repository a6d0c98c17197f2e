//! Which guests a rule is about.

use super::{Condition, Poll, Resource};
use crate::model::{Comparison, CustomRule, GuestFilter, GuestText, ResourceKind};

/// Two values that are no further apart are equal. Source: pulse specification, 12.1.
const SAME: f64 = 0.5;

/// The rule that holds for a guest: of those that match the one with the highest priority, of several such the first.
pub(super) fn rule_of<'a>(rules: &'a [CustomRule], guest: &Resource, poll: &Poll) -> Option<&'a CustomRule> {
    let matching = rules.iter().filter(|rule| rule.is_enabled && matches(rule, guest, poll));
    matching.fold(None, |best: Option<&CustomRule>, rule| match best {
        Some(best) if best.priority >= rule.priority => Some(best),
        _ => Some(rule),
    })
}

fn matches(rule: &CustomRule, guest: &Resource, poll: &Poll) -> bool {
    let mut each = rule.filters.iter().map(|filter| is_so(filter, guest, poll));
    if rule.filters.is_empty() {
        true
    } else if rule.is_any {
        each.any(|is_so| is_so)
    } else {
        each.all(|is_so| is_so)
    }
}

fn is_so(filter: &GuestFilter, guest: &Resource, poll: &Poll) -> bool {
    match filter {
        GuestFilter::Metric { metric, comparison, value } => {
            poll.values.get(*metric).is_some_and(|now| compare(*comparison, now, *value))
        }
        GuestFilter::Text { field, part } => match field {
            GuestText::Name => has(&guest.name, part),
            GuestText::Node => has(&guest.node, part),
            GuestText::Vmid => guest.vmid.is_some_and(|vmid| has(&vmid.to_string(), part)),
        },
        GuestFilter::Raw(part) => {
            [guest.name.as_str(), guest.id(), guest.node.as_str(), status(guest.kind, poll.condition)]
                .into_iter()
                .any(|text| has(text, part))
        }
        GuestFilter::Other(_) => false,
    }
}

fn compare(comparison: Comparison, now: f64, value: f64) -> bool {
    match comparison {
        Comparison::Above => now > value,
        Comparison::Below => now < value,
        Comparison::AtLeast => now >= value,
        Comparison::AtMost => now <= value,
        Comparison::Equal => (now - value).abs() <= SAME,
    }
}

fn has(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}

/// How Pulse calls the condition of a guest.
const fn status(kind: ResourceKind, condition: Condition) -> &'static str {
    match condition {
        Condition::Up if kind.is_guest() => "running",
        Condition::Up => "online",
        Condition::Down if kind.is_guest() => "stopped",
        Condition::Down => "offline",
        Condition::Paused => "paused",
        Condition::Unknown | Condition::Gone => "unknown",
    }
}
