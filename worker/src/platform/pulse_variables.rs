//! The variables that the documentation of Pulse names, and where its updates come from. Source: pulse specification, 3, 10, 13 and 14.

/// A token for Pulse's API beside those of people: whoever shows it may do everything there. A Worker secret.
const API_TOKEN: &str = "API_TOKEN";
/// `true`: exports and imports need no token as long as there is none.
const ALLOW_UNPROTECTED_EXPORT: &str = "ALLOW_UNPROTECTED_EXPORT";
/// `true`: a node that registers itself has to bring a registration token.
const REQUIRE_REGISTRATION_TOKEN: &str = "REQUIRE_REGISTRATION_TOKEN";
/// `true`: nodes may register themselves with nothing.
const ALLOW_UNPROTECTED_AUTO_REGISTER: &str = "ALLOW_UNPROTECTED_AUTO_REGISTER";
/// For how many seconds a registration token is good that says nothing of it.
const DEFAULT_VALIDITY: &str = "REGISTRATION_TOKEN_DEFAULT_VALIDITY";
/// How often one may be used that says nothing of it.
const DEFAULT_MAX_USES: &str = "REGISTRATION_TOKEN_DEFAULT_MAX_USES";
/// Where releases are listed as GitHub lists them.
const FEED_URL: &str = "UPDATE_FEED_URL";
/// What is asked, by POST, to deploy a release.
const DEPLOY_HOOK_URL: &str = "UPDATE_DEPLOY_HOOK_URL";

/// What they say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PulseVariables {
    /// The token; `None` where there is none.
    pub api_token: Option<Hidden>,
    /// Whether exports may be open.
    pub allows_unprotected_export: bool,
    /// Whether a registration token is asked for.
    pub requires_registration_token: bool,
    /// Whether nothing is asked of nodes that register.
    pub allows_unprotected_registration: bool,
    /// Seconds.
    pub token_validity_s: Option<i64>,
    /// How often; 0 for any number of times.
    pub token_most: Option<u32>,
    /// An address.
    pub feed_url: Option<String>,
    /// An address, which may be a secret.
    pub deploy_hook_url: Option<Hidden>,
}

/// A text that is in no log.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(String);

impl Hidden {
    /// The text.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Hidden {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl std::fmt::Debug for Hidden {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Hidden")
    }
}

impl PulseVariables {
    /// What the variables say, by a function that gives one by its name.
    pub fn parse(text: impl Fn(&str) -> Option<String>) -> Self {
        let is_true = |name| text(name).is_some_and(|text| text.trim().eq_ignore_ascii_case("true") || text == "1");
        let hidden = |name| text(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).map(Hidden);
        let is_address = |text: &str| text.starts_with("https://") || text.starts_with("http://");
        Self {
            api_token: hidden(API_TOKEN),
            allows_unprotected_export: is_true(ALLOW_UNPROTECTED_EXPORT),
            requires_registration_token: is_true(REQUIRE_REGISTRATION_TOKEN),
            allows_unprotected_registration: is_true(ALLOW_UNPROTECTED_AUTO_REGISTER),
            token_validity_s: text(DEFAULT_VALIDITY).and_then(|text| text.trim().parse().ok()),
            token_most: text(DEFAULT_MAX_USES).and_then(|text| text.trim().parse().ok()),
            feed_url: text(FEED_URL).filter(|text| is_address(text)),
            deploy_hook_url: hidden(DEPLOY_HOOK_URL).filter(|one| is_address(one.text())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_makes_no_sense_is_as_if_it_were_not_there() {
        let none = PulseVariables::parse(|_| Some(" ".to_owned()));
        assert_eq!(none, PulseVariables::default());
        let all = PulseVariables::parse(|name| {
            let text = match name {
                API_TOKEN => "hidden",
                ALLOW_UNPROTECTED_EXPORT | REQUIRE_REGISTRATION_TOKEN => "true",
                DEFAULT_VALIDITY => "90",
                DEFAULT_MAX_USES => "3",
                FEED_URL => "https://example.com/releases",
                DEPLOY_HOOK_URL => "ftp://example.com",
                _ => "false",
            };
            Some(text.to_owned())
        });
        assert!(all.allows_unprotected_export && all.requires_registration_token);
        assert!(!all.allows_unprotected_registration && all.deploy_hook_url.is_none());
        assert_eq!((all.token_validity_s, all.token_most), (Some(90), Some(3)));
        assert_eq!(all.feed_url.as_deref(), Some("https://example.com/releases"));
        assert!(!format!("{all:?}").contains("hidden") && all.api_token.is_some_and(|one| one.text() == "hidden"));
    }
}
