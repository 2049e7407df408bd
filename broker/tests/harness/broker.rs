//! A broker of one's own: the binary in a temporary directory, its log lines, its memory.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// How long anything may take that is certain to happen. Reached only when something is broken.
pub const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Default)]
struct Log {
    lines: Mutex<(Vec<String>, bool)>,
    grown: Condvar,
}

/// A running broker; killed when dropped.
pub struct Broker {
    child: Child,
    pub port: u16,
    log: Arc<Log>,
}

/// A port that is free, as are the `more` ports after it. Somebody else may take one meanwhile: then starting fails.
pub fn free_ports(more: u16) -> u16 {
    loop {
        let first = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = first.local_addr().unwrap().port();
        if port > u16::MAX - more {
            continue;
        }
        let rest: Vec<_> = (1..=more)
            .map(|after| TcpListener::bind(("127.0.0.1", port + after)))
            .collect();
        if rest.iter().all(Result::is_ok) {
            return port;
        }
    }
}

/// The command that starts a broker on `port` with its data in `data`.
pub fn command(data: &Path, port: u16, options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pelton"));
    command
        .env_clear()
        .arg("--data-dir")
        .arg(data)
        .args(["--listen", &format!("127.0.0.1:{port}")])
        .args(["--set", "admin.listen=off"])
        .args(options)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

impl Broker {
    /// Starts a broker with one shard and waits until it serves.
    pub fn start(data: &Path, options: &[&str]) -> Self {
        let options: Vec<&str> = ["--shards", "1"].iter().chain(options).copied().collect();
        Self::start_as(data, 1, &options)
    }

    /// Starts a broker that is told its `shards` by `options`, or by its data, and waits until it serves.
    pub fn start_as(data: &Path, shards: u16, options: &[&str]) -> Self {
        for _ in 0..10 {
            let mut broker = Self::launch(command(data, free_ports(shards), options), data);
            if broker.wait_for("Pelton is ready") {
                return broker;
            }
            let status = broker.child.wait().unwrap();
            let ours = !broker
                .lines()
                .iter()
                .any(|line| line.contains("cannot listen"));
            assert!(
                !ours,
                "the broker did not start: {status}, {:#?}",
                broker.lines()
            );
        }
        panic!("no free ports in ten tries");
    }

    /// Runs `command`, which listens where it says.
    pub fn launch(mut command: Command, data: &Path) -> Self {
        let listen = command
            .get_args()
            .skip_while(|arg| *arg != "--listen")
            .nth(1);
        let port = listen
            .and_then(|listen| listen.to_str()?.rsplit_once(':')?.1.parse().ok())
            .unwrap_or(0);
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", data.display()));
        let log = Arc::new(Log::default());
        let (stderr, filling) = (child.stderr.take().unwrap(), log.clone());
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                filling.lines.lock().unwrap().0.push(line);
                filling.grown.notify_all();
            }
            filling.lines.lock().unwrap().1 = true;
            filling.grown.notify_all();
        });
        Self { child, port, log }
    }

    /// All lines logged so far.
    pub fn lines(&self) -> Vec<String> {
        self.log.lines.lock().unwrap().0.clone()
    }

    /// Waits for a line that contains `text`. False: the log has ended without one.
    pub fn wait_for(&self, text: &str) -> bool {
        self.wait_for_new(0, text)
    }

    /// As [`Broker::wait_for`], among the lines from the `first` on.
    pub fn wait_for_new(&self, first: usize, text: &str) -> bool {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.log.lines.lock().unwrap();
        loop {
            if state.0.iter().skip(first).any(|line| line.contains(text)) {
                return true;
            }
            if state.1 {
                return false;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let lines = state.0.clone();
                drop(state);
                panic!(
                    "no line says {text:?}: {lines:#?}, threads: {:#?}",
                    self.threads()
                );
            }
            state = self.log.grown.wait_timeout(state, left).unwrap().0;
        }
    }

    /// Asserts that a warning names the reason and a peer.
    pub fn assert_refusal(&self, reason: &str) {
        assert!(
            self.wait_for(reason),
            "the broker has ended: {:#?}",
            self.lines()
        );
        let lines = self.lines();
        let line = lines.iter().find(|line| line.contains(reason)).unwrap();
        assert!(line.contains("peer=127.0.0.1:"), "{line}");
    }

    /// Resident memory now, bytes.
    pub fn resident_bytes(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// Most resident memory ever, bytes.
    pub fn peak_bytes(&self) -> u64 {
        self.status("VmHWM:")
    }

    fn status(&self, row: &str) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let rest = text
            .lines()
            .find_map(|line| line.strip_prefix(row))
            .unwrap();
        let kib: u64 = rest.split_whitespace().next().unwrap().parse().unwrap();
        kib << 10
    }

    /// What each thread is at, for a failure's message.
    fn threads(&self) -> Vec<String> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let tasks = tasks.into_iter().flatten().flatten();
        let word = |path: std::path::PathBuf, name: &str| {
            fs::read_to_string(path.join(name))
                .unwrap_or_default()
                .trim()
                .to_owned()
        };
        tasks
            .map(|task| {
                let names = ["comm", "wchan", "syscall"];
                names.map(|name| word(task.path(), name)).join(" ")
            })
            .collect()
    }

    /// Open descriptors.
    pub fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id()))
            .unwrap()
            .count()
    }

    /// A connection to the bootstrap port.
    pub fn connect(&self) -> TcpStream {
        connect(self.port)
    }

    pub fn signal(&self, signal: i32) {
        let id = i32::try_from(self.child.id()).unwrap();
        // SAFETY: a signal to a child that was not waited for yet.
        #[allow(unsafe_code)]
        let sent = unsafe { libc::kill(id, signal) };
        assert_eq!(sent, 0, "the broker is there");
    }

    /// Kills it and waits until it is gone.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end, at most `patience`.
    pub fn wait(&mut self, patience: Duration) -> ExitStatus {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "still running: {:#?}, threads: {:#?}",
                self.lines(),
                self.threads()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// All its lines, once it has ended.
    pub fn ended_lines(&self) -> Vec<String> {
        assert!(!self.wait_for("\0"), "no line holds a zero");
        self.lines()
    }

    /// Stops it cleanly.
    pub fn stop(mut self) {
        self.signal(libc::SIGTERM);
        let status = self.wait(PATIENCE);
        assert_eq!(status.code(), Some(0), "{:#?}", self.lines());
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection to `port` with time-outs that only a broken broker reaches.
pub fn connect(port: u16) -> TcpStream {
    try_connect(port).expect("the broker listens")
}

/// As [`connect`]; `None`: nobody listens there.
pub fn try_connect(port: u16) -> Option<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    Some(stream)
}
