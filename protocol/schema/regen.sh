#!/bin/sh
# Regenerates protocol/src/native/generated.rs from native.fbs. Needs flatc 25.12.19, the version of the
# flatbuffers crate in Cargo.toml, and refuses any other: the two must match exactly.
# Where from: the release page of the flatbuffers project, or its tag v25.12.19 built with
#   cmake -DCMAKE_BUILD_TYPE=Release -DFLATBUFFERS_BUILD_TESTS=OFF . && make flatc
# Set FLATC if it is not on PATH.
set -eu
cd "$(dirname "$0")"
flatc=${FLATC:-flatc}
wanted="flatc version 25.12.19"
found=$("$flatc" --version) || { echo "regen.sh: no flatc; see the head of this file" >&2; exit 1; }
if [ "$found" != "$wanted" ]; then
    echo "regen.sh: need '$wanted', found '$found'" >&2
    exit 1
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$flatc" --rust --gen-all -o "$scratch" native.fbs
crc=$(gzip -c < native.fbs | tail -c 8 | head -c 4 | od -An -tu4 --endian=little | tr -d ' ')
{
    echo "// schema-crc32: $(printf '%08x' "$crc")"
    cat "$scratch"/native_generated.rs
} > ../src/native/generated.rs
echo "regen.sh: wrote protocol/src/native/generated.rs"
