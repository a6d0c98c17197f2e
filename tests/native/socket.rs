//! `GET /agent/v1/stream`, where it is used as no agent uses it.

use std::time::Duration;

use edgewatch_harness::socket::{Heard, Socket};
use edgewatch_harness::worker::Worker;

const WAIT: Duration = Duration::from_secs(10);

#[test]
fn a_text_that_is_no_ping_ends_the_socket() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    let bearer = format!("Bearer {}", host.secret);
    let mut socket =
        Socket::open(worker.address(), "/agent/v1/stream", &[("Authorization", &bearer)]).expect("an upgrade");
    assert!(socket.send_text("ping"));
    assert!(matches!(socket.next(WAIT), Heard::Text(text) if text == "pong"));
    assert!(socket.send_text("ping "));
    assert!(matches!(socket.next(WAIT), Heard::Binary(_)), "a goodbye");
    assert!(matches!(socket.next(WAIT), Heard::Closed(_)));
}
