package operator_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/internal/operator"
	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/lease"
)

const morning lease.Checkpoint = "AT_TIMESTAMP:2026-11-21T08:00:00.000Z"

func snapshot(leases ...lease.Lease) lease.Snapshot {
	for i := range leases {
		leases[i].Revision = 3
	}
	return lease.Snapshot{Streams: []lease.Stream{{ARN: orders, Start: lease.TrimHorizon, Seeded: true, Revision: 1}}, Leases: leases}
}

// planned is the plan as text: shard, checkpoint, and what is special.
func planned(t *testing.T, rows lease.Snapshot, target operator.Target, l operator.Listing) []string {
	t.Helper()
	target.Stream = orders
	steps, err := operator.PlanReset(rows, target, l, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, s := range steps {
		text := fmt.Sprintf("%s %s", s.Change.Old.Shard[len(s.Change.Old.Shard)-1:], s.Change.New.Checkpoint)
		switch {
		case s.Change.Old.Revision == 0:
			text += " new"
		case s.Change.Removes():
			text += "removed"
		case s.Change.New.Owner != "" || s.Change.Old.Owner != "" && s.Change.New.Epoch != s.Change.Old.Epoch+1:
			text += " keeps its owner"
		}
		all = append(all, text)
	}
	return all
}

func TestPlanReset(t *testing.T) {
	t.Parallel()
	before := func(l operator.Listing, ids ...int) operator.Listing {
		l.Before = map[string]bool{}
		for _, id := range ids {
			l.Before[shardID(id)] = true
		}
		return l
	}
	created := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	reborn := snapshot(at(0, lease.ShardEnd), at(7, lease.TrimHorizon, 0))
	reborn.Streams[0].CreatedAt = created.Add(-time.Hour)
	anew := splitListing()
	anew.CreatedAt = created
	for _, c := range []struct {
		name   string
		rows   lease.Snapshot
		target operator.Target
		list   operator.Listing
		want   []string
	}{
		{
			"the trim horizon opens every listed shard, parents first",
			snapshot(at(0, lease.ShardEnd), owned(at(1, "AFTER_SEQUENCE_NUMBER:5", 0), "a"), owned(at(2, lease.TrimHorizon, 0), "b")),
			operator.Target{To: lease.TrimHorizon},
			splitListing(),
			[]string{"0 TRIM_HORIZON", "1 TRIM_HORIZON", "2 TRIM_HORIZON"},
		},
		{
			"a time opens the shard that took records then, and its children come after it",
			snapshot(at(0, lease.ShardEnd), at(1, "AFTER_SEQUENCE_NUMBER:5", 0), at(2, lease.TrimHorizon, 0)),
			operator.Target{To: morning},
			splitListing(),
			[]string{"0 " + string(morning), "1 TRIM_HORIZON"},
		},
		{
			"what ended before the time is finished, after its children were set",
			snapshot(at(0, "AFTER_SEQUENCE_NUMBER:2"), at(1, lease.TrimHorizon, 0), at(2, lease.TrimHorizon, 0)),
			operator.Target{To: morning},
			before(splitListing(), 0),
			[]string{"1 " + string(morning), "2 " + string(morning), "0 SHARD_END"},
		},
		{
			"listed shards without leases get them",
			snapshot(at(0, "AFTER_SEQUENCE_NUMBER:2")),
			operator.Target{To: morning},
			before(splitListing(), 0),
			[]string{"1 " + string(morning) + " new", "2 " + string(morning) + " new", "0 SHARD_END"},
		},
		{
			"shards that are trimmed stay finished, and those not listed yet begin at their beginning",
			snapshot(at(0, lease.ShardEnd), at(1, lease.ShardEnd, 0), at(2, lease.TrimHorizon, 0), at(3, "AFTER_SEQUENCE_NUMBER:1", 1)),
			operator.Target{To: lease.TrimHorizon},
			operator.Listing{Shards: []topology.Shard{{ID: shardID(1), Parents: []string{shardID(0)}, Range: hashkey.Full()}}},
			[]string{"1 TRIM_HORIZON", "3 TRIM_HORIZON"},
		},
		{
			"one shard that is open again takes its descendants along",
			snapshot(at(0, lease.ShardEnd), owned(at(1, "AFTER_SEQUENCE_NUMBER:5", 0), "a"), at(2, lease.TrimHorizon, 0)),
			operator.Target{Shard: shardID(0), To: "AT_SEQUENCE_NUMBER:4"},
			splitListing(),
			[]string{"0 AT_SEQUENCE_NUMBER:4", "1 TRIM_HORIZON"},
		},
		{
			"one open shard is set alone",
			snapshot(at(0, lease.ShardEnd), at(1, "AFTER_SEQUENCE_NUMBER:5", 0), at(2, "AFTER_SEQUENCE_NUMBER:5", 0)),
			operator.Target{Shard: shardID(1), To: "AFTER_SEQUENCE_NUMBER:9"},
			splitListing(),
			[]string{"1 AFTER_SEQUENCE_NUMBER:9"},
		},
		{
			"one shard that ended before the time leaves its children alone",
			snapshot(at(0, "AFTER_SEQUENCE_NUMBER:2"), at(1, lease.TrimHorizon, 0), at(2, lease.TrimHorizon, 0)),
			operator.Target{Shard: shardID(0), To: morning},
			before(splitListing(), 0),
			[]string{"0 SHARD_END"},
		},
		{
			"of a stream that was created anew all old leases go",
			reborn,
			operator.Target{To: lease.TrimHorizon},
			anew,
			[]string{"0 TRIM_HORIZON", "1 TRIM_HORIZON new", "2 TRIM_HORIZON new", "7 removed"},
		},
		{
			"nothing is changed that is there already",
			snapshot(at(0, lease.TrimHorizon), at(1, lease.TrimHorizon, 0), at(2, lease.TrimHorizon, 0)),
			operator.Target{To: lease.TrimHorizon},
			splitListing(), nil,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := planned(t, c.rows, c.target, c.list); !slices.Equal(got, c.want) {
				t.Errorf("plan = %q, want %q", got, c.want)
			}
		})
	}
}

