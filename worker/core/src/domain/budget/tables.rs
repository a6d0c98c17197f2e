//! The worked tables of the platform specification, section 2, computed again from its assumptions. Test only.

use super::prices::{Bill, Meter, Ratio, Rounding, free_share};
use super::usage::{Usage, active_ms};

/// Minutes of a day: cron runs, and flushes of a shard.
const MINUTES: u64 = 1_440;
const DAY_S: u64 = 86_400;
/// CPU of a Worker request, ms. Source: platform specification, section 2.
const REQUEST_CPU_MS: u64 = 2;
/// CPU of a cron run, ms; follows from the worked example ("518.4 + 2.2").
const CRON_CPU_MS: u64 = 50;
/// Active time of an object per report, ms.
const REPORT_ACTIVE_MS: u64 = 5;
/// Active time of a flush, ms.
const FLUSH_ACTIVE_MS: u64 = 300;
/// Reconnects of a socket a day.
const RECONNECTS: u64 = 10;

/// The architectures of section 2, with how many rows they write.
#[derive(Debug, Clone, Copy)]
enum Architecture {
    /// (a) every report is so many rows in D1.
    PostToD1 { rows_per_report: u64 },
    /// (b) POST to an object, which writes so many rows a host and day.
    PostToObject { rows_per_day: u64 },
    /// (c) a socket to an object, likewise.
    Socket { rows_per_day: u64 },
}
use Architecture::{PostToD1, PostToObject, Socket};

fn day(architecture: Architecture, hosts: u64, period_s: u64, shards: u64) -> Usage {
    let reports = hosts * (DAY_S / period_s);
    let cron = Usage { worker_requests: MINUTES, worker_cpu_ms: MINUTES * CRON_CPU_MS, ..Usage::default() };
    let flushes = MINUTES * shards;
    let busy_ms = reports * REPORT_ACTIVE_MS + flushes * FLUSH_ACTIVE_MS;
    let object = Usage { alarms: flushes, active_ms: active_ms(busy_ms, shards, DAY_S), ..Usage::default() };
    let posts = Usage { worker_requests: reports, worker_cpu_ms: reports * REQUEST_CPU_MS, ..Usage::default() };
    let own = match architecture {
        PostToD1 { rows_per_report } => {
            posts.plus(Usage { d1_rows_written: reports * rows_per_report, ..posts.times(0) })
        }
        PostToObject { rows_per_day } => posts.plus(object).plus(Usage {
            object_calls: reports,
            d1_rows_written: hosts * rows_per_day,
            ..Usage::default()
        }),
        Socket { rows_per_day } => object.plus(Usage {
            worker_requests: hosts * RECONNECTS,
            worker_cpu_ms: hosts * RECONNECTS * REQUEST_CPU_MS,
            object_calls: hosts * RECONNECTS,
            messages: reports,
            d1_rows_written: hosts * rows_per_day,
            ..Usage::default()
        }),
    };
    cron.plus(own)
}

/// The most hosts that the free plan bears, and the meter that the next one would break.
fn most_hosts(architecture: Architecture, period_s: u64, ratio: Ratio) -> (u64, Meter) {
    let broken = |hosts: u64| {
        let used = day(architecture, hosts, period_s, 1);
        let over =
            |price: &&super::prices::Price| free_share(price.meter, &used, ratio).is_some_and(|share| share > 1.0);
        super::prices::LIST.iter().find(over).map(|price| price.meter)
    };
    (0..).find_map(|hosts| broken(hosts + 1).map(|meter| (hosts, meter))).unwrap()
}

#[test]
fn table_2_1_the_most_hosts_on_the_free_plan() {
    let packed = |minutes| MINUTES / minutes;
    let table = [
        (PostToD1 { rows_per_report: 1 }, (11, Meter::WorkerRequests), (68, Meter::WorkerRequests)),
        (PostToD1 { rows_per_report: 2 }, (5, Meter::D1RowsWritten), (34, Meter::D1RowsWritten)),
        (PostToD1 { rows_per_report: 3 }, (3, Meter::D1RowsWritten), (23, Meter::D1RowsWritten)),
        (PostToObject { rows_per_day: MINUTES }, (11, Meter::WorkerRequests), (68, Meter::WorkerRequests)),
        (Socket { rows_per_day: MINUTES }, (69, Meter::D1RowsWritten), (69, Meter::D1RowsWritten)),
        (Socket { rows_per_day: packed(5) }, (222, Meter::ObjectRequests), (347, Meter::D1RowsWritten)),
        (Socket { rows_per_day: packed(15) }, (222, Meter::ObjectRequests), (1_041, Meter::D1RowsWritten)),
        (Socket { rows_per_day: 0 }, (222, Meter::ObjectRequests), (1_201, Meter::ObjectRequests)),
    ];
    for (architecture, at_ten, at_sixty) in table {
        assert_eq!(most_hosts(architecture, 10, Ratio::Twenty), at_ten, "{architecture:?}, 10 s");
        assert_eq!(most_hosts(architecture, 60, Ratio::Twenty), at_sixty, "{architecture:?}, 60 s");
    }
}

#[test]
fn without_the_ratio_a_socket_is_no_better_than_a_post() {
    let socket = Socket { rows_per_day: MINUTES };
    assert_eq!(most_hosts(socket, 10, Ratio::One), (11, Meter::ObjectRequests));
    // The page says 68 "like (b)"; its own ten reconnects a day make it one fewer: 98,560 / 1,450 = 67.97.
    assert_eq!(most_hosts(socket, 60, Ratio::One), (67, Meter::ObjectRequests));
}

