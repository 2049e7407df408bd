//! A blocking connection to one broker: one request, one answer. Used before and after a run, never in it. It never retries, and
//! knows no request but by its number.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use protocol::error_code::ErrorCode;
use protocol::header::{RequestHeader, skip_response_header};
use protocol::primitives::{DecodeError, Reader};
use thiserror::Error;

use super::frames::RESPONSE_BYTES_MAX;

/// No answer for so long ends a connection.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// A connection that takes longer to make is none.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// What the program calls itself.
pub const CLIENT_ID: &str = "pelton-loadgen";

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
    stream: TcpStream,
    sent: i32,
    request: Vec<u8>,
    response: Vec<u8>,
}

/// A socket connected to "host:port", without Nagle's delay.
pub fn connect(address: &str) -> Result<TcpStream, ClientError> {
    let first = |mut addresses: std::vec::IntoIter<std::net::SocketAddr>| {
        let nobody = || std::io::Error::other("the name has no address");
        let mut result = Err(nobody());
        for address in addresses.by_ref() {
            result = TcpStream::connect_timeout(&address, CONNECT_TIMEOUT);
            if result.is_ok() {
                break;
            }
        }
        result
    };
    let stream = address.to_socket_addrs().and_then(first);
    let stream = stream.and_then(|stream| {
        stream.set_nodelay(true)?;
        Ok(stream)
    });
    stream.map_err(|source| ClientError::Connect {
        address: address.to_owned(),
        source,
    })
}

impl Connection {
    /// Connects to "host:port".
    pub fn connect(address: &str) -> Result<Self, ClientError> {
        let stream = connect(address)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
        Ok(Self {
            stream,
            sent: 0,
            request: Vec::new(),
            response: Vec::new(),
        })
    }

    /// One request, and the body of its answer.
    pub fn round_trip(
        &mut self,
        api_key: i16,
        version: i16,
        encode: impl FnOnce(&mut Vec<u8>, i16),
    ) -> Result<&[u8], ClientError> {
        let expected = self.sent;
        self.sent = self.sent.wrapping_add(1);
        self.request.clear();
        put_request(&mut self.request, api_key, version, expected, encode);
        self.stream.write_all(&self.request)?;
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
        if found != expected {
            return Err(ClientError::CorrelationId { expected, found });
        }
        let position = reader.position();
        Ok(&self.response[position..])
    }
}

/// Appends a whole request frame: length, header, body.
pub fn put_request(
    out: &mut Vec<u8>,
    api_key: i16,
    version: i16,
    correlation_id: i32,
    encode: impl FnOnce(&mut Vec<u8>, i16),
) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    RequestHeader {
        api_key,
        api_version: version,
        correlation_id,
        client_id: Some(CLIENT_ID.into()),
    }
    .encode(out);
    encode(out, version);
    let length = i32::try_from(out.len() - start - 4)
        .expect("the options bound a request to well below 2 GiB");
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}
