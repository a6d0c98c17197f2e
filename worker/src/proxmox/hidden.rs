//! Which parts guests are told nothing of. The operator says it of hosts; the object keeps it of their parts.

use edgewatch_core::model::HostId;

use super::object::{Answer, Inner};
use crate::hub::HubError;
use crate::store::Db;
use crate::store::proxmox::hosts as store;

impl Inner {
    /// Hosts were edited: reads whether guests are told of them. `text` is a JSON list of their numbers.
    pub(super) async fn reread(&self, text: &str, db: Option<&Db>) -> Answer<()> {
        let ids: Vec<i64> = serde_json::from_str(text).map_err(|error| HubError::Corrupt(error.to_string()))?;
        let Some(db) = db else { return Err(HubError::Refused("no database".to_owned())) };
        let hosts: Vec<HostId> = ids.into_iter().map(HostId).collect();
        for part in store::find(db, &hosts).await? {
            let Some(live) = self.live(part.instance, Some(db)).await? else { continue };
            let mut live = live.borrow_mut();
            if let Some(known) = live.parts.0.get_mut(&part.key) {
                known.hidden = part.is_hidden;
            }
            self.keep_parts(part.instance, &live.parts)?;
        }
        Ok(())
    }
}
