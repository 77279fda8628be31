package coord_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin/internal/coord"
	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/lease"
	"github.com/kinstream/kin/memstore"
)

// bubble is a group of Workers on one store, inside a synctest bubble.
type bubble struct {
	t       *testing.T
	store   lease.Store
	shards  []topology.Shard
	workers []*fake
	wg      sync.WaitGroup

	down     atomic.Bool  // nobody reaches the store
	requests atomic.Int64 // as dynamostore makes them
}

// fake is a Worker with a Reader that makes progress all the time.
type fake struct {
	b      *bubble
	name   string
	w      *coord.Worker
	cancel context.CancelFunc
	err    error
	over   bool

	handler  time.Duration // until a stopped shard is done; negative: never
	heedsCut bool          // unless it is cut off

	mu    sync.Mutex // guards what follows
	reads map[lease.Key]int64
	done  map[lease.Key]int
	until time.Time
	dead  bool
	notes map[coord.What]int
}

var errKilled = errors.New("killed")

func newBubble(t *testing.T, shards int) *bubble {
	return &bubble{t: t, store: memstore.New(), shards: evenShards(shards)}
}

func (b *bubble) start(name string, change ...func(*coord.WorkerConfig)) *fake {
	b.t.Helper()
	f := &fake{b: b, name: name, handler: time.Millisecond, reads: map[lease.Key]int64{}, done: map[lease.Key]int{}, notes: map[coord.What]int{}}
	cfg := coord.WorkerConfig{
		Store: &reached{b.store, f}, Group: group, Name: name, TTL: ttl, CheckpointEvery: time.Minute, ListEvery: time.Minute,
		ShutdownTimeout: 30 * time.Second, Reader: f,
		Streams: []coord.StreamConfig{{ARN: stream1, CreatedAt: created, Start: lease.TrimHorizon}},
		List: func(context.Context, string, lease.Checkpoint) (coord.Listed, error) {
			return coord.Listed{Shards: b.shards, At: time.Now()}, nil
		},
		Probe: func(context.Context, lease.Key) error {
			return nil
		},
		Hooks: coord.Hooks{
			Lease:  func(e coord.LeaseEvent) { f.note(e.What) },
			Worker: func(e coord.WorkerEvent) { f.note(e.What) },
		},
	}
	for _, set := range change {
		set(&cfg)
	}
	w, err := coord.NewWorkerWithID(cfg, name)
	if err != nil {
		b.t.Fatal(err)
	}
	f.w = w
	ctx, cancel := context.WithCancel(b.t.Context())
	f.cancel = cancel
	b.workers = append(b.workers, f)
	b.wg.Go(func() {
		err := w.Run(ctx)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.err, f.over = err, true
	})
	return f
}

func (f *fake) note(what coord.What) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.notes[what]++
}

// Start implements coord.Reader.
func (f *fake) Start(l lease.Lease) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, twice := f.reads[l.Key]; twice {
		f.b.t.Errorf("%s starts %s twice", f.name, l.Shard)
	}
	f.reads[l.Key] = l.Epoch
	f.w.Moved()
}

// Stop implements coord.Reader.
func (f *fake) Stop(key lease.Key, epoch int64, why coord.Why) {
	if f.handler < 0 && (!f.heedsCut || why != coord.CutOff) {
		return
	}
	f.b.wg.Go(func() {
		time.Sleep(max(f.handler, 0)) // in a bubble
		f.mu.Lock()
		_, reads := f.reads[key]
		delete(f.reads, key)
		at := f.checkpoint(key)
		f.mu.Unlock()
		if reads {
			f.w.Stopped(key, epoch, at)
		}
	})
}

// Trust implements coord.Reader.
func (f *fake) Trust(until time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.until = until
}

// Progress implements coord.Reader.
func (f *fake) Progress() []coord.Progress {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []coord.Progress
	for key, epoch := range f.reads {
		if f.done[key] > 0 {
			all = append(all, coord.Progress{Key: key, Epoch: epoch, Checkpoint: f.checkpoint(key), Load: -1})
		}
	}
	return all
}

func (f *fake) checkpoint(key lease.Key) lease.Checkpoint {
	if f.done[key] == 0 {
		return ""
	}
	return lease.Checkpoint(fmt.Sprint("AFTER_SEQUENCE_NUMBER:", f.done[key]))
}

// handle says that records of all shards that the worker reads are done.
func (f *fake) handle() {
	f.mu.Lock()
	for key := range f.reads {
		f.done[key]++
	}
	f.mu.Unlock()
	f.w.Moved()
}

// kill cuts the worker off for good, as far as others can see.
func (f *fake) kill() {
	f.mu.Lock()
	f.dead = true
	f.mu.Unlock()
	f.cancel()
}

func (f *fake) killed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dead
}

// reading returns how many shards f may deliver records of.
func (f *fake) reading() []lease.Key {
	f.mu.Lock()
	defer f.mu.Unlock()
	var keys []lease.Key
	if !f.dead && !f.over && coord.Trusted(time.Now(), f.until) {
		for key := range f.reads {
			keys = append(keys, key)
		}
	}
	return keys
}

// unread returns how many shards nobody reads, and the largest and smallest share.
func (b *bubble) unread() (unread, most, least int) {
	read := map[lease.Key]bool{}
	least = len(b.shards)
	for _, f := range b.workers {
		keys := f.reading()
		for _, key := range keys {
			if read[key] {
				b.t.Errorf("%s is read twice", key.Shard)
			}
			read[key] = true
		}
		f.mu.Lock()
		if !f.dead && !f.over {
			most, least = max(most, len(keys)), min(least, len(keys))
		}
		f.mu.Unlock()
	}
	return len(b.shards) - len(read), most, least
}

// until waits until something holds, at most for a time.
func (b *bubble) until(most time.Duration, what string, holds func() bool) {
	b.t.Helper()
	from := time.Now()
	for !holds() {
		if time.Since(from) > most {
			b.t.Fatalf("after %v it is still not so that %s", most, what)
		}
		time.Sleep(10 * time.Millisecond) // in a bubble
		synctest.Wait()
	}
}

// startAll starts n workers and waits until they share all shards.
func (b *bubble) startAll(n, seed int) {
	b.t.Helper()
	for i := range n {
		b.start(fmt.Sprintf("w%d-%d", i, seed))
	}
	b.until(5*time.Second, "all shards are shared evenly", b.even)
}

// gap lets time pass and returns for how long a shard was not read at most.
func (b *bubble) gap(d time.Duration) time.Duration {
	var longest time.Duration
	lastly := make(map[lease.Key]time.Time)
	for until := time.Now().Add(d); time.Now().Before(until); {
		for _, f := range b.workers {
			for _, key := range f.reading() {
				lastly[key] = time.Now()
			}
		}
		for i := range b.shards {
			if at, read := lastly[shardKey(i)]; read {
				longest = max(longest, time.Since(at))
			} else {
				lastly[shardKey(i)] = time.Now()
			}
		}
		time.Sleep(20 * time.Millisecond) // in a bubble
	}
	return longest
}

func (f *fake) ended() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.over
}

func (b *bubble) even() bool {
	unread, most, least := b.unread()
	return unread == 0 && most-least <= 1
}

// stop ends all workers and waits for them.
func (b *bubble) stop() {
	for _, f := range b.workers {
		f.cancel()
	}
	b.wg.Wait()
}
