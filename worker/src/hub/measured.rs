//! Which metrics a host has.

use std::collections::BTreeSet;

use edgewatch_core::metrics;
use edgewatch_core::metrics::own::is_of_host;
use edgewatch_core::model::HostId;
use serde::{Deserialize, Serialize};

use super::shard::Shard;
use super::{HubError, rows};

/// The metrics that a host has: the columns of the built-in ones in its newest sample, and the names of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MetricsWire {
    /// Numbers of columns, ascending.
    pub built_in: Vec<usize>,
    /// Ascending.
    pub own: Vec<String>,
    /// Numbers of the probes that it measured delays of, ascending.
    #[serde(default)]
    pub probes: Vec<i64>,
}

impl Shard {
    /// The metrics that a host has; of those of its own whatever was reported or posted of it and is known by name.
    ///
    /// # Errors
    /// [`HubError::Refused`] when the object's database does not answer.
    pub fn metrics_of(&mut self, of: HostId) -> Result<MetricsWire, HubError> {
        self.load_posted(None)?;
        let newest = self.get(of).and_then(|tracked| Option::clone(&tracked.newest));
        let columns = newest.map(|sample| metrics::columns(&sample));
        let has_value = |(column, value): (usize, Option<f64>)| value.map(|_| column);
        let built_in = columns.into_iter().flat_map(|all| all.into_iter().enumerate().filter_map(has_value)).collect();
        let (mut own, mut probes) = (BTreeSet::new(), BTreeSet::new());
        for id in [of, of.posted()] {
            if self.get(id).is_some() {
                let names = self.pending_with_names(id)?.1;
                own.extend(names.iter().map(|(_, name, _)| name).filter(|name| is_of_host(name)).map(str::to_owned));
                probes.extend(names.iter().filter_map(|(_, name, _)| rows::probe_of_delay(name)));
            }
        }
        Ok(MetricsWire { built_in, own: own.into_iter().collect(), probes: probes.into_iter().collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::directory::tests::entry;
    use crate::hub::sql::Sql;
    use crate::hub::testing;
    use edgewatch_core::model::ProbeId;
    use edgewatch_core::model::{Named, Sample};
    use edgewatch_core::units::UnixMillis;

    #[test]
    fn a_probe_is_known_by_its_delays() {
        let names = [rows::UP, rows::DELAY, rows::EXPIRES].map(|part| rows::probe_name(ProbeId(3), part));
        assert_eq!(names.map(|name| rows::probe_of_delay(&name)), [None, Some(3), None]);
        let others = ["probe/x/delay_ms", "probe/3delay_ms", "custom.probe/3/delay_ms", ""];
        assert_eq!(others.map(rows::probe_of_delay), [None; 4]);
    }

    #[test]
    fn a_host_has_what_it_measured_and_what_it_named() {
        let mut shard = Shard::new(Sql::in_memory().unwrap()).unwrap();
        shard.complete(vec![]).unwrap();
        shard.enrol(vec![entry(1)]).unwrap();
        assert_eq!(shard.metrics_of(HostId(1)), Ok(MetricsWire::default()));
        let named = vec![Named { name: "custom.a.b".to_owned(), value: 1.0 }];
        let at = UnixMillis(1_795_361_190_000);
        let sample = Sample { number: 1, at, cpu_percent: Some(0.0), load1: Some(1.0), named, ..Sample::default() };
        let report = testing::report(vec![sample], 1, at, 10);
        shard.post(HostId(1), report, at).unwrap();
        let expected = MetricsWire { built_in: vec![0, 9], own: vec!["custom.a.b".to_owned()], probes: vec![] };
        assert_eq!(shard.metrics_of(HostId(1)), Ok(expected));
        assert_eq!(shard.metrics_of(HostId(2)), Ok(MetricsWire::default()), "nobody's");
    }
}
