package kin_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/lease"
	"github.com/kinstream/kin/lease/leasetest"
	"github.com/kinstream/kin/memstore"
)

// group is a stream and the workers of a group in a bubble.
type group struct {
	t      *testing.T
	server *kintest.Server
	store  lease.Store // shared
}

func newGroup(t *testing.T, shards int) *group {
	t.Helper()
	return &group{t: t, server: serve(t, shards), store: memstore.New()}
}

// put puts records with these data, which are also the partition keys.
func (g *group) put(data ...string) {
	g.t.Helper()
	for _, d := range data {
		if _, err := g.server.Put("orders", "key "+d, []byte(d)); err != nil {
			g.t.Fatal(err)
		}
	}
}

// consumer returns a consumer of the group with a store of its own in front of the shared one.
func (g *group) consumer(h kin.Handler, configure ...func(*kin.ConsumerConfig)) (*kin.Consumer, *leasetest.Faulty) {
	g.t.Helper()
	store := leasetest.NewFaulty(g.store)
	cfg := kin.ConsumerConfig{Stream: "orders", Group: "billing", Store: store, WorkerName: "w"}
	for _, c := range configure {
		c(&cfg)
	}
	c, err := kin.NewConsumer(client(g.server), cfg, h)
	if err != nil {
		g.t.Fatal(err)
	}
	return c, store
}

// fake returns a consumer of a fake stream.
func (g *group) fake(f *fakeStream, h kin.Handler, configure ...func(*kin.ConsumerConfig)) *kin.Consumer {
	g.t.Helper()
	cfg := kin.ConsumerConfig{Stream: "orders", Group: "billing", Store: memstore.New(), WorkerName: "w"}
	for _, c := range configure {
		c(&cfg)
	}
	c, err := kin.NewConsumer(f, cfg, h)
	if err != nil {
		g.t.Fatal(err)
	}
	return c
}

// worker is a consumer that runs.
type worker struct {
	*kin.Consumer
	t     *testing.T
	store *leasetest.Faulty
	stop  context.CancelFunc
	done  chan error
}

// start starts a consumer of the group.
func (g *group) start(h kin.Handler, configure ...func(*kin.ConsumerConfig)) *worker {
	g.t.Helper()
	c, store := g.consumer(h, configure...)
	w := g.run(c)
	w.store = store
	return w
}

// run runs a consumer.
func (g *group) run(c *kin.Consumer) *worker {
	ctx, cancel := context.WithCancel(context.Background())
	w := &worker{Consumer: c, t: g.t, stop: cancel, done: make(chan error, 1)}
	go func() { w.done <- c.Run(ctx) }() // ends after stop; end waits for it
	g.t.Cleanup(cancel)
	return w
}

// end stops the worker, and fails the test if that is not in order.
func (w *worker) end() {
	w.t.Helper()
	w.stop()
	if err := <-w.done; err != nil {
		w.t.Errorf("Run: %v", err)
	}
}

// wait returns what Run returns by itself within a minute.
func (w *worker) wait() error {
	const d = time.Minute
	w.t.Helper()
	select {
	case err := <-w.done:
		return err
	case <-time.After(d):
		w.t.Fatalf("Run has not returned after %v", d)
		return nil
	}
}

// checkpoint returns the checkpoint of a shard as it is stored.
func (g *group) checkpoint(shard int) string {
	g.t.Helper()
	return string(g.lease(shard).Checkpoint)
}

func (g *group) lease(shard int) lease.Lease {
	g.t.Helper()
	snapshot, err := g.store.Load(g.t.Context(), "billing")
	if err != nil {
		g.t.Fatal(err)
	}
	for _, l := range snapshot.Leases {
		if l.Shard == string(shardID(shard)) {
			return l
		}
	}
	return lease.Lease{}
}

// position returns the position after a record of the stream, given its data.
func (g *group) position(data string) string {
	g.t.Helper()
	for _, r := range g.server.Records("orders") {
		if string(r.Data) == data {
			return "AFTER_SEQUENCE_NUMBER:" + r.SequenceNumber
		}
	}
	g.t.Fatalf("the stream has no record %q", data)
	return ""
}

// book is what handlers note.
type book struct {
	mu    sync.Mutex
	lines []string
}

func (b *book) notef(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, fmt.Sprintf(format, args...))
}

// Handle notes the data of each record.
func (b *book) Handle(_ context.Context, batch *kin.Batch) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range batch.Records {
		b.lines = append(b.lines, string(r.Data))
	}
	return nil
}

func (b *book) read() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.lines)
}

// wants fails the test if other lines were noted.
func (b *book) wants(t testing.TB, want ...string) {
	t.Helper()
	if got := b.read(); !slices.Equal(got, want) {
		t.Errorf("noted %q, want %q", got, want)
	}
}

// wantsAny is wants in any order.
func (b *book) wantsAny(t testing.TB, want ...string) {
	t.Helper()
	got := b.read()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("noted %q in whatever order, want %q", got, want)
	}
}

// data returns the data of a batch, separated by spaces.
func data(b *kin.Batch) string {
	var all []string
	for _, r := range b.Records {
		all = append(all, string(r.Data))
	}
	return strings.Join(all, " ")
}

var errHandler = errors.New("the database is away")
