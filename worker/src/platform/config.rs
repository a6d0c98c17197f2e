//! The names of all bindings, variables and secrets, and what they hold.

use edgewatch_core::failure::Failure;
use worker::Env;

use super::pulse_variables::PulseVariables;
use super::seal::SealKey;

/// The D1 database.
const DATABASE: &str = "DB";
/// The static assets.
const ASSETS: &str = "ASSETS";
/// The address that users reach this deployment by, such as `https://watch.example.com`.
const PUBLIC_URL: &str = "PUBLIC_URL";
const SECURITY_CONTACT: &str = "SECURITY_CONTACT";
/// The key for secrets at rest: base64 of 32 bytes. A Worker secret.
const KEY: &str = "EDGEWATCH_KEY";
/// `1`: each answer says what it cost. For tests and the bench; deploying refuses it.
const EXPOSE_COST: &str = "EXPOSE_COST";
/// Milliseconds that the Worker's clock is ahead of the runtime's. For tests; deploying refuses it.
const TEST_CLOCK_OFFSET_MS: &str = "TEST_CLOCK_OFFSET_MS";
/// How many hub shards there are; 1 when not configured.
const HUB_SHARDS: &str = "HUB_SHARDS";
/// What the deployment runs under: `free`, `paid`, or `own` for one's own machine, where nothing is metered.
const PLAN: &str = "PLAN";
/// Our share of the account's allowances, 1 to 100 percent; 100 when not configured.
const ACCOUNT_PERCENT: &str = "ACCOUNT_PERCENT";
/// How many messages to an object count as one request: 20 as documented, or 1.
const MESSAGES_PER_REQUEST: &str = "MESSAGES_PER_REQUEST";
/// For how many hours or days each tier of history is wanted; as long as the tier says when not configured.
const KEEP: [(&str, u32); 4] =
    [("KEEP_SAMPLES_HOURS", 1), ("KEEP_MINUTES_DAYS", 24), ("KEEP_TEN_MINUTES_DAYS", 24), ("KEEP_TWO_HOURS_DAYS", 24)];
/// The domain of the team whose access proxy stands in front, such as `example.cloudflareaccess.com`.
const ACCESS_TEAM_DOMAIN: &str = "ACCESS_TEAM_DOMAIN";
/// The tag of the application there that this deployment is.
const ACCESS_AUDIENCE: &str = "ACCESS_AUDIENCE";
/// `viewer`: whom the proxy lets through gets an account as a viewer. Otherwise there must be one with their address.
const ACCESS_DEFAULT_ROLE: &str = "ACCESS_DEFAULT_ROLE";
/// A header that a trusted proxy sets to the client's address, where there is no Cloudflare in front.
const TRUSTED_ADDRESS_HEADER: &str = "TRUSTED_ADDRESS_HEADER";

/// The access proxy in front of this deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessProxy {
    /// Who signs its assertions, an address without a slash at the end.
    pub issuer: String,
    /// For which application.
    pub audience: String,
    /// Whether people without an account get one as a viewer.
    pub makes_viewers: bool,
}

impl AccessProxy {
    /// What the variables say; `None` unless both the domain and the audience are there and can be understood.
    fn parse(domain: Option<&str>, audience: Option<&str>, default_role: Option<&str>) -> Option<Self> {
        let (domain, audience) = (domain?.trim(), audience?.trim());
        let issuer = if domain.contains("://") { domain.to_owned() } else { format!("https://{domain}") };
        let issuer = clean_public_url(&issuer)?;
        // Its keys must come by a way that nobody else can answer on.
        let is_safe = issuer.starts_with("https://") || issuer.starts_with("http://127.0.0.1:");
        let makes_viewers = default_role == Some("viewer");
        (is_safe && !audience.is_empty()).then(|| Self { issuer, audience: audience.to_owned(), makes_viewers })
    }
}

/// What this deployment is set to.
#[derive(Clone)]
pub struct Config {
    /// Without a slash at the end; `None` when not configured or not an address.
    pub public_url: Option<String>,
    /// `None` when not configured; then nothing that holds a secret can be kept.
    pub seal_key: Option<SealKey>,
    /// Whether answers say what they cost.
    pub expose_cost: bool,
    /// 0 outside tests.
    pub test_clock_offset_ms: i64,
    /// Lower case; `None` for the platform's own.
    pub trusted_address_header: Option<String>,
    /// `None` where there is none.
    pub access_proxy: Option<AccessProxy>,
    /// What is metered, and how.
    pub budget: Budget,
    /// How many hours each tier of history is to be kept, finest first; `None` for as long as it says.
    pub keep_hours: [Option<u32>; 4],
    /// What programs for Pulse are told by variables.
    pub pulse: PulseVariables,
    /// Whom to tell of a hole, as an address with its scheme; `None` when not configured or not understood.
    pub security_contact: Option<String>,
}

