//! A resource, its limits and its polls. Every rule of the specification's 12.2 and 12.6, one by one.

use std::collections::BTreeMap;

use super::*;
use crate::model::{
    AlertConfig, Comparison, CustomRule, GuestFilter, GuestText, HoldTimes, Limit, Measured, Switches, ThresholdCode,
    Thresholds,
};
use ThresholdMetric::{Cpu, Disk, DiskRead, Memory, NetworkIn, Usage};

mod limits;
mod silence;
mod simulation;

const FROM_MS: i64 = 1_795_361_190_000;

pub(super) fn guest() -> Resource {
    Resource {
        number: 0,
        kind: ResourceKind::Vm,
        ids: vec!["lab-pve1-101".to_owned(), "lab-pve2-101".to_owned()],
        name: "web".to_owned(),
        node: "pve1".to_owned(),
        instance: "lab".to_owned(),
        vmid: Some(101),
        tags: vec!["prod".to_owned()],
    }
}

pub(super) fn resource(kind: ResourceKind) -> Resource {
    Resource { kind, vmid: None, tags: vec![], ..guest() }
}

pub(super) fn limits(limits: &[(ThresholdMetric, f64, f64)]) -> Thresholds {
    let limits = limits.iter().map(|(metric, trigger, clear)| (*metric, Limit::new(*trigger, *clear)));
    Thresholds { limits: limits.collect(), ..Thresholds::default() }
}

/// One who polls a resource, and what is known of it.
pub(super) struct World {
    pub(super) config: AlertConfig,
    pub(super) resource: Resource,
    pub(super) states: BTreeMap<ThresholdCode, State>,
    pub(super) open: BTreeMap<ThresholdCode, Severity>,
    pub(super) now_ms: i64,
    before: Option<UnixMillis>,
}

impl World {
    pub(super) fn new(config: AlertConfig, resource: Resource) -> Self {
        Self { config, resource, states: BTreeMap::new(), open: BTreeMap::new(), now_ms: FROM_MS, before: None }
    }

    /// Ten seconds later.
    pub(super) fn poll(&mut self, condition: Condition, values: Values) -> Vec<Finding> {
        self.now_ms += 10_000;
        let poll = Poll { at: UnixMillis(self.now_ms), condition, values };
        let open = self.open.clone();
        let is_open = |code: ThresholdCode| open.contains_key(&code);
        let known = Known { states: &mut self.states, before: self.before, is_open: &is_open };
        let found = weigh(&self.config, &self.resource, &poll, known);
        self.before = Some(poll.at);
        for one in &found {
            match one {
                Finding::Bad(code, standing, _) => drop(self.open.insert(*code, standing.severity)),
                Finding::Good(code, _) | Finding::Dropped(code) => drop(self.open.remove(code)),
            }
        }
        found
    }

    pub(super) fn up(&mut self, metric: ThresholdMetric, value: f64) -> Vec<Finding> {
        self.poll(Condition::Up, Values::of(&[(metric, value)]))
    }

    /// What follows from values of a metric, a letter for each: `w` a warning and `c` a critical alert that is there then, `.` for none.
    pub(super) fn letters(&mut self, metric: ThresholdMetric, values: &[f64]) -> String {
        let letter = |value: &f64| {
            self.up(metric, *value);
            match self.open.get(&ThresholdCode { resource: self.resource.number, metric: Some(metric) }) {
                Some(Severity::Critical) => 'c',
                Some(_) => 'w',
                None => '.',
            }
        };
        values.iter().map(letter).collect()
    }

    pub(super) fn wait(&mut self, seconds: i64) {
        self.now_ms += seconds * 1_000;
    }
}

fn config() -> AlertConfig {
    AlertConfig::default()
}

#[test]
fn an_alert_begins_at_its_trigger_is_critical_ten_beyond_and_ends_at_its_clear_level() {
    let mut world = World::new(config(), guest());
    assert_eq!(world.letters(Cpu, &[79.9, 80.0, 89.9, 90.0, 89.0, 79.0, 75.1, 80.0, 75.0]), ".wwcwwww.");
    // Not even known any more, once it may begin again.
    world.wait(300);
    assert_eq!((world.letters(Cpu, &[70.0]), world.states.len()), (".".to_owned(), 0));
}

