//! From the wire to the model: a report's values are checked one by one, and what cannot be true is left out.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::lenient;
use super::{DroppedValue, HostFacts, MachinePart, Named, ProbePart, ReportRequest, Sample};
use crate::failure::Failure;
use crate::metrics::{CELSIUS_BOUNDS, Metric, within};
use crate::model;
use crate::units::{MAX_EXACT_INTEGER, UnixMillis, UnixSeconds};

/// The most results of probes that a sample may carry: as many as a deployment has probes.
const MAX_PROBES: usize = 200;
/// The longest delay: longer than any agent waits.
const MAX_DELAY_MS: f64 = 120_000.0;
/// The longest note of a result, in bytes.
const MAX_NOTE_BYTES: usize = 120;
/// The latest end of a certificate: beyond the year 9999 there is none.
const MAX_EXPIRY_S: f64 = 253_402_300_799.0;

/// The longest text a host may say of itself, in bytes.
const MAX_TEXT_BYTES: usize = 256;
/// The most processor or GPU models a host may have.
const MAX_MODELS: usize = 64;
/// The most sensors a sample may carry.
const MAX_TEMPERATURES: usize = 64;
/// The longest name of a sensor, in bytes: it is stored with every sample.
const MAX_SENSOR_BYTES: usize = 64;
/// The slowest an agent may measure: once a day.
const MAX_PERIOD_S: f64 = 86_400.0;

/// A report as the model has it, and what was left out of it.
pub type Intake = (model::Report, Vec<model::Dropped>);

/// Reads the body of `POST /agent/v1/reports`.
///
/// # Errors
/// [`Failure::Malformed`] for what is no report at all, [`Failure::Invalid`] for sample numbers that cannot be.
pub fn read_report(body: &[u8]) -> Result<Intake, Failure> {
    let parsed = serde_json::from_slice::<ReportRequest>(body).or_else(|error| {
        // Only a body that could not be read is looked through for bare NaN and its like.
        lenient::mend_numbers(body).map_or(Err(error), |mended| serde_json::from_slice(&mended))
    });
    let request = parsed.map_err(|error| Failure::Malformed { detail: format!("not a report: {error}") })?;
    request.into_report()
}

impl ReportRequest {
    /// The report in the model's words. Values that cannot be true are left out and listed.
    ///
    /// # Errors
    /// [`Failure::Invalid`] when there are too many samples or their numbers are not whole, rising by one and exact.
    pub fn into_report(self) -> Result<Intake, Failure> {
        self.check_numbers()?;
        let mut sieve = Sieve::default();
        let period_s = sieve.seconds("period_s", self.period_s).unwrap_or(model::PERIOD_S);
        let frame_s = self.frame_s.and_then(|frame_s| sieve.seconds("frame_s", frame_s)).unwrap_or(period_s);
        let facts = self.host.map(|facts| sieve.facts(facts));
        let samples = self.samples.into_iter().map(|sample| sieve.sample(sample)).collect();
        sieve.number = None;
        let report = model::Report {
            agent_version: sieve.text("agent_version", Some(self.agent_version)),
            sent_at: UnixMillis(self.sent_at_ms),
            oldest: self.oldest,
            period_s,
            frame_s: frame_s.max(period_s),
            probes_version: self.probes_version,
            facts,
            samples,
        };
        Ok((report, sieve.dropped))
    }

    fn check_numbers(&self) -> Result<(), Failure> {
        let invalid = |field: String, reason: &str| Err(Failure::Invalid { field, reason: reason.to_owned() });
        if self.samples.len() > Self::MAX_SAMPLES {
            return invalid("samples".to_owned(), "more than 120 samples; send the rest in another report");
        }
        let Some(first) = self.samples.first() else {
            return Ok(());
        };
        if first.number == 0 {
            return invalid("samples[0].number".to_owned(), "numbers start at 1");
        }
        if self.oldest == 0 || self.oldest > first.number {
            return invalid("oldest".to_owned(), "the lowest number the agent holds, so at most the first one sent");
        }
        let mut expected = first.number;
        for (index, sample) in self.samples.iter().enumerate() {
            if sample.number != expected || sample.number > MAX_EXACT_INTEGER {
                return invalid(format!("samples[{index}].number"), "numbers rise by one and stay below 2^53");
            }
            expected = expected.saturating_add(1);
        }
        Ok(())
    }
}

