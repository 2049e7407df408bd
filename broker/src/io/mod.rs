//! The one door to the world (only the host's facts here).

pub mod host;
