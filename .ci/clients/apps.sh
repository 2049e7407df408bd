#!/usr/bin/env bash
# Kafka Streams, Kafka Connect and a consumer group, all Kafka's own and under restarts, against brokers that the programs start
# from the binary at PELTON and kill: java/apps/Streams.java, Connect.java, Rolling.java say what each does.
#   apps.sh                              streams, connect, then rolling
#   apps.sh prepare                      nothing: java.sh prepares
#   apps.sh streams | connect | rolling  one of them; as Kafka's system test has it: KEYS=20 RECORDS=1000 apps.sh streams;
#                                        for long: ROUNDS=100 apps.sh rolling
# APPS_KEEP=1 leaves data and output where they are, in a directory of their own in the temporary one.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=${CI_WORK:-${CARGO_TARGET_DIR:-$here/../../target}/ci}/java
what=${1:-all}
[ "$what" != prepare ] || exit 0
[ -e "$work/apps/Rolling.class" ] || "$here/java.sh" prepare
: "${PELTON:?path of the broker binary}"
failures=0
echo "with Apache Kafka's Streams, Connect and verifiable clients 4.3.0"

# program CLASS: what it says is all there is to see, but for the errors of the clients inside it.
program() {
  timeout "${APPS_SECONDS:-3600}" java -Xmx256m -XX:TieredStopAtLevel=1 -Djava.io.tmpdir="${TMPDIR:-/tmp}" \
    -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp "$work/apps:$work/apps-4.3.0/*" "$1" || failures=$((failures + 1))
}

case $what in all | streams) program Streams ;; esac
case $what in all | connect) program Connect ;; esac
case $what in all | rolling) program Rolling ;; esac
echo "apps: $failures programs failed"
[ "$failures" -eq 0 ]
