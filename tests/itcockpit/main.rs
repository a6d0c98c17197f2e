//! The agent in the role of an openITCOCKPIT agent: its server, Auto-TLS, pushed configurations, custom checks, exporters and push client.
//!
//! The stock program cannot be had here: what asks and what answers is built from the tables of the openitcockpit specification, whose
//! section 16 these tests follow. Our own Worker is the real one.

mod agent;
mod authority;
mod autotls;
mod checks;
mod config;
mod document;
mod exporters;
mod push;
mod routes;
mod server;
mod unit;
mod wire;
mod worker;
