// Crash kills the broker under load and looks for what it lost. It starts the binary at PELTON on
// loopback with a data directory of its own, has 8 idempotent producers write to 64 partitions
// without a pause through ROUNDS (default 5) rounds of SIGKILL and restart, kills it once more after
// the last acknowledgement, then reads every partition directly: each acknowledged record must be
// there exactly once, at its acknowledged offset, in order per producer, and nothing else than what
// was sent. SEED repeats the times between the kills. It prints how long each recovery took.
package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	topic        = "crash"
	partitions   = 64
	producers    = 8
	burstRecords = 8
	burstPause   = time.Millisecond
	startMax     = 60 * time.Second
	progressMax  = 60 * time.Second
	flushMax     = 120 * time.Second
	readMax      = 180 * time.Second
)

func main() {
	// The broker is told to die with the thread that started it: this one.
	runtime.LockOSThread()
	if err := run(); err != nil {
		fmt.Println("FAILED crash:", err)
		os.Exit(1)
	}
	fmt.Println("ok crash")
}

func run() error {
	rounds, err := number("ROUNDS", 5)
	if err != nil {
		return err
	}
	seed, err := number("SEED", time.Now().UnixNano()%1_000_000)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "crash-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b, err := newBroker(dir)
	if err != nil {
		return err
	}
	defer b.kill()
	err = rehearse(b, int(rounds), rand.New(rand.NewPCG(uint64(seed), 0)))
	if err != nil {
		fmt.Printf("seed %d; the broker's last output:\n%s\n", seed, b.tail(4000))
	}
	return err
}

// number reads a whole number from the environment.
func number(name string, otherwise int64) (int64, error) {
	text := os.Getenv(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s is not a count: %q", name, text)
	}
	return n, nil
}

// rehearse is the whole scenario: write, kill and restart, flush, kill and restart, verify.
func rehearse(b *broker, rounds int, random *rand.Rand) error {
	if _, err := b.start(); err != nil {
		return err
	}
	if err := createTopic(b.address); err != nil {
		return fmt.Errorf("create topic: %w", err)
	}
	writers, stop, err := startWriters(b.address)
	if err != nil {
		return err
	}
	defer stop()
	if err := awaitProgress(writers); err != nil {
		return err
	}
	for round := 1; round <= rounds; round++ {
		time.Sleep(500*time.Millisecond + time.Duration(random.Int64N(int64(2*time.Second))))
		b.kill()
		before := acked(writers)
		restarted := time.Now()
		open, err := b.start()
		if err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		if err := awaitProgress(writers); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		fmt.Printf("round %d: killed after %d acknowledgements; all shards answered after %d ms, all producers acknowledged after %d ms\n",
			round, before, open.Milliseconds(), time.Since(restarted).Milliseconds())
	}
	stop()
	var refused error
	for _, w := range writers {
		refused = errors.Join(refused, w.finish())
	}
	// Nothing is in flight: what was acknowledged must survive this one as well.
	b.kill()
	open, err := b.start()
	if err != nil {
		return errors.Join(refused, fmt.Errorf("last restart: %w", err))
	}
	fmt.Printf("last restart: all shards answered after %d ms\n", open.Milliseconds())
	return errors.Join(refused, verify(b.address, writers))
}

// broker is one broker process after another on the same port and data directory.
type broker struct {
	binary, address, data, log string
	command                    *exec.Cmd
}

