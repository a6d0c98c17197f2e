//! What an export holds, secrets included. Source: pulse specification, 10.3.

use serde::Serialize;
use serde_json::Value;

use super::blob::BlobError;
use crate::dialects::pulse::alert_config::{AlertConfigReply, read_alert_config};
use crate::dialects::pulse::nodes::{ClusterEndpoint, host_part, normalized};
use crate::dialects::pulse::notifications::{EmailConfig, WebhookKeys, hook_of, read_mail};
use crate::dialects::pulse::number::time;
use crate::dialects::pulse::object::Object;
use crate::dialects::pulse::read::invalid;
use crate::dialects::pulse::system::{SystemKeys, system_with};
use crate::failure::Failure;
use crate::model::proxmox::{
    Cluster, Credentials, Endpoint, Instance, InstanceDraft, InstanceKind, Monitors, MonitorsChange, SystemSettings,
};
use crate::model::{AlertConfig, Hook, MailSettings};
use crate::units::UnixSeconds;
use crate::units::calendar::parse_rfc3339;

/// The version that is written; others are read too.
const VERSION: &str = "4.0";

/// The document of an export.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ExportDocument {
    version: &'static str,
    exported_at: String,
    nodes: NodeLists,
    alerts: AlertConfigReply,
    email: EmailConfig,
    webhooks: Vec<WebhookKeys>,
    system: SystemKeys,
}

#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct NodeLists {
    pve_instances: Vec<PveKeys>,
    pbs_instances: Vec<PbsKeys>,
}

#[expect(clippy::struct_excessive_bools, reason = "as the product has them")]
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
struct PveKeys {
    #[serde(flatten)]
    node: NodeKeys,
    #[serde(rename = "VerifySSL")]
    verify_ssl: bool,
    #[serde(rename = "MonitorVMs")]
    monitor_vms: bool,
    monitor_containers: bool,
    monitor_storage: bool,
    monitor_backups: bool,
    is_cluster: bool,
    cluster_name: String,
    /// Quirk: null for none.
    cluster_endpoints: Option<Vec<ClusterEndpoint>>,
}

#[expect(clippy::struct_excessive_bools, reason = "as the product has them")]
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
struct PbsKeys {
    #[serde(flatten)]
    node: NodeKeys,
    #[serde(rename = "VerifySSL")]
    verify_ssl: bool,
    monitor_backups: bool,
    monitor_datastores: bool,
    monitor_sync_jobs: bool,
    monitor_verify_jobs: bool,
    monitor_prune_jobs: bool,
    monitor_garbage_jobs: bool,
}

/// Quirk: keys begin with capitals. Secrets are as they are.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "PascalCase")]
struct NodeKeys {
    name: String,
    host: String,
    user: String,
    password: String,
    token_name: String,
    token_value: String,
    fingerprint: String,
}

impl ExportDocument {
    /// The document of what is configured, instances in their order with their secrets.
    pub fn new(
        at: UnixSeconds,
        instances: &[(Instance, Credentials)],
        alerts: &AlertConfig,
        mail: &MailSettings,
        hooks: &[Hook],
        system: &SystemSettings,
    ) -> Self {
        let of = |kind| instances.iter().filter(move |(instance, _)| instance.kind == kind);
        Self {
            version: VERSION,
            exported_at: time(Some(at)),
            nodes: NodeLists {
                pve_instances: of(InstanceKind::Pve).map(PveKeys::from).collect(),
                pbs_instances: of(InstanceKind::Pbs).map(PbsKeys::from).collect(),
            },
            alerts: AlertConfigReply::from(alerts),
            email: EmailConfig::exported(mail),
            webhooks: hooks.iter().map(WebhookKeys::exported).collect(),
            system: SystemKeys::from(system),
        }
    }
}

impl From<&(Instance, Credentials)> for NodeKeys {
    fn from((instance, credentials): &(Instance, Credentials)) -> Self {
        Self {
            name: instance.name.clone(),
            host: instance.host.clone(),
            user: credentials.user.clone(),
            password: credentials.password.clone(),
            token_name: credentials.token_name.clone(),
            token_value: credentials.token_value.clone(),
            fingerprint: instance.fingerprint.clone(),
        }
    }
}

impl From<&(Instance, Credentials)> for PveKeys {
    fn from(both: &(Instance, Credentials)) -> Self {
        let instance = &both.0;
        let cluster = instance.cluster.as_ref();
        Self {
            node: NodeKeys::from(both),
            verify_ssl: instance.verify_tls,
            monitor_vms: instance.monitors.vms,
            monitor_containers: instance.monitors.containers,
            monitor_storage: instance.monitors.storage,
            monitor_backups: instance.monitors.backups,
            is_cluster: cluster.is_some(),
            cluster_name: cluster.map(|cluster| cluster.name.clone()).unwrap_or_default(),
            cluster_endpoints: cluster
                .map(|cluster| cluster.endpoints.iter().map(|one| ClusterEndpoint::of(one, None)).collect()),
        }
    }
}

