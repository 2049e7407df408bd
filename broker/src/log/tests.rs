//! Segments on a real file system, against a model.

use std::rc::Rc;

use bytes::Bytes;
use protocol::compression::Compression;
use protocol::record_batch::{RecordBatch, RecordBatchBuilder, batches};

use super::*;
use crate::io::production::run_local;

fn batch(base_offset: i64, records: i32, value_bytes: usize) -> LogBatch {
    let mut builder = RecordBatchBuilder::new(Compression::None);
    builder.base_offset(base_offset);
    for record in 0..records {
        let value = vec![(base_offset + i64::from(record)) as u8; value_bytes];
        builder
            .append(
                1000 + base_offset + i64::from(record),
                None,
                Some(&value),
                &[],
            )
            .unwrap();
    }
    let bytes = Bytes::from(builder.build().unwrap());
    let header = RecordBatch::parse(&bytes).unwrap();
    let (last_offset, max_timestamp) = (header.last_offset(), header.max_timestamp());
    LogBatch {
        base_offset,
        last_offset,
        max_timestamp,
        bytes: Slice::from(bytes),
    }
}

fn log(io: &Io, root: &Path) -> PartitionLog {
    PartitionLog::new(io.clone(), root, "t", 0, 7, OpenFiles::new(4))
}

async fn read_all(log: &PartitionLog, from: i64, bytes_max: usize) -> Vec<u8> {
    let (mut out, mut offset) = (Vec::new(), from);
    loop {
        let slices = log.read(offset, bytes_max, true, i64::MAX).await.unwrap();
        let part: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
        match batches(&part).last() {
            Some(last) => offset = last.unwrap().last_offset() + 1,
            None => return out,
        }
        out.extend(part);
    }
}

#[test]
fn what_was_appended_is_read_whatever_the_sizes_also_after_a_restart() {
    let directory = tempfile::tempdir_in(".").unwrap();
    let root = directory.path().to_owned();
    run_local(async |io| {
        let log = log(&io, &root);
        log.configure(1 << 20, i64::MAX);
        let (mut expected, mut offset) = (Vec::new(), 0);
        for round in 0..60usize {
            let some: Vec<LogBatch> = (0..1 + round % 3)
                .map(|_| {
                    let one = batch(
                        offset,
                        1 + (round % 5) as i32,
                        1 + round * round * 23 % 9000,
                    );
                    offset = one.last_offset + 1;
                    expected.extend_from_slice(&one.bytes);
                    one
                })
                .collect();
            log.append(&some).await.unwrap();
        }
        let big = batch(offset, 1, 3 << 20);
        expected.extend_from_slice(&big.bytes);
        log.append(std::slice::from_ref(&big)).await.unwrap();
        assert!(log.segments().len() > 2, "it rolled by size");
        for bytes_max in [1, 5000, 1 << 20] {
            assert!(
                read_all(&log, 0, bytes_max).await == expected,
                "read {bytes_max} bytes at a time"
            );
        }
        let again = self::log(&io, &root);
        again.restore(log.segments());
        assert!(
            read_all(&again, 0, 70_000).await == expected,
            "after a restart, without an index"
        );
        let more = batch(offset + 1, 2, 100);
        again.append(std::slice::from_ref(&more)).await.unwrap();
        expected.extend_from_slice(&more.bytes);
        assert!(
            read_all(&again, 0, 1 << 20).await == expected,
            "an append continues in the last block"
        );
        let found = again
            .batch_for_timestamp(1000 + 50, i64::MAX)
            .await
            .unwrap()
            .unwrap();
        assert!(RecordBatch::parse(&found).unwrap().max_timestamp() >= 1050);
        again.remove().await.unwrap();
        assert!(io.disk.list(&root).await.unwrap().is_empty());
    });
}

#[test]
fn a_sealed_segment_holds_batches_and_nothing_else() {
    let directory = tempfile::tempdir_in(".").unwrap();
    let root = directory.path().to_owned();
    run_local(async |io| {
        let log = Rc::new(log(&io, &root));
        log.configure(1 << 20, 10);
        let first = batch(0, 3, 10);
        log.append(std::slice::from_ref(&first)).await.unwrap();
        log.append(&[batch(3, 50, 10)]).await.unwrap();
        assert_eq!(log.segments().len(), 2, "it rolled by time");
        let path = root
            .join(format::directory_name("t", 0, 7))
            .join(format::segment_name(0));
        let file = io.disk.open(&path, OpenMode::Read).await.unwrap();
        assert_eq!(file.bytes().unwrap(), first.bytes.len() as u64);
        assert_eq!(&*file.read_at(0, 4096).await.unwrap(), &*first.bytes);
    });
}
