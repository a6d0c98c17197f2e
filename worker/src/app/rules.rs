//! Rules: when people are to be told of something about hosts; and alerts, which is what rules find.

use std::collections::{BTreeMap, BTreeSet};

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::domain::alerting::LEAST_REPEAT_S;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{
    Alert, Audience, Bounds, Credential, Hosts, QuietHours, Repeat, Rule, RuleId, Source, Test, group_name,
};

use super::pulse::told;
use super::visitor::Visitor;
use super::{App, actor};
pub use crate::hub::rules::usage::Transfer;
use crate::notify;
use crate::platform::local_time::local_time;
use crate::platform::log;
use crate::store::rules::RuleSet;
use crate::store::{alerts, channels, rules, users};

const MAX_NAME_CHARS: usize = 128;
const MAX_GROUP_CHARS: usize = 64;
/// So many rules a deployment has at most: each is looked at with every sample.
const MAX_RULES: usize = 200;
const MAX_CONDITIONS: usize = 16;
const MAX_TAGS: usize = 64;
/// As long as a host's tag may be.
const MAX_TAG_BYTES: usize = 1_024;
const MAX_HOSTS: usize = 5_000;
const MAX_ESCALATIONS: usize = 5;
const MAX_NOTE_CHARS: usize = 2_000;
/// What all rules together may weigh: the hub keeps them in one row, and no row has more than 2 MB.
const MAX_BYTES: usize = 1_000_000;

/// Every rule, by number.
///
/// # Errors
/// [`Failure::Forbidden`] for callers who are no administrators.
pub async fn list(app: &App, caller: &Credential) -> Result<Vec<Rule>, Failure> {
    require(caller, Right::Admin)?;
    Ok(rules::list(&app.db).await?)
}

/// Makes a rule and gives its number, or replaces the one of its number when that is not 0.
///
/// # Errors
/// As [`list`]; [`Failure::Invalid`] for one that cannot be; [`Failure::NotFound`] when there is none of this number;
/// [`Failure::Conflict`] when there are too many.
pub async fn save(app: &App, caller: &Credential, rule: &Rule) -> Result<RuleId, Failure> {
    require(caller, Right::Admin)?;
    check(rule)?;
    let mut all = rules::list(&app.db).await?;
    all.retain(|one| one.id != rule.id);
    if all.len() >= MAX_RULES {
        return Err(Failure::Conflict { detail: "there are 200 rules already".to_owned() });
    }
    all.push(rule.clone());
    if rules::encode(&RuleSet { rules: all, ..RuleSet::default() })?.len() > MAX_BYTES {
        let detail = "all rules together hold more than 1,000,000 bytes; name tags in the place of many hosts";
        return Err(Failure::Conflict { detail: detail.to_owned() });
    }
    let id = if rule.id.0 == 0 {
        let audit = app.audit(&actor(caller), "rule.create", &rule.name)?;
        rules::insert(&app.db, rule, app.now_s(), audit).await?
    } else {
        let audit = app.audit(&actor(caller), "rule.update", &rule.id.0.to_string())?;
        if !rules::update(&app.db, rule, app.now_s(), audit).await? {
            return Err(Failure::NotFound { what: "rule" });
        }
        rule.id
    };
    tell_hub(app).await;
    Ok(id)
}

/// What whoever made this rule should know: groups of it of which nobody hears anything.
///
/// # Errors
/// As [`list`].
pub async fn warnings(app: &App, caller: &Credential, rule: &Rule) -> Result<Vec<String>, Failure> {
    require(caller, Right::Admin)?;
    let channels = channels::list(&app.db).await?;
    let heard = notify::heard_groups(&channels);
    let named = rule.escalations.iter().map(|one| &one.group).chain([&rule.group]);
    let silent: BTreeSet<&str> = named.map(|group| group_name(group)).filter(|group| !heard.contains(group)).collect();
    let warning = |group: &str| {
        format!(
            "the group \"{group}\" has no channel, so nobody is told: make a channel of this group, or name another"
        )
    };
    Ok(silent.into_iter().map(warning).collect())
}

/// Deletes a rule; its alerts end, and nobody is told.
///
/// # Errors
/// As [`save`].
pub async fn delete(app: &App, caller: &Credential, id: RuleId) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    let audit = app.audit(&actor(caller), "rule.delete", &id.0.to_string())?;
    let found = rules::delete(&app.db, id, audit).await?;
    tell_hub(app).await;
    if found { Ok(()) } else { Err(Failure::NotFound { what: "rule" }) }
}

