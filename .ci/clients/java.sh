#!/usr/bin/env bash
# Kafka's own Java client and tools against the broker at BOOTSTRAP; dump.sh uses the tools' jars too, and
# apps.sh what is fetched and compiled for it here, so that one Maven at a time is at work.
#   java.sh                    matrix, then tools
#   java.sh prepare            only fetches the jars and compiles
#   java.sh matrix | tools     one of them: Matrix.java with the newest client and the last of the 3.x
#                              ones; the command line tools of both
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=${CI_WORK:-${CARGO_TARGET_DIR:-$here/../../target}/ci}/java
newest=4.3.0
versions=("$newest" 3.9.1)
what=${1:-all}
mkdir -p "$work"

# jars PROFILE VERSION: copied out once; a broken copy is made again.
jars() {
  local dir=$work/$1-$2
  [ ! -e "$dir/complete" ] || return 0
  rm -rf "$dir"
  mvn -q -B -f "$here/java/pom.xml" -P "$1" "-Dkafka.version=$2" dependency:copy-dependencies "-DoutputDirectory=$dir"
  touch "$dir/complete"
}

for version in "${versions[@]}"; do
  jars client "$version"
  javac -d "$work/matrix-$version" -cp "$work/client-$version/*" "$here/java/Matrix.java"
  jars tools "$version"
done
jars apps "$newest"
javac -d "$work/apps" -cp "$work/apps-$newest/*" "$here/java/apps/"*.java
[ "$what" != prepare ] || exit 0

: "${BOOTSTRAP:?host:port of the broker}"
failures=0
echo "with Apache Kafka's Java client and tools ${versions[*]}"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
run=$(date +%s)-$$

matrix() {
  local version
  for version in "${versions[@]}"; do
    timeout "${MATRIX_SECONDS:-300}" java -cp "$work/matrix-$version:$work/client-$version/*" Matrix 2> "$scratch/err" || {
      failures=$((failures + 1))
      tail -n 5 "$scratch/err"
    }
  done
}

# tool CLASS ARGUMENT...: one of Kafka's tools.
tool() {
  timeout 60 java -Xmx256m -XX:TieredStopAtLevel=1 -cp "$work/tools-$newest/*" "$@"
}

# says WHAT STATUS PATTERN COMMAND...: the command ends with STATUS and prints a line that matches, if there is a pattern.
says() {
  local what=$1 expected=$2 pattern=$3 status=0
  shift 3
  "$@" > "$scratch/out" 2> "$scratch/err" || status=$?
  if [ "$status" -eq "$expected" ] && { [ -z "$pattern" ] || grep -Eq -- "$pattern" "$scratch/out" "$scratch/err"; }; then
    echo "ok $what"
    return
  fi
  echo "FAILED $what: status $status, expected $expected and a line that matches $pattern"
  head -n 10 "$scratch/out"
  grep -v SLF4J "$scratch/err" | head -n 10 || true
  failures=$((failures + 1))
}

# same WHAT EXPECTED ACTUAL: compares two files.
same() {
  if diff "$2" "$3" > "$scratch/diff"; then
    echo "ok $1"
  else
    echo "FAILED $1 (expected <, actual >)"
    head -n 10 "$scratch/diff"
    failures=$((failures + 1))
  fi
}

tools=org.apache.kafka.tools
topics() { tool "$tools.TopicCommand" --bootstrap-server "$BOOTSTRAP" "$@"; }
configs() { tool kafka.admin.ConfigCommand --bootstrap-server "$BOOTSTRAP" --describe "$@"; }
offsets() { tool "$tools.GetOffsetShell" --bootstrap-server "$BOOTSTRAP" "$@"; }

