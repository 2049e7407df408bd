#!/usr/bin/env bash
# Segments on the disk, in both directions: Kafka's DumpLogSegments reads ours, of every codec, idempotent or not,
# also those that a kill -9 left behind, and finds the records that were produced; `pelton inspect` agrees.
# Runs brokers of its own, with the binary PELTON. Uses the tools' jars that java.sh fetches.
#   dump.sh            the checks
#   dump.sh prepare    nothing: java.sh prepares
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=${CI_WORK:-${CARGO_TARGET_DIR:-$here/../../target}/ci}
jars=${KAFKA_TOOLS_JARS:-$work/java/tools-4.3.0}
[ "${1:-}" != prepare ] || exit 0
[ -e "$jars" ] || "$here/java.sh" prepare
pelton=${PELTON:?the broker binary}
records=${DUMP_RECORDS:-20000}
echo "with kafka-dump-log of Apache Kafka 4.3.0"
scratch=$(mktemp -d)
data=$scratch/data
port=${DUMP_PORT:-29500}
failures=0
broker_pid=

finish() {
  [ -z "$broker_pid" ] || kill -KILL "$broker_pid" 2>/dev/null || true
  rm -rf "$scratch"
}
trap finish EXIT

result() { # STATUS WHAT
  if [ "$1" -eq 0 ]; then echo "ok $2"; else echo "FAILED $2"; failures=$((failures + 1)); fi
}

