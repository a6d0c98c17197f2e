//! What others than our agent post of hosts and services, value by value: which of it is kept, and as which samples.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{HostId, Named, Sample};
use crate::units::{UnixMillis, UnixSeconds};

/// A value further from now than this, before or after, is left out. Source: mackerel specification, 5.1.
const MAX_AWAY_S: i64 = 24 * 3_600;
/// The most names that a host's minute takes of one post. What is beyond is left out, for the rest is good.
pub const MAX_NAMES: usize = 500;
/// What a sample's names and values may weigh, bytes: it has to fit a frame of 64 kB.
const MAX_SAMPLE_BYTES: usize = 48_000;

/// One posted value.
#[derive(Debug, Clone, PartialEq)]
pub struct Posted {
    /// Of which host, or of which service.
    pub of: HostId,
    /// The metric's name, as it was posted.
    pub name: String,
    /// Its second.
    pub at: UnixSeconds,
    /// What it was.
    pub value: f64,
}

/// What is kept of a post.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Kept {
    /// Per host its samples, oldest first, one per second (more where one would be too large), without numbers. A host is there
    /// although nothing of it is kept: it was heard.
    pub samples: BTreeMap<HostId, Vec<Sample>>,
    /// How many values had a name that is none.
    pub bad_names: usize,
    /// Per host how many names a minute had beyond those that it takes; of several such minutes the most.
    pub beyond: BTreeMap<HostId, usize>,
}

impl Kept {
    /// How many values are kept.
    pub fn count(&self) -> usize {
        self.samples.values().flatten().map(|sample| sample.named.len()).sum()
    }
}

/// Whether a service's metric is drawn in a graph: its name is the graph's, with one word in the place of the `*` at its end.
pub fn is_in_graph(name: &str, graph: &str) -> bool {
    let rest = graph.strip_suffix('*').and_then(|beginning| name.strip_prefix(beginning));
    let begins_a_word = |beginning: &str| beginning.is_empty() || beginning.ends_with('.');
    graph.strip_suffix('*').is_some_and(begins_a_word)
        && rest.is_some_and(|rest| !rest.is_empty() && !rest.contains('.'))
}

/// Sorts the values of a post. Of a host, name and minute the last one counts.
pub fn sort(values: Vec<Posted>, now: UnixSeconds) -> Kept {
    let mut kept = Kept::default();
    let mut minutes: BTreeMap<(HostId, i64), BTreeMap<String, (UnixSeconds, f64)>> = BTreeMap::new();
    let mut beyond: BTreeMap<(HostId, i64), BTreeSet<String>> = BTreeMap::new();
    for Posted { of, name, at, value } in values {
        kept.samples.entry(of).or_default();
        if Named::check_name(&name).is_err() || !value.is_finite() {
            kept.bad_names += 1;
        } else if (-MAX_AWAY_S..=MAX_AWAY_S).contains(&at.since(now)) {
            let minute = minutes.entry((of, at.0.div_euclid(60))).or_default();
            if minute.len() < MAX_NAMES || minute.contains_key(&name) {
                minute.insert(name, (at, value));
            } else {
                beyond.entry((of, at.0.div_euclid(60))).or_default().insert(name);
            }
        }
    }
    for ((of, _), names) in beyond {
        let most = kept.beyond.entry(of).or_default();
        *most = names.len().max(*most);
    }
    let mut seconds: BTreeMap<(HostId, UnixSeconds), Vec<Named>> = BTreeMap::new();
    for ((of, _), names) in minutes {
        for (name, (at, value)) in names {
            seconds.entry((of, at)).or_default().push(Named { name, value });
        }
    }
    for ((of, at), named) in seconds {
        let samples = kept.samples.entry(of).or_default();
        samples.extend(parts(named).into_iter().map(|named| Sample { at: at.millis(), named, ..Sample::default() }));
    }
    kept
}

/// Names and values in parts that are small enough for a sample.
fn parts(named: Vec<Named>) -> Vec<Vec<Named>> {
    let mut parts: Vec<Vec<Named>> = Vec::new();
    let mut bytes = 0;
    for one in named {
        // A field's and a column's head, and a double.
        bytes += one.name.len() + 16;
        if let Some(part) = parts.last_mut().filter(|_| bytes <= MAX_SAMPLE_BYTES) {
            part.push(one);
        } else {
            bytes = one.name.len() + 16;
            parts.push(vec![one]);
        }
    }
    parts
}

/// The names of all these samples, each once.
pub fn names(samples: &[Sample]) -> BTreeSet<&str> {
    samples.iter().flat_map(|sample| &sample.named).map(|one| one.name.as_str()).collect()
}

/// The number of the next sample of what is posted: the moment it came, in ms, and beyond all before it. So the later one has the
/// higher number wherever it is taken in, and whoever goes on with a host needs to know of no number that was given elsewhere.
pub fn next_number(taken: u64, now: UnixMillis) -> u64 {
    taken.saturating_add(1).max(now.0.max(0).unsigned_abs())
}

