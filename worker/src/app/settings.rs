//! Settings of the deployment that are changed while it runs.

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Credential, GuestView};

use super::visitor::Door;
use super::{App, accounts, actor, remember, rules};
use crate::store::rules::RULES_VERSION;
use crate::store::settings;

const MAX_VIEW_PASSWORD_BYTES: usize = 256;

/// What is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How far guests are let in.
    pub guest_view: GuestView,
    /// Whether guests are asked for a password.
    pub view_password_set: bool,
    /// Whether notifications name addresses in full.
    pub plain_ip_in_notifications: bool,
}

/// What shall be set; `None` stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// How far guests are let in.
    pub guest_view: Option<GuestView>,
    /// What guests are asked for; an empty one for nothing.
    pub view_password: Option<String>,
    /// Whether notifications name addresses in full.
    pub plain_ip_in_notifications: Option<bool>,
}

/// What is set.
///
/// # Errors
/// [`Failure::Forbidden`] for callers who are no administrators.
pub async fn read(app: &App, caller: &Credential) -> Result<Settings, Failure> {
    require(caller, Right::Admin)?;
    let door = Door::find(app).await?;
    let plain_ip = settings::find(&app.db, settings::PLAIN_IP_IN_NOTIFICATIONS).await?;
    Ok(Settings {
        guest_view: door.view,
        view_password_set: door.password.is_some(),
        plain_ip_in_notifications: plain_ip.as_deref() == Some("1"),
    })
}

/// Sets what is to be changed. Guests who are there show again that they may be.
///
/// # Errors
/// As [`read`]; [`Failure::Invalid`] for a view password that cannot be.
pub async fn change(app: &App, caller: &Credential, change: &Change) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    let mut statements = Vec::new();
    let mut changed = Vec::new();
    if let Some(view) = change.guest_view {
        statements.push(settings::put(settings::GUEST_VIEW, view.word()));
        changed.push("guest_view");
    }
    if let Some(password) = &change.view_password {
        if password.len() > MAX_VIEW_PASSWORD_BYTES {
            let reason = "at most 256 bytes".to_owned();
            return Err(Failure::Invalid { field: "view_password".to_owned(), reason });
        }
        let stored = if password.is_empty() { String::new() } else { accounts::stored(app, password).await? };
        statements.push(settings::put(settings::VIEW_PASSWORD, &stored));
        changed.push("view_password");
    }
    if let Some(plain_ip) = change.plain_ip_in_notifications {
        statements.push(settings::put(settings::PLAIN_IP_IN_NOTIFICATIONS, if plain_ip { "1" } else { "0" }));
        statements.push(settings::bump(RULES_VERSION));
        changed.push("plain_ip_in_notifications");
    }
    if statements.is_empty() {
        return Ok(());
    }
    statements.push(app.audit(&actor(caller), "settings.change", &changed.join(" "))?);
    app.db.batch(statements).await?;
    if change.plain_ip_in_notifications.is_some() {
        rules::tell_hub(app).await;
    }
    remember::taken_away(app).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Db;
    use crate::store::db::now;
    use edgewatch_core::model::{Role, Session, User};
    use edgewatch_core::units::UnixSeconds;

    fn session(role: Role) -> Credential {
        let user = User { id: 1, name: "ada".to_owned(), role };
        Credential::Session(Session { user, expires_at: UnixSeconds(i64::MAX) })
    }

    #[test]
    fn what_is_set_is_what_was_named_and_nothing_else() {
        let app = App::for_tests(Db::in_memory().unwrap());
        let admin = session(Role::Admin);
        let expected =
            Settings { guest_view: GuestView::Off, view_password_set: false, plain_ip_in_notifications: false };
        assert_eq!(now(read(&app, &admin)), Ok(expected));
        let one = Change { guest_view: Some(GuestView::Status), ..Change::default() };
        now(change(&app, &admin, &one)).unwrap();
        now(change(&app, &admin, &Change::default())).unwrap();
        let one = Change { plain_ip_in_notifications: Some(true), ..Change::default() };
        now(change(&app, &admin, &one)).unwrap();
        let expected = Settings { guest_view: GuestView::Status, plain_ip_in_notifications: true, ..expected };
        assert_eq!(now(read(&app, &admin)), Ok(expected));
        let too_long = Change { view_password: Some("x".repeat(257)), ..Change::default() };
        assert!(matches!(now(change(&app, &admin, &too_long)), Err(Failure::Invalid { .. })));
    }

    #[test]
    fn settings_are_an_administrators_business() {
        let app = App::for_tests(Db::in_memory().unwrap());
        let viewer = session(Role::Viewer);
        assert!(matches!(now(read(&app, &viewer)), Err(Failure::Forbidden { .. })));
        assert!(matches!(now(change(&app, &viewer, &Change::default())), Err(Failure::Forbidden { .. })));
    }
}
