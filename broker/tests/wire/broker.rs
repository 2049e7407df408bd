//! The broker that is asked: a Pelton started for the test, or whatever listens where the environment says.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Settings of the broker, Kafka's names: the recordings were made with the same. `broker.id`-like ones are masked.
/// With one node the topic of transactions cannot have three replicas: so there is no such coordinator, in Kafka either.
pub const SETTINGS: &[(&str, &str)] = &[
    ("num.partitions", "4"),
    ("offsets.topic.replication.factor", "1"),
    ("transaction.state.log.replication.factor", "3"),
    ("group.initial.rebalance.delay.ms", "0"),
    ("group.min.session.timeout.ms", "1000"),
    ("group.max.size", "5"),
];
/// Settings that only a Pelton has.
const PELTON_SETTINGS: &[(&str, &str)] = &[
    ("advertise", "machine"),
    ("journal.file.bytes", "33554432"),
    ("journal.bytes.max", "67108864"),
];
const START_MAX: Duration = Duration::from_secs(60);

/// A broker to ask.
pub struct Broker {
    /// Where it listens.
    pub address: SocketAddr,
    /// How long an answer may take before it counts as none. Kafka leaves some requests without one; we never do.
    pub answer_max: Duration,
    _pelton: Option<Pelton>,
}

struct Pelton {
    process: Child,
    _data: tempfile::TempDir,
}

impl Drop for Pelton {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Broker {
    /// The one of PELTON_WIRE_TARGET, else a Pelton of its own on a fresh directory.
    pub fn start(shards: u32) -> Self {
        if let Ok(target) = std::env::var("PELTON_WIRE_TARGET") {
            let address = target
                .parse()
                .expect("PELTON_WIRE_TARGET is an address and a port");
            return Self {
                address,
                answer_max: Duration::from_secs(5),
                _pelton: None,
            };
        }
        loop {
            // The port may be taken by another test between looking and binding: the broker then ends, and the next is tried.
            let address = TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap();
            let mut pelton = Pelton::spawn(address, shards);
            if pelton.answers(address) {
                return Self {
                    address,
                    answer_max: Duration::from_secs(60),
                    _pelton: Some(pelton),
                };
            }
        }
    }
}

impl Pelton {
    fn spawn(address: SocketAddr, shards: u32) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_pelton"));
        command
            .arg("--data-dir")
            .arg(data.path())
            .args(["--listen", &address.to_string()])
            .args([
                "--shards",
                &shards.to_string(),
                "--log-level",
                "error,glommio=off",
            ])
            .stdin(Stdio::null());
        for (name, value) in SETTINGS.iter().chain(PELTON_SETTINGS) {
            command.args(["--set", &format!("{name}={value}")]);
        }
        let process = command.spawn().unwrap();
        Self {
            process,
            _data: data,
        }
    }

    /// Whether it serves; `false` if it ended, because its port was taken.
    fn answers(&mut self, address: SocketAddr) -> bool {
        let started = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                assert_eq!(status.code(), Some(6), "the broker did not start: {status}");
                return false;
            }
            if api_versions(address).is_ok() {
                return true;
            }
            assert!(started.elapsed() < START_MAX, "the broker does not answer");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn api_versions(address: SocketAddr) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(&[0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff])?;
    stream.read_exact(&mut [0; 8])
}

/// One connection, and what happened to it.
pub struct Connection {
    stream: TcpStream,
}

/// What came in place of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// The connection was closed.
    Closed,
    /// Nothing came in time.
    Mute,
}

impl Connection {
    /// Connects.
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream }
    }

    /// Sends a frame, its length before it. A closed connection shows when the answer is read.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// The next frame, without its length.
    pub fn receive(&mut self, within: Duration) -> Result<Vec<u8>, Silence> {
        let silence = |error: std::io::Error| match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Silence::Mute,
            _ => Silence::Closed,
        };
        self.stream.set_read_timeout(Some(within)).unwrap();
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).map_err(silence)?;
        let mut frame = vec![0; u32::from_be_bytes(length) as usize];
        self.stream.read_exact(&mut frame).map_err(silence)?;
        Ok(frame)
    }
}
