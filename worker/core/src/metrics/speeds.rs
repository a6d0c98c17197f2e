//! Speeds that are told by two counts, for who has but one at a time.

use super::interfaces::is_own;
use super::mackerel::name_part;
use crate::model::{Interface, Named, Sample};

/// Fills the speeds of network traffic that a sample does not say, from its counts and those of `before`, an older sample of the
/// host: 0 after a count stepped back. Source: pulse specification, 19.
pub fn fill_speeds(before: &Sample, sample: &mut Sample) {
    let took_ms = sample.at.0.saturating_sub(before.at.0);
    let Some(took_ms) = u64::try_from(took_ms).ok().filter(|took_ms| *took_ms > 0) else { return };
    let speed = |earlier: Option<u64>, later: Option<u64>| {
        Some(later?.saturating_sub(earlier?).saturating_mul(1_000) / took_ms)
    };
    sample.net_in_bytes_per_s = sample.net_in_bytes_per_s.or(speed(before.net_in_bytes, sample.net_in_bytes));
    sample.net_out_bytes_per_s = sample.net_out_bytes_per_s.or(speed(before.net_out_bytes, sample.net_out_bytes));
}

/// Names the speeds of a sample as those of the one interface that is the host's way out, by Mackerel's names. Of several nobody knows
/// which had what.
pub fn name_speeds(interfaces: &[Interface], sample: &mut Sample) {
    let mut own = interfaces.iter().filter(|one| is_own(&one.name));
    let (Some(one), None) = (own.next(), own.next()) else { return };
    let name = name_part(&one.name);
    for (part, speed) in [("rxBytes", sample.net_in_bytes_per_s), ("txBytes", sample.net_out_bytes_per_s)] {
        #[expect(clippy::cast_precision_loss, reason = "bounded by 2^53 when it came in")]
        let value = speed.map(|speed| speed as f64);
        sample.named.extend(value.map(|value| Named { name: format!("interface.{name}.{part}.delta"), value }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::UnixMillis;

    #[test]
    fn a_speed_comes_of_two_counts_and_one_that_stepped_back_gives_none_of_it() {
        let at = 1_000_000;
        let speed = |ms: i64, bytes: Option<u64>| {
            let before = Sample { at: UnixMillis(at - ms), net_in_bytes: bytes, ..Sample::default() };
            let mut sample = Sample { at: UnixMillis(at), net_in_bytes: Some(123_456), ..Sample::default() };
            fill_speeds(&before, &mut sample);
            sample.net_in_bytes_per_s
        };
        assert_eq!((speed(10_000, Some(23_456)), speed(10_000, Some(999_999))), (Some(10_000), Some(0)));
        assert_eq!((speed(0, Some(1)), speed(-5, Some(1)), speed(10_000, None)), (None, None, None));
    }

    #[test]
    fn the_one_way_out_has_the_speeds_and_of_two_nobody_knows() {
        let interface = |name: &str| Interface { name: name.to_owned(), mac: String::new(), v4: vec![], v6: vec![] };
        let named = |names: &[&str]| {
            let all: Vec<Interface> = names.iter().map(|name| interface(name)).collect();
            let mut sample = Sample { net_in_bytes_per_s: Some(7), ..Sample::default() };
            name_speeds(&all, &mut sample);
            sample.named
        };
        let expected = Named { name: "interface.eth0_1.rxBytes.delta".to_owned(), value: 7.0 };
        assert_eq!(named(&["lo", "eth0.1", "docker0"]), [expected]);
        assert_eq!((named(&["eth0", "eth1"]), named(&[])), (vec![], vec![]));
    }
}
