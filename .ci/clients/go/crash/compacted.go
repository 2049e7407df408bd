package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// tombstoneEvery records of a producer in a partition of a compacted topic, one deletes its key.
const tombstoneEvery = 11

// compactedConfigs make compaction begin early and end late: every pass is met by kills.
func compactedConfigs() map[string]*string {
	configs := map[string]*string{}
	for name, value := range map[string]string{
		"cleanup.policy":            "compact",
		"segment.ms":                "700",
		"min.cleanable.dirty.ratio": "0.01",
		"delete.retention.ms":       "0",
		"file.delete.delay.ms":      "0",
	} {
		configs[name] = &value
	}
	return configs
}

// key of a producer's record in a topic of so many keys a producer and partition; none where it has none.
func key(id, number, keys int) []byte {
	if keys == 0 {
		return nil
	}
	k := make([]byte, 8)
	binary.BigEndian.PutUint32(k, uint32(id))
	binary.BigEndian.PutUint32(k[4:], uint32(number%keys))
	return k
}

// sent is the value of a record; nil deletes its key.
func sent(id int, partition int32, number, keys int) []byte {
	if keys > 0 && number%tombstoneEvery == tombstoneEvery-1 {
		return nil
	}
	return value(id, partition, number)
}

// compacted follows a topic that keeps the newest record of each key: whatever is read is what was acknowledged at that
// offset, and the last one of each key is its newest; or that was a tombstone, and nothing of the key is left.
type compacted struct {
	faults
	keys  int
	known [partitions]map[int64]named // by offset
	first map[string]int64            // newest offset of each key, by partition and key
	last  map[string]int64            // the last one read
	seen  [partitions]int64           // the last offset read
	read  int64
	total int64
}

type named struct{ id, number int }

func newCompacted(writers []*writer, keys int) *compacted {
	c := &compacted{keys: keys, first: map[string]int64{}, last: map[string]int64{}}
	for p := range partitions {
		c.known[p], c.seen[p] = map[int64]named{}, -1
		for id, w := range writers {
			for number, offset := range w.offsets[p] {
				if offset < 0 {
					continue
				}
				c.known[p][offset] = named{id, number}
				c.total++
				name := c.name(int32(p), key(id, number, keys))
				if newest, met := c.first[name]; !met || offset > newest {
					c.first[name] = offset
				}
			}
		}
	}
	return c
}

func (c *compacted) name(partition int32, key []byte) string {
	return fmt.Sprintf("%d %x", partition, key)
}

func (c *compacted) record(r *kgo.Record) {
	p := r.Partition
	if r.Offset <= c.seen[p] {
		c.fault("partition %d: offset %d follows %d", p, r.Offset, c.seen[p])
	}
	c.seen[p] = r.Offset
	c.read++
	name, met := c.known[p][r.Offset]
	if !met || !bytes.Equal(r.Key, key(name.id, name.number, c.keys)) || !bytes.Equal(r.Value, sent(name.id, p, name.number, c.keys)) {
		c.fault("partition %d offset %d: not what was acknowledged there", p, r.Offset)
		return
	}
	c.last[c.name(p, r.Key)] = r.Offset
}

func (c *compacted) verdict() error {
	for p := range partitions {
		for offset, name := range c.known[p] {
			key := c.name(int32(p), key(name.id, name.number, c.keys))
			if c.first[key] != offset {
				continue
			}
			last, met := c.last[key]
			deleted := sent(name.id, int32(p), name.number, c.keys) == nil
			switch {
			case met && last == offset, !met && deleted:
			case met:
				c.fault("partition %d: a key's newest record is %d, but it ends with %d", p, offset, last)
			default:
				c.fault("partition %d: a key's newest record, %d, is missing", p, offset)
			}
		}
	}
	fmt.Printf("%d keys, %d records are left of %d\n", len(c.first), c.read, c.total)
	if c.read == c.total {
		return errors.Join(c.err(), errors.New("nothing was compacted: this has shown nothing"))
	}
	return c.err()
}
