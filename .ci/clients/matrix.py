"""Writes and reads back with the Kafka client installed in this interpreter's environment.

Every codec, with the idempotent producer off and on where the client has one: RECORDS records
over 4 partitions, then each partition is read by an assigned consumer (no group) and must hold
exactly what was sent to it, in order, at the offsets the broker acknowledged.
BOOTSTRAP names the broker.
"""

import os
import sys
import time
import traceback

BOOTSTRAP = os.environ["BOOTSTRAP"]
RECORDS = int(os.environ.get("RECORDS", "20000"))
PARTITIONS = 4
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
DEADLINE_SECONDS = int(os.environ.get("DEADLINE_SECONDS", "90"))


class Mismatch(Exception):
    """What was read is not what was written."""


def sent(index):
    """Record `index`: (key, value, headers). Some are tombstones, some have an empty value."""
    key = b"key-%d" % index
    value = b"value-%d " % index + b"0123456789abcdef" * (index % 13)
    if index % 97 == 5:
        value = None
    elif index % 97 == 6:
        value = b""
    return key, value, [("index", b"%d" % index)]


class Confluent:
    """confluent-kafka, that is librdkafka."""

    def __init__(self):
        import confluent_kafka
        import confluent_kafka.admin

        self.api = confluent_kafka
        self.name = "confluent-kafka %s" % confluent_kafka.__version__
        self.idempotence = [False, True]

    def create(self, topic):
        admin = self.api.admin.AdminClient({"bootstrap.servers": BOOTSTRAP})
        new = self.api.admin.NewTopic(topic, num_partitions=PARTITIONS, replication_factor=1)
        admin.create_topics([new])[topic].result(30)

    def produce(self, topic, codec, idempotent):
        """Sends every record; returns per index the (partition, offset) acknowledged."""
        acks, errors = [None] * RECORDS, []
        config = {
            "bootstrap.servers": BOOTSTRAP,
            "compression.codec": codec,
            "enable.idempotence": idempotent,
            "linger.ms": 5,
            "message.timeout.ms": DEADLINE_SECONDS * 1000,
        }
        if not idempotent:
            config["acks"] = 1
            config["max.in.flight"] = 1
        producer = self.api.Producer(config)
        for index in range(RECORDS):
            key, value, headers = sent(index)

            def acked(error, message, index=index):
                if error is not None:
                    errors.append(str(error))
                else:
                    acks[index] = (message.partition(), message.offset())

            while True:
                try:
                    producer.produce(topic, value, key, partition=index % PARTITIONS,
                                     headers=headers, on_delivery=acked)
                    break
                except BufferError:
                    producer.poll(0.1)
            producer.poll(0)
        left = producer.flush(DEADLINE_SECONDS)
        if left or errors:
            raise Mismatch("%d records not sent, %d refused: %s" % (left, len(errors), errors[:3]))
        return acks

    def consume(self, topic):
        """Yields (partition, offset, key, value, headers) to the end of every partition."""
        # This client insists on a group id; with assign() and no commits none is joined.
        consumer = self.api.Consumer({
            "bootstrap.servers": BOOTSTRAP, "group.id": "unused", "enable.auto.commit": False,
            "check.crcs": True, "enable.partition.eof": False,
        })
        try:
            ends = {}
            for partition in range(PARTITIONS):
                at = self.api.TopicPartition(topic, partition)
                low, ends[partition] = consumer.get_watermark_offsets(at, timeout=30)
                if low != 0:
                    raise Mismatch("partition %d starts at offset %d" % (partition, low))
            consumer.assign([self.api.TopicPartition(topic, p, 0) for p in range(PARTITIONS)])
            deadline, left, last_error = time.monotonic() + DEADLINE_SECONDS, sum(ends.values()), None
            while left > 0:
                if time.monotonic() > deadline:
                    raise Mismatch("%d records not read in time; last error: %s" % (left, last_error))
                for message in consumer.consume(1000, 0.2):
                    error = message.error()
                    if error is not None:
                        # Errors of no partition are the group's coordinator; none is needed.
                        last_error = error
                        if message.partition() is not None and message.partition() >= 0:
                            raise Mismatch(str(error))
                        continue
                    left -= 1
                    yield (message.partition(), message.offset(), message.key(), message.value(),
                           message.headers())
        finally:
            consumer.close()


