//! A template's text as what it is made of.

/// So deep may conditions and brackets lie in each other.
const MAX_DEPTH: usize = 32;

/// A piece of a template.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// As it stands.
    Text(String),
    /// A value.
    Value(Pipeline),
    /// The first one whose condition is met; one without a condition always is.
    If(Vec<(Option<Pipeline>, Vec<Node>)>),
}

/// Commands, each with what the one before gave as its last argument.
pub type Pipeline = Vec<Command>;

/// A value, or a function and its arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct Command(pub Vec<Operand>);

/// A part of a command.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// A field, without the point before it.
    Field(String),
    /// A text.
    Text(String),
    /// A number.
    Number(f64),
    /// `true` or `false`.
    Bool(bool),
    /// A function's name.
    Function(String),
    /// What stands in brackets.
    Group(Pipeline),
}

/// What stands between two pairs of braces.
#[derive(Debug)]
enum Action<'a> {
    If(&'a str),
    Else(Option<&'a str>),
    End,
    Comment,
    Value(&'a str),
}

/// Takes a template apart.
pub fn parse(template: &str) -> Result<Vec<Node>, String> {
    let mut rest = template;
    let (nodes, end) = nodes(&mut rest, 0)?;
    match end {
        None => Ok(nodes),
        Some(_) => Err("an else or end without an if".to_owned()),
    }
}

/// Pieces up to the end, or up to an `else` or `end`, which comes along.
fn nodes<'a>(rest: &mut &'a str, depth: usize) -> Result<(Vec<Node>, Option<Action<'a>>), String> {
    if depth > MAX_DEPTH {
        return Err("conditions lie too deep in each other".to_owned());
    }
    let mut found = vec![];
    loop {
        let Some((text, after)) = rest.split_once("{{") else {
            found.push(Node::Text((*rest).to_owned()));
            *rest = "";
            return Ok((found, None));
        };
        let end = end_of(after).ok_or("an action without an end")?;
        let (inner, tail) = (after.get(..end).unwrap_or_default(), after.get(end + 2..).unwrap_or_default());
        let trims_before = inner.starts_with("- ");
        let trims_after = inner.ends_with(" -");
        let inner = inner.strip_prefix("- ").unwrap_or(inner);
        let inner = inner.strip_suffix(" -").unwrap_or(inner).trim();
        found.push(Node::Text(if trims_before { text.trim_end() } else { text }.to_owned()));
        *rest = if trims_after { tail.trim_start() } else { tail };
        match action(inner) {
            Action::Comment => {}
            Action::Value(text) => found.push(Node::Value(pipeline(text)?)),
            Action::If(condition) => found.push(branches(condition, rest, depth)?),
            end @ (Action::Else(_) | Action::End) => return Ok((found, Some(end))),
        }
    }
}

/// Where the action ends: before the first closing braces that are in no text.
fn end_of(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut quote = None;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match (quote, byte) {
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            (None, b'"' | b'`') => quote = Some(byte),
            (Some(b'"'), b'\\') => at += 1,
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
        at += 1;
    }
    None
}

fn action(inner: &str) -> Action<'_> {
    let (word, rest) = inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
    match (word, rest.trim()) {
        _ if inner.starts_with("/*") && inner.ends_with("*/") => Action::Comment,
        ("if", condition) => Action::If(condition),
        ("else", "") => Action::Else(None),
        ("else", rest) if rest.starts_with("if ") => Action::Else(Some(rest.trim_start_matches("if ").trim())),
        ("end", "") => Action::End,
        _ => Action::Value(inner),
    }
}

fn branches(condition: &str, rest: &mut &str, depth: usize) -> Result<Node, String> {
    let mut found = vec![];
    let mut condition = Some(pipeline(condition)?);
    loop {
        let (body, end) = nodes(rest, depth + 1)?;
        let was_else = condition.is_none();
        found.push((condition.take(), body));
        match end {
            Some(Action::End) => return Ok(Node::If(found)),
            Some(Action::Else(_)) if was_else => return Err("an else after an else".to_owned()),
            Some(Action::Else(next)) => condition = next.map(pipeline).transpose()?,
            _ => return Err("an if without an end".to_owned()),
        }
    }
}

fn pipeline(text: &str) -> Result<Pipeline, String> {
    let mut rest = text;
    let found = commands(&mut rest, 0)?;
    if rest.is_empty() { Ok(found) } else { Err(format!("what does {rest} mean?")) }
}

/// Commands up to the end or a closing bracket.
fn commands(rest: &mut &str, depth: usize) -> Result<Pipeline, String> {
    if depth > MAX_DEPTH {
        return Err("brackets lie too deep in each other".to_owned());
    }
    let mut found = vec![Command(vec![])];
    loop {
        *rest = rest.trim_start();
        let Some(first) = rest.chars().next() else { break };
        if first == ')' {
            break;
        }
        let Some(Command(operands)) = found.last_mut() else { break };
        match first {
            '|' => {
                *rest = rest.get(1..).unwrap_or_default();
                found.push(Command(vec![]));
            }
            '(' => {
                *rest = rest.get(1..).unwrap_or_default();
                let inner = commands(rest, depth + 1)?;
                *rest = rest.strip_prefix(')').ok_or("a bracket without its other half")?;
                operands.push(Operand::Group(inner));
            }
            '"' | '`' => operands.push(Operand::Text(text(rest, first)?)),
            _ => operands.push(word(rest)?),
        }
    }
    if found.iter().any(|Command(operands)| operands.is_empty()) {
        Err("an empty command".to_owned())
    } else {
        Ok(found)
    }
}

/// A text in quotes, without them.
fn text(rest: &mut &str, quote: char) -> Result<String, String> {
    let mut found = String::new();
    let mut letters = rest.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            _ if letter == quote => {
                *rest = rest.get(at + 1..).unwrap_or_default();
                return Ok(found);
            }
            '\\' if quote == '"' => match letters.next().map(|(_, letter)| letter) {
                Some('n') => found.push('\n'),
                Some('t') => found.push('\t'),
                Some(other @ ('"' | '\\' | '\'')) => found.push(other),
                _ => return Err("a text with an unknown escape".to_owned()),
            },
            _ => found.push(letter),
        }
    }
    Err("a text without its end".to_owned())
}

/// A field, a number, a boolean or a function's name.
fn word(rest: &mut &str) -> Result<Operand, String> {
    let end = rest.find(|one: char| one.is_whitespace() || "|()\"`".contains(one)).unwrap_or(rest.len());
    let (word, tail) = rest.split_at_checked(end).unwrap_or_default();
    *rest = tail;
    let is_name =
        |name: &str| !name.is_empty() && name.chars().all(|one| one.is_alphanumeric() || matches!(one, '_' | '-'));
    if let Some(path) = word.strip_prefix('.') {
        return if path.split('.').all(is_name) {
            Ok(Operand::Field(path.to_owned()))
        } else {
            Err(format!("{word} is no field"))
        };
    }
    match word {
        "true" => return Ok(Operand::Bool(true)),
        "false" => return Ok(Operand::Bool(false)),
        _ => {}
    }
    if word.starts_with(|one: char| one.is_ascii_digit() || one == '-') {
        let number = word.parse::<f64>().ok().filter(|number| number.is_finite());
        return number.map(Operand::Number).ok_or_else(|| format!("{word} is no number"));
    }
    if is_name(word) { Ok(Operand::Function(word.to_owned())) } else { Err(format!("what does {word} mean?")) }
}
