//! Decodes any request of any API: key and version are the first four bytes, as on the wire.
//! `cargo fuzz run -s none --features messages kafka_request`; without the feature it decodes nothing,
//! for a tree that has no `messages::decode_request` yet.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((head, body)) = data.split_first_chunk::<4>() else {
        return;
    };
    let api_key = i16::from_be_bytes([head[0], head[1]]);
    let version = i16::from_be_bytes([head[2], head[3]]);
    decode(api_key, version, body);
});

#[cfg(feature = "messages")]
fn decode(api_key: i16, version: i16, body: &[u8]) {
    let _ = protocol::messages::decode_request(api_key, version, body);
}

#[cfg(not(feature = "messages"))]
fn decode(_api_key: i16, _version: i16, _body: &[u8]) {}
