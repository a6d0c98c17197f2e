//! What is no more is named nowhere any more: notification groups, downtimes, settings of alert groups.

use edgewatch_core::domain::downtime::{Gone, without};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{AlertGroupSetting, Downtime, DowntimeScope};

use crate::app::App;
use crate::store::Statement;
use crate::store::mackerel::{alert_groups, downtimes, groups};

/// The statements that take what is no more out of all that names it. A downtime or setting that was for nothing else goes with it: an
/// empty list of names would make it one for everything. Where nothing names it nothing is written; a row read for each downtime and
/// setting. Who was told of the rules has to hear of them anew.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn forget(app: &App, gone: &Gone<'_>) -> Result<Vec<Statement>, Failure> {
    let mut statements = Vec::new();
    if !gone.monitors.is_empty() {
        statements.push(groups::forget_monitors(gone.monitors)?);
    }
    statements.extend(gone.service.map(groups::forget_service));
    for (id, downtime) in downtimes::list(&app.db).await? {
        match without(&downtime.scope, gone) {
            None => statements.push(downtimes::delete(id)),
            Some(scope) if scope != downtime.scope => {
                statements.push(downtimes::update(id, &Downtime { scope, ..downtime })?);
            }
            Some(_) => {}
        }
    }
    for (id, setting) in alert_groups::list(&app.db).await? {
        let scope = scope_of(&setting);
        match without(&scope, gone) {
            None => statements.push(alert_groups::delete(id)),
            Some(left) if left != scope => {
                let DowntimeScope { services, roles, monitors, .. } = left;
                let setting = AlertGroupSetting { services, roles, monitors, ..setting };
                statements.push(alert_groups::update(id, &setting)?);
            }
            Some(_) => {}
        }
    }
    Ok(statements)
}

/// What a setting is for: it names things as a downtime does, and leaves none out.
fn scope_of(setting: &AlertGroupSetting) -> DowntimeScope {
    DowntimeScope {
        services: setting.services.clone(),
        roles: setting.roles.clone(),
        monitors: setting.monitors.clone(),
        ..DowntimeScope::default()
    }
}
