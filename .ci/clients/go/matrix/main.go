// Matrix writes and reads back with franz-go: every codec, with the idempotent producer off and on.
// Each of 4 partitions is read directly (no group) and must hold exactly what was sent to it, in
// order, at the offsets the broker acknowledged. BOOTSTRAP names the broker, RECORDS how many
// records a combination has, DEADLINE_SECONDS how long it may take.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const partitions = 4

var codecs = []struct {
	name  string
	codec kgo.CompressionCodec
}{
	{"none", kgo.NoCompression()},
	{"gzip", kgo.GzipCompression()},
	{"snappy", kgo.SnappyCompression()},
	{"lz4", kgo.Lz4Compression()},
	{"zstd", kgo.ZstdCompression()},
}

func main() {
	records := number("RECORDS", 20000)
	deadline := time.Duration(number("DEADLINE_SECONDS", 90)) * time.Second
	failures := 0
	for _, c := range codecs {
		for _, idempotent := range []bool{false, true} {
			name := "franz-go " + c.name
			if idempotent {
				name += " idempotent"
			}
			started := time.Now()
			if err := combination(c.name, c.codec, idempotent, records, deadline); err != nil {
				failures++
				fmt.Printf("FAILED %s: %v\n", name, err)
				continue
			}
			fmt.Printf("ok %s %.1fs\n", name, time.Since(started).Seconds())
		}
	}
	if failures > 0 {
		os.Exit(1)
	}
}

// number reads a count from the environment.
func number(name string, otherwise int) int {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		fmt.Printf("FAILED: %s is not a count: %s\n", name, text)
		os.Exit(1)
	}
	return n
}

// combination runs one codec with one kind of producer on a topic of its own.
func combination(name string, codec kgo.CompressionCodec, idempotent bool, records int, deadline time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	seeds := kgo.SeedBrokers(strings.Split(os.Getenv("BOOTSTRAP"), ",")...)
	topic := fmt.Sprintf("go-%s-%t-%d", name, idempotent, time.Now().UnixNano())
	options := []kgo.Opt{
		seeds, kgo.ProducerBatchCompression(codec), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.UnknownTopicRetries(-1), kgo.MetadataMinAge(100 * time.Millisecond),
	}
	if !idempotent {
		options = append(options, kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.LeaderAck()))
	}
	producer, err := kgo.NewClient(options...)
	if err != nil {
		return err
	}
	defer producer.Close()
	if _, err := kadm.NewClient(producer).CreateTopic(ctx, partitions, 1, nil, topic); err != nil {
		return fmt.Errorf("create topic: %w", err)
	}
	offsets, err := produce(ctx, producer, topic, records)
	if err != nil {
		return fmt.Errorf("produce: %w", err)
	}
	return verify(ctx, seeds, topic, offsets)
}

// sent is record index of a topic; some are tombstones, some have an empty value.
func sent(topic string, index int) *kgo.Record {
	n := strconv.Itoa(index)
	value := []byte("value-" + n + " " + strings.Repeat("0123456789abcdef", index%13))
	switch index % 97 {
	case 5:
		value = nil
	case 6:
		value = []byte{}
	}
	return &kgo.Record{
		Topic: topic, Partition: int32(index % partitions), Key: []byte("key-" + n), Value: value,
		Headers: []kgo.RecordHeader{{Key: "index", Value: []byte(n)}},
	}
}

// produce sends every record and returns the offset acknowledged for each.
func produce(ctx context.Context, producer *kgo.Client, topic string, records int) ([]int64, error) {
	offsets := make([]int64, records)
	var lock sync.Mutex
	var first error
	for index := range records {
		producer.Produce(ctx, sent(topic, index), func(r *kgo.Record, err error) {
			lock.Lock()
			defer lock.Unlock()
			offsets[index] = r.Offset
			if err != nil && first == nil {
				first = fmt.Errorf("record %d: %w", index, err)
			}
		})
	}
	err := producer.Flush(ctx)
	lock.Lock()
	defer lock.Unlock()
	return offsets, errors.Join(first, err)
}

// verify reads every partition from its start to its end.
func verify(ctx context.Context, seeds kgo.Opt, topic string, offsets []int64) error {
	from := map[int32]kgo.Offset{}
	for p := range int32(partitions) {
		from[p] = kgo.NewOffset().At(0)
	}
	consumer, err := kgo.NewClient(seeds,
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()))
	if err != nil {
		return err
	}
	defer consumer.Close()
	ends, err := kadm.NewClient(consumer).ListEndOffsets(ctx, topic)
	if err != nil {
		return fmt.Errorf("list end offsets: %w", err)
	}
	var total int64
	ends.Each(func(o kadm.ListedOffset) { total += o.Offset; err = errors.Join(err, o.Err) })
	if err != nil || total != int64(len(offsets)) {
		return fmt.Errorf("the end offsets sum up to %d, sent %d: %w", total, len(offsets), err)
	}
	var counts [partitions]int
	for read := 0; read < len(offsets); {
		fetches := consumer.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("read %d of %d: %w", read, len(offsets), err)
		}
		for _, r := range fetches.Records() {
			nth := counts[r.Partition]
			index := nth*partitions + int(r.Partition)
			if index >= len(offsets) {
				return fmt.Errorf("partition %d: more records than were sent", r.Partition)
			}
			if r.Offset != int64(nth) || offsets[index] != r.Offset {
				return fmt.Errorf("record %d: at offset %d, acknowledged %d, expected %d", index, r.Offset, offsets[index], nth)
			}
			if !equal(r, sent(topic, index)) {
				return fmt.Errorf("record %d: read key %q value %q headers %q", index, r.Key, r.Value, r.Headers)
			}
			counts[r.Partition]++
			read++
		}
	}
	return nil
}

// equal compares what a client sets; a null value is not an empty one.
func equal(a, b *kgo.Record) bool {
	return bytes.Equal(a.Key, b.Key) && bytes.Equal(a.Value, b.Value) && (a.Value == nil) == (b.Value == nil) &&
		len(a.Headers) == 1 && a.Headers[0].Key == b.Headers[0].Key && bytes.Equal(a.Headers[0].Value, b.Headers[0].Value)
}
