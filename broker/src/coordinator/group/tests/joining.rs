//! How a group comes from one generation to the next.

use super::*;

#[test]
fn a_first_member_gets_an_id_joins_and_leads() {
    play(
        "join a range=x         | a: MemberIdRequired
         list                   | g '' Empty
         describe               | -: Empty '' '' []
         join a range=x
         describe               | -: PreparingRebalance 'consumer' '' [a::]
         +2999
         +1                     | a: joined 1 range leader=a [a:x]
         describe               | -: CompletingRebalance 'consumer' '' [a::]
         log                    | g generation 0 []
         sync a 1 a=P           | a: part P
         log                    | g generation 1 [a:P]
         describe               | -: Stable 'consumer' 'range' [a:x:P]
         beat a 1               | a: ok
         list                   | g 'consumer' Stable",
    );
}

#[test]
fn old_clients_join_without_asking_for_an_id() {
    play(
        "join a range=x old
         +3000                  | a: joined 1 range leader=a [a:x]",
    );
}

#[test]
fn those_who_come_while_the_group_begins_are_waited_for_as_long_as_a_rebalance() {
    play(
        "join a range=x old rebalance=10000
         +2000
         join b range=y old rebalance=10000
         +2000
         +1999
         join c range=z old rebalance=10000
         +3000
         +1                     | a: joined 1 range leader=a [a:x b:y c:z]; b: joined 1 range leader=a; c: joined 1 range leader=a",
    );
    // The delay is extended by what is left of the longest rebalance timeout, and not beyond.
    play(
        "join a range=x old rebalance=5000
         +2999
         join b range=x old rebalance=5000
         +1
         +1999
         join c range=x old rebalance=5000
         +1                     | a: joined 1 range leader=a [a:x b:x c:x]; b: joined 1 range leader=a; c: joined 1 range leader=a",
    );
}

#[test]
fn without_a_delay_a_group_begins_at_once() {
    let config = GroupConfig {
        initial_rebalance_delay_ms: 0,
        ..config()
    };
    play_with(
        config,
        "join a range=x old
         +0                     | a: joined 1 range leader=a [a:x]",
    );
}

/// The rest of the transcripts begin with a stable group of a and b.
const STABLE: &str = "
    join a range=x old
    join b range=y old
    +6000                       | a: joined 1 range leader=a [a:x b:y]; b: joined 1 range leader=a
    sync b 1
    sync a 1 a=P b=Q            | a: part P; b: part Q
    log                         | g generation 0 []; g generation 1 [a:P b:Q]
";

fn play_stable(script: &str) {
    play(&format!("{STABLE}\n{script}"));
}

#[test]
fn a_newcomer_makes_everybody_join_again() {
    play_stable(
        "join c range=z old
         beat a 1               | a: RebalanceInProgress
         beat b 1               | b: RebalanceInProgress
         join a range=x
         join b range=y         | a: joined 2 range leader=a [a:x b:y c:z]; b: joined 2 range leader=a; c: joined 2 range leader=a
         beat c 2               | c: ok
         sync c 2
         commit b 2 t/0=1       | b: RebalanceInProgress
         sync a 2 a=P b=Q c=R   | a: part P; c: part R
         sync b 2               | b: part Q
         commit b 2 t/0=1       | b: ok",
    );
}

#[test]
fn who_does_not_join_in_time_is_out() {
    play_stable(
        "join c range=z old
         join b range=y
         +9000
         beat a 1               | a: RebalanceInProgress
         +9000
         beat a 1               | a: RebalanceInProgress
         +9000
         beat a 1               | a: RebalanceInProgress
         +2999
         +1                     | b: joined 2 range leader=b [b:y c:z]; c: joined 2 range leader=b
         beat a 1               | a: UnknownMember
         join a range=x         | a: UnknownMember",
    );
}

