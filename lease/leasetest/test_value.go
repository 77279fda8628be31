package leasetest

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/kinstream/kin/lease"
)

// valueTests are about rows with values that stores are apt to get wrong.
func valueTests() []test {
	return []test{
		{"Values/bare rows", bareRows},
		{"Values/long texts", longTexts},
		{"Values/large numbers", largeNumbers},
		{"Values/texts that mean something elsewhere", oddTexts},
		{"Values/IDs that are almost the same", almostTheSame},
		{"Values/times to the millisecond", timesToTheMillisecond},
		{"Values/many streams of a worker", manyStreams},
	}
}

// keepsLease checks that a lease comes back as it was written, is recognised, and is told from
// others.
func (g *group) keepsLease(what string, l lease.Lease) {
	g.Helper()
	l.Revision = 1
	wantLease(g, what+": the result", g.made(lease.Create(l))[0], l)
	g.made(lease.Create(l))
	s := g.on(1).load()
	i := slices.IndexFunc(s.Leases, func(stored lease.Lease) bool { return stored.Key == l.Key })
	if i < 0 {
		g.Errorf("%s: load does not show lease %q", what, l.Shard)
		return
	}
	wantLease(g, what+": what load shows", s.Leases[i], l)
	g.made(lease.Remove(l))
}

// keepsWorker checks that a worker comes back as it was written.
func (g *group) keepsWorker(what string, w lease.Worker) {
	g.Helper()
	g.join(w)
	s := g.on(1).poll()
	i := slices.IndexFunc(s.Workers, func(stored lease.Worker) bool { return stored.ID == w.ID })
	if i < 0 {
		g.Errorf("%s: poll does not show worker %q", what, w.ID)
		return
	}
	wantWorker(g, what, s.Workers[i], w)
	got := g.beat(w)
	if got.Beat <= w.Beat {
		g.Errorf("%s: beat %d after %d", what, got.Beat, w.Beat)
	}
	want := w
	want.Beat = got.Beat
	wantWorker(g, what+" after a heartbeat", got, want)
	if !g.forget(w.ID, got.Beat) {
		g.Errorf("%s: worker %q was not forgotten", what, w.ID)
	}
}

func bareRows(g *group) {
	g.keepsLease("a lease with a key only", lease.Lease{Key: row(1).Key})
	one := row(2)
	one.Parents = one.Parents[:1]
	g.keepsLease("a lease with one parent", one)
	none := row(3)
	none.Parents = []string{}
	g.keepsLease("a lease without parents", none)
	g.keepsWorker("a worker with an ID only", lease.Worker{ID: "w"})
	bare := lease.Stream{ARN: arn, Revision: 1}
	wantStream(g, "a stream with an ARN only", g.putStream(bare), bare)
	wantStream(g, "a stream with an ARN only, loaded", g.load().Streams[0], bare)
}

func longTexts(g *group) {
	long := strings.Repeat("x", 255)
	l := row(1)
	l.Key = lease.Key{Stream: strings.Repeat("s", 255), Shard: long}
	l.Parents = []string{long, strings.Repeat("y", 255)}
	l.HashStart, l.HashEnd = strings.Repeat("1", 39), strings.Repeat("9", 39)
	l.Owner, l.Pin = long, strings.Repeat("p", 255)
	l.Checkpoint = lease.Checkpoint("AFTER_SEQUENCE_NUMBER:" + strings.Repeat("7", 128) + ":1234567")
	g.keepsLease("a lease with long texts", l)
	w := worker(strings.Repeat("w", 255))
	w.Build = long
	w.Streams = []string{l.Stream}
	g.keepsWorker("a worker with long texts", w)
	s := stream(l.Stream)
	s.Start = lease.Checkpoint(long)
	wantStream(g, "a stream with long texts", g.putStream(s), s)
}

func largeNumbers(g *group) {
	const odd = 1<<53 + 1 // no floating point number
	l := row(1)
	l.Epoch, l.Load = odd, 40
	g.keepsLease("a lease with large numbers", l)
	l.Epoch = math.MaxInt64
	g.keepsLease("a lease with the largest number", l)
	w := worker("w")
	w.Beat, w.Seen, w.Capacity, w.TTL = odd, odd, math.MaxInt32, math.MaxInt64
	g.keepsWorker("a worker with large numbers", w)

	s := stream(arn)
	for range 12 {
		stored := g.putStream(s)
		wantStream(g, "a stream of many revisions", stored, s)
		s.Revision++
	}
}

