//! Pulse (4.2.1): so far `GET /api/health` alone.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::pulse;
use edgewatch_core::failure::Failure;
use http::{HeaderValue, Method, Request, StatusCode, header};

use super::context;
use crate::app::{App, status};
use crate::http::answer;

/// Answers a request for one of Pulse's paths.
pub async fn serve(request: Request<Body>) -> Response {
    let app = match context::app(request.extensions()) {
        Ok(app) => app,
        Err(failure) => return refuse(&failure, 0),
    };
    if request.method() == Method::OPTIONS {
        return preflight();
    }
    let result = match (request.uri().path(), request.method()) {
        ("/api/health", &Method::GET | &Method::HEAD) => health(&app).await,
        ("/api/health", _) => Err(Failure::MethodNotAllowed),
        _ => Err(Failure::NotFound { what: "route" }),
    };
    result.unwrap_or_else(|failure| refuse(&failure, app.now_s().0))
}

/// `GET /api/health`: open to everybody.
async fn health(app: &App) -> Result<Response, Failure> {
    let uptime = status::uptime_s(app).await?;
    let reply = pulse::HealthReply { status: "healthy".to_owned(), timestamp: app.now_s().0, uptime };
    Ok(answer::json(200, answer::JSON, &reply))
}

fn refuse(failure: &Failure, now_s: i64) -> Response {
    answer::note(failure, "pulse");
    let (status, body) = pulse::render(failure, now_s);
    answer::json(status, answer::JSON, &body)
}

/// CORS for reading, never with credentials. Source: routes, row 6.
fn preflight() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, PUT, DELETE, OPTIONS"));
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("Content-Type, Authorization, X-API-Token"),
    );
    response
}
