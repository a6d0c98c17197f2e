//! `POST /api/notification`: what is sent, and what is kept.

use std::time::{SystemTime, UNIX_EPOCH};

use edgewatch_harness::http::Reply;
use edgewatch_harness::receiver::{Answering, Receiver};
use edgewatch_harness::tls::Authority;
use edgewatch_harness::worker::{Builder, TestHost, Worker};
use serde_json::{Value, json};

const NOTIFICATION: &str = "/api/notification";
const CHANNELS: &str = "/api/edgewatch/v1/channels";

/// A Worker with an administrator's session and token.
struct Stage {
    worker: Worker,
    cookie: String,
    token: String,
}

impl Stage {
    fn new() -> Self {
        Self::with(Worker::builder())
    }

    fn with(builder: Builder) -> Self {
        let worker = builder.without_admin().start();
        let body = json!({ "token": worker.setup_link(), "username": "admin" }).to_string();
        let setup = worker.post("/api/edgewatch/v1/setup", &[], &body);
        let cookie = setup.header("set-cookie").expect("setup opens a session");
        let value = cookie.split(['=', ';']).nth(1).expect("the cookie has a value").to_owned();
        let token = setup.at("/token").as_str().expect("setup answers with a token").to_owned();
        Self { worker, cookie: format!("nezha-dashboard={value}"), token }
    }

    fn save(&self, body: &Value) -> Reply {
        self.worker.post(NOTIFICATION, &[("Cookie", &self.cookie)], &body.to_string())
    }

    fn channels(&self) -> Value {
        self.worker.get_as(CHANNELS, &[("Authorization", &self.token)]).at("/channels")
    }
}

