//! The file dialect of the stock openITCOCKPIT agent: sections of keys, with comments that cut values. Pure.
//!
//! Source: openitcockpit specification, 9.1. Names of sections and keys are the same in any case; of two values the later one holds. What is
//! wrong is kept with its section, so that a caller may drop one section and keep the others.

use std::collections::BTreeMap;

/// How deep `%(name)s` may lead to values that have such themselves.
const MOST_DEPTH: usize = 10;
/// A value does not grow past this by `%(name)s`, bytes.
const MOST_BYTES: usize = 64 * 1024;
/// The section of keys that stand before the first one.
const DEFAULT: &str = "default";

/// A file, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ini {
    sections: Vec<Section>,
    /// Whether the first header is `[default]`.
    begins_with_default: bool,
}

/// One section; those of the same name are one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Section {
    /// In lower case.
    pub name: String,
    /// What cannot be read in it, each with its line.
    pub wrong: Vec<String>,
    values: BTreeMap<String, String>,
}

impl Section {
    /// The value of a key (in lower case), quotes and comments taken off; `None` where the key does not stand.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// Every key (in lower case) and its value, by key.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

impl Ini {
    /// Reads a file. It never fails: see [`Section::wrong`].
    pub fn parse(text: &str) -> Self {
        let mut reader =
            Reader { lines: text.trim_start_matches('\u{feff}').lines().enumerate(), ini: Self::default() };
        reader.read();
        let mut ini = reader.ini;
        ini.interpolate();
        ini
    }

    /// The section of that name (in lower case).
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// All sections, in their order.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// What is wrong anywhere, the first of it.
    pub fn first_wrong(&self) -> Option<&str> {
        self.sections.iter().flat_map(|section| &section.wrong).map(String::as_str).next()
    }

    /// Whether this is a stock agent's main configuration rather than another file.
    pub fn is_main(&self) -> bool {
        self.begins_with_default || self.section("oitc").is_some()
    }

    fn open(&mut self, name: &str) -> usize {
        let name = name.trim().to_lowercase();
        if let Some(at) = self.sections.iter().position(|section| section.name == name) {
            return at;
        }
        self.sections.push(Section { name, ..Section::default() });
        self.sections.len() - 1
    }

    /// Puts other values where `%(name)s` names them: those of the same section, else of `[default]`. A name that is unknown stays.
    fn interpolate(&mut self) {
        let before = self.clone();
        let defaults = before.section(DEFAULT);
        for section in &mut self.sections {
            let known = before.section(&section.name);
            let find = |name: &str| {
                let name = name.trim().to_lowercase();
                known.and_then(|section| section.get(&name)).or_else(|| defaults.and_then(|section| section.get(&name)))
            };
            for value in section.values.values_mut().filter(|value| value.contains("%(")) {
                for _ in 0..MOST_DEPTH {
                    let filled = fill(value, &find);
                    if filled == *value {
                        break;
                    }
                    *value = filled;
                }
            }
        }
    }
}

/// Every `%(name)s` that `find` knows is replaced, once.
fn fill<'a>(value: &str, find: &impl Fn(&str) -> Option<&'a str>) -> String {
    let (mut filled, mut rest) = (String::with_capacity(value.len()), value);
    while let Some((before, behind)) = rest.split_once("%(") {
        filled.push_str(before);
        match behind.split_once(")s").and_then(|(name, after)| Some((find(name)?, after))) {
            Some((found, after)) if filled.len() + found.len() + after.len() <= MOST_BYTES => {
                filled.push_str(found);
                rest = after;
            }
            _ => {
                filled.push_str("%(");
                rest = behind;
            }
        }
    }
    filled.push_str(rest);
    filled
}

struct Reader<'a> {
    lines: std::iter::Enumerate<std::str::Lines<'a>>,
    ini: Ini,
}

