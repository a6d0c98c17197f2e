//! Basic authentication, compared in constant time.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Lets in who shows the one name and password.
#[derive(Clone)]
pub struct Guard(Option<[u8; 32]>);

impl Guard {
    /// Wants these credentials, `user:password`; lets everybody in where there are none.
    pub fn new(credentials: Option<&str>) -> Self {
        Self(credentials.map(|credentials| Sha256::digest(credentials).into()))
    }

    /// Whether anything is wanted.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Whether a request with this header `Authorization` is let in.
    pub fn lets_in(&self, authorization: Option<&str>) -> bool {
        let Some(wanted) = &self.0 else { return true };
        let shown = authorization.and_then(|value| {
            let (scheme, rest) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(rest.trim()).ok())?
        });
        // Digests are of one length, whatever was shown.
        let digest: [u8; 32] = Sha256::digest(shown.unwrap_or_default()).into();
        digest.ct_eq(wanted).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_name_and_password_are_let_in() {
        let guard = Guard::new(Some("alice:pa:ss"));
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        assert!(guard.lets_in(Some(&basic("alice:pa:ss"))));
        assert!(guard.lets_in(Some(&basic("alice:pa:ss").replace("Basic", "bAsIc"))));
        for wrong in ["alice:pa", "alice:pa:ss ", "", "alice", ":"] {
            assert!(!guard.lets_in(Some(&basic(wrong))), "{wrong}");
        }
        for wrong in ["Bearer x", "Basic", "Basic !!!", "alice:pa:ss"] {
            assert!(!guard.lets_in(Some(wrong)), "{wrong}");
        }
        assert!(!guard.lets_in(None) && guard.is_on());
        assert!(Guard::new(None).lets_in(None) && !Guard::new(None).is_on());
    }
}
