//! A host's own metrics in frames.

use super::*;

#[test]
fn own_metrics_travel_by_name_whichever_samples_have_them() {
    let with = |number, names: &[&str]| {
        let named = |(name, value): (&&str, u8)| Named { name: (*name).into(), value: f64::from(value) / 3.0 };
        Sample { named: names.iter().zip(1_u8..).map(named).collect(), ..sample(number) }
    };
    let message = frame_of(vec![with(1, &[]), with(2, &["cpu.user.percentage", "b"]), with(3, &["b"]), with(4, &[])]);
    assert_eq!(FromAgent::decode(&message.encode().unwrap()), Ok(message));

    let twice = frame_of(vec![with(1, &["a", "b", "a"])]);
    let once = frame_of(vec![Sample {
        named: vec![Named { name: "a".into(), value: 1.0 }, Named { name: "b".into(), value: 2.0 / 3.0 }],
        ..sample(1)
    }]);
    assert_eq!(FromAgent::decode(&twice.encode().unwrap()), Ok(once), "the last one of a name counts");
}

#[test]
fn as_many_own_metrics_as_a_sample_may_have_go_into_a_frame() {
    let named =
        (0..600).map(|name| Named { name: format!("custom.plugin.group{name}.value").into(), value: 1.0 / 3.0 });
    let message = frame_of(vec![Sample { named: named.collect(), ..sample(1) }]);
    let bytes = message.encode().unwrap();
    assert!(bytes.len() < MAX_MESSAGE_BYTES / 2, "{}", bytes.len());
    let Ok(FromAgent::Frame(frame)) = FromAgent::decode(&bytes) else { panic!("no frame") };
    let (report, dropped) = frame.into_report(String::new()).unwrap();
    assert_eq!((report.samples[0].named.len(), dropped), (600, vec![]));
}

#[test]
fn a_worker_from_before_own_metrics_reads_the_rest_and_an_old_agent_has_none() {
    // As it was written before there were any: sample 7 with 12.5 % of the processors.
    let old =
        [1, 2, 1, 1, 1, 3, 1, 1, 5, 1, 10, 6, 1, 60, 7, 2, 7, 1, 8, 6, 224, 193, 237, 189, 192, 104, 16, 3, 2, 196, 19];
    let whole = frame_of(vec![sample(7)]);
    assert_eq!((FromAgent::decode(&old), whole.encode()), (Ok(whole), Ok(old.to_vec())));

    // The old reader knows the fields up to 12 and from 16 on, and skips the others by their lengths.
    let named = vec![Named { name: "custom.a".into(), value: 0.1 }];
    let bytes = frame_of(vec![Sample { named, ..sample(7) }]).encode().unwrap();
    let mut kept = Writer::message(VERSION, FRAME);
    let mut fields = Reader::of(&bytes[2..]);
    let mut skipped = Vec::new();
    while let Some(field) = fields.field().unwrap() {
        if (13..16).contains(&field.id) {
            skipped.push(field.id);
        } else {
            let mut body = field.reader();
            let length = (0..bytes.len()).take_while(|_| body.array::<1>().is_ok()).count();
            kept.bytes(field.id, field.reader().take(length).unwrap());
        }
    }
    assert_eq!(skipped, [13]);
    assert_eq!(FromAgent::decode(&kept.into_bytes()), Ok(frame_of(vec![sample(7)])));
}
