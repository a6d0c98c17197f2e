//! Service monitors: the form of `POST /api/monitor`, and the answer of `GET /api/v1/monitor/{id}`. Source: nezha specification, 5 and 8.

use serde::Serialize;

use super::Form;
use crate::failure::Failure;
use crate::model::{Coverage, HostId, ProbeId, ProbeKind, ProbeNotices, ProbeSpec};

/// What `POST /api/monitor` asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct MonitorForm {
    /// The monitor to replace; `None` makes a new one.
    pub id: Option<ProbeId>,
    /// How it is to be. Nezha knows no probes from the edge: whoever carries this out keeps what was set elsewhere.
    pub spec: ProbeSpec,
}

impl MonitorForm {
    /// Reads a body. The interval is as it stands there, 0 included.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for a body that is no form of a monitor.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        let malformed = |detail: &str| Failure::Malformed { detail: detail.to_owned() };
        let form = Form::parse(body)?;
        let id = form.int("ID")?;
        let listed = form.raw("SkipServersRaw")?;
        let ids =
            listed.as_array().and_then(|ids| ids.iter().map(serde_json::Value::as_i64).collect::<Option<Vec<i64>>>());
        let mut hosts: Vec<HostId> =
            ids.ok_or_else(|| malformed("SkipServersRaw: not a list of ids"))?.into_iter().map(HostId).collect();
        hosts.sort_unstable();
        hosts.dedup();
        // Tasks on change run nowhere here; their lists have to be lists all the same.
        for key in ["FailTriggerTasksRaw", "RecoverTriggerTasksRaw"] {
            if !form.raw(key)?.is_array() {
                return Err(malformed(&format!("{key}: not a list of ids")));
            }
        }
        let coverage = match form.int("Cover")? {
            0 => Coverage::AllBut(hosts),
            1 => Coverage::Only(hosts),
            _ => return Err(malformed("Cover is 0 or 1")),
        };
        let kind = ProbeKind::of_number(form.int("Type")?).ok_or_else(|| malformed("Type is 1, 2 or 3"))?;
        let interval_s =
            u32::try_from(form.int("Duration")?).map_err(|_| malformed("Duration is a number of seconds"))?;
        let spec = ProbeSpec {
            name: form.text("Name")?.to_owned(),
            kind,
            target: form.text("Target")?.trim().to_owned(),
            interval_s,
            coverage,
            from_edge: false,
            is_public: form.on("EnableShowInService")?,
            // That is about the page of services alone: delays are everybody's who may see the server.
            delays_public: true,
            notices: ProbeNotices {
                // Certificates have no field of their own.
                certificate_days: ProbeNotices::certificate_days(None, form.on("Notify")?),
                of_state: form.on("Notify")?,
                of_delay: form.on("LatencyNotify")?,
                min_delay_ms: form.float("MinLatency")?,
                max_delay_ms: form.float("MaxLatency")?,
                group: form.text("NotificationTag")?.to_owned(),
            },
        };
        Ok(Self { id: (id != 0).then_some(ProbeId(id)), spec })
    }
}

/// The answer of `GET /api/v1/monitor/{id}`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MonitorReply {
    /// 0.
    pub code: u16,
    /// `success`.
    pub message: &'static str,
    /// By monitor. Ours: an empty list where there is nothing, not null.
    pub result: Vec<MonitorSeries>,
}

/// The delays of one monitor as one server saw them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MonitorSeries {
    /// The monitor's number.
    pub monitor_id: i64,
    /// The server's number.
    pub server_id: i64,
    /// What people call the monitor.
    pub monitor_name: String,
    /// What people call the server.
    pub server_name: String,
    /// When each point came, Unix milliseconds cut down to the whole minute; may repeat.
    pub created_at: Vec<i64>,
    /// The mean delay of each point, milliseconds. Quirk: a failure counts as 0. Printed with the precision of a float32.
    #[serde(serialize_with = "shortest_each")]
    pub avg_delay: Vec<f32>,
}

impl MonitorReply {
    /// The answer with these series.
    pub const fn of(result: Vec<MonitorSeries>) -> Self {
        Self { code: 0, message: "success", result }
    }
}

impl MonitorSeries {
    /// The series of points: when each came, ms since 1970, and its delay, ms.
    pub fn of(
        (monitor_id, monitor_name): (i64, String),
        (server_id, server_name): (i64, &str),
        points: &[(i64, f64)],
    ) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "as the original has them")]
        let avg_delay = points.iter().map(|(_, delay_ms)| *delay_ms as f32).collect();
        Self {
            monitor_id,
            server_id,
            monitor_name,
            server_name: server_name.to_owned(),
            created_at: points.iter().map(|(at_ms, _)| at_ms - at_ms.rem_euclid(60_000)).collect(),
            avg_delay,
        }
    }
}

