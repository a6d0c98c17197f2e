//! One HTTP client with one kept connection and small buffers.

use std::io::{ErrorKind, Read};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, RootCertStore};
use ureq::http::Uri;
use ureq::typestate::WithBody;
use ureq::unversioned::resolver::Resolver;
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, NextTimeout, TcpConnector};
use ureq::{Agent, RequestBuilder, Timeout};

use super::resolver::CachingResolver;
use super::roots;
use super::tls::{self, TlsConnector};

/// Longer than any answer the server gives.
const MOST_ANSWER_BYTES: u64 = 64 * 1024;

/// What the client needs of the configuration.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Trust only the certificates in this file.
    pub ca_file: Option<std::path::PathBuf>,
    /// The proxy's URL.
    pub proxy: Option<String>,
    /// An answer must be complete after this.
    pub timeout: Duration,
    /// Whether the server is spoken to by TLS: a client for plain HTTP needs no roots.
    pub is_tls: bool,
    /// How TLS is spoken, where neither the system's certificates nor those in `ca_file` decide.
    pub tls: Option<Arc<ClientConfig>>,
}

/// Why there is no answer, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct ClientError {
    words: String,
    is_disconnect: bool,
}

impl ClientError {
    /// An error in these words.
    pub fn new(words: impl Into<String>) -> Self {
        Self { words: words.into(), is_disconnect: false }
    }

    /// Whether the server closed the connection: a kept one may have been too old.
    pub fn is_disconnect(&self) -> bool {
        self.is_disconnect
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// The header `Retry-After`.
    pub retry_after: Option<String>,
    /// The header `Location`.
    #[cfg(feature = "itcockpit")]
    pub location: Option<String>,
    /// The body, cut when it is longer than any answer should be.
    pub body: &'a [u8],
}

/// The client.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    resolver: CachingResolver,
    tls: Option<Arc<ClientConfig>>,
    roots: Option<Arc<RootCertStore>>,
    answer: Vec<u8>,
}

impl Client {
    /// A client; reads the certificates it trusts.
    ///
    /// # Errors
    /// When there are no certificates to trust, or the proxy's URL is none.
    pub fn new(settings: &Settings) -> Result<Self, ClientError> {
        let proxy = settings.proxy.as_deref().map(|url| {
            // The URL may hold a password: it is not repeated here.
            ureq::Proxy::new(url)
                .map_err(|_| ClientError::new("the proxy's URL cannot be read; only HTTP proxies are used"))
        });
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // A redirect would carry the secret elsewhere.
            .max_redirects(0)
            .proxy(proxy.transpose()?)
            .user_agent(concat!("edgewatch-agent/", env!("CARGO_PKG_VERSION")))
            .accept("application/json")
            .accept_encoding("")
            .timeout_global(Some(settings.timeout))
            .timeout_connect(Some(settings.timeout.min(Duration::from_secs(10))))
            .input_buffer_size(4 * 1024)
            .output_buffer_size(8 * 1024)
            .max_response_header_size(16 * 1024)
            .max_idle_connections(1)
            .max_idle_connections_per_host(1)
            .max_idle_age(Duration::from_secs(330))
            .build();
        let needs_roots = settings.is_tls && settings.tls.is_none();
        let roots = if needs_roots { Some(Arc::new(roots::load(settings.ca_file.as_deref())?)) } else { None };
        let tls = match &settings.tls {
            Some(tls) => Some(Arc::clone(tls)),
            None => roots.clone().map(tls::config).transpose()?,
        };
        let resolver = CachingResolver::default();
        let connector = ().chain(ConnectProxyConnector::default()).chain(TcpConnector::default());
        let connector = connector.chain(TlsConnector { config: tls.clone() });
        let agent = Agent::with_parts(config, connector, resolver.clone());
        Ok(Self { agent, resolver, tls, roots, answer: Vec::new() })
    }

    /// How TLS is spoken with the server; `None` for plain HTTP.
    pub fn tls(&self) -> Option<&Arc<ClientConfig>> {
        self.tls.as_ref()
    }

    /// The certificates that it trusts; `None` for plain HTTP.
    pub fn roots(&self) -> Option<&Arc<RootCertStore>> {
        self.roots.as_ref()
    }

    /// What looks up addresses as this client does.
    pub fn lookup(&self) -> Lookup {
        Lookup { agent: self.agent.clone(), resolver: self.resolver.clone() }
    }

