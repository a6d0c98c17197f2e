//! Which passwords may be set, and the names and addresses that go with them.

use crate::failure::Failure;

/// The fewest characters of a password. Source: NIST SP 800-63B asks for 8 at least; nothing else is asked of what is in them.
pub const MIN_CHARS: usize = 10;
/// The most bytes: enough for a sentence.
pub const MAX_BYTES: usize = 256;
const MAX_NAME_CHARS: usize = 64;
const MAX_EMAIL_BYTES: usize = 254;

/// Whether this may be the password of the user of this name.
///
/// # Errors
/// [`Failure::Invalid`] with what is wrong.
pub fn require_good(password: &str, name: &str) -> Result<(), Failure> {
    let invalid = |reason: &str| Err(Failure::Invalid { field: "password".to_owned(), reason: reason.to_owned() });
    if password.chars().count() < MIN_CHARS {
        return invalid("at least 10 characters");
    }
    if password.len() > MAX_BYTES {
        return invalid("at most 256 bytes");
    }
    let mut chars = password.chars();
    let first = chars.next();
    if chars.all(|one| Some(one) == first) || password.eq_ignore_ascii_case(name) {
        return invalid("neither the name nor one character again and again");
    }
    Ok(())
}

/// A login name without the spaces around it.
///
/// # Errors
/// [`Failure::Invalid`] for one that cannot be.
pub fn clean_name(name: &str) -> Result<&str, Failure> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control) {
        let reason = "1 to 64 characters, none of them a control character".to_owned();
        return Err(Failure::Invalid { field: "username".to_owned(), reason });
    }
    Ok(name)
}

/// An e-mail address in the one spelling that it is compared in.
///
/// # Errors
/// [`Failure::Invalid`] for what is none.
pub fn clean_email(email: &str) -> Result<String, Failure> {
    let email = email.trim().to_lowercase();
    let is_plain = email.len() <= MAX_EMAIL_BYTES && !email.chars().any(|one| one.is_control() || one.is_whitespace());
    let parts = email.split_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty());
    match parts {
        Some((_, domain)) if is_plain && !domain.contains('@') => Ok(email),
        _ => {
            Err(Failure::Invalid { field: "email".to_owned(), reason: "an address such as ada@example.com".to_owned() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_long_enough_and_no_single_character() {
        for good in ["0123456789", "correct horse", "пароль-пароль", &"ab".repeat(128)] {
            assert!(require_good(good, "ada").is_ok(), "{good}");
        }
        for bad in ["", "012345678", "aaaaaaaaaaaa", &"ab".repeat(129), "Administrator"] {
            assert!(require_good(bad, "administrator").is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_has_something_to_show() {
        assert_eq!(clean_name(" ada "), Ok("ada"));
        for bad in ["", "  ", "a\nb", &"x".repeat(65)] {
            assert!(clean_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_email_address_has_one_spelling() {
        assert_eq!(clean_email(" Ada@Example.COM "), Ok("ada@example.com".to_owned()));
        for bad in ["", "ada", "@example.com", "ada@", "a@b@c", "a b@c", &format!("{}@x", "y".repeat(254))] {
            assert!(clean_email(bad).is_err(), "{bad:?}");
        }
    }
}
