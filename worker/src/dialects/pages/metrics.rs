//! `GET /metrics`: for Prometheus, which brings its token as `Bearer`.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::failure::Failure;
use http::{HeaderMap, HeaderValue, Request, header};

use crate::app::{App, metrics};
use crate::dialects::context;
use crate::http::answer;
use crate::http::credential::Scheme;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// Every host and probe, and what Edgewatch uses.
///
/// # Errors
/// [`Failure::Unauthenticated`], [`Failure::Forbidden`] without the right to read; [`Failure::Unavailable`] when the hub does not answer.
pub async fn serve(request: Request<Body>, app: &App) -> Result<Response, Failure> {
    let (parts, _) = request.into_parts();
    let reader = context::reader(&parts, Scheme::BareOrBearer).await?;
    let is_open_metrics = wants_open_metrics(&parts.headers);
    let document = metrics::read(app, &reader, is_open_metrics).await?;
    Ok(answer::with_payload(200, if is_open_metrics { OPEN_METRICS } else { TEXT }, document))
}

/// Prometheus names it first among what it takes, when it takes it at all; nobody else names it.
fn wants_open_metrics(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_it = |part: &str| part.trim().to_ascii_lowercase().starts_with("application/openmetrics-text");
    accept.split(',').any(|part| is_it(part) && !part.contains("q=0,") && !part.trim_end().ends_with("q=0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_metrics_is_for_who_asks_for_it() {
        let wants = |accept: &'static str| {
            wants_open_metrics(&HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]))
        };
        assert!(wants("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1"));
        assert!(!wants("text/plain;version=0.0.4;q=0.5,*/*;q=0.1") && !wants("*/*"));
        assert!(!wants("application/openmetrics-text;q=0, text/plain"));
        assert!(!wants_open_metrics(&HeaderMap::new()));
    }
}
