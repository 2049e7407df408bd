//! Starts that must be refused: with a sentence, an exit code of their own, and nothing changed on disk. And where a
//! setting comes from.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use protocol::compression::Compression;
use protocol::frame::FrameBuilder;
use protocol::native::StorageManifest;
use tempfile::{TempDir, tempdir};

use crate::broker::{Broker, PATIENCE, command, free_ports};
use crate::wire::{Honest, batch, create_topic, produce, produced, try_once};

const PREFLIGHT: i32 = 3;
const DAMAGED: i32 = 4;
const OTHER_LAYOUT: i32 = 5;
const BUSY: i32 = 6;
const UNUSABLE: i32 = 7;
const WRONG_SETTING: i32 = 78;

/// Every file below `directory` with its bytes, but for the lock.
fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(contents(&path));
            found.insert(path, Vec::new());
        } else if entry.file_name() != ".lock" {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

/// Starts a broker that must refuse with `code` and the `words`, and change nothing in `data`.
fn refuses(data: &Path, options: &[&str], code: i32, words: &[&str]) {
    let before = contents(data);
    let mut broker = Broker::launch(command(data, free_ports(4), options), data);
    let status = broker.wait(PATIENCE);
    let lines = broker.ended_lines();
    assert_eq!(status.code(), Some(code), "{lines:#?}");
    let line = lines
        .iter()
        .find(|line| words.iter().all(|word| line.contains(word)));
    assert!(line.is_some(), "no line says {words:?}: {lines:#?}");
    let after = contents(data);
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&before), names(&after), "files were made or removed");
    for (path, bytes) in &before {
        assert!(after[path] == *bytes, "{} was changed", path.display());
    }
}

/// A stopped broker's directory with some records in it.
fn used(options: &[&str]) -> TempDir {
    let data = tempdir().unwrap();
    let broker = Broker::start(data.path(), options);
    Honest::start(broker.port, "honest").finish();
    broker.stop();
    data
}

/// Small journal files, so that little data recycles them.
/// And all goes through it.
const SMALL_JOURNAL: [&str; 8] = [
    "--set",
    "journal.file.bytes=8MiB",
    "--set",
    "journal.bytes.max=24MiB",
    "--set",
    "frame.bytes.max=2MiB",
    "--set",
    "direct.bytes.min=1GiB",
];

#[test]
fn a_second_broker_on_the_directory_is_refused() {
    let data = tempdir().unwrap();
    let broker = Broker::start(data.path(), &[]);
    let mut second = Broker::launch(command(data.path(), free_ports(2), &[]), data.path());
    assert_eq!(second.wait(PATIENCE).code(), Some(BUSY));
    let said = second.ended_lines();
    assert!(
        said.iter()
            .any(|line| line.contains("is in use by another broker")),
        "{said:#?}"
    );
    assert!(
        Honest::start(broker.port, "honest").finish() > 0,
        "the first one serves on"
    );
}

#[test]
fn a_second_broker_on_the_ports_is_refused() {
    // The bootstrap port, a shard's port.
    for taken in [0, 2] {
        let data = tempdir().unwrap();
        let port = free_ports(2);
        let _other = TcpListener::bind(("127.0.0.1", port + taken)).unwrap();
        let options = ["--shards", "2"];
        let mut broker = Broker::launch(command(data.path(), port, &options), data.path());
        let status = broker.wait(PATIENCE);
        let said = broker.ended_lines();
        assert_eq!(status.code(), Some(BUSY), "{said:#?}");
        let sentence = format!("cannot listen on 127.0.0.1:{}", port + taken);
        assert!(
            said.iter().any(|line| line.contains(&sentence)),
            "{said:#?}"
        );
    }
}