impl Reader<'_> {
    fn read(&mut self) {
        let (mut at, mut is_first) = (None, true);
        while let Some((index, line)) = self.lines.next() {
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(named) = line.strip_prefix('[') {
                let opened = self.ini.open(named.split(']').next().unwrap_or_default());
                at = Some(opened);
                let is_default = self.ini.sections.get(opened).is_some_and(|section| section.name == DEFAULT);
                self.ini.begins_with_default |= std::mem::take(&mut is_first) && is_default;
                if !named.contains(']') {
                    self.note(opened, index, "`]` is missing");
                }
                continue;
            }
            let section = match at {
                Some(section) => section,
                None => *at.insert(self.ini.open(DEFAULT)),
            };
            let Some((key, value)) = line.split_once(['=', ':']) else {
                self.note(section, index, "expected `key = value`");
                continue;
            };
            let key = key.trim().to_lowercase();
            let value = self.value(value.trim(), section, index);
            if let Some(section) = self.ini.sections.get_mut(section) {
                section.values.insert(key, value);
            }
        }
    }

    fn note(&mut self, section: usize, index: usize, words: &str) {
        if let Some(section) = self.ini.sections.get_mut(section) {
            section.wrong.push(format!("line {}: {words}", index + 1));
        }
    }

    /// The value that begins like this; what it goes on with is taken from the lines that follow.
    fn value(&mut self, begun: &str, section: usize, index: usize) -> String {
        for mark in ["\"\"\"", "`"] {
            if let Some(inside) = begun.strip_prefix(mark) {
                return self.marked(inside, mark, section, index);
            }
        }
        let mut value = begun.to_owned();
        while value.ends_with('\\') {
            value.pop();
            let Some((_, next)) = self.lines.next() else { break };
            value.push_str(next.trim());
        }
        let cut = value.split(['#', ';']).next().unwrap_or_default().trim();
        let quoted = ['"', '\''].iter().find_map(|mark| cut.strip_prefix(*mark)?.strip_suffix(*mark));
        quoted.unwrap_or(cut).to_owned()
    }

    /// A value between marks, as it stands, over lines where it has several.
    fn marked(&mut self, inside: &str, mark: &str, section: usize, index: usize) -> String {
        if let Some((value, _)) = inside.rsplit_once(mark) {
            return value.to_owned();
        }
        let mut value = inside.to_owned();
        for (_, line) in self.lines.by_ref() {
            value.push('\n');
            if let Some((last, _)) = line.rsplit_once(mark) {
                value.push_str(last);
                return value;
            }
            value.push_str(line);
        }
        self.note(section, index, &format!("the closing {mark} is missing"));
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<String> {
        let ini = Ini::parse(&format!("[default]\nother = over there\n{text}"));
        assert_eq!(ini.first_wrong(), None);
        ini.section("default").unwrap().get("key").map(str::to_owned)
    }

    #[test]
    fn values_are_read_as_the_stock_agent_reads_them() {
        for (text, expected) in [
            ("key = a b ", "a b"),
            ("key: a b", "a b"),
            ("KEY=a=b:c", "a=b:c"),
            ("key =", ""),
            ("key = a # b", "a"),
            ("key = echo a#b ; c", "echo a"),
            ("key = # all of it", ""),
            ("key = `a#b ; \"c\"`", "a#b ; \"c\""),
            ("key = \"\"\"a#b; 'c'\"\"\"", "a#b; 'c'"),
            ("key = \"\"\"one\ntwo\"\"\"", "one\ntwo"),
            ("key = \"a b\"", "a b"),
            ("key = 'a b'", "a b"),
            ("key = 'a b\"", "'a b\""),
            ("key = \"a\" and \"b\"", "a\" and \"b"),
            ("key = \"a#b\"", "\"a"),
            ("key = \"", "\""),
            ("key = one \\\n  two \\\n three", "one two three"),
            ("key = first\nkey = second", "second"),
            ("key = first\n[other]\nkey = no\n[Default]\nkey = third", "third"),
            ("key = %(other)s!", "over there!"),
            ("key = %(Other)s and %(none)s", "over there and %(none)s"),
            ("key = %(open", "%(open"),
            ("key = %d%%", "%d%%"),
        ] {
            assert_eq!(value(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(value("# key = a\n; key = b\n  # key = c"), None);
    }

    #[test]
    fn a_value_that_names_itself_ends() {
        assert!(value("key = x%(key)s").unwrap().len() < 100);
        assert!(value("key = %(second)s\nsecond = %(key)s").is_some());
        let growing = format!("key = {}", "%(key)s".repeat(1000));
        assert!(value(&growing).unwrap().len() <= MOST_BYTES);
    }

    #[test]
    fn names_are_the_same_in_any_case_and_keys_before_sections_are_default() {
        let ini = Ini::parse("\u{feff}Interval = 7\n[OITC]\nEnabled = True\n[check.one] ; behind\nCommand = x\n");
        assert_eq!(ini.section("default").unwrap().get("interval"), Some("7"));
        assert_eq!(ini.section("oitc").unwrap().get("enabled"), Some("True"));
        assert_eq!(ini.section("check.one").unwrap().entries().collect::<Vec<_>>(), [("command", "x")]);
        assert_eq!(ini.sections().len(), 3);
    }

    #[test]
    fn what_is_wrong_stays_with_its_section() {
        let ini = Ini::parse("[good]\na = 1\n[bad]\nno value\nb = 2\n[open\nc = 3\n[last]\nd = `never ended\n");
        let wrong = |name: &str| ini.section(name).unwrap().wrong.clone();
        assert_eq!(wrong("good"), [""; 0]);
        assert_eq!(wrong("bad"), ["line 4: expected `key = value`"]);
        assert_eq!(wrong("open"), ["line 6: `]` is missing"]);
        assert_eq!(wrong("last"), ["line 9: the closing ` is missing"]);
        assert_eq!(ini.section("bad").unwrap().get("b"), Some("2"));
        assert_eq!(ini.first_wrong(), Some("line 4: expected `key = value`"));
    }

    #[test]
    fn a_stock_agents_file_is_told_from_our_own() {
        for text in
            ["[default]\ninterval = 30", "; c\n[DEFAULT]\nport=1\n", "[x]\na=1\n[oitc]\nurl=\n", "[default]\n[oitc]\n"]
        {
            assert!(Ini::parse(text).is_main(), "{text}");
        }
        for text in ["", "url = https://a.example.com\n", "[check_load]\ncommand = x\n", "[other]\n[default]\na = 1\n"]
        {
            assert!(!Ini::parse(text).is_main(), "{text}");
        }
    }
}
