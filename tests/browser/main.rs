//! The page at `/` in a real browser: Chromium, driven over its debugging protocol. Where there is none these tests say so and
//! pass; `EDGEWATCH_BROWSER` names another one than those looked for.

mod chromium;

use blackbox::stage::{PATIENCE, Stage, host};
use chromium::Page;
use edgewatch_harness::wait::wait_until;
use edgewatch_harness::worker::Worker;
use serde_json::json;

/// What the row of a host shows in its cell of that class.
fn cell(id: u64, class: &str) -> String {
    format!("document.querySelector('tr[data-id=\"{id}\"] .{class}')?.textContent")
}

fn log_in(page: &Page, token: &str) {
    page.wait_for("!document.querySelector('#login').hidden");
    page.run(&format!("document.querySelector('#token').value = {}", json!(token)));
    page.run("document.querySelector('#token-form').requestSubmit()");
}

#[test]
fn a_person_logs_in_sees_the_fleet_change_and_logs_out() {
    let stage = Stage::start();
    let hostile = "<img src=x onerror=document.title='owned'>";
    stage.set(&json!({ "hosts": [host(1, "alpha"), host(2, hostile)] }));
    let Some(page) = Page::open(&stage.worker.url) else { return };

    log_in(&page, "0123456789abcdef0123456789abcdef");
    page.wait_for("document.querySelector('#token-error').textContent.includes('not known')");
    log_in(&page, &stage.worker.token);
    page.wait_for("document.querySelector('#live').textContent === 'live'");
    page.wait_for(&format!("{} === 'alpha'", cell(1, "label")));
    page.wait_for(&format!("{} === {}", cell(2, "label"), json!(hostile)));
    assert_eq!(page.value("document.querySelectorAll('#rows img, #rows script').length"), 0);
    assert_eq!(page.value("document.title"), "Edgewatch");
    assert_eq!(page.value("document.querySelector('#counts').textContent"), "2 online · 0 offline");

    let piece = json!({ "id": 1, "name": "alpha", "presence": "offline", "cpu_percent": 93.4, "last_seen_s": 0 });
    stage.push(
        &json!({ "hosts": [{ "id": 1, "hidden": true, "piece": piece }], "gone": [2], "banner": "Slowed down." }),
    );
    page.wait_for(&format!("{} === '93 %'", cell(1, "cpu .value")));
    assert_eq!(page.value("document.querySelector('#counts').textContent"), "0 online · 1 offline");
    assert_eq!(page.value("document.querySelector('#banner').textContent"), "Slowed down.");
    assert_eq!(page.value("document.querySelectorAll('#rows tr').length"), 1);
    wait_until("the hub to know what is in view", PATIENCE, || {
        stage.watched().pop().filter(|last| last["hosts"] == json!([1]))
    });

    stage.worker.kill();
    page.wait_for("document.querySelector('#live').textContent.startsWith('not live')");
    stage.worker.resume();
    page.wait_for("document.querySelector('#live').textContent === 'live'");

    page.run("document.querySelector('#logout').click()");
    page.wait_for("!document.querySelector('#login').hidden");
    assert_eq!(page.value("document.querySelectorAll('#rows tr').length"), 0);
    assert_eq!(page.violations(), [""; 0]);
}

#[test]
fn the_setup_link_opens_in_a_browser_and_leaves_no_trace_in_its_address() {
    let stage = Stage::start_with(Worker::builder().without_admin());
    let link = format!("{}/#setup={}", stage.worker.url, stage.worker.setup_link());
    let Some(page) = Page::open(&link) else { return };
    page.wait_for("!document.querySelector('#setup').hidden");
    assert_eq!(page.value("location.href"), format!("{}/", stage.worker.url));
    page.run("document.querySelector('#new-password').value = 'correct horse'");
    page.run("document.querySelector('#setup-form').requestSubmit()");
    page.wait_for("document.querySelector('#made-token').textContent.length === 43");
    page.run("document.querySelector('#made-continue').click()");
    page.wait_for("document.querySelector('#live').textContent === 'live'");
    assert_eq!(page.value("document.querySelector('#made-token').textContent"), "");
    page.wait_for("document.querySelector('#empty').textContent.startsWith('No hosts yet')");

    page.run("document.querySelector('#logout').click()");
    page.wait_for("!document.querySelector('#login').hidden");
    for (password, shown) in [("battery staple", "do not belong together"), ("correct horse", "")] {
        page.run("document.querySelector('#name').value = 'admin'");
        page.run(&format!("document.querySelector('#password').value = '{password}'"));
        page.run("document.querySelector('#login-form').requestSubmit()");
        page.wait_for(&format!("document.querySelector('#login-error').textContent.includes('{shown}')"));
    }
    page.wait_for("document.querySelector('#live').textContent === 'live'");
    assert_eq!(page.value("document.querySelector('#password').value"), "");
    assert_eq!(page.violations(), [""; 0]);
}

