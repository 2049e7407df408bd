//! What a Fetch is about: what it names, or what its session follows; and what becomes of the session by the answer.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Deref;
use std::rc::Rc;

use protocol::error_code::ErrorCode;
use protocol::messages::fetch::{FetchRequest, FetchRequestTopicPartition};
use protocol::primitives::Uuid;
use smallvec::SmallVec;

use super::super::distinct::{self, Distinct};
use super::Asked;
use crate::metadata::Image;
use crate::router::Router;
use crate::shard::ReadAnswer;
use crate::shard::fetch_sessions::{FetchSession, Outcome, SessionError, Wanted};
use crate::shard::place::{Absent, Place, Told};

/// Partitions of a session whose answers need no memory of their own.
const NEWS_INLINE: usize = 64;
/// Opens a session.
const FIRST_EPOCH: i32 = 0;
/// Needs none, and ends the one it names.
const LAST_EPOCH: i32 = -1;

/// A partition that is asked for.
pub(super) struct Item<'a> {
    /// Its topic's name, unless topics are told by id.
    pub topic: Name<'a>,
    /// Its topic's id, if they are.
    pub topic_id: u128,
    /// What is wanted of it.
    pub wanted: Wanted,
    /// The shard that leads it, and which it is.
    pub place: Place,
    /// Its number in the session.
    number: u32,
}

impl Item<'_> {
    /// Whether there is something to be read, or to be told by who would read it.
    pub fn is_known(&self) -> bool {
        matches!(self.place, Ok(_) | Err(Absent::OtherTopic))
    }
}

/// A topic's name, of the request or of its session.
#[derive(Clone, PartialEq)]
pub(super) enum Name<'a> {
    /// As the request has it.
    Asked(&'a str),
    /// As the session has it.
    Followed(Rc<str>),
}

impl Deref for Name<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Asked(name) => name,
            Self::Followed(name) => name,
        }
    }
}

/// What an answer does for its session.
pub(super) enum Session {
    /// There is none.
    None,
    /// The answer opens one.
    Opens,
    /// It was at this epoch when it was asked.
    GoesOn(Rc<RefCell<FetchSession>>, i32),
}

/// What the request is about, and its session. An error refuses the request.
pub(super) fn begin<'a>(
    router: &Router,
    asked: &'a Asked<'_>,
    image: &Image,
) -> Result<(Session, Vec<Item<'a>>), ErrorCode> {
    let request = &asked.request;
    let sessions = &router.shard().fetch_sessions;
    if let FIRST_EPOCH | LAST_EPOCH = request.session_epoch {
        sessions.borrow_mut().close(request.session_id);
        let session = match request.session_epoch {
            FIRST_EPOCH => Session::Opens,
            _ => Session::None,
        };
        return Ok((session, named(asked, image)));
    }
    let now = router.shard().io.clock.now();
    let epoch = (request.session_id, request.session_epoch, asked.by_id);
    let resumed = sessions
        .borrow_mut()
        .resume(epoch, now, |session| change(session, asked, image));
    match resumed {
        Ok(Some(session)) => {
            let (items, epoch) = {
                let mut session = session.borrow_mut();
                (followed(&mut session, asked, image), session.epoch())
            };
            Ok((Session::GoesOn(session, epoch), items))
        }
        Ok(None) => Ok((Session::None, named(asked, image))),
        Err(SessionError::Unknown) => Err(ErrorCode::FetchSessionIdNotFound),
        Err(SessionError::Epoch) => Err(ErrorCode::InvalidFetchSessionEpoch),
        Err(SessionError::TopicIds) => Err(ErrorCode::FetchSessionTopicIdError),
    }
}

/// The number of the session that the answer belongs to; of a session that goes on, only what is news is left.
pub(super) fn end(
    router: &Router,
    asked: &Asked<'_>,
    session: Session,
    (items, answers): (&mut Vec<Item<'_>>, &mut Vec<ReadAnswer>),
) -> Result<i32, ErrorCode> {
    match session {
        Session::None => Ok(0),
        Session::Opens => Ok(open(router, asked, items, answers)),
        Session::GoesOn(session, epoch) => {
            let mut session = session.borrow_mut();
            if session.epoch() != epoch {
                // Another request of the session came in between.
                items.clear();
                answers.clear();
                return Err(ErrorCode::InvalidFetchSessionEpoch);
            }
            let both = items.iter().zip(answers.iter());
            let is_news = |(item, answer): (&Item<'_>, &ReadAnswer)| {
                session.answered(item.number, &outcome(answer))
            };
            let news: SmallVec<[bool; NEWS_INLINE]> = both.map(is_news).collect();
            session.rotate(items.iter().map(|item| item.number));
            let mut left = news.iter();
            items.retain(|_| left.next().is_some_and(|news| *news));
            let mut left = news.iter();
            answers.retain(|_| left.next().is_some_and(|news| *news));
            Ok(session.id())
        }
    }
}

fn open(router: &Router, asked: &Asked<'_>, items: &[Item<'_>], answers: &[ReadAnswer]) -> i32 {
    let shard = router.shard();
    let image = shard.image();
    let mut session = FetchSession::new(asked.replica_id >= 0, asked.by_id);
    for (item, answer) in items.iter().zip(answers) {
        let topic = told(asked.by_id, (&item.topic, item.topic_id), &image);
        session.follow(topic, item.wanted, Some(outcome(answer)));
    }
    let random = || shard.io.random.next_u64();
    let mut sessions = shard.fetch_sessions.borrow_mut();
    sessions.open(session, shard.io.clock.now(), random)
}

