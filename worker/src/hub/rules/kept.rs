//! What is kept of alerts in the object's database, as JSON.

use edgewatch_core::domain::alerting::book::RuleState;
use edgewatch_core::domain::alerting::check::CheckState;
use edgewatch_core::domain::alerting::points::Attempts;
use edgewatch_core::domain::alerting::reading::Run;
use edgewatch_core::domain::alerting::thresholds;
use edgewatch_core::domain::alerting::transfer::Account;
use edgewatch_core::domain::alerting::{HostState, Open};
use edgewatch_core::model::{
    AlertKind, AlertNote, Cause, CheckId, Event, Measured, MonitorId, ResourceKind, RuleId, Severity, Standing,
    ThresholdCode, Trigger,
};
use edgewatch_core::units::{UnixMillis, UnixSeconds};
use serde::{Deserialize, Serialize};

use crate::hub::HubError;
use crate::store::alerts::ResourceWire;

/// What an event has beside what every event has.
#[derive(Serialize, Deserialize)]
struct More {
    group: String,
    is_quiet: bool,
    alert: Option<AlertWire>,
}

#[derive(Serialize, Deserialize)]
struct AlertWire {
    key: String,
    cause: String,
    opened_s: i64,
    #[serde(default)]
    closed_s: Option<i64>,
    detail: String,
    #[serde(flatten)]
    standing: StandingWire,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    trigger: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    resource: Option<ResourceWire>,
}

/// How bad an alert is; empty for what does not say.
#[derive(Serialize, Deserialize)]
struct StandingWire {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    severity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    value: Option<f64>,
}