/// As [`delete`] in Nezha's words, where it is no fault that there was none.
///
/// # Errors
/// [`Failure::Forbidden`] for callers who are no administrators.
pub async fn delete_nezha(app: &App, caller: &Credential, id: RuleId) -> Result<(), Failure> {
    match delete(app, caller, id).await {
        Ok(()) | Err(Failure::NotFound { .. }) => Ok(()),
        Err(failure) => Err(failure),
    }
}

/// Tells the hub of rules, or of settings that they heed, that were changed. Where that fails, the schedule's next run does it.
pub async fn tell_hub(app: &App) {
    if let Some(hub) = &app.hub
        && let Err(error) = hub.rules_changed().await
    {
        log::error("rules.changed", &error.to_string());
    }
}

/// What hosts transferred in the running cycles of rules: by rule, then as hosts stand in lists. To guests of the hosts that they may
/// see.
///
/// # Errors
/// [`Failure::Unavailable`] when the hub does not answer.
pub async fn transfers(app: &App, visitor: &Visitor) -> Result<Vec<Transfer>, Failure> {
    Ok(app.hub()?.transfers(!visitor.sees_hidden()).await?)
}

/// When people are not to be disturbed.
///
/// # Errors
/// As [`list`].
pub async fn quiet_hours(app: &App, caller: &Credential) -> Result<Option<QuietHours>, Failure> {
    require(caller, Right::Admin)?;
    Ok(rules::find_quiet_hours(&app.db).await?)
}

/// Sets them, or none.
///
/// # Errors
/// As [`list`]; [`Failure::Invalid`] for a time zone that the runtime does not know.
pub async fn set_quiet_hours(app: &App, caller: &Credential, hours: Option<&QuietHours>) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    if hours.is_some_and(|hours| local_time(&hours.zone, app.now).is_none()) {
        return Err(invalid("time_zone", "is not known; such as Europe/Berlin"));
    }
    let audit = app.audit(&actor(caller), "quiet_hours.set", hours.map_or("", |hours| &hours.zone))?;
    rules::put_quiet_hours(&app.db, hours, audit).await?;
    tell_hub(app).await;
    Ok(())
}

/// A page of alerts, newest first: those that go on, or all.
///
/// # Errors
/// [`Failure::Forbidden`] without the right to read.
pub async fn list_alerts(
    app: &App,
    caller: &Credential,
    is_open: bool,
    before: Option<&str>,
    limit: u32,
) -> Result<Vec<Alert>, Failure> {
    require(caller, Right::Read)?;
    Ok(alerts::list(&app.db, is_open, before, limit).await?)
}

/// The names of the people who acknowledged any of these, by their numbers. Nothing is read where nobody did.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn acknowledgers(app: &App, found: &[Alert]) -> Result<BTreeMap<i64, String>, Failure> {
    let by_people = |alert: &Alert| alert.acknowledged.as_ref().is_some_and(|(_, by)| by.starts_with("user:"));
    if !found.iter().any(by_people) {
        return Ok(BTreeMap::new());
    }
    let people = users::list(&app.db).await?;
    Ok(people.into_iter().map(|account| (account.user.id, account.user.name)).collect())
}

/// Somebody knows of an alert: people are told of its end and of nothing before. With a `note` that is noted of it, also when
/// somebody knew already. Gives the alert as it is then.
///
/// # Errors
/// [`Failure::Forbidden`] for callers who are no administrators; [`Failure::NotFound`] when there is no such alert;
/// [`Failure::Invalid`] for a note that is too long; [`Failure::Unavailable`] when a shard does not answer: doing it again helps.
pub async fn acknowledge(app: &App, caller: &Credential, key: &str, note: Option<&str>) -> Result<Alert, Failure> {
    require(caller, Right::Admin)?;
    let note = note.map(str::trim);
    if note.is_some_and(|note| note.chars().count() > MAX_NOTE_CHARS) {
        return Err(invalid("note", "at most 2,000 characters"));
    }
    let missing = || Failure::NotFound { what: "alert" };
    let known = alerts::find(&app.db, key).await?.ok_or_else(missing)?;
    let is_new = known.acknowledged.is_none();
    let mut statements = Vec::new();
    if is_new {
        let by = actor(caller);
        let audit = app.audit(&by, "alert.acknowledge", key)?;
        statements.extend([alerts::acknowledge(key, app.now_s(), &by), audit]);
    }
    if let Some(note) = note.filter(|note| **note != known.more.memo) {
        statements.push(alerts::set_memo(key, note));
        if !is_new {
            statements.push(app.audit(&actor(caller), "alert.memo", key)?);
        }
    }
    if !statements.is_empty() {
        app.db.batch(statements).await?;
    }
    if known.closed_at.is_none()
        && let Some(hub) = &app.hub
    {
        hub.acknowledged(key).await?;
    }
    if is_new && known.cause.source == Source::Threshold {
        told::alerts_changed(app).await;
    }
    alerts::find(&app.db, key).await?.ok_or_else(missing)
}