fn done(reply: &Reply) {
    assert_eq!((reply.status, reply.body.as_str()), (200, r#"{"code":200}"#));
}

#[test]
fn saving_first_sends_a_test_message_and_fails_with_code_400_if_that_is_not_a_2xx() {
    let stage = Stage::new();
    let receiver = Receiver::start();
    let url = format!("{}/hook?m=#NEZHA#", receiver.url());
    let body = json!({ "Name": "ops", "URL": url, "RequestMethod": 1, "RequestType": 1, "VerifySSL": "on" });
    receiver.answer(Answering::body(403, "go away"));
    let refused = stage.save(&body);
    assert_eq!((refused.status, refused.at("/code")), (200, json!(400)));
    let message = refused.at("/message").as_str().unwrap_or_default().to_owned();
    assert!(message.starts_with("请求错误：") && message.contains("403: go away"), "{message}");
    assert_eq!(stage.channels(), json!([]), "nothing is kept");
    receiver.answer(Answering::status(204));
    done(&stage.save(&body));
    let seen = receiver.received();
    assert_eq!(seen.len(), 2, "one test each");
    assert_eq!((seen[1].method.as_str(), seen[1].body.as_str()), ("GET", ""), "GET has no body");
    assert_eq!(seen[1].path, "/hook?m=%E8%BF%99%E6%98%AF%E6%B5%8B%E8%AF%95%E6%B6%88%E6%81%AF");
    let kept = stage.channels();
    assert_eq!(
        (&kept[0]["kind"], &kept[0]["group"], &kept[0]["name"]),
        (&json!("nezha"), &json!("default"), &json!("ops"))
    );
    assert_eq!(kept[0]["config"]["url"], "********");
}

#[test]
fn placeholders_are_replaced_in_url_and_body_with_a_server_in_context() {
    let stage = Stage::new();
    let receiver = Receiver::start();
    let names = "NAME ID IP IPV4 IPV6 CPU MEM MEMUSED MEMTOTAL SWAP SWAPUSED SWAPTOTAL DISK DISKUSED DISKTOTAL NETINSPEED \
         NETOUTSPEED TRANSFERIN TRANSFEROUT NETINTRANSFER NETOUTTRANSFER LOAD1 LOAD5 LOAD15 TCPCONNCOUNT UDPCONNCOUNT";
    let all: Vec<String> = names.split_whitespace().map(|name| format!("#SERVER.{name}#")).collect();
    let url = format!("{}/#SERVER.ID#?cpu=#SERVER.CPU#", receiver.url());
    let body = json!({ "Name": "ops", "URL": url, "RequestMethod": 2, "RequestType": 1, "RequestBody": all.join("|"), "SkipCheck": "on" });
    done(&stage.save(&body));
    let register = stage.worker.post("/api/v1/server/register", &[("Cookie", &stage.cookie)], r#"{"Name":"fra 1"}"#);
    let host = TestHost { id: 1, secret: register.at("/secret").as_str().unwrap_or_default().to_owned() };
    super::report(&stage.worker, &host, 1, &super::facts());
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).expect("past 1970").as_millis();
    for minute in 0..=2 {
        assert!(stage.worker.cron_at(u64::try_from(now_ms).expect("a few centuries") + minute * 60_000));
    }
    let seen = receiver.received();
    // Bytes and counts are plain integers, CPU and load have six decimals, IP is the address to show.
    assert_eq!(seen[0].path, "/1?cpu=17.330000");
    assert_eq!(
        seen[0].body,
        "fra 1|1|198.51.100.7|198.51.100.7|2001:db8::7|17.330000|14013841408|14013841408|17179869184|0|0|0|2335048912896|\
         2335048912896|2473496842240|10806|5303|2710273234|695454765|2710273234|695454765|5.230000|4.870000|3.990000|195|70"
    );
}

#[test]
fn verify_ssl_is_taken_both_ways_and_certificates_are_verified_all_the_same() {
    // The platform verifies always: a deviation that the README names.
    let authority = Authority::new();
    let receiver = Receiver::start_tls(&authority);
    let body = |verify: &Value, skip: &str| {
        json!({ "Name": "ops", "URL": receiver.tls_url(), "RequestMethod": 2, "RequestType": 1, "RequestBody": "{}",
            "VerifySSL": verify, "SkipCheck": skip })
    };
    let both = [json!("on"), json!("")];
    let trusting = Stage::with(Worker::builder().trust(&authority));
    for (count, verify) in (1..).zip(&both) {
        done(&trusting.save(&body(verify, "")));
        assert_eq!((receiver.received().len(), trusting.channels().as_array().map(Vec::len)), (count, Some(count)));
    }
    let stage = Stage::new();
    for verify in &both {
        let refused = stage.save(&body(verify, ""));
        assert_eq!((refused.status, refused.at("/code")), (200, json!(400)), "{}", refused.body);
        done(&stage.save(&body(verify, "on")));
    }
    assert_eq!((receiver.received().len(), stage.channels().as_array().map(Vec::len)), (2, Some(2)));
    assert_eq!(stage.save(&body(&json!(true), "on")).at("/code"), 400, "a checkbox is a text");
}

#[test]
fn with_skip_check_it_is_kept_untried() {
    let stage = Stage::new();
    let receiver = Receiver::start();
    receiver.answer(Answering::status(500));
    let body = json!({ "Name": "ops", "Tag": "night", "URL": receiver.url(), "RequestMethod": 2, "RequestType": 1, "SkipCheck": "on" });
    done(&stage.save(&body));
    assert_eq!((receiver.received().len(), &stage.channels()[0]["group"]), (0, &json!("night")));
}

#[test]
fn values_are_escaped_by_where_they_stand_and_headers_override() {
    let stage = Stage::new();
    let receiver = Receiver::start();
    let headers = r#"{"X-Token":"abc","Content-Type":"application/vnd.api+json"}"#;
    let json_body = r##"{"text":"#NEZHA#","at":"#DATETIME#","name":"#SERVER.NAME#"}"##;
    let body = json!({
        "Name": "json", "URL": receiver.url(), "RequestMethod": 2, "RequestType": 1, "RequestBody": json_body, "RequestHeader": headers
    });
    done(&stage.save(&body));
    let form_body = r##"{"b":"#NEZHA# & more","a":"1 + 1"}"##;
    let body = json!({ "Name": "form", "URL": receiver.url(), "RequestMethod": 2, "RequestType": 2, "RequestBody": form_body });
    done(&stage.save(&body));
    let seen = receiver.received();
    assert_eq!(
        (seen[0].header("content-type"), seen[0].header("x-token")),
        (Some("application/vnd.api+json"), Some("abc"))
    );
    assert_eq!(seen[0].json()["text"], "这是测试消息");
    assert_eq!(seen[0].json()["name"], "#SERVER.NAME#", "without a server in context these stay as they are");
    assert!(seen[0].json()["at"].as_str().is_some_and(|at| at.ends_with(" +0000 UTC")), "{}", seen[0].body);
    assert_eq!(seen[1].header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(seen[1].body, "a=1+%2B+1&b=%E8%BF%99%E6%98%AF%E6%B5%8B%E8%AF%95%E6%B6%88%E6%81%AF+%26+more");
}

#[test]
fn an_id_replaces_the_whole_row_and_is_deleted_by_it() {
    let stage = Stage::new();
    let receiver = Receiver::start();
    let row = |more: Value| {
        let mut body = json!({ "URL": receiver.url(), "RequestMethod": 1, "SkipCheck": "on" });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        body
    };
    done(&stage.save(&row(json!({ "Name": "first", "Tag": "night", "RequestHeader": "{\"a\":\"b\"}" }))));
    done(&stage.save(&row(json!({ "id": 1, "name": "second" }))));
    let kept = stage.channels();
    assert_eq!(kept.as_array().map(Vec::len), Some(1));
    assert_eq!((&kept[0]["name"], &kept[0]["group"]), (&json!("second"), &json!("default")));
    assert_eq!(kept[0]["config"].get("headers"), None);
    let unknown = stage.save(&row(json!({ "ID": 99, "Name": "x" })));
    assert_eq!((unknown.at("/code"), unknown.at("/message")), (json!(400), json!("请求错误：record not found")));
    let made = json!({ "name": "ours", "kind": "webhook", "url": receiver.url() }).to_string();
    assert_eq!(stage.worker.post(CHANNELS, &[("Authorization", &stage.token)], &made).status, 201);
    assert_eq!(stage.save(&row(json!({ "ID": 2, "Name": "x" }))).at("/code"), 400, "a channel of another kind");
    for id in [1, 1, 2, 99] {
        done(&stage.worker.request("DELETE", &format!("{NOTIFICATION}/{id}"), &[("Cookie", &stage.cookie)], ""));
    }
    assert_eq!(stage.channels()[0]["name"], "ours", "a channel of another kind stays");
}

#[test]
fn what_cannot_be_is_code_400_and_nothing_is_kept() {
    let stage = Stage::new();
    for body in [
        json!({}),
        json!({ "Name": "x", "URL": "https://x/" }),
        json!({ "Name": "x", "URL": "https://x/", "RequestMethod": 2, "RequestType": 3 }),
        json!({ "Name": "x", "URL": "https://x/", "RequestMethod": "1" }),
        json!({ "Name": "x", "URL": "https://x/", "RequestMethod": 2, "RequestType": 2, "RequestBody": "no json", "SkipCheck": "on" }),
        json!({ "Name": "x", "URL": "https://x/", "RequestMethod": 1, "RequestHeader": "[]", "SkipCheck": "on" }),
        json!({ "Name": "x", "URL": "https://#NEZHA#/", "RequestMethod": 1, "SkipCheck": "on" }),
        json!({ "Name": "x", "URL": "http://169.254.169.254/", "RequestMethod": 1, "SkipCheck": "on" }),
        json!({ "Name": "x", "URL": "file:///etc/passwd", "RequestMethod": 1, "SkipCheck": "on" }),
        json!({ "Name": 1, "URL": "https://x/", "RequestMethod": 1, "SkipCheck": "on" }),
    ] {
        let reply = stage.save(&body);
        assert_eq!((reply.status, reply.at("/code")), (200, json!(400)), "{body}");
    }
    assert_eq!(stage.worker.post(NOTIFICATION, &[("Cookie", &stage.cookie)], "").at("/message"), "请求错误：EOF");
    assert_eq!(stage.channels(), json!([]));
}

#[test]
fn no_token_and_no_stranger_makes_a_notification() {
    let stage = Stage::new();
    let body = json!({ "URL": "https://x/", "RequestMethod": 1, "SkipCheck": "on" }).to_string();
    for headers in [&[][..], &[("Authorization", stage.token.as_str())], &[("Cookie", "nezha-dashboard=x")]] {
        let reply = stage.worker.post(NOTIFICATION, headers, &body);
        assert_eq!(
            (reply.status, reply.at("/code"), reply.at("/message")),
            (200, json!(403), json!("访问此接口需要登录"))
        );
    }
    assert_eq!(stage.channels(), json!([]));
    let slash = stage.worker.post("/api/notification/", &[("Cookie", &stage.cookie)], &body);
    assert_eq!((slash.status, slash.header("location")), (307, Some(NOTIFICATION)));
}

#[test]
fn what_a_notification_holds_of_secrets_is_in_no_answer_no_list_no_audit_and_no_log() {
    let stage = Stage::new();
    let receiver = Receiver::start();
    let body = json!({
        "Name": "ops", "RequestMethod": 2, "RequestType": 1, "VerifySSL": "on",
        "URL": format!("{}/bot77:inTheAddress1/send?key=inTheQuery2", receiver.url()),
        "RequestHeader": r#"{"Authorization":"Bearer inTheHeader3"}"#,
        "RequestBody": r##"{"token":"in-the-body","text":"#NEZHA#"}"##,
    });
    let said = "no bot77:inTheAddress1, inTheQuery2, inTheHeader3, in-the-body here";
    receiver.answer(Answering::body(403, said));
    let refused = stage.save(&body);
    assert_eq!(refused.at("/code"), 400, "{}", refused.body);
    assert!(refused.body.contains("no ********, ********, ********, ******** here"), "{}", refused.body);
    let mut kept = body.clone();
    kept["SkipCheck"] = json!("on");
    done(&stage.save(&kept));
    let mut broken = kept.clone();
    broken["RequestHeader"] = json!(r#"{"Authorization":["inTheHeader3"]}"#);
    let broken = stage.save(&broken);
    assert_eq!(broken.at("/code"), 400, "{}", broken.body);
    let header = [("Authorization", stage.token.as_str())];
    let tested = stage.worker.post(&format!("{CHANNELS}/1/test"), &header, "");
    assert!(tested.body.contains("********"), "{}", tested.body);
    let audit = stage.worker.sql("SELECT * FROM audit").to_string();
    assert!(audit.contains("channel.create"), "{audit}");
    let shown = [refused.body, broken.body, tested.body, stage.channels().to_string(), audit, stage.worker.log()];
    for text in shown {
        for secret in ["inTheAddress1", "inTheQuery2", "inTheHeader3", "in-the-body"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
    let stored = stage.worker.sql("SELECT * FROM channels").to_string();
    assert!(stored.contains("config_sealed") && !stored.contains("inThe") && !stored.contains("in-the"), "{stored}");
}
