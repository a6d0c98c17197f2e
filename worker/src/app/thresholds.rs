//! Thresholds as programs for Pulse set them.

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{AlertConfig, Credential};

use super::{App, actor, rules};
use crate::store::thresholds;

const MAX_RULES: usize = 200;
const MAX_LEVELS: usize = 10;
/// What the hub keeps of all thresholds: together with rules in one row, and no row has more than 2 MB.
const MAX_BYTES: usize = 500_000;
/// All of them with what nobody but who said it has a use for.
const MAX_STORED_BYTES: usize = 900_000;

/// All thresholds.
///
/// # Errors
/// [`Failure::Forbidden`] for callers who are no administrators.
pub async fn find(app: &App, caller: &Credential) -> Result<AlertConfig, Failure> {
    require(caller, Right::Admin)?;
    Ok(thresholds::find(&app.db).await?)
}

/// Sets all thresholds, and quiet hours with them; what is not judged any more ends. Quiet hours of a zone that nobody knows are by UTC.
///
/// # Errors
/// As [`find`]; [`Failure::Invalid`] for what cannot be.
pub async fn save(app: &App, caller: &Credential, config: &AlertConfig) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    check(config)?;
    let audit = app.audit(&actor(caller), "thresholds.set", "")?;
    thresholds::put(&app.db, config, audit).await?;
    rules::tell_hub(app).await;
    Ok(())
}

/// Whether thresholds can be.
///
/// # Errors
/// [`Failure::Invalid`] for what cannot.
pub(super) fn check(config: &AlertConfig) -> Result<(), Failure> {
    let schedule = &config.schedule;
    let invalid =
        |field: &str, reason: &str| Err(Failure::Invalid { field: field.to_owned(), reason: reason.to_owned() });
    if config.rules.len() > MAX_RULES {
        return invalid("customRules", "at most 200");
    }
    if schedule.levels.len() > MAX_LEVELS {
        return invalid("schedule.escalation.levels", "at most 10");
    }
    let judged = thresholds::encode(&thresholds::without_rest(config.clone()))?.len();
    if judged > MAX_BYTES || thresholds::encode(config)?.len() > MAX_STORED_BYTES {
        return invalid("overrides", "all thresholds together hold too much");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Db;
    use crate::store::db::now;
    use crate::store::rules as stored_rules;
    use edgewatch_core::model::{
        CustomRule, EscalationAudience, EscalationLevel, Limit, QuietHours, Role, Session, Thresholds, User,
    };
    use edgewatch_core::units::UnixSeconds;

    fn app() -> (App, Credential) {
        let user = User { id: 1, name: "a".to_owned(), role: Role::Admin };
        let session = Session { user, expires_at: UnixSeconds(i64::MAX) };
        (App::for_tests(Db::in_memory().unwrap()), Credential::Session(session))
    }

    #[test]
    fn thresholds_are_kept_and_quiet_hours_with_them() {
        let (app, admin) = app();
        assert_eq!(now(find(&app, &admin)), Ok(AlertConfig::default()));
        let mut config = AlertConfig { storage: Limit::new(50.0, 40.0), ..AlertConfig::default() };
        config.schedule.has_quiet_hours = true;
        config.schedule.quiet_hours = QuietHours { zone: "UTC".to_owned(), ..config.schedule.quiet_hours };
        now(save(&app, &admin, &config)).unwrap();
        assert_eq!(now(find(&app, &admin)), Ok(config.clone()));
        let hours = now(stored_rules::find_quiet_hours(&app.db)).unwrap();
        assert_eq!(hours, Some(config.schedule.quiet_hours));
        let viewer = User { id: 2, name: "v".to_owned(), role: Role::Viewer };
        let viewer = Credential::Session(Session { user: viewer, expires_at: UnixSeconds(i64::MAX) });
        assert!(now(find(&app, &viewer)).is_err() && now(save(&app, &viewer, &AlertConfig::default())).is_err());
    }

    #[test]
    fn what_cannot_be_is_refused_and_nothing_is_changed() {
        let (app, admin) = app();
        let refused = |change: &dyn Fn(&mut AlertConfig)| {
            let mut config = AlertConfig::default();
            change(&mut config);
            match now(save(&app, &admin, &config)) {
                Err(Failure::Invalid { field, .. }) => field,
                other => panic!("{other:?}"),
            }
        };
        let rules = refused(&|config| config.rules = vec![CustomRule::default(); MAX_RULES + 1]);
        let level = EscalationLevel { after_min: 1, audience: EscalationAudience::All };
        let levels = refused(&|config| config.schedule.levels = vec![level; MAX_LEVELS + 1]);
        assert_eq!([rules.as_str(), &levels], ["customRules", "schedule.escalation.levels"]);
        let many = |count: usize| (0..count).map(|id| (format!("{id:0>200}"), Thresholds::percentages())).collect();
        assert_eq!(refused(&|config| config.overrides = many(2_500)), "overrides");
        assert_eq!(refused(&|config| config.rest = "x".repeat(MAX_STORED_BYTES)), "overrides");
        assert_eq!(now(find(&app, &admin)), Ok(AlertConfig::default()));
    }
}
