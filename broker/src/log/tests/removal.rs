//! Segments that are over: forgotten, removed, and swept up after a run that did not come to it.

use super::*;

/// A log of several segments of 100 KB, and the batches in it.
async fn filled(io: &Io, root: &Path) -> (PartitionLog, Vec<LogBatch>) {
    let log = log(io, root);
    log.configure(100_000, i64::MAX);
    let (run, _) = run_of(0, 300, 1000);
    log.append(&run).await.unwrap();
    assert!(log.segments().len() >= 5);
    (log, run)
}

/// Names of segments and indexes below the root.
async fn files(io: &Io, log: &PartitionLog) -> Vec<i64> {
    let listed = io.disk.list(&log.directory).await.unwrap();
    let names = listed
        .iter()
        .map(|entry| SegmentId::of_name(&entry.name).map(|id| id.base_offset));
    names.flatten().collect()
}

fn from(run: &[LogBatch], offset: i64) -> Vec<u8> {
    joined(&run[run.partition_point(|batch| batch.last_offset < offset)..])
}

#[test]
fn what_is_below_the_log_start_is_forgotten_in_whole_segments() {
    on_disk(async |io, root| {
        let (log, run) = filled(&io, &root).await;
        let all = log.segments();
        assert!(
            log.forget_below(all[1].next_offset - 1).len() == 1,
            "the second is needed"
        );
        assert_eq!(log.forget_below(all[1].next_offset), [all[1]]);
        assert!(log.forget_below(0).is_empty());
        assert_eq!(log.segments(), all[2..]);
        let kept = from(&run, all[2].base_offset());
        assert!(read_all(&log, all[2].base_offset(), 1 << 20).await == kept);
        for gone in &all[..2] {
            log.remove_segment(gone.id).await.unwrap();
            log.remove_segment(gone.id).await.unwrap();
        }
        assert!(
            files(&io, &log)
                .await
                .iter()
                .all(|base| *base >= all[2].base_offset())
        );
        assert!(read_all(&log, all[2].base_offset(), 1 << 20).await == kept);
        let again = restarted(&io, &root, &log);
        assert!(read_all(&again, all[2].base_offset(), 1 << 20).await == kept);
    });
}

#[test]
fn a_log_whose_segments_are_all_over_goes_on_where_it_ended() {
    on_disk(async |io, root| {
        let (log, run) = filled(&io, &root).await;
        let end = run.last().unwrap().last_offset + 1;
        for segment in log.forget_below(end) {
            log.remove_segment(segment.id).await.unwrap();
        }
        assert!(log.segments().is_empty() && files(&io, &log).await.is_empty());
        let (more, _) = run_of(end, 20, 1000);
        log.append(&more).await.unwrap();
        assert_eq!(log.segments()[0].base_offset(), end);
        assert!(read_all(&log, end, 1 << 20).await == joined(&more));
    });
}

#[test]
fn files_that_an_earlier_run_forgot_are_swept_up_once() {
    on_disk(async |io, root| {
        let (log, run) = filled(&io, &root).await;
        let start = log.segments()[3].base_offset();
        assert_eq!(log.forget_below(start).len(), 3);
        let again = restarted(&io, &root, &log);
        again.sweep(start).await.unwrap();
        let left = files(&io, &again).await;
        assert!(left.contains(&start) && left.iter().all(|base| *base >= start));
        assert!(read_all(&again, start, 1 << 20).await == from(&run, start));
        let never_written = PartitionLog::new(shared(&io, &root), "u", 0, 8);
        never_written.sweep(5).await.unwrap();
    });
}

#[test]
fn a_reader_of_a_removed_segment_reads_on() {
    on_disk(async |io, root| {
        let (log, run) = filled(&io, &root).await;
        let first = log.segments()[0];
        let reader = log.reader(&first).await.unwrap();
        log.forget_below(first.next_offset);
        log.remove_segment(first.id).await.unwrap();
        let mut at = first.start();
        let mut read = Vec::new();
        while !reader.is_at_end(&at) {
            let window = reader.window(&at, 1 << 20).await.unwrap();
            while !reader.is_at_end(&at)
                && let Some(extent) = reader.batch_at(&window, &at).unwrap()
            {
                let mut slices = Vec::new();
                reader
                    .whole(&window, &at, &extent, &mut slices)
                    .await
                    .unwrap();
                slices
                    .iter()
                    .for_each(|slice| read.extend_from_slice(slice));
                at = at.after(&extent);
            }
        }
        let count = run.partition_point(|batch| batch.last_offset < first.next_offset);
        assert!(read == joined(&run[..count]));
    });
}

#[test]
fn a_segment_that_nothing_could_be_written_to_is_not_over() {
    on_disk(async |io, root| {
        let (io, faults) = Faults::around(&io);
        let log = log(&io, &root);
        let (run, _) = run_of(0, 10, 1000);
        faults.full_after.set(Some(0));
        assert!(matches!(
            log.append(&run).await,
            Err(LogError::NoSpace { .. })
        ));
        let forgotten = log.forget_below(5);
        faults.full_after.set(None);
        log.append(&run).await.unwrap();
        for Segment { id, .. } in forgotten {
            log.remove_segment(id).await.unwrap();
        }
        assert!(read_all(&log, 5, 1 << 20).await == from(&run, 5));
    });
}

#[test]
fn what_is_written_while_left_over_files_are_swept_up_stays() {
    on_disk(async |io, root| {
        let earlier = log(&io, &root);
        earlier.configure(1, i64::MAX);
        let (all, _) = run_of(0, 60, 100);
        earlier.append(&all).await.unwrap();
        assert_eq!(earlier.segments().len(), all.len());
        // No checkpoint knows of them; the journal has brought their records back, and the log starts within the last one.
        let (slow, faults) = Faults::around(&io);
        faults.remove_turns.set(2_000_000);
        let again = log(&slow, &root);
        again.configure(1, i64::MAX);
        let start = all[all.len() - 1].last_offset;
        let write = async {
            again.wait_idle().await;
            again.append(&all).await
        };
        let (swept, written) = futures_util::future::join(again.sweep(start), write).await;
        swept.unwrap();
        written.unwrap();
        assert_eq!(read_all(&again, 0, 1 << 20).await, joined(&all));
        for segment in again.segments() {
            assert!(file_of(&root, segment.id.segment_name()).exists());
        }
    });
}
