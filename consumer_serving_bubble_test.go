package kin_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/smithy-go"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kintest"
)

// ill is a client to which something happens that happens to no other.
type ill struct {
	kin.ConsumeClient
	illness atomic.Pointer[func(context.Context) error]
}

func (c *ill) fall(illness func(context.Context) error) { c.illness.Store(&illness) }

func (c *ill) suffer(ctx context.Context) error {
	if f := c.illness.Load(); f != nil && *f != nil {
		return (*f)(ctx)
	}
	return nil
}

func (c *ill) GetRecords(ctx context.Context, in *kinesis.GetRecordsInput, o ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error) {
	if err := c.suffer(ctx); err != nil {
		return nil, err
	}
	return c.ConsumeClient.GetRecords(ctx, in, o...)
}

func (c *ill) GetShardIterator(ctx context.Context, in *kinesis.GetShardIteratorInput, o ...func(*kinesis.Options)) (*kinesis.GetShardIteratorOutput, error) {
	if err := c.suffer(ctx); err != nil {
		return nil, err
	}
	return c.ConsumeClient.GetShardIterator(ctx, in, o...)
}

func (c *ill) ListShards(ctx context.Context, in *kinesis.ListShardsInput, o ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error) {
	if err := c.suffer(ctx); err != nil {
		return nil, err
	}
	return c.ConsumeClient.ListShards(ctx, in, o...)
}

