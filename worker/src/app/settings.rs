//! Settings of the deployment that are changed while it runs.

use std::collections::BTreeMap;

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{AddressNotices, Audience, Credential, GuestPage, GuestTheme, GuestView, SocketDialect};

use super::heartbeat::Heartbeat;
use super::visitor::{Door, Visitor};
use super::{App, accounts, actor, heartbeat, remember, rules};
use crate::store::rules::RULES_VERSION;
use crate::store::{address_notices, settings};

const MAX_VIEW_PASSWORD_BYTES: usize = 256;
const MAX_GROUP_CHARS: usize = 64;
const MAX_TITLE_CHARS: usize = 100;
const MAX_HOSTS: usize = 5_000;
/// So many host names may have a dialect of their own, each so long.
const MAX_DIALECT_HOSTS: usize = 50;
const MAX_HOST_NAME_BYTES: usize = 253;
/// An administrator accepts agents that push.
const MANUAL: &str = "manual";

/// What is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How far guests are let in.
    pub guest_view: GuestView,
    /// What guests are shown around the hosts.
    pub guest_page: GuestPage,
    /// Whether guests are asked for a password.
    pub view_password_set: bool,
    /// Whether notifications name addresses in full.
    pub plain_ip_in_notifications: bool,
    /// When people are told that a host has another address.
    pub address_notices: AddressNotices,
    /// Whether an agent that pushes is a host as soon as it registers, and not only when an administrator accepts it.
    pub accepts_push_agents: bool,
    /// In whose words `/ws` speaks, by the name of the host that is asked.
    pub dialect_hosts: BTreeMap<String, SocketDialect>,
    /// What is called as long as all is well.
    pub heartbeat: Heartbeat,
}

/// What shall be set; `None` stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// How far guests are let in.
    pub guest_view: Option<GuestView>,
    /// What stands above the guest page; empty for the product's name.
    pub guest_title: Option<String>,
    /// How the guest page looks.
    pub guest_theme: Option<GuestTheme>,
    /// What guests are asked for; an empty one for nothing.
    pub view_password: Option<String>,
    /// Whether notifications name addresses in full.
    pub plain_ip_in_notifications: Option<bool>,
    /// When people are told that a host has another address.
    pub address_notices: Option<AddressNotices>,
    /// Whether an agent that pushes is a host as soon as it registers.
    pub accepts_push_agents: Option<bool>,
    /// In whose words `/ws` speaks, by the name of the host that is asked: all of them.
    pub dialect_hosts: Option<BTreeMap<String, SocketDialect>>,
    /// What is called as long as all is well; an empty text for nothing.
    pub heartbeat_url: Option<String>,
    /// How many seconds lie between two calls.
    pub heartbeat_interval_s: Option<u32>,
}

/// What is set.
///
/// # Errors
/// [`Failure::Forbidden`] for callers who are no administrators.
pub async fn read(app: &App, caller: &Credential) -> Result<Settings, Failure> {
    require(caller, Right::Admin)?;
    let door = Door::find(app).await?;
    let plain_ip = settings::find(&app.db, settings::PLAIN_IP_IN_NOTIFICATIONS).await?;
    Ok(Settings {
        guest_view: door.view,
        guest_page: guest_page(app).await?,
        view_password_set: door.password.is_some(),
        plain_ip_in_notifications: plain_ip.as_deref() == Some("1"),
        address_notices: address_notices::find(&app.db).await?,
        accepts_push_agents: accepts_push_agents(app).await?,
        dialect_hosts: dialect_hosts(app).await?,
        heartbeat: heartbeat::read(&app.db).await?,
    })
}

/// What guests are shown around the hosts: 2 rows read at most.
async fn guest_page(app: &App) -> Result<GuestPage, Failure> {
    let (title, theme) = settings::find_two(&app.db, settings::GUEST_TITLE, settings::GUEST_THEME).await?;
    let theme = theme.as_deref().and_then(GuestTheme::parse).unwrap_or_default();
    Ok(GuestPage { title: title.unwrap_or_default(), theme })
}

/// As much of that as whoever was let in may know, and how far guests are let in.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn for_guests(app: &App, _visitor: &Visitor) -> Result<(GuestPage, GuestView), Failure> {
    Ok((guest_page(app).await?, Door::find(app).await?.view))
}

async fn dialect_hosts(app: &App) -> Result<BTreeMap<String, SocketDialect>, Failure> {
    let text = settings::find(&app.db, settings::DIALECT_HOSTS).await?.unwrap_or_default();
    Ok(dialects_of(&text))
}

/// The dialect that is set for the host of this name, without its port: a row read.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn dialect_of(app: &App, host: &str) -> Result<Option<SocketDialect>, Failure> {
    Ok(dialect_hosts(app).await?.remove(&host.to_ascii_lowercase()))
}

/// A name and a word to a line.
fn dialects_of(text: &str) -> BTreeMap<String, SocketDialect> {
    let one = |line: &str| {
        let (host, word) = line.split_once(' ')?;
        Some((host.to_owned(), SocketDialect::parse(word)?))
    };
    text.lines().filter_map(one).collect()
}

