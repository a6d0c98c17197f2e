//! What a server answers, by path.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Answers by path and query below `/api2/json`.
#[derive(Debug, Clone, Default)]
pub struct Answers(BTreeMap<String, Answer>);

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) reason: String,
    /// The whole body.
    pub(crate) body: Value,
}

impl Answers {
    /// `path` is answered with this `data`. The query's order does not matter.
    pub fn set(&mut self, path: &str, data: Value) {
        let mut body = serde_json::Map::new();
        body.insert("data".to_owned(), data);
        self.0.insert(canonical(path), Answer { status: 200, reason: "OK".to_owned(), body: Value::Object(body) });
    }

    /// `path` is answered with this status and these words in its status line.
    pub fn refuse(&mut self, path: &str, status: u16, reason: &str) {
        let answer = Answer { status, reason: reason.to_owned(), body: json!({ "data": null }) };
        self.0.insert(canonical(path), answer);
    }

    /// `path` is answered no more.
    pub fn remove(&mut self, path: &str) {
        self.0.remove(&canonical(path));
    }

    /// Changes the `data` of a path.
    pub fn edit(&mut self, path: &str, edit: impl FnOnce(&mut Value)) {
        let answer = self.0.get_mut(&canonical(path)).unwrap_or_else(|| panic!("nothing is answered at {path}"));
        edit(&mut answer.body["data"]);
    }

    /// The `data` of a path.
    pub fn data(&self, path: &str) -> &Value {
        self.0.get(&canonical(path)).map_or(&Value::Null, |answer| &answer.body["data"])
    }

    /// What was recorded: a line of JSON for each answer, `{"path":"/nodes","status":200,"reason":"OK","body":{"data":…}}`; status and
    /// reason may be missing.
    pub fn recorded(text: &str) -> Self {
        let mut answers = Self::default();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("no record ({error}): {line}"));
            let path = line["path"].as_str().unwrap_or_else(|| panic!("a record without a path: {line}"));
            let status = line["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(200);
            let reason = line["reason"].as_str().unwrap_or("OK").to_owned();
            answers.0.insert(canonical(path), Answer { status, reason, body: line["body"].clone() });
        }
        answers
    }

    /// The answer to a path with its query; one without it serves for all.
    pub(crate) fn find(&self, path: &str) -> Option<&Answer> {
        let path = canonical(path);
        self.0.get(&path).or_else(|| self.0.get(path.split('?').next().unwrap_or_default()))
    }
}

/// A path with its query's parts in order, without those that are empty.
pub(crate) fn canonical(path: &str) -> String {
    let Some((path, query)) = path.split_once('?') else { return path.to_owned() };
    let mut parts: Vec<&str> = query.split('&').filter(|part| !part.is_empty() && !part.ends_with('=')).collect();
    parts.sort_unstable();
    if parts.is_empty() { path.to_owned() } else { format!("{path}?{}", parts.join("&")) }
}

/// The same with every number as a text.
pub(crate) fn with_text_numbers(value: &Value) -> Value {
    mapped(value, &|number| Value::String(number.to_string()))
}

/// The same with every number as a double.
pub(crate) fn with_doubles(value: &Value) -> Value {
    mapped(value, &|number| number.as_f64().map_or(Value::Null, |number| json!(number)))
}

/// The same at another moment: what guests use and move differs.
pub(crate) fn with_life(value: &Value, moment: usize) -> Value {
    match value {
        Value::Array(list) => list.iter().enumerate().map(|(at, value)| with_life(value, moment + at)).collect(),
        Value::Object(map) => map.iter().map(|(name, value)| (name.clone(), lived(name, value, moment))).collect(),
        other => other.clone(),
    }
}

fn lived(name: &str, value: &Value, moment: usize) -> Value {
    let step = u64::try_from(moment).unwrap_or(0) * 7_919;
    match (name, value.as_u64()) {
        ("netin" | "netout" | "diskread" | "diskwrite", Some(count)) => json!(count + step * 1_000),
        ("mem" | "freemem", Some(bytes)) => json!(bytes + step % 1_000 * 4_096),
        ("uptime", Some(seconds)) => json!(seconds + step / 79_190),
        ("cpu", None) if value.is_number() => json!(f64::from(u32::try_from(step % 3_000).unwrap_or(0)) / 10_000.0),
        _ => with_life(value, moment),
    }
}

fn mapped(value: &Value, of: &dyn Fn(&serde_json::Number) -> Value) -> Value {
    match value {
        Value::Number(number) => of(number),
        Value::Array(list) => list.iter().map(|value| mapped(value, of)).collect(),
        Value::Object(map) => map.iter().map(|(name, value)| (name.clone(), mapped(value, of))).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_a_query_does_not_matter_and_a_path_serves_for_all() {
        let mut answers = Answers::default();
        answers.set("/a?y=2&x=1", json!(1));
        answers.set("/b", json!(2));
        assert_eq!(answers.find("/a?x=1&y=2").map(|answer| &answer.body["data"]), Some(&json!(1)));
        assert_eq!(answers.find("/b?ns=").map(|answer| &answer.body["data"]), Some(&json!(2)));
        assert_eq!(answers.find("/b?ns=x").map(|answer| &answer.body["data"]), Some(&json!(2)));
        assert!(answers.find("/a").is_none());
    }

    #[test]
    fn records_are_answered_again() {
        let answers = Answers::recorded(
            "{\"path\":\"/version\",\"body\":{\"data\":{\"version\":\"8.4\"}}}\n\n{\"path\":\"/x\",\"status\":403,\"reason\":\"no\",\"body\":null}",
        );
        assert_eq!(answers.data("/version")["version"], "8.4");
        assert_eq!(answers.find("/x").map(|answer| (answer.status, answer.reason.as_str())), Some((403, "no")));
    }

    #[test]
    fn numbers_can_be_texts() {
        assert_eq!(with_text_numbers(&json!({"a":[1, 0.5, "x", null]})), json!({"a":["1", "0.5", "x", null]}));
        assert_eq!(with_doubles(&json!(3)).to_string(), "3.0");
    }
}