    /// Sends JSON and waits for the answer.
    ///
    /// # Errors
    /// When no answer came: the words say why.
    pub fn post(&mut self, url: &str, authorization: &str, body: &[u8]) -> Result<Answer<'_>, ClientError> {
        let request = self.agent.post(url);
        self.send(request, authorization, body)
    }

    /// The same, with less patience than the settings have.
    ///
    /// # Errors
    /// When no answer came: the words say why.
    #[cfg(feature = "itcockpit")]
    pub fn post_within(
        &mut self,
        url: &str,
        authorization: &str,
        body: &[u8],
        patience: Duration,
    ) -> Result<Answer<'_>, ClientError> {
        let request = self.agent.post(url).config().timeout_global(Some(patience)).build();
        self.send(request, authorization, body)
    }

    fn send(
        &mut self,
        request: RequestBuilder<WithBody>,
        authorization: &str,
        body: &[u8],
    ) -> Result<Answer<'_>, ClientError> {
        let request = request.header("authorization", authorization).content_type("application/json");
        let sent = request.send(body).map_err(|error| explain(&error));
        let mut response = match sent {
            Ok(response) => response,
            Err(error) => {
                self.resolver.forget();
                return Err(error);
            }
        };
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let retry_after = header("retry-after");
        #[cfg(feature = "itcockpit")]
        let location = header("location");
        self.answer.clear();
        let read = response.body_mut().as_reader().take(MOST_ANSWER_BYTES).read_to_end(&mut self.answer);
        read.map_err(|error| ClientError::new(format!("the answer broke off: {error}")))?;
        Ok(Answer {
            status: response.status().as_u16(),
            retry_after,
            #[cfg(feature = "itcockpit")]
            location,
            body: &self.answer,
        })
    }

    /// Asks for a page: its status and its body, of which no more than `most_bytes` are read.
    ///
    /// # Errors
    /// When none came: the words say why.
    #[cfg(feature = "itcockpit")]
    pub fn get(&mut self, url: &str, most_bytes: u64) -> Result<(u16, Vec<u8>), ClientError> {
        let mut response = self.agent.get(url).header("accept", "*/*").call().map_err(|error| explain(&error))?;
        let mut body = Vec::new();
        let read = response.body_mut().as_reader().take(most_bytes).read_to_end(&mut body);
        read.map_err(|error| ClientError::new(format!("the answer broke off: {error}")))?;
        Ok((response.status().as_u16(), body))
    }

    /// A handle that ends a request from another thread.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.agent.clone())
    }
}

/// Looks up addresses for a connection beside the client's, and remembers them together with it.
#[derive(Debug)]
pub struct Lookup {
    agent: Agent,
    resolver: CachingResolver,
}

impl Lookup {
    /// The addresses of a server.
    ///
    /// # Errors
    /// When its name cannot be resolved.
    pub fn addresses(&self, uri: &Uri, patience: Duration) -> Result<Vec<SocketAddr>, ClientError> {
        let timeout = NextTimeout { after: patience.into(), reason: Timeout::Resolve, ..NextTimeout::default() };
        let found = self.resolver.resolve(uri, self.agent.config(), timeout);
        found.map(|addresses| addresses.to_vec()).map_err(|error| explain(&error))
    }

    /// Asks the system anew next time: something went wrong.
    pub fn forget(&self) {
        self.resolver.forget();
    }

    /// The proxy to go through.
    pub fn proxy(&self) -> Option<&ureq::Proxy> {
        self.agent.config().proxy()
    }
}

/// Ends what a client is doing.
#[derive(Debug)]
pub struct Stopper(Agent);

impl Stopper {
    /// Ends the request under way; none can follow.
    pub fn stop(self) {
        self.0.shutdown();
    }
}

fn explain(error: &ureq::Error) -> ClientError {
    let is_disconnect = matches!(error, ureq::Error::Io(error) if matches!(
        error.kind(),
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe
    ));
    let words = match error {
        ureq::Error::HostNotFound => "the server's name cannot be resolved".to_owned(),
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        ureq::Error::Io(error) => format!("cannot reach the server: {error}"),
        other => format!("cannot reach the server: {other}"),
    };
    ClientError { words, is_disconnect }
}

/// The system's certificates and those in `ca_file`.
///
/// # Errors
/// When there are none.
pub fn all_roots(ca_file: Option<&std::path::Path>) -> Result<RootCertStore, ClientError> {
    roots::load_all(ca_file)
}