#[test]
fn what_is_found_says_the_value_and_the_limits() {
    let mut world = World::new(config(), guest());
    let code = ThresholdCode { resource: 0, metric: Some(Cpu) };
    let [Finding::Bad(found, standing, text)] = &world.up(Cpu, 85.52)[..] else { panic!("no alert") };
    assert_eq!((*found, standing.severity, standing.value.map(Measured::get)), (code, Severity::Warning, Some(85.52)));
    assert_eq!(text, "VM cpu usage at 85.5% (trigger: 80%, clear: 75%)");
    let good = Finding::Good(code, "VM cpu usage at 12.0% (trigger: 80%, clear: 75%)".to_owned());
    assert_eq!(world.up(Cpu, 12.0), [good]);
    let limit = Effective { trigger: 150.0, clear: 125.0 };
    assert_eq!(
        text::value(ResourceKind::Container, DiskRead, 160.0, limit),
        "Container diskRead at 160.0 MB/s (trigger: 150 MB/s, clear: 125 MB/s)"
    );
}

#[test]
fn one_lower_sample_begins_the_time_anew_for_which_a_value_has_to_be_bad() {
    let mut world = World::new(AlertConfig { hold_s: 30, ..config() }, guest());
    assert_eq!(world.letters(Cpu, &[90.0, 90.0, 90.0, 79.0, 90.0, 90.0, 90.0, 90.0, 79.0]), ".......cc");
    // A kind of resource may have its own time.
    let own = HoldTimes { guest_s: Some(0), ..HoldTimes::default() };
    let mut world = World::new(AlertConfig { hold_s: 30, holds: own, ..config() }, guest());
    assert_eq!(world.letters(Cpu, &[90.0]), "c");
}

#[test]
fn time_in_which_nobody_looked_is_no_time_in_which_a_value_was_bad() {
    let mut world = World::new(AlertConfig { hold_s: 30, ..config() }, guest());
    assert_eq!(world.letters(Cpu, &[90.0, 90.0]), "..");
    world.wait(1_000);
    assert_eq!(world.letters(Cpu, &[90.0, 90.0, 90.0, 90.0]), "...c");
    let mut world = World::new(AlertConfig { hold_s: 20, ..config() }, guest());
    world.up(Cpu, 90.0);
    world.poll(Condition::Up, Values::default());
    assert_eq!(world.letters(Cpu, &[90.0, 90.0, 90.0]), "..c", "and neither is a poll without the value");
}

#[test]
fn the_same_alert_with_the_same_value_does_not_begin_again_for_a_while() {
    let mut world = World::new(config(), guest());
    assert_eq!(world.letters(Cpu, &[85.0, 70.0, 86.9]), "w..", "less than 2 apart");
    world.wait(200);
    assert_eq!(world.letters(Cpu, &[84.0, 99.0]), "..", "another window, whatever the value");
    world.wait(90);
    assert_eq!(world.letters(Cpu, &[85.0]), "w", "and no longer");
    let mut world = World::new(config(), guest());
    assert_eq!(world.letters(Cpu, &[85.0, 70.0, 87.0]), "w.w", "2 apart");
    let mut world = World::new(config(), guest());
    world.letters(Cpu, &[85.0, 70.0]);
    world.wait(300);
    assert_eq!(world.letters(Cpu, &[85.0]), "w", "long ago");
}

#[test]
fn what_comes_and_goes_too_often_does_not_begin_again_for_a_quarter_of_an_hour() {
    let mut world = World::new(config(), guest());
    let values = [85.0, 70.0, 88.0, 70.0];
    assert_eq!(world.letters(Cpu, &[values, values, values].concat()), "w.w.w.w.w...");
    world.wait(600);
    assert_eq!(world.letters(Cpu, &[85.0, 70.0]), "..");
    world.wait(300);
    assert_eq!(world.letters(Cpu, &[85.0, 70.0]), "w.");
}

#[test]
fn a_guest_that_stops_has_its_alerts_dropped_silently() {
    let silent = AlertConfig { silence_off: Switches { guests: true, ..Switches::default() }, ..config() };
    let mut world = World::new(silent, guest());
    world.up(Cpu, 95.0);
    let found = world.poll(Condition::Down, Values::of(&[(Cpu, 0.0)]));
    assert_eq!(found, [Finding::Dropped(ThresholdCode { resource: 0, metric: Some(Cpu) })]);
    assert_eq!(world.poll(Condition::Down, Values::of(&[(Cpu, 0.0)])), []);
}

