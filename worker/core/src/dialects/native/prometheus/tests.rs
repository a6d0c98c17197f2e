use super::*;
use crate::model::{Addresses, Facts, Host, HostClass, HostId, Presence, Sample, Temperature};
use crate::units::{UnixMillis, UnixSeconds};

fn host(id: i64, name: &str) -> Host {
    Host {
        id: HostId(id),
        public_id: "4Zq5g3mQ1aB".to_owned(),
        uuid: "0b0c".to_owned(),
        class: HostClass::Machine,
        parent: None,
        name: name.to_owned(),
        tag: "web".to_owned(),
        tags: vec![],
        note: "for administrators".to_owned(),
        public_note: String::new(),
        display_index: 0,
        hidden_for_guest: true,
        registered_at: UnixSeconds(1),
        presence: Presence::Online,
        last_seen: Some(UnixSeconds(1_795_361_190)),
        addresses: Addresses { v4: "203.0.113.9".to_owned(), v6: String::new() },
        country_code: String::new(),
        agent_version: String::new(),
        facts: Some(Facts { mem_total_bytes: 1 << 33, platform: "debian".to_owned(), ..Facts::default() }),
        absorbed: vec![],
        newest: Some(Sample {
            at: UnixMillis(1_795_361_189_050),
            cpu_percent: Some(12.5),
            net_in_bytes: Some((1 << 53) - 1),
            load1: Some(0.07),
            temperatures: ["cpu", "cpu"].map(|name| Temperature { name: name.to_owned(), celsius: -3.5 }).to_vec(),
            ..Sample::default()
        }),
    }
}

fn document(hosts: &[Host], is_open_metrics: bool) -> String {
    let mut lines = Vec::new();
    for host in hosts {
        let seen = (HOST.seen)(host.last_seen);
        (HOST.write)(host.clone()).unwrap().write_to(&seen, &mut lines);
    }
    String::from_utf8(arrange(&lines, is_open_metrics)).unwrap()
}

#[test]
fn each_family_stands_at_its_place_and_its_byte_is_printable() {
    for (place, definition) in FAMILIES.iter().enumerate() {
        assert_eq!(definition.family as usize, place, "{}", definition.name);
        assert_eq!(definition.kind == Kind::Counter, definition.name.ends_with("_total"), "{}", definition.name);
        assert!(definition.help.ends_with('.') && !definition.help.contains('\n'), "{}", definition.name);
    }
    assert!(usize::from(FIRST_TAG) + FAMILIES.len() < 127);
}

#[test]
fn all_lines_of_a_family_stand_together_below_what_it_means() {
    let text = document(&[host(1, "a"), host(2, "b")], false);
    let cpu = "# HELP edgewatch_host_cpu_ratio Use of all processors together, 0 to 1.\n\
               # TYPE edgewatch_host_cpu_ratio gauge\n\
               edgewatch_host_cpu_ratio{id=\"1\",name=\"a\",group=\"web\"} 0.125\n\
               edgewatch_host_cpu_ratio{id=\"2\",name=\"b\",group=\"web\"} 0.125\n#";
    assert!(text.contains(cpu), "{text}");
    for line in [
        "edgewatch_host_last_seen_timestamp_seconds{id=\"2\",name=\"b\",group=\"web\"} 1795361190",
        "edgewatch_host_sample_timestamp_seconds{id=\"2\",name=\"b\",group=\"web\"} 1795361189.050",
        "edgewatch_host_network_receive_bytes_total{id=\"2\",name=\"b\",group=\"web\"} 9007199254740991",
        "edgewatch_host_memory_total_bytes{id=\"2\",name=\"b\",group=\"web\"} 8589934592",
        "edgewatch_host_temperature_celsius{id=\"2\",name=\"b\",group=\"web\",sensor=\"cpu\",index=\"1\"} -3.5",
        "# TYPE edgewatch_host_network_receive_bytes_total counter",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}\n{text}");
    }
    // What was not measured has no line; what is secret or somebody's own has none either.
    assert!(
        !text.contains("edgewatch_host_load5") && !text.contains("203.0.113.9") && !text.contains("administrators")
    );
    // Nobody said how much swap or disk space there is; who says that none of its swap is in use says that it has none.
    assert!(!text.contains("swap_total") && !text.contains("disk_total"), "{text}");
    let mut without_swap = host(1, "a");
    without_swap.newest.as_mut().unwrap().swap_used_bytes = Some(0);
    let text = document(&[without_swap], false);
    assert!(text.contains("edgewatch_host_swap_total_bytes{id=\"1\",name=\"a\",group=\"web\"} 0\n"), "{text}");
}

#[test]
fn a_silent_host_has_no_values_and_one_that_never_reported_is_neither_up_nor_down() {
    let silent = document(&[Host { presence: Presence::Offline, ..host(1, "a") }], false);
    assert!(silent.contains("edgewatch_host_up{id=\"1\",name=\"a\",group=\"web\"} 0\n"));
    assert!(silent.contains("host_last_seen") && !silent.contains("cpu_ratio") && !silent.contains("memory"));
    let never = document(&[Host { presence: Presence::Never, last_seen: None, ..host(1, "a") }], false);
    assert_eq!(never.lines().filter(|line| !line.starts_with('#')).count(), 1);
    assert!(never.contains("\nedgewatch_host_info{"));
}

#[test]
fn a_name_cannot_leave_its_label() {
    let name = "a\\\"} 1\nedgewatch_host_up{id=\"9\"} 1\r\u{1b}[31m# EOF\n\"";
    let text = document(&[host(1, name)], true);
    let expected =
        r#"edgewatch_host_up{id="1",name="a\\\"} 1\nedgewatch_host_up{id=\"9\"} 1  [31m# EOF\n\"",group="web"} 1"#;
    assert!(text.lines().any(|line| line == expected), "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("edgewatch_host_up")).count(), 1);
    assert_eq!(text.matches('\u{1b}').count() + text.matches('\r').count(), 0);
}

#[test]
fn open_metrics_calls_counters_without_their_ending_and_says_where_it_ends() {
    let text = document(&[host(1, "a")], true);
    assert!(
        text.contains(
            "# TYPE edgewatch_host_network_receive_bytes counter\nedgewatch_host_network_receive_bytes_total{"
        )
    );
    assert!(text.ends_with("\n# EOF\n") && !document(&[host(1, "a")], false).contains("EOF"));
    assert_eq!(arrange(b"", false), b"");
    // What is no line of ours is no line.
    assert_eq!(arrange(b"\xffa 1\n!\n\n~a 1\n", false), b"");
}
