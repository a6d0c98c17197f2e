//! Typed values of a section, with the stock agent's words for truth and its defaults. Pure.
//!
//! Source: openitcockpit specification, 9.1.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use super::ini::Section;
use crate::config::ConfigError;

/// The values of one section, which need not be there.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a> {
    name: &'a str,
    section: Option<&'a Section>,
}

impl<'a> Values<'a> {
    /// The values of the section called `name`.
    pub fn new(name: &'a str, section: Option<&'a Section>) -> Self {
        Self { name, section }
    }

    /// The text of a key, which may be empty; `None` where the key does not stand.
    pub fn raw(&self, key: &str) -> Option<&'a str> {
        self.section?.get(key)
    }

    /// The text of a key; `None` where it is empty or does not stand.
    pub fn text(&self, key: &str) -> Option<&'a str> {
        self.raw(key).filter(|value| !value.is_empty())
    }

    /// A path: `absent` where the key does not stand, none where it is empty.
    pub fn path(&self, key: &str, absent: Option<PathBuf>) -> Option<PathBuf> {
        match self.raw(key) {
            None => absent,
            Some("") => None,
            Some(path) => Some(path.into()),
        }
    }

    /// A truth: `absent` where the key does not stand; an empty one is false.
    ///
    /// # Errors
    /// A word that is none of those that are known.
    pub fn truth(&self, key: &str, absent: bool) -> Result<bool, ConfigError> {
        let Some(text) = self.raw(key) else { return Ok(absent) };
        match text {
            "" | "0" | "f" | "F" | "false" | "False" | "FALSE" => Ok(false),
            "1" | "t" | "T" | "true" | "True" | "TRUE" => Ok(true),
            // Ours: the original ends at these.
            _ if ["yes", "on"].iter().any(|word| text.eq_ignore_ascii_case(word)) => Ok(true),
            _ if ["no", "off"].iter().any(|word| text.eq_ignore_ascii_case(word)) => Ok(false),
            _ => Err(self.wrong(key, text, "true or false is expected")),
        }
    }

    /// A whole number, decimal, `0x` or `0o`: `absent` where the key does not stand or is empty, the latter with a note.
    ///
    /// # Errors
    /// What is no number, or lies outside.
    pub fn number(
        &self,
        key: &str,
        absent: i64,
        range: RangeInclusive<i64>,
        notes: &mut Vec<String>,
    ) -> Result<i64, ConfigError> {
        let Some(text) = self.raw(key) else { return Ok(absent) };
        if text.is_empty() {
            notes.push(format!("[{}] {key} is empty; {absent} is taken", self.name));
            return Ok(absent);
        }
        let parsed = if let Some(hex) = text.strip_prefix("0x") {
            i64::from_str_radix(hex, 16)
        } else if let Some(octal) = text.strip_prefix("0o") {
            i64::from_str_radix(octal, 8)
        } else {
            text.parse()
        };
        parsed.ok().filter(|number| range.contains(number)).ok_or_else(|| {
            let expected = format!("a whole number from {} to {} is expected", range.start(), range.end());
            self.wrong(key, text, &expected)
        })
    }

    /// An error about a key.
    pub fn wrong(&self, key: &str, text: &str, expected: &str) -> ConfigError {
        ConfigError::new(format!("[{}] {key} is `{text}`; {expected}", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::super::ini::Ini;
    use super::*;

    #[test]
    fn truths_and_numbers_are_written_in_many_ways() {
        let ini = Ini::parse(
            "[a]\nt1 = 1\nt2 = t\nt3 = TRUE\nt4 = Yes\nt5 = ON\nf1 = 0\nf2 = F\nf3 = false\nf4 = no\nf5 =\nbad = maybe\n\
             n1 = 30\nn2 = 0x1f\nn3 = 0o17\nn4 =\nn5 = 3s\nn6 = -1\np1 =\np2 = /x\n",
        );
        let values = Values::new("a", ini.section("a"));
        for key in ["t1", "t2", "t3", "t4", "t5"] {
            assert_eq!(values.truth(key, false), Ok(true), "{key}");
        }
        for key in ["f1", "f2", "f3", "f4", "f5"] {
            assert_eq!(values.truth(key, true), Ok(false), "{key}");
        }
        assert_eq!((values.truth("none", true), values.truth("none", false)), (Ok(true), Ok(false)));
        assert_eq!(values.truth("bad", true).unwrap_err().to_string(), "[a] bad is `maybe`; true or false is expected");
        let mut notes = Vec::new();
        let mut number = |key| values.number(key, 7, 0..=100, &mut notes);
        assert_eq!([number("n1"), number("n2"), number("n3"), number("none")], [Ok(30), Ok(31), Ok(15), Ok(7)]);
        assert_eq!(number("n4"), Ok(7));
        assert!(number("n5").is_err() && number("n6").unwrap_err().to_string().contains("0 to 100"));
        assert_eq!(notes, ["[a] n4 is empty; 7 is taken"]);
        let default = || Some(PathBuf::from("/d"));
        assert_eq!([values.path("p1", default()), values.path("p2", default())], [None, Some("/x".into())]);
        assert_eq!(
            (values.path("none", default()), values.text("p1"), values.text("p2")),
            (default(), None, Some("/x"))
        );
    }
}