/// What [`dialects_of`] reads.
fn text_of(hosts: &BTreeMap<String, SocketDialect>) -> Result<String, Failure> {
    let is_name = |name: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']');
        (1..=MAX_HOST_NAME_BYTES).contains(&name.len()) && name.bytes().all(plain)
    };
    if hosts.len() > MAX_DIALECT_HOSTS || !hosts.keys().all(|name| is_name(name)) {
        let reason = format!("at most {MAX_DIALECT_HOSTS} names of hosts, without ports");
        return Err(Failure::Invalid { field: "dialect_hosts".to_owned(), reason });
    }
    let line = |(host, dialect): (&String, &SocketDialect)| format!("{} {}", host.to_ascii_lowercase(), dialect.word());
    Ok(hosts.iter().map(line).collect::<Vec<_>>().join("\n"))
}

/// Whether an agent that pushes is a host as soon as it registers.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer.
pub(super) async fn accepts_push_agents(app: &App) -> Result<bool, Failure> {
    Ok(settings::find(&app.db, settings::PUSH_AGENTS).await?.as_deref() != Some(MANUAL))
}

/// Sets what is to be changed. Guests who are there show again that they may be.
///
/// # Errors
/// As [`read`]; [`Failure::Invalid`] for a view password that cannot be; [`Failure::Unavailable`] when a shard does not answer: as a rule
/// nothing is changed then, and doing it again is right in any case.
pub async fn change(app: &App, caller: &Credential, change: &Change) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    let mut statements = Vec::new();
    let mut changed = Vec::new();
    if let Some(view) = change.guest_view {
        statements.push(settings::put(settings::GUEST_VIEW, view.word()));
        changed.push("guest_view");
    }
    if let Some(title) = &change.guest_title {
        if title.chars().count() > MAX_TITLE_CHARS || title.chars().any(char::is_control) {
            let reason = format!("at most {MAX_TITLE_CHARS} characters, none of them control characters");
            return Err(Failure::Invalid { field: "guest_title".to_owned(), reason });
        }
        statements.push(settings::put(settings::GUEST_TITLE, title.trim()));
        changed.push("guest_title");
    }
    if let Some(theme) = change.guest_theme {
        statements.push(settings::put(settings::GUEST_THEME, theme.word()));
        changed.push("guest_theme");
    }
    if let Some(password) = &change.view_password {
        if password.len() > MAX_VIEW_PASSWORD_BYTES {
            let reason = "at most 256 bytes".to_owned();
            return Err(Failure::Invalid { field: "view_password".to_owned(), reason });
        }
        let stored = if password.is_empty() { String::new() } else { accounts::stored(app, password).await? };
        statements.push(settings::put(settings::VIEW_PASSWORD, &stored));
        changed.push("view_password");
    }
    if let Some(plain_ip) = change.plain_ip_in_notifications {
        statements.push(settings::put(settings::PLAIN_IP_IN_NOTIFICATIONS, if plain_ip { "1" } else { "0" }));
        changed.push("plain_ip_in_notifications");
    }
    if let Some(notices) = &change.address_notices {
        check(notices)?;
        statements.push(address_notices::put(notices)?);
        changed.push("address_notices");
    }
    if let Some(accepts) = change.accepts_push_agents {
        statements.push(settings::put(settings::PUSH_AGENTS, if accepts { "auto" } else { MANUAL }));
        changed.push("push_agents");
    }
    if let Some(hosts) = &change.dialect_hosts {
        statements.push(settings::put(settings::DIALECT_HOSTS, &text_of(hosts)?));
        changed.push("dialect_hosts");
    }
    let (of_heartbeat, words) = heartbeat::change(app, change.heartbeat_url.as_deref(), change.heartbeat_interval_s)?;
    statements.extend(of_heartbeat);
    changed.extend(words);
    let is_for_hub = change.plain_ip_in_notifications.is_some() || change.address_notices.is_some();
    if is_for_hub {
        statements.push(settings::bump(RULES_VERSION));
    }
    if statements.is_empty() {
        return Ok(());
    }
    statements.push(app.audit(&actor(caller), "settings.change", &changed.join(" "))?);
    let is_for_guests = change.guest_view.is_some() || change.view_password.is_some();
    if is_for_guests {
        // Where the hub does not answer nothing is changed.
        remember::taken_away(app).await?;
    }
    app.db.batch(statements).await?;
    if is_for_hub {
        rules::tell_hub(app).await;
    }
    if is_for_guests { remember::taken_away(app).await } else { Ok(()) }
}

