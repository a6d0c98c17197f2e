//! Tokens that let nodes register themselves.

use super::InstanceKind;
use crate::units::UnixSeconds;

/// A registration token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationToken {
    /// Its text: `PULSE-REG-` and 16 hexadecimal digits.
    pub token: String,
    /// When it ends.
    pub expires_at: UnixSeconds,
    /// How often it may be used; `None` for as often as somebody likes.
    pub most: Option<u32>,
    /// How often it was.
    pub used: u32,
    /// For what; anything when there is nothing.
    pub kinds: Vec<InstanceKind>,
    /// A note.
    pub description: String,
}

/// A registration token about to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationDraft {
    /// For how long it is good, seconds.
    pub validity_s: i64,
    /// As in [`RegistrationToken`].
    pub most: Option<u32>,
    /// As in [`RegistrationToken`].
    pub kinds: Vec<InstanceKind>,
    /// As in [`RegistrationToken`].
    pub description: String,
}

/// Why a registration token lets nobody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenRefusal {
    /// There is no such token.
    Unknown,
    /// It ended.
    Expired,
    /// It was used often enough.
    UsedUp,
    /// It is for another kind.
    WrongKind(InstanceKind),
}

impl RegistrationToken {
    /// How long a token's text is, in random bytes.
    pub const RANDOM_BYTES: usize = 8;

    /// The text of a token of these random bytes.
    pub fn text(random: [u8; Self::RANDOM_BYTES]) -> String {
        format!("PULSE-REG-{:016x}", u64::from_be_bytes(random))
    }

    /// Whether it lets a node of this kind in. Whoever counts its uses has to do so in the same step.
    ///
    /// # Errors
    /// Why it does not.
    pub fn check(&self, kind: InstanceKind, now: UnixSeconds) -> Result<(), TokenRefusal> {
        if now >= self.expires_at {
            Err(TokenRefusal::Expired)
        } else if self.most.is_some_and(|most| self.used >= most) {
            Err(TokenRefusal::UsedUp)
        } else if !self.kinds.is_empty() && !self.kinds.contains(&kind) {
            Err(TokenRefusal::WrongKind(kind))
        } else {
            Ok(())
        }
    }

    /// Whether it can still let anybody in.
    pub fn is_listed(&self, now: UnixSeconds) -> bool {
        now < self.expires_at && self.most.is_none_or(|most| self.used < most)
    }
}

/// What is asked of a node that registers itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistrationGate {
    /// Nothing.
    Open,
    /// That the registration token it brings is good.
    Token,
    /// That the token for the API that it brings is good.
    ApiToken,
    /// It has to bring a registration token, and does not.
    Closed,
}

impl RegistrationGate {
    /// What is asked of a request with or without a registration token. `has_api_token`: there is a token for the API; `requires`:
    /// registration tokens are asked for; `is_unprotected`: registration was opened to everybody. Source: pulse specification, 13.2.
    #[expect(clippy::fn_params_excessive_bools, reason = "four facts, and every combination has its answer")]
    pub const fn of(has_api_token: bool, requires: bool, is_unprotected: bool, brings_token: bool) -> Self {
        if is_unprotected || !has_api_token && !requires {
            Self::Open
        } else if brings_token {
            Self::Token
        } else if has_api_token {
            Self::ApiToken
        } else {
            Self::Closed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_lets_in_whom_it_is_for_as_long_and_as_often_as_it_says() {
        let token = RegistrationToken {
            token: RegistrationToken::text([0x9f, 0x86, 0xd0, 0x81, 0x88, 0x4c, 0x7d, 0x65]),
            expires_at: UnixSeconds(100),
            most: Some(2),
            used: 1,
            kinds: vec![InstanceKind::Pve],
            description: String::new(),
        };
        assert_eq!(token.token, "PULSE-REG-9f86d081884c7d65");
        assert_eq!(token.check(InstanceKind::Pve, UnixSeconds(99)), Ok(()));
        assert_eq!(token.check(InstanceKind::Pve, UnixSeconds(100)), Err(TokenRefusal::Expired));
        assert_eq!(token.check(InstanceKind::Pbs, UnixSeconds(99)), Err(TokenRefusal::WrongKind(InstanceKind::Pbs)));
        let used = RegistrationToken { used: 2, ..token.clone() };
        assert_eq!(used.check(InstanceKind::Pve, UnixSeconds(99)), Err(TokenRefusal::UsedUp));
        assert!(
            token.is_listed(UnixSeconds(99)) && !token.is_listed(UnixSeconds(100)) && !used.is_listed(UnixSeconds(99))
        );
        let free = RegistrationToken { most: None, used: 9_999, kinds: vec![], ..token };
        assert_eq!(free.check(InstanceKind::Pbs, UnixSeconds(0)), Ok(()));
    }

    #[test]
    fn a_registration_token_decides_alone_and_nothing_is_asked_where_nothing_is_set_up() {
        use RegistrationGate::{ApiToken, Closed, Open, Token};
        for (has_api_token, requires, is_unprotected, brings, gate) in [
            (false, false, false, false, Open),
            (false, false, false, true, Open),
            (true, false, false, true, Token),
            (true, true, false, true, Token),
            (false, true, false, true, Token),
            (true, false, false, false, ApiToken),
            (true, true, false, false, ApiToken),
            (false, true, false, false, Closed),
            (true, true, true, false, Open),
        ] {
            assert_eq!(RegistrationGate::of(has_api_token, requires, is_unprotected, brings), gate);
        }
    }
}
