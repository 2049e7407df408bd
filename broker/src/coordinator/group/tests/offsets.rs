//! Offsets: who may store them, what comes back, when they go.

use super::super::figures::GroupsFigures;
use super::*;

const STABLE: &str = "
    join a range=\0\0\0\0\0\x01\0\x01t old
    +3000                       | a: joined 1 range leader=a [a:\0\0\0\0\0\x01\0\x01t]
    sync a 1 a=P                | a: part P
    log                         | g generation 0 []; g generation 1 [a:P]
";

fn play_stable(script: &str) {
    play(&format!("{STABLE}\n{script}"));
}

#[test]
fn what_is_stored_comes_back() {
    play_stable(
        "commit a 1 t/0=5@3'note' t/1=6 u/0=7 | a: ok ok ok
         fetch t/0 t/1 t/2 v/0  | -: t/0=5@3'note' t/1=6 t/2=-1 v/0=-1
         fetch *                | -: t/0=5@3'note' t/1=6 u/0=7
         commit a 1 t/0=4       | a: ok
         fetch t/0              | -: t/0=4
         log                    | g t/0=5; g t/1=6; g u/0=7; g t/0=4
         crash
         fetch *                | -: t/0=4 t/1=6 u/0=7",
    );
}

#[test]
fn a_group_that_is_not_there_has_no_offsets_and_that_is_no_error() {
    play(
        "fetch t/0              | -: t/0=-1
         fetch *                | -:
         list",
    );
}

#[test]
fn who_is_no_member_stores_offsets_in_an_empty_group() {
    play(
        "commit - -1 t/0=5      | -: ok
         list                   | g '' Empty
         fetch t/0              | -: t/0=5
         describe               | -: Empty '' '' []
         commit - 0 t/0=6       | -: UnknownMember
         commit nobody -1 t/0=7 | nobody: ok
         group h
         commit - 0 t/0=5       | -: UnknownGroup
         commit nobody -1 t/0=5 | nobody: ok",
    );
    play_stable(
        "commit - -1 t/0=5      | -: UnknownMember
         commit nobody -1 t/0=5 | nobody: UnknownMember
         commit a -1 t/0=5      | a: IllegalGeneration
         commit a 0 t/0=5       | a: IllegalGeneration
         leave a                | -: ok
         commit - -1 t/0=5      | -: ok
         commit a 1 t/0=6       | a: UnknownMember
         fetch t/0              | -: t/0=5",
    );
}

#[test]
fn members_store_offsets_while_the_group_prepares_and_not_while_it_completes() {
    play_stable(
        "join b range=\0\0\0\0\0\0 old
         commit a 1 t/0=5       | a: ok
         join a range=\0\0\0\0\0\0 | a: joined 2 range leader=a [a:\0\0\0\0\0\0 b:\0\0\0\0\0\0]; b: joined 2 range leader=a
         commit a 2 t/0=6       | a: RebalanceInProgress
         commit a 1 t/0=6       | a: IllegalGeneration
         fetch t/0              | -: t/0=5",
    );
}

#[test]
fn a_long_note_refuses_its_partition_alone() {
    // Characters count, as Kafka counts them: the smiley is two.
    play(
        "commit - -1 t/0=1'12345678901' t/1=2'1234567890' t/2=3'12345678\u{1f600}' t/3=4'123456789\u{1f600}' | -: MetadataTooLarge ok ok MetadataTooLarge
         fetch *                | -: t/1=2'1234567890' t/2=3'12345678\u{1f600}'",
    );
}

#[test]
fn offsets_of_another_topic_of_the_same_name_are_none() {
    play(
        "commit - -1 t:1/0=5 t/1=6 | -: ok ok
         fetch t/0 t:1/0 t:2/0 t:2/1 | -: t/0=5 t/0=5 t/0=-1 t/1=6
         crash
         fetch t:2/0            | -: t/0=-1",
    );
}

