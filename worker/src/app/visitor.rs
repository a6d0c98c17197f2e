//! Who looks at what guests may be shown: a member, a guest who showed the view password, or a guest.

use std::net::IpAddr;

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::domain::attempts;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Credential, GuestView};
use edgewatch_core::units::UnixSeconds;

use super::{App, accounts, identity};
use crate::platform::digest;
use crate::store::settings;

/// How long the view password is not asked for again. Source: nezha specification, 2.3.
pub const VIEW_SESSION_S: i64 = 86_400;

/// Somebody who looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visitor {
    /// Somebody with a token that may read, or a session.
    Member(Credential),
    /// Somebody who showed the view password.
    TrustedGuest,
    /// Anybody else, where guests are let in.
    Guest,
}

/// What a visitor showed.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// A token.
    pub token: Option<&'a str>,
    /// Session cookies.
    pub cookies: &'a [&'a str],
    /// Cookies of guests who knew the view password.
    pub view_cookies: &'a [&'a str],
    /// Where the visitor is.
    pub address: Option<IpAddr>,
}

/// How guests are let in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Door {
    /// How far.
    pub view: GuestView,
    /// The view password as it is stored; `None` where none is asked for.
    pub password: Option<String>,
}

impl Visitor {
    /// Whether hosts that are hidden from guests are shown.
    pub const fn sees_hidden(&self) -> bool {
        match self {
            Self::Member(_) | Self::TrustedGuest => true,
            Self::Guest => false,
        }
    }

    /// Whether it came without a credential of its own.
    pub const fn is_guest(&self) -> bool {
        match self {
            Self::Member(_) => false,
            Self::TrustedGuest | Self::Guest => true,
        }
    }

    /// Until when the visitor may stay without showing anew who it is; `None` for what has no end.
    pub fn until(&self, now: UnixSeconds) -> Option<UnixSeconds> {
        match self {
            Self::Member(Credential::Token(token)) => token.expires_at,
            Self::Member(Credential::Session(session)) => Some(session.expires_at),
            Self::TrustedGuest => Some(now.plus(VIEW_SESSION_S)),
            Self::Guest => None,
        }
    }
}

impl Door {
    /// How this deployment lets guests in: at most 2 rows read.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] when the database does not answer.
    pub async fn find(app: &App) -> Result<Self, Failure> {
        let (view, password) = settings::find_two(&app.db, settings::GUEST_VIEW, settings::VIEW_PASSWORD).await?;
        // What is not understood lets nobody in.
        let view = view.as_deref().and_then(GuestView::parse).unwrap_or_default();
        Ok(Self { view, password: password.filter(|password| !password.is_empty()) })
    }

    /// What a guest gets who knew the view password: good until a day from `now`, or until the password is set again. `None`
    /// where there is no password.
    pub fn pass(&self, now: UnixSeconds) -> Option<String> {
        self.password.as_deref().map(|password| pass(password, now.plus(VIEW_SESSION_S).0))
    }

    /// The guest with these passes; `None` for one who is not let in.
    pub(super) fn admit(&self, passes: &[&str], now: UnixSeconds) -> Option<Visitor> {
        if let Some(password) = &self.password {
            // A cookie header may repeat a name; more than a few is no browser.
            let knows = passes.iter().take(3).any(|shown| is_pass(password, shown, now));
            return knows.then_some(Visitor::TrustedGuest);
        }
        (self.view != GuestView::Off).then_some(Visitor::Guest)
    }
}

/// The visitor who showed this. What is wrong with a token or cookie makes a guest of its bearer.
///
/// # Errors
/// [`Failure::Unauthenticated`] for guests where none are let in, or who have yet to show the view password;
/// [`Failure::Forbidden`] for one of them who showed a token that may not read, or not from there; [`Failure::Unavailable`] when
/// the database does not answer.
pub async fn visitor(app: &App, shown: &Shown<'_>) -> Result<Visitor, Failure> {
    let credential = identity::caller(app, shown.token, shown.cookies, shown.address).await;
    let refused = match credential.and_then(|caller| require(&caller, Right::Read).map(|()| caller)) {
        Ok(caller) => return Ok(Visitor::Member(caller)),
        Err(refused @ (Failure::Unauthenticated | Failure::Forbidden { .. })) => refused,
        Err(failure) => return Err(failure),
    };
    Door::find(app).await?.admit(shown.view_cookies, app.now_s()).ok_or(refused)
}

