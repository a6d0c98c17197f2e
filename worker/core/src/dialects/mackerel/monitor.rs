//! Monitors. Source: mackerel specification, 8.

use serde::{Deserialize, Serialize};

use super::monitor_request::MonitorRequest;
use super::read::parse_object;
use crate::failure::Failure;
use crate::model::{ListedMonitor, MonitorDraft, MonitorKind, Sent};

/// A monitor. Which keys it has depends on its type; a key without a value is left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct MonitorPart {
    /// Its id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// One of seven words. Quirk: the Go client reads no further than an unknown one.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Quirk: never null.
    pub memo: String,
    /// Of connectivity: `CRITICAL` or `WARNING`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert_status_on_gone: Option<String>,
    /// Of a service, or the one that response times are kept under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// How many points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<u32>,
    /// A metric's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// A formula.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// A question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// How its series are called. Quirk: always there with a question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legend: Option<String>,
    /// `>` or `<`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// A limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<f64>,
    /// A limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub critical: Option<f64>,
    /// Minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluate_backward_minutes: Option<u32>,
    /// `insensitive`, `normal` or `sensitive`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning_sensitivity: Option<String>,
    /// Likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub critical_sensitivity: Option<String>,
    /// Unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_period_from: Option<i64>,
    /// `GET`, `POST`, `PUT` or `DELETE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// A web address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_time_warning: Option<f64>,
    /// Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_time_critical: Option<f64>,
    /// How many points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_time_duration: Option<u32>,
    /// What the answer has to contain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains_string: Option<String>,
    /// Times in succession.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_check_attempts: Option<u32>,
    /// Days. Kept and not judged: the platform shows nobody the certificate of the other side, neither with `fetch` nor with `connect`.
    /// Source: <https://github.com/cloudflare/workerd/issues/1041>.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certification_expiration_warning: Option<u32>,
    /// Likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certification_expiration_critical: Option<u32>,
    /// Whether any certificate will do. Kept, and without effect: the platform verifies all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip_certificate_verification: Option<bool>,
    /// Whether redirections are followed; not when nothing is said, which is what the service did before it had the key. Source: the vendor's
    /// announcement of 2017-04-24 (2xx and 3xx are good, and nothing is followed).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follow_redirect: Option<bool>,
    /// The status that is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_status_code: Option<u16>,
    /// What is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_body: Option<String>,
    /// What is sent along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<Vec<HeaderPart>>,
    /// Minutes, in steps of ten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_duration_warning: Option<u32>,
    /// Likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_duration_critical: Option<u32>,
    /// Minutes, ten or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_interval: Option<u32>,
    /// `service` or `service:role` each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// Likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclude_scopes: Option<Vec<String>>,
    /// Whether nobody is told.
    pub is_mute: bool,
}

/// A header of a request.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HeaderPart {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl std::fmt::Debug for HeaderPart {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Its value may be a secret.
        write!(formatter, "HeaderPart({})", self.name)
    }
}

/// `GET /monitors/<id>`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MonitorReply {
    /// The monitor.
    pub monitor: MonitorPart,
}

/// `GET /monitors`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MonitorListReply {
    /// By type, then name.
    pub monitors: Vec<MonitorPart>,
}

impl MonitorPart {
    /// A monitor in Mackerel's words.
    ///
    /// # Errors
    /// [`Failure::Internal`] when what is stored of it cannot be read.
    pub fn of(listed: ListedMonitor) -> Result<Self, Failure> {
        let part: Self = serde_json::from_str(&listed.document_json)
            .map_err(|error| Failure::Internal(format!("monitor {}: {error}", listed.public_id)))?;
        let mut part = Self { id: listed.public_id, name: listed.name, kind: listed.kind.word().to_owned(), ..part };
        if let Some(Sent { headers, body }) = listed.sent {
            part.headers = Some(headers.into_iter().map(|(name, value)| HeaderPart { name, value }).collect());
            part.request_body = body;
        }
        Ok(part)
    }
}

/// A body that says what a monitor is to be: of `POST /monitors` and of `PUT /monitors/<id>`.
#[derive(Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MonitorBody(MonitorRequest);

impl MonitorBody {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for what is no JSON or of wrong types.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        parse_object(body).map(Self)
    }

    /// What it means, in the place of the monitor there is, or of none. It is replaced as a whole; of what happens when a host is
    /// gone, and of headers, nothing said means that they stay.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for what cannot be, or another type than there is.
    pub fn into_draft(self, current: Option<ListedMonitor>) -> Result<MonitorDraft, Failure> {
        let known = current.as_ref().map(|one| one.kind);
        let current = current.map(MonitorPart::of).transpose()?;
        self.0.into_draft(known, current.as_ref())
    }
}

