//! Who may use whom. A room is a folder or file right below a crate's `src`, each dialect one of its own.

use crate::source;

/// What a room may use beside itself, `std` and what [`target_of`] calls "other".
enum Wall {
    /// These and nothing else.
    Only(&'static str),
    /// Anything but these.
    Never(&'static str),
    /// Anything: wiring has no walls.
    Open,
}
use Wall::{Never, Only, Open};

/// The rooms. `*` stands for every room below; names without `core:` or `agent:` are the Worker's.
/// "sdk" is the crate `worker`, "sdk:send" its attribute alone, "web" axum and its kin, "other" any crate without a name here.
const WALLS: &[(&str, Wall)] = &[
    ("core:lib", Open),
    ("core:units", Only("thiserror")),
    ("core:model", Only("thiserror core:units core:failure")),
    ("core:failure", Only("thiserror core:units core:model")),
    ("core:domain", Only("other thiserror core:model core:units core:failure")),
    ("core:metrics", Only("other core:model core:units")),
    ("core:blocks", Only("thiserror core:model core:units")),
    // Forms of webhooks: a dialect reads, lists and tries them, and notifications have them.
    ("core:hooks", Only("serde")),
    // Renders what leaves by a channel; like a dialect, but spoken by us.
    ("core:notify", Only("other thiserror serde core:model core:units core:failure core:hooks")),
    ("core:dialects", Open),
    ("core:dialects/*", Only("other thiserror serde core:model core:units core:failure core:metrics core:hooks")),
    ("lib", Open),
    ("store", Only("other thiserror serde sdk core:model core:units core:failure")),
    (
        "hub",
        Only(
            // core:dialects: the table of forms that lists of hosts are asked for in, and no dialect of it.
            "other thiserror serde sdk store platform viewers notify core:model core:units \
             core:failure core:domain core:blocks core:metrics core:dialects core:dialects/native",
        ),
    ),
    (
        "proxmox",
        Only(
            // hub: its callers, and the engine of an object's own database. core:metrics: the names of a guest's series.
            "other thiserror serde sdk store platform hub viewers core:model core:units core:failure core:domain \
             core:metrics core:dialects/native core:dialects/pulse",
        ),
    ),
    (
        "viewers",
        Only(
            "other thiserror serde sdk platform hub proxmox core:model core:units core:failure \
             core:dialects/*",
        ),
    ),
    (
        "gate",
        Only(
            "other thiserror serde sdk platform store core:model core:units core:failure \
             core:domain",
        ),
    ),
    // core:domain: who is told of an alert is a rule.
    ("notify", Only("other serde platform store core:model core:units core:failure core:domain core:notify")),
    (
        "app",
        Only(
            // core:blocks: the lengths of rings.
            "other store hub viewers gate proxmox notify platform core:model core:units core:failure \
             core:domain core:metrics core:blocks",
        ),
    ),
    ("http", Only("other serde web sdk platform core:model core:units core:failure")),
    ("platform", Only("other serde sdk core:units core:failure")),
    // The route table, and the parts that every dialect shares (`SHARED`).
    (
        "dialects",
        Only("other serde web sdk app http dialects/* core:model core:units core:failure core:dialects/native"),
    ),
    (
        "dialects/*",
        Only(
            "other serde web sdk:send app http dialects core:dialects/same core:model core:units \
             core:failure",
        ),
    ),
    ("cron", Only("other app notify platform core:model core:units core:failure")),
    ("agent:main", Open),
    (
        "agent:collect",
        Never(
            "network web agent:push agent:serve agent:queue agent:spool agent:config \
             core:dialects/*",
        ),
    ),
    // What is served or pushed is looked at elsewhere: whoever wires them hands over the bytes.
    (
        "agent:push",
        Never("sysinfo agent:collect agent:inspect agent:inventory agent:probe agent:proxmox agent:checks agent:jobs"),
    ),
    (
        "agent:serve",
        Never("sysinfo agent:collect agent:inspect agent:inventory agent:probe agent:proxmox agent:checks agent:jobs"),
    ),
    // One dialect's document of this machine, in that dialect's types: like `collect` without a network, unlike it with a dialect.
    (
        "agent:inspect",
        Never(
            "network web agent:push agent:serve agent:probe agent:proxmox agent:checks agent:jobs agent:queue \
             agent:spool agent:config agent:inventory",
        ),
    ),
    // The same of its packages. Starts package managers, by fixed command lines.
    (
        "agent:inventory",
        Never(
            "network web agent:push agent:serve agent:probe agent:proxmox agent:checks agent:jobs agent:queue \
             agent:spool agent:config",
        ),
    ),
    ("agent:probe", Never("agent:push agent:serve agent:proxmox agent:checks agent:jobs")),
    ("agent:proxmox", Never("agent:push agent:serve agent:probe agent:checks agent:jobs")),
    ("agent:checks", Never("agent:push agent:serve agent:probe agent:proxmox agent:jobs")),
    ("agent:jobs", Never("agent:push agent:serve agent:probe agent:proxmox agent:checks")),
    // The rest of the agent is small pure parts and commands, wired by `main`.
    ("agent:*", Never("agent:main")),
];

/// Files beside the dialects that are none: what their extractors share, and pages for people.
const SHARED: [&str; 2] = ["context", "pages"];

/// Paths that go through a wall on purpose: the room, the path's beginning, why.
const DOORS: &[(&str, &str, &str)] = &[
    ("dialects/*", "crate::hub::client::connect", "takes the raw upgrade request and a typed identity"),
    ("dialects/*", "crate::viewers::client::connect", "likewise"),
    ("dialects/*", "crate::proxmox::client::connect", "likewise"),
    (
        "hub",
        "crate::proxmox::client::alerts_changed",
        "what it found of alerts is shown there, which reads D1 no oftener for it",
    ),
    ("hub", "edgewatch_core::dialects::openitcockpit::result", "results of 16 MiB are read in an object's event"),
];

/// What is wrong in one file.
pub fn problems(path: &str, text: &str, crates: &[String]) -> Vec<String> {
    let Some(file) = File::of(path) else {
        return Vec::new();
    };
    let Some((_, wall)) = WALLS.iter().find(|(room, _)| matches(room, &file.room)) else {
        return vec![format!("{path}: {} is a new room; say in tests/rooms/walls.rs what it may use", file.room)];
    };
    let mut problems = Vec::new();
    for (segments, line) in source::paths(&source::without_tests(&source::tokens(text))) {
        let Some(target) = file.target_of(&segments, crates) else {
            continue;
        };
        let named = |pattern: &str| {
            let same = pattern.strip_suffix("same").map(|room| format!("{room}{}", file.dialect()));
            matches(same.as_deref().unwrap_or(pattern), &target) || (pattern == "sdk" && target == "sdk:send")
        };
        let allowed = match wall {
            Open => true,
            Only(rooms) => rooms.split(' ').any(named),
            Never(rooms) => !rooms.split(' ').any(named),
        };
        let full = segments.join("::");
        let door = DOORS.iter().any(|(room, path, _)| matches(room, &file.room) && full.starts_with(path));
        if !allowed && target != file.room && !door {
            problems.push(format!("{path}:{line}: {} may not use {full} ({target})", file.room));
        }
    }
    problems.sort();
    problems.dedup();
    problems
}

fn matches(pattern: &str, room: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => room.starts_with(prefix),
        None => pattern == room,
    }
}

/// A source file's place.
struct File {
    /// "", "core:" or "agent:".
    home: &'static str,
    /// The file's module path within its crate.
    modules: Vec<String>,
    room: String,
}

impl File {
    /// None for files that lie in no room: tests, build scripts, other languages.
    fn of(path: &str) -> Option<Self> {
        let homes = [("worker/core/src/", "core:"), ("worker/src/", ""), ("agent/src/", "agent:")];
        let (home, inner) = homes.iter().find_map(|(prefix, home)| Some((*home, path.strip_prefix(prefix)?)))?;
        let inner = inner.strip_suffix(".rs")?;
        let mut modules: Vec<String> = inner.split('/').map(str::to_owned).collect();
        if modules.iter().any(|module| ["tests", "testing"].contains(&module.as_str())) {
            return None;
        }
        if modules.len() > 1 && modules.last().is_some_and(|last| last == "mod") {
            modules.pop();
        }
        let room = format!("{home}{}", room_of(&modules));
        if ["lib", "main"].contains(&inner) {
            modules.clear();
        }
        Some(Self { home, modules, room })
    }

