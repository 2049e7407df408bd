//! What is stored ahead of its commit.

use super::stored::Stored;
use super::*;

/// A batch that still has to be stamped: it stands at offset 0 in leader epoch -1.
fn unstamped(base_offset: i64, records: i32, log_append_time_ms: i64) -> LogBatch {
    let at_zero = batch(0, records, 100);
    LogBatch {
        base_offset,
        last_offset: base_offset + i64::from(records) - 1,
        stamp: Some(Stamp {
            leader_epoch: 3,
            log_append_time_ms,
        }),
        ..at_zero
    }
}

#[test]
fn what_is_stored_ahead_is_told_when_it_is_over_and_not_before() {
    on_disk(async |io, root| {
        let log = log(&io, &root);
        let (first, offset) = run_of(0, 5, 100);
        log.append(&first).await.unwrap();
        let before = log.segments();
        let new = [unstamped(offset, 3, -1), unstamped(offset + 3, 2, 77)];
        let stored = log.store_ahead(&new).await.unwrap();
        assert_eq!(log.segments(), before, "a manifest has nothing of it yet");
        assert!(!log.may_store_ahead(), "one at a time");
        assert_eq!(log.end_offset(), Some(offset + 5));
        log.ahead_is_over();
        assert!(log.may_store_ahead());
        assert_eq!(log.segments()[0].next_offset, offset + 5);
        let read = read_all(&log, offset, 1 << 20).await;
        assert_eq!(read, joined_slices(&stored), "memory and disk are the same");
        for (found, (base, time)) in batches(&read).zip([(offset, 1002), (offset + 3, 77)]) {
            let found = found.unwrap();
            let header = found.header();
            let is = (header.base_offset(), header.max_timestamp());
            assert_eq!((is, header.partition_leader_epoch()), ((base, time), 3));
            assert!(found.crc_matches());
        }
    });
}

#[test]
fn what_no_frame_told_of_is_overwritten() {
    on_disk(async |io, root| {
        let log = log(&io, &root);
        let (first, offset) = run_of(0, 3, 5000);
        log.append(&first).await.unwrap();
        let (second, _) = run_of(offset, 3, 5000);
        log.store_ahead(&second).await.unwrap();
        // No frame told of it, and the run ended.
        let after = log.segments();
        let again = restarted(&io, &root, &log);
        assert_eq!(again.segments(), after);
        let (other, _) = run_of(offset, 2, 700);
        again.append(&other).await.unwrap();
        assert_eq!(
            read_all(&again, 0, 1 << 20).await,
            joined(&[first, other].concat())
        );
    });
}

#[test]
fn a_log_whose_segments_are_all_forgotten_goes_on_behind_them() {
    on_disk(async |io, root| {
        let log = log(&io, &root);
        let (first, offset) = run_of(0, 3, 100);
        log.store_ahead(&first).await.unwrap();
        log.ahead_is_over();
        let forgotten = log.forget_below(offset);
        assert_eq!((forgotten.len(), log.segments().len()), (1, 0));
        // They are in memory still, and come again with what follows.
        let (second, _) = run_of(offset, 2, 100);
        log.append(&[first, second.clone()].concat()).await.unwrap();
        assert_eq!(log.segments()[0].base_offset(), offset);
        log.remove_segment(forgotten[0].id).await.unwrap();
        assert_eq!(read_all(&log, offset, 1 << 20).await, joined(&second));
        log.store_ahead(&run_of(offset + 3, 1, 100).0)
            .await
            .unwrap();
    });
}

#[test]
fn a_restart_goes_on_from_what_a_frame_tells_beyond_the_manifest() {
    on_disk(async |io, root| {
        let log = log(&io, &root);
        log.configure(4000, i64::MAX);
        let (first, offset) = run_of(0, 20, 100);
        log.append(&first).await.unwrap();
        let manifest = log.segments();
        log.checkpointed(&manifest);
        let (second, end) = run_of(offset, 20, 100);
        log.store_ahead(&second).await.unwrap();
        log.ahead_is_over();
        let told = log.told();
        assert_eq!(
            told[0].base_offset(),
            manifest.last().unwrap().base_offset()
        );
        let stored = Stored {
            manifest_sequence: 1,
            segments: told,
            headers: Vec::new(),
        };
        let again = super::log(&io, &root);
        again.restore(manifest, 0);
        again.continue_with(&stored);
        assert_eq!(again.segments(), log.segments());
        assert_eq!(again.told(), log.told(), "the manifest is still that one");
        let (third, _) = run_of(end, 3, 100);
        again.append(&third).await.unwrap();
        assert_eq!(
            read_all(&again, 0, 1 << 20).await,
            joined(&[first, second, third].concat())
        );
        // A manifest made later has it all.
        again.continue_with(&stored);
        assert_eq!(again.end_offset(), Some(third_end(end)));
    });
}

fn third_end(end: i64) -> i64 {
    run_of(end, 3, 100).1
}

fn joined_slices(slices: &[Slice]) -> Vec<u8> {
    slices.iter().flat_map(|slice| slice.to_vec()).collect()
}

#[test]
fn all_who_wait_for_an_idle_log_get_it() {
    on_disk(async |io, root| {
        let log = log(&io, &root);
        log.store_ahead(&run_of(0, 1, 100).0).await.unwrap();
        let end = async {
            futures_lite::future::yield_now().await;
            log.ahead_is_over();
        };
        // Neither appends anything.
        futures_util::future::join3(log.wait_idle(), log.wait_idle(), end).await;
    });
}
