// Groups is a load of consumer groups: GROUP_COUNT (default 1000) groups of MEMBERS (3) members each, every
// member with a connection of its own, by the classic protocol. They join at once; then each member
// sends a heartbeat every HEARTBEAT_MS (3000) and stores an offset every COMMIT_MS (1000, 0 for never)
// for RUN_SECONDS (30). With REBALANCE_MS the members of the first REBALANCE_GROUPS (1) groups leave and
// join again in turn, so often. It prints how long the joins took, and quantiles of every request's
// time. At the end all leave.
//
// It is run by hand against the broker at BROKER (127.0.0.1:9092), whose topic TOPIC (groups) must be
// there or be made by itself; with BROKER_PID it also prints the CPU time that this process took for
// the joins and afterwards. Any error that is no part of a rebalance is told, and the exit code is 1.
package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	answerMax = 120 * time.Second
	// The session timeout of Kafka's clients, unless set.
	sessionMS   = 45_000
	rebalanceMS = 60_000
)

func main() {
	if err := run(); err != nil {
		fmt.Println("FAILED groups:", err)
		os.Exit(1)
	}
	fmt.Println("ok groups")
}

// load is what all members share.
type load struct {
	broker, topic            string
	groups, members          int
	heartbeat, commit, leave time.Duration
	leaving                  int

	settled sync.WaitGroup
	end     chan struct{}
	failed  atomic.Int64
	rejoins atomic.Int64
	mutex   sync.Mutex
	times   map[string][]time.Duration
}

func run() error {
	l := &load{
		broker: text("BROKER", "127.0.0.1:9092"), topic: text("TOPIC", "groups"),
		groups: count("GROUP_COUNT", 1000), members: count("MEMBERS", 3), leaving: count("REBALANCE_GROUPS", 1),
		heartbeat: ms("HEARTBEAT_MS", 3000), commit: ms("COMMIT_MS", 1000), leave: ms("REBALANCE_MS", 0),
		end: make(chan struct{}), times: map[string][]time.Duration{},
	}
	if err := l.prepare(); err != nil {
		return err
	}
	cpu, begun := cpuOf(os.Getenv("BROKER_PID")), time.Now()
	var all sync.WaitGroup
	for g := range l.groups {
		for m := range l.members {
			l.settled.Add(1)
			all.Go(func() { l.member(g, m) })
		}
	}
	l.settled.Wait()
	joined := time.Since(begun)
	joinCPU := cpuOf(os.Getenv("BROKER_PID")) - cpu
	fmt.Printf("%d groups of %d members: all settled after %.2f s, %d joins repeated, broker CPU %.2f s\n",
		l.groups, l.members, joined.Seconds(), l.rejoins.Load(), joinCPU.Seconds())
	l.tell()
	rest := time.Duration(count("RUN_SECONDS", 30)) * time.Second
	cpu, begun = cpuOf(os.Getenv("BROKER_PID")), time.Now()
	time.Sleep(rest)
	took := time.Since(begun)
	share := 100 * (cpuOf(os.Getenv("BROKER_PID")) - cpu).Seconds() / took.Seconds()
	fmt.Printf("%.0f s of heartbeats and commits, %d joins repeated, broker CPU %.1f %% of a core\n",
		took.Seconds(), l.rejoins.Load(), share)
	close(l.end)
	all.Wait()
	l.tell()
	if n := l.failed.Load(); n > 0 {
		return fmt.Errorf("%d members failed", n)
	}
	return nil
}

