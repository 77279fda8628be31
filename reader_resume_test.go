package kin_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin"
)

func TestReaderResumesBetweenReshards(t *testing.T) {
	t.Parallel()

	t.Run("a shard that nobody has told of is read although its child is known", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(2)
			f.put(0, "a", "b", "c", "d")
			ended := false
			r := newReader(t, f, func(cfg *kin.ReaderConfig) {
				cfg.MaxRecords = 1
				cfg.Hooks.ShardEnded = func(i kin.ShardInfo) { ended = ended || i.Shard == shardID(1) }
			})
			var got []string
			for rec, err := range r.Records(t.Context()) {
				must(t, 0, err)
				if ended {
					break
				}
				if got = append(got, string(rec.Data)); len(got) == 1 {
					f.split(0)    // 2 and 3
					f.merge(3, 1) // 4: the end of 1 tells of it
					f.put(2, "low")
					f.put(3, "middle")
					f.put(4, "child")
				}
			}
			positions := r.Positions()
			if p, ok := positions[shardID(3)]; ok || positions[shardID(4)] != kin.TrimHorizon() {
				t.Fatalf("positions %v, want one of the child and none of its unread parent (%v)", positions, p)
			}
			resumed := newReader(t, f, toTip, func(cfg *kin.ReaderConfig) { cfg.Positions = positions })
			got = append(got, read(t, resumed, -1)...)
			if middle, child := slices.Index(got, "middle"), slices.Index(got, "child"); len(got) != 7 || middle < 4 || child < middle {
				t.Errorf("read %v, want a to d, then low and middle, and child after middle", got)
			}
		})
	})

	t.Run("old shards that were never to be read are not read either", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(1)
			f.put(0, "old")
			f.split(0)
			f.put(1, "new")
			r := newReader(t, f, toTip, func(cfg *kin.ReaderConfig) {
				// As a reader gave them that began at LATEST, or after the old shard.
				cfg.Positions = map[kin.ShardID]kin.Position{shardID(1): kin.TrimHorizon(), shardID(2): kin.TrimHorizon()}
			})
			wants(t, read(t, r, -1), "new")
		})
	})

	t.Run("a child that ended before it was ever listed is not read again", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(1)
			f.put(0, "a")
			f.split(0)
			f.put(1, "b")
			f.split(1)
			f.put(3, "c")
			f.hide = func(id string) bool { return id != string(shardID(0)) }
			r := newReader(t, f)
			wants(t, read(t, r, 3), "a b c")
			f.hide = nil
			resumed := newReader(t, f, toTip, func(cfg *kin.ReaderConfig) { cfg.Positions = r.Positions() })
			wants(t, read(t, resumed, -1), "")
		})
	})

	t.Run("a shard that the first listing lacks does not cut its descendants off", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(1)
			f.put(0, "read", "a")
			f.split(0) // 1 and 2
			f.put(1, "b")
			f.split(1) // 3 and 4
			f.put(3, "c")
			began := time.Now()
			f.hide = func(id string) bool { return id == string(shardID(1)) && time.Since(began) < 2*time.Second }
			r := newReader(t, f, toTip, func(cfg *kin.ReaderConfig) {
				cfg.From = kin.Latest() // must not matter: all shards descend from the one that has a position
				cfg.Positions = map[kin.ShardID]kin.Position{shardID(0): kin.AfterSequence("1002")}
			})
			wants(t, read(t, r, -1), "a b c")
		})
	})

	t.Run("the end of a shard is not forgotten because a listing lacks it", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			for _, hidden := range []string{"1", "1 3 4"} {
				f := newFakeStream(1)
				f.put(0, "a")
				f.split(0) // 1 and 2
				f.put(1, "b")
				f.split(1) // 3 and 4
				f.put(3, "c")
				r := newReader(t, f, toTip)
				wants(t, read(t, r, -1), "a b c")
				f.hide = func(id string) bool { return slices.Contains(strings.Fields(hidden), id[len(id)-1:]) }
				again := newReader(t, f, func(cfg *kin.ReaderConfig) { cfg.Positions = r.Positions() })
				readFor(t, again, 20*time.Second)
				f.hide = nil
				resumed := newReader(t, f, toTip, func(cfg *kin.ReaderConfig) { cfg.Positions = again.Positions() })
				wants(t, read(t, resumed, -1), "")
			}
		})
	})

	t.Run("positions of trimmed shards are passed over, told of, and forgotten with their children", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(2)
			f.split(0) // 2 and 3
			f.split(1) // 4 and 5
			f.put(2, "a")
			f.put(4, "b")
			f.trim(0)
			f.trim(1)
			var gone []kin.ShardID
			r := newReader(t, f, toTip, func(cfg *kin.ReaderConfig) {
				cfg.From = kin.Latest() // must not matter: all shards descend from known ones
				cfg.Positions = map[kin.ShardID]kin.Position{shardID(0): kin.ShardEnd(), shardID(1): kin.AfterSequence("1001")}
				cfg.Hooks.ShardGone = func(i kin.ShardInfo) { gone = append(gone, i.Shard) }
			})
			got := read(t, r, -1)
			slices.Sort(got)
			wants(t, got, "a b")
			if len(gone) != 1 || gone[0] != shardID(1) {
				t.Errorf("told that %v are gone, want the one that was not finished", gone)
			}
			if r.Positions()[shardID(0)] != kin.ShardEnd() {
				t.Errorf("positions %v, want the finished shard too, as long as its children may be listed", r.Positions())
			}
			f.split(2)
			f.split(3)
			f.trim(2)
			f.trim(3)
			r = newReader(t, f, toTip, func(cfg *kin.ReaderConfig) { cfg.Positions = r.Positions() })
			read(t, r, -1)
			if _, ok := r.Positions()[shardID(0)]; ok {
				t.Errorf("positions %v still name a finished shard that is trimmed, as its children are", r.Positions())
			}
		})
	})
}