class KafkaPython:
    """kafka-python, the pure Python client; the idempotent producer came after 2.0.2."""

    def __init__(self):
        import kafka
        import kafka.admin

        self.api = kafka
        self.name = "kafka-python %s" % kafka.__version__
        self.has_idempotence = "enable_idempotence" in kafka.KafkaProducer.DEFAULT_CONFIG
        self.idempotence = [False, True] if self.has_idempotence else [False]

    def create(self, topic):
        admin = self.api.admin.KafkaAdminClient(bootstrap_servers=BOOTSTRAP)
        admin.create_topics([self.api.admin.NewTopic(topic, PARTITIONS, 1)])
        admin.close()

    def produce(self, topic, codec, idempotent):
        """Sends every record; returns per index the (partition, offset) acknowledged."""
        config = {
            "bootstrap_servers": BOOTSTRAP,
            "compression_type": None if codec == "none" else codec,
            "linger_ms": 5,
            "batch_size": 65536,
        }
        if self.has_idempotence:
            config["enable_idempotence"] = idempotent
        if not idempotent:
            config.update(acks=1, retries=5, max_in_flight_requests_per_connection=1)
        producer = self.api.KafkaProducer(**config)
        futures = []
        for index in range(RECORDS):
            key, value, headers = sent(index)
            futures.append(producer.send(topic, key=key, value=value, headers=headers,
                                         partition=index % PARTITIONS))
        producer.flush(DEADLINE_SECONDS)
        acks = [future.get(DEADLINE_SECONDS) for future in futures]
        producer.close(10)
        return [(ack.partition, ack.offset) for ack in acks]

    def consume(self, topic):
        """Yields (partition, offset, key, value, headers) to the end of every partition."""
        consumer = self.api.KafkaConsumer(bootstrap_servers=BOOTSTRAP, group_id=None,
                                          enable_auto_commit=False, check_crcs=True)
        try:
            places = [self.api.TopicPartition(topic, p) for p in range(PARTITIONS)]
            consumer.assign(places)
            for place, start in consumer.beginning_offsets(places).items():
                if start != 0:
                    raise Mismatch("partition %d starts at offset %d" % (place.partition, start))
            left = sum(consumer.end_offsets(places).values())
            for place in places:
                consumer.seek(place, 0)
            deadline = time.monotonic() + DEADLINE_SECONDS
            while left > 0:
                if time.monotonic() > deadline:
                    raise Mismatch("%d records not read in time" % left)
                for records in consumer.poll(timeout_ms=200, max_records=5000).values():
                    for record in records:
                        left -= 1
                        yield (record.partition, record.offset, record.key, record.value,
                               record.headers)
        finally:
            consumer.close()


def verify(acks, records):
    """Every partition holds its records once, in order, at the acknowledged offsets."""
    counts = [0] * PARTITIONS
    for partition, offset, key, value, headers in records:
        nth = counts[partition]
        index = nth * PARTITIONS + partition
        where = "partition %d, record %d" % (partition, nth)
        if index >= RECORDS:
            raise Mismatch("%s: more records than were sent" % where)
        if offset != nth or acks[index] != (partition, offset):
            raise Mismatch("%s: at offset %d, acknowledged %s" % (where, offset, acks[index]))
        got = (key, value, [(name, bytes(content)) for name, content in headers or []])
        if got != sent(index):
            raise Mismatch("%s: read %r, sent %r" % (where, got, sent(index)))
        counts[partition] += 1
    if sum(counts) != RECORDS:
        raise Mismatch("read %d records of %d" % (sum(counts), RECORDS))


def installed():
    """The client of this environment."""
    try:
        return Confluent()
    except ImportError:
        return KafkaPython()


def main():
    client = installed()
    failures = 0
    for codec in CODECS:
        for idempotent in client.idempotence:
            case = "%s %s%s" % (client.name, codec, " idempotent" if idempotent else "")
            started = time.monotonic()
            topic = "python-%s-%d-%d" % (codec, idempotent, time.time_ns())
            try:
                client.create(topic)
                verify(client.produce(topic, codec, idempotent), client.consume(topic))
                print("ok %s %.1fs" % (case, time.monotonic() - started), flush=True)
            except Exception as error:  # any failure of one combination leaves the others to run
                failures += 1
                if not isinstance(error, Mismatch):
                    traceback.print_exc(limit=-3, file=sys.stdout)
                print("FAILED %s: %s" % (case, error), flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
