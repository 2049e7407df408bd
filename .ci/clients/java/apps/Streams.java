// Streams runs Kafka Streams' own smoke test (org.apache.kafka.streams.tests, the classes that Kafka's system tests run) with
// at_least_once: two applications join, window, count, sum and suppress what the driver writes, the driver computes the same and
// says whether the results are right. While it writes, the broker is killed and started again, then one of the applications.
// KEYS and RECORDS (a key) say how much; the system test's own figures are 20 and 1000.

import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.apache.kafka.streams.tests.SmokeTestDriver;
import org.apache.kafka.streams.tests.StreamsSmokeTest;

final class Streams {
    private static final int PARTITIONS = 5;
    private static final int KEYS = Harness.number("KEYS", 10);
    private static final int RECORDS = Harness.number("RECORDS", 100);

    public static void main(String[] arguments) throws Exception {
        Harness.main("streams smoke test", Streams::smoke);
    }

    private static void smoke(Harness harness) throws Exception {
        harness.createTopics(PARTITIONS, Stream.concat(Stream.of(SmokeTestDriver.topics()), Stream.of("fk")).distinct().toArray(String[]::new));
        application(harness, "one");
        Harness.Running two = application(harness, "two");
        // The driver sleeps for 2 ms a record at least.
        CompletableFuture<Map<String, Set<Integer>>> written = CompletableFuture.supplyAsync(
            () -> SmokeTestDriver.generate(harness.bootstrap, KEYS, RECORDS, Duration.ofSeconds(10)));
        Thread.sleep(4000);
        harness.killBroker();
        harness.startBroker();
        Thread.sleep(3000);
        two.process().destroyForcibly().waitFor();
        // Without the state of the one that died: it is read back from the changelogs.
        application(harness, "three");
        if (!SmokeTestDriver.verify(harness.bootstrap, written.get(), RECORDS, false).passed()) {
            throw new Harness.Failure("the driver found the results wrong");
        }
    }

    private static Harness.Running application(Harness harness, String name) throws Exception {
        Map<String, String> settings = Map.of("processing.guarantee", "at_least_once", "commit.interval.ms", "500",
            "state.dir", harness.scratch.resolve("state-" + name).toString(), "session.timeout.ms", "6000", "heartbeat.interval.ms", "1000");
        return harness.java("streams-" + name, "256m", StreamsSmokeTest.class, harness.properties(name, settings).toString(), "process");
    }
}
