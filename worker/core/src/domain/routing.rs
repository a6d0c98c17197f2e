//! Which channels are told of an alert of a monitor: those of the groups that name the monitor, or a service that it is about, and
//! those of the default group unless one of these keeps it for itself.

use std::collections::BTreeSet;

use super::downtime::Concern;
use crate::model::{GroupLink, NotificationGroup};

/// The ids of the channels that are told, by groups with their ids; `defaults` are those that rules call the default group.
pub fn channels(
    groups: &[(String, NotificationGroup)],
    defaults: &[String],
    concern: Concern<'_>,
    is_critical: bool,
) -> BTreeSet<String> {
    let mut walk = Walk { groups, defaults, is_critical, seen: BTreeSet::new(), channels: BTreeSet::new() };
    let mut is_kept = false;
    for (id, group) in groups.iter().filter(|(_, group)| !group.is_default) {
        let mut links = links(group, concern).peekable();
        if links.peek().is_some() {
            walk.tell(id, group);
            // What it is not told of itself it cannot keep.
            is_kept |= links.any(|link| link.skips_default) && (is_critical || !group.only_critical);
        }
    }
    if !is_kept {
        for (id, group) in groups.iter().filter(|(_, group)| group.is_default) {
            walk.tell(id, group);
        }
    }
    walk.channels
}

/// What of a group leads to it.
fn links<'a>(group: &'a NotificationGroup, concern: Concern<'a>) -> impl Iterator<Item = &'a GroupLink> {
    let monitors = group.monitors.iter().filter(move |link| link.of == concern.monitor);
    let is_about = move |link: &&GroupLink| {
        concern.service == Some(link.of.as_str()) || concern.roles.iter().any(|role| role.service == link.of)
    };
    monitors.chain(group.services.iter().filter(is_about))
}

struct Walk<'a> {
    groups: &'a [(String, NotificationGroup)],
    defaults: &'a [String],
    is_critical: bool,
    /// Groups may name each other in a ring.
    seen: BTreeSet<&'a str>,
    channels: BTreeSet<String>,
}