/// Under which terms the platform's meters are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// `free`, `paid` or `own`.
    pub plan: &'static str,
    /// 1 to 100.
    pub account_percent: u8,
    /// 20 or 1.
    pub messages_per_request: u8,
}

impl Default for Budget {
    fn default() -> Self {
        Self { plan: "free", account_percent: 100, messages_per_request: 20 }
    }
}

impl Budget {
    /// What the variables say; what cannot be understood is the careful one.
    fn parse(plan: Option<&str>, account_percent: Option<&str>, messages_per_request: Option<&str>) -> Self {
        let percent = account_percent.and_then(|text| text.trim_end_matches('%').parse::<u8>().ok());
        Self {
            plan: ["paid", "own"].into_iter().find(|known| plan == Some(known)).unwrap_or("free"),
            account_percent: percent.unwrap_or(100).clamp(1, 100),
            messages_per_request: if messages_per_request == Some("1") { 1 } else { 20 },
        }
    }
}

impl Config {
    /// Reads variables and secrets.
    pub fn from_env(env: &Env) -> Self {
        let text = |name: &str| text(env, name);
        Self {
            public_url: text(PUBLIC_URL).and_then(|url| clean_public_url(&url)),
            seal_key: text(KEY).and_then(|key| SealKey::parse(&key)),
            expose_cost: text(EXPOSE_COST).as_deref() == Some("1"),
            test_clock_offset_ms: test_clock_offset_ms(env),
            trusted_address_header: text(TRUSTED_ADDRESS_HEADER).map(|name| name.to_ascii_lowercase()),
            access_proxy: AccessProxy::parse(
                text(ACCESS_TEAM_DOMAIN).as_deref(),
                text(ACCESS_AUDIENCE).as_deref(),
                text(ACCESS_DEFAULT_ROLE).as_deref(),
            ),
            budget: Budget::parse(
                text(PLAN).as_deref(),
                text(ACCOUNT_PERCENT).as_deref(),
                text(MESSAGES_PER_REQUEST).as_deref(),
            ),
            keep_hours: KEEP.map(|(name, hours)| span_hours(text(name).as_deref(), hours)),
            pulse: PulseVariables::parse(text),
            security_contact: text(SECURITY_CONTACT).and_then(|contact| clean_contact(&contact)),
        }
    }

    /// The key for secrets.
    ///
    /// # Errors
    /// [`Failure::Conflict`] when none is configured, with what to do.
    pub fn seal_key(&self) -> Result<&SealKey, Failure> {
        let detail = "the Worker secret EDGEWATCH_KEY is missing or not base64 of 32 bytes; scripts/deploy sets it";
        self.seal_key.as_ref().ok_or_else(|| Failure::Conflict { detail: detail.to_owned() })
    }
}

/// A span as its variable says it, in units of so many hours. What is no number is as if it were not there.
fn span_hours(text: Option<&str>, unit_hours: u32) -> Option<u32> {
    text.and_then(|text| text.trim().parse::<u32>().ok()).map(|number| number.saturating_mul(unit_hours))
}

fn text(env: &Env, name: &str) -> Option<String> {
    env.var(name).ok().map(|value| value.to_string()).filter(|value| !value.is_empty())
}

