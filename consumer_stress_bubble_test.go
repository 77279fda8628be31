package kin_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/lease/leasetest"
)

// TestConsumersInTrouble does to a few workers, in the order that a seed says, whatever can be
// done to them from outside: with lanes, several streams that come and go, manual
// acknowledgements, handlers that panic. What internal/sim does to Consumers has none of these,
// and judges more.
func TestConsumersInTrouble(t *testing.T) {
	t.Parallel()
	seeds := 12
	if testing.Short() {
		seeds = 4
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("handle every record, and those of a key in order: seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStress(t, uint64(seed))
				for range 25 {
					s.put(s.intn(20))
					s.strike()
					time.Sleep(s.upTo(9 * time.Second))
				}
				s.settle()
				s.end()
			})
		})
	}
}

// stress is a group in trouble.
type stress struct {
	t       *testing.T
	group   *group
	manual  bool
	lanes   int
	workers []*worker // that run
	stopped []*worker // that were asked to stop
	calm    atomic.Bool
	late    sync.WaitGroup // work that goes on after Handle has returned

	mu   sync.Mutex // guards all below
	rand *rand.Rand
	puts map[string]int // records of each stream and key
	done map[string]int // how many of them are done without a gap
	some map[string]bool
}

func newStress(t *testing.T, seed uint64) *stress {
	s := &stress{
		t: t, rand: rand.New(rand.NewPCG(seed, 7)),
		puts: map[string]int{}, done: map[string]int{}, some: map[string]bool{},
	}
	s.manual, s.lanes = seed%2 == 1, 1+2*int(seed/2%2)
	s.group = newGroup(t, 2+s.intn(2))
	if err := s.group.server.CreateStream("second", 1); err != nil {
		t.Fatal(err)
	}
	s.start()
	s.start()
	return s
}

func (s *stress) intn(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rand.IntN(n)
}

func (s *stress) upTo(d time.Duration) time.Duration {
	return time.Duration(s.intn(int(d/time.Millisecond))) * time.Millisecond
}

// one picks a worker.
func (s *stress) one() *worker { return s.workers[s.intn(len(s.workers))] }

func (s *stress) start() {
	s.workers = append(s.workers, s.group.start(s, func(cfg *kin.ConsumerConfig) {
		cfg.Stream, cfg.Streams = "", []string{"orders", "second"}
		cfg.ManualAcks, cfg.Parallel = s.manual, s.lanes
		cfg.MaxBatchRecords, cfg.MaxUnackedRecords = 1+s.intn(5), 20
		cfg.CheckpointEvery, cfg.StartTimeout = time.Second, -1
		cfg.ShutdownTimeout = time.Second + s.upTo(10*time.Second)
	}))
}

// put puts records, each with what it is as its data.
func (s *stress) put(n int) {
	s.t.Helper()
	for range n {
		stream := []string{"orders", "orders", "orders", "second"}[s.intn(4)]
		key := fmt.Sprint("key ", s.intn(7))
		of := stream + "/" + key
		s.mu.Lock()
		data := fmt.Sprint(of, "/", s.puts[of])
		s.puts[of]++
		s.mu.Unlock()
		if _, err := s.group.server.Put(stream, key, []byte(data)); err != nil {
			s.t.Fatal(err)
		}
	}
}

// strike does one thing to the group.
func (s *stress) strike() {
	w := s.one()
	switch s.intn(9) {
	case 0:
		if len(s.workers) < 4 {
			s.start()
		}
	case 1:
		if len(s.workers) > 1 {
			s.remove(s.intn(len(s.workers)))
		}
	case 2, 3:
		w.store.SetOutage(s.outage())
	case 4:
		for _, w := range s.workers {
			w.store.SetOutage(leasetest.Up)
		}
	case 5:
		rates := leasetest.Rates{Lost: 0.1, Dropped: 0.1, Throttled: 0.1, Late: 0.1, MaxDelay: 3 * time.Second}
		w.store.Decide(leasetest.Random(uint64(s.intn(1<<30)), rates))
	case 6:
		s.setStreams(w, "second")
		time.Sleep(time.Duration(s.intn(2)) * s.upTo(3*time.Second))
		s.setStreams(w, "orders", "second")
	case 7: // as an operator does by force
		if id := w.WorkerID(); id != "" {
			if _, err := s.group.store.Forget(s.t.Context(), "billing", id, -1); err != nil {
				s.t.Error(err)
			}
		}
	case 8:
		s.split()
	}
}

