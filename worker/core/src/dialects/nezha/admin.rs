//! What the admin routes answer: HTTP 200 whatever happened, and a code in the body. Source: nezha specification, 7.

use serde::Serialize;

use super::ErrorReply;
use crate::failure::Failure;

/// The answer to a write that was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AdminReply {
    /// Quirk: 200, not the 0 of the read routes.
    pub code: u16,
}

impl AdminReply {
    /// It was carried out.
    pub const DONE: Self = Self { code: 200 };
}

/// The body for a failure of an admin route. The HTTP status is 200, as the original's is, but for what no route answers.
pub fn render_admin(failure: &Failure) -> (u16, ErrorReply) {
    let refused = |detail: &str| (200, ErrorReply { code: 400, message: format!("请求错误：{detail}") });
    match failure {
        Failure::Unauthenticated | Failure::Forbidden { .. } => {
            (200, ErrorReply { code: 403, message: "访问此接口需要登录".to_owned() })
        }
        Failure::NotFound { what: "route" } | Failure::MethodNotAllowed => super::render(failure),
        Failure::NotFound { .. } => refused("record not found"),
        Failure::Malformed { detail } | Failure::Conflict { detail } => refused(detail),
        Failure::Invalid { field, reason } => refused(&format!("{field}: {reason}")),
        Failure::TooManyAttempts { retry_after_s } => refused(&format!("try again in {retry_after_s} s")),
        Failure::TooLarge { .. } => refused("request body too large"),
        Failure::Unavailable { .. } => refused("database is not available"),
        Failure::Internal(_) => refused("internal error"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_is_http_200_and_one_line() {
        let malformed = Failure::Malformed { detail: "EOF".to_owned() };
        assert_eq!(render_admin(&malformed), (200, ErrorReply { code: 400, message: "请求错误：EOF".to_owned() }));
        assert_eq!(render_admin(&Failure::Unauthenticated).1.code, 403);
        assert_eq!(render_admin(&Failure::NotFound { what: "route" }).0, 404);
        assert_eq!(serde_json::to_string(&AdminReply::DONE).unwrap(), r#"{"code":200}"#);
    }
}
