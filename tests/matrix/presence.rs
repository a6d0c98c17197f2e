//! Whether every reader sees who is there and who fell silent.

use std::time::Instant;

use crate::BEHIND;
use crate::readers::{Look, Presence, Subject};
use crate::table::{Kind, Reader, Writer};
use crate::world::World;

/// Who was heard within so many seconds is up, to a reader that is told no more than when.
const RECENT_S: i64 = 60;
/// The same where what is told is of a minute that is over, by when it began: it is told with the next frame or alarm, each a little more
/// than a minute later here.
const RECENT_MINUTE_S: i64 = 300;
/// The schedule runs so often after everybody fell silent: mass silence is held back for minutes, Mackerel's connectivity waits ten.
const MINUTES: usize = 16;
/// After so many minutes a guest that was shut down was not heard of lately, to any reader.
const MINUTES_OF_GUEST: usize = 6;

type Asked<'a> = &'a [(Writer, Reader)];

/// Whether a reader is asked of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    No,
    Yes,
    /// If it has the host at all.
    IfThere,
}

/// What is wrong right after everybody reported.
pub fn online(world: &World, cells: Asked<'_>) -> Vec<String> {
    settle(world, cells, true)
}

/// Everybody falls silent, the guest is shut down and the node is lost; then what is wrong.
pub fn offline(world: &mut World, cells: Asked<'_>) -> Vec<String> {
    let polled: Vec<(Writer, Reader)> =
        cells.iter().copied().filter(|(writer, _)| *writer == Writer::Proxmox).collect();
    world.stop_guest();
    world.fall_silent();
    world.collect();
    for _ in 0..MINUTES_OF_GUEST {
        world.pass(60);
        world.collect();
    }
    // A guest that does not run is down while its node is up.
    let of_guest = |_, kind| if kind == Kind::Virtual { Ask::Yes } else { Ask::No };
    let mut wrong = until(|| look(world, &polled, false, of_guest));
    world.lose_node();
    for _ in 0..MINUTES {
        world.pass(60);
        world.schedule();
    }
    world.collect();
    wrong.extend(settle(world, cells, false));
    wrong
}

/// Looks until nothing is wrong, or readers had time enough.
fn until(mut look: impl FnMut() -> Vec<String>) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let wrong = look();
        if wrong.is_empty() || begun.elapsed() > BEHIND {
            return wrong;
        }
    }
}

fn settle(world: &World, cells: Asked<'_>, is_up: bool) -> Vec<String> {
    until(|| look(world, cells, is_up, |reader, kind| if is_up { Ask::Yes } else { without_node(reader, kind) }))
}

/// When the node is lost.
const fn without_node(reader: Reader, kind: Kind) -> Ask {
    match (kind, reader) {
        // Of a container that ran nobody can tell: it stays what it was.
        (Kind::Container, _) => Ask::No,
        // A node that is off tells of none of its guests, and an agent that was started since then knows of none: Pulse lists none.
        (Kind::Virtual, Reader::Pulse | Reader::PulseFeed) => Ask::IfThere,
        (Kind::Machine | Kind::Node | Kind::Virtual, _) => Ask::Yes,
    }
}

fn look(world: &World, cells: Asked<'_>, is_up: bool, ask: impl Fn(Reader, Kind) -> Ask) -> Vec<String> {
    let mut wrong = Vec::new();
    for reader in Reader::ALL {
        let writers: Vec<Writer> = cells.iter().filter(|(_, of)| *of == reader).map(|(writer, _)| *writer).collect();
        if writers.is_empty() {
            continue;
        }
        let look = world.look(reader);
        for subject in world.subjects.iter().filter(|one| writers.contains(&one.writer)) {
            let is_asked = match ask(reader, subject.kind) {
                Ask::No => false,
                Ask::Yes => true,
                Ask::IfThere => look.presence.contains_key(&subject.name),
            };
            if !is_asked {
                continue;
            }
            if let Some(words) = differs(reader, &look, subject, is_up, world.now_ms() / 1000) {
                wrong.push(format!("{} x {}: {}: {words}", subject.writer.words(), reader.words(), subject.name));
            }
        }
    }
    wrong
}

fn differs(reader: Reader, look: &Look, subject: &Subject, is_up: bool, now_s: i64) -> Option<String> {
    let is_of_minutes = matches!(reader, Reader::Mackerel | Reader::Series);
    let recent_s = if is_of_minutes { RECENT_MINUTE_S } else { RECENT_S };
    let seen = look.presence.get(&subject.name);
    let shown = match seen {
        Some(Presence::Online) => true,
        Some(Presence::Offline) => false,
        Some(Presence::Seen(at_s)) => now_s - at_s <= recent_s,
        None => return Some("nobody says whether it is up".to_owned()),
    };
    (shown != is_up).then(|| format!("{seen:?} at {now_s}, though it is {}", if is_up { "up" } else { "silent" }))
}
