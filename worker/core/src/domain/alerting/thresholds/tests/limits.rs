//! Which limit holds.

use super::*;

fn poll(values: &[(ThresholdMetric, f64)]) -> Poll {
    Poll { at: UnixMillis(FROM_MS), condition: Condition::Up, values: Values::of(values) }
}

fn trigger(config: &AlertConfig, resource: &Resource, metric: ThresholdMetric) -> Option<(f64, f64)> {
    limit_of(config, resource, metric, &poll(&[(Cpu, 50.0), (Disk, 10.0)])).map(|limit| (limit.trigger, limit.clear))
}

fn rule(id: &str, priority: i64, filters: Vec<GuestFilter>, thresholds: Thresholds) -> CustomRule {
    CustomRule { id: id.to_owned(), filters, thresholds, priority, is_enabled: true, ..CustomRule::default() }
}

#[test]
fn its_own_limit_goes_before_the_rules_and_that_before_all_guests_by_metric() {
    let mut config = config();
    let cpu = |trigger| limits(&[(Cpu, trigger, trigger - 10.0)]);
    assert_eq!(trigger(&config, &guest(), Cpu), Some((80.0, 75.0)));
    config.rules = vec![
        rule("a", 1, vec![], limits(&[(Cpu, 61.0, 51.0), (Memory, 62.0, 52.0)])),
        rule("b", 3, vec![], cpu(63.0)),
        rule("c", 3, vec![], cpu(64.0)),
        CustomRule { is_enabled: false, ..rule("d", 9, vec![], cpu(65.0)) },
    ];
    assert_eq!(trigger(&config, &guest(), Cpu), Some((63.0, 53.0)), "the highest priority, of two the first");
    assert_eq!(trigger(&config, &guest(), Memory), Some((85.0, 80.0)), "which says nothing of memory");
    config.overrides.insert("lab-pve1-101".to_owned(), limits(&[(Memory, 40.0, 30.0)]));
    assert_eq!(trigger(&config, &guest(), Memory), Some((40.0, 30.0)));
    assert_eq!(trigger(&config, &guest(), Cpu), Some((63.0, 53.0)), "its own say nothing of it");
    config.overrides.insert("lab-pve1-101".to_owned(), limits(&[(Cpu, 0.0, 30.0)]));
    assert_eq!(trigger(&config, &guest(), Cpu), None, "off is a limit too");
    config.overrides.remove("lab-pve1-101");
    config.overrides.insert("lab-pve2-101".to_owned(), cpu(20.0));
    assert_eq!(trigger(&config, &guest(), Cpu), Some((20.0, 10.0)), "by an id of before it moved");
    assert_eq!(trigger(&config, &resource(ResourceKind::Pbs), Cpu), Some((20.0, 10.0)));
}

#[test]
fn nodes_and_hosts_have_no_rules_and_storages_one_limit() {
    let mut config = AlertConfig { off: Switches::default(), ..config() };
    config.rules = vec![rule("a", 1, vec![], limits(&[(Cpu, 10.0, 5.0)]))];
    config.node = limits(&[(Cpu, 70.0, 60.0)]);
    config.host = limits(&[(Cpu, 71.0, 61.0)]);
    assert_eq!(trigger(&config, &resource(ResourceKind::Container), Cpu), Some((10.0, 5.0)));
    assert_eq!(trigger(&config, &resource(ResourceKind::Node), Cpu), Some((70.0, 60.0)));
    assert_eq!(trigger(&config, &resource(ResourceKind::Host), Cpu), Some((71.0, 61.0)));
    assert_eq!(trigger(&config, &resource(ResourceKind::Pbs), Cpu), None);
    let storage = resource(ResourceKind::Storage);
    assert_eq!((trigger(&config, &storage, Usage), trigger(&config, &storage, Disk)), (Some((85.0, 80.0)), None));
    assert_eq!(trigger(&config, &guest(), Usage), None);
    for metric in [Disk, Usage] {
        config.overrides = [("lab-pve1-101".to_owned(), limits(&[(metric, 50.0, 40.0)]))].into();
        assert_eq!(trigger(&config, &storage, Usage), Some((50.0, 40.0)), "{metric:?}");
    }
}

