//! The document of one API, from its table.

use std::collections::{BTreeMap, BTreeSet};

use edgewatch_core::failure::Failure;
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::operation::{Answer, Content, Describe, May, Operation};

/// What is said of a failure: its status and its body.
pub type Render = fn(&Operation, &Failure) -> (u16, Value);

/// One API.
#[derive(Debug)]
pub struct Api {
    /// Its name.
    pub title: &'static str,
    /// What it is for whom, in Markdown.
    pub description: &'static str,
    /// What its groups hold: their names, and a sentence each.
    pub tags: &'static [(&'static str, &'static str)],
    /// Its security schemes, as `OpenAPI` has them.
    pub security: Value,
    /// What its parameters of paths mean.
    pub names: &'static [(&'static str, &'static str)],
    /// Its operations, in the order of its groups.
    pub operations: Vec<Operation>,
    /// The type of a refusal.
    pub error: fn(&Operation) -> Describe,
    /// How it says that something failed.
    pub render: Render,
}

/// What one answer is: in words, its media type and schema, and an example with its name.
type Said = (String, Option<(&'static str, Value)>, Option<(String, Value)>);

/// The schemas of requests and of answers: a type that is both may look different in the two.
struct Schemas {
    taken: SchemaGenerator,
    given: SchemaGenerator,
}

impl Api {
    /// The document.
    pub fn document(&self) -> Value {
        let settings = || {
            let mut settings = SchemaSettings::draft2020_12();
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
            settings
        };
        let mut schemas = Schemas {
            taken: settings().for_deserialize().into_generator(),
            given: settings().for_serialize().into_generator(),
        };
        let mut paths: Map<String, Value> = Map::new();
        for operation in &self.operations {
            let item = paths.entry(open_path(operation.path)).or_insert_with(|| json!({}));
            item[operation.method.to_lowercase()] = self.operation(operation, &mut schemas);
        }
        let taken = schemas.taken.take_definitions(true);
        let mut given = schemas.given.take_definitions(true);
        // Where a type looks different as an answer, it has another name there.
        let differing: BTreeSet<String> = given
            .iter()
            .filter(|(name, schema)| taken.get(*name).is_some_and(|other| other != *schema))
            .map(|(name, _)| name.clone())
            .collect();
        let mut renamed = Map::new();
        for (name, mut schema) in std::mem::take(&mut given) {
            rename(&mut schema, &differing);
            renamed.insert(if differing.contains(&name) { format!("{name}Given") } else { name }, schema);
        }
        for item in paths.values_mut().filter_map(Value::as_object_mut).flat_map(Map::values_mut) {
            rename(&mut item["responses"], &differing);
        }
        let all: BTreeMap<String, Value> = taken.into_iter().chain(renamed).collect();
        let mut document = json!({
            "openapi": "3.1.1",
            "info": {
                "title": self.title,
                "version": env!("CARGO_PKG_VERSION"),
                "summary": "Part of Edgewatch.",
                "description": self.description,
                "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
            },
            "servers": [{ "url": "/", "description": "This deployment." }],
            "tags": self.tags.iter().map(|(name, words)| json!({ "name": name, "description": words })).collect::<Vec<_>>(),
            "paths": paths,
            "components": { "securitySchemes": self.security, "schemas": all },
        });
        tidy(&mut document);
        document
    }

    fn operation(&self, operation: &Operation, schemas: &mut Schemas) -> Value {
        let mut written = json!({
            "tags": [operation.tag],
            "operationId": id_of(operation),
            "summary": operation.summary,
            "description": format!("Who may: {}.", operation.who.words),
            "responses": self.responses(operation, schemas),
        });
        let parameters = self.parameters(operation);
        if !parameters.is_empty() {
            written["parameters"] = Value::from(parameters);
        }
        if let Some(request) = operation.request {
            let (media_type, schema) = match request {
                Content::Json(describe) => ("application/json", shape(&describe(&mut schemas.taken))),
                Content::Other(media_type) => (media_type, json!({})),
                Content::Nothing => ("application/json", json!({})),
            };
            let is_needed = operation.is_request_needed;
            written["requestBody"] = json!({ "required": is_needed, "content": { media_type: { "schema": schema } } });
        }
        let mut security: Vec<Value> = operation.who.schemes.iter().map(|scheme| json!({ *scheme: [] })).collect();
        if operation.who.optional {
            security.push(json!({}));
        }
        written["security"] = Value::from(security);
        written
    }

    fn parameters(&self, operation: &Operation) -> Vec<Value> {
        let words = |name: &str| self.names.iter().find(|(known, _)| *known == name).map_or("", |(_, words)| words);
        let in_path = operation.path_names().into_iter().map(|name| {
            json!({ "name": name, "in": "path", "required": true, "description": words(name), "schema": { "type": "string" } })
        });
        let in_query = operation.query.iter().map(|query| {
            json!({
                "name": query.name, "in": "query", "required": query.required, "description": query.words,
                "schema": { "type": "string" },
            })
        });
        in_path.chain(in_query).collect()
    }

    /// What is answered, by status. Some products say with 200 that something failed: then it is one of several.
    fn responses(&self, operation: &Operation, schemas: &mut Schemas) -> Value {
        let mut by_status: BTreeMap<u16, Vec<Said>> = BTreeMap::new();
        for Answer { status, words, content } in &operation.answers {
            let body = match content {
                Content::Json(describe) => Some(("application/json", shape(&describe(&mut schemas.given)))),
                Content::Other(media_type) => Some((*media_type, json!({}))),
                Content::Nothing => None,
            };
            by_status.entry(*status).or_default().push(((*words).to_owned(), body, None));
        }
        for failure in failures(operation) {
            let (status, body) = (self.render)(operation, &failure);
            let schema = (self.error)(operation)(&mut schemas.given).to_value();
            let (name, words) = told(&failure);
            let content = Some(("application/json", schema));
            by_status.entry(status).or_default().push((words.to_owned(), content, Some((name.to_owned(), body))));
        }
        let mut responses = Map::new();
        for (status, answers) in by_status {
            let mut words: Vec<String> = Vec::new();
            let mut contents: BTreeMap<&str, (Vec<Value>, Map<String, Value>)> = BTreeMap::new();
            for (said, body, example) in answers {
                if !words.contains(&said) {
                    words.push(said);
                }
                let Some((media_type, schema)) = body else { continue };
                let (all, examples) = contents.entry(media_type).or_default();
                if !all.contains(&schema) {
                    all.push(schema);
                }
                if let Some((name, example)) = example {
                    examples.insert(name, json!({ "value": example }));
                }
            }
            let mut response = json!({ "description": words.join(" ") });
            for (media_type, (mut all, examples)) in contents {
                let schema = if all.len() == 1 { all.remove(0) } else { json!({ "anyOf": all }) };
                response["content"][media_type]["schema"] = schema;
                if !examples.is_empty() {
                    response["content"][media_type]["examples"] = Value::from(examples);
                }
            }
            responses.insert(status.to_string(), response);
        }
        Value::from(responses)
    }
}

/// The path as `OpenAPI` writes it: a rest of any length is a name like others.
fn open_path(path: &str) -> String {
    path.replace("{*", "{")
}

/// A name that no other operation of the API has.
fn id_of(operation: &Operation) -> String {
    let mut id = operation.method.to_lowercase();
    for part in operation.path.split(['/', '-', '.', '{', '}', '*', '_']).filter(|part| !part.is_empty()) {
        let (first, rest) = part.split_at(part.chars().next().map_or(0, char::len_utf8));
        id.push_str(&first.to_uppercase());
        id.push_str(rest);
    }
    // The only thing that tells two paths apart may be the slash at the end.
    if operation.path.len() > 1 && operation.path.ends_with('/') { id + "Slash" } else { id }
}

/// What can go wrong with an operation of this shape.
fn failures(operation: &Operation) -> Vec<Failure> {
    let mut failures = Vec::new();
    if !operation.who.schemes.is_empty() && !operation.who.optional {
        failures.extend([Failure::Unauthenticated, Failure::Forbidden { needs: "another scope" }]);
    }
    if !operation.path_names().is_empty() || operation.may.contains(&May::NotFound) {
        failures.push(Failure::NotFound { what: "thing" });
    }
    if operation.request.is_some() {
        failures.push(Failure::Malformed { detail: "expected value at line 1 column 1".to_owned() });
        failures.push(Failure::TooLarge { limit_bytes: 1 << 20 });
    }
    if operation.request.is_some() || !operation.query.is_empty() {
        let reason = "what it may be".to_owned();
        failures.push(Failure::Invalid { field: "the_key_at_fault".to_owned(), reason });
    }
    if operation.may.contains(&May::Conflict) {
        failures.push(Failure::Conflict { detail: "what is in the way".to_owned() });
    }
    if operation.may.contains(&May::Attempts) {
        failures.push(Failure::TooManyAttempts { retry_after_s: 60 });
    }
    failures.push(Failure::Unavailable { detail: String::new() });
    failures.push(Failure::Internal(String::new()));
    failures
}

/// The name of a failure, and what it means.
fn told(failure: &Failure) -> (&'static str, &'static str) {
    match failure {
        Failure::Unauthenticated => ("unauthenticated", "No valid credential was shown."),
        Failure::Forbidden { .. } => ("forbidden", "The credential lacks what this needs."),
        Failure::NotFound { .. } => ("not_found", "There is no such thing."),
        Failure::MethodNotAllowed => ("method_not_allowed", "The path has no such method."),
        Failure::TooLarge { .. } => ("too_large", "The body is too large."),
        Failure::Malformed { .. } => ("malformed", "The body cannot be read."),
        Failure::Invalid { .. } => ("invalid", "A value cannot be."),
        Failure::Conflict { .. } => ("conflict", "What there is stands in the way."),
        Failure::TooManyAttempts { .. } => {
            ("too_many_attempts", "Too many attempts; `Retry-After` says how long to wait.")
        }
        Failure::Unavailable { .. } => ("unavailable", "The database cannot be reached just now; try again."),
        Failure::Internal(_) => ("internal", "Something broke."),
    }
}

/// Points references to these types to what they are as answers.
fn rename(value: &mut Value, names: &BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(reference)) = map.get_mut("$ref")
                && reference.strip_prefix("#/components/schemas/").is_some_and(|name| names.contains(name))
            {
                reference.push_str("Given");
            }
            map.values_mut().for_each(|value| rename(value, names));
        }
        Value::Array(list) => list.iter_mut().for_each(|value| rename(value, names)),
        _ => {}
    }
}

/// A schema as an object: `true`, which any value fits, is one without conditions.
fn shape(schema: &Schema) -> Value {
    match schema.as_value() {
        Value::Bool(true) => json!({}),
        other => other.clone(),
    }
}

/// Comments of sources become descriptions: without links of theirs, and in one line where they are one paragraph.
fn tidy(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(text)) = map.get_mut("description") {
                let paragraphs: Vec<String> = text
                    .split("\n\n")
                    .map(|paragraph| paragraph.lines().map(str::trim).collect::<Vec<_>>().join(" "))
                    .collect();
                *text = paragraphs.join("\n\n").replace("[`", "`").replace("`]", "`");
            }
            map.values_mut().for_each(tidy);
        }
        Value::Array(list) => list.iter_mut().for_each(tidy),
        _ => {}
    }
}
