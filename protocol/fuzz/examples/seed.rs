//! Writes seed corpora for every target from the captures of real clients: `cargo run --example seed` in this directory.

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
    Ok(())
}

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
        for batch in batches(records).flatten() {
            let codec = batch.header().attributes().compression_id();
            self.write("compression", &[&[codec], batch.payload()].concat())?;
        }
        Ok(())
    }
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("hex"))
        .collect()
}
