//! What people and installers fetch: the dashboard at `/` and below `/ui/`, the bootstrap script, the agent's binaries, and the
//! pages that need no script: those of Nezha's readers, and the one for what is not there.

mod dashboard;
mod metrics;
mod public;
mod ui;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use edgewatch_core::dialects::native;
use edgewatch_core::failure::Failure;
use http::{HeaderValue, Method, Request, StatusCode, header};

use super::context;
use crate::app::App;
use crate::http::answer;

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const SHELL: HeaderValue = HeaderValue::from_static("text/x-shellscript; charset=utf-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const BINARY: HeaderValue = HeaderValue::from_static("application/octet-stream");
// The one policy of all pages: nothing but our own files, nothing inline, no page of ours inside another. Markup made by a
// script is refused by the browser, where it can.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
);
// The page that asks for the view password works without a script: its form is sent to ourselves, which leads back to where it stood.
const FORM_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);
const OWN_REFERRER: HeaderValue = HeaderValue::from_static("same-origin");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");

/// What stands in the script where the address of this deployment belongs.
const URL_PLACEHOLDER: &str = "__EDGEWATCH_PUBLIC_URL__";
/// What stands in the frame where a page's own part belongs.
const MAIN_PLACEHOLDER: &str = "__MAIN__";
const FRAME: &str = include_str!("pages/frame.html");
const CLOSED: &str = include_str!("pages/closed.html");
const MEMBERS: &str = include_str!("pages/members.html");
const LOST: &str = include_str!("pages/lost.html");
const UNBUILT: &str = include_str!("pages/unbuilt.html");
const WRONG: &str = include_str!("pages/wrong.html");

/// Whether a request is for the home page.
pub fn is_home(request: &Request<Body>) -> bool {
    request.method() == Method::GET && request.uri().path() == "/"
}

/// Answers a request for a page or file. `literal`: what stands in the home page's block of data.
pub async fn serve(request: Request<Body>, literal: &str) -> Response {
    let wants_json = accepts_json(&request);
    let result = match context::app(request.extensions()) {
        Ok(app) if matches!(*request.method(), Method::GET | Method::HEAD) => {
            if request.uri().path() == "/metrics" {
                metrics::serve(request, &app).await
            } else {
                page(&app, request.uri().path(), literal).await
            }
        }
        // Of a page that there is another method is refused, and any method of one that there is not.
        Ok(app) => page(&app, request.uri().path(), literal).await.and(Err(Failure::MethodNotAllowed)),
        Err(failure) => Err(failure),
    };
    result.unwrap_or_else(|failure| refuse(&failure, wants_json))
}

/// For the paths of dialects that are not spoken yet: JSON, never a redirect.
pub fn not_yet() -> Response {
    refuse(&Failure::NotFound { what: "route" }, true)
}

/// For a guest who showed another password than the view password. Quirk: status 200. Source: nezha specification, 2.3.
pub fn wrong_view_password() -> Response {
    html(200, WRONG)
}

/// A page that was written for one request. `main` is its own part, in HTML.
pub fn framed(main: &str) -> Response {
    // The frame first: nothing in a name is a placeholder.
    with_policy(200, ui::page(FRAME).replace(MAIN_PLACEHOLDER, main))
}

/// For a guest who may not look before showing the view password. Quirk: status 200. Source: nezha specification, 2.3.
pub fn closed() -> Response {
    let mut response = html(200, CLOSED);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, FORM_POLICY);
    headers.insert(header::REFERRER_POLICY, OWN_REFERRER);
    response
}

/// Where somebody has to be logged in.
pub fn members_only() -> Response {
    html(403, MEMBERS)
}

/// To the start.
pub fn to_home() -> Response {
    (StatusCode::FOUND, [(header::LOCATION, HeaderValue::from_static("/"))]).into_response()
}

fn to_login() -> Response {
    (StatusCode::FOUND, [(header::LOCATION, HeaderValue::from_static("/ui/login"))]).into_response()
}

async fn page(app: &App, path: &str, literal: &str) -> Result<Response, Failure> {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    if let Some(file) = public::find(app, &segments).await? {
        return Ok(file);
    }
    match segments.as_slice() {
        [""] => shell(app, literal).await,
        ["ui", rest @ ..] if dashboard::is_page(rest) => shell(app, literal).await,
        ["ui", "assets", name] => dashboard::file(app, name).await,
        // Where the original's login was.
        ["login"] | ["oauth2", "login"] => Ok(to_login()),
        ["ui", version, name] => ui::file(version, name).ok_or(Failure::NotFound { what: "file" }),
        ["install.sh"] => install_script(app).await,
        ["download", name] if is_download(name) => {
            let content_type = if name.ends_with(".sha256") { TEXT } else { BINARY };
            Ok(answer::with_body(200, content_type, app.asset(path).await?))
        }
        _ => Err(Failure::NotFound { what: "page" }),
    }
}

/// The dashboard, whichever of its pages is wanted.
async fn shell(app: &App, literal: &str) -> Result<Response, Failure> {
    Ok(match dashboard::shell(app, literal).await? {
        Some(shell) => with_policy(200, shell),
        None => html(503, UNBUILT),
    })
}

/// The bootstrap script, with the configured address in it; never one that the request names.
async fn install_script(app: &App) -> Result<Response, Failure> {
    let script = String::from_utf8(app.asset("/install.sh").await?)
        .map_err(|error| Failure::Internal(format!("install.sh is no text: {error}")))?;
    let script = script.replace(URL_PLACEHOLDER, app.config.public_url.as_deref().unwrap_or_default());
    Ok(answer::with_body(200, SHELL, script.into_bytes()))
}

fn is_download(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    name.starts_with("edgewatch-agent-") && name.bytes().all(plain)
}

fn accepts_json(request: &Request<Body>) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    !accept.contains("text/html")
}

fn html(status: u16, page: &str) -> Response {
    with_policy(status, ui::page(page))
}

fn with_policy(status: u16, page: String) -> Response {
    let mut response = answer::with_body(status, HTML, page.into_bytes());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::REFERRER_POLICY, NO_REFERRER);
    response
}

/// A refusal as a page, or as JSON.
pub fn refuse(failure: &Failure, as_json: bool) -> Response {
    answer::note(failure, "pages");
    let (status, body) = native::render(failure);
    if as_json { answer::json(status, answer::JSON, &body) } else { html(status, &sorry(status)) }
}

/// The page for people that says so. Its words are ours alone: nothing of a request stands in it.
fn sorry(status: u16) -> String {
    let (title, text) = match status {
        401 => ("Log in first", "This is shown to people who are logged in."),
        403 => ("Not for you", "Your account may not see this. Somebody who administers it can change that."),
        404 => ("There is nothing here", "The address is wrong, or what was here is gone."),
        405 => ("That cannot be done here", "There is something at this address, but it does not take what was sent."),
        _ => ("This could not be shown", "The server has trouble just now. Try again in a minute; nothing was lost."),
    };
    LOST.replace("__TITLE__", title).replace("__TEXT__", text)
}
