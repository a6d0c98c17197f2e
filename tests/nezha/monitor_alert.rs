//! What service monitors tell people: section 8.3 of the specification ("Availability", "Alerts") and the muting of section 11.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use edgewatch_harness::worker::{TestHost, Worker};
use serde_json::{Value, json};

const DAY_S: u64 = 86_400;

/// A Worker whose outgoing requests are kept, the session of its administrator, and a clock that is ahead of ours.
struct Scene {
    worker: Worker,
    jar: String,
    ahead_ms: Cell<u64>,
    numbers: RefCell<BTreeMap<u64, u64>>,
}

/// A result that is good.
fn up() -> Value {
    json!({ "delay_ms": 10 })
}

/// One that is not, in the agent's words.
fn down(why: &str) -> Value {
    json!({ "note": why })
}

fn now_ms() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("past 1970");
    u64::try_from(now.as_millis()).expect("a few centuries")
}

impl Scene {
    fn start() -> Self {
        Self::of(Worker::builder().capture_outbound().without_admin().start())
    }

    fn of(worker: Worker) -> Self {
        let body = json!({ "token": worker.setup_link(), "username": "admin" }).to_string();
        let setup = worker.post("/api/edgewatch/v1/setup", &[], &body);
        let cookie = setup.header("set-cookie").expect("setup opens a session");
        let value = cookie.split(['=', ';']).nth(1).expect("the cookie has a value");
        let jar = format!("nezha-dashboard={value}");
        let scene = Self { worker, jar, ahead_ms: Cell::new(0), numbers: RefCell::default() };
        scene.channel("default");
        scene
    }

    fn native(&self) -> [(&str, &str); 2] {
        [("Cookie", self.jar.as_str()), ("x-edgewatch-csrf", "1")]
    }

    /// A webhook for a group, which it names in its address.
    fn channel(&self, group: &str) {
        let url = format!("https://hooks.example.com/{group}");
        let channel = json!({ "name": group, "kind": "webhook", "url": url, "group": group }).to_string();
        let made = self.worker.post("/api/edgewatch/v1/channels", &self.native(), &channel);
        assert_eq!(made.status, 201, "{}", made.body);
    }

    /// A host made by the administrator, as `register` does it.
    fn host(&self, name: &str) -> TestHost {
        let cookie = [("Cookie", self.jar.as_str())];
        let made = self.worker.post("/api/v1/server/register", &cookie, &json!({ "Name": name }).to_string());
        let secret = made.at("/secret").as_str().expect("a secret").to_owned();
        let list = self.worker.get_as("/api/v1/server/list", &cookie).json();
        let found = list["result"].as_array().into_iter().flatten().find(|one| one["name"] == name);
        TestHost { id: found.expect("it is listed")["id"].as_u64().expect("an id"), secret }
    }

