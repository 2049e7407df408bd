#!/usr/bin/env bash
# kafkajs, the JavaScript client, against the broker at BOOTSTRAP: it writes, kcat reads.
#   node.sh            the combinations
#   node.sh prepare    only fetches
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=${CI_WORK:-${CARGO_TARGET_DIR:-$here/../../target}/ci}/node
version=2.2.4

mkdir -p "$work"
if [ ! -e "$work/complete-$version" ]; then
  npm install --silent --no-save --prefix "$work" "kafkajs@$version"
  touch "$work/complete-$version"
fi
# Modules are looked for above the program's own place.
cp "$here/node/produce.mjs" "$work/"
[ "${1:-}" != prepare ] || exit 0

: "${BOOTSTRAP:?host:port of the broker}"
failures=0
echo "with kafkajs $version"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# round_trip CODEC IDEMPOTENT
round_trip() {
  local topic=node-$1-$2-$(date +%s%N) partition
  TOPIC=$topic CODEC=$1 IDEMPOTENT=$2 FILE=$scratch/expected timeout "${MATRIX_SECONDS:-120}" node "$work/produce.mjs" || return 1
  for partition in 0 1 2 3; do
    timeout 60 kcat -b "$BOOTSTRAP" -X check.crcs=true -C -q -e -t "$topic" -p "$partition" -o beginning -f '%o:%k:%s\n' > "$scratch/actual" || return 1
    [ -s "$scratch/actual" ] || return 1
    diff "$scratch/expected.$partition" "$scratch/actual" > "$scratch/diff" || { head -n 5 "$scratch/diff"; return 1; }
  done
}

for codec in none gzip; do
  for idempotent in false true; do
    name="kafkajs $version $codec$([ "$idempotent" = false ] || echo ' idempotent')"
    if round_trip "$codec" "$idempotent" > "$scratch/out" 2>&1; then
      echo "ok $name"
    else
      echo "FAILED $name"
      head -n 20 "$scratch/out"
      failures=$((failures + 1))
    fi
  done
done
echo "node: $failures combinations failed"
[ "$failures" -eq 0 ]
