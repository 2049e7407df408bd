// Rolling restarts the members of a consumer group one after the other, and kills the broker in between: Kafka's VerifiableConsumer,
// three to a group, read what a VerifiableProducer writes without a pause. Four kinds of group take turns: eager and cooperative, with
// members that leave and with static ones (half of the stops of those are kills). ROUNDS (default 4, over all kinds) is how often
// each member is restarted and the broker killed; SEED repeats when.
//
// After each restart the group must be stable again, its assignment complete and disjoint. At no time may two members own a
// partition, or a committed offset go back, as the members and a client beside them see it. At the end of a kind every acknowledged
// record was consumed, as it was produced, and none was skipped.

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.MemberDescription;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.tools.VerifiableConsumer;
import org.apache.kafka.tools.VerifiableProducer;

final class Rolling {
    private static final int MEMBERS = 3;
    private static final int PARTITIONS = 8;
    private static final int RECORDS_A_SECOND = 300;
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final ObjectMapper JSON = new ObjectMapper();

    /** One life of a member: when its process ended is only known once it has. */
    private static final class Life {
        final Harness.Running running;
        final int member;
        long endedAt = Long.MAX_VALUE;

        Life(Harness.Running running, int member) {
            this.running = running;
            this.member = member;
        }
    }

    /** A member owned a partition from `from` to `to`, milliseconds of the machine's clock. */
    private record Owned(long from, long to, Life life) {}

    /** A member read records, or a commit of it succeeded. */
    private record Fact(long at, long offset, boolean commit, boolean firstSinceAssigned, long assignedAt) {}

    private final Harness harness;
    private final Admin admin;
    private final String name;
    private final boolean cooperative;
    private final boolean fixed;
    private final Random random;
    private final Life[] members = new Life[MEMBERS];
    private final List<Life> lives = new ArrayList<>();
    /** What the client beside the group saw go wrong. */
    private final ConcurrentLinkedQueue<String> wrong = new ConcurrentLinkedQueue<>();
    private long committedSeen;
    private long settledNanosMax;

    private Rolling(Harness harness, Admin admin, String name, boolean cooperative, boolean fixed, Random random) {
        this.harness = harness;
        this.admin = admin;
        this.name = name;
        this.cooperative = cooperative;
        this.fixed = fixed;
        this.random = random;
    }

    public static void main(String[] arguments) throws Exception {
        int rounds = Harness.number("ROUNDS", 4);
        int seed = Harness.number("SEED", (int) (System.nanoTime() % 1_000_000));
        System.out.println("rolling: seed " + seed);
        Random random = new Random(seed);
        Harness.main("rolling restarts", harness -> {
            for (int kind = 0; kind < 4; kind++) {
                boolean cooperative = kind % 2 == 1;
                boolean fixed = kind >= 2;
                int share = rounds / 4 + (kind < rounds % 4 ? 1 : 0);
                String name = (cooperative ? "cooperative" : "eager") + (fixed ? "-static" : "");
                if (share > 0) {
                    try (Admin admin = harness.admin()) {
                        new Rolling(harness, admin, name, cooperative, fixed, random).run(share);
                    }
                }
            }
        });
    }

    private void run(int rounds) throws Exception {
        long started = System.nanoTime();
        harness.createTopics(PARTITIONS, name);
        Harness.Running producer = harness.java("producer", "64m", VerifiableProducer.class, "--bootstrap-server", harness.bootstrap,
            "--topic", name, "--throughput", String.valueOf(RECORDS_A_SECOND), "--acks", "-1",
            // With keys each partition gets some at any time.
            "--repeating-keys", "100", "--command-config",
            // The tool itself sets no retries.
            harness.properties("producer", Map.of("retries", "2147483647", "enable.idempotence", "true")).toString());
        for (int member = 0; member < MEMBERS; member++) {
            start(member);
        }
        settled("at first");
        Thread watch = new Thread(this::watchCommitted);
        watch.setDaemon(true);
        watch.start();
        for (int round = 1; round <= rounds; round++) {
            round(round);
        }
        // A commit that a rebalance refuses is made up for with the next records only.
        Thread.sleep(1500);
        harness.stop(producer, LIMIT);
        caughtUp();
        watch.interrupt();
        watch.join();
        for (int member = 0; member < MEMBERS; member++) {
            stop(member, false);
        }
        String found = verify(producer);
        System.out.printf("rolling %s: %s%n", name, found);
        System.out.printf("ok rolling restarts of %s members, %d rounds %.1fs%n", name, rounds, (System.nanoTime() - started) / 1e9);
    }

    /** Restarts each member; the broker is killed a moment after one of them has started again. */
    private void round(int round) throws Exception {
        int killedWith = random.nextInt(MEMBERS);
        for (int member = 0; member < MEMBERS; member++) {
            boolean early = random.nextBoolean();
            if (member == killedWith && early) {
                // The stop and what it makes of the group meet a broker that is not there.
                harness.killBroker();
                members[member].running.process().destroy();
                harness.startBroker();
            }
            // Only who is static can be killed without a wait for its session to end.
            stop(member, fixed && random.nextBoolean());
            start(member);
            if (member == killedWith && !early) {
                Thread.sleep(random.nextInt(3000));
                harness.killBroker();
                harness.startBroker();
            }
            settled("in round " + round + " after member " + member);
        }
    }