func oddTexts(g *group) {
	for _, text := range []string{
		"Ünïcödé-日本語-🦫", `"quoted"`, "it's", `back\slash\`, "per%cent", "under_score", "a;b--c", "#", ":", "/", "$1", "?",
		"NULL", "0", "true", " leading", "trailing ", "two  spaces", "e\u0301", "\u00e9", "[]", "{}", "a,b", "a|b",
		"worker#a", "lease#b", "\u2028",
	} {
		l := row(1)
		l.Key = lease.Key{Stream: text, Shard: text}
		l.Parents, l.Owner, l.Pin, l.Checkpoint = []string{text, text + text}, text, text, lease.Checkpoint(text)
		g.keepsLease("a lease with "+text, l)
		w := worker(text)
		w.Streams, w.Build = []string{text, text}, text
		g.keepsWorker("a worker with "+text, w)
		s := stream(text)
		s.Start = lease.Checkpoint(text)
		wantStream(g, "a stream with "+text, g.putStream(s), s)
	}
}

func almostTheSame(g *group) {
	ids := []string{"w", "W", "w ", "ẃ", "w\u0301", "w.", "w0", "ww"}
	for i, id := range ids {
		w := worker(id)
		w.Capacity = i
		g.join(w)
		l := lease.Lease{Key: lease.Key{Stream: arn, Shard: id}, Owner: id, Load: i}
		g.made(lease.Create(l))
		s := stream(id)
		s.Start = lease.Checkpoint(id)
		wantStream(g, "a stream", g.putStream(s), s)
	}
	s := g.load()
	if len(s.Workers) != len(ids) || len(s.Leases) != len(ids) || len(s.Streams) != len(ids) {
		g.Fatalf("%d workers, %d leases, %d streams, want %d of each", len(s.Workers), len(s.Leases), len(s.Streams), len(ids))
	}
	for _, l := range s.Leases {
		if l.Owner != l.Shard || ids[l.Load] != l.Shard {
			g.Errorf("lease %q is mixed up: %+v", l.Shard, l)
		}
	}
	for _, w := range s.Workers {
		if ids[w.Capacity] != w.ID {
			g.Errorf("worker %q is mixed up: %+v", w.ID, w)
		}
	}
	stored := s.Leases[slices.IndexFunc(s.Leases, func(l lease.Lease) bool { return l.Shard == "w" })]
	other := stored
	other.Owner = "w " // differs by a space: not what is stored
	g.refused(stored, lease.Create(other))
	g.forget("w", lease.AnyBeat)
	if got := len(g.poll().Workers); got != len(ids)-1 {
		g.Errorf("%d workers after one was forgotten, want %d", got, len(ids)-1)
	}
}

func timesToTheMillisecond(g *group) {
	for _, at := range []time.Time{
		{},
		moment(), moment().Add(time.Millisecond), time.UnixMilli(1), time.UnixMilli(0), time.UnixMilli(-1),
		moment().In(time.FixedZone("elsewhere", 5*3600+1800)),
		time.Date(2999, 12, 31, 23, 59, 59, 999_000_000, time.UTC), time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		l := row(1)
		l.CheckpointAt = at
		g.keepsLease("a lease of "+at.String(), l)
		w := worker("w")
		w.JoinedAt = at
		g.keepsWorker("a worker of "+at.String(), w)
		s := stream(arn + at.String())
		s.CreatedAt = at
		wantStream(g, "a stream of "+at.String(), g.putStream(s), s)
	}
	for _, s := range g.load().Streams {
		if want := s.ARN == arn+(time.Time{}).String(); s.CreatedAt.IsZero() != want {
			g.Errorf("stream %s: the time is %s, zero = %t", s.ARN, s.CreatedAt, !want)
		}
	}
	fine := row(2)
	fine.CheckpointAt = moment().Add(456789)
	got := g.made(lease.Create(fine))[0].CheckpointAt
	if d := got.Sub(fine.CheckpointAt).Abs(); d >= time.Millisecond {
		g.Errorf("a time came back as %s, want %s to the millisecond", got, fine.CheckpointAt)
	}
}

func manyStreams(g *group) {
	w := worker("w")
	w.Streams = nil
	for i := range 300 {
		w.Streams = append(w.Streams, strings.Repeat("a", 180)+shard(i))
	}
	g.keepsWorker("a worker with 300 streams", w)
}