    /// `POST /api/monitor` with `Notify` on, and with what `more` says.
    fn monitor(&self, name: &str, more: &Value) {
        let mut form = json!({
            "Name": name, "Type": 3, "Target": "example.com:443", "Duration": 30, "Cover": 0, "SkipServersRaw": "[]",
            "FailTriggerTasksRaw": "[]", "RecoverTriggerTasksRaw": "[]", "Notify": "on"
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            form[key] = value.clone();
        }
        let saved = self.worker.post("/api/monitor", &[("Cookie", &self.jar)], &form.to_string());
        assert_eq!(saved.json(), json!({ "code": 200 }), "{form}");
    }

    /// Time passes. A report is no step of silence: who posts is judged when the schedule runs.
    fn pass(&self, seconds: u64) {
        self.ahead_ms.set(self.ahead_ms.get() + seconds * 1000);
        self.set_clock();
    }

    fn set_clock(&self) {
        self.worker.set_clock_ahead(i64::try_from(self.ahead_ms.get()).expect("a few days"));
    }

    /// A host reports what came of monitor 1 now.
    fn report(&self, host: &TestHost, result: &Value) {
        let number = *self.numbers.borrow_mut().entry(host.id).and_modify(|number| *number += 1).or_insert(1);
        let (mut result, now) = (result.clone(), now_ms());
        result["id"] = json!(1);
        let body = json!({
            "agent_version": "0.1.0", "sent_at_ms": now, "oldest": number, "period_s": 10, "frame_s": 60,
            "samples": [{ "number": number, "at_ms": now, "load1": 1, "probes": [result] }]
        });
        let bearer = format!("Bearer {}", host.secret);
        let reply = self.worker.post("/agent/v1/reports", &[("Authorization", &bearer)], &body.to_string());
        assert_eq!((reply.status, reply.at("/durable_up_to")), (200, json!(number)), "{}", reply.body);
    }

    /// The same so many times, half a minute and a second apart.
    fn reports(&self, host: &TestHost, result: &Value, times: usize) {
        for _ in 0..times {
            self.pass(31);
            self.report(host, result);
        }
    }

    fn run_schedule(&self) {
        assert!(self.worker.cron_at(now_ms() + self.ahead_ms.get()), "{}", self.worker.log());
    }

    /// What people were told of alerts so far, by the group and the text.
    fn told(&self) -> Vec<(String, String)> {
        self.run_schedule();
        let of = |one: Value| {
            let body: Value = serde_json::from_str(one["body"].as_str()?).ok()?;
            let kind = body["kind"].as_str()?;
            let is_ours = kind.starts_with("alert_") || kind == "certificate_changed";
            let group = one["url"].as_str()?.rsplit('/').next()?.to_owned();
            is_ours.then(|| (group, body["text"].as_str().unwrap_or_default().to_owned()))
        };
        self.worker.outbound().into_iter().filter_map(of).collect()
    }

    fn texts(&self) -> Vec<String> {
        self.told().into_iter().map(|(_, text)| text).collect()
    }

    fn alerts(&self, state: &str) -> Vec<Value> {
        let path = format!("/api/edgewatch/v1/alerts?state={state}");
        let found = self.worker.get_as(&path, &[("Cookie", &self.jar)]).at("/alerts");
        found.as_array().cloned().unwrap_or_default()
    }
}

#[test]
fn notify_fires_on_a_state_change_with_the_originals_text_and_tells_recovery_once() {
    let scene = Scene::start();
    let host = scene.host("fra-1");
    scene.monitor("web", &json!({}));
    // The first state is good, and nobody is told.
    scene.reports(&host, &up(), 10);
    assert_eq!(scene.texts(), Vec::<String>::new());
    // 10 of 11 are 90.9 %, 10 of 12 are 83.3 %, 10 of 13 are 76.9 %.
    let refused = down("connection refused");
    scene.reports(&host, &refused, 1);
    let mut told = vec!["[Low Availability] web Reporter: fra-1, Error: connection refused".to_owned()];
    assert_eq!(scene.texts(), told);
    scene.reports(&host, &refused, 1);
    assert_eq!(scene.texts(), told, "the same state");
    scene.reports(&host, &refused, 1);
    told.push("[Down] web Reporter: fra-1, Error: connection refused".to_owned());
    assert_eq!(scene.texts(), told);
    // 13 of 16 are 81.3 %.
    scene.reports(&host, &up(), 3);
    told.push("[Low Availability] web Reporter: fra-1, Error: ".to_owned());
    assert_eq!(scene.texts(), told);
    assert_eq!(scene.alerts("open").len(), 1);
    // Thirty results later one of them is left: 29 of 30 are 96.7 %.
    scene.reports(&host, &up(), 26);
    told.push("[Good] web Reporter: fra-1, Error: ".to_owned());
    assert_eq!(scene.texts(), told);
    scene.reports(&host, &up(), 3);
    assert_eq!(scene.texts(), told);
    assert_eq!(scene.alerts("open"), Vec::<Value>::new());
    let all = scene.alerts("all");
    assert_eq!(all.len(), 1, "one alert for one cause: {all:?}");
    assert_eq!((&all[0]["source"], &all[0]["source_id"]), (&json!("probe"), &json!(1)));
    assert_eq!((&all[0]["text"], &all[0]["detail"]), (&json!(told[0]), &json!("connection refused")));
}

#[test]
fn the_first_state_is_told_when_it_is_down_and_nothing_good_is_down_with_us() {
    let scene = Scene::start();
    let host = scene.host("fra-1");
    scene.monitor("web", &json!({}));
    scene.report(&host, &down("no answer in time"));
    // The original has "No Data" for 0 %.
    assert_eq!(scene.texts(), ["[Down] web Reporter: fra-1, Error: no answer in time"]);
    let summary = scene.worker.get_as("/api/edgewatch/v1/probes/summary", &[("Cookie", &scene.jar)]);
    assert_eq!(summary.at("/probes/0/state"), "down");
}

#[test]
fn without_notify_nobody_is_told() {
    let scene = Scene::start();
    let host = scene.host("fra-1");
    scene.monitor("web", &json!({ "Notify": "" }));
    scene.reports(&host, &down("refused"), 3);
    assert_eq!(scene.texts(), Vec::<String>::new());
    assert_eq!(scene.alerts("all"), Vec::<Value>::new());
}

#[test]
fn while_down_it_keeps_firing_muted_for_fifteen_minutes_and_twice_as_long_each_time() {
    let scene = Scene::start();
    let host = scene.host("fra-1");
    scene.monitor("web", &json!({}));
    let mut told_at = Vec::new();
    scene.report(&host, &down("refused"));
    for minute in 0..110_usize {
        let count = scene.told().len();
        if told_at.len() < count {
            told_at.push(minute);
        }
        scene.pass(60);
        // Said when it is news; the hub knows it afterwards.
        scene.report(&host, &json!({}));
    }
    assert_eq!(told_at, [0, 15, 45, 105], "{:?}", scene.texts());
    assert!(scene.texts().iter().all(|text| text == "[Down] web Reporter: fra-1, Error: refused"));
}

#[test]
fn an_acknowledged_one_is_told_of_no_more_but_its_end() {
    let scene = Scene::start();
    let host = scene.host("fra-1");
    scene.monitor("web", &json!({}));
    scene.report(&host, &down("refused"));
    assert_eq!(scene.texts().len(), 1);
    let alert = scene.alerts("open").remove(0);
    let path = format!("/api/edgewatch/v1/alerts/{}/acknowledge", alert["key"].as_str().expect("a key"));
    assert_eq!(scene.worker.post(&path, &scene.native(), "").status, 200);
    for _ in 0..20 {
        scene.reports(&host, &down("refused"), 2);
        scene.run_schedule();
    }
    assert_eq!(scene.texts().len(), 1);
    scene.reports(&host, &up(), 30);
    assert_eq!(scene.texts().last().map(String::as_str), Some("[Good] web Reporter: fra-1, Error: "));
}

#[test]
fn latency_is_told_with_six_decimals_by_the_mean_of_two_results() {
    let scene = Scene::start();
    let host = scene.host("fra-1");
    scene.monitor("web", &json!({ "Notify": "", "LatencyNotify": "on", "MinLatency": 2, "MaxLatency": 100.5 }));
    let delays = |delays: &[f64]| {
        for delay_ms in delays {
            scene.pass(31);
            scene.report(&host, &json!({ "delay_ms": delay_ms }));
        }
    };
    delays(&[190.0, 10.0]);
    delays(&[190.0]);
    assert_eq!(scene.texts(), Vec::<String>::new(), "the mean of two is 100 each time");
    delays(&[12.5]);
    let over = "[Latency] web 101.250000 > 100.500000, Reporter: fra-1";
    assert_eq!(scene.texts(), [over]);
    delays(&[300.0, 300.0]);
    assert_eq!(scene.texts(), [over], "muted");
    delays(&[50.0, 50.0]);
    // Ours: the original does not tell of the end.
    assert_eq!(scene.texts(), [over, "[Resolved] [Latency] web"]);
    delays(&[1.0, 1.5]);
    assert_eq!(scene.texts()[2..], ["[Latency] web 1.250000 < 2.000000, Reporter: fra-1"]);
}

#[test]
fn a_failed_result_is_no_short_delay() {
    let scene = Scene::start();
    let host = scene.host("fra-1");
    scene.monitor("web", &json!({ "Notify": "", "LatencyNotify": "on", "MinLatency": 2, "MaxLatency": 0 }));
    scene.reports(&host, &down("refused"), 4);
    assert_eq!(scene.texts(), Vec::<String>::new());
}

/// A good page whose certificate ends at this time, Unix seconds.
fn page(issuer: Option<&str>, expires_s: u64) -> Value {
    let mut result = json!({ "delay_ms": 10, "tls_expires_s": expires_s });
    if let Some(issuer) = issuer {
        result["note"] = json!(issuer);
    }
    result
}

#[test]
fn a_certificate_is_told_of_when_it_ends_within_seven_days() {
    let scene = Scene::start();
    let host = scene.host("fra-1");
    scene.monitor("web", &json!({ "Type": 1, "Target": "https://example.com/" }));
    let start_s = now_ms() / 1000;
    scene.report(&host, &page(Some("R3"), start_s + 8 * DAY_S));
    assert_eq!(scene.texts(), Vec::<String>::new());
    scene.pass(31);
    scene.report(&host, &page(None, start_s + 6 * DAY_S));
    let told = scene.texts();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("[SSL] web The certificate by R3 expires within 7 days, at 20"), "{told:?}");
    assert_eq!(scene.alerts("open")[0]["source"], "probe_certificate");
    // Seen again it is muted; another one ends it.
    scene.pass(31);
    scene.report(&host, &page(None, start_s + 6 * DAY_S));
    assert_eq!(scene.texts(), told);
    scene.pass(31);
    scene.report(&host, &page(None, start_s + 90 * DAY_S));
    let over = scene.texts();
    assert!(over.len() == 2 && over[1].starts_with("[Resolved] [SSL] web "), "{over:?}");
}

