//! The calls of `host.rs`.

use mackerel_client::host::{HostSize, HostStatus, HostValue, ListHostsParams};
use mackerel_client::role::RoleName;
use mackerel_client::service::ServiceName;

use super::{World, client, key, whole};

#[test]
fn hosts_of_every_dialect_are_decoded_and_come_back_as_they_were_said() {
    let world = World::start();
    let hosts = world.done(world.client.list_hosts(()));
    let mut names: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["of mackerel", "of nezha", "of our agent"]);
    assert!(hosts.iter().all(|host| host.size == HostSize::Standard && host.status == HostStatus::Working));

    let of_our_agent = hosts.iter().find(|host| host.name == "of our agent").expect("one of our agent");
    let interface = &of_our_agent.interfaces[0];
    assert_eq!((interface.name.as_str(), interface.mac_address.as_deref()), ("eth0", Some("02:fc:00:00:00:01")));
    assert_eq!((interface.ipv4_addresses.len(), interface.ipv6_addresses.len()), (1, 2));

    let id = world.done(world.client.create_host(whole("new")));
    let host = world.done(world.client.get_host(id));
    assert_eq!((host.id, host.is_retired, host.retired_at), (id, false, None));
    let said = whole("new");
    let mut roles = host.roles[&ServiceName::from("My-Service")].clone();
    roles.sort_unstable_by_key(ToString::to_string);
    assert_eq!(roles, [RoleName::from("app"), RoleName::from("db")]);
    let mut expected = HostValue { role_fullnames: vec![], ..said };
    expected.interfaces[0].ip_address = Some([192, 0, 2, 2].into());
    expected.interfaces[0].ipv6_address = expected.interfaces[0].ipv6_addresses.first().copied();
    assert_eq!(host.value, expected);

    let found = world.done(world.client.get_host_by_custom_identifier("i-0123/new?"));
    assert_eq!(found.map(|host| host.id), Some(id));
    assert_eq!(world.done(world.client.get_host_by_custom_identifier("i-0123/nobody?")), None);
    assert_eq!(world.refused(world.client.get_host("2eQGEaLxiYU")).0, 404);
}

#[test]
fn a_host_is_changed_found_and_retired() {
    let world = World::start();
    let (client, id) = (&world.client, world.host("one"));
    let changed = HostValue::builder().name("two").memo("m").role_fullnames(["My-Service:app"]).build();
    world.done(client.update_host(id, &changed));
    world.done(client.update_host_status(id, HostStatus::Maintenance));
    let host = world.done(client.get_host(id));
    assert_eq!((host.name.as_str(), host.memo.as_str(), host.status), ("two", "m", HostStatus::Maintenance));
    assert_eq!(world.done(client.list_hosts(ListHostsParams::host_name("two"))), [], "under maintenance");
    let in_role = ListHostsParams::role_fullname("My-Service:app").status(HostStatus::Maintenance);
    assert_eq!(world.done(client.list_hosts(in_role)), [host]);

    let other = world.host("three");
    world.done(client.update_host_statuses([id, other], HostStatus::Standby));
    let standby = ListHostsParams::default().status(HostStatus::Standby);
    assert_eq!(world.done(client.list_hosts(standby)).len(), 2);
    world.done(client.update_host_roles(id, ["Other-Service:web"]));
    let roles = world.done(client.get_host(id)).value.role_fullnames;
    assert_eq!(roles, [], "input only");
    let of_service = ListHostsParams::service_name("Other-Service");
    assert_eq!(world.done(client.list_hosts(of_service)).iter().map(|host| host.id).collect::<Vec<_>>(), [id]);

    world.done(client.retire_host(id));
    let retired = world.done(client.get_host(id));
    assert!(retired.is_retired && retired.retired_at.is_some_and(|at| at >= retired.created_at));
    world.done(client.retire_hosts([other]));
    assert!(world.done(client.get_host(other)).is_retired);
    assert_eq!(world.refused(client.update_host_status(id, HostStatus::Working)).0, 400);
}

#[test]
fn a_key_that_may_not_is_refused_in_words_that_the_client_finds() {
    let world = World::start();
    let reader = client(&world.worker, &key(&world.worker, &["read"]));
    assert_eq!(world.done(reader.list_hosts(())).len(), 3);
    let (status, message) = world.refused(reader.create_host(whole("new")));
    assert_eq!(status, 403);
    assert!(!message.is_empty() && !message.contains('{'), "{message}");
    let nobody = client(&world.worker, "wrong");
    let refusal = world.refused(nobody.list_hosts(()));
    assert_eq!(refusal, (401, "Authentication failed. Please try with valid Api Key.".to_owned()));
}
