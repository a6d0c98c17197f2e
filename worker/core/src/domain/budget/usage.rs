//! What was used, as it is counted: whole numbers, nothing weighed yet.

/// Thousandths of a second that a busy second of an object has. Source: platform specification, 1.3.
const MS_PER_S: u64 = 1000;

/// Counts of what is billed. Bytes are a level, everything else is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Requests that reached the Worker: HTTP, WebSocket upgrades, cron runs; no messages, no files of the page.
    pub worker_requests: u64,
    /// Milliseconds of CPU in the Worker. Only the paid plan bills them.
    pub worker_cpu_ms: u64,
    /// Rows that D1 read.
    pub d1_rows_read: u64,
    /// Rows that D1 wrote, index entries included.
    pub d1_rows_written: u64,
    /// Bytes that D1 holds now.
    pub d1_bytes: u64,
    /// Calls of objects: HTTP, RPC sessions, WebSocket upgrades; neither alarms nor messages.
    pub object_calls: u64,
    /// WebSocket messages that objects received; pings that the runtime answers are none.
    pub messages: u64,
    /// Alarms that ran: a request each.
    pub alarms: u64,
    /// Alarms that were set: a row written each, which the objects' own counters do not show.
    pub alarms_set: u64,
    /// Rows that the objects' own database read.
    pub object_rows_read: u64,
    /// Rows that the objects' own database wrote, without `alarms_set`.
    pub object_rows_written: u64,
    /// Bytes that the objects hold now.
    pub object_bytes: u64,
    /// Milliseconds that objects were active, each counted as 128 MB.
    pub active_ms: u64,
}

impl Usage {
    /// This and `other` together. Of the levels the higher one stays.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        self.paired(other, u64::saturating_add, u64::max)
    }

    /// What came since `earlier`; nothing is ever negative. The levels are today's.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        self.paired(earlier, u64::saturating_sub, |now, _| now)
    }

    /// The same use `times` over, such as 30 days of it. The levels stay.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        self.paired(self, |one, _| one.saturating_mul(times), |level, _| level)
    }

    /// Each count with its like: `flow` for what is used up, `level` for bytes.
    fn paired(self, other: Self, flow: impl Fn(u64, u64) -> u64, level: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            worker_requests: flow(self.worker_requests, other.worker_requests),
            worker_cpu_ms: flow(self.worker_cpu_ms, other.worker_cpu_ms),
            d1_rows_read: flow(self.d1_rows_read, other.d1_rows_read),
            d1_rows_written: flow(self.d1_rows_written, other.d1_rows_written),
            d1_bytes: level(self.d1_bytes, other.d1_bytes),
            object_calls: flow(self.object_calls, other.object_calls),
            messages: flow(self.messages, other.messages),
            alarms: flow(self.alarms, other.alarms),
            alarms_set: flow(self.alarms_set, other.alarms_set),
            object_rows_read: flow(self.object_rows_read, other.object_rows_read),
            object_rows_written: flow(self.object_rows_written, other.object_rows_written),
            object_bytes: level(self.object_bytes, other.object_bytes),
            active_ms: flow(self.active_ms, other.active_ms),
        }
    }
}

/// The time that `shards` objects can be billed for within `seconds` when their events took `busy_ms`: an object is active
/// once at a time, however many events overlap in it.
pub const fn active_ms(busy_ms: u64, shards: u64, seconds: u64) -> u64 {
    let always = shards.saturating_mul(seconds).saturating_mul(MS_PER_S);
    if busy_ms < always { busy_ms } else { always }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(count: u64) -> Usage {
        Usage {
            worker_requests: count,
            worker_cpu_ms: count,
            d1_rows_read: count,
            d1_rows_written: count,
            d1_bytes: count,
            object_calls: count,
            messages: count,
            alarms: count,
            alarms_set: count,
            object_rows_read: count,
            object_rows_written: count,
            object_bytes: count,
            active_ms: count,
        }
    }

    #[test]
    fn what_is_used_adds_up_and_what_is_held_does_not() {
        let levels = |usage: Usage, bytes| Usage { d1_bytes: bytes, object_bytes: bytes, ..usage };
        assert_eq!(every(3).plus(every(4)), levels(every(7), 4));
        assert_eq!(every(7).since(every(4)), levels(every(3), 7));
        assert_eq!(every(3).times(30), levels(every(90), 3));
    }

    #[test]
    fn counters_that_were_reset_give_nothing_negative() {
        assert_eq!(every(1).since(every(5)).messages, 0);
        assert_eq!(every(u64::MAX).plus(every(1)).messages, u64::MAX);
    }

    #[test]
    fn an_object_is_active_once_at_a_time() {
        assert_eq!(active_ms(500, 1, 1), 500);
        assert_eq!(active_ms(5_000, 1, 1), 1_000);
        assert_eq!(active_ms(5_000, 4, 1), 4_000);
    }
}
