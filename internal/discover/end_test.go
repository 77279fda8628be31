package discover_test

import (
	"slices"
	"testing"
	"time"

	"github.com/kinstream/kin/internal/discover"
	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/lease"
)

func TestAtEnd(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		stream   lease.Stream
		rows     string
		children string
		listings int
		after    time.Duration
		want     string
	}{
		{"creates the children of a split", seeded, "a:0-f=7", "b:0-7/a c:8-f/a", 0, 0, "create b/a=T c/a=T"},
		{"at the start position until the stream is seeded", fresh, "a:0-f=S", "b:0-7/a c:8-f/a", 0, 0, "create b/a=S c/a=S"},
		{"creates what is not there yet", seeded, "a:0-f=7 b:0-7/a=T", "b:0-7/a c:8-f/a", 0, 0, "create c/a=T"},
		{"has nothing to do when all are there", seeded, "a:0-f=7 b:0-7/a=T c:8-f/a=T", "b:0-7/a c:8-f/a", 0, 0, ""},
		{"creates a merged shard", seeded, "a:0-7=7 x:8-f=T", "b:0-f/a,x", 0, 0, "create b/a,x=T"},
		{"lists when no child is named", seeded, "a:0-f=7", "", 0, 0, "list"},
		{"lists once", seeded, "a:0-f=7", "", 1, 0, ""},
		{"waits for the other parent of a merge", seeded, "a:0-7=7", "b:0-f/a,x", 0, 0, "wait list"},
		{"waits when only one parent of a merge is named", seeded, "a:0-7=7 x:8-f=7", "b:0-f/a", 0, 0, "wait list"},
		{"waits when no parent is named", seeded, "a:0-7=7 x:8-f=7", "b:0-f", 0, 0, "wait list"},
		{"takes the shard for the parent that was not named", seeded, "a:0-f=7", "b:0-7", 0, 0, "create b/a=T"},
		{"waits when the keys of the child are not named", seeded, "a:0-7=7 x:8-f=7", "b:/a", 0, 0, "wait list"},
		{"waits when the keys of a parent are not known", seeded, "a:=7", "b:0-7/a", 0, 0, "wait list"},
		{"does not mind keys that say nothing", seeded, "a:0-3=7", "b:8-f/a", 0, 0, "create b/a=T"},
		{"waits for three listings", seeded, "a:0-7=7", "b:0-f/a,x", 2, time.Hour, "wait list"},
		{"over a minute", seeded, "a:0-7=7", "b:0-f/a,x", 30, time.Minute - 1, "wait list"},
		{"and no longer", seeded, "a:0-7=7", "b:0-f/a,x", 3, time.Minute, ""},
		{"creates what it can meanwhile", seeded, "a:0-f=7", "b:0-7/a c:8-f/a,x", 0, 0, "create b/a=T wait list"},
		{"is not its own child", seeded, "a:0-f=7", "a:0-f/a", 0, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			known := append(rows(tt.rows), lease.Lease{Key: lease.Key{Stream: "other", Shard: "b"}})
			lacked := topology.Absence{Since: time.Hour, Listings: tt.listings}
			end := discover.AtEnd(tt.stream, "a", shards(tt.children), known, time.Hour+tt.after, lacked)
			got := show(discover.Plan{Create: end.Create})
			for _, word := range []struct {
				is   bool
				name string
			}{{end.Wait, "wait"}, {end.List, "list"}} {
				if word.is && got != "" {
					got += " "
				}
				if word.is {
					got += word.name
				}
			}
			if got != tt.want {
				t.Errorf("end = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, rows string
		want       string // the shards that are ready
	}{
		{"shards without parents", "a:=T b:=7", "a b"},
		{"not what is finished", "a:=E", ""},
		{"children when all of their parents are finished", "a:=E b:=7 c:/a=T d:/a,b=T", "b c"},
		{"not children of a parent that has not begun", "a:=T b:/a=T", "a"},
		{"what has moved although its parents are deleted", "b:/a=7", "b"},
		{"not what a load shows without the parent that it names", "b:/a=T", ""},
		{"nor at the start position", "b:/a=S", ""},
		{"not what was set forward before its parent is finished", "a:=7 b:/a=7", "a"},
		{"what names itself", "a:/a=T", "a"},
		{"IDs of any length", "b1:=E b10:/b1=T b2:/b10=T", "b10"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			known := rows(tt.rows)
			// Another stream with the same IDs, all finished, must not matter.
			for _, l := range slices.Clone(known) {
				l.Stream, l.Checkpoint = "z", lease.ShardEnd
				known = append(known, l)
			}
			for range 2 {
				var got string
				for i, ready := range discover.Ready(known) {
					if ready {
						got += " " + known[i].Shard
					}
				}
				if got != "" {
					got = got[1:]
				}
				if got != tt.want {
					t.Errorf("ready = %q, want %q", got, tt.want)
				}
				slices.SortFunc(known, func(a, b lease.Lease) int { return a.Compare(b.Key) })
			}
		})
	}
}
