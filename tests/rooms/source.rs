//! Rust source as words: enough to see its paths and its texts, without its comments and tests.

/// One word of the source, with its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Counted from 1.
    pub line: usize,
}

/// What a word is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A name or keyword.
    Name(String),
    /// The contents of a text literal.
    Text(String),
    /// `::`
    Join,
    /// Any other character.
    Sign(char),
}

impl Token {
    /// The name or keyword that it is.
    pub fn name(&self) -> Option<&str> {
        match &self.kind {
            Kind::Name(name) => Some(name),
            _ => None,
        }
    }

    /// Whether it is this character.
    pub fn is(&self, sign: char) -> bool {
        self.kind == Kind::Sign(sign)
    }
}

/// The words of a file, comments left out.
pub fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let begun = at;
        let rest = &chars[at..];
        let kind = match rest {
            ['/', '/', ..] => {
                at += rest.iter().take_while(|&&c| c != '\n').count();
                None
            }
            ['/', '*', ..] => {
                at += comment_length(rest);
                None
            }
            ['r', '"' | '#', ..] | ['b', 'r', '"' | '#', ..] if raw_text(rest).is_some() => {
                raw_text(rest).map(|(length, text)| {
                    at += length;
                    Kind::Text(text)
                })
            }
            ['b', '"', ..] | ['"', ..] => {
                let (length, text) = plain_text(rest);
                at += length;
                Some(Kind::Text(text))
            }
            // A character, not a lifetime.
            ['\'', '\\', ..] => {
                at += 3 + rest[3..].iter().take_while(|&&c| c != '\'').count();
                None
            }
            ['\'', _, '\'', ..] => {
                at += 2;
                None
            }
            [':', ':', ..] => {
                at += 1;
                Some(Kind::Join)
            }
            [first, ..] if first.is_alphabetic() || *first == '_' => {
                let length = rest.iter().take_while(|c| c.is_alphanumeric() || **c == '_').count();
                at += length - 1;
                Some(Kind::Name(rest[..length].iter().collect()))
            }
            [first, ..] if first.is_whitespace() => None,
            [first, ..] => Some(Kind::Sign(*first)),
            [] => None,
        };
        at = (at + 1).min(chars.len());
        if let Some(kind) = kind {
            found.push(Token { kind, line });
        }
        line += chars[begun..at].iter().filter(|&&c| c == '\n').count();
    }
    found
}

/// Up to, not including, the last character of a comment that may hold others.
fn comment_length(rest: &[char]) -> usize {
    let (mut at, mut depth) = (0, 0);
    while at + 1 < rest.len() {
        match (rest[at], rest[at + 1]) {
            ('/', '*') => (at, depth) = (at + 2, depth + 1),
            ('*', '/') => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
        if depth == 0 {
            return at - 1;
        }
    }
    rest.len()
}

fn raw_text(rest: &[char]) -> Option<(usize, String)> {
    let prefix = rest.iter().take_while(|c| ['b', 'r'].contains(c)).count();
    let hashes = rest[prefix..].iter().take_while(|&&c| c == '#').count();
    if rest.get(prefix + hashes) != Some(&'"') {
        return None;
    }
    let begin = prefix + hashes + 1;
    let closing: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let length = rest[begin..].windows(closing.len()).position(|window| window == closing)?;
    Some((begin + length + hashes, rest[begin..begin + length].iter().collect()))
}

fn plain_text(rest: &[char]) -> (usize, String) {
    let begin = 1 + usize::from(rest[0] == 'b');
    let mut text = String::new();
    let mut at = begin;
    while at < rest.len() && rest[at] != '"' {
        if rest[at] == '\\' {
            at += 1;
            // A line that goes on: the break and what leads the next line are not part of the text.
            if rest.get(at) == Some(&'\n') {
                at += 1;
                at += rest[at..].iter().take_while(|c| c.is_whitespace()).count();
                continue;
            }
        }
        text.extend(rest.get(at));
        at += 1;
    }
    (at.min(rest.len()), text)
}

/// The words without what stands under `#[cfg(test)]`.
pub fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let marker = [
        Kind::Sign('#'),
        Kind::Sign('['),
        name("cfg"),
        Kind::Sign('('),
        name("test"),
        Kind::Sign(')'),
        Kind::Sign(']'),
    ];
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let here = &tokens[at..];
        if here.len() > marker.len() && here.iter().zip(&marker).all(|(token, kind)| token.kind == *kind) {
            at += marker.len();
            let mut depth = 0_usize;
            while at < tokens.len() {
                let token = &tokens[at];
                at += 1;
                if token.is('{') {
                    depth += 1;
                } else if token.is('}') {
                    depth = depth.saturating_sub(1);
                }
                if depth == 0 && (token.is('}') || token.is(';')) {
                    break;
                }
            }
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

fn name(word: &str) -> Kind {
    Kind::Name(word.to_owned())
}

/// Every path of two names or more and every name that is imported, with its line; the braces of a `use` multiplied out.
pub fn paths(tokens: &[Token]) -> Vec<(Vec<String>, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at].name() == Some("use") {
            at = use_tree(tokens, at + 1, &[], &mut found);
            continue;
        }
        let starts = at == 0 || !(tokens[at - 1].kind == Kind::Join || tokens[at - 1].is('.'));
        let (segments, next) = simple_path(tokens, at);
        if starts && segments.len() > 1 {
            found.push((segments, tokens[at].line));
        }
        at = next.max(at + 1);
    }
    found
}

