package coord_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/coord"
	"github.com/kinstream/kin/lease"
)

// largeGroup returns a Machine that is one of 200 workers with 10,000 leases, 50 of which are
// its own, and the snapshot that it knows.
func largeGroup(b *testing.B) (*coord.Machine, lease.Snapshot, time.Duration) {
	b.Helper()
	const leases, workers = 10_000, 200
	s := lease.Snapshot{Version: 1}
	id := func(i int) string { return fmt.Sprintf("worker-%03d", i) }
	for i := range workers {
		s.Workers = append(s.Workers, lease.Worker{ID: id(i), Beat: 1, Streams: []string{stream1}, TTL: ttl})
	}
	for i := range leases {
		s.Leases = append(s.Leases, lease.Lease{
			Key: shardKey(i), Owner: id(i % workers), Epoch: 1, Revision: 2, Checkpoint: after(i + 1), HashStart: "0", HashEnd: "1",
		})
	}
	s.Streams = []lease.Stream{{ARN: stream1, CreatedAt: created, Start: lease.TrimHorizon, Seeded: true, Revision: 2}}
	c := config(id(0))
	m := coord.New(c)
	now := time.Duration(0)
	empty := lease.Snapshot{Streams: s.Streams}
	calls := map[string]int{}
	m.Step(now, coord.Tick{})
	m.Step(now, coord.Loaded{Snapshot: empty})
	for _, a := range slices.Clone(m.Step(now, coord.Joined{Worker: id(0)})) {
		if _, load := a.(coord.Load); load {
			answer(m, now, coord.Loaded{Snapshot: s}, &s, calls)
		}
	}
	for range 10 {
		now += 200 * time.Millisecond
		answer(m, now, coord.Tick{}, &s, calls)
	}
	if n := len(m.Held()); n != leases/workers {
		b.Fatalf("holds %d leases, want %d", n, leases/workers)
	}
	return m, s, now
}

func BenchmarkStep(b *testing.B) {
	b.Run("progress", func(b *testing.B) {
		m, _, now := largeGroup(b)
		held := m.Held()
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			i++
			l := held[i%len(held)].Lease
			now += time.Microsecond
			m.Step(now, coord.Progress{Key: l.Key, Epoch: l.Epoch, Checkpoint: after(1_000_000 + i), Load: 5})
		}
	})
	b.Run("tick", func(b *testing.B) {
		m, _, now := largeGroup(b)
		b.ReportAllocs()
		for b.Loop() {
			now += time.Microsecond
			m.Step(now, coord.Tick{})
		}
	})
	b.Run("poll", func(b *testing.B) { // of 200 workers, each of which has made a heartbeat
		m, s, now := largeGroup(b)
		b.ReportAllocs()
		calls := map[string]int{}
		for b.Loop() {
			now += ttl / 2
			for i := range s.Workers {
				s.Workers[i].Beat++
			}
			answer(m, now, coord.Tick{}, &s, calls)
		}
		b.ReportMetric(float64(calls["Poll"])/float64(b.N), "polls/op")
	})
	b.Run("load", func(b *testing.B) { // with a plan of 10,000 leases for 200 workers
		m, s, now := largeGroup(b)
		b.ReportAllocs()
		calls := map[string]int{}
		for b.Loop() {
			now += ttl / 2
			s.Version++
			for i := range s.Workers {
				s.Workers[i].Beat++
			}
			answer(m, now, coord.Tick{}, &s, calls)
			answer(m, now, coord.Tick{}, &s, calls)
		}
		b.ReportMetric(float64(calls["Load"])/float64(b.N), "loads/op")
	})
}

// answer tells m an event, and answers the calls that it makes from a snapshot.
func answer(m *coord.Machine, now time.Duration, e coord.Event, s *lease.Snapshot, calls map[string]int) {
	for _, a := range slices.Clone(m.Step(now, e)) {
		switch a := a.(type) {
		case coord.Poll:
			calls["Poll"]++
			answer(m, now, coord.Polled{Snapshot: lease.Snapshot{Version: s.Version, Workers: s.Workers}}, s, calls)
		case coord.Load:
			calls["Load"]++
			answer(m, now, coord.Loaded{Snapshot: *s}, s, calls)
		case coord.Beat:
			answer(m, now, coord.Beaten{Worker: a.Worker}, s, calls)
		case coord.List:
			answer(m, now, coord.Listed{Stream: a.Stream, Err: errDown}, s, calls)
		}
	}
}
