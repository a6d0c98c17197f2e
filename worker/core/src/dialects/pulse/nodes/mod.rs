//! `GET`, `POST`, `PUT` and `DELETE /api/config/nodes`, and trying one. Source: pulse specification, 9.1 to 9.5.

mod address;
mod request;
mod test;

use serde::Serialize;

use super::number::time;
use super::read::bad;
use crate::failure::Failure;
use crate::model::proxmox::{Endpoint, InstanceKind, InstanceState};
use crate::units::UnixMillis;

pub use address::{host_part, normalized};
pub use request::{NodeRequest, whole_token_name};
pub use test::{ConnectionReply, NodeTestReply, no_agent, refused_connection};

/// The longest body of a node.
pub const MAX_NODE_BODY_BYTES: usize = 32 * 1024;

/// The answer to a change that went well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StatusReply {
    /// `success`, as a rule.
    pub status: &'static str,
    /// The id of what was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl StatusReply {
    /// Nothing more to say.
    pub const DONE: Self = Self { status: "success", id: None };
    /// Whoever listens was told.
    pub const NOTIFIED: Self = Self { status: "notification sent", id: None };

    /// With the id of what was made.
    pub const fn made(id: String) -> Self {
        Self { status: "success", id: Some(id) }
    }
}

/// An id of the configuration: a kind, and a place among those of that kind, which shifts when an earlier one goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeId {
    /// Which product.
    pub kind: InstanceKind,
    /// From 0.
    pub position: u32,
}

impl NodeId {
    /// As it is written, such as `pve-0`.
    pub fn text(self) -> String {
        format!("{}-{}", self.kind.word(), self.position)
    }

    /// Reads an id.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for none, or a word without a number; [`Failure::NotFound`] for a word that is no kind.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        if text.is_empty() {
            return Err(bad("Node ID required"));
        }
        let (word, number) = text.split_once('-').ok_or_else(|| bad("Invalid node ID"))?;
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let not_found = Failure::NotFound { what: "node" };
        match (is_number, InstanceKind::parse(word), number.parse()) {
            (false, ..) => Err(bad("Invalid node ID")),
            (true, Some(kind), Ok(position)) => Ok(Self { kind, position }),
            (true, ..) => Err(not_found),
        }
    }
}

/// A node of the configuration, without secrets.
#[expect(clippy::struct_excessive_bools, reason = "as the product has them")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ConfigNode {
    id: String,
    /// `pve` or `pbs`.
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    host: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    user: String,
    has_password: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    token_name: String,
    has_token: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    fingerprint: String,
    #[serde(rename = "verifySSL")]
    verify_ssl: bool,
    /// Quirk: what is false is not there; and so all of them.
    #[serde(flatten)]
    monitors: MonitorKeys,
    /// `connected` or `disconnected`.
    status: &'static str,
    #[serde(skip_serializing_if = "is_false")]
    is_cluster: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    cluster_name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cluster_endpoints: Vec<ClusterEndpoint>,
}

#[expect(clippy::struct_excessive_bools, reason = "as the product has them")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct MonitorKeys {
    #[serde(rename = "monitorVMs", skip_serializing_if = "is_false")]
    vms: bool,
    #[serde(rename = "monitorContainers", skip_serializing_if = "is_false")]
    containers: bool,
    #[serde(rename = "monitorStorage", skip_serializing_if = "is_false")]
    storage: bool,
    #[serde(rename = "monitorBackups", skip_serializing_if = "is_false")]
    backups: bool,
    #[serde(rename = "monitorDatastores", skip_serializing_if = "is_false")]
    datastores: bool,
    #[serde(rename = "monitorSyncJobs", skip_serializing_if = "is_false")]
    sync_jobs: bool,
    #[serde(rename = "monitorVerifyJobs", skip_serializing_if = "is_false")]
    verify_jobs: bool,
    #[serde(rename = "monitorPruneJobs", skip_serializing_if = "is_false")]
    prune_jobs: bool,
    #[serde(rename = "monitorGarbageJobs", skip_serializing_if = "is_false")]
    garbage_jobs: bool,
}

