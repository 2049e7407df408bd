//! A journal on a real file system: what was written comes back; torn tails are cut, damage is not.

use std::path::PathBuf;

use super::frame::{EntryKind, HardState, ItemKind};
use super::*;
use crate::io::production::run_local;

fn options(directory: &Path) -> JournalOptions {
    JournalOptions {
        directory: directory.to_owned(),
        file_bytes: 128 << 10,
        journal_bytes_max: 512 << 10,
        frame_bytes_max: 64 << 10,
    }
}

fn section(index: u64, body: &[u8]) -> Section<Bytes> {
    let item = Item {
        kind: ItemKind::Record,
        topic_id: 7,
        partition: 1,
        offset: 5,
        leader_epoch: 2,
        log_append_time_ms: -1,
        body: Bytes::copy_from_slice(body),
    };
    let entry = Entry {
        index,
        term: 3,
        kind: EntryKind::Normal,
        items: vec![item.clone(), item],
    };
    Section {
        quorum: 9,
        hard_state: Some(HardState {
            term: 3,
            vote: 1,
            commit: index,
        }),
        entries: vec![entry],
    }
}

async fn recover(
    io: &Io,
    directory: &Path,
) -> Result<(Journal, Vec<(u64, Vec<u8>)>), JournalError> {
    let (journal, mut recovery) = Journal::open(io.clone(), options(directory)).await?;
    let mut frames = Vec::new();
    while let Some(frame) = recovery.next_frame().await? {
        for entry in frame.sections.iter().flat_map(|section| &section.entries) {
            assert_eq!(entry.items.len(), 2);
            frames.push((entry.index, entry.items[1].body.to_vec()));
        }
    }
    Ok((journal, frames))
}

fn body(index: u64) -> Vec<u8> {
    vec![index as u8; (index as usize * 997) % 9000]
}

async fn fill(journal: &Journal, indices: std::ops::Range<u64>) {
    for index in indices {
        let written = journal
            .write(vec![section(index, &body(index))])
            .await
            .unwrap();
        assert_eq!(&*written.sections[0].entries[0].items[0].body, body(index));
    }
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

fn newest(directory: &Path) -> PathBuf {
    let mut files: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.pop().unwrap()
}

#[test]
fn frames_come_back_over_rolls_restarts_and_recycling() {
    let directory = tempfile::tempdir_in(".").unwrap();
    run_local(async |io| {
        let (journal, frames) = recover(&io, directory.path()).await.unwrap();
        assert!(frames.is_empty());
        fill(&journal, 1..30).await;
        let expected = |range: std::ops::Range<u64>| {
            range.map(|index| (index, body(index))).collect::<Vec<_>>()
        };
        let (journal, frames) = recover(&io, directory.path()).await.unwrap();
        assert!(frames == expected(1..30));
        journal.mark().await.unwrap();
        fill(&journal, 30..31).await;
        let keep = journal.next_sequence();
        journal.recycle_below(keep);
        fill(&journal, 31..60).await;
        let (_, frames) = recover(&io, directory.path()).await.unwrap();
        assert_eq!(frames.last().unwrap().0, 59);
        assert!(
            frames.first().unwrap().0 > 1 && frames.first().unwrap().0 <= 31,
            "recycled frames do not come back"
        );
        assert!(frames == expected(frames[0].0..60));
    });
}

#[test]
fn a_torn_last_frame_is_cut_and_overwritten() {
    for tear in [4096 + 100, 4096 + 2000] {
        let directory = tempfile::tempdir_in(".").unwrap();
        run_local(async |io| {
            let (journal, _) = recover(&io, directory.path()).await.unwrap();
            fill(&journal, 1..2).await;
            flip(&newest(directory.path()), tear);
            let (journal, frames) = recover(&io, directory.path()).await.unwrap();
            assert!(frames.is_empty(), "it never happened");
            fill(&journal, 1..3).await;
            let (_, frames) = recover(&io, directory.path()).await.unwrap();
            assert_eq!(frames.len(), 2);
        });
    }
}

#[test]
fn damage_to_synced_frames_is_an_error_and_changes_nothing() {
    for mark in [false, true] {
        let directory = tempfile::tempdir_in(".").unwrap();
        run_local(async |io| {
            let (journal, _) = recover(&io, directory.path()).await.unwrap();
            fill(&journal, 1..2).await;
            if mark {
                journal.mark().await.unwrap();
            } else {
                fill(&journal, 2..3).await;
            }
            let path = newest(directory.path());
            flip(&path, 4096 + 100);
            let before = std::fs::read(&path).unwrap();
            let failed = recover(&io, directory.path()).await.err();
            assert!(
                matches!(failed, Some(JournalError::Corrupt { sequence: 1, .. })),
                "{failed:?}"
            );
            assert!(std::fs::read(&path).unwrap() == before);
        });
    }
}
