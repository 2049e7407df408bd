//! Static members: those with a lasting name (KIP-345, KIP-814).

use super::*;

const STABLE: &str = "
    join a#i range=x
    join b#j range=y
    +6000                       | a: joined 1 range leader=a [a:x b:y]; b: joined 1 range leader=a
    sync b#j 1
    sync a#i 1 a=P b=Q          | a: part P; b: part Q
    log                         | g generation 0 []; g generation 1 [a:P b:Q]
";

fn play_stable(script: &str) {
    play(&format!("{STABLE}\n{script}"));
}

#[test]
fn one_that_comes_back_takes_its_place_without_a_rebalance() {
    play_stable(
        "join c#j range=y       | c: joined 1 range leader=a
         sync c#j 1             | c: part Q
         beat a#i 1             | a: ok
         log                    | g generation 1 [a:P c:Q]
         beat b#j 1             | b: FencedInstance
         beat b 1               | b: UnknownMember
         sync b#j 1             | b: FencedInstance
         commit b#j 1 t/0=1     | b: FencedInstance
         join b#j range=y       | b: FencedInstance
         leave b#j              | -: FencedInstance
         beat c#j 1             | c: ok",
    );
}

#[test]
fn a_leader_that_comes_back_is_not_to_assign_anew() {
    // An old client is told that its old id leads, and so does not think that it does.
    play_stable(
        "join c#i range=x       | c: joined 1 range leader=a
         sync c#i 1             | c: part P
         join c#i range=x
         beat b#j 1             | b: RebalanceInProgress",
    );
    play_stable(
        "join c#i range=x newest | c: joined 1 range leader=c [b:y c:x] skip
         sync c#i 1             | c: part P
         join d#j range=y newest | d: joined 1 range leader=c",
    );
}

#[test]
fn one_that_comes_back_with_another_protocol_makes_a_rebalance() {
    play(
        "join a#i range=x sticky=x
         join b#j range=y sticky=y
         join c#k range=z sticky=z
         +6000                  | a: joined 1 range leader=a [a:x b:y c:z]; b: joined 1 range leader=a; c: joined 1 range leader=a
         sync b#j 1
         sync c#k 1
         sync a#i 1 a=P b=Q     | a: part P; b: part Q; c: part
         join d#j sticky=y
         beat a#i 1             | a: RebalanceInProgress
         join a#i range=x sticky=x
         join c#k range=z sticky=z | a: joined 2 sticky leader=a [a:x c:z d:y]; c: joined 2 sticky leader=a; d: joined 2 sticky leader=a",
    );
}

#[test]
fn one_that_comes_back_with_other_metadata_only_is_put_on_record() {
    play_stable(
        "join c#j range=other   | c: joined 1 range leader=a
         beat a#i 1             | a: ok
         describe               | -: Stable 'consumer' 'range' [a:x:P c:other:Q]",
    );
}

#[test]
fn one_that_comes_back_while_others_wait_is_waited_for() {
    // While members join it takes the place of the one before, which is told so.
    play_stable(
        "join c range=z old
         join b#j range=y
         join d#j range=y       | b: FencedJoin
         join a#i range=x       | a: joined 2 range leader=a [a:x c:z d:y]; c: joined 2 range leader=a; d: joined 2 range leader=a
         sync d#j 2
         join e#j range=y       | d: FencedInstance
         beat a#i 2             | a: RebalanceInProgress
         sync c 2               | c: RebalanceInProgress",
    );
}

#[test]
fn one_that_does_not_join_in_time_stays_until_its_session_ends() {
    play_stable(
        "join c range=z old
         join b#j range=y
         +9000
         beat a#i 1             | a: RebalanceInProgress
         +9000
         beat a#i 1             | a: RebalanceInProgress
         +9000
         beat a#i 1             | a: RebalanceInProgress
         +3000                  | b: joined 2 range leader=c; c: joined 2 range leader=c [a:x b:y c:z]
         sync a#i 1             | a: IllegalGeneration
         beat a#i 2             | a: ok",
    );
    // If nobody joins at all the group looks again a rebalance later.
    let beats = "+8000\nbeat a#i 1 | a: RebalanceInProgress\n".repeat(9);
    play_stable(&format!(
        "leave #j                | -: ok
         {beats}
         describe               | -: PreparingRebalance 'consumer' '' [a::P]
         join a#i range=x       | a: joined 2 range leader=a [a:x]"
    ));
}

#[test]
fn an_administrator_removes_one_by_its_name() {
    play_stable(
        "leave #j #nobody       | -: ok UnknownMember
         beat a#i 1             | a: RebalanceInProgress
         beat b#j 1             | b: UnknownMember
         join a#i range=x       | a: joined 2 range leader=a [a:x]",
    );
}

#[test]
fn names_are_checked_before_ids() {
    play_stable(
        "beat a#j 1             | a: FencedInstance
         beat a#nobody 1        | a: UnknownMember
         beat a 1               | a: ok
         join a#j range=x       | a: FencedInstance
         leave a#j              | -: FencedInstance",
    );
}

#[test]
fn a_given_out_id_is_none_of_a_static_member() {
    play(
        "join a range=x         | a: MemberIdRequired
         join a#i range=x       | a: UnknownMember",
    );
}

#[test]
fn static_members_are_kept_over_a_restart() {
    play_stable(
        "join c#j range=y       | c: joined 1 range leader=a
         crash
         beat b#j 1             | b: FencedInstance
         join d#j range=y       | d: joined 1 range leader=a
         sync d#j 1             | d: part Q",
    );
}
