//! The Durable Object that tries passwords: its tables, and the calls of the Worker. Between reading a tally and writing it
//! nothing is awaited; the slow hash comes after.

use std::cell::Cell;

use edgewatch_core::domain::attempts::Tally;
use edgewatch_core::failure::Failure;
use edgewatch_core::units::UnixSeconds;
use worker::{
    DurableObject, Env, Error, Method, Request, Response, Result, SqlStorage, SqlStorageValue, State, WebSocket,
    WebSocketIncomingMessage, durable_object,
};

use super::client::{Answer, Derivation, Try, Verdict};
use super::limits::{self, Ask};
use super::tries::{self, Rows};
use crate::platform::{clock, config, log, passphrase, password};
use crate::store::Db;
use crate::store::dump::{self, Table};

const CREATE: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS tallies (key TEXT NOT NULL PRIMARY KEY, count INTEGER NOT NULL, last_s INTEGER NOT NULL) \
     STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS familiar (pair TEXT NOT NULL PRIMARY KEY, at_s INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    // The times, in milliseconds with blanks between them, at which somebody was let in.
    "CREATE TABLE IF NOT EXISTS asked (key TEXT NOT NULL PRIMARY KEY, last_s INTEGER NOT NULL, times TEXT NOT NULL) \
     STRICT, WITHOUT ROWID",
];
const FIND_TALLY: &str = "SELECT count, last_s FROM tallies WHERE key = ?";
const PUT_TALLY: &str = "INSERT INTO tallies (key, count, last_s) VALUES (?, ?, ?) \
     ON CONFLICT (key) DO UPDATE SET count = excluded.count, last_s = excluded.last_s";
const FORGET_TALLIES: &str = "DELETE FROM tallies WHERE last_s <= ?";
const FIND_FAMILIAR: &str = "SELECT at_s FROM familiar WHERE pair = ?";
const PUT_FAMILIAR: &str =
    "INSERT INTO familiar (pair, at_s) VALUES (?, ?) ON CONFLICT (pair) DO UPDATE SET at_s = excluded.at_s";
const FORGET_FAMILIAR: &str = "DELETE FROM familiar WHERE at_s <= ?";
const FIND_ASKED: &str = "SELECT times FROM asked WHERE key = ?";
const PUT_ASKED: &str = "INSERT INTO asked (key, last_s, times) VALUES (?, ?, ?) \
     ON CONFLICT (key) DO UPDATE SET last_s = excluded.last_s, times = excluded.times";
const FORGET_ASKED: &str = "DELETE FROM asked WHERE last_s < ?";

/// The object.
#[durable_object]
pub struct Gate {
    env: Env,
    sql: SqlStorage,
}

/// The tables, in the object's own database, and the rows that one call read and wrote there.
struct Stored<'a> {
    sql: &'a SqlStorage,
    read: Cell<u64>,
    written: Cell<u64>,
}

impl DurableObject for Gate {
    fn new(state: State, env: Env) -> Self {
        let sql = state.storage().sql();
        for statement in CREATE {
            if let Err(error) = sql.exec(statement, None) {
                // Every call will say so too.
                log::error("gate.tables", &error.to_string());
            }
        }
        Self { env, sql }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let path = request.path();
        match (request.method(), path.as_str()) {
            (Method::Post, "/try") => match serde_json::from_str::<Try>(&request.text().await?) {
                Ok(wanted) => Response::from_json(&self.attempt(&wanted).await?),
                Err(error) => Response::error(format!("no try: {error}"), 400),
            },
            (Method::Post, "/ask") => match serde_json::from_str::<Ask>(&request.text().await?) {
                Ok(ask) => Response::from_json(&self.ask(&ask)?),
                Err(error) => Response::error(format!("nothing asked: {error}"), 400),
            },
            (Method::Post, "/derive") => match serde_json::from_str::<Derivation>(&request.text().await?) {
                Ok(wanted) => Response::from_json(
                    &passphrase::derive(&wanted.passphrase, &wanted.salt, wanted.iterations).await.map_err(broken)?,
                ),
                Err(error) => Response::error(format!("nothing to derive: {error}"), 400),
            },
            (Method::Post, "/dump") => match serde_json::from_str::<Option<String>>(&request.text().await?) {
                Ok(cursor) => match dump::read(&self.database()?, cursor.as_deref()).await {
                    Ok(page) => Response::from_json(&page),
                    Err(error) => Response::error(error.to_string(), 503),
                },
                Err(error) => Response::error(format!("no cursor: {error}"), 400),
            },
            (Method::Post, path) if path.starts_with("/fill/") => {
                let seq = path.rsplit('/').next().and_then(|seq| seq.parse().ok()).unwrap_or_default();
                match serde_json::from_str::<Table>(&request.text().await?) {
                    Ok(table) => match dump::fill(&self.database()?, seq, &table).await {
                        Ok(()) => Response::ok(""),
                        Err(error) => Response::error(error.to_string(), 503),
                    },
                    Err(error) => Response::error(format!("no table: {error}"), 400),
                }
            }
            (Method::Post, "/hash") => Response::ok(password::hash(&request.text().await?).await.map_err(broken)?),
            _ => Response::error("no such operation", 404),
        }
    }

    async fn alarm(&self) -> Result<Response> {
        Response::empty()
    }

    async fn websocket_message(&self, _socket: WebSocket, _message: WebSocketIncomingMessage) -> Result<()> {
        Ok(())
    }

    async fn websocket_close(&self, _socket: WebSocket, _code: usize, _reason: String, _was_clean: bool) -> Result<()> {
        Ok(())
    }

