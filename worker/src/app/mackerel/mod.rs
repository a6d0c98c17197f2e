//! What programs for Mackerel do: hosts with their details, services and roles, documents, graph definitions, people.

pub mod graph_defs;
pub mod hosts;
pub mod metadata;
pub mod people;
pub mod services;

use edgewatch_core::failure::Failure;

/// What is said of a value that means nothing.
fn invalid(field: &str, reason: &str) -> Failure {
    Failure::Invalid { field: field.to_owned(), reason: reason.to_owned() }
}

/// A retired host stays as it is. Source: mackerel specification, 3.4.
fn is_retired() -> Failure {
    invalid("host", "is retired")
}
