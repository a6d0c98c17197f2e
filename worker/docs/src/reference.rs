//! The page of an API, from its document: what stands there stands in the document, and nothing else.

use std::fmt::Write;

use serde_json::Value;

use crate::page::{Page, escape, heading, slug};

/// The page at `path`. `address`: where the document is.
pub fn render(path: String, document: &Value, address: &str) -> Page {
    let info = &document["info"];
    let (title, description) = (text(&info["title"]).to_owned(), text(&info["description"]));
    let summary = description.split("\n\n").next().unwrap_or_default().replace('`', "");
    let mut page = Page { path, title, summary, parts: vec![], main: String::new() };
    let _ = write!(page.main, "<h1>{}</h1>\n{}", escape(&page.title), paragraphs(description));
    let _ = writeln!(page.main, "<p>The same for programs: <a href=\"{address}\">{address}</a> (OpenAPI 3.1).</p>");
    begin(&mut page, "who", "Who shows what");
    page.main.push_str("<dl>\n");
    for (name, scheme) in entries(&document["components"]["securitySchemes"]) {
        let place = match (scheme["in"].as_str(), scheme["name"].as_str()) {
            (Some(place), Some(name)) => format!("{place} <code>{}</code>", escape(name)),
            _ => "header <code>Authorization: Bearer …</code>".to_owned(),
        };
        let words = inline(text(&scheme["description"]));
        let _ = writeln!(page.main, "<dt><code>{}</code></dt><dd>{place}: {words}</dd>", escape(name));
    }
    page.main.push_str("</dl>\n");
    for tag in list(&document["tags"]) {
        let name = text(&tag["name"]);
        begin(&mut page, &slug(name), name);
        let _ = writeln!(page.main, "<p>{}</p>", inline(text(&tag["description"])));
        for (path, item) in entries(&document["paths"]) {
            for (method, operation) in
                entries(item).filter(|(_, operation)| list(&operation["tags"]).iter().any(|one| one == name))
            {
                write_operation(&mut page.main, path, method, operation);
            }
        }
    }
    begin(&mut page, "types", "Types");
    for (name, schema) in entries(&document["components"]["schemas"]) {
        write_type(&mut page.main, name, schema);
    }
    page
}

/// Begins a part of the page.
fn begin(page: &mut Page, id: &str, words: &str) {
    page.parts.push((id.to_owned(), words.to_owned()));
    page.main.push_str(&heading(2, id, words));
}

fn write_type(main: &mut String, name: &str, schema: &Value) {
    main.push_str(&heading(3, &escape(&format!("type-{name}")), name));
    main.push_str(&paragraphs(text(&schema["description"])));
    if schema["properties"].is_object() {
        write_properties(main, schema);
    } else {
        let _ = writeln!(main, "<p>{}</p>", kind(schema));
    }
    for (one, other) in [("oneOf", "One of these:"), ("anyOf", "One of these:"), ("allOf", "All of these:")] {
        let all = list(&schema[one]);
        if !all.is_empty() && schema["properties"].is_object() {
            let _ = writeln!(main, "<p>{other} {}</p>", all.iter().map(kind).collect::<Vec<_>>().join(" or "));
        }
    }
}

