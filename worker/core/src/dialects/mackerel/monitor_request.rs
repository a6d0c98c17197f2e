//! What is said of monitors, and what of it can be. Source: mackerel specification, 8.

use serde::Deserialize;

use super::monitor::{HeaderPart, MonitorPart};
use super::names::{is_service_name, scope_name};
use super::read::{bounded, invalid};
use crate::failure::Failure;
use crate::model::{
    MetricTest, MissingLimits, MonitorDraft, MonitorKind, MonitorScopes, Named, ScopeName, Severity, Watch, WebQuestion,
};

/// The longest note, in characters. Source: mackerel specification, 8; so are the bounds below.
const MAX_MEMO_CHARS: usize = 2_048;
/// The longest name, in characters.
const MAX_NAME_CHARS: usize = 512;
/// The longest formula, question, address, body or text to look for, in characters.
const MAX_TEXT_CHARS: usize = 10_000;
/// So many scopes, and so many headers, may be named.
const MOST_NAMED: usize = 100;
/// The most that they may weigh, bytes.
const MAX_HEADERS_BYTES: usize = 16 * 1024;
const LEAST_INTERVAL_MIN: u32 = 10;
const MOST_INTERVAL_MIN: u32 = 525_600;
const MOST_MISSING_MIN: u32 = 7 * 24 * 60;
/// Rates, in percent.
const RATES: [&str; 6] = ["cpu%", "memory%", "disk%", "swap%", "container-cpu%", "container-memory%"];

/// `POST /monitors`, `PUT /monitors/<id>`. Quirk: Go clients send null for what is not set.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct MonitorRequest {
    #[serde(rename = "type")]
    kind: Option<String>,
    name: Option<String>,
    memo: Option<String>,
    alert_status_on_gone: Option<String>,
    service: Option<String>,
    duration: Option<u32>,
    metric: Option<String>,
    expression: Option<String>,
    query: Option<String>,
    legend: Option<String>,
    operator: Option<String>,
    warning: Option<f64>,
    critical: Option<f64>,
    evaluate_backward_minutes: Option<u32>,
    warning_sensitivity: Option<String>,
    critical_sensitivity: Option<String>,
    training_period_from: Option<i64>,
    method: Option<String>,
    url: Option<String>,
    response_time_warning: Option<f64>,
    response_time_critical: Option<f64>,
    response_time_duration: Option<u32>,
    contains_string: Option<String>,
    max_check_attempts: Option<u32>,
    certification_expiration_warning: Option<u32>,
    certification_expiration_critical: Option<u32>,
    skip_certificate_verification: Option<bool>,
    follow_redirect: Option<bool>,
    expected_status_code: Option<u16>,
    request_body: Option<String>,
    headers: Option<Vec<HeaderPart>>,
    missing_duration_warning: Option<u32>,
    missing_duration_critical: Option<u32>,
    notification_interval: Option<u32>,
    scopes: Option<Vec<String>>,
    exclude_scopes: Option<Vec<String>>,
    is_mute: Option<bool>,
}