    async fn websocket_error(&self, _socket: WebSocket, _error: Error) -> Result<()> {
        Ok(())
    }

    async fn connect(&self, _socket: worker::Socket) -> Result<()> {
        Err(Error::from("this object takes no TCP connections"))
    }
}

impl Gate {
    fn database(&self) -> Result<Db> {
        Ok(Db::new(config::database(&self.env).map_err(broken)?))
    }

    /// Counts a request, unless it is one too many: then in how many seconds the next one is let in. Nothing is awaited in between.
    fn ask(&self, ask: &Ask) -> Result<Option<u32>> {
        let rows = Stored { sql: &self.sql, read: Cell::new(0), written: Cell::new(0) };
        let now = clock::now_in(&self.env);
        let key = || SqlStorageValue::String(ask.key.clone());
        let before = rows.exec(FIND_ASKED, vec![key()])?.into_iter().next().and_then(|row| row.into_iter().next());
        let before = match before {
            Some(SqlStorageValue::String(times)) => Some(times),
            _ => None,
        };
        let times = match limits::counted(before.as_deref(), ask, now.0) {
            Ok(times) => times,
            Err(wait_s) => return Ok(Some(wait_s)),
        };
        let now_s = now.seconds().0;
        rows.write(PUT_ASKED, vec![key(), SqlStorageValue::Integer(now_s), SqlStorageValue::String(times)])?;
        rows.write(FORGET_ASKED, vec![SqlStorageValue::Integer(now_s.saturating_sub(limits::LONGEST_S))])?;
        Ok(None)
    }

    async fn attempt(&self, wanted: &Try) -> Result<Answer> {
        let rows = Stored { sql: &self.sql, read: Cell::new(0), written: Cell::new(0) };
        let verdict = self.verdict(&rows, wanted).await?;
        Ok(Answer { verdict, rows_read: rows.read.get(), rows_written: rows.written.get() })
    }

    async fn verdict(&self, rows: &Stored<'_>, wanted: &Try) -> Result<Verdict> {
        let now = clock::now_in(&self.env).seconds();
        let counted = match tries::begin(rows, &wanted.account, &wanted.network, now)? {
            Ok(counted) => counted,
            Err(wait) => return Ok(wait),
        };
        match password::is_right(&wanted.password, wanted.stored.as_deref()).await {
            Ok(is_right) => tries::end(rows, &counted, is_right, now),
            Err(failure) => {
                // Ours, not theirs.
                tries::take_back(rows, &counted)?;
                Err(broken(failure))
            }
        }
    }
}

impl Stored<'_> {
    fn exec(&self, sql: &str, binds: Vec<SqlStorageValue>) -> Result<Vec<Vec<SqlStorageValue>>> {
        let cursor = self.sql.exec(sql, binds)?;
        let rows = cursor.raw().collect::<Result<Vec<_>>>();
        // Complete only now that the cursor is at its end.
        self.read.set(self.read.get() + cursor.rows_read() as u64);
        self.written.set(self.written.get() + cursor.rows_written() as u64);
        rows
    }

    /// The whole numbers in the first row.
    fn first(&self, sql: &str, key: &str) -> Result<Option<Vec<i64>>> {
        let rows = self.exec(sql, vec![SqlStorageValue::String(key.to_owned())])?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        let numbers = row.into_iter().map(|cell| match cell {
            SqlStorageValue::Integer(number) => Ok(number),
            #[expect(clippy::cast_possible_truncation, reason = "seconds and counts are exact")]
            SqlStorageValue::Float(number) => Ok(number as i64),
            _ => Err(Error::from("a cell holds no number")),
        });
        numbers.collect::<Result<Vec<i64>>>().map(Some)
    }

    fn write(&self, sql: &str, binds: Vec<SqlStorageValue>) -> Result<()> {
        self.exec(sql, binds).map(drop)
    }
}

impl Rows for Stored<'_> {
    type Error = Error;

    fn tally(&self, key: &str) -> Result<Option<Tally>> {
        let Some(row) = self.first(FIND_TALLY, key)? else { return Ok(None) };
        let [count, last_s] = row.as_slice() else { return Err(Error::from("a tally has two columns")) };
        Ok(Some(Tally { count: u32::try_from(*count).unwrap_or(u32::MAX), last: UnixSeconds(*last_s) }))
    }

    fn put_tally(&self, key: &str, tally: Tally) -> Result<()> {
        let numbers = [i64::from(tally.count), tally.last.0].map(SqlStorageValue::Integer);
        let [count, last_s] = numbers;
        self.write(PUT_TALLY, vec![SqlStorageValue::String(key.to_owned()), count, last_s])
    }

    fn familiar(&self, pair: &str) -> Result<Option<UnixSeconds>> {
        Ok(self.first(FIND_FAMILIAR, pair)?.and_then(|row| row.first().copied()).map(UnixSeconds))
    }

    fn put_familiar(&self, pair: &str, at: UnixSeconds) -> Result<()> {
        self.write(PUT_FAMILIAR, vec![SqlStorageValue::String(pair.to_owned()), SqlStorageValue::Integer(at.0)])
    }

    fn forget(&self, failures: UnixSeconds, familiar: UnixSeconds) -> Result<()> {
        self.write(FORGET_TALLIES, vec![SqlStorageValue::Integer(failures.0)])?;
        self.write(FORGET_FAMILIAR, vec![SqlStorageValue::Integer(familiar.0)])
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err asks for")]
fn broken(failure: Failure) -> Error {
    log::error("gate", &failure.to_string());
    Error::from("the hash could not be computed")
}
