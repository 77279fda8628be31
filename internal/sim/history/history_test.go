package history_test

import (
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/sim/history"
	"github.com/kinstream/kin/lease"
)

const (
	ttl = 10 * time.Second
	arn = "arn:aws:kinesis:eu-west-1:123456789012:stream/s"
)

func key(shard string) lease.Key { return lease.Key{Stream: arn, Shard: shard} }

// book writes a history.
type book struct {
	*history.Checker
	now time.Duration
	row map[string]lease.Lease
}

func newBook() *book {
	b := &book{
		Checker: history.New(history.Config{TTL: ttl, MaxGap: time.Second}),
		row:     map[string]lease.Lease{},
	}
	b.add(history.Event{Kind: history.StreamPut, Key: key(""), Text: "TRIM_HORIZON", OK: true})
	return b
}

func (b *book) add(e history.Event) { e.At = b.now; b.Record(e) }

func (b *book) wait(d time.Duration) { b.now += d }

func (b *book) join(ids ...string) {
	for _, id := range ids {
		b.add(history.Event{Kind: history.Joined, Worker: id})
		b.trust(id)
	}
}

func (b *book) trust(id string) {
	b.add(history.Event{Kind: history.Beat, Worker: id})
	b.add(history.Event{Kind: history.Trusted, Worker: id, Began: b.now})
}

func (b *book) shard(id string, records int64, parents ...string) {
	b.add(history.Event{Kind: history.Opened, Key: key(id), Names: parents})
	b.put(id, 0, records)
}

func (b *book) put(id string, from, to int64) {
	b.add(history.Event{Kind: history.Put, Key: key(id), From: from, To: to})
}

// change changes a row and makes the rest as it should be.
func (b *book) change(by, shard string, f func(*lease.Lease)) {
	old := b.row[shard]
	old.Key = key(shard)
	now := old
	now.Revision++
	f(&now)
	if now.Owner != old.Owner && now.Epoch == old.Epoch {
		now.Epoch++
	}
	b.row[shard] = now
	b.add(history.Event{Kind: history.Changed, By: by, Key: key(shard), Change: &lease.Change{Old: old, New: now}})
}

func (b *book) create(shard string, cp lease.Checkpoint) {
	b.change("a", shard, func(l *lease.Lease) { l.Checkpoint = cp })
}

func (b *book) own(by, shard, owner string) {
	b.change(by, shard, func(l *lease.Lease) { l.Owner = owner })
}

func (b *book) checkpoint(by string, cp lease.Checkpoint) {
	b.change(by, "0", func(l *lease.Lease) { l.Checkpoint = cp })
}

func (b *book) start(worker, shard string) {
	row := b.row[shard]
	b.add(history.Event{Kind: history.Started, Worker: worker, Key: key(shard), Epoch: row.Epoch, Text: string(row.Checkpoint)})
}

// stop ends the reading of worker a.
func (b *book) stop() {
	b.add(history.Event{Kind: history.Stopped, Worker: "a", Key: key("0"), Epoch: 1})
}

func (b *book) deliver(worker string, epoch, id, from, to int64) {
	b.add(history.Event{Kind: history.Delivered, Worker: worker, Key: key("0"), Epoch: epoch, ID: id, From: from, To: to})
}

// handle delivers records of shard 0 to worker a, which acknowledges them.
func (b *book) handle(id, from, to int64) {
	b.deliver("a", 1, id, from, to)
	b.add(history.Event{Kind: history.Handled, Worker: "a", ID: id, OK: true})
	b.add(history.Event{Kind: history.Acked, Worker: "a", Key: key("0"), Epoch: 1, From: from, To: to})
}

// work is a history in which worker a reads shard 0 with its 10 records, of which 5 are done.
func work() *book {
	b := newBook()
	b.shard("0", 10)
	b.join("a", "b")
	b.create("0", lease.TrimHorizon)
	b.own("a", "0", "a")
	b.start("a", "0")
	b.handle(1, 0, 5)
	return b
}

