//! Exports and imports of the configuration. Source: pulse specification, 10. The order of checks is the product's: how often, the
//! method, who asks, the body.

use axum::body::Body;
use axum::response::Response;
use edgewatch_core::dialects::pulse::{
    Blob, BlobError, ExportDocument, ExportReply, ExportRequest, ImportRequest, Imported, ImportedReply,
    KEY_ITERATIONS, Limited, Refused, read_document,
};
use edgewatch_core::failure::Failure;
use http::request::Parts;
use http::{Method, Request};

use super::auth::{self, Here};
use super::error::Refusal;
use crate::app::App;
use crate::app::pulse::outlets;
use crate::app::pulse::transfer::{self, Everything, Permission, Replacement};
use crate::http::{answer, body};

/// An import weighs no more. Source: design, "The native API".
const IMPORT_CAP_BYTES: usize = 8 * 1024 * 1024;

/// Who may: as the audit table names them.
async fn permitted(app: &App, parts: &Parts, word: &str) -> Result<String, Refusal> {
    auth::count(app, parts, Limited::ExportImport).await?;
    if parts.method != Method::POST {
        return Err(Failure::MethodNotAllowed.into());
    }
    let in_query = auth::query_token(parts);
    match transfer::permission(app, &auth::shown(parts, in_query.as_deref())).await? {
        Permission::Granted(actor) => {
            if actor.starts_with("user:") {
                // By a cookie.
                auth::refuse_other_sites(app, parts)?;
            }
            Ok(actor)
        }
        Permission::NotOpened => {
            let words =
                format!("{word} requires API_TOKEN to be set (or set ALLOW_UNPROTECTED_EXPORT=true for homelab use)");
            Err(Refused::new(403, "forbidden", words).into())
        }
    }
}

/// `POST /api/config/export`: all that is configured, encrypted under a passphrase.
#[worker::send]
pub async fn export(Here(app): Here, request: Request<Body>) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let actor = permitted(&app, &parts, "Export").await?;
    let asked = ExportRequest::parse(&body::read(&parts.headers, body, body::DEFAULT_CAP_BYTES).await?)?;
    let Everything { instances, alerts, mail, hooks, system } = transfer::collect(&app, &actor).await?;
    let document = ExportDocument::new(app.now_s(), &instances, &alerts, &mail, &hooks, &system);
    let plain = serde_json::to_vec(&document).map_err(|error| Failure::Internal(error.to_string()))?;
    let [iterations, _] = KEY_ITERATIONS;
    let (salt, nonce, sealed) = transfer::seal(&app, &asked.passphrase, &plain, iterations).await?;
    Ok(answer::json(200, answer::JSON, &ExportReply::new(&Blob { salt, nonce, sealed })))
}

/// `POST /api/config/import`: what an export holds takes the place of all that is configured.
#[worker::send]
pub async fn import(Here(app): Here, request: Request<Body>) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let actor = permitted(&app, &parts, "Import").await?;
    let asked = ImportRequest::parse(&body::read(&parts.headers, body, IMPORT_CAP_BYTES).await?)?;
    let Blob { salt, nonce, sealed } = Blob::decode(&asked.data).map_err(Failure::from)?;
    let plain = transfer::open(&app, &asked.passphrase, &(salt, nonce, sealed), &KEY_ITERATIONS).await?;
    let plain = plain.ok_or(Failure::from(BlobError::Authentication))?;
    let replacement = replacement(&app, read_document(&plain).map_err(Failure::from)?)?;
    transfer::replace(&app, &actor, replacement).await.map_err(in_words)?;
    Ok(answer::json(200, answer::JSON, &ImportedReply::DONE))
}

fn replacement(app: &App, imported: Imported) -> Result<Replacement, Failure> {
    let Imported { instances, alerts, mail, mut hooks, system } = imported;
    for hook in &mut hooks {
        if hook.id.is_empty() {
            hook.id = outlets::fresh_id(app)?;
        }
    }
    Ok(Replacement { instances, alerts, mail, hooks, system })
}

/// What the document holds and cannot be.
fn in_words(failure: Failure) -> Refusal {
    match failure {
        Failure::Invalid { field, reason } => {
            let words = format!("Failed to import configuration: {field}: {reason}");
            Refused::new(400, "validation_error", words).into()
        }
        failure => failure.into(),
    }
}
