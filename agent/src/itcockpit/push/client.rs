//! One push: the requests, and what becomes of the answers.

use std::net::{IpAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::auth_file::AuthFile;
use super::reply;
use crate::config::{BaseUrl, Environment};
use crate::itcockpit::settings::Push;
use crate::itcockpit::target::{self, Endpoint};
use crate::itcockpit::witness::Witness;
use crate::log;
use crate::push::https::{self, Settings};

/// A request is repeated elsewhere so often.
const MOST_REDIRECTS: usize = 5;
/// Addresses that lead nowhere: only the way to them is asked for. Source: RFC 5737 and RFC 3849.
const ANYWHERE: [(&str, &str); 2] = [("0.0.0.0:0", "192.0.2.1:9"), ("[::]:0", "[2001:db8::1]:9")];

/// The way to one server.
#[derive(Debug)]
pub struct Client {
    http: https::Client,
    witness: Option<Arc<Witness>>,
    push: Push,
    auth: AuthFile,
    host_name: String,
    /// What went wrong last time: it is told when it changes.
    trouble: Option<String>,
}

#[derive(Serialize)]
struct RegisterRequest<'a> {
    agentuuid: &'a str,
    password: &'a str,
    hostname: &'a str,
    ipaddress: &'a str,
}

impl Client {
    /// Pushes as `push` says, in the name of `auth`.
    ///
    /// # Errors
    /// In words: no certificates, or a proxy that is none.
    pub fn new(push: Push, auth: AuthFile, host_name: String, environment: Environment<'_>) -> Result<Self, String> {
        let is_tls = push.target.is_tls();
        let witness = if is_tls {
            let roots = push.verifies.then(|| https::all_roots(None)).transpose();
            Some(Witness::new(roots.map_err(|error| error.to_string())?)?)
        } else {
            None
        };
        let proxy = match &push.proxy {
            Some(proxy) => Some(proxy.clone()),
            // Nothing beyond scheme and host decides about a proxy.
            None => BaseUrl::parse(&push.target.origin(), true).ok().and_then(|url| url.proxy(environment)),
        };
        Self::judging(witness, push, auth, host_name, proxy)
    }

    /// The same with this judge of the server's certificate.
    fn judging(
        witness: Option<Arc<Witness>>,
        push: Push,
        auth: AuthFile,
        host_name: String,
        proxy: Option<String>,
    ) -> Result<Self, String> {
        let tls = witness.as_ref().map(Witness::config).transpose()?;
        let settings = Settings { ca_file: None, proxy, timeout: push.timeout, is_tls: tls.is_some(), tls };
        let http = https::Client::new(&settings).map_err(|error| error.to_string())?;
        Ok(Self { http, witness, push, auth, host_name, trouble: None })
    }

    /// Sends a result; registers first where there is no password yet.
    pub fn push_document(&mut self, document: &[u8]) {
        let until = Instant::now() + self.push.timeout;
        if self.auth.identity().password.is_empty() {
            let registered = self.register(until);
            if registered.is_err() {
                return self.tell("registration", registered);
            }
        }
        let sent = self.submit(Endpoint::CheckData, document, until).map(|received| {
            if let Some(received) = received {
                log::debug(format_args!("the result fed {received} checks of the server"));
            }
        });
        self.tell("push", sent);
    }

    /// Sends an inventory, once there is a password.
    pub fn push_packages(&mut self, packages: &[u8]) {
        if self.auth.identity().password.is_empty() {
            log::debug(format_args!("the inventory waits for the registration"));
            return;
        }
        let until = Instant::now() + self.push.timeout;
        match self.submit(Endpoint::PackageInfo, packages, until) {
            Ok(_) => log::debug(format_args!("the inventory was taken")),
            Err(error) => {
                log::warn(format_args!("the inventory was not taken by {}: {error}", self.push.target.origin()));
            }
        }
    }