// A worker that was to hand a shard over reads on from where it was, although a former owner has
// ended its own reading meanwhile.
func TestReadingOnAfterAFormerOwnerEnds(t *testing.T) {
	t.Parallel()
	b := work()
	b.checkpoint("a", "AFTER_SEQUENCE_NUMBER:4")
	b.wait(ttl)
	b.add(history.Event{Kind: history.Forgotten, Worker: "a", By: "b"})
	b.own("b", "0", "b")
	b.trust("b")
	b.start("b", "0")
	b.deliver("b", 2, 2, 5, 8)
	b.add(history.Event{Kind: history.Handled, Worker: "b", ID: 2, OK: true})
	b.add(history.Event{Kind: history.Acked, Worker: "b", Key: key("0"), Epoch: 2, From: 5, To: 8})
	b.add(history.Event{Kind: history.Stopped, Worker: "b", Key: key("0"), Epoch: 2})
	b.stop()
	b.add(history.Event{Kind: history.Started, Worker: "b", Key: key("0"), Epoch: 2, Text: "AFTER_SEQUENCE_NUMBER:7"})
	if v := b.Violation(); v != nil {
		t.Errorf("violation = %v, want none", v)
	}
}

func TestCheckerFinds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		rule string
		do   func(*book)
	}{
		{"a lease changes by a compare-and-set", func(b *book) {
			old := b.row["0"]
			old.Revision--
			b.row["0"] = old
			b.checkpoint("a", "AFTER_SEQUENCE_NUMBER:1")
		}},
		{"each change raises the revision by one", func(b *book) { b.change("a", "0", func(l *lease.Lease) { l.Revision += 2 }) }},
		{"the epoch rises by one", func(b *book) {
			b.stop()
			b.change("a", "0", func(l *lease.Lease) { l.Owner, l.Checkpoint, l.Epoch = "b", "AFTER_SEQUENCE_NUMBER:4", 3 })
		}},
		{"only the owner moves the checkpoint", func(b *book) { b.checkpoint("b", "AFTER_SEQUENCE_NUMBER:1") }},
		{"a checkpoint never goes back", func(b *book) {
			b.checkpoint("a", "AFTER_SEQUENCE_NUMBER:4")
			b.checkpoint("a", "AFTER_SEQUENCE_NUMBER:3")
		}},
		{"checkpoints are of records that were acknowledged", func(b *book) { b.checkpoint("a", "AFTER_SEQUENCE_NUMBER:5") }},
		{"checkpoints are positions", func(b *book) { b.checkpoint("a", "SOMEWHERE") }},
		{"no lease is taken from a worker that has a row", func(b *book) { b.own("b", "0", "b") }},
		{"a worker takes leases only for itself", func(b *book) {
			b.shard("1", 0)
			b.create("1", lease.TrimHorizon)
			b.own("a", "1", "b")
		}},
		{"a lease is handed over after its reading ended", func(b *book) { b.own("a", "0", "b") }},
		{"a lease is handed over with its final checkpoint", func(b *book) { b.stop(); b.own("a", "0", "b") }},
		{"a reading has ended when its handler has returned", func(b *book) { b.deliver("a", 1, 2, 5, 6); b.stop() }},
		{"a lease is finished after all its records are acknowledged", func(b *book) {
			b.add(history.Event{Kind: history.Closed, Key: key("0")})
			b.checkpoint("a", lease.ShardEnd)
		}},
		{"a lease is finished after the children that were named", func(b *book) {
			b.handle(2, 5, 10)
			b.add(history.Event{Kind: history.Closed, Key: key("0")})
			b.shard("1", 0, "0")
			b.add(history.Event{Kind: history.Ended, Worker: "a", Key: key("0"), Names: []string{"1"}})
			b.checkpoint("a", lease.ShardEnd)
		}},
		{"a shard gets a lease after its parents", func(b *book) {
			b.shard("1", 0)
			b.shard("2", 0, "1")
			b.create("2", lease.TrimHorizon)
		}},
		{"a new shard begins at its oldest record", func(b *book) { b.shard("1", 3); b.create("1", "AFTER_SEQUENCE_NUMBER:0") }},
		{"a new shard begins at its oldest record", func(b *book) { b.shard("1", 3); b.create("1", lease.ShardEnd) }},
		{"only finished leases are deleted", func(b *book) { b.change("a", "0", func(l *lease.Lease) { l.Revision = 0 }) }},
		{"a lease stays for as long as its shard is listed", func(b *book) {
			b.handle(2, 5, 10)
			b.add(history.Event{Kind: history.Closed, Key: key("0")})
			b.checkpoint("a", lease.ShardEnd)
			b.change("a", "0", func(l *lease.Lease) { l.Revision = 0 })
		}},
		{"parents are done before their children", func(b *book) {
			b.shard("1", 3, "0")
			b.create("1", lease.TrimHorizon)
			b.own("a", "1", "a")
			b.start("a", "1")
		}},
		{"a worker trusts its leases for 0.7 TTL", func(b *book) { b.wait(ttl * 8 / 10); b.deliver("a", 1, 2, 5, 6) }},
		{"only the owner delivers records", func(b *book) {
			b.wait(ttl)
			b.add(history.Event{Kind: history.Forgotten, Worker: "a", By: "b"})
			b.own("b", "0", "b")
			b.add(history.Event{Kind: history.Trusted, Worker: "a", Began: b.now})
			b.deliver("a", 1, 2, 5, 6)
		}},
		{"records of a shard are delivered without a hole", func(b *book) { b.deliver("a", 1, 2, 6, 7) }},
		{"records of a shard are delivered in order", func(b *book) { b.deliver("a", 1, 2, 3, 7) }},
		{"records are delivered that were put", func(b *book) { b.deliver("a", 1, 2, 5, 11) }},
		{"records are acknowledged that were delivered", func(b *book) {
			b.add(history.Event{Kind: history.Acked, Worker: "a", Key: key("0"), Epoch: 1, From: 5, To: 6})
		}},
		{"handlers of two workers overlap", func(b *book) {
			b.deliver("a", 1, 2, 5, 6)
			b.wait(ttl)
			b.add(history.Event{Kind: history.Forgotten, Worker: "a", By: "b"})
			b.own("b", "0", "b")
			b.trust("b")
			b.start("b", "0")
			b.deliver("b", 2, 3, 0, 6)
		}},
		{"a worker is forgotten after its beat stood still", func(b *book) {
			b.wait(ttl / 2)
			b.add(history.Event{Kind: history.Forgotten, Worker: "a", By: "b"})
		}},
		{"a worker's row goes after its last hand-over", func(b *book) { b.add(history.Event{Kind: history.Forgotten, Worker: "a", By: "a"}) }},
		{"worker IDs are never used again", func(b *book) { b.join("a") }},
		{"worker IDs are never used again", func(b *book) {
			b.wait(ttl)
			b.add(history.Event{Kind: history.Forgotten, Worker: "a", By: "b"})
			b.join("a")
			b.deliver("a", 1, 2, 5, 6)
		}},
		{"the start of a stream is decided once", func(b *book) {
			b.add(history.Event{Kind: history.StreamPut, Key: key(""), Text: "AT_TIMESTAMP:2026-01-01T00:00:00Z", OK: true})
		}},
		{"the shards of a worker in trouble are read by others soon", func(b *book) {
			b.wait(time.Second)
			b.Pass(b.now)
			b.Watch(time.Second)
			b.add(history.Event{Kind: history.Shaded, Worker: "a", OK: true})
			b.wait(2 * time.Second)
			b.Pass(b.now)
			b.Watch(time.Second)
		}},
		{"leases stay where they are while nobody can read", func(b *book) { b.Stirred("0 went from a to b") }},
		{"a planned hand-over leaves no shard unread for long", func(b *book) {
			b.add(history.Event{Kind: history.Calm, OK: true})
			b.stop()
			b.change("a", "0", func(l *lease.Lease) { l.Owner, l.Checkpoint = "b", "AFTER_SEQUENCE_NUMBER:4" })
			b.wait(2 * time.Second)
			b.start("b", "0")
		}},
	} {
		t.Run(test.rule, func(t *testing.T) {
			t.Parallel()
			b := work()
			if v := b.Violation(); v != nil {
				t.Fatalf("before: %v", v)
			}
			test.do(b)
			if v := b.Violation(); v == nil || !strings.HasPrefix(v.Rule, test.rule) {
				t.Errorf("violation %v, want that %s", v, test.rule)
			}
		})
	}
}

