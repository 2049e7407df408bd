// Crash kills the broker under load and looks for what it lost. It starts the binary at PELTON on
// loopback with a data directory of its own, has 8 idempotent producers write to 64 partitions
// without a pause through ROUNDS (default 5) rounds of SIGKILL and restart, kills it once more after
// the last acknowledgement, then reads every partition directly: each acknowledged record must be
// there exactly once, at its acknowledged offset, in order per producer, and nothing else than what
// was sent. SEED repeats the times between the kills. It prints how long each recovery took.
//
// For long runs: VERIFY_EVERY rounds (default: all) it does so, deletes the topic and goes on with
// another. PAUSE_MS bounds the time between kills (default 2500), a third of the starts are killed
// once more while they recover, OPTIONS are given to the broker as well. With POWER, the fault_disk
// program (broker/examples), each round pulls the plug of a disk of DISK_MIB instead: what was not
// flushed is lost or torn. With COMPACT=KEYS the topic is compacted, each producer writes so many keys
// to each partition and deletes some of them again, and what is left must be the newest of each.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	partitions   = 64
	producers    = 8
	burstRecords = 8
	burstPause   = time.Millisecond
	startMax     = 60 * time.Second
	progressMax  = 180 * time.Second
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
	plan, err := readPlan()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "crash-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	power, err := newPower()
	if err != nil {
		return err
	}
	defer power.close()
	b, err := newBroker(dir, power)
	if err != nil {
		return err
	}
	defer b.kill()
	if err = rehearse(b, plan); err != nil {
		fmt.Printf("seed %d; the broker's last output:\n%s\n", plan.seed, b.tail(4000))
	}
	return err
}

// plan is what a run does.
type plan struct {
	rounds, verifyEvery int
	// Keys of a producer in a partition of a compacted topic; 0 for a topic that keeps all records.
	keys   int
	pause  time.Duration
	seed   int64
	random *rand.Rand
}

func readPlan() (*plan, error) {
	rounds, err := number("ROUNDS", 5)
	if err != nil {
		return nil, err
	}
	every, err := number("VERIFY_EVERY", rounds)
	if err != nil {
		return nil, err
	}
	pause, err := number("PAUSE_MS", 2500)
	if err != nil {
		return nil, err
	}
	keys, err := number("COMPACT", 0)
	if err != nil {
		return nil, err
	}
	seed, err := number("SEED", time.Now().UnixNano()%1_000_000)
	if err != nil {
		return nil, err
	}
	return &plan{
		keys: int(keys), rounds: int(rounds), verifyEvery: max(1, int(every)), pause: time.Duration(pause) * time.Millisecond,
		seed: seed, random: rand.New(rand.NewPCG(uint64(seed), 0)),
	}, nil
}

