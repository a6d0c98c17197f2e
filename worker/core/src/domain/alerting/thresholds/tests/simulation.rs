//! Whatever polls say, in whatever order: what the specification says happens, and nothing is known of what is at rest.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Happening {
    /// A poll that says this of the processors.
    Cpu(u8),
    /// One that finds it stopped.
    Down,
    /// Nobody polls for so many seconds.
    Wait(u16),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        8 => (60..101_u8).prop_map(Happening::Cpu),
        1 => Just(Happening::Down),
        1 => (1..900_u16).prop_map(Happening::Wait),
    ]
}

/// The rules as they are written, with all that ever happened at hand.
#[derive(Default)]
struct Reader {
    /// Time in seconds and value of each poll; `None` for one that finds it stopped.
    polls: Vec<(i64, Option<f64>)>,
    is_open: bool,
    raised: Option<(i64, f64)>,
    held_until: i64,
    begun: (i64, u32),
}

impl Reader {
    fn poll(&mut self, at: i64, value: Option<f64>, hold_s: i64) {
        self.polls.push((at, value));
        let Some(value) = value else {
            self.is_open = false;
            self.held_until = 0;
            return;
        };
        if self.is_open {
            self.is_open = value > 75.0;
        } else if value >= 80.0 && self.has_held(hold_s) && at >= self.held_until {
            let is_same = self.raised.is_some_and(|(since, before)| at - since < 300 && (value - before).abs() < 2.0);
            if is_same {
                self.held_until = at + 300;
            } else {
                if at - self.begun.0 >= 300 {
                    self.begun = (at, 0);
                }
                if self.begun.1 >= 5 {
                    self.held_until = at + 900;
                } else {
                    (self.is_open, self.raised) = (true, Some((at, value)));
                    self.begun.1 += 1;
                }
            }
        }
    }

    /// Whether the value has been bad for so long without a break.
    fn has_held(&self, hold_s: i64) -> bool {
        let mut newer = self.polls.last().map_or(0, |(at, _)| *at);
        let now = newer;
        for (at, value) in self.polls.iter().rev() {
            if newer - at > 180 || value.is_none_or(|value| value < 80.0) {
                break;
            }
            newer = *at;
        }
        now - newer >= hold_s
    }
}

proptest! {
    #[test]
    fn alerts_are_what_the_written_rules_say(
        happenings in prop::collection::vec(happening(), 1..80),
        hold_s in prop_oneof![Just(0_u32), 1..60_u32],
    ) {
        let silent = Switches { guests: true, ..Switches::default() };
        let mut world = World::new(AlertConfig { hold_s, silence_off: silent, ..config() }, guest());
        let mut reader = Reader::default();
        let code = ThresholdCode { resource: 0, metric: Some(Cpu) };
        for one in happenings {
            let value = match one {
                Happening::Wait(seconds) => {
                    world.wait(i64::from(seconds));
                    continue;
                }
                Happening::Cpu(value) => {
                    world.up(Cpu, f64::from(value));
                    Some(f64::from(value))
                }
                Happening::Down => {
                    world.poll(Condition::Down, Values::default());
                    None
                }
            };
            reader.poll(world.now_ms / 1_000, value, i64::from(hold_s));
            assert_eq!(world.open.contains_key(&code), reader.is_open);
            if let (Some(severity), Some(value)) = (world.open.get(&code), value)
                && value >= 80.0
            {
                assert_eq!(*severity == Severity::Critical, value >= 90.0);
            }
            // An alert that goes on has a state, and what is kept of anything else matters.
            assert!(world.states.contains_key(&code) || !reader.is_open);
            assert!(world.states.get(&code).is_none_or(|state| reader.is_open || !state.is_at_rest()));
        }
        world.wait(1_000);
        world.up(Cpu, 10.0);
        world.up(Cpu, 10.0);
        assert_eq!((world.states.len(), world.open.len()), (0, 0), "it is forgotten in the end");
    }
}
