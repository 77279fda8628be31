package discover_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/discover"
	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/lease"
)

const startAt = lease.Checkpoint("AT_TIMESTAMP:2026-11-21T10:00:00.000Z")

// keys reads a range of sixteenths of all hash keys in hexadecimal: 0-7 is the lower half.
func keys(text string) hashkey.Range {
	from, to, known := strings.Cut(text, "-")
	if !known {
		return hashkey.Range{Start: hashkey.Max()}
	}
	start, _ := strconv.ParseUint(from, 16, 64)
	end, _ := strconv.ParseUint(to, 16, 64)
	return hashkey.Range{Start: hashkey.Key{Hi: start << 60}, End: hashkey.Key{Hi: (end+1)<<60 - 1, Lo: ^uint64(0)}}
}

// shards reads a listing, one word for each shard: ID, keys, a dot if it is closed, parents.
//
//	a:0-f. b:0-7/a c:8-f/a
func shards(text string) []topology.Shard {
	var list []topology.Shard
	for word := range strings.FieldsSeq(text) {
		word, parents, _ := strings.Cut(word, "/")
		word, closed := strings.CutSuffix(word, ".")
		id, owned, _ := strings.Cut(word, ":")
		s := topology.Shard{ID: id, Range: keys(owned), Closed: closed}
		if parents != "" {
			s.Parents = strings.Split(parents, ",")
		}
		list = append(list, s)
	}
	return list
}

var checkpoints = map[string]lease.Checkpoint{
	"T": lease.TrimHorizon, "E": lease.ShardEnd, "S": startAt, "7": "AFTER_SEQUENCE_NUMBER:7",
}

// rows reads leases, as shards does, with a checkpoint behind an equals sign: T for
// TRIM_HORIZON, S for the start position, 7 for a sequence number, E for the end.
//
//	a:0-f=E b:0-7/a=7 c:8-f/a=T
func rows(text string) []lease.Lease {
	var list []lease.Lease
	for word := range strings.FieldsSeq(text) {
		word, at, _ := strings.Cut(word, "=")
		s := shards(word)[0]
		l := lease.Lease{Key: lease.Key{Stream: arn, Shard: s.ID}, Parents: s.Parents, Checkpoint: checkpoints[at], Revision: 3}
		if s.Range.Valid() {
			l.HashStart, l.HashEnd = s.Range.Start.String(), s.Range.End.String()
		}
		list = append(list, l)
	}
	return list
}

// format writes leases as rows reads them, without keys.
func format(leases []lease.Lease) string {
	var words []string
	for _, l := range leases {
		var word strings.Builder
		word.WriteString(l.Shard)
		if len(l.Parents) > 0 {
			word.WriteString("/" + strings.Join(l.Parents, ","))
		}
		for name, c := range checkpoints {
			if c == l.Checkpoint {
				word.WriteString("=" + name)
			}
		}
		words = append(words, word.String())
	}
	return strings.Join(words, " ")
}

// show writes a plan in one line.
func show(p discover.Plan) string {
	var words []string
	if len(p.Create) > 0 {
		words = append(words, "create", format(p.Create))
	}
	if len(p.Delete) > 0 {
		words = append(words, "delete", format(p.Delete))
	}
	for _, c := range p.Mend {
		words = append(words, "mend", format([]lease.Lease{c.New}))
	}
	if p.Again {
		words = append(words, "again")
	}
	if p.Seeded {
		words = append(words, "seeded")
	}
	return strings.Join(words, " ")
}

var (
	fresh  = lease.Stream{ARN: arn, Start: startAt, Revision: 1}
	seeded = lease.Stream{ARN: arn, Start: startAt, Revision: 2, Seeded: true}
	oldest = lease.Stream{ARN: arn, Start: lease.TrimHorizon, Revision: 1}
)

