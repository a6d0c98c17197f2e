use super::*;
use crate::model::{
    AlertNote, AlertResource, Cause, Measured, ResourceKind, Severity, Standing, ThresholdCode, ThresholdMetric,
};
use crate::notify::OutgoingMail;
use crate::notify::settings::tests::settings;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

fn event(number: u32, severity: Severity) -> Event {
    let code = ThresholdCode { resource: 0, metric: Some(ThresholdMetric::Cpu) };
    let mut event = Event::new(
        format!("000{number}"),
        EventKind::AlertFired,
        Some(HostId(3)),
        UnixSeconds(1_795_392_112 + i64::from(number)),
        format!("[Incident] web{number}() VM cpu usage at 85.5% (trigger: 80%, clear: 75%)"),
    );
    let (opened_at, detail) = (UnixSeconds(1_795_392_100), "VM cpu usage at 85.5% (trigger: 80%, clear: 75%)");
    event.alert = Some(AlertNote {
        standing: Standing { severity, value: Some(Measured::of(85.5)) },
        resource: Some(AlertResource {
            kind: ResourceKind::Vm,
            id: format!("lab-pve1-10{number}"),
            name: format!("web{number}"),
            node: "pve1".to_owned(),
            instance: "lab".to_owned(),
            limit: Some((Measured::of(80.0), Measured::of(75.0))),
        }),
        ..AlertNote::new("a1".to_owned(), Cause::threshold(code, HostId(3)), opened_at, detail.to_owned())
    });
    event
}

fn part(number: u32, severity: Severity) -> Part {
    let event = event(number, severity);
    Part::of(&Notice { event: &event, host: None, host_name: Some("web-host"), group: "" })
}

fn request(kind: Kind, pairs: &[(&str, &str)], parts: &[Part]) -> crate::notify::OutgoingRequest {
    match render_parts(&settings(kind, pairs).unwrap(), parts, "0001:7", "https://watch.example.com").unwrap() {
        Outgoing::Request(request) => request,
        Outgoing::Mail(mail) => panic!("{mail:?}"),
    }
}

const URL: (&str, &str) = ("url", "https://example.com/hook");

