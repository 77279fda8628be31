package account_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin/e2e/group/account"
	"github.com/kinstream/kin/e2e/group/trace"
)

const ms = trace.Time(time.Millisecond)

var (
	parent = account.Shard{Stream: "s", ID: "shardId-000000000000"}
	child  = account.Shard{Stream: "s", ID: "shardId-000000000001"}
)

// record is number n of the stream. Those below 6 are in the parent, and all have one key.
func record(n int) trace.Record {
	return trace.Record{Seq: fmt.Sprint(1000 + 10*n), Key: "k", Count: n}
}

func records(from, to int) []trace.Record {
	var all []trace.Record
	for n := from; n <= to; n++ {
		all = append(all, record(n))
	}
	return all
}

func put(at trace.Time, shard account.Shard, records ...trace.Record) trace.Entry {
	return trace.Entry{Kind: trace.Put, At: at, Stream: shard.Stream, Shard: shard.ID, Records: records}
}

// call is the two entries of a handler's call that takes 10 ms.
func call(at trace.Time, worker string, shard account.Shard, epoch, batch int64, records ...trace.Record) []trace.Entry {
	begin := trace.Entry{
		Kind: trace.Begin, At: at, Worker: worker, Stream: shard.Stream, Shard: shard.ID,
		Epoch: epoch, Batch: batch, Attempt: 1, Records: records,
	}
	end := begin
	end.Kind, end.At, end.Records = trace.End, at+10*ms, nil
	return []trace.Entry{begin, end}
}

func row(at trace.Time, shard account.Shard, owner string, epoch, revision int64, checkpoint string) account.Row {
	return account.Row{At: at, Shard: shard, Owner: owner, Epoch: epoch, Revision: revision, Checkpoint: checkpoint}
}

// right is what a group does that makes no mistake: a reads the parent and is killed in a
// batch, b repeats that batch, finishes the parent, and reads the child.
func right() account.Input {
	var puts []trace.Entry
	for n := range 6 {
		puts = append(puts, put(trace.Time(n)*100*ms, parent, record(n)))
	}
	for n := 6; n < 9; n++ {
		puts = append(puts, put(trace.Time(n)*100*ms, child, record(n)))
	}
	a := slices.Concat(
		call(10*ms, "a", parent, 1, 1, record(0)),
		call(110*ms, "a", parent, 1, 2, record(1)),
		call(310*ms, "a", parent, 1, 3, records(2, 3)...)[:1])
	b := slices.Concat(
		call(1000*ms, "b", parent, 2, 1, records(1, 3)...),
		call(1020*ms, "b", parent, 2, 2, records(4, 5)...),
		call(1040*ms, "b", child, 1, 3, records(6, 7)...),
		call(1100*ms, "b", child, 1, 4, record(8)),
		[]trace.Entry{{
			Kind: trace.Checkpoint, At: 1120 * ms, Asked: 1115 * ms, Worker: "b",
			Stream: child.Stream, Shard: child.ID, Epoch: 1, Batch: 4,
		}})
	return account.Input{
		Puts: puts, Logs: [][]trace.Entry{a, b},
		Rows: []account.Row{
			row(5*ms, parent, "a", 1, 2, "TRIM_HORIZON"),
			row(90*ms, parent, "a", 1, 3, "AFTER_SEQUENCE_NUMBER:1000"),
			row(990*ms, parent, "b", 2, 4, "AFTER_SEQUENCE_NUMBER:1000"),
			row(1012*ms, parent, "b", 2, 5, "AFTER_SEQUENCE_NUMBER:1030:0"),
			row(1035*ms, parent, "", 3, 6, "SHARD_END"),
			row(1038*ms, child, "b", 1, 2, "TRIM_HORIZON"),
		},
		Parents:  map[account.Shard][]account.Shard{child: {parent}},
		Handling: 10 * time.Millisecond,
	}
}

