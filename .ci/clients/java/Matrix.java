// Matrix writes and reads back with Kafka's own Java client, whichever version is on the class path:
// every codec, with the idempotent producer off and on. Each of 4 partitions is read by an assigned
// consumer (no group) and must hold exactly what was sent to it, in order, at the offsets the broker
// acknowledged. BOOTSTRAP names the broker, RECORDS how many records a combination has.

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.AppInfoParser;

public class Matrix {
    private static final String BOOTSTRAP = System.getenv("BOOTSTRAP");
    private static final int RECORDS =
        Integer.parseInt(Optional.ofNullable(System.getenv("RECORDS")).orElse("20000"));
    private static final int PARTITIONS = 4;
    private static final Duration DEADLINE =
        Duration.ofSeconds(Long.parseLong(Optional.ofNullable(System.getenv("DEADLINE_SECONDS")).orElse("90")));
    private static final String FILL = "0123456789abcdef";

    /** What was read is not what was written. */
    private static class Mismatch extends Exception {
        Mismatch(String what) {
            super(what);
        }
    }

    public static void main(String[] arguments) {
        int failures = 0;
        for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
            for (boolean idempotent : new boolean[] {false, true}) {
                String name = "java " + AppInfoParser.getVersion() + " " + codec + (idempotent ? " idempotent" : "");
                String topic = "java-" + codec + "-" + idempotent + "-" + System.nanoTime();
                long started = System.nanoTime();
                try {
                    create(topic);
                    verify(topic, produce(topic, codec, idempotent));
                    System.out.printf("ok %s %.1fs%n", name, (System.nanoTime() - started) / 1e9);
                } catch (Exception error) { // any failure of one combination leaves the others to run
                    failures++;
                    System.out.println("FAILED " + name + ": " + error);
                }
            }
        }
        System.exit(failures == 0 ? 0 : 1);
    }

    private static void create(String topic) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", BOOTSTRAP))) {
            admin.createTopics(List.of(new NewTopic(topic, PARTITIONS, (short) 1))).all().get(30, TimeUnit.SECONDS);
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** The value of record index; some are tombstones, some are empty. */
    private static byte[] value(int index) {
        return switch (index % 97) {
            case 5 -> null;
            case 6 -> new byte[0];
            default -> bytes("value-" + index + " " + FILL.repeat(index % 13));
        };
    }

    /** Sends every record; returns the offset acknowledged for each. */
    private static long[] produce(String topic, String codec, boolean idempotent) throws Exception {
        Map<String, Object> config = new HashMap<>(Map.of(
            "bootstrap.servers", BOOTSTRAP,
            "compression.type", codec,
            "enable.idempotence", idempotent,
            "linger.ms", 5,
            "batch.size", 65536,
            "delivery.timeout.ms", (int) DEADLINE.toMillis()));
        if (!idempotent) {
            config.put("acks", "1");
            config.put("max.in.flight.requests.per.connection", 1);
        }
        long[] offsets = new long[RECORDS];
        Arrays.fill(offsets, -1);
        AtomicReference<Exception> refused = new AtomicReference<>();
        try (var producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
            for (int i = 0; i < RECORDS; i++) {
                int index = i;
                var record = new ProducerRecord<>(topic, index % PARTITIONS, bytes("key-" + index), value(index));
                record.headers().add("index", bytes(Integer.toString(index)));
                producer.send(record, (acked, error) -> {
                    if (error != null) {
                        refused.compareAndSet(null, error);
                    } else {
                        offsets[index] = acked.offset();
                    }
                });
            }
            producer.flush();
        }
        if (refused.get() != null) {
            throw refused.get();
        }
        return offsets;
    }

    /** Reads every partition from its start to its end. */
    private static void verify(String topic, long[] offsets) throws Mismatch {
        Map<String, Object> config = Map.of(
            "bootstrap.servers", BOOTSTRAP, "enable.auto.commit", false, "auto.offset.reset", "none");
        List<TopicPartition> places =
            IntStream.range(0, PARTITIONS).mapToObj(p -> new TopicPartition(topic, p)).toList();
        int[] counts = new int[PARTITIONS];
        try (var consumer = new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.assign(places);
            consumer.seekToBeginning(places);
            long total = consumer.endOffsets(places).values().stream().mapToLong(Long::longValue).sum();
            if (total != RECORDS) {
                throw new Mismatch("the end offsets sum up to " + total + ", sent " + RECORDS);
            }
            long until = System.nanoTime() + DEADLINE.toNanos();
            for (int read = 0; read < RECORDS;) {
                if (System.nanoTime() > until) {
                    throw new Mismatch(RECORDS - read + " records not read in time");
                }
                for (var record : consumer.poll(Duration.ofMillis(200))) {
                    check(record, counts[record.partition()]++, offsets);
                    read++;
                }
            }
        }
    }

    /** The nth record of its partition is the one that was sent there, at the offset acknowledged for it. */
    private static void check(ConsumerRecord<byte[], byte[]> record, int nth, long[] offsets) throws Mismatch {
        int index = nth * PARTITIONS + record.partition();
        String where = "partition " + record.partition() + ", record " + nth + ": ";
        if (index >= RECORDS) {
            throw new Mismatch(where + "more records than were sent");
        }
        if (record.offset() != nth || offsets[index] != nth) {
            throw new Mismatch(where + "at offset " + record.offset() + ", acknowledged " + offsets[index]);
        }
        Header[] headers = record.headers().toArray();
        if (!Arrays.equals(record.key(), bytes("key-" + index))
            || !Arrays.equals(record.value(), value(index))
            || headers.length != 1
            || !headers[0].key().equals("index")
            || !Arrays.equals(headers[0].value(), bytes(Integer.toString(index)))) {
            throw new Mismatch(where + "read " + record);
        }
    }
}