#[test]
fn a_certificate_is_told_of_when_its_issuer_and_its_end_are_others() {
    let scene = Scene::start();
    let host = scene.host("fra-1");
    scene.monitor("web", &json!({ "Type": 1, "Target": "https://example.com/" }));
    let start_s = now_ms() / 1000;
    for (issuer, days) in [(Some("R3"), 30), (None, 90), (Some("E1"), 90)] {
        scene.pass(31);
        scene.report(&host, &page(issuer, start_s + days * DAY_S));
    }
    let told = scene.texts();
    assert!(told.is_empty(), "the end alone, and the issuer alone: {told:?}");
    scene.pass(31);
    scene.report(&host, &page(Some("R11"), start_s + 60 * DAY_S));
    let told = scene.texts();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("[SSL] web The certificate changed, old: E1, expires at "), "{told:?}");
    assert!(told[0].contains("; new: R11, expires at "), "{told:?}");
    assert_eq!(scene.alerts("all"), Vec::<Value>::new(), "nothing goes on because of it");
}

#[test]
fn notices_go_to_the_monitors_group_and_to_the_default_one_where_it_has_none() {
    let scene = Scene::start();
    scene.channel("night");
    let host = scene.host("fra-1");
    scene.monitor("web", &json!({ "NotificationTag": "night" }));
    scene.report(&host, &down("refused"));
    let night = ("night".to_owned(), "[Down] web Reporter: fra-1, Error: refused".to_owned());
    assert_eq!(scene.told(), std::slice::from_ref(&night));
    // Changed, its alert is over and begins anew, for others.
    scene.monitor("web", &json!({ "ID": 1, "NotificationTag": "" }));
    scene.reports(&host, &down("refused"), 1);
    assert_eq!(scene.told(), [night, ("default".to_owned(), "[Down] web Reporter: fra-1, Error: refused".to_owned())]);
    assert_eq!((scene.alerts("open").len(), scene.alerts("all").len()), (1, 2));
}

