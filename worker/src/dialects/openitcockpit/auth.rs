//! Who calls: the key of `Authorization: X-OITC-API <key>`, of a cookie `Authorization` with the same text, or of the query `apikey`; a
//! later one counts. Source: openitcockpit specification, 3.1.

use edgewatch_core::failure::Failure;
use http::request::Parts;

use crate::app::App;
use crate::app::remember::{self, Reader, Shown};
use crate::dialects::context;
use crate::http::{client, credential, query};

/// The app of this request, and who calls: remembered, so that it costs no row in D1 for a key that was seen lately. A browser's
/// session is none.
///
/// # Errors
/// [`Failure::Unauthenticated`] for nobody; [`Failure::Forbidden`] for a key that may not be used from there.
pub async fn key(parts: &Parts) -> Result<(App, Reader), Failure> {
    let app = context::app(&parts.extensions)?;
    let pairs = query::pairs(parts.uri.query());
    let of_query = Some(query::first(&pairs, "apikey")).filter(|key| !key.is_empty());
    let token = of_query.map(str::to_owned).or_else(|| credential::itcockpit_key(&parts.headers));
    let address = client::address(&parts.headers, app.config.trusted_address_header.as_deref());
    let shown = Shown { token: Some(token.ok_or(Failure::Unauthenticated)?), cookies: vec![], address };
    let reader = remember::reader(&app, shown).await?;
    Ok((app, reader))
}
