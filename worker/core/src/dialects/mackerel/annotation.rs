//! Graph annotations. Source: mackerel specification, 10.

use serde::{Deserialize, Serialize};

use super::names::is_service_name;
use super::read::{bounded, invalid, parse_object};
use super::scope::{self, Names};
use crate::failure::Failure;
use crate::model::GraphAnnotation;
use crate::units::UnixSeconds;

/// In characters. Source: mackerel specification, 10.
const MAX_TITLE_CHARS: usize = 250;
const MAX_DESCRIPTION_CHARS: usize = 1_024;
/// No time is later than this: the year 3058.
const LAST_S: i64 = 1 << 35;

/// An annotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GraphAnnotationPart {
    /// Its id.
    pub id: String,
    /// A few words.
    pub title: String,
    /// Quirk: never null.
    pub description: String,
    /// Whole Unix seconds.
    pub from: i64,
    /// Likewise; included.
    pub to: i64,
    /// The service's name.
    pub service: String,
    /// Names of roles of the service.
    pub roles: Vec<String>,
}

/// `GET /graph-annotations`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct GraphAnnotationListReply {
    /// By when they begin.
    pub graph_annotations: Vec<GraphAnnotationPart>,
}

/// `POST /graph-annotations`, `PUT /graph-annotations/<id>`.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GraphAnnotationRequest {
    title: String,
    description: Option<String>,
    from: i64,
    to: i64,
    service: String,
    roles: Names,
}

impl GraphAnnotationRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for what cannot be read.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        parse_object(body)
    }

    /// The service that it is about.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// What it means.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for what cannot be.
    pub fn checked(self) -> Result<GraphAnnotation, Failure> {
        if self.title.is_empty() {
            return Err(invalid("title", "is empty"));
        }
        if !is_service_name(&self.service) {
            return Err(invalid("service", "is no service's name"));
        }
        let (from, to) = times(self.from, self.to)?;
        Ok(GraphAnnotation {
            title: bounded("title", self.title, MAX_TITLE_CHARS)?,
            description: bounded("description", self.description.unwrap_or_default(), MAX_DESCRIPTION_CHARS)?,
            from,
            to,
            service: self.service,
            roles: scope::services("roles", self.roles)?,
        })
    }
}

fn times(from: i64, to: i64) -> Result<(UnixSeconds, UnixSeconds), Failure> {
    if !(0..=LAST_S).contains(&from) || !(0..=LAST_S).contains(&to) {
        return Err(invalid("from", "and to are seconds since 1970"));
    }
    if from > to { Err(invalid("from", "is later than to")) } else { Ok((UnixSeconds(from), UnixSeconds(to))) }
}

/// Service, first and last second of `GET /graph-annotations`.
///
/// # Errors
/// [`Failure::Invalid`] for what is missing or cannot be.
pub fn read_annotation_query(pairs: &[(String, String)]) -> Result<(String, UnixSeconds, UnixSeconds), Failure> {
    let find = |name: &str| {
        let found = pairs.iter().find(|(key, value)| key == name && !value.is_empty());
        found.map(|(_, value)| value.as_str()).ok_or_else(|| invalid(name, "is missing"))
    };
    let second = |name: &str| find(name)?.parse::<i64>().map_err(|_| invalid(name, "is no whole number"));
    let service = find("service")?.to_owned();
    // Programs ask from 0 and to the end of time.
    let (from, to) = (second("from")?.clamp(0, LAST_S), second("to")?.clamp(0, LAST_S));
    let (from, to) = times(from, to)?;
    Ok((service, from, to))
}

impl GraphAnnotationPart {
    /// An annotation with its id.
    pub fn of(id: String, annotation: GraphAnnotation) -> Self {
        Self {
            id,
            title: annotation.title,
            description: annotation.description,
            from: annotation.from.0,
            to: annotation.to.0,
            service: annotation.service,
            roles: annotation.roles,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<GraphAnnotation, Failure> {
        GraphAnnotationRequest::parse(body.as_bytes())?.checked()
    }

    #[test]
    fn an_annotation_comes_back_as_it_was_sent() {
        let full = r#"{"id":"1","title":"t","description":"d","from":1,"to":2,"service":"Shop","roles":["web"]}"#;
        let answer =
            |body: &str| serde_json::to_string(&GraphAnnotationPart::of("1".to_owned(), read(body).unwrap())).unwrap();
        assert_eq!(answer(full), full);
        let least = r#"{"title":"t","from":2,"to":2,"service":"Shop","description":null,"roles":null}"#;
        assert_eq!(
            answer(least),
            r#"{"id":"1","title":"t","description":"","from":2,"to":2,"service":"Shop","roles":[]}"#
        );
    }

    #[test]
    fn titles_descriptions_and_times_have_limits() {
        let body = |title: usize, description: usize, from: i64, to: i64| {
            let (title, description) = ("ä".repeat(title), "ä".repeat(description));
            let body = serde_json::json!({ "title": title, "description": description, "from": from, "to": to, "service": "Shop" });
            read(&body.to_string()).is_ok()
        };
        assert!(body(250, 1_024, 5, 5));
        assert!(!body(251, 0, 5, 5) && !body(1, 1_025, 5, 5) && !body(1, 0, 6, 5) && !body(0, 0, 5, 5));
        assert!(!body(1, 0, -1, 5) && !body(1, 0, 5, i64::MAX));
        for bad in [
            "",
            "[]",
            r#"{"title":"t","from":1,"to":2}"#,
            r#"{"title":"t","from":1,"to":2,"service":"a b"}"#,
            r#"{"title":"t","from":"1","to":2,"service":"Shop"}"#,
            r#"{"title":"t","from":1,"to":2,"service":"Shop","roles":["w"]}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_list_needs_a_service_and_two_times() {
        let query = |pairs: &[(&str, &str)]| {
            let pairs: Vec<_> = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            read_annotation_query(&pairs).map(|(service, from, to)| (service, from.0, to.0))
        };
        let good = [("service", "Shop"), ("from", "1"), ("to", "9223372036854775807")];
        assert_eq!(query(&good), Ok(("Shop".to_owned(), 1, LAST_S)));
        for missing in 0..3 {
            let rest: Vec<_> =
                good.iter().copied().enumerate().filter(|(at, _)| *at != missing).map(|(_, one)| one).collect();
            assert!(query(&rest).is_err(), "{missing}");
        }
        assert!(query(&[("service", "Shop"), ("from", "2"), ("to", "1")]).is_err());
        assert!(query(&[("service", "Shop"), ("from", "x"), ("to", "1")]).is_err());
        assert!(query(&[("service", ""), ("from", "0"), ("to", "1")]).is_err());
    }
}