impl MonitorDraft {
    /// Writes down what was said; what may be secret is kept apart.
    pub(super) fn document(&mut self, mut part: MonitorPart) -> Result<(), Failure> {
        let headers: Vec<(String, String)> =
            part.headers.iter_mut().flat_map(std::mem::take).map(|HeaderPart { name, value }| (name, value)).collect();
        let body = part.request_body.take();
        self.sent = (!headers.is_empty() || body.is_some()).then_some(Sent { headers, body });
        self.document_json = serde_json::to_string(&part).map_err(|error| Failure::Internal(error.to_string()))?;
        Ok(())
    }
}

impl MonitorPart {
    /// One of which only this is said.
    pub(super) fn bare(kind: MonitorKind, name: String, memo: String, is_mute: bool) -> Self {
        Self {
            id: String::new(),
            kind: kind.word().to_owned(),
            name,
            memo,
            alert_status_on_gone: None,
            service: None,
            duration: None,
            metric: None,
            expression: None,
            query: None,
            legend: None,
            operator: None,
            warning: None,
            critical: None,
            evaluate_backward_minutes: None,
            warning_sensitivity: None,
            critical_sensitivity: None,
            training_period_from: None,
            method: None,
            url: None,
            response_time_warning: None,
            response_time_critical: None,
            response_time_duration: None,
            contains_string: None,
            max_check_attempts: None,
            certification_expiration_warning: None,
            certification_expiration_critical: None,
            skip_certificate_verification: None,
            follow_redirect: None,
            expected_status_code: None,
            request_body: None,
            headers: None,
            missing_duration_warning: None,
            missing_duration_critical: None,
            notification_interval: None,
            scopes: None,
            exclude_scopes: None,
            is_mute,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{MonitorId, Severity, Watch};

    fn draft(json: &str) -> Result<MonitorDraft, Failure> {
        MonitorBody::parse(json.as_bytes())?.into_draft(None)
    }

    fn listed(draft: &MonitorDraft) -> ListedMonitor {
        ListedMonitor {
            id: MonitorId(1),
            public_id: "2cSZzK3XfmG".to_owned(),
            kind: draft.kind,
            name: draft.name.clone(),
            document_json: draft.document_json.clone(),
            sent: draft.sent.clone(),
        }
    }

    fn answered(json: &str) -> String {
        let draft = draft(json).unwrap();
        serde_json::to_string(&MonitorPart::of(listed(&draft)).unwrap()).unwrap()
    }

    #[test]
    fn the_documents_of_the_reference_come_back_as_they_were_sent() {
        for whole in [
            r#"{"id":"2cSZzK3XfmG","type":"connectivity","name":"connectivity","memo":"","alertStatusOnGone":"CRITICAL","scopes":[],"excludeScopes":[],"isMute":false}"#,
            r#"{"id":"2cSZzK3XfmG","type":"host","name":"load","memo":"","duration":3,"metric":"loadavg5","operator":">","warning":4.0,"critical":8.0,"maxCheckAttempts":1,"notificationInterval":60,"scopes":["My-Service"],"excludeScopes":["My-Service:batch"],"isMute":false}"#,
            r#"{"id":"2cSZzK3XfmG","type":"service","name":"s","memo":"m","service":"Svc","duration":1,"metric":"a.b","operator":"<","warning":1.5,"maxCheckAttempts":2,"missingDurationWarning":10,"isMute":true}"#,
            r#"{"id":"2cSZzK3XfmG","type":"external","name":"x","memo":"","method":"GET","url":"https://example.com","maxCheckAttempts":1,"skipCertificateVerification":false,"followRedirect":false,"headers":[{"name":"a","value":"b"}],"isMute":false}"#,
            r#"{"id":"2cSZzK3XfmG","type":"expression","name":"e","memo":"","expression":"max(x)","operator":">","critical":1.0,"isMute":false}"#,
            r#"{"id":"2cSZzK3XfmG","type":"query","name":"q","memo":"","query":"up","legend":"","operator":">","critical":1.0,"isMute":false}"#,
            r#"{"id":"2cSZzK3XfmG","type":"anomalyDetection","name":"a","memo":"","warningSensitivity":"normal","maxCheckAttempts":3,"scopes":["Svc:role"],"isMute":false}"#,
        ] {
            assert_eq!(answered(whole), whole);
        }
    }

    #[test]
    fn null_is_as_good_as_missing_and_blanks_behind_a_colon_go() {
        let sent = r#"{"type":"host","name":"n","metric":"cpu%","operator":">","duration":1,"warning":null,"critical":90,
            "memo":null,"notificationInterval":null,"scopes":["Svc: role"],"excludeScopes":null,"isMute":null}"#;
        let draft = draft(sent).unwrap();
        assert_eq!(draft.scopes.iter().map(crate::model::ScopeName::full).collect::<Vec<_>>(), ["Svc:role"]);
        let Watch::Host { test, .. } = &draft.watch else { panic!("{draft:?}") };
        assert_eq!((test.warning, test.critical, test.attempts), (None, Some(90.0), 1));
        assert!(draft.document_json.contains(r#""scopes":["Svc:role"],"excludeScopes":[]"#), "{}", draft.document_json);
    }

    #[test]
    fn what_is_replaced_keeps_its_headers_and_what_happens_when_a_host_is_gone_unless_they_are_said() {
        let first = draft(r#"{"type":"connectivity","alertStatusOnGone":"WARNING","memo":"m"}"#).unwrap();
        assert_eq!(first.name, "connectivity");
        let put = |body: &str, current: &MonitorDraft| {
            MonitorBody::parse(body.as_bytes()).unwrap().into_draft(Some(listed(current)))
        };
        let kept = put(r#"{"type":"connectivity"}"#, &first).unwrap();
        let Watch::Connectivity { gone, .. } = kept.watch else { panic!("{kept:?}") };
        assert_eq!((gone, kept.document_json.contains(r#""memo":"""#)), (Severity::Warning, true));
        assert!(
            put(r#"{"type":"host","name":"a","metric":"a","operator":">","duration":1,"critical":1}"#, &first).is_err()
        );
        let site = r#"{"type":"external","name":"x","url":"http://a.b","headers":[{"name":"a","value":"b"}]}"#;
        let external = draft(site).unwrap();
        let bare = r#"{"type":"external","name":"x","url":"http://a.b"}"#;
        let of =
            |name: &str, value: &str| Some(Sent { headers: vec![(name.to_owned(), value.to_owned())], body: None });
        assert_eq!(put(bare, &external).unwrap().sent, of("a", "b"));
        let emptied = put(&bare.replace('}', r#","headers":[]}"#), &external).unwrap();
        assert_eq!((emptied.document_json.contains(r#""headers":[]"#), emptied.sent), (true, None));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let host = r#"{"type":"host","name":"n","metric":"loadavg5","operator":">","duration":3,"critical":1}"#;
        let service =
            r#"{"type":"service","name":"n","service":"Svc","metric":"a","operator":">","duration":3,"critical":1}"#;
        assert!(draft(host).is_ok() && draft(service).is_ok());
        let long = format!(r#""name":"n","memo":"{}""#, "x".repeat(2_049));
        for (good, from, to) in [
            (host, r#""type":"host""#, r#""type":"hosts""#),
            (host, r#""type":"host","#, ""),
            (host, r#""name":"n""#, r#""name":"""#),
            (host, r#""name":"n","#, ""),
            (host, r#""name":"n""#, long.as_str()),
            (host, r#""loadavg5""#, r#""load avg""#),
            (host, r#"">""#, r#"">=""#),
            (host, ":3", ":0"),
            (host, ":3", ":11"),
            (host, ":3", r#":"3""#),
            (host, r#","critical":1"#, ""),
            (host, r#""critical":1"#, r#""critical":1,"maxCheckAttempts":0"#),
            (host, r#""critical":1"#, r#""critical":1,"maxCheckAttempts":11"#),
            (host, r#""critical":1"#, r#""critical":1,"notificationInterval":9"#),
            (host, r#""critical":1"#, r#""critical":1,"scopes":["a"]"#),
            (host, r#""critical":1"#, r#""critical":1,"scopes":"Svc""#),
            (
                host,
                r#""loadavg5","operator":">","duration":3,"critical":1"#,
                r#""cpu%","operator":">","duration":3,"critical":101"#,
            ),
            (service, r#""service":"Svc","#, ""),
            (service, r#""critical":1"#, r#""critical":1,"missingDurationWarning":15"#),
            (service, r#""critical":1"#, r#""critical":1,"missingDurationWarning":10090"#),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good);
            assert!(draft(&bad).is_err(), "{bad}");
        }
        for bad in [
            "",
            "[]",
            "null",
            r#"{"type":"external","name":"x"}"#,
            r#"{"type":"external","name":"x","url":"ftp://a"}"#,
            r#"{"type":"external","name":"x","url":"http://a","method":"PATCH"}"#,
            r#"{"type":"external","name":"x","url":"http://a","expectedStatusCode":20}"#,
            r#"{"type":"expression","name":"x","operator":">","critical":1}"#,
            r#"{"type":"query","name":"x","query":"","operator":">","critical":1}"#,
            r#"{"type":"anomalyDetection","name":"x","scopes":["Svc:role"],"warningSensitivity":"high"}"#,
            r#"{"type":"connectivity","alertStatusOnGone":"UNKNOWN"}"#,
        ] {
            assert!(draft(bad).is_err(), "{bad}");
        }
    }
}
