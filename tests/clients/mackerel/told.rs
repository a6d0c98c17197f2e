//! The calls of `channel.rs`, `notification_group.rs`, `downtime.rs` and `alert_group_setting.rs`.

use mackerel_client::alert_group_setting::AlertGroupSettingValue;
use mackerel_client::channel::{Channel, ChannelValue, NotificationEvent};
use mackerel_client::downtime::{DowntimeRecurrence, DowntimeRecurrenceType, DowntimeRecurrenceWeekday, DowntimeValue};
use mackerel_client::notification_group::{
    NotificationGroupMonitor, NotificationGroupService, NotificationGroupValue, NotificationLevel,
};

use super::World;

fn webhook(name: &str) -> ChannelValue {
    ChannelValue::Webhook {
        name: name.to_owned(),
        suspended_at: None,
        url: "https://hooks.example.com/x".to_owned(),
        enabled_graph_image: false,
        events: vec![NotificationEvent::Alert],
    }
}

fn make_channel(world: &World, name: &str) -> Channel {
    world.done(world.client.create_channel(webhook(name)))
}

#[test]
fn channels_are_made_listed_and_deleted() {
    let world = World::start();
    let made = make_channel(&world, "ops");
    let listed = world.done(world.client.list_channels());
    assert_eq!(listed, [world.done(world.client.delete_channel(made.id))], "as they were");
    assert_eq!((listed[0].id, listed[0].name()), (made.id, "ops".to_owned()));
    let ChannelValue::Webhook { url, events, .. } = &listed[0].value else { panic!("{listed:?}") };
    assert!(!url.contains("hooks.example.com") && *events == [NotificationEvent::Alert], "masked: {url}");
    assert_eq!(world.done(world.client.list_channels()), []);
}

#[test]
fn notification_groups_are_made_changed_and_deleted() {
    let world = World::start();
    let (client, channel) = (&world.client, make_channel(&world, "ops"));
    let monitor = world.done(client.list_monitors())[0].id;
    let groups = world.done(client.list_notification_groups());
    assert_eq!(groups.len(), 1, "the default one");
    let mut value = NotificationGroupValue::builder()
        .name("night")
        .notification_level(NotificationLevel::Critical)
        .child_channel_ids([channel.id])
        .child_notification_group_ids([groups[0].id])
        .monitors([NotificationGroupMonitor::builder().id(monitor).skip_default(true).build()])
        .services([NotificationGroupService::builder().name("My-Service").build()])
        .build();
    let made = world.done(client.create_notification_group(&value));
    assert_eq!(made.value, value);
    assert!(world.done(client.list_notification_groups()).contains(&made));
    (value.notification_level, value.child_notification_group_ids) = (NotificationLevel::All, vec![]);
    assert_eq!(world.done(client.update_notification_group(made.id, &value)).value, value);
    assert_eq!(world.done(client.delete_notification_group(made.id)).value, value);
    assert_eq!(world.done(client.list_notification_groups()), groups);
}

#[test]
fn downtimes_are_made_changed_and_deleted() {
    let world = World::start();
    let client = &world.client;
    let monitor = world.done(client.list_monitors())[0].id;
    let start = chrono::DateTime::from_timestamp(1_795_361_160, 0).expect("a time");
    let recurrence = DowntimeRecurrence::builder()
        .recurrence_type(DowntimeRecurrenceType::Weekly)
        .interval(2)
        .weekdays([DowntimeRecurrenceWeekday::Monday, DowntimeRecurrenceWeekday::Sunday])
        .until(start + chrono::TimeDelta::days(300))
        .build();
    let mut value = DowntimeValue::builder()
        .name("upgrade")
        .memo("m")
        .start(start)
        .duration(90)
        .recurrence(recurrence)
        .service_scopes(["My-Service"])
        .role_exclude_scopes(["My-Service:db"])
        .monitor_scopes([monitor])
        .build();
    let made = world.done(client.create_downtime(&value));
    assert_eq!(made.value.name, value.name);
    assert_eq!(world.done(client.list_downtimes()), std::slice::from_ref(&made));
    (value.recurrence, value.memo) = (None, String::new());
    let changed = world.done(client.update_downtime(made.id, &value));
    assert_eq!(changed.value, value);
    assert_eq!(world.done(client.delete_downtime(made.id)), changed);
    assert_eq!(world.done(client.list_downtimes()), []);
}

#[test]
fn alert_group_settings_are_made_read_changed_and_deleted() {
    let world = World::start();
    let client = &world.client;
    let monitor = world.done(client.list_monitors())[0].id;
    let mut value = AlertGroupSettingValue::builder()
        .name("together")
        .memo("m")
        .service_scopes(["My-Service"])
        .role_scopes(["My-Service:app"])
        .monitor_scopes([monitor])
        .notification_interval(60)
        .build();
    let made = world.done(client.create_alert_group_setting(&value));
    assert_eq!(made.value, value);
    assert_eq!(world.done(client.get_alert_group_setting(made.id)), made);
    (value.memo, value.notification_interval) = (String::new(), None);
    assert_eq!(world.done(client.update_alert_group_setting(made.id, &value)).value, value);
    assert_eq!(world.done(client.list_alert_group_settings()).len(), 1);
    assert_eq!(world.done(client.delete_alert_group_setting(made.id)).value, value);
}
