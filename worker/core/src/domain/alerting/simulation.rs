//! A host, its rules and everything that may happen to who watches it: restarts at any moment, clocks that step, quiet hours,
//! acknowledgements. Test only.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::book::Sign;
use super::book::tests::{above, cpu, rule, subject};
use super::{Book, HostState, Moment, Step, Transition};
use crate::model::{Condition, Escalation, HostId, Presence, Quantity, Repeat, Rule, Sample, Test};
use crate::units::UnixSeconds;

const HOST: HostId = HostId(7);

/// What happens next.
#[derive(Debug, Clone)]
enum Happening {
    /// A report of so many samples; the value of each. Ten seconds lie between two.
    Report(Vec<(u8, u8)>),
    /// The alarm or the schedule, after so many seconds.
    Tick(u16),
    /// The host falls silent, or is back.
    Presence(bool),
    /// Quiet hours begin or end.
    Quiet(bool),
    /// Somebody acknowledges what is open.
    Acknowledge,
    /// Both clocks jump; once between two reports, since two jumps may add up to a pause like any other.
    Jump(i32),
}

fn happening() -> impl Strategy<Value = Happening> {
    let values = prop::collection::vec((any::<u8>(), any::<u8>()), 1..7);
    prop_oneof![
        8 => values.prop_map(Happening::Report),
        4 => (100..900_u16).prop_map(Happening::Tick),
        1 => any::<bool>().prop_map(Happening::Presence),
        1 => any::<bool>().prop_map(Happening::Quiet),
        1 => Just(Happening::Acknowledge),
    ]
}

fn with_jumps() -> impl Strategy<Value = Happening> {
    prop_oneof![9 => happening(), 1 => prop_oneof![-140_000..-100_000, 100_000..140_000].prop_map(Happening::Jump)]
}

fn rules(for_s: u32, repeat: Repeat) -> Vec<Rule> {
    let load = Condition { test: Test::Value { quantity: Quantity::Load1, bounds: above(100.0) }, for_s: 10 };
    let boss = vec![Escalation { after_s: 1_800, group: "boss".to_owned() }];
    vec![
        Rule { repeat, escalations: boss, ..rule(1, vec![cpu(100.0, for_s)]) },
        Rule { repeat, ..rule(2, vec![cpu(60.0, for_s), load]) },
        Rule { repeat, ..rule(3, vec![Condition { test: Test::Offline, for_s }]) },
    ]
}

/// One who watches, and what of the book would outlive a restart.
struct Watcher {
    book: Book,
    kept: BTreeMap<HostId, HostState>,
    before: Option<Sample>,
    presence: Presence,
    /// True time, and how far the clocks are ahead of it, seconds.
    now: i64,
    ahead: i64,
    has_jumped: bool,
    last_seen: i64,
    is_quiet: bool,
    told: Vec<Transition>,
    /// Samples in true time, with their values.
    seen: Vec<(i64, u8, u8)>,
}

impl Watcher {
    fn new(rules: Vec<Rule>) -> Self {
        Self {
            book: Book::new(rules, BTreeMap::new()),
            kept: BTreeMap::new(),
            before: None,
            presence: Presence::Online,
            now: 1_795_361_190,
            ahead: 0,
            has_jumped: false,
            last_seen: 1_795_361_190,
            is_quiet: false,
            told: Vec::new(),
            seen: Vec::new(),
        }
    }

    fn moment(&self) -> Moment {
        Moment { at: UnixSeconds(self.now + self.ahead).millis(), is_quiet: self.is_quiet }
    }

    fn act(&mut self, happening: &Happening) {
        match happening {
            Happening::Report(values) => {
                self.has_jumped = false;
                let mut samples = Vec::new();
                for (cpu, load) in values {
                    self.now += 10;
                    self.seen.push((self.now, *cpu, *load));
                    samples.push(Sample {
                        at: UnixSeconds(self.now + self.ahead).millis(),
                        cpu_percent: Some(f64::from(*cpu)),
                        load1: Some(f64::from(*load)),
                        ..Sample::default()
                    });
                }
                (self.presence, self.last_seen) = (Presence::Online, self.now + self.ahead);
                let moment = self.moment();
                let steps = self.book.samples(subject(HOST.0), self.before.as_ref(), &samples, 10, moment);
                self.before = samples.pop();
                self.told.extend(steps);
                self.look();
            }
            Happening::Tick(seconds) => {
                self.now += i64::from(*seconds);
                self.look();
            }
            Happening::Presence(is_there) => {
                self.now += 1;
                self.presence = if *is_there { Presence::Online } else { Presence::Offline };
                self.look();
            }
            Happening::Quiet(is_quiet) => self.is_quiet = *is_quiet,
            Happening::Acknowledge => {
                let open = self.book.state(HOST).and_then(|state| state.open.values().next());
                if let Some(key) = open.map(|open| open.key.clone()) {
                    assert!(self.book.acknowledge(&key));
                }
            }
            Happening::Jump(_) if self.has_jumped => {}
            Happening::Jump(seconds) => {
                self.has_jumped = true;
                self.ahead += i64::from(*seconds);
                // The judge of presence sees the clock jump, by its own plan for when to run.
                self.book.skip(i64::from(*seconds) * 1000);
                self.last_seen += i64::from(*seconds);
            }
        }
        for id in self.book.take_changed() {
            match self.book.state(id) {
                Some(state) => drop(self.kept.insert(id, state.clone())),
                None => drop(self.kept.remove(&id)),
            }
        }
    }

    fn look(&mut self) {
        let last_seen = Some(UnixSeconds(self.last_seen).millis());
        let sign = Sign { presence: self.presence, last_seen, newest: self.before.as_ref() };
        let moment = self.moment();
        let steps = self.book.presence(std::iter::once((subject(HOST.0), sign)), false, moment);
        self.told.extend(steps);
        let is_offline = self.presence == Presence::Offline;
        let steps = self.book.tick(moment, |_| is_offline, |_| None);
        self.told.extend(steps);
    }