#[test]
fn polls_that_say_the_same_change_nothing_at_all() {
    for (values, condition) in
        [([50.0, 50.0], Condition::Up), ([85.0, 99.0], Condition::Up), ([0.0, 0.0], Condition::Down)]
    {
        let mut world = World::new(config(), guest());
        let values = Values::of(&[(Cpu, values[0]), (Memory, values[1])]);
        for _ in 0..3 {
            world.poll(condition, values);
        }
        let (states, open) = (world.states.clone(), world.open.clone());
        for _ in 0..2_000 {
            world.poll(condition, values);
            assert_eq!((&world.states, &world.open), (&states, &open), "{condition:?}");
        }
    }
}

#[test]
fn what_is_at_rest_is_not_of_interest_and_has_no_state() {
    let mut world = World::new(config(), guest());
    let mut matters = |condition, cpu: f64| {
        let poll = Poll { at: UnixMillis(FROM_MS), condition, values: Values::of(&[(Cpu, cpu)]) };
        let matters = is_of_interest(&world.config, &world.resource, &poll);
        world.poll(condition, poll.values);
        let is_known = !world.states.is_empty() || !world.open.is_empty();
        (world.states, world.open) = (BTreeMap::new(), BTreeMap::new());
        assert_eq!(matters, is_known);
        matters
    };
    assert!(!matters(Condition::Up, 79.9) && matters(Condition::Up, 80.0));
    assert!(matters(Condition::Down, 0.0) && !matters(Condition::Unknown, 0.0));
    assert!(!matters(Condition::Gone, 99.0));
}

#[test]
fn what_is_gone_for_good_has_no_alerts_left() {
    let mut world = World::new(config(), resource(ResourceKind::Storage));
    world.up(Usage, 99.0);
    assert_eq!(world.poll(Condition::Gone, Values::default()).len(), 1);
    assert_eq!((world.states.len(), world.open.len()), (0, 0));
}

#[test]
fn what_is_switched_off_has_no_alerts_and_those_it_had_are_dropped() {
    let off = |change: &dyn Fn(&mut AlertConfig)| {
        let mut world = World::new(config(), guest());
        world.up(Cpu, 95.0);
        change(&mut world.config);
        assert_eq!(world.up(Cpu, 95.0), [Finding::Dropped(ThresholdCode { resource: 0, metric: Some(Cpu) })]);
        assert_eq!((world.up(Cpu, 95.0), world.states.len()), (vec![], 0));
    };
    off(&|config| config.is_enabled = false);
    off(&|config| config.off.guests = true);
    off(&|config| config.guest = limits(&[(Cpu, 0.0, 75.0)]));
    off(&|config| config.guest = limits(&[(Memory, 85.0, 80.0)]));
    off(&|config| {
        let own = Thresholds { is_off: true, ..Thresholds::default() };
        config.overrides.insert("lab-pve1-101".to_owned(), own);
    });
}

#[test]
fn tags_of_guests_change_what_is_judged_and_who_is_told() {
    let tagged = |tag: &str| World::new(config(), Resource { tags: vec!["x".to_owned(), tag.to_owned()], ..guest() });
    assert_eq!(tagged("pulse-no-alerts").letters(Cpu, &[100.0]), ".");
    assert_eq!(tagged("Pulse-Relaxed").letters(Cpu, &[94.9, 95.0, 90.1, 90.0]), ".ww.");
    let mut world = tagged("pulse-monitor-only");
    assert_eq!(world.letters(Cpu, &[85.0]), "w");
    assert!(world.states.values().all(|state| state.is_mute));
    assert!(!tagged("prod").resource.is_mute());
    // The tags are those of guests.
    let mut node = World::new(config(), Resource { kind: ResourceKind::Node, ..tagged("pulse-no-alerts").resource });
    assert_eq!(node.letters(Cpu, &[85.0]), "w");
}

#[test]
fn rates_have_limits_where_somebody_set_some() {
    let mut world = World::new(config(), guest());
    assert_eq!(world.letters(NetworkIn, &[9_999.0]), ".");
    world.config.guest.limits.insert(NetworkIn, Limit::new(200.0, 175.0));
    assert_eq!(world.letters(NetworkIn, &[-1.0, 199.9, 200.0, 211.0, 175.0]), "..wc.");
    world.up(NetworkIn, f64::NAN);
    assert_eq!(world.open.len(), 0);
}
