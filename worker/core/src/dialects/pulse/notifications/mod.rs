//! `/api/notifications`: mail, webhooks, and trying them. Source: pulse specification, 11.

mod email;
mod providers;
mod templates;
mod test;
mod webhook;

pub use email::{EmailConfig, changed_mail, read_mail};
pub use providers::{EmailProvider, email_providers};
pub use templates::{WebhookTemplate, webhook_templates};
pub use test::{NotificationTest, TestSentReply, WebhookTestReply, email_test, sample_alert, tested_hook};
pub use webhook::{HookEcho, HookRequest, MASK, WebhookKeys, hook_of, hook_request, read_hook};