func TestRightHistory(t *testing.T) {
	t.Parallel()
	got := account.Check(right())
	if len(got.Violations) > 0 {
		t.Errorf("violations in a right history:\n%s", strings.Join(got.Violations, "\n"))
	}
	if got.Put != 9 || got.Done != 9 || got.Deliveries != 12 || got.Doubled != 3 {
		t.Errorf("put %d, done %d, deliveries %d, doubled %d; want 9, 9, 12, 3", got.Put, got.Done, got.Deliveries, got.Doubled)
	}
	if n, window := got.Replayed(); n != 3 || window != 200*time.Millisecond {
		t.Errorf("replayed %d, window %s; want 3 and 200ms", n, window)
	}
	if n := got.Redone(); n != 1 { // records 2 and 3 were in hand
		t.Errorf("redone %d, want 1", n)
	}
	// Record 4 was there at 400 ms, and nothing came until 1000 ms.
	want := account.Gap{Shard: parent, From: 400 * ms, To: 1000 * ms}
	if longest := got.Longest(0, 0); longest != want {
		t.Errorf("longest gap %+v, want %+v", longest, want)
	}
	if cut := got.Longest(450*ms, 700*ms); cut.Length() != 250*time.Millisecond {
		t.Errorf("longest gap from 450 to 700 ms: %s, want 250ms", cut.Length())
	}
	// The child waited for its parent until 1030 ms: that is no gap of the child.
	if len(got.Gaps) != 3 || got.Gaps[2] != (account.Gap{Shard: child, From: 1050 * ms, To: 1100 * ms}) {
		t.Errorf("gaps %+v, want three, the last one of the child from 1050 to 1100 ms", got.Gaps)
	}
	if len(got.Overlaps) != 0 || got.Late != 0 {
		t.Errorf("overlaps %+v, late %d; want none", got.Overlaps, got.Late)
	}
}

// TestWrongHistories changes one thing in the right history at a time: the account must find it.
func TestWrongHistories(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(in *account.Input)
		want   string // kind of the first violation
	}{
		{"a record that nobody was given", func(in *account.Input) {
			in.Logs[1] = slices.Delete(in.Logs[1], 6, 8)
		}, "lost"},
		{"a record whose handler never returned", func(in *account.Input) {
			in.Logs[1] = slices.Delete(in.Logs[1], 7, 8)
		}, "lost"},
		{"a record whose handler failed", func(in *account.Input) {
			in.Logs[1][7].Err = "broken"
		}, "lost"},
		{"a record that was skipped", func(in *account.Input) {
			in.Logs[1][2].Records = records(5, 5)
		}, "reordered"},
		{"a new owner that begins beyond the batch in hand", func(in *account.Input) {
			in.Logs[1] = in.Logs[1][2:]
		}, "reordered"},
		{"a record that nobody put", func(in *account.Input) {
			in.Logs[1][0].Records[0].Seq = "7"
		}, "unknown"},
		{"a child that begins before its parent is done", func(in *account.Input) {
			in.Logs[1][2].At, in.Logs[1][3].At = 1050*ms, 1060*ms
		}, "reordered"},
		{"two records in the wrong order in a batch", func(in *account.Input) {
			in.Logs[1][2].Records = []trace.Record{record(5), record(4)}
		}, "reordered"},
		{"an owner that goes back", func(in *account.Input) {
			in.Logs[1] = append(in.Logs[1], call(1130*ms, "b", child, 1, 5, record(6))...)
		}, "disorder"},
		{"a former owner that begins a batch", func(in *account.Input) {
			in.Logs[0] = append(in.Logs[0], call(1001*ms, "a", parent, 1, 4, record(3))...)
		}, "zombie"},
		{"two workers with one epoch", func(in *account.Input) {
			in.Logs[0] = append(in.Logs[0], call(1130*ms, "a", child, 1, 4, record(6))...)
		}, "zombie"},
		{"a checkpoint of a former owner", func(in *account.Input) {
			in.Logs[0] = append(in.Logs[0], trace.Entry{
				Kind: trace.Checkpoint, At: 1020 * ms, Asked: 1005 * ms, Worker: "a", Stream: "s", Shard: parent.ID, Epoch: 1, Batch: 3,
			})
		}, "not refused"},
		{"a checkpoint before the handler", func(in *account.Input) {
			in.Rows[3].At = 1009 * ms
		}, "passed"},
		{"a checkpoint of another owner's batch in hand", func(in *account.Input) {
			in.Rows[2].Checkpoint = "AFTER_SEQUENCE_NUMBER:1030"
		}, "passed"},
		{"a shard that is finished too early", func(in *account.Input) {
			in.Rows[4].At = 1029 * ms
		}, "passed"},
		{"a checkpoint that goes back", func(in *account.Input) {
			in.Rows[2].Checkpoint = "TRIM_HORIZON"
		}, "back"},
		{"a finished shard that begins again", func(in *account.Input) {
			in.Rows = append(in.Rows, row(1500*ms, parent, "", 3, 7, "AFTER_SEQUENCE_NUMBER:1030"))
		}, "back"},
		{"a revision that goes back", func(in *account.Input) { in.Rows[3].Revision = 3 }, "back"},
		{"an epoch that goes back", func(in *account.Input) { in.Rows[4].Epoch = 1 }, "back"},
		{"another owner under the same epoch", func(in *account.Input) { in.Rows[2].Epoch = 1 }, "back"},
		{"a change without a revision", func(in *account.Input) { in.Rows[2].Revision = 3 }, "back"},
		{"a checkpoint of no known form", func(in *account.Input) { in.Rows[2].Checkpoint = "7" }, "back"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := right()
			c.change(&in)
			got := account.Check(in)
			if got.Count(c.want) == 0 {
				t.Errorf("want a violation %q, got:\n%s", c.want, strings.Join(got.Violations, "\n"))
			}
		})
	}
}