impl From<&(Instance, Credentials)> for PbsKeys {
    fn from(both: &(Instance, Credentials)) -> Self {
        let (instance, monitors) = (&both.0, both.0.monitors);
        Self {
            node: NodeKeys::from(both),
            verify_ssl: instance.verify_tls,
            monitor_backups: monitors.backups,
            monitor_datastores: monitors.datastores,
            monitor_sync_jobs: monitors.sync_jobs,
            monitor_verify_jobs: monitors.verify_jobs,
            monitor_prune_jobs: monitors.prune_jobs,
            monitor_garbage_jobs: monitors.garbage_jobs,
        }
    }
}

/// What takes the place of all that is configured.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// Instances, in their order.
    pub instances: Vec<InstanceDraft>,
    /// The configuration of alerts.
    pub alerts: AlertConfig,
    /// The setting for mail.
    pub mail: MailSettings,
    /// Webhooks, in their order; one without an id has to be given one.
    pub hooks: Vec<Hook>,
    /// The settings of the server.
    pub system: SystemSettings,
}

/// Reads a document: of any version, with keys in any case, what is not known left out. Thresholds that are missing are the usual ones.
///
/// # Errors
/// [`BlobError::Document`] for what is no JSON object or holds what cannot be; nothing of it is to be taken then.
pub fn read_document(plaintext: &[u8]) -> Result<Imported, BlobError> {
    let value: Value = serde_json::from_slice(plaintext).map_err(|error| BlobError::Document(error.to_string()))?;
    let read = |value| read_object(Object::of(value, "the document")?);
    read(value).map_err(|failure| match failure {
        Failure::Malformed { detail } => BlobError::Document(detail),
        other => BlobError::Document(other.to_string()),
    })
}

fn read_object(mut from: Object) -> Result<Imported, Failure> {
    let mut nodes = from.object("nodes")?.unwrap_or_default();
    let mut instances = vec![];
    for (key, kind) in [("pveInstances", InstanceKind::Pve), ("pbsInstances", InstanceKind::Pbs)] {
        for value in nodes.list(key)?.unwrap_or_default() {
            instances.push(read_instance(Object::of(value, key)?, kind)?);
        }
    }
    let mail = from.object("email")?.unwrap_or_default();
    let hooks = from.list("webhooks")?.unwrap_or_default();
    let system = from.object("system")?.unwrap_or_default().into_map();
    Ok(Imported {
        instances,
        alerts: read_alert_config(from.object("alerts")?.unwrap_or_default())?,
        mail: read_mail(&MailSettings::default(), mail)?,
        hooks: hooks
            .into_iter()
            .map(|value| hook_of(Object::of(value, "webhooks")?, None))
            .collect::<Result<_, _>>()?,
        system: system_with(&SystemSettings::default(), &system)?,
    })
}

fn read_instance(mut from: Object, kind: InstanceKind) -> Result<InstanceDraft, Failure> {
    let text = |from: &mut Object, key: &str| {
        let text = from.text(key)?.unwrap_or_default();
        if text.len() > 512 || text.chars().any(char::is_control) {
            Err(invalid(key, "is too long, or no text"))
        } else {
            Ok(text)
        }
    };
    let host = normalized(&text(&mut from, "Host")?, kind)?;
    let name = text(&mut from, "Name")?;
    let monitors = MonitorsChange {
        vms: from.bool("MonitorVMs")?,
        containers: from.bool("MonitorContainers")?,
        storage: from.bool("MonitorStorage")?,
        backups: from.bool("MonitorBackups")?,
        datastores: from.bool("MonitorDatastores")?,
        sync_jobs: from.bool("MonitorSyncJobs")?,
        verify_jobs: from.bool("MonitorVerifyJobs")?,
        prune_jobs: from.bool("MonitorPruneJobs")?,
        garbage_jobs: from.bool("MonitorGarbageJobs")?,
    };
    Ok(InstanceDraft {
        kind,
        name: if name.is_empty() { host_part(&host) } else { name },
        host,
        credentials: Credentials {
            user: text(&mut from, "User")?,
            password: text(&mut from, "Password")?,
            token_name: text(&mut from, "TokenName")?,
            token_value: text(&mut from, "TokenValue")?,
        },
        fingerprint: text(&mut from, "Fingerprint")?,
        verify_tls: from.bool("VerifySSL")?.unwrap_or(false),
        monitors: Monitors::default().with(monitors),
        cluster: read_cluster(&mut from)?,
    })
}

fn read_cluster(from: &mut Object) -> Result<Option<Cluster>, Failure> {
    if from.bool("IsCluster")? != Some(true) {
        return Ok(None);
    }
    let name = from.text("ClusterName")?.unwrap_or_default();
    let mut endpoints = vec![];
    for value in from.list("ClusterEndpoints")?.unwrap_or_default() {
        let mut one = Object::of(value, "ClusterEndpoints")?;
        let mut text = |key: &str| one.text(key).map(Option::unwrap_or_default);
        let (node_id, node_name, host, ip) = (text("NodeID")?, text("NodeName")?, text("Host")?, text("IP")?);
        let seen = parse_rfc3339(&text("LastSeen")?).map(|(at, _)| at).filter(|at| at.0 > 0);
        let is_online = one.bool("Online")?.unwrap_or(false);
        endpoints.push(Endpoint { node_id, node_name, host, ip, is_online, last_seen: seen });
    }
    Ok(Some(Cluster { name, endpoints }))
}