/// What a guest gets who shows the view password: the value of a cookie, good for [`VIEW_SESSION_S`].
///
/// # Errors
/// [`Failure::Unauthenticated`] when it is wrong or there is none; [`Failure::TooManyAttempts`] when it was not even tried.
pub async fn show_view_password(app: &App, password: &str, address: Option<IpAddr>) -> Result<String, Failure> {
    let door = Door::find(app).await?;
    let pass = door.pass(app.now_s()).ok_or(Failure::Unauthenticated)?;
    accounts::attempt(app, attempts::VIEW_ACCOUNT, door.password, password, address).await?;
    Ok(pass)
}

/// `<when it is over>-<signature>`: it says nothing about the password, and dies with it.
fn pass(password: &str, until_s: i64) -> String {
    format!("{until_s}-{}", digest::signature(password, &format!("view until {until_s}")))
}

fn is_pass(password: &str, shown: &str, now: UnixSeconds) -> bool {
    let until_s = shown.split_once('-').and_then(|(until, _)| until.parse::<i64>().ok());
    until_s.is_some_and(|until_s| now.0 < until_s && digest::is_same(shown, &pass(password, until_s)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Db;
    use crate::store::db::now;

    const NOW: UnixSeconds = UnixSeconds(1_795_361_190);

    fn app(view: &str, password: &str) -> App {
        let db = Db::in_memory().unwrap();
        let put = |key, value| settings::put(key, value);
        now(db.batch(vec![put(settings::GUEST_VIEW, view), put(settings::VIEW_PASSWORD, password)])).unwrap();
        App::for_tests(db)
    }

    fn found(app: &App, view_cookies: &[&str]) -> Result<Visitor, Failure> {
        let shown = Shown { token: None, cookies: &[], view_cookies, address: None };
        now(visitor(app, &shown))
    }

    #[test]
    fn guests_are_let_in_by_the_setting_alone() {
        for (view, expected) in [
            ("off", Err(Failure::Unauthenticated)),
            ("anything else", Err(Failure::Unauthenticated)),
            ("status", Ok(Visitor::Guest)),
            ("pulse", Ok(Visitor::Guest)),
        ] {
            assert_eq!(found(&app(view, ""), &[]), expected, "{view}");
        }
        assert_eq!(found(&App::for_tests(Db::in_memory().unwrap()), &[]), Err(Failure::Unauthenticated));
    }

    #[test]
    fn where_a_view_password_is_set_it_has_to_be_shown() {
        for view in ["off", "status", "pulse"] {
            let app = app(view, "stored");
            assert_eq!(found(&app, &[]), Err(Failure::Unauthenticated), "{view}");
            let pass = now(Door::find(&app)).unwrap().pass(NOW).unwrap();
            assert_eq!(found(&app, &["", "x", &pass]), Ok(Visitor::TrustedGuest), "{view}");
            assert_eq!(found(&app, &["", "x", "y", &pass]), Err(Failure::Unauthenticated), "beyond a few");
        }
    }

    #[test]
    fn a_pass_is_good_for_its_password_and_its_day() {
        let good = pass("stored", NOW.0 + 1);
        assert!(is_pass("stored", &good, NOW));
        assert!(!is_pass("stored", &good, NOW.plus(1)), "over");
        assert!(!is_pass("set again", &good, NOW));
        let later = good.replacen(&(NOW.0 + 1).to_string(), &(NOW.0 + 9).to_string(), 1);
        for forged in [later.as_str(), "", "-", "1795361191-", &good[1..], &format!("{good}0"), "9999999999-x"] {
            assert!(!is_pass("stored", forged, NOW), "{forged}");
        }
        let door = Door { view: GuestView::Status, password: None };
        assert_eq!(door.pass(NOW), None);
    }

    #[test]
    fn hidden_hosts_are_for_those_who_are_known() {
        assert!(!Visitor::Guest.sees_hidden() && Visitor::TrustedGuest.sees_hidden());
        assert_eq!((Visitor::Guest.until(NOW), Visitor::TrustedGuest.until(NOW)), (None, Some(NOW.plus(86_400))));
    }
}
