//! Wire types, a folder per API. Each converts to and from `model`; none knows another.

pub mod native;
pub mod nezha;
pub mod pulse;

use crate::model::Form;

/// Every form in which lists of hosts are asked for so often, or with so many hosts, that the hub keeps what it wrote.
pub static FORMS: [&Form; 2] = [&nezha::LIST, &nezha::DETAILS];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_forms_have_the_same_name() {
        let names: std::collections::BTreeSet<&str> = FORMS.iter().map(|form| form.name).collect();
        assert_eq!(names.len(), FORMS.len());
    }
}
