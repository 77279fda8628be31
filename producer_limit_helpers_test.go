package kin_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/aggregate"
	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/kintest"
)

// atLimits is a service with the limits of shards that takes longer than no time at all to answer, and
// forgets what nobody looked at for a few seconds.
func atLimits(tb testing.TB, shards int) *kintest.Server {
	tb.Helper()
	s := serve(tb, shards, func(c *kintest.Config) {
		c.Limits = kintest.Limits{WriteBytesPerSecond: 1 << 20, WriteRecordsPerSecond: 1000}
		c.MaxBytes = int64(4 * shards << 20)
	})
	tb.Cleanup(s.Inject(kintest.Fault{Operation: "PutRecords", Delay: 20 * time.Millisecond}))
	return s
}

// refuseSome has the service throttle a share of the records at random, and as large a share of the calls.
func refuseSome(s *kintest.Server, of float64) (stop func()) {
	records := s.Inject(kintest.Fault{Operation: "PutRecords", Records: func(int) string {
		if rand.Float64() < of {
			return throttledCode
		}
		return ""
	}})
	calls := s.Inject(kintest.Fault{Operation: "PutRecords", Error: throttledCode, Probability: of, Seed: rand.Uint64()})
	return func() { records(); calls() }
}

// keysOfShards returns a number of partition keys for each open shard.
func keysOfShards(tb testing.TB, s *kintest.Server, each int) (keys [][]string) {
	tb.Helper()
	for _, shard := range s.Shards("orders") {
		if !shard.Open {
			continue
		}
		r := hashkey.Range{Start: parseHash(tb, shard.StartingHashKey), End: parseHash(tb, shard.EndingHashKey)}
		var found []string
		for i := 0; len(found) < each; i++ {
			if key := fmt.Sprint("key-", i); r.Contains(hashkey.Of(key)) {
				found = append(found, key)
			}
		}
		keys = append(keys, found)
	}
	return keys
}

func parseHash(tb testing.TB, s string) hashkey.Key {
	tb.Helper()
	k, err := hashkey.Parse(s)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// bitmap remembers numbers in little memory.
type bitmap []uint64

// set adds a number, and says whether it was there.
func (b *bitmap) set(i int) (was bool) {
	for i/64 >= len(*b) {
		*b = append(*b, 0)
	}
	was = (*b)[i/64]>>(i%64)&1 == 1
	(*b)[i/64] |= 1 << (i % 64)
	return was
}

func (b bitmap) has(i int) bool { return i/64 < len(b) && b[i/64]>>(i%64)&1 == 1 }

// flood puts records as fast as there is room for them, from one goroutine for each feeder. Each record has its
// feeder and its number in it, and what was accepted, answered and stored is remembered by them.
type flood struct {
	tb      testing.TB
	size    int
	feeders []*feeder
	wg      sync.WaitGroup
	cancel  context.CancelFunc
}

// feeder puts for one shard.
type feeder struct {
	index int
	keys  []string
	p     *kin.Producer

	mu       sync.Mutex // guards what follows
	free     []*parcel
	made     int // parcels there are
	accepted int // numbers below were
	stored   bitmap
	failed   bitmap
	doubtful bitmap // of the failed, those that may be stored
	wrong    string // what should not have happened
	lastErr  error
}

// parcel is the memory of a record, used again when it was answered.
type parcel struct {
	f    *feeder
	n    int
	data []byte
	done func(kin.PutResult, error)
}

// answered is the callback of the record in the parcel.
func (c *parcel) answered(_ kin.PutResult, err error) {
	f := c.f
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stored.has(c.n) || f.failed.has(c.n) {
		f.wrong = fmt.Sprintf("record %d was answered twice", c.n)
	}
	if err != nil {
		f.failed.set(c.n)
		f.lastErr = err
		if e, ok := errors.AsType[*kin.PutError](err); ok && e.Ambiguous {
			f.doubtful.set(c.n)
		}
	} else {
		f.stored.set(c.n)
	}
	f.free = append(f.free, c)
}

// parcel returns memory for a record.
func (f *feeder) parcel(size int) *parcel {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.free); n > 0 {
		c := f.free[n-1]
		f.free = f.free[:n-1]
		return c
	}
	f.made++
	c := &parcel{f: f, data: make([]byte, size)}
	c.done = c.answered
	return c
}

// run puts until ctx ends or the producer is closed.
func (f *feeder) run(ctx context.Context, size int) {
	for n := 0; ; n++ {
		c := f.parcel(size)
		c.n = n
		binary.BigEndian.PutUint32(c.data, uint32(f.index))
		binary.BigEndian.PutUint32(c.data[4:], uint32(n))
		rec := kin.UserRecord{PartitionKey: f.keys[n%len(f.keys)], Data: c.data}
		if err := f.p.PutAsync(ctx, rec, c.done); err != nil {
			return
		}
		f.mu.Lock()
		f.accepted = n + 1
		f.mu.Unlock()
	}
}

