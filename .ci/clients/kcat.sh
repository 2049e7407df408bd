#!/usr/bin/env bash
# kcat (librdkafka's simple producer and consumer, no group) against the broker at BOOTSTRAP:
# auto-created topics, every codec, metadata, offsets by timestamp, null and empty values.
#   kcat.sh            the checks
#   kcat.sh prepare    only sees that kcat is there
set -euo pipefail
if [ "${1:-}" = prepare ]; then
  kcat -V
  exit
fi
bootstrap=${BOOTSTRAP:?host:port of the broker}
records=${KCAT_RECORDS:-2000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
run=$(date +%s)-$$
failures=0
version=$(kcat -V | sed -n 's/^Version \([0-9.]*\).*librdkafka \([0-9.]*\).*/\1, librdkafka \2/p')
echo "with kcat $version"

kc() { timeout 60 kcat -b "$bootstrap" -X broker.address.family=v4 "$@"; }

# same WHAT EXPECTED ACTUAL: compares two files.
same() {
  if diff "$2" "$3" > "$work/diff"; then
    echo "ok $1"
  else
    echo "FAILED $1 (expected <, actual >)"
    head -n 10 "$work/diff"
    failures=$((failures + 1))
  fi
}

# says WHAT PATTERN COMMAND...: the command succeeds and prints a line that matches.
says() {
  local what=$1 pattern=$2
  shift 2
  if "$@" > "$work/out" 2> "$work/err" && grep -Eq "$pattern" "$work/out"; then
    echo "ok $what"
  else
    echo "FAILED $what: no line matches $pattern"
    head -n 10 "$work/out" "$work/err"
    failures=$((failures + 1))
  fi
}

produce() { kc -P -q -K : -X topic.request.required.acks=-1 "$@" || echo "kcat -P $* ended with $?"; }
consume() { kc -C -q -e "$@" || echo "kcat -C $* ended with $?"; }

# The topics do not exist: the first produce creates each of them.
for codec in none gzip snappy lz4 zstd; do
  topic=kcat-$codec-$run
  seq "$records" | awk -v c="$codec" '{ printf "k%d:%s value %d of a line that repeats itself itself itself\n", $1, c, $1 }' > "$work/in"
  produce -t "$topic" -p 0 -z "$codec" < "$work/in"
  awk '{ print NR - 1 ":" $0 }' "$work/in" > "$work/expected"
  consume -t "$topic" -p 0 -o beginning -X check.crcs=true -f '%o:%k:%s\n' > "$work/actual"
  same "$codec: $records records in order, at their offsets" "$work/expected" "$work/actual"
  sed -n '1001,1003p' "$work/expected" > "$work/middle"
  consume -t "$topic" -p 0 -o 1000 -c 3 -f '%o:%k:%s\n' > "$work/actual"
  same "$codec: reading from offset 1000" "$work/middle" "$work/actual"
  says "$codec: auto-created topic in its metadata" "topic \"$topic\" with [0-9]+ partitions" kc -L -t "$topic"
done
says "-L lists the brokers" '^ *[1-9][0-9]* brokers:' kc -L
says "-L lists a broker's address" "broker [0-9]+ at " kc -L
says "-L lists every topic" "topic \"kcat-zstd-$run\"" kc -L
says "-L shows a leader" 'partition 0, leader [0-9]+' kc -L -t "kcat-zstd-$run"

topic=kcat-nulls-$run
printf 'a:1\nb:\n:3\n' > "$work/in"
produce -t "$topic" -p 0 -Z < "$work/in"
printf '0 a/1 1/1\n1 b/1 NULL/-1\n2 NULL/-1 3/1\n' > "$work/expected"
consume -t "$topic" -p 0 -o beginning -Z -f '%o %k/%K %s/%S\n' > "$work/actual"
same "null keys and values" "$work/expected" "$work/actual"

# Two batches with a known moment between them.
topic=kcat-times-$run
before=$(date +%s%3N)
seq 10 | sed 's/^/k:/' | produce -t "$topic" -p 0
sleep 1.1
between=$(date +%s%3N)
sleep 0.1
seq 11 20 | sed 's/^/k:/' | produce -t "$topic" -p 0
says "-Q before the first record" "\[0\] offset 0\$" kc -Q -t "$topic:0:$((before - 1000))"
says "-Q between the batches" "\[0\] offset 10\$" kc -Q -t "$topic:0:$between"
says "-Q after the last record" "\[0\] offset -1\$" kc -Q -t "$topic:0:$((between + 3600000))"
says "-Q earliest" "\[0\] offset 0\$" kc -Q -t "$topic:0:-2"
says "-Q latest" "\[0\] offset 20\$" kc -Q -t "$topic:0:-1"
seq 11 20 > "$work/expected"
consume -t "$topic" -p 0 -o "s@$between" -f '%s\n' > "$work/actual"
same "reading from a timestamp" "$work/expected" "$work/actual"

echo "kcat: $failures failures"
[ "$failures" -eq 0 ]