func TestFigures(t *testing.T) {
	t.Parallel()
	t.Run("two owners in their handlers", func(t *testing.T) {
		t.Parallel()
		in := right()
		in.Logs[0] = append(in.Logs[0], trace.Entry{Kind: trace.End, At: 1004 * ms, Worker: "a", Batch: 3, Err: "lease lost"})
		got := account.Check(in)
		want := account.Overlap{Shard: parent, From: 1000 * ms, To: 1004 * ms, Epochs: [2]int64{1, 2}}
		if len(got.Overlaps) != 1 || got.Overlaps[0] != want || len(got.Violations) > 0 {
			t.Errorf("overlaps %+v, violations %v; want %+v", got.Overlaps, got.Violations, want)
		}
	})
	t.Run("a handler that takes its time is no gap", func(t *testing.T) {
		t.Parallel()
		in := right()
		in.Logs[0] = append(in.Logs[0], trace.Entry{Kind: trace.End, At: 900 * ms, Worker: "a", Batch: 3})
		in.Handling = 500 * time.Millisecond // of 590
		want := account.Gap{Shard: parent, From: 810 * ms, To: 1000 * ms}
		if got := account.Check(in).Longest(0, 0); got != want {
			t.Errorf("longest gap %+v, want %+v", got, want)
		}
	})
	t.Run("a repeated attempt", func(t *testing.T) {
		t.Parallel()
		in := right()
		failed := call(1092*ms, "b", child, 1, 9, record(8))
		failed[1].At, failed[1].Err = 1095*ms, "broken"
		in.Logs[1] = slices.Insert(in.Logs[1], 6, failed...)
		in.Logs[1][8].Attempt = 2
		got := account.Check(in)
		if n, _ := got.Replayed(); got.Doubled != 4 || n != 3 || len(got.Violations) > 0 {
			t.Errorf("doubled %d, replayed %d, violations %v; want 4, 3 and none", got.Doubled, n, got.Violations)
		}
		in.Logs[1][8].Attempt = 1
		if got := account.Check(in); got.Count("disorder") != 1 {
			t.Errorf("an attempt that is not said to be one: violations %v, want disorder", got.Violations)
		}
	})
	t.Run("what failed at the former owner is not redone", func(t *testing.T) {
		t.Parallel()
		in := right()
		in.Logs[0][3].Err = "broken" // record 1
		in.Logs[0] = append(in.Logs[0], trace.Entry{Kind: trace.End, At: 320 * ms, Worker: "a", Batch: 3, Err: "broken"})
		got := account.Check(in)
		if n, _ := got.Replayed(); n != 3 || got.Redone() != 0 || len(got.Violations) > 1 {
			t.Errorf("replayed %d, redone %d, violations %v; want 3 and none", n, got.Redone(), got.Violations)
		}
	})
	t.Run("a put that may have been stored twice", func(t *testing.T) {
		t.Parallel()
		in := right()
		in.Puts[8].Unclear = true
		twice := record(8)
		twice.Seq = "1075"
		in.Logs[1][6].Records = []trace.Record{twice, record(8)}
		if got := account.Check(in); len(got.Violations) > 0 {
			t.Errorf("violations %v, want none", got.Violations)
		}
	})
	t.Run("order by key only", func(t *testing.T) {
		t.Parallel()
		in := right()
		other := trace.Record{Seq: "1055", Key: "other"}
		in.Puts = append(in.Puts, put(1*ms, child, other))
		in.Logs[1][4].Records = []trace.Record{record(6), other, record(7)}
		if got := account.Check(in); got.Count("disorder") != 1 {
			t.Errorf("violations %v, want disorder", got.Violations)
		}
		in.ByKey = true
		if got := account.Check(in); len(got.Violations) > 0 {
			t.Errorf("violations %v, want none", got.Violations)
		}
	})
}