#[test]
fn a_directory_of_another_format_or_number_of_shards_is_refused() {
    let data = used(&[]);
    let words = [
        "was made with 1 shards, but shards is set to 3",
        "leave the setting out",
    ];
    refuses(data.path(), &["--shards", "3"], OTHER_LAYOUT, &words);
    let manifest = data.path().join("storage.manifest");
    let other = StorageManifest {
        format_version: 1,
        cluster_id: 7,
        directory_id: 7,
        machine_id: 1,
        shard_count: 1,
        shard: 0,
        created_ms: 0,
    };
    let mut builder = FrameBuilder::new();
    fs::write(&manifest, other.encode(&mut builder).unwrap()).unwrap();
    let words = ["says format version 1", "start the broker that wrote it"];
    refuses(data.path(), &[], OTHER_LAYOUT, &words);
}

#[test]
fn the_number_of_shards_is_kept_without_being_asked_for() {
    let data = tempdir().unwrap();
    Broker::start_as(data.path(), 2, &["--shards", "2"]).stop();
    let broker = Broker::start_as(data.path(), 2, &[]);
    assert!(broker.lines().iter().any(|line| line.contains("shards=2")));
    let bytes = fs::read(data.path().join("storage.manifest")).unwrap();
    let (frame, _) = protocol::frame::Frame::parse(&bytes, 4096).unwrap();
    let manifest = StorageManifest::decode(&frame).unwrap();
    assert!(manifest.cluster_id != 0 && manifest.directory_id != 0);
    assert!(manifest.created_ms > 1_600_000_000_000);
    let id = protocol::primitives::Uuid(manifest.cluster_id).to_string();
    assert!(
        broker.lines().iter().any(|line| line.contains(&id)),
        "the banner names {id}"
    );
    broker.stop();
}

#[test]
fn a_missing_or_damaged_storage_manifest_is_refused() {
    let data = used(&[]);
    let manifest = data.path().join("storage.manifest");
    let good = fs::read(&manifest).unwrap();
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 0x10;
    for bad in [&flipped[..], &good[..good.len() - 1], b"", &[0xff; 100]] {
        fs::write(&manifest, bad).unwrap();
        let words = ["storage.manifest is damaged", "Restore it from a copy"];
        refuses(data.path(), &[], DAMAGED, &words);
    }
    fs::remove_file(&manifest).unwrap();
    let words = [
        "storage.manifest is missing, but there is shard-0",
        "Restore the file",
    ];
    refuses(data.path(), &[], DAMAGED, &words);
}

#[test]
fn missing_shards_and_journals_are_refused() {
    for lost in ["shard-0", "shard-0/journal"] {
        let data = used(&[]);
        fs::remove_dir_all(data.path().join(lost)).unwrap();
        let words = ["shard-0/journal holds no journal", "Restore the directory"];
        refuses(data.path(), &[], DAMAGED, &words);
    }
    let data = used(&[]);
    for entry in fs::read_dir(data.path().join("shard-0/journal"))
        .unwrap()
        .flatten()
    {
        fs::remove_file(entry.path()).unwrap();
    }
    refuses(
        data.path(),
        &[],
        DAMAGED,
        &["holds no journal", "Restore the directory"],
    );
}

/// A broker's directory whose journal was recycled, after a kill that left frames to replay.
fn recycled() -> TempDir {
    let data = tempdir().unwrap();
    let broker = Broker::start(data.path(), &SMALL_JOURNAL);
    assert_eq!(create_topic(broker.port, "bulk", 1, &[]), 0);
    let records = batch(Compression::None, &[&[b'x'; 500_000]]);
    for number in 0..40 {
        let answer = try_once(broker.port, &produce("bulk", -1, &records)).unwrap();
        assert_eq!(produced(&answer), (0, number));
    }
    broker.stop();
    let broker = Broker::start(data.path(), &SMALL_JOURNAL);
    for number in 40..100 {
        let answer = try_once(broker.port, &produce("bulk", -1, &records)).unwrap();
        assert_eq!(produced(&answer), (0, number));
    }
    drop(broker);
    data
}

fn with_suffix(directory: &Path, suffix: &str) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().ends_with(suffix))
        .collect();
    paths.sort();
    paths
}

