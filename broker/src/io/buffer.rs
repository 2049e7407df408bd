//! Memory that direct IO can use: write buffers, and shared read-only slices of them. Never copies on its own.

use std::ops::{Deref, Range};
use std::rc::Rc;

use bytes::Bytes;
use glommio::io::{DmaBuffer, ReadResult};

/// Direct IO alignment, in bytes, of positions, lengths and memory. Never the device's own claim (it cannot be trusted).
pub const ALIGNMENT: usize = 4096;

/// `bytes` rounded up to [`ALIGNMENT`].
pub const fn align_up(bytes: usize) -> usize {
    bytes.div_ceil(ALIGNMENT) * ALIGNMENT
}

/// `position` rounded down to [`ALIGNMENT`].
pub const fn align_down(position: u64) -> u64 {
    position - position % ALIGNMENT as u64
}

/// An aligned, writable buffer that is not shared yet. Its first contents are unspecified.
pub struct WriteBuffer(pub(in crate::io) DmaBuffer);

impl WriteBuffer {
    /// A buffer of exactly `bytes` bytes, a multiple of [`ALIGNMENT`] and not zero.
    pub fn new(bytes: usize) -> Self {
        assert!(
            bytes > 0 && bytes.is_multiple_of(ALIGNMENT),
            "write buffers are whole blocks"
        );
        Self(glommio::allocate_dma_buffer_global(bytes))
    }

    /// The whole buffer.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        self.0.as_bytes_mut()
    }

    /// The whole buffer.
    pub fn as_slice(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Shares the buffer, from here on read-only.
    pub fn freeze(self) -> Slice {
        let len = self.0.len();
        Slice {
            owner: Owner::Dma(Rc::new(self.0)),
            start: 0,
            len,
        }
    }
}

/// A shared, read-only range of a DMA buffer, a disk read or received bytes. Stays on its shard; clones share memory.
#[derive(Clone)]
pub struct Slice {
    owner: Owner,
    start: usize,
    len: usize,
}

#[derive(Clone)]
enum Owner {
    Dma(Rc<DmaBuffer>),
    Read(ReadResult),
    Bytes(Bytes),
}

impl Slice {
    /// A slice without bytes.
    pub fn empty() -> Self {
        Self::from(Bytes::new())
    }

    pub(in crate::io) fn from_read(read: ReadResult) -> Self {
        let len = read.len();
        Self {
            owner: Owner::Read(read),
            start: 0,
            len,
        }
    }

    pub(in crate::io) fn from_dma(buffer: Rc<DmaBuffer>) -> Self {
        let len = buffer.len();
        Self {
            owner: Owner::Dma(buffer),
            start: 0,
            len,
        }
    }

    /// Bytes of memory that is there because of these slices: of what was read from a disk the whole read, once, however little of it
    /// is in them (slices of one read follow one another); of what is in memory anyway they themselves.
    pub fn held_bytes(slices: &[Self]) -> usize {
        let mut last = std::ptr::null();
        let held = slices.iter().map(|slice| match &slice.owner {
            Owner::Dma(_) | Owner::Bytes(_) => slice.len,
            Owner::Read(read) if std::ptr::eq(last, read.as_ptr()) => 0,
            Owner::Read(read) => {
                last = read.as_ptr();
                read.len()
            }
        });
        held.sum()
    }

    /// The sub-range `range` of this slice, sharing its memory. Panics when out of bounds.
    pub fn slice(&self, range: Range<usize>) -> Self {
        assert!(
            range.start <= range.end && range.end <= self.len,
            "slice out of bounds"
        );
        Self {
            owner: self.owner.clone(),
            start: self.start + range.start,
            len: range.end - range.start,
        }
    }
}

impl From<Bytes> for Slice {
    fn from(bytes: Bytes) -> Self {
        let len = bytes.len();
        Self {
            owner: Owner::Bytes(bytes),
            start: 0,
            len,
        }
    }
}

impl Deref for Slice {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let whole: &[u8] = match &self.owner {
            Owner::Dma(buffer) => buffer.as_bytes(),
            Owner::Read(read) => read,
            Owner::Bytes(bytes) => bytes,
        };
        &whole[self.start..self.start + self.len]
    }
}

impl std::fmt::Debug for Slice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Slice({} bytes)", self.len)
    }
}
