//! Stops: clean under load, at once when asked twice, and not at all.
