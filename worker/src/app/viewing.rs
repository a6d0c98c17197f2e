//! Who may look on while it happens, and what they may see.

use edgewatch_core::failure::Failure;
use edgewatch_core::model::GuestView;
use edgewatch_core::units::UnixSeconds;

use super::App;
use super::pulse::system;
use super::visitor::{Door, Visitor};
use crate::store::settings;
use crate::viewers::client::{PulseTerms, Viewer};

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
    let started_at_s = settings::find_installed_at(&app.db).await?.seconds().0;
    let terms = PulseTerms { started_at_s, poll_s: system::find(app).await?.polling_s };
    let viewer = Viewer::of_pulse(visitor.sees_hidden(), visitor.until(app.now_s()), terms);
    Ok(Viewer { guest: visitor.is_guest(), ..viewer })
}

/// Somebody who may be a program of either kind: as [`feed_viewer`], and as [`pulse_viewer`] where they may see that.
///
/// # Errors
/// As [`pulse_viewer`].
pub async fn viewer_of_both(app: &App, visitor: &Visitor) -> Result<Viewer, Failure> {
    if visitor.is_guest() && Door::find(app).await?.view != GuestView::Pulse {
        return Ok(feed_viewer(visitor, app.now_s()));
    }
    Ok(Viewer { feed: true, ..pulse_viewer(app, visitor).await? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgewatch_core::model::{Credential, Role, Session, User};

    use crate::store::Db;
    use crate::store::db::now;

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

    #[test]
    fn a_guest_is_told_in_the_words_of_both_where_guests_see_what_both_show() {
        let app = App::for_tests(Db::in_memory().unwrap());
        for (view, is_told) in [("off", false), ("status", false), ("pulse", true)] {
            now(app.db.run(settings::put(settings::GUEST_VIEW, view))).unwrap();
            let viewer = now(viewer_of_both(&app, &Visitor::Guest)).unwrap();
            assert_eq!((viewer.feed, viewer.guest, viewer.pulse.is_some()), (true, true, is_told), "{view}");
        }
    }
}
