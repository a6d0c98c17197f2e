//! Remembers the server's addresses, so that a kept connection costs no look-up per report.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::http::uri::Authority;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// How long addresses are kept while all goes well.
const KEPT: Duration = Duration::from_mins(10);

#[derive(Debug)]
struct Known {
    host: String,
    addresses: Vec<SocketAddr>,
    since: Instant,
}

/// The system's resolver with a memory of one name. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct CachingResolver {
    system: Arc<DefaultResolver>,
    known: Arc<Mutex<Option<Known>>>,
}

impl CachingResolver {
    /// Asks the system anew next time: something went wrong.
    pub fn forget(&self) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Resolver for CachingResolver {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.authority().map(Authority::as_str).unwrap_or_default();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.as_ref().filter(|known| known.host == host && known.since.elapsed() < KEPT) {
            let mut addresses = self.empty();
            known.addresses.iter().for_each(|address| addresses.push(*address));
            return Ok(addresses);
        }
        let addresses = self.system.resolve(uri, config, timeout)?;
        *known = Some(Known { host: host.to_owned(), addresses: addresses.to_vec(), since: Instant::now() });
        Ok(addresses)
    }
}
