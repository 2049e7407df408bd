//! Decompresses anything, under a cap; the codec is the first byte. What decompresses also survives a
//! round trip. `cargo fuzz run -s none compression`
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::compression::{Compression, compress, decompress, decompress_into};

const OUTPUT_BYTES_MAX: usize = 256 * 1024;

fuzz_target!(|data: &[u8]| {
    let Some((&codec, data)) = data.split_first() else {
        return;
    };
    let Some(codec) = Compression::from_id(codec % 5) else {
        return;
    };
    let mut out = Vec::new();
    let result = decompress_into(codec, data, OUTPUT_BYTES_MAX, &mut out);
    assert!(
        out.capacity() <= OUTPUT_BYTES_MAX + 4096,
        "capacity {}",
        out.capacity()
    );
    if result.is_ok() {
        assert!(out.len() <= OUTPUT_BYTES_MAX);
        let mut packed = Vec::new();
        compress(codec, None, &out, &mut packed)
            .expect("compressing cannot fail at the default level");
        assert_eq!(
            decompress(codec, &packed, out.len()).as_deref(),
            Ok(&out[..])
        );
    }
});
