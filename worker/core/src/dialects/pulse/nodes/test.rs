//! What is said of a node that was tried. Source: pulse specification, 9.5.

use serde::Serialize;

use crate::dialects::pulse::error::Refused;
use crate::model::proxmox::{TestFailure, Tested};

/// `POST /api/config/nodes/test-connection`, for a node that answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ConnectionReply {
    status: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_cluster: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster_node_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    datastore_count: Option<u32>,
}

impl From<Tested> for ConnectionReply {
    fn from(tested: Tested) -> Self {
        match tested {
            Tested::Pve { nodes, cluster_nodes, .. } => Self {
                status: "success",
                message: format!("Successfully connected to {nodes} node(s)"),
                is_cluster: Some(cluster_nodes.is_some()),
                node_count: Some(nodes),
                cluster_node_count: cluster_nodes,
                datastore_count: None,
            },
            Tested::Pbs { datastores, .. } => Self {
                status: "success",
                message: format!("Successfully connected. Found {datastores} datastore(s)"),
                is_cluster: None,
                node_count: None,
                cluster_node_count: None,
                datastore_count: Some(datastores),
            },
        }
    }
}

/// `POST /api/config/nodes/test-connection`, for one that does not.
pub fn refused_connection(failure: &TestFailure) -> Refused {
    Refused::new(400, "connection_failed", words(failure))
}

/// What went wrong when nobody can reach a host.
pub fn no_agent(host: &str) -> TestFailure {
    TestFailure::Failed(format!("no agent available to reach {host}"))
}

fn words(failure: &TestFailure) -> String {
    match failure {
        TestFailure::Senseless(text) => format!("Failed to create client: {text}"),
        TestFailure::Failed(text) => format!("Connection failed: {text}"),
    }
}

/// `POST /api/config/nodes/test-config` and `POST /api/config/nodes/{id}/test`. Quirk: status 200 whatever came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NodeTestReply {
    status: &'static str,
    message: String,
    /// Milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    latency: Option<u32>,
}

impl NodeTestReply {
    /// The answer about a node; `is_stored`: about one of the configuration.
    pub fn new(result: &Result<Tested, TestFailure>, is_stored: bool) -> Self {
        let (message, latency) = match result {
            Ok(Tested::Pve { nodes, took_ms, .. }) => {
                (format!("Connected to PVE cluster with {nodes} nodes"), Some(*took_ms))
            }
            Ok(Tested::Pbs { took_ms, .. }) => {
                (if is_stored { "Connected to PBS" } else { "Connected to PBS instance" }.to_owned(), Some(*took_ms))
            }
            Err(failure) => (words(failure), None),
        };
        Self { status: if latency.is_some() { "success" } else { "error" }, message, latency }
    }

    /// The answer about a node that is not there.
    pub fn not_found() -> Self {
        Self { status: "error", message: "Node not found".to_owned(), latency: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json<T: Serialize>(value: &T) -> String {
        serde_json::to_string(value).unwrap()
    }

    #[test]
    fn a_node_that_answers_is_told_of_by_what_it_has() {
        let reply = |tested: Tested| json(&ConnectionReply::from(tested));
        let cluster = Tested::Pve { nodes: 2, cluster_nodes: Some(2), took_ms: 12 };
        let expected = r#"{"status":"success","message":"Successfully connected to 2 node(s)","isCluster":true,"nodeCount":2,"clusterNodeCount":2}"#;
        assert_eq!(reply(cluster), expected);
        let alone = Tested::Pve { nodes: 1, cluster_nodes: None, took_ms: 12 };
        assert_eq!(
            reply(alone),
            r#"{"status":"success","message":"Successfully connected to 1 node(s)","isCluster":false,"nodeCount":1}"#
        );
        let server = Tested::Pbs { datastores: 1, took_ms: 3 };
        assert_eq!(
            reply(server),
            r#"{"status":"success","message":"Successfully connected. Found 1 datastore(s)","datastoreCount":1}"#
        );
        let short = |tested, is_stored| json(&NodeTestReply::new(&Ok(tested), is_stored));
        assert_eq!(
            short(cluster, true),
            r#"{"status":"success","message":"Connected to PVE cluster with 2 nodes","latency":12}"#
        );
        assert_eq!(short(server, false), r#"{"status":"success","message":"Connected to PBS instance","latency":3}"#);
        assert_eq!(short(server, true), r#"{"status":"success","message":"Connected to PBS","latency":3}"#);
    }

    #[test]
    fn one_that_does_not_is_refused_in_its_words() {
        let failed = TestFailure::Failed("403 Permission check failed".to_owned());
        let refused = refused_connection(&failed);
        assert_eq!((refused.status, refused.error.as_str()), (400, "Connection failed: 403 Permission check failed"));
        let senseless = TestFailure::Senseless("invalid user format, expected user@realm".to_owned());
        assert_eq!(
            refused_connection(&senseless).error,
            "Failed to create client: invalid user format, expected user@realm"
        );
        assert_eq!(
            refused_connection(&no_agent("https://pve1:8006")).error,
            "Connection failed: no agent available to reach https://pve1:8006"
        );
        let reply = json(&NodeTestReply::new(&Err(failed), true));
        assert_eq!(reply, r#"{"status":"error","message":"Connection failed: 403 Permission check failed"}"#);
        assert_eq!(json(&NodeTestReply::not_found()), r#"{"status":"error","message":"Node not found"}"#);
    }
}