fn check(rule: &Rule) -> Result<(), Failure> {
    let is_named = (1..=MAX_NAME_CHARS).contains(&rule.name.chars().count());
    let groups = rule.escalations.iter().map(|one| &one.group).chain([&rule.group]);
    let hosts = match &rule.scope.hosts {
        Hosts::AllBut(hosts) | Hosts::Only(hosts) => hosts.len(),
    };
    let repeats = match rule.repeat {
        Repeat::Every(seconds) => seconds >= LEAST_REPEAT_S,
        Repeat::Never | Repeat::Doubling => true,
    };
    for (is_so, field, reason) in [
        (is_named, "name", "1 to 128 characters"),
        (!rule.name.chars().any(char::is_control), "name", "holds control characters"),
        (groups.clone().all(|group| group.chars().count() <= MAX_GROUP_CHARS), "group", "at most 64 characters"),
        ((1..=MAX_CONDITIONS).contains(&rule.conditions.len()), "conditions", "1 to 16"),
        (!groups.clone().any(|group| group.chars().any(char::is_control)), "group", "holds control characters"),
        (!groups.clone().any(|group| Audience::is_like(group)), "group", "stands for a monitor"),
        (rule.scope.tags.len() <= MAX_TAGS, "tags", "at most 64"),
        (rule.scope.tags.iter().all(|tag| tag.len() <= MAX_TAG_BYTES), "tags", "at most 1,024 bytes each"),
        (hosts <= MAX_HOSTS, "hosts", "at most 5,000"),
        (rule.escalations.len() <= MAX_ESCALATIONS, "escalate", "at most 5"),
        (rule.escalations.is_sorted_by_key(|one| one.after_s), "escalate", "by time, ascending"),
        (repeats, "repeat_s", "at least 300: a reminder comes every five minutes at most; say 300 or more"),
    ] {
        if !is_so {
            return Err(invalid(field, reason));
        }
    }
    rule.conditions.iter().try_for_each(|condition| match &condition.test {
        Test::Offline => Ok(()),
        Test::Value { bounds, .. } => check_bounds(*bounds),
        Test::Transfer { bounds, cycle, .. } => {
            if cycle.interval == 0 || cycle.interval > 1_000 {
                return Err(invalid("cycle", "1 to 1,000 units"));
            }
            check_bounds(*bounds)
        }
    })
}

fn check_bounds(bounds: Bounds) -> Result<(), Failure> {
    let levels = [bounds.above, bounds.below].into_iter().flatten();
    if levels.clone().any(|level| !level.trigger.is_finite() || !level.clear.is_finite()) {
        return Err(invalid("conditions", "a limit that is no number"));
    }
    if bounds.above.is_some_and(|level| level.clear > level.trigger)
        || bounds.below.is_some_and(|level| level.clear < level.trigger)
    {
        return Err(invalid("conditions", "what has recovered still fails"));
    }
    Ok(())
}

