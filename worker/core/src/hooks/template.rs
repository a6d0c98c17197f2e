//! Bodies of webhooks from templates in the language that Pulse's users write them in: Go's `text/template`, as far as it is harmless.
//! There are values, pipelines, conditions and a dozen functions; no loops, no variables, no templates within templates.
//!
//! What is filled in is escaped as the inside of a JSON text: bodies are JSON, and a name must not be able to end a text.

mod eval;
mod parse;

use std::collections::BTreeMap;

use eval::Value;
use parse::{Node, parse};

/// The longest body, bytes.
const MAX_BYTES: usize = 256 * 1024;

/// What a template may name.
#[derive(Debug, Clone, PartialEq)]
pub enum Field {
    /// A text.
    Text(String),
    /// A number.
    Number(f64),
}

/// The template with these fields filled in.
///
/// # Errors
/// What is wrong with the template.
pub fn render_template(template: &str, fields: &BTreeMap<String, Field>) -> Result<String, String> {
    let nodes = parse(template)?;
    let mut out = String::with_capacity(template.len() * 2);
    write(&nodes, fields, &mut out)?;
    Ok(out)
}

fn write(nodes: &[Node], fields: &BTreeMap<String, Field>, out: &mut String) -> Result<(), String> {
    for node in nodes {
        match node {
            Node::Text(text) => out.push_str(text),
            Node::Value(pipeline) => {
                let value = eval::pipeline(pipeline, fields)?;
                match value {
                    Value::Text(text) => out.push_str(&escaped(&text)),
                    other => out.push_str(&other.text()),
                }
            }
            Node::If(branches) => {
                for (condition, body) in branches {
                    let is_met = match condition {
                        Some(condition) => eval::pipeline(condition, fields)?.is_true(),
                        None => true,
                    };
                    if is_met {
                        write(body, fields, out)?;
                        break;
                    }
                }
            }
        }
        if out.len() > MAX_BYTES {
            return Err("the body is too long".to_owned());
        }
    }
    Ok(())
}

/// A text as it stands within the quotes of JSON.
fn escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(template: &str) -> Result<String, String> {
        let fields = [
            ("Level", Field::Text("critical".to_owned())),
            ("Message", Field::Text("a \"b\"\n\\c".to_owned())),
            ("Empty", Field::Text(String::new())),
            ("Value", Field::Number(85.46)),
            ("Threshold", Field::Number(80.0)),
            ("CustomFields.key", Field::Text("k v&1".to_owned())),
        ];
        render_template(template, &fields.into_iter().map(|(name, field)| (name.to_owned(), field)).collect())
    }

    #[test]
    fn values_are_filled_in_and_can_end_no_text() {
        for (template, body) in [
            ("", ""),
            ("plain { } text", "plain { } text"),
            ("{{.Level}}/{{ .Threshold }}/{{.Value}}", "critical/80/85.46"),
            ("\"{{.Message}}\"", r#""a \"b\"\n\\c""#),
            ("{{.Level | upper}} {{.Level | title}} {{upper .Level | lower}}", "CRITICAL Critical critical"),
            (r#"{{printf "%.1f%% of %s, %d, %v" .Value .Level 7 .Threshold}}"#, "85.5% of critical, 7, 80"),
            (r#"{{.Value | printf "%.0f"}}"#, "85"),
            ("{{urlquery .CustomFields.key}}", "k+v%261"),
            ("a  {{- .Threshold -}}  b {{/* nothing */}}c", "a80b c"),
            ("{{`raw \"`}}{{\"q\\\"\\n\"}}", r#"raw \"q\"\n"#),
        ] {
            assert_eq!(rendered(template).as_deref(), Ok(body), "{template}");
        }
    }

    #[test]
    fn conditions_choose() {
        for (template, body) in [
            (r#"{{if eq .Level "critical"}}red{{else}}green{{end}}"#, "red"),
            (r#"{{if eq .Level "warning"}}a{{else if eq .Level "critical"}}b{{else}}c{{end}}"#, "b"),
            ("{{if .Empty}}a{{end}}b", "b"),
            ("{{if and .Level (not .Empty)}}a{{end}}", "a"),
            ("{{if or .Empty (gt .Value 90)}}a{{else}}b{{end}}", "b"),
            ("{{if ge .Value 85.46}}{{if lt .Value 86.0}}a{{end}}{{end}}", "a"),
            (r#"{{if ne .Level "x"}}{{if le .Threshold 80}}a{{end}}{{end}}"#, "a"),
            (r#"{{or .Empty "other"}}"#, "other"),
            (r#"{{if eq .Level "x" "critical"}}a{{end}}"#, "a"),
        ] {
            assert_eq!(rendered(template).as_deref(), Ok(body), "{template}");
        }
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for template in [
            "{{",
            "{{.Level",
            "{{}}",
            "{{.Nothing}}",
            "{{.}}",
            "{{if .Level}}a",
            "{{end}}",
            "{{else}}",
            "{{if .Level}}a{{else}}b{{else}}c{{end}}",
            "{{range .Level}}{{end}}",
            "{{template \"x\"}}",
            "{{$x := 1}}",
            "{{call .Level}}",
            "{{upper}}",
            "{{eq .Level}}",
            "{{printf .Level}}{{printf}}",
            "{{gt .Level 1}}",
            "{{(.Level}}",
            "{{\"open}}",
            "{{.Level | 7}}",
        ] {
            assert!(rendered(template).is_err(), "{template}");
        }
        let deep = format!("{}x{}", "{{if .Level}}".repeat(40), "{{end}}".repeat(40));
        assert!(rendered(&deep).is_err());
        let nested = format!("{{{{{}.Level{}}}}}", "(".repeat(40), ")".repeat(40));
        assert!(rendered(&nested).is_err());
        assert!(rendered(&r#"{{printf "%s%s%s%s" .Level .Level .Level .Level}}"#.repeat(9_000)).is_err());
    }
}