func newBroker(dir string) (*broker, error) {
	binary := os.Getenv("PELTON")
	if binary == "" {
		return nil, errors.New("PELTON does not name the broker binary")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	return &broker{
		binary: binary, address: listener.Addr().String(),
		data: filepath.Join(dir, "data"), log: filepath.Join(dir, "broker.log"),
	}, nil
}

// start returns how long it took until every shard answered.
func (b *broker) start() (time.Duration, error) {
	log, err := os.OpenFile(b.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	defer log.Close()
	command := exec.Command(b.binary, "--data-dir", b.data, "--listen", b.address, "--shards", "2")
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := time.Now()
	if err := command.Start(); err != nil {
		return 0, err
	}
	b.command = command
	for time.Since(started) < startMax {
		// A killed process's listeners can outlive it for a moment: only answers count.
		if answers(b.address) {
			return time.Since(started), nil
		}
		var status syscall.WaitStatus
		if pid, _ := syscall.Wait4(command.Process.Pid, &status, syscall.WNOHANG, nil); pid == command.Process.Pid {
			b.command = nil
			return 0, fmt.Errorf("the broker ended while starting: exit status %d, signal %d", status.ExitStatus(), status.Signal())
		}
		time.Sleep(5 * time.Millisecond)
	}
	return 0, fmt.Errorf("not all shards answer after %v", startMax)
}

// kill ends the process with SIGKILL and waits until it is gone.
func (b *broker) kill() {
	if b.command == nil {
		return
	}
	_ = b.command.Process.Kill()
	_ = b.command.Wait()
	b.command = nil
}

func (b *broker) tail(bytesMax int) []byte {
	output, _ := os.ReadFile(b.log)
	return output[max(0, len(output)-bytesMax):]
}

func createTopic(address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(address))
	if err != nil {
		return err
	}
	defer client.Close()
	_, err = kadm.NewClient(client).CreateTopic(ctx, partitions, 1, nil, topic)
	return err
}

// writer is one producer and what it knows of its records. Within a partition its records are
// numbered from 0; offsets[partition][number] is the acknowledged offset, or -1.
type writer struct {
	id      int
	client  *kgo.Client
	done    chan struct{}
	count   atomic.Int64
	lock    sync.Mutex
	offsets [partitions][]int64
	failed  int
	first   error
}

// startWriters also returns what stops them writing; it may be called twice.
func startWriters(address string) ([]*writer, func(), error) {
	ctx, stop := context.WithCancel(context.Background())
	codecs := []kgo.CompressionCodec{
		kgo.NoCompression(), kgo.Lz4Compression(), kgo.ZstdCompression(), kgo.SnappyCompression(),
	}
	var writers []*writer
	for id := range producers {
		client, err := kgo.NewClient(
			kgo.SeedBrokers(address),
			kgo.RecordPartitioner(kgo.ManualPartitioner()),
			kgo.ProducerBatchCompression(codecs[id%len(codecs)]),
			kgo.MaxBufferedRecords(2000),
			kgo.UnknownTopicRetries(-1),
			// A broker that is killed between a connection's first request and its answer is no reason to give up.
			kgo.AlwaysRetryEOF(),
			kgo.DialTimeout(time.Second),
			kgo.MetadataMinAge(100*time.Millisecond),
			kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }),
		)
		if err != nil {
			stop()
			return nil, nil, err
		}
		w := &writer{id: id, client: client, done: make(chan struct{})}
		writers = append(writers, w)
		go w.write(ctx)
	}
	return writers, stop, nil
}

// write goes on until ctx ends; a full buffer blocks it while the broker is down.
func (w *writer) write(ctx context.Context) {
	defer close(w.done)
	for n := 0; ctx.Err() == nil; n++ {
		partition := int32(n % partitions)
		number := n / partitions
		w.lock.Lock()
		w.offsets[partition] = append(w.offsets[partition], -1)
		w.lock.Unlock()
		record := &kgo.Record{Topic: topic, Partition: partition, Value: value(w.id, partition, number)}
		// Not ctx: a record once handed over is retried until it is acknowledged.
		w.client.Produce(context.Background(), record, func(r *kgo.Record, err error) {
			w.lock.Lock()
			defer w.lock.Unlock()
			if err != nil {
				w.failed++
				if w.first == nil {
					w.first = err
				}
				return
			}
			w.offsets[partition][number] = r.Offset
			w.count.Add(1)
		})
		if n%burstRecords == 0 {
			time.Sleep(burstPause)
		}
	}
}

// finish waits for every acknowledgement; afterwards nothing of the writer changes any more. A producer
// that may retry for ever has no reason to give
// a record up, so a refused one is a failure.
func (w *writer) finish() error {
	ctx, cancel := context.WithTimeout(context.Background(), flushMax)
	defer cancel()
	select {
	case <-w.done:
	case <-ctx.Done(): // blocked on a full buffer; closing the client below frees it
	}
	flushed := w.client.Flush(ctx)
	// Closing hands back whatever is left as refused.
	w.client.Close()
	<-w.done
	w.lock.Lock()
	defer w.lock.Unlock()
	if flushed != nil {
		return fmt.Errorf("producer %d: flush: %w; %d records refused, the first: %w", w.id, flushed, w.failed, w.first)
	}
	if w.failed > 0 {
		return fmt.Errorf("producer %d: %d records refused, the first: %w", w.id, w.failed, w.first)
	}
	return nil
}

// value names its record and fills up with bytes that follow from the name.
func value(id int, partition int32, number int) []byte {
	v := make([]byte, 16, 16+96)
	binary.BigEndian.PutUint32(v[0:], uint32(id))
	binary.BigEndian.PutUint32(v[4:], uint32(partition))
	binary.BigEndian.PutUint64(v[8:], uint64(number))
	return append(v, bytes.Repeat([]byte{byte(id*31 + number)}, number%97)...)
}

func acked(writers []*writer) (total int64) {
	for _, w := range writers {
		total += w.count.Load()
	}
	return total
}

// awaitProgress returns once every producer had records acknowledged from now on.
func awaitProgress(writers []*writer) error {
	until := time.Now().Add(progressMax)
	for _, w := range writers {
		for before := w.count.Load(); w.count.Load() == before; {
			if time.Now().After(until) {
				w.lock.Lock()
				defer w.lock.Unlock()
				return fmt.Errorf("producer %d: nothing acknowledged within %v (%d refused: %v)", w.id, progressMax, w.failed, w.first)
			}
			time.Sleep(time.Millisecond)
		}
	}
	return nil
}

