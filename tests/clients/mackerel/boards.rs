//! The calls of `graph_annotation.rs`, `dashboard.rs` and `aws_integration.rs`.

use chrono::{DateTime, TimeDelta};
use mackerel_client::dashboard::{DashboardLayout, DashboardValue, DashboardWidget};
use mackerel_client::graph_annotation::GraphAnnotationValue;

use super::World;

#[test]
fn graph_annotations_are_made_listed_changed_and_deleted() {
    let world = World::start();
    let client = &world.client;
    let from = DateTime::from_timestamp(1_795_361_160, 0).expect("a time");
    let to = from + TimeDelta::minutes(5);
    let mut value = GraphAnnotationValue::builder()
        .title("deploy")
        .description("of 1.2")
        .from(from)
        .to(to)
        .service("My-Service")
        .roles(["app"])
        .build();
    let made = world.done(client.create_graph_annotation(&value));
    assert_eq!(made.value, value);
    assert_eq!(world.done(client.list_graph_annotations("My-Service", from, to)), std::slice::from_ref(&made));
    value.title = "rollback".to_owned();
    assert_eq!(world.done(client.update_graph_annotation(made.id, &value)).value, value);
    assert_eq!(world.done(client.delete_graph_annotation(made.id)).value, value);
    assert_eq!(world.done(client.list_graph_annotations("My-Service", from, to)), []);
}

#[test]
fn dashboards_are_made_read_changed_and_deleted() {
    let world = World::start();
    let client = &world.client;
    let layout = DashboardLayout { x: 0, y: 0, width: 8, height: 4 };
    let widget = DashboardWidget::Markdown { title: "t".to_owned(), markdown: "# hi".to_owned(), layout };
    let mut value = DashboardValue::builder().title("all").memo("m").url_path("all").widgets([widget]).build();
    let made = world.done(client.create_dashboard(&value));
    assert_eq!(made.value, value);
    assert_eq!(world.done(client.get_dashboard(made.id)), made);
    assert_eq!(world.refused(client.create_dashboard(&value)).0, 409, "its path is taken");
    value.title = "some".to_owned();
    assert_eq!(world.done(client.update_dashboard(made.id, &value)).value, value);
    assert_eq!(world.done(client.list_dashboards()).len(), 1);
    assert_eq!(world.done(client.delete_dashboard(made.id)).value, value);
}

#[test]
fn there_are_no_integrations_with_a_cloud() {
    let world = World::start();
    assert_eq!(world.done(world.client.list_aws_integrations()), []);
    assert_eq!(world.refused(world.client.get_aws_integration("2cSZzK3XfmG")).0, 404);
    assert_eq!(world.refused(world.client.create_aws_integration_external_id()).0, 404);
    assert_eq!(world.refused(world.client.list_aws_integration_metrics()).0, 404);
}
