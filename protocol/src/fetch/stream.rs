//! Fetch, the client's side: a response read as it arrives, in pieces of any size, so that a client that only looks at batch
//! headers needs no buffer of the response's size. Version 11. Does no IO; copies only what a piece cuts.

use thiserror::Error;

use crate::primitives::{DecodeError, Reader};
use crate::record_batch::{BatchHeader, BatchParseError, HEADER_BYTES};

/// The version whose responses are read: the newest without tagged fields.
pub const STREAM_VERSION: i16 = 11;
/// From the frame's length to the count of topics.
const RESPONSE_BYTES: usize = 22;
/// From the partition's number to the count of aborted transactions.
const PARTITION_BYTES: usize = 34;
/// After the aborted transactions: preferred read replica, and the records' length.
const RECORDS_LENGTH_BYTES: usize = 8;
const ABORTED_BYTES: usize = 16;
const INDEX_BYTES: usize = 4;

/// Why bytes are not a Fetch response.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FetchStreamError {
    /// A length or count is impossible.
    #[error("Fetch response: {field} of {value} is not acceptable")]
    Length {
        /// Which.
        field: &'static str,
        /// Its value.
        value: i64,
    },
    /// Primitive fields.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Records that are no record batch.
    #[error("Fetch response, partition {partition}: {source}")]
    Batch {
        /// Its number.
        partition: i32,
        /// Why.
        source: BatchParseError,
    },
}

/// What comes along, in this order: a response, and in it topics, and in those partitions, and in those batches.
#[derive(Debug)]
pub enum FetchEvent<'a> {
    /// A response begins.
    Response {
        /// The request's.
        correlation_id: i32,
        /// Kafka's code for the whole request.
        error_code: i16,
        /// The session that the broker keeps; 0 for none.
        session_id: i32,
    },
    /// A topic begins; its name.
    Topic(&'a [u8]),
    /// A partition of that topic begins.
    Partition {
        /// Its number.
        partition: i32,
        /// Kafka's code.
        error_code: i16,
        /// -1 on error.
        high_watermark: i64,
    },
    /// A batch that lies wholly in the response; its header, and its first bytes: as many as
    /// [`FetchStream::new`] was told, or all.
    Batch(BatchHeader<'a>, &'a [u8]),
    /// The response is over.
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Response,
    Topic,
    Partition,
    Batch,
    End,
}

enum Progress {
    /// The step needs so many bytes in one piece.
    Need(usize),
    /// The step took so many.
    Took(usize),
}

/// Where the reading of a connection's responses stands.
#[derive(Debug)]
pub struct FetchStream {
    batch_bytes_wanted: usize,
    response_bytes_max: usize,
    in_response: bool,
    response_left: usize,
    topics_left: usize,
    partitions_left: usize,
    records_left: usize,
    partition: i32,
    skip: usize,
    cut: Vec<u8>,
}

impl FetchStream {
    /// Of each batch, `batch_bytes_wanted` bytes come in one piece (at least the header; `usize::MAX`: all). A response above
    /// `response_bytes_max` is an error.
    pub fn new(batch_bytes_wanted: usize, response_bytes_max: usize) -> Self {
        Self {
            batch_bytes_wanted: batch_bytes_wanted.max(HEADER_BYTES),
            response_bytes_max,
            in_response: false,
            response_left: 0,
            topics_left: 0,
            partitions_left: 0,
            records_left: 0,
            partition: -1,
            skip: 0,
            cut: Vec::new(),
        }
    }