#[test]
fn a_clear_level_that_makes_no_sense_is_repaired() {
    let mut config = config();
    let mut of_all = |from: f64, clear: f64| {
        config.guest.limits.insert(Cpu, Limit::new(from, clear));
        trigger(&config, &guest(), Cpu)
    };
    assert_eq!(of_all(80.0, 0.0), Some((80.0, 80.0)), "not said: the trigger itself");
    assert_eq!(of_all(80.0, -3.0), Some((80.0, 80.0)));
    assert_eq!([of_all(80.0, 80.0), of_all(80.0, 90.0)], [Some((80.0, 75.0)); 2]);
    assert_eq!(of_all(3.0, 4.0), Some((3.0, 0.0)));
    assert_eq!([of_all(0.0, 4.0), of_all(-1.0, 4.0), of_all(f64::NAN, 4.0)], [None; 3]);
    let mut own = |from: f64, clear: f64| {
        config.overrides.insert("lab-pve1-101".to_owned(), limits(&[(Cpu, from, clear)]));
        trigger(&config, &guest(), Cpu)
    };
    assert_eq!((own(80.0, 0.0), own(3.0, 0.0)), (Some((80.0, 75.0)), Some((3.0, 0.0))), "its own: five below");
    config.overrides.clear();
    config.guest.limits.insert(Cpu, Limit::new(80.0, 0.0));
    assert_eq!(World::new(config, guest()).letters(Cpu, &[80.0, 80.0, 79.9]), "ww.");
}

#[test]
fn rules_are_about_the_guests_that_their_filters_match() {
    use Comparison::{Above, AtLeast, AtMost, Below, Equal};
    let mut config = config();
    let mut is_matched = |is_any: bool, filters: Vec<GuestFilter>| {
        config.rules = vec![CustomRule { is_any, ..rule("a", 1, filters, limits(&[(Cpu, 10.0, 5.0)])) }];
        trigger(&config, &guest(), Cpu) == Some((10.0, 5.0))
    };
    let metric = |metric, comparison, value| GuestFilter::Metric { metric, comparison, value };
    let text = |field, part: &str| GuestFilter::Text { field, part: part.to_owned() };
    let raw = |part: &str| GuestFilter::Raw(part.to_owned());
    for (comparison, yes, no) in
        [(Above, 49.9, 50.0), (Below, 50.1, 50.0), (AtLeast, 50.0, 50.1), (AtMost, 50.0, 49.9), (Equal, 50.5, 50.6)]
    {
        assert!(is_matched(false, vec![metric(Cpu, comparison, yes)]), "{comparison:?}");
        assert!(!is_matched(false, vec![metric(Cpu, comparison, no)]), "{comparison:?}");
    }
    assert!(!is_matched(false, vec![metric(Memory, Above, 0.0)]), "not measured");
    assert!(
        is_matched(false, vec![text(GuestText::Name, "WE")]) && is_matched(false, vec![text(GuestText::Vmid, "10")])
    );
    assert!(
        is_matched(false, vec![text(GuestText::Node, "Pve1")])
            && !is_matched(false, vec![text(GuestText::Node, "pve2")])
    );
    for part in ["Web", "lab-pve1", "PVE1", "running"] {
        assert!(is_matched(false, vec![raw(part)]), "{part}");
    }
    assert!(!is_matched(false, vec![raw("stopped")]) && !is_matched(true, vec![GuestFilter::Other("{}".to_owned())]));
    let (yes, no) = (raw("web"), raw("mail"));
    assert!(!is_matched(false, vec![yes.clone(), no.clone()]) && is_matched(true, vec![no.clone(), yes.clone()]));
    assert!(is_matched(false, vec![yes.clone(), yes]) && !is_matched(true, vec![no.clone(), no]));
    assert!(is_matched(true, vec![]) && is_matched(false, vec![]), "an empty list matches every guest");
}