fn write_operation(main: &mut String, path: &str, method: &str, operation: &Value) {
    let _ = write!(
        main,
        "<details class=\"operation\">\n<summary><span class=\"method\">{}</span> <code>{}</code> <span>{}</span></summary>\n",
        method.to_uppercase(),
        escape(path),
        inline(text(&operation["summary"])),
    );
    // Within what is folded: a browser unfolds what its address names.
    let id = escape(text(&operation["operationId"]));
    let _ = writeln!(main, "<p class=\"here\" id=\"{id}\"><a href=\"#{id}\">#{id}</a></p>");
    main.push_str(&paragraphs(text(&operation["description"])));
    let parameters = list(&operation["parameters"]);
    if !parameters.is_empty() {
        main.push_str("<table class=\"rows\">\n<thead><tr><th>Parameter</th><th>In</th><th>What it is</th></tr></thead>\n<tbody>\n");
        for parameter in parameters {
            let needed = if parameter["required"] == true { ", needed" } else { "" };
            let _ = writeln!(
                main,
                "<tr><td><code>{}</code></td><td>{}{needed}</td><td>{}</td></tr>",
                escape(text(&parameter["name"])),
                escape(text(&parameter["in"])),
                inline(text(&parameter["description"])),
            );
        }
        main.push_str("</tbody>\n</table>\n");
    }
    for (_, content) in entries(&operation["requestBody"]["content"]) {
        let or_nothing = if operation["requestBody"]["required"] == true { "" } else { ", or no body" };
        let _ = writeln!(main, "<p>Takes {}{or_nothing}.</p>", kind(&content["schema"]));
    }
    main.push_str(
        "<table class=\"rows\">\n<thead><tr><th>Status</th><th>When</th><th>Body</th></tr></thead>\n<tbody>\n",
    );
    for (status, response) in entries(&operation["responses"]) {
        let bodies: Vec<String> = entries(&response["content"])
            .map(|(media_type, content)| match media_type {
                "application/json" => kind(&content["schema"]),
                other => format!("<code>{}</code>", escape(other)),
            })
            .collect();
        let body = if bodies.is_empty() { "nothing".to_owned() } else { bodies.join(" or ") };
        let _ = writeln!(
            main,
            "<tr><td>{}</td><td>{}</td><td>{body}</td></tr>",
            escape(status),
            inline(text(&response["description"]))
        );
    }
    main.push_str("</tbody>\n</table>\n</details>\n");
}

fn write_properties(main: &mut String, schema: &Value) {
    main.push_str(
        "<table class=\"rows\">\n<thead><tr><th>Key</th><th>Type</th><th>What it is</th></tr></thead>\n<tbody>\n",
    );
    let required = list(&schema["required"]);
    for (key, property) in entries(&schema["properties"]) {
        let may_miss = if required.iter().any(|one| one == key) { "" } else { ", may be missing" };
        let _ = writeln!(
            main,
            "<tr><td><code>{}</code></td><td>{}{may_miss}</td><td>{}</td></tr>",
            escape(key),
            kind(property),
            inline(text(&property["description"])),
        );
    }
    main.push_str("</tbody>\n</table>\n");
}

/// What a schema lets in, in words.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return format!("<a href=\"#type-{0}\">{0}</a>", escape(name));
    }
    if !schema["const"].is_null() {
        return format!("<code>{}</code>", escape(&schema["const"].to_string()));
    }
    for several in ["anyOf", "oneOf"] {
        let all = list(&schema[several]);
        if !all.is_empty() {
            return all.iter().map(kind).collect::<Vec<_>>().join(" or ");
        }
    }
    if let [one] = list(&schema["allOf"]) {
        return kind(one);
    }
    let words = list(&schema["enum"]);
    if !words.is_empty() {
        return words
            .iter()
            .map(|word| format!("<code>{}</code>", escape(&word.to_string())))
            .collect::<Vec<_>>()
            .join(" or ");
    }
    let types = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => return "anything".to_owned(),
    };
    let word = |one: &str| match one {
        "array" => format!("a list of {}", kind(&schema["items"])),
        "object" if schema["additionalProperties"].is_object() => {
            format!("by name: {}", kind(&schema["additionalProperties"]))
        }
        "object" if schema["properties"].is_object() => entries(&schema["properties"])
            .map(|(key, property)| format!("<code>{}</code>: {}", escape(key), kind(property)))
            .collect::<Vec<_>>()
            .join(", "),
        "object" => "an object".to_owned(),
        "integer" => "a whole number".to_owned(),
        "number" => "a number".to_owned(),
        "string" => "a text".to_owned(),
        "boolean" => "true or false".to_owned(),
        other => escape(other),
    };
    types.into_iter().map(word).collect::<Vec<_>>().join(" or ")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

fn paragraphs(text: &str) -> String {
    let mut html = String::new();
    for part in text.split("\n\n").filter(|part| !part.is_empty()) {
        html.extend(["<p>", &inline(part), "</p>\n"]);
    }
    html
}

/// Text with its words in backticks as code.
fn inline(text: &str) -> String {
    let mut parts = escape(text).split('`').map(str::to_owned).collect::<Vec<_>>();
    if parts.len() % 2 == 0 {
        return parts.join("`");
    }
    for part in parts.iter_mut().skip(1).step_by(2) {
        *part = format!("<code>{part}</code>");
    }
    parts.concat()
}
