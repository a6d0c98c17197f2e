//! `POST /view-password`: a guest shows the view password. Source: nezha specification, 2.3 and 17.

use axum::response::{IntoResponse, Response};
use edgewatch_core::dialects::nezha;
use edgewatch_core::failure::Failure;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::auth::{Here, Raw};
use crate::app::visitor::{self, VIEW_SESSION_S};
use crate::dialects::{Caller, context, pages};
use crate::http::credential::{self, VIEW_COOKIE};
use crate::http::query;

/// `POST /view-password`, a form or JSON: the right one leads back to where the guest was, with a cookie; a wrong one to a page.
#[worker::send]
pub async fn show(Here(app): Here, from: Caller, headers: HeaderMap, Raw(body): Raw) -> Response {
    // It rests on no cookie, but another site should not be able to try passwords through its readers.
    if credential::is_cross_site(&headers, app.config.public_url.as_deref()) {
        return wrong();
    }
    let pairs = query::form(&headers, &body);
    let shown = match nezha::read_view_password(&body, pairs.as_deref()) {
        Ok(password) => visitor::show_view_password(&app, &password, from.address).await,
        Err(failure) => Err(failure),
    };
    let pass = match shown {
        Ok(pass) => pass,
        Err(Failure::Unauthenticated | Failure::Malformed { .. }) => return wrong(),
        Err(failure) => return pages::refuse(&failure, false),
    };
    let cookie = context::cookie(&app, &headers, VIEW_COOKIE, &pass, VIEW_SESSION_S);
    let location = HeaderValue::from_str(&back(&headers));
    match (cookie, location) {
        (Ok(cookie), Ok(location)) => {
            (StatusCode::FOUND, [(header::LOCATION, location), (header::SET_COOKIE, cookie)]).into_response()
        }
        (Err(failure), _) => pages::refuse(&failure, false),
        (_, Err(error)) => pages::refuse(&Failure::Internal(error.to_string()), false),
    }
}

/// Quirk: HTTP 200.
fn wrong() -> Response {
    pages::wrong_view_password()
}

/// The path of the page the guest came from; never one of another site.
fn back(headers: &HeaderMap) -> String {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let path = text(header::REFERER).zip(text(header::HOST)).and_then(|(referer, host)| {
        let rest = referer.split_once("://")?.1;
        let path = rest.strip_prefix(host)?;
        // Two slashes would name a host; a backslash is one to browsers.
        let is_path = path.starts_with('/') && !path.starts_with("//") && !path.contains('\\');
        is_path.then(|| path.to_owned())
    });
    path.unwrap_or_else(|| "/".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_is_led_back_to_a_page_of_ours_and_nowhere_else() {
        let led = |referer: &'static str| {
            let pairs = [(header::REFERER, referer), (header::HOST, "watch.example.com")];
            back(&pairs.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect())
        };
        assert_eq!(led("https://watch.example.com/service?x=1"), "/service?x=1");
        for other in [
            "",
            "https://watch.example.com",
            "https://evil.example/service",
            "https://watch.example.com.evil.example/",
            "https://watch.example.com//evil.example/",
            "https://watch.example.com/\\evil.example",
            "watch.example.com/x",
        ] {
            assert_eq!(led(other), "/", "{other}");
        }
        assert_eq!(back(&HeaderMap::new()), "/");
    }
}
