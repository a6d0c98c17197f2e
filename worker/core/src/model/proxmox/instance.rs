//! What is polled: a Proxmox VE, alone or a cluster, or a Proxmox Backup Server; and how it is reached.

use std::fmt;

use crate::model::HostId;
use crate::units::UnixSeconds;

/// An instance's number: never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId(pub i64);

/// Which of the two products.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InstanceKind {
    /// Proxmox VE.
    Pve,
    /// Proxmox Backup Server.
    Pbs,
}

impl InstanceKind {
    /// Both, in the order in which instances are listed.
    pub const ALL: [Self; 2] = [Self::Pve, Self::Pbs];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pve => "pve",
            Self::Pbs => "pbs",
        }
    }

    /// The kind of this word; `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Where its API listens unless told otherwise. Source: pulse specification, 9.2.
    pub const fn usual_port(self) -> u16 {
        match self {
            Self::Pve => 8006,
            Self::Pbs => 8007,
        }
    }
}

/// A configured instance, without what is secret of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// Its number.
    pub id: InstanceId,
    /// Which product.
    pub kind: InstanceKind,
    /// Its place among those of its kind, from 0.
    pub position: u32,
    /// What people call it.
    pub name: String,
    /// Its address: scheme, host and port, without a slash at the end.
    pub host: String,
    /// How it lets us in.
    pub access: Access,
    /// SHA-256 of the certificate that it must have, in hexadecimal; empty where any will do.
    pub fingerprint: String,
    /// Whether its certificate must be one that the world trusts.
    pub verify_tls: bool,
    /// What is looked at.
    pub monitors: Monitors,
    /// The cluster it is part of, as found.
    pub cluster: Option<Cluster>,
    /// The host whose agent polls it; `None` for the first one that can.
    pub collector: Option<HostId>,
    /// Whether the agent has it from a file of its own: the edge then knows no credentials.
    pub is_local: bool,
    /// When it was made.
    pub created_at: UnixSeconds,
}

/// How an instance lets somebody in, without what is secret of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Access {
    /// `name@realm`, empty with a token that names its user.
    pub user: String,
    /// Whether there is a password.
    pub has_password: bool,
    /// `user@realm!id`, or the id alone beside a user; empty without a token.
    pub token_name: String,
    /// Whether there is a token's value.
    pub has_token: bool,
}

/// What of an instance is looked at.
#[expect(clippy::struct_excessive_bools, reason = "each of them is a switch of its own")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Monitors {
    /// Virtual machines.
    pub vms: bool,
    /// Containers.
    pub containers: bool,
    /// Storages.
    pub storage: bool,
    /// Backups, snapshots and backup tasks; of a Backup Server always.
    pub backups: bool,
    /// Datastores.
    pub datastores: bool,
    /// Sync jobs.
    pub sync_jobs: bool,
    /// Verify jobs.
    pub verify_jobs: bool,
    /// Prune jobs.
    pub prune_jobs: bool,
    /// Garbage collection.
    pub garbage_jobs: bool,
}

impl Default for Monitors {
    /// All but garbage collection. Source: pulse specification, 9.2.
    fn default() -> Self {
        Self {
            vms: true,
            containers: true,
            storage: true,
            backups: true,
            datastores: true,
            sync_jobs: true,
            verify_jobs: true,
            prune_jobs: true,
            garbage_jobs: false,
        }
    }
}

/// What is to change of [`Monitors`]; `None` leaves what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MonitorsChange {
    /// As in [`Monitors`].
    pub vms: Option<bool>,
    /// As in [`Monitors`].
    pub containers: Option<bool>,
    /// As in [`Monitors`].
    pub storage: Option<bool>,
    /// As in [`Monitors`].
    pub backups: Option<bool>,
    /// As in [`Monitors`].
    pub datastores: Option<bool>,
    /// As in [`Monitors`].
    pub sync_jobs: Option<bool>,
    /// As in [`Monitors`].
    pub verify_jobs: Option<bool>,
    /// As in [`Monitors`].
    pub prune_jobs: Option<bool>,
    /// As in [`Monitors`].
    pub garbage_jobs: Option<bool>,
}

impl Monitors {
    /// These, with what `change` has in its place.
    #[must_use]
    pub fn with(self, change: MonitorsChange) -> Self {
        Self {
            vms: change.vms.unwrap_or(self.vms),
            containers: change.containers.unwrap_or(self.containers),
            storage: change.storage.unwrap_or(self.storage),
            backups: change.backups.unwrap_or(self.backups),
            datastores: change.datastores.unwrap_or(self.datastores),
            sync_jobs: change.sync_jobs.unwrap_or(self.sync_jobs),
            verify_jobs: change.verify_jobs.unwrap_or(self.verify_jobs),
            prune_jobs: change.prune_jobs.unwrap_or(self.prune_jobs),
            garbage_jobs: change.garbage_jobs.unwrap_or(self.garbage_jobs),
        }
    }
}

/// A cluster, as one of its nodes tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// Its nodes, in the order told.
    pub endpoints: Vec<Endpoint>,
}

/// A node of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Endpoint {
    /// Such as `node/pve1`.
    pub node_id: String,
    /// Such as `pve1`.
    pub node_name: String,
    /// The name under which it is polled.
    pub host: String,
    /// Its address within the cluster; may be empty.
    pub ip: String,
    /// Whether the cluster sees it.
    pub is_online: bool,
    /// When it was last seen so.
    pub last_seen: Option<UnixSeconds>,
}

