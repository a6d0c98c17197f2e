//! The route table: who owns which path, in the order in which owners are asked. Matching is by method and whole
//! segments of the raw path; nothing is decoded before it is split.

mod context;
pub mod mackerel;
pub mod native;
pub mod nezha;
pub mod openitcockpit;
pub mod pages;
pub mod pulse;

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::model::SocketDialect;
use http::{Method, Request};

pub use context::Caller;

use crate::app::{App, settings};
use crate::http::{answer, spoken};

/// Who answers for a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// openITCOCKPIT's push endpoints, below any prefix.
    OpenItcockpit,
    /// Our agent and our own API.
    Native,
    /// Mackerel.
    Mackerel,
    /// Nezha.
    Nezha,
    /// Pulse.
    Pulse,
    /// Pages and files.
    Pages,
}

impl Owner {
    /// The owner as the log names it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::OpenItcockpit => "openitcockpit",
            Self::Native => "native",
            Self::Mackerel => "mackerel",
            Self::Nezha => "nezha",
            Self::Pulse => "pulse",
            Self::Pages => "pages",
        }
    }
}

/// The path as it may be logged: where a dialect puts a token into the path, without it.
pub fn path_for_log(path: &str) -> &str {
    const TOKENS: &str = "/api/token/";
    if path.starts_with(TOKENS) { TOKENS } else { path }
}

/// The owner of a path.
pub fn owner(method: &str, path: &str) -> Owner {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match segments.as_slice() {
        path if openitcockpit::is_ours(path) => Owner::OpenItcockpit,
        ["agent", "v1", ..] | ["live"] | ["api", "edgewatch", ..] => Owner::Native,
        ["api", "v0", ..] => Owner::Mackerel,
        ["api", "v1", ..] | ["nezha", "ws"] => Owner::Nezha,
        ["pulse", "ws"] | ["socket.io", ""] => Owner::Pulse,
        page if is_nezha_page(page) => Owner::Nezha,
        ["api", rest @ ..] if is_nezha_admin(method, rest) => Owner::Nezha,
        ["api", ..] => Owner::Pulse,
        _ => Owner::Pages,
    }
}

/// Nezha's feed and pages. With a slash behind it, it is led to the one without. Source: routes, rows 8 and 10.
fn is_nezha_page(segments: &[&str]) -> bool {
    match segments.strip_suffix(&[""]).unwrap_or(segments) {
        ["ws" | "view-password" | "service" | "network"] | ["network", _] => true,
        [page] => nezha::MEMBER_PAGES.contains(page),
        _ => false,
    }
}

/// Nezha's admin API lies among Pulse's paths. Source: routes, row 5.
fn is_nezha_admin(method: &str, rest: &[&str]) -> bool {
    const MODELS: [&str; 7] = ["server", "monitor", "notification", "alert-rule", "cron", "ddns", "nat"];
    const SINGLE: [&str; 9] = [
        "token",
        "alert-rule",
        "ddns",
        "nat",
        "setting",
        "logout",
        "force-update",
        "batch-update-server-group",
        "batch-delete-server",
    ];
    // With a slash behind it, it is led to the one without.
    match rest.strip_suffix(&[""]).unwrap_or(rest) {
        ["server", "info"] => false,
        ["token", _] | ["server" | "monitor" | "notification" | "cron", ..] => true,
        [one] if SINGLE.contains(one) => true,
        [one] => one.starts_with("search-"),
        [model, _] => method == "DELETE" && MODELS.contains(model),
        _ => false,
    }
}

/// Who answers a request for `/ws`, which clients of two dialects open; whose words it wants is left with the request. Source: routes,
/// row 8.
async fn owner_of_socket(app: &App, request: &mut Request<Body>) -> Owner {
    let headers = request.headers();
    let set = match settings::dialect_of(app, spoken::host(headers)).await {
        Ok(set) => set,
        Err(failure) => {
            answer::note(&failure, "dialect_hosts");
            None
        }
    };
    let dialect = set.unwrap_or_else(|| spoken::spoken(headers, request.uri().query()));
    request.extensions_mut().insert(dialect);
    match dialect {
        SocketDialect::Pulse => Owner::Pulse,
        SocketDialect::Nezha | SocketDialect::Both => Owner::Nezha,
    }
}

