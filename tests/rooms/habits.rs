//! What the house forbids everywhere, whoever uses whom.

use std::path::Path;

use crate::source::{self, Kind, Token};

/// Past this a file says in its head why it is one, with the words "500 lines".
const LONGEST: usize = 500;
/// Where SQL may stand. The hub's, the gate's and Proxmox's is for the objects' own database.
const SQL_ROOMS: [&str; 7] = [
    "worker/src/store/",
    "worker/src/hub/rings.rs",
    "worker/src/hub/journal.rs",
    "worker/src/hub/directory.rs",
    // It copies whatever tables there are.
    "worker/src/hub/dump.rs",
    "worker/src/gate/",
    "worker/src/proxmox/tables.rs",
];
/// How SQL begins.
const SQL: [&str; 8] = [
    "SELECT ",
    "INSERT INTO ",
    "INSERT OR ",
    "DELETE FROM ",
    "CREATE TABLE ",
    "DROP TABLE ",
    "ALTER TABLE ",
    "WITH RECURSIVE ",
];

/// What is wrong in one file.
pub fn problems(path: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let lines = text.lines().count();
    let head = text.lines().take_while(|line| line.starts_with("//")).collect::<String>();
    if lines > LONGEST && !head.contains("500 lines") {
        problems
            .push(format!("{path}: {lines} lines; past {LONGEST} its head says why it is one file (\"500 lines\")"));
    }
    if Path::new(path).extension().is_none_or(|ending| ending != "rs") {
        return problems;
    }
    let tokens = source::tokens(text);
    attributes(path, &tokens, &mut problems);
    if path.starts_with("worker/") {
        let tokens = source::without_tests(&tokens);
        for (segments, line) in source::paths(&tokens) {
            let clock = segments.iter().any(|name| ["SystemTime", "Instant"].contains(&name.as_str()));
            if clock && segments[0] != "worker" {
                problems.push(format!("{path}:{line}: the std clock panics in wasm; time comes from platform"));
            }
        }
        let in_sql_room = SQL_ROOMS.iter().any(|room| path.starts_with(room));
        let is_test = path.ends_with("/tests.rs") || path.contains("/tests/");
        for Token { kind, line } in &tokens {
            let Kind::Text(text) = kind else { continue };
            let is_sql = SQL.iter().any(|start| text.trim_start().starts_with(start))
                || (text.trim_start().starts_with("UPDATE ") && text.contains(" SET "));
            if is_sql && !in_sql_room && !is_test {
                problems.push(format!("{path}:{line}: SQL outside the rooms that hold it"));
            }
        }
    }
    problems
}

/// `#[allow(…)]`, `#![allow(…)]` and `#[ignore]`.
fn attributes(path: &str, tokens: &[Token], problems: &mut Vec<String>) {
    for window in tokens.windows(4) {
        let [hash, bang, open, word] = window else {
            continue;
        };
        let word = if bang.is('!') { word } else { open };
        let Some(name) = word.name().filter(|_| hash.is('#') && (bang.is('[') || open.is('['))) else {
            continue;
        };
        match name {
            "allow" => problems.push(format!("{path}:{}: #[expect(lint, reason = \"…\")], never allow", hash.line)),
            "ignore" => problems
                .push(format!("{path}:{}: no test is ignored: assert what is, and say why it is wrong", hash.line)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planted_slips_are_caught() {
        let caught = |path: &str, text: &str| problems(path, text).len();
        assert_eq!(caught("agent/src/a.rs", "#[allow(dead_code)]\nfn f() {}"), 1);
        assert_eq!(caught("agent/src/a.rs", "#![allow(dead_code)]"), 1);
        assert_eq!(caught("tests/a/main.rs", "#[test]\n#[ignore]\nfn f() {}"), 1);
        assert_eq!(caught("worker/src/app/a.rs", "fn f() { std::time::Instant::now(); }"), 1);
        assert_eq!(caught("worker/core/src/domain/a.rs", "use std::time::{Duration, SystemTime};"), 1);
        assert_eq!(caught("worker/src/app/a.rs", "const Q: &str = \"SELECT id \\\n  FROM hosts\";"), 1);
        assert_eq!(caught("worker/src/app/a.rs", "const Q: &str = r#\"UPDATE hosts SET a = 1\"#;"), 1);
        assert_eq!(caught("worker/src/app/a.rs", &"//\n".repeat(501)), 1);
    }

    #[test]
    fn what_is_meant_to_be_passes() {
        let caught = |path: &str, text: &str| problems(path, text).len();
        assert_eq!(caught("worker/src/store/hosts.rs", "const Q: &str = \"SELECT id FROM hosts\";"), 0);
        assert_eq!(
            caught("worker/src/app/a.rs", "//! Selects: \"SELECT 1\".\n#[expect(dead_code, reason = \"x\")] fn f() {}"),
            0
        );
        assert_eq!(
            caught("worker/src/app/a.rs", "#[cfg(test)]\nmod tests { fn f() { std::time::Instant::now(); } }"),
            0
        );
        assert_eq!(caught("agent/src/a.rs", "fn f() { std::time::Instant::now(); }"), 0);
        assert_eq!(
            caught("worker/src/app/a.rs", &format!("//! One table of more than 500 lines.\n{}", "//\n".repeat(501))),
            0
        );
    }
}
