//! Mutated requests, many of them: whatever comes, the answer is a refusal or a success, never a failure of ours.

use edgewatch_harness::worker::Worker;

/// A small generator of its own (xorshift), so that a failure can be repeated by its number.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or(usize::MAX) % sides.max(1)
    }
}

const PIECES: [&str; 22] = [
    "null",
    "true",
    "-1",
    "1e308",
    "1e999",
    "NaN",
    "9007199254740992",
    "-0.0",
    "\"\"",
    "\"\\u0000\"",
    "[]",
    "{}",
    "[[[[",
    "}",
    ",",
    ":",
    "\"a\":",
    "\u{0}",
    "\u{feff}",
    "\\",
    "😀",
    "18446744073709551616",
];

fn mutate(dice: &mut Dice, body: &str) -> Vec<u8> {
    let mut bytes = body.as_bytes().to_vec();
    for _ in 0..=dice.roll(4) {
        let at = dice.roll(bytes.len());
        match dice.roll(5) {
            0 => bytes.truncate(at),
            1 if !bytes.is_empty() => bytes[at] = u8::try_from(dice.roll(256)).unwrap_or(0),
            2 => {
                let piece = PIECES[dice.roll(PIECES.len())].bytes();
                bytes.splice(at..at, piece);
            }
            3 => {
                let end = (at + dice.roll(12)).min(bytes.len());
                bytes.drain(at..end);
            }
            _ => {
                let piece = PIECES[dice.roll(PIECES.len())].bytes();
                let end = (at + 1 + dice.roll(8)).min(bytes.len());
                bytes.splice(at..end.max(at), piece);
            }
        }
    }
    bytes
}

#[test]
fn no_body_makes_the_worker_fail() {
    let worker = Worker::start();
    let host = worker.add_host("alpha");
    let (token, bearer) = (worker.token.clone(), format!("Bearer {}", host.secret));
    let report = r#"{"agent_version":"0.1.0","sent_at_ms":1795361190000,"oldest":1,"period_s":10,"frame_s":10,"host":{"platform":"debian","cpu":["a"],"mem_total_bytes":1024,"booted_at_s":1,"addresses":"1.2.3.4/::1"},"samples":[{"number":1,"at_ms":1795361190000,"cpu_percent":1.5,"mem_used_bytes":12,"temperatures":[{"name":"a","celsius":1}]},{"number":2,"at_ms":1795361191000,"load1":0.5}]}"#;
    let seeds: [(&str, &str, &str); 5] = [
        ("/agent/v1/reports", &bearer, report),
        (
            "/api/v1/server/register?simple=1",
            &token,
            r#"{"Name":"a","Tag":"b","Note":"c","HideForGuest":"on","MachineId":"d","Secret":"e"}"#,
        ),
        ("/api/edgewatch/v1/setup", &token, r#"{"token":"0123456789abcdef0123456789abcdef","username":"ada"}"#),
        (
            "/api/edgewatch/v1/tokens",
            &token,
            r#"{"note":"n","kind":"api","scopes":["read"],"expires_in_s":60,"uses":1,"address_ranges":["10.0.0.0/8"]}"#,
        ),
        ("/api/edgewatch/v1/channels", &token, r#"{"name":"n","kind":"webhook","url":"https://example.com/x"}"#),
    ];
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for round in 0..800 {
        let (path, authorization, seed) = seeds[round % seeds.len()];
        let body = mutate(&mut dice, seed);
        let reply = worker
            .try_request("POST", path, &[("Authorization", authorization)], &body)
            .unwrap_or_else(|error| panic!("round {round} {path}: {error}: {}", String::from_utf8_lossy(&body)));
        let text = String::from_utf8_lossy(&body).into_owned();
        assert!(reply.status < 500, "round {round} {path}: {} {} for {text}", reply.status, reply.body);
        reply.json();
    }
    let list = worker.get("/api/v1/server/details");
    assert_eq!((list.status, list.at("/code")), (200, 0.into()), "what was stored is readable");
}

#[test]
fn no_path_or_query_makes_the_worker_fail() {
    let worker = Worker::start();
    let seeds = [
        "/api/v1/server/details?id=1,2&tag=x",
        "/api/v1/server/list?tag=%E4%BD%A0",
        "/api/edgewatch/v1/events?cursor=01a2&limit=10",
        "/api/edgewatch/v1/tokens/1",
        "/download/edgewatch-agent-x86_64-unknown-linux-musl.sha256",
        "/api/health",
        "/install.sh",
    ];
    let methods = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"];
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    for round in 0..500 {
        let mut path = mutate(&mut dice, seeds[round % seeds.len()]);
        // What cannot be in a request line at all is the runtime's to refuse.
        path.retain(u8::is_ascii_graphic);
        let path = format!("/{}", String::from_utf8_lossy(&path).trim_start_matches('/'));
        let method = methods[dice.roll(methods.len())];
        let reply = worker.try_request(method, &path, &[("Authorization", &worker.token)], b"");
        let reply = reply.unwrap_or_else(|error| panic!("round {round} {method} {path}: {error}"));
        assert!(reply.status < 500, "round {round} {method} {path}: {} {}", reply.status, reply.body);
    }
}
