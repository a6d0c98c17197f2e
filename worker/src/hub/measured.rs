//! Which metrics a host has.

use std::collections::BTreeSet;

use edgewatch_core::metrics;
use edgewatch_core::metrics::own::is_of_host;
use edgewatch_core::model::HostId;
use serde::{Deserialize, Serialize};

use super::HubError;
use super::shard::Shard;

/// The metrics that a host has: the columns of the built-in ones in its newest sample, and the names of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MetricsWire {
    /// Numbers of columns, ascending.
    pub built_in: Vec<usize>,
    /// Ascending.
    pub own: Vec<String>,
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
        let mut own = BTreeSet::new();
        for id in [of, of.posted()] {
            if self.get(id).is_some() {
                let names = self.pending_with_names(id)?.1;
                own.extend(names.iter().map(|(_, name, _)| name).filter(|name| is_of_host(name)).map(str::to_owned));
            }
        }
        Ok(MetricsWire { built_in, own: own.into_iter().collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::directory::tests::entry;
    use crate::hub::sql::Sql;
    use edgewatch_core::model::{Named, Report, Sample};
    use edgewatch_core::units::UnixMillis;

    #[test]
    fn a_host_has_what_it_measured_and_what_it_named() {
        let mut shard = Shard::new(Sql::in_memory().unwrap()).unwrap();
        shard.complete(vec![]).unwrap();
        shard.enrol(vec![entry(1)]).unwrap();
        assert_eq!(shard.metrics_of(HostId(1)), Ok(MetricsWire::default()));
        let named = vec![Named { name: "custom.a.b".to_owned(), value: 1.0 }];
        let at = UnixMillis(1_795_361_190_000);
        let sample = Sample { number: 1, at, cpu_percent: Some(0.0), load1: Some(1.0), named, ..Sample::default() };
        let report = Report { oldest: 1, samples: vec![sample], ..Report::default() };
        shard.post(HostId(1), report, at).unwrap();
        let expected = MetricsWire { built_in: vec![0, 9], own: vec!["custom.a.b".to_owned()] };
        assert_eq!(shard.metrics_of(HostId(1)), Ok(expected));
        assert_eq!(shard.metrics_of(HostId(2)), Ok(MetricsWire::default()), "nobody's");
    }
}