impl MonitorRequest {
    /// What it means, in the place of `current`.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for what cannot be.
    pub fn into_draft(
        mut self,
        known: Option<MonitorKind>,
        current: Option<&MonitorPart>,
    ) -> Result<MonitorDraft, Failure> {
        let kind = self.kind.as_deref().and_then(MonitorKind::parse);
        let kind = kind.ok_or_else(|| invalid("type", "is none that there is"))?;
        if known.is_some_and(|known| known != kind) {
            return Err(invalid("type", "cannot be changed"));
        }
        let name = match self.name.take() {
            None if kind == MonitorKind::Connectivity => "connectivity".to_owned(),
            name => name.unwrap_or_default(),
        };
        if name.is_empty() || name.chars().any(char::is_control) {
            return Err(invalid("name", "is empty, or holds control characters"));
        }
        let name = bounded("name", name, MAX_NAME_CHARS)?;
        let memo = bounded("memo", self.memo.take().unwrap_or_default(), MAX_MEMO_CHARS)?;
        let is_mute = self.is_mute.unwrap_or(false);
        let mut part = MonitorPart::bare(kind, name.clone(), memo, is_mute);
        part.notification_interval =
            within("notificationInterval", self.notification_interval, LEAST_INTERVAL_MIN..=MOST_INTERVAL_MIN)?;
        let watch = match kind {
            MonitorKind::Connectivity => self.connectivity(&mut part, current)?,
            MonitorKind::Host => self.host(&mut part)?,
            MonitorKind::Service => self.service(&mut part)?,
            MonitorKind::External => self.external(&mut part, current)?,
            MonitorKind::Expression => self.expression(&mut part)?,
            MonitorKind::Query => self.query(&mut part)?,
            MonitorKind::AnomalyDetection => self.anomalies(&mut part)?,
        };
        let named = part.scopes.iter().chain(&part.exclude_scopes).flatten();
        let scopes = named.map(|text| scope_name(text)).collect::<Result<Vec<_>, _>>()?;
        let mut draft = MonitorDraft {
            kind,
            name,
            is_mute,
            every_min: part.notification_interval,
            watch,
            service: part.service.clone(),
            scopes,
            document_json: String::new(),
            sent: None,
        };
        draft.document(part)?;
        Ok(draft)
    }

    fn connectivity(self, part: &mut MonitorPart, current: Option<&MonitorPart>) -> Result<Watch, Failure> {
        let kept = current.and_then(|current| current.alert_status_on_gone.clone());
        let word = self.alert_status_on_gone.or(kept).unwrap_or_else(|| Severity::Critical.word().to_owned());
        let gone = Severity::parse(&word).filter(|gone| *gone != Severity::Unknown);
        let gone = gone.ok_or_else(|| invalid("alertStatusOnGone", "is not CRITICAL or WARNING"))?;
        part.alert_status_on_gone = Some(word);
        Ok(Watch::Connectivity { gone, scopes: scopes(part, self.scopes, self.exclude_scopes)? })
    }

    fn host(self, part: &mut MonitorPart) -> Result<Watch, Failure> {
        let test = self.test(part, true)?;
        Ok(Watch::Host { test, scopes: scopes(part, self.scopes, self.exclude_scopes)? })
    }

    fn service(self, part: &mut MonitorPart) -> Result<Watch, Failure> {
        let test = self.test(part, false)?;
        let service = self.service.filter(|name| is_service_name(name));
        let service = service.ok_or_else(|| invalid("service", "is missing, or no service's name"))?;
        part.service = Some(service.clone());
        let minutes = |field, said: Option<u32>| {
            let said = within(field, said, 10..=MOST_MISSING_MIN)?;
            if said.is_some_and(|minutes| minutes % 10 != 0) {
                Err(invalid(field, "is no multiple of 10"))
            } else {
                Ok(said)
            }
        };
        let missing = MissingLimits {
            warning_min: minutes("missingDurationWarning", self.missing_duration_warning)?,
            critical_min: minutes("missingDurationCritical", self.missing_duration_critical)?,
        };
        (part.missing_duration_warning, part.missing_duration_critical) = (missing.warning_min, missing.critical_min);
        Ok(Watch::Service { service, number: 0, test, missing })
    }

    /// A metric and its limits.
    fn test(&self, part: &mut MonitorPart, has_rates: bool) -> Result<MetricTest, Failure> {
        let metric = self.metric.clone().unwrap_or_default();
        let is_rate = has_rates && RATES.contains(&metric.as_str());
        if !is_rate && Named::check_name(&metric).is_err() {
            return Err(invalid("metric", "is missing, or no metric's name"));
        }
        let is_above = self.limits(part)?;
        let beyond = |limit: Option<f64>| limit.is_some_and(|limit| !(0.0..=100.0).contains(&limit));
        if is_rate && (beyond(self.warning) || beyond(self.critical)) {
            return Err(invalid("critical", "of a rate is 0 to 100"));
        }
        let points = within("duration", self.duration, 1..=10)?.ok_or_else(|| invalid("duration", "is missing"))?;
        let attempts = within("maxCheckAttempts", self.max_check_attempts, 1..=10)?.unwrap_or(1);
        (part.metric, part.duration, part.max_check_attempts) = (Some(metric.clone()), Some(points), Some(attempts));
        Ok(MetricTest { metric, is_above, warning: self.warning, critical: self.critical, points, attempts })
    }