topic_tools() {
  local topic=orders-$run node
  says "topics --create" 0 "^Created topic $topic\.$" topics --create --topic "$topic" --partitions 6 --config retention.ms=86400000
  says "topics --create of one that exists" 1 "Topic '$topic' already exists\." topics --create --topic "$topic"
  says "topics --create --if-not-exists" 0 "" topics --create --if-not-exists --topic "$topic"
  says "topics --create with a bad name" 1 "is (illegal|invalid)|contains one or more characters" topics --create --topic 'a$b'
  says "topics --create with an unknown setting" 1 "Unknown topic config name: no.such" topics --create --topic "bad-$run" --config no.such=1
  says "topics --create with two replicas" 1 "Unable to replicate the partition 2 time" topics --create --topic "bad-$run" --replication-factor 2
  says "topics --list" 0 "^$topic$" topics --list
  says "topics --describe" 0 "PartitionCount: 6.*ReplicationFactor: 1.*retention\.ms=86400000" topics --describe --topic "$topic"
  says "topics --describe: a leader, a replica and an ISR a partition" 0 "Partition: 5.*Leader: ([0-9]+).*Replicas: [0-9]+.*Isr: [0-9]+" topics --describe --topic "$topic"
  says "topics --describe --unavailable-partitions" 0 "" topics --describe --unavailable-partitions
  node=$(topics --describe --topic "$topic" 2> "$scratch/err" | sed -n 's/.*Leader: \([0-9]*\).*/\1/p' | head -n 1)
  says "configs of a topic" 0 "retention\.ms=86400000.*DYNAMIC_TOPIC_CONFIG" configs --entity-type topics --entity-name "$topic"
  says "configs --all of a topic" 0 "max\.message\.bytes=1048588 .*DEFAULT_CONFIG:message\.max\.bytes" configs --all --entity-type topics --entity-name "$topic"
  says "configs of a broker" 0 "Dynamic configs for broker $node" configs --entity-type brokers --entity-name "$node"
  says "configs --all of a broker" 0 "num\.partitions=" configs --all --entity-type brokers --entity-name "$node"
  says "configs of all brokers" 0 "min\.insync\.replicas=1" configs --entity-type brokers --entity-default
  says "topics --delete" 0 "" topics --delete --topic "$topic"
  says "topics --describe of what is gone" 1 "Topic '$topic' does not exist" topics --describe --topic "$topic"
  says "topics --create of the same name again" 0 "^Created topic $topic\.$" topics --create --topic "$topic"
}

record_tools() {
  local topic=console-$run
  topics --create --topic "$topic" --partitions 1 > "$scratch/out" 2> "$scratch/err" || cat "$scratch/err"
  seq 1000 | awk '{ printf "k%d\tvalue %d\n", $1, $1 }' > "$scratch/in"
  tool "$tools.ConsoleProducer" --bootstrap-server "$BOOTSTRAP" --topic "$topic" --compression-codec zstd \
    --reader-property parse.key=true < "$scratch/in" 2> "$scratch/err" || cat "$scratch/err"
  says "get-offsets: the end" 0 "^$topic:0:1000$" offsets --topic "$topic"
  says "get-offsets: the start" 0 "^$topic:0:0$" offsets --topic "$topic" --time earliest
  says "get-offsets: the largest timestamp" 0 "^$topic:0:[0-9]+$" offsets --topic "$topic" --time max-timestamp
  says "get-offsets: by time" 0 "^$topic:0:0$" offsets --topic "$topic" --time 1000
  tool "$tools.consumer.ConsoleConsumer" --bootstrap-server "$BOOTSTRAP" --topic "$topic" --partition 0 --offset earliest \
    --max-messages 1000 --formatter-property print.key=true > "$scratch/actual" 2> "$scratch/err" || cat "$scratch/err"
  same "console producer and consumer: 1000 records in order" "$scratch/in" "$scratch/actual"
  tail -n 10 "$scratch/in" > "$scratch/expected"
  tool "$tools.consumer.ConsoleConsumer" --bootstrap-server "$BOOTSTRAP" --topic "$topic" --partition 0 --offset 990 \
    --max-messages 10 --formatter-property print.key=true > "$scratch/actual" 2> "$scratch/err" || cat "$scratch/err"
  same "console consumer from an offset" "$scratch/expected" "$scratch/actual"
  # The first produce creates the topic.
  says "producer performance" 0 "^100000 records sent" tool "$tools.ProducerPerformance" --bootstrap-server "$BOOTSTRAP" \
    --topic "perf-$run" --num-records 100000 --record-size 100 --throughput -1
  says "verifiable producer" 0 '"sent":10000,"acked":10000' tool "$tools.VerifiableProducer" --bootstrap-server "$BOOTSTRAP" \
    --topic "verifiable-$run" --max-messages 10000 --throughput -1 --acks -1 --repeating-keys 100
}

