//! What is seen of the instances: their whole state, put together from what is kept.

use std::collections::BTreeMap;
use std::rc::Rc;

use edgewatch_core::dialects::native::proxmox::{Backup, PbsBackup, SectionName, Snapshot, Task, known, loose};
use edgewatch_core::model::proxmox::{Health, InstanceState, PollErrorKind};
use serde::de::DeserializeOwned;

use super::hosts::Live;
use super::object::{Answer, Inner};
use crate::store::Db;

/// An instance that was not heard of for so long cannot be polled, ms: three frames.
const SILENT_MS: i64 = 190_000;

impl Inner {
    /// What is known of every instance. Lists are read from the tables once while the object is awake.
    pub(super) async fn states(&self, db: Option<&Db>) -> Answer<Vec<Rc<InstanceState>>> {
        let all = self.instances(db).await?;
        let mut states = Vec::with_capacity(all.len());
        for sealed in all.iter() {
            let Some(live) = self.live(sealed.instance.id.0, db).await? else { continue };
            let mut live = live.borrow_mut();
            let lists = match live.listed.take() {
                Some(known) => known,
                None => Rc::new(self.lists(&live)?),
            };
            let mut state = Rc::try_unwrap(lists).unwrap_or_else(|shared| InstanceState::clone(&shared));
            state.health = self.health_of(&live);
            (state.instance, state.census) = (live.instance.clone(), live.census.clone());
            state.nodes.clone_from(&live.now.nodes);
            state.guests = live.now.guests.values().cloned().collect();
            state.storages = live.now.storages(&live.census);
            state.pbs.clone_from(&live.now.pbs);
            let state = Rc::new(state);
            live.listed = Some(Rc::clone(&state));
            states.push(state);
        }
        Ok(states)
    }

    /// Whether each instance can be polled, by number.
    pub(super) async fn health(&self, db: Option<&Db>) -> Answer<BTreeMap<i64, (bool, String)>> {
        let all = self.instances(db).await?;
        let mut healths = BTreeMap::new();
        for sealed in all.iter() {
            let Some(live) = self.live(sealed.instance.id.0, db).await? else { continue };
            let health = self.health_of(&live.borrow());
            healths.insert(sealed.instance.id.0, (health.is_connected, health.error));
        }
        Ok(healths)
    }

    fn health_of(&self, live: &Live) -> Health {
        let now_ms = self.now().0;
        let is_fresh = live.now.polled_at.is_some_and(|at| now_ms.saturating_sub(at.0) <= SILENT_MS);
        let error = live.now.error.as_ref();
        Health {
            is_connected: is_fresh && error.is_none(),
            is_locked_out: error.is_some_and(|error| error.kind == PollErrorKind::Auth) && !is_fresh,
            polled_at: live.now.polled_at,
            took_ms: live.now.took_ms,
            error: error.map(|error| error.text.clone()).unwrap_or_default(),
        }
    }

    /// The lists of an instance: tasks, backups, snapshots.
    fn lists(&self, live: &Live) -> Answer<InstanceState> {
        let mut state = InstanceState {
            instance: live.instance.clone(),
            health: Health::default(),
            census: live.census.clone(),
            nodes: Vec::new(),
            guests: Vec::new(),
            storages: Vec::new(),
            pbs: None,
            tasks: Vec::new(),
            backups: Vec::new(),
            snapshots: Vec::new(),
            groups: Vec::new(),
        };
        for (name, body) in self.tables()?.sections(live.instance.id.0)? {
            match SectionName::parse(&name) {
                SectionName::Tasks { node } => {
                    state.tasks.extend(rows::<Task>(&body).into_iter().map(|row| known::task(&node, row)));
                }
                SectionName::Backups { storage, node } => {
                    let rows = rows::<Backup>(&body);
                    state.backups.push(known::backup_store(&storage, node.as_deref(), rows, &live.census));
                }
                SectionName::Snapshots { .. } => {
                    state.snapshots.extend(rows::<Snapshot>(&body).into_iter().map(known::snapshot));
                }
                SectionName::Pbs { datastore, namespace, .. } => {
                    state.groups.extend(known::groups(&datastore, &namespace, rows::<PbsBackup>(&body)));
                }
                SectionName::Census | SectionName::Other(_) => {}
            }
        }
        Ok(state)
    }
}

/// The rows of a part that can be read.
fn rows<T: DeserializeOwned>(body: &str) -> Vec<T> {
    serde_json::from_str::<loose::List<T>>(body).map(|list| list.0).unwrap_or_default()
}
