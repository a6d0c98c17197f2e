//! Whether every reader sees who is there and who fell silent.

use std::time::Instant;

use crate::BEHIND;
use crate::readers::{Look, Presence, Subject};
use crate::table::{Kind, Reader, Writer};
use crate::world::World;

/// Who was heard within so many seconds is up, to a reader that is told no more than when.
const RECENT_S: i64 = 60;
/// The schedule runs so often after everybody fell silent: mass silence is held back for minutes, Mackerel's connectivity waits ten.
const MINUTES: usize = 16;

type Asked<'a> = &'a [(Writer, Reader)];

/// What is wrong right after everybody reported.
pub fn online(world: &World, cells: Asked<'_>) -> Vec<String> {
    settle(world, cells, true)
}

/// Everybody falls silent, the guest is shut down and the node is lost; then what is wrong.
pub fn offline(world: &mut World, cells: Asked<'_>) -> Vec<String> {
    world.collected.stop_guest();
    world.fall_silent();
    let guests: Vec<(Writer, Reader)> =
        cells.iter().copied().filter(|(writer, _)| *writer == Writer::Proxmox).collect();
    let begun = Instant::now();
    // A guest that does not run is down while its node is up.
    let mut wrong = loop {
        let wrong = look(world, &guests, false, |subject| subject.kind == Kind::Virtual);
        if wrong.is_empty() || begun.elapsed() > BEHIND {
            break wrong;
        }
    };
    world.collected.lose_node();
    for _ in 0..MINUTES {
        world.pass(60);
        world.schedule();
    }
    world.collected.collect(&world.worker);
    wrong.extend(settle(world, cells, false));
    wrong
}

fn settle(world: &World, cells: Asked<'_>, is_up: bool) -> Vec<String> {
    let begun = Instant::now();
    loop {
        // Of a container whose node is lost nobody can tell: it stays what it was.
        let wrong = look(world, cells, is_up, |subject| is_up || subject.kind != Kind::Container);
        if wrong.is_empty() || begun.elapsed() > BEHIND {
            return wrong;
        }
    }
}

fn look(world: &World, cells: Asked<'_>, is_up: bool, is_asked: impl Fn(&Subject) -> bool) -> Vec<String> {
    let mut wrong = Vec::new();
    for reader in Reader::ALL {
        let writers: Vec<Writer> = cells.iter().filter(|(_, of)| *of == reader).map(|(writer, _)| *writer).collect();
        if writers.is_empty() {
            continue;
        }
        let look = world.look(reader);
        for subject in world.subjects.iter().filter(|one| writers.contains(&one.writer) && is_asked(one)) {
            if let Some(words) = differs(&look, subject, is_up, world.now_ms() / 1000) {
                wrong.push(format!("{} x {}: {}: {words}", subject.writer.words(), reader.words(), subject.name));
            }
        }
    }
    wrong
}

fn differs(look: &Look, subject: &Subject, is_up: bool, now_s: i64) -> Option<String> {
    let seen = look.presence.get(&subject.name);
    let shown = match seen {
        Some(Presence::Online) => true,
        Some(Presence::Offline) => false,
        Some(Presence::Seen(at_s)) => now_s - at_s <= RECENT_S,
        None => return Some("nobody says whether it is up".to_owned()),
    };
    (shown != is_up).then(|| format!("{seen:?} at {now_s}, though it is {}", if is_up { "up" } else { "silent" }))
}
