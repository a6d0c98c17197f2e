//! Group `docker`: containers that run, from the daemon's own interface on its socket.

mod http;
mod stats;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use edgewatch_core::dialects::openitcockpit::result::{Container, Float};
use serde::Deserialize;

use self::stats::{Processor, Stats};
use super::fault::Fault;

/// Where the daemon listens.
pub const SOCKET: &str = "/var/run/docker.sock";

/// Remembers what the processors did for each container, by id.
#[derive(Debug, Default)]
pub struct Containers(BTreeMap<String, Processor>);

/// One of `GET /containers/json`. Source: Docker Engine API 1.41.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    id: String,
    #[serde(default)]
    names: Option<Vec<String>>,
    #[serde(default)]
    image: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    status: String,
}

impl Containers {
    /// The group. A container that does not tell what it uses, or is not asked because the time is over, is there without figures.
    ///
    /// # Errors
    /// [`Fault::Refused`] when the daemon cannot be reached; [`Fault::Said`] when it refuses; [`Fault::Malformed`].
    pub fn read(&mut self, socket: &Path, until: Instant) -> Result<Vec<Container>, Fault> {
        let listed: Vec<Listed> = parse(&http::get(socket, "/containers/json", until)?)?;
        let mut before = std::mem::take(&mut self.0);
        let mut found = Vec::with_capacity(listed.len());
        for one in listed {
            // Without `one-shot` a daemon looks twice, a second apart; before 20.10 it does so anyway.
            let target = format!("/containers/{}/stats?stream=false&one-shot=true", plain(&one.id));
            let stats = http::get(socket, &target, until).and_then(|body| parse::<Stats>(&body)).ok();
            let earlier = before.remove(&one.id);
            if let Some(stats) = &stats {
                self.0.insert(one.id.clone(), stats.processor());
            }
            found.push(container(one, stats.as_ref(), earlier));
        }
        Ok(found)
    }
}

fn parse<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(body).map_err(|error| Fault::Malformed(format!("the Docker daemon's answer ({error})")))
}

/// What may stand in a path: ids are hexadecimal.
fn plain(id: &str) -> String {
    id.chars().filter(char::is_ascii_alphanumeric).collect()
}

fn container(listed: Listed, stats: Option<&Stats>, earlier: Option<Processor>) -> Container {
    let (network_rx, network_tx) = stats.map_or((0, 0), Stats::network);
    let (disk_read, disk_write) = stats.map_or((0, 0), Stats::disk);
    let (memory_used, memory_percent) = stats.map_or((0, 0.0), Stats::memory);
    Container {
        id: listed.id.chars().take(10).collect(),
        name: listed.names.and_then(|names| names.into_iter().next()).unwrap_or_default(),
        image: listed.image,
        size_rw: 0,
        size_root_fs: 0,
        state: listed.state,
        status: listed.status,
        network_rx,
        network_tx,
        cpu_percentage: Float(stats.map_or(0.0, |stats| stats.cpu_percent(earlier))),
        memory_percentage: Float(memory_percent),
        disk_read,
        disk_write,
        memory_used,
    }
}

#[cfg(test)]
mod tests;
