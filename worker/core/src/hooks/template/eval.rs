//! What a template's commands give.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Field;
use super::parse::{Command, Operand, Pipeline};

/// The longest text that a function makes, bytes.
const MAX_TEXT_BYTES: usize = 64 * 1024;

/// What a command gives.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Text(String),
    Number(f64),
    Bool(bool),
}

impl Value {
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Bool(is_true) => is_true.to_string(),
        }
    }

    /// As conditions see it: what is empty or 0 is false.
    pub fn is_true(&self) -> bool {
        match self {
            Self::Text(text) => !text.is_empty(),
            Self::Number(number) => *number != 0.0,
            Self::Bool(is_true) => *is_true,
        }
    }

    fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Text(one), Self::Text(two)) => Some(one.cmp(two)),
            (Self::Number(one), Self::Number(two)) => one.partial_cmp(two),
            (Self::Bool(one), Self::Bool(two)) => Some(one.cmp(two)),
            _ => None,
        }
    }
}

pub fn pipeline(commands: &Pipeline, fields: &BTreeMap<String, Field>) -> Result<Value, String> {
    let mut last = None;
    for Command(operands) in commands {
        let (first, rest) = operands.split_first().ok_or("an empty command")?;
        let mut arguments = rest.iter().map(|one| operand(one, fields)).collect::<Result<Vec<_>, _>>()?;
        let has_more = !arguments.is_empty() || last.is_some();
        arguments.extend(last.take());
        last = Some(match first {
            Operand::Function(name) => call(name, &arguments)?,
            _ if has_more => return Err("a value is no function".to_owned()),
            value => operand(value, fields)?,
        });
    }
    last.ok_or_else(|| "an empty command".to_owned())
}

fn operand(one: &Operand, fields: &BTreeMap<String, Field>) -> Result<Value, String> {
    match one {
        Operand::Field(name) => match fields.get(name) {
            Some(Field::Text(text)) => Ok(Value::Text(text.clone())),
            Some(Field::Number(number)) => Ok(Value::Number(*number)),
            None => Err(format!("there is no .{name}")),
        },
        Operand::Text(text) => Ok(Value::Text(text.clone())),
        Operand::Number(number) => Ok(Value::Number(*number)),
        Operand::Bool(is_true) => Ok(Value::Bool(*is_true)),
        Operand::Group(inner) => pipeline(inner, fields),
        Operand::Function(name) => call(name, &[]),
    }
}

fn call(name: &str, arguments: &[Value]) -> Result<Value, String> {
    let given = match (name, arguments) {
        ("upper", [text]) => Value::Text(text.text().to_uppercase()),
        ("lower", [text]) => Value::Text(text.text().to_lowercase()),
        ("title", [text]) => Value::Text(title(&text.text())),
        ("urlquery" | "urlencode", [text]) => Value::Text(url_query(&text.text())),
        ("print", values) => Value::Text(values.iter().map(Value::text).collect()),
        ("printf", [Value::Text(format), values @ ..]) => Value::Text(printf(format, values)?),
        ("not", [value]) => Value::Bool(!value.is_true()),
        ("and", [.., last]) => arguments.iter().find(|one| !one.is_true()).unwrap_or(last).clone(),
        ("or", [.., last]) => arguments.iter().find(|one| one.is_true()).unwrap_or(last).clone(),
        ("eq", [one, others @ ..]) if !others.is_empty() => Value::Bool(others.iter().any(|other| one == other)),
        ("ne", [one, two]) => Value::Bool(one != two),
        ("lt" | "le" | "gt" | "ge", [one, two]) => {
            let order = one.compare(two).ok_or("values of two types cannot be compared")?;
            Value::Bool(match name {
                "lt" => order.is_lt(),
                "le" => order.is_le(),
                "gt" => order.is_gt(),
                _ => order.is_ge(),
            })
        }
        _ => return Err(format!("there is no function {name} of so many values")),
    };
    match &given {
        Value::Text(text) if text.len() > MAX_TEXT_BYTES => Err(format!("{name} makes too long a text")),
        _ => Ok(given),
    }
}

fn title(text: &str) -> String {
    let mut is_first = true;
    let letter = |letter: char| {
        let upper = is_first && letter.is_alphabetic();
        is_first = !letter.is_alphanumeric();
        if upper { letter.to_uppercase().collect::<String>() } else { letter.to_string() }
    };
    text.chars().map(letter).collect()
}

fn url_query(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            // Writing into a text cannot fail.
            byte => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

/// As Go has it, of the verbs `%s`, `%v`, `%d`, `%f` with or without digits, and `%%`.
fn printf(format: &str, values: &[Value]) -> Result<String, String> {
    let (mut out, mut values, mut rest) = (String::new(), values.iter(), format);
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let end = after.find(|one: char| one.is_alphabetic() || one == '%').ok_or("a format without its verb")?;
        let (flags, tail) = after.split_at_checked(end).unwrap_or_default();
        let verb = tail.chars().next().unwrap_or('%');
        rest = tail.get(verb.len_utf8()..).unwrap_or_default();
        if verb == '%' {
            out.push('%');
            continue;
        }
        let value = values.next().ok_or("a format with too few values")?;
        let digits = flags.split_once('.').and_then(|(_, digits)| digits.parse::<usize>().ok());
        let text = match (verb, value) {
            ('s' | 'v', value) => value.text(),
            ('d', Value::Number(number)) => format!("{:.0}", number.trunc()),
            ('f', Value::Number(number)) => format!("{number:.*}", digits.unwrap_or(6).min(20)),
            _ => return Err(format!("%{verb} does not fit its value")),
        };
        out.push_str(&text);
    }
    out.push_str(rest);
    Ok(out)
}
