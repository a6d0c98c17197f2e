//! Proxmox nodes that register themselves, and the tokens that let them.

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::domain::ids::could_be_secret;
use edgewatch_core::failure::Failure;
use edgewatch_core::model::Credential;
use edgewatch_core::model::proxmox::{
    InstanceDraft, InstanceKind, RegistrationDraft, RegistrationGate, RegistrationToken, TokenRefusal,
};

use super::door::{self, Shown};
use crate::app::{App, actor, proxmox};
use crate::platform::{digest, random};
use crate::store::Statement;
use crate::store::pulse::registrations;

/// For how long it is told of a token that it ended, seconds: as often as the product looks. Source: pulse specification, 13.3.
const TOLD_FOR_S: i64 = 300;

/// Makes a token; nobody but administrators sees its text.
///
/// # Errors
/// [`Failure::Forbidden`] for who is no administrator; [`Failure::Conflict`] without a key for secrets; [`Failure::Unavailable`] when the
/// database does not answer.
pub async fn generate(app: &App, caller: &Credential, draft: RegistrationDraft) -> Result<RegistrationToken, Failure> {
    require(caller, Right::Admin)?;
    let mut bytes = [0; RegistrationToken::RANDOM_BYTES];
    random::fill(&mut bytes)?;
    let text = RegistrationToken::text(bytes);
    let now = app.now_s();
    let sealed = RegistrationToken {
        token: app.config.seal_key()?.seal(&text)?,
        expires_at: now.plus(draft.validity_s),
        most: draft.most,
        used: 0,
        kinds: draft.kinds,
        description: draft.description,
    };
    let statements = vec![
        registrations::sweep(now.plus(-TOLD_FOR_S)),
        registrations::insert(&digest::secret_hash(&text), &sealed, now),
        app.audit(&actor(caller), "registration_token.create", &sealed.description)?,
    ];
    app.db.batch(statements).await?;
    Ok(RegistrationToken { token: text, ..sealed })
}

/// Every token, oldest first.
///
/// # Errors
/// As [`generate`].
pub async fn list(app: &App, caller: &Credential) -> Result<Vec<RegistrationToken>, Failure> {
    require(caller, Right::Admin)?;
    let sealed = registrations::list(&app.db).await?;
    let key = app.config.seal_key()?;
    let opened = |one: RegistrationToken| Ok(RegistrationToken { token: key.open(&one.token)?, ..one });
    sealed.into_iter().map(opened).collect()
}

/// Takes a token away.
///
/// # Errors
/// As [`generate`]; [`Failure::NotFound`] when there is none of this text.
pub async fn revoke(app: &App, caller: &Credential, text: &str) -> Result<(), Failure> {
    require(caller, Right::Admin)?;
    let audit = app.audit(&actor(caller), "registration_token.revoke", "")?;
    let is_gone = could_be_secret(text) && registrations::delete(&app.db, &digest::secret_hash(text), audit).await?;
    if is_gone { Ok(()) } else { Err(Failure::NotFound { what: "token" }) }
}

/// What a token that a node shall make is made of.
///
/// # Errors
/// [`Failure::Internal`] without randomness.
pub fn random() -> Result<[u8; 16], Failure> {
    let mut bytes = [0; 16];
    random::fill(&mut bytes)?;
    Ok(bytes)
}

/// Who registers a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// Somebody who is let in, as the audit table names them.
    Actor(String),
    /// Whoever has this registration token, if it is good.
    Token(String),
    /// Nobody; whether it is a registration token that was missing.
    Nobody {
        /// Or any token.
        is_token_required: bool,
    },
}

/// Who registers a node, by what its request shows. A registration token decides alone.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer.
pub async fn admission(app: &App, shown: &Shown<'_>, token: Option<&str>) -> Result<Admission, Failure> {
    let variables = &app.config.pulse;
    let has_token = door::has_token(app).await?;
    // A deployment without any token is one that nobody set up yet: it is not open for that.
    let requires = variables.requires_registration_token || !has_token;
    let is_unprotected = variables.allows_unprotected_registration;
    Ok(match RegistrationGate::of(has_token, requires, is_unprotected, token.is_some()) {
        RegistrationGate::Open => Admission::Actor("nobody".to_owned()),
        RegistrationGate::Token => Admission::Token(token.unwrap_or_default().to_owned()),
        RegistrationGate::Closed => Admission::Nobody { is_token_required: true },
        RegistrationGate::ApiToken => match door::caller(app, shown).await {
            Ok(caller) if require(&caller, Right::Admin).is_ok() => Admission::Actor(actor(&caller)),
            Ok(_) | Err(Failure::Unauthenticated | Failure::Forbidden { .. }) => {
                Admission::Nobody { is_token_required: false }
            }
            Err(failure) => return Err(failure),
        },
    })
}

