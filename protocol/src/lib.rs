//! Bytes to values and back. Does no IO, reads no clock, draws no randomness.
