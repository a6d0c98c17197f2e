//! The crate `mackerel_client`, over every call it has, on a database that also holds hosts of the other dialects. It reads strictly:
//! one field of another type costs it the whole answer.

mod boards;
mod documents;
mod hosts;
mod metrics;
mod monitors;
mod people;
mod services;
mod told;

use std::fmt::Debug;
use std::future::Future;

use edgewatch_harness::worker::Worker;
use mackerel_client::error::{Error, Result};
use mackerel_client::host::{HostId, HostValue};
use mackerel_client::{Client, host};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

/// A Worker with hosts of every dialect, and a client of it.
pub struct World {
    pub worker: Worker,
    pub client: Client,
    runtime: Runtime,
}

impl World {
    /// A fresh Worker: a host that our agent reports, one that Nezha's script registered, and one that was made by Mackerel's API and
    /// has all that a host can have.
    pub fn start() -> Self {
        let worker = Worker::start();
        report(&worker);
        let headers = [("Authorization", worker.token.as_str())];
        let registered = worker.post("/api/v1/server/register?simple=true", &headers, r#"{"Name":"of nezha"}"#);
        assert_eq!(registered.status, 200, "{}", registered.body);
        let key = key(&worker, &["read", "write"]);
        let client = client(&worker, &key);
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let world = Self { worker, client, runtime };
        let agent_meta =
            serde_json::from_str(include_str!("../../worker/core/samples/mackerel/meta.json")).expect("JSON");
        let whole = HostValue { meta: agent_meta, ..whole("of mackerel") };
        world.done(world.client.create_host(&whole));
        world
    }

    /// What a call gives that succeeds.
    pub fn done<T>(&self, call: impl Future<Output = Result<T>>) -> T {
        match self.runtime.block_on(call) {
            Ok(answer) => answer,
            Err(error) => panic!("{error:?}"),
        }
    }

    /// The status that a call fails with, and the message.
    pub fn refused<T: Debug>(&self, call: impl Future<Output = Result<T>>) -> (u16, String) {
        match self.runtime.block_on(call) {
            Err(Error::ApiError(status, message)) => (status.as_u16(), message),
            other => panic!("no refusal: {other:?}"),
        }
    }

    /// Makes a host of a name.
    pub fn host(&self, name: &str) -> HostId {
        self.done(self.client.create_host(HostValue::builder().name(name).build()))
    }
}

/// Another key's client.
pub fn client(worker: &Worker, key: &str) -> Client {
    Client::builder().api_key(key).api_base(&worker.url).build()
}

/// A key with these scopes.
pub fn key(worker: &Worker, scopes: &[&str]) -> String {
    let wanted = json!({ "scopes": scopes, "note": "key" }).to_string();
    let reply = worker.post("/api/edgewatch/v1/tokens", &[("Authorization", worker.token.as_str())], &wanted);
    assert_eq!(reply.status, 201, "{}", reply.body);
    reply.at("/token").as_str().expect("a token").to_owned()
}

/// Whatever may be said of a host.
pub fn whole(name: &str) -> HostValue {
    let interface = host::HostInterface::builder()
        .name("eth0")
        .mac_address("02:fc:00:00:00:01")
        .ipv4_addresses([[192, 0, 2, 2]])
        .ipv6_addresses(["fd00::2".parse::<std::net::Ipv6Addr>().expect("an address")])
        .build();
    HostValue::builder()
        .name(name)
        .display_name(format!("{name} itself"))
        .custom_identifier(format!("i-0123/{name}?"))
        .memo("what people say")
        .interfaces([interface])
        .role_fullnames(["My-Service:app", "My-Service:db"])
        .build()
}

/// Makes a host of our agent that has reported once.
fn report(worker: &Worker) {
    let host = worker.add_host("of our agent");
    let machine: Value =
        serde_json::from_str(include_str!("../../worker/core/samples/native/machine.json")).expect("JSON");
    let body = json!({
        "agent_version": "0.1.0", "sent_at_ms": 0, "oldest": 1, "period_s": 10,
        "host": {
            "platform": "debian", "platform_version": "12.11", "arch": "x86_64", "virtualization": "kvm", "kernel": "6.1.0",
            "cpu": ["AMD EPYC 2 Virtual Core"], "gpu": [], "mem_total_bytes": 4_294_967_296_u64, "swap_total_bytes": 0,
            "disk_total_bytes": 1, "booted_at_s": 1, "addresses": "198.51.100.7/2001:db8::7", "machine": machine
        },
        "samples": [{ "number": 1, "at_ms": 0, "cpu_percent": 1, "load1": 0.5 }]
    });
    let bearer = format!("Bearer {}", host.secret);
    assert_eq!(worker.post("/agent/v1/reports", &[("Authorization", &bearer)], &body.to_string()).status, 200);
    // What the hub has comes to the database with its flush.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("past 1970");
    assert!(worker.cron_at(u64::try_from(now.as_millis()).expect("a few centuries")));
}
