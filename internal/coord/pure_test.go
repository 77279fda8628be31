package coord_test

import (
	"slices"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/coord"
	"github.com/kinstream/kin/lease"
)

func TestLater(t *testing.T) {
	t.Parallel()
	// Each is further on than all those before it; those in one row are equally far, or can't
	// be compared.
	rows := [][]lease.Checkpoint{
		{""},
		{"TRIM_HORIZON", "AT_TIMESTAMP:2026-01-01T00:00:00.000Z", "AT_TIMESTAMP:2027-01-01T00:00:00.000Z", "LATEST"},
		{"AT_SEQUENCE_NUMBER:9"},
		{"AFTER_SEQUENCE_NUMBER:9:0"},
		{"AFTER_SEQUENCE_NUMBER:9:2"},
		{"AFTER_SEQUENCE_NUMBER:9:10"},
		{"AFTER_SEQUENCE_NUMBER:9", "AFTER_SEQUENCE_NUMBER:09"},
		{"AT_SEQUENCE_NUMBER:10"},
		{"AFTER_SEQUENCE_NUMBER:10:0"},
		{"AFTER_SEQUENCE_NUMBER:49590338271490256608559692538361571095921575989136588898"},
		{"AFTER_SEQUENCE_NUMBER:49590338271490256608559692540925702759324208523137515618"},
		{"SHARD_END"},
	}
	for i, row := range rows {
		for j, other := range rows {
			for _, a := range row {
				for _, b := range other {
					if got, want := coord.Later(a, b), i > j; got != want {
						t.Errorf("later(%q, %q) = %v, want %v", a, b, got, want)
					}
				}
			}
		}
	}
}

func FuzzLater(f *testing.F) {
	f.Add("AFTER_SEQUENCE_NUMBER:9:2", "AFTER_SEQUENCE_NUMBER:9", "SHARD_END")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		x, y, z := lease.Checkpoint(a), lease.Checkpoint(b), lease.Checkpoint(c)
		if coord.Later(x, x) || coord.Later(x, y) && coord.Later(y, x) {
			t.Errorf("%q and %q are later than each other", x, y)
		}
		if coord.Later(x, y) && coord.Later(y, z) && !coord.Later(x, z) {
			t.Errorf("%q is later than %q, that than %q, but the first not than the last", x, y, z)
		}
	})
}

func TestClock(t *testing.T) {
	t.Parallel()
	type advances = [][2]time.Duration // of the monotonic and the wall clock
	const second = time.Second
	for _, c := range []struct {
		name       string
		advances   advances
		want, jump time.Duration
	}{
		{"both agree", advances{{1, 1}, {2, 2}}, 3, 0},
		{"the machine was suspended and the monotonic clock stood still", advances{{second, second}, {0, time.Hour}}, time.Hour + second, time.Hour},
		{"the monotonic clock knows of a part of it", advances{{second, 3 * second}, {second, 4 * second}}, 7 * second, 5 * second},
		{"somebody set the wall clock back", advances{{second, -time.Hour}, {second, second}}, 2 * second, 0},
		{"somebody corrects the wall clock a little, for ever", slices.Repeat(advances{{second, second + time.Millisecond}}, 100), 100 * second, 0},
		{"neither goes back", advances{{-1, -1}}, 0, 0},
	} {
		elapsed, jump, again := coord.Elapsed(c.advances...)
		if elapsed != c.want || jump != c.jump || again != 0 {
			t.Errorf("%s: elapsed %v, jumped %v, asked again %v; want %v, %v and 0", c.name, elapsed, jump, again, c.want, c.jump)
		}
	}
}

func TestTrusted(t *testing.T) {
	t.Parallel()
	now := time.Now()
	if until := now.Add(time.Second); !coord.Trusted(now, until) || coord.Trusted(now.Add(time.Second), until) {
		t.Error("not trusted before, or trusted at the end")
	}
	if coord.Trusted(now, time.Time{}) {
		t.Error("trusted until the zero time")
	}
	// A suspended machine: only the wall clock has moved on.
	if later := now.Round(0).Add(time.Hour); coord.Trusted(later, now.Add(time.Second)) {
		t.Error("trusted an hour after the end by the wall clock")
	}
}

func TestErrorsSayWhatMatters(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want string
	}{
		{
			&coord.LeaveError{Kept: []lease.Key{shardKey(1), shardKey(2), shardKey(3), shardKey(4)}, CutOff: []lease.Key{shardKey(1)}, Err: errDown},
			"leave group: 1 handlers were cut off (shardId-000000000001), 4 leases were not handed over (shardId-000000000001, shardId-000000000002, shardId-000000000003, ...): the store is down",
		},
		{&coord.LeaveError{}, "leave group: the worker's row may still be there"},
		{&coord.TTLError{Own: ttl, Group: 2 * ttl, Worker: "w"}, "join group: lease TTL is 10s here but 20s at worker w; all workers of a group need the same"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("text = %q, want %q", got, c.want)
		}
	}
}
