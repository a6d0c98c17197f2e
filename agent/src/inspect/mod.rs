//! The stock openITCOCKPIT agent's result document of this machine, group by group.
//!
//! Every group fails alone, into its error; a cycle has a time limit, and whatever may hang (file systems, daemons, drivers) one of its
//! own. Other platforms' groups, and `libvirt`, which no stock package has either, are never there.

mod accounts;
mod bus;
mod clock;
mod disk_io;
mod disks;
mod docker;
mod fault;
mod memory;
mod network;
mod patience;
mod processes;
mod processors;
mod rates;
mod sensors;
mod units;
mod users;
