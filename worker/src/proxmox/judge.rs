//! Polls of resources go to the hub, which judges them by the thresholds that people set.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use edgewatch_core::dialects::native::proxmox::Frame;
use edgewatch_core::dialects::native::proxmox::known::Now;
use edgewatch_core::domain::alerting::thresholds::is_of_interest;
use edgewatch_core::model::AlertConfig;
use edgewatch_core::model::proxmox::{PollError, PollErrorKind};
use edgewatch_core::units::UnixMillis;

use super::hosts::Live;
use super::judged::{Judged, Numbers, Restless, World};
use super::object::{Answer, Inner};
use crate::hub::HubError;
use crate::hub::thresholds::wire::{PollsRequest, ResourceWire};
use crate::platform::log;
use crate::store::{Db, thresholds};

/// The key of the thresholds, as one text.
const THRESHOLDS: &str = "thresholds";
/// An agent that said nothing for so long is silent, ms: three frames.
const SILENT_MS: i64 = 190_000;
/// Who looked so lately was here all the time, ms.
const LOOKED_MS: i64 = 130_000;
/// A silence is looked at for no longer, ms: by then it is an alert.
const LOOKED_FOR_MS: i64 = 1_200_000;
/// So many resources go to a shard at a time.
const AT_ONCE: usize = 300;

fn numbers_key(id: i64) -> String {
    format!("numbers:{id}")
}

fn restless_key(id: i64) -> String {
    format!("restless:{id}")
}

fn looked_key(id: i64) -> String {
    format!("looked:{id}")
}

impl Inner {
    /// The thresholds, as D1 had them when it was asked last.
    async fn thresholds(&self, db: Option<&Db>) -> Answer<AlertConfig> {
        if let Some(known) = self.tables()?.meta(THRESHOLDS)?.and_then(|text| thresholds::decode(&text).ok()) {
            return Ok(known);
        }
        self.read_thresholds(db).await
    }

    /// The thresholds, as D1 has them now: 1 row written.
    pub(super) async fn read_thresholds(&self, db: Option<&Db>) -> Answer<AlertConfig> {
        let Some(db) = db else { return Err(HubError::Refused("no database".to_owned())) };
        let known = thresholds::without_rest(thresholds::find(db).await?);
        self.tables()?.put_meta(THRESHOLDS, &thresholds::encode(&known)?)?;
        Ok(known)
    }

    /// Has the polls of a frame judged.
    pub(super) async fn judge_frame(
        &self,
        id: i64,
        live: &Rc<RefCell<Live>>,
        frame: Frame,
        db: Option<&Db>,
    ) -> Answer<()> {
        let mut polls = Vec::new();
        {
            let mut now = live.borrow().now.clone();
            now.take_frame(frame, |now, at_ms| polls.push((now.clone(), UnixMillis(at_ms))));
        }
        self.judge(id, live, polls, db).await
    }

    async fn judge(
        &self,
        id: i64,
        live: &Rc<RefCell<Live>>,
        polls: Vec<(Now, UnixMillis)>,
        db: Option<&Db>,
    ) -> Answer<()> {
        let config = self.thresholds(db).await?;
        if !config.is_enabled {
            return Ok(());
        }
        let tables = self.tables()?;
        let numbers: Option<Numbers> = tables.meta(&numbers_key(id))?.and_then(|text| serde_json::from_str(&text).ok());
        let mut numbers = numbers.unwrap_or_default();
        let restless: Option<Restless> =
            tables.meta(&restless_key(id))?.and_then(|text| serde_json::from_str(&text).ok());
        let restless = restless.unwrap_or_default();
        let mut judged = Judged::new();
        let mut is_news = false;
        {
            let lives = self.live.borrow();
            let live = live.borrow();
            let is_first = |name: &str| {
                let mut earlier = lives.iter().take_while(|(other, _)| **other != id);
                !earlier.any(|(_, other)| {
                    other.try_borrow().is_ok_and(|other| {
                        other.census.storages.iter().any(|facts| facts.is_shared && facts.name == name)
                    })
                })
            };
            let world =
                World { instance: &live.instance, census: &live.census, parts: &live.parts, is_first: &is_first };
            for (now, at) in &polls {
                is_news |= world.add(now, *at, &mut numbers, &mut judged);
            }
        }
        if is_news {
            let text = serde_json::to_string(&numbers).map_err(|error| HubError::Corrupt(error.to_string()))?;
            tables.put_meta(&numbers_key(id), &text)?;
        }
        let mut by_shard: BTreeMap<u32, Vec<ResourceWire>> = BTreeMap::new();
        for ((host, number), (resource, polls)) in judged {
            let is_wanted = restless.contains(&(host.0, number))
                || polls.iter().any(|poll| is_of_interest(&config, &resource, poll));
            if is_wanted {
                let wire = ResourceWire::of(host, resource, None, &polls);
                by_shard.entry(self.hub.shard_of(host)).or_default().push(wire);
            }
        }
        let mut still = Restless::new();
        for (shard, mut resources) in by_shard {
            while !resources.is_empty() {
                let rest = resources.split_off(resources.len().min(AT_ONCE));
                let reply = self.hub.polls(shard, &PollsRequest { resources }).await?;
                still.extend(reply.restless);
                resources = rest;
            }
        }
        if still != restless {
            let text = serde_json::to_string(&still).map_err(|error| HubError::Corrupt(error.to_string()))?;
            tables.put_meta(&restless_key(id), &text)?;
        }
        Ok(())
    }

    /// Looks whether an agent is silent that polled an instance: its nodes are gone then, as long as somebody was here to hear it. Gives
    /// whether that is to be looked at again.
    pub(super) async fn look_for_silence(&self, id: i64, db: Option<&Db>) -> bool {
        let looked = async {
            let Some(live) = self.live(id, db).await? else { return Ok(false) };
            let now = self.now();
            let Some(heard) = live.borrow().now.polled_at else { return Ok::<bool, HubError>(false) };
            let silent_ms = now.0.saturating_sub(heard.0);
            let is_polled = self.sockets().iter().any(|(_, seat)| seat.instances.contains(&id));
            if is_polled || silent_ms <= SILENT_MS {
                return Ok(silent_ms <= SILENT_MS);
            }
            if silent_ms > LOOKED_FOR_MS {
                return Ok(false);
            }
            let tables = self.tables()?;
            let looked_ms = tables.meta(&looked_key(id))?.and_then(|text| text.parse::<i64>().ok());
            tables.put_meta(&looked_key(id), &now.0.to_string())?;
            if looked_ms.is_some_and(|at_ms| now.0.saturating_sub(at_ms) <= LOOKED_MS) {
                let error = PollError { kind: PollErrorKind::Unreachable, text: "its agent is silent".to_owned() };
                let mut silent = live.borrow().now.clone();
                silent.error = Some(error);
                self.judge(id, &live, vec![(silent, now)], db).await?;
            }
            Ok(true)
        };
        looked.await.unwrap_or_else(|error| {
            log::error("proxmox.silence", &error.to_string());
            true
        })
    }
}
