//! Every bound that is not a setting: its unit, its reason, and what ties it to the others.
//!
//! Numbers only. Nothing here is tuned by users; a bound that users need is a setting (`config::broker`) with one of
//! these as its edge. Sizes are bytes, times milliseconds.

/// Alignment of every direct write and read, whatever the device says (GLOMMIO.md §10).
pub const BLOCK_BYTES: u64 = 4096;

// --- machine -------------------------------------------------------------------------------------------------------

/// Shards of one machine: node ids are machine x 1000 + shard, and ports follow each other.
pub const SHARDS_MAX: u32 = 256;

/// Connections a shard accepts; the next one is closed at once. Each costs about 8 KiB when idle.
pub const CONNECTIONS_PER_SHARD_MAX: u32 = 65_536;

/// Partitions of a whole cluster: what one metadata image may hold.
pub const PARTITIONS_PER_CLUSTER_MAX: usize = 1_000_000;

/// Topics of a whole cluster.
pub const TOPICS_PER_CLUSTER_MAX: usize = 200_000;

/// Partitions that one request may make (Kafka's own bound, `MAX_PARTITIONS_PER_BATCH`).
pub const PARTITIONS_CREATED_PER_REQUEST_MAX: usize = 10_000;

/// Partitions of one shard. An idle one costs at most 4 KiB.
pub const PARTITIONS_PER_SHARD_MAX: usize = 200_000;

/// Settings of one topic, broker, group or subscription; more than Kafka has configs.
pub const CONFIGS_PER_RESOURCE_MAX: usize = 500;

/// Brokers, groups and subscriptions that have settings of their own.
pub const CONFIG_RESOURCES_MAX: usize = 100_000;

/// Bytes of one config's value, so that no record of the controller passes its own bound.
pub const CONFIG_VALUE_BYTES_MAX: usize = 32 << 10;

// --- requests ------------------------------------------------------------------------------------------------------

/// Requests of one connection that wait for their replies. A client may pipeline more: the rest stays in its socket.
pub const REQUESTS_IN_FLIGHT_PER_CONNECTION_MAX: usize = 1024;

/// Bytes of requests in work for one connection. One request of any legal size is always admitted when none is in
/// work, whatever its size, so a large request is slow but never stuck.
pub const REQUEST_BYTES_PER_CONNECTION_MAX: u64 = 16 << 20;

/// Bytes of requests in work for one shard; beyond it no connection of the shard is read. The same exception holds.
pub const REQUEST_BYTES_PER_SHARD_MAX: u64 = 256 << 20;

/// Bytes of replies that wait for one connection's socket; beyond it its requests are not started.
pub const REPLY_BYTES_PER_CONNECTION_MAX: u64 = 64 << 20;

/// Bytes of what one DescribeConfigs tells; resources beyond are refused, since one of a few bytes is answered with kilobytes.
pub const DESCRIBED_BYTES_MAX: usize = 64 << 20;

/// Bytes of replies that wait for sockets on one shard. Beyond it a fetch gets one batch, whatever it asks for.
pub const REPLY_BYTES_PER_SHARD_MAX: u64 = 512 << 20;

/// First read of a connection. An idle one keeps no buffer at all. What a connection holds up to here is not charged
/// to its shard, so that small requests pass while large ones wait for room.
pub const CONNECTION_READ_BYTES: usize = 16 << 10;

/// Largest read at once, for a client that keeps filling smaller ones.
pub const CONNECTION_READ_BYTES_MAX: usize = 256 << 10;

/// Topics, or partitions over all topics, that one request may name. Kafka has no bound but the request's size.
pub const PARTITIONS_PER_REQUEST_MAX: usize = 200_000;

/// Longest topic name (Kafka's `Topic.MAX_NAME_LENGTH`).
pub const TOPIC_NAME_BYTES_MAX: usize = 249;

/// Longest client id that is kept for log lines; longer ones are legal and cut.
pub const CLIENT_ID_BYTES_KEPT: usize = 128;

/// Buffers of one vectored send (Linux `UIO_MAXIOV`).
pub const SEND_BUFFERS_MAX: usize = 1024;

/// How long one send may make no progress before the connection is closed.
pub const SEND_STALL_MS_MAX: u64 = 60_000;

