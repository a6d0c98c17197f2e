//! How the Worker reaches the gate.

use edgewatch_core::failure::Failure;
use serde::{Deserialize, Serialize};
use worker::Response;

use super::GateError;
use super::limits::Ask;
use crate::platform::objects::{Class, Objects};
use crate::platform::payload::Payload;

/// The one object.
const NAME: &str = "gate";

/// A password that somebody tries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Try {
    /// What it shall open, in a form that no two accounts share; also for accounts that there are not.
    pub account: String,
    /// The network it is tried from.
    pub network: String,
    /// The password.
    pub password: String,
    /// The right one as it is stored; `None` where there is none.
    pub stored: Option<String>,
}

/// How a try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is the right password.
    Right,
    /// It is not.
    Wrong,
    /// It was not tried: the next try is taken in so many seconds.
    Wait(u32),
}

/// How a try ended, and what it cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// How it ended.
    pub verdict: Verdict,
    /// Rows that the object read of its own.
    pub rows_read: u64,
    /// Rows that it wrote: 7 at most beside what it forgets, and none for a try that has to wait.
    pub rows_written: u64,
}

/// Tries a password. One object request.
///
/// # Errors
/// [`GateError`] when the object cannot be asked or refuses; then the try counts for nothing.
pub async fn attempt(objects: &Objects, wanted: &Try) -> Result<Answer, GateError> {
    let body = serde_json::to_string(wanted).map_err(|error| GateError::Unreachable(error.to_string()))?;
    let mut answer = objects.post(Class::Gate, NAME, "try", &body).await?;
    match answer.status_code() {
        200 => Ok(answer.json().await?),
        status => Err(GateError::Refused(status)),
    }
}

/// A password as it is to be stored.
///
/// # Errors
/// As [`attempt`].
pub async fn hash(objects: &Objects, password: &str) -> Result<String, GateError> {
    let mut answer = objects.post(Class::Gate, NAME, "hash", password).await?;
    match answer.status_code() {
        200 => Ok(answer.text().await?),
        status => Err(GateError::Refused(status)),
    }
}

/// Counts a request of what is limited. `Some` seconds when it is one too many: it does not count, and the next one is let in then.
///
/// # Errors
/// As [`attempt`].
pub async fn ask(objects: &Objects, ask: &Ask) -> Result<Option<u32>, GateError> {
    let body = serde_json::to_string(ask).map_err(|error| GateError::Unreachable(error.to_string()))?;
    let mut answer = objects.post(Class::Gate, NAME, "ask", &body).await?;
    match answer.status_code() {
        200 => Ok(answer.json().await?),
        status => Err(GateError::Refused(status)),
    }
}

/// A key that shall be derived of a passphrase.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Derivation {
    /// What people know.
    pub passphrase: String,
    /// Beside it.
    pub salt: Vec<u8>,
    /// How often.
    pub iterations: u32,
}

/// The key: PBKDF2 with HMAC-SHA-256, 32 bytes.
///
/// # Errors
/// As [`attempt`].
pub async fn derive(objects: &Objects, wanted: &Derivation) -> Result<[u8; 32], GateError> {
    let body = serde_json::to_string(wanted).map_err(|error| GateError::Unreachable(error.to_string()))?;
    let mut answer = objects.post(Class::Gate, NAME, "derive", &body).await?;
    match answer.status_code() {
        200 => Ok(answer.json().await?),
        status => Err(GateError::Refused(status)),
    }
}

/// Reads a page of D1, by the cursor of the one before: more computing than a request may take.
///
/// # Errors
/// [`Failure::Unavailable`] when the object does not answer; [`Failure::Conflict`] with the words of what the database says.
pub async fn dump(objects: &Objects, cursor: Option<String>) -> Result<Payload, Failure> {
    let body = serde_json::to_string(&cursor).map_err(|error| Failure::Internal(error.to_string()))?;
    let answer = told(objects.post(Class::Gate, NAME, "dump", &body).await).await?;
    Ok(Payload::of(answer).await.map_err(GateError::from)?)
}

/// Restores rows of a table of D1, as [`dump`] writes one, under a number of their own.
///
/// # Errors
/// As [`dump`]; [`Failure::Malformed`] for what is no table.
pub async fn fill(objects: &Objects, seq: u64, table: &str) -> Result<(), Failure> {
    told(objects.post(Class::Gate, NAME, &format!("fill/{seq}"), table).await).await.map(drop)
}

async fn told(answer: worker::Result<Response>) -> Result<Response, Failure> {
    let mut answer = answer.map_err(GateError::from)?;
    match answer.status_code() {
        200 => Ok(answer),
        400 => Err(Failure::Malformed { detail: answer.text().await.unwrap_or_default() }),
        503 => Err(Failure::Conflict { detail: answer.text().await.unwrap_or_default() }),
        status => Err(GateError::Refused(status).into()),
    }
}
