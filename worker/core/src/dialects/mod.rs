//! Wire types, a folder per API. Each converts to and from `model`; none knows another.

pub mod mackerel;
pub mod native;
pub mod nezha;
pub mod openitcockpit;
pub mod pulse;

use crate::failure::Failure;
use crate::model::{Form, Host};

/// Every form in which lists of hosts are asked for so often, or with so many hosts, that the hub keeps what it wrote.
pub static FORMS: [&Form; 5] = [&nezha::LIST, &nezha::DETAILS, &nezha::NAMES, &pulse::HOSTS, &nezha::PAGE];

/// A host as the feed of another dialect has it: a JSON object, all of it but when the host was last active.
///
/// # Errors
/// [`Failure::Internal`] when it cannot be written.
pub fn feed_piece(host: Host) -> Result<String, Failure> {
    nezha::feed_piece(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_forms_have_the_same_name() {
        let names: std::collections::BTreeSet<&str> = FORMS.iter().map(|form| form.name).collect();
        assert_eq!(names.len(), FORMS.len());
    }
}
