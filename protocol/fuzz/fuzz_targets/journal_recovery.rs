//! A journal that was written well, then spoiled: recovery gives back a prefix of the frames that were written, or refuses.
//! `cargo fuzz run -s none journal_recovery`
#![no_main]

mod world;

use std::cell::RefCell;
use std::rc::Rc;

use broker::journal::frame::{Entry, EntryKind, Item, ItemKind, Section};
use broker::journal::{Journal, JournalError, JournalOptions};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use world::{Memory, at_once, io};

const FILE_BYTES: u64 = 32 << 10;
const FRAMES: u64 = 12;

fn options() -> JournalOptions {
    JournalOptions {
        id: 1,
        directory: "/j".into(),
        file_bytes: FILE_BYTES,
        journal_bytes_max: 4 * FILE_BYTES,
        frame_bytes_max: 12 << 10,
    }
}

fn section(number: u64) -> Section<Bytes> {
    let item = Item {
        kind: ItemKind::Raw,
        topic_id: 1,
        partition: 0,
        offset: -1,
        leader_epoch: -1,
        log_append_time_ms: -1,
        body: Bytes::from(vec![number as u8; 3000 * (number as usize % 3 + 1)]),
    };
    Section {
        quorum: 1,
        hard_state: None,
        entries: vec![Entry {
            index: number,
            term: 1,
            kind: EntryKind::Normal,
            items: vec![item],
        }],
    }
}

/// The files of a journal with some frames in it, the first of them recycled.
fn written() -> Vec<(String, Vec<u8>)> {
    let memory = Rc::new(Memory::default());
    at_once(async {
        let opened = Journal::open(io(memory.clone()), options()).await;
        let (journal, mut recovery) = opened.expect("a new journal");
        assert!(
            recovery
                .next_frame()
                .await
                .expect("a new journal")
                .is_none()
        );
        for number in 1..=FRAMES {
            if number == 6 {
                journal.recycle_below(5);
            }
            let done = journal.write(vec![section(number)]).await;
            done.expect("there is room");
        }
    });
    let names = (1..=4).map(|number| format!("/j/{number:020}.journal"));
    names
        .filter_map(|name| Some((name.clone(), memory.bytes(&name)?)))
        .collect()
}

thread_local! {
    static WRITTEN: RefCell<Vec<(String, Vec<u8>)>> = RefCell::new(written());
}

fuzz_target!(|data: &[u8]| {
    let mut files = WRITTEN.with_borrow(Clone::clone);
    let count = files.len();
    // Each spoils a place of a file: other bytes, a stale block, an end.
    for step in data.chunks_exact(6) {
        let (_, bytes) = &mut files[usize::from(step[0]) % count];
        if bytes.is_empty() {
            continue;
        }
        let at = usize::from(u16::from_le_bytes([step[1], step[2]])) % bytes.len();
        match step[3] % 5 {
            0 => bytes[at] ^= step[4] | 1,
            1 => bytes[at..]
                .iter_mut()
                .take(usize::from(step[5]) * 32)
                .for_each(|b| *b = step[4]),
            2 => bytes.truncate(at - at % 512),
            3 => {
                let from = at - at % 4096;
                let to = usize::from(step[4]) * 4096 % bytes.len();
                let block = bytes[from..].iter().take(4096).copied().collect::<Vec<_>>();
                let room = block.len().min(bytes.len() - to);
                bytes[to..to + room].copy_from_slice(&block[..room]);
            }
            _ => bytes.clear(),
        }
    }
    let memory = Rc::new(Memory::default());
    for (name, bytes) in files {
        memory.put(&name, bytes);
    }
    at_once(async {
        let (journal, mut recovery) = match Journal::open(io(memory.clone()), options()).await {
            Ok(opened) => opened,
            Err(error) => return refused(&error),
        };
        let mut last = None;
        loop {
            match recovery.next_frame().await {
                Err(error) => return refused(&error),
                Ok(None) => break,
                Ok(Some(frame)) => {
                    let index = frame.sections[0].entries[0].index;
                    let body = &frame.sections[0].entries[0].items[0].body;
                    assert_eq!(section(index).entries[0].items[0].body, body[..]);
                    assert!(last.is_none_or(|last| last + 1 == index), "no gap");
                    last = Some(index);
                }
            }
        }
        // It goes on.
        let done = journal.write(vec![section(FRAMES + 1)]).await;
        assert!(matches!(done, Ok(_) | Err(JournalError::Full)), "{done:?}");
    });
});

fn refused(error: &JournalError) {
    let expected = matches!(
        error,
        JournalError::Corrupt { .. }
            | JournalError::OtherJournal { .. }
            | JournalError::UnknownFormat { .. }
            | JournalError::Io { .. }
    );
    assert!(expected, "{error}");
}
