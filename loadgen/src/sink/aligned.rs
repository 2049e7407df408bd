//! Memory for direct IO.

use std::ops::Range;

/// What direct IO wants positions, lengths and memory to be multiples of.
pub const ALIGNMENT: usize = 4096;

/// Memory that direct IO takes.
pub struct Aligned {
    memory: Vec<u8>,
    start: usize,
    /// Bytes in use.
    pub length: usize,
}

impl Aligned {
    /// Room for `bytes`, in whole blocks.
    pub fn new(bytes: usize) -> Self {
        let memory = vec![0; bytes.next_multiple_of(ALIGNMENT) + ALIGNMENT];
        let start = memory.as_ptr().align_offset(ALIGNMENT);
        Self {
            memory,
            start,
            length: 0,
        }
    }

    /// Bytes that there is room for.
    pub fn capacity(&self) -> usize {
        self.memory.len() - ALIGNMENT
    }

    /// Whole blocks: the bytes in use, then whatever was there.
    pub fn blocks(&self) -> &[u8] {
        &self.memory[self.whole()]
    }

    /// The same, to be written to.
    pub fn blocks_mut(&mut self) -> &mut [u8] {
        let whole = self.whole();
        &mut self.memory[whole]
    }

    fn whole(&self) -> Range<usize> {
        self.start..self.start + self.length.next_multiple_of(ALIGNMENT)
    }
}
