//! Pulse: its routes, a module per resource; its sockets; and agents that poll Proxmox.

mod alerted;
mod alerts;
mod collector;
mod export;
mod listener;
mod nodes;
mod notifications;
mod registration;
mod server;
mod sockets;
mod updates;