func TestPlanResetRefuses(t *testing.T) {
	t.Parallel()
	holed := splitListing()
	holed.Shards = holed.Shards[:2]
	reborn := snapshot(at(0, lease.ShardEnd))
	reborn.Streams[0].CreatedAt = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	anew := splitListing()
	anew.CreatedAt = reborn.Streams[0].CreatedAt.Add(time.Hour)
	for _, c := range []struct {
		name   string
		rows   lease.Snapshot
		target operator.Target
		list   operator.Listing
		want   error
	}{
		{"a listing with holes", snapshot(), operator.Target{Stream: orders, To: morning}, holed, operator.ErrIncomplete},
		{"a shard that is not listed", snapshot(), operator.Target{Stream: orders, Shard: shardID(7), To: morning}, splitListing(), operator.ErrGoneShard},
		{"one shard of a new stream", reborn, operator.Target{Stream: orders, Shard: shardID(0), To: morning}, anew, operator.ErrNewStream},
		{"a stream of others", snapshot(), operator.Target{Stream: orders + "2", To: morning}, splitListing(), operator.ErrNoStream},
	} {
		if _, err := operator.PlanReset(c.rows, c.target, c.list, time.Now()); !errors.Is(err, c.want) {
			t.Errorf("%s = %v, want %v", c.name, err, c.want)
		}
	}
}

// A random history of reshards, random progress of a group, and a random target: afterwards no
// shard is done whose parents are to be read, nobody owns anything, and all that may hold
// records after the target is to be read.
func TestPlanResetKeepsParentsFirst(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		random := rand.New(rand.NewPCG(seed, 1))
		list, rows := history(random)
		target := operator.Target{Stream: orders, To: []lease.Checkpoint{lease.TrimHorizon, morning}[random.IntN(2)]}
		if target.To == lease.TrimHorizon {
			list.Before = nil
		}
		steps, err := operator.PlanReset(rows, target, list, time.Now())
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		after := make(map[string]lease.Lease)
		for _, l := range rows.Leases {
			after[l.Shard] = l
		}
		opened := make(map[string]bool)
		for _, s := range steps {
			l := s.Change.New
			for _, p := range l.Parents {
				if row, found := after[p]; found && !list.Before[p] && row.Finished() && !l.Finished() && !opened[p] {
					t.Errorf("seed %d: %s is opened before its parent %s", seed, l.Shard, p)
				}
			}
			opened[l.Shard] = true
			after[l.Shard] = l
		}
		for _, s := range list.Shards {
			l, found := after[s.ID]
			if !found || l.Owner != "" || l.Finished() != list.Before[s.ID] {
				t.Errorf("seed %d: %s = %+v, ended before is %v", seed, s.ID, l, list.Before[s.ID])
			}
			for _, p := range s.Parents {
				if _, listed := after[p]; listed && !after[p].Finished() && (l.Finished() || l.Checkpoint != lease.TrimHorizon) {
					t.Errorf("seed %d: %s begins at %s although its parent %s is to be read", seed, s.ID, l.Checkpoint, p)
				}
			}
		}
	}
}

