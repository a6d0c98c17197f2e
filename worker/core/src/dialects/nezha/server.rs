//! `GET /api/v1/server/list` and `GET /api/v1/server/details`.

use serde::Serialize;

use crate::failure::Failure;
use crate::model::{Facts, Form, Host, Piece, Sample};
use crate::units::UnixSeconds;

/// `last_active` of a server never heard from: the first second of the year 1.
pub const NEVER_ACTIVE: i64 = -62_135_596_800;

/// What both answers begin with. `result` is never null.
const BEFORE: &str = r#"{"code":0,"message":"success","result":["#;
const AFTER: &str = "]}";

/// The answer to `list`: a [`ServerSummary`] per server.
pub static LIST: Form = Form {
    name: "nezha.list",
    of: |_| true,
    before: BEFORE,
    after: AFTER,
    write: |host| piece(&ServerSummary::from(&Host { last_seen: Some(GAP), ..host })),
    seen: gap,
};

/// The answer to `details`: a [`ServerDetail`] per server.
pub static DETAILS: Form = Form {
    name: "nezha.details",
    of: |_| true,
    before: BEFORE,
    after: AFTER,
    write: |host| piece(&ServerDetail::from(Host { last_seen: Some(GAP), ..host })),
    seen: gap,
};

/// When a server was seen of which only the piece is written.
const GAP: UnixSeconds = UnixSeconds(i64::MIN);

/// One element of `result` in `list`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServerSummary {
    /// 1, 2, 3 …, never reused.
    pub id: i64,
    /// The server's name.
    pub name: String,
    /// Group name, may be empty.
    pub tag: String,
    /// Unix seconds. Quirk: a server never heard from gives the year-one value, not 0 or null.
    pub last_active: i64,
    /// Empty when not known.
    pub ipv4: String,
    /// Empty when not known.
    pub ipv6: String,
    /// IPv4 if there is one, else IPv6.
    pub valid_ip: String,
    /// Higher comes first. The original says 0 here; ours is the true value.
    pub display_index: i64,
    /// The original says false here; ours is the true value.
    pub hide_for_guest: bool,
}

/// One element of `result` in `details`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServerDetail {
    /// The same keys as in `list`, in front.
    #[serde(flatten)]
    pub summary: ServerSummary,
    /// What the server is.
    pub host: HostPart,
    /// What it does.
    pub status: StatusPart,
}

/// What a server is. Every key always, zero or empty when not known.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub struct HostPart {
    /// Distribution id.
    pub platform: String,
    /// Distribution version.
    pub platform_version: String,
    /// Quirk: null, not `[]`, when there is none.
    #[serde(rename = "CPU")]
    pub cpu: Option<Vec<String>>,
    /// Bytes.
    pub mem_total: u64,
    /// Bytes.
    pub disk_total: u64,
    /// Bytes.
    pub swap_total: u64,
    /// Kernel architecture.
    pub arch: String,
    /// Hypervisor or container name.
    pub virtualization: String,
    /// Unix seconds.
    pub boot_time: u64,
    /// Two lower-case letters.
    pub country_code: String,
    /// The agent's version.
    pub version: String,
    /// Quirk: null, not `[]`, when there is none.
    #[serde(rename = "GPU")]
    pub gpu: Option<Vec<String>>,
}

/// What a server does. Every key always, zero when not known.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub struct StatusPart {
    /// Percent, 0 to 100.
    #[serde(rename = "CPU", serialize_with = "shortest")]
    pub cpu: f64,
    /// Bytes.
    pub mem_used: u64,
    /// Bytes.
    pub swap_used: u64,
    /// Bytes.
    pub disk_used: u64,
    /// Bytes since boot.
    pub net_in_transfer: u64,
    /// Bytes since boot.
    pub net_out_transfer: u64,
    /// Bytes per second.
    pub net_in_speed: u64,
    /// Bytes per second.
    pub net_out_speed: u64,
    /// Seconds.
    pub uptime: u64,
    /// Load average of 1 minute.
    #[serde(serialize_with = "shortest")]
    pub load1: f64,
    /// Load average of 5 minutes.
    #[serde(serialize_with = "shortest")]
    pub load5: f64,
    /// Load average of 15 minutes.
    #[serde(serialize_with = "shortest")]
    pub load15: f64,
    /// TCP sockets.
    pub tcp_conn_count: u64,
    /// UDP sockets.
    pub udp_conn_count: u64,
    /// Processes.
    pub process_count: u64,
    /// Quirk: null, not `[]`, when there is none.
    pub temperatures: Option<Vec<TemperaturePart>>,
    /// Percent.
    #[serde(rename = "GPU", serialize_with = "shortest")]
    pub gpu: f64,
}