/// How long a request that has begun may take for [`RECEIVE_STALL_BYTES`], or its end, before the connection is closed.
pub const RECEIVE_STALL_MS_MAX: u64 = 60_000;

/// See above: 17 KiB a second.
pub const RECEIVE_STALL_BYTES: u64 = 1 << 20;

/// Both times while others wait for the memory that such a connection holds.
pub const STALL_MS_MAX_WHEN_SHORT: u64 = 10_000;

/// How often connections are looked at for that.
pub const WATCH_INTERVAL_MS: u64 = 5_000;

/// Connections looked at in one turn.
pub const WATCHED_PER_TURN: usize = 1024;

/// Connections the kernel holds until they are accepted, unless set: what a fleet opens that reconnects at once.
pub const LISTEN_BACKLOG: u32 = 4096;

// --- produce -------------------------------------------------------------------------------------------------------

/// Largest journal frame, header and directory included.
pub const FRAME_BYTES_MAX: u64 = 16 << 20;

/// What a frame needs beside record batches: header, directory, raft entries and state, padding to a block.
pub const FRAME_OVERHEAD_BYTES: u64 = 64 << 10;

/// The largest record batch that fits into a frame of this size; bounds `max.message.bytes`.
pub const fn batch_bytes_max(frame_bytes_max: u64) -> u64 {
    frame_bytes_max - FRAME_OVERHEAD_BYTES
}

/// Batches that one frame carries; also what one gather walks before others get their turn.
pub const BATCHES_PER_FRAME_MAX: usize = 16_384;

/// Bytes prepared on a shard and not yet in a frame: a few frames, so that one fills while one is written.
pub const PREPARED_BYTES_PER_SHARD_MAX: u64 = 4 * FRAME_BYTES_MAX;

/// What one compressed batch may grow to when it is validated. A batch beyond it is refused as too large.
pub const DECOMPRESSED_BYTES_MAX: usize = 256 << 20;

/// A batch may decompress to this many times its size plus 1 MiB before the cap above matters; zstd of zeros passes
/// 10,000, so this only stops what no honest producer sends.
pub const DECOMPRESSED_RATIO_MAX: usize = 20_000;

/// Records of one batch: each needs at least 7 bytes, and offsets of a batch are 32 bits wide.
pub const RECORDS_PER_BATCH_MAX: usize = DECOMPRESSED_BYTES_MAX / RECORD_BYTES_MIN;

/// Headers of one record that are walked; each is at least 2 bytes.
pub const HEADERS_PER_RECORD_MAX: usize = 1 << 20;

/// The smallest record of a batch v2: length, attributes, two deltas, key, value and header count, one byte each.
pub const RECORD_BYTES_MIN: usize = 7;

/// Batches remembered for each producer of a partition (Kafka's `ProducerStateEntry`).
pub const BATCHES_PER_PRODUCER: usize = 5;

/// Producers remembered by a partition. Beyond it the one idle longest, with nothing in flight, is forgotten: its
/// next batch must then begin with sequence 0 or gets UNKNOWN_PRODUCER_ID, as after Kafka's expiry.
pub const PRODUCERS_PER_PARTITION_MAX: usize = 10_000;

/// Unknown producers of a partition whose refused batch is remembered, so that those behind it do not come first.
pub const REFUSED_PRODUCERS_PER_PARTITION_MAX: usize = 64;

/// Producers remembered by a shard over all partitions, with the same rule.
pub const PRODUCERS_PER_SHARD_MAX: usize = 1_000_000;

/// Producer ids that a shard takes from the controller at once.
pub const PRODUCER_ID_BLOCK: i64 = 1000;

// --- fetch ---------------------------------------------------------------------------------------------------------

/// Fetches that one partition wakes when it grows; a further one answers when its time is up.
pub const DELAYED_FETCHES_PER_PARTITION_MAX: usize = 65_536;

/// Longest wait of a fetch, whatever it asks for.
pub const FETCH_WAIT_MS_MAX: u64 = 300_000;

/// One read for a consumer that is behind while frames are written, and then one at a time: what a frame waits for in the disk's
/// queue.
pub const FETCH_READ_BESIDE_WRITES_BYTES: usize = 128 << 10;

