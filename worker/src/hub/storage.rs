//! Where a host's rows go, and what becomes of them on the way.

use std::rc::Rc;

use edgewatch_core::blocks::tiers;
use edgewatch_core::domain::probing::means;
use edgewatch_core::model::HostId;

use super::lengths::Lengths;
use super::sql::Sql;

/// Where a host's rows go.
#[derive(Clone)]
pub struct Storage {
    /// The object's database.
    pub sql: Sql,
    /// The lengths of the rings.
    pub lengths: Lengths,
    /// Of which probes' delays means are made on the way.
    pub means: Rc<means::Wanted>,
}

impl Storage {
    /// The lengths of a host's rings.
    pub const fn rings(&self, host: HostId) -> tiers::Rings {
        self.lengths.of(host)
    }
}
