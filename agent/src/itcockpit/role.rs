//! The wiring of the role: one thread that starts the parts, restarts them when the files have changed, and tries again to listen.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use super::cycle::{Around, Cycle};
use super::packages::{Packages, Summary, Told};
use super::push::{AuthFile, Client, Pusher};
use super::settings::{self, Listen, Settings};
use super::{definitions, judge, listen, look, scrape};
use crate::checks::{Check, Exporter, Exporters, Post, Results, Runner};
use crate::collect;
use crate::config::{ConfigError, Environment};
use crate::failed::Failed;
use crate::inspect;
use crate::inventory;
use crate::log;
use crate::serve::{AutoTls, ConfigFiles, ConfigPush, Guard, Published, Server, Site};
use crate::wake::Wake;

/// How long until it is tried again to listen.
const LISTEN_AGAIN: Duration = Duration::from_secs(10);
/// How long the end of all parts is waited for.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// A page of an exporter is shown for so many of its intervals.
const PAGE_INTERVALS: u32 = 2;
/// Room for a look at certificates.
const STACK_BYTES: usize = 256 * 1024;
/// Variables that name proxies.
const PROXIES: [&str; 8] =
    ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"];

/// The running role; it ends with the process.
#[derive(Debug)]
pub struct Role {
    orders: Arc<Orders>,
    /// Closed once the thread is over.
    ended: Receiver<()>,
}

#[derive(Debug)]
struct Orders {
    wake: Wake,
    is_reload: AtomicBool,
    is_stop: AtomicBool,
}

impl Drop for Role {
    fn drop(&mut self) {
        self.orders.is_stop.store(true, Ordering::Release);
        self.orders.wake.up();
        // Checks that run are ended; a push under way may take longer than anybody wants to wait.
        let _ = self.ended.recv_timeout(LAST_WORDS);
    }
}

/// Starts the role as the file at `path` says.
///
/// # Errors
/// When the file cannot be used, or the system has no room for a thread.
pub fn start(path: &Path, environment: Environment<'_>) -> Result<Role, Failed> {
    let settings = settings::load(path)?;
    let proxies = PROXIES.iter().filter_map(|name| Some(((*name).to_owned(), environment(name)?))).collect();
    let client = client(&settings, &proxies)?;
    let begin = |error: std::io::Error| Failed::new(format!("cannot begin: {error}"));
    let orders = Arc::new(Orders {
        wake: Wake::new().map_err(begin)?,
        is_reload: AtomicBool::new(false),
        is_stop: AtomicBool::new(false),
    });
    let keeper = Keeper { orders: Arc::clone(&orders), proxies, bound: None, trouble: None };
    let thread = thread::Builder::new().name("role".to_owned()).stack_size(STACK_BYTES);
    let (end, ended) = mpsc::channel();
    let run = move || {
        keeper.run(settings, client);
        drop(end);
    };
    thread.spawn(run).map_err(begin)?;
    Ok(Role { orders, ended })
}

/// The push client that the settings want.
fn client(settings: &Settings, proxies: &BTreeMap<String, String>) -> Result<Option<Client>, ConfigError> {
    let Some(push) = &settings.push else { return Ok(None) };
    let auth = AuthFile::open(&push.auth_file)?;
    if let Err(error) = auth.save() {
        log::error(format_args!("{error}; this agent cannot be registered"));
    }
    let host_name = collect::host_name().unwrap_or_default();
    let client = Client::new(push.clone(), auth, host_name, &|name| proxies.get(name).cloned());
    client.map(Some).map_err(ConfigError::new)
}

struct Keeper {
    orders: Arc<Orders>,
    proxies: BTreeMap<String, String>,
    /// Where we listen. It outlives the server: who comes while the configuration is loaded waits a moment and is not refused.
    bound: Option<(Listen, TcpListener)>,
    /// Why nobody is listened to; told when it changes.
    trouble: Option<String>,
}

/// The parts that run beside the server.
struct Parts {
    _cycle: Option<Cycle>,
    _packages: Option<Packages>,
    _runner: Option<Runner>,
    _exporters: Exporters,
    _pusher: Option<Pusher>,
}

/// What the files beside the main one name.
struct Named {
    checks: Vec<Check>,
    exporters: Vec<Exporter>,
}

impl Keeper {
    fn run(mut self, mut settings: Settings, client: Option<Client>) {
        let mut named = Named::read(&settings);
        let mut published = named.published(&settings);
        let mut server = self.listen(&settings, &published);
        let mut parts = Parts::start(&settings, named, &published, client);
        loop {
            let again = (server.is_none() && settings.listen.is_some()).then(|| Instant::now() + LISTEN_AGAIN);
            self.orders.wake.wait(None, again);
            self.orders.wake.down();
            if self.orders.is_stop.load(Ordering::Acquire) {
                return;
            }
            if self.orders.is_reload.swap(false, Ordering::AcqRel) {
                match settings::load(&settings.file) {
                    Ok(new) => settings = new,
                    Err(error) => {
                        log::error(format_args!("{error}; the configuration of before holds"));
                    }
                }
                named = Named::read(&settings);
                published = named.published(&settings);
                // The server first: whoever asked for this comes back within seconds.
                drop(server.take());
                server = self.listen(&settings, &published);
                drop(parts);
                let client = client_or_none(&settings, &self.proxies);
                parts = Parts::start(&settings, named, &published, client);
                log::info(format_args!("the configuration was loaded anew"));
            } else if server.is_none() {
                server = self.listen(&settings, &published);
            }
        }
    }

