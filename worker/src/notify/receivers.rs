//! Which channels are told of what: those of the group that an event names or, of a step of a monitor's alert, those that the
//! notification groups lead to. A channel that is not told of alerts is told of nothing.

use std::collections::BTreeSet;

use edgewatch_core::domain::downtime::Concern;
use edgewatch_core::domain::{ids, routing};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{
    Audience, Channel, DEFAULT_GROUP, EscalationAudience, HostId, NotificationGroup, RoleName, group_name,
};
use edgewatch_core::notify::{Kind, Notice};

use crate::platform::log;
use crate::store::channels::SealedChannel;
use crate::store::mackerel::groups;
use crate::store::{Db, StoreError};

/// The numbers of the channels that are told, for each of the notices. Reads nothing where no notice is of a monitor; else a row for
/// each group, and for each role of the hosts that they are of.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn of(db: &Db, channels: &[SealedChannel], notices: &[Notice<'_>]) -> Result<Vec<BTreeSet<i64>>, Failure> {
    let hosts: Option<Vec<HostId>> = notices
        .iter()
        .filter(|notice| Audience::parse(notice.group).is_some())
        .map(|notice| notice.event.host_id)
        .fold(None, |hosts, host| Some(hosts.into_iter().flatten().chain(host).collect()));
    let known = match hosts {
        Some(hosts) => Some(known(db, &hosts).await?),
        None => None,
    };
    let all: Vec<&Channel> =
        channels.iter().map(|sealed| &sealed.channel).filter(|channel| channel.hears_alerts()).collect();
    Ok(notices.iter().map(|notice| of_one(&all, notice, known.as_ref())).collect())
}

/// Groups with their ids, and roles of hosts.
type Known = (Vec<(String, NotificationGroup)>, Vec<(HostId, RoleName)>);

async fn known(db: &Db, hosts: &[HostId]) -> Result<Known, Failure> {
    match groups::list_with_roles(db, hosts).await {
        Ok((groups, roles)) => {
            let named = |(id, group): (i64, NotificationGroup)| (ids::of_row(id), group);
            Ok((groups.into_iter().map(named).collect(), roles))
        }
        // What cannot be read must not keep everybody from being told.
        Err(StoreError::Corrupt(detail)) => {
            log::error("notify.groups", &detail);
            let group = NotificationGroup { is_default: true, ..NotificationGroup::default() };
            Ok((vec![(String::new(), group)], Vec::new()))
        }
        Err(error) => Err(error.into()),
    }
}