#[test]
fn availability_is_of_all_reporters() {
    let scene = Scene::start();
    let (good, bad) = (scene.host("fra-1"), scene.host("sgp-1"));
    scene.monitor("web", &json!({}));
    scene.reports(&good, &up(), 4);
    scene.reports(&bad, &down("no route"), 1);
    // 4 of 5.
    assert_eq!(scene.texts(), ["[Down] web Reporter: sgp-1, Error: no route"]);
    // Who is no more does not count, and nobody is told of that.
    let deleted = scene.worker.request("DELETE", &format!("/api/server/{}", bad.id), &[("Cookie", &scene.jar)], "");
    assert_eq!(deleted.json(), json!({ "code": 200 }));
    assert_eq!(scene.texts().len(), 1);
    assert_eq!(scene.alerts("open"), Vec::<Value>::new());
}

#[test]
fn a_server_that_is_offline_brings_no_monitor_down() {
    let scene = Scene::start();
    let host = scene.host("fra-1");
    scene.monitor("web", &json!({}));
    scene.reports(&host, &up(), 3);
    for _ in 0..5 {
        scene.run_schedule();
        scene.pass(60);
    }
    scene.run_schedule();
    // What it found while it was cut off is of its own trouble.
    scene.report(&host, &down("network unreachable"));
    assert_eq!(scene.texts(), Vec::<String>::new());
    scene.reports(&host, &up(), 1);
    scene.reports(&host, &down("refused"), 1);
    assert_eq!(scene.texts(), ["[Down] web Reporter: fra-1, Error: refused"], "4 of 5");
}