/// A node of a cluster. Quirk: its keys begin with capitals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
pub struct ClusterEndpoint {
    #[serde(rename = "NodeID")]
    node_id: String,
    node_name: String,
    host: String,
    #[serde(rename = "IP")]
    ip: String,
    online: bool,
    last_seen: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it so")]
fn is_false(value: &bool) -> bool {
    !value
}

/// `GET /api/config/nodes`: every Proxmox VE, then every Backup Server, in the order in which they were made.
pub fn config_nodes(instances: &[InstanceState]) -> Vec<ConfigNode> {
    let mut all: Vec<&InstanceState> = instances.iter().collect();
    all.sort_by_key(|state| (state.instance.kind, state.instance.position));
    all.into_iter().map(ConfigNode::from).collect()
}

impl From<&InstanceState> for ConfigNode {
    fn from(state: &InstanceState) -> Self {
        let instance = &state.instance;
        let is_pve = instance.kind == InstanceKind::Pve;
        let monitors = instance.monitors;
        Self {
            id: NodeId { kind: instance.kind, position: instance.position }.text(),
            kind: instance.kind.word(),
            name: instance.name.clone(),
            host: instance.host.clone(),
            user: instance.access.user.clone(),
            has_password: instance.access.has_password,
            token_name: instance.access.token_name.clone(),
            has_token: instance.access.has_token,
            fingerprint: instance.fingerprint.clone(),
            verify_ssl: instance.verify_tls,
            monitors: MonitorKeys {
                vms: is_pve && monitors.vms,
                containers: is_pve && monitors.containers,
                storage: is_pve && monitors.storage,
                backups: is_pve && monitors.backups,
                datastores: !is_pve && monitors.datastores,
                sync_jobs: !is_pve && monitors.sync_jobs,
                verify_jobs: !is_pve && monitors.verify_jobs,
                prune_jobs: !is_pve && monitors.prune_jobs,
                garbage_jobs: !is_pve && monitors.garbage_jobs,
            },
            status: if state.health.is_connected { "connected" } else { "disconnected" },
            is_cluster: instance.cluster.is_some(),
            cluster_name: instance.cluster.as_ref().map(|cluster| cluster.name.clone()).unwrap_or_default(),
            cluster_endpoints: instance
                .cluster
                .iter()
                .flat_map(|one| &one.endpoints)
                .map(|endpoint| ClusterEndpoint::of(endpoint, state.health.polled_at))
                .collect(),
        }
    }
}

impl ClusterEndpoint {
    /// One that is online is seen whenever its cluster is polled.
    pub(super) fn of(endpoint: &Endpoint, polled_at: Option<UnixMillis>) -> Self {
        let polled_at = polled_at.filter(|_| endpoint.is_online).map(UnixMillis::seconds);
        Self {
            node_id: endpoint.node_id.clone(),
            node_name: endpoint.node_name.clone(),
            host: endpoint.host.clone(),
            ip: endpoint.ip.clone(),
            online: endpoint.is_online,
            last_seen: time(endpoint.last_seen.max(polled_at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dialects::pulse::state::world::instance;
    use crate::model::proxmox::{Access, Cluster, Monitors};
    use crate::units::UnixSeconds;

    #[test]
    fn nodes_are_listed_without_secrets_and_without_what_is_false() {
        let mut lab = instance(InstanceKind::Pve, 0, "lab");
        lab.instance.access = Access { user: "monitor@pve".to_owned(), has_password: true, ..Access::default() };
        lab.instance.cluster = Some(Cluster {
            name: "lab-cluster".to_owned(),
            endpoints: vec![Endpoint {
                node_id: "node/pve1".to_owned(),
                node_name: "pve1".to_owned(),
                host: "pve1".to_owned(),
                ip: "192.0.2.10".to_owned(),
                is_online: true,
                last_seen: Some(UnixSeconds(1_754_992_800)),
            }],
        });
        let mut server = instance(InstanceKind::Pbs, 0, "backup1");
        server.health.is_connected = false;
        server.instance.monitors = Monitors { sync_jobs: false, ..Monitors::default() };
        let listed = serde_json::to_value(config_nodes(&[server, lab])).unwrap();
        let expected = json!([{"id":"pve-0","type":"pve","name":"lab","host":"https://192.0.2.1:8006","user":"monitor@pve",
            "hasPassword":true,"hasToken":false,"verifySSL":false,"monitorVMs":true,"monitorContainers":true,"monitorStorage":true,
            "monitorBackups":true,"status":"connected","isCluster":true,"clusterName":"lab-cluster",
            "clusterEndpoints":[{"NodeID":"node/pve1","NodeName":"pve1","Host":"pve1","IP":"192.0.2.10","Online":true,
            "LastSeen":"2025-08-12T10:00:00Z"}]},
            {"id":"pbs-0","type":"pbs","name":"backup1","host":"https://192.0.2.100:8007","hasPassword":false,
            "tokenName":"pulse-monitor@pam!t1","hasToken":true,"verifySSL":false,"monitorDatastores":true,
            "monitorVerifyJobs":true,"monitorPruneJobs":true,"status":"disconnected"}]);
        assert_eq!(listed, expected);
        assert_eq!(serde_json::to_string(&StatusReply::DONE).unwrap(), r#"{"status":"success"}"#);
        assert_eq!(
            serde_json::to_string(&StatusReply::made("pve-0".to_owned())).unwrap(),
            r#"{"status":"success","id":"pve-0"}"#
        );
    }

    #[test]
    fn a_node_of_a_cluster_was_seen_when_it_was_polled_last() {
        let mut lab = instance(InstanceKind::Pve, 0, "lab");
        lab.health.polled_at = Some(UnixMillis(1_754_996_400_500));
        let endpoint = |is_online, last_seen: Option<i64>| Endpoint {
            node_id: String::new(),
            node_name: String::new(),
            host: String::new(),
            ip: String::new(),
            is_online,
            last_seen: last_seen.map(UnixSeconds),
        };
        let endpoints = vec![endpoint(true, None), endpoint(false, Some(1_754_992_800)), endpoint(false, None)];
        lab.instance.cluster = Some(Cluster { name: String::new(), endpoints });
        let listed = serde_json::to_value(config_nodes(&[lab])).unwrap();
        let seen = [0, 1, 2].map(|place| listed[0]["clusterEndpoints"][place]["LastSeen"].clone());
        assert_eq!(seen, ["2025-08-12T11:00:00Z", "2025-08-12T10:00:00Z", "0001-01-01T00:00:00Z"]);
    }

    #[test]
    fn an_id_is_a_kind_and_a_number() {
        for (text, kind, position) in [("pve-0", InstanceKind::Pve, 0), ("pbs-12", InstanceKind::Pbs, 12)] {
            assert_eq!(NodeId::parse(text), Ok(NodeId { kind, position }));
            assert_eq!(NodeId { kind, position }.text(), text);
        }
        assert_eq!(NodeId::parse(""), Err(bad("Node ID required")));
        for text in ["pve", "pve-", "pve-x", "-", "pve-+1", "pve-1-2", "pve-1.0"] {
            assert_eq!(NodeId::parse(text), Err(bad("Invalid node ID")), "{text}");
        }
        for text in ["pmg-0", "PVE-0", "-0", "pve-99999999999"] {
            assert_eq!(NodeId::parse(text), Err(Failure::NotFound { what: "node" }), "{text}");
        }
    }
}
