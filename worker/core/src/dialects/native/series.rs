//! `GET /api/edgewatch/v1/series`: history as columns.
//!
//! `?hosts=1,2&metrics=cpu_percent,load1&from=…&to=…&points=300`. Times are Unix seconds. `hosts` is needed; left out, `to` is
//! the second behind now, `from` a day before it, `points` 300, and `metrics` all built-in ones. `metric=` names one metric whose name has a
//! comma and may be repeated.
//!
//! ```json
//! {"from_s":1795274790,"to_s":1795361190,"complete":true,"series":[
//!   {"host":1,"metric":"cpu_percent","tiers":["minutes","samples"],"step_s":300,
//!    "at_s":[1795274760,1795275060],"average":[3.25,null],"maximum":[17.3,null],"samples":[30,0]}]}
//! ```
//! The four columns have one element per point. A point's time begins at `at_s` and lasts `step_s`. Where samples are missing
//! between two points there is one element with nulls and 0 samples: no line may be drawn across. `maximum` is null where
//! only averages were kept. `complete` is false when a part of the history did not answer: what is missing is then no gap in
//! what the host reported.

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::metrics;
use crate::model::{HostId, SeriesQuery};
use crate::units::UnixSeconds;

/// The most hosts of a request, and the most metrics.
pub const MAX_SUBJECTS: usize = 20;
/// The most points of a series.
pub const MAX_POINTS: u32 = 2_000;
/// The most points of an answer: hosts times metrics times points.
pub const MAX_POINTS_TOGETHER: usize = 120_000;
const DEFAULT_POINTS: u32 = 300;
const DEFAULT_SPAN_S: i64 = 86_400;

/// The request as the hub is asked it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SeriesRequest {
    /// The hosts' numbers.
    pub hosts: Vec<i64>,
    /// Keys of metrics.
    pub metrics: Vec<String>,
    /// Unix seconds.
    pub from_s: i64,
    /// Unix seconds; not in it any more.
    pub to_s: i64,
    /// The most points of a series.
    pub points: u32,
}

/// One metric of one host.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SeriesPart {
    /// The host's number.
    pub host: i64,
    /// The metric's key.
    pub metric: String,
    /// The tiers of history that it was read from, coarsest first: `two_hours`, `ten_minutes`, `minutes`, `samples`.
    pub tiers: Vec<&'static str>,
    /// How long the time of a point is.
    pub step_s: i64,
    /// When a point's time begins, Unix seconds, ascending.
    pub at_s: Vec<i64>,
    /// The average of the samples; null for a gap.
    pub average: Vec<Option<f64>>,
    /// The largest sample; null for a gap and where only averages were kept.
    pub maximum: Vec<Option<f64>>,
    /// How many samples.
    pub samples: Vec<u64>,
}

impl From<&SeriesQuery> for SeriesRequest {
    fn from(query: &SeriesQuery) -> Self {
        Self {
            hosts: query.hosts.iter().map(|host| host.0).collect(),
            metrics: query.metrics.clone(),
            from_s: query.from.0,
            to_s: query.to.0,
            points: query.points,
        }
    }
}

impl From<SeriesRequest> for SeriesQuery {
    fn from(request: SeriesRequest) -> Self {
        Self {
            hosts: request.hosts.into_iter().map(HostId).collect(),
            metrics: request.metrics,
            from: UnixSeconds(request.from_s),
            to: UnixSeconds(request.to_s),
            points: request.points,
        }
    }
}

/// The query in decoded pairs of an address.
///
/// # Errors
/// [`Failure::Invalid`] naming the key at fault.
pub fn read_series_query<'a>(
    pairs: impl Iterator<Item = (&'a str, &'a str)>,
    now: UnixSeconds,
) -> Result<SeriesQuery, Failure> {
    let (mut hosts, mut metrics) = (Vec::new(), Vec::new());
    let (mut from, mut to, mut points) = (None, None, None);
    for (key, value) in pairs {
        match key {
            "hosts" => {
                for word in words(value) {
                    let id = word.parse().ok().filter(|id| *id > 0).ok_or_else(|| {
                        invalid(key, format!("{word:?} is no host's number; numbers are separated by commas"))
                    })?;
                    once(&mut hosts, HostId(id));
                }
            }
            "metrics" => words(value).for_each(|word| once(&mut metrics, word.to_owned())),
            "metric" if !value.is_empty() => once(&mut metrics, value.to_owned()),
            "from" => from = Some(seconds(key, value)?),
            "to" => to = Some(seconds(key, value)?),
            "points" => {
                let wanted = value.parse().ok().filter(|points| (1..=MAX_POINTS).contains(points));
                points = Some(wanted.ok_or_else(|| invalid(key, format!("a number from 1 to {MAX_POINTS}")))?);
            }
            _ => {}
        }
    }
    if metrics.is_empty() {
        metrics = metrics::ALL.iter().map(|definition| definition.key.to_owned()).collect();
    }
    if hosts.is_empty() {
        return Err(invalid("hosts", "the numbers of the hosts, separated by commas".to_owned()));
    }
    for (key, count) in [("hosts", hosts.len()), ("metrics", metrics.len())] {
        if count > MAX_SUBJECTS {
            return Err(invalid(key, format!("at most {MAX_SUBJECTS}, not {count}")));
        }
    }
    // The newest sample may be of this very second.
    let to = to.unwrap_or_else(|| now.plus(1));
    let from = from.unwrap_or_else(|| to.plus(-DEFAULT_SPAN_S));
    if from >= to {
        return Err(invalid("from", "earlier than `to`, in Unix seconds".to_owned()));
    }
    let points = points.unwrap_or(DEFAULT_POINTS);
    let series = hosts.len() * metrics.len();
    if series * usize::try_from(points).unwrap_or(usize::MAX) > MAX_POINTS_TOGETHER {
        let most = MAX_POINTS_TOGETHER / series.max(1);
        return Err(invalid("points", format!("at most {most} for {series} series, {MAX_POINTS_TOGETHER} together")));
    }
    Ok(SeriesQuery { hosts, metrics, from, to, points })
}

