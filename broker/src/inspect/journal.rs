//! A journal file: its header and its frames up to the first bad one, and whether valid ones follow that. It holds one
//! frame at a time and judges nothing but that: a torn tail is no damage.

use super::{Report, Source, Stop, Window};
use crate::io::buffer::ALIGNMENT;
use crate::journal::frame::{
    self, Defect, FILE_HEADER_BYTES, FileHeader, FileHeaders, FrameHeader, Places,
};

pub(super) fn inspect(
    _name: &str,
    source: &dyn Source,
    report: &mut Report<'_>,
) -> Result<(), Stop> {
    let mut window = Window::over(source);
    let headers = match FileHeaders::decode(window.at(0, FILE_HEADER_BYTES)?) {
        Ok(headers) => headers,
        Err(defect) => return report.wrong(0, format_args!("no journal file: {defect}")),
    };
    let Some(file) = headers.latest else {
        let damaged = if headers.damaged { " (damaged)" } else { "" };
        return report.wrong(0, format_args!("no file header{damaged}"));
    };
    report.say(format_args!(
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
    ))?;
    let mut at = FILE_HEADER_BYTES as u64;
    while at < source.bytes() {
        match frame_at(&mut window, at, &file)? {
            Ok((header, sections)) => {
                frame_lines(report, at, &header, &sections)?;
                at += u64::from(header.frame_bytes);
            }
            Err(defect) => {
                report.say(format_args!("{at}: no frame: {defect}"))?;
                return later(&mut window, at, &file, report);
            }
        }
    }
    Ok(())
}

/// Reads the fixed part first: only a plausible length is read in full.
fn frame_at(
    window: &mut Window<'_>,
    at: u64,
    file: &FileHeader,
) -> Result<Result<(FrameHeader, Places), Defect>, Stop> {
    let header = match FrameHeader::decode(window.at(at, ALIGNMENT)?, file) {
        Ok(header) => header,
        Err(defect) => return Ok(Err(defect)),
    };
    Ok(frame::decode(
        window.at(at, header.frame_bytes as usize)?,
        file,
    ))
}

/// A valid frame beyond a bad one means that synced data is damaged.
fn later(
    window: &mut Window<'_>,
    bad: u64,
    file: &FileHeader,
    report: &mut Report<'_>,
) -> Result<(), Stop> {
    let mut at = bad + ALIGNMENT as u64;
    while at < window.source.bytes() {
        if frame_at(window, at, file)?.is_ok() {
            return report.wrong(
                bad,
                format_args!("this is no torn end: a valid frame follows at {at}"),
            );
        }
        at += ALIGNMENT as u64;
    }
    Ok(())
}

fn frame_lines(
    report: &mut Report<'_>,
    at: u64,
    header: &FrameHeader,
    sections: &Places,
) -> Result<(), Stop> {
    report.say(format_args!(
        "{at}: frame {} bytes {} synced {} run {:016x} previous crc {:08x} crc {:08x} sections {}",
        header.sequence,
        header.frame_bytes,
        header.synced_sequence,
        header.run,
        header.previous_crc,
        header.crc,
        sections.len(),
    ))?;
    for section in sections {
        let items: usize = section.entries.iter().map(|entry| entry.items.len()).sum();
        let (first, last) = (section.entries.first(), section.entries.last());
        let entries = match (first, last) {
            (Some(first), Some(last)) => {
                format!("{}-{} term {}", first.index, last.index, last.term)
            }
            _ => "none".to_owned(),
        };
        let state = section.hard_state.map_or(String::new(), |state| {
            format!(
                " hard state term {} vote {} commit {}",
                state.term, state.vote, state.commit
            )
        });
        report.say(format_args!(
            "  quorum {} entries {entries} items {items}{state}",
            section.quorum
        ))?;
    }
    Ok(())
}
