//! Who may make which probes.

use edgewatch_core::model::{Coverage, ProbeKind, ProbeNotices, Scopes, Token, TokenKind};

use super::*;
use crate::store::Db;
use crate::store::db::now;

fn caller(scopes: Scopes) -> Credential {
    Credential::Token(Token {
        id: 1,
        kind: TokenKind::Api,
        scopes,
        note: String::new(),
        user_id: 1,
        expires_at: None,
        uses_left: None,
        address_ranges: vec![],
        last_use: None,
    })
}

fn admin() -> Credential {
    caller(Scopes { admin: true, ..Scopes::default() })
}

fn spec(kind: ProbeKind, target: &str) -> ProbeSpec {
    ProbeSpec {
        name: "web".to_owned(),
        kind,
        target: target.to_owned(),
        interval_s: 0,
        coverage: Coverage::AllBut(vec![]),
        from_edge: false,
        is_public: false,
        notices: ProbeNotices::default(),
    }
}

fn at_fault(outcome: Result<ProbeId, Failure>) -> (String, String) {
    match outcome {
        Err(Failure::Invalid { field, reason }) => (field, reason),
        other => panic!("{other:?}"),
    }
}

#[test]
fn administrators_alone_make_probes_and_readers_see_them() {
    let app = App::for_tests(Db::in_memory().unwrap());
    let reader = caller(Scopes { read: true, ..Scopes::default() });
    let wanted = spec(ProbeKind::Icmp, "192.0.2.1");
    for outcome in [
        now(create(&app, &reader, wanted.clone())).map(drop),
        now(update(&app, &reader, ProbeId(1), wanted.clone(), false)),
        now(delete(&app, &reader, ProbeId(1))),
    ] {
        assert!(matches!(outcome, Err(Failure::Forbidden { .. })), "{outcome:?}");
    }
    let id = now(create(&app, &admin(), wanted.clone())).unwrap();
    assert_eq!(now(find(&app, &reader, id)).unwrap().spec, ProbeSpec { interval_s: 30, ..wanted.clone() });
    assert_eq!(now(settings::find_count(&app.db, HOSTS_VERSION)).unwrap(), 1);
    now(update(&app, &admin(), id, ProbeSpec { name: "gate".to_owned(), ..wanted.clone() }, false)).unwrap();
    now(delete(&app, &admin(), id)).unwrap();
    let gone = Err(Failure::NotFound { what: "probe" });
    assert_eq!((now(delete(&app, &admin(), id)), now(update(&app, &admin(), id, wanted, false))), (gone.clone(), gone));
}

#[test]
fn what_cannot_be_is_refused_with_the_reason() {
    let app = App::for_tests(Db::in_memory().unwrap());
    let make = |spec| at_fault(now(create(&app, &admin(), spec)));
    let web = spec(ProbeKind::Http, "https://example.com/");
    assert_eq!(make(ProbeSpec { name: String::new(), ..web.clone() }).0, "name");
    assert_eq!(make(ProbeSpec { interval_s: 86_401, ..web.clone() }).0, "interval_s");
    let notices = ProbeNotices { max_delay_ms: f64::NAN, ..ProbeNotices::default() };
    assert_eq!(make(ProbeSpec { notices, ..web.clone() }).0, "notify");
    assert_eq!(make(spec(ProbeKind::Tcp, "example.com")).0, "target");
    let edge = |kind, target| make(ProbeSpec { from_edge: true, ..spec(kind, target) }).1;
    assert!(edge(ProbeKind::Icmp, "example.com").contains("no pings"));
    assert!(edge(ProbeKind::Tcp, "example.com:25").contains("port 25"));
    assert!(edge(ProbeKind::Tcp, "10.0.0.1:80").contains("private network"));
    assert!(edge(ProbeKind::Tcp, "104.16.0.1:443").contains("own network"));
    now(create(&app, &admin(), ProbeSpec { from_edge: true, ..web })).unwrap();
}

#[test]
fn saving_in_the_other_dialect_keeps_whether_the_edge_asks_unless_it_cannot() {
    let app = App::for_tests(Db::in_memory().unwrap());
    let web = spec(ProbeKind::Http, "https://example.com/");
    let id = now(create(&app, &admin(), ProbeSpec { from_edge: true, ..web.clone() })).unwrap();
    let is_edge = || now(list(&app, &admin())).unwrap()[0].spec.from_edge;
    now(update(&app, &admin(), id, web.clone(), true)).unwrap();
    assert!(is_edge());
    now(update(&app, &admin(), id, spec(ProbeKind::Http, "http://10.0.0.1/"), true)).unwrap();
    assert!(!is_edge());
    now(update(&app, &admin(), id, ProbeSpec { from_edge: true, ..web }, false)).unwrap();
    assert!(is_edge());
}

#[test]
fn there_is_room_for_two_hundred_probes_and_48_kb_of_targets() {
    let app = App::for_tests(Db::in_memory().unwrap());
    let long = |at: usize| spec(ProbeKind::Http, &format!("https://example.com/{at:0490}"));
    let made = (0..300).take_while(|at| now(create(&app, &admin(), long(*at))).is_ok()).count();
    assert_eq!(made, 96);
    let short = || spec(ProbeKind::Icmp, "a");
    let more = (0..300).take_while(|_| now(create(&app, &admin(), short())).is_ok()).count();
    assert_eq!(made + more, MAX_PROBES);
    assert!(matches!(now(create(&app, &admin(), short())), Err(Failure::Conflict { .. })));
}

#[test]
fn figures_are_thirty_days_with_today_last() {
    let days = [(100, (10.0, 10.0)), (99, (3.0, 2.0)), (70, (5.0, 5.0))].into();
    let tally = Tally { days, recent_delays: (10.0, 4), recent: vec![(0, true)], ..Tally::default() };
    let found = figures(&tally, 100);
    assert_eq!((found.days.len(), found.days[29], found.days[28]), (30, (10, Some(100.0)), (3, Some(66.667))));
    assert_eq!((found.days[0], found.delay_ms, found.state), ((0, None), Some(2.5), State::Good));
    assert_eq!(figures(&Tally::default(), 100).state, State::NoData);
}

#[test]
fn the_list_of_probes_fits_into_the_row_that_the_hub_keeps_it_in() {
    let app = App::for_tests(Db::in_memory().unwrap());
    let coverage = Coverage::Only((1..=5_000).map(HostId).collect());
    let large = ProbeSpec { coverage, ..spec(ProbeKind::Icmp, "192.0.2.1") };
    for _ in 0..10 {
        assert!(now(create(&app, &admin(), large.clone())).is_ok());
    }
    assert!(matches!(now(create(&app, &admin(), large.clone())), Err(Failure::Conflict { .. })));
    assert!(now(update(&app, &admin(), ProbeId(3), large, false)).is_ok(), "in its own place");
    for group in ["x".repeat(65), "a\n".to_owned()] {
        let notices = ProbeNotices { group, ..ProbeNotices::default() };
        let wanted = ProbeSpec { notices, ..spec(ProbeKind::Icmp, "192.0.2.1") };
        assert_eq!(at_fault(now(create(&app, &admin(), wanted))).0, "group");
    }
}