fn of_one(channels: &[&Channel], notice: &Notice<'_>, known: Option<&Known>) -> BTreeSet<i64> {
    let of_group = |group: &str| -> Vec<&Channel> {
        channels.iter().copied().filter(|channel| channel.group == group_name(group)).collect()
    };
    if let Some(audience) = EscalationAudience::of_group(notice.group) {
        let is_mail = |channel: &&Channel| Kind::from_word(&channel.kind).is_some_and(Kind::is_mail);
        let told = of_group(DEFAULT_GROUP).into_iter();
        return told
            .filter(|channel| is_mail(channel) == (audience == EscalationAudience::Email))
            .map(|channel| channel.id)
            .collect();
    }
    let (Some(Audience { monitor, service, is_critical }), Some((groups, roles))) =
        (Audience::parse(notice.group), known)
    else {
        return of_group(notice.group).into_iter().map(|channel| channel.id).collect();
    };
    let of_host = |(host, _): &&(HostId, RoleName)| Some(*host) == notice.event.host_id;
    let roles: Vec<RoleName> = roles.iter().filter(of_host).map(|(_, role)| role.clone()).collect();
    let defaults: Vec<String> = of_group(DEFAULT_GROUP).into_iter().map(|channel| ids::of_row(channel.id)).collect();
    let concern = Concern { monitor: &monitor, roles: &roles, service: service.as_deref() };
    let told = routing::channels(groups, &defaults, concern, is_critical);
    channels.iter().map(|channel| channel.id).filter(|id| told.contains(&ids::of_row(*id))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::db::now;
    use crate::store::{Statement, mackerel};
    use edgewatch_core::model::{ChannelSaid, Event, EventKind, GroupLink};
    use edgewatch_core::units::UnixSeconds;

    fn channel(id: i64, group: &str, events: Option<&[&str]>) -> SealedChannel {
        let said = events.map(|events| ChannelSaid {
            events: events.iter().map(|event| (*event).to_owned()).collect(),
            ..ChannelSaid::default()
        });
        let (name, kind, group) = (String::new(), "ntfy".to_owned(), group.to_owned());
        let channel = Channel { id, name, kind, group, created_at: UnixSeconds(0), said };
        SealedChannel { channel, config_sealed: String::new(), paused_until: UnixSeconds(0) }
    }

    fn event(host: Option<i64>) -> Event {
        Event::new("k".to_owned(), EventKind::AlertFired, host.map(HostId), UnixSeconds(1), String::new())
    }

    fn told(db: &Db, channels: &[SealedChannel], host: Option<i64>, group: &str) -> Vec<i64> {
        let event = event(host);
        let notice = Notice { event: &event, host: None, host_name: None, group };
        now(of(db, channels, &[notice])).unwrap().remove(0).into_iter().collect()
    }

    fn audience(monitor: &str, service: Option<&str>, is_critical: bool) -> String {
        Audience { monitor: monitor.to_owned(), service: service.map(str::to_owned), is_critical }.text()
    }

    fn group(db: &Db, group: &NotificationGroup) {
        now(groups::insert(db, group, Statement::new("SELECT 1", vec![]))).unwrap();
    }

    #[test]
    fn a_rules_group_is_told_as_ever_and_costs_no_row() {
        let db = Db::in_memory().unwrap();
        let channels = [channel(1, "default", None), channel(2, "night", None), channel(3, "night", None)];
        assert_eq!(told(&db, &channels, Some(1), "night"), [2, 3]);
        assert_eq!((told(&db, &channels, None, ""), told(&db, &channels, None, "nobody")), (vec![1], vec![]));
        assert_eq!(db.meter().rows_read(), 0);
    }

    #[test]
    fn what_nobody_acknowledges_goes_to_mail_or_to_the_rest_of_the_default_group() {
        let db = Db::in_memory().unwrap();
        let mail = |id, group| {
            let mut channel = channel(id, group, None);
            "smtp".clone_into(&mut channel.channel.kind);
            channel
        };
        let channels = [channel(1, "default", None), mail(2, "default"), channel(3, "night", None), mail(4, "night")];
        let told = |audience: EscalationAudience| told(&db, &channels, Some(1), audience.group());
        assert_eq!((told(EscalationAudience::Email), told(EscalationAudience::Webhook)), (vec![2], vec![1]));
        assert_eq!(told(EscalationAudience::All), [1, 2]);
        assert_eq!(db.meter().rows_read(), 0);
    }

    #[test]
    fn a_monitors_alert_goes_to_the_groups_of_its_monitor_and_of_its_hosts_services() {
        let db = Db::in_memory().unwrap();
        let role = RoleName { service: "Shop".to_owned(), role: "web".to_owned() };
        let host = Statement::new(
            "INSERT INTO hosts (id, public_id, uuid, name, tag, note, hidden_for_guest, secret_hash, registered_at_s) \
             VALUES (7, 'p', 'u', 'n', '', '', 0, 's', 1)",
            vec![],
        );
        let mut statements = vec![host];
        statements.extend(mackerel::services::make_missing(std::slice::from_ref(&role)));
        statements.push(mackerel::hosts::add_roles(HostId(7), &[role]));
        now(db.batch(statements)).unwrap();
        let link = |of: &str, skips_default| vec![GroupLink { of: of.to_owned(), skips_default }];
        let ids = |ids: &[i64]| Some(ids.iter().map(|id| ids::of_row(*id)).collect());
        let shop =
            NotificationGroup { services: link("Shop", false), channels: ids(&[2]), ..NotificationGroup::default() };
        let keeps = NotificationGroup {
            monitors: link("m1", true),
            channels: ids(&[3, 4, 99]),
            ..NotificationGroup::default()
        };
        group(&db, &shop);
        group(&db, &NotificationGroup { only_critical: true, ..keeps });
        let channels = [
            channel(1, "default", None),
            channel(2, "elsewhere", Some(&["alert"])),
            channel(3, "elsewhere", None),
            channel(4, "elsewhere", Some(&["hostStatus"])),
        ];
        let told = |host, group: &str| told(&db, &channels, host, group);
        assert_eq!(told(Some(7), &audience("m2", None, true)), [1, 2], "the host plays a role of the service");
        assert_eq!(told(Some(8), &audience("m2", None, true)), [1]);
        assert_eq!(told(None, &audience("m2", Some("Shop"), false)), [1, 2]);
        assert_eq!(told(Some(7), &audience("m1", None, true)), [2, 3], "one of its channels hears of no alerts");
        assert_eq!(told(Some(7), &audience("m1", None, false)), [1, 2]);
        now(db.batch(vec![Statement::new("UPDATE notification_groups SET children_json = 'x' WHERE id = 2", vec![])]))
            .unwrap();
        assert_eq!(told(Some(7), &audience("m1", None, true)), [1], "groups that cannot be read");
    }
}
