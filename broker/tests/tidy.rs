//! The house rules that a compiler does not check. Each failure names the file and the rule.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

/// Most lines of a module, tests aside.
const MODULE_LINES_MAX: usize = 800;
/// Modules over it, and how long they may be: a list that may only shrink.
const LONG_MODULES: &[(&str, usize)] = &[];
/// The seven stations of the produce walk.
const WALK: &[&str] = &[
    "net/connection.rs",
    "api/produce.rs",
    "router.rs",
    "partition/mod.rs",
    "quorum/mod.rs",
    "journal/mod.rs",
    "io/disk.rs",
];
const WALK_LINES_MAX: usize = 2500;
/// What only the door may name.
const DOOR_ONLY: &[&str] = &[
    "glommio::",
    "std::time",
    "std::fs",
    "TcpStream",
    "TcpListener",
    "unsafe {",
];
/// Who may not name whom: the walk goes one way.
const NEVER: &[(&str, &[&str])] = &[
    (
        "journal/",
        &[
            "crate::quorum",
            "crate::partition",
            "crate::shard",
            "crate::router",
            "crate::api",
            "crate::net",
            "crate::log",
        ],
    ),
    (
        "log/",
        &[
            "crate::quorum",
            "crate::partition",
            "crate::shard",
            "crate::router",
            "crate::api",
            "crate::net",
            "crate::journal",
        ],
    ),
    (
        "quorum/",
        &[
            "crate::partition",
            "crate::shard",
            "crate::router",
            "crate::api",
            "crate::net",
            "crate::log",
        ],
    ),
    (
        "partition/",
        &[
            "crate::shard",
            "crate::router",
            "crate::api",
            "crate::net",
            "crate::log",
        ],
    ),
    ("shard/", &["crate::router", "crate::api", "crate::net"]),
    ("router.rs", &["crate::api", "crate::net"]),
    ("api/", &["crate::net"]),
    (
        "controller/",
        &[
            "crate::shard",
            "crate::router",
            "crate::api",
            "crate::net",
            "crate::log",
        ],
    ),
    (
        "coordinator/",
        &[
            "crate::shard",
            "crate::router",
            "crate::api",
            "crate::net",
            "crate::log",
            "crate::quorum",
            "crate::io",
        ],
    ),
    (
        "io/",
        &[
            "crate::shard",
            "crate::journal",
            "crate::quorum",
            "crate::partition",
            "crate::log",
        ],
    ),
];

fn sources(root: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// Every module: its path below `src`, and its text without tests.
fn modules() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&root, &mut paths);
    paths.sort();
    let modules = paths.iter().map(|path| {
        let name = path
            .strip_prefix(&root)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let text = fs::read_to_string(path).unwrap();
        let code = text
            .split("\n#[cfg(test)]\nmod tests {")
            .next()
            .unwrap()
            .to_owned();
        (name, code)
    });
    modules
        .filter(|(name, _)| !name.ends_with("tests.rs") && !name.contains("/tests/"))
        .collect()
}

#[test]
fn modules_open_with_their_purpose_and_keep_their_size() {
    for (name, code) in modules() {
        assert!(code.starts_with("//!"), "{name} does not open with //!");
        let lines = code.lines().count();
        let max = LONG_MODULES
            .iter()
            .find(|(long, _)| *long == name)
            .map_or(MODULE_LINES_MAX, |(_, max)| *max);
        assert!(lines <= max, "{name} has {lines} lines, more than {max}");
    }
}

#[test]
fn only_the_door_names_the_world() {
    for (name, code) in modules() {
        if name.starts_with("io/") || name == "main.rs" {
            continue;
        }
        for banned in DOOR_ONLY {
            let allowed = *banned == "std::time"
                && code.matches("std::time").count() == code.matches("std::time::Duration").count();
            assert!(
                allowed || !code.contains(banned),
                "{name} names {banned}: that is io/'s"
            );
        }
        assert!(!code.contains(".unwrap()"), "{name} unwraps outside tests");
    }
}

#[test]
fn the_walk_goes_one_way() {
    for (name, code) in modules() {
        for (from, never) in NEVER {
            if name.starts_with(from) {
                for to in *never {
                    assert!(!code.contains(to), "{name} names {to}");
                }
            }
        }
    }
}

#[test]
fn the_produce_walk_is_short() {
    let modules = modules();
    let lines: usize = WALK
        .iter()
        .map(|station| {
            let (_, code) = modules
                .iter()
                .find(|(name, _)| name == station)
                .unwrap_or_else(|| panic!("{station} is gone"));
            code.lines().count()
        })
        .sum();
    assert!(
        lines <= WALK_LINES_MAX,
        "the seven stations have {lines} lines"
    );
}

/// Whether a line makes the code another one in tests, or in a build of another kind.
fn switches(line: &str) -> bool {
    let marks = ["cfg(", "cfg!(", "cfg_attr(", "env!(\"CARGO_FEATURE"];
    marks.iter().any(|mark| line.contains(mark))
}

#[test]
fn tests_run_the_code_that_production_runs() {
    for (name, code) in modules() {
        let mut lines = code.lines().peekable();
        while let Some(line) = lines.next() {
            let is_tests = line.trim() == "#[cfg(test)]"
                && lines.peek().is_some_and(|next| *next == "mod tests;");
            assert!(
                is_tests || name == "planted.rs" || !switches(line),
                "{name}: `{line}` makes another program of it"
            );
        }
    }
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let manifest = fs::read_to_string(manifest).unwrap();
    let (_, features) = manifest.split_once("\n[features]\n").unwrap();
    let features = features.split("\n[").next().unwrap();
    let features = features.lines().filter(|line| line.contains('='));
    assert_eq!(features.collect::<Vec<_>>(), ["planted = []"]);
}

#[test]
fn a_planted_bug_is_a_line_or_two_at_its_place() {
    let modules = modules();
    let (_, planted) = modules
        .iter()
        .find(|(name, _)| name == "planted.rs")
        .unwrap();
    for bug in broker::planted::BUGS {
        let bug = format!("planted::on(Bug::{bug:?})");
        let count = modules.iter().map(|(_, code)| code.matches(&bug).count());
        assert!((1..=2).contains(&count.sum::<usize>()), "{bug}");
    }
    assert!(planted.lines().count() < 150);
    let code = modules.iter().filter(|(name, _)| name != "planted.rs");
    for (name, code) in code {
        assert!(!code.contains("plant("), "{name} plants a bug");
    }
}