port_accepts() { (exec 3<> "/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

start_broker() { # OPTION...
  local tries=300
  while port_accepts "$port"; do port=$((port + 2)); done
  "$pelton" --data-dir "$data" --listen "127.0.0.1:$port" --shards 1 --set num.partitions=1 \
    --set log.segment.bytes=1048576 "$@" > "$scratch/broker.log" 2>&1 < /dev/null &
  broker_pid=$!
  until port_accepts $((port + 1)); do
    kill -0 "$broker_pid" 2>/dev/null || { cat "$scratch/broker.log"; exit 1; }
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || { echo "the broker does not answer"; exit 1; }
    sleep 0.1
  done
}

stop_broker() { # SIGNAL
  kill "-$1" "$broker_pid"
  wait "$broker_pid" 2>/dev/null || true
  broker_pid=
}

# lines COUNT SALT: keys and values of about 100 bytes that compress, but not to nothing.
lines() {
  awk -v n="$1" -v salt="$2" 'BEGIN {
    srand(length(salt) * 7919 + n)
    for (i = 0; i < n; i++) {
      printf "k%d:%s-%d-", i, salt, i
      for (j = 0; j < 8; j++) printf "%08x", int(rand() * 4294967295)
      printf "-and-some-that-repeats\n"
    }
  }'
}

produce() { # TOPIC CODEC IDEMPOTENT BATCH_BYTES FILE
  timeout 60 kcat -b "127.0.0.1:$port" -X broker.address.family=v4 -P -q -K : -X topic.request.required.acks=-1 \
    -X enable.idempotence="$3" -X batch.size="$4" -X queue.buffering.max.ms=20 -t "$1" -p 0 -z "$2" < "$5"
}

# dumped TOPIC: what Kafka's tool prints of all its segments, in the order of their offsets.
dumped() {
  local files
  files=$(find "$data" -path "*/$1-0.*/*.log" | sort | paste -sd,)
  timeout 120 java -Xmx256m -XX:TieredStopAtLevel=1 -cp "$jars/*" org.apache.kafka.tools.DumpLogSegments \
    --deep-iteration --print-data-log --files "$files" > "$scratch/dump" 2> "$scratch/dump.err"
}

# agrees TOPIC WHAT: the dump is sound and holds "OFFSET KEY:VALUE" of `expected`; one segment at least is sealed.
agrees() {
  local status=0 segments
  segments=$(find "$data" -path "*/$1-0.*/*.log" | wc -l)
  dumped "$1" || status=$?
  sed -nE 's/^\| offset: ([0-9]+) .* key: ([^ ]*) payload: (.*)$/\1 \2:\3/p' "$scratch/dump" > "$scratch/actual"
  diff "$scratch/expected" "$scratch/actual" > "$scratch/diff" || { head -n 4 "$scratch/diff"; status=1; }
  if grep -v '^|' "$scratch/dump" | grep -Eqi 'isvalid: false|mismatch|corrupt|problem'; then
    grep -v '^|' "$scratch/dump" | grep -Ei 'isvalid: false|mismatch|corrupt|problem' | head -n 3
    status=1
  fi
  [ "$segments" -gt 1 ] || { echo "no segment was sealed"; status=1; }
  result "$status" "$2: Kafka's dump of $segments segments holds what was produced"
}

# inspected TOPIC WHAT: nothing is wrong, and as many batches and records as Kafka's tool just found.
inspected() {
  local status=0 kafka ours
  kafka="$(grep -c '^baseOffset' "$scratch/dump" || true) $(grep -c '^| offset' "$scratch/dump" || true)"
  "$pelton" inspect "$(dirname "$(find "$data" -path "*/$1-0.*/*.log" | head -n 1)")" > "$scratch/inspect" || status=$?
  ours=$(awk '/ batches with / { batches += $1; records += $4 } END { print batches, records }' "$scratch/inspect")
  [ "$kafka" = "$ours" ] || { echo "Kafka finds $kafka batches and records, inspect $ours"; status=1; }
  result "$status" "$2: inspect finds the same batches and records"
}

combinations() { for codec in none gzip snappy lz4 zstd; do for idempotent in false true; do echo "$codec $idempotent"; done; done; }

start_broker
while read -r codec idempotent; do
  # One batch a segment, then many: both ways to fill one.
  lines "$records" "$codec-$idempotent-1" > "$scratch/one"
  lines "$records" "$codec-$idempotent-2" > "$scratch/two"
  produce "dump-$codec-$idempotent" "$codec" "$idempotent" 1000000 "$scratch/one"
  produce "dump-$codec-$idempotent" "$codec" "$idempotent" 30000 "$scratch/two"
done < <(combinations)
stop_broker TERM
while read -r codec idempotent; do
  { lines "$records" "$codec-$idempotent-1"; lines "$records" "$codec-$idempotent-2"; } | awk '{ print NR - 1 " " $0 }' > "$scratch/expected"
  agrees "dump-$codec-$idempotent" "$codec idempotent=$idempotent"
  inspected "dump-$codec-$idempotent" "$codec idempotent=$idempotent"
done < <(combinations)

# The same log goes on after a stop, a kill, and a stop again.
lines "$records" none-false-3 > "$scratch/three"
for signal in KILL TERM; do
  start_broker
  produce dump-none-false none false 30000 "$scratch/three"
  stop_broker "$signal"
done
{ lines "$records" none-false-1; lines "$records" none-false-2; cat "$scratch/three" "$scratch/three"; } | awk '{ print NR - 1 " " $0 }' > "$scratch/expected"
agrees dump-none-false "after a kill -9"
inspected dump-none-false "after a kill -9"

# What compaction left: batches with gaps, and of each key its newest record.
start_broker --set log.cleanup.policy=compact --set log.cleaner.backoff.ms=100 --set log.cleaner.min.cleanable.ratio=0.01 \
  --set log.segment.delete.delay.ms=0 --set checkpoint.interval.ms=1000
awk -v n="$records" 'BEGIN { for (i = 0; i < n; i++) printf "k%d:%d-%0100d\n", i * 7919 % 500, i, i }' > "$scratch/keyed"
produce dump-compacted none true 30000 "$scratch/keyed"
# It is over when a checkpoint has let the full segments go that were replaced.
for _ in $(seq 200); do
  bytes=$(find "$data" -path '*/dump-compacted-0.*/*.log' -printf '%s\n' | awk '{ sum += $1 } END { print sum + 0 }')
  [ "$bytes" -eq 0 ] || [ "$bytes" -ge 1000000 ] || break
  sleep 0.1
done
stop_broker TERM
awk '{ print NR - 1 " " $0 }' "$scratch/keyed" > "$scratch/produced"
awk -F'[ :]' '{ newest[$2] = $0 } END { for (key in newest) print newest[key] }' "$scratch/produced" | sort > "$scratch/newest"
status=0
dumped dump-compacted || status=$?
sed -nE 's/^\| offset: ([0-9]+) .* key: ([^ ]*) payload: (.*)$/\1 \2:\3/p' "$scratch/dump" | sort > "$scratch/actual"
[ -z "$(comm -13 <(sort "$scratch/produced") "$scratch/actual")" ] || { echo "there is what was not produced, or twice"; status=1; }
[ -z "$(comm -23 "$scratch/newest" "$scratch/actual")" ] || { echo "the newest record of a key is missing"; status=1; }
left=$(wc -l < "$scratch/actual")
[ "$left" -lt "$records" ] || { echo "nothing was compacted"; status=1; }
! grep -v '^|' "$scratch/dump" | grep -Eqi 'isvalid: false|mismatch|corrupt|problem' || status=1
result "$status" "compacted: Kafka's dump holds the newest of each key, $left of $records records"
inspected dump-compacted compacted

# A flipped bit is found, by its byte, and the exit code says so.
segment=$(find "$data" -path '*/dump-none-true-0.*/*.log' | sort | head -n 1)
printf '\377' | dd of="$segment" bs=1 seek=200 conv=notrunc status=none
status=0
"$pelton" inspect "$segment" > "$scratch/inspect" || status=$?
if [ "$status" -eq 4 ] && grep -q '^17: DAMAGED: CHECKSUM MISMATCH' "$scratch/inspect"; then status=0; else status=1; fi
result "$status" "inspect names a damaged batch"

echo "dump: $failures failures"
[ "$failures" -eq 0 ]
