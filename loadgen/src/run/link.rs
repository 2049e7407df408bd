//! One connection that never blocks: what waits to be sent, what was answered. It knows no request.

use std::io::{ErrorKind, IoSlice, Read, Write};
use std::net::TcpStream;

use crate::content::Batch;

/// Half of what a socket may hold unsent, bytes: the kernel doubles it. Its default grows too slowly for a short run.
const SOCKET_BYTES: usize = 4 << 20;

/// A connection, and the request that is on its way out.
pub struct Link {
    stream: TcpStream,
    /// Whole requests, or the start of one whose rest is `batch`.
    head: Vec<u8>,
    batch: Option<Batch>,
    written: usize,
}

impl Link {
    /// Takes a connected socket.
    pub fn new(stream: TcpStream) -> std::io::Result<Self> {
        stream.set_nonblocking(true)?;
        // Refused where the system's limit is lower: then its default holds.
        let _ = rustix::net::sockopt::set_socket_send_buffer_size(&stream, SOCKET_BYTES);
        Ok(Self {
            stream,
            head: Vec::new(),
            batch: None,
            written: 0,
        })
    }

    /// For the poller.
    pub fn socket(&self) -> &TcpStream {
        &self.stream
    }

    /// Whether nothing waits to be sent.
    pub fn is_clear(&self) -> bool {
        self.head.is_empty() && self.batch.is_none()
    }

    /// Where requests are put, one after the other, while no batch waits behind them.
    pub fn out(&mut self) -> &mut Vec<u8> {
        debug_assert!(self.batch.is_none(), "a batch is the end of its request");
        &mut self.head
    }

    /// Ends what was put by a batch that is sent from where it lies.
    pub fn put_batch(&mut self, batch: Batch) {
        debug_assert!(self.batch.is_none(), "one batch at a time");
        self.batch = Some(batch);
    }

    /// Sends what waits, as far as the socket takes it; whether all went. The batch that went is given back through `sent`.
    pub fn flush(&mut self, mut sent: impl FnMut(Batch)) -> std::io::Result<bool> {
        while !self.is_clear() {
            let head = self.head.get(self.written..).unwrap_or_default();
            let behind = self.written.saturating_sub(self.head.len());
            let batch = self
                .batch
                .as_ref()
                .map_or(&[][..], |batch| &batch.bytes()[behind..]);
            let pieces = [IoSlice::new(head), IoSlice::new(batch)];
            let whole = head.len() + batch.len();
            match (&self.stream).write_vectored(&pieces) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(bytes) if bytes == whole => {
                    self.written = 0;
                    self.head.clear();
                    if let Some(batch) = self.batch.take() {
                        sent(batch);
                    }
                }
                Ok(bytes) => self.written += bytes,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Reads once. `None`: nothing is there. An end is an error: a broker does not close on its own.
    pub fn read(&self, buffer: &mut [u8]) -> std::io::Result<Option<usize>> {
        loop {
            match (&self.stream).read(buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(bytes) => return Ok(Some(bytes)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The batch that was under way, if any, of a connection that is no more.
    pub fn into_batch(self) -> Option<Batch> {
        self.batch
    }
}
