//! What programs for Mackerel do: hosts with their details, services and roles, documents, graph definitions, people; who is told of
//! alerts and when nobody is; what people keep beside graphs.

pub mod alert_groups;
pub mod alerts;
pub mod annotations;
pub mod channels;
pub mod checks;
pub mod dashboards;
pub mod downtimes;
mod forget;
pub mod graph_defs;
pub mod groups;
pub mod hosts;
pub mod metadata;
pub mod monitors;
pub mod people;
mod scope;
pub mod services;

use edgewatch_core::domain::ids;
use edgewatch_core::failure::Failure;

/// So many are kept of a kind of thing that is always read whole.
const MOST: usize = 1_000;

/// Something with the id of eleven characters by which programs know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept<T> {
    /// The id.
    pub id: String,
    /// What it is.
    pub value: T,
}

/// A row with its number, as programs know it.
fn kept<T>((number, value): (i64, T)) -> Kept<T> {
    Kept { id: ids::of_row(number), value }
}

/// The number of the thing with this id.
fn number(id: &str, what: &'static str) -> Result<i64, Failure> {
    // What is beyond is beyond what D1 takes, too.
    let number = ids::to_number(id).and_then(|number| i64::try_from(number).ok());
    number.filter(|number| *number < 1 << 53).ok_or(Failure::NotFound { what })
}

/// What is said of a value that means nothing.
fn invalid(field: &str, reason: &str) -> Failure {
    Failure::Invalid { field: field.to_owned(), reason: reason.to_owned() }
}

fn too_many(what: &str) -> Failure {
    invalid(what, "there are as many as there may be")
}

/// A retired host stays as it is. Source: mackerel specification, 3.4.
fn is_retired() -> Failure {
    invalid("host", "is retired")
}
