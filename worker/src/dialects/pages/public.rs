//! Small files that anybody may fetch: what crawlers, browsers and people who found a hole look for, the documents of the APIs, and the
//! pages of /docs. The documents and pages are made when the Worker is built and lie among its assets.

use axum::response::Response;
use edgewatch_core::failure::Failure;
use edgewatch_core::units::UnixSeconds;
use http::{HeaderValue, header};

use super::{HTML, TEXT, with_policy};
use crate::app::App;
use crate::http::answer;

const ICON: HeaderValue = HeaderValue::from_static("image/x-icon");
const SVG: HeaderValue = HeaderValue::from_static("image/svg+xml");
const STYLE: HeaderValue = HeaderValue::from_static("text/css; charset=utf-8");
/// They change with deployments alone.
const FOR_A_WHILE: HeaderValue = HeaderValue::from_static("public, max-age=300");
/// The start is the guest page, and documentation is for everybody. Nothing else is for crawlers: it changes by the second.
const ROBOTS: &str = "User-agent: *\nAllow: /$\nAllow: /docs\nAllow: /openapi\nDisallow: /\n";
/// The APIs that have a document of their own beside ours.
const DIALECTS: [&str; 4] = ["mackerel.json", "nezha.json", "openitcockpit.json", "pulse.json"];
/// For so long what security.txt says may be believed.
const YEAR_S: i64 = 365 * 86_400;

/// The file of a path, by its segments; `None` when it is none of these.
///
/// # Errors
/// [`Failure::NotFound`] when there is none, though it would be one of these; [`Failure::Unavailable`] when assets do not answer.
pub async fn find(app: &App, segments: &[&str]) -> Result<Option<Response>, Failure> {
    Ok(Some(match segments {
        ["robots.txt"] => cached(TEXT, ROBOTS.as_bytes().to_vec()),
        ["favicon.ico"] => cached(ICON, include_bytes!("ui/favicon.ico").to_vec()),
        ["favicon.svg"] => cached(SVG, include_bytes!("ui/icon.svg").to_vec()),
        [".well-known", "security.txt"] => {
            let contact = app.config.security_contact.as_deref().ok_or(Failure::NotFound { what: "file" })?;
            answer::with_body(200, TEXT, security(contact, app.config.public_url.as_deref(), app.now_s()).into_bytes())
        }
        ["openapi.json"] => cached(answer::JSON, app.asset("/openapi.json").await?),
        ["openapi", name] if DIALECTS.contains(name) => {
            cached(answer::JSON, app.asset(&format!("/openapi/{name}")).await?)
        }
        ["docs", "docs.css"] => cached(STYLE, app.asset("/docs/docs.css").await?),
        ["docs", page @ ..] if page.len() <= 2 => docs(app, page).await?,
        _ => return Ok(None),
    }))
}

/// A page of /docs. What is no name of a page is asked of nobody.
async fn docs(app: &App, page: &[&str]) -> Result<Response, Failure> {
    let is_name = |name: &&str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let path = match page {
        [] | [""] => "index".to_owned(),
        names if names.iter().all(is_name) => names.join("/"),
        _ => return Err(Failure::NotFound { what: "page" }),
    };
    let text = String::from_utf8(app.asset(&format!("/docs/{path}.html")).await?);
    let text = text.map_err(|error| Failure::Internal(format!("docs/{path}.html is no text: {error}")))?;
    let mut response = with_policy(200, text);
    response.headers_mut().insert(header::CACHE_CONTROL, FOR_A_WHILE);
    debug_assert_eq!(response.headers().get(header::CONTENT_TYPE), Some(&HTML));
    Ok(response)
}

fn cached(content_type: HeaderValue, body: Vec<u8>) -> Response {
    let mut response = answer::with_body(200, content_type, body);
    response.headers_mut().insert(header::CACHE_CONTROL, FOR_A_WHILE);
    response
}

/// RFC 9116.
fn security(contact: &str, public_url: Option<&str>, now: UnixSeconds) -> String {
    let canonical = public_url.map(|url| format!("Canonical: {url}/.well-known/security.txt\n")).unwrap_or_default();
    let until = now.plus(YEAR_S).rfc3339();
    format!("Contact: {contact}\nExpires: {until}\nPreferred-Languages: en\n{canonical}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_found_a_hole_is_told_whom_to_tell() {
        let text = security("mailto:security@example.com", Some("https://watch.example.com"), UnixSeconds(0));
        assert_eq!(
            text,
            "Contact: mailto:security@example.com\nExpires: 1971-01-01T00:00:00Z\nPreferred-Languages: en\n\
             Canonical: https://watch.example.com/.well-known/security.txt\n"
        );
    }
}