func TestPlan(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		stream   lease.Stream
		rows     string
		listings []string // the plan is asked for after the last
		before   string
		want     string
	}{
		{"begins at the start position", fresh, "", []string{"a:0-7 b:8-f"}, "", "create a=S b=S"},
		{"begins at the oldest records", oldest, "", []string{"a:0-f"}, "", "create a=T"},
		{"writes parents before children", oldest, "", []string{"c:8-f/a b:0-7/a a:0-f."}, "", "create a=T"},
		{"writes children when their parents are there", oldest, "a:0-f=T", []string{"a:0-f. b:0-7/a c:8-f/a"}, "", "create b/a=T c/a=T"},
		{"writes a merged shard when both parents are there", oldest, "a:0-7=T", []string{"a:0-7. b:8-f. c:0-f/a,b"}, "", "create b=T"},
		{"is seeded when all have leases", fresh, "a:0-7=S b:8-f=S", []string{"a:0-7 b:8-f"}, "", "seeded"},

		{"finishes what had ended before the start", fresh, "", []string{"a:0-f. b:0-7/a c:8-f/a"}, "a", "create a=E"},
		{"finishes its children as well", fresh, "a:0-f=E", []string{"a:0-f. b:0-7./a c:8-f/a d:0-7/b"}, "a b", "create b/a=E c/a=S"},
		{"does not believe it of a shard whose parent had not ended", fresh, "a:0-f=S", []string{"a:0-f. b:0-f./a c:0-f/b"}, "b", "create b/a=S"},
		{"nor of one whose grandparent had not", fresh, "a:0-f=S b:0-f/a=S", []string{"a:0-f. b:0-f./a c:0-f./b d:0-f/c"}, "b c", "create c/b=S"},
		{"nor of one whose parent has a lease and is not listed", fresh, "a:0-f=S b:0-f/a=S", []string{"a:0-f. c:0-f./b d:0-f/c"}, "c", "create c/b=S"},
		{"whatever that lease says", fresh, "b:0-f=E", []string{"c:0-f./b d:0-f/c"}, "c", "create c/b=S"},
		{"nor of one whose parent ought to be listed", fresh, "a:0-f=S", []string{"a:0-f. c:0-f./b d:0-f/c", "a:0-f. c:0-f./b d:0-f/c", "a:0-f. c:0-f./b d:0-f/c"}, "c", "create c=S"},
		{"believes it of a shard whose parent is gone", fresh, "", []string{"c:0-f./b d:0-f/c"}, "c", "create c=E"},
		{"does not take an open shard for ended", fresh, "", []string{"a:0-f"}, "a", "create a=S"},
		{"reads all closed shards from the oldest record", oldest, "", []string{"a:0-f. b:0-f/a"}, "a", "create a=T"},
		{"finishes nothing when the stream is seeded", seeded, "", []string{"a:0-f. b:0-f/a"}, "a", "create a=T"},

		{"begins new shards at their oldest record", seeded, "a:0-f=7", []string{"a:0-f. b:0-7/a c:8-f/a"}, "", "create b/a=T c/a=T"},
		{"knows several generations", seeded, "a:0-f=7 b:0-7/a=T", []string{"a:0-f. b:0-7./a c:8-f/a d:0-3/b e:4-7/b"}, "", "create c/a=T d/b=T e/b=T"},
		{"does not wait for a parent that is gone, nor name it", seeded, "", []string{"b:0-7/a c:8-f/a"}, "", "create b=T c=T"},
		{"names the parent that is there", seeded, "b:8-f=7", []string{"b:8-f. c:0-f/a,b"}, "", "create c/b=T"},

		{"waits for a parent that ought to be listed", seeded, "a:0-f=E", []string{"a:0-f. c:0-f/b"}, "", "again"},
		{"waits for it twice", seeded, "a:0-f=E", []string{"a:0-f. c:0-f/b", "a:0-f. c:0-f/b"}, "", "again"},
		{"and no longer", seeded, "a:0-f=E", []string{"a:0-f. c:0-f/b", "a:0-f. c:0-f/b", "a:0-f. c:0-f/b"}, "", "create c=T"},
		{"waits anew for another one", seeded, "a:0-f=E", []string{"a:0-f. c:0-f/b", "a:0-f. c:0-f/b", "a:0-f.", "a:0-f. c:0-f/b"}, "", "again"},

		{"is not seeded while keys have no open shard", fresh, "a:0-f=S b:0-7/a=S", []string{"a:0-f. b:0-7/a"}, "", "again"},
		{"is seeded after three listings with a hole", fresh, "a:0-f=S b:0-7/a=S", []string{"a:0-f. b:0-7/a", "a:0-f. b:0-7/a", "a:0-f. b:0-7/a"}, "", "again seeded"},
		{"is content when rows fill the hole", fresh, "a:0-f=S b:0-7/a=S c:8-f/a=S", []string{"a:0-f. b:0-7/a"}, "", "seeded"},
		{"is content with a listing from before", seeded, "a:0-f=E b:0-7/a=7 c:8-f/a=7", []string{"a:0-f"}, "", "seeded"},

		{"learns nothing from an empty listing", fresh, "", []string{""}, "", "again"},
		{"keeps the listing before an empty one", seeded, "", []string{"a:0-f", ""}, "", "create a=T again"},
		{"does nothing before a listing", fresh, "a:0-f=T", nil, "", ""},

		{"does not believe in a shard that is older than a lease", seeded, "b:0-7=7 c:8-f=7", []string{"a:0-f"}, "", "again"},
		{"nor in one whose child has a lease", seeded, "c:=7", []string{"b:0-3. c:4-f/b"}, "", "again"},
		{"nor in one whose grandchild has", seeded, "c:=7", []string{"a: b:/a c:/b"}, "", "again"},
		{"nor in one that a lease names", seeded, "c:/b=7", []string{"b: d:0-f"}, "", "create d=T again"},
		{"until another listing has it", seeded, "b:0-7=7 c:8-f=7", []string{"a:0-f", "a:0-f"}, "", "create a=S"},
		{"but not if that has it no more", seeded, "b:0-7=7 c:8-f=7", []string{"a:0-f", "b:0-7 c:8-f", "a:0-f"}, "", "again"},
		{"believes in a shard that is younger than all leases", seeded, "a:0-f=7", []string{"b:0-f"}, "", "create b=T"},

		{"breaks a circle of parents", oldest, "", []string{"a:0-f/b b:0-f/a"}, "", "create a=T again"},
		{"does not mind a shard that is its own parent, or is listed twice", oldest, "", []string{"a:0-f/a a:0-f/a,"}, "", "create a=T"},
		{"does not need to know keys", oldest, "", []string{"a:. b:/a"}, "", "create a=T again"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var m discover.Memory
			before := map[string]bool{}
			for id := range strings.FieldsSeq(tt.before) {
				before[id] = true
			}
			known := append(rows(tt.rows), lease.Lease{Key: lease.Key{Stream: "other", Shard: "a"}, Checkpoint: lease.ShardEnd})
			for i, listing := range tt.listings {
				m.List(time.Duration(i)*time.Minute, tt.stream, known, discover.Listing{Shards: shards(listing), Before: before})
			}
			if got := show(m.Plan(tt.stream, known)); got != tt.want {
				t.Errorf("plan = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPlanDoubtsForAMinute(t *testing.T) {
	t.Parallel()
	// All listings may come within seconds after two reshards, and lack the same shard.
	const listing = "a:0-f. c:0-7/b d:8-f/b"
	var m discover.Memory
	known := rows("a:0-f=7")
	for _, at := range []time.Duration{0, 2 * time.Second, 6 * time.Second, 14 * time.Second, 59 * time.Second} {
		m.List(at, seeded, known, discover.Listing{Shards: shards(listing)})
		if got, want := show(m.Plan(seeded, known)), "again"; got != want {
			t.Errorf("after %v: plan = %q, want %q", at, got, want)
		}
	}
	m.List(time.Minute, seeded, known, discover.Listing{Shards: shards(listing)})
	if got, want := show(m.Plan(seeded, known)), "create c=T d=T"; got != want {
		t.Errorf("after a minute: plan = %q, want %q", got, want)
	}
}

func TestPlanWaitsForShardsOfAllKeys(t *testing.T) {
	t.Parallel()
	const listing = "a:0-f. b:0-7/a"
	var m discover.Memory
	known := rows("a:0-f=S b:0-7/a=S")
	for _, at := range []time.Duration{0, 2 * time.Second, 6 * time.Second, 59 * time.Second} {
		m.List(at, fresh, known, discover.Listing{Shards: shards(listing)})
		if got, want := show(m.Plan(fresh, known)), "again"; got != want {
			t.Errorf("after %v: plan = %q, want %q: the other child may be missing only in the listing", at, got, want)
		}
	}
	m.List(time.Minute, fresh, known, discover.Listing{Shards: shards(listing)})
	if got, want := show(m.Plan(fresh, known)), "again seeded"; got != want {
		t.Errorf("after a minute: plan = %q, want %q", got, want)
	}
}

func TestPlanWritesTheRows(t *testing.T) {
	t.Parallel()
	var m discover.Memory
	known := rows("a:0-7=7 b:8-f=7")
	m.List(0, seeded, known, discover.Listing{Shards: shards("a:0-7. b:8-f. c:0-f/b,a")})
	got := m.Plan(seeded, known).Create[0]
	want := lease.Lease{
		Key: lease.Key{Stream: arn, Shard: "c"}, Parents: []string{"a", "b"}, Checkpoint: lease.TrimHorizon,
		HashStart: "0", HashEnd: hashkey.Max().String(),
	}
	if !got.Equal(want) {
		t.Errorf("row = %+v, want %+v", got, want)
	}
}

func TestPlanDeletes(t *testing.T) {
	t.Parallel()
	const listing = "b:0-7 c:8-f"
	for _, tt := range []struct {
		name     string
		rows     string
		listings []string
		want     string
	}{
		{"what is over", "a:0-f=E b:0-7/a=7 c:8-f/a=7", []string{listing, listing, listing, listing, listing, listing}, "delete a=E"},
		{"not before five minutes", "a:0-f=E b:0-7/a=7 c:8-f/a=7", []string{listing, listing, listing, listing, listing}, ""},
		{"not after a listing that had it", "a:0-f=E b:0-7/a=7 c:8-f/a=7", []string{listing, listing, listing, "a:0-f. " + listing, listing, listing}, ""},
		{"not what is not finished", "a:0-f=7 b:0-7/a=7 c:8-f/a=7", []string{listing, listing, listing, listing, listing, listing}, ""},
		{"not before a child has moved", "a:0-f=E b:0-7/a=7 c:8-f/a=T", []string{listing, listing, listing, listing, listing, listing}, ""},
		{"nor from the start position", "a:0-f=E b:0-7/a=7 c:8-f/a=S", []string{listing, listing, listing, listing, listing, listing}, ""},
		{"when children are finished", "a:0-f=E b:0-7/a=E c:8-f/a=E d:0-f=7", []string{"d:0-f", "d:0-f", "d:0-f", "d:0-f", "d:0-f", "d:0-f"}, "delete a=E"},
		{"not before all children are there", "a:0-f=E b:0-7/a=7", []string{listing, listing, listing, listing, listing, listing}, "create c=T"},
		{
			"the oldest first", "a:0-f=E b:0-f/a=E c:0-f/b=7",
			[]string{"c:0-f", "c:0-f", "c:0-f", "c:0-f", "c:0-f", "c:0-f"},
			"delete a=E",
		},
		{
			"not because of listings with holes", "a:0-f=E b:0-7/a=7 c:8-f/a=E",
			[]string{"b:0-7", "b:0-7", "b:0-7 d:8-f", "b:0-7 d:8-f", "b:0-7 d:8-f", "b:0-7 d:8-f"},
			"create d=T",
		},
		{"what has no child by name, but by keys", "a:0-f=E b:0-7=7 c:8-f=7", []string{listing, listing, listing, listing, listing, listing}, "delete a=E"},
		{"what has children without keys", "a:=E b:/a=7 c:0-f=7", []string{"c:0-f", "c:0-f", "c:0-f", "c:0-f", "c:0-f", "c:0-f"}, "delete a=E"},
		{"not when one of those has not moved", "a:=E b:/a=7 d:/a=T c:0-f=7", []string{"c:0-f", "c:0-f", "c:0-f", "c:0-f", "c:0-f", "c:0-f"}, ""},
		{"not what has none", "a:=E c:0-f=7", []string{"c:0-f", "c:0-f", "c:0-f", "c:0-f", "c:0-f", "c:0-f"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var m discover.Memory
			for i, l := range tt.listings {
				m.List(time.Duration(i)*time.Minute, seeded, rows(tt.rows), discover.Listing{Shards: shards(l)})
			}
			p := m.Plan(seeded, rows(tt.rows))
			p.Seeded, p.Again = false, false
			if got := show(p); got != tt.want {
				t.Errorf("plan = %q, want %q", got, tt.want)
			}
		})
	}

	t.Run("not within three listings", func(t *testing.T) {
		t.Parallel()
		var m discover.Memory
		known := rows("a:0-f=E b:0-7/a=7 c:8-f/a=7")
		for i, want := range []string{"seeded", "seeded", "delete a=E seeded"} {
			m.List(time.Duration(i)*time.Hour, seeded, known, discover.Listing{Shards: shards(listing)})
			if got := show(m.Plan(seeded, known)); got != want {
				t.Errorf("listing %d: plan = %q, want %q", i, got, want)
			}
		}
	})
}

func TestPlanMends(t *testing.T) {
	t.Parallel()
	for i, tt := range []struct {
		rows, listing string
		want          string
	}{
		{"a:0-f=7 c:0-7/a,b=T d:8-f=7", "a:0-f. c:0-7/a,b d:8-f", "mend c/a=T"},
		{"a:0-f=7 c:0-7/a=T d:8-f=7", "a:0-f. c:0-7/a d:8-f", ""},
		{"c:0-7/b=7 d:8-f=7", "c:0-7/b d:8-f", ""},                  // it has moved: the parent was there
		{"c:0-7/b=T d:8-f=7", "b:0-f. c:0-7/b d:8-f", "create b=S"}, // the parent comes back
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			var m discover.Memory
			m.List(0, seeded, rows(tt.rows), discover.Listing{Shards: shards(tt.listing)})
			first := m.Plan(seeded, rows(tt.rows))
			if len(first.Mend) > 0 || first.Again != (tt.want != "") {
				t.Errorf("plan = %q after one listing, want to list again if something is wrong", show(first))
			}
			m.List(1, seeded, rows(tt.rows), discover.Listing{Shards: shards(tt.listing)})
			p := m.Plan(seeded, rows(tt.rows))
			p.Again, p.Seeded = false, false
			if got := show(p); got != tt.want {
				t.Errorf("plan = %q, want %q", got, tt.want)
			}
			owned := rows(tt.rows)
			for i := range owned {
				owned[i].Owner = "somebody"
			}
			if p := m.Plan(seeded, owned); len(p.Mend) > 0 {
				t.Errorf("plan = %q, want nothing done to leases with an owner", show(p))
			}
		})
	}
}
