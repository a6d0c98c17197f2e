//! When frames are closed, what is left out of them, and how they are kept.

use edgewatch_core::dialects::native::proxmox::{Frame, FromAgent, GuestStatus, NodeNow, PollError, PollErrorKind};

use super::*;

const EVERY_MS: i64 = 10_000;
const MOMENT: Moment = Moment { next_ms: EVERY_MS, is_watched: false, now_ms: 5, room: MOST_KEPT_BYTES };

fn guest(vmid: u64, cpu: f64) -> GuestNow {
    GuestNow { vmid, cpu, status: GuestStatus::Running, ..GuestNow::default() }
}

fn poll(at_ms: i64, guests: &[GuestNow]) -> Poll {
    let node = NodeNow { name: "pve1".to_owned(), status: "online".to_owned(), ..NodeNow::default() };
    Poll { at_ms, nodes: vec![node], guests: guests.to_vec(), ..Poll::default() }
}

fn add(lane: &mut Lane, poll: Poll) -> Vec<Frame> {
    lane.add("i", poll, MOMENT);
    frames(lane)
}

fn frames(lane: &mut Lane) -> Vec<Frame> {
    std::iter::from_fn(|| lane.take())
        .map(|closed| match FromAgent::read(&closed.text).unwrap() {
            FromAgent::Frame(frame) => frame,
            other => panic!("{other:?}"),
        })
        .collect()
}

/// A lane that has told its first poll, at the end of a minute.
fn begun() -> Lane {
    let mut lane = Lane::default();
    assert_eq!(add(&mut lane, poll(-1, &[guest(1, 0.1), guest(2, 0.2)])).len(), 1, "the first poll is news");
    lane
}

#[test]
fn a_minutes_polls_are_one_frame_that_is_closed_with_its_last() {
    let mut lane = begun();
    for at in 0..5 {
        assert_eq!(add(&mut lane, poll(at * EVERY_MS, &[guest(1, 0.1), guest(2, 0.2)])), []);
    }
    let frames = add(&mut lane, poll(50_000, &[guest(1, 0.1), guest(2, 0.2)]));
    assert_eq!(frames.len(), 1);
    assert_eq!((frames[0].n, frames[0].polls.len(), frames[0].instance.as_str()), (2, 6, "i"));
}

#[test]
fn a_frame_tells_all_guests_first_and_then_those_that_changed() {
    let mut lane = begun();
    add(&mut lane, poll(0, &[guest(1, 0.1), guest(2, 0.2)]));
    add(&mut lane, poll(10_000, &[GuestNow { uptime_s: 9, ..guest(1, 0.1) }, guest(2, 0.3)]));
    let frames = add(&mut lane, poll(20_000, &[guest(2, 0.3)]));
    let told: Vec<(Vec<u64>, Vec<u64>)> = frames[0]
        .polls
        .iter()
        .map(|poll| (poll.guests.iter().map(|guest| guest.vmid).collect(), poll.gone.clone()))
        .collect();
    assert_eq!(told, [(vec![1, 2], vec![]), (vec![2], vec![]), (vec![], vec![1])], "a guest that is gone is news");
    let next = add(&mut lane, poll(50_000, &[guest(2, 0.3)]));
    assert_eq!(next[0].polls[0].guests.len(), 1, "the next frame tells all again");
}

#[test]
fn a_change_of_state_and_a_viewer_close_a_frame_at_once() {
    let mut lane = begun();
    let stopped = GuestNow { status: GuestStatus::Stopped, ..guest(1, 0.0) };
    assert_eq!(add(&mut lane, poll(0, &[stopped.clone(), guest(2, 0.2)])).len(), 1);
    assert_eq!(add(&mut lane, poll(10_000, &[stopped.clone(), guest(2, 0.4)])).len(), 0);
    lane.add("i", poll(20_000, &[stopped, guest(2, 0.5)]), Moment { is_watched: true, ..MOMENT });
    assert_eq!(frames(&mut lane)[0].polls.len(), 2);
}

#[test]
fn failing_and_recovering_are_told_once_each() {
    let mut lane = begun();
    let error = PollError { kind: PollErrorKind::Unreachable, text: "no answer".to_owned() };
    let failed = |at_ms| Poll { at_ms, error: Some(error.clone()), ..Poll::default() };
    assert_eq!(add(&mut lane, failed(0)).len(), 1);
    assert_eq!(add(&mut lane, failed(10_000)).len(), 0);
    let auth = Poll { error: Some(PollError { kind: PollErrorKind::Auth, ..error.clone() }), ..failed(20_000) };
    assert_eq!(add(&mut lane, auth).len(), 1, "another failure is news");
    assert_eq!(add(&mut lane, poll(30_000, &[guest(1, 0.1), guest(2, 0.2)])).len(), 1);
    assert_eq!(add(&mut lane, poll(40_000, &[guest(1, 0.1), guest(2, 0.2)])).len(), 0);
}

#[test]
fn frames_are_sent_again_until_they_are_safe() {
    let mut lane = begun();
    add(&mut lane, poll(50_000, &[]));
    lane.begin(1);
    assert_eq!(frames(&mut lane).iter().map(|frame| frame.n).collect::<Vec<_>>(), [2]);
    lane.begin(0);
    assert_eq!(frames(&mut lane).len(), 1, "1 was safe");
    lane.durable(2);
    lane.begin(0);
    assert_eq!(frames(&mut lane), []);
    assert_eq!(lane.closed_bytes, 0);
}

#[test]
fn a_long_outage_costs_the_oldest_frames_and_is_told() {
    let mut lane = Lane::default();
    let many = |seed: u64| {
        (1..=500).map(|vmid| guest(vmid, f64::from(u32::try_from(seed % 97).unwrap()) / 100.0)).collect::<Vec<_>>()
    };
    for minute in 0..400 {
        lane.add("i", poll(minute * 60_000 - 1, &many(minute.unsigned_abs())), Moment { next_ms: 60_000, ..MOMENT });
        assert!(lane.closed_bytes <= MOST_KEPT_BYTES);
    }
    assert!(lane.dropped > 0);
    lane.begin(0);
    let frames = frames(&mut lane);
    assert_eq!(frames[0].n, lane.dropped + 1);
    assert!(frames.last().unwrap().dropped > 0);
}

#[test]
fn a_frame_that_grows_too_long_is_closed_before_its_minute_ends() {
    let mut lane = begun();
    let many = |at: i64| {
        (1..=2_000).map(|vmid| guest(vmid, f64::from(i32::try_from(at).unwrap()) / 10_000.0)).collect::<Vec<_>>()
    };
    for at in 0..50 {
        lane.add("i", poll(at, &many(at)), Moment { next_ms: 1, ..MOMENT });
    }
    for closed in std::iter::from_fn(|| lane.take()) {
        assert!(closed.text.len() < 512 * 1024, "{}", closed.text.len());
    }
}
