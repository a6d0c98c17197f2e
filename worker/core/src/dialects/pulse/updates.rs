//! `/api/updates`: looking for an update in a feed of releases, beginning one, and how far it is. Source: pulse specification, 14.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::number::{NEVER, time};
use super::read::{self, bad, text};
use crate::failure::Failure;
use crate::model::proxmox::UpdateStatus;
use crate::units::calendar::parse_rfc3339;

/// The longest release notes that are handed on, bytes.
const MAX_NOTES_BYTES: usize = 64 * 1024;

/// A version, as it is compared: by its numbers, then by what is before a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    numbers: [u64; 3],
    /// Parts of what follows a hyphen; a release has none.
    before: Vec<String>,
}

impl Version {
    /// Reads a version, with or without a `v` before it; what follows a plus does not count. `None` for no version.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let text = text.split_once('+').map_or(text, |(text, _)| text);
        let (core, before) = text.split_once('-').map_or((text, None), |(core, before)| (core, Some(before)));
        let mut numbers = [0; 3];
        let mut parts = core.split('.');
        for (place, number) in numbers.iter_mut().enumerate() {
            match parts.next() {
                Some(part) if !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) => {
                    *number = part.parse().ok()?;
                }
                None if place > 0 => {}
                _ => return None,
            }
        }
        let before: Vec<String> = before.iter().flat_map(|before| before.split('.')).map(str::to_owned).collect();
        (parts.next().is_none() && before.iter().all(|part| !part.is_empty())).then_some(Self { numbers, before })
    }
}

impl Ord for Version {
    /// Source: semver.org, 2.0.0, 11.
    fn cmp(&self, other: &Self) -> Ordering {
        let by_part = |one: &String, two: &String| match (one.parse::<u64>(), two.parse::<u64>()) {
            (Ok(one), Ok(two)) => one.cmp(&two),
            (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => one.cmp(two),
        };
        self.numbers.cmp(&other.numbers).then_with(|| match (self.before.is_empty(), other.before.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => {
                let first = self
                    .before
                    .iter()
                    .zip(&other.before)
                    .map(|(one, two)| by_part(one, two))
                    .find(|order| order.is_ne());
                first.unwrap_or_else(|| self.before.len().cmp(&other.before.len()))
            }
        })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A release of a feed, in the form of GitHub's.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct FeedRelease {
    #[serde(default, deserialize_with = "text")]
    tag_name: String,
    #[serde(default)]
    prerelease: bool,
    #[serde(default)]
    draft: bool,
    #[serde(default, deserialize_with = "text")]
    published_at: String,
    #[serde(default, deserialize_with = "text")]
    body: String,
    #[serde(default, deserialize_with = "read::list")]
    assets: Vec<FeedAsset>,
}

#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct FeedAsset {
    #[serde(default, deserialize_with = "text")]
    name: String,
    #[serde(default, deserialize_with = "text")]
    browser_download_url: String,
}

/// A feed: a list of releases, or the newest alone.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
enum Feed {
    List(Vec<FeedRelease>),
    One(FeedRelease),
}

/// Which releases somebody wants: `rc` those before a release too, `stable` and any other word releases alone.
fn wants(channel: &str, release: &FeedRelease, version: &Version) -> bool {
    !release.draft && (channel == "rc" || !release.prerelease && version.before.is_empty())
}

/// `GET /api/updates/check`: seven keys, always.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct UpdateReply {
    /// Whether there is a newer version.
    pub available: bool,
    /// The version that runs.
    pub current_version: String,
    /// The newest version; where none is newer, the one that runs.
    pub latest_version: String,
    /// What is said of it.
    pub release_notes: String,
    /// RFC 3339; the year one for none.
    pub release_date: String,
    /// Where to get it.
    pub download_url: String,
    /// Whether it is before a release.
    pub is_prerelease: bool,
}

impl UpdateReply {
    /// The answer where nobody looks for updates.
    pub fn unmanaged(current: &str) -> Self {
        Self {
            available: false,
            current_version: current.to_owned(),
            latest_version: current.to_owned(),
            release_notes: String::new(),
            release_date: NEVER.to_owned(),
            download_url: String::new(),
            is_prerelease: false,
        }
    }