fn invalid(field: &str, reason: &str) -> Failure {
    Failure::Invalid { field: field.to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Db;
    use crate::store::channels::Written;
    use crate::store::db::now;
    use crate::store::rules::tests::rule;
    use edgewatch_core::model::{Condition, Escalation, Level, Role, Scope, Session, User};
    use edgewatch_core::units::UnixSeconds;

    fn admin() -> Credential {
        let user = User { id: 1, name: "a".to_owned(), role: Role::Admin };
        Credential::Session(Session { user, expires_at: UnixSeconds(i64::MAX) })
    }

    #[test]
    fn a_rule_is_made_replaced_and_deleted() {
        let app = App::for_tests(Db::in_memory().unwrap());
        let id = now(save(&app, &admin(), &Rule { id: RuleId(0), ..rule_that_can_be() })).unwrap();
        now(save(&app, &admin(), &Rule { id, name: "other".to_owned(), ..rule_that_can_be() })).unwrap();
        assert_eq!(now(list(&app, &admin())).unwrap()[0].name, "other");
        now(delete(&app, &admin(), id)).unwrap();
        assert_eq!(now(delete(&app, &admin(), id)), Err(Failure::NotFound { what: "rule" }));
        let gone = Rule { id, ..rule_that_can_be() };
        assert_eq!(now(save(&app, &admin(), &gone)), Err(Failure::NotFound { what: "rule" }));
    }

    #[test]
    fn all_rules_together_fit_into_the_row_that_the_hub_keeps_them_in() {
        let app = App::for_tests(Db::in_memory().unwrap());
        let tags = |bytes: usize| Scope { tags: vec!["x".repeat(bytes); 64], ..Scope::default() };
        let large = Rule { id: RuleId(0), scope: tags(1_024), ..rule_that_can_be() };
        let mut made: Vec<_> = std::iter::from_fn(|| Some(now(save(&app, &admin(), &large)))).take(16).collect();
        assert!(matches!(made.pop(), Some(Err(Failure::Conflict { .. }))));
        assert!(made.iter().all(Result::is_ok), "{made:?}");
        assert!(now(save(&app, &admin(), &Rule { id: RuleId(3), ..large.clone() })).is_ok(), "in its own place");
        assert!(now(save(&app, &admin(), &Rule { scope: tags(1), ..large })).is_ok());
    }

    fn rule_that_can_be() -> Rule {
        let conditions = vec![Condition { test: Test::Offline, for_s: 60 }];
        Rule { conditions, ..rule() }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let good = rule_that_can_be();
        let level = |trigger, clear| {
            let bounds = Bounds { above: Some(Level { trigger, clear }), below: None };
            vec![Condition { test: Test::Value { quantity: edgewatch_core::model::Quantity::Cpu, bounds }, for_s: 1 }]
        };
        for wrong in [
            Rule { name: String::new(), ..good.clone() },
            Rule { name: "a\nb".to_owned(), ..good.clone() },
            Rule { group: "x".repeat(65), ..good.clone() },
            Rule { group: "a\0".to_owned(), ..good.clone() },
            Rule { scope: Scope { tags: vec!["x".repeat(1_025)], ..Scope::default() }, ..good.clone() },
            Rule { conditions: vec![], ..good.clone() },
            Rule { repeat: Repeat::Every(299), ..good.clone() },
            Rule { conditions: level(90.0, 91.0), ..good.clone() },
            Rule { conditions: level(f64::NAN, 1.0), ..good.clone() },
        ] {
            assert!(matches!(check(&wrong), Err(Failure::Invalid { .. })), "{wrong:?}");
        }
        assert_eq!(check(&good), Ok(()));
    }

    #[test]
    fn of_a_group_without_a_channel_who_makes_a_rule_is_warned() {
        let app = App::for_tests(Db::in_memory().unwrap());
        let boss = Escalation { after_s: 60, group: "boss".to_owned() };
        let rule = Rule { group: String::new(), escalations: vec![boss.clone(), boss], ..rule_that_can_be() };
        let groups = || {
            let found = now(warnings(&app, &admin(), &rule)).unwrap();
            found.iter().filter_map(|text| text.split('"').nth(1).map(str::to_owned)).collect::<Vec<_>>()
        };
        assert_eq!(groups(), ["boss", "default"]);
        let written = Written { name: "a", group: "default", config_sealed: "s", said: None };
        let audit = app.audit("user:1", "channel.create", "a").unwrap();
        now(channels::insert(&app.db, "ntfy", written, UnixSeconds(5), audit)).unwrap();
        assert_eq!(groups(), ["boss"]);
        let viewer = User { id: 1, name: "a".to_owned(), role: Role::Viewer };
        let viewer = Credential::Session(Session { user: viewer, expires_at: UnixSeconds(i64::MAX) });
        assert!(matches!(now(warnings(&app, &viewer, &rule)), Err(Failure::Forbidden { .. })));
    }

    #[test]
    fn quiet_hours_need_a_zone_that_is_known() {
        let app = App::for_tests(Db::in_memory().unwrap());
        let hours = |zone: &str| QuietHours { zone: zone.to_owned(), from_min: 1, to_min: 2, days: [true; 7] };
        assert!(now(set_quiet_hours(&app, &admin(), Some(&hours("Mars/Olympus")))).is_err());
        now(set_quiet_hours(&app, &admin(), Some(&hours("UTC")))).unwrap();
        assert_eq!(now(quiet_hours(&app, &admin())).unwrap(), Some(hours("UTC")));
    }
}
