#!/usr/bin/env bash
# librdkafka's own test runner against the broker at BOOTSTRAP: its tests of producers, offsets,
# topics, consumers and groups. The source comes with the crate rdkafka-sys.
#   librdkafka.sh            the tests
#   librdkafka.sh prepare    only fetches and builds
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=${CI_WORK:-${CARGO_TARGET_DIR:-$here/../../target}/ci}/librdkafka
version=4.10.0
# What the runner is told of the broker: it skips what a Kafka of this version has not.
kafka_version=3.9.0
tests=(0001 0002 0003 0005 0007 0008 0012 0013 0021 0035 0039 0048 0057 0063 0065 0086 0114 0123)
# Of consumers and their groups.
consuming=(0014 0015 0017 0018 0019 0020 0022 0026 0029 0030 0031 0033 0034 0036 0038 0040 0041 0042 0044 0045
  0050 0051 0056 0060 0061 0064 0067 0069 0070 0073 0083 0084 0085 0089 0091 0099 0112 0113 0122 0127 0132 0137)
# These count seconds or cut connections by the runner's network emulator, which now and then closes
# a descriptor twice, by then another test's connection: each has a process of its own.
alone=(0049 0068 0075 0076 0088 0093 0094 0125)

# source_dir: fetches the crate as cargo does for any dependency, and prints where it lies.
source_dir() {
  mkdir -p "$work/fetch"
  printf '[package]\nname = "fetch"\nedition = "2021"\n[lib]\npath = "lib.rs"\n[dependencies]\nrdkafka-sys = "=%s"\n[workspace]\n' \
    "$version" > "$work/fetch/Cargo.toml"
  : > "$work/fetch/lib.rs"
  cargo metadata -q --format-version 1 --manifest-path "$work/fetch/Cargo.toml" | python3 -c '
import json, os, sys
packages = json.load(sys.stdin)["packages"]
print(next(os.path.dirname(p["manifest_path"]) for p in packages if p["name"] == "rdkafka-sys"))'
}

# build: the runner as it is.
build() {
  local source
  [ ! -e "$work/complete-$version" ] || return 0
  source=$(source_dir)
  rm -rf "$work/source"
  cp -R "$source/librdkafka" "$work/source"
  cd "$work/source"
  ./configure --disable-ssl --disable-gssapi --disable-curl --disable-zstd --disable-syslog --disable-optimization --disable-debug-symbols
  make -j"$(nproc)" -C src librdkafka.a
  make -j"$(nproc)" -C src-cpp librdkafka++.a
  make -j"$(nproc)" -C tests test-runner
  touch "$work/complete-$version"
}

mkdir -p "$work"
(build)
[ "${1:-}" != prepare ] || exit 0

: "${BOOTSTRAP:?host:port of the broker}"
failures=0
echo "with librdkafka's test runner, of rdkafka-sys $version"
printf 'bootstrap.servers=%s\ntest.topic.random=true\n' "$BOOTSTRAP" > "$work/test.conf"
cd "$work/source/tests"

# start NAME TEST...: the tests, four at a time, in one process; its output goes to NAME.log.
start() {
  local log=$work/$1.log
  shift
  TESTS=$(IFS=,; echo "$*") RDKAFKA_TEST_CONF=$work/test.conf TEST_KAFKA_VERSION=$kafka_version CI=1 \
    timeout 300 ./test-runner -L -K -Q -p4 > "$log" 2>&1 || echo "the runner ended with $?" >> "$log"
}

# judge NAME TEST...: each test's verdict is its line in the runner's closing table.
judge() {
  local log=$work/$1.log test verdict
  shift
  for test in "$@"; do
    verdict=$(sed 's/\x1b\[[0-9;]*m//g' "$log" | sed -n "s/^|* *\(${test}_[a-z_0-9]*\) *| *PASSED |.*/\1/p" | head -n 1)
    if [ -n "$verdict" ]; then
      echo "ok $verdict"
    else
      echo "FAILED $test"
      grep -a -A 2 "### Test \"$test" "$log" || tail -n 3 "$log"
      failures=$((failures + 1))
    fi
  done
}

# Mostly they wait: side by side they take as long as the slowest.
start tests "${tests[@]}" &
start consuming "${consuming[@]}" &
for test in "${alone[@]}"; do start "$test" "$test" & done
wait
judge tests "${tests[@]}"
judge consuming "${consuming[@]}"
for test in "${alone[@]}"; do judge "$test" "$test"; done
echo "librdkafka: $failures tests failed"
[ "$failures" -eq 0 ]