    /// The answer by a feed, for a server of version `current` that follows `channel`.
    ///
    /// # Errors
    /// [`Failure::Internal`] for a feed that cannot be read.
    pub fn of_feed(current: &str, channel: &str, feed: &[u8]) -> Result<Self, Failure> {
        let feed: Feed =
            serde_json::from_slice(feed).map_err(|error| Failure::Internal(format!("the feed: {error}")))?;
        let releases = match feed {
            Feed::List(releases) => releases,
            Feed::One(release) => vec![release],
        };
        let known = releases.into_iter().filter_map(|release| Some((Version::parse(&release.tag_name)?, release)));
        let newest =
            known.filter(|(version, release)| wants(channel, release, version)).max_by(|one, two| one.0.cmp(&two.0));
        let Some((version, release)) = newest else { return Ok(Self::unmanaged(current)) };
        let is_newer = Version::parse(current).is_none_or(|current| version > current);
        if !is_newer {
            return Ok(Self::unmanaged(current));
        }
        let mut release_notes = release.body;
        let end = (0..=MAX_NOTES_BYTES.min(release_notes.len())).rev().find(|at| release_notes.is_char_boundary(*at));
        release_notes.truncate(end.unwrap_or(0));
        Ok(Self {
            available: true,
            current_version: current.to_owned(),
            latest_version: release.tag_name,
            release_notes,
            release_date: time(parse_rfc3339(&release.published_at).map(|(at, _)| at)),
            download_url: download(&release.assets),
            is_prerelease: release.prerelease || !version.before.is_empty(),
        })
    }
}

/// The archive for the usual machine; else the first one that there is.
fn download(assets: &[FeedAsset]) -> String {
    let usual = assets.iter().find(|asset| asset.name.contains("linux-amd64") && asset.name.ends_with(".tar.gz"));
    usual.or_else(|| assets.first()).map(|asset| asset.browser_download_url.clone()).unwrap_or_default()
}

/// As it is sent.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ApplyBody {
    #[serde(default, deserialize_with = "text")]
    download_url: String,
}

/// Reads a body of `POST /api/updates/apply`: an address below `prefix`, where releases are.
///
/// # Errors
/// [`Failure::Malformed`] in the product's words.
pub fn read_download(body: &[u8], prefix: &str) -> Result<String, Failure> {
    let url = read::parse::<ApplyBody>(body)?.download_url;
    if url.is_empty() {
        return Err(bad("Download URL is required"));
    }
    let prefix = prefix.trim_end_matches('/');
    let path = url.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/')).filter(|_| !prefix.is_empty());
    let is_part = |part: &str| !part.is_empty() && part != "." && part != "..";
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    match path {
        Some(path) if path.bytes().all(is_fine) && path.split('/').all(is_part) => Ok(url),
        _ => Err(bad("Invalid download URL")),
    }
}

/// The answer when an update began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UpdateStartedReply {
    status: &'static str,
    message: &'static str,
}

impl UpdateStartedReply {
    /// It began.
    pub const STARTED: Self = Self { status: "started", message: "Update process started" };
}

/// `GET /api/updates/status`, and what sockets are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct UpdateStatusReply {
    status: &'static str,
    /// 0 to 100.
    progress: u8,
    message: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    error: String,
    updated_at: String,
}

