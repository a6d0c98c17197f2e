//! Nezha v0 as HTTP shows it. The numbers in comments are those of the list of checks in the specification, section 18.

mod alert_rule;
mod auth;
mod bad_input;
mod feed;
mod http_rules;
mod ip_change;
mod logout;
mod monitor;
mod monitor_alert;
mod notification;
mod public_page;
mod register;
mod server;
mod server_admin;
mod session;
mod token;
mod view_password;

use edgewatch_harness::worker::{TestHost, Worker};
use serde_json::{Value, json};

/// Reports one sample for a host, as its agent would.
fn report(worker: &Worker, host: &TestHost, number: u64, facts: &Value) {
    let body = json!({
        "agent_version": "0.1.0", "sent_at_ms": 0, "oldest": number, "period_s": 10, "host": facts,
        "samples": [{
            "number": number, "at_ms": 0, "cpu_percent": 17.33, "mem_used_bytes": 14_013_841_408_u64, "swap_used_bytes": 0,
            "disk_used_bytes": 2_335_048_912_896_u64, "net_in_bytes": 2_710_273_234_u64, "net_out_bytes": 695_454_765,
            "net_in_bytes_per_s": 10_806, "net_out_bytes_per_s": 5_303, "uptime_s": 331_080, "load1": 5.23, "load5": 4.87,
            "load15": 3.99, "tcp_connections": 195, "udp_connections": 70, "processes": 437,
            "temperatures": [{ "name": "coretemp", "celsius": 41.5 }], "gpu_percent": 3
        }]
    });
    let bearer = format!("Bearer {}", host.secret);
    let reply = worker.post("/agent/v1/reports", &[("Authorization", &bearer)], &body.to_string());
    assert_eq!((reply.status, reply.at("/durable_up_to")), (200, json!(number)), "{}", reply.body);
}

/// The facts of a Mac, as in the published example.
fn facts() -> Value {
    json!({
        "platform": "darwin", "platform_version": "12.3.1", "arch": "arm64", "virtualization": "", "kernel": "21.4.0",
        "cpu": ["Apple M1 Pro 1 Physical Core"], "gpu": ["Apple M1 Pro"], "mem_total_bytes": 17_179_869_184_u64,
        "swap_total_bytes": 0, "disk_total_bytes": 2_473_496_842_240_u64, "booted_at_s": 1_652_683_962,
        "addresses": "198.51.100.7/2001:db8::7"
    })
}