fn check(notices: &AddressNotices) -> Result<(), Failure> {
    let invalid = |field: &str, reason: &str| Failure::Invalid { field: field.to_owned(), reason: reason.to_owned() };
    if notices.group.chars().count() > MAX_GROUP_CHARS || notices.group.chars().any(char::is_control) {
        return Err(invalid("group", "at most 64 characters, none of them control characters"));
    }
    if Audience::is_like(&notices.group) {
        return Err(invalid("group", "stands for a monitor"));
    }
    if notices.hosts.named().len() > MAX_HOSTS || notices.hosts.named().iter().any(|id| id.0 < 1) {
        return Err(invalid("hosts", "at most 5,000 numbers of hosts"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Db;
    use crate::store::db::now;
    use edgewatch_core::model::{HostId, Hosts, Role, Session, User};
    use edgewatch_core::units::UnixSeconds;

    fn session(role: Role) -> Credential {
        let user = User { id: 1, name: "ada".to_owned(), role };
        Credential::Session(Session { user, expires_at: UnixSeconds(i64::MAX) })
    }

    #[test]
    fn what_is_set_is_what_was_named_and_nothing_else() {
        let app = App::for_tests(Db::in_memory().unwrap());
        let admin = session(Role::Admin);
        let expected = Settings {
            guest_view: GuestView::Off,
            guest_page: GuestPage::default(),
            view_password_set: false,
            plain_ip_in_notifications: false,
            address_notices: AddressNotices::default(),
            accepts_push_agents: true,
            dialect_hosts: BTreeMap::new(),
            heartbeat: Heartbeat { url: None, interval_s: 60, failures: 0 },
        };
        assert_eq!(now(read(&app, &admin)), Ok(expected.clone()));
        let one = Change { guest_view: Some(GuestView::Status), ..Change::default() };
        now(change(&app, &admin, &one)).unwrap();
        now(change(&app, &admin, &Change::default())).unwrap();
        let one = Change { plain_ip_in_notifications: Some(true), ..Change::default() };
        now(change(&app, &admin, &one)).unwrap();
        let notices = AddressNotices { is_on: true, group: "ops".to_owned(), hosts: Hosts::Only([HostId(3)].into()) };
        let one =
            Change { address_notices: Some(notices.clone()), accepts_push_agents: Some(false), ..Change::default() };
        now(change(&app, &admin, &one)).unwrap();
        let expected = Settings {
            guest_view: GuestView::Status,
            plain_ip_in_notifications: true,
            address_notices: notices,
            accepts_push_agents: false,
            ..expected
        };
        assert_eq!(now(read(&app, &admin)), Ok(expected));
        assert_eq!(now(settings::find_count(&app.db, RULES_VERSION)), Ok(2), "the hub heeds both");
        for wrong in [
            AddressNotices { group: "x".repeat(65), ..AddressNotices::default() },
            AddressNotices { group: "a\nb".to_owned(), ..AddressNotices::default() },
            AddressNotices { hosts: Hosts::Only([HostId(0)].into()), ..AddressNotices::default() },
        ] {
            let one = Change { address_notices: Some(wrong), ..Change::default() };
            assert!(matches!(now(change(&app, &admin, &one)), Err(Failure::Invalid { .. })), "{one:?}");
        }
        let page = Change {
            guest_title: Some(" <b>\u{202e} ".to_owned()),
            guest_theme: Some(GuestTheme::Dark),
            ..Change::default()
        };
        now(change(&app, &admin, &page)).unwrap();
        let expected = GuestPage { title: "<b>\u{202e}".to_owned(), theme: GuestTheme::Dark };
        assert_eq!(now(for_guests(&app, &Visitor::Guest)), Ok((expected, GuestView::Status)));
        for title in ["x".repeat(101), "a\nb".to_owned()] {
            let one = Change { guest_title: Some(title), ..Change::default() };
            assert!(matches!(now(change(&app, &admin, &one)), Err(Failure::Invalid { .. })));
        }
        let too_long = Change { view_password: Some("x".repeat(257)), ..Change::default() };
        assert!(matches!(now(change(&app, &admin, &too_long)), Err(Failure::Invalid { .. })));
    }

    #[test]
    fn a_host_has_the_dialect_that_is_set_for_its_name_whatever_its_letters_case() {
        let app = App::for_tests(Db::in_memory().unwrap());
        let of = |hosts: &[(&str, SocketDialect)]| {
            let hosts = hosts.iter().map(|(host, dialect)| ((*host).to_owned(), *dialect)).collect();
            let one = Change { dialect_hosts: Some(hosts), ..Change::default() };
            now(change(&app, &session(Role::Admin), &one))
        };
        of(&[("Pulse.example.com", SocketDialect::Pulse), ("[::1]", SocketDialect::Nezha)]).unwrap();
        let found = |host: &str| now(dialect_of(&app, host)).unwrap();
        assert_eq!(
            [found("pulse.EXAMPLE.com"), found("[::1]"), found("example.com")],
            [Some(SocketDialect::Pulse), Some(SocketDialect::Nezha), None]
        );
        for wrong in ["", "a b", "a\nb", &"x".repeat(254)] {
            assert!(matches!(of(&[(wrong, SocketDialect::Both)]), Err(Failure::Invalid { .. })), "{wrong:?}");
        }
        of(&[]).unwrap();
        assert_eq!(found("pulse.example.com"), None);
    }

    #[test]
    fn settings_are_an_administrators_business() {
        let app = App::for_tests(Db::in_memory().unwrap());
        let viewer = session(Role::Viewer);
        assert!(matches!(now(read(&app, &viewer)), Err(Failure::Forbidden { .. })));
        assert!(matches!(now(change(&app, &viewer, &Change::default())), Err(Failure::Forbidden { .. })));
    }
}
