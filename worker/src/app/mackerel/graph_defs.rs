//! How metrics are drawn: of the whole organization, but every agent says how its own plugins' are.

use edgewatch_core::failure::Failure;
use edgewatch_core::model::GraphDef;

use super::invalid;
use crate::app::identity::Party;
use crate::app::{App, actor};
use crate::store::mackerel::graph_defs;

/// So many are kept.
const MOST: u64 = 10_000;

/// Puts definitions in the place of those of the same names. Those that are the same already cost nothing.
///
/// # Errors
/// [`Failure::Invalid`] for more than are kept; [`Failure::Unavailable`] when the database does not answer.
pub async fn put(app: &App, party: &Party, defs: &[GraphDef]) -> Result<(), Failure> {
    if defs.is_empty() {
        return Ok(());
    }
    let mut names: Vec<&str> = defs.iter().map(|def| def.name.as_str()).collect();
    names.truncate(100);
    if graph_defs::count(&app.db).await?.saturating_add(defs.len() as u64) > MOST {
        return Err(invalid("graph definitions", "more than 10,000 in all"));
    }
    let audit = app.audit(&actor(&party.credential), "graph_defs.put", &names.join(","))?;
    app.db.batch(vec![graph_defs::put(defs)?, audit]).await?;
    Ok(())
}

/// Deletes a definition.
///
/// # Errors
/// [`Failure::Forbidden`] for who reaches some hosts alone; [`Failure::Invalid`] when there is none of this name.
pub async fn delete(app: &App, party: &Party, name: &str) -> Result<(), Failure> {
    party.of_all()?;
    let audit = app.audit(&actor(&party.credential), "graph_defs.delete", name)?;
    let outcomes = app.db.batch(vec![graph_defs::delete(name), audit]).await?;
    if outcomes.first().is_some_and(|deleted| deleted.changes > 0) {
        return Ok(());
    }
    // Quirk: not 404. Source: mackerel specification, 5.4.
    Err(invalid("name", "there is no such graph definition"))
}