/// Whole numbers without a fraction, as the original writes them. Source: nezha specification, H9.
fn shortest_each<S: serde::Serializer>(values: &[f32], serializer: S) -> Result<S::Ok, S::Error> {
    /// One of them.
    struct Shortest(f32);

    impl Serialize for Shortest {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            // Delays are at most a thousand: a float32 is whole beyond 2^24 alone.
            if self.0.fract() == 0.0 && self.0.abs() < 16_777_216.0 {
                #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^24")]
                serializer.serialize_i32(self.0 as i32)
            } else {
                serializer.serialize_f32(self.0)
            }
        }
    }

    serializer.collect_seq(values.iter().copied().map(Shortest))
}

/// The number in the path of `GET /api/v1/monitor/{id}`: unsigned, 64 bits. One beyond what a host can have is nobody's.
///
/// # Errors
/// [`Failure::Malformed`] for what is none.
pub fn parse_server_id(text: &str) -> Result<HostId, Failure> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let id = text.parse::<u64>().ok().filter(|_| is_plain);
    let id = id.ok_or_else(|| Failure::Malformed { detail: "no unsigned number".to_owned() })?;
    Ok(HostId(i64::try_from(id).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAWS: &str = r#""FailTriggerTasksRaw":"[]","RecoverTriggerTasksRaw":"[]""#;

    fn parse(fields: &str) -> Result<MonitorForm, Failure> {
        MonitorForm::parse(format!("{{{fields},{RAWS}}}").as_bytes())
    }

    #[test]
    fn a_form_is_read_in_any_case_of_its_keys() {
        let form = parse(
            r#""id":7,"NAME":"web","Type":3,"target":" example.com:443 ","Duration":0,"Cover":1,"SkipServersRaw":"[5,2,5]","Notify":"on",
               "LatencyNotify":"off","MinLatency":1.5,"MaxLatency":200,"NotificationTag":"night","EnableShowInService":"on""#,
        )
        .unwrap();
        assert_eq!(form.id, Some(ProbeId(7)));
        assert_eq!(
            (form.spec.kind, form.spec.target.as_str(), form.spec.interval_s),
            (ProbeKind::Tcp, "example.com:443", 0)
        );
        assert_eq!(form.spec.coverage, Coverage::Only(vec![HostId(2), HostId(5)]));
        let notices = &form.spec.notices;
        assert_eq!((notices.of_state, notices.of_delay, notices.group.as_str()), (true, false, "night"));
        assert_eq!((notices.max_delay_ms, notices.certificate_days, form.spec.is_public), (200.0, 7, true));
        assert_eq!(parse(r#""Type":2,"SkipServersRaw":"[]""#).unwrap().id, None);
    }

    #[test]
    fn what_a_monitor_needs_is_asked_for() {
        for fields in [
            r#""Type":2"#,
            r#""Type":2,"SkipServersRaw":"""#,
            r#""Type":2,"SkipServersRaw":"{}""#,
            r#""Type":2,"SkipServersRaw":"[\"1\"]""#,
            r#""Type":4,"SkipServersRaw":"[]""#,
            r#""SkipServersRaw":"[]""#,
            r#""Type":2,"SkipServersRaw":"[]","Cover":2"#,
            r#""Type":2,"SkipServersRaw":"[]","Duration":-1"#,
            r#""Type":2,"SkipServersRaw":"[]","Name":5"#,
        ] {
            assert!(matches!(parse(fields), Err(Failure::Malformed { .. })), "{fields}");
        }
        assert!(MonitorForm::parse(br#"{"Type":2,"SkipServersRaw":"[]"}"#).is_err(), "the two lists are required");
        assert_eq!(MonitorForm::parse(b""), Err(Failure::Malformed { detail: "EOF".to_owned() }));
    }

    #[test]
    fn a_series_is_two_columns_with_minutes_and_float32() {
        let points = [(1_795_361_227_123, 0.4815), (1_795_361_279_999, 0.709), (1_795_361_280_000, 100.0)];
        let series = MonitorSeries::of((1, "tcp1".to_owned()), (14, "agent1"), &points);
        assert_eq!(
            serde_json::to_string(&MonitorReply::of(vec![series])).unwrap(),
            r#"{"code":0,"message":"success","result":[{"monitor_id":1,"server_id":14,"monitor_name":"tcp1","server_name":"agent1","created_at":[1795361220000,1795361220000,1795361280000],"avg_delay":[0.4815,0.709,100]}]}"#
        );
        assert_eq!(
            serde_json::to_string(&MonitorReply::of(vec![])).unwrap(),
            r#"{"code":0,"message":"success","result":[]}"#
        );
    }

    #[test]
    fn an_id_is_an_unsigned_number() {
        assert_eq!(parse_server_id("14"), Ok(HostId(14)));
        assert_eq!((parse_server_id("0"), parse_server_id("18446744073709551615")), (Ok(HostId(0)), Ok(HostId(0))));
        for text in ["abc", "-1", "1.5", "", "+1", "18446744073709551616", " 1"] {
            assert!(parse_server_id(text).is_err(), "{text}");
        }
    }
}
