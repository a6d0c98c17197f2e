//! Pulse: its routes, a module per resource; and agents that poll Proxmox.

mod alerts;
mod collector;
mod export;
mod fleet;
mod mail;
mod nodes;
mod notifications;
mod registration;
mod server;
mod updates;
