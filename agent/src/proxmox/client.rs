//! Asks one server: kept connections, credentials, and answers in `data`.

use std::fmt;
use std::io::{BufReader, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use edgewatch_core::dialects::native::proxmox::{Instance, InstanceKind, PollErrorKind, loose};
use serde::de::{DeserializeOwned, DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::access::Access;
use super::connection::{Connection, Request};
use super::error::ApiError;
use super::permits::{MOST_AT_ONCE, Permits};
use super::place::Place;
use super::tls::{Fingerprint, Tls, Trust};

const BASE: &str = "/api2/json";
const BUFFER_BYTES: usize = 8 * 1024;

/// One server, and the way in.
#[derive(Debug)]
pub struct Client {
    place: Place,
    host: String,
    tls: Option<Tls>,
    access: Arc<Access>,
    permits: Arc<Permits>,
    timeout: Duration,
    idle: Mutex<Vec<Connection>>,
    calls: AtomicU64,
    failed: AtomicU64,
}

/// An answer has its content in `data`.
#[derive(Deserialize)]
struct Envelope {
    data: Option<Box<RawValue>>,
}

impl Client {
    /// A client of the server at `place`, with the credentials of its instance.
    ///
    /// # Errors
    /// When TLS cannot be spoken.
    pub fn new(
        place: Place,
        kind: InstanceKind,
        access: Arc<Access>,
        trust: Trust,
        permits: Arc<Permits>,
    ) -> Result<Self, ApiError> {
        let tls = if place.is_tls() { Some(Tls::new(trust)?) } else { None };
        let host = place.authority();
        // Source: pulse specification, 17.1.
        let timeout = match kind {
            InstanceKind::Pve => Duration::from_secs(10),
            InstanceKind::Pbs => Duration::from_mins(1),
        };
        let (calls, failed) = (AtomicU64::new(0), AtomicU64::new(0));
        Ok(Self { place, host, tls, access, permits, timeout, idle: Mutex::default(), calls, failed })
    }

    /// The same with less patience.
    pub fn within(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Where it is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The fingerprint of its certificate, once it was shown.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.tls.as_ref().and_then(Tls::seen)
    }

    /// How many requests there were and how many of them failed, since this was asked last.
    pub fn counted(&self) -> (u64, u64) {
        (self.calls.swap(0, Ordering::Relaxed), self.failed.swap(0, Ordering::Relaxed))
    }

    /// What is at a path.
    ///
    /// # Errors
    /// [`ApiError`].
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        data(&self.text(path)?)
    }

    /// What is at a path, as it stands there.
    fn text(&self, path: &str) -> Result<Box<RawValue>, ApiError> {
        let mut text = None;
        self.ask("GET", path, "", &mut |body| {
            text = Some(read(body)?);
            Ok(())
        })?;
        text.ok_or_else(|| ApiError::nonsense("the answer has no data"))
    }

    /// Each element of the list at a path, one at a time.
    ///
    /// # Errors
    /// [`ApiError`]; some elements may have been taken.
    pub fn each<T: DeserializeOwned>(&self, path: &str, take: &mut dyn FnMut(T)) -> Result<(), ApiError> {
        self.each_text(path, &mut |text| {
            if let Ok(element) = serde_json::from_str(text.get()) {
                take(element);
            }
        })
    }

    fn each_text(&self, path: &str, take: &mut dyn FnMut(Box<RawValue>)) -> Result<(), ApiError> {
        self.ask("GET", path, "", &mut |body| {
            let mut reader = serde_json::Deserializer::from_reader(BufReader::with_capacity(BUFFER_BYTES, body));
            Elements(&mut *take).deserialize(&mut reader).map_err(|error| explain(&error))
        })
    }

    fn ask(
        &self,
        method: &str,
        path: &str,
        form: &str,
        read: &mut dyn FnMut(&mut dyn Read) -> Result<(), ApiError>,
    ) -> Result<(), ApiError> {
        let _permit = self.permits.take();
        self.calls.fetch_add(1, Ordering::Relaxed);
        let until = Instant::now() + self.timeout;
        let path = format!("{BASE}{path}");
        let log_in = |form: &str| self.log_in(form, until);
        let headers = self.access.headers(&log_in)?;
        let mut request = Request { method, path: &path, headers: &headers, body: form };
        let mut result = self.send(request, until, read);
        if result.as_ref().is_err_and(|error| error.status == 401) && self.access.forget(&headers) {
            let headers = self.access.headers(&log_in)?;
            request.headers = &headers;
            result = self.send(request, until, read);
        }
        if result.is_err() {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
        result
    }

    fn log_in(&self, form: &str, until: Instant) -> Result<String, ApiError> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Ticket {
            #[serde(deserialize_with = "loose::text")]
            ticket: String,
        }
        let path = format!("{BASE}/access/ticket");
        let request = Request { method: "POST", path: &path, headers: "", body: form };
        let mut ticket = Ticket::default();
        self.send(request, until, &mut |body| {
            ticket = data(&read(body)?)?;
            Ok(())
        })?;
        let ticket = Some(ticket.ticket).filter(|ticket| !ticket.is_empty());
        ticket.ok_or_else(|| ApiError::new(PollErrorKind::Auth, "the login gave no ticket"))
    }

    fn send(
        &self,
        request: Request<'_>,
        until: Instant,
        read: &mut dyn FnMut(&mut dyn Read) -> Result<(), ApiError>,
    ) -> Result<(), ApiError> {
        let kept = self.idle().pop();
        let mut connection = match kept {
            Some(connection) => connection,
            None => Connection::open(&self.place, self.tls.as_ref(), until)?,
        };
        let mut keep = false;
        let mut result = connection.ask(request, &self.host, until, &mut keep, read);
        let is_over = result.as_ref().is_err_and(|error| error.kind == PollErrorKind::Unreachable && error.status == 0);
        if is_over && connection.was_stale() && Instant::now() < until {
            // The others that were kept are as old.
            self.idle().clear();
            connection = Connection::open(&self.place, self.tls.as_ref(), until)?;
            result = connection.ask(request, &self.host, until, &mut keep, read);
        }
        if keep {
            let mut idle = self.idle();
            if idle.len() < MOST_AT_ONCE {
                idle.push(connection);
            }
        }
        result
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whom to believe at the host that an instance names.
///
/// # Errors
/// When its fingerprint is none, or there are no certificates to trust.
pub fn trust(
    instance: &Instance,
    roots: &dyn Fn() -> Result<Arc<rustls::RootCertStore>, String>,
) -> Result<Trust, ApiError> {
    match &instance.fingerprint {
        Some(text) => Fingerprint::parse(text).map(Trust::Pinned).ok_or_else(|| {
            ApiError::new(PollErrorKind::Tls, "the fingerprint is none: SHA-256 in hex digits is expected")
        }),
        None if instance.verify_tls => {
            roots().map(Trust::Roots).map_err(|error| ApiError::new(PollErrorKind::Tls, error))
        }
        None => Ok(Trust::Anybody),
    }
}

/// No answer that is read at once is longer; lists that may be are read piece by piece.
const MOST_TEXT_BYTES: u64 = 8 << 20;

/// The content of an answer, as text: what it is made into is read from there, so that there is one reader of everything.
fn read(body: &mut dyn Read) -> Result<Box<RawValue>, ApiError> {
    let envelope: Result<Envelope, _> =
        serde_json::from_reader(BufReader::with_capacity(BUFFER_BYTES, body.take(MOST_TEXT_BYTES)));
    let data = envelope.map_err(|error| explain(&error))?.data;
    data.ok_or_else(|| ApiError::nonsense("the answer has no data"))
}

fn data<T: DeserializeOwned>(text: &RawValue) -> Result<T, ApiError> {
    serde_json::from_str(text.get()).map_err(|error| explain(&error))
}

fn explain(error: &serde_json::Error) -> ApiError {
    match error.io_error_kind() {
        Some(kind) => ApiError::unreachable(&kind.into()),
        None if (error.line(), error.column()) <= (1, 1) => {
            ApiError::nonsense("the answer is no JSON; are host and port right?")
        }
        None => ApiError::nonsense("the answer cannot be read"),
    }
}

/// The elements of the list in `data`.
struct Elements<'a>(&'a mut dyn FnMut(Box<RawValue>));

impl<'de> DeserializeSeed<'de> for Elements<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object with data")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        struct List<'a>(&'a mut dyn FnMut(Box<RawValue>));
        impl<'de> DeserializeSeed<'de> for List<'_> {
            type Value = ();
            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
                loose::each_text(deserializer, self.0)
            }
        }
        while let Some(key) = entries.next_key::<String>()? {
            if key == "data" {
                entries.next_value_seed(List(&mut *self.0))?;
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}
