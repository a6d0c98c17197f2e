//! What is written of a host.

use std::fmt::Write;

use super::{Family, Lines, labels};
use crate::metrics;
use crate::model::{Form, Host, Piece, Presence};

/// A host's lines, one behind the other. It is in no list: nothing stands between two hosts.
pub static HOST: Form = Form {
    name: "prometheus",
    of: |_| true,
    before: "",
    after: "",
    write: |host| Ok(piece(&host)),
    seen: |at| at.map(|at| at.0.to_string()).unwrap_or_default(),
};

/// The families of the built-in metrics, in the order of their columns, and what a value is divided by: ratios are of 1, not of 100.
const BUILT_IN: [(Family, f64); metrics::ALL.len()] = [
    (Family::Cpu, 100.0),
    (Family::MemoryUsed, 1.0),
    (Family::SwapUsed, 1.0),
    (Family::DiskUsed, 1.0),
    (Family::Received, 1.0),
    (Family::Sent, 1.0),
    (Family::ReceiveRate, 1.0),
    (Family::SendRate, 1.0),
    (Family::Uptime, 1.0),
    (Family::Load1, 1.0),
    (Family::Load5, 1.0),
    (Family::Load15, 1.0),
    (Family::TcpConnections, 1.0),
    (Family::UdpConnections, 1.0),
    (Family::Processes, 1.0),
    (Family::Gpu, 100.0),
];

/// Of a host that fell silent nothing measured is written: a value that stands still looks like one that is true.
fn piece(host: &Host) -> Piece {
    let id = host.id.0.to_string();
    let of_host = labels(&[("id", &id), ("name", &host.name), ("group", &host.tag)]);
    let mut lines = Lines::default();
    lines.begin(Family::HostLastSeen, &of_host);
    let before = std::mem::take(&mut lines).into_text();
    // The end of the line that was begun.
    lines.0.push('\n');
    lines.add(Family::HostInfo, &facts(host, &of_host), 1.0);
    match host.presence {
        Presence::Never => return Piece::new(&before, &lines.into_text()),
        Presence::Online => lines.add(Family::HostUp, &of_host, 1.0),
        Presence::Offline => {
            lines.add(Family::HostUp, &of_host, 0.0);
            return Piece::new(&before, &lines.into_text());
        }
    }
    let totals = host.totals();
    for (family, bytes) in [
        (Family::MemoryTotal, totals.mem_bytes),
        (Family::SwapTotal, totals.swap_bytes),
        (Family::DiskTotal, totals.disk_bytes),
    ] {
        if let Some(bytes) = bytes {
            lines.add_text(family, &of_host, &bytes);
        }
    }
    if let Some(sample) = &host.newest {
        lines.add_text(Family::HostSampled, &of_host, &seconds(sample.at.0));
        for ((family, parts), value) in BUILT_IN.iter().zip(metrics::columns(sample)) {
            if let Some(value) = value {
                lines.add(*family, &of_host, value / parts);
            }
        }
        for (index, sensor) in sample.temperatures.iter().enumerate() {
            let of_sensor = labels(&[("sensor", &sensor.name), ("index", &index.to_string())]);
            lines.add(Family::Temperature, &format!("{of_host},{of_sensor}"), sensor.celsius);
        }
    }
    Piece::new(&before, &lines.into_text())
}

fn facts(host: &Host, of_host: &str) -> String {
    let parent = host.parent.map(|id| id.0.to_string()).unwrap_or_default();
    let fact = |read: fn(&crate::model::Facts) -> &str| host.facts.as_ref().map(read).unwrap_or_default();
    let more = labels(&[
        ("class", host.class.word()),
        ("parent_id", &parent),
        ("platform", fact(|facts| &facts.platform)),
        ("platform_version", fact(|facts| &facts.platform_version)),
        ("arch", fact(|facts| &facts.arch)),
        ("virtualization", fact(|facts| &facts.virtualization)),
        ("country_code", &host.country_code),
        ("agent_version", &host.agent_version),
    ]);
    format!("{of_host},{more}")
}

/// Milliseconds as seconds, to the millisecond.
pub(super) fn seconds(ms: i64) -> String {
    let mut text = ms.div_euclid(1000).to_string();
    let _ = write!(text, ".{:03}", ms.rem_euclid(1000));
    text
}
