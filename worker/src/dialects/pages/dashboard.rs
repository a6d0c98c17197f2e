//! The dashboard: one shell for all its pages, and the files that the shell names. Both are static assets that
//! `scripts/build-dashboard` made; a file's name holds a hash of what is in it, so that a browser keeps it for good.

use axum::response::Response;
use edgewatch_core::failure::Failure;
use http::{HeaderValue, header};

use crate::app::App;
use crate::http::answer;

const FOR_GOOD: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const SHELL: &str = "/ui/index.html";
/// What stands in the shell where the block of data belongs that front ends of Nezha look for; it holds no mark of HTML.
const LITERAL_PLACEHOLDER: &str = "__SERVERS__";

/// The first segment of the dashboard's addresses below `/ui/`. Which pages are behind them the dashboard itself knows.
const PAGES: [&str; 9] = ["login", "setup", "add", "hosts", "alerts", "rules", "probes", "proxmox", "settings"];

/// Whether the segments behind `/ui/` are an address of the dashboard.
pub fn is_page(segments: &[&str]) -> bool {
    segments.first().is_some_and(|first| PAGES.contains(first)) && segments.len() <= 3
}

/// The shell with its block of data; `None` where the dashboard was not built.
///
/// # Errors
/// [`Failure::Unavailable`] when the assets do not answer; [`Failure::Internal`] for a shell that is no text.
pub async fn shell(app: &App, literal: &str) -> Result<Option<String>, Failure> {
    let body = match app.asset(SHELL).await {
        Ok(body) => body,
        Err(Failure::NotFound { .. }) => return Ok(None),
        Err(failure) => return Err(failure),
    };
    let shell = String::from_utf8(body).map_err(|error| Failure::Internal(format!("{SHELL} is no text: {error}")))?;
    Ok(Some(shell.replace(LITERAL_PLACEHOLDER, literal)))
}

/// A file that the shell or another file names.
///
/// # Errors
/// [`Failure::NotFound`] when there is none of this name; [`Failure::Unavailable`] when the assets do not answer.
pub async fn file(app: &App, name: &str) -> Result<Response, Failure> {
    let content_type = content_type(name).ok_or(Failure::NotFound { what: "file" })?;
    let body = app.asset(&format!("/ui/assets/{name}")).await?;
    let mut response = answer::with_body(200, content_type, body);
    response.headers_mut().insert(header::CACHE_CONTROL, FOR_GOOD);
    Ok(response)
}

/// By the end of the name; `None` for a name that no build gives a file.
fn content_type(name: &str) -> Option<HeaderValue> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if !name.bytes().all(plain) {
        return None;
    }
    let known = match name.rsplit_once('.')?.1 {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webmanifest" => "application/manifest+json",
        "map" => "application/json",
        _ => return None,
    };
    Some(HeaderValue::from_static(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_the_dashboard_begins_with_one_of_its_pages() {
        for address in ["login", "hosts/7", "hosts/7/edit", "settings/tokens", "rules/new"] {
            assert!(is_page(&address.split('/').collect::<Vec<_>>()), "{address}");
        }
        for address in ["", "assets/main.js", "nothing", "Login", "hosts/7/edit/more"] {
            assert!(!is_page(&address.split('/').collect::<Vec<_>>()), "{address}");
        }
    }

    #[test]
    fn only_names_that_a_build_gives_are_files() {
        for name in ["main-6B5Y5NPR.css", "icon-192-3F906543.png", "chunk-2FGURWGH.js"] {
            assert!(content_type(name).is_some(), "{name}");
        }
        for name in ["", "index.html", "main", "..%2fsecrets.js", "a b.js", "a\\b.js"] {
            assert!(content_type(name).is_none(), "{name}");
        }
    }
}
