package leasetest

import (
	"errors"
	"sync"

	"github.com/kinstream/kin/lease"
)

// workerTests are about the rows of workers.
func workerTests() []test {
	return []test{
		{"Join/a worker is stored as it is", joinAsItIs},
		{"Join/a worker that is there stays as it is", joinAgain},
		{"Beat/raises the beat and writes what a worker may change", beatWrites},
		{"Beat/of a worker without a row makes none", beatWithoutRow},
		{"Beat/loses nothing of beats at the same time", beatsAtOnce},
		{"Drain/is kept by heartbeats, and can be taken back", drainIsKept},
		{"Drain/of a worker without a row makes none", drainWithoutRow},
		{"Drain/and heartbeats at the same time lose nothing of each other", drainAndBeats},
		{"Forget/deletes the row if the beat is the same", forgetIfSame},
		{"Forget/a worker without a row is gone", forgetWithoutRow},
		{"Forget/and a heartbeat at the same time: one of them wins", forgetAgainstBeat},
	}
}

func joinAsItIs(g *group) {
	want := worker("host-1.abc")
	draining := worker("host-2.def")
	draining.Draining, draining.Beat = true, 0
	g.join(want)
	g.on(1).join(draining)
	for name, s := range map[string]lease.Snapshot{"poll": g.on(2).poll(), "load": g.on(3).load()} {
		if len(s.Workers) != 2 {
			g.Fatalf("%s shows workers %q, want 2", name, idsOf(s))
		}
		wantWorker(g, name, s.Workers[0], want)
		wantWorker(g, name, s.Workers[1], draining)
	}
}

func joinAgain(g *group) {
	g.join(worker("w"))
	want := g.beat(worker("w"))
	other := worker("w")
	other.Beat, other.Streams, other.Draining, other.Build = 100, nil, true, "other"
	g.on(1).join(other)
	wantWorker(g, "a worker that joined under an ID which is there", g.poll().Workers[0], want)
}

func beatWrites(g *group) {
	first := worker("w")
	g.join(first)
	g.join(worker("x"))
	sent := lease.Worker{ID: "w", Beat: 1, Streams: []string{"arn:other"}, Capacity: 7, Draining: true, Seen: 12, TTL: 5, Build: "other"}
	got := g.on(1).beat(sent)
	if got.Beat <= first.Beat {
		g.Errorf("beat = %d after %d, want more", got.Beat, first.Beat)
	}
	want := first
	want.Beat, want.Streams, want.Capacity, want.Seen = got.Beat, sent.Streams, sent.Capacity, sent.Seen
	wantWorker(g, "what beat returned", got, want)
	s := g.poll()
	wantWorker(g, "what poll shows", s.Workers[0], want)
	wantWorker(g, "the other worker", s.Workers[1], worker("x"))

	sent.Capacity = -8 // of a worker that is unable
	got = g.beat(sent)
	want.Beat, want.Capacity = got.Beat, sent.Capacity
	wantWorker(g, "what beat returned of an unable worker", got, want)
	wantWorker(g, "what poll shows of an unable worker", g.on(1).poll().Workers[0], want)

	last := got.Beat
	for range 5 {
		got = g.beat(lease.Worker{ID: "w"})
		if got.Beat <= last || len(got.Streams) != 0 || got.Capacity != 0 || got.Seen != 0 {
			g.Errorf("a heartbeat without anything returned %+v, want a beat of more than %d and nothing else", got, last)
		}
		last = got.Beat
	}
}

func beatWithoutRow(g *group) {
	beat := func(what string) {
		g.Helper()
		row, err := g.store.Beat(g.Context(), g.name, worker("w"))
		if !errors.Is(err, lease.ErrNoWorker) {
			g.Errorf("heartbeat %s: %+v, error %v; want ErrNoWorker", what, row, err)
		}
		if s := g.load(); len(s.Workers) != 0 {
			g.Errorf("a heartbeat %s made a row: %+v", what, s.Workers)
		}
	}
	beat("in a group that is not there")
	g.wantGroup(false)
	g.join(worker("w"))
	g.forget("w", lease.AnyBeat)
	beat("of a worker that was forgotten")
}

func beatsAtOnce(g *group) {
	g.join(worker("w"))
	const workers, each = 8, 5
	errs := g.atOnce(workers, func(g *group, _ int) error {
		for range each {
			if _, err := g.store.Beat(g.Context(), g.name, worker("w")); err != nil {
				return err
			}
		}
		return nil
	})
	g.must("heartbeats at the same time", errs)
	if got, want := g.poll().Workers[0].Beat, worker("w").Beat+workers*each; got < want {
		g.Errorf("beat after %d heartbeats = %d, want at least %d", workers*each, got, want)
	}
}

