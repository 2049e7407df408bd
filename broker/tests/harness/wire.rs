//! Requests by hand, and an honest client that checks every record it was promised.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use protocol::compression::Compression;
use protocol::header::RequestHeader;
use protocol::record::records;
use protocol::record_batch::{RecordBatchBuilder, batches};

use crate::broker::connect;

pub const PRODUCE: i16 = 0;
pub const FETCH: i16 = 1;
pub const METADATA: i16 = 3;
pub const API_VERSIONS: i16 = 18;
pub const CREATE_TOPICS: i16 = 19;
pub const DELETE_TOPICS: i16 = 20;

/// A frame with its length.
pub fn frame(key: i16, version: i16, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 4];
    let header = RequestHeader {
        api_key: key,
        api_version: version,
        correlation_id: 7,
        client_id: Some("hostile".into()),
    };
    header.encode(&mut out);
    out.extend_from_slice(body);
    let length = i32::try_from(out.len() - 4).unwrap();
    out[..4].copy_from_slice(&length.to_be_bytes());
    out
}

/// The next reply, with its header, or `None` when the connection was closed.
pub fn reply(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    if let Err(error) = stream.read_exact(&mut length) {
        return closed(&error);
    }
    let length = usize::try_from(i32::from_be_bytes(length)).unwrap();
    let mut bytes = vec![0; length];
    match stream.read_exact(&mut bytes) {
        Ok(()) => Some(bytes),
        Err(error) => closed(&error),
    }
}

fn closed(error: &io::Error) -> Option<Vec<u8>> {
    let gone = [
        io::ErrorKind::UnexpectedEof,
        io::ErrorKind::ConnectionReset,
        io::ErrorKind::BrokenPipe,
    ];
    assert!(
        gone.contains(&error.kind()),
        "no answer, and not closed: {error}"
    );
    None
}

/// Sends `bytes` on a new connection. `None`: it was closed without a reply.
pub fn try_once(port: u16, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut stream = connect(port);
    // The broker may close while much is still being sent.
    match stream.write_all(bytes) {
        Ok(()) => reply(&mut stream),
        Err(error) => closed(&error),
    }
}

/// Big-endian fields, one after the other.
#[derive(Default)]
pub struct Body(pub Vec<u8>);

impl Body {
    pub fn i8(mut self, value: i8) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }
    pub fn i16(mut self, value: i16) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }
    pub fn i32(mut self, value: i32) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }
    pub fn i64(mut self, value: i64) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }
    pub fn text(self, text: &str) -> Self {
        let mut out = self.i16(i16::try_from(text.len()).unwrap());
        out.0.extend(text.as_bytes());
        out
    }
    pub fn bytes(self, bytes: &[u8]) -> Self {
        let mut out = self.i32(i32::try_from(bytes.len()).unwrap());
        out.0.extend(bytes);
        out
    }
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }
}

/// Fields of a reply, in order.
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    pub fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }
    pub fn i16(&mut self) -> i16 {
        i16::from_be_bytes(self.take(2).try_into().unwrap())
    }
    pub fn i32(&mut self) -> i32 {
        i32::from_be_bytes(self.take(4).try_into().unwrap())
    }
    pub fn i64(&mut self) -> i64 {
        i64::from_be_bytes(self.take(8).try_into().unwrap())
    }
    pub fn text(&mut self) -> &'a str {
        let length = self.i16().max(0);
        std::str::from_utf8(self.take(usize::try_from(length).unwrap())).unwrap()
    }
    pub fn bytes(&mut self) -> &'a [u8] {
        let length = self.i32().max(0);
        self.take(usize::try_from(length).unwrap())
    }
}

/// A Produce v7 frame with these record bytes for partition 0 of `topic`.
pub fn produce(topic: &str, acks: i16, records: &[u8]) -> Vec<u8> {
    let body = Body::default()
        .i16(-1)
        .i16(acks)
        .i32(30_000)
        .i32(1)
        .text(topic);
    frame(PRODUCE, 7, &body.i32(1).i32(0).bytes(records).0)
}

/// Error code and base offset of a Produce v7 reply for one partition.
pub fn produced(reply: &[u8]) -> (i16, i64) {
    let mut fields = Fields(reply);
    fields.take(4 + 4);
    fields.text();
    fields.take(4 + 4);
    (fields.i16(), fields.i64())
}

/// A Fetch v4 frame for partition 0 of `topic` that does not wait.
pub fn fetch(topic: &str, offset: i64, bytes_max: i32) -> Vec<u8> {
    let body = Body::default().i32(-1).i32(0).i32(0).i32(bytes_max).i8(0);
    let body = body
        .i32(1)
        .text(topic)
        .i32(1)
        .i32(0)
        .i64(offset)
        .i32(bytes_max);
    frame(FETCH, 4, &body.0)
}

/// Error code, high watermark and record bytes of a Fetch v4 reply for one partition.
pub fn fetched(reply: &[u8]) -> (i16, i64, &[u8]) {
    let mut fields = Fields(reply);
    fields.take(4 + 4 + 4);
    fields.text();
    fields.take(4 + 4);
    let (code, high_watermark) = (fields.i16(), fields.i64());
    fields.take(8 + 4);
    (code, high_watermark, fields.bytes())
}

