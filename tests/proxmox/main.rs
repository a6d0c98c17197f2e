//! The real agent as a collector, between a Proxmox and an edge that stand in for real ones.

mod faults;
mod jobs;
mod pbs;
mod pve;
mod scale;
mod socket;
mod ways;

use std::path::PathBuf;
use std::time::Duration;

use edgewatch_core::dialects::native::proxmox::{Frame, GuestNow, Hidden, Instance, InstanceKind, Poll};
use edgewatch_harness::agent::{Agent, full_binary};
use edgewatch_harness::proxmox::edge::StandInEdge;
use edgewatch_harness::proxmox::{FakeProxmox, TOKEN_NAME, TOKEN_SECRET};
use edgewatch_harness::wait::wait_until;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
const SECRET: &str = "Yejw9jNvi4GJhxTMZg";

/// An agent that collects for an edge, in a folder of its own.
struct Bench {
    edge: StandInEdge,
    agent: Option<Agent>,
    folder: PathBuf,
}

impl Bench {
    /// An agent that polls these every second.
    fn start(name: &str, instances: Vec<Instance>) -> Self {
        Self::start_with(name, StandInEdge::start(instances, 1), &[])
    }

    fn start_with(name: &str, edge: StandInEdge, environment: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("edgewatch-proxmox-test-{}-{name}", std::process::id()));
        let mut bench = Self { edge, agent: None, folder };
        bench.start_agent(environment);
        bench
    }

    fn start_agent(&mut self, environment: &[(&str, &str)]) {
        let mut all = vec![("EDGEWATCH_PROXMOX", "on"), ("EDGEWATCH_LOG_LEVEL", "debug")];
        all.extend_from_slice(environment);
        self.agent = Some(Agent::start_at(&full_binary(), &self.edge.url(), SECRET, &self.folder, &all));
    }

    fn stop_agent(&mut self) {
        assert!(self.agent.take().expect("there is an agent").stop().success());
    }

    fn pid(&self) -> u32 {
        self.agent.as_ref().expect("there is an agent").pid()
    }

    fn log(&self) -> String {
        self.agent.as_ref().expect("there is an agent").log()
    }

    /// The polls of an instance so far, in order.
    fn polls(&self, instance: &str) -> Vec<Poll> {
        self.edge.know(|known| known.frames_of(instance)).into_iter().flat_map(|frame: Frame| frame.polls).collect()
    }

    /// Waits for a poll that is so.
    fn poll(&self, instance: &str, what: &str, is_it: impl Fn(&Poll) -> bool) -> Poll {
        wait_until(what, PATIENCE, || self.polls(instance).into_iter().find(|poll| is_it(poll)))
    }

    /// Has every poll sent at once.
    fn watch(&self) {
        use edgewatch_core::dialects::native::proxmox::{FromEdge, Watch};
        self.edge.say(&FromEdge::Watch(Watch { for_s: 600 }));
    }

    /// Waits for a section and gives its rows.
    fn rows(&self, instance: &str, name: &str) -> Vec<serde_json::Value> {
        wait_until(name, PATIENCE, || self.edge.know(|known| known.rows(instance, name).map(<[_]>::to_vec)))
    }

    /// Waits for the names of all sections.
    fn names(&self, instance: &str) -> Vec<String> {
        wait_until("the sections' names", PATIENCE, || self.edge.know(|known| known.names.get(instance).cloned()))
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.agent = None;
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// An instance with the token that the fake knows.
fn instance(id: &str, kind: InstanceKind, fake: &FakeProxmox) -> Instance {
    Instance {
        id: id.to_owned(),
        kind,
        name: id.to_owned(),
        host: fake.url(),
        token_name: Some(TOKEN_NAME.to_owned()),
        token_value: Some(Hidden(TOKEN_SECRET.to_owned())),
        ..Instance::default()
    }
}

fn guest(poll: &Poll, vmid: u64) -> GuestNow {
    let found = poll.guests.iter().find(|guest| guest.vmid == vmid);
    found.unwrap_or_else(|| panic!("guest {vmid} is not in {:?}", poll.guests)).clone()
}
