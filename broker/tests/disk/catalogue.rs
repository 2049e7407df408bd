//! Every row of the fault catalogue that one machine can show, and the tests that show it. A row without a test fails.

use std::fs;
use std::path::Path;

/// Row, fault, tests as `file::name` below `broker/tests`.
const ROWS: &[(&str, &str, &[&str])] = &[
    (
        "T1",
        "power loss, unsynced data lost",
        &[
            "disk/power.rs::t01_t02_power_losses_under_load_lose_nothing_acknowledged",
            "disk/power.rs::t01_a_file_system_that_is_shut_down_fences_and_loses_nothing_acknowledged",
        ],
    ),
    (
        "T2",
        "torn write inside a frame, between frames",
        &[
            "disk/power.rs::t01_t02_power_losses_under_load_lose_nothing_acknowledged",
            "disk/damage.rs::t02_a_torn_frame_at_the_journals_end_is_cut_and_told",
        ],
    ),
    (
        "T3",
        "flipped bit in the synced part of a journal",
        &[
            "disk/damage.rs::t03_a_flipped_bit_in_synced_frames_is_refused_or_harmless",
            "hostile/start.rs::a_damaged_journal_is_refused",
            "hostile/start.rs::one_damaged_shard_of_two_leaves_the_other_untouched",
        ],
    ),
    (
        "T4",
        "flipped, cut or missing segment, index, manifest, shard",
        &[
            "disk/damage.rs::t04_a_damaged_segment_refuses_its_range_and_serves_the_others",
            "disk/damage.rs::t04_a_damaged_or_missing_index_is_rebuilt",
            "hostile/start.rs::a_missing_or_damaged_checkpoint_is_refused",
            "hostile/start.rs::a_missing_or_damaged_storage_manifest_is_refused",
            "hostile/start.rs::missing_shards_and_journals_are_refused",
        ],
    ),
    (
        "T5",
        "misdirected or stale write",
        &["disk/damage.rs::t05_a_misdirected_or_stale_frame_is_refused"],
    ),
    (
        "T6",
        "EIO on a write of the journal, on a read of a segment",
        &[
            "disk/power.rs::t06_a_failed_write_fences_the_shard_and_a_restart_heals_it",
            "disk/power.rs::t06_a_segment_that_cannot_be_read_refuses_its_range_only",
        ],
    ),
    (
        "T7",
        "a sync fails once, then works",
        &["disk/power.rs::t07_a_failed_sync_is_never_retried"],
    ),
    (
        "T8",
        "a sync that lies",
        &["disk/power.rs::t08_a_disk_that_lies_about_syncs_is_found_out_or_loses_only_the_end"],
    ),
    (
        "T9",
        "no space left",
        &[
            "disk/power.rs::t09_a_full_file_system_refuses_produces_and_heals",
            "hostile/start.rs::a_disk_that_is_full_at_the_first_start_is_refused",
        ],
    ),
    (
        "T10",
        "slow disk, hung disk",
        &[
            "disk/power.rs::t10_a_slow_disk_slows_only_what_needs_it",
            "disk/power.rs::t10_a_hung_disk_stops_produces_and_nothing_else",
        ],
    ),
    (
        "T14",
        "SIGSTOP and SIGCONT",
        &["disk/process.rs::t14_a_stopped_process_goes_on_where_it_was"],
    ),
    (
        "T15",
        "kill -9, also at the first start, in recovery, rolls and checkpoints",
        &[
            "disk/kill.rs::t15_kills_during_the_first_start_leave_a_directory_that_starts",
            "disk/kill.rs::t15_kills_under_load_during_rolls_checkpoints_and_recovery_lose_nothing",
            "hostile/stop.rs::a_kill_under_load_loses_nothing_acknowledged",
        ],
    ),
    (
        "T16",
        "jumps of the wall clock",
        &["disk/process.rs::t16_jumps_of_the_wall_clock_move_stamps_and_nothing_else"],
    ),
    (
        "T19",
        "peers that never read",
        &["hostile/pressure.rs::peers_that_never_read_cost_bounded_memory_and_nobody_else"],
    ),
    (
        "T20",
        "floods of connections, half-sent requests, idle connections",
        &[
            "hostile/pressure.rs::a_flood_of_connections_leaves_nothing_behind",
            "hostile/pressure.rs::connections_beyond_the_bounds_are_closed_and_room_is_used_again",
            "hostile/pressure.rs::half_read_requests_hold_no_more_than_their_bound",
            "hostile/pressure.rs::idle_connections_are_closed_and_busy_ones_are_not",
            "hostile/peers.rs::ten_thousand_idle_connections_are_kept_and_cost_little",
            "hostile/peers.rs::slow_writers_are_answered_and_hold_up_nobody",
            "hostile/peers.rs::peers_that_vanished_without_a_word_are_closed_when_their_time_is_up",
        ],
    ),
    (
        "T21",
        "no descriptors left",
        &["hostile/pressure.rs::without_descriptors_those_who_are_in_are_served"],
    ),
    (
        "T22",
        "limit of memory",
        &["disk/process.rs::t22_within_a_limit_of_memory_produces_are_slowed_not_killed"],
    ),
    (
        "T23",
        "garbage, oversized and cut frames, versions that do not exist",
        &[
            "hostile/mutations.rs::lengths_and_counts_that_lie_at_every_place_of_every_request",
            "hostile/mutations.rs::thousands_of_random_mutations_of_real_requests",
            "hostile/frames.rs::garbage_closes_the_connection",
            "hostile/frames.rs::truncated_requests_end_with_their_connection",
            "hostile/frames.rs::oversized_and_negative_lengths_close_the_connection",
            "hostile/frames.rs::unknown_apis_and_versions_close_the_connection",
        ],
    ),
    (
        "T24",
        "record batches that lie",
        &["hostile/records.rs::batches_that_lie_get_kafkas_code_and_append_nothing"],
    ),
    (
        "T25",
        "bombs",
        &["hostile/records.rs::compressed_bombs_are_refused_within_the_bound"],
    ),
    (
        "T29",
        "an older copy of a disk, or of a part of it, or another's",
        &[
            "disk/damage.rs::t29_a_journal_older_than_its_checkpoint_is_refused",
            "disk/damage.rs::t29_a_shard_of_another_directory_is_refused",
            "disk/damage.rs::t29_an_older_first_shard_removes_nothing_of_the_others",
        ],
    ),
];

#[test]
fn every_row_has_its_tests() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for (row, fault, names) in ROWS {
        assert!(!names.is_empty(), "{row} ({fault}) has no test");
        for name in *names {
            let (file, function) = name.split_once("::").unwrap();
            let text = fs::read_to_string(tests.join(file)).unwrap();
            let is_there = text.contains(&format!("#[test]\nfn {function}() {{"));
            assert!(is_there, "{row} ({fault}): {name} is no test");
        }
    }
}