/// One batch of these values.
pub fn batch(compression: Compression, values: &[&[u8]]) -> Vec<u8> {
    let mut builder = RecordBatchBuilder::new(compression);
    for value in values {
        builder
            .append(1_700_000_000_000, None, Some(value), &[])
            .unwrap();
    }
    builder.build().unwrap()
}

/// Makes `topic` with `partitions`; Kafka's code.
pub fn create_topic(port: u16, topic: &str, partitions: i32, configs: &[(&str, &str)]) -> i16 {
    let body = Body::default()
        .i32(1)
        .text(topic)
        .i32(partitions)
        .i16(1)
        .i32(0);
    let mut body = body.i32(i32::try_from(configs.len()).unwrap());
    for (name, value) in configs {
        body = body.text(name).text(value);
    }
    let made = try_once(port, &frame(CREATE_TOPICS, 2, &body.i32(30_000).i8(0).0));
    let made = made.expect("topics can be made");
    let mut fields = Fields(&made);
    fields.take(4 + 4 + 4);
    fields.text();
    fields.i16()
}

/// A client that goes on producing to a topic of its own while others misbehave, and then reads everything back.
pub struct Honest {
    port: u16,
    topic: String,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
    /// How long each of its requests took, microseconds.
    thread: JoinHandle<Vec<u64>>,
}

/// Contents of an honest client's record.
pub fn honest_value(number: u64) -> Vec<u8> {
    let mut value = format!("record {number} ").into_bytes();
    value.resize(200, b'a' + u8::try_from(number % 26).unwrap());
    value
}

impl Honest {
    /// Begins on `topic`, which it makes, and returns when it is in: connected, and served once.
    pub fn start(port: u16, topic: &str) -> Self {
        assert_eq!(create_topic(port, topic, 1, &[]), 0);
        let stop = Arc::new(AtomicBool::new(false));
        let acknowledged = Arc::new(AtomicU64::new(0));
        let (ending, counted, name) = (stop.clone(), acknowledged.clone(), topic.to_owned());
        let thread = std::thread::spawn(move || {
            let mut stream = connect(port);
            let mut latencies = Vec::new();
            while !ending.load(Ordering::SeqCst) {
                let begun = std::time::Instant::now();
                let next = counted.load(Ordering::SeqCst);
                let values = [honest_value(next), honest_value(next + 1)];
                let records = batch(Compression::None, &[&values[0], &values[1]]);
                stream.write_all(&produce(&name, -1, &records)).unwrap();
                let answer = reply(&mut stream).expect("an honest client is never closed");
                let expected = (0, i64::try_from(next).unwrap());
                assert_eq!(produced(&answer), expected, "an honest client is served");
                counted.store(next + 2, Ordering::SeqCst);
                latencies.push(u64::try_from(begun.elapsed().as_micros()).unwrap());
            }
            latencies
        });
        let honest = Self {
            port,
            topic: topic.to_owned(),
            stop,
            acknowledged,
            thread,
        };
        honest.goes_on();
        honest
    }

    /// Records acknowledged so far.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::SeqCst)
    }

    /// Waits until it was served once more, begun after now.
    pub fn goes_on(&self) {
        let before = self.acknowledged();
        let deadline = std::time::Instant::now() + crate::broker::PATIENCE;
        while self.acknowledged() < before + 4 {
            assert!(!self.thread.is_finished(), "the honest client failed");
            assert!(
                std::time::Instant::now() < deadline,
                "the honest client waits"
            );
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }

    /// Ends it and reads everything back: what was acknowledged is there, once, in order, and nothing else.
    pub fn finish(self) -> u64 {
        self.finish_timed().0
    }

    /// As [`Honest::finish`]; also how long each of its requests took, microseconds, the shortest first.
    pub fn finish_timed(self) -> (u64, Vec<u64>) {
        self.goes_on();
        self.stop.store(true, Ordering::SeqCst);
        let ended = self.thread.join();
        let mut latencies = ended.expect("the honest client was served throughout");
        let acknowledged = self.acknowledged.load(Ordering::SeqCst);
        assert_records(self.port, &self.topic, acknowledged..=acknowledged);
        latencies.sort_unstable();
        (acknowledged, latencies)
    }
}

/// Asserts that `topic` holds as many records as `counts` allows, in order, each with its contents, and nothing else.
pub fn assert_records(port: u16, topic: &str, counts: RangeInclusive<u64>) {
    let mut stream = connect(port);
    let mut next = 0u64;
    loop {
        let asked = fetch(topic, i64::try_from(next).unwrap(), 1 << 20);
        stream.write_all(&asked).unwrap();
        let answer = reply(&mut stream).expect("a fetch is answered");
        let (code, high_watermark, bytes) = fetched(&answer);
        assert_eq!(code, 0);
        for found in batches(bytes) {
            let found = found.unwrap();
            for record in records(found.payload()).map(Result::unwrap) {
                assert_eq!(record.value, Some(&honest_value(next)[..]), "record {next}");
                next += 1;
            }
        }
        if i64::try_from(next).unwrap() == high_watermark {
            break;
        }
    }
    assert!(
        counts.contains(&next),
        "{next} records of {topic}, not {counts:?}"
    );
}
