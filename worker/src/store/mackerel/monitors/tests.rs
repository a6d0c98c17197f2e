//! Monitors as they are put, kept and read back.

use super::*;
use crate::store::db::now;

fn test(metric: &str) -> MetricTest {
    MetricTest {
        metric: metric.to_owned(),
        is_above: true,
        warning: Some(4.0),
        critical: Some(0.1 + 0.2),
        points: 3,
        attempts: 2,
    }
}

fn scopes() -> MonitorScopes {
    let scope = |role: Option<&str>| ScopeName { service: "Svc".to_owned(), role: role.map(str::to_owned) };
    MonitorScopes { only: vec![scope(None)], not: vec![scope(Some("batch"))] }
}

fn draft(name: &str, watch: Watch) -> MonitorDraft {
    let (kind, service) = match &watch {
        Watch::Connectivity { .. } => (MonitorKind::Connectivity, None),
        Watch::Host { .. } => (MonitorKind::Host, None),
        Watch::Service { service, .. } => (MonitorKind::Service, Some(service.clone())),
        Watch::External { service, .. } => (MonitorKind::External, service.clone()),
        Watch::Nothing => (MonitorKind::Query, None),
    };
    MonitorDraft {
        kind,
        name: name.to_owned(),
        is_mute: true,
        every_min: Some(60),
        watch,
        service,
        scopes: vec![],
        document_json: "{}".to_owned(),
        sent: None,
    }
}

fn question() -> WebQuestion {
    WebQuestion {
        url: "https://example.com/".to_owned(),
        method: "POST".to_owned(),
        follows: true,
        status: Some(204),
        contains: Some("ok".to_owned()),
        sealed: Some("1:x".to_owned()),
    }
}

#[test]
fn a_web_address_keeps_what_is_sent_along_apart_and_outlives_its_service() {
    let db = Db::in_memory().unwrap();
    let audit = || Statement::new("SELECT 1", vec![]);
    let test = MetricTest::of_delay(Some(500.0), None, 3, 2);
    let watch = Watch::External { question: question(), test: test.clone(), service: Some("Svc".to_owned()) };
    let document_json = r#"{"service":"Svc","url":"https://example.com/"}"#.to_owned();
    let said = MonitorDraft { document_json, ..draft("w", watch.clone()) };
    let id = now(insert(&db, &said, UnixSeconds(1), audit())).unwrap();
    let found = now(find(&db, id)).unwrap().unwrap();
    assert_eq!((found.sealed.as_deref(), &found), (Some("1:x"), &now(list(&db)).unwrap()[1]));
    assert_eq!(now(list_watches(&db)).unwrap()[1].watch, watch);
    now(db.batch(delete_of_service("Svc"))).unwrap();
    let left = now(list_watches(&db)).unwrap().remove(1);
    assert_eq!(left.watch, Watch::External { question: question(), test, service: None });
    assert_eq!(now(find(&db, id)).unwrap().unwrap().document_json, r#"{"url":"https://example.com/"}"#);
    assert_eq!(now(find(&db, MonitorId::FIRST)).unwrap().unwrap().sealed, None);
}

#[test]
fn what_is_sent_along_comes_back_and_is_in_no_message() {
    let sent = Sent { headers: vec![("a".to_owned(), "secret".to_owned())], body: Some("b".to_owned()) };
    assert_eq!(decode_sent(&encode_sent(&sent).unwrap()).unwrap(), sent);
    let error = decode_sent(r#"{"headers":"secret"}"#).unwrap_err().to_string();
    assert!(!error.contains("secret") && !format!("{sent:?}").contains("secret"), "{error}");
}

#[test]
fn a_deployment_begins_with_the_monitor_that_the_hub_knows_without_asking() {
    let db = Db::in_memory().unwrap();
    assert_eq!(now(list_watches(&db)).unwrap(), [Monitor::first()]);
    assert_eq!(now(list(&db)).unwrap()[0].kind, MonitorKind::Connectivity);
    assert_eq!(now(settings::find_count(&db, RULES_VERSION)).unwrap(), 0);
}

#[test]
fn a_monitor_comes_back_as_it_was_put_and_as_the_hub_keeps_it() {
    let db = Db::in_memory().unwrap();
    let audit = || Statement::new("SELECT 1", vec![]);
    now(db.run(Statement::new("INSERT INTO services (id, name) VALUES (7, 'Svc')", vec![]))).unwrap();
    let missing = MissingLimits { warning_min: Some(10), critical_min: None };
    let watches = [
        Watch::Connectivity { gone: Severity::Warning, scopes: scopes() },
        Watch::Host { test: test("cpu%"), scopes: scopes() },
        Watch::Service { service: "Svc".to_owned(), number: 7, test: test("clicks"), missing },
        Watch::Nothing,
        Watch::External { question: question(), test: MetricTest::of_delay(None, Some(0.5), 1, 1), service: None },
    ];
    for watch in &watches {
        now(insert(&db, &draft("m", watch.clone()), UnixSeconds(1), audit())).unwrap();
    }
    let found = now(list_watches(&db)).unwrap();
    assert_eq!(found[1..].iter().map(|one| one.watch.clone()).collect::<Vec<_>>(), watches);
    assert!(found[1..].iter().all(|one| one.is_mute && one.every_min == Some(60)));
    for monitor in &found {
        let text = serde_json::to_string(&MonitorWire::from(monitor)).unwrap();
        assert_eq!(Monitor::from(serde_json::from_str::<MonitorWire>(&text).unwrap()), *monitor);
    }
    let kinds: Vec<_> = now(list(&db)).unwrap().into_iter().map(|one| one.kind.word()).collect();
    assert_eq!(kinds, ["connectivity", "connectivity", "external", "host", "query", "service"]);
    assert!(now(update(&db, MonitorId(2), &draft("n", Watch::Nothing), UnixSeconds(2), audit())).unwrap());
    assert_eq!(now(find(&db, MonitorId(2))).unwrap().unwrap().name, "n");
    assert!(now(delete(&db, MonitorId(2), vec![audit()])).unwrap());
    assert!(!now(delete(&db, MonitorId(2), vec![audit()])).unwrap());
    assert_eq!(now(list_of_service(&db, "Svc")).unwrap(), [MonitorId(4)]);
    now(db.batch(delete_of_service("Svc"))).unwrap();
    let all = now(size(&db, None)).unwrap();
    let but_one = now(size(&db, Some(MonitorId(3)))).unwrap();
    assert_eq!((all.count, but_one.count), (4, 3));
    assert_eq!(all.bytes - but_one.bytes, bytes(&draft("m", watches[1].clone())).unwrap());
    assert_eq!(now(settings::find_count(&db, RULES_VERSION)).unwrap(), 9);
}
