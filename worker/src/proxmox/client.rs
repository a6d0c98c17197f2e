//! How the Worker reaches the object.

use std::collections::BTreeMap;

use worker::{Headers, Response};

use super::wire::{COLLECTOR_HEADER, CollectorWire, JobReply, JobRequest, ShowRequest};
use crate::hub::HubError;
use crate::platform::objects::{Class, Objects};
use crate::platform::payload::Payload;

/// The one object.
const NAME: &str = "proxmox";

fn unreachable(error: &worker::Error) -> HubError {
    HubError::Unreachable(error.to_string())
}

/// Opens the socket of an agent that polls: its upgrade's `headers` without any of its own words on who it is, and who it was found to
/// be. Gives the object's answer: 101 with a socket, or 401.
///
/// # Errors
/// [`HubError::Unreachable`] when the object cannot be asked; so for all that follow.
pub async fn connect(objects: &Objects, headers: Headers, collector: &CollectorWire) -> Result<Response, HubError> {
    let identity = serde_json::to_string(collector).map_err(|error| HubError::Corrupt(error.to_string()))?;
    headers.set(COLLECTOR_HEADER, &identity).map_err(|error| unreachable(&error))?;
    objects.connect(Class::Proxmox, NAME, "connect", headers).await.map_err(|error| unreachable(&error))
}

/// Instances, or how they are to be polled, are others than they were: agents are told.
///
/// # Errors
/// As [`connect`].
pub async fn changed(objects: &Objects) -> Result<(), HubError> {
    post(objects, "changed", "").await.map(drop)
}

/// Alerts of thresholds are others than they were, as D1 has them: the state is to have them so.
///
/// # Errors
/// As [`connect`].
pub async fn alerts_changed(objects: &Objects) -> Result<(), HubError> {
    post(objects, "alerts", "").await.map(drop)
}

/// Has an agent do something, and waits for what comes of it.
///
/// # Errors
/// As [`connect`].
pub async fn job(objects: &Objects, job: &JobRequest) -> Result<JobReply, HubError> {
    let body = serde_json::to_string(job).map_err(|error| HubError::Corrupt(error.to_string()))?;
    let mut answer = post(objects, "job", &body).await?;
    answer.json().await.map_err(|error| HubError::Corrupt(error.to_string()))
}

/// Something of what is polled, as programs for Pulse are told it; `None` when there is no such thing.
///
/// # Errors
/// As [`connect`].
pub async fn show(objects: &Objects, wanted: &ShowRequest) -> Result<Option<Payload>, HubError> {
    let body = serde_json::to_string(wanted).map_err(|error| HubError::Corrupt(error.to_string()))?;
    let mut answer = objects.post(Class::Proxmox, NAME, "show", &body).await.map_err(|error| unreachable(&error))?;
    match answer.status_code() {
        200 => Payload::of(answer).await.map(Some).map_err(|error| unreachable(&error)),
        404 => Ok(None),
        503 => Err(HubError::Refused(answer.text().await.unwrap_or_default())),
        status => Err(HubError::Corrupt(format!("show answered {status}"))),
    }
}

/// Whether each instance can be polled, by number, and why not.
///
/// # Errors
/// As [`connect`].
pub async fn health(objects: &Objects) -> Result<BTreeMap<i64, (bool, String)>, HubError> {
    let mut answer = post(objects, "health", "").await?;
    answer.json().await.map_err(|error| HubError::Corrupt(error.to_string()))
}

async fn post(objects: &Objects, operation: &str, body: &str) -> Result<Response, HubError> {
    let mut answer = objects.post(Class::Proxmox, NAME, operation, body).await.map_err(|error| unreachable(&error))?;
    match answer.status_code() {
        200 | 204 => Ok(answer),
        503 => Err(HubError::Refused(answer.text().await.unwrap_or_default())),
        status => Err(HubError::Corrupt(format!("{operation} answered {status}"))),
    }
}