/// Longest wait of such a read for a frame to end.
pub const FETCH_READ_WAITS_FOR_FRAME_MS: u64 = 20;

/// So long after the last frame, and the mark behind it, readers have the disk for themselves. Producers that are held up for a moment
/// would otherwise find all in its queue that readers can have there, when they go on.
pub const READERS_WAIT_FOR_NO_FRAME_MS: u64 = 250;

/// What is read of a shard's segments before it is asked for, for readers that are behind; that of the one who asked longest ago is
/// forgotten first.
pub const READ_AHEAD_BYTES_PER_SHARD_MAX: usize = 64 << 20;

/// Such reads on their way: a frame that comes meanwhile waits for them in the disk's queue.
pub const READS_AHEAD_ON_THEIR_WAY_MAX: usize = 16;

/// What fetches of a shard may have read and not yet given to their connections; beyond it each gets one batch only.
pub const FETCH_READ_BYTES_PER_SHARD_MAX: u64 = 256 << 20;

/// Fetch sessions of a shard, whatever `max.incremental.fetch.session.cache.slots` says.
pub const FETCH_SESSIONS_PER_SHARD_MAX: usize = 10_000;

/// What sessions of a shard may remember; beyond it no further one is opened, and clients tell all they want each time.
pub const FETCH_SESSION_BYTES_PER_SHARD_MAX: usize = 128 << 20;

/// What one followed partition counts as, its topic's name aside.
pub const FETCH_SESSION_PARTITION_BYTES: usize = 192;

// --- shards and the mesh -------------------------------------------------------------------------------------------

/// Messages that wait from one shard to one other. The sender waits beyond it.
pub const MESH_QUEUE_LENGTH: usize = 1024;

/// Bytes of requests and answers on their way between two shards; the same exception as for connections.
pub const MESH_BYTES_MAX: u64 = 32 << 20;

/// Work items of one turn of a shard's loop before it lets connections run.
pub const COMMITS_PER_TURN_MAX: usize = 4096;

// --- storage -------------------------------------------------------------------------------------------------------

/// Smallest journal of a shard: one file is written while the other is recycled.
pub const JOURNAL_BYTES_MIN: u64 = 2 * JOURNAL_FILE_BYTES_MIN;

/// Smallest journal file: a few frames of the smallest `frame.bytes.max`. Every file must hold two whole frames.
pub const JOURNAL_FILE_BYTES_MIN: u64 = 4 << 20;

/// Idle time after which an empty frame makes the synced mark durable.
pub const JOURNAL_IDLE_MARK_MS: u64 = 10;

/// One write of the zero fill, and how many are in flight.
pub const FILL_WRITE_BYTES: u64 = 64 << 10;

/// Writes of the zero fill in flight.
pub const FILL_WRITES_IN_FLIGHT: usize = 16;

/// Least tail memory of a shard.
pub const DIRTY_BYTES_MIN: u64 = 4 << 20;

/// Write-back begins, and ends, at `dirty_bytes_max` over this: as steadily as bytes come. Let grow and then written at once they
/// hold up every flush of the journal meanwhile (at full speed a third of all records a second); the rest is room for a slow disk.
pub const DIRTY_SHARE: u64 = 4;

/// Bytes of a partition in one flush from which they go straight to its segment: a write and a sync there cost less then than a second
/// copy of them. Never less than a block, or what the frame says in their place could be longer than they are.
pub const DIRECT_BYTES_MIN: u64 = 64 << 10;

/// With more partitions than these in memory, twice as much: the work is spread over many then, and many small writes, each with a
/// sync, cost more than one to the journal and fewer, larger ones later.
pub const DIRECT_PARTITIONS_FEW: usize = 16;

/// Partitions of one flush that do at most: each costs a write and a sync.
pub const DIRECT_PARTITIONS_PER_FRAME_MAX: usize = 16;

/// With more of a partition that is in no segment yet it does not: all of that has to go with it.
pub const DIRECT_TAIL_BYTES_MAX: usize = 4 << 20;

/// What of a shard went straight to segments stays in memory for readers that keep up, up to so many bytes, and up to what begins
/// write-back. Memory that is used again and again stays in the processor's caches: 256 MiB cost a quarter of all records a second.
pub const STORED_BYTES_KEPT_MAX: u64 = 32 << 20;

