//! Who is told how often. Source: pulse specification, 12.1.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::dialects::pulse::object::{self, Object};
use crate::dialects::pulse::read::invalid;
use crate::failure::Failure;
use crate::model::{AlertSchedule, EscalationAudience, EscalationLevel, Grouping, QuietHours};

/// The schedule.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ScheduleKeys {
    quiet_hours: QuietKeys,
    /// Minutes.
    cooldown: u32,
    /// Seconds.
    grouping_window: u32,
    max_alerts_hour: u32,
    #[serde(skip_serializing_if = "is_false")]
    notify_on_resolve: bool,
    escalation: EscalationKeys,
    grouping: GroupingKeys,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct QuietKeys {
    enabled: bool,
    /// `HH:MM`; and so the next one.
    start: String,
    end: String,
    /// Such as `Europe/Berlin`.
    timezone: String,
    days: DayKeys,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[expect(clippy::struct_excessive_bools, reason = "a week has seven days")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct DayKeys {
    monday: bool,
    tuesday: bool,
    wednesday: bool,
    thursday: bool,
    friday: bool,
    saturday: bool,
    sunday: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct EscalationKeys {
    enabled: bool,
    levels: Vec<LevelKeys>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct LevelKeys {
    /// Minutes.
    after: u32,
    /// `email`, `webhook` or `all`.
    notify: &'static str,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct GroupingKeys {
    enabled: bool,
    /// Seconds.
    window: u32,
    by_node: bool,
    by_guest: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it so")]
fn is_false(value: &bool) -> bool {
    !value
}

/// The days, Monday first.
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// What of the schedule's rest belongs to its quiet hours.
const QUIET_REST: &str = "quietHours";

impl From<&AlertSchedule> for ScheduleKeys {
    fn from(schedule: &AlertSchedule) -> Self {
        let mut rest = object::rest(&schedule.rest);
        let quiet_rest = match rest.remove(QUIET_REST) {
            Some(Value::Object(rest)) => rest,
            _ => Map::new(),
        };
        let hours = &schedule.quiet_hours;
        let [monday, tuesday, wednesday, thursday, friday, saturday, sunday] = hours.days;
        let level = |level: &EscalationLevel| LevelKeys { after: level.after_min, notify: level.audience.word() };
        Self {
            quiet_hours: QuietKeys {
                enabled: schedule.has_quiet_hours,
                start: clock(hours.from_min),
                end: clock(hours.to_min),
                timezone: hours.zone.clone(),
                days: DayKeys { monday, tuesday, wednesday, thursday, friday, saturday, sunday },
                rest: quiet_rest,
            },
            cooldown: schedule.cooldown_min,
            grouping_window: schedule.grouping_s,
            max_alerts_hour: schedule.most_an_hour,
            notify_on_resolve: schedule.tells_of_end,
            escalation: EscalationKeys {
                enabled: schedule.escalates,
                levels: schedule.levels.iter().map(level).collect(),
            },
            grouping: GroupingKeys {
                enabled: schedule.grouping.is_on,
                window: schedule.grouping.window_s,
                by_node: schedule.grouping.by_node,
                by_guest: schedule.grouping.by_guest,
            },
            rest,
        }
    }
}

fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// Minutes after midnight of a text such as `22:00`.
fn minutes(text: &str) -> Option<u16> {
    let number = |digits: &str, most: u16| {
        let is_number = matches!(digits.len(), 1 | 2) && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<u16>().ok().filter(|number| is_number && *number <= most)
    };
    let (hour, minute) = text.split_once(':')?;
    Some(number(hour, 23)? * 60 + number(minute, 59)?)
}

/// Reads a schedule. Quirk: a fresh 4.2.1 has one of zeros throughout, without times and days; it stands for the usual one.
pub fn read(mut from: Object) -> Result<AlertSchedule, Failure> {
    let usual = AlertSchedule::default();
    let mut quiet = from.object("quietHours")?.unwrap_or_default();
    let time = |quiet: &mut Object, key: &str, usual: u16| match quiet.text(key)?.filter(|text| !text.is_empty()) {
        None => Ok((usual, false)),
        Some(text) => minutes(&text).map(|minutes| (minutes, true)).ok_or_else(|| invalid(key, "must be HH:MM")),
    };
    let (from_min, has_start) = time(&mut quiet, "start", usual.quiet_hours.from_min)?;
    let (to_min, has_end) = time(&mut quiet, "end", usual.quiet_hours.to_min)?;
    let days = quiet.object("days")?;
    let is_zeroed = !has_start && !has_end && days.is_none();
    let mut week = usual.quiet_hours.days;
    if let Some(mut days) = days {
        for (day, name) in week.iter_mut().zip(DAYS) {
            *day = days.bool(name)?.unwrap_or(false);
        }
    }
    let zone = quiet.text("timezone")?.filter(|zone| !zone.is_empty());
    let has_quiet_hours = quiet.bool("enabled")?.unwrap_or(false);
    let said = |count: Option<u32>, usual: u32| count.filter(|count| !is_zeroed || *count > 0).unwrap_or(usual);
    let mut escalation = from.object("escalation")?.unwrap_or_default();
    let levels = escalation.list("levels")?;
    let mut schedule = AlertSchedule {
        has_quiet_hours,
        quiet_hours: QuietHours { zone: zone.unwrap_or(usual.quiet_hours.zone), from_min, to_min, days: week },
        cooldown_min: said(from.count("cooldown")?, usual.cooldown_min),
        grouping_s: said(from.count("groupingWindow")?, usual.grouping_s),
        most_an_hour: said(from.count("maxAlertsHour")?, usual.most_an_hour),
        tells_of_end: from.bool("notifyOnResolve")?.unwrap_or(usual.tells_of_end),
        escalates: escalation.bool("enabled")?.unwrap_or(usual.escalates),
        levels: match levels {
            None => usual.levels,
            Some(levels) => levels.into_iter().map(read_level).collect::<Result<_, _>>()?,
        },
        grouping: read_grouping(from.object("grouping")?, usual.grouping, is_zeroed)?,
        rest: String::new(),
    };
    let mut left = from.into_map();
    let quiet_left = quiet.into_map();
    if !quiet_left.is_empty() {
        left.insert(QUIET_REST.to_owned(), Value::Object(quiet_left));
    }
    schedule.rest = Object::new(left).rest();
    Ok(schedule)
}

fn read_level(value: Value) -> Result<EscalationLevel, Failure> {
    let mut from = Object::of(value, "levels")?;
    let word = from.text("notify")?.unwrap_or_default();
    let audience =
        EscalationAudience::parse(&word).ok_or_else(|| invalid("notify", "must be email, webhook or all"))?;
    Ok(EscalationLevel { after_min: from.count("after")?.unwrap_or(0), audience })
}

fn read_grouping(from: Option<Object>, usual: Grouping, is_zeroed: bool) -> Result<Grouping, Failure> {
    let Some(mut from) = from else { return Ok(usual) };
    let window_s = from.count("window")?.unwrap_or(0);
    if is_zeroed && window_s == 0 {
        return Ok(usual);
    }
    Ok(Grouping {
        is_on: from.bool("enabled")?.unwrap_or(false),
        window_s,
        by_node: from.bool("byNode")?.unwrap_or(false),
        by_guest: from.bool("byGuest")?.unwrap_or(false),
    })
}