    fn restart(&mut self) {
        self.book = Book::new(self.book.rules().to_vec(), self.kept.clone());
    }
}

/// Steps without their times.
fn shape(told: &[Transition]) -> Vec<(i64, Step, &str, bool)> {
    told.iter().map(|one| (one.cause.id, one.step, one.group.as_str(), one.is_quiet)).collect()
}

fn repeat() -> impl Strategy<Value = Repeat> {
    prop::sample::select(vec![Repeat::Never, Repeat::Every(300), Repeat::Doubling])
}

proptest! {
    #[test]
    fn a_restart_at_any_moment_changes_nothing(
        happenings in prop::collection::vec((with_jumps(), any::<bool>()), 1..80),
        for_s in prop::sample::select(vec![0_u32, 20, 60, 600]),
        repeat in repeat(),
    ) {
        let (mut steady, mut restarted) = (Watcher::new(rules(for_s, repeat)), Watcher::new(rules(for_s, repeat)));
        for (happening, is_restart) in &happenings {
            steady.act(happening);
            restarted.act(happening);
            if *is_restart {
                restarted.restart();
            }
            prop_assert_eq!(&steady.kept, &restarted.kept);
        }
        prop_assert_eq!(steady.told, restarted.told);
    }

    #[test]
    fn nothing_fires_before_its_time(
        happenings in prop::collection::vec(with_jumps(), 1..120),
        for_s in prop::sample::select(vec![0_u32, 20, 60]),
    ) {
        let mut watcher = Watcher::new(rules(for_s, Repeat::Never));
        for happening in &happenings {
            let (told, seen) = (watcher.told.len(), watcher.seen.len());
            watcher.act(happening);
            let fired = watcher.told.get(told..).unwrap_or_default().iter();
            for one in fired.filter(|one| one.step == Step::Fired && one.cause.id == 1 && one.is_quiet == watcher.is_quiet) {
                if watcher.seen.len() == seen {
                    // Told late, at the end of quiet hours.
                    continue;
                }
                // Some sample of this report is the last one of a run that is long enough.
                let found = (seen + 1..=watcher.seen.len()).any(|end| {
                    let run = watcher.seen.iter().take(end).rev().take_while(|(_, cpu, _)| *cpu > 100);
                    let times: Vec<i64> = run.map(|(at, _, _)| *at).collect();
                    times.first().zip(times.last()).is_some_and(|(last, first)| last - first >= i64::from(for_s))
                });
                prop_assert!(found, "{:?} after {:?}", one, watcher.seen);
            }
        }
    }

    #[test]
    fn each_alert_begins_once_and_ends_once_for_everybody_who_was_told(
        // Keys are made of times: a clock that comes back to the same millisecond makes the same one.
        happenings in prop::collection::vec(happening(), 1..120),
        for_s in prop::sample::select(vec![0_u32, 20]),
        repeat in repeat(),
    ) {
        let mut watcher = Watcher::new(rules(for_s, repeat));
        for happening in &happenings {
            watcher.act(happening);
        }
        // At the end all is well, and nobody sleeps.
        watcher.act(&Happening::Quiet(false));
        watcher.act(&Happening::Report(vec![(0, 0)]));
        prop_assert!(watcher.book.state(HOST).is_none());
        let mut alerts: BTreeMap<&str, Vec<&Transition>> = BTreeMap::new();
        for one in &watcher.told {
            alerts.entry(&one.alert).or_default().push(one);
        }
        for steps in alerts.values() {
            let count = |step: Step, group: &str, is_quiet| {
                let same = |one: &&&Transition| one.step == step && one.group == group && one.is_quiet == is_quiet;
                steps.iter().filter(same).count()
            };
            prop_assert_eq!(steps[0].step, Step::Fired);
            prop_assert_eq!(steps.last().unwrap().step, Step::Recovered);
            let loud = count(Step::Fired, "", false);
            prop_assert!(loud <= 1 && count(Step::Fired, "", true) <= 1);
            prop_assert_eq!(count(Step::Recovered, "", false), loud, "told of the end as of the beginning");
            prop_assert_eq!(count(Step::Recovered, "", true), 1 - loud);
            prop_assert_eq!(count(Step::Recovered, "boss", false), count(Step::Escalated, "boss", false));
        }
        let keys: std::collections::BTreeSet<String> = watcher.told.iter().enumerate().map(|(at, one)| {
            one.key(at)
        }).collect();
        prop_assert_eq!(keys.len(), watcher.told.len());
    }

    #[test]
    fn clocks_that_step_change_nothing(
        happenings in prop::collection::vec(with_jumps(), 1..80),
        for_s in prop::sample::select(vec![0_u32, 20, 60, 600]),
        repeat in repeat(),
    ) {
        let (mut stepped, mut steady) = (Watcher::new(rules(for_s, repeat)), Watcher::new(rules(for_s, repeat)));
        for happening in &happenings {
            stepped.act(happening);
            if !matches!(happening, Happening::Jump(_)) {
                steady.act(happening);
            }
        }
        prop_assert_eq!(shape(&stepped.told), shape(&steady.told));
    }

    #[test]
    fn a_host_at_rest_is_not_in_the_book(values in prop::collection::vec((0..60_u8, any::<u8>()), 1..50)) {
        let mut watcher = Watcher::new(rules(20, Repeat::Doubling));
        for one in values {
            watcher.act(&Happening::Report(vec![(one.0, one.1 % 100)]));
            prop_assert_eq!(watcher.kept.len(), 0);
        }
    }
}
