//go:build unix

package group_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin/e2e/group/account"
	"github.com/kinstream/kin/e2e/group/proxy"
	"github.com/kinstream/kin/e2e/group/trace"
	"github.com/kinstream/kin/e2e/group/worker"
	"github.com/kinstream/kin/e2e/server"
)

// plan says what a scenario needs.
type plan struct {
	server  server.Kind
	store   storeKind
	streams int           // defaults to 1
	shards  int           // of each stream at the start; defaults to 8
	keys    int           // of each stream; defaults to 4 for each shard
	every   time.Duration // between calls of a feeder; defaults to 25 ms
	timeout time.Duration // of the whole scenario; defaults to 2 minutes
	worker  worker.Config // settings of all workers
}

// rig is a scenario at work.
type rig struct {
	testing.TB
	plan

	ctx          context.Context
	client       *kinesis.Client
	server       *server.Server
	storeSpec    string // see worker.OpenStore
	storeAddress string // host and port in it; empty for a store without a server
	storePID     int    // of its server; 0 without one
	storeMode    proxy.Mode
	dir          string // of the logs
	defaults     worker.Config
	clock        trace.Clock
	began        trace.Time
	calm         [2]trace.Time // from when to when nothing happened
	observer     *observer
	feeders      []*feeder
	processes    []*process
	numbers      int
	acked        *ledger
}

var groups atomic.Int64

// newRig starts servers, streams, feeders and the observer, and no worker yet.
func newRig(tb testing.TB, p plan) *rig {
	tb.Helper()
	p.fill()
	ctx, cancel := context.WithTimeout(tb.Context(), p.timeout)
	tb.Cleanup(cancel)
	r := &rig{TB: tb, plan: p, ctx: ctx, clock: trace.NewClock(), dir: tb.ArtifactDir(), acked: newLedger()}
	r.server = p.server.Start(tb)
	r.client = r.server.Client()
	r.storeSpec, r.storeAddress, r.storePID = p.store.start(tb)
	group := fmt.Sprintf("g%d-%d", os.Getpid(), groups.Add(1))
	r.defaults = p.worker
	r.defaults.Store, r.defaults.Group = r.storeSpec, group
	store, err := worker.OpenStore(r.storeSpec)
	r.must(err)
	r.must(store.Prepare(ctx))
	r.observer = &observer{store: store, group: group, every: 50 * time.Millisecond, clock: r.clock}
	for i := range p.streams {
		r.defaults.Streams = append(r.defaults.Streams, r.stream(fmt.Sprintf("%s-%d", group, i)))
	}
	r.observer.start(ctx)
	tb.Cleanup(func() {
		r.observer.stop()
		_ = store.Close()
	})
	tb.Cleanup(r.end)
	r.began = r.now()
	return r
}

func (p *plan) fill() {
	set := func(value *int, def int) {
		if *value == 0 {
			*value = def
		}
	}
	wait := func(value *time.Duration, def time.Duration) {
		if *value == 0 {
			*value = def
		}
	}
	set(&p.streams, 1)
	set(&p.shards, 8)
	set(&p.keys, 4*p.shards)
	wait(&p.every, 25*time.Millisecond)
	wait(&p.timeout, 2*time.Minute)
	wait(&p.worker.TTL, 3*time.Second)
	wait(&p.worker.CheckpointEvery, time.Second)
	wait(&p.worker.ListEvery, time.Second)
	wait(&p.worker.ShutdownTimeout, 20*time.Second)
}

// stream makes a stream and begins to feed it.
func (r *rig) stream(name string) string {
	r.Helper()
	_, err := r.client.CreateStream(r.ctx, &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(int32(r.shards))})
	r.must(err)
	r.active(name)
	f := &feeder{client: r.client, stream: name, keys: r.keys, every: r.every, clock: r.clock, acked: r.acked.put}
	f.start(r.ctx)
	r.feeders = append(r.feeders, f)
	return name
}

// through starts a proxy to the host of a URL, and returns the URL through it.
func (r *rig) through(to string) (string, *proxy.Proxy) {
	r.Helper()
	u, err := url.Parse(to)
	r.must(err)
	p, err := proxy.Start(u.Host)
	r.must(err)
	u.Host = p.Address()
	return u.String(), p
}

func (r *rig) add(p *process) { r.processes = append(r.processes, p) }

func (r *rig) number() int {
	r.numbers++
	return r.numbers
}

func (r *rig) now() trace.Time {
	at, _ := r.clock.Now()
	return at
}