#[test]
fn active_time_at_ten_milliseconds_a_message() {
    for (period_s, hosts) in [(10, 1_175), (60, 7_052)] {
        let of = |hosts: u64| Usage { active_ms: hosts * (DAY_S / period_s) * 10, ..Usage::default() };
        let share = |hosts| free_share(Meter::Active, &of(hosts), Ratio::Twenty).unwrap();
        assert!(share(hosts) <= 1.0 && share(hosts + 1) > 1.0, "{period_s} s");
    }
}

fn usd_cents(architecture: Architecture, hosts: u64, period_s: u64) -> u64 {
    bill(architecture, hosts, period_s).total_cents()
}

fn bill(architecture: Architecture, hosts: u64, period_s: u64) -> Bill {
    // 2.3: four shards for 10,000 hosts at ten seconds, one for everything else in the table.
    let shards = if hosts == 10_000 && period_s == 10 { 4 } else { 1 };
    Bill::of(&day(architecture, hosts, period_s, shards).times(30), Ratio::Twenty, Rounding::Exact)
}

#[test]
fn table_2_2_dollars_a_month_to_the_cent() {
    let columns = [
        PostToD1 { rows_per_report: 2 },
        PostToD1 { rows_per_report: 3 },
        PostToObject { rows_per_day: MINUTES },
        Socket { rows_per_day: MINUTES },
        Socket { rows_per_day: 2 * MINUTES },
        Socket { rows_per_day: MINUTES / 15 },
    ];
    let table = [
        (100, 10, [1_211, 3_803, 1_401, 506, 506, 506]),
        (1_000, 10, [55_798, 81_718, 12_832, 685, 4_325, 685]),
        (10_000, 10, [601_674, 860_874, 166_500, 41_835, 85_035, 3_635]),
        (100, 60, [500, 500, 550, 500, 500, 500]),
        (1_000, 60, [5_254, 9_574, 2_248, 523, 4_163, 523]),
        (10_000, 60, [96_234, 139_434, 59_499, 39_055, 82_255, 855]),
    ];
    for (hosts, period_s, row) in table {
        for (architecture, cents) in columns.into_iter().zip(row) {
            assert_eq!(usd_cents(architecture, hosts, period_s), cents, "{architecture:?}, {hosts} at {period_s} s");
        }
    }
}

#[test]
fn the_worked_examples_by_meter() {
    let a = bill(PostToD1 { rows_per_report: 2 }, 1_000, 10);
    let meters = [Meter::WorkerRequests, Meter::WorkerCpu, Meter::D1RowsWritten, Meter::ObjectRequests];
    assert_eq!(meters.map(|meter| a.cents(meter)), [7_477, 981, 46_840, 0]);
    let b = bill(PostToObject { rows_per_day: MINUTES }, 1_000, 10);
    assert_eq!(meters.map(|meter| b.cents(meter)), [7_477, 981, 0, 3_874]);
    assert_eq!(b.cents(Meter::Active), 0, "165,888 + 1,659 GB-s of 400,000");
    let c = bill(Socket { rows_per_day: MINUTES }, 1_000, 10);
    assert_eq!(meters.map(|meter| c.cents(meter)), [0, 0, 0, 185]);
    let large = bill(Socket { rows_per_day: MINUTES / 15 }, 10_000, 10);
    assert_eq!((large.cents(Meter::ObjectRequests), large.cents(Meter::Active)), (1_977, 1_159));
}

#[test]
fn the_biggest_meter_of_each_case() {
    let dearest = |architecture, hosts, period_s| bill(architecture, hosts, period_s).dearest();
    assert_eq!(dearest(PostToD1 { rows_per_report: 2 }, 100, 10), Some(Meter::WorkerRequests));
    assert_eq!(dearest(PostToD1 { rows_per_report: 2 }, 1_000, 10), Some(Meter::D1RowsWritten));
    assert_eq!(dearest(PostToObject { rows_per_day: MINUTES }, 10_000, 10), Some(Meter::WorkerRequests));
    assert_eq!(dearest(Socket { rows_per_day: MINUTES }, 1_000, 10), Some(Meter::ObjectRequests));
    assert_eq!(dearest(Socket { rows_per_day: MINUTES }, 10_000, 60), Some(Meter::D1RowsWritten));
    assert_eq!(dearest(Socket { rows_per_day: MINUTES / 15 }, 10_000, 60), Some(Meter::ObjectRequests));
    assert_eq!(dearest(Socket { rows_per_day: MINUTES }, 100, 60), None);
}

#[test]
fn whole_millions_add_at_most_some_thirteen_dollars() {
    let month = day(Socket { rows_per_day: MINUTES / 15 }, 10_000, 10, 4).times(30);
    let exact = Bill::of(&month, Ratio::Twenty, Rounding::Exact).total_cents();
    let rounded = Bill::of(&month, Ratio::Twenty, Rounding::Millions).total_cents();
    assert!(rounded > exact && rounded - exact <= 1_350, "{exact} and {rounded}");
}

#[test]
fn a_thousand_hosts_as_designed_fit_the_free_plan_by_the_ratio_alone() {
    // A frame a minute, an alarm every 10 s, a dashboard 8 h a day on 50 hosts live, 72 rows of blocks and 30 of D1 per host.
    let used = Usage {
        worker_requests: MINUTES + 1_000 * RECONNECTS / 10,
        object_calls: MINUTES + 1_000 * RECONNECTS / 10,
        messages: 1_000 * MINUTES + 50 * 8 * 360,
        alarms: 8_640,
        alarms_set: 8_640,
        object_rows_written: 61 * 1_000,
        d1_rows_written: 30 * 1_000,
        ..Usage::default()
    };
    assert!(super::prices::free_share_max(&used, Ratio::Twenty) <= 1.0);
    assert!(super::prices::free_share_max(&used, Ratio::One) > 1.0);
}
