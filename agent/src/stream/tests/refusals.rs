//! What becomes of reports when a WebSocket does not come about, or is ended by the hub.

use super::*;

/// Of each of these, at the same time: reports go by POST without a loss; then a WebSocket is let through, and they go by that.
fn all_post_and_come_back(cases: &[&[Manner]]) {
    thread::scope(|scope| {
        for first in cases {
            scope.spawn(|| posts_and_comes_back(first));
        }
    });
}

fn posts_and_comes_back(first: &[Manner]) {
    let manners = [first, &[Manner::Hub]].concat();
    let server = StandIn::start(0, &manners);
    let limits = Limits { dial: Duration::from_millis(500), ..Limits::default() };
    let bench = Bench::with(&server.url(), Transport::Auto, ClientSettings::default(), limits);
    bench.measure_and_send(3);
    bench.wait_until_safe();
    assert!(server.count(is_post) >= 2, "{first:?}: a question and a report");
    assert_eq!(server.count(is_hello), 0, "{first:?}");
    assert_eq!(server.count(|event| matches!(event, Event::Upgrade { .. })), first.len(), "{first:?}");
    assert!(bench.status().transport.starts_with("post ("), "{}", bench.status().transport);
    wait_for("a WebSocket", || server.count(is_hello) == 1);
    let posts = server.count(is_post);
    bench.measure_and_send(2);
    bench.wait_until_safe();
    assert_eq!((server.count(is_post), server.taken()), (posts, all(5)), "{first:?}");
    assert_eq!(server.frames(), [vec![4, 5]], "{first:?}: what went by POST does not go again");
    wait_for("the status", || bench.status().transport == "websocket");
}

#[test]
fn what_refuses_the_upgrade_is_gone_round_by_post() {
    let cases = [404, 403, 426, 400, 301].map(|status| [Manner::Status(status, "", "no")]);
    all_post_and_come_back(&cases.each_ref().map(|case| &case[..]));
}

#[test]
fn a_page_in_place_of_an_upgrade_is_gone_round_by_post() {
    let page = Manner::Status(200, "Content-Type: text/html\r\n", "<html>sign in</html>");
    all_post_and_come_back(&[&[page], &[Manner::Garbage]]);
}

#[test]
fn connections_that_are_closed_again_and_again_are_gone_round_by_post() {
    all_post_and_come_back(&[
        &[Manner::Close; 3],
        &[Manner::CloseUpgraded; 3],
        &[Manner::Status(502, "", "bad gateway"); 3],
        &[Manner::Close, Manner::CloseUpgraded, Manner::Silence],
    ]);
}

#[test]
fn a_hub_without_a_common_version_is_gone_round_by_post() {
    let server = StandIn::start(0, &[Manner::Hub]);
    let bench = Bench::start(&server);
    bench.measure_and_send(1);
    bench.wait_until_safe();
    let versions = Some(Versions { from: 7, to: 8 });
    server.say(FromHub::Goodbye(Goodbye { reason: Reason::Version, versions, ..Goodbye::default() }));
    wait_for("the end", || !server.is_open());
    bench.measure_and_send(1);
    wait_for("a report by POST", || server.count(is_post) > 0);
    bench.wait_until_safe();
    assert_eq!(server.taken(), all(2));
}

#[test]
fn one_connection_closed_early_is_an_accident() {
    let server = StandIn::start(0, &[Manner::Close, Manner::CloseUpgraded, Manner::Hub]);
    let bench = Bench::start(&server);
    bench.measure_and_send(1);
    bench.wait_until_safe();
    assert_eq!((server.count(is_post), server.count(is_hello)), (0, 1));
}

#[test]
fn a_secret_that_is_not_accepted_is_tried_hourly_and_not_posted() {
    let server = StandIn::start(0, &[Manner::Status(401, "", ""), Manner::Hub]);
    let bench = Bench::start(&server);
    bench.measure_and_send(1);
    wait_for("the status", || bench.status().error.is_some_and(|error| error.contains("401")));
    assert_eq!((server.count(is_post), bench.held()), (0, 1));
    assert_eq!(Spool::open(bench.directory.path(), SPOOL).held(), 1);
    let begun = Instant::now();
    bench.wait_until_safe();
    assert!(begun.elapsed() >= Duration::from_secs(5), "an hour is six seconds here");
    assert!(bench.status().error.is_none());
}

#[test]
fn a_busy_server_is_waited_for() {
    for busy in [Manner::Status(503, "Retry-After: 600\r\n", ""), Manner::Status(429, "", "")] {
        let server = StandIn::start(0, &[busy, Manner::Hub]);
        let bench = Bench::start(&server);
        bench.measure_and_send(1);
        bench.wait_until_safe();
        assert_eq!((server.count(is_post), server.count(is_hello)), (0, 1));
    }
}

#[test]
fn every_goodbye_but_that_of_versions_leads_back_to_a_connection() {
    let lead_back = |reason: Reason| {
        let server = StandIn::start(0, &[Manner::Hub]);
        let bench = Bench::start(&server);
        bench.measure_and_send(1);
        bench.wait_until_safe();
        server.say(FromHub::Goodbye(Goodbye { reason, text: "because".to_owned(), ..Goodbye::default() }));
        wait_for("a new connection", || server.count(is_hello) == 2);
        bench.measure_and_send(1);
        bench.wait_until_safe();
        assert_eq!((server.taken(), server.count(is_post)), (all(2), 0), "{reason:?}");
    };
    let reasons = [Reason::None, Reason::Restart, Reason::Malformed, Reason::Busy, Reason::Replaced, Reason::Other(77)];
    thread::scope(|scope| {
        for reason in reasons {
            scope.spawn(move || lead_back(reason));
        }
    });
}

#[test]
fn a_server_that_is_away_is_found_again() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let bench = Bench::with(&url, Transport::Auto, ClientSettings::default(), Limits::default());
    bench.measure_and_send(1);
    wait_for("the status", || bench.status().error.is_some_and(|error| error.contains("cannot reach")));
    assert_eq!(bench.held(), 1);
}

#[test]
fn who_wants_one_way_gets_that_way() {
    let server = StandIn::start(0, &[Manner::Hub]);
    let bench = Bench::with(&server.url(), Transport::Post, ClientSettings::default(), Limits::default());
    bench.measure_and_send(1);
    bench.wait_until_safe();
    assert_eq!(server.count(|event| matches!(event, Event::Upgrade { .. })), 0);
    assert_eq!(bench.status().transport, "post");

    let server = StandIn::start(0, &[Manner::Status(404, "", ""), Manner::Status(404, "", ""), Manner::Hub]);
    let bench = Bench::with(&server.url(), Transport::WebSocket, ClientSettings::default(), Limits::default());
    bench.measure_and_send(1);
    bench.wait_until_safe();
    assert_eq!((server.count(is_post), server.count(is_hello)), (0, 1));
}
