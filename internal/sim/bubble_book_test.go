package sim_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/internal/sim/history"
	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/lease"
)

// book writes down what Consumers, the store and the server do, in the order in which it
// happens: whatever is judged is done with mu held. That is for moments in memory only.
type book struct {
	mu      sync.Mutex // guards all that follows, and orders what is recorded
	began   time.Time
	checker *history.Checker
	index   map[lease.Key]map[string]int64 // of each sequence number in its shard
	rows    map[lease.Key]lease.Lease
	ids     int64
}

func newBook(ttl time.Duration, trace *strings.Builder) *book {
	b := &book{began: time.Now(), index: map[lease.Key]map[string]int64{}, rows: map[lease.Key]lease.Lease{}}
	b.checker = history.New(history.Config{
		TTL: ttl, Wall: b.began, Granularity: time.Millisecond, Index: b.position, Trace: trace,
	})
	return b
}

// position returns how many records of a shard there are up to a sequence number.
func (b *book) position(key lease.Key, number string) (int64, bool) {
	n, ok := b.index[key][number]
	return n + 1, ok
}

// add records an event. mu is held.
func (b *book) add(e history.Event) {
	e.At = time.Since(b.began)
	b.checker.Record(e)
}

// record records an event.
func (b *book) record(e history.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.add(e)
}

func (b *book) violation() *history.Violation {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.checker.Violation()
}

// stream is the stream of a group and what happens to it.
type stream struct {
	t      *testing.T
	book   *book
	server *kintest.Server
	name   string
	arn    string
	known  map[string]bool // shards; guarded by book.mu
}

// look records the shards that are new, and those that were closed. book.mu is held.
func (s *stream) look() {
	for _, sh := range s.server.Shards(s.name) {
		key := lease.Key{Stream: s.arn, Shard: sh.ID}
		open, seen := s.known[sh.ID]
		if seen && open && !sh.Open {
			s.book.add(history.Event{Kind: history.Closed, Key: key})
		}
		if !seen {
			s.book.add(history.Event{Kind: history.Opened, Key: key, Names: sh.Parents})
			s.book.index[key] = map[string]int64{}
		}
		s.known[sh.ID] = sh.Open
	}
}

// put puts a record.
func (s *stream) put(partitionKey string) {
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	placed, err := s.server.Put(s.name, partitionKey, []byte(partitionKey))
	if err != nil {
		s.t.Errorf("put: %v", err)
		return
	}
	key := lease.Key{Stream: s.arn, Shard: placed.ShardID}
	n := int64(len(s.book.index[key]))
	s.book.index[key][placed.SequenceNumber] = n
	s.book.add(history.Event{Kind: history.Put, Key: key, From: n, To: n + 1})
}

// reshard splits or merges shards.
func (s *stream) reshard(split bool, pick int) {
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	var open []kintest.ShardInfo
	for _, sh := range s.server.Shards(s.name) {
		if sh.Open {
			open = append(open, sh)
		}
	}
	one := open[pick%len(open)]
	if split {
		if _, err := s.server.SplitShard(s.name, one.ID); err != nil {
			s.t.Logf("split %s: %v", one.ID, err)
		}
	} else {
		for _, other := range open {
			if _, err := s.server.MergeShards(s.name, one.ID, other.ID); err == nil {
				break
			}
		}
	}
	s.look()
}

// watched is a store whose changes are recorded. Each of its calls is one step.
type watched struct {
	lease.Store // memstore
	book        *book
	line        *line
}

// line is a worker's connection to the store: the ID under which it speaks.
type line struct {
	mu sync.Mutex // guards id
	id string
}

func (l *line) worker() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.id
}

func (l *line) is(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.id = id
}

// Update implements lease.Store.
func (w *watched) Update(ctx context.Context, group string, changes []lease.Change) ([]lease.Result, error) {
	w.book.mu.Lock()
	defer w.book.mu.Unlock()
	results, err := w.Store.Update(ctx, group, changes)
	for i, r := range results {
		key := changes[i].Old.Key
		old := w.book.rows[key]
		old.Key = key
		if !r.Made || old.Equal(changes[i].New) {
			continue
		}
		now := changes[i].New
		w.book.rows[key] = now
		w.book.add(history.Event{Kind: history.Changed, By: w.line.worker(), Key: key, Change: &lease.Change{Old: old, New: now}})
	}
	return results, err
}

