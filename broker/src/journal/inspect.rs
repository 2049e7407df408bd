//! A journal file in words, for `pelton inspect`. Pure; works on damaged files, judges nothing.

use std::fmt::Write as _;

use super::frame::{self, FILE_HEADER_BYTES, FileHeaders};
use crate::io::buffer::ALIGNMENT;

/// What a journal file holds, in words, one line a frame. Stops at the first bad frame and says whether valid ones follow.
pub fn inspect(bytes: &[u8]) -> String {
    let mut text = String::new();
    let headers = match FileHeaders::decode(bytes) {
        Ok(headers) => headers,
        Err(defect) => return format!("no journal file: {defect}\n"),
    };
    let Some(file) = headers.latest else {
        return format!(
            "no file header{}\n",
            if headers.damaged { " (damaged)" } else { "" }
        );
    };
    line(
        &mut text,
        format_args!(
            "journal {:032x} file {} use {} first sequence {} oldest sequence {} frame bytes max {}{}",
            file.journal_id,
            file.file_number,
            file.use_number,
            file.first_sequence,
            file.oldest_sequence,
            file.frame_bytes_max,
            if headers.damaged {
                " (other slot damaged)"
            } else {
                ""
            },
        ),
    );
    let mut at = FILE_HEADER_BYTES;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let (header, sections) = match frame::decode(rest, &file) {
            Ok(frame) => frame,
            Err(defect) => {
                line(&mut text, format_args!("{at}: no frame: {defect}"));
                break;
            }
        };
        frame_lines(&mut text, at, &header, &sections);
        at += header.frame_bytes as usize;
    }
    let later = (at..bytes.len())
        .step_by(ALIGNMENT)
        .find(|at| frame::decode(&bytes[*at..], &file).is_ok());
    if let Some(later) = later {
        line(
            &mut text,
            format_args!("{later}: a valid frame after a bad one"),
        );
    }
    text
}

fn frame_lines(
    text: &mut String,
    at: usize,
    header: &frame::FrameHeader,
    sections: &[frame::Section<std::ops::Range<usize>>],
) {
    line(
        text,
        format_args!(
            "{at}: frame {} bytes {} synced {} run {:016x} previous crc {:08x} crc {:08x} sections {}",
            header.sequence,
            header.frame_bytes,
            header.synced_sequence,
            header.run,
            header.previous_crc,
            header.crc,
            sections.len(),
        ),
    );
    for section in sections {
        let indexes = section.entries.first().map(|entry| entry.index)
            ..section.entries.last().map(|entry| entry.index);
        let items: usize = section.entries.iter().map(|entry| entry.items.len()).sum();
        line(
            text,
            format_args!(
                "  quorum {} hard state {:?} entries {:?} items {items}",
                section.quorum, section.hard_state, indexes,
            ),
        );
    }
}

fn line(text: &mut String, words: std::fmt::Arguments<'_>) {
    text.write_fmt(words)
        .and_then(|()| text.write_char('\n'))
        .expect("a String takes all");
}
