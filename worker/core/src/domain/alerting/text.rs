//! What people read of an alert.

use std::net::Ipv6Addr;

use super::{Step, Transition};
use crate::domain::alerting::reading::Found;
use crate::model::{Addresses, AlertNote, Event, EventKind, HostId, Quantity, Test};

/// A host as messages name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named<'a> {
    /// What people call it.
    pub name: &'a str,
    /// Where it reports from.
    pub addresses: &'a Addresses,
    /// Whether addresses are shown whole.
    pub is_plain: bool,
}

/// The event of a step; `subject` is what fails (a rule's name). `order` as in [`Transition::key`].
pub fn event(transition: &Transition, subject: &str, host: Option<Named<'_>>, order: usize) -> Event {
    let is_over = matches!(transition.step, Step::Recovered | Step::Withdrawn);
    event_of(transition, sentence(is_over, host, subject), transition.cause.host, order)
}

/// The event of a step in these words, at this host.
pub fn event_of(transition: &Transition, text: String, host_id: Option<HostId>, order: usize) -> Event {
    let kind = match transition.step {
        Step::Fired => EventKind::AlertFired,
        Step::Changed => EventKind::AlertChanged,
        Step::Repeated => EventKind::AlertReminder,
        Step::Escalated => EventKind::AlertEscalated,
        Step::Recovered => EventKind::AlertRecovered,
        Step::Withdrawn => EventKind::AlertWithdrawn,
    };
    Event {
        key: transition.key(order),
        kind,
        host_id,
        at: transition.at.seconds(),
        text,
        group: transition.group.clone(),
        is_quiet: transition.is_quiet,
        alert: Some(AlertNote {
            key: transition.alert.clone(),
            cause: transition.cause,
            opened_at: transition.since,
            closed_at: transition.over,
            detail: transition.detail.clone(),
            standing: transition.standing,
            kind: None,
            trigger: transition.trigger,
            resource: None,
        }),
    }
}

/// `[Incident] <host>(<address>) <what>`, or `[Resolved] …`. Source: nezha specification, 10.
pub fn sentence(is_over: bool, host: Option<Named<'_>>, what: &str) -> String {
    let state = if is_over { "Resolved" } else { "Incident" };
    match host {
        Some(host) => format!("[{state}] {}({}) {what}", host.name, address(host.addresses, host.is_plain)),
        None => format!("[{state}] {what}"),
    }
}

/// The addresses of a host as messages show them: `v4`, `v6`, both with a slash between them, or nothing; masked unless `is_plain`.
pub fn address(addresses: &Addresses, is_plain: bool) -> String {
    let shown = |text: &str| if is_plain || text.is_empty() { text.to_owned() } else { masked(text) };
    let (v4, v6) = (shown(&addresses.v4), shown(&addresses.v6));
    if v4.is_empty() || v6.is_empty() { format!("{v4}{v6}") } else { format!("{v4}/{v6}") }
}

/// `203.****.7` and `2001:db8:****:0:7`: of IPv4 the first and the last part, of IPv6 the first two and the last two. Of what is
/// neither nothing is shown. Source: nezha specification, 10.
pub fn masked(address: &str) -> String {
    if let Ok(v6) = address.parse::<Ipv6Addr>() {
        let [a, b, .., y, z] = v6.segments();
        return format!("{a:x}:{b:x}:****:{y:x}:{z:x}");
    }
    match (address.split_once('.'), address.rsplit_once('.')) {
        (Some((first, _)), Some((_, last))) if address.split('.').count() == 4 => format!("{first}.****.{last}"),
        _ => "****".to_owned(),
    }
}

/// What was found by conditions that fail, such as `cpu 97.2 %, load1 12`.
pub fn detail(found: &[Found]) -> String {
    let mut text = String::new();
    for one in found {
        if !text.is_empty() {
            text.push_str(", ");
        }
        let number = |value: f64| if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.1}") };
        match (&one.word, one.value) {
            (word, Some(value)) => {
                text.push_str(word);
                text.push(' ');
                text.push_str(&number(value));
                text.push_str(one.unit);
            }
            (word, None) => text.push_str(word),
        }
    }
    text
}

/// What a condition looks at, in a word, and the unit behind its value.
pub const fn words(test: &Test) -> (&'static str, &'static str) {
    match test {
        Test::Offline => ("offline", ""),
        Test::Transfer { .. } => ("transferred in this cycle", " B"),
        Test::Value { quantity, .. } => match quantity {
            Quantity::Cpu => ("cpu", " %"),
            Quantity::Gpu => ("gpu", " %"),
            Quantity::Memory => ("memory", " %"),
            Quantity::Swap => ("swap", " %"),
            Quantity::Disk => ("disk", " %"),
            Quantity::NetInSpeed => ("received", " B/s"),
            Quantity::NetOutSpeed => ("sent", " B/s"),
            Quantity::NetAllSpeed => ("received and sent", " B/s"),
            Quantity::TransferIn => ("received since boot", " B"),
            Quantity::TransferOut => ("sent since boot", " B"),
            Quantity::TransferAll => ("received and sent since boot", " B"),
            Quantity::Load1 => ("load1", ""),
            Quantity::Load5 => ("load5", ""),
            Quantity::Load15 => ("load15", ""),
            Quantity::TcpConnections => ("tcp connections", ""),
            Quantity::UdpConnections => ("udp connections", ""),
            Quantity::Processes => ("processes", ""),
            Quantity::TemperatureMax => ("temperature", " °C"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_masked_unless_they_are_to_be_plain() {
        for (v4, v6, shown) in [
            ("203.0.113.7", "", "203.****.7"),
            ("", "2001:db8:1:2:3:4:5:6", "2001:db8:****:5:6"),
            ("", "2001:db8::7", "2001:db8:****:0:7"),
            ("203.0.113.7", "2001:db8::7", "203.****.7/2001:db8:****:0:7"),
            ("", "", ""),
            ("example.com", "", "****"),
        ] {
            let addresses = Addresses { v4: v4.to_owned(), v6: v6.to_owned() };
            assert_eq!(address(&addresses, false), shown);
        }
        let both = Addresses { v4: "203.0.113.7".to_owned(), v6: "2001:db8::7".to_owned() };
        assert_eq!(address(&both, true), "203.0.113.7/2001:db8::7");
    }

    #[test]
    fn a_host_without_an_address_has_empty_brackets() {
        let host = Named { name: "fra-1", addresses: &Addresses::default(), is_plain: false };
        assert_eq!(sentence(false, Some(host), "cpu high"), "[Incident] fra-1() cpu high");
        assert_eq!(sentence(true, Some(host), "cpu high"), "[Resolved] fra-1() cpu high");
        assert_eq!(sentence(true, None, "probe"), "[Resolved] probe");
    }
}
