//! Values of metrics: posted and read back. Source: mackerel specification, 3.11 and 5.1 to 5.3.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::read::{invalid, parse};
use crate::failure::Failure;
use crate::units::UnixSeconds;

/// So many values may be in a post. Upstream takes 2,000 at least; ours is what a body of 4 MiB of short ones may hold.
const MAX_VALUES: usize = 50_000;
/// So many hosts and so many names may be asked for at once.
const MAX_LATEST: usize = 500;

/// One element of `POST /tsdb`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HostValue {
    /// The host's id.
    #[serde(rename = "hostId")]
    pub host_id: String,
    /// The metric's name. Quirk: one that is none costs its value, and no other.
    pub name: String,
    /// Unix seconds. Quirk: a fraction is cut off.
    pub time: f64,
    /// What it was.
    pub value: f64,
}

/// One element of `POST /services/<service>/tsdb`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServiceValue {
    /// The metric's name.
    pub name: String,
    /// As in [`HostValue`].
    pub time: f64,
    /// What it was.
    pub value: f64,
}

impl HostValue {
    /// The values of a post.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for what is no list of values, each whole; [`Failure::Invalid`] for too many of them.
    pub fn parse(body: &[u8]) -> Result<Vec<Self>, Failure> {
        counted(parse(body)?)
    }

    /// The second.
    pub const fn at(&self) -> UnixSeconds {
        second(self.time)
    }
}

impl ServiceValue {
    /// As [`HostValue::parse`].
    ///
    /// # Errors
    /// As there.
    pub fn parse(body: &[u8]) -> Result<Vec<Self>, Failure> {
        counted(parse(body)?)
    }

    /// The second.
    pub const fn at(&self) -> UnixSeconds {
        second(self.time)
    }
}

fn counted<T>(values: Vec<T>) -> Result<Vec<T>, Failure> {
    if values.len() > MAX_VALUES {
        return Err(invalid("body", format!("has {} values; {MAX_VALUES} are the most of one post", values.len())));
    }
    Ok(values)
}

const fn second(time: f64) -> UnixSeconds {
    #[expect(clippy::cast_possible_truncation, reason = "a cast from double saturates, and such a time is left out")]
    UnixSeconds(time as i64)
}

/// One point.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Point {
    /// Unix seconds.
    pub time: i64,
    /// What it was.
    pub value: f64,
}

impl From<(i64, f64)> for Point {
    fn from((time, value): (i64, f64)) -> Self {
        Self { time, value }
    }
}

/// `GET /hosts/<id>/metrics`, `GET /services/<service>/metrics`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PointsReply {
    /// Oldest first.
    pub metrics: Vec<Point>,
}

impl PointsReply {
    /// The answer of these seconds and values.
    pub fn of(points: Vec<(i64, f64)>) -> Self {
        Self { metrics: points.into_iter().map(Point::from).collect() }
    }
}

/// `GET /hosts/<id>/metric-names`, `GET /services/<service>/metric-names`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NamesReply {
    /// Ascending.
    pub names: Vec<String>,
}

/// `GET /tsdb/latest`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LatestReply {
    /// By host and name. Quirk: a metric without data is null, and a host that is not there is no key.
    #[serde(rename = "tsdbLatest")]
    pub latest: BTreeMap<String, BTreeMap<String, Option<Point>>>,
}

impl LatestReply {
    /// The answer of the newest values by host, each in the order of the names.
    pub fn of(names: &[String], latest: BTreeMap<String, Vec<Option<(i64, f64)>>>) -> Self {
        let of_host = |values: Vec<Option<(i64, f64)>>| {
            names.iter().cloned().zip(values.into_iter().map(|value| value.map(Point::from))).collect()
        };
        Self { latest: latest.into_iter().map(|(host, values)| (host, of_host(values))).collect() }
    }
}

/// The name and the first and last second of `?name=&from=&to=`.
///
/// # Errors
/// [`Failure::Invalid`] when one is missing, is no whole number, or the last lies before the first.
pub fn read_points_query(pairs: &[(String, String)]) -> Result<(String, UnixSeconds, UnixSeconds), Failure> {
    let value = |key: &str| pairs.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value.as_str());
    let second = |key: &str| {
        value(key).parse().map(UnixSeconds).map_err(|_| invalid(key, "is to be a whole number of seconds since 1970"))
    };
    let name = value("name");
    if name.is_empty() {
        return Err(invalid("name", "is missing"));
    }
    let (from, to) = (second("from")?, second("to")?);
    if from > to {
        return Err(invalid("from", "is later than to"));
    }
    Ok((name.to_owned(), from, to))
}

