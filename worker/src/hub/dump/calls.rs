//! The calls of an object that is backed up, or that a backup is laid into.

use serde::{Deserialize, Serialize};
use worker::{Error, Response};

use super::super::HubError;
use super::super::sql::Sql;
use crate::platform::objects::{Class, Objects};
use crate::platform::payload::Payload;
use crate::store::dump::Table;

/// What begins the path of each of them.
pub const PATHS: &str = "/dump-";

/// What is asked for.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReadRequest {
    /// That of the page before.
    pub cursor: Option<String>,
}

/// Answers one. `forget`: nothing that was read of the database counts any more; it makes the tables where there are none.
///
/// # Errors
/// [`HubError`] as the functions of this module's parent.
pub fn answer(
    sql: &Sql,
    path: &str,
    body: &str,
    forget: impl Fn() -> Result<(), HubError>,
) -> Result<Response, HubError> {
    let refused = |error: Error| HubError::Refused(error.to_string());
    let unread = |error: serde_json::Error| HubError::Corrupt(error.to_string());
    match path {
        "/dump-read" => {
            let wanted: ReadRequest = serde_json::from_str(body).map_err(unread)?;
            if super::is_closed(sql).unwrap_or(false) {
                return Err(HubError::Refused("a backup is being restored here".to_owned()));
            }
            Response::from_json(&super::read(sql, wanted.cursor.as_deref())?).map_err(refused)
        }
        "/dump-close" => {
            forget()?;
            super::close(sql)?;
            Response::from_json(&0).map_err(refused)
        }
        "/dump-fill" => {
            let table: Table = serde_json::from_str(body).map_err(unread)?;
            super::fill(sql, &table)?;
            Response::from_json(&0).map_err(refused)
        }
        "/dump-count" => Response::from_json(&super::count(sql)?).map_err(refused),
        "/dump-open" => {
            super::open(sql)?;
            forget()?;
            Response::from_json(&0).map_err(refused)
        }
        _ => Response::error("no such operation", 404).map_err(refused),
    }
}

/// An object with tables of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    class: Class,
    name: String,
}

impl Place {
    /// The object of a part of a backup: `proxmox`, or `hub-0` to `hub-63`.
    pub fn of_part(part: &str) -> Option<Self> {
        if part == "proxmox" {
            return Some(Self { class: Class::Proxmox, name: part.to_owned() });
        }
        let index: u32 = part.strip_prefix("hub-")?.parse().ok()?;
        (index < 64 && part == format!("hub-{index}")).then(|| Self { class: Class::Hub, name: part.to_owned() })
    }

    /// Whether it is a shard of the hub.
    pub fn is_shard(&self) -> bool {
        self.class == Class::Hub
    }

    /// A page of it, as it is.
    ///
    /// # Errors
    /// [`HubError`] when it has no answer.
    pub async fn read(&self, objects: &Objects, cursor: Option<String>) -> Result<Payload, HubError> {
        let body =
            serde_json::to_string(&ReadRequest { cursor }).map_err(|error| HubError::Corrupt(error.to_string()))?;
        let answer = self.call(objects, "dump-read", &body).await?;
        Payload::of(answer).await.map_err(|error| HubError::Unreachable(error.to_string()))
    }

    /// Empties it and keeps everybody out.
    ///
    /// # Errors
    /// As [`Place::read`].
    pub async fn close(&self, objects: &Objects) -> Result<(), HubError> {
        self.call(objects, "dump-close", "").await.map(drop)
    }

    /// Puts rows into it, as they were read.
    ///
    /// # Errors
    /// As [`Place::read`].
    pub async fn fill(&self, objects: &Objects, table: &str) -> Result<(), HubError> {
        self.call(objects, "dump-fill", table).await.map(drop)
    }

    /// How many rows it has.
    ///
    /// # Errors
    /// As [`Place::read`].
    pub async fn count(&self, objects: &Objects) -> Result<u64, HubError> {
        let mut answer = self.call(objects, "dump-count", "").await?;
        answer.json().await.map_err(|error| HubError::Corrupt(error.to_string()))
    }

    /// Lets everybody in again.
    ///
    /// # Errors
    /// As [`Place::read`].
    pub async fn open(&self, objects: &Objects) -> Result<(), HubError> {
        self.call(objects, "dump-open", "").await.map(drop)
    }

    async fn call(&self, objects: &Objects, operation: &str, body: &str) -> Result<Response, HubError> {
        let unreached = |error: Error| HubError::Unreachable(error.to_string());
        let mut answer = objects.post(self.class, &self.name, operation, body).await.map_err(unreached)?;
        match answer.status_code() {
            200 => Ok(answer),
            503 => Err(HubError::Refused(answer.text().await.unwrap_or_default())),
            status => Err(HubError::Corrupt(format!("{operation} answered {status}"))),
        }
    }
}