#[test]
fn a_missing_or_damaged_checkpoint_is_refused() {
    let data = recycled();
    for manifest in with_suffix(&data.path().join("shard-0"), ".manifest") {
        let good = fs::read(&manifest).unwrap();
        let mut flipped = good.clone();
        flipped[good.len() / 2] ^= 1;
        for bad in [&flipped[..], &good[..good.len() / 2]] {
            fs::write(&manifest, bad).unwrap();
            refuses(
                data.path(),
                &SMALL_JOURNAL,
                DAMAGED,
                &[manifest.to_str().unwrap()],
            );
        }
        fs::remove_file(&manifest).unwrap();
        let words = [manifest.to_str().unwrap(), "Restore the file from a copy"];
        refuses(data.path(), &SMALL_JOURNAL, DAMAGED, &words);
        fs::write(&manifest, &good).unwrap();
    }
    let mut broker = Broker::start(data.path(), &SMALL_JOURNAL);
    assert!(broker.is_running(), "what was put back is whole");
}

#[test]
fn a_damaged_journal_is_refused() {
    let data = tempdir().unwrap();
    let broker = Broker::start(data.path(), &[]);
    Honest::start(broker.port, "honest").finish();
    drop(broker);
    let journal = with_suffix(&data.path().join("shard-0/journal"), ".journal").remove(0);
    let good = fs::read(&journal).unwrap();
    // A frame with many behind it; the file's header; the format's version in it is no business of this test.
    for at in [8192 + 100, 4096 + 50] {
        let mut bad = good.clone();
        bad[at] ^= 0xff;
        fs::write(&journal, &bad).unwrap();
        refuses(
            data.path(),
            &[],
            DAMAGED,
            &["corrupt", "Restore the shard's directory from a copy"],
        );
    }
    fs::write(&journal, &good).unwrap();
    Broker::start(data.path(), &[]).stop();
}

#[test]
fn one_damaged_shard_of_two_leaves_the_other_untouched() {
    let data = tempdir().unwrap();
    let broker = Broker::start_as(data.path(), 2, &["--shards", "2"]);
    assert_eq!(create_topic(broker.port, "t", 8, &[]), 0);
    broker.stop();
    let journal = with_suffix(&data.path().join("shard-1/journal"), ".journal").remove(0);
    let mut bytes = fs::read(&journal).unwrap();
    bytes[4096 + 50] ^= 0xff;
    fs::write(&journal, &bytes).unwrap();
    // The whole shard may drop a journal file whose filling the stop cut short; it takes no frame.
    let whole = |path: &Path| contents(&path.join("shard-0")).into_iter();
    let before: BTreeMap<_, _> = whole(data.path()).collect();
    let damaged = contents(&data.path().join("shard-1"));
    refuses_at(data.path(), DAMAGED, "shard 1: journal corrupt");
    assert!(
        damaged == contents(&data.path().join("shard-1")),
        "the damaged shard was changed"
    );
    assert!(whole(data.path()).all(|(path, bytes)| before.get(&path) == Some(&bytes)));
}

#[test]
fn a_directory_that_cannot_be_written_is_refused() {
    let data = tempdir().unwrap();
    let file = data.path().join("file");
    fs::write(&file, b"not a directory").unwrap();
    refuses_at(&file, UNUSABLE, "A file is in the way");
    refuses_at(&file.join("below"), UNUSABLE, "A file is in the way");
    refuses_at(Path::new("/proc/pelton"), UNUSABLE, "cannot be used");
    let kept = used(&[]);
    let script = r#"mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@""#;
    let tries: [(&[&str], i32, &str); 2] = [
        (&[], PREFLIGHT, "mount it for writing"),
        (
            &["--set", "preflight=off"],
            UNUSABLE,
            "Mount it for writing",
        ),
    ];
    for (options, code, words) in tries {
        let Some(mut broker) = in_a_namespace(script, kept.path(), kept.path(), options) else {
            return;
        };
        let status = broker.wait(PATIENCE);
        let said = broker.ended_lines();
        assert_eq!(status.code(), Some(code), "{said:#?}");
        assert!(said.iter().any(|line| line.contains(words)), "{said:#?}");
    }
}