impl Sample {
    /// The sample in the model's words, with its time as it stands; `None` when a value cannot be true.
    pub fn into_sample(self) -> Option<model::Sample> {
        let mut sieve = Sieve::default();
        let sample = sieve.sample(self);
        sieve.dropped.is_empty().then_some(sample)
    }
}

impl HostFacts {
    /// The facts in the model's words. Values that cannot be true are left out and listed.
    pub fn into_facts(self) -> (model::Facts, Vec<model::Dropped>) {
        let mut sieve = Sieve::default();
        let facts = sieve.facts(self);
        (facts, sieve.dropped)
    }
}

#[expect(clippy::cast_precision_loss, reason = "sizes and times are exact below 2^53")]
impl From<&model::Facts> for HostFacts {
    fn from(facts: &model::Facts) -> Self {
        Self {
            platform: Some(facts.platform.clone()),
            platform_version: Some(facts.platform_version.clone()),
            kernel: Some(facts.kernel.clone()),
            arch: Some(facts.arch.clone()),
            virtualization: Some(facts.virtualization.clone()),
            cpu: facts.cpu.clone(),
            gpu: facts.gpu.clone(),
            mem_total_bytes: Some(facts.mem_total_bytes as f64),
            swap_total_bytes: Some(facts.swap_total_bytes as f64),
            disk_total_bytes: Some(facts.disk_total_bytes as f64),
            booted_at_s: Some(facts.booted_at.0 as f64),
            addresses: facts.addresses.as_ref().map(model::Addresses::reported),
            machine: facts.machine.as_deref().map(|machine| Box::new(MachinePart::from(machine))),
        }
    }
}

impl From<model::Dropped> for DroppedValue {
    fn from(dropped: model::Dropped) -> Self {
        Self { number: dropped.number, field: dropped.field, reason: dropped.reason.words().to_owned() }
    }
}

/// Lets possible values through and remembers the others.
#[derive(Default)]
struct Sieve {
    number: Option<u64>,
    dropped: Vec<model::Dropped>,
}

impl Sieve {
    fn drop_value(&mut self, field: &str, reason: model::DropReason) {
        self.dropped.push(model::Dropped { number: self.number, field: field.to_owned(), reason });
    }

