//! Who is let in at Pulse's routes: who shows a token or has a session; and anybody who only looks, where the operator opened them.

use std::net::IpAddr;

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Credential, GuestView, Scopes, Token, TokenKind};

use crate::app::visitor::{Door, Visitor};
use crate::app::{App, identity};
use crate::platform::digest;
use crate::store::access;

/// What a request shows of who sends it.
#[derive(Debug, Clone)]
pub struct Shown<'a> {
    /// Tokens, in the order in which they count.
    pub tokens: Vec<&'a str>,
    /// Session cookies.
    pub cookies: Vec<&'a str>,
    /// Cookies of guests who knew the view password.
    pub view_cookies: Vec<&'a str>,
    /// Where it comes from.
    pub address: Option<IpAddr>,
}

/// Who shows a token or has a session. A wrong token beside a good one, or beside a session, does no harm.
///
/// # Errors
/// [`Failure::Unauthenticated`] for nobody; [`Failure::Forbidden`] for a token that may not be used from there.
pub async fn caller(app: &App, shown: &Shown<'_>) -> Result<Credential, Failure> {
    if let Some(credential) = by_variable(app, &shown.tokens) {
        return Ok(credential);
    }
    for token in shown.tokens.iter().copied().take(3) {
        match identity::caller(app, Some(token), &[], shown.address).await {
            Err(Failure::Unauthenticated) => {}
            other => return other,
        }
    }
    identity::caller(app, None, &shown.cookies, shown.address).await
}

/// Whoever shows the token of the deployment's variable is an administrator.
pub(super) fn by_variable(app: &App, tokens: &[&str]) -> Option<Credential> {
    let expected = digest::secret_hash(app.config.pulse.api_token.as_ref()?.text());
    tokens.iter().any(|token| digest::is_same(&digest::secret_hash(token), &expected)).then(|| {
        Credential::Token(Token {
            id: 0,
            kind: TokenKind::Api,
            scopes: Scopes { admin: true, ..Scopes::default() },
            note: "API_TOKEN".to_owned(),
            user_id: 0,
            expires_at: None,
            uses_left: None,
            address_ranges: vec![],
            last_use: None,
        })
    })
}

/// Who looks: as [`caller`], with the right to; or a guest, where Pulse's view is open to guests.
///
/// # Errors
/// As [`caller`]; [`Failure::Forbidden`] for one without the right to read.
pub async fn visitor(app: &App, shown: &Shown<'_>) -> Result<Visitor, Failure> {
    let found = caller(app, shown).await.and_then(|caller| require(&caller, Right::Read).map(|()| caller));
    let refused = match found {
        Ok(caller) => return Ok(Visitor::Member(caller)),
        Err(refused @ (Failure::Unauthenticated | Failure::Forbidden { .. })) => refused,
        Err(failure) => return Err(failure),
    };
    let door = Door::find(app).await?;
    let guest = if door.view == GuestView::Pulse { door.admit(&shown.view_cookies, app.now_s()) } else { None };
    guest.ok_or(refused)
}

/// Whether there is a token that programs may show.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn has_token(app: &App) -> Result<bool, Failure> {
    Ok(app.config.pulse.api_token.is_some() || access::has_api_token(&app.db, app.now_s()).await?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::platform::config::Config;
    use crate::platform::pulse_variables::{Hidden, PulseVariables};
    use crate::store::db::now;
    use crate::store::{Db, settings};

    fn shown<'a>(tokens: &[&'a str]) -> Shown<'a> {
        Shown { tokens: tokens.to_vec(), cookies: vec![], view_cookies: vec![], address: None }
    }

    fn app(view: &str) -> App {
        let app = App::for_tests(Db::in_memory().unwrap());
        now(app.db.run(settings::put(settings::GUEST_VIEW, view))).unwrap();
        let pulse = PulseVariables { api_token: Some(Hidden::from("hidden")), ..PulseVariables::default() };
        let config = Config { pulse, ..Config::clone(&app.config) };
        App { config: Arc::new(config), ..app }
    }

    #[test]
    fn the_variable_s_token_is_an_administrator_s_and_no_other_is() {
        let app = app("off");
        assert!(now(caller(&app, &shown(&["wrong", "hidden"]))).is_ok_and(|one| require(&one, Right::Admin).is_ok()));
        for tokens in [[].as_slice(), &["hidde"], &["hidden "], &[""]] {
            assert_eq!(now(caller(&app, &shown(tokens))), Err(Failure::Unauthenticated), "{tokens:?}");
        }
        assert_eq!(now(has_token(&app)), Ok(true));
        assert_eq!(now(has_token(&App::for_tests(Db::in_memory().unwrap()))), Ok(false));
    }

    #[test]
    fn guests_look_where_pulse_is_open_to_them_and_nowhere_else() {
        for (view, is_open) in [("off", false), ("status", false), ("pulse", true), ("other", false)] {
            let expected = if is_open { Ok(Visitor::Guest) } else { Err(Failure::Unauthenticated) };
            assert_eq!(now(visitor(&app(view), &shown(&["wrong"]))), expected, "{view}");
        }
        let app = app("pulse");
        now(app.db.run(settings::put(settings::VIEW_PASSWORD, "stored"))).unwrap();
        assert_eq!(now(visitor(&app, &shown(&[]))), Err(Failure::Unauthenticated), "where a password is asked for");
    }
}