impl<'a> Walk<'a> {
    fn tell(&mut self, id: &'a str, group: &'a NotificationGroup) {
        let mut next = vec![(id, group)];
        while let Some((id, group)) = next.pop() {
            // Who is told of what is critical alone does not pass other things on.
            if (group.only_critical && !self.is_critical) || !self.seen.insert(id) {
                continue;
            }
            self.channels.extend(group.channels.as_deref().unwrap_or(self.defaults).iter().cloned());
            let children = group.children.iter().filter_map(|child| self.groups.iter().find(|(id, _)| id == child));
            next.extend(children.map(|(id, group)| (id.as_str(), group)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RoleName;
    use proptest::prelude::*;

    fn texts(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn link(of: &str, skips_default: bool) -> GroupLink {
        GroupLink { of: of.to_owned(), skips_default }
    }

    fn group(channels: &[&str]) -> NotificationGroup {
        NotificationGroup { channels: Some(texts(channels)), ..NotificationGroup::default() }
    }

    fn told(groups: &[NotificationGroup], monitor: &str, services: &[&str], is_critical: bool) -> Vec<String> {
        let role = |service: &&str| RoleName { service: (*service).to_owned(), role: "web".to_owned() };
        let roles: Vec<RoleName> = services.iter().map(role).collect();
        let standard = NotificationGroup { is_default: true, channels: None, ..NotificationGroup::default() };
        let named = ["g1", "g2", "g3"].into_iter().zip(groups.iter().cloned());
        let all: Vec<_> = named.chain([("g0", standard)]).map(|(id, group)| (id.to_owned(), group)).collect();
        let concern = Concern { monitor, roles: &roles, service: None };
        channels(&all, &texts(&["c0"]), concern, is_critical).into_iter().collect()
    }

    #[test]
    fn what_no_group_names_goes_to_the_default_one_and_what_one_names_to_both() {
        let of_monitor = NotificationGroup { monitors: vec![link("m1", false)], ..group(&["c1", "c2"]) };
        assert_eq!(told(&[], "m1", &[], true), ["c0"]);
        assert_eq!(told(std::slice::from_ref(&of_monitor), "m2", &["Shop"], true), ["c0"]);
        assert_eq!(told(&[of_monitor], "m1", &[], true), ["c0", "c1", "c2"]);
    }

    #[test]
    fn a_group_of_a_service_is_told_of_its_hosts_and_of_its_metrics() {
        let of_service = NotificationGroup { services: vec![link("Shop", false)], ..group(&["c1"]) };
        assert_eq!(told(std::slice::from_ref(&of_service), "m1", &["Shop"], true), ["c0", "c1"]);
        assert_eq!(told(std::slice::from_ref(&of_service), "m1", &["Other"], true), ["c0"]);
        let concern = Concern { monitor: "m1", roles: &[], service: Some("Shop") };
        let found = channels(&[("g1".to_owned(), of_service)], &[], concern, true);
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["c1"]);
    }

    #[test]
    fn the_default_group_is_spared_where_a_link_says_so() {
        let keeps = NotificationGroup { monitors: vec![link("m1", true)], ..group(&["c1"]) };
        let also = NotificationGroup { services: vec![link("Shop", false)], ..group(&["c2"]) };
        assert_eq!(told(&[keeps.clone(), also], "m1", &["Shop"], true), ["c1", "c2"]);
        assert_eq!(told(&[keeps], "m2", &["Shop"], true), ["c0"]);
    }

    #[test]
    fn a_group_for_what_is_critical_is_told_of_nothing_else_and_passes_nothing_else_on() {
        let critical = NotificationGroup {
            monitors: vec![link("m1", false)],
            only_critical: true,
            children: texts(&["g2"]),
            ..group(&["c1"])
        };
        let groups = [critical, group(&["c2"])];
        assert_eq!(told(&groups, "m1", &[], true), ["c0", "c1", "c2"]);
        assert_eq!(told(&groups, "m1", &[], false), ["c0"]);
        let keeps = NotificationGroup { monitors: vec![link("m1", true)], only_critical: true, ..group(&["c1"]) };
        assert_eq!(told(std::slice::from_ref(&keeps), "m1", &[], true), ["c1"]);
        assert_eq!(told(&[keeps], "m1", &[], false), ["c0"], "it does not keep what it is not told");
    }

    #[test]
    fn children_are_told_too_and_a_ring_of_them_ends() {
        let first =
            NotificationGroup { monitors: vec![link("m1", true)], children: texts(&["g2", "gone"]), ..group(&["c1"]) };
        let second = NotificationGroup { children: texts(&["g3", "g1"]), ..group(&["c2"]) };
        let third = NotificationGroup { children: texts(&["g3"]), only_critical: true, ..group(&["c3"]) };
        let groups = [first, second, third];
        assert_eq!(told(&groups, "m1", &[], true), ["c1", "c2", "c3"]);
        assert_eq!(told(&groups, "m1", &[], false), ["c1", "c2"]);
    }

    proptest! {
        #[test]
        fn groups_however_they_are_linked_tell_only_channels_of_groups(
            links in prop::collection::vec((any::<[bool; 4]>(), any::<bool>(), any::<bool>(), any::<bool>()), 1..5),
            is_critical in any::<bool>(),
        ) {
            let groups: Vec<(String, NotificationGroup)> = links.iter().enumerate().map(|(number, (children, named, skips, only_critical))| {
                let children = (0..4).filter(|child| children[*child]).map(|child| format!("g{child}")).collect();
                let monitors = if *named { vec![link("m1", *skips)] } else { vec![] };
                let group = NotificationGroup {
                    children, monitors, only_critical: *only_critical, is_default: number == 0,
                    ..group(&[&format!("c{number}")])
                };
                (format!("g{number}"), group)
            }).collect();
            let found = channels(&groups, &[], Concern { monitor: "m1", roles: &[], service: None }, is_critical);
            let is_told = |number: usize| found.contains(&format!("c{number}"));
            for (number, (_, named, _, only_critical)) in links.iter().enumerate() {
                prop_assert!(!is_told(number) || is_critical || !only_critical);
                prop_assert!(number == 0 || !named || is_told(number) == (is_critical || !only_critical));
            }
            prop_assert!(found.len() <= links.len());
        }
    }
}
