//! Pulse: its routes, a module per resource; and agents that poll Proxmox.

mod alerts;
mod collector;
mod defects;
mod delivered;
mod export;
mod fleet;
mod mail;
mod nodes;
mod notifications;
mod raised;
mod registration;
mod rest;
mod scripts;
mod server;
mod updates;