/// How an instance lets somebody in: by a password or by a token. Each is empty where it is not used.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Credentials {
    /// `name@realm`.
    pub user: String,
    /// The user's password.
    pub password: String,
    /// `user@realm!id`, or the id alone beside a user.
    pub token_name: String,
    /// The token's value.
    pub token_value: String,
}

impl Credentials {
    /// What of them may be shown.
    pub fn access(&self) -> Access {
        Access {
            user: self.user.clone(),
            has_password: !self.password.is_empty(),
            token_name: self.token_name.clone(),
            has_token: !self.token_value.is_empty(),
        }
    }

    /// Whether somebody can be let in by them.
    pub fn are_complete(&self) -> bool {
        (!self.user.is_empty() && !self.password.is_empty())
            || (!self.token_name.is_empty() && !self.token_value.is_empty())
    }

    /// These, with what `said` has in its place: what is empty there stays as it is. Of a Backup Server one method replaces the other:
    /// a token takes user and password away, a password or a user alone takes the token. Source: pulse specification, 9.3.
    #[must_use]
    pub fn with(self, kind: InstanceKind, said: &Self) -> Self {
        let text = |known: String, said: &String| if said.is_empty() { known } else { said.clone() };
        let mut new = Self {
            user: text(self.user, &said.user),
            password: text(self.password, &said.password),
            token_name: text(self.token_name, &said.token_name),
            token_value: text(self.token_value, &said.token_value),
        };
        if kind == InstanceKind::Pbs {
            if !said.token_name.is_empty() {
                (new.user, new.password) = (String::new(), String::new());
            } else if !said.password.is_empty() || !said.user.is_empty() {
                (new.token_name, new.token_value) = (String::new(), String::new());
            }
        }
        new
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It may end up in a log.
        write!(formatter, "Credentials({:?}, {:?})", self.user, self.token_name)
    }
}

/// An instance about to be made, or to be tried.
#[derive(Debug, Clone, PartialEq)]
pub struct InstanceDraft {
    /// Which product.
    pub kind: InstanceKind,
    /// What people will call it.
    pub name: String,
    /// As in [`Instance`].
    pub host: String,
    /// How it lets somebody in.
    pub credentials: Credentials,
    /// As in [`Instance`].
    pub fingerprint: String,
    /// As in [`Instance`].
    pub verify_tls: bool,
    /// What is looked at.
    pub monitors: Monitors,
    /// The cluster it is part of, where that is known already.
    pub cluster: Option<Cluster>,
}

/// What is to change of an instance; `None` leaves what is there.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct InstanceChange {
    /// Another name.
    pub name: Option<String>,
    /// Another address.
    pub host: Option<String>,
    /// What of the credentials is said: see [`Credentials::with`].
    pub credentials: Credentials,
    /// Another fingerprint; empty for none.
    pub fingerprint: Option<String>,
    /// As in [`Instance`].
    pub verify_tls: Option<bool>,
    /// What is looked at.
    pub monitors: MonitorsChange,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(user: &str, password: &str, token_name: &str, token_value: &str) -> Credentials {
        let [user, password, token_name, token_value] = [user, password, token_name, token_value].map(str::to_owned);
        Credentials { user, password, token_name, token_value }
    }

    #[test]
    fn a_backup_server_has_one_way_in_and_what_is_not_said_stays() {
        let by_token = || credentials("", "", "a@pbs!t", "v");
        let by_password = || credentials("a@pbs", "p", "", "");
        let (pbs, pve) = (InstanceKind::Pbs, InstanceKind::Pve);
        assert_eq!(by_token().with(pbs, &Credentials::default()), by_token());
        assert_eq!(by_token().with(pbs, &by_password()), by_password());
        assert_eq!(by_token().with(pbs, &credentials("b@pbs", "", "", "")), credentials("b@pbs", "", "", ""));
        assert_eq!(by_password().with(pbs, &by_token()), by_token());
        assert_eq!(by_password().with(pbs, &credentials("", "new", "", "")), credentials("a@pbs", "new", "", ""));
        assert_eq!(by_password().with(pve, &by_token()), credentials("a@pbs", "p", "a@pbs!t", "v"));
        assert_eq!(by_token().with(pve, &credentials("", "", "", "w")), credentials("", "", "a@pbs!t", "w"));
    }

    #[test]
    fn half_a_credential_lets_nobody_in_and_none_is_shown() {
        let complete = [("u", "p", "", ""), ("", "", "t", "v"), ("u", "", "t", "v")];
        let half = [("", "", "", ""), ("u", "", "", ""), ("", "p", "t", ""), ("u", "", "", "v"), ("", "", "t", "")];
        assert!(complete.iter().all(|(a, b, c, d)| credentials(a, b, c, d).are_complete()));
        assert!(!half.iter().any(|(a, b, c, d)| credentials(a, b, c, d).are_complete()));
        let shown = format!("{:?}", credentials("me", "hidden1", "t", "hidden2"));
        assert!(shown.contains("me") && !shown.contains("hidden"), "{shown}");
    }

    #[test]
    fn what_is_looked_at_changes_one_by_one() {
        let all = Monitors::default();
        assert!(all.vms && all.prune_jobs && !all.garbage_jobs);
        let fewer =
            all.with(MonitorsChange { vms: Some(false), garbage_jobs: Some(true), ..MonitorsChange::default() });
        assert_eq!(fewer, Monitors { vms: false, garbage_jobs: true, ..all });
        for kind in InstanceKind::ALL {
            assert_eq!(InstanceKind::parse(kind.word()), Some(kind));
        }
        assert_eq!((InstanceKind::parse("PVE"), InstanceKind::Pve.usual_port()), (None, 8006));
    }
}