    fn dialect(&self) -> &str {
        self.room.rsplit_once('/').map_or("", |(_, dialect)| dialect)
    }

    /// The room or crate that a path leads to; None for `std` and for what the path's first name does not tell.
    fn target_of(&self, segments: &[String], crates: &[String]) -> Option<String> {
        let mut rest = segments;
        let mut modules: Vec<String> = match rest[0].as_str() {
            "crate" => Vec::new(),
            "self" | "super" => self.modules.clone(),
            "edgewatch_core" => return inner_room("core:", &rest[1..]),
            "worker" if self.home.is_empty() => {
                let send = rest.get(1).is_some_and(|name| name == "send");
                return Some(if send { "sdk:send" } else { "sdk" }.to_owned());
            }
            "serde" | "serde_json" => return Some("serde".to_owned()),
            "thiserror" | "sysinfo" => return Some(rest[0].clone()),
            "axum" | "http_body_util" | "tower_service" => return Some("web".to_owned()),
            "http" if !rest.get(1).is_some_and(|name| name.starts_with(char::is_lowercase)) => {
                return Some("web".to_owned());
            }
            "ureq" | "rustls" | "tungstenite" => return Some("network".to_owned()),
            name if name != "http" && crates.iter().any(|known| known == name) => {
                return Some("other".to_owned());
            }
            _ => return None,
        };
        while let Some(first) = rest.first().filter(|name| ["crate", "self", "super"].contains(&name.as_str())) {
            if first == "super" {
                modules.pop();
            }
            rest = &rest[1..];
        }
        inner_room(self.home, &[&modules[..], rest].concat())
    }
}

fn inner_room(home: &str, modules: &[String]) -> Option<String> {
    // Items at the top of a crate belong to its lib.rs, which re-exports nothing and wires everything.
    let first = modules.first().filter(|name| name.starts_with(char::is_lowercase) && *name != "self")?;
    (first != "lib").then(|| format!("{home}{}", room_of(modules)))
}

/// `store` of `store::hosts`, `dialects/nezha` of `dialects::nezha::server`, `dialects` of the route table.
fn room_of(modules: &[String]) -> String {
    match modules {
        [first, second, ..]
            if first == "dialects"
                && second.starts_with(char::is_lowercase)
                && second != "self"
                && !SHARED.contains(&second.as_str()) =>
        {
            format!("dialects/{second}")
        }
        [first, ..] => first.clone(),
        [] => "lib".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let crates = ["worker", "serde", "axum", "http", "sha2", "edgewatch_core"].map(str::to_owned);
        problems(path, text, &crates)
    }

    #[test]
    fn a_handler_that_reads_the_database_is_caught() {
        let path = "worker/src/dialects/nezha/server.rs";
        assert_eq!(
            found(path, "use crate::app::hosts;\nuse crate::{http::body, store::hosts as rows};"),
            ["worker/src/dialects/nezha/server.rs:2: dialects/nezha may not use crate::store::hosts (store)"]
        );
        assert_eq!(found(path, "fn f() { super::super::super::store::hosts::list(); }").len(), 1);
        assert_eq!(found(path, "#[worker::send] async fn f() {}"), [""; 0]);
        assert_eq!(found(path, "fn f(db: worker::D1Database) {}").len(), 1);
    }

    #[test]
    fn one_dialect_may_not_use_another() {
        let path = "worker/src/dialects/nezha/server.rs";
        assert_eq!(found(path, "use crate::dialects::pulse::error;").len(), 1);
        assert_eq!(found(path, "use edgewatch_core::dialects::pulse;").len(), 1);
        assert_eq!(found(path, "use edgewatch_core::dialects::nezha; use super::auth;"), [""; 0]);
    }

    #[test]
    fn the_hub_knows_the_table_of_forms_and_not_whose_they_are() {
        let path = "worker/src/hub/pieces.rs";
        assert_eq!(found(path, "use edgewatch_core::dialects::FORMS;"), [""; 0]);
        assert_eq!(found(path, "use edgewatch_core::dialects::nezha;").len(), 1);
        assert_eq!(found(path, "fn f() { edgewatch_core::dialects::nezha::LIST; }").len(), 1);
    }

    #[test]
    fn the_model_knows_no_serde() {
        assert_eq!(found("worker/core/src/model/host.rs", "use serde::Serialize;").len(), 1);
        assert_eq!(found("worker/core/src/model/host.rs", "#[derive(serde::Serialize)] struct A;").len(), 1);
        assert_eq!(found("worker/core/src/dialects/nezha/server.rs", "use serde::Serialize;"), [""; 0]);
    }

    #[test]
    fn a_use_case_knows_no_http() {
        assert_eq!(found("worker/src/app/hosts.rs", "use axum::response::Response;").len(), 1);
        assert_eq!(found("worker/src/app/hosts.rs", "use http::StatusCode;").len(), 1);
        assert_eq!(found("worker/src/app/hosts.rs", "use crate::http::body;").len(), 1);
    }

    #[test]
    fn the_named_doors_are_open_to_dialects_alone() {
        let text = "fn f() { crate::hub::client::connect(); }";
        assert_eq!(found("worker/src/dialects/native/live.rs", text), [""; 0]);
        assert_eq!(found("worker/src/cron/presence.rs", text).len(), 1);
    }

    #[test]
    fn collectors_know_no_network() {
        assert_eq!(found("agent/src/collect/cpu.rs", "use crate::push::https;").len(), 1);
        assert_eq!(found("agent/src/push/https.rs", "use crate::collect::cpu;").len(), 1);
        assert_eq!(found("agent/src/push/https.rs", "use crate::queue::Queue;"), [""; 0]);
    }

    #[test]
    fn a_room_without_a_wall_is_asked_for_one() {
        assert_eq!(found("worker/src/attic/mod.rs", "").len(), 1);
    }
}
