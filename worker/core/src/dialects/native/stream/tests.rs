//! Round trips of random messages, hostile bytes, and what makes old and new live together.

mod own;

use super::*;
use crate::dialects::native::{
    DroppedValue, HostFacts, InterfacePart, MachinePart, Named, ProbeList, ProbePart, ProbeTaskPart, ProcessorsPart,
    ReportRequest, ReportSettings, Sample, Temperature, read_report,
};
use crate::failure::Failure;
use crate::metrics;

/// `SplitMix64`: random enough for tests, the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn one_in(&mut self, parts: u64) -> bool {
        self.below(parts) == 0
    }

    /// A number of any length, the ends among them.
    fn whole(&mut self) -> u64 {
        let shift = self.below(64);
        if self.one_in(20) { u64::MAX } else { self.next() >> shift }
    }

    fn signed(&mut self) -> i64 {
        unsigned_as_signed(self.whole())
    }

    #[expect(clippy::cast_precision_loss, reason = "any number will do")]
    fn real(&mut self) -> f64 {
        match self.below(6) {
            0 => self.below(100_000) as f64 / 100.0,
            1 => self.below(1 << 53) as f64,
            2 => f64::from_bits(self.next()),
            3 => [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, 1e-300][usize::try_from(self.below(5)).unwrap()],
            _ => self.below(1_000) as f64,
        }
    }

    fn text(&mut self, most: u64) -> String {
        (0..self.below(most)).map(|_| ['a', 'é', '/', '0', '🜚'][usize::try_from(self.below(5)).unwrap()]).collect()
    }

    fn sample(&mut self, number: u64, sensors: &[String], own: u64) -> Sample {
        let mut sample = Sample { number, at_ms: self.signed(), ..Sample::default() };
        for definition in &metrics::ALL {
            let value = self.real();
            // Bit patterns of NaN are compared elsewhere; here equality must mean something.
            *sample.value_mut(definition.metric) = (!self.one_in(4) && !value.is_nan()).then_some(value);
        }
        for name in sensors {
            let celsius = self.real();
            if !self.one_in(3) && !celsius.is_nan() {
                sample.temperatures.push(Temperature { name: name.clone(), celsius });
            }
        }
        for name in 0..own {
            let value = self.real();
            if !self.one_in(3) && !value.is_nan() {
                sample.named.push(Named { name: format!("custom.{name}").into(), value });
            }
        }
        for id in 1..=self.below(6) {
            if self.one_in(2) {
                continue;
            }
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let delay_ms = (!self.one_in(3)).then(|| self.below(12_000_000) as f64 / 100.0);
            let tls_expires_s = self.one_in(4).then(|| self.real()).filter(|value| !value.is_nan());
            let note = self.one_in(9).then(|| self.text(9));
            sample.probes.push(ProbePart { id: id.cast_signed(), delay_ms, tls_expires_s, note });
        }
        sample
    }

    fn frame(&mut self) -> Frame {
        let sensors: Vec<String> = (0..self.below(5)).map(|index| format!("{index}{}", self.text(8))).collect();
        let first = self.whole() >> 1;
        let count = if self.one_in(8) { 0 } else { self.below(Frame::MAX_SAMPLES as u64 + 1) };
        let own = if self.one_in(2) { 0 } else { self.below(12) };
        let mut samples: Vec<Sample> = (0..count).map(|index| self.sample(first + index, &sensors, own)).collect();
        // Sensors and own metrics come back in the order in which a frame first names them: here the first sample names all.
        if let Some(first) = samples.first_mut() {
            first.temperatures = sensors.into_iter().map(|name| Temperature { name, celsius: 40.0 }).collect();
            first.named = (0..own).map(|name| Named { name: format!("custom.{name}").into(), value: 0.1 }).collect();
        }
        Frame {
            frame: self.whole(),
            sent_at_ms: self.signed(),
            oldest: self.whole(),
            dropped_samples: self.whole(),
            period_s: u32::try_from(self.below(1 << 32)).unwrap(),
            frame_s: 60,
            samples,
        }
    }

    fn facts(&mut self) -> HostFacts {
        let mut text = || Some(self.text(9)).filter(|text| !text.is_empty());
        HostFacts {
            platform: text(),
            platform_version: text(),
            kernel: text(),
            arch: text(),
            virtualization: text(),
            addresses: text(),
            cpu: (0..self.below(4)).map(|_| self.text(20)).collect(),
            gpu: (0..self.below(4)).map(|_| self.text(20)).collect(),
            mem_total_bytes: self.one_in(2).then_some(8e9),
            swap_total_bytes: self.one_in(2).then_some(0.5),
            disk_total_bytes: None,
            booted_at_s: Some(-0.0),
            machine: self.one_in(2).then(|| Box::new(self.machine())),
        }
    }

    fn machine(&mut self) -> MachinePart {
        let processors = ProcessorsPart {
            vendor: self.text(9),
            mhz: self.one_in(2).then_some(0.1 + 0.2),
            places: vec![(None, None, 1), (Some(0), Some(u32::MAX), 64)],
            ..ProcessorsPart::default()
        };
        MachinePart {
            os: self.text(9),
            processors: vec![processors],
            memory: (0..self.below(4)).map(|kind| (format!("{kind}\""), self.whole())).collect(),
            interfaces: vec![InterfacePart { addresses: vec![self.text(20)], ..InterfacePart::default() }],
            ..MachinePart::default()
        }
    }

    fn settings(&mut self) -> Settings {
        let mut from = |low: u64, high: u64| u32::try_from(low + self.below(high - low + 1)).unwrap();
        let period_s = from(1, 3_600);
        Settings {
            report: ReportSettings { period_s, frame_s: from(period_s.into(), 86_400) },
            live_for_s: from(0, 600),
            hold_for_s: from(0, 86_400),
            ping_s: from(1, 60),
            window: from(1, 16),
            spread_s: from(1, 90),
        }
    }

    fn goodbye(&mut self) -> Goodbye {
        Goodbye {
            reason: [Reason::None, Reason::Restart, Reason::Version, Reason::Other(77)]
                [usize::try_from(self.below(4)).unwrap()],
            spread_s: u32::try_from(self.below(3_600)).unwrap(),
            text: self.text(30),
            versions: self.one_in(2).then_some(Versions { from: 0, to: 255 }),
        }
    }

    fn agent_message(&mut self) -> FromAgent {
        match self.below(5) {
            0 => FromAgent::Hello(Hello {
                versions: Versions { from: 1, to: 2 },
                agent_version: self.text(20),
                clock_ms: self.signed(),
                oldest: self.whole(),
                next: self.whole(),
                capabilities: self.whole(),
                dropped_samples: self.whole(),
            }),
            1 => FromAgent::Facts(Facts(self.facts())),
            2 => FromAgent::Goodbye(self.goodbye()),
            _ => FromAgent::Frame(self.frame()),
        }
    }

    fn hub_message(&mut self) -> FromHub {
        match self.below(6) {
            5 => FromHub::Probes(Probes(ProbeList {
                version: self.whole(),
                probes: (0..self.below(5))
                    .map(|_| ProbeTaskPart {
                        id: self.signed(),
                        kind: u8::try_from(self.below(256)).unwrap(),
                        target: self.text(30),
                        interval_s: u32::try_from(self.below(1 << 32)).unwrap(),
                    })
                    .collect(),
            })),
            0 => FromHub::Welcome(Welcome {
                durable_up_to: self.whole(),
                time_ms: self.signed(),
                settings: self.settings(),
            }),
            1 => FromHub::Resend(Resend { answers: self.whole(), from: self.whole() }),
            2 => FromHub::Settings(self.settings()),
            3 => FromHub::Goodbye(self.goodbye()),
            _ => FromHub::Ack(Ack {
                answers: self.one_in(2).then(|| self.whole()),
                taken_up_to: self.whole(),
                durable_up_to: self.whole(),
                dropped: (0..self.below(17))
                    .map(|_| DroppedValue {
                        number: self.one_in(2).then(|| self.whole()),
                        field: self.text(9),
                        reason: self.text(9),
                    })
                    .collect(),
            }),
        }
    }
}

