use super::*;

fn wanted(partition: i32) -> Wanted {
    Wanted {
        partition,
        offset: 0,
        bytes_max: 1,
        current_leader_epoch: -1,
        last_fetched_epoch: -1,
    }
}

fn named(name: &str) -> Told<'_> {
    Told {
        name: Some(name),
        id: 0,
        by_id: false,
    }
}

fn outcome(high_watermark: i64, records: bool) -> Outcome {
    Outcome {
        high_watermark,
        log_start_offset: 0,
        records,
        told: false,
        failed: false,
    }
}

const FAILED: Outcome = Outcome {
    high_watermark: -1,
    log_start_offset: -1,
    records: false,
    told: true,
    failed: true,
};

/// A session of `size` partitions of one topic.
fn session(size: i32, privileged: bool) -> FetchSession {
    let mut session = FetchSession::new(privileged, false);
    for partition in 0..size {
        session.follow(named("t"), wanted(partition), Some(outcome(0, false)));
    }
    session
}

fn minutes(minutes: u64) -> Instant {
    Instant(minutes * 60_000_000_000)
}

/// Numbers that are none of a client's.
fn chance() -> impl FnMut() -> u64 {
    let mut last = 0u64;
    move || {
        last += 1 << 33;
        last
    }
}

fn order(session: &mut FetchSession) -> Vec<(String, i32)> {
    let image = Image::default();
    let followed = session.followed(&image);
    let shown = followed.map(|(_, one, _)| {
        let topic = one.topic.as_deref().unwrap_or_default().to_owned();
        (topic, one.wanted.partition)
    });
    shown.collect()
}

#[test]
fn only_news_is_told() {
    let mut session = session(2, false);
    assert!(!session.answered(0, &outcome(0, false)), "nothing new");
    assert!(session.answered(0, &outcome(3, false)), "it has grown");
    assert!(!session.answered(0, &outcome(3, false)));
    assert!(session.answered(0, &outcome(3, true)), "records always");
    let later = Outcome {
        log_start_offset: 2,
        ..outcome(3, false)
    };
    assert!(session.answered(0, &later), "the log starts later");
    assert!(session.answered(0, &FAILED) && session.answered(0, &FAILED));
    assert!(session.answered(0, &later), "the error has gone away");
    assert!(!session.answered(0, &later));
    let parted = Outcome {
        told: true,
        ..later
    };
    assert!(session.answered(0, &parted), "the logs part");
}

#[test]
fn what_brought_records_goes_to_the_end_of_the_line() {
    let mut session = session(4, false);
    for (number, records) in [(0, true), (1, false), (2, true), (3, false)] {
        session.answered(number, &outcome(9, records));
    }
    session.rotate([0, 1, 2, 3].into_iter());
    let partitions = |session: &mut FetchSession| -> Vec<i32> {
        order(session).into_iter().map(|(_, at)| at).collect()
    };
    assert_eq!(partitions(&mut session), [1, 3, 0, 2]);
    for number in 0..4 {
        session.answered(number, &outcome(9, number == 3));
    }
    session.rotate([1, 3, 0, 2].into_iter());
    assert_eq!(partitions(&mut session), [1, 0, 2, 3]);
}

#[test]
fn what_is_forgotten_leaves_the_others_in_order() {
    let mut session = session(5, false);
    session.follow(named("u"), wanted(0), None);
    session.forget(named("t"), 1);
    session.forget(named("t"), 1);
    session.forget(named("v"), 0);
    session.follow(named("t"), wanted(1), None);
    let names = |all: &[(&str, i32)]| -> Vec<(String, i32)> {
        all.iter()
            .map(|(name, at)| ((*name).to_owned(), *at))
            .collect()
    };
    assert_eq!(
        order(&mut session),
        names(&[("t", 0), ("t", 2), ("t", 3), ("t", 4), ("u", 0), ("t", 1)])
    );
    for partition in [0, 4, 2, 1, 3] {
        session.forget(named("t"), partition);
    }
    assert_eq!(order(&mut session), names(&[("u", 0)]));
    session.forget(named("u"), 0);
    assert!(session.is_empty());
    assert_eq!(session.bytes, 0);
}

#[test]
fn a_request_of_another_epoch_is_refused() {
    let (mut sessions, mut chance) = (FetchSessions::new(10), chance());
    let id = sessions.open(session(1, false), minutes(0), &mut chance);
    let mut resume = |epoch, by_id| {
        let resumed = sessions.resume((id, epoch, by_id), minutes(0), |_| {});
        resumed.map(|kept| kept.map(|kept| kept.borrow().epoch()))
    };
    assert_eq!(resume(2, false), Err(SessionError::Epoch));
    assert_eq!(
        resume(2, true),
        Err(SessionError::Epoch),
        "epochs come first"
    );
    assert_eq!(resume(1, true), Err(SessionError::TopicIds));
    assert_eq!(resume(1, false), Ok(Some(2)));
    assert_eq!(resume(1, false), Err(SessionError::Epoch));
    let unknown = sessions.resume((id + 1, 1, false), minutes(0), |_| {});
    assert_eq!(unknown.err(), Some(SessionError::Unknown));
}

