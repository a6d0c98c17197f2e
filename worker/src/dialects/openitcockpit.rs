//! openITCOCKPIT: not spoken yet. Its agents are told so by a status they retry on, never by a redirect.

use axum::body::Body;
use axum::response::Response;
use http::Request;

use super::pages;

/// Answers for all of its paths.
pub fn serve(_: &Request<Body>) -> Response {
    pages::not_yet()
}
