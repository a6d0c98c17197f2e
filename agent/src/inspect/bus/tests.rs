//! The client against a stand-in, and messages byte by byte.

use std::time::Duration;

use super::stand_in::{StandIn, texts};
use super::wire::{Variant, Writer};
use super::*;
use crate::testing::{TestDirectory, wait_for};

const LIST: Call<'_> = Call { service: "org.x.Y", path: "/org/x/Y", interface: "org.x.Y", method: "List" };

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

/// The bus that distributions have, for one test.
struct Daemon(std::process::Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Only where the program is installed can this be tried; the others here need none.
#[test]
fn the_real_bus_understands_our_messages_and_we_understand_its() {
    let directory = TestDirectory::new();
    let socket = directory.path().join("bus");
    let started = std::process::Command::new("dbus-daemon")
        .args(["--session", "--nofork", "--nopidfile", &format!("--address=unix:path={}", socket.display())])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn();
    let daemon = match started {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
        started => Daemon(started.unwrap()),
    };
    wait_for("the bus", || UnixStream::connect(&socket).is_ok());
    let mut bus = Bus::connect(&socket, soon()).unwrap();
    let own = "org.freedesktop.DBus";
    let of_bus = |method| Call { service: own, path: "/org/freedesktop/DBus", interface: own, method };
    let owner = bus.call(of_bus("GetNameOwner"), &[own]).unwrap();
    assert_eq!(owner.reader().text(), Some(own));
    let properties = Call { interface: "org.freedesktop.DBus.Properties", ..of_bus("GetAll") };
    let properties = bus.call(properties, &[own]).unwrap();
    let names = parse(&properties, |reader| {
        reader.structures(|reader| {
            let name = reader.text()?.to_owned();
            reader.variant()?;
            Some(name)
        })
    });
    assert!(names.unwrap().iter().any(|name| name == "Features"));
    let nobody = bus.call(LIST, &["x"]).unwrap_err().to_string();
    assert!(nobody.starts_with("org.x.Y: org.freedesktop.DBus.Error.ServiceUnknown "), "{nobody}");
    drop(daemon);
    assert!(bus.call(of_bus("GetId"), &[]).is_err());
}

#[test]
fn a_call_is_written_as_the_specification_says() {
    let bytes = wire::call(1, Call { service: "a.b", path: "/", interface: "c.d", method: "E" }, &["x"]);
    let mut expected = b"l\x01\x00\x01\x06\0\0\0\x01\0\0\0\x47\0\0\0".to_vec();
    expected.extend(b"\x01\x01o\0\x01\0\0\0/\0\0\0\0\0\0\0");
    expected.extend(b"\x02\x01s\0\x03\0\0\0c.d\0\0\0\0\0");
    expected.extend(b"\x03\x01s\0\x01\0\0\0E\0\0\0\0\0\0\0");
    expected.extend(b"\x06\x01s\0\x03\0\0\0a.b\0\0\0\0\0");
    expected.extend(b"\x08\x01g\0\x01s\0\0");
    expected.extend(b"\x01\0\0\0x\0");
    assert_eq!(bytes, expected);
}

#[test]
fn calls_are_answered_and_signals_passed_over() {
    let stand_in = StandIn::start(|_, text| Ok(("s", texts(&[&format!("{text}!")]))));
    let mut bus = Bus::connect(&stand_in.socket(), soon()).unwrap();
    for text in ["a", "b"] {
        let body = bus.call(LIST, &[text]).unwrap();
        assert_eq!(parse(&body, |reader| reader.text().map(str::to_owned)).unwrap(), format!("{text}!"));
    }
    drop(bus);
    assert_eq!(stand_in.called(), ["/org/freedesktop/DBus Hello", "/org/x/Y List a", "/org/x/Y List b"]);
}

#[test]
fn a_failure_has_its_name_and_its_words() {
    let stand_in = StandIn::start(|_, _| Err("org.x.No"));
    let error = Bus::connect(&stand_in.socket(), soon()).unwrap().call(LIST, &[]).unwrap_err();
    assert_eq!(error.to_string(), "org.x.Y: org.x.No it is so");
}

#[test]
fn a_bus_that_does_not_answer_is_not_waited_for() {
    let stand_in = StandIn::start(|_, _| {
        std::thread::sleep(Duration::from_millis(200));
        Ok(("", Vec::new()))
    });
    let mut bus = Bus::connect(&stand_in.socket(), soon()).unwrap();
    bus.until = Instant::now() + Duration::from_millis(50);
    assert!(matches!(bus.call(LIST, &[]), Err(Fault::Refused { .. })));
    assert!(matches!(bus.call(LIST, &[]), Err(Fault::Skipped)));
}

#[test]
fn a_machine_without_a_bus_says_so() {
    let error = Bus::connect(Path::new("/no/such/bus"), soon()).unwrap_err();
    assert!(error.to_string().starts_with("/no/such/bus: "), "{error}");
}

#[test]
fn values_of_every_type_are_passed_over() {
    let mut writer = Writer(vec![7]);
    writer.pad(8);
    writer.0.extend(5_u64.to_le_bytes());
    // a{sv} with one pair, whose value is an array of structures.
    writer.length(0);
    writer.pad(8);
    let begin = writer.0.len();
    writer.text("k");
    writer.signature("a(nx)");
    writer.pad(4);
    writer.length(16);
    writer.pad(8);
    writer.0.extend([1, 0, 0, 0, 0, 0, 0, 0]);
    writer.0.extend(9_i64.to_le_bytes());
    let length = u32::try_from(writer.0.len() - begin).unwrap();
    writer.0[16..20].copy_from_slice(&length.to_le_bytes());
    writer.signature("as");
    writer.text("end");
    let body = Body { bytes: writer.0, is_big: false };
    let mut reader = body.reader();
    reader.skip("yta{sv}g").unwrap();
    assert_eq!(reader.text(), Some("end"));
}

#[test]
fn variants_give_texts_and_numbers() {
    let mut writer = Writer::default();
    writer.signature("s");
    writer.text("x");
    writer.signature("t");
    writer.pad(8);
    writer.0.extend(7_u64.to_le_bytes());
    writer.signature("b");
    writer.pad(4);
    writer.0.extend([1, 0, 0, 0]);
    let body = Body { bytes: writer.0, is_big: false };
    let mut reader = body.reader();
    let found: Vec<_> = std::iter::from_fn(|| reader.variant()).collect();
    assert_eq!(found, [Variant::Text("x"), Variant::Number(7), Variant::Other]);
}

#[test]
fn the_other_order_of_bytes_is_read_too() {
    let body = Body { bytes: b"\0\0\0\x02hi\0".to_vec(), is_big: true };
    assert_eq!(body.reader().text(), Some("hi"));
}

#[test]
fn what_is_cut_or_nested_without_end_is_malformed() {
    let body = Body { bytes: b"\x05\0\0\0hi\0".to_vec(), is_big: false };
    assert!(parse(&body, |reader| reader.text().map(drop)).is_err());
    let body = Body { bytes: vec![0; 64], is_big: false };
    assert_eq!(body.reader().skip(&"(".repeat(200)), None);
    assert_eq!(body.reader().skip(&"a".repeat(200)), None);
    assert_eq!(body.reader().skip("?"), None);
    let endless = Body { bytes: b"\x01v\0".repeat(100), is_big: false };
    assert_eq!(endless.reader().variant(), None);
}