func TestCheckerExcuses(t *testing.T) {
	t.Parallel()
	// taken over while a has records in hand
	takeOver := func(b *book) {
		b.wait(ttl)
		b.add(history.Event{Kind: history.Forgotten, Worker: "a", By: "b"})
		b.own("b", "0", "b")
		b.trust("b")
		b.start("b", "0")
		b.deliver("b", 2, 3, 0, 6)
		b.wait(3 * time.Second)
		b.add(history.Event{Kind: history.Handled, ID: 2})
	}
	for name, test := range map[string]struct {
		do   func(*book)
		want func(history.Figures) history.Lengths
	}{
		"a handler that ignores its context": {func(b *book) {
			b.add(history.Event{Kind: history.Delivered, Worker: "a", Key: key("0"), Epoch: 1, ID: 2, From: 5, To: 6, OK: true})
			takeOver(b)
		}, func(f history.Figures) history.Lengths { return f.Overlap.Handler }},
		"a process that stood still, for the time after it": {func(b *book) {
			b.deliver("a", 1, 2, 5, 6)
			b.add(history.Event{Kind: history.Frozen, Worker: "a"})
			b.wait(ttl)
			b.add(history.Event{Kind: history.Thawed, Worker: "a"})
			b.now -= ttl
			takeOver(b)
		}, func(f history.Figures) history.Lengths { return f.Overlap.Frozen }},
		"a clock beyond the margin": {func(b *book) {
			b.deliver("a", 1, 2, 5, 6)
			b.add(history.Event{Kind: history.BadClock, Worker: "a"})
			takeOver(b)
		}, func(f history.Figures) history.Lengths { return f.Overlap.BadClock }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := work()
			test.do(b)
			if v := b.Violation(); v != nil {
				t.Fatal(v)
			}
			if got := test.want(b.Figures()); got.Count != 1 || got.Max != 3*time.Second {
				t.Errorf("overlap %+v, want one of 3s", got)
			}
		})
	}
}

