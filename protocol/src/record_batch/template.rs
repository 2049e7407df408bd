//! A record batch that is sent again and again with other header fields and other bytes at some places: for the load
//! generator. Its CRC is kept right by arithmetic on what changed, without a pass over the batch. The broker never uses it.
//!
//! CRC-32C is linear: the CRC of the changed batch is that of the old one, xor the CRC (from a zero state) of their
//! difference. The difference is zero but for a few bytes; each zero byte that follows those multiplies by `x^8` in the field of
//! polynomials modulo CRC-32C's. Where the same difference stands at many places, the factors of all places are summed up
//! once, when the template is made, and one multiplication covers all.

use super::{
    BASE_TIMESTAMP, BatchParseError, CRC, HEADER_BYTES, MAX_TIMESTAMP, PRODUCER_ID, RECORD_COUNT,
    RecordBatch,
};

/// CRC-32C's polynomial, bit-reversed, as all values of this arithmetic are: bit 31 is `x^0`.
const POLYNOMIAL: u32 = 0x82f6_3b78;
const ONE: u32 = 1 << 31;

/// Bytes from base timestamp to base sequence: what [`BatchTemplate::set_header`] writes.
const FIELDS: std::ops::Range<usize> = BASE_TIMESTAMP..RECORD_COUNT;

/// The header fields that a producer sets anew for each batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TemplateHeader {
    /// Of the first and of the last record, ms: a template's records all have the same.
    pub timestamp_ms: i64,
    /// Or [`super::NO_PRODUCER_ID`].
    pub producer_id: i64,
    /// Or [`super::NO_PRODUCER_EPOCH`].
    pub producer_epoch: i16,
    /// Or [`super::NO_SEQUENCE`].
    pub base_sequence: i32,
}

/// A whole batch and what is needed to keep its CRC right.
#[derive(Debug, Clone)]
pub struct BatchTemplate<const N: usize> {
    bytes: Vec<u8>,
    places: Vec<u32>,
    places_factor: u32,
    fields_factor: u32,
}

impl<const N: usize> BatchTemplate<N> {
    /// Takes a batch with a right CRC. At each of `places`, in growing order and behind the header, stand `N` bytes that
    /// [`BatchTemplate::xor_places`] changes; none for a compressed batch.
    ///
    /// # Panics
    /// If places overlap or leave the batch.
    pub fn new(bytes: Vec<u8>, places: Vec<u32>) -> Result<Self, BatchParseError> {
        let size = RecordBatch::parse(&bytes)?.size_bytes();
        assert_eq!(size, bytes.len(), "a template is one batch");
        let (mut places_factor, mut factor, mut end) = (0, ONE, bytes.len());
        for &place in places.iter().rev() {
            let behind = place as usize + N;
            assert!(
                place as usize >= HEADER_BYTES && behind <= end,
                "places are apart, and inside the records"
            );
            factor = multiply(factor, zero_bytes(end - behind));
            places_factor ^= factor;
            // The next place's distance is counted from this place's last byte on.
            end = place as usize;
            factor = multiply(factor, zero_bytes(N));
        }
        let fields_factor = zero_bytes(bytes.len() - FIELDS.end);
        Ok(Self {
            bytes,
            places,
            places_factor,
            fields_factor,
        })
    }

    /// The batch as it is now.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the changing bytes are.
    pub fn places(&self) -> &[u32] {
        &self.places
    }

    /// Sets the fields, and the CRC.
    pub fn set_header(&mut self, header: TemplateHeader) {
        let mut fields = [0; FIELDS.end - FIELDS.start];
        let mut put = |at: usize, value: &[u8]| {
            fields[at - FIELDS.start..][..value.len()].copy_from_slice(value);
        };
        put(BASE_TIMESTAMP, &header.timestamp_ms.to_be_bytes());
        put(MAX_TIMESTAMP, &header.timestamp_ms.to_be_bytes());
        put(PRODUCER_ID, &header.producer_id.to_be_bytes());
        put(super::PRODUCER_EPOCH, &header.producer_epoch.to_be_bytes());
        put(super::BASE_SEQUENCE, &header.base_sequence.to_be_bytes());
        let mut difference = fields;
        for (difference, old) in difference.iter_mut().zip(&self.bytes[FIELDS]) {
            *difference ^= old;
        }
        self.bytes[FIELDS].copy_from_slice(&fields);
        self.xor_crc(multiply(crc_from_zero(&difference), self.fields_factor));
    }

    /// Changes the bytes at every place by the same `difference`, and the CRC.
    pub fn xor_places(&mut self, difference: &[u8; N]) {
        for &place in &self.places {
            let bytes = self.bytes[place as usize..].first_chunk_mut::<N>();
            let bytes = bytes.expect("places were checked when the template was made");
            for (byte, difference) in bytes.iter_mut().zip(difference) {
                *byte ^= difference;
            }
        }
        self.xor_crc(multiply(crc_from_zero(difference), self.places_factor));
    }

    /// Has the bytes behind the header changed, in any way that keeps the records' sizes. One pass over the batch for the CRC: for
    /// changes that differ from record to record, which the arithmetic would have to multiply one by one.
    pub fn change_records(&mut self, change: impl FnOnce(&mut [u8])) {
        change(&mut self.bytes[HEADER_BYTES..]);
        let crc = crc32c::crc32c(&self.bytes[CRC + 4..]);
        self.bytes[CRC..CRC + 4].copy_from_slice(&crc.to_be_bytes());
    }

