// Harness holds what the programs beside it share: the broker that they start and kill, the Java processes that they start, and
// waiting with a limit.

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;

final class Harness implements AutoCloseable {
    /** True when what is waited for has come. An exception means: not yet; a Failure: never. */
    interface Condition {
        boolean holds() throws Exception;
    }

    /** What a program does, with a broker that runs. */
    interface Program {
        void run(Harness harness) throws Exception;
    }

    /** Something is not as it must be. */
    @SuppressWarnings("serial")
    static final class Failure extends Exception {
        Failure(String what) {
            super(what);
        }
    }

    /** A process and the file that its output goes to. */
    record Running(Process process, Path output) {
        List<String> lines() throws IOException {
            try (Stream<String> lines = Files.lines(output, StandardCharsets.ISO_8859_1)) {
                return lines.collect(Collectors.toList());
            }
        }
    }

    private static final Duration BROKER_START_MAX = Duration.ofSeconds(30);

    final Path scratch;
    final String bootstrap;
    private final int port;
    private final List<Running> started = new ArrayList<>();
    private Running broker;

    private Harness() throws IOException {
        scratch = Files.createTempDirectory("apps-");
        port = freePort();
        bootstrap = "127.0.0.1:" + port;
    }

    /** Runs the program, says `ok NAME` or `FAILED NAME` and why, and ends the process with the status that fits. */
    static void main(String name, Program program) throws IOException {
        long start = System.nanoTime();
        Harness harness = new Harness();
        Runtime.getRuntime().addShutdownHook(new Thread(harness::close));
        int status = 0;
        try {
            harness.startBroker();
            program.run(harness);
            System.out.printf("ok %s %.1fs%n", name, (System.nanoTime() - start) / 1e9);
        } catch (Exception error) { // whatever it is, what the processes said explains it
            System.out.println("FAILED " + name + ": " + error);
            harness.printTails();
            status = 1;
        }
        System.exit(status);
    }

    static int number(String variable, int otherwise) {
        return Optional.ofNullable(System.getenv(variable)).map(Integer::parseInt).orElse(otherwise);
    }

    static void until(String what, Duration limit, Condition condition) throws Exception {
        long end = System.nanoTime() + limit.toNanos();
        Exception last = null;
        while (System.nanoTime() < end) {
            try {
                if (condition.holds()) {
                    return;
                }
                last = null;
            } catch (InterruptedException | Failure hopeless) {
                throw hopeless;
            } catch (Exception notYet) { // a broker that was just killed does not answer
                last = notYet;
            }
            Thread.sleep(50);
        }
        throw new Failure("not within " + limit.toSeconds() + " s: " + what + (last == null ? "" : ", " + last));
    }

    /** The broker over the data that is there, with the defaults except for what makes waiting shorter. */
    void startBroker() throws Exception {
        broker = start("broker", List.of(System.getenv("PELTON"), "--data-dir", scratch.resolve("data").toString(),
            "--listen", bootstrap, "--admin-listen", "off", "--set", "group.initial.rebalance.delay.ms=500"));
        Process process = broker.process();
        until("the broker accepts", BROKER_START_MAX, () -> {
            if (!process.isAlive()) {
                throw new Failure("the broker ended with status " + process.exitValue());
            }
            try (Socket socket = new Socket()) {
                socket.connect(new InetSocketAddress("127.0.0.1", port), 1000);
                return true;
            }
        });
    }

    /** SIGKILL. */
    void killBroker() throws InterruptedException {
        broker.process().destroyForcibly().waitFor();
    }

    /** A class of the class path of this program, in a process of its own. */
    Running java(String name, String heap, Class<?> main, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx" + heap, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(List.of(arguments));
        return start(name, command);
    }

    /** SIGTERM, and SIGKILL to one that does not end. */
    void stop(Running running, Duration limit) throws Exception {
        running.process().destroy();
        if (!running.process().waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
            running.process().destroyForcibly().waitFor();
            throw new Failure("did not end within " + limit.toSeconds() + " s of SIGTERM: " + running.output().getFileName());
        }
    }

    Admin admin() {
        return Admin.create(Map.of("bootstrap.servers", bootstrap, "default.api.timeout.ms", "20000", "request.timeout.ms", "5000",
            "reconnect.backoff.max.ms", "200"));
    }

    void createTopics(int partitions, String... names) throws Exception {
        try (Admin admin = admin()) {
            admin.createTopics(Stream.of(names).map(name -> new NewTopic(name, partitions, (short) 1)).toList()).all().get();
        }
    }

    /** A properties file; the bootstrap server comes with it. */
    Path properties(String name, Map<String, String> values) throws IOException {
        Properties properties = new Properties();
        properties.putAll(values);
        properties.put("bootstrap.servers", bootstrap);
        Path file = scratch.resolve(name + ".properties");
        try (var out = Files.newOutputStream(file)) {
            properties.store(out, null);
        }
        return file;
    }

    private Running start(String name, List<String> command) throws IOException {
        Path output = scratch.resolve(name + "-" + started.size() + ".log");
        Process process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile()).start();
        Running running = new Running(process, output);
        started.add(running);
        return running;
    }

    static int freePort() throws IOException {
        // Its shards listen on the ports that follow.
        int shards = Runtime.getRuntime().availableProcessors();
        for (int port = number("APPS_PORT", 29600); ; port += 1 + shards) {
            boolean free = true;
            for (int each = port; free && each <= port + shards; each++) {
                try (ServerSocket socket = new ServerSocket()) {
                    socket.bind(new InetSocketAddress("127.0.0.1", each));
                } catch (IOException taken) {
                    free = false;
                }
            }
            if (free) {
                return port;
            }
        }
    }

    /** The last lines of the processes that were started last. */
    private void printTails() throws IOException {
        for (Running running : started.subList(Math.max(0, started.size() - 6), started.size())) {
            List<String> lines = running.lines();
            System.out.println("--- " + running.output().getFileName());
            for (String line : lines.subList(Math.max(0, lines.size() - 12), lines.size())) {
                System.out.println(line.substring(0, Math.min(line.length(), 300)));
            }
        }
    }

    @Override
    public void close() {
        started.forEach(running -> running.process().destroyForcibly());
        if (System.getenv("APPS_KEEP") != null) {
            return;
        }
        try (Stream<Path> paths = Files.walk(scratch)) {
            paths.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
        } catch (IOException gone) {
            // Nothing needs it any more.
        }
    }
}