#[test]
fn a_group_is_deleted_with_its_offsets_when_nobody_is_in_it() {
    play_stable(
        "commit a 1 t/0=5       | a: ok
         delete                 | -: NotEmpty
         leave a                | -: ok
         delete                 | -: ok
         list
         fetch t/0              | -: t/0=-1
         log                    | g t/0=5; g generation 2 []; g t/0 gone; g gone
         crash
         list
         delete                 | -: UnknownGroup",
    );
    // Somebody who has been given an id finds nothing.
    play(
        "join a range=x         | a: MemberIdRequired
         delete                 | -: ok
         +60000
         join a range=x         | a: UnknownMember",
    );
}

#[test]
fn offsets_of_topics_that_are_read_cannot_be_deleted() {
    play_stable(
        "commit a 1 t/0=5 u/0=6 | a: ok ok
         drop t/0 u/0 u/1       | -: SubscribedToTopic ok ok
         fetch *                | -: t/0=5
         log                    | g t/0=5; g u/0=6; g u/0 gone
         leave a                | -: ok
         drop t/0               | -: ok
         fetch *                | -:
         list                   | g 'consumer' Empty",
    );
}

#[test]
fn operators_are_told_what_groups_come_to() {
    play_stable(
        "figures                | 1 Stable; 0 offsets; 1 rebalanced 0 committed 0 expired 0 deleted; g Stable of 1
         commit a 1 t/0=5 u/0=6 u/0=7 t/1=1'12345678901' | a: ok ok ok MetadataTooLarge
         drop u/0               | -: ok
         figures                | 1 Stable; 1 offsets; 1 rebalanced 3 committed 0 expired 1 deleted; g Stable of 1 t/0=5
         join b range=\0\0\0\0\0\0 old
         figures                | 1 PreparingRebalance; 1 offsets; 1 rebalanced 3 committed 0 expired 1 deleted; g PreparingRebalance of 2 t/0=5
         leave a                | -: ok; b: joined 2 range leader=b [b:\0\0\0\0\0\0]
         leave b                | -: ok
         group h
         commit - -1 t:7/0=1 v/1=2 | -: ok ok
         figures                | 2 Empty; 3 offsets; 1 rebalanced 5 committed 0 expired 1 deleted; g Empty of 0 t/0=5; h Empty of 0 t/0=1 v/1=2
         crash
         figures                | 2 Empty; 3 offsets; 0 rebalanced 0 committed 0 expired 0 deleted; g Empty of 0 t/0=5; h Empty of 0 t/0=1 v/1=2
         gone t
         figures                | 2 Empty; 1 offsets; 0 rebalanced 0 committed 0 expired 2 deleted; g Empty of 0; h Empty of 0 v/1=2
         +1800000
         figures                | 0 offsets; 0 rebalanced 0 committed 1 expired 2 deleted",
    );
}

#[test]
fn groups_are_told_whole_and_no_more_than_fit() {
    let mut scene = Scene::new(config());
    for (group, offsets) in [("a", 1), ("b", 3), ("c", 0), ("d", 1)] {
        scene.line(&format!("group {group}"));
        scene.line(&format!("join of-{group} range=x"));
        for partition in 0..offsets {
            scene.line(&format!("commit - -1 t/{partition}=1"));
        }
    }
    let told = |lines_max| {
        let mut figures = GroupsFigures::default();
        figures.add(&scene.machine, lines_max);
        assert_eq!((figures.sums.groups(), figures.sums.offsets), (4, 5));
        let told = figures.told.iter().map(|group| &*group.group_id);
        told.collect::<Vec<_>>().join("")
    };
    let by_lines = [0, 1, 3, 4, 6, 10, 12, 17, 18].map(told);
    assert_eq!(
        by_lines,
        ["", "", "c", "a", "ac", "acd", "ab", "abc", "abcd"]
    );
}