    private void start(int member) throws IOException {
        List<String> arguments = new ArrayList<>(List.of("--bootstrap-server", harness.bootstrap, "--topic", name, "--group-id", name,
            "--verbose", "--session-timeout", "10000", "--assignment-strategy",
            (cooperative ? CooperativeStickyAssignor.class : RangeAssignor.class).getName(),
            "--command-config", harness.properties("consumer", Map.of("heartbeat.interval.ms", "300")).toString()));
        if (fixed) {
            arguments.addAll(List.of("--group-instance-id", "member-" + member));
        }
        Harness.Running running = harness.java(name + "-member", "64m", VerifiableConsumer.class, arguments.toArray(String[]::new));
        members[member] = new Life(running, member);
        lives.add(members[member]);
    }

    private void stop(int member, boolean kill) throws Exception {
        Life life = members[member];
        if (kill) {
            life.running.process().destroyForcibly().waitFor();
        } else {
            harness.stop(life.running, LIMIT);
        }
        life.endedAt = System.currentTimeMillis();
    }

    /** Three members with processes that run, and each partition assigned once. */
    private void settled(String when) throws Exception {
        long started = System.nanoTime();
        int all = lives.size();
        Harness.until(name + " settles " + when, LIMIT, () -> {
            ConsumerGroupDescription group = admin.describeConsumerGroups(List.of(name)).all().get().get(name);
            if (group.groupState() != GroupState.STABLE || group.members().size() != MEMBERS || assignments(all - 1) == 0) {
                return false;
            }
            List<TopicPartition> assigned = group.members().stream().map(MemberDescription::assignment)
                .flatMap(assignment -> assignment.topicPartitions().stream()).toList();
            if (assigned.stream().distinct().count() != assigned.size()) {
                throw new Harness.Failure("assigned twice " + when + ": " + group);
            }
            // Cooperative members give up first: a generation between two may leave out what moves.
            if (assigned.size() < PARTITIONS && !cooperative) {
                throw new Harness.Failure("assigned in part " + when + ": " + group);
            }
            return assigned.size() == PARTITIONS;
        });
        settledNanosMax = Math.max(settledNanosMax, System.nanoTime() - started);
    }

    /** How often a life was given an assignment. */
    private long assignments(int life) throws IOException {
        return lives.get(life).running.lines().stream().filter(line -> line.contains("\"partitions_assigned\"")).count();
    }

    private Map<TopicPartition, Long> committed() throws Exception {
        Map<TopicPartition, OffsetAndMetadata> offsets = admin.listConsumerGroupOffsets(name).partitionsToOffsetAndMetadata().get();
        return offsets.entrySet().stream().filter(entry -> entry.getValue() != null)
            .collect(Collectors.toMap(Map.Entry::getKey, entry -> entry.getValue().offset()));
    }

    private void watchCommitted() {
        Map<TopicPartition, Long> highest = new HashMap<>();
        while (!Thread.currentThread().isInterrupted()) {
            try {
                Map<TopicPartition, Long> now = committed();
                committedSeen++;
                highest.forEach((partition, offset) -> {
                    if (now.getOrDefault(partition, -1L) < offset) {
                        wrong.add("committed of " + partition + " went from " + offset + " to " + now.get(partition));
                    }
                });
                highest.putAll(now);
                Thread.sleep(100);
            } catch (InterruptedException end) {
                return;
            } catch (Exception notNow) { // the broker is being killed
                continue;
            }
        }
    }

    private void caughtUp() throws Exception {
        Map<TopicPartition, OffsetSpec> latest = new HashMap<>();
        for (int partition = 0; partition < PARTITIONS; partition++) {
            latest.put(new TopicPartition(name, partition), OffsetSpec.latest());
        }
        Harness.until(name + " has committed all", LIMIT, () -> {
            Map<TopicPartition, Long> committed = committed();
            return admin.listOffsets(latest).all().get().entrySet().stream()
                .allMatch(end -> end.getValue().offset() == committed.getOrDefault(end.getKey(), 0L));
        });
    }

