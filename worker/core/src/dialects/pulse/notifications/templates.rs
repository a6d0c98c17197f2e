//! `GET /api/notifications/webhook-templates`. Source: pulse specification, 11.4.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::hooks::{SERVICES, Service};

/// How a service is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct WebhookTemplate {
    /// Its word.
    pub service: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// What its addresses look like.
    pub url_pattern: &'static str,
    /// `POST`.
    pub method: &'static str,
    /// Names and values.
    pub headers: BTreeMap<&'static str, &'static str>,
    /// What the body is made of, in the language of Go's templates.
    pub payload_template: &'static str,
    /// Where to get the address.
    pub instructions: &'static str,
}

/// All templates.
pub fn webhook_templates() -> Vec<WebhookTemplate> {
    let template = |service: Service| WebhookTemplate {
        service: service.word,
        name: service.name,
        url_pattern: service.url_pattern,
        method: "POST",
        headers: [("Content-Type", "application/json")].into(),
        payload_template: service.template,
        instructions: service.instructions,
    };
    SERVICES.into_iter().map(template).collect()
}
