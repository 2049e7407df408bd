//! Writes seed corpora for every target from the captures of real clients: `cargo run --example seed` in this directory.
//! Data directories named behind `--` give their files as well: `cargo run --example seed -- /var/lib/pelton`.

use std::fs;
use std::path::{Path, PathBuf};

use protocol::header::{RequestHeader, skip_response_header};
use protocol::messages::{fetch, produce};
use protocol::primitives::Reader;
use protocol::record_batch::batches;

const CAPTURES: &str = include_str!("../../tests/golden/kafka-4.3.0.tsv");

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut seeds = Seeds { root, written: 0 };
    for line in CAPTURES.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let (request, response) = (unhex(columns[3]), unhex(columns[4]));
        let (request, response) = (&request[4..], &response[4..]);
        seeds.write("kafka_request", request)?;
        seeds.write("kafka_response", &[&request[..4], response].concat())?;
        seeds.write("journal", response)?;
        let (header, at) = RequestHeader::decode(request).expect("a capture");
        if header.api_key == produce::KEY {
            let mut reader = Reader::new(&request[at..]);
            let produced = produce::ProduceRequest::decode(&mut reader, header.api_version);
            for topic in produced.expect("a capture").topic_data {
                for partition in topic.partition_data {
                    seeds.write_records(&partition.records.unwrap_or_default())?;
                }
            }
        }
        if header.api_key == fetch::KEY {
            let mut reader = Reader::new(response);
            skip_response_header(&mut reader, fetch::KEY, header.api_version).expect("a capture");
            let fetched = fetch::FetchResponse::decode(&mut reader, header.api_version);
            for topic in fetched.expect("a capture").responses {
                for partition in topic.partitions {
                    seeds.write_records(&partition.records.unwrap_or_default())?;
                }
            }
        }
    }
    seeds.write_settings()?;
    // Any few steps are a start.
    for step in 0..40u8 {
        let spoiled = [step, step.wrapping_mul(97), step % 128, step, 0xff, step];
        seeds.write("journal_recovery", &spoiled)?;
    }
    std::env::args_os()
        .skip(1)
        .try_for_each(|directory| seeds.write_files(Path::new(&directory)))
}

/// What a file is for `stored_file`, by its suffix.
const KINDS: [&str; 6] = [
    ".log",
    ".journal",
    ".manifest",
    ".idx",
    ".index",
    ".timeindex",
];
/// No target is given longer inputs.
const FILE_BYTES_MAX: usize = 60_000;

struct Seeds {
    root: PathBuf,
    written: usize,
}

impl Seeds {
    fn write(&mut self, target: &str, bytes: &[u8]) -> std::io::Result<()> {
        let directory = self.root.join(target);
        fs::create_dir_all(&directory)?;
        self.written += 1;
        fs::write(directory.join(format!("seed-{}", self.written)), bytes)
    }

    fn write_records(&mut self, records: &[u8]) -> std::io::Result<()> {
        self.write("record_batch", records)?;
        self.write("stored_file", &[&[0], records].concat())?;
        self.write("segment_scan", &[&[200, 255, 1], records].concat())?;
        for batch in batches(records).flatten() {
            let codec = batch.header().attributes().compression_id();
            self.write("compression", &[&[codec], batch.payload()].concat())?;
        }
        Ok(())
    }
}

impl Seeds {
    /// Every file below `directory` that a target reads, its begin if it is long.
    fn write_files(&mut self, directory: &Path) -> std::io::Result<()> {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() {
                self.write_files(&path)?;
                continue;
            }
            let name = path.to_string_lossy().into_owned();
            let Some(kind) = KINDS.iter().position(|suffix| name.ends_with(suffix)) else {
                continue;
            };
            let mut bytes = fs::read(&path)?;
            bytes.truncate(FILE_BYTES_MAX);
            self.write("stored_file", &[&[kind as u8], &bytes[..]].concat())?;
            match KINDS[kind] {
                ".log" => self.write("segment_scan", &[&[255, 255, 1], &bytes[..]].concat())?,
                ".idx" if bytes.len() > 56 => {
                    self.write("index", &[&bytes[16..48], &bytes[56..]].concat())?;
                }
                ".journal" => self.write("journal", &bytes)?,
                ".manifest" => self.write("frame", &bytes)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Every setting with its default, one a file, and all in one.
    fn write_settings(&mut self) -> std::io::Result<()> {
        let config = broker::config::Config::default();
        let mut all = String::new();
        for row in broker::config::broker::settings() {
            let (name, value) = (row.name, config.value(row.name).to_string());
            let line = format!("{name} = {value:?}\n");
            self.write("config", line.as_bytes())?;
            self.write("config", format!("\0\0{name}={value}").as_bytes())?;
            all.push_str(&line);
        }
        self.write("config", all.as_bytes())
    }
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("hex"))
        .collect()
}