/// One sensor.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub struct TemperaturePart {
    /// The sensor's name.
    pub name: String,
    /// Degrees Celsius.
    #[serde(serialize_with = "shortest")]
    pub temperature: f64,
}

/// Whole numbers without a fraction, as the original writes them. Source: nezha specification, H9.
// A double is larger than a pointer on wasm32 and not elsewhere, so the lint speaks natively alone.
#[cfg_attr(not(target_arch = "wasm32"), expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature"))]
fn shortest<S: serde::Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    // Doubles are whole beyond 2^53, and no value here comes near it.
    if value.fract() == 0.0 && value.abs() < 9e15 {
        #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
        serializer.serialize_i64(*value as i64)
    } else {
        serializer.serialize_f64(*value)
    }
}

fn last_active(seen: Option<UnixSeconds>) -> i64 {
    seen.map_or(NEVER_ACTIVE, |seen| seen.0)
}

fn gap(seen: Option<UnixSeconds>) -> String {
    last_active(seen).to_string()
}

/// A server in JSON, with [`GAP`] cut out.
fn piece(server: &impl Serialize) -> Result<Piece, Failure> {
    // No text of a host can read like this: within a text the quotation marks would not stand alone.
    const KEY: &str = r#""last_active":"#;
    const NUMBER: &str = "-9223372036854775808";
    let unwritten = |detail: String| Failure::Internal(format!("a server in JSON: {detail}"));
    let json = serde_json::to_string(server).map_err(|error| unwritten(error.to_string()))?;
    let cut = json.find(KEY).and_then(|at| json.split_at_checked(at + KEY.len()));
    let cut = cut.and_then(|(before, behind)| Some(Piece::new(before, behind.strip_prefix(NUMBER)?)));
    cut.ok_or_else(|| unwritten("no last_active".to_owned()))
}

impl From<&Host> for ServerSummary {
    fn from(host: &Host) -> Self {
        Self {
            id: host.id.0,
            name: host.name.clone(),
            tag: host.tag.clone(),
            last_active: last_active(host.last_seen),
            ipv4: host.addresses.v4.clone(),
            ipv6: host.addresses.v6.clone(),
            valid_ip: host.addresses.preferred().to_owned(),
            display_index: host.display_index,
            hide_for_guest: host.hidden_for_guest,
        }
    }
}

impl From<Host> for ServerDetail {
    fn from(host: Host) -> Self {
        let summary = ServerSummary::from(&host);
        let mut part = host.facts.map(HostPart::from).unwrap_or_default();
        part.country_code = host.country_code;
        part.version = host.agent_version;
        Self { summary, host: part, status: host.newest.map(StatusPart::from).unwrap_or_default() }
    }
}

impl From<Facts> for HostPart {
    fn from(facts: Facts) -> Self {
        let some = |list: Vec<String>| (!list.is_empty()).then_some(list);
        Self {
            platform: facts.platform,
            platform_version: facts.platform_version,
            cpu: some(facts.cpu),
            mem_total: facts.mem_total_bytes,
            disk_total: facts.disk_total_bytes,
            swap_total: facts.swap_total_bytes,
            arch: facts.arch,
            virtualization: facts.virtualization,
            boot_time: u64::try_from(facts.booted_at.0).unwrap_or(0),
            country_code: String::new(),
            version: String::new(),
            gpu: some(facts.gpu),
        }
    }
}

