//! Who may do what.

use std::net::IpAddr;

use crate::failure::Failure;
use crate::model::{Credential, Reach, Role, Token, TokenKind};
use crate::units::UnixSeconds;

/// `tokens.last_use` is written at most this often. Source: design, "The bill is a feature".
const LAST_USE_EVERY_S: i64 = 3600;

/// What a request wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Look at hosts.
    Read,
    /// Change hosts and what belongs to them.
    Write,
    /// Register a host.
    Register,
    /// Change settings, see secrets' existence, make tokens.
    Admin,
}

/// Whether `credential` carries `right`.
///
/// # Errors
/// [`Failure::Forbidden`] with what is missing.
pub fn require(credential: &Credential, right: Right) -> Result<(), Failure> {
    let (allowed, needs) = match (credential, right) {
        (Credential::Session(_), Right::Read) => (true, ""),
        (Credential::Session(session), Right::Write | Right::Register | Right::Admin) => {
            (session.user.role == Role::Admin, "the role admin")
        }
        (Credential::Token(token), Right::Read) => {
            (token.kind == TokenKind::Api && (token.scopes.read || token.scopes.admin), "the scope read")
        }
        (Credential::Token(token), Right::Write) => {
            (token.kind == TokenKind::Api && (token.scopes.write || token.scopes.admin), "the scope write")
        }
        (Credential::Token(token), Right::Register) => {
            let granted = token.scopes.register || token.scopes.admin || token.kind == TokenKind::Agent;
            (granted, "the scope register")
        }
        (Credential::Token(token), Right::Admin) => {
            (token.kind == TokenKind::Api && token.scopes.admin, "the scope admin")
        }
    };
    if allowed { Ok(()) } else { Err(Failure::Forbidden { needs }) }
}

/// Which hosts `credential` reaches with all of `rights`. A token of the kind agent has every right to the hosts it made.
///
/// # Errors
/// [`Failure::Forbidden`] with the first right that is missing.
pub fn reach(credential: &Credential, rights: &[Right]) -> Result<Reach, Failure> {
    if let Credential::Token(token) = credential
        && token.kind == TokenKind::Agent
    {
        return Ok(Reach::MadeBy(token.id));
    }
    rights.iter().try_for_each(|right| require(credential, *right))?;
    Ok(Reach::All)
}

/// Whether a token is alive at `now`.
pub fn is_alive(token: &Token, now: UnixSeconds) -> bool {
    token.expires_at.is_none_or(|expires_at| now < expires_at)
}

/// Whether a token may be used from `address`; a caller without a known address is nowhere.
///
/// # Errors
/// [`Failure::Forbidden`] outside the token's ranges.
pub fn require_address(token: &Token, address: Option<IpAddr>) -> Result<(), Failure> {
    let inside = |address: IpAddr| token.address_ranges.iter().any(|range| range.contains(address));
    if token.address_ranges.is_empty() || address.is_some_and(inside) {
        Ok(())
    } else {
        Err(Failure::Forbidden { needs: "an address in the token's ranges" })
    }
}

/// Whether this use of a token is worth a row.
pub fn is_use_worth_noting(token: &Token, now: UnixSeconds) -> bool {
    token.last_use.is_none_or(|last_use| now.since(last_use) >= LAST_USE_EVERY_S)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Scopes, Session, User};

    fn token(kind: TokenKind, scopes: Scopes) -> Credential {
        Credential::Token(Token {
            id: 1,
            kind,
            scopes,
            note: String::new(),
            user_id: 1,
            expires_at: None,
            uses_left: None,
            address_ranges: vec![],
            last_use: None,
        })
    }

    #[test]
    fn an_agent_token_registers_and_reads_nothing() {
        let agent = token(TokenKind::Agent, Scopes::default());
        assert!(require(&agent, Right::Register).is_ok());
        assert!(require(&agent, Right::Read).is_err());
        let dressed_up = token(TokenKind::Agent, Scopes { admin: true, ..Scopes::default() });
        assert!(require(&dressed_up, Right::Admin).is_err());
    }

    #[test]
    fn admin_holds_the_other_scopes_and_read_holds_only_itself() {
        let admin = token(TokenKind::Api, Scopes { admin: true, ..Scopes::default() });
        let read = token(TokenKind::Api, Scopes { read: true, ..Scopes::default() });
        for right in [Right::Read, Right::Write, Right::Register, Right::Admin] {
            assert!(require(&admin, right).is_ok());
            assert_eq!(require(&read, right).is_ok(), right == Right::Read);
        }
    }

    #[test]
    fn an_agent_token_reaches_what_it_made_and_others_what_their_scopes_say() {
        let both = [Right::Read, Right::Write];
        assert_eq!(reach(&token(TokenKind::Agent, Scopes::default()), &both), Ok(Reach::MadeBy(1)));
        let api = |read, write| token(TokenKind::Api, Scopes { read, write, ..Scopes::default() });
        assert_eq!(reach(&api(true, true), &both), Ok(Reach::All));
        assert_eq!(reach(&api(true, false), &both), Err(Failure::Forbidden { needs: "the scope write" }));
        assert_eq!(reach(&api(false, true), &both), Err(Failure::Forbidden { needs: "the scope read" }));
        assert_eq!(reach(&api(false, true), &[Right::Write]), Ok(Reach::All));
        assert_eq!(reach(&api(true, false), &[Right::Read]), Ok(Reach::All));
    }

    #[test]
    fn a_viewer_looks_and_changes_nothing() {
        let user = User { id: 1, name: "v".to_owned(), role: Role::Viewer };
        let viewer = Credential::Session(Session { user, expires_at: UnixSeconds(1) });
        assert!(require(&viewer, Right::Read).is_ok());
        assert!(require(&viewer, Right::Write).is_err());
        assert!(require(&viewer, Right::Register).is_err());
    }
}
