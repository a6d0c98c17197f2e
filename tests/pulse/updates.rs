//! Updates: a feed of releases, and a hook that deploys one.

use edgewatch_harness::http::Reply;
use edgewatch_harness::receiver::{Answering, Receiver};
use edgewatch_harness::worker::Worker;
use serde_json::{Value, json};

/// What runs: the workspace's version.
const OWN: &str = concat!("v", env!("CARGO_PKG_VERSION"));
/// What came before it.
const OWN_CANDIDATE: &str = concat!("v", env!("CARGO_PKG_VERSION"), "-rc.3");

#[test]
fn what_is_not_configured_is_not_pretended() {
    let worker = Worker::start();
    let reply = worker.get("/api/updates/check");
    let expected = json!({"available": false, "currentVersion": "v4.2.1", "latestVersion": "v4.2.1", "releaseNotes": "",
        "releaseDate": "0001-01-01T00:00:00Z", "downloadUrl": "", "isPrerelease": false});
    assert_eq!((reply.status, reply.json()), (200, expected));
    let status = worker.get("/api/updates/status").json();
    assert_eq!((&status["status"], &status["progress"], status.get("error")), (&json!("idle"), &json!(0), None));
    let apply = |body: &str| -> Reply { worker.post("/api/updates/apply", &[("X-API-Token", &worker.token)], body) };
    for (body, words) in [
        ("[]", "Invalid request body"),
        ("{}", "Download URL is required"),
        (r#"{"downloadUrl":"https://evil.example/x"}"#, "Invalid download URL"),
    ] {
        assert_eq!((apply(body).status, apply(body).at("/error")), (400, json!(words)));
    }
    assert_eq!(worker.post("/api/updates/apply", &[], "{}").status, 401);
    assert_eq!(worker.get("/api/updates/status").at("/status"), json!("idle"));
}

#[test]
fn the_eleventh_look_in_an_hour_is_one_too_many() {
    let worker = Worker::start();
    for number in 1..=10 {
        let status = worker.get_as("/api/updates/check", &[]).status;
        assert_eq!(status, 401, "{number}: who asks is looked at later");
    }
    let refused = worker.get("/api/updates/check");
    assert_eq!((refused.status, refused.header("x-ratelimit-limit")), (429, Some("10")));
    worker.step_clock_ahead(3_602_000);
    assert_eq!(worker.get("/api/updates/check").status, 200);
}

/// A feed of these releases, newest first: tag, and whether it is before a release.
fn feed_of(receiver: &Receiver, releases: &[(&str, bool)]) {
    let release = |(tag, is_prerelease): &(&str, bool)| {
        let url = format!("{}/download/{tag}", receiver.url());
        json!({"tag_name": tag, "prerelease": is_prerelease, "published_at": "2025-08-12T18:00:00Z", "body": format!("notes of {tag}"),
            "assets": [{"name": "checksums.txt", "browser_download_url": format!("{url}/checksums.txt")},
                {"name": format!("pulse-{tag}-linux-amd64.tar.gz"), "browser_download_url": format!("{url}/pulse-{tag}-linux-amd64.tar.gz")}]})
    };
    let all: Vec<Value> = releases.iter().map(release).collect();
    receiver.answer(Answering::body(200, &json!(all).to_string()));
}

/// A Worker that looks there for releases and has this hook deploy them.
fn managed(feed: &Receiver, hook: Option<&Receiver>) -> Worker {
    let builder = Worker::builder().var("UPDATE_FEED_URL", &format!("{}/releases", feed.url()));
    match hook {
        Some(hook) => builder.var("UPDATE_DEPLOY_HOOK_URL", &format!("{}/deploy", hook.url())).start(),
        None => builder.start(),
    }
}

fn apply(worker: &Worker, url: &str) -> Reply {
    worker.post("/api/updates/apply", &[("X-API-Token", &worker.token)], &json!({ "downloadUrl": url }).to_string())
}

/// Status, progress, message, and what went wrong.
fn status(worker: &Worker) -> (String, i64, String, Option<String>) {
    let status = worker.get("/api/updates/status").json();
    assert!(status["updatedAt"].as_str().is_some_and(|at| at.ends_with('Z')), "{status}");
    let text = |key: &str| status[key].as_str().map(str::to_owned);
    (
        text("status").unwrap_or_default(),
        status["progress"].as_i64().unwrap_or(-1),
        text("message").unwrap_or_default(),
        text("error"),
    )
}

fn said(status: &str, progress: i64, message: &str) -> (String, i64, String, Option<String>) {
    (status.to_owned(), progress, message.to_owned(), None)
}

#[test]
fn line_16_newer_releases_are_found_by_channel_and_others_are_not() {
    for (releases, channel, found) in [
        ([("v9.3.0", false), (OWN, false)].as_slice(), "stable", Some(("v9.3.0", false))),
        (&[(OWN, false)], "stable", None),
        (&[("v0.0.9", false), ("v0.0.1", false)], "stable", None),
        (&[("v9.4.0-rc.1", true), (OWN, false)], "stable", None),
        (&[("v9.4.0-rc.1", true), (OWN, false)], "rc", Some(("v9.4.0-rc.1", true))),
        (&[("v9.3.0-rc.2", true), ("v9.3.0-rc.10", true)], "rc", Some(("v9.3.0-rc.10", true))),
        (&[("v9.3.0-rc.2", true), ("v9.3.0", false)], "rc", Some(("v9.3.0", false))),
        (&[(OWN_CANDIDATE, true)], "rc", None),
        (&[], "stable", None),
    ] {
        let feed = Receiver::start();
        feed_of(&feed, releases);
        let worker = managed(&feed, None);
        let reply = worker.get(&format!("/api/updates/check?channel={channel}"));
        let expected = match found {
            Some((tag, is_prerelease)) => json!({"available": true, "currentVersion": OWN, "latestVersion": tag,
                "releaseNotes": format!("notes of {tag}"), "releaseDate": "2025-08-12T18:00:00Z",
                "downloadUrl": format!("{}/download/{tag}/pulse-{tag}-linux-amd64.tar.gz", feed.url()), "isPrerelease": is_prerelease}),
            None => {
                json!({"available": false, "currentVersion": OWN, "latestVersion": OWN, "releaseNotes": "",
                "releaseDate": "0001-01-01T00:00:00Z", "downloadUrl": "", "isPrerelease": false})
            }
        };
        assert_eq!((reply.status, reply.json()), (200, expected), "{releases:?} {channel}");
        let after = match found {
            Some((tag, _)) => said("available", 100, &format!("Update available: {tag}")),
            None => said("idle", 100, ""),
        };
        let status = status(&worker);
        assert_eq!((status.0, status.1, status.3), (after.0, after.1, None), "{releases:?} {channel}");
        assert!(after.2.is_empty() || status.2 == after.2);
    }
}

#[test]
fn line_16_a_feed_is_good_for_five_minutes_and_the_channel_of_the_settings_is_the_usual_one() {
    let feed = Receiver::start();
    feed_of(&feed, &[("v4.4.0-rc.1", true), ("v4.3.0", false)]);
    let worker = managed(&feed, None);
    let latest = || worker.get("/api/updates/check").at("/latestVersion");
    assert_eq!((latest(), latest()), (json!("v4.3.0"), json!("v4.3.0")));
    assert_eq!(feed.received().len(), 1);
    let asked = feed.received()[0].clone();
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("GET", "/releases"));
    assert!(asked.header("user-agent").is_some_and(|name| !name.is_empty()));
    let rc = worker.post("/api/config/system", &[("X-API-Token", &worker.token)], r#"{"updateChannel":"rc"}"#);
    assert_eq!((rc.status, latest()), (200, json!("v4.4.0-rc.1")));
    feed_of(&feed, &[("v4.5.0", false)]);
    worker.step_clock_ahead(280_000);
    assert_eq!(latest(), json!("v4.4.0-rc.1"));
    worker.step_clock_ahead(310_000);
    assert_eq!((latest(), feed.received().len()), (json!("v4.5.0"), 2));
    // What cannot be read is no answer, and says so.
    worker.step_clock_ahead(620_000);
    for answer in [Answering::status(500), Answering::body(200, "<html>"), Answering::HangUp] {
        feed.answer(answer);
        let failed = worker.get("/api/updates/check");
        assert_eq!((failed.status, failed.at("/error")), (500, json!("Failed to check for updates")));
        worker.step_clock_ahead(930_000);
    }
}

#[test]
fn line_16_an_update_goes_by_the_hook_to_its_end() {
    let (feed, hook) = (Receiver::start(), Receiver::start());
    feed_of(&feed, &[("v4.3.0", false)]);
    let worker = managed(&feed, Some(&hook));
    let url = worker.get("/api/updates/check").at("/downloadUrl").as_str().expect("an address").to_owned();
    let started = apply(&worker, &url);
    assert_eq!(
        (started.status, started.json()),
        (200, json!({"status": "started", "message": "Update process started"}))
    );
    let asked = hook.received();
    assert_eq!((asked.len(), asked[0].method.as_str(), asked[0].path.as_str()), (1, "POST", "/deploy"));
    assert_eq!(asked[0].json()["download_url"], json!(url));
    assert_eq!(status(&worker), said("restarting", 95, "Waiting for the new version"));
    // Nobody begins another meanwhile, and a look for updates says nothing else.
    let twice = apply(&worker, &url);
    assert_eq!((twice.status, twice.at("/error"), hook.received().len()), (409, json!("An update is under way"), 1));
    assert_eq!(worker.get("/api/updates/check").at("/available"), json!(true));
    assert_eq!(status(&worker).0, "restarting");
    // Another version than the one that began it runs: here the one that began it is called otherwise.
    worker.sql("UPDATE settings SET value = json_set(value, '$.from', '0.0.0') WHERE key = 'pulse_update'");
    let done = status(&worker);
    assert_eq!((done.0.as_str(), done.1, done.3), ("completed", 100, None));
    assert_eq!(apply(&worker, &url).status, 200, "and the next one may begin");
    // Nothing came of that one.
    worker.step_clock_ahead(905_000);
    let failed = status(&worker);
    assert_eq!((failed.0.as_str(), failed.1), ("error", 0));
    assert!(failed.3.is_some_and(|words| !words.is_empty()));
}

#[test]
fn line_16_a_hook_that_refuses_is_told_of_and_so_is_none() {
    let (feed, mut hook) = (Receiver::start(), Receiver::start());
    feed_of(&feed, &[("v4.3.0", false)]);
    let worker = managed(&feed, Some(&hook));
    let url = worker.get("/api/updates/check").at("/downloadUrl").as_str().expect("an address").to_owned();
    let before = status(&worker);
    for (refused, words) in [
        ("", "Download URL is required"),
        ("https://evil.example/x.tar.gz", "Invalid download URL"),
        (&format!("{}.evil.example/download/x", feed.url()), "Invalid download URL"),
        (&format!("{}/download/../x?y", feed.url()), "Invalid download URL"),
    ] {
        let reply = apply(&worker, refused);
        assert_eq!((reply.status, reply.at("/error")), (400, json!(words)), "{refused}");
    }
    assert_eq!((status(&worker), hook.received().len()), (before, 0), "as if nobody had asked");
    hook.answer(Answering::status(503));
    assert_eq!(apply(&worker, &url).status, 200);
    let failed = status(&worker);
    assert_eq!((failed.0.as_str(), failed.3.as_deref()), ("error", Some("the deploy hook answered with status 503")));
    hook.close();
    assert_eq!(apply(&worker, &url).status, 200);
    let failed = status(&worker);
    assert!(failed.0 == "error" && failed.3.as_deref() == Some("the deploy hook cannot be reached"), "{failed:?}");
    assert_eq!(worker.post("/api/updates/apply", &[], "{}").status, 401);

    let without = managed(&feed, None);
    let refused = apply(&without, &url);
    assert_eq!(refused.status, 409);
    assert!(
        refused.at("/error").as_str().is_some_and(|words| words.contains("UPDATE_DEPLOY_HOOK_URL")),
        "{}",
        refused.body
    );
    assert_eq!(status(&without).0, "idle");
}