func (s *stress) outage() leasetest.Outage {
	return []leasetest.Outage{leasetest.Refusing, leasetest.Hanging}[s.intn(2)]
}

func (s *stress) setStreams(w *worker, names ...string) {
	if err := w.SetStreams(names...); err != nil {
		s.t.Error(err)
	}
}

// remove stops a worker, whose store may be away.
func (s *stress) remove(i int) {
	w := s.workers[i]
	s.workers = append(s.workers[:i:i], s.workers[i+1:]...)
	s.stopped = append(s.stopped, w)
	if s.intn(2) == 0 {
		w.store.SetOutage(s.outage())
	}
	w.stop()
}

func (s *stress) split() {
	var open []string
	for _, sh := range s.group.server.Shards("orders") {
		if sh.Open {
			open = append(open, sh.ID)
		}
	}
	if len(open) >= 6 {
		return
	}
	if _, err := s.group.server.SplitShard("orders", open[s.intn(len(open))]); err != nil {
		s.t.Error(err)
	}
}

// Handle implements kin.Handler.
func (s *stress) Handle(ctx context.Context, b *kin.Batch) error {
	if !s.calm.Load() {
		switch fate := s.intn(40); {
		case fate == 0:
			panic("the handler panics")
		case fate < 3:
			return errHandler
		}
	}
	for i := range b.Records {
		if s.manual {
			s.late.Go(func() { s.work(ctx, b, i, 2*time.Second) })
		} else if !s.work(ctx, b, i, 100*time.Millisecond) {
			return context.Cause(ctx)
		}
	}
	return nil
}

// work does what is to be done with a record, unless the context ends before.
func (s *stress) work(ctx context.Context, b *kin.Batch, i int, atMost time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(s.upTo(atMost)):
	}
	s.note(string(b.Records[i].Data))
	b.Ack(i)
	return true
}

// note notes that a record is done.
func (s *stress) note(data string) {
	at := strings.LastIndexByte(data, '/')
	of := data[:at]
	n, err := strconv.Atoi(data[at+1:])
	if err != nil {
		s.t.Error(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.some[data] = true
	if n > s.done[of] && !s.manual {
		s.t.Errorf("%s is done, of which only %d before it are", data, s.done[of])
	}
	for s.some[fmt.Sprint(of, "/", s.done[of])] {
		s.done[of]++
	}
}

// settle ends all trouble, and waits until every record is done.
func (s *stress) settle() {
	s.calm.Store(true)
	for _, w := range s.workers {
		w.store.SetOutage(leasetest.Up)
		w.store.Decide(nil)
		s.setStreams(w, "orders", "second")
	}
	s.put(10)
	time.Sleep(3 * time.Minute)
	s.mu.Lock()
	defer s.mu.Unlock()
	for of, n := range s.puts {
		if s.done[of] != n {
			s.t.Errorf("%s: %d of %d records are done", of, s.done[of], n)
		}
	}
}

// end stops everybody, and fails the test if that is not in order.
func (s *stress) end() {
	for _, w := range s.workers {
		w.stop()
	}
	for _, w := range s.workers {
		if err := w.wait(); err != nil {
			s.t.Errorf("Run: %v", err)
		}
	}
	for _, w := range s.stopped {
		_ = w.wait() // an error, if its store was away
	}
	s.late.Wait()
	snapshot, err := s.group.store.Load(s.t.Context(), "billing")
	if err != nil {
		s.t.Fatal(err)
	}
	for _, l := range snapshot.Leases {
		if l.Owner != "" {
			s.t.Errorf("%s has left, and owns %s", l.Owner, l.Shard)
		}
	}
}
