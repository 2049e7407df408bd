//! `pelton inspect`: a segment (ours or Kafka's), a journal file or a manifest in words, and what is wrong with it. Pure:
//! it is given the bytes, and changes nothing.

use std::fmt::Write as _;

use protocol::record_batch::batches;

use crate::journal;
use crate::log::manifest::Manifest;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// One line a thing.
    pub text: String,
    /// Whether nothing is wrong with it.
    pub whole: bool,
}

/// Says what the file `name` holds.
pub fn inspect(name: &str, bytes: &[u8]) -> Found {
    if name.ends_with(".log") {
        return segment(bytes);
    }
    if name.ends_with(".journal") {
        let text = journal::inspect(bytes);
        let whole = !text.contains("a valid frame after a bad one") && !text.starts_with("no ");
        return Found { text, whole };
    }
    if name.ends_with(".manifest") {
        return match Manifest::decode(bytes) {
            Ok(manifest) => Found {
                text: format!("{manifest:#?}\n"),
                whole: true,
            },
            Err(problem) => Found {
                text: format!("no manifest of a quorum: {problem}\n"),
                whole: false,
            },
        };
    }
    let text =
        "what this file is cannot be told from its name: .log, .journal and .manifest are known\n";
    Found {
        text: text.to_owned(),
        whole: false,
    }
}

/// Batches up to the first that is none; what an active segment is preallocated by is all zeros.
fn segment(bytes: &[u8]) -> Found {
    let mut text = String::new();
    let mut whole = true;
    let mut position = 0;
    for batch in batches(bytes) {
        let Ok(batch) = batch else { break };
        let header = batch.header();
        let sound = if batch.crc_matches() {
            ""
        } else {
            " CHECKSUM MISMATCH"
        };
        whole &= sound.is_empty();
        let line = writeln!(
            text,
            "{position}: offsets {}-{} records {} bytes {} leader epoch {} largest time {} producer {} epoch {} sequence {} codec {}{sound}",
            header.base_offset(),
            header.last_offset(),
            header.record_count(),
            header.size_bytes(),
            header.partition_leader_epoch(),
            header.max_timestamp(),
            header.producer_id(),
            header.producer_epoch(),
            header.base_sequence(),
            header.attributes().compression_id(),
        );
        line.expect("a String takes all");
        position += header.size_bytes();
    }
    let rest = &bytes[position..];
    if rest.iter().any(|byte| *byte != 0) {
        whole = false;
        let line = writeln!(
            text,
            "{position}: {} bytes that are no record batch",
            rest.len()
        );
        line.expect("a String takes all");
    } else if !rest.is_empty() {
        let line = writeln!(text, "{position}: {} preallocated bytes", rest.len());
        line.expect("a String takes all");
    }
    Found { text, whole }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::compression::Compression;
    use protocol::record_batch::RecordBatchBuilder;

    #[test]
    fn a_segment_is_told_batch_by_batch_and_its_damage_too() {
        let mut builder = RecordBatchBuilder::new(Compression::None);
        builder.append(7, Some(b"k"), Some(b"v"), &[]).unwrap();
        let mut bytes = builder.build().unwrap();
        bytes.resize(bytes.len() + 100, 0);
        let found = inspect("00000000000000000000.log", &bytes);
        assert!(
            found.whole
                && found.text.contains("offsets 0-0 records 1")
                && found.text.contains("100 preallocated bytes")
        );
        bytes[65] ^= 1;
        let found = inspect("00000000000000000000.log", &bytes);
        assert!(!found.whole && found.text.contains("CHECKSUM MISMATCH"));
    }
}