/// Adds a node, which said that it is at `said_host`, or replaces the token of the one that has its address. A registration token is used up by that alone.
///
/// # Errors
/// [`Failure::Unauthenticated`] for nobody; [`Failure::Invalid`] for what cannot be; [`Failure::Conflict`] without a key for secrets;
/// [`Failure::Unavailable`] when the database does not answer. Within: why a registration token lets nobody in.
pub async fn register(
    app: &App,
    admission: &Admission,
    said_host: &str,
    draft: InstanceDraft,
) -> Result<Result<(), TokenRefusal>, Failure> {
    let (actor, with): (String, Vec<Statement>) = match admission {
        Admission::Actor(actor) => (actor.clone(), vec![]),
        Admission::Nobody { .. } => return Err(Failure::Unauthenticated),
        Admission::Token(text) => {
            let hash = digest::secret_hash(text);
            if let Err(refusal) = check(app, text, &hash, draft.kind).await? {
                return Ok(Err(refusal));
            }
            (format!("registration:{}", hash.get(..8).unwrap_or_default()), vec![registrations::spend(&hash)])
        }
    };
    match proxmox::register(app, &actor, (said_host, draft), with).await {
        Ok(()) => Ok(Ok(())),
        Err(proxmox::Unregistered::Store(error)) if registrations::is_used_up(&error) => Ok(Err(TokenRefusal::UsedUp)),
        Err(proxmox::Unregistered::Store(error)) => Err(error.into()),
        Err(proxmox::Unregistered::Failure(failure)) => Err(failure),
    }
}

/// Whether a node of this kind with this address is there, for who may register one.
///
/// # Errors
/// As [`register`].
pub async fn is_registered(
    app: &App,
    admission: &Admission,
    kind: InstanceKind,
    host: &str,
) -> Result<Result<bool, TokenRefusal>, Failure> {
    match admission {
        Admission::Actor(_) => {}
        Admission::Nobody { .. } => return Err(Failure::Unauthenticated),
        Admission::Token(text) => {
            if let Err(refusal) = check(app, text, &digest::secret_hash(text), kind).await? {
                return Ok(Err(refusal));
            }
        }
    }
    Ok(Ok(proxmox::has_host(app, kind, host).await?))
}

