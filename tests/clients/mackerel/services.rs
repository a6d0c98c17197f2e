//! The calls of `service.rs` and `role.rs`.

use mackerel_client::role::Role;
use mackerel_client::service::Service;

use super::World;

#[test]
fn services_and_roles_are_made_listed_and_deleted() {
    let world = World::start();
    let client = &world.client;
    let service = Service::builder().name("Web").memo("all of it").build();
    assert_eq!(world.done(client.create_service(&service)), service);
    let role = Role::builder().name("front").memo("seen").build();
    assert_eq!(world.done(client.create_role("Web", &role)), role);
    assert_eq!(world.done(client.list_roles("Web")), std::slice::from_ref(&role));
    let listed = world.done(client.list_services());
    assert!(listed.contains(&Service { roles: vec!["front".into()], ..service.clone() }), "{listed:?}");
    assert!(listed.iter().any(|one| &*one.name == "My-Service" && one.roles == ["app".into(), "db".into()]));
    assert_eq!(world.done(client.list_service_metric_names("Web")), [""; 0]);
    assert_eq!(world.refused(client.create_service(&service)).0, 400);
    assert_eq!(world.done(client.delete_role("Web", "front")), role);
    assert_eq!(world.done(client.delete_service("Web")), service);
    assert_eq!(world.refused(client.list_roles("Web")).0, 404);
}