fn refuses_at(data: &Path, code: i32, words: &str) {
    let mut broker = Broker::launch(command(data, free_ports(1), &[]), data);
    let status = broker.wait(PATIENCE);
    let said = broker.ended_lines();
    assert_eq!(status.code(), Some(code), "{said:#?}");
    assert!(said.iter().any(|line| line.contains(words)), "{said:#?}");
}

#[test]
fn a_disk_that_is_full_at_the_first_start_is_refused() {
    let place = tempdir().unwrap();
    let script = r#"mount -t tmpfs -o size=6m none "$1" && shift && exec "$@""#;
    let data = place.path().join("data");
    let Some(mut broker) = in_a_namespace(script, place.path(), &data, &[]) else {
        return;
    };
    let status = broker.wait(PATIENCE);
    let said = broker.ended_lines();
    assert_eq!(status.code(), Some(UNUSABLE), "{said:#?}");
    assert!(
        said.iter().any(|line| line.contains("Make space there")),
        "{said:#?}"
    );
}

/// A broker behind `script`, which may mount over `place`; `None`, said aloud, where this user may not do so.
pub fn in_a_namespace(script: &str, place: &Path, data: &Path, options: &[&str]) -> Option<Broker> {
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command.args([
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            script,
            "sh",
        ]);
        command.arg(place);
        command
    };
    let trial = unshare(&script.replace(r#"exec "$@""#, "true")).output();
    let fails = match &trial {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => Some(error.to_string()),
    };
    if let Some(why) = fails {
        eprintln!("SKIPPED: this user cannot mount a file system of its own: {why}");
        return None;
    }
    let broker = command(data, free_ports(1), options);
    let mut command = unshare(script);
    command.arg(broker.get_program()).args(broker.get_args());
    command.stdin(std::process::Stdio::null());
    command.stderr(std::process::Stdio::piped());
    Some(Broker::launch(command, data))
}

/// Value and origin of a setting, as `pelton settings` shows it.
fn setting(name: &str, env: &[(&str, &str)], args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_pelton"))
        .env_clear()
        .envs(env.iter().copied())
        .arg("settings")
        .args(args)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name} = ")));
    line.unwrap_or_else(|| panic!("no {name} in {text}"))
        .to_owned()
}

#[test]
fn flags_win_over_the_environment_over_the_file_over_the_default() {
    let place = tempdir().unwrap();
    let file = place.path().join("pelton.toml");
    // Setting, flag, default, three other values.
    let named = [
        (
            "data.dir",
            "--data-dir",
            "./pelton-data",
            ["/a", "/b", "/c"],
        ),
        (
            "listen",
            "--listen",
            "127.0.0.1:9092",
            ["h1:1", "h2:2", "h3:3"],
        ),
        (
            "advertised.host",
            "--advertised-host",
            "",
            ["h1", "h2", "h3"],
        ),
        ("shards", "--shards", "", ["1", "2", "3"]),
        (
            "log.format",
            "--log-format",
            "text",
            ["json", "text", "json"],
        ),
        (
            "log.level",
            "--log-level",
            "info",
            ["warn", "debug", "error"],
        ),
    ];
    for (name, flag, default, [in_file, in_env, in_flag]) in named {
        let value_in = if name == "shards" {
            in_file.to_owned()
        } else {
            format!("{in_file:?}")
        };
        fs::write(&file, format!("{name} = {value_in}\n")).unwrap();
        let config = ["--config", file.to_str().unwrap()];
        let variable = format!("PELTON_{}", name.to_uppercase().replace('.', "_"));
        let env = [(&variable[..], in_env)];
        let with_flag = [&config[..], &[flag, in_flag]].concat();
        let starts = |shown: String, value: &str| {
            assert!(shown.starts_with(value), "{name}: {shown}, not {value}");
        };
        starts(setting(name, &[], &[]), default);
        starts(
            setting(name, &[], &config),
            &format!("{in_file}  ({}", file.display()),
        );
        starts(
            setting(name, &env, &config),
            &format!("{in_env}  (environment"),
        );
        starts(
            setting(name, &env, &with_flag),
            &format!("{in_flag}  (flag"),
        );
        let set = format!("{name}={in_flag}");
        let by_set = [&config[..], &["--set", &set]].concat();
        starts(setting(name, &env, &by_set), &format!("{in_flag}  (flag"));
    }
}

