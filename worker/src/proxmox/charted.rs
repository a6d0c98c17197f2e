//! Charts of instances: polls that are kept, and before those what the hub has.

use std::collections::BTreeMap;
use std::rc::Rc;

use edgewatch_core::dialects::pulse::{ChartPoint, ChartRange, Charts, Series, StorageCharts, StoragePoint, Written};
use edgewatch_core::model::proxmox::{GuestNow, InstanceState, Space, StorageIds, Used, node_id};
use edgewatch_core::model::{HostId, SeriesQuery};
use edgewatch_core::units::UnixMillis;

use super::collectors::mark_key;
use super::hosts::frame_of;
use super::minutes::Mark;
use super::object::{Answer, Inner};
use super::tracks::{Told, Tracks, Wanted};
use crate::platform::log;

/// A series has no more points of the hub.
const MOST_POINTS: u32 = 400;
/// Of a longer time polls are not drawn one by one, seconds.
const FINE_S: i64 = 3_600;
/// Polls that begin so late are not all there are of a time, ms.
const LATE_MS: i64 = 120_000;

impl Inner {
    /// `GET /api/charts`.
    pub(super) async fn charts(&self, range: &str, for_guests: bool) -> Answer<Written> {
        let (range, now) = (ChartRange::parse(range), self.now());
        let tracks = self.tracks(range.seconds(), true).await?;
        Ok(self.with_shown(for_guests, |states, _| {
            let count = states.iter().map(|state| state.guests.len() * 7 + state.nodes.len() * 3).sum();
            let mut charts = Charts::new(range, count, now);
            let (ids, none) = (StorageIds::of(states), Tracks::default());
            for (place, state) in states.iter().enumerate().filter(|(_, state)| !state.health.is_locked_out) {
                let own = tracks.get(&state.instance.id.0).unwrap_or(&none);
                for guest in &state.guests {
                    add_guest(&mut charts, state, guest, own);
                }
                for node in &state.nodes {
                    let mut points = points_of(own.nodes.get(&node.name));
                    let [cpu, memory, disk] = &mut points;
                    let series = [
                        Series { now: node.cpu * 100.0, points: cpu },
                        Series { now: node.memory.percent(), points: memory },
                        Series { now: node.disk.percent(), points: disk },
                    ];
                    charts.node(&node_id(&state.instance.name, &node.name), series);
                }
                for storage in &state.storages {
                    let key = (storage.name.clone(), storage.node.clone());
                    let points = storage_points(own.storages.get(&key), storage.space).into_iter();
                    let usage = |point: StoragePoint| ChartPoint {
                        at: point.at,
                        value: if point.total > 0.0 { point.used / point.total * 100.0 } else { 0.0 },
                    };
                    let series = Series { now: storage.space.percent(), points: &mut points.map(usage) };
                    charts.storage(&state.storage_id(&ids, place, storage), series);
                }
            }
            charts.finish()
        }))
    }

    /// `GET /api/storage-charts`.
    pub(super) async fn storage_charts(&self, minutes: u32, for_guests: bool) -> Answer<Written> {
        let now = self.now();
        let tracks = self.tracks(i64::from(minutes).saturating_mul(60), false).await?;
        Ok(self.with_shown(for_guests, |states, _| {
            let count = states.iter().map(|state| state.storages.len()).sum();
            let mut charts = StorageCharts::new(minutes, count, now);
            let ids = StorageIds::of(states);
            for (place, state) in states.iter().enumerate().filter(|(_, state)| !state.health.is_locked_out) {
                for storage in &state.storages {
                    let key = (storage.name.clone(), storage.node.clone());
                    let own = tracks.get(&state.instance.id.0).and_then(|tracks| tracks.storages.get(&key));
                    let space = storage.space;
                    let (used, total, avail) = (float(space.used), float(space.total), float(space.free));
                    let here = StoragePoint { at: now, used, total, avail };
                    let points = storage_points(own, space).into_iter();
                    charts.storage(&state.storage_id(&ids, place, storage), here, points);
                }
            }
            charts.finish()
        }))
    }