// below is a random time below most.
func (p *plan) below(most time.Duration) time.Duration {
	return time.Duration(p.random.Int64N(int64(most) + 1))
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

// rehearse is the whole scenario: write, kill and restart, flush, kill and restart, verify; again with
// another topic until all rounds are done.
func rehearse(b *broker, p *plan) error {
	if _, err := b.start(); err != nil {
		return err
	}
	for done := 0; ; {
		rounds := min(p.verifyEvery, p.rounds-done)
		if err := stretch(b, p, fmt.Sprintf("crash-%d", done), done, rounds); err != nil {
			return err
		}
		if done += rounds; done >= p.rounds {
			return nil
		}
	}
}

// stretch is some rounds on one topic, which is verified at the end and deleted.
func stretch(b *broker, p *plan, topic string, done, rounds int) error {
	if err := createTopic(b.address, topic, p.keys); err != nil {
		return fmt.Errorf("create topic: %w", err)
	}
	writers, stop, err := startWriters(b.address, topic, p.keys)
	if err != nil {
		return err
	}
	defer stop()
	if err := awaitProgress(writers); err != nil {
		return err
	}
	for round := done + 1; round <= done+rounds; round++ {
		time.Sleep(p.pause/5 + p.below(p.pause*4/5))
		lost, err := b.crash(p)
		if err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		before := acked(writers)
		restarted := time.Now()
		open, again, err := b.startAgain(p)
		if err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		if err := awaitProgress(writers); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		fmt.Printf("round %d: killed after %d acknowledgements%s%s; all shards answered after %d ms, all producers acknowledged after %d ms\n",
			round, before, lost, again, open.Milliseconds(), time.Since(restarted).Milliseconds())
	}
	stop()
	var refused error
	for _, w := range writers {
		refused = errors.Join(refused, w.finish())
	}
	// Nothing is in flight: what was acknowledged must survive this one as well.
	if _, err := b.crash(p); err != nil {
		return errors.Join(refused, err)
	}
	open, err := b.start()
	if err != nil {
		return errors.Join(refused, fmt.Errorf("last restart: %w", err))
	}
	fmt.Printf("last restart: all shards answered after %d ms\n", open.Milliseconds())
	if err := errors.Join(refused, verify(b.address, topic, writers, p.keys)); err != nil {
		return err
	}
	return deleteTopic(b.address, topic)
}

// power is the disk below the broker's data, if it is one whose plug can be pulled.
type power struct {
	command *exec.Cmd
	orders  io.WriteCloser
	answers *bufio.Reader
	root    string
}

// newPower gives nil where POWER names no program.
func newPower() (*power, error) {
	program := os.Getenv("POWER")
	if program == "" {
		return nil, nil
	}
	mebibytes, err := number("DISK_MIB", 2048)
	if err != nil {
		return nil, err
	}
	command := exec.Command(program, strconv.FormatInt(mebibytes, 10))
	command.Stderr = os.Stderr
	orders, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	p := &power{command: command, orders: orders, answers: bufio.NewReader(output)}
	p.root, err = p.answer()
	return p, err
}

func (p *power) answer() (string, error) {
	line, err := p.answers.ReadString('\n')
	line = strings.TrimSpace(line)
	if err == nil && strings.HasPrefix(line, "failed") {
		err = errors.New("the disk: " + line)
	}
	return line, err
}

func (p *power) order(format string, arguments ...any) (string, error) {
	if _, err := fmt.Fprintf(p.orders, format+"\n", arguments...); err != nil {
		return "", err
	}
	return p.answer()
}

func (p *power) close() {
	if p == nil {
		return
	}
	_ = p.orders.Close()
	_ = p.command.Wait()
}

// broker is one broker process after another on the same port and data directory.
type broker struct {
	binary, address, data, log string
	options                    []string
	power                      *power
	command                    *exec.Cmd
}

func newBroker(dir string, power *power) (*broker, error) {
	binary := os.Getenv("PELTON")
	if binary == "" {
		return nil, errors.New("PELTON does not name the broker binary")
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	place := dir
	if power != nil {
		place = power.root
	}
	return &broker{
		binary: binary, address: address, power: power,
		data: filepath.Join(place, "data"), log: filepath.Join(dir, "broker.log"),
		options: strings.Fields(os.Getenv("OPTIONS")),
	}, nil
}

// freeAddress finds a port that is free, with those after it, below the ports that the system gives to
// outgoing connections, where between two starts of the broker one could take it, and below those that other checks use.
func freeAddress() (string, error) {
	const first, last, shards = 20000, 29000, 8
	for range 100 {
		port := first + rand.IntN(last-first)
		free := true
		for after := range 1 + shards {
			listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port+after))
			if err != nil {
				free = false
				break
			}
			_ = listener.Close()
		}
		if free {
			return fmt.Sprintf("127.0.0.1:%d", port), nil
		}
	}
	return "", errors.New("no free ports from 20000 to 29000")
}

// crash ends the process at once, or the power of its disk and then the process; it says what the disk lost.
func (b *broker) crash(p *plan) (string, error) {
	if b.power == nil {
		b.kill()
		return "", nil
	}
	if _, err := b.power.order("off %d", p.random.IntN(200)); err != nil {
		return "", err
	}
	b.kill()
	lost, err := b.power.order("on %d", p.random.Uint32())
	return " (disk: " + lost + ")", err
}