impl From<Sample> for StatusPart {
    fn from(sample: Sample) -> Self {
        let sensors = sample.temperatures.into_iter();
        let temperatures: Vec<TemperaturePart> =
            sensors.map(|sensor| TemperaturePart { name: sensor.name, temperature: sensor.celsius }).collect();
        Self {
            cpu: sample.cpu_percent.unwrap_or_default(),
            mem_used: sample.mem_used_bytes.unwrap_or_default(),
            swap_used: sample.swap_used_bytes.unwrap_or_default(),
            disk_used: sample.disk_used_bytes.unwrap_or_default(),
            net_in_transfer: sample.net_in_bytes.unwrap_or_default(),
            net_out_transfer: sample.net_out_bytes.unwrap_or_default(),
            net_in_speed: sample.net_in_bytes_per_s.unwrap_or_default(),
            net_out_speed: sample.net_out_bytes_per_s.unwrap_or_default(),
            uptime: sample.uptime_s.unwrap_or_default(),
            load1: sample.load1.unwrap_or_default(),
            load5: sample.load5.unwrap_or_default(),
            load15: sample.load15.unwrap_or_default(),
            tcp_conn_count: sample.tcp_connections.unwrap_or_default(),
            udp_conn_count: sample.udp_connections.unwrap_or_default(),
            process_count: sample.processes.unwrap_or_default(),
            temperatures: (!temperatures.is_empty()).then_some(temperatures),
            gpu: sample.gpu_percent.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Addresses, HostClass, HostId, Presence, Temperature};
    use crate::units::{UnixMillis, UnixSeconds};

    fn fresh() -> Host {
        Host {
            id: HostId(2),
            public_id: "2UMWbjDyaPG".to_owned(),
            uuid: String::new(),
            class: HostClass::Machine,
            parent: None,
            name: "Server2".to_owned(),
            tag: "Tag2".to_owned(),
            tags: Vec::new(),
            absorbed: Vec::new(),
            note: String::new(),
            public_note: String::new(),
            display_index: 0,
            hidden_for_guest: false,
            registered_at: UnixSeconds(0),
            presence: Presence::Never,
            last_seen: None,
            addresses: Addresses::default(),
            country_code: String::new(),
            agent_version: String::new(),
            facts: None,
            newest: None,
        }
    }

    /// The sample's text with what a host of today has added by the keys that came after it was published.
    fn sample(name: &str) -> serde_json::Value {
        let text = match name {
            "details" => include_str!("../../../samples/nezha/server_details.json"),
            _ => include_str!("../../../samples/nezha/server_list.json"),
        };
        serde_json::from_str(text).unwrap()
    }

    fn documented() -> Host {
        Host {
            id: HostId(1),
            name: "Server1".to_owned(),
            tag: "Tag1".to_owned(),
            last_seen: Some(UnixSeconds(1_653_015_042)),
            addresses: Addresses::from_reported("1.1.1.1"),
            country_code: "hk".to_owned(),
            facts: Some(Facts {
                platform: "darwin".to_owned(),
                platform_version: "12.3.1".to_owned(),
                cpu: vec!["Apple M1 Pro 1 Physical Core".to_owned()],
                mem_total_bytes: 17_179_869_184,
                disk_total_bytes: 2_473_496_842_240,
                arch: "arm64".to_owned(),
                booted_at: UnixSeconds(1_652_683_962),
                ..Facts::default()
            }),
            newest: Some(Sample {
                number: 1,
                at: UnixMillis(0),
                cpu_percent: Some(17.33),
                mem_used_bytes: Some(14_013_841_408),
                swap_used_bytes: Some(0),
                disk_used_bytes: Some(2_335_048_912_896),
                net_in_bytes: Some(2_710_273_234),
                net_out_bytes: Some(695_454_765),
                net_in_bytes_per_s: Some(10_806),
                net_out_bytes_per_s: Some(5_303),
                uptime_s: Some(331_080),
                load1: Some(5.23),
                load5: Some(4.87),
                load15: Some(3.99),
                tcp_connections: Some(195),
                udp_connections: Some(70),
                processes: Some(437),
                gpu_percent: None,
                temperatures: vec![],
                named: vec![],
                probes: vec![],
            }),
            ..fresh()
        }
    }

    /// Takes the keys out that were added to the product after its examples were published.
    fn as_published(mut reply: serde_json::Value) -> serde_json::Value {
        for element in reply["result"].as_array_mut().unwrap() {
            let element = element.as_object_mut().unwrap();
            element.remove("display_index").unwrap();
            element.remove("hide_for_guest").unwrap();
            if let Some(host) = element.get_mut("host") {
                assert!(host.as_object_mut().unwrap().remove("GPU").unwrap().is_null());
            }
            if let Some(status) = element.get_mut("status").and_then(|status| status.as_object_mut()) {
                assert!(status.remove("Temperatures").unwrap().is_null());
                assert_eq!(status.remove("GPU").unwrap(), 0);
            }
        }
        reply
    }

    fn text<const N: usize>(form: &'static Form, hosts: [Host; N]) -> String {
        String::from_utf8(form.list(hosts).unwrap()).unwrap()
    }

    fn value<const N: usize>(form: &'static Form, hosts: [Host; N]) -> serde_json::Value {
        serde_json::from_str(&text(form, hosts)).unwrap()
    }

    #[test]
    fn details_read_as_the_published_example() {
        assert_eq!(as_published(value(&DETAILS, [documented(), fresh()])), sample("details"));
    }

    #[test]
    fn the_list_reads_as_the_published_example() {
        let host = Host { last_seen: Some(UnixSeconds(1_653_014_667)), ..documented() };
        assert_eq!(as_published(value(&LIST, [host, fresh()])), sample("list"));
    }

    #[test]
    fn a_fresh_server_has_every_key_in_the_products_order() {
        let text = text(&DETAILS, [fresh()]);
        assert_eq!(
            text,
            concat!(
                r#"{"code":0,"message":"success","result":[{"id":2,"name":"Server2","tag":"Tag2","last_active":-62135596800,"#,
                r#""ipv4":"","ipv6":"","valid_ip":"","display_index":0,"hide_for_guest":false,"host":{"Platform":"","#,
                r#""PlatformVersion":"","CPU":null,"MemTotal":0,"DiskTotal":0,"SwapTotal":0,"Arch":"","Virtualization":"","#,
                r#""BootTime":0,"CountryCode":"","Version":"","GPU":null},"status":{"CPU":0,"MemUsed":0,"SwapUsed":0,"#,
                r#""DiskUsed":0,"NetInTransfer":0,"NetOutTransfer":0,"NetInSpeed":0,"NetOutSpeed":0,"Uptime":0,"Load1":0,"#,
                r#""Load5":0,"Load15":0,"TcpConnCount":0,"UdpConnCount":0,"ProcessCount":0,"Temperatures":null,"GPU":0}}]}"#
            )
        );
    }

    #[test]
    fn floats_are_written_in_their_shortest_form() {
        let mut host = documented();
        if let Some(newest) = host.newest.as_mut() {
            newest.cpu_percent = Some(100.0);
            newest.load1 = Some(0.5);
            newest.temperatures = vec![Temperature { name: "cpu".to_owned(), celsius: 41.0 }];
        }
        let text = text(&DETAILS, [host]);
        assert!(text.contains(r#""CPU":100,"#) && text.contains(r#""Load1":0.5,"#), "{text}");
        assert!(text.contains(r#""Temperatures":[{"Name":"cpu","Temperature":41}]"#), "{text}");
    }

    #[test]
    fn no_name_is_taken_for_the_time_a_server_was_last_seen() {
        let key = r#""last_active":-9223372036854775808,"#;
        for name in [key, "last_active", r#"\",\"last_active":-9223372036854775808"#, r"\", "\u{202e}\n"] {
            let seen = Some(UnixSeconds(77));
            let host = Host { name: name.to_owned(), tag: key.to_owned(), last_seen: seen, ..documented() };
            let expected = serde_json::to_string(&ServerSummary::from(&host)).unwrap();
            assert_eq!(text(&LIST, [host.clone()]), format!("{BEFORE}{expected}{AFTER}"));
            let expected = serde_json::to_string(&ServerDetail::from(host.clone())).unwrap();
            assert_eq!(text(&DETAILS, [host.clone(), host]), format!("{BEFORE}{expected},{expected}{AFTER}"));
        }
    }
}