// Illnesses.
func swallowed(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
func refused(context.Context) error       { return syscall.ECONNREFUSED }
func code(code string) func(context.Context) error {
	return func(context.Context) error { return &smithy.GenericAPIError{Code: code, Message: "no"} }
}

// ward is a group whose workers have clients of their own, under load.
type ward struct {
	*group
	clients []*ill
	workers []*worker
	book    book // what happens in the group

	mu    sync.Mutex // guards what follows
	late  time.Duration
	count map[string]int
}

func newWard(t *testing.T, workers, shards int) *ward {
	t.Helper()
	w := &ward{group: newGroup(t, shards), count: map[string]int{}}
	for i := range workers {
		w.admit(i)
	}
	time.Sleep(30 * time.Second) // in a bubble
	return w
}

// admit starts a worker.
func (w *ward) admit(i int) {
	w.t.Helper()
	client := &ill{ConsumeClient: client(w.server)}
	c, err := kin.NewConsumer(client, kin.ConsumerConfig{
		Stream: "orders", Group: "billing", Store: w.store, WorkerName: fmt.Sprint("w", i),
		Hooks: kin.ConsumerHooks{Group: func(e kin.GroupInfo) {
			if e.Event == kin.ReadingFailed || e.Event == kin.ReadingWorks {
				w.book.notef("w%d %v, error %t", i, e.Event, e.Err != nil)
			}
		}},
	}, kin.EachRecord(w.handle))
	if err != nil {
		w.t.Fatal(err)
	}
	w.clients, w.workers = append(w.clients, client), append(w.workers, w.run(c))
}

func (w *ward) handle(_ context.Context, r kin.Record) error {
	put, err := time.Parse(time.RFC3339Nano, strings.TrimLeft(string(r.Data), "0123456789 ")[1:])
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.late = max(w.late, time.Since(put))
	w.count[string(r.Data)]++
	return nil
}

// pass puts records into all shards for a time, and returns how late the latest was handled since
// the last time.
func (w *ward) pass(d time.Duration) time.Duration {
	w.t.Helper()
	for until := time.Now().Add(d); time.Now().Before(until); time.Sleep(time.Second) { // in a bubble
		for i := range 20 {
			w.put(fmt.Sprintf("%d @%s", i, time.Now().Format(time.RFC3339Nano)))
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	late := w.late
	w.late = 0
	return late
}

func (w *ward) epochs() int64 {
	w.t.Helper()
	s, err := w.store.Load(w.t.Context(), "billing")
	if err != nil {
		w.t.Fatal(err)
	}
	var sum int64
	for _, l := range s.Leases {
		sum += l.Epoch
	}
	return sum
}

// discharge ends all, and checks that each record was handled once.
func (w *ward) discharge() {
	w.t.Helper()
	time.Sleep(40 * time.Second) // in a bubble: for what still waits for its next attempt
	for _, worker := range w.workers {
		worker.end()
	}
	if n := len(w.server.Records("orders")); n != len(w.count) {
		w.t.Errorf("%d records were handled, want %d", len(w.count), n)
	}
	for r, n := range w.count {
		if n != 1 {
			w.t.Errorf("record %s was handled %d times", r, n)
			break
		}
	}
}

func TestConsumerThatKinesisDoesNotAnswer(t *testing.T) {
	t.Parallel()
	for name, illness := range map[string]func(context.Context) error{
		"because the network swallows all":       swallowed,
		"because connections are refused":        refused,
		"because of its credentials":             code("ExpiredTokenException"),
		"because of its rights":                  code("AccessDeniedException"),
		"but for failures":                       code("InternalFailure"),
		"because its credentials can't be found": func(context.Context) error { return errors.New("get credentials: none") },
	} {
		t.Run("leaves its shards to others "+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWard(t, 3, 6)
				w.pass(10 * time.Second)
				w.clients[0].fall(illness)
				late := w.pass(2 * time.Minute)
				if late < 15*time.Second || late > 28*time.Second {
					t.Errorf("the latest record was handled after %v, want two LeaseTTL and a little more: 20s to 28s", late)
				}
				if n := len(w.workers[0].Shards()); n != 0 {
					t.Errorf("it still has %d shards, want none", n)
				}
				w.clients[0].fall(nil)
				if late := w.pass(time.Minute); late > 3*time.Second {
					t.Errorf("as it came back the latest record was handled after %v, want no delay", late)
				}
				if n := len(w.workers[0].Shards()); n != 2 {
					t.Errorf("afterwards it has %d shards, want 2", n)
				}
				w.book.wants(t, "w0 reading failed, error true", "w0 reading works, error false")
				w.discharge()
			})
		})
	}
	for name, illness := range map[string]func(context.Context) error{
		"it is throttled":                 code("ProvisionedThroughputExceededException"),
		"the key of a stream is disabled": code("KMSDisabledException"),
	} {
		t.Run("keeps its shards when "+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWard(t, 3, 6)
				before := w.epochs()
				w.clients[0].fall(illness)
				w.pass(2 * time.Minute)
				w.clients[0].fall(nil)
				w.pass(10 * time.Second)
				if n := w.epochs() - before; n != 0 {
					t.Errorf("leases have moved %d times, want never", n)
				}
				w.book.wants(t)
				w.discharge()
			})
		})
	}
	t.Run("keeps its shards when one of them can't be read", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := newWard(t, 2, 4)
			before := w.epochs()
			bad := string(w.workers[0].Shards()[0].Shard)
			undo := w.server.Inject(kintest.Fault{Operation: "GetRecords", Shard: bad, Error: "InternalFailure"})
			w.pass(2 * time.Minute)
			undo()
			w.pass(10 * time.Second)
			if n := w.epochs() - before; n != 0 {
				t.Errorf("leases have moved %d times, want never", n)
			}
			w.discharge()
		})
	})
	t.Run("keeps its shards when Kinesis is down for all, and goes on at once", func(t *testing.T) {
		t.Parallel()
		for name, illness := range map[string]func(context.Context) error{"swallowed": swallowed, "refused": refused} {
			synctest.Test(t, func(t *testing.T) {
				w := newWard(t, 4, 3) // one reads nothing
				before := w.epochs()
				for i, c := range w.clients {
					time.AfterFunc(time.Duration(i)*700*time.Millisecond, func() { c.fall(illness) })
				}
				w.pass(5 * time.Minute)
				for _, c := range w.clients {
					c.fall(nil)
				}
				time.Sleep(45 * time.Second) // in a bubble: calls may hang for 30 seconds, and pauses are 10
				w.pass(time.Second)
				w.mu.Lock()
				w.late = 0
				w.mu.Unlock()
				if late := w.pass(time.Minute); late > 2*time.Second {
					t.Errorf("%s: after the outage the latest record was handled after %v, want no delay", name, late)
				}
				if n := w.epochs() - before; n != 0 {
					t.Errorf("%s: leases have moved %d times, want never", name, n)
				}
				w.discharge()
			})
		}
	})
	t.Run("shows it in its row", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w := newWard(t, 1, 2)
			w.clients[0].fall(refused)
			time.Sleep(time.Minute) // in a bubble
			s, err := w.store.Poll(t.Context(), "billing")
			if err != nil || len(s.Workers) != 1 || !s.Workers[0].Unable() || s.Workers[0].Draining {
				t.Errorf("workers are %+v, error %v; want one that is unable and not draining", s.Workers, err)
			}
			w.clients[0].fall(nil)
			w.discharge()
		})
	})
}
