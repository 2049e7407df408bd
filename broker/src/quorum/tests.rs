use super::*;
use crate::journal::frame::ItemKind;

fn item(body: &'static [u8]) -> Item<Bytes> {
    Item {
        kind: ItemKind::Raw,
        topic_id: 0,
        partition: 0,
        offset: -1,
        leader_epoch: -1,
        log_append_time_ms: -1,
        body: Bytes::from_static(body),
    }
}

/// Quorums 0 and 1 as after a first start, open.
fn opened() -> Quorums {
    let mut quorums = Quorums::new(1 << 20, 4 << 20);
    for id in [0, 1] {
        let start = ReplicaStart {
            replica: 1,
            voters: vec![1],
            hard_state: HardState::default(),
            applied_index: 0,
            applied_term: 0,
            entry_terms: Vec::new(),
        };
        quorums.add(QuorumId(id), &start, Vec::new()).unwrap();
    }
    flush(&mut quorums, 1);
    assert!(quorums.is_open(0) && quorums.is_open(1));
    quorums
}

/// One flush into frame `sequence`; what the frame carried, as far as this test wants to know: quorum, entries, commit index.
fn flush(quorums: &mut Quorums, sequence: Sequence) -> Vec<(u32, usize, Option<u64>)> {
    let window = quorums.begin_flush().expect("there is something to write");
    let shape = |section: &Section<Bytes>| {
        let commit = section.hard_state.map(|state| state.commit);
        (section.quorum, section.entries.len(), commit)
    };
    let shapes = window.sections.iter().map(shape).collect();
    let sections = window.sections.into_iter();
    let written = Written {
        sequence,
        sections: sections
            .map(|section| section.map_bodies(Slice::from))
            .collect(),
    };
    quorums.end_flush(window.readies, written);
    shapes
}

#[test]
fn a_commit_rides_on_the_next_frame_whatever_that_is_for() {
    let mut quorums = opened();
    quorums.propose(0, item(b"a")).unwrap();
    flush(&mut quorums, 2);
    let committed = quorums.applied(0);
    quorums.propose(1, item(b"b")).unwrap();
    let carried = flush(&mut quorums, 3);
    assert!(carried.contains(&(0, 0, Some(committed))), "{carried:?}");
    quorums.propose(1, item(b"c")).unwrap();
    let carried = flush(&mut quorums, 4);
    assert!(
        carried.iter().all(|(quorum, ..)| *quorum == 1),
        "it is said once: {carried:?}"
    );
}

#[test]
fn frames_with_entries_that_are_not_applied_are_known() {
    let mut quorums = Quorums::new(1 << 20, 4 << 20);
    let start = ReplicaStart {
        replica: 1,
        voters: vec![1],
        hard_state: HardState {
            term: 1,
            vote: 1,
            commit: 1,
        },
        applied_index: 1,
        applied_term: 1,
        entry_terms: vec![1, 1],
    };
    let stored = [(2, 7), (3, 9)].map(|(index, sequence)| Committed {
        quorum: 0,
        index,
        term: 1,
        sequence,
        items: Vec::new(),
    });
    quorums.add(QuorumId(0), &start, stored.into()).unwrap();
    assert_eq!(
        quorums.oldest_unapplied(),
        Some(7),
        "a checkpoint before the first flush must not free it"
    );
    flush(&mut quorums, 10);
    assert_eq!((quorums.applied(0), quorums.oldest_unapplied()), (4, None));
}

#[test]
fn a_quorum_that_fills_every_frame_leaves_room_for_the_others() {
    static BODY: [u8; 200 << 10] = [7; 200 << 10];
    for (busy, other) in [(0, 1), (1, 0)] {
        let mut quorums = opened();
        let before = quorums.applied(other);
        quorums.propose(other, item(&BODY)).unwrap();
        let mut frames = 0;
        while quorums.applied(other) == before {
            while quorums.propose(busy, item(&BODY)).is_ok() {}
            flush(&mut quorums, 2 + frames);
            frames += 1;
            assert!(frames <= 2, "{other} waits behind {busy}");
        }
    }
}