    /// The operator and its two limits; whether it is bad above them.
    fn limits(&self, part: &mut MonitorPart) -> Result<bool, Failure> {
        let operator = self.operator.clone().unwrap_or_default();
        if !matches!(operator.as_str(), ">" | "<") {
            return Err(invalid("operator", "is not > or <"));
        }
        if self.warning.is_none() && self.critical.is_none() {
            return Err(invalid("warning", "is missing, and so is critical"));
        }
        let is_above = operator == ">";
        (part.operator, part.warning, part.critical) = (Some(operator), self.warning, self.critical);
        Ok(is_above)
    }

    fn expression(mut self, part: &mut MonitorPart) -> Result<Watch, Failure> {
        part.expression = Some(text("expression", self.expression.take())?);
        self.limits(part)?;
        part.evaluate_backward_minutes = within("evaluateBackwardMinutes", self.evaluate_backward_minutes, 1..=1_470)?;
        Ok(Watch::Nothing)
    }

    fn query(mut self, part: &mut MonitorPart) -> Result<Watch, Failure> {
        part.query = Some(text("query", self.query.take())?);
        part.legend = Some(bounded("legend", self.legend.take().unwrap_or_default(), MAX_TEXT_CHARS)?);
        self.limits(part)?;
        part.evaluate_backward_minutes = within("evaluateBackwardMinutes", self.evaluate_backward_minutes, 1..=1_470)?;
        Ok(Watch::Nothing)
    }

    fn anomalies(self, part: &mut MonitorPart) -> Result<Watch, Failure> {
        let sensitivity = |field, word: Option<String>| match word.as_deref() {
            None | Some("insensitive" | "normal" | "sensitive") => Ok(word),
            Some(_) => Err(invalid(field, "is not insensitive, normal or sensitive")),
        };
        part.warning_sensitivity = sensitivity("warningSensitivity", self.warning_sensitivity)?;
        part.critical_sensitivity = sensitivity("criticalSensitivity", self.critical_sensitivity)?;
        part.max_check_attempts = within("maxCheckAttempts", self.max_check_attempts, 1..=10)?.or(Some(3));
        part.training_period_from = self.training_period_from;
        scopes(part, self.scopes, None)?;
        part.exclude_scopes = None;
        Ok(Watch::Nothing)
    }

