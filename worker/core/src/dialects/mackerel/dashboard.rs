//! Dashboards: what is on them is kept as it is. Source: mackerel specification, 10.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::read::{bounded, invalid, parse_object};
use crate::failure::Failure;
use crate::model::Dashboard;
use crate::units::UnixSeconds;

/// The longest title and the longest note, in characters.
const MAX_TITLE_CHARS: usize = 512;
const MAX_MEMO_CHARS: usize = 10_000;
/// The longest path, bytes.
const MAX_PATH_BYTES: usize = 255;
/// What is on one may weigh so much, bytes: a list has all of them.
pub const MAX_WIDGETS_BYTES: usize = 128 * 1024;

/// A dashboard.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DashboardPart {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// The last part of its address.
    pub url_path: String,
    /// Whole Unix seconds.
    pub created_at: i64,
    /// Likewise.
    pub updated_at: i64,
    /// Quirk: never null.
    pub memo: String,
    /// What is on it, as it was given.
    pub widgets: Vec<Map<String, Value>>,
}

/// `GET /dashboards`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DashboardListReply {
    /// In the order in which they were made.
    pub dashboards: Vec<DashboardPart>,
}

/// `POST /dashboards`, `PUT /dashboards/<id>`.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DashboardRequest {
    title: String,
    url_path: String,
    memo: Option<String>,
    /// Quirk: one thing that is no object, and the Go client reads no list.
    widgets: Option<Vec<Map<String, Value>>>,
}

impl DashboardRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for what cannot be read.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        parse_object(body)
    }

    /// What it means: a dashboard made now.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for what cannot be; [`Failure::TooLarge`] for more than can be kept.
    pub fn checked(self, now: UnixSeconds) -> Result<Dashboard, Failure> {
        if self.title.is_empty() {
            return Err(invalid("title", "is empty"));
        }
        let is_path = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !(1..=MAX_PATH_BYTES).contains(&self.url_path.len()) || !self.url_path.bytes().all(is_path) {
            return Err(invalid("urlPath", "is not one to 255 of a-z, A-Z, 0-9, - and _"));
        }
        let widgets_json = serde_json::to_string(&self.widgets.unwrap_or_default());
        let widgets_json = widgets_json.map_err(|error| Failure::Internal(error.to_string()))?;
        if widgets_json.len() > MAX_WIDGETS_BYTES {
            return Err(Failure::TooLarge { limit_bytes: MAX_WIDGETS_BYTES });
        }
        Ok(Dashboard {
            title: bounded("title", self.title, MAX_TITLE_CHARS)?,
            memo: bounded("memo", self.memo.unwrap_or_default(), MAX_MEMO_CHARS)?,
            url_path: self.url_path,
            widgets_json,
            created_at: now,
            updated_at: now,
        })
    }
}

impl DashboardPart {
    /// A dashboard with its id.
    ///
    /// # Errors
    /// [`Failure::Internal`] when what is on it cannot be read, which nobody can have put there.
    pub fn of(id: String, dashboard: Dashboard) -> Result<Self, Failure> {
        let widgets = serde_json::from_str(&dashboard.widgets_json);
        Ok(Self {
            id,
            title: dashboard.title,
            url_path: dashboard.url_path,
            created_at: dashboard.created_at.0,
            updated_at: dashboard.updated_at.0,
            memo: dashboard.memo,
            widgets: widgets.map_err(|error| Failure::Internal(error.to_string()))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Dashboard, Failure> {
        DashboardRequest::parse(body.as_bytes())?.checked(UnixSeconds(5))
    }

    #[test]
    fn widgets_come_back_whatever_they_are() {
        let sent = r#"{"title":"t","urlPath":"my-Path_1","memo":"m","widgets":[{"layout":{"x":0},"title":"w","type":"markdown","unheard":[null]}]}"#;
        let part = DashboardPart::of("1".to_owned(), read(sent).unwrap()).unwrap();
        assert_eq!(
            serde_json::to_string(&part).unwrap(),
            concat!(
                r#"{"id":"1","title":"t","urlPath":"my-Path_1","createdAt":5,"updatedAt":5,"memo":"m","#,
                r#""widgets":[{"layout":{"x":0},"title":"w","type":"markdown","unheard":[null]}]}"#
            )
        );
        let least = read(r#"{"title":"t","urlPath":"p","memo":null,"widgets":null}"#).unwrap();
        assert_eq!((least.memo.as_str(), least.widgets_json.as_str()), ("", "[]"));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"title":"t"}"#,
            r#"{"title":"","urlPath":"p"}"#,
            r#"{"title":"t","urlPath":""}"#,
            r#"{"title":"t","urlPath":"a/b"}"#,
            r#"{"title":"t","urlPath":"p","widgets":{}}"#,
            r#"{"title":"t","urlPath":"p","widgets":"[]"}"#,
            r#"{"title":"t","urlPath":"p","widgets":[1]}"#,
            r#"{"title":"t","urlPath":"p","widgets":[null]}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        let large =
            serde_json::json!({ "title": "t", "urlPath": "p", "widgets": [{ "a": "x".repeat(MAX_WIDGETS_BYTES) }] });
        assert_eq!(read(&large.to_string()), Err(Failure::TooLarge { limit_bytes: MAX_WIDGETS_BYTES }));
    }
}
