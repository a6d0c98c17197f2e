//! `/live`: who may look, what they are told, and what the hub is asked meanwhile.

mod access;
mod fanout;
mod fleet;
mod watching;
