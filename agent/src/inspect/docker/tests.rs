//! Against a daemon made of its documentation's answers.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::Duration;

use super::*;
use crate::testing::TestDirectory;

const LIST: &str = r#"[{"Id":"a652cff1d4aaaa","Names":["/web","/alias"],"Image":"nginx:1.27","State":"running","Status":"Up 6 minutes","Ports":[]},
 {"Id":"b0b0b0b0b0bbbb","Names":null,"Image":"sha256:77","State":"running","Status":"Up 2 days"}]"#;

/// Of the second version of control groups, one-shot: without an earlier look.
fn stats(own: u64, all: u64) -> String {
    format!(
        r#"{{"cpu_stats":{{"cpu_usage":{{"total_usage":{own}}},"system_cpu_usage":{all},"online_cpus":2}},"precpu_stats":{{"cpu_usage":{{"total_usage":0}}}},
        "memory_stats":{{"usage":6000000,"limit":34000000,"stats":{{"inactive_file":600000,"anon":1}}}},
        "networks":{{"eth0":{{"rx_bytes":6000,"tx_bytes":1}},"eth1":{{"rx_bytes":574}}}},
        "blkio_stats":{{"io_service_bytes_recursive":[{{"major":8,"op":"read","value":4112384}},{{"op":"write","value":5}},{{"op":"Read","value":1}}]}}}}"#
    )
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

/// Answers so many questions by their path.
fn daemon(
    directory: &TestDirectory,
    questions: usize,
    answer: impl Fn(usize, &str) -> Option<String> + Send + 'static,
) {
    let listener = UnixListener::bind(directory.path().join("docker.sock")).unwrap();
    thread::spawn(move || {
        for number in 0..questions {
            let (stream, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(&stream).lines().map(Result::unwrap);
            let target = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
            assert!(lines.by_ref().take_while(|line| !line.is_empty()).any(|line| line == "Connection: close"));
            let answer = match answer(number, &target) {
                Some(body) => format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()),
                None => "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n".to_owned(),
            };
            (&stream).write_all(answer.as_bytes()).unwrap();
        }
    });
}

#[test]
fn containers_are_told_with_what_they_used_since_the_cycle_before() {
    let directory = TestDirectory::new();
    daemon(&directory, 6, |number, target| match target {
        "/containers/json" => Some(LIST.to_owned()),
        "/containers/a652cff1d4aaaa/stats?stream=false&one-shot=true" if number < 3 => Some(stats(1_000, 100_000)),
        "/containers/a652cff1d4aaaa/stats?stream=false&one-shot=true" => Some(stats(3_000, 200_000)),
        _ => None,
    });
    let socket = directory.path().join("docker.sock");
    let mut containers = Containers::default();
    let first = containers.read(&socket, soon()).unwrap();
    assert_eq!(first[0].cpu_percentage, Float(0.0), "nothing to compare with");
    let second = containers.read(&socket, soon()).unwrap();
    let web = &second[0];
    assert_eq!((web.id.as_str(), web.name.as_str(), web.image.as_str()), ("a652cff1d4", "/web", "nginx:1.27"));
    assert_eq!((web.state.as_str(), web.status.as_str()), ("running", "Up 6 minutes"));
    assert_eq!(web.cpu_percentage, Float(4.0), "2,000 of 100,000, on two processors");
    assert_eq!((web.network_rx, web.network_tx, web.disk_read, web.disk_write), (6574, 1, 4_112_385, 5));
    assert_eq!(web.memory_used, 5_400_000);
    assert!((web.memory_percentage.0 - 15.882).abs() < 0.001);
    let silent = &second[1];
    assert_eq!((silent.name.as_str(), silent.state.as_str(), silent.memory_used), ("", "running", 0));
}

#[test]
fn an_old_daemon_that_looks_twice_needs_no_cycle_before() {
    let text = r#"{"cpu_stats":{"cpu_usage":{"total_usage":300,"percpu_usage":[1,1,1,1]},"system_cpu_usage":2000},
        "precpu_stats":{"cpu_usage":{"total_usage":200},"system_cpu_usage":1000},
        "memory_stats":{"usage":100,"stats":{"total_inactive_file":30,"inactive_file":10}},"blkio_stats":{"io_service_bytes_recursive":null}}"#;
    let stats: Stats = parse(text.as_bytes()).unwrap();
    assert!((stats.cpu_percent(None) - 40.0).abs() < 1e-9);
    assert_eq!(stats.memory(), (70, 0.0));
    assert_eq!((stats.network(), stats.disk()), ((0, 0), (0, 0)));
}

#[test]
fn parts_that_are_null_cost_themselves_alone() {
    let text = r#"{"cpu_stats":null,"precpu_stats":null,"memory_stats":{"usage":100,"limit":400,"stats":null},
        "networks":{"eth0":{"rx_bytes":7,"tx_bytes":8}},"blkio_stats":null}"#;
    let stats: Stats = parse(text.as_bytes()).unwrap();
    assert_eq!((stats.memory(), stats.network(), stats.disk()), ((100, 25.0), (7, 8), (0, 0)));
    assert!(stats.cpu_percent(None).abs() < 1e-9);
}

#[test]
fn no_daemon_and_one_that_refuses_are_faults() {
    let directory = TestDirectory::new();
    let socket = directory.path().join("docker.sock");
    assert!(matches!(Containers::default().read(&socket, soon()), Err(Fault::Refused { .. })));
    daemon(&directory, 1, |_, _| None);
    let refused = Containers::default().read(&socket, soon()).unwrap_err();
    assert_eq!(refused.to_string(), "the Docker daemon answered 500");
}
