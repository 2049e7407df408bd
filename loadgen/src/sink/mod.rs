//! A broker that keeps nothing, on one core: it acknowledges what is produced without reading it, and gives out the same batch for
//! ever. It shows what this program, and the machine's loopback, can do at most; it is no broker to test clients with.
//! With a store it checks what is produced and makes it durable: the most that a broker on this machine can do.

mod answers;
mod store;

use std::collections::HashMap;
use std::io::{ErrorKind, IoSlice, Read, Write};
use std::net::{TcpListener, TcpStream};

use rustix::buffer::spare_capacity;
use rustix::net::RecvFlags;

use self::answers::{Answer, Answers};
use self::store::Store;
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

struct Connection {
    token: usize,
    stream: TcpStream,
    /// What of the next request is there.
    input: Vec<u8>,
    /// Bytes of the request before that still come and are not looked at.
    skip: usize,
    out: Vec<u8>,
    /// A fetch answer under way: where in it writing stands.
    fetch: Option<(Answer, usize)>,
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
    let listener = TcpListener::bind(&args.listen)?;
    listener.set_nonblocking(true)?;
    let mut answers = Answers::new(listener.local_addr()?, args);
    let mut poller = Poller::new(20_000)?;
    poller.add(&listener, LISTENER)?;
    let mut store = match &args.store {
        Some(path) => Some(Store::new(path, args.store_bytes)?),
        None => None,
    };
    if let Some(store) = &store {
        poller.add(store.written(), WRITTEN)?;
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
            } else if token == WRITTEN {
                let durable = store.as_mut().map_or(Ok(Vec::new()), Store::durable)?;
                for (token, answer) in durable {
                    if let Some(connection) = connections.get_mut(&token) {
                        connection.out.extend(answer);
                        // What it does not take now goes when it is writable.
                        let _ = connection.flush(&answers);
                    }
                }
            } else if let Some(connection) = connections.get_mut(&token)
                && let Err(error) =
                    connection.handle_ready(&mut answers, store.as_mut(), &mut buffer)
            {
                if error.kind() != ErrorKind::UnexpectedEof {
                    eprintln!("closing a connection: {error}");
                }
                connections.remove(&token);
            }
        }
        if let Some(store) = &mut store {
            store.begin();
        }
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
        }
    }

    fn handle_ready(
        &mut self,
        answers: &mut Answers,
        mut store: Option<&mut Store>,
        buffer: &mut [u8],
    ) -> std::io::Result<()> {
        loop {
            if !self.flush(answers)? {
                return Ok(());
            }
            if self.skip == 0 && self.take_requests(answers, store.as_deref_mut())? {
                continue;
            }
            let read = match self.skip {
                // Straight to where it is looked at.
                0 if store.is_some() => {
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
        mut store: Option<&mut Store>,
    ) -> std::io::Result<bool> {
        let mut taken = 0;
        while self.fetch.is_none() && self.skip == 0 {
            let Some(&length) = self.input[taken..].first_chunk::<4>() else {
                break;
            };
            let whole = 4 + u32::from_be_bytes(length) as usize;
            let there = &self.input[taken..];
            let needed = match store {
                Some(_) => whole,
                None => whole.min(HEAD_BYTES),
            };
            if there.len() < needed {
                break;
            }
            let head = &there[4..whole.min(there.len())];
            if let Some(store) = &mut store
                && let Some(batch) = answers::produced(head)?
            {
                let mut answer = Vec::new();
                answers.answer(head, whole - 4, &mut answer)?;
                store.take(batch, self.token, answer)?;
                taken += whole;
                continue;
            }
            match answers.answer(head, whole - 4, &mut self.out)? {
                Answer::Whole => {}
                fetch => self.fetch = Some((fetch, 0)),
            }
            let used = whole.min(there.len());
            self.skip = whole - used;
            taken += used;
        }
        self.input.drain(..taken);
        Ok(taken > 0)
    }

    /// Sends what waits; whether all went.
    fn flush(&mut self, answers: &Answers) -> std::io::Result<bool> {
        loop {
            let sent = if !self.out.is_empty() {
                let sent = (&self.stream).write(&self.out);
                sent.inspect(|&bytes| {
                    self.out.drain(..bytes);
                })
            } else if let Some((answer, position)) = &mut self.fetch {
                let mut pieces = [IoSlice::new(&[]); PIECES_MAX];
                let count = answers.pieces(answer, *position, &mut pieces);
                if count == 0 {
                    self.fetch = None;
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
