//! The use cases in our own words: read, decide, write. No HTTP, no JSON, no dialect.

pub mod accounts;
pub mod backup;
pub mod channels;
pub mod edge_probes;
pub mod external;
pub mod fleet;
mod guests;
pub mod heartbeat;
pub mod host_admin;
pub mod hosts;
pub mod identity;
pub mod ingest;
pub mod mackerel;
pub mod merging;
pub mod metrics;
pub mod organization;
pub mod posted;
pub mod presence;
pub mod probes;
pub mod proxmox;
pub mod pulse;
pub mod push_agents;
pub mod remember;
pub mod results;
pub mod rules;
pub mod series;
pub mod session;
pub mod settings;
pub mod setup;
pub mod status;
pub mod thresholds;
pub mod tokens;
pub mod usage;
pub mod viewing;
pub mod visitor;

use std::sync::Arc;

use edgewatch_core::domain::ids;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::Credential;
use edgewatch_core::units::{UnixMillis, UnixSeconds};

use crate::hub::client::HubClient;
use crate::platform::assets::Assets;
use crate::platform::config::Config;
use crate::platform::objects::Objects;
use crate::platform::random;
use crate::store::{Db, Statement, access};

/// What a request has at hand.
#[derive(Clone)]
pub struct App {
    /// The database.
    pub db: Db,
    /// How the deployment is set.
    pub config: Arc<Config>,
    /// When the request came.
    pub now: UnixMillis,
    /// The static files, where the deployment has any.
    pub assets: Option<Assets>,
    /// The Durable Objects; `None` in native tests alone.
    pub objects: Option<Objects>,
    /// The hub; `None` likewise.
    pub hub: Option<HubClient>,
}

impl App {
    /// When the request came, in whole seconds.
    pub const fn now_s(&self) -> UnixSeconds {
        self.now.seconds()
    }

    /// The bytes of the static file at `path`, which begins with a slash.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when there is none; [`Failure::Unavailable`] when the assets do not answer.
    pub async fn asset(&self, path: &str) -> Result<Vec<u8>, Failure> {
        let assets = self.assets.as_ref().ok_or(Failure::NotFound { what: "file" })?;
        Ok(assets.get(path).await?.body)
    }

    /// The Durable Objects.
    ///
    /// # Errors
    /// [`Failure::Internal`] where there is no runtime.
    pub fn objects(&self) -> Result<&Objects, Failure> {
        self.objects.as_ref().ok_or_else(|| Failure::Internal("there are no Durable Objects here".to_owned()))
    }

    /// The hub.
    ///
    /// # Errors
    /// [`Failure::Internal`] where there is no runtime.
    pub fn hub(&self) -> Result<&HubClient, Failure> {
        self.hub.as_ref().ok_or_else(|| Failure::Internal("there is no hub here".to_owned()))
    }

    /// Whether this is a machine of one's own, where nothing but its network decides what can be reached.
    pub fn is_own_machine(&self) -> bool {
        self.config.budget.plan == "own"
    }

    /// A fresh key that sorts by time.
    fn time_key(&self) -> Result<String, Failure> {
        Ok(ids::time_key(self.now, random::number()?))
    }

    /// The audit row that says what `actor` did to `subject`.
    fn audit(&self, actor: &str, action: &str, subject: &str) -> Result<Statement, Failure> {
        Ok(access::audit(&self.time_key()?, self.now_s(), actor, action, subject))
    }
}

/// A secret of `chars` characters of `[0-9A-Za-z]`.
fn secret(chars: usize) -> Result<String, Failure> {
    ids::alphanumeric(chars, random::fill)
}

/// A caller as the audit table names it.
fn actor(credential: &Credential) -> String {
    match credential {
        Credential::Token(token) => format!("token:{}", token.id),
        Credential::Session(session) => format!("user:{}", session.user.id),
    }
}

/// The person behind a caller.
const fn user_id(credential: &Credential) -> i64 {
    match credential {
        Credential::Token(token) => token.user_id,
        Credential::Session(session) => session.user.id,
    }
}

#[cfg(test)]
impl App {
    /// An app over `db`, at a fixed moment, without variables or assets.
    pub fn for_tests(db: Db) -> Self {
        let config = Config {
            public_url: None,
            seal_key: None,
            expose_cost: false,
            test_clock_offset_ms: 0,
            trusted_address_header: None,
            access_proxy: None,
            budget: crate::platform::config::Budget::default(),
            keep_hours: [None; 4],
            pulse: crate::platform::pulse_variables::PulseVariables::default(),
            security_contact: None,
        };
        Self {
            db,
            config: Arc::new(config),
            now: UnixMillis(1_795_361_190_000),
            assets: None,
            objects: None,
            hub: None,
        }
    }
}