#[derive(Serialize, Deserialize)]
struct CheckWire {
    id: i64,
    name: String,
    severity: Option<String>,
    message: String,
    count: u32,
    last_s: i64,
    known: Vec<i64>,
    every_min: Option<u32>,
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    is_steady: bool,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    missed_s: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct StateWire {
    rules: Vec<RuleWire>,
    open: Vec<OpenWire>,
    /// A monitor, how often it found something bad, and in which minute last.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    attempts: Vec<(i64, u32, i64)>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    checks: Vec<CheckWire>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    thresholds: Vec<ThresholdWire>,
}

#[derive(Serialize, Deserialize)]
struct ThresholdWire {
    /// Which resource, and what of it.
    code: i64,
    kind: String,
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    mute: bool,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    since_ms: Option<i64>,
    #[serde(skip_serializing_if = "is_zero", default)]
    gone: u32,
    /// When, ms, and at which value.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    raised: Option<(i64, f64)>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    held_until_ms: Option<i64>,
    /// First and last time, ms, how often, and how bad it was last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    told: Option<(i64, i64, u32, String)>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    acknowledged_ms: Option<i64>,
    /// When first, ms, and how often.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    begun: Option<(i64, u32)>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    critical_ms: Option<i64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde wants it")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

#[derive(Serialize, Deserialize)]
struct RuleWire {
    id: i64,
    /// Since when each condition fails, ms.
    runs: Vec<Option<i64>>,
    accounts: Vec<Option<AccountWire>>,
}

#[derive(Serialize, Deserialize)]
struct AccountWire {
    cycle_s: i64,
    used: [u64; 2],
    marks: [Option<u64>; 2],
}

#[derive(Serialize, Deserialize)]
struct OpenWire {
    cause: String,
    key: String,
    since_s: i64,
    told_s: Option<i64>,
    wait_s: u32,
    escalated: usize,
    acknowledged: bool,
    skipped_s: i64,
    over_s: Option<i64>,
    detail: String,
    #[serde(flatten)]
    standing: StandingWire,
}

/// What an event has beside what every event has; empty for the plain ones.
pub fn more(event: &Event) -> String {
    if event.group.is_empty() && !event.is_quiet && event.alert.is_none() {
        return String::new();
    }
    let alert = event.alert.as_ref().map(|alert| AlertWire {
        key: alert.key.clone(),
        cause: alert.cause.text(),
        opened_s: alert.opened_at.0,
        closed_s: alert.closed_at.map(|at| at.0),
        detail: alert.detail.clone(),
        standing: alert.standing.into(),
        kind: alert.kind.map(|kind| kind.word().to_owned()),
        trigger: (alert.trigger != Trigger::default()).then(|| alert.trigger.word().to_owned()),
        resource: alert.resource.as_ref().map(ResourceWire::from),
    });
    // Texts and numbers: it can be written.
    serde_json::to_string(&More { group: event.group.clone(), is_quiet: event.is_quiet, alert }).unwrap_or_default()
}

/// The event with what [`more`] wrote.
pub fn with_more(mut event: Event, text: &str) -> Event {
    if let Ok(more) = serde_json::from_str::<More>(text) {
        (event.group, event.is_quiet) = (more.group, more.is_quiet);
        event.alert = more.alert.and_then(|alert| {
            let cause = Cause::parse(&alert.cause)?;
            let note = AlertNote::new(alert.key, cause, UnixSeconds(alert.opened_s), alert.detail);
            Some(AlertNote {
                closed_at: alert.closed_s.map(UnixSeconds),
                standing: alert.standing.into(),
                kind: alert.kind.as_deref().and_then(AlertKind::parse),
                trigger: alert.trigger.as_deref().and_then(Trigger::parse).unwrap_or_default(),
                resource: alert.resource.and_then(ResourceWire::into_resource),
                ..note
            })
        });
    }
    event
}

/// A host's state as text.
///
/// # Errors
/// [`HubError::Corrupt`] when it cannot be written.
pub fn encode(state: &HostState) -> Result<String, HubError> {
    let rule = |(id, own): (&RuleId, &RuleState)| RuleWire {
        id: id.0,
        runs: own.runs.iter().map(|run| run.0.map(|at| at.0)).collect(),
        accounts: own.accounts.iter().map(|account| account.map(AccountWire::from)).collect(),
    };
    let open = |(cause, open): (&Cause, &Open)| OpenWire {
        cause: cause.text(),
        key: open.key.clone(),
        since_s: open.since.0,
        told_s: open.told.map(|at| at.0),
        wait_s: open.wait_s,
        escalated: open.escalated,
        acknowledged: open.is_acknowledged,
        skipped_s: open.skipped_s,
        over_s: open.over.map(|at| at.0),
        detail: open.detail.clone(),
        standing: open.standing.into(),
    };
    let wire = StateWire {
        rules: state.rules.iter().map(rule).collect(),
        open: state.open.iter().map(open).collect(),
        attempts: state.attempts.iter().map(|(id, one)| (id.0, one.count, one.minute)).collect(),
        checks: state.checks.iter().map(|(id, check)| check_wire(*id, check)).collect(),
        thresholds: state.thresholds.iter().map(|(code, one)| threshold_wire(*code, one)).collect(),
    };
    serde_json::to_string(&wire).map_err(|error| HubError::Corrupt(error.to_string()))
}

/// What [`encode`] wrote.
///
/// # Errors
/// [`HubError::Corrupt`] for anything else.
pub fn decode(text: &str) -> Result<HostState, HubError> {
    let wire: StateWire = serde_json::from_str(text).map_err(|error| HubError::Corrupt(error.to_string()))?;
    let rule = |wire: RuleWire| {
        let runs = wire.runs.into_iter().map(|since| Run(since.map(UnixMillis))).collect();
        let accounts = wire.accounts.into_iter().map(|account| account.map(Account::from)).collect();
        (RuleId(wire.id), RuleState { runs, accounts })
    };
    let open = |wire: OpenWire| {
        let cause = Cause::parse(&wire.cause).ok_or_else(|| HubError::Corrupt(format!("cause {}", wire.cause)))?;
        let open = Open {
            key: wire.key,
            since: UnixSeconds(wire.since_s),
            told: wire.told_s.map(UnixSeconds),
            wait_s: wire.wait_s,
            escalated: wire.escalated,
            is_acknowledged: wire.acknowledged,
            skipped_s: wire.skipped_s,
            over: wire.over_s.map(UnixSeconds),
            detail: wire.detail,
            standing: wire.standing.into(),
        };
        Ok((cause, open))
    };
    Ok(HostState {
        rules: wire.rules.into_iter().map(rule).collect(),
        open: wire.open.into_iter().map(open).collect::<Result<_, HubError>>()?,
        attempts: wire
            .attempts
            .into_iter()
            .map(|(id, count, minute)| (MonitorId(id), Attempts { count, minute }))
            .collect(),
        checks: wire.checks.into_iter().map(check_of).collect(),
        // What a newer version judges is judged anew by this one.
        thresholds: wire.thresholds.iter().filter_map(threshold_of).collect(),
    })
}

fn threshold_wire(code: ThresholdCode, state: &thresholds::State) -> ThresholdWire {
    ThresholdWire {
        code: code.number(),
        kind: state.kind.word().to_owned(),
        mute: state.is_mute,
        since_ms: state.since.map(|at| at.0),
        gone: state.gone,
        raised: state.raised.map(|(at, value)| (at.0, value.get())),
        held_until_ms: state.held_until.map(|at| at.0),
        told: state.told.map(|told| (told.first.0, told.last.0, told.count, told.severity.word().to_owned())),
        acknowledged_ms: state.acknowledged.map(|at| at.0),
        begun: state.begun.map(|(first, count)| (first.0, count)),
        critical_ms: state.critical.map(|at| at.0),
    }
}

fn threshold_of(wire: &ThresholdWire) -> Option<(ThresholdCode, thresholds::State)> {
    let state = thresholds::State {
        kind: ResourceKind::parse(&wire.kind)?,
        is_mute: wire.mute,
        since: wire.since_ms.map(UnixMillis),
        gone: wire.gone,
        raised: wire.raised.map(|(at_ms, value)| (UnixMillis(at_ms), Measured::of(value))),
        held_until: wire.held_until_ms.map(UnixMillis),
        told: wire.told.as_ref().and_then(told_of),
        acknowledged: wire.acknowledged_ms.map(UnixMillis),
        begun: wire.begun.map(|(first_ms, count)| (UnixMillis(first_ms), count)),
        critical: wire.critical_ms.map(UnixMillis),
    };
    Some((ThresholdCode::of_number(wire.code)?, state))
}

fn told_of((first_ms, last_ms, count, severity): &(i64, i64, u32, String)) -> Option<thresholds::Told> {
    let (first, last) = (UnixMillis(*first_ms), UnixMillis(*last_ms));
    Some(thresholds::Told { first, last, count: *count, severity: Severity::parse(severity)? })
}

fn check_wire(id: CheckId, check: &CheckState) -> CheckWire {
    CheckWire {
        id: id.0,
        name: check.name.clone(),
        severity: check.severity.map(|severity| severity.word().to_owned()),
        message: check.message.clone(),
        count: check.count,
        last_s: check.last.0,
        known: check.known.clone(),
        every_min: check.every_min,
        is_steady: check.is_steady,
        missed_s: check.missed.map(|since| since.0),
    }
}

fn check_of(wire: CheckWire) -> (CheckId, CheckState) {
    let check = CheckState {
        name: wire.name,
        severity: wire.severity.as_deref().and_then(Severity::parse),
        message: wire.message,
        count: wire.count,
        last: UnixSeconds(wire.last_s),
        known: wire.known,
        every_min: wire.every_min,
        is_steady: wire.is_steady,
        missed: wire.missed_s.map(UnixSeconds),
    };
    (CheckId(wire.id), check)
}

impl From<Standing> for StandingWire {
    fn from(standing: Standing) -> Self {
        let is_plain = standing.severity == Severity::Critical;
        Self {
            severity: (!is_plain).then(|| standing.severity.word().to_owned()),
            value: standing.value.map(Measured::get),
        }
    }
}

impl From<StandingWire> for Standing {
    fn from(wire: StandingWire) -> Self {
        let severity = wire.severity.as_deref().and_then(Severity::parse).unwrap_or(Severity::Critical);
        Self { severity, value: wire.value.map(Measured::of) }
    }
}

impl From<Account> for AccountWire {
    fn from(account: Account) -> Self {
        Self { cycle_s: account.cycle.0, used: account.used, marks: account.marks }
    }
}

impl From<AccountWire> for Account {
    fn from(wire: AccountWire) -> Self {
        Self { cycle: UnixSeconds(wire.cycle_s), used: wire.used, marks: wire.marks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgewatch_core::model::{AlertResource, EventKind, HostId};

    #[test]
    fn a_state_comes_back_from_its_text() {
        let cause = Cause::rule(RuleId(3), HostId(7));
        let open = Open {
            key: "k".to_owned(),
            since: UnixSeconds(1),
            told: Some(UnixSeconds(2)),
            wait_s: 900,
            escalated: 1,
            is_acknowledged: true,
            skipped_s: -5,
            over: Some(UnixSeconds(9)),
            detail: "cpu 97 %".to_owned(),
            standing: Standing { severity: Severity::Warning, value: Some(Measured::of(0.1 + 0.2)) },
        };
        let account = Account { cycle: UnixSeconds(5), used: [7, 9_007_199_254_740_991], marks: [Some(1), None] };
        let own = RuleState { runs: vec![Run(Some(UnixMillis(5))), Run(None)], accounts: vec![None, Some(account)] };
        let bare = Open { told: None, over: None, standing: Standing::default(), ..open.clone() };
        let other = Cause::rule(RuleId(4), HostId(7));
        let check = CheckState {
            severity: Some(Severity::Unknown),
            message: "\u{202e}\n".to_owned(),
            count: 2,
            last: UnixSeconds(9),
            known: vec![8, 9],
            every_min: Some(10),
            is_steady: true,
            missed: Some(UnixSeconds(7)),
            ..CheckState::new("c".to_owned())
        };
        let code = |resource: u32| ThresholdCode { resource, metric: None };
        let judged = thresholds::State {
            kind: ResourceKind::Storage,
            is_mute: true,
            since: Some(UnixMillis(7)),
            gone: 2,
            raised: Some((UnixMillis(8), Measured::of(0.1 + 0.2))),
            held_until: Some(UnixMillis(9)),
            told: Some(thresholds::Told {
                first: UnixMillis(1),
                last: UnixMillis(2),
                count: 3,
                severity: Severity::Warning,
            }),
            acknowledged: Some(UnixMillis(6)),
            begun: Some((UnixMillis(5), 4)),
            critical: Some(UnixMillis(3)),
        };
        let state = HostState {
            rules: [(RuleId(3), own)].into(),
            open: [(cause, open), (other, bare)].into(),
            attempts: [(MonitorId(2), Attempts { count: 1, minute: 7 })].into(),
            checks: [(CheckId(4), check)].into(),
            thresholds: [(code(1), judged), (code(2), thresholds::State::new(ResourceKind::Vm))].into(),
        };
        assert_eq!(decode(&encode(&state).unwrap()), Ok(state));
        assert_eq!(decode(r#"{"rules":[],"open":[]}"#), Ok(HostState::default()), "as it was kept before");
        assert!(decode("{}").is_err());
    }

    #[test]
    fn an_event_comes_back_with_its_alert() {
        let plain = || Event::new("a".to_owned(), EventKind::AlertFired, None, UnixSeconds(5), "t".to_owned());
        assert_eq!((more(&plain()), with_more(plain(), "")), (String::new(), plain()));
        let mut event = plain();
        (event.group, event.is_quiet) = ("ops".to_owned(), true);
        let cause = Cause::rule(RuleId(3), HostId(7));
        event.alert = Some(AlertNote {
            standing: Standing { severity: Severity::Warning, value: Some(Measured::of(1.5)) },
            kind: Some(AlertKind::Host),
            trigger: Trigger::HostRetire,
            closed_at: Some(UnixSeconds(5)),
            resource: Some(AlertResource {
                kind: ResourceKind::Vm,
                id: "i".to_owned(),
                name: "n".to_owned(),
                node: String::new(),
                instance: "lab".to_owned(),
                limit: Some((Measured::of(80.5), Measured::of(75.0))),
            }),
            ..AlertNote::new("k".to_owned(), cause, UnixSeconds(4), "d".to_owned())
        });
        assert_eq!(with_more(plain(), &more(&event)), event);
    }
}
