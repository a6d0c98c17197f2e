//! The agent's arguments, wiring and exit codes.

fn main() {}
