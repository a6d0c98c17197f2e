//! The calls of `organization.rs`, `user.rs` and `invitation.rs`.

use mackerel_client::invitation::InvitationValue;
use mackerel_client::user::UserAuthority;

use super::{World, client, key};

#[test]
fn the_organization_its_users_and_who_is_invited() {
    let world = World::start();
    // Who decides about people is an administrator.
    let client = &client(&world.worker, &key(&world.worker, &["read", "write", "admin"]));
    assert!((2..=63).contains(&world.done(client.get_organization()).name.len()));
    let users = world.done(client.list_users());
    assert_eq!(users.iter().filter(|user| user.authority == UserAuthority::Owner).count(), 1, "{users:?}");
    assert_eq!(world.refused(client.delete_user(users[0].id)).0, 403, "the owner");

    let value = InvitationValue::builder().email("ada@example.com").authority(UserAuthority::Viewer).build();
    let invitation = world.done(client.create_invitation(&value));
    assert_eq!(invitation.value, value);
    assert_eq!(world.done(client.list_invitations()), [invitation]);
    world.done(client.revoke_invitation("ada@example.com"));
    assert_eq!(world.done(client.list_invitations()), []);
}