#[test]
fn epochs_begin_anew_after_the_largest() {
    let mut sessions = FetchSessions::new(10);
    let mut last = session(1, false);
    last.epoch = i32::MAX;
    let id = sessions.open(last, minutes(0), chance());
    let kept = sessions.resume((id, i32::MAX, false), minutes(0), |_| {});
    assert_eq!(kept.unwrap().unwrap().borrow().epoch(), 1);
}

#[test]
fn a_session_that_follows_nothing_ends() {
    let mut sessions = FetchSessions::new(10);
    let id = sessions.open(session(1, false), minutes(0), chance());
    let resumed = sessions.resume((id, 1, false), minutes(0), |session| {
        session.forget(named("t"), 0);
    });
    assert!(resumed.unwrap().is_none());
    assert_eq!((sessions.figures(), sessions.bytes), ((0, 0, 0), 0));
}

#[test]
fn the_least_makes_room_for_more() {
    let (mut sessions, mut chance) = (FetchSessions::new(2), chance());
    let mut open = |sessions: &mut FetchSessions, size, privileged, at| {
        sessions.open(session(size, privileged), minutes(at), &mut chance)
    };
    let small = open(&mut sessions, 2, false, 0);
    let large = open(&mut sessions, 9, false, 0);
    assert_eq!(open(&mut sessions, 5, false, 1), 0, "the others are young");
    let replica = open(&mut sessions, 1, true, 1);
    assert_ne!(replica, 0, "a replica's comes before a consumer's");
    assert!(!sessions.sessions.contains_key(&small));
    // In use, and old by now.
    for (epoch, at) in [(1, 2), (2, 3)] {
        let resumed = sessions.resume((large, epoch, false), minutes(at), |_| {});
        assert!(resumed.unwrap().is_some());
        sessions
            .resume((replica, epoch, false), minutes(at), |_| {})
            .unwrap();
    }
    assert_eq!(
        open(&mut sessions, 9, false, 3),
        0,
        "it is no more than the others"
    );
    let larger = open(&mut sessions, 10, false, 3);
    assert_ne!(larger, 0, "it is more than the least");
    assert!(!sessions.sessions.contains_key(&large));
    let after = open(&mut sessions, 1, false, 6);
    assert_ne!(
        after, 0,
        "whoever slept for two minutes makes room for anybody"
    );
    assert_eq!(sessions.figures().2, 3);
}

#[test]
fn no_slots_are_no_sessions() {
    let mut sessions = FetchSessions::new(0);
    assert_eq!(sessions.open(session(1, true), minutes(9), chance()), 0);
}

#[test]
fn sessions_are_bounded_by_what_they_remember() {
    let (mut sessions, mut chance) = (FetchSessions::new(10), chance());
    let name = "x".repeat(1 << 20);
    let large = || {
        let mut session = FetchSession::new(false, false);
        for number in 0..60 {
            let name = format!("{name}{number}");
            session.follow(named(&name), wanted(0), None);
        }
        session
    };
    let id = sessions.open(large(), minutes(0), &mut chance);
    assert_ne!(sessions.open(large(), minutes(0), &mut chance), 0);
    assert_eq!(sessions.open(large(), minutes(0), &mut chance), 0);
    let grown = sessions.resume((id, 1, false), minutes(0), |session| {
        for number in 60..80 {
            let name = format!("{name}{number}");
            session.follow(named(&name), wanted(0), None);
        }
    });
    assert_eq!(grown.err(), Some(SessionError::Unknown), "it grew too much");
    assert_ne!(sessions.open(large(), minutes(0), &mut chance), 0);
}

#[test]
fn a_topic_found_by_its_id_keeps_its_name() {
    use protocol::native::MetadataRecord;
    let mut image = Image::default();
    let topic = |topic_id| MetadataRecord::Topic {
        topic_id,
        name: "t".to_owned(),
    };
    let partition = |topic_id| MetadataRecord::Partition {
        topic_id,
        partition: 0,
        quorum: 1,
        shard: 0,
    };
    let mut session = FetchSession::new(false, true);
    let told = Told {
        name: None,
        id: 7,
        by_id: true,
    };
    session.follow(told, wanted(0), None);
    let place = |session: &mut FetchSession, image: &Image| {
        let (_, _, place) = session.followed(image).next()?;
        Some(place)
    };
    assert_eq!(place(&mut session, &image), Some(Err(Absent::Topic)));
    image.replay(&topic(7));
    assert_eq!(place(&mut session, &image), Some(Err(Absent::Partition)));
    image.replay(&partition(7));
    assert!(place(&mut session, &image).is_some_and(|place| place.is_ok()));
    image.replay(&MetadataRecord::RemoveTopic { topic_id: 7 });
    assert_eq!(place(&mut session, &image), Some(Err(Absent::Partition)));
    image.replay(&topic(8));
    image.replay(&partition(8));
    assert_eq!(place(&mut session, &image), Some(Err(Absent::OtherTopic)));
}
