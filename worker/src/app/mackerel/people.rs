//! People, as programs for Mackerel see them. The administrator who came first is the owner.

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::domain::{ids, passwords};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Account, Authority, Invitation, Role};

use super::invalid;
use crate::app::identity::Party;
use crate::app::{App, accounts, actor};
use crate::store::mackerel::invitations;
use crate::store::users;

/// How long an invitation is good, seconds.
const GOOD_FOR_S: i64 = 7 * 86_400;

/// A person as they are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The id of eleven characters.
    pub public_id: String,
    /// Who.
    pub account: Account,
    /// Whether they are the owner, who cannot be removed.
    pub is_owner: bool,
}

/// Everybody, in the order in which they came.
///
/// # Errors
/// [`Failure::Forbidden`] for who reaches some hosts alone; [`Failure::Unavailable`] when the database does not answer.
pub async fn list(app: &App, party: &Party) -> Result<Vec<Person>, Failure> {
    party.of_all()?;
    let accounts = users::list(&app.db).await?;
    let owner = accounts.iter().find(|account| account.user.role == Role::Admin).map(|account| account.user.id);
    let person = |account: Account| Person {
        public_id: ids::of_row(account.user.id),
        is_owner: Some(account.user.id) == owner,
        account,
    };
    Ok(accounts.into_iter().map(person).collect())
}

/// Removes a person, with what they made; gives them as they were. It takes an administrator, whatever else a key may write.
///
/// # Errors
/// As [`list`]; [`Failure::Forbidden`] for who is no administrator, and for the owner; [`Failure::NotFound`] when there is nobody
/// of this id.
pub async fn remove(app: &App, party: &Party, public_id: &str) -> Result<Person, Failure> {
    require(&party.credential, Right::Admin)?;
    let people = list(app, party).await?;
    let person = people.into_iter().find(|person| person.public_id == public_id);
    let person = person.ok_or(Failure::NotFound { what: "user" })?;
    if person.is_owner {
        return Err(Failure::Forbidden { needs: "the right to remove the owner" });
    }
    accounts::remove(app, &party.credential, person.account.user.id).await?;
    Ok(person)
}

/// The invitations that are good.
///
/// # Errors
/// As [`list`].
pub async fn invited(app: &App, party: &Party) -> Result<Vec<Invitation>, Failure> {
    party.of_all()?;
    Ok(invitations::list(&app.db, app.now_s()).await?)
}

/// Whether the caller may invite people: they would let others in.
///
/// # Errors
/// [`Failure::Forbidden`] for who is no administrator.
pub fn may_invite(party: &Party) -> Result<(), Failure> {
    require(&party.credential, Right::Admin)
}

/// Invites somebody for a week: with their first sign-in by the access proxy they get an account. Nobody is sent anything.
///
/// # Errors
/// As [`may_invite`]; [`Failure::Invalid`] for an address that is none, or somebody's who has an account.
pub async fn invite(app: &App, party: &Party, email: &str, authority: Authority) -> Result<Invitation, Failure> {
    may_invite(party)?;
    let email = passwords::clean_email(email)?;
    if users::find_by_email(&app.db, &email).await?.is_some() {
        return Err(invalid("email", "is somebody's who has an account"));
    }
    let invitation = Invitation { email, authority, expires_at: app.now_s().plus(GOOD_FOR_S) };
    let mut statements = invitations::put(&invitation, app.now_s());
    statements.push(app.audit(&actor(&party.credential), "user.invite", &invitation.email)?);
    app.db.batch(statements).await?;
    Ok(invitation)
}

/// Revokes an invitation.
///
/// # Errors
/// As [`may_invite`]; [`Failure::NotFound`] when nobody of this address is invited.
pub async fn revoke(app: &App, party: &Party, email: &str) -> Result<(), Failure> {
    may_invite(party)?;
    let unknown = || Failure::NotFound { what: "invitation" };
    let email = passwords::clean_email(email).map_err(|_| unknown())?;
    invitations::find(&app.db, &email, app.now_s()).await?.ok_or_else(unknown)?;
    let audit = app.audit(&actor(&party.credential), "user.revoke_invitation", &email)?;
    app.db.batch(vec![invitations::delete(&email), audit]).await?;
    Ok(())
}