    /// Takes what arrived. After an error the stream is of no use any more.
    pub fn feed(
        &mut self,
        mut input: &[u8],
        on: &mut impl FnMut(FetchEvent<'_>),
    ) -> Result<(), FetchStreamError> {
        loop {
            if self.skip > 0 {
                let skipped = self.skip.min(input.len());
                self.skip -= skipped;
                input = &input[skipped..];
                if self.skip > 0 {
                    return Ok(());
                }
            }
            if self.cut.is_empty() {
                match self.step(input, on)? {
                    Progress::Took(taken) => input = &input[taken..],
                    Progress::Need(_) => {
                        self.cut.extend_from_slice(input);
                        return Ok(());
                    }
                }
                continue;
            }
            let mut cut = std::mem::take(&mut self.cut);
            let progress = self.step(&cut, on);
            match progress? {
                Progress::Took(taken) => {
                    assert_eq!(taken, cut.len(), "no more is kept than a step needs");
                    cut.clear();
                }
                Progress::Need(needed) => {
                    let more = (needed - cut.len()).min(input.len());
                    cut.extend_from_slice(&input[..more]);
                    input = &input[more..];
                    if more == 0 {
                        self.cut = cut;
                        return Ok(());
                    }
                }
            }
            self.cut = cut;
        }
    }

    fn next_step(&self) -> Step {
        match self {
            _ if !self.in_response => Step::Response,
            _ if self.records_left > 0 => Step::Batch,
            _ if self.partitions_left > 0 => Step::Partition,
            _ if self.topics_left > 0 => Step::Topic,
            _ => Step::End,
        }
    }

    fn step(
        &mut self,
        bytes: &[u8],
        on: &mut impl FnMut(FetchEvent<'_>),
    ) -> Result<Progress, FetchStreamError> {
        let progress = match self.next_step() {
            Step::Response => self.response(bytes, on)?,
            Step::Topic => self.topic(bytes, on)?,
            Step::Partition => self.begin_partition(bytes, on)?,
            Step::Batch => self.batch(bytes, on)?,
            Step::End => {
                if self.response_left > 0 {
                    return Err(impossible("rest", self.response_left as i64));
                }
                self.in_response = false;
                on(FetchEvent::End);
                Progress::Took(0)
            }
        };
        let (Progress::Need(bytes) | Progress::Took(bytes)) = progress;
        if self.in_response && bytes > self.response_left {
            return Err(impossible("field", bytes as i64));
        }
        if let Progress::Took(taken) = progress {
            self.response_left -= taken;
        }
        Ok(progress)
    }

    fn response(
        &mut self,
        bytes: &[u8],
        on: &mut impl FnMut(FetchEvent<'_>),
    ) -> Result<Progress, FetchStreamError> {
        if bytes.len() < RESPONSE_BYTES {
            return Ok(Progress::Need(RESPONSE_BYTES));
        }
        let mut reader = Reader::new(bytes);
        let length = length("response", reader.int32("length")?)?;
        if !(RESPONSE_BYTES - 4..=self.response_bytes_max).contains(&length) {
            return Err(impossible("response", length as i64));
        }
        let correlation_id = reader.int32("correlation_id")?;
        let _throttle_time_ms = reader.int32("throttle_time_ms")?;
        let error_code = reader.int16("error_code")?;
        let session_id = reader.int32("session_id")?;
        self.topics_left = length_or_null("responses", reader.int32("responses")?)?;
        // `step` takes off what this step takes.
        self.response_left = length + 4;
        self.in_response = true;
        on(FetchEvent::Response {
            correlation_id,
            error_code,
            session_id,
        });
        Ok(Progress::Took(RESPONSE_BYTES))
    }

    fn topic(
        &mut self,
        bytes: &[u8],
        on: &mut impl FnMut(FetchEvent<'_>),
    ) -> Result<Progress, FetchStreamError> {
        let Some(&name_bytes) = bytes.first_chunk::<2>() else {
            return Ok(Progress::Need(2));
        };
        let name_bytes = length("topic", i32::from(i16::from_be_bytes(name_bytes)))?;
        let whole = 2 + name_bytes + INDEX_BYTES;
        if bytes.len() < whole {
            return Ok(Progress::Need(whole));
        }
        let mut reader = Reader::new(&bytes[2 + name_bytes..]);
        self.partitions_left = length_or_null("partitions", reader.int32("partitions")?)?;
        self.topics_left -= 1;
        on(FetchEvent::Topic(&bytes[2..2 + name_bytes]));
        Ok(Progress::Took(whole))
    }

    fn begin_partition(
        &mut self,
        bytes: &[u8],
        on: &mut impl FnMut(FetchEvent<'_>),
    ) -> Result<Progress, FetchStreamError> {
        if bytes.len() < PARTITION_BYTES {
            return Ok(Progress::Need(PARTITION_BYTES));
        }
        let mut reader = Reader::new(bytes);
        let partition = reader.int32("partition_index")?;
        let error_code = reader.int16("error_code")?;
        let high_watermark = reader.int64("high_watermark")?;
        let _last_stable_offset = reader.int64("last_stable_offset")?;
        let _log_start_offset = reader.int64("log_start_offset")?;
        let aborted = reader.int32("aborted_transactions")?;
        let aborted = length_or_null("aborted_transactions", aborted)?;
        let aborted_bytes = aborted.saturating_mul(ABORTED_BYTES);
        let whole = (PARTITION_BYTES + RECORDS_LENGTH_BYTES).saturating_add(aborted_bytes);
        if bytes.len() < whole {
            return Ok(Progress::Need(whole));
        }
        let mut reader = Reader::new(&bytes[whole - 4..]);
        let records = length_or_null("records", reader.int32("records")?)?;
        if records + whole > self.response_left {
            return Err(impossible("records", records as i64));
        }
        self.records_left = records;
        self.partition = partition;
        self.partitions_left -= 1;
        on(FetchEvent::Partition {
            partition,
            error_code,
            high_watermark,
        });
        Ok(Progress::Took(whole))
    }

    /// A batch, or the cut one at the end of a partition's records, which is passed over.
    fn batch(
        &mut self,
        bytes: &[u8],
        on: &mut impl FnMut(FetchEvent<'_>),
    ) -> Result<Progress, FetchStreamError> {
        if self.records_left < HEADER_BYTES {
            return Ok(self.pass_over(self.records_left, 0));
        }
        if bytes.len() < HEADER_BYTES {
            return Ok(Progress::Need(HEADER_BYTES));
        }
        let partition = self.partition;
        let header = BatchHeader::parse(bytes)
            .map_err(|source| FetchStreamError::Batch { partition, source })?;
        let size = header.size_bytes();
        if size > self.records_left {
            return Ok(self.pass_over(self.records_left, HEADER_BYTES));
        }
        let wanted = size.min(self.batch_bytes_wanted);
        if bytes.len() < wanted {
            return Ok(Progress::Need(wanted));
        }
        on(FetchEvent::Batch(header, &bytes[..wanted]));
        Ok(self.pass_over(size, wanted))
    }

    /// Takes `seen` bytes of the records and lets the rest of `size` go by.
    fn pass_over(&mut self, size: usize, seen: usize) -> Progress {
        self.records_left -= size;
        self.skip = size - seen;
        self.response_left -= self.skip;
        Progress::Took(seen)
    }
}

fn impossible(field: &'static str, value: i64) -> FetchStreamError {
    FetchStreamError::Length { field, value }
}

fn length(field: &'static str, value: i32) -> Result<usize, FetchStreamError> {
    usize::try_from(value).map_err(|_| impossible(field, i64::from(value)))
}

fn length_or_null(field: &'static str, value: i32) -> Result<usize, FetchStreamError> {
    length(field, value.max(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compression::Compression;
    use crate::header::put_response_header;
    use crate::messages::fetch as wire;
    use crate::record_batch::RecordBatchBuilder;
    use std::borrow::Cow;

    fn batch(records: usize) -> Vec<u8> {
        let mut builder = RecordBatchBuilder::new(Compression::None);
        for _ in 0..records {
            builder
                .append(1, None, Some(b"value"), &[])
                .expect("appends");
        }
        builder.build().expect("builds")
    }

    fn partition<'a>(
        index: i32,
        records: &'a [u8],
        aborted: usize,
    ) -> wire::FetchResponseTopicResponsePartitionData<'a> {
        let transaction =
            wire::FetchResponseTopicResponsePartitionDataAbortedTransaction::default();
        wire::FetchResponseTopicResponsePartitionData {
            partition_index: index,
            high_watermark: 77,
            aborted_transactions: (aborted > 0).then(|| vec![transaction; aborted]),
            records: (!records.is_empty()).then_some(Cow::Borrowed(records)),
            ..Default::default()
        }
    }

    fn response(correlation_id: i32) -> Vec<u8> {
        let whole = [batch(3), batch(1), batch(40)].concat();
        let cut = [&batch(2)[..], &batch(9)[..70]].concat();
        let short = [&batch(2)[..], &batch(9)[..5]].concat();
        let topic = |name: &'static str, partitions| wire::FetchResponseTopicResponse {
            topic: Cow::Borrowed(name),
            partitions,
            ..Default::default()
        };
        let response = wire::FetchResponse {
            responses: vec![
                topic("first", vec![partition(0, &whole, 2), partition(1, &[], 0)]),
                topic("empty", Vec::new()),
                topic("last", vec![partition(5, &cut, 0), partition(6, &short, 1)]),
            ],
            ..Default::default()
        };
        let mut out = vec![0; 4];
        put_response_header(&mut out, wire::KEY, STREAM_VERSION, correlation_id);
        response.encode(&mut out, STREAM_VERSION);
        let length = (out.len() - 4) as i32;
        out[..4].copy_from_slice(&length.to_be_bytes());
        out
    }

    fn read(bytes: &[u8], piece: usize, wanted: usize) -> Vec<String> {
        let mut stream = FetchStream::new(wanted, 1 << 20);
        let mut seen = Vec::new();
        for piece in bytes.chunks(piece) {
            let fed = stream.feed(piece, &mut |event| {
                seen.push(match event {
                    FetchEvent::Response { correlation_id, .. } => {
                        format!("response {correlation_id}")
                    }
                    FetchEvent::Topic(name) => String::from_utf8_lossy(name).into_owned(),
                    FetchEvent::Partition {
                        partition,
                        high_watermark,
                        ..
                    } => {
                        assert_eq!(high_watermark, 77);
                        format!("partition {partition}")
                    }
                    FetchEvent::Batch(header, bytes) => {
                        assert_eq!(bytes.len(), wanted.clamp(HEADER_BYTES, header.size_bytes()));
                        if wanted == usize::MAX {
                            assert!(header.crc_matches_pieces([bytes]));
                        }
                        format!("{} records", header.record_count())
                    }
                    FetchEvent::End => "end".to_owned(),
                });
            });
            fed.expect("a good response");
        }
        seen
    }

    #[test]
    fn a_response_is_the_same_in_pieces_of_any_size() {
        let bytes = [response(1), response(2)].concat();
        let of = |number: i32| {
            let mut seen = vec![format!("response {number}")];
            let rest = "first,partition 0,3 records,1 records,40 records,partition 1,empty,last,partition 5,2 records,partition 6,2 records,end";
            seen.extend(rest.split(',').map(str::to_owned));
            seen
        };
        let expected = [of(1), of(2)].concat();
        for wanted in [0, 70, usize::MAX] {
            for piece in (1..200).chain([bytes.len()]) {
                assert_eq!(read(&bytes, piece, wanted), expected, "{piece} {wanted}");
            }
        }
    }

    #[test]
    fn lying_lengths_are_errors_and_allocate_nothing() {
        let good = response(1);
        let mut stream = FetchStream::new(usize::MAX, 100);
        assert!(stream.feed(&good, &mut |_| {}).is_err(), "above the bound");
        // Each 4-byte window as a huge and as a negative length: an error or not, but never a panic.
        for at in 0..good.len() - 4 {
            for lie in [i32::MAX, -2, 1 << 20] {
                let mut bytes = good.clone();
                bytes[at..at + 4].copy_from_slice(&lie.to_be_bytes());
                let mut stream = FetchStream::new(usize::MAX, 1 << 20);
                let _ = stream.feed(&bytes, &mut |_| {});
                assert!(stream.cut.capacity() <= 4 * good.len(), "byte {at}");
            }
        }
    }
}