cluster_tools() {
  local nodes
  says "broker API versions" 0 "Produce\(0\): 0 to [0-9]+ \[usable" tool "$tools.BrokerApiVersionsCommand" --bootstrap-server "$BOOTSTRAP"
  nodes=$(grep -c ' (id: ' "$scratch/out" || true)
  says "cluster id" 0 "Cluster ID: [A-Za-z0-9_-]{22}" tool "$tools.ClusterTool" cluster-id --bootstrap-server "$BOOTSTRAP"
  topics --create --topic "compatibility-$run" --partitions 1 > "$scratch/out" 2> "$scratch/err" || cat "$scratch/err"
  says "client compatibility" 0 "^SUCCESS" tool "$tools.ClientCompatibilityTest" --bootstrap-server "$BOOTSTRAP" --topic "compatibility-$run" \
    --offsets-for-times-supported true --cluster-id-supported true --expect-record-too-large-exception false \
    --num-cluster-nodes "$nodes" --create-topics-supported true --describe-configs-supported true --describe-acls-supported true \
    --idempotent-producer-supported true
}

# of VERSION CLASS ARGUMENT...: one of the tools of that Kafka.
of() {
  local version=$1
  shift
  timeout 60 java -Xmx256m -XX:TieredStopAtLevel=1 -cp "$work/tools-$version/*" "$@" --bootstrap-server "$BOOTSTRAP"
}