#[test]
fn wrong_settings_are_refused_before_anything_is_made() {
    let place = tempdir().unwrap();
    let data = place.path().join("data");
    for options in [
        &["--set", "no.such.setting=1"][..],
        &["--shards", "0"],
        &["--shards", "many"],
        &["--log-format", "xml"],
        &["--log-level", "loud"],
        &["--set", "frame.bytes.max=1GiB"],
        &["--config", "/no/such/file"],
    ] {
        let mut broker = Broker::launch(command(&data, free_ports(1), options), &data);
        let status = broker.wait(PATIENCE);
        assert_eq!(
            status.code(),
            Some(WRONG_SETTING),
            "{options:?}: {:#?}",
            broker.ended_lines()
        );
        assert!(!data.exists(), "{options:?}");
    }
}

#[test]
fn the_banner_says_what_runs_and_json_lines_are_json() {
    let data = tempdir().unwrap();
    let options = ["--shards", "2", "--log-format", "json"];
    Broker::start_as(data.path(), 2, &options).stop();
    let broker = Broker::start_as(data.path(), 2, &["--log-format", "json"]);
    let lines = broker.lines();
    let parsed: Vec<serde_json::Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect();
    let banner = parsed
        .iter()
        .find(|line| line["message"] == "Pelton is ready")
        .unwrap();
    let port = broker.port;
    assert_eq!(banner["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(banner["cluster_id"].as_str().unwrap().len(), 22);
    assert_eq!(banner["bootstrap"], format!("127.0.0.1:{port}"));
    let own = format!("127.0.0.1:{} 127.0.0.1:{}", port + 1, port + 2);
    assert_eq!(banner["shard_addresses"], own);
    assert_eq!(banner["shards"], 2);
    assert!(banner["cores"].as_str().unwrap().starts_with('['));
    assert_eq!(banner["durability"], "every acknowledged record is on disk");
    assert!(banner["recovered_frames"].is_u64() && banner["recovery_ms"].is_u64());
    // Not a line about what the runtime tries on purpose.
    assert!(
        parsed.iter().all(|line| line["level"] != "ERROR"),
        "{lines:#?}"
    );
}

#[test]
fn the_check_gives_a_fix_for_each_lack_and_an_exit_code() {
    let place = tempdir().unwrap();
    let check = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_pelton"))
            .env_clear()
            .arg("check")
            .arg("--data-dir")
            .arg(place.path().join("new"))
            .args(args)
            .output()
            .unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let (code, json) = check(&["--json"]);
    let found: serde_json::Value = serde_json::from_str(&json).unwrap();
    let checks = found["checks"].as_array().unwrap();
    let lacks = |severity: &str| {
        checks
            .iter()
            .any(|check| check["ok"] == false && check["severity"] == severity)
    };
    assert_eq!(code, if lacks("fatal") { 3 } else { 0 });
    let strict = if lacks("fatal") {
        3
    } else {
        i32::from(lacks("warning"))
    };
    assert_eq!(check(&["--strict"]).0, strict);
    let (_, text) = check(&[]);
    let failed = checks.iter().filter(|check| check["ok"] == false);
    for check in failed {
        let id = check["id"].as_str().unwrap();
        assert!(!check["fix"].as_str().unwrap().is_empty(), "{id}");
        let after = text.split_once(&format!("  {id} ")).unwrap().1;
        assert!(
            after
                .lines()
                .take(4)
                .any(|line| line.trim_start().starts_with("fix:")),
            "{id}"
        );
    }
    assert!(
        !place.path().join("new").exists(),
        "a check changes nothing"
    );
}