/// The moment that a number says, ms since 1970; `None` before the first.
pub fn moment_of(number: u64) -> Option<i64> {
    (number > 0).then(|| i64::try_from(number).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = UnixSeconds(1_795_361_190);

    fn posted(of: i64, name: &str, ago_s: i64, value: f64) -> Posted {
        Posted { of: HostId(of), name: name.to_owned(), at: NOW.plus(-ago_s), value }
    }

    /// Of whom, how many seconds ago, names and values.
    type Flat = (i64, i64, Vec<(String, f64)>);

    fn sorted(values: Vec<Posted>) -> Vec<Flat> {
        let kept = sort(values, NOW);
        let flat = kept.samples.into_iter().flat_map(|(of, samples)| samples.into_iter().map(move |one| (of, one)));
        flat.map(|(of, one)| {
            let named = one.named.into_iter().map(|named| (named.name, named.value)).collect();
            (of.0, NOW.since(one.at.seconds()), named)
        })
        .collect()
    }

    #[test]
    fn a_graph_has_the_metrics_whose_names_go_on_by_one_word() {
        for (name, graph) in [("a.b", "a.*"), ("a.b.c", "a.b.*"), ("clicks", "*")] {
            assert!(is_in_graph(name, graph), "{name} {graph}");
        }
        for (name, graph) in [
            ("a.b.c", "a.*"),
            ("a", "a.*"),
            ("a.", "a.*"),
            ("ab.c", "a.*"),
            ("a.b", "*"),
            ("ab", "a*"),
            ("a.b", "a.b"),
            ("a.b", ""),
        ] {
            assert!(!is_in_graph(name, graph), "{name} {graph}");
        }
    }

    #[test]
    fn values_become_samples_by_host_and_second_oldest_first() {
        let values = vec![
            posted(2, "b", 60, 1.0),
            posted(1, "b", 0, 2.0),
            posted(1, "a", 120, 3.0),
            posted(1, "a", 0, 4.0),
            posted(-7, "clicks", 0, 5.0),
        ];
        let named = |name: &str, value| (name.to_owned(), value);
        assert_eq!(
            sorted(values),
            [
                (-7, 0, vec![named("clicks", 5.0)]),
                (1, 120, vec![named("a", 3.0)]),
                (1, 0, vec![named("a", 4.0), named("b", 2.0)]),
                (2, 60, vec![named("b", 1.0)]),
            ]
        );
    }

    #[test]
    fn of_a_minute_posted_twice_at_once_the_last_value_counts_whatever_its_second() {
        // 15:26:30 and 15:26:05.
        let values = vec![posted(1, "a", 0, 1.0), posted(1, "a", 25, 2.0), posted(1, "b", 0, 3.0)];
        let seconds: Vec<_> = sorted(values).into_iter().map(|(_, ago_s, named)| (ago_s, named[0].1)).collect();
        assert_eq!(seconds, [(25, 2.0), (0, 3.0)]);
    }

    #[test]
    fn a_day_away_is_kept_and_more_is_not_but_the_host_was_heard() {
        let day = 24 * 3_600;
        let values = |ago_s| sorted(vec![posted(1, "a", ago_s, 1.0)]).len();
        assert_eq!([values(day), values(-day), values(day + 1), values(-day - 1)], [1, 1, 0, 0]);
        assert_eq!(sort(vec![posted(1, "a", day + 1, 1.0)], NOW).samples.len(), 1);
        assert_eq!(sort(vec![Posted { at: UnixSeconds(i64::MIN), ..posted(1, "a", 0, 1.0) }], NOW).bad_names, 0);
    }

    #[test]
    fn a_bad_name_costs_itself() {
        let kept = sort(vec![posted(1, "a b", 0, 1.0), posted(1, "", 0, 1.0), posted(1, "custom.a-b_1", 0, 2.0)], NOW);
        assert_eq!((kept.bad_names, kept.samples[&HostId(1)].len()), (2, 1));
        let long = "x".repeat(256);
        assert_eq!(sort(vec![posted(1, &long, 0, 1.0)], NOW).bad_names, 1);
    }

    #[test]
    fn a_minute_takes_so_many_names_and_long_ones_in_several_samples() {
        let of = |name: usize| posted(1, &format!("{name:0250}"), 0, 1.0);
        let kept = sort((0..=MAX_NAMES).map(of).chain([posted(1, &format!("{:0250}", 0), 0, 9.0)]).collect(), NOW);
        let samples = &kept.samples[&HostId(1)];
        assert_eq!(names(samples).len(), MAX_NAMES, "what is beyond is left out");
        assert_eq!(kept.beyond, BTreeMap::from([(HostId(1), 1)]), "and counted");
        assert!((samples[0].named[0].value - 9.0).abs() < 1e-9, "but not another value of a name that is in");
        assert_eq!(samples.len(), 3);
        for sample in samples {
            let bytes: usize = sample.named.iter().map(|one| one.name.len() + 16).sum();
            assert!(bytes <= MAX_SAMPLE_BYTES && sample.at == samples[0].at);
        }
    }

    #[test]
    fn numbers_say_when_and_always_rise() {
        let now = UnixMillis(1_795_361_190_123);
        assert_eq!(next_number(0, now), 1_795_361_190_123);
        assert_eq!(next_number(1_795_361_190_123, now), 1_795_361_190_124);
        assert_eq!(next_number(5, UnixMillis(-3)), 6);
        assert_eq!((moment_of(0), moment_of(7)), (None, Some(7)));
    }
}
