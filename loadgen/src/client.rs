//! A blocking client: one connection, requests in order, and the few requests that set a run up. It never retries on its own,
//! except to wait for the leaders of a topic just created.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use protocol::error_code::ErrorCode;
use protocol::header::{RequestHeader, skip_response_header};
use protocol::messages::{create_topics, list_offsets, metadata};
use protocol::primitives::{DecodeError, Reader};
use thiserror::Error;

/// No answer for so long ends a connection.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// A response's bytes at most: four times the largest fetch that can be asked for.
const RESPONSE_BYTES_MAX: usize = 512 << 20;
/// Position of the correlation id in a frame: after length, API key and version.
const CORRELATION_ID: usize = 8;
const CLIENT_ID: &str = "pelton-loadgen";

const METADATA_VERSION: i16 = 8;
const CREATE_TOPICS_VERSION: i16 = 4;
const LIST_OFFSETS_VERSION: i16 = 5;
const EARLIEST: i64 = -2;
const LATEST: i64 = -1;

/// Why a request got no usable answer.
#[derive(Debug, Error)]
pub enum ClientError {
    /// No connection. Is a broker there?
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// Host and port.
        address: String,
        /// The system's words.
        source: std::io::Error,
    },
    /// The connection broke, or no answer came in 30 seconds.
    #[error("connection lost: {0}")]
    Io(#[from] std::io::Error),
    /// A response's length is impossible.
    #[error("response of {0} bytes is not acceptable")]
    ResponseLength(i32),
    /// Answers came out of order.
    #[error("response carries correlation id {found} where {expected} is due")]
    CorrelationId {
        /// Of the oldest request.
        expected: i32,
        /// Of the response.
        found: i32,
    },
    /// The response is not what Kafka's protocol says.
    #[error("response does not parse: {0}")]
    Decode(#[from] DecodeError),
    /// The broker refused.
    #[error("{request}: broker answers {code:?} ({number})", code = ErrorCode::from_code(*.number), number = .number)]
    Refused {
        /// Name of the request and what it was about.
        request: String,
        /// Kafka's number.
        number: i16,
    },
    /// The topic has another number of partitions.
    #[error(
        "topic {topic} has {found} partitions, not {expected}: leave --partitions away or take another topic"
    )]
    Partitions {
        /// Its name.
        topic: String,
        /// What was asked for.
        expected: i32,
        /// What there is.
        found: usize,
    },
}

/// One connection to one broker.
pub struct Connection {
    stream: BufReader<TcpStream>,
    sent: i32,
    answered: i32,
    request: Vec<u8>,
    response: Vec<u8>,
}

impl Connection {
    /// Connects to "host:port".
    pub fn connect(address: &str) -> Result<Self, ClientError> {
        let stream = TcpStream::connect(address).and_then(|stream| {
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
            stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
            Ok(stream)
        });
        let stream = stream.map_err(|source| ClientError::Connect {
            address: address.to_owned(),
            source,
        })?;
        Ok(Self {
            stream: BufReader::with_capacity(64 << 10, stream),
            sent: 0,
            answered: 0,
            request: Vec::new(),
            response: Vec::new(),
        })
    }

    /// Sends a frame made by [`put_request`] under the next correlation id.
    pub fn send(&mut self, frame: &mut [u8]) -> Result<(), ClientError> {
        frame[CORRELATION_ID..][..4].copy_from_slice(&self.sent.to_be_bytes());
        self.sent = self.sent.wrapping_add(1);
        self.stream.get_mut().write_all(frame)?;
        Ok(())
    }

    /// Counts the request sent last as one that gets no answer (acks=0).
    pub fn expect_no_answer(&mut self) {
        self.answered = self.answered.wrapping_add(1);
    }