/// Answers a request.
pub async fn serve(request: Request<Body>, app: App) -> Response {
    let mut request = request;
    let owner = match owner(request.method().as_str(), request.uri().path()) {
        Owner::Nezha if request.method() == Method::GET && request.uri().path() == "/ws" => {
            owner_of_socket(&app, &mut request).await
        }
        owner => owner,
    };
    request.extensions_mut().insert(app);
    match owner {
        Owner::Native => native::serve(request).await,
        Owner::Nezha => nezha::serve(request).await,
        Owner::Pulse => pulse::serve(request).await,
        Owner::OpenItcockpit => openitcockpit::serve(request).await,
        Owner::Mackerel => mackerel::serve(request).await,
        Owner::Pages => {
            let literal = if pages::is_home(&request) { home_literal(&mut request).await } else { String::new() };
            pages::serve(request, &literal).await
        }
    }
}

/// What the home page holds for front ends of Nezha; the page does not depend on it.
async fn home_literal(request: &mut Request<Body>) -> String {
    let (parts, body) = std::mem::take(request).into_parts();
    let literal = nezha::literal(&parts).await;
    *request = Request::from_parts(parts, body);
    literal.unwrap_or_else(|failure| {
        answer::note(&failure, "nezha.literal");
        String::new()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_has_the_owner_that_the_table_gives_it() {
        for (method, path, expected) in [
            ("POST", "/agentconnector/submit_checkdata.json", Owner::OpenItcockpit),
            ("POST", "/any/prefix/agentconnector/register_agent.json", Owner::OpenItcockpit),
            ("POST", "/agentconnector/submit_checkdata", Owner::OpenItcockpit),
            ("POST", "/agentconnector/other.json", Owner::Pages),
            ("GET", "/prefix/agentconnector/push.json", Owner::OpenItcockpit),
            ("GET", "/agentconnector/select_agent.json", Owner::OpenItcockpit),
            ("GET", "/agentconnector/showOutput.json", Owner::OpenItcockpit),
            ("POST", "/agentconnector/delete_push_agent/3.json", Owner::OpenItcockpit),
            ("POST", "/agentconnector/delete_push_agent.json", Owner::Pages),
            ("POST", "/agent/v1/reports", Owner::Native),
            ("GET", "/live", Owner::Native),
            ("GET", "/api/edgewatch/v1/events", Owner::Native),
            ("GET", "/api/v0/hosts", Owner::Mackerel),
            ("GET", "/api/v1/server/list", Owner::Nezha),
            ("GET", "/api/v1/profile", Owner::Nezha),
            ("POST", "/api/token", Owner::Nezha),
            ("DELETE", "/api/token/abc", Owner::Nezha),
            ("POST", "/api/tokens/revoke", Owner::Pulse),
            ("POST", "/api/setting/", Owner::Nezha),
            ("GET", "/api/settings/", Owner::Pulse),
            ("GET", "/api/", Owner::Pulse),
            ("POST", "/api/server", Owner::Nezha),
            ("GET", "/api/server/info", Owner::Pulse),
            ("POST", "/api/notification", Owner::Nezha),
            ("GET", "/api/notifications", Owner::Pulse),
            ("POST", "/api/setting", Owner::Nezha),
            ("GET", "/api/settings", Owner::Pulse),
            ("GET", "/api/search-server", Owner::Nezha),
            ("GET", "/api/search-server/", Owner::Nezha),
            ("POST", "/api/alert-rule/", Owner::Nezha),
            ("GET", "/api/settings/", Owner::Pulse),
            ("DELETE", "/api/alert-rule/3", Owner::Nezha),
            ("DELETE", "/api/alerts/history", Owner::Pulse),
            ("GET", "/api/health", Owner::Pulse),
            ("GET", "/ws", Owner::Nezha),
            ("GET", "/nezha/ws", Owner::Nezha),
            ("GET", "/pulse/ws", Owner::Pulse),
            ("GET", "/pulse/ws/x", Owner::Pages),
            ("GET", "/socket.io/", Owner::Pulse),
            ("GET", "/ws/", Owner::Nezha),
            ("GET", "/service", Owner::Nezha),
            ("GET", "/network/3", Owner::Nezha),
            ("GET", "/network/3/x", Owner::Pages),
            ("GET", "/service/x", Owner::Pages),
            ("GET", "/setting", Owner::Nezha),
            ("GET", "/server/", Owner::Nezha),
            ("GET", "/server/x", Owner::Pages),
            ("GET", "/ws/x", Owner::Pages),
            ("GET", "/api%2Fv1/server/list", Owner::Pages),
            ("GET", "/", Owner::Pages),
            ("GET", "/install.sh", Owner::Pages),
            ("POST", "/view-password", Owner::Nezha),
            ("GET", "/oauth2/login", Owner::Pages),
        ] {
            assert_eq!(owner(method, path), expected, "{method} {path}");
        }
    }
}
