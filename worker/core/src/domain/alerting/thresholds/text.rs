//! What people read of thresholds. Source: pulse specification, 12.3 and 12.6.

use super::{Effective, Resource};
use crate::model::{ResourceKind, ThresholdMetric};

/// What was measured: `VM cpu usage at 85.5% (trigger: 80%, clear: 75%)`; of a rate in MB/s. Quirk: of a storage it is the `usage
/// usage`, for its metric is called so.
pub fn value(of: ResourceKind, metric: ThresholdMetric, value: f64, limit: Effective) -> String {
    let (of, word, Effective { trigger, clear }) = (of.title(), metric.word(), limit);
    if metric.is_percentage() {
        format!("{of} {word} usage at {value:.1}% (trigger: {trigger:.0}%, clear: {clear:.0}%)")
    } else {
        format!("{of} {word} at {value:.1} MB/s (trigger: {trigger:.0} MB/s, clear: {clear:.0} MB/s)")
    }
}

/// That a resource is gone.
pub fn silence(resource: &Resource) -> String {
    let Resource { name, node, .. } = resource;
    match resource.kind {
        ResourceKind::Node => format!("Node '{name}' is offline"),
        ResourceKind::Vm => format!("VM '{name}' is powered off"),
        ResourceKind::Container => format!("Container '{name}' is powered off"),
        ResourceKind::Pbs => format!("PBS instance {name} is offline"),
        ResourceKind::Storage => format!("Storage {name} on node {node} is unavailable"),
        ResourceKind::Host => format!("Host '{name}' is offline"),
    }
}
