//! People, as programs for Mackerel see them. The administrator who came first is the owner.

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::domain::ids;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Account, Role};

use crate::app::identity::Party;
use crate::app::{App, accounts};
use crate::store::users;

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
        public_id: ids::of_number(u64::try_from(account.user.id).unwrap_or(0)),
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
