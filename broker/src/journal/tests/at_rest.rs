//! What lies in the files when a journal is opened: not always what was written and synced.

use super::*;

/// `before` with everything that was written to `after` since it was made.
fn with_writes_of(before: &MemoryDisk, after: &MemoryDisk) -> MemoryDisk {
    let disk = before.copy();
    for op in after.0.ops.borrow().iter() {
        disk.apply(op.clone());
    }
    disk
}

#[test]
fn a_frame_whose_sync_failed_is_written_again_before_it_is_believed() {
    let disk = journal_of(2);
    let before = disk.copy();
    let (journal, _) = open(&disk).unwrap();
    disk.0.fail_syncs.set(true);
    assert!(write(&journal, &raw(3, 3000)).is_err());
    // It is seen, and no sync will ever make it durable.
    let restarted = disk.copy();
    let (journal, frames) = open(&restarted).unwrap();
    assert_eq!(numbers(&frames), [1, 2, 3]);
    write(&journal, &raw(4, 3000)).unwrap();
    let (_, frames) = open(&with_writes_of(&before, &restarted)).unwrap();
    assert_eq!(numbers(&frames), [1, 2, 3, 4]);
}

#[test]
fn a_header_whose_sync_failed_is_written_again_before_it_is_believed() {
    let disk = journal_of(6);
    let (journal, _) = open(&disk).unwrap();
    block_on(journal.prepare_file()).unwrap();
    let before = disk.copy();
    disk.0.fail_syncs.set(true);
    assert!(write(&journal, &raw(7, 3000)).is_err());
    let restarted = disk.copy();
    let (journal, frames) = open(&restarted).unwrap();
    assert_eq!(numbers(&frames), [1, 2, 3, 4, 5, 6]);
    write(&journal, &raw(7, 3000)).unwrap();
    let (_, frames) = open(&with_writes_of(&before, &restarted)).unwrap();
    assert_eq!(numbers(&frames), [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn a_header_that_never_reached_the_file_is_corruption() {
    let disk = journal_of(13);
    let (journal, _) = open(&disk).unwrap();
    journal.recycle_below(13);
    let before = disk.copy();
    for index in 14..=25 {
        write(&journal, &raw(index, 3000)).unwrap();
    }
    let mut reused = 0;
    for number in 1..=3 {
        let old = before.0.files.borrow()[&path_of(number)][..FILE_HEADER_BYTES].to_vec();
        let copy = disk.copy();
        let mut changes = false;
        copy.edit(number, |data| {
            changes = data[..FILE_HEADER_BYTES] != old;
            data[..FILE_HEADER_BYTES].copy_from_slice(&old);
        });
        if changes {
            reused += 1;
            assert!(is_corrupt(open(&copy)), "file {number}");
        }
    }
    assert!(reused > 1, "files were used again");
}