// answers tells whether every broker that the one at this address names answers a request.
func answers(address string) bool {
	client, err := kgo.NewClient(kgo.SeedBrokers(address), kgo.DialTimeout(time.Second), kgo.RequestRetries(0))
	if err != nil {
		return false
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	metadata, err := kadm.NewClient(client).BrokerMetadata(ctx)
	if err != nil {
		return false
	}
	for _, b := range metadata.Brokers {
		if _, err := client.Broker(int(b.NodeID)).Request(ctx, kmsg.NewPtrApiVersionsRequest()); err != nil {
			return false
		}
	}
	return len(metadata.Brokers) > 0
}

// verify reads every partition from offset 0 to its end and compares with what the writers know.
func verify(address string, writers []*writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), readMax)
	defer cancel()
	from := map[int32]kgo.Offset{}
	for p := range int32(partitions) {
		from[p] = kgo.NewOffset().At(0)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(address),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()))
	if err != nil {
		return err
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err != nil {
		return fmt.Errorf("list end offsets: %w", err)
	}
	var left int64
	ends.Each(func(o kadm.ListedOffset) { left += o.Offset; err = errors.Join(err, o.Err) })
	if err != nil {
		return fmt.Errorf("list end offsets: %w", err)
	}
	a := &audit{writers: writers}
	total := left
	for left > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return errors.Join(fmt.Errorf("%d of %d records not read: %w", left, total, err), a.verdict())
		}
		fetches.EachRecord(func(r *kgo.Record) { a.record(r); left-- })
	}
	fmt.Printf("%d records acknowledged, %d read\n", acked(writers), total)
	return a.verdict()
}

// audit follows each partition as it is read.
type audit struct {
	writers []*writer
	ends    [partitions]int64            // offset expected next
	next    [producers][partitions]int64 // number expected next, of each producer
	seen    int64
	faults  []string
	omitted int
}

func (a *audit) fault(format string, arguments ...any) {
	if len(a.faults) < 20 {
		a.faults = append(a.faults, fmt.Sprintf(format, arguments...))
		return
	}
	a.omitted++
}

func (a *audit) record(r *kgo.Record) {
	p := r.Partition
	if r.Offset != a.ends[p] {
		a.fault("partition %d: offset %d follows %d", p, r.Offset, a.ends[p]-1)
	}
	a.ends[p] = r.Offset + 1
	if len(r.Value) < 16 {
		a.fault("partition %d offset %d: a record nobody sent", p, r.Offset)
		return
	}
	id, number := binary.BigEndian.Uint32(r.Value), binary.BigEndian.Uint64(r.Value[8:])
	if id >= producers || number >= uint64(len(a.writers[id].offsets[p])) || !bytes.Equal(r.Value, value(int(id), p, int(number))) {
		a.fault("partition %d offset %d: a record nobody sent", p, r.Offset)
		return
	}
	expected, got := a.next[id][p], int64(number)
	switch {
	case got < expected:
		a.fault("partition %d offset %d: producer %d's record %d again or out of order", p, r.Offset, id, got)
		return
	case got > expected:
		a.missing(int(id), int(p), expected, got)
	}
	a.next[id][p] = got + 1
	offset := a.writers[id].offsets[p][number]
	if offset < 0 {
		return
	}
	a.seen++
	if offset != r.Offset {
		a.fault("partition %d offset %d: producer %d's record %d was acknowledged at offset %d", p, r.Offset, id, got, offset)
	}
}

// missing reports which of a producer's records from..to were acknowledged all the same.
func (a *audit) missing(id, p int, from, to int64) {
	lost, first := 0, int64(-1)
	for number := from; number < to; number++ {
		if a.writers[id].offsets[p][number] >= 0 {
			if lost++; lost == 1 {
				first = number
			}
		}
	}
	if lost > 0 {
		a.fault("partition %d: %d acknowledged records of producer %d are missing, the first is %d of offset %d",
			p, lost, id, first, a.writers[id].offsets[p][first])
	}
}

// verdict adds what is missing at the ends of the partitions.
func (a *audit) verdict() error {
	for id, w := range a.writers {
		for p := range partitions {
			a.missing(id, p, a.next[id][p], int64(len(w.offsets[p])))
		}
	}
	if total := acked(a.writers); a.seen != total {
		a.fault("%d records acknowledged, %d found", total, a.seen)
	}
	var err error
	for _, fault := range a.faults {
		err = errors.Join(err, errors.New(fault))
	}
	if a.omitted > 0 {
		err = errors.Join(err, fmt.Errorf("and %d more", a.omitted))
	}
	return err
}