// prepare makes the topic, and the one of the coordinators, if the broker makes topics by itself.
func (l *load) prepare() error {
	c, err := dial(l.broker)
	if err != nil {
		return err
	}
	defer c.close()
	request := kmsg.NewPtrMetadataRequest()
	topic := kmsg.NewMetadataRequestTopic()
	topic.Topic = kmsg.StringPtr(l.topic)
	request.Topics, request.AllowAutoTopicCreation = append(request.Topics, topic), true
	for range 50 {
		answer, err := ask[*kmsg.MetadataResponse](c, request, 9)
		if err != nil {
			return err
		}
		if answer.Topics[0].ErrorCode == 0 && len(answer.Topics[0].Partitions) >= l.members {
			_, err = l.coordinator("group-0")
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("topic %s has not %d partitions", l.topic, l.members)
}

func (l *load) coordinator(group string) (string, error) {
	c, err := dial(l.broker)
	if err != nil {
		return "", err
	}
	defer c.close()
	request := kmsg.NewPtrFindCoordinatorRequest()
	request.CoordinatorKey = group
	for range 100 {
		answer, err := ask[*kmsg.FindCoordinatorResponse](c, request, 3)
		if err != nil {
			return "", err
		}
		if answer.ErrorCode == 0 {
			return net.JoinHostPort(answer.Host, strconv.Itoa(int(answer.Port))), nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return "", errors.New("no coordinator")
}

func (l *load) note(kind string, begun time.Time) {
	took := time.Since(begun)
	l.mutex.Lock()
	l.times[kind] = append(l.times[kind], took)
	l.mutex.Unlock()
}

func (l *load) tell() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, kind := range []string{"join", "sync", "heartbeat", "commit", "leave"} {
		times := l.times[kind]
		if len(times) == 0 {
			continue
		}
		slices.Sort(times)
		at := func(share float64) float64 {
			return float64(times[int(share*float64(len(times)-1))].Microseconds()) / 1000
		}
		fmt.Printf("  %-9s %7d  ms: p50 %.2f  p99 %.2f  p99.9 %.2f  max %.2f\n", kind, len(times), at(0.5), at(0.99), at(0.999), at(1))
	}
	l.times = map[string][]time.Duration{}
}

// member is one member of a group.
type member struct {
	*load
	connection *connection
	group      string
	number     int
	id         string
	generation int32
}

func (l *load) member(group, number int) {
	m := &member{load: l, group: fmt.Sprintf("group-%d", group), number: number}
	settled := sync.OnceFunc(l.settled.Done)
	defer settled()
	if err := m.live(group < l.leaving && l.leave > 0, settled); err != nil {
		if l.failed.Add(1) <= 5 {
			fmt.Printf("%s member %d: %v\n", m.group, number, err)
		}
	}
}

func (m *member) live(leaves bool, settled func()) error {
	coordinator, err := m.coordinator(m.group)
	if err != nil {
		return err
	}
	if m.connection, err = dial(coordinator); err != nil {
		return err
	}
	defer m.connection.close()
	if err := m.join(); err != nil {
		return err
	}
	settled()
	heartbeat := m.ticker(m.heartbeat)
	commit := m.ticker(m.commit)
	// The members of a group go one after the other; if the next goes too soon nobody is left, and the group waits as an empty one does.
	leave := never()
	if leaves {
		leave = time.After(m.leave * time.Duration(1+m.number))
	}
	for {
		select {
		case <-m.end:
			return m.goAway()
		case <-heartbeat:
			err = m.beat()
		case <-commit:
			err = m.store()
		case <-leave:
			err = m.goAndComeBack()
			leave = time.After(m.leave * time.Duration(m.members))
		}
		if err != nil {
			return err
		}
	}
}

func never() <-chan time.Time { return nil }

// ticker ticks from some moment within its first period on, until the end.
func (m *member) ticker(period time.Duration) <-chan time.Time {
	if period == 0 {
		return never()
	}
	ticks := make(chan time.Time)
	go func() {
		time.Sleep(rand.N(period))
		t := time.NewTicker(period)
		defer t.Stop()
		for {
			select {
			case <-m.end:
				return
			case now := <-t.C:
				select {
				case ticks <- now:
				case <-m.end:
					return
				}
			}
		}
	}()
	return ticks
}

// join joins until the member has its part.
func (m *member) join() error {
	for first := true; ; first = false {
		if !first {
			m.rejoins.Add(1)
		}
		again, err := m.joinOnce()
		if err != nil || !again {
			return err
		}
	}
}

func (m *member) joinOnce() (again bool, err error) {
	request := kmsg.NewPtrJoinGroupRequest()
	request.Group, request.MemberID, request.ProtocolType = m.group, m.id, "consumer"
	request.SessionTimeoutMillis, request.RebalanceTimeoutMillis = sessionMS, rebalanceMS
	metadata := kmsg.NewConsumerMemberMetadata()
	metadata.Topics = []string{m.topic}
	protocol := kmsg.NewJoinGroupRequestProtocol()
	protocol.Name, protocol.Metadata = "range", metadata.AppendTo(nil)
	request.Protocols = append(request.Protocols, protocol)
	begun := time.Now()
	joined, err := ask[*kmsg.JoinGroupResponse](m.connection, request, 5)
	if err != nil {
		return false, err
	}
	switch code := kerr.ErrorForCode(joined.ErrorCode); code {
	case nil:
	case kerr.MemberIDRequired:
		m.id = joined.MemberID
		return m.joinOnce()
	default:
		return m.joinsAgain(code)
	}
	m.note("join", begun)
	m.id, m.generation = joined.MemberID, joined.Generation
	sync := kmsg.NewPtrSyncGroupRequest()
	sync.Group, sync.Generation, sync.MemberID = m.group, m.generation, m.id
	for n, other := range joined.Members {
		assignment := kmsg.NewConsumerMemberAssignment()
		part := kmsg.NewConsumerMemberAssignmentTopic()
		part.Topic, part.Partitions = m.topic, []int32{int32(n % m.members)}
		assignment.Topics = append(assignment.Topics, part)
		one := kmsg.NewSyncGroupRequestGroupAssignment()
		one.MemberID, one.MemberAssignment = other.MemberID, assignment.AppendTo(nil)
		sync.GroupAssignment = append(sync.GroupAssignment, one)
	}
	begun = time.Now()
	synced, err := ask[*kmsg.SyncGroupResponse](m.connection, sync, 3)
	if err != nil {
		return false, err
	}
	if code := kerr.ErrorForCode(synced.ErrorCode); code != nil {
		return m.joinsAgain(code)
	}
	m.note("sync", begun)
	return false, nil
}

// joinsAgain says whether an error is part of a rebalance: then the member joins again.
func (m *member) joinsAgain(code error) (bool, error) {
	switch code {
	case kerr.UnknownMemberID:
		m.id = ""
	case kerr.RebalanceInProgress, kerr.IllegalGeneration:
	default:
		return false, code
	}
	return true, nil
}

func (m *member) beat() error {
	request := kmsg.NewPtrHeartbeatRequest()
	request.Group, request.Generation, request.MemberID = m.group, m.generation, m.id
	begun := time.Now()
	answer, err := ask[*kmsg.HeartbeatResponse](m.connection, request, 3)
	if err != nil {
		return err
	}
	m.note("heartbeat", begun)
	return m.joinAfter(kerr.ErrorForCode(answer.ErrorCode))
}

func (m *member) store() error {
	request := kmsg.NewPtrOffsetCommitRequest()
	request.Group, request.Generation, request.MemberID = m.group, m.generation, m.id
	topic := kmsg.NewOffsetCommitRequestTopic()
	partition := kmsg.NewOffsetCommitRequestTopicPartition()
	partition.Partition, partition.Offset = int32(m.number), time.Now().UnixMilli()
	topic.Topic, topic.Partitions = m.topic, append(topic.Partitions, partition)
	request.Topics = append(request.Topics, topic)
	begun := time.Now()
	answer, err := ask[*kmsg.OffsetCommitResponse](m.connection, request, 7)
	if err != nil {
		return err
	}
	m.note("commit", begun)
	return m.joinAfter(kerr.ErrorForCode(answer.Topics[0].Partitions[0].ErrorCode))
}

// joinAfter joins again where the answer says that the group rebalances.
func (m *member) joinAfter(code error) error {
	if code == nil {
		return nil
	}
	if _, err := m.joinsAgain(code); err != nil {
		return err
	}
	m.rejoins.Add(1)
	return m.join()
}

func (m *member) goAndComeBack() error {
	if err := m.goAway(); err != nil {
		return err
	}
	m.id = ""
	return m.join()
}

func (m *member) goAway() error {
	request := kmsg.NewPtrLeaveGroupRequest()
	request.Group = m.group
	one := kmsg.NewLeaveGroupRequestMember()
	one.MemberID = m.id
	request.Members = append(request.Members, one)
	begun := time.Now()
	answer, err := ask[*kmsg.LeaveGroupResponse](m.connection, request, 3)
	if err != nil {
		return err
	}
	m.note("leave", begun)
	return kerr.ErrorForCode(answer.ErrorCode)
}

// connection asks one request at a time.
type connection struct {
	socket    net.Conn
	formatter *kmsg.RequestFormatter
	out       []byte
	number    int32
}

func dial(address string) (*connection, error) {
	socket, err := net.DialTimeout("tcp", address, answerMax)
	if err != nil {
		return nil, err
	}
	return &connection{socket: socket, formatter: kmsg.NewRequestFormatter(kmsg.FormatterClientID("groups"))}, nil
}

func (c *connection) close() { c.socket.Close() }

// ask sends a request of this version and waits for its answer.
func ask[A kmsg.Response](c *connection, request kmsg.Request, version int16) (A, error) {
	var none A
	request.SetVersion(version)
	c.number++
	c.out = c.formatter.AppendRequest(c.out[:0], request, c.number)
	c.socket.SetDeadline(time.Now().Add(answerMax))
	if _, err := c.socket.Write(c.out); err != nil {
		return none, err
	}
	var head [4]byte
	if _, err := io.ReadFull(c.socket, head[:]); err != nil {
		return none, err
	}
	body := make([]byte, binary.BigEndian.Uint32(head[:]))
	if _, err := io.ReadFull(c.socket, body); err != nil {
		return none, err
	}
	answer := request.ResponseKind()
	answer.SetVersion(version)
	skip := 4
	if answer.IsFlexible() {
		skip++
	}
	if len(body) < skip {
		return none, errors.New("an answer without a header")
	}
	return answer.(A), answer.ReadFrom(body[skip:])
}

// cpuOf is the CPU time of a process so far.
func cpuOf(pid string) time.Duration {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * (time.Second / 100)
}

func text(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func count(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n >= 0 {
		return n
	}
	return otherwise
}

func ms(name string, otherwise int) time.Duration {
	return time.Duration(count(name, otherwise)) * time.Millisecond
}
