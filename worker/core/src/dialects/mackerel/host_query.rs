//! The query of `GET /hosts`. Source: mackerel specification, 3.10.

use super::host_request::status;
use crate::failure::Failure;
use crate::model::{HostFilter, HostStatus};

/// Which hosts are wanted. An empty value counts as absent; a key may be repeated, with `[]` behind it too.
///
/// # Errors
/// [`Failure::Invalid`] for a status that there is not.
pub fn read_host_query(pairs: &[(String, String)]) -> Result<HostFilter, Failure> {
    let all = |key: &str| {
        let is_key = move |name: &str| name.strip_suffix("[]").unwrap_or(name) == key;
        let values = pairs.iter().filter(|(name, value)| is_key(name) && !value.is_empty());
        values.map(|(_, value)| value.clone()).collect::<Vec<String>>()
    };
    let first = |key: &str| all(key).into_iter().next();
    let service = first("service");
    // Without a service it means nothing.
    let roles = if service.is_some() { all("role") } else { vec![] };
    let mut statuses = all("status").iter().map(|word| status(word)).collect::<Result<Vec<_>, _>>()?;
    if statuses.is_empty() {
        statuses = vec![HostStatus::Working, HostStatus::Standby];
    }
    Ok(HostFilter { service, roles, name: first("name"), custom_identifier: first("customIdentifier"), statuses })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<HostFilter, Failure> {
        let pairs: Vec<_> = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        read_host_query(&pairs)
    }

    #[test]
    fn what_is_said_once_twice_or_as_a_list_is_understood() {
        let filter = read(&[
            ("service", "S1"),
            ("role", "a1"),
            ("role[]", "b1"),
            ("status[]", "poweroff"),
            ("status", "working"),
            ("name", ""),
            ("customIdentifier", "c d"),
        ])
        .unwrap();
        assert_eq!((filter.service.as_deref(), filter.roles), (Some("S1"), vec!["a1".to_owned(), "b1".to_owned()]));
        assert_eq!(filter.statuses, [HostStatus::Poweroff, HostStatus::Working]);
        assert_eq!((filter.name, filter.custom_identifier.as_deref()), (None, Some("c d")));
    }

    #[test]
    fn by_default_those_that_work_or_could_and_a_role_alone_is_nothing() {
        let filter = read(&[("role", "a1"), ("status", "")]).unwrap();
        assert_eq!((filter.roles, filter.statuses), (vec![], vec![HostStatus::Working, HostStatus::Standby]));
        assert!(read(&[("status", "up")]).is_err());
    }
}
