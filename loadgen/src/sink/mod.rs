//! A broker that keeps nothing, on one core: it acknowledges what is produced without reading it, and gives out the same batch for
//! ever. It shows what this program, and the machine's loopback, can do at most; it is no broker to test clients with.
//! With a store it checks what is produced and makes it durable, and gives out what lies on the disk: the most that a broker on
//! this machine can do.

mod aligned;
mod answers;
mod reads;
mod store;

use std::collections::HashMap;
use std::io::{ErrorKind, IoSlice, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use rustix::buffer::spare_capacity;
use rustix::net::RecvFlags;

use self::aligned::Aligned;
use self::answers::{Answer, Answers, Part};
use self::reads::{ReadAnswer, Reads};
use self::store::{Blocks, STORE_BYTES_MIN, Store};
use crate::args::SinkArgs;
use crate::host::pin_thread;
use crate::run::RunError;
use crate::run::poller::{Poller, Ready};
use crate::verbs::CommandError;

/// Read at the start of a request: its head, or several small ones.
const HEAD_BYTES: usize = 4096;
/// Thrown away at once, unread.
const SKIP_BYTES: usize = 1 << 20;
/// Pieces of one write.
const PIECES_MAX: usize = 64;
const LISTENER: usize = usize::MAX;
const WRITTEN: usize = usize::MAX - 1;
const READ: usize = usize::MAX - 2;

/// A fetch answer that is being sent.
enum Sending {
    FromMemory(Vec<Part>),
    FromDisk(ReadAnswer),
}

/// What is kept, and given out from there.
struct Disk {
    store: Store,
    reads: Reads,
}

struct Connection {
    token: usize,
    stream: TcpStream,
    /// What of the next request is there.
    input: Vec<u8>,
    /// Bytes of the request before that still come and are not looked at.
    skip: usize,
    out: Vec<u8>,
    /// A fetch answer under way: where in it writing stands.
    fetch: Option<(Sending, usize)>,
    /// Whether one is being read from the disk.
    reading: bool,
    /// Memory of the one before.
    spare: Option<Aligned>,
}

/// Runs until it is killed.
pub fn run(args: &SinkArgs) -> Result<bool, CommandError> {
    if let Some(cpu) = args.cpu {
        pin_thread(&[cpu]);
    }
    serve(args).map_err(|source| {
        RunError::System {
            what: "sink",
            source,
        }
        .into()
    })
}

fn serve(args: &SinkArgs) -> std::io::Result<bool> {
    let batch = answers::batch(args);
    // An open port says that the file is filled.
    let mut disk = match &args.store {
        Some(path) => Some(Disk::open(path, args, batch.bytes())?),
        None => None,
    };
    let listener = TcpListener::bind(&args.listen)?;
    listener.set_nonblocking(true)?;
    let mut answers = Answers::new(listener.local_addr()?, args.partitions, batch);
    let mut poller = Poller::new(20_000)?;
    poller.add(&listener, LISTENER)?;
    if let Some(disk) = &disk {
        poller.add(disk.store.written(), WRITTEN)?;
        poller.add(disk.reads.ended(), READ)?;
    }
    let mut connections: HashMap<usize, Connection> = HashMap::new();
    let (mut next, mut ready) = (0, Vec::new());
    let mut buffer = vec![0; SKIP_BYTES];
    loop {
        poller.wait(u64::MAX, &mut ready)?;
        for &Ready { token, .. } in &ready {
            if token == LISTENER {
                while let Ok((stream, _)) = listener.accept() {
                    stream.set_nonblocking(true)?;
                    stream.set_nodelay(true)?;
                    poller.add(&stream, next)?;
                    connections.insert(next, Connection::new(next, stream));
                    next += 1;
                }
                continue;
            }
            for token in woken(token, disk.as_mut(), &mut connections)? {
                let Some(connection) = connections.get_mut(&token) else {
                    continue;
                };
                let handled = connection.handle_ready(&mut answers, disk.as_mut(), &mut buffer);
                if let Err(error) = handled {
                    if error.kind() == ErrorKind::Unsupported {
                        return Err(error);
                    }
                    if error.kind() != ErrorKind::UnexpectedEof {
                        eprintln!("closing a connection: {error}");
                    }
                    connections.remove(&token);
                }
            }
        }
        if let Some(disk) = &mut disk {
            disk.store.begin();
        }
    }
}

/// The connections that have something to do now that `token` is ready.
fn woken(
    token: usize,
    disk: Option<&mut Disk>,
    connections: &mut HashMap<usize, Connection>,
) -> std::io::Result<Vec<usize>> {
    let mut woken = Vec::new();
    match (token, disk) {
        (WRITTEN, Some(disk)) => {
            for (token, answer) in disk.store.durable()? {
                if let Some(connection) = connections.get_mut(&token) {
                    connection.out.extend(answer);
                    woken.push(token);
                }
            }
        }
        (READ, Some(disk)) => {
            for answer in disk.reads.ready()? {
                if let Some(connection) = connections.get_mut(&answer.connection) {
                    woken.push(answer.connection);
                    connection.reading = false;
                    connection.fetch = Some((Sending::FromDisk(answer), 0));
                }
            }
        }
        _ => woken.push(token),
    }
    // One send takes all the answers of a connection.
    woken.sort_unstable();
    woken.dedup();
    Ok(woken)
}

impl Disk {
    fn open(path: &Path, args: &SinkArgs, batch: &[u8]) -> std::io::Result<Self> {
        let last = match args.new_blocks {
            true => Blocks::New,
            false => Blocks::Written,
        };
        // A journal is written over and over, whatever its segments do.
        let (once, again) = match args.twice {
            true => (Blocks::Written, Some(last)),
            false => (last, None),
        };
        let store = Store::new(path, args.store_bytes, batch, once, again)?;
        let bytes = args.store_bytes.max(STORE_BYTES_MIN);
        let reads = Reads::new(path, bytes, batch.len(), args.partitions as usize)?;
        Ok(Self { store, reads })
    }
}

impl Connection {
    fn new(token: usize, stream: TcpStream) -> Self {
        Self {
            token,
            stream,
            input: Vec::with_capacity(HEAD_BYTES),
            skip: 0,
            out: Vec::new(),
            fetch: None,
            reading: false,
            spare: None,
        }
    }

    fn handle_ready(
        &mut self,
        answers: &mut Answers,
        mut disk: Option<&mut Disk>,
        buffer: &mut [u8],
    ) -> std::io::Result<()> {
        loop {
            if !self.flush(answers)? {
                return Ok(());
            }
            if self.skip == 0 && self.take_requests(answers, disk.as_deref_mut())? {
                continue;
            }
            let read = match self.skip {
                // Straight to where it is looked at.
                0 if disk.is_some() => {
                    self.input.reserve(SKIP_BYTES);
                    let read = rustix::io::read(&self.stream, spare_capacity(&mut self.input));
                    read.map_err(std::io::Error::from)
                }
                0 => {
                    let room = HEAD_BYTES.saturating_sub(self.input.len()).max(64);
                    let read = (&self.stream).read(&mut buffer[..room]);
                    read.inspect(|&bytes| self.input.extend_from_slice(&buffer[..bytes]))
                }
                skip => {
                    let whole = skip.min(buffer.len());
                    let read =
                        rustix::net::recv(&self.stream, &mut buffer[..whole], RecvFlags::TRUNC);
                    let read = read.map(|(_, bytes)| bytes).map_err(std::io::Error::from);
                    read.inspect(|bytes| self.skip -= bytes)
                }
            };
            match read {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return self.flush(answers).map(|_| ());
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Answers the requests whose heads are there; whether there was one.
    fn take_requests(
        &mut self,
        answers: &mut Answers,
        mut disk: Option<&mut Disk>,
    ) -> std::io::Result<bool> {
        let mut taken = 0;
        while self.fetch.is_none() && !self.reading && self.skip == 0 {
            let Some(&length) = self.input[taken..].first_chunk::<4>() else {
                break;
            };
            let whole = 4 + u32::from_be_bytes(length) as usize;
            let there = &self.input[taken..];
            let needed = match disk {
                Some(_) => whole,
                None => whole.min(HEAD_BYTES),
            };
            if there.len() < needed {
                break;
            }
            let used = whole.min(there.len());
            let head = &there[4..used];
            if let Some(disk) = &mut disk
                && let Some(batch) = answers::produced(head)?
            {
                let mut answer = Vec::new();
                answers.answer(head, whole - 4, &mut answer)?;
                disk.store.take(batch, self.token, answer)?;
                taken += whole;
                continue;
            }
            match answers.answer(head, whole - 4, &mut self.out)? {
                Answer::Whole => {}
                Answer::Fetch(parts) => self.begin_fetch(parts, disk.as_deref_mut())?,
            }
            self.skip = whole - used;
            taken += used;
        }
        self.input.drain(..taken);
        Ok(taken > 0)
    }

    fn begin_fetch(&mut self, parts: Vec<Part>, disk: Option<&mut Disk>) -> std::io::Result<()> {
        match disk {
            None => self.fetch = Some((Sending::FromMemory(parts), 0)),
            Some(disk) if disk.store.written_over() => {
                let lost = "what is to be fetched was written over, or never written: fetch from a new sink without --new-blocks";
                return Err(std::io::Error::new(ErrorKind::Unsupported, lost));
            }
            Some(disk) => {
                self.reading = true;
                disk.reads.begin(self.token, parts, self.spare.take());
            }
        }
        Ok(())
    }

    /// Sends what waits; whether all went.
    fn flush(&mut self, answers: &Answers) -> std::io::Result<bool> {
        loop {
            let sent = if !self.out.is_empty() {
                let sent = (&self.stream).write(&self.out);
                sent.inspect(|&bytes| {
                    self.out.drain(..bytes);
                })
            } else if let Some((sending, position)) = &mut self.fetch {
                let mut pieces = [IoSlice::new(&[]); PIECES_MAX];
                let count = match sending {
                    Sending::FromMemory(parts) => {
                        fill(answers.pieces(parts), *position, &mut pieces)
                    }
                    Sending::FromDisk(answer) => fill(answer.pieces(), *position, &mut pieces),
                };
                if count == 0 {
                    if let Some((Sending::FromDisk(answer), _)) = self.fetch.take() {
                        self.spare = Some(answer.into_buffer());
                    }
                    continue;
                }
                let sent = (&self.stream).write_vectored(&pieces[..count]);
                sent.inspect(|bytes| *position += bytes)
            } else {
                return Ok(true);
            };
            match sent {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }
}

/// Fills the slots with what there is from `position` on; how many were filled.
fn fill<'a>(
    pieces: impl Iterator<Item = &'a [u8]>,
    position: usize,
    slots: &mut [IoSlice<'a>],
) -> usize {
    let (mut skip, mut filled) = (position, 0);
    for piece in pieces {
        if skip >= piece.len() {
            skip -= piece.len();
            continue;
        }
        if filled == slots.len() {
            break;
        }
        slots[filled] = IoSlice::new(&piece[skip..]);
        skip = 0;
        filled += 1;
    }
    filled
}