fn simple_path(tokens: &[Token], mut at: usize) -> (Vec<String>, usize) {
    let mut segments = Vec::new();
    while let Some(word) = tokens.get(at).and_then(Token::name) {
        segments.push(word.to_owned());
        at += 1;
        if tokens.get(at).is_some_and(|token| token.kind == Kind::Join)
            && tokens.get(at + 1).and_then(Token::name).is_some()
        {
            at += 1;
        } else {
            break;
        }
    }
    (segments, at)
}

/// Reads one branch of a `use` and answers where it ends.
fn use_tree(tokens: &[Token], mut at: usize, prefix: &[String], found: &mut Vec<(Vec<String>, usize)>) -> usize {
    if tokens.get(at).is_some_and(|token| token.kind == Kind::Join) {
        at += 1;
    }
    let line = tokens.get(at).map_or(0, |token| token.line);
    let (segments, mut next) = simple_path(tokens, at);
    let path = [prefix, &segments].concat();
    if tokens.get(next).is_some_and(|token| token.kind == Kind::Join) {
        next += 1;
    }
    if tokens.get(next).is_some_and(|token| token.is('{')) {
        next += 1;
        while next < tokens.len() && !tokens[next].is('}') {
            if tokens[next].is(',') {
                next += 1;
            } else {
                next = use_tree(tokens, next, &path, found).max(next + 1);
            }
        }
        return next + 1;
    }
    if !path.is_empty() {
        found.push((path, line));
    }
    while next < tokens.len() && ![',', '}', ';'].iter().any(|&sign| tokens[next].is(sign)) {
        next += 1;
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths_of(text: &str) -> Vec<String> {
        paths(&without_tests(&tokens(text))).into_iter().map(|(path, _)| path.join("::")).collect()
    }

    #[test]
    fn braces_are_multiplied_out() {
        assert_eq!(
            paths_of("use crate::{app::{self, hosts as h}, store::Db};"),
            ["crate::app::self", "crate::app::hosts", "crate::store::Db"]
        );
    }

    #[test]
    fn paths_in_code_count_and_comments_texts_and_lifetimes_do_not() {
        let text = "/* a::b /* c::d */ */ fn f<'a>(x: &'a str) -> x::Y { // e::f\n  let c = ':'; g::h::<i::J>(\"k::l\", r#\"m::n\"#) }";
        assert_eq!(paths_of(text), ["x::Y", "g::h", "i::J"]);
    }

    #[test]
    fn tests_do_not_count() {
        assert_eq!(paths_of("#[cfg(test)]\nmod tests { use a::b; fn f() { c::d(); } }\nuse e::f;"), ["e::f"]);
        assert_eq!(paths_of("#[cfg(test)]\nmod tests;\nuse e::f;"), ["e::f"]);
    }

    #[test]
    fn lines_are_counted() {
        assert_eq!(paths(&tokens("\n\"a\nb\";\nuse c::d;"))[0].1, 4);
    }
}
