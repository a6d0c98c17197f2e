//! Pulse: its routes, a module per resource; its sockets; and agents that poll Proxmox.

mod agents;
mod alerted;
mod alerts;
mod collector;
mod defects;
mod delivered;
mod export;
mod fleet;
mod listener;
mod mail;
mod nodes;
mod notifications;
mod raised;
mod registration;
mod rest;
mod scripts;
mod server;
mod sockets;
mod stock;
mod updates;