fn outcome(answer: &ReadAnswer) -> Outcome {
    Outcome {
        high_watermark: answer.high_watermark,
        log_start_offset: answer.log_start_offset,
        records: !answer.records.is_empty(),
        told: answer.failure.is_some() || answer.diverging.is_some(),
        failed: answer.failure.is_some(),
    }
}

fn change(session: &mut FetchSession, asked: &Asked<'_>, image: &Image) {
    for topic in &asked.request.topics {
        let topic_id = topic.topic_id.0;
        let named = told(asked.by_id, (&topic.topic, topic_id), image);
        for partition in &topic.partitions {
            session.follow(named, wanted(partition), None);
        }
    }
    for topic in &asked.request.forgotten_topics_data {
        let named = told(asked.by_id, (&topic.topic, topic.topic_id.0), image);
        for partition in &topic.partitions {
            session.forget(named, *partition);
        }
    }
}

fn told<'a>(by_id: bool, (name, id): (&'a str, u128), image: &'a Image) -> Told<'a> {
    let name = match by_id {
        true => image.topic_by_id(id).map(|topic| topic.name.as_ref()),
        false => Some(name),
    };
    Told { name, id, by_id }
}

fn wanted(asked: &FetchRequestTopicPartition) -> Wanted {
    Wanted {
        partition: asked.partition,
        offset: asked.fetch_offset,
        bytes_max: asked.partition_max_bytes,
        current_leader_epoch: asked.current_leader_epoch,
        last_fetched_epoch: asked.last_fetched_epoch,
    }
}

/// What the session follows, in its order.
fn followed<'a>(session: &mut FetchSession, asked: &Asked<'_>, image: &Image) -> Vec<Item<'a>> {
    let followed = session.followed(image);
    let mut items: Vec<Item<'a>> = followed
        .map(|(number, followed, place)| Item {
            topic: match &followed.topic {
                Some(name) if !asked.by_id => Name::Followed(name.clone()),
                _ => Name::Asked(""),
            },
            topic_id: followed.topic_id,
            wanted: followed.wanted,
            place,
            number,
        })
        .collect();
    sort(&mut items, asked);
    items
}

/// What is asked for, as Kafka keeps it: each partition once, as it was asked for last, in the order of first mention.
fn named<'a>(asked: &'a Asked<'_>, image: &Image) -> Vec<Item<'a>> {
    let mut items: Vec<Item<'a>> = Vec::new();
    let mut distinct = Distinct::default();
    let request: &'a FetchRequest<'_> = &asked.request;
    for topic in &request.topics {
        let (name, id) = (topic.topic.as_ref(), topic.topic_id.0);
        let found = told(asked.by_id, (name, id), image).find(image);
        let number = distinct.topic(match asked.by_id {
            true => distinct::Topic::Id(Uuid(id)),
            false => distinct::Topic::Name(Cow::Borrowed(name)),
        });
        for partition in &topic.partitions {
            let wanted = wanted(partition);
            let first = distinct.item(number, wanted.partition, items.len());
            if let Some(earlier) = items.get_mut(first) {
                earlier.wanted = wanted;
                continue;
            }
            items.push(Item {
                topic: Name::Asked(name),
                topic_id: id,
                wanted,
                place: found.place(wanted.partition),
                number: 0,
            });
        }
    }
    sort(&mut items, asked);
    items
}

/// What does not exist comes last: for consumers topics before partitions, as Kafka finds out.
fn sort(items: &mut [Item<'_>], asked: &Asked<'_>) {
    if items.iter().all(Item::is_known) {
        return;
    }
    items.sort_by_key(|item| match item.place {
        Ok(_) | Err(Absent::OtherTopic) => 0,
        Err(Absent::Topic) if asked.replica_id < 0 => 1,
        Err(_) => 2,
    });
}