// A Join that was made twice may come to the store when its worker has deleted its row, and before it
// hears that.
func TestCheckerLetsAWorkerLeaveWhoseRowCameBack(t *testing.T) {
	t.Parallel()
	for _, deleted := range []bool{true, false} {
		b := work()
		b.join("c")
		if deleted {
			b.add(history.Event{Kind: history.Forgotten, Worker: "c", By: "c"})
			b.add(history.Event{Kind: history.Joined, Worker: "c"})
		}
		b.add(history.Event{Kind: history.Left, Worker: "c", OK: true})
		if v := b.Violation(); (v == nil) != deleted {
			t.Errorf("row deleted before: %v; violation %v", deleted, v)
		}
	}
}

// A worker whose row was deleted by others, and came back with a Join that was made twice, has
// lost its leases: it deletes that row without a hand-over.
func TestCheckerLetsARowGoThatCameBack(t *testing.T) {
	t.Parallel()
	b := work()
	b.wait(ttl)
	b.add(history.Event{Kind: history.Forgotten, Worker: "a", By: "b"})
	b.join("a")
	b.add(history.Event{Kind: history.Stopped, Worker: "a", Key: key("0"), Epoch: 1})
	b.add(history.Event{Kind: history.Forgotten, Worker: "a", By: "a"})
	if v := b.Violation(); v != nil {
		t.Error(v)
	}
}

// A shard may be begun anew where nothing is acknowledged any more, although records behind are.
func TestCheckerLetsRecordsBeCalledBack(t *testing.T) {
	t.Parallel()
	b := work()
	acked := func(from, to int64) {
		b.add(history.Event{Kind: history.Acked, Worker: "a", Key: key("0"), Epoch: 1, From: from, To: to})
	}
	b.deliver("a", 1, 2, 5, 10)
	acked(6, 7)
	acked(8, 10)
	b.deliver("a", 1, 3, 5, 6)
	acked(5, 7)
	b.deliver("a", 1, 4, 7, 10)
	acked(8, 10)
	b.deliver("a", 1, 5, 9, 10)
	acked(7, 8) // so 9 is the first that is not
	b.deliver("a", 1, 6, 9, 10)
	if v := b.Violation(); v != nil {
		t.Fatalf("after records were called back: %v", v)
	}
	b.deliver("a", 1, 7, 8, 10)
	if v := b.Violation(); v == nil || v.Rule != "records of a shard are delivered in order" {
		t.Errorf("violation %v, want one because a record comes again that is done", v)
	}
}

func TestCheckerSaysWhatIsLeftToDo(t *testing.T) {
	t.Parallel()
	b := work()
	step := func(want string) {
		t.Helper()
		if got := b.Settled(); !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("not settled because of %q, want %q", got, want)
		}
	}
	step("of which 5 are done")
	b.handle(2, 5, 10)
	step("its checkpoint is TRIM_HORIZON")
	b.checkpoint("a", "AFTER_SEQUENCE_NUMBER:9")
	step("")
	b.add(history.Event{Kind: history.Closed, Key: key("0")})
	step("its lease is not finished")
	b.shard("1", 0, "0")
	b.create("1", lease.TrimHorizon)
	b.checkpoint("a", lease.ShardEnd)
	step("no living owner")
	b.own("a", "1", "a")
	step("is not read by its owner")
	b.start("a", "1")
	step("")
	b.add(history.Event{Kind: history.Crashed, Worker: "a"})
	step("is not read")
}