// notef says what the scenario does, with the time, as the logs have it.
func (r *rig) notef(format string, args ...any) {
	r.Helper()
	r.Logf("%s %s", r.now(), fmt.Sprintf(format, args...))
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// until waits for a condition. It reads the logs of the workers meanwhile.
func (r *rig) until(what string, condition func() bool) {
	r.Helper()
	if !r.within(r.ctx, what, condition) {
		r.Fatalf("%s did not come about: %v\n%s", what, context.Cause(r.ctx), r.state())
	}
}

// within waits for a condition until ctx ends, and reports whether it came about.
func (r *rig) within(ctx context.Context, what string, condition func() bool) bool {
	r.Helper()
	began := time.Now()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		r.read()
		if condition() {
			r.notef("%s (after %s)", what, time.Since(began).Round(10*time.Millisecond))
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
}

// pass lets time pass in which the group works.
func (r *rig) pass(d time.Duration) {
	r.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	r.until(fmt.Sprintf("%s passed", d), func() bool {
		select {
		case <-timer.C:
			return true
		default:
			return false
		}
	})
}

// quiet waits until all shards are being read, and lets time pass in which nothing happens to the
// group. How long gaps are then says how slow the machine is: see gap.
func (r *rig) quiet(d time.Duration) {
	r.Helper()
	behind := r.acked.behind()
	r.until("what was put so far is handled", func() bool { return r.acked.handledAll(behind) })
	from := r.now()
	r.pass(d)
	r.calm = [2]trace.Time{from, r.now()}
}

// shared waits until so many workers, all of which run, share all shards evenly.
func (r *rig) shared(workers int) {
	r.Helper()
	asked := r.now()
	r.until(fmt.Sprintf("%d workers share evenly", workers), func() bool {
		snapshot, at := r.observer.snapshot()
		if at < asked || !even(snapshot, workers) {
			return false
		}
		for _, w := range snapshot.Workers {
			if !slices.ContainsFunc(r.processes, func(p *process) bool { return !p.gone() && strings.HasPrefix(w.ID, p.name+"-") }) {
				return false
			}
		}
		return true
	})
}

// read takes in what the workers have logged.
func (r *rig) read() {
	r.Helper()
	for _, p := range r.processes {
		entries, err := p.log.Read()
		r.must(err)
		r.acked.handled(entries)
	}
}

// state is what is known when a scenario does not go on.
func (r *rig) state() string {
	var b strings.Builder
	snapshot, _ := r.observer.snapshot()
	owned, orphans := shares(snapshot)
	fmt.Fprintf(&b, "leases by worker: %v, without one: %d\nto be handled: %s\n", owned, orphans, r.acked)
	for _, p := range r.processes {
		fmt.Fprintf(&b, "%s: %v, said:\n%s\n", p.name, p.cmd.ProcessState, lastLines(p.stderr, 12))
	}
	return b.String()
}

// lastLines returns the end of a file.
func lastLines(path string, n int) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// restTimeout is how long a group may take, when nothing is put any more, to handle the rest.
const restTimeout = 40 * time.Second

// finish stops the feeding, waits until everything has been handled, stops the workers that run in
// order, and returns the account. Violations fail the test.
func (r *rig) finish() *account.Report {
	r.Helper()
	for _, f := range r.feeders {
		f.stop()
		r.must(f.failed)
	}
	rest, cancel := context.WithTimeout(r.ctx, restTimeout)
	defer cancel()
	if !r.within(rest, "all is handled", func() bool { return r.acked.left() == 0 }) {
		r.Errorf("not all is handled after %s: the account says what is lost\n%s", restTimeout, r.state())
	}
	for _, p := range r.processes {
		if !p.gone() {
			p.terminate()
		}
	}
	for _, p := range r.processes {
		p.left()
	}
	r.read()
	r.observer.look(r.ctx)
	report := account.Check(r.input())
	for i, v := range report.Violations {
		if i == 20 {
			r.Errorf("and %d more", len(report.Violations)-i)
			break
		}
		r.Error(v)
	}
	r.Logf("account:\n%s", report)
	return report
}

// input collects the logs.
func (r *rig) input() account.Input {
	in := account.Input{
		Puts: r.acked.log(), Rows: r.observer.history(), Parents: map[account.Shard][]account.Shard{},
		Handling: r.defaults.Handling + 20*time.Millisecond, ByKey: r.defaults.Parallel > 1,
	}
	for _, p := range r.processes {
		if entries := p.log.Entries(); len(entries) > 0 {
			in.Logs = append(in.Logs, entries)
		}
	}
	for _, f := range r.feeders {
		for _, s := range r.list(f.stream) {
			shard := account.Shard{Stream: f.stream, ID: aws.ToString(s.ShardId)}
			for _, parent := range []*string{s.ParentShardId, s.AdjacentParentShardId} {
				if parent != nil {
					in.Parents[shard] = append(in.Parents[shard], account.Shard{Stream: f.stream, ID: *parent})
				}
			}
		}
	}
	return in
}

// end stops what still runs, also after a failure.
func (r *rig) end() {
	for _, f := range r.feeders {
		f.stop()
	}
	for _, p := range r.processes {
		p.end(r.TB)
	}
	if r.Failed() {
		r.Logf("logs are in %s", r.dir)
	}
}