/// Segments of a partition that a frame tells of; with more that no manifest has it takes the way through the journal.
pub const SEGMENTS_TOLD_MAX: usize = 8;

/// One write-back write at most; a partition with more gets several.
pub const WRITE_BACK_BYTES_MAX: u64 = 2 << 20;

/// Write-backs in flight of a shard: file systems make and grow many small files slowly one by one.
pub const WRITE_BACKS_IN_FLIGHT: usize = 64;

/// Bytes of write-backs in flight of a shard. A flush of the journal waits behind them in the device's queue, so they are few.
pub const WRITE_BACK_BYTES_IN_FLIGHT_MAX: u64 = 4 * WRITE_BACK_BYTES_MAX;

/// Between two writes of a checkpoint that nothing waits for: 400 MB/s.
pub const CHECKPOINT_PAUSE_MS: u64 = 5;

/// Open segment files of a shard, where a quarter of its descriptors is as many; the one used longest ago is closed. With fewer than there
/// are partitions in turn, each piece that is written back opens its file anew.
pub const OPEN_SEGMENTS_PER_SHARD_MAX: usize = 32_768;

/// Descriptors of a shard that are neither connections nor segments: rings, journal files, manifests, listeners, and one
/// for a connection that is refused.
pub const OTHER_DESCRIPTORS_PER_SHARD: usize = 64;

/// Sealed indexes of a shard kept in memory.
pub const INDEX_BYTES_PER_SHARD_MAX: usize = 64 << 20;

/// Preallocation of a segment doubles from this ...
pub const SEGMENT_PREALLOCATE_BYTES_MIN: u64 = 64 << 10;

/// ... to this.
pub const SEGMENT_PREALLOCATE_BYTES_MAX: u64 = 16 << 20;

/// Bytes of one manifest that are read into memory at start.
pub const MANIFEST_BYTES_MAX: u64 = 1 << 30;

/// What one decision of the controller writes about settings, at most: it is proposed whole.
pub const CONTROLLER_CONFIG_BYTES_MAX: usize = 32 << 20;

/// Bytes of one record of the controller.
pub const CONTROLLER_RECORD_BYTES_MAX: usize = 8 << 20;

// --- operators -----------------------------------------------------------------------------------------------------

/// Connections to the admin listener at a time; further ones are closed.
pub const ADMIN_CONNECTIONS_MAX: usize = 32;

/// Bytes of one HTTP request's head.
pub const ADMIN_REQUEST_BYTES_MAX: usize = 16 << 10;

/// Header lines of one HTTP request.
pub const ADMIN_HEADERS_MAX: usize = 64;

/// How long a request to the admin listener may take to come, and its answer to go.
pub const ADMIN_PATIENCE_MS: u64 = 5_000;

/// How long a shard may take to tell its figures before it counts as hung.
pub const FIGURES_PATIENCE_MS: u64 = 2_000;

/// Lines of `/metrics` about single groups and their offsets, of all shards together: about 3 MB. Groups beyond it are counted.
pub const GROUP_LINES_MAX: usize = 20_000;

// --- consumer groups -----------------------------------------------------------------------------------------------

/// Groups of one coordinator, that is of one partition of `__consumer_offsets`.
pub const GROUPS_PER_COORDINATOR_MAX: usize = 100_000;

/// Memory that the groups of one shard may take; beyond it nobody joins and nothing is stored until some go.
pub const GROUP_BYTES_PER_SHARD_MAX: usize = 512 << 20;

/// Protocols that one member may know. Kafka has no bound; clients have one to three.
pub const GROUP_PROTOCOLS_PER_MEMBER_MAX: usize = 100;

/// What one member may say of itself, all its protocols together.
pub const GROUP_MEMBER_BYTES_MAX: usize = 1 << 20;

/// A group's record: metadata and assignments of all its members. Kafka's bound is `max.message.bytes`, 1 MiB unless set.
pub const GROUP_RECORD_BYTES_MAX: usize = 4 << 20;

/// Offsets of one group, and what it takes to remove them at once.
pub const GROUP_OFFSETS_BYTES_MAX: usize = 32 << 20;

