//! Pulse: its routes, a module per resource; and agents that poll Proxmox.

mod agents;
mod alerts;
mod collector;
mod export;
mod nodes;
mod notifications;
mod registration;
mod server;
mod updates;
