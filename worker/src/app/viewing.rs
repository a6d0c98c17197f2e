//! Who may look on while it happens, and what they may see.

use edgewatch_core::failure::Failure;
use edgewatch_core::units::UnixSeconds;

use super::App;
use super::visitor::Visitor;
use crate::store::settings;
use crate::viewers::client::Viewer;

/// What a visitor may see over a live socket, until what they showed is over.
pub fn viewer(visitor: &Visitor, now: UnixSeconds) -> Viewer {
    let (sees_hidden, guest) = (visitor.sees_hidden(), visitor.is_guest());
    Viewer { sees_hidden, guest, ..Viewer::member(visitor.until(now)) }
}

/// Somebody who is told all that they may see, every two seconds.
pub fn feed_viewer(visitor: &Visitor, now: UnixSeconds) -> Viewer {
    Viewer { guest: visitor.is_guest(), ..Viewer::of_feed(visitor.sees_hidden(), visitor.until(now)) }
}

/// Somebody who is told all that they may see as programs for Pulse are.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn pulse_viewer(app: &App, visitor: &Visitor) -> Result<Viewer, Failure> {
    let installed_at = settings::find_installed_at(&app.db).await?.seconds();
    let viewer = Viewer::of_pulse(visitor.sees_hidden(), visitor.until(app.now_s()), installed_at);
    Ok(Viewer { guest: visitor.is_guest(), ..viewer })
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgewatch_core::model::{Credential, Role, Session, User};

    #[test]
    fn who_knows_the_view_password_is_a_guest_who_sees_more() {
        let user = User { id: 1, name: "a".to_owned(), role: Role::Viewer };
        let member = Visitor::Member(Credential::Session(Session { user, expires_at: UnixSeconds(9) }));
        let seen = |visitor: &Visitor| {
            let both = [viewer(visitor, UnixSeconds(1)), feed_viewer(visitor, UnixSeconds(1))];
            both.map(|one| (one.sees_hidden, one.guest, one.feed))
        };
        assert_eq!(seen(&member), [(true, false, false), (true, false, true)]);
        assert_eq!(seen(&Visitor::TrustedGuest), [(true, true, false), (true, true, true)]);
        assert_eq!(seen(&Visitor::Guest), [(false, true, false), (false, true, true)]);
    }
}