    /// The series of every instance of so many seconds.
    async fn tracks(&self, range_s: i64, with_guests: bool) -> Answer<BTreeMap<i64, Tracks>> {
        let ids: Vec<i64> = self.live.borrow().keys().copied().collect();
        let now = self.now();
        let after_ms = now.0.saturating_sub(range_s.saturating_mul(1000));
        let mut all = BTreeMap::new();
        for id in ids {
            let Some(live) = self.live.borrow().get(&id).map(Rc::clone) else { continue };
            let tables = self.tables()?;
            let mark = Mark::parse(&tables.meta(&mark_key(id))?.unwrap_or_default());
            let from_ms = if range_s <= FINE_S { after_ms } else { mark.before_ms.max(after_ms) };
            let mut tracks = Tracks::default();
            let mut first_ms = i64::MAX;
            for stored in tables.frames_since(id, from_ms)? {
                let Some(frame) = frame_of(&stored.body) else { continue };
                first_ms = first_ms.min(frame.polls.first().map_or(i64::MAX, |poll| poll.at_ms));
                tracks.add_frame(frame, &live.borrow().census, from_ms);
            }
            if first_ms > after_ms.saturating_add(LATE_MS) {
                let wanted = {
                    let live = live.borrow();
                    Tracks::wanted(&live.now, &live.census, &live.parts, with_guests)
                };
                let told = self.told_by_hub(wanted, after_ms, now).await;
                let live = live.borrow();
                tracks.add_told(told, &live.now, &live.census, &live.parts);
            }
            all.insert(id, tracks);
        }
        Ok(all)
    }

    /// What the hub has of these; where it does not answer there is nothing.
    async fn told_by_hub(&self, wanted: BTreeMap<HostId, Wanted>, after_ms: i64, now: UnixMillis) -> Vec<Told> {
        let mut told = Vec::new();
        for (host, wanted) in wanted {
            let query = SeriesQuery {
                hosts: vec![host],
                metrics: wanted.metrics,
                from: UnixMillis(after_ms).seconds(),
                to: now.seconds().plus(1),
                points: MOST_POINTS,
            };
            match self.hub.series(&query).await {
                Ok(answer) => {
                    let series = answer.series.iter().filter_map(|(_, text)| serde_json::from_str::<Told>(text).ok());
                    told.extend(series);
                }
                Err(error) => log::error("proxmox.charts", &error.to_string()),
            }
        }
        told
    }
}

#[expect(clippy::cast_precision_loss, reason = "drawn, not counted")]
const fn float(value: u64) -> f64 {
    value as f64
}

fn points_of<const N: usize>(series: Option<&[Vec<ChartPoint>; N]>) -> [std::vec::IntoIter<ChartPoint>; N] {
    let own = |place: usize| series.and_then(|series| series.get(place)).cloned().unwrap_or_default().into_iter();
    std::array::from_fn(own)
}

/// What was used of a storage. What may be written is less than what is not used, by what its file system keeps back: as much as now.
fn storage_points(series: Option<&[Vec<ChartPoint>; 2]>, now: Space) -> Vec<StoragePoint> {
    let Some([used, total]) = series else { return Vec::new() };
    let kept_back = float(now.total.saturating_sub(now.used).saturating_sub(now.free));
    let totals: BTreeMap<i64, f64> = total.iter().map(|point| (point.at.0, point.value)).collect();
    let point = |used: &ChartPoint| {
        let total = totals.get(&used.at.0).copied()?;
        Some(StoragePoint { at: used.at, used: used.value, total, avail: (total - used.value - kept_back).max(0.0) })
    };
    used.iter().filter_map(point).collect()
}

fn add_guest(charts: &mut Charts, state: &InstanceState, guest: &GuestNow, own: &Tracks) {
    let rate = |rate: i64| float(u64::try_from(rate).unwrap_or(0));
    let disk = Used { used: guest.disk_used.unwrap_or(0), total: guest.disk_total };
    let rates = &guest.rates;
    let mut points = points_of(own.guests.get(&guest.vmid));
    let [cpu, memory, disks, disk_read, disk_write, net_in, net_out] = &mut points;
    let series = [
        Series { now: guest.cpu * 100.0, points: cpu },
        Series { now: guest.memory.percent(), points: memory },
        Series { now: disk.percent(), points: disks },
        Series { now: rate(rates.disk_read), points: disk_read },
        Series { now: rate(rates.disk_write), points: disk_write },
        Series { now: rate(rates.net_in), points: net_in },
        Series { now: rate(rates.net_out), points: net_out },
    ];
    charts.guest(&state.guest_id(guest), series);
}
