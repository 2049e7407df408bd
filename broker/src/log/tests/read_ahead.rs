//! What is read before it is asked for.

use super::*;

const WINDOW: usize = 64 << 10;

/// Waits until nothing is read ahead any more.
async fn all_has_come(io: &Io, log: &PartitionLog) {
    while log.shared.read_ahead.on_their_way() > 0 {
        io.executor.yield_now().await;
    }
}

async fn read_on(log: &PartitionLog, offset: &mut i64, ahead: bool) -> Result<usize, LogError> {
    let wanted = Wanted {
        ahead,
        ..wanted(*offset, WINDOW)
    };
    let found = log.read(&wanted).await?.unwrap_or_default();
    *offset = found.next_offset;
    Ok(found.batches.len())
}

#[test]
fn who_goes_on_where_a_read_ended_finds_the_next_window_there() {
    on_disk(async |io, root| {
        let (io, disk) = Faults::around(&io);
        let before = log(&io, &root);
        let (run, _) = run_of(0, 200, 3000);
        before.append(&run).await.unwrap();
        let log = restarted(&io, &root, &before);
        // The index is there from here on.
        read_on(&log, &mut run[100].base_offset.clone(), true)
            .await
            .unwrap();
        let mut offset = 0;
        disk.bytes_read.set(0);
        assert!(read_on(&log, &mut offset, true).await.unwrap() > 0);
        all_has_come(&io, &log).await;
        let read_once = disk.bytes_read.get();
        assert!(
            read_once < 2 * WINDOW as u64,
            "one that comes for the first time may not come again: {read_once}"
        );
        assert!(read_on(&log, &mut offset, true).await.unwrap() > 0);
        all_has_come(&io, &log).await;
        let read = disk.bytes_read.get();
        assert!(read > read_once + WINDOW as u64 * 2);
        // The third is there, in memory that counts, and is not kept when it was given out.
        assert!(log.shared.read_ahead_bytes() > WINDOW);
        assert!(read_on(&log, &mut offset, false).await.unwrap() > 0);
        assert_eq!(disk.bytes_read.get(), read);
        assert!(log.shared.read_ahead_bytes() < WINDOW);
        // Without, the fourth is read when it is asked for; and all of them are what was written.
        assert!(read_on(&log, &mut offset, false).await.unwrap() > 0);
        assert!(disk.bytes_read.get() > read);
        assert!(read_all(&log, 0, WINDOW).await == joined(&run));
    });
}

#[test]
fn a_window_that_could_not_be_read_ahead_is_read_by_who_wants_it() {
    on_disk(async |io, root| {
        let before = log(&io, &root);
        let (run, _) = run_of(0, 200, 3000);
        before.append(&run).await.unwrap();
        let path = file_of(&root, SegmentId::appended(0).segment_name());
        let log = restarted(&io, &root, &before);
        let mut offset = 0;
        read_on(&log, &mut offset, true).await.unwrap();
        let whole = std::fs::read(&path).unwrap();
        // A read that finds nothing where there should be a segment.
        let second = offset;
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_len(WINDOW as u64 * 2).unwrap();
        read_on(&log, &mut offset, true).await.unwrap();
        assert!(offset > second);
        all_has_come(&io, &log).await;
        assert!(read_on(&log, &mut offset.clone(), true).await.is_err());
        // And once it has come back.
        std::fs::write(&path, whole).unwrap();
        assert!(read_all(&log, offset, WINDOW).await == joined_from(&run, offset));
    });
}

fn joined_from(run: &[LogBatch], offset: i64) -> Vec<u8> {
    let first = run.partition_point(|batch| batch.base_offset < offset);
    joined(&run[first..])
}

#[test]
fn blocks_that_may_be_written_again_are_not_read_ahead() {
    on_disk(async |io, root| {
        let log = log(&io, &root);
        let (run, end) = run_of(0, 60, 3000);
        log.append(&run).await.unwrap();
        let bytes_from = |offset| joined_from(&run, offset).len();
        let (mut offset, mut reads) = (0, [0, 0]);
        while offset < end {
            read_on(&log, &mut offset, true).await.unwrap();
            all_has_come(&io, &log).await;
            let whole = bytes_from(offset) >= WINDOW + 2 * ALIGNMENT;
            let is_first = reads == [0, 0];
            assert_eq!(
                log.shared.read_ahead_bytes() > WINDOW,
                whole && !is_first,
                "{offset}"
            );
            reads[usize::from(whole)] += 1;
        }
        assert!(reads[0] > 1 && reads[1] > 1, "both were seen");
        // What the last block had is there with what comes after it.
        let (more, _) = run_of(end, 3, 3000);
        log.append(&more).await.unwrap();
        assert!(read_all(&log, end, WINDOW).await == joined(&more));
    });
}