// startAgain starts it; one time in three it is ended once before, while it recovers.
func (b *broker) startAgain(p *plan) (time.Duration, string, error) {
	if p.random.IntN(3) > 0 {
		open, err := b.start()
		return open, "", err
	}
	if err := b.launch(); err != nil {
		return 0, "", err
	}
	early := p.below(300 * time.Millisecond)
	time.Sleep(early)
	if _, err := b.crash(p); err != nil {
		return 0, "", err
	}
	open, err := b.start()
	return open, fmt.Sprintf(", again after %d ms of recovery", early.Milliseconds()), err
}

// launch starts it and waits for nothing.
func (b *broker) launch() error {
	log, err := os.OpenFile(b.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	arguments := append([]string{"--data-dir", b.data, "--listen", b.address, "--shards", "2"}, b.options...)
	command := exec.Command(b.binary, arguments...)
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		return err
	}
	b.command = command
	return nil
}

// start returns how long it took until every shard answered.
func (b *broker) start() (time.Duration, error) {
	started := time.Now()
	if err := b.launch(); err != nil {
		return 0, err
	}
	command := b.command
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

func createTopic(address, topic string, keys int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(address))
	if err != nil {
		return err
	}
	defer client.Close()
	var configs map[string]*string
	if keys > 0 {
		configs = compactedConfigs()
	}
	_, err = kadm.NewClient(client).CreateTopic(ctx, partitions, 1, configs, topic)
	return err
}

func deleteTopic(address, topic string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(address))
	if err != nil {
		return err
	}
	defer client.Close()
	_, err = kadm.NewClient(client).DeleteTopic(ctx, topic)
	return err
}

// writer is one producer and what it knows of its records. Within a partition its records are
// numbered from 0; offsets[partition][number] is the acknowledged offset, or -1.
type writer struct {
	id      int
	topic   string
	keys    int
	client  *kgo.Client
	done    chan struct{}
	count   atomic.Int64
	lock    sync.Mutex
	offsets [partitions][]int64
	failed  int
	first   error
}

// startWriters also returns what stops them writing; it may be called twice.
func startWriters(address, topic string, keys int) ([]*writer, func(), error) {
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
		w := &writer{id: id, topic: topic, keys: keys, client: client, done: make(chan struct{})}
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
		record := &kgo.Record{Topic: w.topic, Partition: partition, Key: key(w.id, number, w.keys), Value: sent(w.id, partition, number, w.keys)}
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
func verify(address, topic string, writers []*writer, keys int) error {
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
	var total, read int64
	left := map[int32]int64{} // the last offset of each partition that is not read to its end
	ends.Each(func(o kadm.ListedOffset) {
		total += o.Offset
		err = errors.Join(err, o.Err)
		if o.Offset > 0 {
			left[o.Partition] = o.Offset - 1
		}
	})
	if err != nil {
		return fmt.Errorf("list end offsets: %w", err)
	}
	var a auditor = &audit{writers: writers}
	if keys > 0 {
		a = newCompacted(writers, keys)
	}
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return errors.Join(fmt.Errorf("%d partitions not read to their ends, %d offsets in all: %w", len(left), total, err), a.verdict())
		}
		fetches.EachRecord(func(r *kgo.Record) {
			a.record(r)
			read++
			if last, open := left[r.Partition]; open && r.Offset >= last {
				delete(left, r.Partition)
			}
		})
	}
	fmt.Printf("%d records acknowledged, %d read\n", acked(writers), read)
	return a.verdict()
}

// auditor holds what is read against what was acknowledged.
type auditor interface {
	record(*kgo.Record)
	verdict() error
}

// faults are those that were found; of many only the first are kept.
type faults struct {
	list    []string
	omitted int
}

func (f *faults) fault(format string, arguments ...any) {
	if len(f.list) < 20 {
		f.list = append(f.list, fmt.Sprintf(format, arguments...))
		return
	}
	f.omitted++
}

func (f *faults) err() error {
	var err error
	for _, fault := range f.list {
		err = errors.Join(err, errors.New(fault))
	}
	if f.omitted > 0 {
		err = errors.Join(err, fmt.Errorf("and %d more", f.omitted))
	}
	return err
}

// audit follows each partition as it is read.
type audit struct {
	writers []*writer
	ends    [partitions]int64            // offset expected next
	next    [producers][partitions]int64 // number expected next, of each producer
	seen    int64
	faults
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
	return a.err()
}
