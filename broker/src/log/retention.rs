//! Which segments have had their time: Kafka's rules of age and size (`UnifiedLog.deleteOldSegments`). Pure; removes nothing.

use super::Segment;

/// `retention.ms` and `retention.bytes`; `None` keeps everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RetentionRule {
    /// Age of a segment's newest record.
    pub age_ms_max: Option<i64>,
    /// Size of the partition.
    pub bytes_max: Option<u64>,
}

impl RetentionRule {
    /// The offset that the log start moves to at `now_ms`: whole segments go, the oldest first. Those at the end, of which
    /// `tail_bytes` are not written yet, only go with nothing behind them. `None`: all stays.
    pub fn log_start_after(
        &self,
        segments: &[Segment],
        tail_bytes: u64,
        now_ms: i64,
    ) -> Option<i64> {
        let sealed = segments.len().saturating_sub(usize::from(tail_bytes > 0));
        let old = |segment: &&Segment| {
            let newest = match segment.max_timestamp {
                -1 => segment.created_ms,
                newest => newest,
            };
            self.age_ms_max
                .is_some_and(|max| now_ms.saturating_sub(newest) > max)
        };
        let aged = segments[..sealed].iter().take_while(old).count();
        let rest = &segments[aged..];
        let bytes = tail_bytes + rest.iter().map(|segment| segment.bytes).sum::<u64>();
        let mut surplus = self.bytes_max.map_or(0, |max| bytes.saturating_sub(max));
        let large = |segment: &&Segment| match surplus.checked_sub(segment.bytes) {
            Some(left) => {
                surplus = left;
                segment.bytes > 0
            }
            None => false,
        };
        let gone = aged + segments[aged..sealed].iter().take_while(large).count();
        gone.checked_sub(1).map(|last| segments[last].next_offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Segments of 100 bytes and 10 records, whose newest records are this old at 1000.
    fn segments(ages_ms: &[i64]) -> Vec<Segment> {
        let each = ages_ms.iter().zip(0..).map(|(age_ms, number)| Segment {
            next_offset: 10 * (number + 1),
            bytes: 100,
            max_timestamp: 1000 - age_ms,
            ..Segment::new(10 * number, 0)
        });
        each.collect()
    }

    fn start(
        age_ms_max: Option<i64>,
        bytes_max: Option<u64>,
        ages_ms: &[i64],
        tail_bytes: u64,
    ) -> Option<i64> {
        let rule = RetentionRule {
            age_ms_max,
            bytes_max,
        };
        rule.log_start_after(&segments(ages_ms), tail_bytes, 1000)
    }

    #[test]
    fn segments_go_by_the_age_of_their_newest_record() {
        let ages = [500, 400, 300, 0];
        assert_eq!(start(None, None, &ages, 0), None);
        assert_eq!(
            start(Some(500), None, &ages, 0),
            None,
            "not older than the limit"
        );
        assert_eq!(start(Some(499), None, &ages, 0), Some(10));
        assert_eq!(start(Some(100), None, &ages, 0), Some(30));
        assert_eq!(
            start(Some(100), None, &[500, 0, 500, 500], 0),
            Some(10),
            "the oldest first, without a gap"
        );
        assert_eq!(
            start(Some(100), None, &[500, -700, 500], 0),
            Some(10),
            "a time to come is not old"
        );
        assert_eq!(start(Some(i64::MAX), None, &ages, 0), None);
    }

    #[test]
    fn the_last_segment_goes_only_when_nothing_is_behind_it() {
        assert_eq!(start(Some(100), None, &[500, 500], 0), Some(20));
        assert_eq!(start(Some(100), None, &[500, 500], 1), Some(10));
        assert_eq!(start(Some(0), None, &[], 5), None);
    }

    #[test]
    fn segments_go_while_what_is_left_is_large_enough() {
        let ages = [0, 0, 0, 0];
        assert_eq!(start(None, Some(400), &ages, 0), None);
        assert_eq!(
            start(None, Some(301), &ages, 0),
            None,
            "never below the limit"
        );
        assert_eq!(start(None, Some(300), &ages, 0), Some(10));
        assert_eq!(
            start(None, Some(300), &ages, 150),
            Some(20),
            "what is not written yet counts"
        );
        assert_eq!(start(None, Some(0), &ages, 0), Some(40));
        assert_eq!(
            start(Some(100), Some(200), &[500, 0, 0, 0], 0),
            Some(20),
            "by age first, then by size"
        );
    }

    #[test]
    fn a_segment_without_timestamps_ages_from_its_beginning() {
        let rule = RetentionRule {
            age_ms_max: Some(100),
            bytes_max: None,
        };
        let segment = |created_ms| Segment {
            next_offset: 5,
            bytes: 1,
            ..Segment::new(0, created_ms)
        };
        assert_eq!(rule.log_start_after(&[segment(899)], 0, 1000), Some(5));
        assert_eq!(rule.log_start_after(&[segment(900)], 0, 1000), None);
    }
}
