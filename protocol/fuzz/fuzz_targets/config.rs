//! The configuration file, the environment and flags: settings by chance. What is taken can be shown and asked.
//! `cargo fuzz run -s none config`
#![no_main]

use broker::config::{Config, Layers};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    // Behind the first zero: lines of the environment, name=value; behind the second: flags.
    let mut parts = text.splitn(3, '\0');
    let file = parts.next().unwrap_or_default().to_owned();
    let pairs = |text: Option<&str>| -> Vec<(String, String)> {
        let lines = text.unwrap_or_default().lines();
        let pairs = lines.filter_map(|line| line.split_once('='));
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    };
    let env = pairs(parts.next());
    let flags = pairs(parts.next()).into_iter();
    let flags = flags.map(|(name, value)| (name, value, "--set".to_owned()));
    let layers = Layers {
        file: Some(("pelton.toml".to_owned(), file)),
        env,
        flags: flags.collect(),
    };
    match Config::load(&layers) {
        Ok(config) => {
            let journal_bytes = config.journal_bytes_max(1 << 40);
            let _ = config.dirty_bytes_max(1 << 30, 2, journal_bytes);
            let _ = config.shard_port(255);
        }
        Err(errors) => assert!(!errors.to_string().is_empty()),
    }
});
