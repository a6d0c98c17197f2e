//! The static assets: read here, handed out by us.

use edgewatch_core::failure::Failure;
use worker::{Env, Fetcher};

use super::config;

/// The folder of built files.
#[derive(Clone)]
pub struct Assets(Fetcher);

/// One file.
pub struct Asset {
    /// Its bytes.
    pub body: Vec<u8>,
}

impl Assets {
    /// The binding, when the deployment has one.
    pub fn new(env: &Env) -> Option<Self> {
        config::assets(env).ok().map(Self)
    }

    /// The file at `path`, which begins with a slash.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when there is none; [`Failure::Unavailable`] when the binding does not answer.
    pub async fn get(&self, path: &str) -> Result<Asset, Failure> {
        let failed = |error: worker::Error| Failure::Unavailable { detail: format!("assets: {error}") };
        // The host is of no account: the binding looks at the path.
        let found = self.0.fetch(format!("http://assets{path}"), None).await.map_err(failed)?;
        let mut found = worker::Response::try_from(found).map_err(failed)?;
        if found.status_code() != 200 {
            return Err(Failure::NotFound { what: "file" });
        }
        Ok(Asset { body: found.bytes().await.map_err(failed)? })
    }
}
