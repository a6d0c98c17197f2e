//! Each allowance of the platform is used up and comes back: nothing acknowledged is lost, nothing is stored twice, nobody is
//! called offline because of it, people are told, reads answer where anything can answer, and what was held back is stored.

mod away;
mod upgrade;

use edgewatch_harness::objects::Exhausted;

use away::{Reads, Told, World};

/// How a Worker fares while `meter` is used up, and after.
fn through(meter: Exhausted, reads: Reads, told: Told) {
    let mut world = World::start();
    world.pass(4);
    world.begin(meter);
    world.pass(10);
    world.check_reads(reads);
    world.check_told(told);
    world.end(meter);
    world.pass(14);
    world.check_end();
}

#[test]
fn rows_read_in_d1() {
    through(Exhausted::D1RowsRead, Reads::OfNow, Told::Banner("D1 rows read"));
}

#[test]
fn rows_written_in_d1() {
    through(Exhausted::D1RowsWritten, Reads::OfNow, Told::Banner("D1 rows written"));
}

#[test]
fn storage_of_d1() {
    through(Exhausted::D1Storage, Reads::OfNow, Told::Banner("D1 storage"));
}

#[test]
fn rows_read_in_objects() {
    // The hub cannot wake without reading; D1 says what it was told last.
    through(Exhausted::ObjectRowsRead, Reads::OfLastFlush, Told::Later("budget_tight"));
}

#[test]
fn rows_written_in_objects() {
    through(Exhausted::ObjectRowsWritten, Reads::OfNow, Told::Banner("object rows written"));
}

#[test]
fn storage_of_objects() {
    through(Exhausted::ObjectStorage, Reads::OfNow, Told::Banner("object storage"));
}

#[test]
fn requests_of_objects() {
    through(Exhausted::ObjectRequests, Reads::OfLastFlush, Told::Later("budget_tight"));
}

#[test]
fn duration_of_objects() {
    through(Exhausted::ObjectDuration, Reads::OfLastFlush, Told::Later("budget_tight"));
}

#[test]
fn requests_of_the_worker() {
    // Nothing answers, so nobody can be told before it is over. The hub's alarms go on.
    through(Exhausted::WorkerRequests, Reads::Refused, Told::Later("monitoring_impaired"));
}

#[test]
fn a_hub_that_slept_through_it_wakes_without_its_tables_being_made() {
    for meter in [Exhausted::ObjectRowsWritten, Exhausted::ObjectRowsRead] {
        let mut world = World::start();
        world.pass(3);
        world.begin(meter);
        world.pass(1);
        world.put_to_sleep();
        world.pass(6);
        world.check_reads(if meter == Exhausted::ObjectRowsRead { Reads::OfLastFlush } else { Reads::OfNow });
        world.end(meter);
        world.pass(14);
        world.check_end();
    }
}
