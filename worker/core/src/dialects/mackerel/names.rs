//! Which names may be. Source: mackerel specification, 2.3.

use super::read::invalid;
use crate::failure::Failure;
use crate::model::RoleName;

/// The longest name of a metadata namespace or a check.
const MAX_NAME_BYTES: usize = 255;

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Whether a service or role may have this name.
pub fn is_service_name(text: &str) -> bool {
    (2..=63).contains(&text.len()) && is_word(text) && text.starts_with(|first: char| first.is_ascii_alphanumeric())
}

/// Whether a check may have this name.
pub fn is_check_name(text: &str) -> bool {
    text.len() <= MAX_NAME_BYTES && is_word(text)
}

/// Whether documents may be put under this name.
///
/// # Errors
/// [`Failure::Invalid`] if not.
pub fn check_namespace(text: &str) -> Result<(), Failure> {
    if text.len() > MAX_NAME_BYTES || !is_word(text) {
        return Err(invalid("namespace", "is not one to 255 of a-z, A-Z, 0-9, - and _"));
    }
    if text.starts_with("mackerel") {
        return Err(invalid("namespace", "names that begin with mackerel are reserved"));
    }
    Ok(())
}

/// The name of a service or role, as it was sent.
///
/// # Errors
/// [`Failure::Invalid`] for what is none.
pub fn service_name(text: String) -> Result<String, Failure> {
    if is_service_name(&text) { Ok(text) } else { Err(invalid("name", RULE)) }
}

const RULE: &str = "is not 2 to 63 of a-z, A-Z, 0-9, - and _, the first a letter or digit";

/// A role's full name: service, colon, role; blanks behind the colon are dropped.
///
/// # Errors
/// [`Failure::Invalid`] for what is none.
pub fn role_name(text: &str) -> Result<RoleName, Failure> {
    let (service, role) = text.split_once(':').ok_or_else(|| invalid("roleFullnames", "is not service:role"))?;
    let role = role.trim_start();
    if is_service_name(service) && is_service_name(role) {
        return Ok(RoleName { service: service.to_owned(), role: role.to_owned() });
    }
    Err(invalid("roleFullnames", format!("a service or role {RULE}")))
}

/// Full names of roles, sorted, each once.
///
/// # Errors
/// [`Failure::Invalid`] for one that is none, or too many.
pub fn role_names(texts: &[String]) -> Result<Vec<RoleName>, Failure> {
    const MOST: usize = 100;
    let mut roles = texts.iter().map(|text| role_name(text)).collect::<Result<Vec<_>, _>>()?;
    roles.sort();
    roles.dedup();
    if roles.len() > MOST {
        return Err(invalid("roleFullnames", "more than 100 roles"));
    }
    Ok(roles)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_have_names_of_two_to_sixty_three() {
        for good in ["My-Service", "a1", "0_", &"a".repeat(63)] {
            assert!(is_service_name(good), "{good}");
        }
        for bad in ["", "a", "-ab", "_ab", "a b", "a:b", "ä1", "ab\n", &"a".repeat(64)] {
            assert!(!is_service_name(bad), "{bad}");
        }
    }

    #[test]
    fn a_full_name_may_have_blanks_behind_its_colon_alone() {
        let role = |text| role_name(text).map(|role| role.full());
        assert_eq!((role("My-Service:web"), role("A1:  db")), (Ok("My-Service:web".into()), Ok("A1:db".into())));
        for bad in ["My-Service", "My-Service:", "a:bb", "aa:b", "aa :bb", " aa:bb", "aa:bb ", "aa:bb:cc"] {
            assert!(role(bad).is_err(), "{bad}");
        }
        let names = ["B1:b1", "A1:a1", "B1: b1"].map(str::to_owned);
        assert_eq!(role_names(&names).unwrap().iter().map(RoleName::full).collect::<Vec<_>>(), ["A1:a1", "B1:b1"]);
    }

    #[test]
    fn namespaces_of_mackerels_own_are_reserved() {
        assert!(check_namespace("env-1_A").is_ok());
        for bad in ["", "a.b", "mackerel", "mackerel-x", "a/b", &"a".repeat(256)] {
            assert!(check_namespace(bad).is_err(), "{bad}");
        }
    }
}