#[test]
fn who_is_not_heard_of_is_out_and_the_others_join_again() {
    play_stable(
        "+5000
         beat b 1               | b: ok
         +4999
         beat b 1               | b: ok
         +1
         beat a 1               | a: UnknownMember
         beat b 1               | b: RebalanceInProgress
         join b range=y         | b: joined 2 range leader=b [b:y]
         +9000
         sync b 2 b=PQ          | b: part PQ
         +9999
         +1
         describe               | -: Empty 'consumer' '' []
         log                    | g generation 2 [b:PQ]; g generation 3 []",
    );
}

#[test]
fn offsets_keep_a_session_too() {
    play_stable(
        "+9000
         commit a 1 t/0=1       | a: ok
         +9000
         beat a 1               | a: RebalanceInProgress
         beat b 1               | b: UnknownMember",
    );
}

#[test]
fn who_waits_needs_no_heartbeat() {
    play_stable(
        "join c range=z old rebalance=60000
         join a range=x rebalance=60000
         join b range=y rebalance=60000 | a: joined 2 range leader=a [a:x b:y c:z]; b: joined 2 range leader=a; c: joined 2 range leader=a
         sync b 2
         +9000
         beat a 2               | a: ok
         beat c 2               | c: ok
         +9000
         beat a 2               | a: ok
         sync a 2 a=P b=Q c=R   | a: part P; b: part Q
         +9999
         beat b 2               | b: RebalanceInProgress",
    );
}

#[test]
fn a_new_member_that_waits_too_long_may_ask_again() {
    let config = GroupConfig {
        session_timeout_ms_max: 600_000,
        ..config()
    };
    play_with(
        config,
        "join a range=x old session=600000 rebalance=600000
         +3000                  | a: joined 1 range leader=a [a:x]
         sync a 1 a=P           | a: part P
         join b range=y old session=600000
         +299999
         +1                     | b: RemovedMember
         beat a 1               | a: RebalanceInProgress",
    );
}

#[test]
fn an_id_that_nobody_joins_with_lapses() {
    play(
        "join a range=x session=2000 | a: MemberIdRequired
         +1999
         join b range=y old
         +1                     | b: joined 1 range leader=b [b:y] // the delay of a first rebalance ends with it, as in Kafka
         join a range=x         | a: UnknownMember",
    );
    // While it has not lapsed the others wait for it.
    play(
        "join b range=y old
         +3000                  | b: joined 1 range leader=b [b:y]
         sync b 1 b=P           | b: part P
         join a range=x session=5000 | a: MemberIdRequired
         join b range=y
         +4999
         +1                     | b: joined 2 range leader=b [b:y]",
    );
}

#[test]
fn a_leader_that_joins_again_wants_a_rebalance_others_do_not() {
    play_stable(
        "join b range=y         | b: joined 1 range leader=a
         beat a 1               | a: ok
         join b range=other
         beat a 1               | a: RebalanceInProgress
         join a range=x         | a: joined 2 range leader=a [a:x b:other]; b: joined 2 range leader=a
         join a range=x         | a: joined 2 range leader=a [a:x b:other]
         join b range=other     | b: joined 2 range leader=a
         sync a 2 a=P b=Q       | a: part P
         join a range=x
         join b range=other     | a: joined 3 range leader=a [a:x b:other]; b: joined 3 range leader=a",
    );
}

#[test]
fn a_change_while_parts_are_awaited_begins_anew() {
    play_stable(
        "join c range=z old
         join a range=x
         join b range=y         | a: joined 2 range leader=a [a:x b:y c:z]; b: joined 2 range leader=a; c: joined 2 range leader=a
         sync b 2
         join c range=other     | b: RebalanceInProgress
         describe               | -: PreparingRebalance 'consumer' '' [a:: b:: c::]
         sync a 2 a=P           | a: RebalanceInProgress",
    );
}

