//! A day and a month out of what was measured: the arithmetic of `bench cost`, pure.

use edgewatch_core::blocks::tiers;
use edgewatch_core::domain::budget::prices::{self, Bill, Meter, Plan, Ratio, Rounding};
use edgewatch_core::domain::budget::rings;
use edgewatch_core::domain::budget::usage::Usage;

use crate::storage::{self, Ring};

/// How often a day all sockets are closed at once, by deployments and the platform's own restarts; each is measured once.
const CLOSES_PER_DAY: u64 = 2;
/// Milliseconds of CPU for a request of the Worker. Source: spec/platform.md 2. Only the paid plan's bill asks for it.
const WORKER_CPU_MS: u64 = 2;
/// The finest tier that lies in D1.
const FIRST_OF_D1: u8 = 2;

/// A day's use out of some hours' and one mass close. The levels are those measured.
pub fn day(measured: Usage, hours: u64, reconnect: Usage) -> Usage {
    // Times 24 before it is divided: nothing is lost to rounding but parts of one.
    let of_day = measured.times(24);
    let part = |count: u64| count / hours.max(1);
    let of_day = Usage {
        worker_requests: part(of_day.worker_requests),
        worker_cpu_ms: part(of_day.worker_requests).saturating_mul(WORKER_CPU_MS),
        d1_rows_read: part(of_day.d1_rows_read),
        d1_rows_written: part(of_day.d1_rows_written),
        object_calls: part(of_day.object_calls),
        messages: part(of_day.messages),
        alarms: part(of_day.alarms),
        alarms_set: part(of_day.alarms_set),
        object_rows_read: part(of_day.object_rows_read),
        object_rows_written: part(of_day.object_rows_written),
        active_ms: part(of_day.active_ms),
        ..of_day
    };
    of_day.plus(reconnect.times(CLOSES_PER_DAY))
}

/// The last line, its keys in the order that readers know.
pub fn line(hosts: u32, interval_s: u32, day: &Usage, bytes_per_host: u64) -> String {
    let cents = Bill::of(&day.times(30), Ratio::Twenty, Rounding::Exact).total_cents();
    let per_host = |rows: u64| number(rows) / f64::from(hosts.max(1));
    format!(
        "{{\"bench\":\"cost\",\"hosts\":{},\"interval_s\":{},\"rows_written_per_host_day\":{:.1},\
         \"rows_read_per_host_day\":{:.1},\"bytes_per_host_full\":{},\"free_share_max\":{:.4},\
         \"free_share_max_no_ratio\":{:.4},\"usd_month\":{:.2}}}",
        hosts,
        interval_s,
        per_host(day.d1_rows_written + day.object_rows_written + day.alarms_set),
        per_host(day.d1_rows_read + day.object_rows_read),
        bytes_per_host,
        prices::free_share_max(day, Ratio::Twenty),
        prices::free_share_max(day, Ratio::One),
        number(cents) / 100.0,
    )
}

/// A count as a number for shares.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub const fn number(count: u64) -> f64 {
    count as f64
}

/// The rings of the objects and those of D1 as the governor sees them, their packed blocks being so many bytes.
pub fn places(rings: &[Ring], packed: &[u64]) -> [Vec<rings::Ring>; 2] {
    [true, false].map(|is_object| {
        let of_place = rings.iter().zip(packed).filter(|(ring, _)| (ring.tier < FIRST_OF_D1) == is_object);
        let budgeted = |(ring, packed): (&Ring, &u64)| rings::Ring {
            step_s: ring.step_s,
            wanted_blocks: ring.blocks,
            blocks: ring.blocks,
            least_blocks: tiers::ALL.get(usize::from(ring.tier)).map_or(1, |tier| tier.least_blocks()),
            block_bytes: storage::row_bytes(*packed),
        };
        of_place.map(budgeted).collect()
    })
}

/// The rings as the governor has them once storage is nearly full, and what all hosts' rings then take.
pub fn fit(hosts: u32, rings: &[rings::Ring], meter: Meter, plan: Plan) -> (Vec<rings::Ring>, u64) {
    let price = meter.price();
    let wall_bytes = if plan == Plan::Paid { price.paid_wall } else { price.free };
    let held_bytes = wall_bytes.unwrap_or_default();
    let store = rings::Store { hosts, held_bytes, other_bytes: 0, wall_bytes };
    let fitted = rings::fitted(&store, rings);
    let bytes = u64::try_from(rings::full_bytes(&store, &fitted)).unwrap_or(u64::MAX);
    (fitted, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_24_hours_and_two_mass_closes() {
        let measured = Usage { messages: 100, d1_rows_read: 7, object_bytes: 5, ..Usage::default() };
        let reconnect = Usage { messages: 3, worker_requests: 10, object_bytes: 6, ..Usage::default() };
        let day = day(measured, 2, reconnect);
        assert_eq!((day.messages, day.d1_rows_read, day.worker_requests, day.object_bytes), (1_206, 84, 20, 6));
    }

    #[test]
    fn the_last_line_has_the_keys_that_readers_expect() {
        let day = Usage {
            messages: 1_440_000,
            alarms: 8_640,
            alarms_set: 8_640,
            object_rows_written: 61_360,
            d1_rows_written: 30_000,
            object_rows_read: 500_000,
            ..Usage::default()
        };
        assert_eq!(
            line(1_000, 10, &day, 123_456),
            "{\"bench\":\"cost\",\"hosts\":1000,\"interval_s\":10,\"rows_written_per_host_day\":100.0,\
             \"rows_read_per_host_day\":500.0,\"bytes_per_host_full\":123456,\"free_share_max\":0.8064,\
             \"free_share_max_no_ratio\":14.4864,\"usd_month\":5.21}"
        );
    }

    #[test]
    fn fine_rings_lie_in_objects_and_coarse_ones_in_d1() {
        let ring = |tier, step_s| Ring { tier, step_s, block_s: 1_800, blocks: 20 };
        let [objects, d1] = places(&[ring(0, 10), ring(1, 60), ring(2, 600)], &[900, 5_165, 900]);
        assert_eq!(objects.iter().map(|ring| ring.step_s).collect::<Vec<_>>(), [10, 60]);
        assert_eq!(d1.len(), 1);
        assert_eq!((objects[1].block_bytes, objects[1].least_blocks), (storage::row_bytes(5_165), 8));
    }

    #[test]
    fn storage_that_does_not_fit_shortens_the_finest_ring_first() {
        let ring = |step_s, blocks| rings::Ring {
            step_s,
            wanted_blocks: blocks,
            blocks,
            least_blocks: 1,
            block_bytes: 1_000_000,
        };
        let (fitted, bytes) = fit(100, &[ring(600, 8), ring(7_200, 2)], Meter::D1Bytes, Plan::Free);
        assert_eq!(fitted.iter().map(|ring| ring.blocks).collect::<Vec<_>>(), [2, 2]);
        assert_eq!(bytes, 400_000_000);
        let (whole, _) = fit(10, &[ring(600, 8), ring(7_200, 2)], Meter::D1Bytes, Plan::Free);
        assert_eq!(whole[0].blocks, 8);
    }
}
