//! What is written of probes, and of what Edgewatch itself uses.

use super::host::seconds;
use super::{Family, Lines, labels};
use crate::dialects::native::UsageReply;
use crate::model::Probe;

/// The newest result of a host, or of the Worker.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProbeLine<'a> {
    /// The host's number; 0 is the Worker.
    pub host: i64,
    /// What people call it.
    pub name: &'a str,
    /// When it is of, ms since 1970.
    pub at_ms: i64,
    /// Whether it is good; nothing when it is too old to say so.
    pub is_up: Option<bool>,
    /// How long it took, ms.
    pub delay_ms: Option<f64>,
    /// When the certificate ends that was seen, Unix seconds.
    pub expires_s: Option<i64>,
}

/// What a probe asks.
pub fn probe_info(lines: &mut Lines, probe: &Probe) {
    let (id, spec) = (probe.id.0.to_string(), &probe.spec);
    let of = [("probe_id", id.as_str()), ("probe", &spec.name), ("kind", spec.kind.word()), ("target", &spec.target)];
    lines.add(Family::ProbeInfo, &labels(&of), 1.0);
}

/// How many hosts of a shard find it good and bad.
pub fn probe_hosts(lines: &mut Lines, probe: &Probe, shard: u32, (up, down): (u32, u32)) {
    let (id, shard) = (probe.id.0.to_string(), shard.to_string());
    for (result, count) in [("up", up), ("down", down)] {
        let of = [("probe_id", id.as_str()), ("probe", &probe.spec.name), ("result", result), ("shard", &shard)];
        lines.add(Family::ProbeHosts, &labels(&of), f64::from(count));
    }
}

/// What one host found.
pub fn probe(lines: &mut Lines, probe: &Probe, found: &ProbeLine<'_>) {
    let (id, host) = (probe.id.0.to_string(), found.host.to_string());
    let of = [("probe_id", id.as_str()), ("probe", &probe.spec.name), ("host_id", &host), ("host", found.name)];
    let of = labels(&of);
    if let Some(is_up) = found.is_up {
        lines.add(Family::ProbeSuccess, &of, f64::from(u8::from(is_up)));
        lines.add_text(Family::ProbeResult, &of, &seconds(found.at_ms));
        if let Some(delay_ms) = found.delay_ms {
            lines.add(Family::ProbeDuration, &of, delay_ms / 1000.0);
        }
    }
    if let Some(expires_s) = found.expires_s {
        lines.add_text(Family::ProbeCertificate, &of, &expires_s);
    }
}

/// What the meters show.
pub fn usage(lines: &mut Lines, usage: &UsageReply) {
    for meter in &usage.meters {
        let of = labels(&[("meter", meter.meter), ("unit", meter.unit)]);
        lines.add_text(Family::MeterUsed, &of, &meter.used);
        if let Some(allowance) = meter.allowance {
            lines.add_text(Family::MeterAllowance, &of, &allowance);
        }
        for (family, share) in
            [(Family::MeterUsedRatio, meter.share), (Family::MeterForeseenRatio, meter.share_at_day_end)]
        {
            if let Some(share) = share {
                lines.add(family, &of, share);
            }
        }
        lines.add(Family::MeterRefused, &of, f64::from(u8::from(meter.refused)));
    }
    lines.add(Family::FrameSeconds, "", f64::from(usage.levers.frame_s));
    lines.add_text(Family::DayEnd, "", &usage.day_ends_s);
}
