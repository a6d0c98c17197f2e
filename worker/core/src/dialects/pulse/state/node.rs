//! Nodes of Proxmox VE in the state.

use serde::Serialize;

use super::{Amount, Written, seen};
use crate::dialects::pulse::number::Number;
use crate::model::proxmox::{InstanceKind, InstanceState, NodeFacts, NodeNow, NodeStatus, failed_id, node_id};

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Node<'a> {
    id: String,
    name: &'a str,
    display_name: &'a str,
    instance: &'a str,
    /// Of the instance. For clients of later versions; and so the cluster below.
    host: &'a str,
    /// `online`, `offline` or `unknown`.
    status: &'static str,
    /// `node`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// 0 to 1.
    cpu: Number,
    memory: Amount,
    disk: Amount,
    /// Seconds.
    uptime: u64,
    /// Of 1, 5 and 15 minutes, or nothing.
    load_average: Vec<Number>,
    kernel_version: &'a str,
    pve_version: &'a str,
    cpu_info: CpuInfo<'a>,
    last_seen: String,
    /// `healthy` or `error`.
    connection_health: &'static str,
    is_cluster_member: bool,
    cluster_name: &'a str,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct CpuInfo<'a> {
    model: &'a str,
    /// Quirk: as many as the kernel sees.
    cores: u32,
    sockets: u32,
    /// Quirk: a text.
    mhz: &'a str,
}

pub(super) fn write(instances: &[InstanceState], out: &mut Written) {
    let of_pve = || instances.iter().filter(|state| state.instance.kind == InstanceKind::Pve);
    let failed = NodeNow { status: NodeStatus::Offline, ..NodeNow::default() };
    let mut nodes: Vec<(&str, &InstanceState, &NodeNow)> = vec![];
    for state in of_pve() {
        if state.health.is_locked_out {
            nodes.push((&state.instance.name, state, &failed));
        } else {
            nodes.extend(state.nodes.iter().map(|node| (node.name.as_str(), state, node)));
        }
    }
    nodes.sort_by_key(|(name, state, _)| (*name, state.instance.position));
    let unknown = NodeFacts::default();
    out.list(nodes.into_iter().map(|(name, state, node)| {
        let facts = state.census.node(&node.name).filter(|_| node.status == NodeStatus::Online).unwrap_or(&unknown);
        row(name, state, node, facts)
    }));
}

fn row<'a>(name: &'a str, state: &'a InstanceState, node: &NodeNow, facts: &'a NodeFacts) -> Node<'a> {
    let instance = state.instance.name.as_str();
    let cluster = state.census.cluster.as_ref().or(state.instance.cluster.as_ref());
    Node {
        id: if state.health.is_locked_out { failed_id(instance) } else { node_id(instance, name) },
        name,
        display_name: name,
        instance,
        host: &state.instance.host,
        status: node.status.word(),
        kind: "node",
        cpu: Number(node.cpu),
        memory: node.memory.into(),
        disk: node.disk.into(),
        uptime: node.uptime_s,
        load_average: node.load.iter().flatten().map(|load| Number(*load)).collect(),
        kernel_version: &facts.kernel_version,
        pve_version: &facts.pve_version,
        cpu_info: CpuInfo {
            model: &facts.cpu_model,
            cores: facts.cpu_count,
            sockets: facts.cpu_sockets,
            mhz: &facts.cpu_mhz,
        },
        last_seen: seen(state),
        connection_health: if state.health.is_connected { "healthy" } else { "error" },
        is_cluster_member: cluster.is_some(),
        cluster_name: cluster.map_or("", |cluster| &cluster.name),
    }
}
