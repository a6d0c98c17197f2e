//! Metrics that hosts have beside the built-in ones: which of the stored names are a host's, and their units.

/// Whether this name is of the host that it is stored with. What came of probes has an API of its own, and what a node has of its guests
/// is asked of those.
pub fn is_of_host(name: &str) -> bool {
    !name.starts_with("probe/") && !name.starts_with("guest.")
}

/// The unit of a metric that is known by its name, in Mackerel's words, and `celsius`; `None` of what people named themselves.
/// Source: mackerel specification, 5.5.
pub fn unit(name: &str) -> Option<&'static str> {
    if name.starts_with("temperature/") {
        return Some("celsius");
    }
    if !super::mackerel::is_stock(name) {
        return None;
    }
    let (first, _) = name.split_once('.').unwrap_or((name, ""));
    Some(match first {
        "cpu" => "percentage",
        "memory" | "filesystem" => "bytes",
        "interface" => "bytes/sec",
        "disk" => "iops",
        _ => "float",
    })
}

/// Whether a metric is one of the graph of this name, in which `*` and `#` stand for one part of a name.
pub fn is_of_graph(name: &str, graph: &str) -> bool {
    let Some((of, _)) = name.rsplit_once('.') else { return false };
    let is_part = |(part, wanted): (&str, &str)| matches!(wanted, "*" | "#") || part == wanted;
    of.split('.').count() == graph.split('.').count() && of.split('.').zip(graph.split('.')).all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_by_its_name_has_a_unit() {
        for (name, expected) in [
            ("temperature/cpu", Some("celsius")),
            ("cpu.iowait.percentage", Some("percentage")),
            ("memory.cached", Some("bytes")),
            ("interface.eth0.rxBytes.delta", Some("bytes/sec")),
            ("disk.vda.reads.delta", Some("iops")),
            ("filesystem.vda1.used", Some("bytes")),
            ("loadavg5", Some("float")),
            ("custom.cpu.idle", None),
            ("cpu.made-up.percentage", None),
            ("", None),
        ] {
            assert_eq!(unit(name), expected, "{name}");
        }
    }

    #[test]
    fn what_is_not_the_hosts_own_is_told_apart() {
        assert_eq!(
            ["probe/3/up", "guest.101.cpu_percent", "custom.guest.a", "temperature/x"].map(is_of_host),
            [false, false, true, true]
        );
    }

    #[test]
    fn a_graph_has_the_metrics_below_its_name() {
        assert!(is_of_graph("custom.a.b", "custom.a") && is_of_graph("custom.x.y.b", "custom.*.#"));
        for (name, graph) in
            [("custom.a", "custom.a"), ("custom.a.b.c", "custom.a"), ("x", "x"), ("custom.ab.c", "custom.a")]
        {
            assert!(!is_of_graph(name, graph), "{name} {graph}");
        }
    }
}