/// The ids and names of `?hostId=&hostId=&name=&name=`, each once.
///
/// # Errors
/// [`Failure::Invalid`] when there are none of the one or the other, or too many.
pub fn read_latest_query(pairs: &[(String, String)]) -> Result<(Vec<String>, Vec<String>), Failure> {
    let values = |key: &str| {
        let mut values: Vec<String> = Vec::new();
        for (name, value) in pairs {
            if (name == key || name.strip_suffix("[]") == Some(key)) && !value.is_empty() && !values.contains(value) {
                values.push(value.clone());
            }
        }
        match values.len() {
            0 => Err(invalid(key, "is missing")),
            1..=MAX_LATEST => Ok(values),
            _ => Err(invalid(key, format!("is there more than {MAX_LATEST} times"))),
        }
    };
    Ok((values("hostId")?, values("name")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(query: &[(&str, &str)]) -> Vec<(String, String)> {
        query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_post_of_the_stock_agent_is_read_and_fractions_are_cut() {
        let body = br#"[ {"hostId":"4eXAMPLE001","name":"loadavg5","time":1795359938.9,"value":4.23},
            {"hostId":"4eXAMPLE001","name":"custom.\u003cx\u003e","time":1795359938,"value":3,"more":null} ]
"#;
        let values = HostValue::parse(body).unwrap();
        assert_eq!((values[0].at(), values[0].value), (UnixSeconds(1_795_359_938), 4.23));
        assert_eq!((values[1].name.as_str(), values[1].value), ("custom.<x>", 3.0));
        assert_eq!(HostValue::parse(b"[]").unwrap(), []);
    }

    #[test]
    fn what_is_no_list_of_whole_values_is_malformed() {
        for body in [
            "null",
            "",
            "{}",
            r#"[{"name":"a","time":1,"value":1}]"#,
            r#"[{"hostId":"a","time":1,"value":1}]"#,
            r#"[{"hostId":"a","name":"a","value":1}]"#,
            r#"[{"hostId":"a","name":"a","time":1}]"#,
            r#"[{"hostId":"a","name":"a","time":"1","value":1}]"#,
            r#"[{"hostId":"a","name":"a","time":1,"value":null}]"#,
            r#"[{"hostId":1,"name":"a","time":1,"value":1}]"#,
            r#"[{"hostId":"a","name":"a","time":1,"value":NaN}]"#,
        ] {
            assert!(matches!(HostValue::parse(body.as_bytes()), Err(Failure::Malformed { .. })), "{body}");
        }
        let many = format!("[{}]", vec![r#"{"name":"a","time":1,"value":1}"#; MAX_VALUES + 1].join(","));
        assert!(matches!(ServiceValue::parse(many.as_bytes()), Err(Failure::Invalid { .. })));
    }

    #[test]
    fn all_three_of_a_question_for_points_are_needed() {
        let whole = [("name", "a"), ("from", "0"), ("to", "5")];
        let read = read_points_query(&pairs(&whole)).unwrap();
        assert_eq!(read, ("a".to_owned(), UnixSeconds(0), UnixSeconds(5)));
        for (key, value) in [("name", ""), ("from", ""), ("to", "x"), ("to", "1.5"), ("from", "6")] {
            let garbled: Vec<(&str, &str)> =
                whole.iter().map(|pair| if pair.0 == key { (key, value) } else { *pair }).collect();
            assert!(matches!(read_points_query(&pairs(&garbled)), Err(Failure::Invalid { field, .. }) if field == key));
        }
    }

    #[test]
    fn the_newest_are_asked_for_by_repetition() {
        let query = [("hostId", "A"), ("hostId[]", "B"), ("name", "x"), ("name", "y"), ("name", "x"), ("hostId", "")];
        let (hosts, names) = read_latest_query(&pairs(&query)).unwrap();
        assert_eq!((hosts.join(","), names.join(",")), ("A,B".to_owned(), "x,y".to_owned()));
        assert!(read_latest_query(&pairs(&query[..2])).is_err() && read_latest_query(&pairs(&query[2..5])).is_err());
        let reply = LatestReply::of(&names, [("A".to_owned(), vec![Some((1_700_000_000, 0.9)), None])].into());
        assert_eq!(
            serde_json::to_string(&reply).unwrap(),
            r#"{"tsdbLatest":{"A":{"x":{"time":1700000000,"value":0.9},"y":null}}}"#
        );
    }

    #[test]
    fn points_are_time_and_value_alone() {
        let reply = PointsReply::of(vec![(1_508_909_640, 14.0), (1_508_909_700, 0.1)]);
        assert_eq!(
            serde_json::to_string(&reply).unwrap(),
            r#"{"metrics":[{"time":1508909640,"value":14.0},{"time":1508909700,"value":0.1}]}"#
        );
    }
}
