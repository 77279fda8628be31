package sim_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/internal/sim/history"
	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/lease/leasetest"
	"github.com/kinstream/kin/memstore"
)

// TestConsumersKeepTheirPromises runs real Consumers with the SDK's client against kintest and
// a store with faults, and has what their handlers saw judged as in the simulation of Machines.
// The seed fixes what is done to them, but not how goroutines are scheduled: a failure keeps
// its trace.
func TestConsumersKeepTheirPromises(t *testing.T) {
	t.Parallel()
	for seed := range seeds(60) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			var trace strings.Builder
			dir := t.ArtifactDir()
			defer func() { // synctest.Test ends the test when it fails
				if !t.Failed() {
					return
				}
				name := filepath.Join(dir, "trace.txt")
				if err := os.WriteFile(name, []byte(trace.String()), 0o600); err != nil {
					t.Error(err)
				}
				t.Logf("the whole trace is in %s", name)
			}()
			synctest.Test(t, func(t *testing.T) { runGroup(t, seed, &trace) })
		})
	}
}

// newGroup makes a group of a few hosts, of which none runs.
func newGroup(t *testing.T, seed uint64, trace *strings.Builder) *group {
	r := rand.New(rand.NewPCG(seed, 3))
	server := kintest.New(t)
	if err := server.CreateStream("s", 1+r.IntN(6)); err != nil {
		t.Fatal(err)
	}
	pick := func(of ...time.Duration) time.Duration { return of[r.IntN(len(of))] }
	g := &group{
		t: t, rand: r, handlers: rand.New(rand.NewPCG(seed, 4)), rows: memstore.New(), workers: make([]*worker, 2+r.IntN(4)),
		ttl: pick(3*time.Second, 10*time.Second), slow: pick(100*time.Millisecond, 2*time.Second, 15*time.Second),
		checkpointEvery: pick(time.Second, 10*time.Second),
		ignore:          []float64{0, 0.3}[r.IntN(2)],
		manual:          r.IntN(4) == 0,
		noise:           []float64{0, 0.02, 0.2}[r.IntN(3)],
		from:            []kin.Position{kin.TrimHorizon(), kin.Latest()}[r.IntN(2)],
	}
	g.book = newBook(g.ttl, trace)
	about, err := server.Client().DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: new("s")})
	if err != nil {
		t.Fatal(err)
	}
	arn := *about.StreamDescriptionSummary.StreamARN
	g.stream = &stream{t: t, book: g.book, server: server, name: "s", arn: arn, known: map[string]bool{}}
	g.book.mu.Lock()
	g.stream.look()
	g.book.mu.Unlock()
	return g
}

// runGroup does to a group what the seed says, and then lets it settle.
func runGroup(t *testing.T, seed uint64, trace *strings.Builder) {
	g := newGroup(t, seed, trace)
	for host := range g.workers {
		g.boot(host)
	}
	fed := make(chan struct{})
	trouble := 30*time.Second + time.Duration(g.rand.Int64N(int64(90*time.Second)))
	puts := rand.New(rand.NewPCG(seed, 5))
	go func() { // ends after trouble; runGroup waits
		defer close(fed)
		for began := time.Now(); time.Since(began) < trouble; {
			g.stream.put(fmt.Sprint(puts.Uint32()))
			time.Sleep(time.Duration(puts.Int64N(int64(300 * time.Millisecond))))
		}
	}()
	for began := time.Now(); time.Since(began) < trouble; {
		time.Sleep(time.Duration(g.rand.Int64N(int64(2 * g.ttl))))
		g.strike()
	}
	<-fed
	g.settle()
	g.end()
}

// strike does one thing to the group.
func (g *group) strike() {
	host := g.rand.IntN(len(g.workers))
	w := g.workers[host]
	length := time.Duration(g.rand.Int64N(int64(2 * g.ttl)))
	g.book.record(history.Event{Kind: history.Note, Text: fmt.Sprint("strike host ", host, " for ", length)})
	switch what := g.rand.IntN(8); {
	case what == 0:
		g.stream.reshard(true, g.rand.IntN(1<<16))
	case what == 1:
		g.stream.reshard(false, g.rand.IntN(1<<16))
	case what == 2:
		remove := g.stream.server.Inject(kintest.Fault{
			Operation: []string{"GetRecords", "GetShardIterator", "ListShards", ""}[g.rand.IntN(4)],
			Error:     "InternalFailure", Status: 500, Probability: 0.5, Seed: g.rand.Uint64(),
		})
		time.Sleep(length)
		remove()
	case w == nil || w.leaving:
		g.restart(host)
	case what == 3:
		w.crash()
		time.Sleep(length)
		g.boot(host)
	case what == 4:
		w.stop()
	case what == 5:
		w.store.SetOutage(leasetest.Hanging)
		time.Sleep(length)
		w.store.SetOutage(leasetest.Up)
	case what == 6:
		g.outage(length)
	default: // a rolling restart
		for host := range g.workers {
			if w := g.workers[host]; w != nil {
				w.stop()
				g.restart(host)
			}
		}
	}
}

// restart starts a Consumer on a host when the one before it has left.
func (g *group) restart(host int) {
	if w := g.workers[host]; w != nil && w.leaving {
		<-w.done
		g.workers[host] = nil
	}
	g.boot(host)
}

// outage takes the store from everybody for a while.
func (g *group) outage(length time.Duration) {
	hit := append([]*worker(nil), g.workers...)
	for _, w := range hit {
		if w != nil && !w.dead.Load() {
			w.store.SetOutage(leasetest.Refusing)
		}
	}
	time.Sleep(length)
	for _, w := range hit {
		if w != nil && !w.dead.Load() {
			w.store.SetOutage(leasetest.Up)
		}
	}
}

// settle ends all trouble, and waits until every record is done.
func (g *group) settle() {
	g.calm.Store(true)
	for host := range g.workers {
		g.restart(host)
	}
	for i := range 500 { // each open shard gets some
		g.stream.put(fmt.Sprint("last ", i))
	}
	var left string
	for range 40 {
		time.Sleep(g.ttl / 2)
		g.book.mu.Lock()
		left = g.book.checker.Settled()
		g.book.mu.Unlock()
		if left == "" || g.book.violation() != nil {
			return
		}
	}
	g.t.Errorf("not settled: %s", left)
}

// end stops everybody, and looks at what was found.
func (g *group) end() {
	for _, w := range g.all {
		w.cancel()
	}
	for _, w := range g.all {
		<-w.done
		w.store.Wait()
	}
	g.acks.Wait()
	g.book.mu.Lock()
	defer g.book.mu.Unlock()
	f := g.book.checker.Figures()
	g.t.Logf("%d records, %d delivered, %d of them again, %d hand-overs, overlap %v", f.Records, f.Delivered, f.Doubled, f.HandOvers, f.Overlap)
	if v := g.book.checker.Violation(); v != nil {
		g.t.Errorf("%v\n%s", v, strings.Join(g.book.checker.Tail(60), "\n"))
	}
	if f.Records > 0 && f.Delivered == 0 {
		g.t.Error("nothing was delivered")
	}
}
