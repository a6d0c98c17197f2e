//! The Worker's Durable Objects from outside: what they use, what is made to fail in them, and their life cut short.

use edgewatch_core::domain::budget::usage::Usage;
use serde_json::{Value, json};

use crate::worker::Worker;

/// A meter that can be used up: its calls then fail in the platform's words, see `inside/words.mjs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exhausted {
    /// Every call of D1 fails.
    D1RowsRead,
    /// Every call of D1 that writes fails.
    D1RowsWritten,
    /// The same, because the database is full.
    D1Storage,
    /// Every statement of an object's own SQL fails.
    ObjectRowsRead,
    /// Every statement of an object's own SQL that writes fails, setting an alarm too.
    ObjectRowsWritten,
    /// The same but for alarms, because the database is full.
    ObjectStorage,
    /// Calls, messages and alarms do not reach the object.
    ObjectRequests,
    /// The same, for active time.
    ObjectDuration,
    /// Requests do not reach the Worker: status 429.
    WorkerRequests,
}

impl Exhausted {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::D1RowsRead,
        Self::D1RowsWritten,
        Self::D1Storage,
        Self::ObjectRowsRead,
        Self::ObjectRowsWritten,
        Self::ObjectStorage,
        Self::ObjectRequests,
        Self::ObjectDuration,
        Self::WorkerRequests,
    ];

    /// Its name in `inside/words.mjs`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::D1RowsRead => "d1_rows_read",
            Self::D1RowsWritten => "d1_rows_written",
            Self::D1Storage => "d1_storage",
            Self::ObjectRowsRead => "object_rows_read",
            Self::ObjectRowsWritten => "object_rows_written",
            Self::ObjectStorage => "object_storage",
            Self::ObjectRequests => "object_requests",
            Self::ObjectDuration => "object_duration",
            Self::WorkerRequests => "worker_requests",
        }
    }
}

/// What becomes of an object's sockets when its instance ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sockets {
    /// They sleep on and wake a new instance.
    Hibernate,
    /// They are closed.
    Close,
}

/// Counts since the start or the last reset; the names are those of `inside/state.mjs`.
#[derive(Debug, Clone)]
pub struct Meters(Value);

impl Meters {
    /// A count of the Worker itself, such as `requests`.
    pub fn worker(&self, name: &str) -> u64 {
        number(&self.0["worker"], name)
    }

    /// Bytes of D1's database, as its last answer told.
    pub fn d1_bytes(&self) -> u64 {
        number(&self.0["d1"], "bytes")
    }

    /// A count of all objects of a class together.
    pub fn class(&self, class: &str, name: &str) -> u64 {
        let objects = self.0["objects"].as_object();
        let of_class = objects.into_iter().flatten().filter(|(key, _)| key.split('/').next() == Some(class));
        of_class.map(|(_, counts)| number(counts, name)).sum()
    }

    /// What was used, as the price list counts it. CPU of the Worker is not known here and 0.
    pub fn usage(&self) -> Usage {
        let objects =
            |name: &str| ["Hub", "Viewers", "Proxmox"].iter().map(|class| self.class(class, name)).sum::<u64>();
        Usage {
            worker_requests: self.worker("requests") + self.worker("schedules"),
            d1_rows_read: self.worker("d1_rows_read") + objects("d1_rows_read"),
            d1_rows_written: self.worker("d1_rows_written") + objects("d1_rows_written"),
            d1_bytes: self.d1_bytes(),
            object_calls: objects("fetches"),
            messages: objects("messages"),
            alarms: objects("alarms"),
            alarms_set: objects("alarms_set"),
            object_rows_read: objects("rows_read"),
            object_rows_written: objects("rows_written"),
            object_bytes: objects("bytes"),
            active_ms: objects("active_ms"),
            ..Usage::default()
        }
    }
}

fn number(counts: &Value, name: &str) -> u64 {
    counts[name].as_u64().unwrap_or_else(|| panic!("no count {name} in {counts}"))
}

impl Worker {
    /// Uses a meter up, until [`Worker::refill`] or a restart.
    pub fn exhaust(&self, meter: Exhausted) {
        self.edge.control("POST", "/exhaust", &json!({ "meter": meter.word() }));
    }

    /// Uses a meter up for the next `times` calls that contain `part`: of the SQL, or of `fetch`, `message`, `alarm`, `close`.
    pub fn exhaust_for(&self, meter: Exhausted, times: u32, part: &str) {
        self.edge.control("POST", "/exhaust", &json!({ "meter": meter.word(), "times": times, "match": part }));
    }

    /// The meter allows everything again. Gives how many calls it had refused.
    pub fn refill(&self, meter: Exhausted) -> u64 {
        let state = self.edge.control("GET", "/faults", &json!({}));
        let fired = state["exhausted"][meter.word()]["fired"].as_u64().unwrap_or_default();
        self.edge.control("POST", "/exhaust", &json!({ "meter": meter.word(), "times": 0 }));
        fired
    }

    /// Ends an object's instance, as after ten idle seconds. False when there was none, or when it would not end: the runtime
    /// waits for what is going on in it, and for sockets that are closing.
    pub fn evict(&self, class: &str, name: &str, sockets: Sockets) -> bool {
        let sockets = match sockets {
            Sockets::Hibernate => "hibernate",
            Sockets::Close => "close",
        };
        let reply = self.edge.control("POST", "/evict", &json!({ "class": class, "name": name, "sockets": sockets }));
        reply["evicted"] == true
    }

    /// Closes all sockets of an object from its side; how many there were.
    pub fn close_sockets(&self, class: &str, name: &str, code: u16) -> u64 {
        let reply = self.edge.control("POST", "/close-sockets", &json!({ "class": class, "name": name, "code": code }));
        reply["closed"].as_u64().unwrap_or_default()
    }

    /// How many sockets an object has.
    pub fn sockets(&self, class: &str, name: &str) -> u64 {
        let reply = self.edge.control("POST", "/sockets", &json!({ "class": class, "name": name }));
        reply["sockets"].as_u64().unwrap_or_default()
    }

    /// Runs SQL on an object's own database, to see what it holds; blobs come as `hex(…)`. It wakes the object.
    pub fn object_sql(&self, class: &str, name: &str, sql: &str) -> Vec<Value> {
        let reply = self.edge.control("POST", "/object-sql", &json!({ "class": class, "name": name, "sql": sql }));
        reply["results"].as_array().cloned().unwrap_or_default()
    }

    /// What was used since the start or the last reset. A restart forgets it.
    pub fn meters(&self) -> Meters {
        Meters(self.edge.control("GET", "/objects", &json!({})))
    }

    /// Counts from 0 again, but for the bytes that are held.
    pub fn reset_meters(&self) {
        self.edge.control("POST", "/objects", &json!({}));
    }
}