const fn unsigned_as_signed(value: u64) -> i64 {
    value.cast_signed()
}

fn sample(number: u64) -> Sample {
    Sample { number, at_ms: 1_795_361_190_000, cpu_percent: Some(12.5), ..Sample::default() }
}

fn frame_of(samples: Vec<Sample>) -> FromAgent {
    FromAgent::Frame(Frame { frame: 1, oldest: 1, period_s: 10, frame_s: 60, samples, ..Frame::default() })
}

#[test]
fn every_message_comes_back_as_it_was() {
    let mut random = Random(1);
    for _ in 0..2_000 {
        let message = random.agent_message();
        let Ok(bytes) = message.encode() else {
            assert!(
                matches!(message, FromAgent::Frame(frame) if frame.samples.len() > 60),
                "only a large frame may be"
            );
            continue;
        };
        // Without the values: a frame of 120 samples fills the screen.
        assert!(FromAgent::decode(&bytes) == Ok(message));
        let message = random.hub_message();
        assert_eq!(FromHub::decode(&message.encode().unwrap()), Ok(message));
    }
}

#[test]
fn hostile_bytes_are_an_error_or_a_message_and_never_more() {
    let mut random = Random(2);
    for _ in 0..20_000 {
        let mut bytes = if random.one_in(4) {
            (0..random.below(200)).map(|_| random.next().to_le_bytes()[0]).collect()
        } else {
            random.agent_message().encode().unwrap_or_default()
        };
        for _ in 0..random.below(6) {
            let at = usize::try_from(random.below(bytes.len().max(1) as u64)).unwrap();
            match (bytes.get_mut(at), random.below(3)) {
                (Some(byte), 0) => *byte = random.next().to_le_bytes()[0],
                (Some(byte), 1) => *byte ^= 1 << random.below(8),
                (Some(_), _) => drop(bytes.drain(at..(at + 3).min(bytes.len()))),
                (None, _) => bytes.push(1),
            }
        }
        if let Some(version) = bytes.first_mut() {
            *version = VERSION;
        }
        if let Ok(FromAgent::Frame(frame)) = FromAgent::decode(&bytes) {
            assert!(frame.samples.len() <= Frame::MAX_SAMPLES);
            assert!(frame.samples.iter().all(|sample| sample.temperatures.len() <= 65));
            let _ = frame.into_report(String::new());
        }
        let _ = FromHub::decode(&bytes);
    }
}