#[test]
fn a_guest_looks_with_the_view_password_and_logs_in_from_there() {
    let stage = Stage::start();
    stage.set(&json!({ "hosts": [host(1, "alpha")] }));
    let settings = |body: &str| {
        let header = [("Authorization", stage.worker.token.as_str())];
        assert_eq!(stage.worker.request("PATCH", "/api/edgewatch/v1/settings", &header, body).status, 200);
    };
    settings(r#"{"view_password":"open sesame"}"#);
    let Some(page) = Page::open(&format!("{}/login", stage.worker.url)) else { return };
    page.wait_for("!document.querySelector('#login').hidden");
    assert_eq!(page.value("location.pathname"), "/ui/login");
    for (password, shown) in [("sesame", "not the view password"), ("open sesame", "")] {
        page.run(&format!("document.querySelector('#view').value = '{password}'"));
        page.run("document.querySelector('#view-form').requestSubmit()");
        page.wait_for(&format!("document.querySelector('#view-error').textContent.includes('{shown}')"));
    }
    page.wait_for("document.querySelector('#live').textContent === 'live'");
    page.wait_for(&format!("{} === 'alpha'", cell(1, "label")));
    assert_eq!(page.value("location.pathname"), "/");
    assert_eq!(page.value("document.querySelector('#logout').textContent"), "Log in");
    page.run("document.querySelector('#logout').click()");
    page.wait_for("!document.querySelector('#login').hidden");
    log_in(&page, &stage.worker.token);
    page.wait_for("document.querySelector('#live').textContent === 'live'");
    assert_eq!(page.value("document.querySelector('#logout').textContent"), "Log out");
    assert_eq!(page.violations(), [""; 0]);
}

#[test]
fn the_page_that_asks_for_the_view_password_leads_back_to_the_one_that_was_wanted() {
    let worker = Worker::start();
    let header = [("Authorization", worker.token.as_str())];
    let body = r#"{"view_password":"open sesame"}"#;
    assert_eq!(worker.request("PATCH", "/api/edgewatch/v1/settings", &header, body).status, 200);
    worker.add_host("alpha");
    let Some(page) = Page::open(&format!("{}/network", worker.url)) else { return };
    page.wait_for("document.querySelector('#view') !== null");
    page.run("document.querySelector('#view').value = 'open sesame'");
    page.run("document.querySelector('form').requestSubmit()");
    page.wait_for("document.querySelector('.servers')?.textContent.includes('alpha')");
    assert_eq!(page.value("location.pathname"), "/network");
    page.run("document.querySelector('nav a[href=\"/service\"]').click()");
    page.wait_for("document.querySelector('h2')?.textContent === 'Services'");
    // The style came: nothing of the page was refused.
    assert_eq!(page.value("getComputedStyle(document.querySelector('.status')).maxWidth"), "930px");
    assert_eq!(page.violations(), [""; 0]);
}

#[test]
fn a_thousand_hosts_are_written_only_where_they_are_seen() {
    let stage = Stage::start();
    let hosts: Vec<_> = (1..=1000).map(|id| host(id, &format!("host-{id}"))).collect();
    stage.set(&json!({ "hosts": hosts }));
    let Some(page) = Page::open(&stage.worker.url) else { return };
    log_in(&page, &stage.worker.token);
    page.wait_for("document.querySelectorAll('#rows tr').length === 1000");
    page.wait_for("document.querySelectorAll('#rows td').length > 0");
    let written = "document.querySelectorAll('#rows td').length / 9 < 60";
    assert_eq!(page.value(written), true);
    page.run("document.querySelector('#filter').value = 'host-77'");
    page.run("document.querySelector('#filter').dispatchEvent(new Event('input'))");
    page.wait_for("document.querySelectorAll('#rows tr:not([hidden])').length === 11");
}
