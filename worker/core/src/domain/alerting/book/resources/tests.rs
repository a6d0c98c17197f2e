use std::collections::BTreeMap;

use super::*;
use crate::domain::alerting::thresholds::{Condition, TAG_MONITOR_ONLY, Values};
use crate::model::{Escalation, Repeat, ResourceKind, Switches, ThresholdMetric};

const HOST: HostId = HostId(7);
const FROM_MS: i64 = 1_795_361_190_000;

fn guest() -> Resource {
    Resource {
        number: 0,
        kind: ResourceKind::Vm,
        ids: vec!["lab-pve1-101".to_owned()],
        name: "web".to_owned(),
        node: "pve1".to_owned(),
        instance: "lab".to_owned(),
        vmid: Some(101),
        tags: vec![],
    }
}

/// A book, and one who looks every ten seconds.
struct World {
    book: Book,
    config: AlertConfig,
    resource: Resource,
    escalations: Vec<Escalation>,
    is_quiet: bool,
    is_down: bool,
    now_ms: i64,
    before: Option<UnixMillis>,
}

impl World {
    /// Where people are told of everything, as often as it comes.
    fn new() -> Self {
        let schedule = AlertSchedule { cooldown_min: 0, most_an_hour: 0, ..AlertSchedule::default() };
        Self {
            book: Book::new(vec![], BTreeMap::new()),
            config: AlertConfig { schedule, ..AlertConfig::default() },
            resource: guest(),
            escalations: vec![],
            is_quiet: false,
            is_down: false,
            now_ms: FROM_MS,
            before: None,
        }
    }

    fn poll(&mut self, condition: Condition, cpu: f64) -> Vec<(Step, bool)> {
        self.now_ms += 10_000;
        let at = UnixMillis(self.now_ms);
        let poll = Poll { at, condition, values: Values::of(&[(ThresholdMetric::Cpu, cpu)]) };
        self.polls(&[poll])
    }

    fn polls(&mut self, polls: &[Poll]) -> Vec<(Step, bool)> {
        let escalations = &self.escalations;
        let policy = |severity, is_mute| Policy {
            group: "",
            repeat: Repeat::Never,
            escalations,
            ignores_quiet_hours: severity == Severity::Critical,
            is_mute,
        };
        let is_down = |_: Cause| self.is_down;
        let watching = Watching { config: &self.config, before: self.before, policy: &policy, is_down: &is_down };
        let moment = Moment { at: UnixMillis(self.now_ms), is_quiet: self.is_quiet };
        let steps = self.book.polls(HOST, &self.resource, polls, &watching, moment);
        self.before = polls.last().map(|poll| poll.at);
        steps.into_iter().map(|step| (step.step, step.is_quiet)).collect()
    }

    fn up(&mut self, cpu: f64) -> Vec<(Step, bool)> {
        self.poll(Condition::Up, cpu)
    }
}

const CPU: ThresholdCode = ThresholdCode { resource: 0, metric: Some(ThresholdMetric::Cpu) };

#[test]
fn people_hear_of_the_beginning_and_of_worse_and_the_rest_is_listed() {
    let mut world = World::new();
    assert_eq!(world.up(85.0), [(Step::Fired, false)]);
    assert_eq!((world.up(95.0), world.up(85.0)), (vec![(Step::Changed, false)], vec![]));
    world.now_ms += 50_000;
    assert_eq!(world.up(85.0), [(Step::Changed, true)], "what was critical a moment ago still is");
    assert_eq!((world.up(78.0), world.up(70.0)), (vec![], vec![(Step::Recovered, true)]));
    assert_eq!(world.up(97.0), [(Step::Fired, false)]);
    world.config.schedule.tells_of_end = true;
    assert_eq!(world.up(70.0), [(Step::Recovered, false)], "where somebody wants to hear of it");
}