/// Part of a new member's id that comes from the client; Kafka's texts end at 32,767 bytes.
pub const MEMBER_NAME_BYTES_MAX: usize = 16 << 10;

/// What one step of a coordinator writes, at most: the end of a group with all its offsets, beside others that have expired.
pub const GROUP_DECISION_BYTES_MAX: usize = 40 << 20;

/// Batches in which a coordinator writes; a larger record has one of its own.
pub const GROUP_BATCH_BYTES: usize = 512 << 10;

/// Reads of a coordinator's log.
pub const GROUP_READ_BYTES: usize = 1 << 20;

/// Groups that are looked at for expired offsets in one turn, and records that end it.
pub const GROUPS_SWEPT_PER_TURN: usize = 1000;

// --- log lines -----------------------------------------------------------------------------------------------------

/// Lines of one reason in [`LOG_WINDOW_MS`]; the next line says how many were left out.
pub const LOG_LINES_PER_WINDOW: u32 = 5;

/// The window of that rule.
pub const LOG_WINDOW_MS: u64 = 10_000;

/// Lines that wait for a slow standard error; further ones are dropped and counted.
pub const LOG_LINES_QUEUED_MAX: usize = 8192;

// What must hold between them.
const _: () = {
    assert!(
        FRAME_BYTES_MAX.is_multiple_of(BLOCK_BYTES)
            && JOURNAL_FILE_BYTES_MIN.is_multiple_of(BLOCK_BYTES)
    );
    assert!(
        batch_bytes_max(1 << 20) > 512 << 10,
        "the smallest legal frame still takes a batch worth having"
    );
    assert!(
        FRAME_BYTES_MAX <= u32::MAX as u64,
        "positions inside a frame are 32 bits wide"
    );
    assert!(
        BATCHES_PER_FRAME_MAX <= u16::MAX as usize + 1,
        "a frame's directory counts in 16 bits"
    );
    assert!(
        PREPARED_BYTES_PER_SHARD_MAX >= 2 * FRAME_BYTES_MAX,
        "one frame fills while one is written"
    );
    assert!(
        REQUEST_BYTES_PER_CONNECTION_MAX >= FRAME_BYTES_MAX,
        "a lone producer can fill a frame"
    );
    assert!(
        REQUEST_BYTES_PER_SHARD_MAX >= 4 * REQUEST_BYTES_PER_CONNECTION_MAX,
        "one connection cannot take a shard"
    );
    assert!(REPLY_BYTES_PER_SHARD_MAX >= 4 * REPLY_BYTES_PER_CONNECTION_MAX);
    assert!(
        DECOMPRESSED_BYTES_MAX as u64 >= FRAME_BYTES_MAX,
        "an uncompressible batch always passes the cap"
    );
    assert!(
        FETCH_READ_BYTES_PER_SHARD_MAX >= 64 * FETCH_READ_BESIDE_WRITES_BYTES as u64,
        "consumers that are behind share the buffers"
    );
    assert!(
        WRITE_BACK_BYTES_MAX.is_multiple_of(BLOCK_BYTES)
            && SEGMENT_PREALLOCATE_BYTES_MIN.is_multiple_of(BLOCK_BYTES)
    );
    assert!(
        PARTITIONS_CREATED_PER_REQUEST_MAX <= PARTITIONS_PER_REQUEST_MAX,
        "any topic can be asked for in one request"
    );
    assert!(
        SHARDS_MAX <= 1000,
        "node ids leave room for 1000 shards a machine"
    );
    assert!(RECORDS_PER_BATCH_MAX <= i32::MAX as usize);
    assert!(
        CONTROLLER_CONFIG_BYTES_MAX <= PREPARED_BYTES_PER_SHARD_MAX as usize / 2
            && 2 * CONFIG_VALUE_BYTES_MAX < CONTROLLER_RECORD_BYTES_MAX,
        "what the controller decides is proposed whole, and read again"
    );
    assert!(
        GROUP_DECISION_BYTES_MAX > GROUP_OFFSETS_BYTES_MAX + GROUP_RECORD_BYTES_MAX
            && GROUP_DECISION_BYTES_MAX <= PREPARED_BYTES_PER_SHARD_MAX as usize,
        "what a coordinator decides finds its place when it waits for it"
    );
};
