//! What is gone: so many polls in succession, and the first good one ends it.

use super::*;
use crate::model::Standing;

const CODE: ThresholdCode = ThresholdCode { resource: 0, metric: None };

fn down(world: &mut World) -> Vec<Finding> {
    world.poll(Condition::Down, Values::default())
}

fn bad(severity: Severity, text: &str) -> Finding {
    Finding::Bad(CODE, Standing { severity, value: None }, text.to_owned())
}

#[test]
fn each_kind_of_resource_is_gone_after_its_number_of_polls_and_back_with_one() {
    use Severity::{Critical, Warning};
    for (kind, polls, severity, words) in [
        (ResourceKind::Node, 3, Critical, "Node 'web' is offline"),
        (ResourceKind::Vm, 2, Warning, "VM 'web' is powered off"),
        (ResourceKind::Container, 2, Warning, "Container 'web' is powered off"),
        (ResourceKind::Pbs, 3, Critical, "PBS instance web is offline"),
        (ResourceKind::Storage, 2, Warning, "Storage web on node pve1 is unavailable"),
        (ResourceKind::Host, 3, Critical, "Host 'web' is offline"),
    ] {
        let config = AlertConfig { off: Switches::default(), ..config() };
        let mut world = World::new(config, resource(kind));
        for _ in 1..polls {
            assert_eq!(down(&mut world), [], "{kind:?}");
        }
        assert_eq!(down(&mut world), [bad(severity, words)]);
        assert_eq!(down(&mut world), [bad(severity, words)], "it goes on");
        let good = Finding::Good(CODE, words.to_owned());
        assert_eq!(world.poll(Condition::Up, Values::default()), [good]);
        assert_eq!((world.states.len(), down(&mut world)), (0, vec![]), "and is counted anew");
    }
}

#[test]
fn one_good_poll_begins_the_count_anew_and_one_that_knows_nothing_does_not() {
    let mut world = World::new(config(), resource(ResourceKind::Node));
    let count = |world: &mut World| world.states.get(&CODE).map_or(0, |state| state.gone);
    down(&mut world);
    down(&mut world);
    assert_eq!(count(&mut world), 2);
    world.poll(Condition::Up, Values::default());
    assert_eq!(count(&mut world), 0);
    down(&mut world);
    world.poll(Condition::Unknown, Values::default());
    down(&mut world);
    assert_eq!(down(&mut world).len(), 1);
    assert_eq!(world.poll(Condition::Unknown, Values::default()), [], "nor does it end an alert");
}

#[test]
fn whether_anybody_minds_and_how_much_may_be_said_for_all_and_for_one() {
    let powered_off = |severity| Thresholds { powered_off: Some(severity), ..Thresholds::default() };
    let mut world = World::new(config(), guest());
    world.config.overrides.insert("lab-pve1-101".to_owned(), powered_off(Severity::Critical));
    down(&mut world);
    assert_eq!(down(&mut world), [bad(Severity::Critical, "VM 'web' is powered off")]);
    world.config.overrides.clear();
    world.config.guest.powered_off = Some(Severity::Warning);
    assert_eq!(down(&mut world), [bad(Severity::Warning, "VM 'web' is powered off")]);
    let ignores = |ignores| Thresholds { ignores_silence: Some(ignores), ..Thresholds::default() };
    world.config.guest.ignores_silence = Some(true);
    assert_eq!(down(&mut world), [Finding::Dropped(CODE)]);
    assert_eq!((down(&mut world), down(&mut world), world.states.len()), (vec![], vec![], 0));
    world.config.overrides.insert("lab-pve1-101".to_owned(), ignores(false));
    down(&mut world);
    assert_eq!(down(&mut world).len(), 1);
    world.config.silence_off.guests = true;
    assert_eq!(down(&mut world), [Finding::Dropped(CODE)]);
}

#[test]
fn what_is_down_has_no_alert_of_its_values_beside() {
    let mut world = World::new(config(), resource(ResourceKind::Node));
    world.up(Cpu, 95.0);
    assert_eq!(down(&mut world), [Finding::Dropped(ThresholdCode { resource: 0, metric: Some(Cpu) })]);
}