// PutStream implements lease.Store.
func (w *watched) PutStream(ctx context.Context, group string, s lease.Stream) (lease.Stream, error) {
	w.book.mu.Lock()
	defer w.book.mu.Unlock()
	row, err := w.Store.PutStream(ctx, group, s)
	if err == nil {
		w.book.add(history.Event{Kind: history.StreamPut, Key: lease.Key{Stream: row.ARN}, Text: string(row.Start), OK: row.Seeded})
	}
	return row, err
}

// Join implements lease.Store.
func (w *watched) Join(ctx context.Context, group string, worker lease.Worker) error {
	w.book.mu.Lock()
	defer w.book.mu.Unlock()
	before, err := w.Poll(ctx, group)
	if err != nil {
		return err
	}
	err = w.Store.Join(ctx, group, worker)
	known := false
	for _, row := range before.Workers {
		known = known || row.ID == worker.ID
	}
	if err == nil && !known {
		w.book.add(history.Event{Kind: history.Joined, Worker: worker.ID})
	}
	return err
}

// Beat implements lease.Store.
func (w *watched) Beat(ctx context.Context, group string, worker lease.Worker) (lease.Worker, error) {
	w.book.mu.Lock()
	defer w.book.mu.Unlock()
	row, err := w.Store.Beat(ctx, group, worker)
	if err == nil {
		w.book.add(history.Event{Kind: history.Beat, Worker: worker.ID})
	}
	return row, err
}

// Forget implements lease.Store.
func (w *watched) Forget(ctx context.Context, group, worker string, beat int64) (bool, error) {
	w.book.mu.Lock()
	defer w.book.mu.Unlock()
	before, err := w.Poll(ctx, group)
	if err != nil {
		return false, err
	}
	gone, err := w.Store.Forget(ctx, group, worker, beat)
	for _, row := range before.Workers {
		if row.ID == worker && gone && err == nil {
			w.book.add(history.Event{Kind: history.Forgotten, Worker: worker, By: w.line.worker()})
		}
	}
	return gone, err
}

// trusting is the store as a worker sees it, in front of all faults: it notes what heartbeats
// were answered.
type trusting struct {
	lease.Store
	book *book
	line *line

	// Guarded by book.mu.
	shown   int64         // the beat of the worker's row, as an answer last had it
	shownAt time.Duration // when that call began
}

// Join implements lease.Store.
func (s *trusting) Join(ctx context.Context, group string, worker lease.Worker) error {
	s.line.is(worker.ID)
	began := time.Since(s.book.began)
	s.book.mu.Lock()
	s.shown, s.shownAt = 0, began // there is no row before
	s.book.mu.Unlock()
	err := s.Store.Join(ctx, group, worker)
	if err == nil {
		s.shows(worker, began, true)
	}
	return err
}

// Beat implements lease.Store.
func (s *trusting) Beat(ctx context.Context, group string, worker lease.Worker) (lease.Worker, error) {
	began := time.Since(s.book.began)
	row, err := s.Store.Beat(ctx, group, worker)
	if err == nil {
		s.shows(row, began, true)
	}
	return row, err
}

// Poll implements lease.Store.
func (s *trusting) Poll(ctx context.Context, group string) (lease.Snapshot, error) {
	began := time.Since(s.book.began)
	snapshot, err := s.Store.Poll(ctx, group)
	s.looked(snapshot.Workers, began, err)
	return snapshot, err
}

// Load implements lease.Store.
func (s *trusting) Load(ctx context.Context, group string) (lease.Snapshot, error) {
	began := time.Since(s.book.began)
	snapshot, err := s.Store.Load(ctx, group)
	s.looked(snapshot.Workers, began, err)
	return snapshot, err
}

func (s *trusting) looked(rows []lease.Worker, began time.Duration, err error) {
	for _, row := range rows {
		if err == nil && row.ID == s.line.worker() {
			s.shows(row, began, false)
		}
	}
}

// shows takes in the beat of the worker's row, as a call has it that began at a time and was
// the heartbeat itself or not. If it has risen otherwise, there was a heartbeat after the call
// before, although its answer may have got lost.
func (s *trusting) shows(row lease.Worker, began time.Duration, beat bool) {
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	switch {
	case beat:
		s.book.add(history.Event{Kind: history.Trusted, Worker: row.ID, Began: began})
	case row.Beat > s.shown:
		s.book.add(history.Event{Kind: history.Trusted, Worker: row.ID, Began: s.shownAt})
	}
	s.shown, s.shownAt = max(s.shown, row.Beat), max(s.shownAt, began)
}

// keyOf returns the key of a shard as leases have it.
func keyOf(i kin.LeaseInfo) lease.Key { return lease.Key{Stream: i.StreamARN, Shard: string(i.Shard)} }