#[test]
fn offsets_of_deleted_topics_go() {
    play(
        "commit - -1 t:7/0=1 t:8/1=2 t/2=3 u:7/0=4 | -: ok ok ok ok
         group h
         commit - -1 t:7/0=5    | -: ok
         gone t
         fetch *                | -:
         list                   | g '' Empty; h '' Empty
         group g
         fetch *                | -: t/1=2 u/0=4",
    );
}

#[test]
fn offsets_of_an_empty_group_expire_and_the_group_with_them() {
    // Retention is 1,000 s, looked for every 600 s.
    play_stable(
        "commit a 1 t/0=5       | a: ok
         leave a                | -: ok
         +500000
         commit - -1 u/0=6      | -: ok
         +696999
         list                   | g 'consumer' Empty
         +1000000
         list
         log                    | g t/0=5; g generation 2 []; g u/0=6; g t/0 gone; g u/0 gone; g gone",
    );
}

#[test]
fn offsets_of_a_group_without_members_expire_each_on_its_own() {
    play(
        "commit - -1 t/0=5      | -: ok
         +900000
         commit - -1 t/1=6      | -: ok
         +300000
         fetch *                | -: t/1=6
         +600000
         list                   | g '' Empty
         +600000
         list",
    );
}

#[test]
fn what_a_live_group_reads_never_expires() {
    let beats: String = (0..400).map(|_| "+5000\nbeat a 1 | a: ok\n").collect();
    play_stable(&format!(
        "commit a 1 t/0=5 u/0=6 | a: ok ok
         {beats}
         fetch *                | -: t/0=5"
    ));
    // Nor anything of a group of which it is not known what it reads.
    play(&format!(
        "join a sessioned=x type=connect old
         +3000                  | a: joined 1 sessioned leader=a [a:x]
         sync a 1 a=P           | a: part P
         commit a 1 t/0=5       | a: ok
         {beats}
         fetch *                | -: t/0=5"
    ));
}

#[test]
fn clients_may_ask_for_a_retention_of_their_own() {
    play(
        "commit - -1 t/0=5 keep=100 | -: ok
         commit - -1 u/0=5 keep=10000000 | -: ok
         +600000
         fetch *                | -: u/0=5
         crash
         +1800000
         fetch *                | -: u/0=5",
    );
}

#[test]
fn a_group_that_nobody_joined_and_that_keeps_nothing_goes() {
    play(
        "join a old             | a: InconsistentProtocol
         list                   | g '' Empty
         +600000
         list",
    );
}

#[test]
fn the_offsets_of_one_group_are_bounded() {
    let mut scene = Scene::new(config());
    let note = "n".repeat(10);
    let topics = |name: &str| {
        let partition = |partition| CommitPartition {
            partition,
            offset: 1,
            leader_epoch: -1,
            metadata: note.clone(),
        };
        vec![CommitTopic {
            topic_id: 0,
            topic: name.into(),
            partitions: (0..50_000).map(partition).collect(),
        }]
    };
    let mut refused = false;
    for number in 0..10 {
        let commit = CommitOffsets {
            member: MemberRef {
                generation_id: -1,
                ..MemberRef::default()
            },
            retention_ms: -1,
            topics: topics(&format!("topic-{number}")),
        };
        let words = scene.ask("-", GroupRequest::CommitOffsets(commit));
        refused |= words == ["-: GroupTooLarge"];
    }
    assert!(refused && scene.machine.sums().bytes < crate::limits::GROUP_OFFSETS_BYTES_MAX);
    let before = scene.log.len();
    assert_eq!(scene.line("delete"), ["-: ok"]);
    let bytes: usize = scene.log[before..]
        .iter()
        .map(|record| {
            let mut key = Vec::new();
            record.encode_key(&mut key);
            key.len() + 64
        })
        .sum();
    assert!(bytes < crate::limits::GROUP_DECISION_BYTES_MAX);
    assert_eq!(scene.machine.sums().bytes, 0);
}