    /// Body of the answer to the oldest request, of this API and version.
    pub fn receive(&mut self, api_key: i16, version: i16) -> Result<&[u8], ClientError> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let length = i32::from_be_bytes(length);
        let bytes = usize::try_from(length).unwrap_or(usize::MAX);
        if !(4..=RESPONSE_BYTES_MAX).contains(&bytes) {
            return Err(ClientError::ResponseLength(length));
        }
        self.response.resize(bytes, 0);
        self.stream.read_exact(&mut self.response)?;
        let mut reader = Reader::new(&self.response);
        let found = skip_response_header(&mut reader, api_key, version)?;
        let expected = self.answered;
        if found != expected {
            return Err(ClientError::CorrelationId { expected, found });
        }
        self.answered = self.answered.wrapping_add(1);
        let position = reader.position();
        Ok(&self.response[position..])
    }

    /// Waits until an answer begins to arrive; `false` if none does in time.
    pub fn wait_for_answer(&mut self, timeout: Duration) -> Result<bool, ClientError> {
        if !self.stream.buffer().is_empty() {
            return Ok(true);
        }
        let timeout = timeout.max(Duration::from_micros(1));
        self.stream.get_ref().set_read_timeout(Some(timeout))?;
        let waited = self.stream.fill_buf().map(|bytes| !bytes.is_empty());
        self.stream
            .get_ref()
            .set_read_timeout(Some(ANSWER_TIMEOUT))?;
        match waited {
            Ok(true) => Ok(true),
            Ok(false) => Err(std::io::Error::from(ErrorKind::UnexpectedEof).into()),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                ) =>
            {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// One request, and the body of its answer. No other request may be in flight.
    pub fn round_trip(
        &mut self,
        api_key: i16,
        version: i16,
        encode: impl FnOnce(&mut Vec<u8>, i16),
    ) -> Result<&[u8], ClientError> {
        let mut frame = std::mem::take(&mut self.request);
        frame.clear();
        put_request(&mut frame, api_key, version, encode);
        self.send(&mut frame)?;
        self.request = frame;
        self.receive(api_key, version)
    }
}

/// Appends a whole request frame to an empty `out`: length, header, body.
pub fn put_request(
    out: &mut Vec<u8>,
    api_key: i16,
    version: i16,
    encode: impl FnOnce(&mut Vec<u8>, i16),
) {
    assert!(out.is_empty(), "a frame begins with its length");
    out.extend_from_slice(&[0; 4]);
    RequestHeader {
        api_key,
        api_version: version,
        correlation_id: 0,
        client_id: Some(CLIENT_ID),
    }
    .encode(out);
    encode(out, version);
    let length =
        i32::try_from(out.len() - 4).expect("the options bound a request to well below 2 GiB");
    out[..4].copy_from_slice(&length.to_be_bytes());
}

/// Address of each partition's leader, by partition number. Creates the topic if it is absent and `create` says how.
pub fn prepare_topic(
    bootstrap: &str,
    topic: &str,
    create: Option<(Option<i32>, i16)>,
) -> Result<Vec<String>, ClientError> {
    let mut connection = Connection::connect(bootstrap)?;
    let deadline = Instant::now() + ANSWER_TIMEOUT;
    let mut created = false;
    loop {
        let number = match leaders(&mut connection, topic)? {
            Ok(leaders) => {
                if let Some((Some(expected), _)) = create
                    && leaders.len() != expected as usize
                {
                    let (topic, found) = (topic.to_owned(), leaders.len());
                    return Err(ClientError::Partitions {
                        topic,
                        expected,
                        found,
                    });
                }
                return Ok(leaders);
            }
            Err(number) => number,
        };
        let absent = number == ErrorCode::UnknownTopicOrPartition.code();
        match create {
            Some((partitions, replication_factor)) if absent && !created => {
                create_topic(
                    &mut connection,
                    topic,
                    partitions.unwrap_or(1),
                    replication_factor,
                )?;
                created = true;
            }
            _ => {
                let soon = number == ErrorCode::LeaderNotAvailable.code() || absent && created;
                if !soon || Instant::now() > deadline {
                    let request = format!("Metadata of topic {topic}");
                    return Err(ClientError::Refused { request, number });
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

/// First offset and end offset of one partition, asked of its leader.
pub fn offset_range(
    connection: &mut Connection,
    topic: &str,
    partition: i32,
) -> Result<(i64, i64), ClientError> {
    let mut ask = |timestamp| {
        let request = list_offsets::ListOffsetsRequest {
            replica_id: -1,
            topics: vec![list_offsets::ListOffsetsRequestTopic {
                name: Cow::Borrowed(topic),
                partitions: vec![list_offsets::ListOffsetsRequestTopicPartition {
                    partition_index: partition,
                    timestamp,
                    ..Default::default()
                }],
            }],
            ..Default::default()
        };
        let body =
            connection.round_trip(list_offsets::KEY, LIST_OFFSETS_VERSION, |out, version| {
                request.encode(out, version);
            })?;
        let response = list_offsets::ListOffsetsResponse::decode(
            &mut Reader::new(body),
            LIST_OFFSETS_VERSION,
        )?;
        let answer = response
            .topics
            .first()
            .and_then(|topic| topic.partitions.first());
        match answer {
            Some(answer) if answer.error_code == 0 => Ok(answer.offset),
            answer => Err(ClientError::Refused {
                request: format!("ListOffsets of {topic}-{partition}"),
                number: answer.map_or(-1, |answer| answer.error_code),
            }),
        }
    };
    Ok((ask(EARLIEST)?, ask(LATEST)?))
}

/// The leaders' addresses, or Kafka's number that says why there are none.
fn leaders(
    connection: &mut Connection,
    topic: &str,
) -> Result<Result<Vec<String>, i16>, ClientError> {
    let request = metadata::MetadataRequest {
        topics: Some(vec![metadata::MetadataRequestTopic {
            name: Some(Cow::Borrowed(topic)),
            ..Default::default()
        }]),
        allow_auto_topic_creation: false,
        ..Default::default()
    };
    let body = connection.round_trip(metadata::KEY, METADATA_VERSION, |out, version| {
        request.encode(out, version);
    })?;
    let response = metadata::MetadataResponse::decode(&mut Reader::new(body), METADATA_VERSION)?;
    let Some(found) = response.topics.first() else {
        return Ok(Err(ErrorCode::UnknownTopicOrPartition.code()));
    };
    if found.error_code != 0 {
        return Ok(Err(found.error_code));
    }
    let mut partitions: Vec<_> = found.partitions.iter().collect();
    partitions.sort_by_key(|partition| partition.partition_index);
    let address = |node_id| {
        let broker = response
            .brokers
            .iter()
            .find(|broker| broker.node_id == node_id)?;
        Some(match broker.host.contains(':') {
            true => format!("[{}]:{}", broker.host, broker.port),
            false => format!("{}:{}", broker.host, broker.port),
        })
    };
    let dense = partitions
        .iter()
        .enumerate()
        .all(|(at, partition)| partition.partition_index as usize == at);
    let leaders: Option<Vec<_>> = partitions
        .iter()
        .map(|partition| address(partition.leader_id))
        .collect();
    match leaders {
        Some(leaders) if dense && !leaders.is_empty() => Ok(Ok(leaders)),
        _ => Ok(Err(ErrorCode::LeaderNotAvailable.code())),
    }
}

fn create_topic(
    connection: &mut Connection,
    topic: &str,
    num_partitions: i32,
    replication_factor: i16,
) -> Result<(), ClientError> {
    let request = create_topics::CreateTopicsRequest {
        topics: vec![create_topics::CreateTopicsRequestTopic {
            name: Cow::Borrowed(topic),
            num_partitions,
            replication_factor,
            ..Default::default()
        }],
        timeout_ms: 30_000,
        validate_only: false,
    };
    let body =
        connection.round_trip(create_topics::KEY, CREATE_TOPICS_VERSION, |out, version| {
            request.encode(out, version);
        })?;
    let response =
        create_topics::CreateTopicsResponse::decode(&mut Reader::new(body), CREATE_TOPICS_VERSION)?;
    let number = response.topics.first().map_or(-1, |topic| topic.error_code);
    if number == 0 || number == ErrorCode::TopicAlreadyExists.code() {
        return Ok(());
    }
    let request = format!("CreateTopics of {topic}");
    Err(ClientError::Refused { request, number })
}
