package sim_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/internal/sim/history"
	"github.com/kinstream/kin/lease"
	"github.com/kinstream/kin/lease/leasetest"
)

// worker is a Consumer that runs, with its own way to the store and to the server.
type worker struct {
	group    *group
	host     int
	line     *line
	store    *leasetest.Faulty
	consumer *kin.Consumer
	cancel   context.CancelFunc
	done     chan struct{}
	dead     atomic.Bool
	leaving  bool
}

// boot starts a Consumer.
func (g *group) boot(host int) {
	if g.workers[host] != nil {
		return
	}
	g.runs++
	w := &worker{group: g, host: host, line: &line{}, done: make(chan struct{})}
	w.store = leasetest.NewFaulty(&watched{Store: g.rows, book: g.book, line: w.line})
	rates := leasetest.Rates{Lost: g.noise / 3, Dropped: g.noise / 3, Throttled: g.noise / 6, Late: g.noise / 6, MaxDelay: g.ttl / 2}
	noisy := leasetest.Random(g.rand.Uint64(), rates)
	w.store.Decide(func(c leasetest.Call) leasetest.Fault {
		if g.calm.Load() {
			return leasetest.Fault{}
		}
		return noisy(c)
	})
	client := g.stream.server.Client(func(o *kinesis.Options) { o.HTTPClient = &plug{next: o.HTTPClient, dead: &w.dead} })
	consumer, err := kin.NewConsumer(client, kin.ConsumerConfig{
		Group: "g", Store: &trusting{Store: w.store, book: g.book, line: w.line}, Stream: g.stream.name,
		WorkerName: fmt.Sprintf("host%d-%d", host, g.runs), LeaseTTL: g.ttl, CheckpointEvery: g.checkpointEvery, From: g.from,
		MaxBatchRecords: 1 + g.rand.IntN(20), RetryWait: 100 * time.Millisecond, MaxRetryWait: time.Second,
		ListEvery: 10 * time.Second, ManualAcks: g.manual, Hooks: w.hooks(),
	}, w)
	if err != nil {
		g.t.Errorf("NewConsumer: %v", err)
		return
	}
	w.consumer = consumer
	g.workers[host] = w
	g.all = append(g.all, w)
	ctx, cancel := context.WithCancel(g.t.Context())
	w.cancel = cancel
	go func() { // ends with ctx; stop waits for it
		defer close(w.done)
		err := consumer.Run(ctx)
		if !w.dead.Load() {
			g.book.record(history.Event{Kind: history.Left, Worker: w.line.worker(), OK: err == nil, Text: fmt.Sprint(err)})
		}
	}()
}

// hooks records when shards are read.
func (w *worker) hooks() kin.ConsumerHooks {
	record := func(kind history.Kind) func(kin.LeaseInfo) {
		return func(i kin.LeaseInfo) {
			if !w.dead.Load() {
				w.group.book.record(history.Event{
					Kind: kind, Worker: w.line.worker(), Key: keyOf(i), Epoch: i.Epoch, Text: i.Position.String(),
				})
			}
		}
	}
	return kin.ConsumerHooks{ShardStarted: record(history.Started), ShardStopped: record(history.Stopped)}
}

// plug is a connection to the server that can be pulled.
type plug struct {
	next kinesis.HTTPClient
	dead *atomic.Bool
}

// Do implements kinesis.HTTPClient.
func (p *plug) Do(r *http.Request) (*http.Response, error) {
	if p.dead.Load() {
		return nil, errors.New("the process is dead")
	}
	return p.next.Do(r)
}

