//! All workers: as many as the edge names instances.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::thread;

use edgewatch_core::dialects::native::proxmox::{Instance, Job, LocalInstance};

use super::jobs;
use super::local::Local;
use super::outbox::Outbox;
use super::permits::Permits;
use super::ways::Roots;
use super::worker::{Around, Worker};
use crate::log;

/// So many instances are polled at most.
const MOST_INSTANCES: usize = 64;
/// Room for TLS and for reading an answer.
const STACK_BYTES: usize = 256 * 1024;

/// All instances that are polled.
pub struct Fleet {
    around: Around,
    local: Arc<Local>,
    workers: BTreeMap<String, (Instance, Worker)>,
}

impl Fleet {
    /// Nothing is polled yet.
    pub fn new(outbox: Arc<Outbox>, local: Local, roots: Roots) -> Self {
        let around =
            Around { outbox, permits: Arc::new(Permits::default()), roots, sweeping: Arc::new(Mutex::new(())) };
        Self { around, local: Arc::new(local), workers: BTreeMap::new() }
    }

    /// The instances of this machine's own file.
    pub fn local(&self) -> Vec<LocalInstance> {
        self.local.told()
    }

    /// URLs of the hosts that are polled, those that answered last.
    pub fn reached(&self) -> Vec<String> {
        let state = self.around.outbox.lock();
        let hosts = self.workers.values().map(|(instance, _)| &instance.host);
        hosts.filter(|host| state.reached.contains(*host)).cloned().collect()
    }

    /// Polls these instances and no others. One that is as it was is polled on.
    pub fn assign(&mut self, instances: Vec<Instance>) {
        let mut wanted: Vec<Instance> = instances.into_iter().filter_map(|instance| self.completed(instance)).collect();
        if wanted.len() > MOST_INSTANCES {
            log::warn(format_args!("the server names {} instances; {MOST_INSTANCES} are polled", wanted.len()));
            wanted.truncate(MOST_INSTANCES);
        }
        self.workers
            .retain(|id, (known, _)| wanted.iter().any(|instance| instance.id == *id && is_same(instance, known)));
        for instance in wanted {
            if self.workers.contains_key(&instance.id) {
                continue;
            }
            log::info(format_args!("polling {} {} at {}", instance.kind.as_str(), instance.name, instance.host));
            match Worker::start(instance.clone(), self.around.clone()) {
                Ok(worker) => drop(self.workers.insert(instance.id.clone(), (instance, worker))),
                Err(error) => log::error(format_args!("cannot start a thread: {error}")),
            }
        }
    }

    /// With the credentials of this machine's own file, where that has them.
    fn completed(&self, instance: Instance) -> Option<Instance> {
        let Some(key) = &instance.local else { return Some(instance) };
        match self.local.instance(key, &instance.id) {
            Ok(Some(own)) => Some(Instance { endpoints: instance.endpoints, ..own }),
            Ok(None) => {
                log::warn(format_args!("the server names [{key}], which is not in this agent's own file"));
                None
            }
            Err(error) => {
                log::error(format_args!("{error}"));
                None
            }
        }
    }

    /// Does a job in a thread of its own.
    pub fn work(&self, job: Job) {
        let known: Vec<Instance> = self.workers.values().map(|(instance, _)| instance.clone()).collect();
        let (local, around) = (Arc::clone(&self.local), self.around.clone());
        let thread = thread::Builder::new().name("job".to_owned()).stack_size(STACK_BYTES);
        if let Err(error) = thread.spawn(move || jobs::work(job, &known, &local, &around)) {
            log::error(format_args!("cannot start a thread: {error}"));
        }
    }
}

/// Whether two are polled alike: where else the cluster can be asked is learned on the way.
fn is_same(one: &Instance, other: &Instance) -> bool {
    let plain = |instance: &Instance| Instance { endpoints: Vec::new(), ..instance.clone() };
    plain(one) == plain(other)
}