#[test]
fn who_does_not_ask_for_a_part_in_time_is_out() {
    play_stable(
        "join c range=z old
         join a range=x
         join b range=y         | a: joined 2 range leader=a [a:x b:y c:z]; b: joined 2 range leader=a; c: joined 2 range leader=a
         sync b 2
         sync a 2 a=P b=Q c=R   | a: part P; b: part Q
         +5000
         beat a 2               | a: ok
         beat b 2               | b: ok
         beat c 2               | c: ok
         +5000
         beat a 2               | a: ok
         beat b 2               | b: ok
         beat c 2               | c: ok
         +5000
         beat a 2               | a: ok
         beat b 2               | b: ok
         beat c 2               | c: ok
         +9000
         beat a 2               | a: ok
         beat b 2               | b: ok
         beat c 2               | c: ok
         +5999
         beat c 2               | c: ok
         +1
         beat c 2               | c: UnknownMember
         beat a 2               | a: RebalanceInProgress",
    );
    // Also the leader.
    play(
        "join a range=x old
         join b range=y old
         +6000                  | a: joined 1 range leader=a [a:x b:y]; b: joined 1 range leader=a
         sync b 1
         +9000
         beat a 1               | a: ok
         +9000
         beat a 1               | a: ok
         +9000
         beat a 1               | a: ok
         +3000                  | b: RebalanceInProgress
         beat a 1               | a: UnknownMember",
    );
}

#[test]
fn members_leave_together_and_each_is_answered() {
    play_stable(
        "join c range=z old
         join a range=x
         join b range=y         | a: joined 2 range leader=a [a:x b:y c:z]; b: joined 2 range leader=a; c: joined 2 range leader=a
         sync c 2
         sync b 2
         sync a 2 a=P b=Q c=R   | a: part P; b: part Q; c: part R
         leave a nobody b       | -: ok UnknownMember ok
         beat c 2               | c: RebalanceInProgress
         join c range=z         | c: joined 3 range leader=c [c:z]
         leave c                | -: ok
         describe               | -: Empty 'consumer' '' []
         leave c                | -: UnknownMember
         log                    | g generation 2 [a:P b:Q c:R]; g generation 4 []",
    );
}

#[test]
fn who_leaves_while_waiting_is_answered() {
    play_stable(
        "join c range=z old
         leave a                | -: ok
         sync b 1               | b: RebalanceInProgress
         join b range=y         | b: joined 2 range leader=b [b:y c:z]; c: joined 2 range leader=b
         sync c 2
         leave c                | -: ok; c: RemovedMember",
    );
    play_stable(
        "join b range=other
         leave b                | -: ok; b: RemovedMember
         join a range=x         | a: joined 2 range leader=a [a:x]",
    );
    // An id that was given out may leave too.
    play(
        "join a range=x old
         join b range=x         | b: MemberIdRequired
         leave b                | -: ok
         +3000                  | a: joined 1 range leader=a [a:x]",
    );
}

#[test]
fn protocols_have_to_be_common() {
    play_stable(
        "join c sticky=z old    | c: InconsistentProtocol
         join c range=z old type=connect | c: InconsistentProtocol
         join c old             | c: InconsistentProtocol
         join a sticky=x        | a: InconsistentProtocol
         beat a 1               | a: ok
         sync a 1 type=connect  | a: InconsistentProtocol
         sync a 1 protocol=sticky | a: InconsistentProtocol
         sync a 1 type=consumer protocol=range | a: part P",
    );
    // A group that its first member could not join is there all the same, as in Kafka.
    play(
        "join a old             | a: InconsistentProtocol
         list                   | g '' Empty
         join a range=x type= old | a: InconsistentProtocol
         log                    | g generation 0 []",
    );
}

#[test]
fn the_protocol_that_most_prefer_among_those_that_all_know_is_chosen() {
    play(
        "join a range=1 sticky=2 only=3 old
         join b sticky=4 range=5 old
         join c sticky=6 range=7 old
         +6000                  | a: joined 1 sticky leader=a [a:2 b:4 c:6]; b: joined 1 sticky leader=a; c: joined 1 sticky leader=a",
    );
    // Where votes are equal the place in Java's hash map decides: sticky has 8, range 9.
    play(
        "join a range=1 sticky=2 old
         join b sticky=4 range=5 old
         +6000                  | a: joined 1 sticky leader=a [a:2 b:4]; b: joined 1 sticky leader=a",
    );
}