    private String verify(Harness.Running producer) throws Exception {
        if (!wrong.isEmpty()) {
            throw new Harness.Failure(String.join("; ", wrong));
        }
        // By partition: value by offset, who owned it when, and what was read and committed when.
        Map<Integer, TreeMap<Long, String>> consumed = new HashMap<>();
        Map<Integer, List<Owned>> owned = new HashMap<>();
        Map<Integer, List<Fact>> facts = new HashMap<>();
        for (int partition = 0; partition < PARTITIONS; partition++) {
            consumed.put(partition, new TreeMap<>());
            owned.put(partition, new ArrayList<>());
            facts.put(partition, new ArrayList<>());
        }
        for (Life life : lives) {
            read(life, consumed, owned, facts);
        }
        owned.forEach((partition, spans) -> disjoint(partition, spans));
        facts.forEach((partition, each) -> neverBack(partition, each));
        long acknowledged = 0;
        for (JsonNode event : events(producer)) {
            if (event.path("name").asText().equals("producer_send_error")) {
                wrong.add("not produced: " + event);
            }
            if (!event.path("name").asText().equals("producer_send_success")) {
                continue;
            }
            acknowledged++;
            String value = consumed.get(event.get("partition").asInt()).get(event.get("offset").asLong());
            if (!event.get("value").asText().equals(value)) {
                wrong.add("acknowledged " + event + ", consumed " + value);
            }
        }
        if (!wrong.isEmpty()) {
            throw new Harness.Failure(wrong.size() + " wrong: " + wrong.stream().limit(10).collect(Collectors.joining("; ")));
        }
        long commits = facts.values().stream().flatMap(List::stream).filter(Fact::commit).count();
        return acknowledged + " records acknowledged and consumed, " + owned.values().stream().mapToInt(List::size).sum() + " assignments, "
            + commits + " commits, " + committedSeen + " looks at what is committed, settled within "
            + Duration.ofNanos(settledNanosMax).toMillis() + " ms";
    }

    private void read(Life life, Map<Integer, TreeMap<Long, String>> consumed, Map<Integer, List<Owned>> owned, Map<Integer, List<Fact>> facts)
        throws IOException {
        Map<Integer, Long> assignedAt = new HashMap<>();
        Map<Integer, Boolean> fresh = new HashMap<>();
        for (JsonNode event : events(life.running)) {
            long at = event.path("timestamp").asLong();
            switch (event.path("name").asText()) {
                case "partitions_assigned" -> event.get("partitions").forEach(each -> {
                    assignedAt.put(each.get("partition").asInt(), at);
                    fresh.put(each.get("partition").asInt(), true);
                });
                case "partitions_revoked" -> event.get("partitions").forEach(each -> {
                    int partition = each.get("partition").asInt();
                    Long from = assignedAt.remove(partition);
                    if (from != null) {
                        owned.get(partition).add(new Owned(from, at, life));
                    }
                });
                case "records_consumed" -> event.get("partitions").forEach(each -> {
                    int partition = each.get("partition").asInt();
                    long first = each.get("minOffset").asLong();
                    if (each.get("maxOffset").asLong() - first + 1 != each.get("count").asLong()) {
                        wrong.add("records left out: " + event);
                    }
                    boolean isFirst = Boolean.TRUE.equals(fresh.put(partition, false));
                    facts.get(partition).add(new Fact(at, first, false, isFirst, assignedAt.getOrDefault(partition, at)));
                });
                case "record_data" -> {
                    String value = event.get("value").asText();
                    String other = consumed.get(event.get("partition").asInt()).put(event.get("offset").asLong(), value);
                    if (other != null && !other.equals(value)) {
                        wrong.add("consumed " + other + " and " + event);
                    }
                }
                case "offsets_committed" -> {
                    if (event.get("success").asBoolean()) {
                        event.get("offsets").forEach(each -> facts.get(each.get("partition").asInt())
                            .add(new Fact(at, each.get("offset").asLong(), true, false, 0)));
                    }
                }
                default -> { }
            }
        }
        assignedAt.forEach((partition, from) -> owned.get(partition).add(new Owned(from, life.endedAt, life)));
    }

    private void disjoint(int partition, List<Owned> spans) {
        spans.sort(Comparator.comparingLong(Owned::from));
        for (int i = 1; i < spans.size(); i++) {
            Owned before = spans.get(i - 1);
            Owned after = spans.get(i);
            if (after.from() < before.to()) {
                wrong.add("partition " + partition + " owned by member " + after.life().member + " from " + after.from() + ", by member "
                    + before.life().member + " to " + before.to());
            }
        }
    }

    /** No commit is below one before it, and who is given a partition starts where the group was. */
    private void neverBack(int partition, List<Fact> each) {
        List<Fact> commits = each.stream().filter(Fact::commit).sorted(Comparator.comparingLong(Fact::at)).toList();
        for (int i = 1; i < commits.size(); i++) {
            if (commits.get(i).offset() < commits.get(i - 1).offset()) {
                wrong.add("partition " + partition + ": " + commits.get(i) + " after " + commits.get(i - 1));
            }
        }
        for (Fact start : each) {
            if (start.firstSinceAssigned()) {
                long committed = commits.stream().filter(commit -> commit.at() < start.assignedAt()).mapToLong(Fact::offset).max().orElse(0);
                if (start.offset() < committed) {
                    wrong.add("partition " + partition + ": " + start + " below the committed " + committed);
                }
            }
        }
    }

    /** The lines that are JSON, except one that a kill has cut. */
    private static List<JsonNode> events(Harness.Running running) throws IOException {
        List<JsonNode> events = new ArrayList<>();
        for (String line : running.lines()) {
            if (line.startsWith("{") && line.endsWith("}")) {
                try {
                    events.add(JSON.readTree(line));
                } catch (IOException cut) {
                    continue;
                }
            }
        }
        return events;
    }
}