#[test]
fn a_message_cut_short_at_any_place_is_never_taken_for_more_than_it_is() {
    let message = frame_of((1..=6).map(sample).collect());
    let whole = message.encode().unwrap();
    for length in 0..whole.len() {
        match FromAgent::decode(&whole[..length]) {
            Err(error) => assert_eq!(error, DecodeError::Damaged, "{length}"),
            // Cut between two fields: what is left out has its default, the samples are all there or none.
            Ok(FromAgent::Frame(frame)) => assert!([0, 6].contains(&frame.samples.len()), "{length}"),
            Ok(other) => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_minute_of_a_host_is_small() {
    let samples = (0..6).map(|index| {
        let mut sample = sample(1_000_000 + index);
        let step = u32::try_from(index).unwrap();
        sample.at_ms += 10_000 * i64::from(step) + 3;
        for (column, definition) in metrics::ALL.iter().enumerate() {
            let large = definition.key.ends_with("bytes");
            let base = if large { 8_123_456_789.0 } else { 12.34 * f64::from(u32::try_from(column).unwrap()) };
            *sample.value_mut(definition.metric) = Some((base * 100.0).round() / 100.0 + f64::from(step * 4_096));
        }
        sample
    });
    let bytes = frame_of(samples.collect()).encode().unwrap();
    // It is 351; the same as JSON is 2,598.
    assert!(bytes.len() < 500, "{}", bytes.len());
}

#[test]
fn limits_are_kept_by_the_writer() {
    let too_many = frame_of((1..=121).map(sample).collect());
    assert_eq!(too_many.encode(), Err(EncodeError::TooManySamples(121)));
    assert_eq!(frame_of(vec![sample(1), sample(3)]).encode(), Err(EncodeError::NotInOrder(3)));
    let temperatures: Vec<_> =
        (0..64).map(|index| Temperature { name: format!("{index:064}"), celsius: 1.0 / 3.0 }).collect();
    let heavy = |count| {
        frame_of((1..=count).map(|number| Sample { temperatures: temperatures.clone(), ..sample(number) }).collect())
    };
    assert!(matches!(heavy(120).encode(), Err(EncodeError::TooLarge { bytes }) if bytes > MAX_MESSAGE_BYTES));
    assert!(heavy(60).encode().is_ok());
}

#[test]
fn limits_are_kept_by_the_reader() {
    assert!(matches!(FromAgent::decode(&vec![VERSION; MAX_MESSAGE_BYTES + 1]), Err(DecodeError::TooLarge { .. })));
    let numbers = |count: u64| {
        let mut writer = Writer::message(VERSION, FRAME);
        let mut body = vec![1];
        wire::put_varint(&mut body, count);
        writer.bytes(7, &body);
        FromAgent::decode(&writer.into_bytes())
    };
    assert!(numbers(120).is_ok());
    assert_eq!(numbers(121), Err(DecodeError::TooManySamples(121)));
    assert_eq!(numbers(u64::MAX), Err(DecodeError::TooManySamples(u64::MAX)));
}

#[test]
fn more_sensors_than_there_may_be_are_seen_by_the_intake_and_no_more() {
    let temperatures = (0..200).map(|index| Temperature { name: index.to_string(), celsius: 40.0 }).collect();
    let bytes = frame_of(vec![Sample { temperatures, ..sample(1) }]).encode().unwrap();
    let Ok(FromAgent::Frame(frame)) = FromAgent::decode(&bytes) else { panic!("no frame") };
    let (report, dropped) = frame.into_report(String::new()).unwrap();
    assert_eq!(report.samples[0].temperatures.len(), 64);
    assert_eq!(dropped[0].field, "temperatures");
}

#[test]
fn a_sensor_that_one_sample_names_twice_and_one_that_appears_late_stay_apart() {
    let with = |number, names: &[&str]| {
        let sensor = |(name, celsius): (&&str, u8)| Temperature { name: (*name).to_owned(), celsius: celsius.into() };
        Sample { temperatures: names.iter().zip(1_u8..).map(sensor).collect(), ..sample(number) }
    };
    let message = frame_of(vec![with(1, &["a", "a"]), with(2, &[]), with(3, &["a", "b"]), with(4, &["a", "a", "b"])]);
    assert_eq!(FromAgent::decode(&message.encode().unwrap()), Ok(message));
}

#[test]
fn what_a_newer_version_adds_is_skipped() {
    let mut random = Random(3);
    for _ in 0..500 {
        let (agent, hub) = (random.agent_message(), random.hub_message());
        let added = |bytes: Vec<u8>, body: &[u8]| {
            let mut writer = Writer::nested();
            writer.bytes(1_000, body);
            writer.bytes(u64::MAX, b"");
            let (head, fields) = bytes.split_at(2);
            [head, &writer.into_bytes(), fields].concat()
        };
        if let Ok(bytes) = agent.encode() {
            assert!(FromAgent::decode(&added(bytes, b"\xff\xff")) == Ok(agent));
        }
        assert_eq!(FromHub::decode(&added(hub.encode().unwrap(), b"")), Ok(hub));
    }
    assert_eq!(FromAgent::decode(&[VERSION, 99, 255, 255]), Ok(FromAgent::Unknown(99)));
    assert_eq!(FromHub::decode(&[VERSION, FRAME]), Ok(FromHub::Unknown(FRAME)), "of the other direction");
}

#[test]
fn a_hello_and_a_goodbye_are_understood_in_every_version() {
    let hello = Random(4).frame();
    let hello = FromAgent::Hello(Hello {
        versions: Versions { from: 8, to: 9 },
        agent_version: "9.0".to_owned(),
        clock_ms: 1,
        oldest: hello.oldest,
        next: 1,
        capabilities: 0,
        dropped_samples: 0,
    });
    let goodbye =
        FromHub::Goodbye(Goodbye { reason: Reason::Version, versions: Some(Versions::OURS), ..Goodbye::default() });
    for version in [0, 2, 9, 255] {
        let of = |mut bytes: Vec<u8>| {
            bytes[0] = version;
            bytes
        };
        assert_eq!(FromAgent::decode(&of(hello.encode().unwrap())), Ok(hello.clone()));
        assert_eq!(FromHub::decode(&of(goodbye.encode().unwrap())), Ok(goodbye.clone()));
        let frame = frame_of(vec![sample(1)]).encode().unwrap();
        assert_eq!(FromAgent::decode(&of(frame)), Err(DecodeError::UnknownVersion(version)));
    }
}

#[test]
fn a_frame_and_a_post_of_the_same_samples_are_the_same_report() {
    let mut random = Random(5);
    for _ in 0..200 {
        let frame = random.frame();
        let finite = |frame: Frame| {
            let whole = |mut sample: Sample| {
                for definition in &metrics::ALL {
                    let value = sample.value_mut(definition.metric);
                    *value = value.filter(|value| value.is_finite());
                }
                sample.temperatures.retain(|sensor| sensor.celsius.is_finite());
                sample.named.retain(|one| one.value.is_finite());
                for probe in &mut sample.probes {
                    probe.tls_expires_s = probe.tls_expires_s.filter(|value| value.is_finite());
                }
                sample
            };
            Frame { samples: frame.samples.into_iter().map(whole).collect(), ..frame }
        };
        // What JSON cannot say is left out of both.
        let body = serde_json::to_vec(&finite(frame).into_request("1.0".to_owned())).unwrap();
        let posted = read_report(&body);
        // JSON's reader may be off by the last bit: the frame is made of what it read.
        let request: ReportRequest = serde_json::from_slice(&body).unwrap();
        let sent = FromAgent::Frame(Frame {
            frame: 7,
            sent_at_ms: request.sent_at_ms,
            oldest: request.oldest,
            dropped_samples: request.dropped_samples,
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was whole before")]
            period_s: request.period_s as u32,
            frame_s: 60,
            samples: request.samples.clone(),
        });
        let Ok(bytes) = sent.encode() else { continue };
        let Ok(FromAgent::Frame(frame)) = FromAgent::decode(&bytes) else { panic!("no frame") };
        let same = match (frame.into_report("1.0".to_owned()), posted) {
            (Ok(streamed), Ok(posted)) => streamed == posted,
            (Err(Failure::Invalid { field, .. }), Err(Failure::Invalid { field: posted, .. })) => field == posted,
            (streamed, posted) => panic!("{streamed:?} and {posted:?}"),
        };
        assert!(same);
    }
}

#[test]
fn impossible_values_in_a_frame_cost_themselves_alone() {
    let bad = Sample { cpu_percent: Some(f64::NAN), mem_used_bytes: Some(-1.0), load1: Some(0.5), ..sample(1) };
    let bytes = frame_of(vec![bad]).encode().unwrap();
    let Ok(FromAgent::Frame(frame)) = FromAgent::decode(&bytes) else { panic!("no frame") };
    let (report, dropped) = frame.into_report("1.0".to_owned()).unwrap();
    assert_eq!((report.samples[0].cpu_percent, report.samples[0].load1), (None, Some(0.5)));
    let fields: Vec<_> = dropped.iter().map(|one| one.field.as_str()).collect();
    assert_eq!(fields, ["cpu_percent", "mem_used_bytes"]);
    assert_eq!((report.period_s, report.frame_s), (10, 60));
}

#[test]
fn facts_go_through_the_same_sieve_as_posted_ones() {
    let facts = HostFacts { kernel: Some("x".repeat(257)), mem_total_bytes: Some(-1.0), ..HostFacts::default() };
    let bytes = FromAgent::Facts(Facts(facts)).encode().unwrap();
    let Ok(FromAgent::Facts(facts)) = FromAgent::decode(&bytes) else { panic!("no facts") };
    let (facts, dropped) = facts.into_facts();
    assert_eq!((facts.kernel.as_str(), facts.mem_total_bytes, dropped.len()), ("", 0, 2));
}
