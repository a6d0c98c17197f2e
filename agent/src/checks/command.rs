//! A command line made into words, as a POSIX shell would: blanks, quotes and backslashes, and nothing else of a shell. Pure.

/// Why a command line has no words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// A quote that is not closed.
    #[error("the quote {0} is not closed")]
    Open(char),
    /// Nothing follows the last backslash.
    #[error("nothing follows the backslash at the end")]
    Backslash,
}

/// The words of a command line. No variable, pattern, pipe or comment means anything.
///
/// # Errors
/// [`WordsError`] when a quote is open or a backslash ends the line.
pub fn words(line: &str) -> Result<Vec<String>, WordsError> {
    let mut found = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = line.chars();
    while let Some(next) = rest.next() {
        match next {
            ' ' | '\t' | '\n' | '\r' => found.extend(word.take()),
            '\\' => match rest.next() {
                // A line that goes on is one line.
                Some('\n') => {}
                Some(escaped) => word.get_or_insert_default().push(escaped),
                None => return Err(WordsError::Backslash),
            },
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next() {
                        Some('\'') => break,
                        Some(inside) => word.push(inside),
                        None => return Err(WordsError::Open('\'')),
                    }
                }
            }
            '"' => double_quoted(&mut rest, word.get_or_insert_default())?,
            other => word.get_or_insert_default().push(other),
        }
    }
    found.extend(word);
    Ok(found)
}

/// Takes what stands up to the closing quote. A backslash escapes what a shell would let it escape, and stands for itself elsewhere.
fn double_quoted(rest: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), WordsError> {
    let open = WordsError::Open('"');
    loop {
        match rest.next().ok_or(open)? {
            '"' => return Ok(()),
            '\\' => match rest.next().ok_or(open)? {
                '\n' => {}
                escaped @ ('"' | '\\' | '$' | '`') => word.push(escaped),
                other => word.extend(['\\', other]),
            },
            inside => word.push(inside),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_part_words_and_quotes_hold_them_together() {
        for (line, expected) in [
            ("", vec![]),
            ("  check -w 1\t-c 2 ", vec!["check", "-w", "1", "-c", "2"]),
            ("echo 'a b' \"c d\"e", vec!["echo", "a b", "c de"]),
            ("echo '' \"\"", vec!["echo", "", ""]),
            (r"echo a\ b \'c\'", vec!["echo", "a b", "'c'"]),
            (r#"echo "a\"b\\c\d\$e""#, vec!["echo", r#"a"b\c\d$e"#]),
            (r"echo 'a\b'", vec!["echo", r"a\b"]),
            ("echo $HOME * | wc; x # y && z", vec!["echo", "$HOME", "*", "|", "wc;", "x", "#", "y", "&&", "z"]),
            ("one\\\ntwo three\nfour", vec!["onetwo", "three", "four"]),
        ] {
            assert_eq!(words(line).unwrap(), expected, "{line}");
        }
    }

    #[test]
    fn what_is_left_open_is_an_error() {
        assert_eq!(words("echo 'a"), Err(WordsError::Open('\'')));
        assert_eq!(words("echo \"a\\\""), Err(WordsError::Open('"')));
        assert_eq!(words("echo a\\"), Err(WordsError::Backslash));
        assert_eq!(words("echo 'a").unwrap_err().to_string(), "the quote ' is not closed");
    }
}