    fn seconds(&mut self, field: &str, value: f64) -> Option<u32> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to 86,400")]
        self.bounded(field, Some(value), (1.0, MAX_PERIOD_S)).map(|seconds| seconds.round() as u32)
    }

    fn bounded(&mut self, field: &str, value: Option<f64>, (min, max): (f64, f64)) -> Option<f64> {
        match within(value?, min, max) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.drop_value(field, reason);
                None
            }
        }
    }

    fn real(&mut self, metric: Metric, value: Option<f64>) -> Option<f64> {
        let definition = metric.definition();
        self.bounded(definition.key, value, (definition.min, definition.max))
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be from 0 to 2^53")]
    fn whole(&mut self, metric: Metric, value: Option<f64>) -> Option<u64> {
        self.real(metric, value).map(|value| value.round() as u64)
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be from 0 to 2^53")]
    fn size(&mut self, field: &str, value: Option<f64>) -> u64 {
        let definition = Metric::MemUsed.definition();
        self.bounded(field, value, (definition.min, definition.max)).map_or(0, |value| value.round() as u64)
    }

    fn text(&mut self, field: &str, text: Option<String>) -> String {
        match text {
            Some(text) if text.len() > MAX_TEXT_BYTES => {
                self.drop_value(field, model::DropReason::TooLong);
                String::new()
            }
            Some(text) => text,
            None => String::new(),
        }
    }

    fn models(&mut self, field: &str, models: Vec<String>) -> Vec<String> {
        if models.len() > MAX_MODELS {
            self.drop_value(field, model::DropReason::TooMany);
        }
        let kept: Vec<Option<String>> = models.into_iter().take(MAX_MODELS).map(Some).collect();
        kept.into_iter().map(|text| self.text(field, text)).filter(|text| !text.is_empty()).collect()
    }

    fn facts(&mut self, facts: HostFacts) -> model::Facts {
        let booted = self.bounded("host.booted_at_s", facts.booted_at_s, (0.0, 1e11)).unwrap_or(0.0);
        let addresses = facts.addresses.map(|text| self.text("host.addresses", Some(text)));
        model::Facts {
            platform: self.text("host.platform", facts.platform),
            platform_version: self.text("host.platform_version", facts.platform_version),
            kernel: self.text("host.kernel", facts.kernel),
            arch: self.text("host.arch", facts.arch),
            virtualization: self.text("host.virtualization", facts.virtualization),
            cpu: self.models("host.cpu", facts.cpu),
            gpu: self.models("host.gpu", facts.gpu),
            mem_total_bytes: self.size("host.mem_total_bytes", facts.mem_total_bytes),
            swap_total_bytes: self.size("host.swap_total_bytes", facts.swap_total_bytes),
            disk_total_bytes: self.size("host.disk_total_bytes", facts.disk_total_bytes),
            #[expect(clippy::cast_possible_truncation, reason = "checked to be below 10^11")]
            booted_at: UnixSeconds(booted as i64),
            addresses: addresses.filter(|text| !text.is_empty()).map(|text| model::Addresses::from_reported(&text)),
            machine: facts.machine.map(|part| self.machine(*part)),
        }
    }

    fn machine(&mut self, part: MachinePart) -> Arc<model::Machine> {
        let (machine, unfit) = part.into_machine();
        for (what, reason) in unfit {
            self.drop_value(&format!("host.{what}"), reason);
        }
        Arc::new(machine)
    }

    fn sample(&mut self, sample: Sample) -> model::Sample {
        self.number = Some(sample.number);
        if sample.temperatures.len() > MAX_TEMPERATURES {
            self.drop_value("temperatures", model::DropReason::TooMany);
        }
        let mut temperatures = Vec::with_capacity(sample.temperatures.len().min(MAX_TEMPERATURES));
        for (index, sensor) in sample.temperatures.into_iter().take(MAX_TEMPERATURES).enumerate() {
            if sensor.name.len() > MAX_SENSOR_BYTES {
                self.drop_value(&format!("temperatures[{index}].name"), model::DropReason::TooLong);
                continue;
            }
            let name = sensor.name;
            let field = format!("temperatures[{index}].celsius");
            if let Some(celsius) = self.bounded(&field, Some(sensor.celsius), CELSIUS_BOUNDS) {
                temperatures.push(model::Temperature { name, celsius });
            }
        }
        let named = self.named(sample.named);
        let probes = self.probes(sample.probes);
        model::Sample {
            number: sample.number,
            at: UnixMillis(sample.at_ms),
            cpu_percent: self.real(Metric::CpuPercent, sample.cpu_percent),
            mem_used_bytes: self.whole(Metric::MemUsed, sample.mem_used_bytes),
            swap_used_bytes: self.whole(Metric::SwapUsed, sample.swap_used_bytes),
            disk_used_bytes: self.whole(Metric::DiskUsed, sample.disk_used_bytes),
            net_in_bytes: self.whole(Metric::NetIn, sample.net_in_bytes),
            net_out_bytes: self.whole(Metric::NetOut, sample.net_out_bytes),
            net_in_bytes_per_s: self.whole(Metric::NetInSpeed, sample.net_in_bytes_per_s),
            net_out_bytes_per_s: self.whole(Metric::NetOutSpeed, sample.net_out_bytes_per_s),
            uptime_s: self.whole(Metric::Uptime, sample.uptime_s),
            load1: self.real(Metric::Load1, sample.load1),
            load5: self.real(Metric::Load5, sample.load5),
            load15: self.real(Metric::Load15, sample.load15),
            tcp_connections: self.whole(Metric::TcpConnections, sample.tcp_connections),
            udp_connections: self.whole(Metric::UdpConnections, sample.udp_connections),
            processes: self.whole(Metric::Processes, sample.processes),
            gpu_percent: self.real(Metric::GpuPercent, sample.gpu_percent),
            temperatures,
            named,
            probes,
        }
    }

    fn named(&mut self, parts: Vec<Named>) -> Vec<model::Named> {
        if parts.len() > model::Named::MAX {
            self.drop_value("metrics", model::DropReason::TooMany);
        }
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        let mut named: Vec<model::Named> = Vec::with_capacity(parts.len().min(model::Named::MAX));
        for (index, Named { name, value }) in parts.into_iter().take(model::Named::MAX).enumerate() {
            let name = name.to_string();
            if let Err(reason) = model::Named::check_name(&name) {
                // A name that is none is not said again.
                self.drop_value(&format!("metrics[{index}]"), reason);
                continue;
            }
            let Some(value) = self.bounded(&format!("metrics.{name}"), Some(value), (f64::MIN, f64::MAX)) else {
                continue;
            };
            if let Some(known) = places.get(&name).and_then(|place| named.get_mut(*place)) {
                known.value = value;
            } else {
                places.insert(name.clone(), named.len());
                named.push(model::Named { name, value });
            }
        }
        named
    }

    /// A result that cannot be is left out whole: it is no failure of the target.
    fn probes(&mut self, parts: Vec<ProbePart>) -> Vec<model::ProbeResult> {
        if parts.len() > MAX_PROBES {
            self.drop_value("probes", model::DropReason::TooMany);
        }
        let mut results: Vec<model::ProbeResult> = Vec::with_capacity(parts.len().min(MAX_PROBES));
        for part in parts.into_iter().take(MAX_PROBES) {
            let delay_ms = match part.delay_ms {
                None => None,
                Some(delay_ms) => match self.bounded("probes.delay_ms", Some(delay_ms), (0.0, MAX_DELAY_MS)) {
                    None => continue,
                    checked => checked,
                },
            };
            let wrong = match u64::try_from(part.id) {
                Ok(1..=MAX_EXACT_INTEGER) if results.iter().all(|known| known.probe.0 != part.id) => None,
                Ok(1..=MAX_EXACT_INTEGER) => Some(model::DropReason::TooMany),
                Ok(1..) => Some(model::DropReason::TooLarge),
                Ok(0) | Err(_) => Some(model::DropReason::TooSmall),
            };
            if let Some(reason) = wrong {
                self.drop_value("probes.id", reason);
                continue;
            }
            let tls_expires = self.bounded("probes.tls_expires_s", part.tls_expires_s, (0.0, MAX_EXPIRY_S));
            #[expect(clippy::cast_possible_truncation, reason = "checked to be below 10^12")]
            let tls_expires = tls_expires.map(|at| UnixSeconds(at.round() as i64));
            let note = part.note.filter(|note| {
                let is_short = note.len() <= MAX_NOTE_BYTES;
                if !is_short {
                    self.drop_value("probes.note", model::DropReason::TooLong);
                }
                is_short
            });
            results.push(model::ProbeResult { probe: model::ProbeId(part.id), delay_ms, tls_expires, note });
        }
        results
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DropReason;

    const HEAD: &str = r#""agent_version":"0.1.0","sent_at_ms":1795361190000,"oldest":1,"period_s":10"#;

    fn read(samples: &str) -> Result<Intake, Failure> {
        read_report(format!("{{{HEAD},\"samples\":{samples}}}").as_bytes())
    }

    #[test]
    fn one_impossible_value_costs_itself_alone() {
        let (report, dropped) = read(
            r#"[{"number":1,"at_ms":1795361190000,"cpu_percent":NaN,"mem_used_bytes":-1,"load1":0.5,"processes":"many",
                "tcp_connections":1e999,"temperatures":[{"name":"a","celsius":40},{"name":"b","celsius":null}]}]"#,
        )
        .unwrap();
        let sample = &report.samples[0];
        assert_eq!((sample.cpu_percent, sample.mem_used_bytes, sample.load1), (None, None, Some(0.5)));
        assert_eq!(sample.temperatures.len(), 1);
        let found: Vec<_> = dropped.iter().map(|one| (one.field.as_str(), one.reason)).collect();
        assert_eq!(
            found,
            [
                ("temperatures[1].celsius", DropReason::NotANumber),
                ("cpu_percent", DropReason::NotANumber),
                ("mem_used_bytes", DropReason::TooSmall),
                ("tcp_connections", DropReason::NotANumber),
                ("processes", DropReason::NotANumber),
            ]
        );
        assert!(dropped.iter().all(|one| one.number == Some(1)));
    }

    #[test]
    fn a_value_left_out_is_not_a_value_dropped() {
        let (report, dropped) = read(r#"[{"number":1,"at_ms":1795361190000}]"#).unwrap();
        assert_eq!(dropped, []);
        assert_eq!(report.samples[0].cpu_percent, None);
    }

    #[test]
    fn a_result_that_cannot_be_is_left_out_whole() {
        let many: Vec<String> = (1..=201).map(|id| format!("{{\"id\":{id}}}")).collect();
        let (report, dropped) = read(&format!(
            r#"[{{"number":1,"at_ms":1,"probes":[{{"id":1,"delay_ms":5}},{{"id":1}},{{"id":0}},{{"id":9007199254740993}},{{"id":2,"delay_ms":-1}},
                {{"id":3,"delay_ms":"x"}},{{"id":4,"tls_expires_s":-1}}]}},{{"number":2,"at_ms":1,"probes":[{}]}},
                {{"number":3,"at_ms":1,"probes":[{{"id":1,"note":"{}"}}]}}]"#,
            many.join(","),
            "x".repeat(121)
        ))
        .unwrap();
        let found: Vec<_> = report.samples[0].probes.iter().map(|one| (one.probe.0, one.delay_ms)).collect();
        assert_eq!(found, [(1, Some(5.0)), (4, None)]);
        assert_eq!((report.samples[1].probes.len(), &report.samples[2].probes[0].note), (200, &None));
        let reasons: Vec<_> = dropped.iter().map(|one| (one.field.as_str(), one.reason)).collect();
        assert_eq!(
            reasons,
            [
                ("probes.id", DropReason::TooMany),
                ("probes.id", DropReason::TooSmall),
                ("probes.id", DropReason::TooLarge),
                ("probes.delay_ms", DropReason::TooSmall),
                ("probes.delay_ms", DropReason::NotANumber),
                ("probes.tls_expires_s", DropReason::TooSmall),
                ("probes", DropReason::TooMany),
                ("probes.note", DropReason::TooLong),
            ]
        );
    }

    #[test]
    fn own_metrics_come_by_name_and_a_bad_one_costs_itself() {
        let long = "x".repeat(256);
        let (report, dropped) = read(&format!(
            r#"[{{"number":1,"at_ms":1,"metrics":{{"custom.dice.d6":3,"cpu.user.percentage":17.33,"a b":1,"":1,"{long}":1,"b":null,"c":"x",
                "custom.dice.d6":4}}}},{{"number":2,"at_ms":1,"metrics":null}},{{"number":3,"at_ms":1,"metrics":{{}}}}]"#
        ))
        .unwrap();
        let named = |name: &str, value| model::Named { name: name.to_owned(), value };
        assert_eq!(report.samples[0].named, [named("custom.dice.d6", 4.0), named("cpu.user.percentage", 17.33)]);
        assert!(report.samples[1..].iter().all(|sample| sample.named.is_empty()));
        let found: Vec<_> = dropped.iter().map(|one| (one.field.as_str(), one.reason)).collect();
        assert_eq!(
            found,
            [
                ("metrics[2]", DropReason::NotAName),
                ("metrics[3]", DropReason::NotAName),
                ("metrics[4]", DropReason::TooLong),
                ("metrics.b", DropReason::NotANumber),
                ("metrics.c", DropReason::NotANumber),
            ]
        );
        assert!(matches!(read(r#"[{"number":1,"at_ms":1,"metrics":[1]}]"#), Err(Failure::Malformed { .. })));
    }

    #[test]
    fn a_sample_has_at_most_so_many_metrics_of_its_own() {
        let all: Vec<String> = (0..=model::Named::MAX).map(|name| format!("\"m{name}\":{name}")).collect();
        let (report, dropped) =
            read(&format!(r#"[{{"number":1,"at_ms":1,"metrics":{{{}}}}}]"#, all.join(","))).unwrap();
        assert_eq!((report.samples[0].named.len(), dropped.len()), (model::Named::MAX, 1));
        assert_eq!((dropped[0].field.as_str(), dropped[0].reason), ("metrics", DropReason::TooMany));
    }

    #[test]
    fn numbers_must_rise_by_one() {
        for samples in [
            r#"[{"number":0,"at_ms":1}]"#,
            r#"[{"number":1,"at_ms":1},{"number":3,"at_ms":1}]"#,
            r#"[{"number":2,"at_ms":1},{"number":1,"at_ms":1}]"#,
            r#"[{"number":9007199254740993,"at_ms":1}]"#,
        ] {
            assert!(matches!(read(samples), Err(Failure::Invalid { .. })), "{samples}");
        }
    }

    #[test]
    fn what_is_no_report_is_malformed() {
        for body in ["", "[]", "{}", "null", "{\"samples\":[}", "\u{feff}{}"] {
            assert!(matches!(read_report(body.as_bytes()), Err(Failure::Malformed { .. })), "{body}");
        }
    }

    #[test]
    fn an_impossible_period_is_replaced_and_named() {
        let body = r#"{"agent_version":"0","sent_at_ms":1,"oldest":1,"period_s":-5,"samples":[]}"#;
        let (report, dropped) = read_report(body.as_bytes()).unwrap();
        assert_eq!(report.period_s, 10);
        assert_eq!(dropped[0].field, "period_s");
    }
}
