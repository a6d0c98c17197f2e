//! For what something is: services, roles and monitors, as lists that may be null or missing.

use super::names::{is_service_name, role_name};
use super::read::invalid;
use crate::failure::Failure;
use crate::model::RoleName;

/// The most names of a list.
const MOST: usize = 1_000;
/// The longest id. Source: mackerel specification, 2.
const MAX_ID_BYTES: usize = 15;

/// A list as it may be sent.
pub type Names = Option<Vec<String>>;

/// Names of services, each once.
///
/// # Errors
/// [`Failure::Invalid`] for what is no name, or too many.
pub fn services(field: &str, names: Names) -> Result<Vec<String>, Failure> {
    let is_name = |name: &String| is_service_name(name);
    once(field, names, is_name, "has a name that no service can have")
}

/// Ids of things, each once.
///
/// # Errors
/// [`Failure::Invalid`] for what is no id, or too many.
pub fn ids(field: &str, ids: Names) -> Result<Vec<String>, Failure> {
    let is_id = |id: &String| is_id(id);
    once(field, ids, is_id, "has an id that nothing can have")
}

/// Whether anything may have this id.
pub fn is_id(id: &str) -> bool {
    (1..=MAX_ID_BYTES).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Roles, each once.
///
/// # Errors
/// [`Failure::Invalid`] for what is no role's full name, or too many.
pub fn roles(field: &str, names: Names) -> Result<Vec<RoleName>, Failure> {
    let names = bounded(field, names)?;
    let mut roles = Vec::with_capacity(names.len());
    for name in &names {
        let role = role_name(name).map_err(|_| invalid(field, "has a name that is not service:role"))?;
        if !roles.contains(&role) {
            roles.push(role);
        }
    }
    Ok(roles)
}

/// Full names, as they are answered.
pub fn full(roles: &[RoleName]) -> Vec<String> {
    roles.iter().map(RoleName::full).collect()
}

fn bounded(field: &str, names: Names) -> Result<Vec<String>, Failure> {
    let names = names.unwrap_or_default();
    if names.len() > MOST { Err(invalid(field, "more than 1,000")) } else { Ok(names) }
}

fn once(field: &str, names: Names, is_good: impl Fn(&String) -> bool, reason: &str) -> Result<Vec<String>, Failure> {
    let mut kept: Vec<String> = Vec::new();
    for name in bounded(field, names)? {
        if !is_good(&name) {
            return Err(invalid(field, reason));
        }
        if !kept.contains(&name) {
            kept.push(name);
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn names_count_once_in_the_order_they_came() {
        assert_eq!(services("s", Some(texts(&["Shop", "A1", "Shop"]))), Ok(vec!["Shop".to_owned(), "A1".to_owned()]));
        assert_eq!((services("s", None), ids("m", Some(texts(&[])))), (Ok(vec![]), Ok(vec![])));
        assert_eq!(
            roles("r", Some(texts(&["Shop: web", "Shop:web"]))).map(|roles| full(&roles)),
            Ok(vec!["Shop:web".into()])
        );
    }

    #[test]
    fn what_is_no_name_is_refused_with_its_field() {
        let field = |failure: Failure| matches!(failure, Failure::Invalid { field, .. } if field == "x");
        for bad in ["", "a", "a b", "Shop:web"] {
            assert!(services("x", Some(texts(&[bad]))).is_err_and(field), "{bad}");
        }
        for bad in ["", "Shop", "Shop:", "Shop:w"] {
            assert!(roles("x", Some(texts(&[bad]))).is_err_and(field), "{bad}");
        }
        for bad in ["", "a-b", "1234567890123456"] {
            assert!(ids("x", Some(texts(&[bad]))).is_err_and(field), "{bad}");
        }
        assert!(ids("x", Some(vec!["a".to_owned(); 1_001])).is_err_and(field));
    }
}
