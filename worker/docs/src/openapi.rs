//! The documents of the APIs, `OpenAPI` 3.1. What a route takes and answers is told by the wire types themselves; what there is besides
//! (who may call, parameters of queries, a sentence) stands in a table per API, and a test holds the tables to the routers.

mod document;
mod mackerel;
mod native;
mod nezha;
mod openitcockpit;
mod operation;
mod pulse;
#[cfg(test)]
mod tests;

use serde_json::Value;

pub use document::Api;

/// Every API: the file that its document is written to, below the Worker's assets, and the API.
pub fn all() -> Vec<(&'static str, Api)> {
    vec![
        ("openapi.json", native::api()),
        ("openapi/mackerel.json", mackerel::api()),
        ("openapi/nezha.json", nezha::api()),
        ("openapi/openitcockpit.json", openitcockpit::api()),
        ("openapi/pulse.json", pulse::api()),
    ]
}

/// A document as it is written: for programs first, but people look at it too.
pub fn write(document: &Value) -> String {
    format!("{document:#}\n")
}