async fn check(app: &App, text: &str, hash: &str, kind: InstanceKind) -> Result<Result<(), TokenRefusal>, Failure> {
    if !could_be_secret(text) {
        return Ok(Err(TokenRefusal::Unknown));
    }
    let known = registrations::find(&app.db, hash).await?;
    Ok(known.map_or(Err(TokenRefusal::Unknown), |token| token.check(kind, app.now_s())))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use edgewatch_core::model::proxmox::{Credentials, Monitors};
    use edgewatch_core::model::{Role, Session, User};
    use edgewatch_core::units::UnixSeconds;

    use super::*;
    use crate::platform::config::Config;
    use crate::platform::pulse_variables::{Hidden, PulseVariables};
    use crate::platform::seal::SealKey;
    use crate::store::Db;
    use crate::store::db::now;

    fn app(pulse: PulseVariables) -> App {
        let app = App::for_tests(Db::in_memory().unwrap());
        let seal_key = SealKey::parse("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        let config = Config { seal_key, pulse, ..Config::clone(&app.config) };
        App { config: Arc::new(config), ..app }
    }

    fn admin() -> Credential {
        let user = User { id: 1, name: "a".to_owned(), role: Role::Admin };
        Credential::Session(Session { user, expires_at: UnixSeconds(i64::MAX) })
    }

    fn draft(kind: InstanceKind, host: &str, value: &str) -> InstanceDraft {
        InstanceDraft {
            kind,
            name: "lab".to_owned(),
            host: host.to_owned(),
            credentials: Credentials {
                token_name: "a@pam!t".to_owned(),
                token_value: value.to_owned(),
                ..Credentials::default()
            },
            fingerprint: String::new(),
            verify_tls: false,
            monitors: Monitors::default(),
            cluster: None,
        }
    }

    fn asked(most: Option<u32>, kinds: &[InstanceKind]) -> RegistrationDraft {
        RegistrationDraft { validity_s: 60, most, kinds: kinds.to_vec(), description: "d".to_owned() }
    }

    #[test]
    fn a_token_is_used_by_what_was_registered_and_by_nothing_that_was_not() {
        let app = app(PulseVariables::default());
        let made = now(generate(&app, &admin(), asked(Some(1), &[InstanceKind::Pve]))).unwrap();
        let by = Admission::Token(made.token.clone());
        let used = || now(list(&app, &admin())).unwrap()[0].used;
        let with = |draft| now(register(&app, &by, "a", draft)).unwrap();
        assert_eq!(
            with(draft(InstanceKind::Pbs, "https://b:8007", "v")),
            Err(TokenRefusal::WrongKind(InstanceKind::Pbs))
        );
        let bad = InstanceDraft { name: " ".to_owned(), ..draft(InstanceKind::Pve, "https://a:8006", "v") };
        assert!(now(register(&app, &by, "a", bad)).is_err());
        assert_eq!(used(), 0);
        assert_eq!(with(draft(InstanceKind::Pve, "https://a:8006", "v")), Ok(()));
        assert_eq!(used(), 1);
        assert_eq!(with(draft(InstanceKind::Pve, "https://c:8006", "v")), Err(TokenRefusal::UsedUp));
        let late = App { now: app.now.seconds().plus(60).millis(), ..app.clone() };
        assert_eq!(
            now(register(&late, &by, "a", draft(InstanceKind::Pve, "https://c:8006", "v"))).unwrap(),
            Err(TokenRefusal::Expired)
        );
        now(revoke(&app, &admin(), &made.token)).unwrap();
        assert_eq!(with(draft(InstanceKind::Pve, "https://c:8006", "v")), Err(TokenRefusal::Unknown));
        assert_eq!(now(revoke(&app, &admin(), &made.token)), Err(Failure::NotFound { what: "token" }));
    }

    #[test]
    fn who_registers_again_replaces_the_token_and_another_of_the_same_name_gets_one_of_its_own() {
        let app = app(PulseVariables::default());
        let by = Admission::Actor("x".to_owned());
        for (host, value) in [("https://a:8006", "one"), ("https://a:8006", "two"), ("https://c:8006", "three")] {
            now(register(&app, &by, "a", draft(InstanceKind::Pve, host, value))).unwrap().unwrap();
        }
        let all = now(proxmox::list_open(&app)).unwrap();
        let all: Vec<_> = all.iter().map(|(one, secret)| (one.name.as_str(), secret.token_value.as_str())).collect();
        assert_eq!(all, [("lab", "two"), ("lab (c:8006)", "three")]);
        assert_eq!(now(is_registered(&app, &by, InstanceKind::Pve, "https://a:8006")).unwrap(), Ok(true));
        assert_eq!(now(is_registered(&app, &by, InstanceKind::Pbs, "https://a:8006")).unwrap(), Ok(false));
    }

    #[test]
    fn a_registration_token_decides_alone_and_nobody_is_let_in_for_want_of_a_token() {
        let of = |variables: PulseVariables, tokens: &[&str], token| {
            let shown = Shown { tokens: tokens.to_vec(), cookies: vec![], view_cookies: vec![], address: None };
            now(admission(&app(variables), &shown, token)).unwrap()
        };
        let none = PulseVariables::default();
        let with_token = || PulseVariables { api_token: Some(Hidden::from("t")), ..PulseVariables::default() };
        assert_eq!(of(none.clone(), &[], None), Admission::Nobody { is_token_required: true });
        assert_eq!(of(none, &[], Some("r")), Admission::Token("r".to_owned()));
        assert_eq!(of(with_token(), &["t"], Some("r")), Admission::Token("r".to_owned()));
        assert_eq!(of(with_token(), &["t"], None), Admission::Actor("token:0".to_owned()));
        assert_eq!(of(with_token(), &["x"], None), Admission::Nobody { is_token_required: false });
        let open = PulseVariables { allows_unprotected_registration: true, ..with_token() };
        assert_eq!(of(open, &[], None), Admission::Actor("nobody".to_owned()));
    }
}
