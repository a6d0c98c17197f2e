//! As what programs for Mackerel know the alerts of this engine: one table, both ways. What has no such kind they are not told of, for
//! they read no further than an unknown one.

use crate::model::{AlertKind, Monitor, Rule, Source, Test, ThresholdCode, Watch};

/// What may be behind alerts of a kind.
pub const fn sources(kind: AlertKind) -> &'static [Source] {
    match kind {
        AlertKind::Connectivity | AlertKind::Host => &[Source::Rule, Source::Monitor, Source::Threshold],
        AlertKind::Service => &[Source::Monitor],
        AlertKind::External => &[Source::Probe, Source::ProbeLatency, Source::ProbeCertificate, Source::Monitor],
        AlertKind::Check => &[Source::Check],
    }
}

/// The kind of what needs no more to be told than what found it.
pub const fn of_source(source: Source) -> Option<AlertKind> {
    match source {
        Source::Probe | Source::ProbeLatency | Source::ProbeCertificate => Some(AlertKind::External),
        Source::Check => Some(AlertKind::Check),
        Source::Rule | Source::Monitor | Source::Threshold => None,
    }
}

/// The kind of a rule's alerts: of one for silence alone, or for values of a host; `None` for one that counts bytes.
pub fn of_rule(rule: &Rule) -> Option<AlertKind> {
    let tests = || rule.conditions.iter().map(|condition| &condition.test);
    if tests().any(|test| matches!(test, Test::Transfer { .. })) {
        None
    } else if tests().all(|test| *test == Test::Offline) {
        Some(AlertKind::Connectivity)
    } else {
        Some(AlertKind::Host)
    }
}

/// The kind of a threshold's alerts: of a host that is gone, or of what is measured of a host or one of its resources. `None` for a
/// resource that is gone: no program for Mackerel knows of such.
pub const fn of_threshold(code: ThresholdCode) -> Option<AlertKind> {
    match (code.metric, code.resource) {
        (Some(_), _) => Some(AlertKind::Host),
        (None, 0) => Some(AlertKind::Connectivity),
        (None, _) => None,
    }
}

/// The kind of a monitor's alerts; `None` for one that has none.
pub const fn of_monitor(monitor: &Monitor) -> Option<AlertKind> {
    match &monitor.watch {
        Watch::Connectivity { .. } => Some(AlertKind::Connectivity),
        Watch::Host { .. } => Some(AlertKind::Host),
        Watch::Service { .. } => Some(AlertKind::Service),
        Watch::External { .. } => Some(AlertKind::External),
        Watch::Nothing => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alerting::book::tests::{cpu, rule};
    use crate::model::{
        Bounds, Condition, Cycle, CycleUnit, Direction, MetricTest, MissingLimits, MonitorId, MonitorKind,
        MonitorScopes, Severity, WebQuestion,
    };
    use crate::units::UnixSeconds;

    fn offline() -> Condition {
        Condition { test: Test::Offline, for_s: 60 }
    }

    #[test]
    fn each_kind_has_its_sources_and_each_source_its_kinds() {
        for source in Source::ALL {
            let kinds: Vec<AlertKind> =
                AlertKind::ALL.into_iter().filter(|kind| sources(*kind).contains(&source)).collect();
            assert!(!kinds.is_empty(), "{source:?}");
            match of_source(source) {
                Some(kind) => assert_eq!(kinds, [kind]),
                None => assert!(kinds.len() > 1, "{source:?} says itself which it is"),
            }
        }
    }

    #[test]
    fn rules_are_known_as_what_they_look_at() {
        let cycle = Cycle { start: UnixSeconds(0), offset_s: 0, interval: 1, unit: CycleUnit::Day };
        let bytes = Test::Transfer { direction: Direction::All, cycle, bounds: Bounds::default() };
        let bytes = Condition { test: bytes, for_s: 0 };
        let kind = |conditions: Vec<Condition>| {
            let kind = of_rule(&rule(1, conditions));
            assert!(kind.is_none_or(|kind| sources(kind).contains(&Source::Rule)));
            kind
        };
        assert_eq!(kind(vec![cpu(90.0, 5)]), Some(AlertKind::Host));
        assert_eq!(kind(vec![cpu(90.0, 5), offline()]), Some(AlertKind::Host));
        assert_eq!(kind(vec![offline()]), Some(AlertKind::Connectivity));
        assert_eq!((kind(vec![bytes.clone()]), kind(vec![cpu(90.0, 5), bytes])), (None, None));
    }

    #[test]
    fn what_thresholds_find_of_hosts_is_known_and_that_a_storage_is_gone_is_not() {
        let kind = |resource, metric| of_threshold(ThresholdCode { resource, metric });
        let cpu = Some(crate::model::ThresholdMetric::Cpu);
        assert_eq!((kind(0, cpu), kind(0, None)), (Some(AlertKind::Host), Some(AlertKind::Connectivity)));
        assert_eq!((kind(2, cpu), kind(2, None)), (Some(AlertKind::Host), None));
        for kind in [AlertKind::Host, AlertKind::Connectivity] {
            assert!(sources(kind).contains(&Source::Threshold));
        }
    }

    #[test]
    fn monitors_alerts_have_the_words_of_their_own_types() {
        let test = MetricTest {
            metric: "a".to_owned(),
            is_above: true,
            warning: None,
            critical: Some(1.0),
            points: 1,
            attempts: 1,
        };
        let scopes = MonitorScopes::default;
        let missing = MissingLimits::default();
        for (watch, kind) in [
            (Watch::Connectivity { gone: Severity::Warning, scopes: scopes() }, MonitorKind::Connectivity),
            (Watch::Host { test: test.clone(), scopes: scopes() }, MonitorKind::Host),
            (Watch::Service { service: String::new(), number: 1, test: test.clone(), missing }, MonitorKind::Service),
            (Watch::External { question: WebQuestion::default(), test, service: None }, MonitorKind::External),
        ] {
            let monitor = Monitor { id: MonitorId(1), name: String::new(), is_mute: false, every_min: None, watch };
            let found = of_monitor(&monitor).unwrap();
            assert_eq!(found.word(), kind.word());
            assert!(sources(found).contains(&Source::Monitor));
        }
        assert_eq!(of_monitor(&Monitor { watch: Watch::Nothing, ..Monitor::first() }), None);
    }
}