    fn external(self, part: &mut MonitorPart, current: Option<&MonitorPart>) -> Result<Watch, Failure> {
        let url = text("url", self.url)?;
        if !["http://", "https://"].iter().any(|scheme| url.len() > scheme.len() && url.starts_with(scheme)) {
            return Err(invalid("url", "begins with neither http:// nor https://"));
        }
        let method = self.method.unwrap_or_else(|| "GET".to_owned());
        if !matches!(method.as_str(), "GET" | "POST" | "PUT" | "DELETE") {
            return Err(invalid("method", "is not GET, POST, PUT or DELETE"));
        }
        if self.service.as_ref().is_some_and(|name| !is_service_name(name)) {
            return Err(invalid("service", "is no service's name"));
        }
        let limits = (self.response_time_warning, self.response_time_critical);
        if [limits.0, limits.1].into_iter().flatten().any(|limit| limit < 0.0) {
            return Err(invalid("responseTimeWarning", "is below 0"));
        }
        if self.expected_status_code.is_some_and(|code| !(100..=599).contains(&code)) {
            return Err(invalid("expectedStatusCode", "is not 100 to 599"));
        }
        let kept = current.and_then(|current| current.headers.clone());
        part.headers = Some(headers(self.headers.or(kept).unwrap_or_default())?);
        let optional = |field, said: Option<String>| said.map(|said| bounded(field, said, MAX_TEXT_CHARS)).transpose();
        part.contains_string = optional("containsString", self.contains_string)?;
        part.request_body = optional("requestBody", self.request_body)?;
        (part.url, part.method, part.service) = (Some(url.clone()), Some(method.clone()), self.service.clone());
        (part.response_time_warning, part.response_time_critical) = limits;
        part.response_time_duration = within("responseTimeDuration", self.response_time_duration, 1..=10)?;
        let attempts = within("maxCheckAttempts", self.max_check_attempts, 1..=10)?.unwrap_or(1);
        part.max_check_attempts = Some(attempts);
        let days = |field, said| within(field, said, 1..=3_650);
        part.certification_expiration_warning =
            days("certificationExpirationWarning", self.certification_expiration_warning)?;
        part.certification_expiration_critical =
            days("certificationExpirationCritical", self.certification_expiration_critical)?;
        part.skip_certificate_verification = Some(self.skip_certificate_verification.unwrap_or(false));
        let follows = self.follow_redirect.unwrap_or(false);
        (part.follow_redirect, part.expected_status_code) = (Some(follows), self.expected_status_code);
        let contains = part.contains_string.clone().filter(|text| !text.is_empty());
        let question = WebQuestion { url, method, follows, status: self.expected_status_code, contains, sealed: None };
        let test = MetricTest::of_delay(limits.0, limits.1, part.response_time_duration.unwrap_or(1), attempts);
        Ok(Watch::External { question, test, service: self.service })
    }
}

/// Headers that can be sent.
fn headers(said: Vec<HeaderPart>) -> Result<Vec<HeaderPart>, Failure> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    // What the runtime takes: a byte for each letter.
    let is_value = |letter: char| letter == '\t' || !letter.is_control() && u32::from(letter) < 256;
    let is_bad = |HeaderPart { name, value }: &HeaderPart| {
        name.is_empty() || !name.bytes().all(is_name) || !value.chars().all(is_value)
    };
    let bytes: usize = said.iter().map(|header| header.name.len() + header.value.len()).sum();
    if said.len() > MOST_NAMED || bytes > MAX_HEADERS_BYTES || said.iter().any(is_bad) {
        return Err(invalid("headers", "are more than 100 or 16 KiB, or one cannot be sent"));
    }
    Ok(said)
}

/// Puts scopes as they are written into the answer; gives what they mean.
fn scopes(
    part: &mut MonitorPart,
    only: Option<Vec<String>>,
    not: Option<Vec<String>>,
) -> Result<MonitorScopes, Failure> {
    let read = |texts: Option<Vec<String>>| {
        let texts = texts.unwrap_or_default();
        if texts.len() > MOST_NAMED {
            return Err(invalid("scopes", "more than 100"));
        }
        texts.iter().map(|text| scope_name(text)).collect::<Result<Vec<ScopeName>, _>>()
    };
    let scopes = MonitorScopes { only: read(only)?, not: read(not)? };
    let full = |names: &[ScopeName]| Some(names.iter().map(ScopeName::full).collect());
    (part.scopes, part.exclude_scopes) = (full(&scopes.only), full(&scopes.not));
    Ok(scopes)
}

fn within(field: &str, said: Option<u32>, range: std::ops::RangeInclusive<u32>) -> Result<Option<u32>, Failure> {
    match said {
        Some(number) if !range.contains(&number) => {
            Err(invalid(field, format!("is not {} to {}", range.start(), range.end())))
        }
        _ => Ok(said),
    }
}

fn text(field: &str, said: Option<String>) -> Result<String, Failure> {
    match said {
        Some(said) if !said.is_empty() => bounded(field, said, MAX_TEXT_CHARS),
        _ => Err(invalid(field, "is missing")),
    }
}