/// The answer, of series that are JSON already.
pub fn series_reply(from: UnixSeconds, to: UnixSeconds, complete: bool, series: &[String]) -> String {
    let series = series.join(",");
    format!("{{\"from_s\":{from},\"to_s\":{to},\"complete\":{complete},\"series\":[{series}]}}")
}

fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|word| !word.is_empty())
}

fn once<T: PartialEq>(list: &mut Vec<T>, one: T) {
    if !list.contains(&one) {
        list.push(one);
    }
}

/// From 1970 to the end of the year 9999.
fn seconds(key: &str, value: &str) -> Result<UnixSeconds, Failure> {
    let seconds = value.parse().ok().filter(|seconds| (0..=253_402_300_799).contains(seconds));
    seconds.map(UnixSeconds).ok_or_else(|| invalid(key, "a time in Unix seconds".to_owned()))
}

fn invalid(field: &str, reason: String) -> Failure {
    Failure::Invalid { field: field.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = UnixSeconds(1_795_361_190);

    fn read(pairs: &[(&str, &str)]) -> Result<SeriesQuery, Failure> {
        read_series_query(pairs.iter().copied(), NOW)
    }

    fn fault(pairs: &[(&str, &str)]) -> String {
        match read(pairs) {
            Err(Failure::Invalid { field, .. }) => field,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let query = read(&[("hosts", "7")]).unwrap();
        assert_eq!(query.hosts, [HostId(7)]);
        assert_eq!((query.metrics.len(), query.metrics[0].as_str()), (metrics::ALL.len(), "cpu_percent"));
        assert_eq!((query.from, query.to, query.points), (NOW.plus(1 - 86_400), NOW.plus(1), 300));
    }

    #[test]
    fn hosts_and_metrics_are_lists_without_repeats() {
        let query = read(&[
            ("hosts", "2,1, 2"),
            ("metrics", "load1,temperature/cpu,load1"),
            ("metric", "custom.a,b"),
            ("from", "100"),
            ("to", "200"),
            ("points", "1"),
            ("other", "x"),
        ])
        .unwrap();
        assert_eq!(query.hosts, [HostId(2), HostId(1)]);
        assert_eq!(query.metrics, ["load1", "temperature/cpu", "custom.a,b"]);
        assert_eq!((query.from, query.to, query.points), (UnixSeconds(100), UnixSeconds(200), 1));
        assert_eq!(SeriesQuery::from(SeriesRequest::from(&query)), query);
    }

    #[test]
    fn what_means_nothing_is_refused_by_its_key() {
        let many = (1..=21).map(|id| id.to_string()).collect::<Vec<_>>().join(",");
        assert_eq!(fault(&[]), "hosts");
        assert_eq!(fault(&[("hosts", "")]), "hosts");
        assert_eq!(fault(&[("hosts", "a")]), "hosts");
        assert_eq!(fault(&[("hosts", "-1")]), "hosts");
        assert_eq!(fault(&[("hosts", &many)]), "hosts");
        assert_eq!(fault(&[("hosts", "1"), ("metrics", &many)]), "metrics");
        assert_eq!(fault(&[("hosts", "1"), ("from", "yesterday")]), "from");
        assert_eq!(fault(&[("hosts", "1"), ("from", "5"), ("to", "5")]), "from");
        assert_eq!(fault(&[("hosts", "1"), ("to", "1e9")]), "to");
        assert_eq!(fault(&[("hosts", "1"), ("to", "999999999999999")]), "to");
        for points in ["0", "2001", "-1", "x", ""] {
            assert_eq!(fault(&[("hosts", "1"), ("points", points)]), "points");
        }
        assert_eq!(fault(&[("hosts", "1,2,3,4,5"), ("points", "2000")]), "points");
    }

    #[test]
    fn an_answer_is_one_json_text() {
        let part = SeriesPart {
            host: 1,
            metric: "cpu_percent".to_owned(),
            tiers: vec!["minutes", "samples"],
            step_s: 300,
            at_s: vec![1_795_274_760, 1_795_275_060],
            average: vec![Some(3.25), None],
            maximum: vec![Some(17.3), None],
            samples: vec![30, 0],
        };
        let series = [serde_json::to_string(&part).unwrap()];
        let reply = series_reply(UnixSeconds(1_795_274_790), NOW, true, &series);
        assert_eq!(
            reply,
            "{\"from_s\":1795274790,\"to_s\":1795361190,\"complete\":true,\"series\":[\
             {\"host\":1,\"metric\":\"cpu_percent\",\"tiers\":[\"minutes\",\"samples\"],\"step_s\":300,\
             \"at_s\":[1795274760,1795275060],\"average\":[3.25,null],\"maximum\":[17.3,null],\"samples\":[30,0]}]}"
        );
        let two = series_reply(NOW, NOW, false, &["{}".to_owned(), "{}".to_owned()]);
        assert_eq!(two, "{\"from_s\":1795361190,\"to_s\":1795361190,\"complete\":false,\"series\":[{},{}]}");
    }
}