func drainIsKept(g *group) {
	g.join(worker("w"))
	g.join(worker("x"))
	g.on(1).drain(true)
	want := worker("w")
	want.Draining = true
	wantWorker(g, "a worker that drains", g.poll().Workers[0], want)
	if !g.beat(worker("w")).Draining || !g.poll().Workers[0].Draining {
		g.Error("a heartbeat ended the draining")
	}
	g.drain(false)
	if g.beat(worker("w")).Draining {
		g.Error("a worker drains on after that was taken back")
	}
	wantWorker(g, "the other worker", g.poll().Workers[1], worker("x"))
}

func drainWithoutRow(g *group) {
	for _, draining := range []bool{true, false} {
		if err := g.store.Drain(g.Context(), g.name, "w", draining); !errors.Is(err, lease.ErrNoWorker) {
			g.Errorf("draining %t a worker that is not there: error %v, want ErrNoWorker", draining, err)
		}
	}
	if s := g.load(); len(s.Workers) != 0 {
		g.Errorf("draining made a row: %+v", s.Workers)
	}
	g.wantGroup(false)
}

func drainAndBeats(g *group) {
	for range g.rounds(20) {
		g := g.another()
		g.join(worker("w"))
		errs := g.atOnce(4, func(g *group, i int) error {
			if i == 0 {
				return g.store.Drain(g.Context(), g.name, "w", true)
			}
			_, err := g.store.Beat(g.Context(), g.name, worker("w"))
			return err
		})
		g.must("draining and heartbeats at the same time", errs)
		if w := g.poll().Workers[0]; !w.Draining || w.Beat < worker("w").Beat+3 {
			g.Fatalf("after a drain and 3 heartbeats: draining = %t, beat = %d, want true and at least %d", w.Draining, w.Beat, worker("w").Beat+3)
		}
	}
}

func forgetIfSame(g *group) {
	g.join(worker("w"))
	g.join(worker("x"))
	beat := g.beat(worker("w")).Beat
	for _, other := range []int64{worker("w").Beat, beat + 1, 0} {
		if g.on(1).forget("w", other) {
			g.Errorf("a worker with beat %d was forgotten with beat %d", beat, other)
		}
	}
	if ids := idsOf(g.poll()); len(ids) != 2 {
		g.Fatalf("workers = %q after nobody was forgotten", ids)
	}
	if !g.on(1).forget("w", beat) {
		g.Error("forget with the stored beat: gone = false")
	}
	if ids := idsOf(g.poll()); len(ids) != 1 || ids[0] != "x" {
		g.Fatalf("workers = %q after w was forgotten, want x", ids)
	}
	if !g.forget("x", lease.AnyBeat) || len(g.load().Workers) != 0 {
		g.Error("forget with AnyBeat left the row")
	}
}

func forgetWithoutRow(g *group) {
	if !g.forget("w", 3) || !g.forget("w", lease.AnyBeat) {
		g.Error("forget of a worker without a row: gone = false, want true")
	}
	g.wantGroup(false)
	zero := worker("zero")
	zero.Beat = 0
	g.join(zero)
	if g.forget("zero", 1) {
		g.Error("a worker that never sent a heartbeat was forgotten with beat 1")
	}
	if !g.forget("zero", 0) {
		g.Error("a worker that never sent a heartbeat: forget with beat 0 left it")
	}
}

// forgetAgainstBeat is the race on which safety rests: a worker whose heartbeat was answered
// has its row.
func forgetAgainstBeat(g *group) {
	g.join(worker("other"))
	for range g.rounds(100) {
		g.join(worker("w"))
		var beatErr error
		var gone bool
		errs := g.atOnce(2, func(g *group, i int) (err error) {
			if i == 0 {
				_, beatErr = g.store.Beat(g.Context(), g.name, worker("w"))
				return nil
			}
			gone, err = g.store.Forget(g.Context(), g.name, "w", worker("w").Beat)
			return err
		})
		g.must("forget", errs)
		if beatErr != nil && !errors.Is(beatErr, lease.ErrNoWorker) {
			g.Fatalf("heartbeat: %v", beatErr)
		}
		if alive := beatErr == nil; alive == gone {
			g.Fatalf("heartbeat answered = %t, worker gone = %t; want one of them", alive, gone)
		}
		if rows := len(g.poll().Workers) - 1; (rows == 0) != gone {
			g.Fatalf("the worker has %d rows although gone = %t", rows, gone)
		}
		g.forget("w", lease.AnyBeat)
	}
}

// atOnce runs f in n goroutines that begin together, each with a client of its own as far as
// there are enough, and returns their errors.
func (g *group) atOnce(n int, f func(g *group, i int) error) error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			<-start
			errs[i] = f(g.on(i), i)
		})
	}
	close(start)
	wait.Wait()
	return errors.Join(errs...)
}