    /// Says what changed: the same trouble every few seconds helps nobody.
    fn tell(&mut self, what: &str, result: Result<(), String>) {
        let origin = self.push.target.origin();
        match result.map_err(|error| format!("{what}: {error}")) {
            Ok(()) if self.trouble.take().is_some() => log::info(format_args!("{origin} takes results again")),
            Ok(()) => log::debug(format_args!("{origin} took a result")),
            Err(error) if self.trouble.as_ref() != Some(&error) => {
                log::warn(format_args!("{origin}: {error}"));
                self.trouble = Some(error);
            }
            Err(error) => log::debug(format_args!("{origin}: {error}")),
        }
    }

    fn register(&mut self, until: Instant) -> Result<(), String> {
        // A password that could not be kept would be lost, and the agent with it.
        self.auth.save()?;
        let uuid = self.auth.identity().uuid.clone();
        let request = RegisterRequest {
            agentuuid: &uuid,
            password: "",
            hostname: &self.host_name,
            ipaddress: &own_address().unwrap_or_default(),
        };
        let body = serde_json::to_vec(&request).map_err(|error| error.to_string())?;
        let (status, answer) = self.post(Endpoint::Register, &body, until)?;
        let password = reply::registered(status, &answer, &uuid)?;
        log::info(format_args!("registered with {} as {uuid}", self.push.target.origin()));
        self.auth.take(password)
    }

    fn submit(&mut self, endpoint: Endpoint, data: &[u8], until: Instant) -> Result<Option<i64>, String> {
        // The data is JSON already; what stands behind it is told of last, as the original does.
        let who = serde_json::to_string(&Who::of(&self.auth)).map_err(|error| error.to_string())?;
        let mut body = Vec::with_capacity(data.len() + who.len() + 16);
        body.extend_from_slice(b"{\"checkdata\":");
        body.extend_from_slice(data);
        body.push(b',');
        body.extend_from_slice(who.trim_start_matches('{').as_bytes());
        let (status, answer) = self.post(endpoint, &body, until)?;
        reply::submitted(status, &answer)
    }

    fn post(&mut self, endpoint: Endpoint, body: &[u8], until: Instant) -> Result<(u16, Vec<u8>), String> {
        let authorization = format!("X-OITC-API {}", self.push.api_key);
        let mut url = self.push.target.url(endpoint);
        for _ in 0..=MOST_REDIRECTS {
            let left = until.saturating_duration_since(Instant::now());
            if left < Duration::from_millis(1) {
                return Err("no answer in time".to_owned());
            }
            let answer = self.http.post_within(&url, authorization.trim_end(), body, left);
            let answer = answer.map_err(|error| {
                let refusal = self.witness.as_ref().and_then(|witness| witness.take_refusal());
                refusal.map_or_else(
                    || error.to_string(),
                    |refusal| format!("the server was refused: its certificate {refusal}"),
                )
            })?;
            let elsewhere = answer.location.as_deref().filter(|_| matches!(answer.status, 307 | 308));
            match elsewhere.and_then(|location| target::redirected(&url, location)) {
                Some(next) => url = next,
                None => return Ok((answer.status, answer.body.to_vec())),
            }
        }
        Err("the server points elsewhere too often".to_owned())
    }
}

#[derive(Serialize)]
struct Who<'a> {
    agentuuid: &'a str,
    password: &'a str,
}

impl<'a> Who<'a> {
    fn of(auth: &'a AuthFile) -> Self {
        let identity = auth.identity();
        Self { agentuuid: &identity.uuid, password: &identity.password }
    }
}

/// The address that this machine has on its way to others; one of IPv6 in brackets. `None` where there is no way.
fn own_address() -> Option<String> {
    ANYWHERE.iter().find_map(|(from, to)| {
        let socket = UdpSocket::bind(from).ok()?;
        socket.connect(to).ok()?;
        match socket.local_addr().ok()?.ip() {
            IpAddr::V4(address) => Some(address.to_string()),
            IpAddr::V6(address) => Some(format!("[{address}]")),
        }
    })
}

#[cfg(test)]
mod tests;
