//! Starts workerd with the built Worker, speaks to it and compares goldens: what the black-box tests share.
//!
//! ```no_run
//! use edgewatch_harness::worker::Worker;
//!
//! let worker = Worker::start();                 // free port, empty migrated database, ended on drop
//! let alpha = worker.add_host("alpha");
//! let reply = worker.get(&format!("/api/v1/server/details?id={}", alpha.id));
//! assert_eq!(reply.status, 200);
//! reply.assert_golden("nezha/server_details.one_id");
//! ```
//!
//! Everything here panics with words when it cannot do what a test asks for: there is nobody else to tell.
#![expect(clippy::missing_panics_doc, reason = "a test helper that fails must fail the test; every function here may")]

pub mod access_proxy;
pub mod agent;
mod edge;
pub mod fleet;
pub mod folder;
pub mod golden;
pub mod http;
pub mod mail;
pub mod objects;
pub mod proxmox;
pub mod proxy;
pub mod receiver;
pub mod socket;
pub mod tls;
pub mod viewer;
pub mod wait;
pub mod worker;