# What operators do, by the newest tools and by the last of the 3.x ones.
admin_tools() {
  local version=$1
  local topic=admin-$version-$run group=group-$version-$run node
  says "$version topics --create" 0 "^Created topic $topic\.$" of "$version" "$tools.TopicCommand" --create --topic "$topic" --partitions 2
  says "$version topics --alter" 0 "" of "$version" "$tools.TopicCommand" --alter --topic "$topic" --partitions 5
  says "$version topics --alter to fewer" 1 "would not be an increase|which is smaller|currently has 5 partition" of "$version" "$tools.TopicCommand" --alter --topic "$topic" --partitions 3
  says "$version topics --describe" 0 "PartitionCount: 5" of "$version" "$tools.TopicCommand" --describe --topic "$topic"
  node=$(sed -n 's/.*Leader: \([0-9]*\).*/\1/p' "$scratch/out" | head -n 1)
  says "$version configs --alter of a topic" 0 "^Completed updating config for topic $topic" of "$version" kafka.admin.ConfigCommand --alter --entity-type topics --entity-name "$topic" --add-config 'retention.ms=7200000,cleanup.policy=[compact,delete]'
  says "$version configs --describe of it" 0 "retention\.ms=7200000 " of "$version" kafka.admin.ConfigCommand --describe --entity-type topics --entity-name "$topic"
  says "$version configs --alter with a wrong value" 1 "retention\.ms" of "$version" kafka.admin.ConfigCommand --alter --entity-type topics --entity-name "$topic" --add-config retention.ms=x
  says "$version configs --delete-config" 0 "^Completed" of "$version" kafka.admin.ConfigCommand --alter --entity-type topics --entity-name "$topic" --delete-config retention.ms,cleanup.policy
  says "$version configs --alter of all brokers" 0 "^Completed" of "$version" kafka.admin.ConfigCommand --alter --entity-type brokers --entity-default --add-config log.retention.ms=86400000
  says "$version configs --describe of what follows" 0 "retention\.ms=86400000 .*DYNAMIC_DEFAULT_BROKER_CONFIG" of "$version" kafka.admin.ConfigCommand --describe --all --entity-type topics --entity-name "$topic"
  says "$version configs --alter of a broker" 0 "^Completed" of "$version" kafka.admin.ConfigCommand --alter --entity-type brokers --entity-name "$node" --add-config max.connections=5000
  says "$version configs --describe of a broker" 0 "max\.connections=5000 .*DYNAMIC_BROKER_CONFIG" of "$version" kafka.admin.ConfigCommand --describe --entity-type brokers --entity-name "$node"
  says "$version configs: both again as before" 0 "^Completed" of "$version" kafka.admin.ConfigCommand --alter --entity-type brokers --entity-name "$node" --delete-config max.connections
  says "$version configs: all brokers again as before" 0 "^Completed" of "$version" kafka.admin.ConfigCommand --alter --entity-type brokers --entity-default --delete-config log.retention.ms
  says "$version configs of what may not change" 1 "num\.partitions" of "$version" kafka.admin.ConfigCommand --alter --entity-type brokers --entity-name "$node" --add-config num.partitions=9
  seq 100 | of "$newest" "$tools.ConsoleProducer" --topic "$topic" > "$scratch/out" 2> "$scratch/err" || cat "$scratch/err"
  says "$version log-dirs --describe" 0 "\"partition\":\"?$topic-4\"?,\"size\":" of "$version" "$tools.LogDirsCommand" --describe --topic-list "$topic"
  says "$version get-offsets: the ends" 0 "^$topic:4:[0-9]+$" of "$version" "$tools.GetOffsetShell" --topic "$topic"
  awk -F: -v topic="$topic" 'BEGIN { printf "{\"version\":1,\"partitions\":[" } { printf "%s{\"topic\":\"%s\",\"partition\":%d,\"offset\":-1}", sep, topic, $2; sep = "," } END { print "]}" }' "$scratch/out" > "$scratch/records.json"
  cp "$scratch/out" "$scratch/ends"
  says "$version delete-records" 0 "partition: $topic-4.*low_watermark: [0-9]+" of "$version" "$tools.DeleteRecordsCommand" --offset-json-file "$scratch/records.json"
  says "$version get-offsets: the starts" 0 "^$topic:4:[0-9]+$" of "$version" "$tools.GetOffsetShell" --topic "$topic" --time earliest
  same "$version delete-records: the starts are the ends" "$scratch/ends" "$scratch/out"
  says "$version leader-election" 0 "Valid replica already elected for partitions" of "$version" "$tools.LeaderElectionCommand" --election-type preferred --topic "$topic" --partition 0
  says "$version leader-election of all" 0 "" of "$version" "$tools.LeaderElectionCommand" --election-type preferred --all-topic-partitions
  seq 10 | of "$newest" "$tools.ConsoleProducer" --topic "$topic" > "$scratch/out" 2> "$scratch/err" || cat "$scratch/err"
  of "$version" "$tools.consumer.ConsoleConsumer" --topic "$topic" --group "$group" --from-beginning --max-messages 10 > "$scratch/out" 2> "$scratch/err" || cat "$scratch/err"
  says "$version consumer-groups --list" 0 "^$group$" of "$version" "$tools.consumer.group.ConsumerGroupCommand" --list
  says "$version consumer-groups --describe" 0 "$group +$topic +[0-4] " of "$version" "$tools.consumer.group.ConsumerGroupCommand" --describe --group "$group"
  says "$version consumer-groups --reset-offsets" 0 "$group +$topic +4 +[0-9]+" of "$version" "$tools.consumer.group.ConsumerGroupCommand" --reset-offsets --to-earliest --group "$group" --topic "$topic" --execute
  says "$version consumer-groups --delete-offsets" 0 "Successful" of "$version" "$tools.consumer.group.ConsumerGroupCommand" --delete-offsets --group "$group" --topic "$topic"
  says "$version consumer-groups --delete" 0 "was successful" of "$version" "$tools.consumer.group.ConsumerGroupCommand" --delete --group "$group"
  says "$version topics --delete" 0 "" of "$version" "$tools.TopicCommand" --delete --topic "$topic"
}

case $what in all | matrix) matrix ;; esac
case $what in all | tools)
  topic_tools
  record_tools
  cluster_tools
  for version in "${versions[@]}"; do admin_tools "$version"; done
  ;;
esac
echo "java: $failures failures"
[ "$failures" -eq 0 ]