// startFlood puts into each producer for each list of keys.
func startFlood(tb testing.TB, size int, keys [][]string, producers ...*kin.Producer) *flood {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	f := &flood{tb: tb, size: size, cancel: cancel}
	for _, p := range producers {
		for _, of := range keys {
			f.feeders = append(f.feeders, &feeder{index: len(f.feeders), keys: of, p: p})
		}
	}
	for _, feeder := range f.feeders {
		f.wg.Go(func() { feeder.run(ctx, size) })
	}
	return f
}

// stop ends the feeders.
func (f *flood) stop() {
	f.cancel()
	f.wg.Wait()
}

// ledger is what a service has taken, as somebody sees it who reads everything before it is forgotten.
type ledger struct {
	tb testing.TB
	s  *kintest.Server

	mu       sync.Mutex        // guards what follows, while somebody watches
	last     map[string]string // sequence number by shard
	stored   []bitmap          // by feeder
	again    int               // records that were there before
	newest   map[string]uint32 // number by feeder and key, for order
	disorder int
	records  int64 // Kinesis records
	users    int64 // user records
}

func newLedger(tb testing.TB, s *kintest.Server, feeders int) *ledger {
	return &ledger{tb: tb, s: s, last: map[string]string{}, stored: make([]bitmap, feeders), newest: map[string]uint32{}}
}

// read takes in what was stored since the last time.
func (l *ledger) read() {
	l.tb.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.s.Records("orders") {
		if compareSequences(r.SequenceNumber, l.last[r.ShardID]) <= 0 {
			continue
		}
		l.last[r.ShardID] = r.SequenceNumber
		l.records++
		packed, ok := aggregate.Parse(r.Data)
		if !ok {
			l.user(r.PartitionKey, r.Data)
			continue
		}
		for user, err := range packed.Records() {
			if err != nil {
				l.tb.Fatal(err)
			}
			l.user(user.PartitionKey, user.Data)
		}
	}
}

func (l *ledger) user(key string, data []byte) {
	feeder, n := binary.BigEndian.Uint32(data), binary.BigEndian.Uint32(data[4:])
	l.users++
	if l.stored[feeder].set(int(n)) {
		l.again++
		return
	}
	of := fmt.Sprint(feeder, key)
	if newest, known := l.newest[of]; known && newest > n {
		l.disorder++
	}
	l.newest[of] = n
}

// watch reads every second until the test stops it.
func (l *ledger) watch() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			l.read()
			time.Sleep(500 * time.Millisecond) // in a bubble
		}
	})
	return func() {
		cancel()
		wg.Wait()
		l.read()
		stats := l.s.Stats()
		if held := stats.Records + stats.DroppedRecords; held != l.records {
			l.tb.Errorf("records read = %d, want all %d: some were forgotten before", l.records, held)
		}
	}
}

// check holds what was answered against what the service has taken. It returns how many were stored, and how
// many were answered with an error.
func (f *flood) check(l *ledger) (stored, failed int) {
	f.tb.Helper()
	for i, feeder := range f.feeders {
		if feeder.wrong != "" {
			f.tb.Errorf("feeder %d: %s", i, feeder.wrong)
		}
		for n := range feeder.accepted {
			said, refused, there := feeder.stored.has(n), feeder.failed.has(n), l.stored[i].has(n)
			switch {
			case said && there:
				stored++
			case refused && !there:
				failed++
			default:
				f.tb.Errorf("record %d of feeder %d: said to be stored %v, answered with an error %v (%v), stored %v", n, i, said, refused, feeder.lastErr, there)
				return stored, failed
			}
		}
	}
	if extra := l.users - int64(l.again) - int64(stored); extra != 0 {
		f.tb.Errorf("%d records are stored that were not accepted", extra)
	}
	return stored, failed
}

// checkTruth holds what was answered against what the service has taken, and counts the errors.
func (f *flood) checkTruth(l *ledger) (notStored, ambiguous int) {
	f.tb.Helper()
	for i, feeder := range f.feeders {
		if feeder.wrong != "" {
			f.tb.Errorf("feeder %d: %s", i, feeder.wrong)
		}
		for n := range feeder.accepted {
			said, failed, doubtful, there := feeder.stored.has(n), feeder.failed.has(n), feeder.doubtful.has(n), l.stored[i].has(n)
			switch {
			case said == failed, said && !there, failed && !doubtful && there:
				f.tb.Errorf("record %d of feeder %d: said to be stored %v, answered with an error %v (in doubt %v), stored %v", n, i, said, failed, doubtful, there)
				return notStored, ambiguous
			case doubtful:
				ambiguous++
			case failed:
				notStored++
			}
		}
	}
	return notStored, ambiguous
}

// heap returns what lives, after all garbage is gone, but for what the test itself remembers.
func (f *flood) heap(l *ledger) int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	own := 0
	for i, feeder := range f.feeders {
		feeder.mu.Lock()
		own += feeder.made*f.size + 8*(cap(feeder.stored)+cap(feeder.failed))
		feeder.mu.Unlock()
		l.mu.Lock()
		own += 8 * cap(l.stored[i])
		l.mu.Unlock()
	}
	return int(m.HeapAlloc) - own
}
