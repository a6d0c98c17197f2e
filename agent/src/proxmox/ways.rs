//! The ways to one instance: the host that is configured, and the other nodes of its cluster when that does not answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use edgewatch_core::dialects::native::proxmox::{EndpointPart, Instance, InstanceKind};

use super::access::Access;
use super::client::{Client, trust};
use super::error::ApiError;
use super::permits::Permits;
use super::place::Place;
use super::tls::{Fingerprint, Trust};
use crate::log;

/// How often the host that is configured is tried again while another node answers.
const HOME_EVERY: Duration = Duration::from_mins(1);
/// How long it is waited for then.
const HOME_PATIENCE: Duration = Duration::from_secs(3);
/// How long a poll may look for another way.
const SEARCH: Duration = Duration::from_secs(30);

/// Certificates to trust, read when the first instance wants them.
pub type Roots = Arc<dyn Fn() -> Result<Arc<rustls::RootCertStore>, String> + Send + Sync>;

/// The port that a product listens at.
pub const fn port_of(kind: InstanceKind) -> u16 {
    match kind {
        InstanceKind::Pve => 8006,
        InstanceKind::Pbs => 8007,
    }
}

/// A client of the host that an instance names, and nothing beside it.
///
/// # Errors
/// When its URL, its credentials or what to trust are of no use.
pub fn direct(instance: &Instance, permits: &Arc<Permits>, roots: &Roots) -> Result<Client, ApiError> {
    let place = Place::parse(&instance.host, port_of(instance.kind))?;
    let access = Arc::new(Access::new(instance)?);
    Client::new(place, instance.kind, access, trust(instance, &**roots)?, Arc::clone(permits))
}

/// The ways to one instance.
pub struct Ways {
    instance: Instance,
    access: Arc<Access>,
    permits: Arc<Permits>,
    trust: Trust,
    home: Place,
    current: Arc<Client>,
    is_home: bool,
    home_tried: Instant,
}

impl Ways {
    /// The ways to `instance`, the configured one first. Source: pulse specification, 22.2.
    ///
    /// # Errors
    /// As [`direct`].
    pub fn new(instance: Instance, permits: Arc<Permits>, roots: &Roots) -> Result<Self, ApiError> {
        let home = Place::parse(&instance.host, port_of(instance.kind))?;
        let access = Arc::new(Access::new(&instance)?);
        let trust = trust(&instance, &**roots)?;
        let current =
            Client::new(home.clone(), instance.kind, Arc::clone(&access), trust.clone(), Arc::clone(&permits))?;
        let home_tried = Instant::now();
        Ok(Self { instance, access, permits, trust, home, current: Arc::new(current), is_home: true, home_tried })
    }

    /// The way that answered last.
    pub fn current(&self) -> Arc<Client> {
        Arc::clone(&self.current)
    }

    /// Asks by the way that answered last, and by the others when that is broken. `endpoints` are the nodes of the cluster.
    ///
    /// # Errors
    /// That of the way that was tried first.
    pub fn ask<T>(
        &mut self,
        endpoints: &[EndpointPart],
        of: &mut dyn FnMut(&Client) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let until = Instant::now() + SEARCH;
        if !self.is_home && self.home_tried.elapsed() >= HOME_EVERY {
            self.go_home();
        }
        let error = match of(&self.current) {
            Err(error) if error.is_of_the_way() => error,
            answer => return answer,
        };
        let asked = self.current.place().clone();
        for (place, trust) in self.others(endpoints) {
            if place == asked || Instant::now() >= until {
                continue;
            }
            let Ok(client) = self.client(place, trust) else { continue };
            if let Ok(answer) = of(&client) {
                log::info(format_args!("{} ({error}): polled by {} from now on", asked.url(), client.place().url()));
                self.is_home = *client.place() == self.home;
                self.home_tried = Instant::now();
                self.current = Arc::new(client);
                return Ok(answer);
            }
        }
        Err(error)
    }

    /// Goes back to the configured host when it answers.
    fn go_home(&mut self) {
        self.home_tried = Instant::now();
        let Ok(client) = self.client(self.home.clone(), self.trust.clone()) else { return };
        let client = client.within(HOME_PATIENCE);
        if client.get::<serde_json::Value>("/version").is_err() {
            return;
        }
        if let Ok(client) = self.client(self.home.clone(), self.trust.clone()) {
            log::info(format_args!("{} answers again", self.home.url()));
            (self.current, self.is_home) = (Arc::new(client), true);
        }
    }

    fn client(&self, place: Place, trust: Trust) -> Result<Client, ApiError> {
        Client::new(place, self.instance.kind, Arc::clone(&self.access), trust, Arc::clone(&self.permits))
    }

    /// The configured host, then the nodes that the cluster sees, then the others.
    fn others(&self, endpoints: &[EndpointPart]) -> Vec<(Place, Trust)> {
        let known = if endpoints.is_empty() { &self.instance.endpoints[..] } else { endpoints };
        let mut ways = vec![(self.home.clone(), self.trust.clone())];
        let (online, offline): (Vec<&EndpointPart>, Vec<&EndpointPart>) =
            known.iter().filter(|endpoint| !endpoint.ip.is_empty()).partition(|endpoint| endpoint.online);
        for endpoint in online.into_iter().chain(offline) {
            let trust = match &self.trust {
                // Each node has a certificate of its own: it is believed as far as the cluster told of it.
                Trust::Pinned(_) => Fingerprint::parse(&endpoint.fingerprint).map(Trust::Pinned),
                trust => Some(trust.clone()),
            };
            if let Some(trust) = trust {
                ways.push((self.home.at(&endpoint.ip), trust));
            }
        }
        ways
    }
}

#[cfg(test)]
mod tests {
    use edgewatch_core::dialects::native::proxmox::Hidden;

    use super::*;

    fn ways(fingerprint: Option<&str>) -> Ways {
        let instance = Instance {
            host: "https://pve1.example.com:8006".to_owned(),
            token_name: Some("m@pve!t1".to_owned()),
            token_value: Some(Hidden("x".to_owned())),
            fingerprint: fingerprint.map(str::to_owned),
            ..Instance::default()
        };
        let roots: Roots = Arc::new(|| Err("none".to_owned()));
        Ways::new(instance, Arc::default(), &roots).unwrap()
    }

    fn endpoint(ip: &str, online: bool, fingerprint: &str) -> EndpointPart {
        EndpointPart { ip: ip.to_owned(), online, fingerprint: fingerprint.to_owned(), ..EndpointPart::default() }
    }

    fn urls(ways: &Ways, endpoints: &[EndpointPart]) -> Vec<String> {
        ways.others(endpoints).iter().map(|(place, _)| place.url()).collect()
    }

    #[test]
    fn the_configured_host_comes_first_and_nodes_that_are_seen_before_others() {
        let endpoints = [endpoint("192.0.2.11", false, ""), endpoint("192.0.2.12", true, ""), endpoint("", true, "")];
        assert_eq!(
            urls(&ways(None), &endpoints),
            ["https://pve1.example.com:8006", "https://192.0.2.12:8006", "https://192.0.2.11:8006"]
        );
    }

    #[test]
    fn with_a_pinned_certificate_no_node_is_believed_whose_own_is_not_known() {
        let own = "AB:".repeat(31) + "AB";
        let endpoints = [endpoint("192.0.2.11", true, ""), endpoint("192.0.2.12", true, &own)];
        let ways = ways(Some(&"cd".repeat(32)));
        assert_eq!(urls(&ways, &endpoints), ["https://pve1.example.com:8006", "https://192.0.2.12:8006"]);
    }
}
