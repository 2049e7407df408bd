//! A blocking client: one connection to one broker, requests and answers in order. It never retries, and knows no request but
//! by its number.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use protocol::error_code::ErrorCode;
use protocol::header::{RequestHeader, skip_response_header};
use protocol::primitives::{DecodeError, Reader};
use thiserror::Error;

/// No answer for so long ends a connection.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// A response's bytes at most: four times the largest fetch that can be asked for.
const RESPONSE_BYTES_MAX: usize = 512 << 20;
/// Position of the correlation id in a frame: after length, API key and version.
const CORRELATION_ID: usize = 8;
const CLIENT_ID: &str = "pelton-loadgen";

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
        client_id: Some(CLIENT_ID.into()),
    }
    .encode(out);
    encode(out, version);
    let length =
        i32::try_from(out.len() - 4).expect("the options bound a request to well below 2 GiB");
    out[..4].copy_from_slice(&length.to_be_bytes());
}
