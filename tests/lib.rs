//! Black-box tests of the whole system; what several of them share lies in the harness, and here what needs the built Worker changed.

#![expect(
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a test that cannot go on panics: that is what it is for"
)]

pub mod stage;
