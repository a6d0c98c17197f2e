//! Pulse: its routes, a module per resource; and agents that poll Proxmox.

mod collector;
mod nodes;
mod server;
