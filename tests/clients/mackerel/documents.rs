//! The calls of `metadata.rs`.

use mackerel_client::metadata::Metadata;
use mackerel_client::role::Role;
use mackerel_client::service::Service;
use serde_json::{Value, json};

use super::World;

fn listed(namespaces: &[&str]) -> Vec<Metadata> {
    namespaces.iter().map(|name| Metadata { namespace: (*name).to_owned() }).collect()
}

fn documents() -> [Value; 4] {
    [json!({ "a": [1, 2.5, null], "ü": { "b": true } }), json!("text"), json!(12), json!(null)]
}

#[test]
fn documents_are_kept_with_hosts_services_and_roles() {
    let world = World::start();
    let (client, host) = (&world.client, world.host("one"));
    world.done(client.create_service(Service::builder().name("Web").build()));
    world.done(client.create_role("Web", Role::builder().name("front").build()));
    for document in documents() {
        world.done(client.put_host_metadata(host, "env", &document));
        assert_eq!(world.done(client.get_host_metadata(host, "env")), document);
        world.done(client.put_service_metadata("Web", "env", &document));
        assert_eq!(world.done(client.get_service_metadata("Web", "env")), document);
        world.done(client.put_role_metadata("Web", "front", "env", &document));
        assert_eq!(world.done(client.get_role_metadata("Web", "front", "env")), document);
    }
    assert_eq!(world.done(client.list_host_metadata(host)), listed(&["env"]));
    assert_eq!(world.done(client.list_service_metadata("Web")), listed(&["env"]));
    assert_eq!(world.done(client.list_role_metadata("Web", "front")), listed(&["env"]));
    world.done(client.delete_host_metadata(host, "env"));
    world.done(client.delete_service_metadata("Web", "env"));
    world.done(client.delete_role_metadata("Web", "front", "env"));
    assert_eq!(world.refused(client.get_host_metadata(host, "env")).0, 404);
    assert_eq!(world.done(client.list_role_metadata("Web", "front")), []);
}