// history makes shards by splits and merges, with some leases. The oldest ones ended before the
// target.
func history(random *rand.Rand) (operator.Listing, lease.Snapshot) {
	list := operator.Listing{Before: map[string]bool{}}
	open := []int{0}
	list.Shards = []topology.Shard{{ID: shardID(0), Range: hashkey.Full()}}
	add := func(r hashkey.Range, parents ...int) int {
		n := len(list.Shards)
		s := topology.Shard{ID: shardID(n), Range: r}
		for _, p := range parents {
			s.Parents = append(s.Parents, shardID(p))
			list.Shards[p].Closed = true
		}
		list.Shards = append(list.Shards, s)
		return n
	}
	steps := random.IntN(12)
	tip := random.IntN(steps + 1) // reshards that were over before the target
	for step := range steps {
		var ended []int
		if at := random.IntN(len(open)); len(open) > 1 && at < len(open)-1 && random.IntN(2) == 0 {
			a, b := open[at], open[at+1]
			r := hashkey.Range{Start: list.Shards[a].Range.Start, End: list.Shards[b].Range.End}
			ended = []int{a, b}
			open = slices.Replace(open, at, at+2, add(r, a, b))
		} else {
			parent := open[at]
			middle, _ := list.Shards[parent].Range.Middle()
			low, high, ok := list.Shards[parent].Range.Split(middle)
			if !ok {
				continue
			}
			ended = []int{parent}
			open = slices.Replace(open, at, at+1, add(low, parent), add(high, parent))
		}
		if step < tip {
			for _, id := range ended {
				list.Before[shardID(id)] = true
			}
		}
	}
	rows := snapshot()
	for i, s := range list.Shards {
		l := lease.Lease{Key: lease.Key{Stream: orders, Shard: s.ID}, Parents: s.Parents, Revision: 1}
		l.Checkpoint = []lease.Checkpoint{lease.TrimHorizon, lease.ShardEnd, "AFTER_SEQUENCE_NUMBER:4"}[random.IntN(3)]
		if random.IntN(3) == 0 {
			l.Owner = "a"
		}
		if random.IntN(5) > 0 || i == 0 {
			rows.Leases = append(rows.Leases, l)
		}
	}
	return list, rows
}

