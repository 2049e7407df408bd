//! The `pelton-loadgen` binary.
fn main() {}