#[test]
fn any_type_of_group_is_coordinated() {
    play(
        "join a sessioned=x type=connect old
         +3000                  | a: joined 1 sessioned leader=a [a:x]
         sync a 1 a=P           | a: part P
         drop t/0               | -: NotEmpty
         describe               | -: Stable 'connect' 'sessioned' [a:x:P]",
    );
}

#[test]
fn a_group_has_a_bound() {
    let config = GroupConfig {
        members_max: 2,
        ..config()
    };
    play_with(
        config,
        &format!(
            "{STABLE}
             join c range=z old  | c: GroupFull
             join c range=z      | c: GroupFull
             join b range=other
             join c range=z old
             join a range=x      | a: GroupFull
             +30000              | b: joined 2 range leader=b [b:other c:z]; c: joined 2 range leader=b"
        ),
    );
}

#[test]
fn what_a_group_may_say_of_itself_is_bounded() {
    let large = "L".repeat(5000);
    play(&format!(
        "join a range=x old
         +3000                  | a: joined 1 range leader=a [a:x]
         sync a 1 a={large}     | a: GroupTooLarge
         describe               | -: PreparingRebalance 'consumer' '' [a::]
         join a range=x         | a: joined 2 range leader=a [a:x]
         sync a 2 a=P           | a: part P"
    ));
}

#[test]
fn who_is_not_who_he_says_is_refused() {
    play_stable(
        "beat a 0               | a: IllegalGeneration
         beat nobody 1          | nobody: UnknownMember
         sync a 2               | a: IllegalGeneration
         sync nobody 1          | nobody: UnknownMember
         join nobody range=x id=made-up | nobody: UnknownMember
         join a range=x session=999 | a: InvalidSessionTimeout
         join a range=x session=60001 | a: InvalidSessionTimeout
         group ''
         join a range=x         | a: InvalidGroupId
         beat a 1               | a: InvalidGroupId
         leave a                | -: InvalidGroupId
         drop t/0               | -: InvalidGroupId
         group h
         join a range=x         | a: UnknownMember
         beat a 1               | a: UnknownMember
         sync a 1               | a: UnknownMember
         leave a b              | -: UnknownMember UnknownMember
         describe               | -: UnknownGroup
         delete                 | -: UnknownGroup
         drop t/0               | -: UnknownGroup
         list                   | g 'consumer' Stable",
    );
}

#[test]
fn a_join_or_sync_that_comes_again_takes_the_place_of_the_one_that_waits() {
    play_stable(
        "join b range=other
         join b range=other     | b: RebalanceInProgress
         join a range=x         | a: joined 2 range leader=a [a:x b:other]; b: joined 2 range leader=a
         sync b 2
         sync b 2               | b: RebalanceInProgress
         sync a 2 a=P b=Q       | a: part P; b: part Q",
    );
}

#[test]
fn members_are_kept_over_a_restart_and_their_sessions_begin_anew() {
    play_stable(
        "+9000
         crash
         describe               | -: Stable 'consumer' 'range' [a:x:P b:y:Q]
         +9000
         beat a 1               | a: ok
         beat b 1               | b: ok
         join b range=y         | b: joined 1 range leader=a
         sync b 1               | b: part Q
         +10000
         describe               | -: Empty 'consumer' '' []",
    );
    // What was not on record is not known: the members come back.
    play_stable(
        "join c range=z old
         join a range=x
         join b range=y         | a: joined 2 range leader=a [a:x b:y c:z]; b: joined 2 range leader=a; c: joined 2 range leader=a
         crash
         beat c 2               | c: UnknownMember
         beat a 2               | a: IllegalGeneration
         sync a 2 a=P b=Q c=R   | a: IllegalGeneration
         join a range=x
         join b range=y         | a: joined 2 range leader=a [a:x b:y]; b: joined 2 range leader=a",
    );
}

#[test]
fn groups_do_not_know_each_other() {
    play_stable(
        "group h
         join c range=z old
         +3000                  | c: joined 1 range leader=c [c:z]
         list                   | g 'consumer' Stable; h 'consumer' CompletingRebalance
         beat a 1               | a: UnknownMember
         group g
         beat a 1               | a: ok",
    );
}
