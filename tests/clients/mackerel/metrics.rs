//! The calls of `metric.rs` and `graph_definition.rs`, and of `host.rs` those about metrics.

use std::time::SystemTime;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use mackerel_client::graph_definition::{GraphDefinition, GraphMetric, GraphUnit};
use mackerel_client::host::ListHostsParams;
use mackerel_client::metric::{HostMetricValue, MetricValue, ServiceMetricValue};
use mackerel_client::service::Service;

use super::World;

/// The minute before this one.
fn last_minute() -> DateTime<Utc> {
    let now: DateTime<Utc> = SystemTime::now().into();
    now.duration_trunc(TimeDelta::minutes(1)).expect("a minute") - TimeDelta::minutes(1)
}

fn at(time: DateTime<Utc>, value: f64) -> MetricValue {
    MetricValue::builder().time(time).value(value).build()
}

#[test]
fn metrics_of_hosts_and_services_are_posted_and_read_back() {
    let world = World::start();
    let (client, host) = (&world.client, world.host("one"));
    let (first, last) = (last_minute() - TimeDelta::minutes(1), last_minute());
    let of_host =
        |time, value| HostMetricValue::builder().host_id(host).name("custom.dice.d6").value(at(time, value)).build();
    world.done(client.post_host_metric_values([of_host(last, 2.0), of_host(first, 1.5)]));
    let points = world.done(client.list_host_metric_values(host, "custom.dice.d6", first, last));
    assert_eq!(points, [at(first, 1.5), at(last, 2.0)]);
    let latest = world.done(client.list_latest_host_metric_values([host], ["custom.dice.d6", "loadavg5"]));
    assert_eq!(latest[&host]["custom.dice.d6"], Some(at(last, 2.0)));
    assert_eq!(latest[&host]["loadavg5"], None);
    assert_eq!(world.done(client.list_host_metric_names(host)), ["custom.dice.d6"]);
    assert_eq!(world.refused(client.list_host_metric_values(host, "loadavg5", first, last)).0, 404);

    world.done(client.create_service(Service::builder().name("Web").build()));
    let of_service = ServiceMetricValue::builder().name("visits").value(at(last, 7.0)).build();
    world.done(client.post_service_metric_values("Web", [of_service]));
    assert_eq!(world.done(client.list_service_metric_values("Web", "visits", first, last)), [at(last, 7.0)]);
    assert_eq!(world.done(client.list_service_metric_names("Web")), ["visits"]);
}

#[test]
fn a_host_of_our_agent_has_metrics_by_mackerels_names() {
    let world = World::start();
    let found = world.done(world.client.list_hosts(ListHostsParams::host_name("of our agent")));
    let id = found[0].id;
    let names = world.done(world.client.list_host_metric_names(id));
    assert!(names.iter().any(|name| name == "loadavg1"), "{names:?}");
    let latest = world.done(world.client.list_latest_host_metric_values([id], ["loadavg1"]));
    assert_eq!(latest[&id]["loadavg1"].as_ref().map(|point| point.value), Some(0.5));
}

#[test]
fn graph_definitions_are_made_and_deleted() {
    let world = World::start();
    let metric = GraphMetric::builder().name("custom.dice.#").display_name("%1").is_stacked(true).build();
    let units = [GraphUnit::Integer, GraphUnit::BytesPerSec, GraphUnit::BitsPerSec, GraphUnit::IOPS, GraphUnit::Float];
    for unit in units {
        let definition = GraphDefinition::builder().name("custom.dice").unit(unit).metrics([metric.clone()]).build();
        world.done(world.client.create_graph_definitions([definition]));
    }
    world.done(world.client.delete_graph_definition("custom.dice"));
    assert_eq!(world.refused(world.client.delete_graph_definition("custom.dice")).0, 400);
}
