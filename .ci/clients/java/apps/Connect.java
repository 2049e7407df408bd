// Connect runs a worker of Kafka Connect in distributed mode, whose topics for configs, offsets and status are compacted, with
// the connectors that read lines of a file into a topic and write a topic to a file. Lines must pass while nothing happens, after
// a kill of the broker (the connectors go on running) and of the worker (it goes on where it was).

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.connect.cli.ConnectDistributed;
import org.apache.kafka.connect.file.FileStreamSinkConnector;
import org.apache.kafka.connect.file.FileStreamSourceConnector;

final class Connect {
    private static final int LINES = Harness.number("LINES", 1000);
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final List<String> INTERNAL = List.of("connect-configs", "connect-offsets", "connect-status");
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private final Harness harness;
    private final Path source;
    private final Path sink;
    private final URI rest;
    private int written;
    private long passed = System.nanoTime();

    private Connect(Harness harness) throws IOException {
        this.harness = harness;
        source = Files.createFile(harness.scratch.resolve("source.txt"));
        sink = harness.scratch.resolve("sink.txt");
        rest = URI.create("http://127.0.0.1:" + Harness.freePort());
    }

    public static void main(String[] arguments) throws Exception {
        Harness.main("connect: file to topic to file", harness -> new Connect(harness).run());
    }

    private void run() throws Exception {
        Harness.Running worker = startWorker();
        create("source", FileStreamSourceConnector.class, Map.of("file", source.toString(), "topic", "lines"));
        create("sink", FileStreamSinkConnector.class, Map.of("file", sink.toString(), "topics", "lines"));
        pass("at first");
        compacted();

        harness.killBroker();
        write();
        harness.startBroker();
        pass("after the broker was killed");

        harness.stop(worker, LIMIT);
        write();
        worker = startWorker();
        int before = written - LINES;
        pass("after the worker was stopped");
        List<String> lines = Files.readAllLines(sink);
        // What was acknowledged before a clean stop does not come again.
        if (lines.stream().filter(line -> number(line) == before).count() != 1) {
            throw new Harness.Failure("the worker did not go on where it was");
        }

        worker.process().destroyForcibly().waitFor();
        harness.killBroker();
        harness.startBroker();
        startWorker();
        pass("after the worker and the broker were killed");
    }

    private Harness.Running startWorker() throws Exception {
        Harness.Running worker = harness.java("connect", "256m", ConnectDistributed.class, harness.properties("worker", Map.ofEntries(
            Map.entry("group.id", "connect"), Map.entry("listeners", rest.toString()),
            Map.entry("config.storage.topic", INTERNAL.get(0)), Map.entry("config.storage.replication.factor", "1"),
            Map.entry("offset.storage.topic", INTERNAL.get(1)), Map.entry("offset.storage.replication.factor", "1"),
            Map.entry("status.storage.topic", INTERNAL.get(2)), Map.entry("status.storage.replication.factor", "1"),
            Map.entry("key.converter", "org.apache.kafka.connect.storage.StringConverter"),
            Map.entry("value.converter", "org.apache.kafka.connect.storage.StringConverter"),
            Map.entry("offset.flush.interval.ms", "1000"), Map.entry("plugin.discovery", "service_load"),
            // Who was killed, the worker as well as the consumer of its sink, is a member until its session ends.
            Map.entry("session.timeout.ms", "6000"), Map.entry("heartbeat.interval.ms", "2000"),
            Map.entry("consumer.session.timeout.ms", "6000"), Map.entry("consumer.heartbeat.interval.ms", "1000"),
            Map.entry("scheduled.rebalance.max.delay.ms", "0"))).toString());
        Harness.until("the worker answers", LIMIT, () -> get("/connectors").isArray());
        return worker;
    }

    private void create(String name, Class<?> connector, Map<String, String> config) throws Exception {
        Map<String, String> all = new HashMap<>(config);
        all.put("connector.class", connector.getName());
        all.put("tasks.max", "1");
        HttpRequest request = HttpRequest.newBuilder(rest.resolve("/connectors")).header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(JSON.writeValueAsString(Map.of("name", name, "config", all)))).build();
        // 409 while the group of workers rebalances.
        Harness.until("connector " + name + " is there", LIMIT, () -> HTTP.send(request, HttpResponse.BodyHandlers.ofString()).statusCode() == 201);
    }

    private void write() throws IOException {
        List<String> lines = IntStream.range(written, written + LINES).mapToObj(i -> "line " + i).toList();
        Files.write(source, lines, StandardOpenOption.APPEND);
        written += LINES;
    }

    /** Writes more, and waits until every line that was ever written is in the sink and both connectors run. */
    private void pass(String when) throws Exception {
        write();
        Harness.until("every line is in the sink " + when, LIMIT, () ->
            Files.readAllLines(sink).stream().map(Connect::number).distinct().count() == written);
        Harness.until("both run " + when, LIMIT, () -> running("source") && running("sink"));
        HashSet<Integer> seen = new HashSet<>();
        int next = 0;
        for (String line : Files.readAllLines(sink)) {
            // Once more is at least once; a line before the ones that it follows is not.
            if (seen.add(number(line)) && number(line) != next++) {
                throw new Harness.Failure("out of order " + when + ": " + line);
            }
        }
        System.out.printf("ok connect %s %.1fs%n", when, (System.nanoTime() - passed) / 1e9);
        passed = System.nanoTime();
    }

    private static int number(String line) {
        return Integer.parseInt(line.substring("line ".length()));
    }

    private boolean running(String name) throws Exception {
        JsonNode status = get("/connectors/" + name + "/status");
        return status.at("/connector/state").asText().equals("RUNNING") && status.at("/tasks").size() == 1
            && status.at("/tasks/0/state").asText().equals("RUNNING");
    }

    private JsonNode get(String path) throws Exception {
        return JSON.readTree(HTTP.send(HttpRequest.newBuilder(rest.resolve(path)).build(), HttpResponse.BodyHandlers.ofString()).body());
    }

    private void compacted() throws Exception {
        try (Admin admin = harness.admin()) {
            for (String topic : INTERNAL) {
                ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
                String policy = admin.describeConfigs(List.of(resource)).all().get().get(resource).get("cleanup.policy").value();
                if (!policy.equals("compact")) {
                    throw new Harness.Failure(topic + " is " + policy);
                }
            }
        }
    }
}