#[test]
fn a_webhook_of_pulse_gets_all_alerts_in_one_body_and_one_alert_likewise() {
    let more = ("headers", r#"{"X-Key":"k","User-Agent":"mine"}"#);
    let parts = [part(1, Severity::Critical), part(2, Severity::Warning)];
    let sent = request(Kind::PulseWebhook, &[URL, more], &parts);
    let alert = |number: u32, level: &str, second: u32| {
        format!(
            concat!(
                r#"{{"id":"lab-pve1-10{}-cpu","type":"cpu","level":"{}","resourceId":"lab-pve1-10{}","#,
                r#""resourceName":"web{}","node":"pve1","instance":"lab","#,
                r#""message":"VM cpu usage at 85.5% (trigger: 80%, clear: 75%)","value":85.5,"threshold":80,"#,
                r#""startTime":"2026-11-23T00:01:40Z","lastSeen":"2026-11-23T00:01:{}Z","acknowledged":false,"#,
                r#""metadata":{{"resourceType":"VM","clearThreshold":75}}}}"#
            ),
            number, level, number, number, second
        )
    };
    assert_eq!(
        sent.body,
        format!(
            r#"{{"alerts":[{},{}],"count":2,"timestamp":1795392114,"source":"pulse-monitoring","grouped":true}}"#,
            alert(1, "critical", 53),
            alert(2, "warning", 54)
        )
    );
    let header = |name: &str| {
        let found: Vec<&str> =
            sent.headers.iter().filter(|(one, _)| one.eq_ignore_ascii_case(name)).map(|(_, value)| &**value).collect();
        assert_eq!(found.len(), 1, "{name}");
        found[0].to_owned()
    };
    assert_eq!([header("x-key"), header("user-agent"), header("idempotency-key")], ["k", "mine", "0001:7"]);
    let plain = request(Kind::PulseWebhook, &[URL], &parts[..1]);
    assert!(plain.body.contains(r#""count":1,"#) && plain.body.contains(r#""grouped":true"#), "{}", plain.body);
    assert!(plain.headers.contains(&("user-agent".to_owned(), "Pulse-Monitoring/2.0".to_owned())));
    assert!(plain.secrets.iter().any(|secret| secret == URL.1));
}

#[test]
fn a_chat_behind_a_webhook_of_pulse_gets_its_own_form() {
    let parts = [part(1, Severity::Critical), part(2, Severity::Warning)];
    for (service, mark) in [("discord", r#""embeds":["#), ("slack", r#""blocks":["#)] {
        let body = request(Kind::PulseWebhook, &[URL, ("service", service)], &parts).body;
        assert!(body.contains(mark) && body.contains("web1") && body.contains("web2"), "{body}");
    }
}

#[test]
fn a_service_behind_a_webhook_gets_what_it_takes_and_the_operators_template_goes_before_that() {
    let parts = [part(1, Severity::Warning), part(2, Severity::Critical), part(3, Severity::Warning)];
    let body = |pairs: &[(&str, &str)]| -> serde_json::Value {
        let sent = request(Kind::PulseWebhook, &[&[URL], pairs].concat(), &parts);
        serde_json::from_str(&sent.body).unwrap()
    };
    let others = "VM cpu usage at 85.5% (trigger: 80%, clear: 75%)";
    let message = format!("{others}\nweb1: {others}\nweb3: {others}");
    let teams = body(&[("service", "teams")]);
    assert_eq!((&teams["@type"], &teams["sections"][0]["text"]), (&"MessageCard".into(), &message.clone().into()));
    let fields = ("fields", r#"{"routing_key":"key-of-pagerduty"}"#);
    let paged = body(&[("service", "pagerduty"), fields]);
    assert_eq!(paged["payload"]["severity"], "critical");
    assert_eq!((&paged["routing_key"], &paged["dedup_key"]), (&"key-of-pagerduty".into(), &"lab-pve1-102-cpu".into()));
    let template =
        ("template", r#"{"m":"{{.Message}}","n":{{.AlertCount}},"for":"{{.Duration}}","at":"{{.Timestamp}}"}"#);
    for service in ["generic", "discord", "slack", "strange"] {
        let own = body(&[("service", service), template]);
        let expected = serde_json::json!({"m":message,"n":3,"for":"15s","at":"2026-11-23T00:01:55Z"});
        assert_eq!(own, expected, "{service}");
    }
    assert_eq!(body(&[("service", "strange")])["grouped"], true);
    let sent = request(Kind::PulseWebhook, &[URL, ("service", "pagerduty"), fields], &parts);
    assert!(sent.secrets.iter().any(|secret| secret == "key-of-pagerduty"));
    let wrong = settings(Kind::PulseWebhook, &[URL, ("template", "{{.Nothing}}")]).unwrap();
    assert!(render_parts(&wrong, &parts, "0001:7", "").is_err());
    assert!(settings(Kind::PulseWebhook, &[URL, ("fields", "[]")]).is_err());
}

#[test]
fn a_mail_in_pulses_style_counts_its_alerts_and_says_all_twice() {
    let mail = |parts: &[Part]| -> OutgoingMail {
        let pairs =
            [("host", "mail.example.com"), ("from", "watch@example.com"), ("to", "a@example.com"), ("style", "pulse")];
        match render_parts(&settings(Kind::Smtp, &pairs).unwrap(), parts, "0001:7", "").unwrap() {
            Outgoing::Mail(mail) => mail,
            Outgoing::Request(request) => panic!("{request:?}"),
        }
    };
    let (critical, warning) = (|| part(1, Severity::Critical), || part(2, Severity::Warning));
    for (parts, subject) in [
        (vec![critical(), warning(), critical()], "[Pulse Alert] 2 Critical, 1 Warning alerts"),
        (vec![critical()], "[Pulse Alert] 1 Critical alert"),
        (vec![warning(), warning(), warning()], "[Pulse Alert] 3 Warning alerts"),
    ] {
        let message = mail(&parts).message;
        assert!(message.contains(&format!("\r\nSubject: {subject}\r\n")), "{message}");
    }
    let mut hostile = warning();
    hostile.alert = pulse::Alert::of(&event(3, Severity::Warning), None);
    hostile.alert.level = "<b>".to_owned();
    let message = mail(&[critical(), hostile]).message;
    assert!(message.is_ascii() && message.contains("multipart/alternative; boundary=\"=_alerts\""));
    let bodies: Vec<String> = message
        .split("Content-Transfer-Encoding: base64\r\n\r\n")
        .skip(1)
        .map(|body| body.split("\r\n--=_alerts").next().unwrap().replace("\r\n", ""))
        .map(|body| String::from_utf8(STANDARD.decode(body).unwrap()).unwrap())
        .collect();
    assert_eq!(bodies.len(), 2);
    assert!(bodies[0].starts_with("Critical: web1\r\nVM cpu usage at 85.5%"), "{}", bodies[0]);
    assert!(bodies[0].contains("Node: pve1\r\nSince: 2026-11-23T00:01:40Z"), "{}", bodies[0]);
    assert!(bodies[1].contains("<h3>Critical: web1</h3>") && bodies[1].contains("web3"), "{}", bodies[1]);
}

#[test]
fn a_mail_that_tries_what_is_set_up_names_its_one_alert_in_its_subject() {
    let sample = ResourceAlert {
        resource: AlertResource {
            kind: ResourceKind::Vm,
            id: "lab-test".to_owned(),
            name: "Email Test".to_owned(),
            node: "pve1".to_owned(),
            instance: "lab".to_owned(),
            limit: Some((Measured::of(80.0), Measured::of(75.0))),
        },
        metric: Some(ThresholdMetric::Cpu),
        severity: Severity::Warning,
        value: 85.5,
        started_at: UnixSeconds(1_795_392_100),
        seen_at: UnixSeconds(1_795_392_100),
        ended_at: None,
        acknowledged: None,
        escalated_at: vec![],
        text: "A test.".to_owned(),
    };
    let pairs =
        [("host", "mail.example.com"), ("from", "watch@example.com"), ("to", "a@example.com"), ("style", "pulse")];
    let sent = render_sample(&settings(Kind::Smtp, &pairs).unwrap(), &sample, "0001", "https://watch.example.com");
    let Ok(Outgoing::Mail(mail)) = sent else { panic!("{sent:?}") };
    assert!(mail.message.contains("\r\nSubject: [Pulse Alert] Warning: CPU on Email Test\r\n"), "{}", mail.message);
    let body = mail.message.split("base64\r\n\r\n").nth(1).unwrap().split("\r\n--").next().unwrap();
    let body = String::from_utf8(STANDARD.decode(body.replace("\r\n", "")).unwrap()).unwrap();
    let lines =
        "Warning: Email Test\r\nA test.\r\nValue: 85.5\r\nThreshold: 80.0\r\nNode: pve1\r\nSince: 2026-11-23T00:01:40Z";
    assert!(body.starts_with(lines), "{body}");
    let webhook = settings(Kind::PulseWebhook, &[URL]).unwrap();
    assert!(render_sample(&webhook, &sample, "0001", "").is_err());
}

#[test]
fn every_other_channel_gets_one_message_with_a_line_for_each_and_a_single_one_as_ever() {
    let many: Vec<Part> = (1..=25).map(|number| part(number, Severity::Warning)).collect();
    let topic = [("topic", "abcdefgh")];
    let one = request(Kind::Ntfy, &topic, &many[..1]);
    let event = event(1, Severity::Warning);
    let notice = Notice { event: &event, host: None, host_name: Some("web-host"), group: "" };
    let ever = render(&settings(Kind::Ntfy, &topic).unwrap(), notice, "0001:7", "https://watch.example.com");
    assert_eq!(Ok(Outgoing::Request(one)), ever);
    let all = request(Kind::Webhook, &[URL], &many).body;
    assert!(all.contains("25 alerts\\n[Incident] web1()") && all.contains("and 5 more"), "{all}");
    assert!(render_parts(&settings(Kind::Ntfy, &topic).unwrap(), &[], "k", "").is_err());
}

#[test]
fn a_part_comes_back_from_its_text() {
    let part = part(1, Severity::Critical);
    let text = serde_json::to_string(&part).unwrap();
    assert_eq!(serde_json::from_str::<Part>(&text).unwrap(), part);
    assert!(serde_json::from_str::<Outgoing>(&text).is_err(), "it is no finished request");
}

#[test]
fn alerts_of_thresholds_wait_for_others_and_nothing_else_does() {
    let mut one = event(1, Severity::Warning);
    for kind in EventKind::ALL {
        one.kind = kind;
        let waits = [EventKind::AlertFired, EventKind::AlertChanged, EventKind::AlertEscalated].contains(&kind);
        assert_eq!(Part::waits(&one), waits, "{kind:?}");
    }
    one.kind = EventKind::AlertFired;
    if let Some(alert) = &mut one.alert {
        alert.cause = Cause::rule(crate::model::RuleId(1), HostId(3));
    }
    assert!(!Part::waits(&one));
}
