//! What people read of a probe. Source: nezha specification, 8.3; what it has no words for is ours.

use crate::domain::probing::State;
use crate::units::UnixSeconds;

/// `[<state>] <monitor> Reporter: <server>, Error: <data>`.
pub(super) fn of_state(state: State, monitor: &str, reporter: &str, data: &str) -> String {
    format!("[{}] {monitor} Reporter: {reporter}, Error: {data}", state.words())
}

/// `[Latency] <monitor> <delay> > <max>, Reporter: <server>`, or `< <min>`: ms with six decimals.
pub(super) fn of_delay(monitor: &str, delay_ms: f64, (sign, bound_ms): (char, f64), reporter: &str) -> String {
    format!("[Latency] {monitor} {delay_ms:.6} {sign} {bound_ms:.6}, Reporter: {reporter}")
}

/// The end of a delay that was out of bounds.
pub(super) fn of_delay_again(monitor: &str) -> String {
    format!("[Resolved] [Latency] {monitor}")
}

/// A certificate that is near its end, or behind it.
pub(super) fn of_certificate(
    monitor: &str,
    (issuer, expires): (&str, UnixSeconds),
    days: u32,
    now: UnixSeconds,
) -> String {
    let by = if issuer.is_empty() { String::new() } else { format!(" by {issuer}") };
    let ends = expires_at(expires);
    if expires <= now {
        return format!("[SSL] {monitor} The certificate{by} expired at {ends}");
    }
    format!("[SSL] {monitor} The certificate{by} expires within {days} days, at {ends}")
}

/// A certificate that was near its end and is not any more.
pub(super) fn of_certificate_again(monitor: &str, expires: UnixSeconds) -> String {
    format!("[Resolved] [SSL] {monitor} The certificate expires at {}", expires_at(expires))
}

/// Another certificate in the place of the one before.
pub(super) fn of_other_certificate(monitor: &str, old: (&str, UnixSeconds), new: (&str, UnixSeconds)) -> String {
    let [old, new] = [old, new].map(|(issuer, expires)| format!("{issuer}, expires at {}", expires_at(expires)));
    format!("[SSL] {monitor} The certificate changed, old: {old}; new: {new}")
}

/// `<issuer CN>|<notAfter>`, as a good result of an encrypted page has it.
pub(super) fn certificate_data(issuer: &str, expires: UnixSeconds) -> String {
    format!("{issuer}|{}", expires_at(expires))
}

/// `2006-01-02 15:04:05 +0000 UTC`.
fn expires_at(at: UnixSeconds) -> String {
    let text = at.rfc3339();
    let text = text.strip_suffix('Z').unwrap_or(&text);
    format!("{} +0000 UTC", text.replacen('T', " ", 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: UnixSeconds = UnixSeconds(1_798_156_800);

    #[test]
    fn words_are_those_of_the_original() {
        assert_eq!(
            of_state(State::Low, "web", "fra-1", "refused"),
            "[Low Availability] web Reporter: fra-1, Error: refused"
        );
        assert_eq!(
            of_delay("web", 300.25, ('>', 250.0), "fra-1"),
            "[Latency] web 300.250000 > 250.000000, Reporter: fra-1"
        );
        assert_eq!(certificate_data("R3", END), "R3|2026-12-25 00:00:00 +0000 UTC");
    }

    #[test]
    fn a_certificate_says_when_it_ends() {
        let text = |issuer, now| of_certificate("web", (issuer, END), 7, UnixSeconds(now));
        assert_eq!(
            text("R3", END.0 - 1),
            "[SSL] web The certificate by R3 expires within 7 days, at 2026-12-25 00:00:00 +0000 UTC"
        );
        assert_eq!(text("", END.0), "[SSL] web The certificate expired at 2026-12-25 00:00:00 +0000 UTC");
        assert!(of_other_certificate("web", ("R3", END), ("E1", END)).contains("old: R3, expires at 2026-12-25"));
    }
}
