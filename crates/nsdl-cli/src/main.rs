//! The `nsdl` command.
fn main() {}