#[test]
fn the_same_alert_is_told_after_its_cooldown_and_so_often_an_hour() {
    let of_default = || World { config: AlertConfig::default(), ..World::new() };
    let mut world = of_default();
    let mut told = |seconds: i64| {
        world.now_ms = FROM_MS + seconds * 1_000;
        world.before = None;
        // Far enough from the value before to begin again.
        let fired = world.up(if seconds % 2 == 0 { 84.0 } else { 88.0 });
        let over = world.up(10.0);
        assert_eq!((fired[0].0, over[0].0), (Step::Fired, Step::Recovered), "it is listed each time");
        !fired[0].1
    };
    assert_eq!([told(0), told(101), told(200), told(299), told(300)], [true, false, false, false, true]);
    assert_eq!((1..10).filter(|time| told(300 + time * 301)).count(), 8, "ten an hour with the first two");
    assert!(!told(3_333) && told(3_602));
    let mut world = of_default();
    let mut later = |cpu: f64| {
        world.now_ms += 60_000;
        world.up(cpu)
    };
    let critical = (later(85.0), later(95.0), later(85.0), later(95.0));
    assert_eq!((&critical.1[..], &critical.3[..]), (&[(Step::Changed, false)][..], &[(Step::Changed, true)][..]));
}

#[test]
fn while_nothing_changes_there_is_nothing_to_keep() {
    let mut world = World::new();
    for _ in 0..1_000 {
        world.up(50.0);
        world.poll(Condition::Paused, 0.0);
    }
    assert_eq!((world.book.take_changed(), world.book.state(HOST)), (BTreeSet::new(), None));
    assert_eq!(world.book.restless(HOST), BTreeSet::new());
    world.up(85.0);
    assert_eq!((world.book.take_changed(), world.book.restless(HOST)), ([HOST].into(), [0].into()));
    for _ in 0..1_000 {
        assert_eq!((world.up(86.5), world.up(78.0)), (vec![], vec![]));
    }
    assert_eq!(world.book.take_changed(), BTreeSet::new());
    world.up(60.0);
    assert_eq!((world.book.take_changed(), world.book.state(HOST)), ([HOST].into(), None), "it began long ago");
    world.poll(Condition::Down, 0.0);
    world.poll(Condition::Down, 0.0);
    assert_eq!(world.book.take_changed(), [HOST].into());
    for _ in 0..1_000 {
        assert_eq!(world.poll(Condition::Down, 0.0), []);
    }
    assert_eq!(world.book.take_changed(), BTreeSet::new());
}

#[test]
fn in_quiet_hours_people_hear_of_what_is_critical_alone_and_all_is_listed() {
    let mut world = World { is_quiet: true, ..World::new() };
    world.config.schedule.tells_of_end = true;
    assert_eq!(world.up(85.0), [(Step::Fired, true)]);
    assert_eq!(world.up(95.0), [(Step::Fired, false)], "aloud for the first time");
    assert_eq!(world.up(70.0), [(Step::Recovered, false)], "what was critical ends aloud");
    assert_eq!((world.up(82.0), world.up(70.0)), (vec![(Step::Fired, true)], vec![(Step::Recovered, true)]));
    assert!(world.book.state(HOST).is_some_and(|state| state.open.is_empty()), "at once");
    world.up(86.0);
    world.is_quiet = false;
    assert_eq!(world.up(86.0), [(Step::Fired, false)], "when they end it is still there");
}

#[test]
fn nobody_hears_of_a_guest_that_is_only_monitored_and_nothing_begins_in_a_downtime() {
    let mut world = World::new();
    world.resource.tags = vec![TAG_MONITOR_ONLY.to_owned()];
    assert_eq!(world.up(99.0), [(Step::Fired, true)]);
    assert!(world.book.threshold(Cause::threshold(CPU, HOST)).is_some_and(|state| state.is_mute));
    let mut world = World { is_down: true, ..World::new() };
    assert_eq!((world.up(99.0), world.up(99.0)), (vec![], vec![]));
    assert_eq!((world.book.take_changed(), world.book.state(HOST)), (BTreeSet::new(), None));
    world.is_down = false;
    assert_eq!(world.up(99.0), [(Step::Fired, false)]);
}

#[test]
fn what_nobody_acknowledges_is_told_to_others() {
    let mut world = World::new();
    let after = |minutes: u32, group: &str| Escalation { after_s: minutes * 60, group: group.to_owned() };
    world.escalations = vec![after(15, "a"), after(30, "b")];
    world.up(85.0);
    world.now_ms += 15 * 60_000;
    assert_eq!((world.up(85.0), world.up(85.0)), (vec![(Step::Escalated, false)], vec![]));
    let key = world.book.state(HOST).unwrap().open.values().next().unwrap().key.clone();
    assert!(world.book.acknowledge(&key));
    world.now_ms += 60 * 60_000;
    assert_eq!(world.up(85.0), []);
}

