//! How metrics are drawn. Source: mackerel specification, 5.4.

use serde::Deserialize;

use super::read::{bounded, invalid, parse, parse_object};
use crate::failure::Failure;
use crate::model::{GraphDef, GraphMetric};

/// What metrics are counted in.
const UNITS: [&str; 9] =
    ["float", "integer", "percentage", "seconds", "milliseconds", "bytes", "bytes/sec", "bits/sec", "iops"];
/// So many definitions come in one call.
const MOST: usize = 500;
/// So many metrics has one.
const MOST_METRICS: usize = 500;
/// The longest name of a metric.
const MAX_NAME_BYTES: usize = 255;
/// The longest name for people, in characters.
const MAX_DISPLAY_CHARS: usize = 512;

/// As it is sent.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct GraphDefRequest {
    name: String,
    display_name: Option<String>,
    unit: Option<String>,
    metrics: Vec<MetricRequest>,
}

/// As it is sent.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct MetricRequest {
    name: String,
    display_name: Option<String>,
    is_stacked: Option<bool>,
}

/// As it is sent.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NameRequest {
    name: String,
}

/// The definitions that a body has: the last one of a name counts.
///
/// # Errors
/// [`Failure::Malformed`] for what cannot be read; [`Failure::Invalid`] for a name or unit that cannot be.
pub fn read_graph_defs(body: &[u8]) -> Result<Vec<GraphDef>, Failure> {
    let requests: Vec<GraphDefRequest> = parse(body)?;
    if requests.len() > MOST {
        return Err(invalid("graph definitions", "more than 500"));
    }
    requests.into_iter().map(graph_def).collect()
}

/// The name of the definition to delete.
///
/// # Errors
/// [`Failure::Malformed`] for what cannot be read.
pub fn read_graph_def_name(body: &[u8]) -> Result<String, Failure> {
    parse_object::<NameRequest>(body).map(|request| request.name)
}

fn graph_def(request: GraphDefRequest) -> Result<GraphDef, Failure> {
    let name = request.name;
    if !is_custom_name(&name) {
        return Err(invalid("name", "is not custom. and words of a-z, A-Z, 0-9, - and _, or * and at most one #"));
    }
    let unit = request.unit.filter(|unit| !unit.is_empty()).unwrap_or_else(|| "float".to_owned());
    if !UNITS.contains(&unit.as_str()) {
        return Err(invalid("unit", format!("is not one of {}", UNITS.join(", "))));
    }
    if request.metrics.len() > MOST_METRICS {
        return Err(invalid("metrics", "more than 500"));
    }
    let display = |text: Option<String>| bounded("displayName", text.unwrap_or_default(), MAX_DISPLAY_CHARS);
    let metric = |metric: MetricRequest| {
        let last = metric.name.strip_prefix(&name).and_then(|rest| rest.strip_prefix('.'));
        if !last.is_some_and(is_part) || !is_custom_name(&metric.name) {
            return Err(invalid("metrics", format!("{} is not {name}. and one word or wildcard", metric.name)));
        }
        Ok(GraphMetric {
            name: metric.name,
            display_name: display(metric.display_name)?,
            is_stacked: metric.is_stacked.unwrap_or(false),
        })
    };
    let metrics = request.metrics.into_iter().map(metric).collect::<Result<_, _>>()?;
    Ok(GraphDef { display_name: display(request.display_name)?, unit, metrics, name })
}

fn is_part(part: &str) -> bool {
    let is_word = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    part == "*" || part == "#" || is_word(part)
}

/// `custom.` and more; at most one `#`. Source: mackerel specification, 2.3.
fn is_custom_name(name: &str) -> bool {
    let parts = name.strip_prefix("custom.");
    let fits = parts.is_some_and(|parts| parts.split('.').all(is_part));
    fits && name.len() <= MAX_NAME_BYTES && name.matches('#').count() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_agent_sends_is_taken() {
        let sent = r#"[{"name":"custom.dice","displayName":"My Dice","unit":"integer",
            "metrics":[{"name":"custom.dice.d6","displayName":"Die","isStacked":false},{"name":"custom.dice.*"}]}]"#;
        let defs = read_graph_defs(sent.as_bytes()).unwrap();
        assert_eq!(
            (defs[0].name.as_str(), defs[0].unit.as_str(), defs[0].metrics.len()),
            ("custom.dice", "integer", 2)
        );
        assert_eq!((defs[0].metrics[1].display_name.as_str(), defs[0].metrics[1].is_stacked), ("", false));
        let bare =
            read_graph_defs(br#"[{"name":"custom.a.#.b","metrics":[{"name":"custom.a.#.b.*","isStacked":true}]}]"#);
        assert_eq!(bare.unwrap()[0].unit, "float");
        assert_eq!(read_graph_defs(b"[]"), Ok(vec![]));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for bad in [
            "null",
            "{}",
            r#"[{"name":"custom.a"}]"#,
            r#"[{"name":"dice","metrics":[]}]"#,
            r#"[{"name":"custom","metrics":[]}]"#,
            r#"[{"name":"custom.","metrics":[]}]"#,
            r#"[{"name":"custom.a b","metrics":[]}]"#,
            r#"[{"name":"custom.#.#","metrics":[]}]"#,
            r#"[{"name":"custom.#","metrics":[{"name":"custom.#.#"}]}]"#,
            r#"[{"name":"custom.a","unit":"furlongs","metrics":[]}]"#,
            r#"[{"name":"custom.a","metrics":[{"name":"custom.b.c"}]}]"#,
            r#"[{"name":"custom.a","metrics":[{"name":"custom.a.b.c"}]}]"#,
            r#"[{"name":"custom.a","metrics":[{"name":"custom.ab"}]}]"#,
        ] {
            assert!(read_graph_defs(bad.as_bytes()).is_err(), "{bad}");
        }
        assert_eq!(read_graph_def_name(br#"{"name":"custom.cpu.foo"}"#), Ok("custom.cpu.foo".to_owned()));
        assert!(read_graph_def_name(b"{}").is_err());
    }
}
