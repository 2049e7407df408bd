//! Responses of every API, as the load generator decodes them: key and version are the first four bytes, the response
//! follows. What decodes also encodes, to bytes that decode to the same. `cargo fuzz run -s none kafka_response`
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::header::skip_response_header;
use protocol::messages::recode_response;
use protocol::primitives::{Problem, Reader};

fuzz_target!(|data: &[u8]| {
    let Some((head, response)) = data.split_first_chunk::<4>() else {
        return;
    };
    let key = i16::from_be_bytes([head[0], head[1]]);
    let version = i16::from_be_bytes([head[2], head[3]]);
    let mut reader = Reader::new(response);
    if skip_response_header(&mut reader, key, version).is_err() {
        return;
    }
    let Ok(once) = recode_response(key, version, &response[reader.position()..]) else {
        return;
    };
    match recode_response(key, version, &once) {
        Ok(twice) => assert_eq!(once, twice),
        // Text that was not UTF-8 grows; a long one may not fit any more.
        Err(error) => assert!(matches!(error.problem, Problem::Length | Problem::Memory)),
    }
});