    fn xor_crc(&mut self, difference: u32) {
        let crc = &mut self.bytes[CRC..CRC + 4];
        for (byte, difference) in crc.iter_mut().zip(difference.to_be_bytes()) {
            *byte ^= difference;
        }
    }
}

/// CRC of `bytes` from a zero state and without the final inversion: the linear part. The CRC-32C of a message changes
/// by this when its last bytes change by `bytes`.
pub fn crc_from_zero(bytes: &[u8]) -> u32 {
    !crc32c::crc32c_append(u32::MAX, bytes)
}

/// Product modulo the polynomial.
fn multiply(a: u32, mut b: u32) -> u32 {
    let mut product = 0;
    for bit in (0..32).rev() {
        product ^= b & 0_u32.wrapping_sub((a >> bit) & 1);
        b = (b >> 1) ^ (POLYNOMIAL & 0_u32.wrapping_sub(b & 1));
    }
    product
}

/// `x^(8 * count)`: what `count` zero bytes multiply by.
fn zero_bytes(mut count: usize) -> u32 {
    let (mut power, mut square) = (ONE, ONE >> 8);
    while count > 0 {
        if count & 1 != 0 {
            power = multiply(power, square);
        }
        square = multiply(square, square);
        count >>= 1;
    }
    power
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compression::Compression;
    use crate::record::records;
    use crate::record_batch::RecordBatchBuilder;
    use proptest::prelude::*;

    fn places(batch: &[u8]) -> Vec<u32> {
        let walked = records(&batch[HEADER_BYTES..]);
        let starts = walked.map(|record| {
            let value = record.expect("record").value.expect("value");
            (value.as_ptr() as usize - batch.as_ptr() as usize) as u32
        });
        starts.collect()
    }

    proptest! {
        #[test]
        fn the_crc_stays_right_whatever_changes(
            sizes in proptest::collection::vec(5_usize..300, 1..70),
            changes in proptest::collection::vec((any::<[u8; 5]>(), any::<(i64, i64, i16, i32)>()), 1..4),
        ) {
            let mut builder = RecordBatchBuilder::new(Compression::None);
            for (at, size) in sizes.iter().enumerate() {
                builder.append(7, None, Some(&vec![at as u8; *size]), &[]).expect("appends");
            }
            let batch = builder.build().expect("builds");
            let places = places(&batch);
            let mut template = BatchTemplate::<5>::new(batch.clone(), places.clone()).expect("batch");
            for (difference, (timestamp_ms, producer_id, producer_epoch, base_sequence)) in changes {
                let before = template.bytes().to_vec();
                template.xor_places(&difference);
                template.set_header(TemplateHeader { timestamp_ms, producer_id, producer_epoch, base_sequence });
                let now = RecordBatch::parse(template.bytes()).expect("batch");
                prop_assert!(now.crc_matches());
                prop_assert_eq!(now.base_timestamp(), timestamp_ms);
                prop_assert_eq!(now.max_timestamp(), timestamp_ms);
                prop_assert_eq!(now.producer_id(), producer_id);
                prop_assert_eq!(now.producer_epoch(), producer_epoch);
                prop_assert_eq!(now.base_sequence(), base_sequence);
                prop_assert_eq!(now.record_count() as usize, sizes.len());
                for &place in &places {
                    for (at, difference) in difference.iter().enumerate() {
                        let at = place as usize + at;
                        prop_assert_eq!(template.bytes()[at], before[at] ^ difference);
                    }
                }
            }
        }
    }

    #[test]
    fn the_crc_stays_right_when_records_change_each_in_its_own_way() {
        let mut builder = RecordBatchBuilder::new(Compression::None);
        for key in [b"one", b"two"] {
            builder
                .append(7, Some(key), Some(&[1; 50]), &[])
                .expect("appends");
        }
        let batch = builder.build().expect("builds");
        let mut template = BatchTemplate::<0>::new(batch, Vec::new()).expect("batch");
        template.change_records(|records| {
            let at = |key: &[u8]| records.windows(3).position(|three| three == key);
            let places = (at(b"one").expect("there"), at(b"two").expect("there"));
            records[places.0..][..3].copy_from_slice(b"six");
            records[places.1..][..3].copy_from_slice(b"ten");
        });
        let now = RecordBatch::parse(template.bytes()).expect("batch");
        assert!(now.crc_matches());
        let keys = records(now.payload()).map(|record| record.expect("record").key);
        assert_eq!(
            keys.collect::<Vec<_>>(),
            [Some(&b"six"[..]), Some(&b"ten"[..])]
        );
    }

    #[test]
    fn a_compressed_batch_takes_another_header() {
        let mut builder = RecordBatchBuilder::new(Compression::Lz4);
        builder
            .append(7, None, Some(&[1; 500]), &[])
            .expect("appends");
        let batch = builder.build().expect("builds");
        let mut template = BatchTemplate::<0>::new(batch, Vec::new()).expect("batch");
        template.set_header(TemplateHeader {
            timestamp_ms: 9,
            producer_id: 1,
            producer_epoch: 2,
            base_sequence: 3,
        });
        let now = RecordBatch::parse(template.bytes()).expect("batch");
        assert!(now.crc_matches() && now.base_sequence() == 3);
    }
}
