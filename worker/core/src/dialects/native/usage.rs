//! `GET /api/edgewatch/v1/usage`: what the platform's meters show today, and what is done about it.

use serde::Serialize;

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UsageReply {
    /// When it was made, Unix seconds.
    pub now_s: i64,
    /// When the day ends and its counts begin anew: 00:00 UTC, Unix seconds.
    pub day_ends_s: i64,
    /// `free`, `paid` or `own`.
    pub plan: &'static str,
    /// Our share of the account's allowances, percent.
    pub account_percent: u8,
    /// How many messages to an object count as one request: 20, or 1 where the platform was seen to count so.
    pub messages_per_request: u8,
    /// Each meter, in the order of the price list.
    pub meters: Vec<MeterPart>,
    /// How reporting is paced now.
    pub levers: LeversPart,
    /// Until when agents keep their samples, Unix seconds; null when they do not.
    pub hold_until_s: Option<i64>,
    /// What operators should know when they look; null as a rule.
    pub banner: Option<String>,
    /// How long the rings of history are, and should be to fit.
    pub rings: Vec<RingPart>,
}

/// One meter's day.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MeterPart {
    /// Such as `d1_rows_written`.
    pub meter: &'static str,
    /// What `used` and `allowance` count: `requests`, `rows`, `bytes`, `ms`.
    pub unit: &'static str,
    /// Used since 00:00 UTC as far as it was counted; of bytes what is held.
    pub used: u64,
    /// What we may use a day, or hold; on the paid plan what is included. Null where nothing is metered.
    pub allowance: Option<u64>,
    /// `used` as a part of `allowance`; 1 is all of it.
    pub share: Option<f64>,
    /// The same at the end of the day, when the pace stays.
    pub share_at_day_end: Option<f64>,
    /// Whether the platform refuses beyond the allowance; else it costs money.
    pub is_wall: bool,
    /// Whether the platform says that it is used up.
    pub refused: bool,
    /// For people.
    pub sentence: String,
}

/// How reporting is paced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LeversPart {
    /// Seconds between two frames of an agent with a socket that nobody watches.
    pub frame_s: u32,
    /// Seconds between two reports of an agent that posts.
    pub post_frame_s: u32,
    /// Seconds between two writes of a host's open block.
    pub write_s: u32,
    /// Seconds between two writes of the newest states to D1.
    pub newest_s: u32,
    /// How many hosts may send live frames at a time.
    pub live_hosts: u32,
    /// When they were last changed, Unix seconds.
    pub changed_at_s: i64,
}

/// One ring of history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RingPart {
    /// `samples`, `minutes`, `ten_minutes`, `two_hours`.
    pub tier: &'static str,
    /// Its length, in blocks.
    pub blocks: u64,
    /// For how many hours it holds everything.
    pub kept_hours: u64,
    /// The length that the deployment's variables ask for.
    pub wanted_blocks: u64,
    /// The length at which all rings, when they are full, fit their database.
    pub fitting_blocks: u64,
    /// What a block takes in the database, bytes, as measured; null where nothing was.
    pub block_bytes: Option<u64>,
    /// Whether some hosts' rings still have the length before.
    pub changing: bool,
}