func TestReset(t *testing.T) {
	t.Parallel()
	target := operator.Target{Stream: orders, To: lease.TrimHorizon}
	t.Run("refuses while a worker lives, and forgets the dead", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t)
			f.put(at(0, lease.ShardEnd), owned(at(1, "AFTER_SEQUENCE_NUMBER:5", 0), "b"), at(2, lease.TrimHorizon, 0))
			stop := f.join("a")
			f.join("b")()
			_, err := operator.Reset(t.Context(), f, group, target, splitListing(), false)
			if live, ok := errors.AsType[*operator.LiveError](err); !ok || len(live.Workers) != 1 || live.Workers[0].ID != "a" || f.row(1).Revision != 1 {
				t.Fatalf("error = %v, lease = %+v; want that a lives, and nothing done", err, f.row(1))
			}
			stop()
			done, err := operator.Reset(t.Context(), f, group, target, splitListing(), false)
			if err != nil || len(done.Made) != 2 || !slices.Equal(done.Forgotten, []string{"a", "b"}) {
				t.Fatalf("outcome = %+v, %v", done, err)
			}
			if l := f.row(1); l.Checkpoint != lease.TrimHorizon || l.Owner != "" || l.Epoch != 8 || time.Since(l.CheckpointAt) > time.Second {
				t.Errorf("lease = %+v, want it free, with a new epoch", l)
			}
		})
	})
	t.Run("takes leases from their owners when forced, and tries again when they move", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t)
			f.put(at(0, lease.ShardEnd), owned(at(1, "AFTER_SEQUENCE_NUMBER:5", 0), "a"), owned(at(2, lease.TrimHorizon, 0), "a"))
			defer f.join("a")()
			racing := &racingStore{Store: f, races: 2, race: func() { f.advance(1, "AFTER_SEQUENCE_NUMBER:6") }}
			done, err := operator.Reset(t.Context(), racing, group, target, splitListing(), true)
			if err != nil || len(done.Made) != 3 || len(done.Left) != 0 || racing.races != 0 {
				t.Fatalf("outcome = %+v, %v", done, err)
			}
			for _, shard := range []int{1, 2} {
				if l := f.row(shard); l.Checkpoint != lease.TrimHorizon || l.Owner != "" || l.Epoch != 8 {
					t.Errorf("lease = %+v", l)
				}
			}
		})
	})
	t.Run("leaves alone what was set and then taken by a worker", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t)
			f.put(at(0, "AFTER_SEQUENCE_NUMBER:1"), owned(at(1, "AFTER_SEQUENCE_NUMBER:5", 0), "a"), at(2, lease.TrimHorizon, 0))
			defer f.join("a")()
			taken := false
			racing := &racingStore{Store: f, races: 2}
			racing.race = func() {
				if racing.races == 1 { // the first update
					f.advance(1, "AFTER_SEQUENCE_NUMBER:6")
					return
				}
				old := f.row(0)
				l := old
				l.Owner, l.Epoch, l.Checkpoint = "a", old.Epoch+1, "AFTER_SEQUENCE_NUMBER:1"
				results, err := f.Update(t.Context(), group, []lease.Change{lease.Set(old, l)})
				taken = err == nil && results[0].Made
			}
			if _, err := operator.Reset(t.Context(), racing, group, target, splitListing(), true); err != nil || !taken {
				t.Fatalf("error = %v, taken = %v", err, taken)
			}
			if l := f.row(0); l.Owner != "a" || l.Checkpoint != "AFTER_SEQUENCE_NUMBER:1" {
				t.Errorf("lease = %+v, want it as its new owner has it", l)
			}
		})
	})
	t.Run("says what is left when others are always faster", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t)
			f.put(at(0, "AFTER_SEQUENCE_NUMBER:1"), owned(at(1, "AFTER_SEQUENCE_NUMBER:5", 0), "a"), at(2, lease.TrimHorizon, 0))
			racing := &racingStore{Store: f, races: 1000}
			racing.race = func() { f.advance(1, f.row(1).Checkpoint+"1") }
			done, err := operator.Reset(t.Context(), racing, group, target, splitListing(), true)
			if !errors.Is(err, operator.ErrRaced) || len(done.Made) != 1 || len(done.Left) != 1 || done.Left[0].Shard != shardID(1) {
				t.Errorf("outcome = %+v, %v", done, err)
			}
		})
	})
	t.Run("notes the start, so that shards found later are new ones", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t)
			if _, err := f.PutStream(t.Context(), group, lease.Stream{ARN: orders, Start: lease.TrimHorizon, Revision: 1}); err != nil {
				t.Fatal(err)
			}
			later := operator.Target{Stream: orders, To: morning}
			if _, err := operator.Reset(t.Context(), f, group, later, splitListing(), false); err != nil {
				t.Fatal(err)
			}
			rows, err := f.Load(t.Context(), group)
			if err != nil || len(rows.Leases) != 3 || !rows.Streams[0].Seeded || rows.Streams[0].Start != morning {
				t.Errorf("rows = %+v, %v; want three leases and a seeded stream", rows, err)
			}
		})
	})
	t.Run("notes that the stream was created anew, also if the start is the same", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t)
			old := lease.Stream{ARN: orders, CreatedAt: time.Now().Add(-time.Hour), Start: lease.TrimHorizon, Seeded: true, Revision: 1}
			if _, err := f.PutStream(t.Context(), group, old); err != nil {
				t.Fatal(err)
			}
			f.put(at(0, "AFTER_SEQUENCE_NUMBER:1"))
			anew := splitListing()
			anew.CreatedAt = time.Now()
			if _, err := operator.Reset(t.Context(), f, group, target, anew, false); err != nil {
				t.Fatal(err)
			}
			rows, err := f.Load(t.Context(), group)
			if err != nil || !rows.Streams[0].CreatedAt.Equal(anew.CreatedAt) || !rows.Streams[0].Seeded {
				t.Errorf("rows = %+v, %v; want the stream that was created at %v: workers refuse another one", rows, err, anew.CreatedAt)
			}
		})
	})
}

func TestPreview(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.put(at(0, lease.ShardEnd), at(1, "AFTER_SEQUENCE_NUMBER:5", 0), at(2, lease.TrimHorizon, 0))
		defer f.join("a")()
		steps, workers, err := operator.Preview(t.Context(), f, group, operator.Target{Stream: orders, To: lease.TrimHorizon}, splitListing())
		if err != nil || len(steps) != 2 || len(workers) != 1 || workers[0].Life != operator.Alive || f.row(1).Revision != 1 {
			t.Errorf("preview = %+v, %+v, %v; want two steps, a worker, and nothing done", steps, workers, err)
		}
	})
}