#[test]
fn an_acknowledged_alert_is_dropped_after_a_day_and_begins_anew_when_it_is_still_so() {
    let mut world = World::new();
    world.up(85.0);
    let acknowledge = |world: &mut World| {
        let key = world.book.state(HOST).unwrap().open.values().next().unwrap().key.clone();
        assert!(world.book.acknowledge(&key));
        key
    };
    let first = acknowledge(&mut world);
    let dropped = |world: &mut World, hours: i64| {
        world.book.take_changed();
        let steps = world.book.drop_acknowledged(UnixMillis(FROM_MS + hours * 3_600_000));
        (steps.into_iter().map(|step| step.step).collect::<Vec<_>>(), world.book.take_changed().len())
    };
    assert_eq!(dropped(&mut world, 1), (vec![], 1), "since when is kept once");
    world.up(85.0);
    assert_eq!([dropped(&mut world, 2), dropped(&mut world, 24)], [(vec![], 0), (vec![], 0)]);
    assert_eq!(dropped(&mut world, 25), (vec![Step::Withdrawn], 1));
    assert_eq!(world.book.state(HOST), None);
    assert_eq!(world.up(85.0), [(Step::Fired, false)]);
    assert_ne!(acknowledge(&mut world), first);
    assert_eq!(dropped(&mut world, 26), (vec![], 1));
    world.up(10.0);
    assert_eq!(dropped(&mut world, 99), (vec![], 0), "it is over");
}

#[test]
fn a_guest_that_stops_loses_its_alerts_and_nobody_hears_of_it() {
    let mut world = World::new();
    world.config.silence_off = Switches { guests: true, ..Switches::default() };
    world.up(85.0);
    assert_eq!(world.poll(Condition::Down, 0.0), [(Step::Withdrawn, true)]);
}

#[test]
fn several_polls_are_looked_at_one_by_one_and_those_of_long_ago_are_no_news() {
    let mut world = World::new();
    let poll = |seconds: i64, cpu: f64| {
        let values = Values::of(&[(ThresholdMetric::Cpu, cpu)]);
        Poll { at: UnixMillis(FROM_MS + seconds * 1_000), condition: Condition::Up, values }
    };
    world.now_ms = FROM_MS + 60_000;
    let steps = world.polls(&[poll(10, 85.0), poll(20, 95.0), poll(30, 70.0), poll(40, 99.0)]);
    assert_eq!(steps, [(Step::Fired, false), (Step::Changed, false), (Step::Recovered, true), (Step::Fired, false)]);
    let keys: BTreeSet<String> = world.book.state(HOST).unwrap().open.values().map(|open| open.key.clone()).collect();
    assert_eq!(keys.len(), 1);
    world.now_ms = FROM_MS + 3_600_000;
    assert_eq!(world.polls(&[poll(60, 10.0), poll(70, 10.0)]), []);
    assert_eq!(world.book.restless(HOST), [0].into(), "nobody knows what is now");
}

#[test]
fn resources_of_a_host_are_judged_apart_and_their_alerts_are_handed_over() {
    let mut world = World::new();
    world.up(85.0);
    world.resource = Resource { number: 3, kind: ResourceKind::Container, ..guest() };
    assert_eq!(world.up(85.0), [(Step::Fired, false)]);
    assert_eq!(world.book.restless(HOST), [0, 3].into());
    let state = world.book.state(HOST).unwrap().clone();
    let mut other = World::new();
    assert_eq!(other.book.adopt(HOST, state.clone(), UnixMillis(world.now_ms)), []);
    assert_eq!(other.book.state(HOST), Some(&state));
    (other.now_ms, other.before) = (world.now_ms, world.before);
    assert_eq!((other.up(85.0), other.book.state(HOST)), (vec![], Some(&state)));
    let dropped = other.book.keep_thresholds(UnixMillis(FROM_MS), |one| one.kind == ResourceKind::Vm);
    assert_eq!((dropped.len(), dropped[0].trigger), (1, Trigger::MonitorDelete));
    assert_eq!((other.book.restless(HOST), other.book.take_changed()), ([0].into(), [HOST].into()));
    assert_eq!(other.book.dismiss(HOST, UnixMillis(FROM_MS)).len(), 1);
    assert_eq!(other.book.state(HOST), None);
}