    fn listen(&mut self, settings: &Settings, published: &Arc<Published>) -> Option<Server> {
        let Some(listen) = &settings.listen else {
            self.bound = None;
            return None;
        };
        let started = listen::tls(&settings.tls).and_then(|tls| {
            let listener = self.bind(listen)?;
            let address = listener.local_addr().map_err(|error| error.to_string())?;
            let is_mutual = tls.as_ref().is_some_and(crate::serve::Tls::is_mutual);
            let how = match &tls {
                None => "HTTP",
                Some(_) if is_mutual => "HTTPS with client certificates",
                Some(_) => "HTTPS",
            };
            let site = self.site(settings, published, is_mutual);
            let server = Server::start(listener, tls, site).map_err(|error| error.to_string())?;
            log::info(format_args!("listening at {address} by {how}"));
            Ok(server)
        });
        match started {
            Ok(server) => {
                self.trouble = None;
                Some(server)
            }
            Err(error) => {
                // Nobody is to wait for what does not come.
                self.bound = None;
                if self.trouble.as_ref() != Some(&error) {
                    log::error(format_args!("{error}; trying again every {} s", LISTEN_AGAIN.as_secs()));
                    self.trouble = Some(error);
                }
                None
            }
        }
    }

    /// A listener of the server's own, at the address of before where that is still wanted.
    fn bind(&mut self, listen: &Listen) -> Result<TcpListener, String> {
        let kept = self.bound.take().filter(|(at, _)| at == listen);
        let listener = match kept {
            Some((_, listener)) => listener,
            None => listen::bind(listen)?,
        };
        let own = listener.try_clone().map_err(|error| error.to_string())?;
        self.bound = Some((listen.clone(), listener));
        Ok(own)
    }

    fn site(&self, settings: &Settings, published: &Arc<Published>, is_mutual: bool) -> Site {
        let orders = Arc::clone(&self.orders);
        let config = settings.takes_config.then(|| {
            let running = settings.clone();
            ConfigPush {
                files: ConfigFiles {
                    main: settings.file.clone(),
                    checks: settings.checks_file.clone(),
                    exporters: settings.exporters_file.clone(),
                },
                judge: Box::new(move |pushed| judge::judge(&running, pushed)),
            }
        });
        let host_name = collect::host_name().unwrap_or_default();
        Site {
            published: Arc::clone(published),
            guard: Guard::new(settings.auth.as_ref().map(settings::Credentials::reveal)),
            is_mutual,
            auto_tls: AutoTls::new(listen::auto_files(&settings.tls), host_name, settings.tls.is_auto),
            config,
            reload: Box::new(move || {
                orders.is_reload.store(true, Ordering::Release);
                orders.wake.up();
            }),
        }
    }
}

fn client_or_none(settings: &Settings, proxies: &BTreeMap<String, String>) -> Option<Client> {
    client(settings, proxies).unwrap_or_else(|error| {
        log::error(format_args!("{error}; nothing is pushed"));
        None
    })
}

impl Named {
    fn read(settings: &Settings) -> Self {
        for note in &settings.notes {
            log::warn(format_args!("{}: {note}", settings.file.display()));
        }
        let checks = read(settings.checks_file.as_deref(), definitions::checks);
        let exporters_file = settings.exporters_file.as_deref().filter(|_| settings.has_exporters);
        Self { checks, exporters: read(exporters_file, definitions::exporters) }
    }

    fn published(&self, settings: &Settings) -> Arc<Published> {
        let names = self.exporters.iter().map(|exporter| exporter.name.clone());
        Published::new(names, inspect::json(&inventory::before(settings.packages.is_enabled)))
    }
}

fn read<T>(path: Option<&Path>, parse: impl Fn(&str) -> (Vec<T>, Vec<String>)) -> Vec<T> {
    let Some(path) = path else { return Vec::new() };
    match settings::read(path) {
        Ok(text) => {
            let (found, notes) = parse(&text);
            for note in notes {
                log::warn(format_args!("{}: {note}", path.display()));
            }
            found
        }
        Err(error) => {
            log::warn(format_args!("cannot read {}: {error}", path.display()));
            Vec::new()
        }
    }
}

impl Parts {
    fn start(settings: &Settings, named: Named, published: &Arc<Published>, client: Option<Client>) -> Self {
        let pusher = client.and_then(|client| begun("the push client", Pusher::start(client)));
        let mailbox = pusher.as_ref().map(|pusher| Arc::clone(pusher.mailbox()));
        let results = Results::default();
        let runner = begun("custom checks", Runner::start(named.checks, results.clone()));
        let shown = Arc::clone(published);
        let post: Post = Arc::new(move |exporter, page| {
            shown.show_exporter(&exporter.name, page, exporter.interval * PAGE_INTERVALS);
        });
        let exporters = Exporters::start(&named.exporters, &scrape::fetch(), &post);
        let summary = Arc::new(Summary::new(settings.packages.is_enabled));
        let packages = settings.packages.is_enabled.then(|| {
            let told =
                Told { summary: Arc::clone(&summary), published: Arc::clone(published), mailbox: mailbox.clone() };
            begun("inventories", Packages::start(settings.packages.interval, look::take(settings), told))
        });
        let around = Around { results, packages: summary, published: Arc::clone(published), mailbox };
        let cycle = begun("the cycle", Cycle::start(settings.interval, look::inspect(settings), around));
        Self { _cycle: cycle, _packages: packages.flatten(), _runner: runner, _exporters: exporters, _pusher: pusher }
    }
}

fn begun<T>(what: &str, started: std::io::Result<T>) -> Option<T> {
    started.map_err(|error| log::error(format_args!("cannot start {what}: {error}"))).ok()
}
