//! A connection test. Source: pulse specification, 9.5.

use std::time::Instant;

use edgewatch_core::dialects::native::proxmox::loose::List;
use edgewatch_core::dialects::native::proxmox::{ClusterRow, Tested};

use super::look::cluster;
use super::shapes::{ClusterPart, Node, Version};
use crate::proxmox::client::Client;
use crate::proxmox::error::ApiError;

/// What a hypervisor says of itself.
///
/// # Errors
/// When the list of nodes cannot be had.
pub fn test(client: &Client) -> Result<Tested, ApiError> {
    let begun = Instant::now();
    let nodes: List<Node> = client.get("/nodes")?;
    let took_ms = begun.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
    // Neither is needed for a success.
    let parts: List<ClusterPart> = client.get("/cluster/status").unwrap_or_default();
    let version: Version = client.get("/version").unwrap_or_default();
    let ClusterRow { is_cluster, name, mut endpoints, .. } = cluster(&parts.0, &ClusterRow::default());
    for endpoint in &mut endpoints {
        let node = nodes.0.iter().find(|node| node.name == endpoint.node);
        endpoint.fingerprint = node.map(|node| node.ssl_fingerprint.clone()).unwrap_or_default();
    }
    let own = parts.0.iter().find(|part| part.kind == "node" && part.local);
    let own = own.map(|part| part.name.clone()).or_else(|| nodes.0.first().map(|node| node.name.clone()));
    Ok(Tested {
        took_ms,
        version: version.version,
        node: own.unwrap_or_default(),
        nodes: nodes.0.len().try_into().unwrap_or(u64::MAX),
        is_cluster,
        cluster_name: name,
        endpoints,
        datastores: 0,
        fingerprint: client.fingerprint().map(|print| print.to_string()).unwrap_or_default(),
    })
}
