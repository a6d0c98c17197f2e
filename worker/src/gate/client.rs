//! How the Worker reaches the gate.

use edgewatch_core::failure::Failure;
use serde::{Deserialize, Serialize};

use super::GateError;
use super::limits::Ask;
use crate::platform::objects::{Class, Objects};
use crate::platform::payload::Payload;
use crate::store::dump::{self, Table};
use crate::store::{Db, StoreError};

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

/// What is to be done with D1 as a whole: it takes more computing than a request may.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dump {
    /// A page is to be read, by the cursor of the one before.
    Read(Option<String>),
    /// Rows are to be restored, under a number of their own.
    Fill(u64, Table),
}

impl Dump {
    /// Does it; gives the page as JSON, or nothing.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer, or takes no such rows.
    pub async fn run(&self, db: &Db) -> Result<String, StoreError> {
        match self {
            Self::Read(cursor) => {
                let page = dump::read(db, cursor.as_deref()).await?;
                serde_json::to_string(&page).map_err(|error| StoreError::Corrupt(error.to_string()))
            }
            Self::Fill(seq, table) => dump::fill(db, *seq, table).await.map(|()| String::new()),
        }
    }
}

/// Reads a page of D1, or takes rows in.
///
/// # Errors
/// [`Failure::Unavailable`] when the object or the database does not answer; [`Failure::Conflict`] with the words of what it refuses.
pub async fn dump(objects: &Objects, wanted: &Dump) -> Result<Payload, Failure> {
    let body = serde_json::to_string(wanted).map_err(|error| Failure::Internal(error.to_string()))?;
    let mut answer = objects.post(Class::Gate, NAME, "dump", &body).await.map_err(GateError::from)?;
    match answer.status_code() {
        200 => Ok(Payload::of(answer).await.map_err(GateError::from)?),
        503 => Err(Failure::Conflict { detail: answer.text().await.unwrap_or_default() }),
        status => Err(GateError::Refused(status).into()),
    }
}