impl From<&UpdateStatus> for UpdateStatusReply {
    fn from(status: &UpdateStatus) -> Self {
        Self {
            status: status.step.word(),
            progress: status.progress,
            message: status.message.clone(),
            error: status.error.clone(),
            updated_at: time(Some(status.at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::proxmox::UpdateStep;
    use crate::units::UnixSeconds;

    #[test]
    fn versions_are_compared_by_numbers_and_releases_come_after_their_candidates() {
        let in_order = [
            "3.9.9",
            "v4.0.0-alpha",
            "4.0.0-alpha.1",
            "4.0.0-rc.2",
            "v4.0.0-rc.10",
            "4.0.0",
            "4.0.1",
            "v4.2",
            "4.10.0",
            "5",
        ];
        let versions: Vec<Version> = in_order.iter().map(|text| Version::parse(text).unwrap()).collect();
        assert!(versions.is_sorted_by(|one, two| one < two));
        assert_eq!(Version::parse("v4.2.1"), Version::parse("4.2.1+build.7"));
        for text in ["", "v", "dev", "4.x", "4.2.1.0", "4..1", "4.2.1-", "4.2.1-rc..1", "-1"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }

    const FEED: &str = r#"[
        {"tag_name":"v4.4.0-rc.1","prerelease":true,"published_at":"2025-08-14T18:00:00Z","body":"soon","assets":[]},
        {"tag_name":"v4.3.0","prerelease":false,"published_at":"2025-08-12T18:00:00Z","body":"notes","assets":[
            {"name":"checksums.txt","browser_download_url":"https://example.com/r/v4.3.0/checksums.txt"},
            {"name":"pulse-v4.3.0-linux-amd64.tar.gz","browser_download_url":"https://example.com/r/v4.3.0/pulse-v4.3.0-linux-amd64.tar.gz"}]},
        {"tag_name":"v9.0.0","draft":true},{"tag_name":"nightly"},{"tag_name":"v4.2.1"}]"#;

    #[test]
    fn the_newest_release_of_the_channel_is_found() {
        let check = |current: &str, channel: &str| UpdateReply::of_feed(current, channel, FEED.as_bytes()).unwrap();
        let newer = serde_json::to_string(&check("v4.2.1", "stable")).unwrap();
        let json = r#"{"available":true,"currentVersion":"v4.2.1","latestVersion":"v4.3.0","releaseNotes":"notes","releaseDate":"2025-08-12T18:00:00Z","downloadUrl":"https://example.com/r/v4.3.0/pulse-v4.3.0-linux-amd64.tar.gz","isPrerelease":false}"#;
        assert_eq!(newer, json);
        let candidate = check("4.3.0", "rc");
        assert_eq!(
            (candidate.latest_version.as_str(), candidate.is_prerelease, candidate.download_url.as_str()),
            ("v4.4.0-rc.1", true, "")
        );
        for current in ["v4.3.0", "4.3.0", "v4.3.1"] {
            assert_eq!(check(current, "stable"), UpdateReply::unmanaged(current));
        }
        let one = br#"{"tag_name":"v5.0.0"}"#;
        assert_eq!(UpdateReply::of_feed("4.2.1", "stable", one).unwrap().latest_version, "v5.0.0");
        assert_eq!(UpdateReply::of_feed("4.2.1", "stable", b"[]").unwrap(), UpdateReply::unmanaged("4.2.1"));
        assert!(matches!(UpdateReply::of_feed("4.2.1", "stable", b"<html>"), Err(Failure::Internal(_))));
        assert_eq!(UpdateReply::unmanaged("4.2.1").release_date, "0001-01-01T00:00:00Z");
    }

    #[test]
    fn only_what_lies_below_the_releases_is_applied() {
        let prefix = "https://example.com/releases/download/";
        let read = |body: &str| read_download(body.as_bytes(), prefix);
        let url = "https://example.com/releases/download/v4.3.0/pulse-v4.3.0-linux-amd64.tar.gz";
        assert_eq!(read(&format!(r#"{{"downloadUrl":"{url}"}}"#)), Ok(url.to_owned()));
        assert_eq!(read("[]"), Err(bad("Invalid request body")));
        assert_eq!(read("{}"), Err(bad("Download URL is required")));
        for url in [
            "https://example.org/releases/download/v4.3.0/x",
            "https://example.com/releases/downloadx/v4.3.0/x",
            "https://example.com/releases/download/../../x",
            "https://example.com/releases/download/v4.3.0/x?y",
            "https://example.com/releases/download/",
            "https://example.com/releases/download/a%2f..",
        ] {
            assert_eq!(read(&format!(r#"{{"downloadUrl":"{url}"}}"#)), Err(bad("Invalid download URL")), "{url}");
        }
        assert_eq!(read_download(br#"{"downloadUrl":"/x"}"#, ""), Err(bad("Invalid download URL")));
        let started = r#"{"status":"started","message":"Update process started"}"#;
        assert_eq!(serde_json::to_string(&UpdateStartedReply::STARTED).unwrap(), started);
    }

    #[test]
    fn a_status_says_what_went_wrong_only_when_something_did() {
        let json = |status: UpdateStatus| serde_json::to_string(&UpdateStatusReply::from(&status)).unwrap();
        let idle = UpdateStatus::at(UpdateStep::Idle, "", UnixSeconds(1_754_992_800));
        assert_eq!(json(idle), r#"{"status":"idle","progress":0,"message":"","updatedAt":"2025-08-12T10:00:00Z"}"#);
        let failed = json(UpdateStatus::failed("no space", UnixSeconds(1_754_992_800)));
        assert_eq!(
            failed,
            r#"{"status":"error","progress":0,"message":"Update failed","error":"no space","updatedAt":"2025-08-12T10:00:00Z"}"#
        );
    }
}