#[test]
fn deleting_a_monitor_ends_its_alerts_and_tells_nobody() {
    let scene = Scene::start();
    let host = scene.host("fra-1");
    scene.monitor("web", &json!({ "LatencyNotify": "on", "MaxLatency": 5 }));
    scene.reports(&host, &down("refused"), 1);
    scene.reports(&host, &up(), 3);
    assert_eq!((scene.texts().len(), scene.alerts("open").len()), (2, 2));
    let deleted = scene.worker.request("DELETE", "/api/monitor/1", &[("Cookie", &scene.jar)], "");
    assert_eq!(deleted.json(), json!({ "code": 200 }));
    assert_eq!(scene.texts().len(), 2);
    assert_eq!(scene.alerts("open"), Vec::<Value>::new());
    scene.reports(&host, &down("refused"), 1);
    assert_eq!(scene.texts().len(), 2, "nobody asks any more");
}

#[test]
fn a_restart_of_everything_between_two_results_changes_nothing() {
    let scene = Scene::start();
    let host = scene.host("fra-1");
    scene.monitor("web", &json!({ "LatencyNotify": "on", "MaxLatency": 100 }));
    let slow = json!({ "delay_ms": 300 });
    scene.reports(&host, &up(), 2);
    scene.run_schedule();
    let mut results = vec![up(), up(), up(), slow.clone(), slow];
    results.extend([up(), up(), up(), down("refused"), down("refused")]);
    for result in &results {
        scene.worker.restart();
        scene.set_clock();
        scene.reports(&host, result, 1);
    }
    let told = scene.texts();
    // A long one makes a mean of 155 with the one before. 10 of 11 are 90.9 %.
    let mut expected = vec![
        "[Latency] web 155.000000 > 100.000000, Reporter: fra-1".to_owned(),
        "[Resolved] [Latency] web".to_owned(),
        "[Low Availability] web Reporter: fra-1, Error: refused".to_owned(),
    ];
    assert_eq!(told, expected);
    scene.worker.restart();
    scene.set_clock();
    scene.reports(&host, &down("refused"), 1);
    expected.push("[Down] web Reporter: fra-1, Error: refused".to_owned());
    assert_eq!(scene.texts(), expected);
}

#[test]
fn of_several_shards_the_state_is_that_of_all_reporters() {
    let scene = Scene::of(Worker::builder().var("HUB_SHARDS", "2").capture_outbound().without_admin().start());
    let hosts: Vec<TestHost> = ["a", "b", "c", "d"].map(|name| scene.host(name)).into();
    scene.monitor("web", &json!({}));
    for _ in 0..3 {
        scene.pass(31);
        for host in &hosts {
            scene.report(host, &up());
        }
        scene.run_schedule();
    }
    assert_eq!(scene.texts(), Vec::<String>::new());
    for _ in 0..4 {
        scene.pass(31);
        for host in &hosts {
            scene.report(host, &down("refused"));
        }
        scene.run_schedule();
    }
    let told = scene.texts();
    assert!((1..=2).contains(&told.len()), "one alert, whatever the number of shards: {told:?}");
    assert!(told.last().is_some_and(|text| text.starts_with("[Down] web Reporter: ")), "{told:?}");
    assert_eq!(scene.alerts("all").len(), 1);
}
