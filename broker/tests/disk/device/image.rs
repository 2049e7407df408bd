//! What a disk with a volatile cache holds: what it took, and what would still be there if the power went. Pure.

/// What a device writes whole or not at all.
pub const SECTOR_BYTES: usize = 512;

/// Where ext4's superblock lies. It is read before the file system's journal is, and half of one cannot be mounted: ext4 counts on
/// disks that write its 1024 bytes whole.
const SUPERBLOCK: std::ops::Range<usize> = 1024..2048;

/// splitmix64: the same seed, the same loss.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// A write that was answered and not yet flushed.
struct Pending {
    position: usize,
    bytes: Vec<u8>,
}

/// The contents of a disk.
pub struct Image {
    /// What a read gives.
    current: Vec<u8>,
    /// What outlives the power.
    durable: Vec<u8>,
    /// What is in `current` and not yet in `durable`, in order.
    pending: Vec<Pending>,
}

/// What became of unflushed writes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// Writes that were not flushed.
    pub unflushed: usize,
    /// Of these, those that are gone whole.
    pub lost: usize,
    /// Of these, those of which some sectors are there and others are not.
    pub torn: usize,
}

impl Image {
    /// A disk of zeros. Memory is used only for what is written.
    pub fn new(bytes: usize) -> Self {
        Self {
            current: vec![0; bytes],
            durable: vec![0; bytes],
            pending: Vec::new(),
        }
    }

    pub fn bytes(&self) -> usize {
        self.current.len()
    }

    /// The bytes there; fewer at the end.
    pub fn read(&self, position: usize, bytes: usize) -> &[u8] {
        let from = position.min(self.current.len());
        let to = position.saturating_add(bytes).min(self.current.len());
        &self.current[from..to]
    }

    /// False, and nothing written: it would be beyond the end.
    pub fn write(&mut self, position: usize, bytes: &[u8]) -> bool {
        let Some(place) = self.current.get_mut(position..position + bytes.len()) else {
            return false;
        };
        place.copy_from_slice(bytes);
        self.pending.push(Pending {
            position,
            bytes: bytes.to_vec(),
        });
        true
    }

    /// All that was written is there for good.
    pub fn flush(&mut self) {
        for Pending { position, bytes } in self.pending.drain(..) {
            self.durable[position..position + bytes.len()].copy_from_slice(&bytes);
        }
    }

    /// The power goes: each unflushed write is kept, lost, or kept in some of its sectors only, whatever came after it. One to the
    /// superblock is kept or lost.
    pub fn lose_power(&mut self, random: &mut Random) -> Loss {
        let mut loss = Loss::default();
        let pending = std::mem::take(&mut self.pending);
        for Pending { position, bytes } in &pending {
            loss.unflushed += 1;
            let to_superblock =
                *position < SUPERBLOCK.end && SUPERBLOCK.start < position + bytes.len();
            let fate = match random.below(3) {
                1 if to_superblock => 2,
                fate => fate,
            };
            let (mut kept, mut gone) = (false, false);
            for (number, sector) in bytes.chunks(SECTOR_BYTES).enumerate() {
                let at = position + number * SECTOR_BYTES;
                if fate == 0 || fate == 1 && random.below(2) == 0 {
                    self.durable[at..at + sector.len()].copy_from_slice(sector);
                    kept = true;
                } else {
                    gone = true;
                }
            }
            loss.torn += usize::from(kept && gone);
            loss.lost += usize::from(!kept);
        }
        for Pending { position, bytes } in &pending {
            let place = *position..position + bytes.len();
            self.current[place.clone()].copy_from_slice(&self.durable[place]);
        }
        loss
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk() -> Image {
        let mut disk = Image::new(1 << 20);
        assert!(disk.write(4096, &[1; 8192]));
        disk.flush();
        disk
    }

    #[test]
    fn what_was_flushed_outlives_the_power() {
        let mut disk = disk();
        assert_eq!(disk.lose_power(&mut Random(1)), Loss::default());
        assert!(disk.read(4096, 8192) == [1; 8192]);
    }

    #[test]
    fn what_was_not_is_kept_lost_or_torn_by_whole_sectors() {
        let mut seen = Loss::default();
        for seed in 0..100 {
            let mut disk = disk();
            disk.write(4096, &[2; 4096]);
            assert!(disk.read(4096, 4096) == [2; 4096], "a read sees it at once");
            let loss = disk.lose_power(&mut Random(seed));
            seen.lost += loss.lost;
            seen.torn += loss.torn;
            let whole = |sector: &[u8]| sector.iter().all(|byte| *byte == sector[0]);
            assert!(disk.read(4096, 4096).chunks(SECTOR_BYTES).all(whole));
            let twos = disk.read(4096, 4096).iter().filter(|byte| **byte == 2);
            let kept = [4096, 0, twos.count()][if loss.lost > 0 { 1 } else { 2 * loss.torn }];
            assert_eq!(
                disk.read(4096, 4096)
                    .iter()
                    .filter(|byte| **byte == 2)
                    .count(),
                kept
            );
            assert!(disk.read(8192, 4096) == [1; 4096]);
        }
        assert!(seen.lost > 10 && seen.torn > 10, "{seen:?}");
    }

    #[test]
    fn a_superblock_is_whole() {
        let mut kept = 0;
        for seed in 0..100 {
            let mut disk = disk();
            disk.write(0, &[2; 4096]);
            disk.write(1024, &[3; 1024]);
            assert_eq!(disk.lose_power(&mut Random(seed)).torn, 0);
            let block = disk.read(1024, 1024);
            assert!(block.iter().all(|byte| *byte == block[0]));
            kept += usize::from(block[0] == 3);
        }
        assert!((10..90).contains(&kept), "{kept}");
    }

    #[test]
    fn nothing_is_beyond_its_end() {
        let mut disk = Image::new(8192);
        assert!(!disk.write(8192 - 512, &[1; 1024]));
        assert_eq!(disk.read(8192 - 512, 1024).len(), 512);
        assert!(disk.read(9000, 10).is_empty());
    }
}