/// How many milliseconds the clock is ahead of the runtime's; 0 outside tests.
pub fn test_clock_offset_ms(env: &Env) -> i64 {
    text(env, TEST_CLOCK_OFFSET_MS).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// How many hub shards there are, 1 to 64.
pub fn hub_shards(env: &Env) -> u32 {
    text(env, HUB_SHARDS).and_then(|text| text.parse::<u32>().ok()).unwrap_or(1).clamp(1, 64)
}

/// The database binding.
///
/// # Errors
/// [`Failure::Internal`] when the deployment has none.
pub fn database(env: &Env) -> Result<worker::D1Database, Failure> {
    env.d1(DATABASE).map_err(|error| Failure::Internal(format!("binding {DATABASE}: {error}")))
}

/// The binding of the static assets.
///
/// # Errors
/// [`Failure::Internal`] when the deployment has none.
pub fn assets(env: &Env) -> Result<worker::Fetcher, Failure> {
    env.assets(ASSETS).map_err(|error| Failure::Internal(format!("binding {ASSETS}: {error}")))
}

/// The address without its last slash, when it is one that may be written into a script: scheme, host, port, nothing else.
/// A contact as RFC 9116 wants it: a bare e-mail address gets its scheme, and nothing can begin another line.
fn clean_contact(contact: &str) -> Option<String> {
    let contact = contact.trim();
    let is_plain = !contact.is_empty() && contact.chars().all(|one| one.is_ascii_graphic());
    let has_scheme = ["mailto:", "https://", "tel:"].iter().any(|scheme| contact.starts_with(scheme));
    match (is_plain, has_scheme) {
        (true, true) => Some(contact.to_owned()),
        (true, false) if contact.contains('@') && !contact.contains(':') => Some(format!("mailto:{contact}")),
        _ => None,
    }
}

fn clean_public_url(url: &str) -> Option<String> {
    let url = url.trim_end_matches('/');
    let authority = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']');
    (!authority.is_empty() && authority.bytes().all(plain)).then(|| url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_number_of_its_units() {
        assert_eq!((span_hours(Some("36"), 1), span_hours(Some(" 30 "), 24)), (Some(36), Some(720)));
        assert_eq!(span_hours(Some("4294967295"), 24), Some(u32::MAX));
        for none in [None, Some("ten"), Some("-1"), Some("1.5")] {
            assert_eq!(span_hours(none, 24), None);
        }
    }

    #[test]
    fn a_contact_is_an_address_with_its_scheme_and_one_line() {
        assert_eq!(clean_contact(" a@example.com ").as_deref(), Some("mailto:a@example.com"));
        for good in ["mailto:a@example.com", "https://example.com/security", "tel:+1-201-555-0123"] {
            assert_eq!(clean_contact(good).as_deref(), Some(good));
        }
        for bad in ["", "example.com", "http://example.com/", "a@example.com\nExpires: never", "javascript:a@b"] {
            assert_eq!(clean_contact(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_a_bare_address_is_a_public_url() {
        assert_eq!(clean_public_url("https://watch.example.com/").as_deref(), Some("https://watch.example.com"));
        assert_eq!(clean_public_url("http://127.0.0.1:8787").as_deref(), Some("http://127.0.0.1:8787"));
        for hostile in ["https://", "ftp://x", "https://x/y", "https://x\"; rm -rf /", "https://x$(id)", "javascript:x"]
        {
            assert_eq!(clean_public_url(hostile), None, "{hostile}");
        }
    }

    #[test]
    fn an_access_proxy_has_a_domain_and_an_audience() {
        let parse = |domain, audience, role| AccessProxy::parse(Some(domain), Some(audience), Some(role));
        let proxy = parse("team.cloudflareaccess.com", "tag", "viewer").unwrap();
        assert_eq!((proxy.issuer.as_str(), proxy.makes_viewers), ("https://team.cloudflareaccess.com", true));
        assert_eq!(parse("https://team.example.com/", "tag", "viewer").unwrap().issuer, "https://team.example.com");
        assert!(!parse("team.example.com", "tag", "admin").unwrap().makes_viewers, "nobody becomes more than a viewer");
        for (domain, audience) in [("", "tag"), ("x", ""), ("http://x", "tag"), ("x/y", "tag"), ("ftp://x", "tag")] {
            assert_eq!(parse(domain, audience, ""), None, "{domain} {audience}");
        }
        assert_eq!(AccessProxy::parse(None, Some("tag"), None), None);
        assert_eq!(AccessProxy::parse(Some("x"), None, None), None);
        assert!(parse("http://127.0.0.1:9", "tag", "").is_some());
    }

    #[test]
    fn what_is_not_understood_is_the_careful_one() {
        let parse = |plan, percent, messages| Budget::parse(Some(plan), Some(percent), Some(messages));
        assert_eq!(Budget::parse(None, None, None), Budget::default());
        assert_eq!(parse("FREE!", "many", "7"), Budget::default());
        let own = Budget { plan: "own", account_percent: 40, messages_per_request: 1 };
        assert_eq!(parse("own", "40%", "1"), own);
        assert_eq!((parse("paid", "0", "").account_percent, parse("paid", "200", "").plan), (1, "paid"));
    }
}