// Handle implements kin.Handler: it takes its time, fails now and then, and stops when it is
// told to.
func (w *worker) Handle(ctx context.Context, b *kin.Batch) error {
	g := w.group
	key := lease.Key{Stream: b.StreamARN, Shard: string(b.Shard)}
	me := w.line.worker()
	g.book.mu.Lock()
	if w.dead.Load() {
		g.book.mu.Unlock()
		return errors.New("the process is dead")
	}
	from, known := g.book.position(key, string(b.Records[0].SequenceNumber))
	to, _ := g.book.position(key, string(b.Records[len(b.Records)-1].SequenceNumber))
	from--
	if !known || to-from != int64(len(b.Records)) {
		g.t.Errorf("%s got %d records [%d,%d) of %s, want them without a hole", me, len(b.Records), from, to, b.Shard)
	}
	g.book.ids++
	id := g.book.ids
	takes, fails, ignores := g.handling()
	g.book.add(history.Event{Kind: history.Delivered, Worker: me, Key: key, Epoch: b.Epoch, From: from, To: to, ID: id, OK: ignores})
	g.book.mu.Unlock()

	wait(ctx, takes, ignores)

	g.book.mu.Lock()
	defer g.book.mu.Unlock()
	ok := ctx.Err() == nil && !fails && !w.dead.Load()
	if !w.dead.Load() {
		g.book.add(history.Event{Kind: history.Handled, Worker: me, Key: key, ID: id, OK: ok})
	}
	if !ok {
		return errors.Join(errors.New("the handler fails"), context.Cause(ctx))
	}
	if g.manual {
		g.acks.Go(func() { w.ackLater(ctx, b, me, key, from) })
		return nil
	}
	g.book.add(history.Event{Kind: history.Acked, Worker: me, Key: key, Epoch: b.Epoch, From: from, To: to})
	return nil
}

// wait waits until a handler is done, or until it is told to stop unless it ignores that.
func wait(ctx context.Context, takes time.Duration, ignores bool) {
	if ignores {
		ctx = context.WithoutCancel(ctx)
	}
	select {
	case <-ctx.Done():
	case <-time.After(takes):
	}
}

// ackLater acknowledges the records of a batch one by one, in any order. It gives up what is
// left when its context is cancelled: that has to be delivered again, to whomever.
func (w *worker) ackLater(ctx context.Context, b *kin.Batch, me string, key lease.Key, from int64) {
	g := w.group
	g.book.mu.Lock()
	order := g.handlers.Perm(len(b.Records))
	pause := time.Duration(g.handlers.IntN(100)) * time.Millisecond
	var first time.Duration
	if g.handlers.IntN(10) == 0 && !g.calm.Load() {
		first = time.Duration(g.handlers.Int64N(int64(g.slow)))
	}
	g.book.mu.Unlock()
	wait(ctx, first, false)
	for _, i := range order {
		wait(ctx, pause, false)
		if !w.ack(ctx, b, i, me, key, from+int64(i)) {
			return
		}
	}
}

// ack acknowledges record i of a batch, which is the nth of its shard, unless it is too late for
// that.
func (w *worker) ack(ctx context.Context, b *kin.Batch, i int, me string, key lease.Key, n int64) bool {
	book := w.group.book
	book.mu.Lock()
	defer book.mu.Unlock()
	if ctx.Err() != nil || w.dead.Load() {
		return false
	}
	book.add(history.Event{Kind: history.Acked, Worker: me, Key: key, Epoch: b.Epoch, From: n, To: n + 1})
	b.Ack(i) // with mu held, so that no checkpoint comes in between
	return true
}

// handling draws how long a handler takes, whether it fails, and whether it ignores that it is
// to stop. book.mu is held.
func (g *group) handling() (takes time.Duration, fails, ignores bool) {
	r := g.handlers
	switch {
	case g.calm.Load():
		return time.Duration(r.IntN(10)) * time.Millisecond, false, false
	case r.IntN(10) == 0:
		return time.Duration(r.Int64N(int64(g.slow))), r.IntN(4) == 0, r.Float64() < g.ignore
	}
	return time.Duration(r.IntN(50)) * time.Millisecond, r.IntN(20) == 0, false
}

// stop lets the Consumer leave. Its host is free when it has.
func (w *worker) stop() {
	if w.leaving {
		return
	}
	w.leaving = true
	w.cancel()
}

// crash ends the process: nothing that it does reaches anybody any more.
func (w *worker) crash() {
	w.group.book.mu.Lock()
	w.dead.Store(true)
	w.store.SetOutage(leasetest.Refusing)
	w.group.book.add(history.Event{Kind: history.Crashed, Worker: w.line.worker()})
	w.group.book.mu.Unlock()
	w.cancel()
	w.group.workers[w.host] = nil
}

// group is a group of Consumers in a bubble.
type group struct {
	t        *testing.T
	book     *book
	stream   *stream
	rows     lease.Store
	rand     *rand.Rand
	handlers *rand.Rand // guarded by book.mu
	workers  []*worker  // by host
	all      []*worker
	runs     int
	calm     atomic.Bool

	ttl, slow, checkpointEvery time.Duration
	noise, ignore              float64
	manual                     bool
	acks                       sync.WaitGroup // goroutines that acknowledge
	from                       kin.Position
}
