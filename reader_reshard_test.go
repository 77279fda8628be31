package kin_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin"
)

// Each test here is a trap that other readers fall into when shards are split and
// merged, or listed.
func TestReaderReshards(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct {
		setup func(f *fakeStream)
		from  kin.Position
		want  string
	}{
		"a closed shard is not filtered out": {
			func(f *fakeStream) {
				f.put(0, "parent")
				f.split(0)
				f.put(1, "low")
			}, kin.TrimHorizon(), "parent low",
		},
		"both parents of a merge come first": {
			func(f *fakeStream) {
				f.pageOfRecords = 1 // so that the second parent takes far longer
				f.split(0)
				f.put(1, "a")
				f.put(2, "b1", "b2", "b3", "b4")
				f.merge(1, 2)
				f.put(3, "child")
			}, kin.TrimHorizon(), "a b1 b2 b3 b4 child",
		},
		"an empty parent does not hold its children up": {
			func(f *fakeStream) {
				f.split(0)
				f.split(1)
				f.put(3, "grandchild")
			}, kin.TrimHorizon(), "grandchild",
		},
		"a trimmed parent does not hold its children up": {
			func(f *fakeStream) {
				f.put(0, "lost")
				f.split(0)
				f.put(1, "child")
				f.trim(0)
			}, kin.TrimHorizon(), "child",
		},
		"a lag of 0 is not the end of a shard": {
			func(f *fakeStream) {
				f.lagAlwaysZero = true
				f.pageOfRecords = 1
				f.put(0, "a", "b", "c")
			}, kin.TrimHorizon(), "a b c",
		},
		"an empty answer is not the end of a closed shard": {
			func(f *fakeStream) {
				f.emptyBefore = true
				f.put(0, "a")
				f.split(0)
				f.put(1, "b")
			}, kin.TrimHorizon(), "a b",
		},
		"listings have pages": {
			func(f *fakeStream) {
				f.pageOfShards = 1
				f.split(0)
				f.split(1)
				f.put(4, "last page")
			}, kin.TrimHorizon(), "last page",
		},
		"children are found where no answer names them": {
			func(f *fakeStream) {
				f.noChildShards = true
				f.put(0, "a")
				f.split(0)
				f.put(1, "b")
				f.merge(1, 2)
				f.put(3, "c")
			}, kin.TrimHorizon(), "a b c",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFakeStream(1)
				tt.setup(f)
				r := newReader(t, f, toTip, func(cfg *kin.ReaderConfig) { cfg.From = tt.from })
				began := time.Now()
				got := read(t, r, -1)
				if took := time.Since(began); took > 10*time.Second {
					t.Errorf("took %v, want no wait for the next periodic listing", took)
				}
				if strings.HasPrefix(tt.want, "a b1") {
					slices.Sort(got[:len(got)-1]) // the parents take turns
				}
				wants(t, got, tt.want)
			})
		})
	}
}

func TestReaderFollowsReshards(t *testing.T) {
	t.Parallel()

	// follow reads while the script changes the stream, and returns what came within three hours.
	follow := func(t *testing.T, f *fakeStream, script func(), configure ...func(*kin.ReaderConfig)) []string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Hour)
		defer cancel()
		go script()
		var got []string
		for rec, err := range newReader(t, f, configure...).Records(ctx) {
			if errors.Is(err, context.DeadlineExceeded) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(rec.Data))
		}
		return got
	}
	fromTip := func(cfg *kin.ReaderConfig) { cfg.From = kin.Latest() }

	t.Run("a child begins at its oldest record also if reading began at LATEST", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(1)
			f.put(0, "old")
			got := follow(t, f, func() {
				time.Sleep(time.Minute)
				f.put(0, "parent")
				f.split(0)
				f.put(1, "put before anybody knew the child")
			}, fromTip)
			wants(t, got, "parent put before anybody knew the child")
		})
	})

	t.Run("a child begins at its oldest record also if only a listing shows it", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(1)
			f.noChildShards = true
			f.put(0, "old")
			got := follow(t, f, func() {
				time.Sleep(time.Minute)
				f.split(0)
				f.put(1, "a")
			}, fromTip)
			wants(t, got, "a")
		})
	})

	t.Run("a listing without the children is asked again", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(1)
			f.noChildShards = true
			began := time.Now()
			f.hide = func(id string) bool { return id != string(shardID(0)) && time.Since(began) < 2*time.Minute }
			got := follow(t, f, func() {
				time.Sleep(time.Minute)
				f.put(0, "parent")
				f.split(0)
				f.put(1, "low")
				time.Sleep(time.Second)
				f.put(2, "high")
			})
			slices.Sort(got[1:])
			wants(t, got, "parent high low")
		})
	})

	t.Run("a parent that is missing in a listing is not taken for a trimmed one", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(2)
			f.noChildShards = true
			f.merge(0, 1) // 2
			f.split(2)    // 3 and 4
			f.put(2, "parent")
			f.put(3, "child")
			began := time.Now()
			// Older shards are listed, so this one can't have been trimmed.
			f.hide = func(id string) bool { return id == string(shardID(2)) && time.Since(began) < 40*time.Second }
			wants(t, follow(t, f, func() {}), "parent child")
		})
	})

	t.Run("the second parent of a merge is waited for although it is news", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(1)
			f.put(0, "root")
			got := follow(t, f, func() {
				time.Sleep(90 * time.Second)
				// All at once: the end of 0 names 1 and 2, and that of 1 names 3, whose other parent is read slowly.
				f.split(0)
				f.merge(1, 2)
				f.put(1, "low")
				f.put(2, "h1", "h2", "h3")
				f.put(3, "child")
			}, func(cfg *kin.ReaderConfig) { cfg.MaxRecords = 1 })
			if len(got) != 6 || got[0] != "root" || got[5] != "child" {
				t.Errorf("read %v, want root first and child last of 6", got)
			}
		})
	})

	t.Run("a shard that is trimmed while it is read costs only itself", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(2)
			var gone []kin.ShardID
			got := follow(t, f, func() {
				time.Sleep(time.Minute)
				f.split(0)
				f.trim(0)
				f.put(1, "other")
				f.put(2, "child")
			}, func(cfg *kin.ReaderConfig) {
				cfg.Hooks.ShardGone = func(i kin.ShardInfo) { gone = append(gone, i.Shard) }
			})
			slices.Sort(got)
			wants(t, got, "child other")
			if len(gone) != 1 || gone[0] != shardID(0) {
				t.Errorf("told that %v are gone, want %v", gone, shardID(0))
			}
		})
	})

	t.Run("a shard that can't be found is not taken for trimmed because of a listing from before", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(1)
			f.late = func() { time.Sleep(10 * time.Second) } // the second listing is answered 80 s after the start
			var gone []kin.ShardID
			got := follow(t, f, func() {
				time.Sleep(75 * time.Second)
				hidden := time.Now().Add(10 * time.Second)
				f.setFault(func(op, shard string) error {
					if op == "GetShardIterator" && shard == string(shardID(1)) && time.Now().Before(hidden) {
						return &types.ResourceNotFoundException{}
					}
					return nil
				})
				f.split(0)
				f.put(1, "child")
			}, func(cfg *kin.ReaderConfig) {
				cfg.Hooks.ShardGone = func(i kin.ShardInfo) { gone = append(gone, i.Shard) }
			})
			wants(t, got, "child")
			if len(gone) != 0 {
				t.Errorf("told that %v are gone, want none", gone)
			}
		})
	})

	t.Run("a child that can't be found is not taken for trimmed because listings lack it for a while", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(1)
			began := time.Now()
			hidden := func(id string) bool { return id == string(shardID(1)) && time.Since(began) < 100*time.Second }
			f.hide = hidden
			f.setFault(func(op, shard string) error {
				if op == "GetShardIterator" && hidden(shard) {
					return &types.ResourceNotFoundException{}
				}
				return nil
			})
			var gone []kin.ShardID
			got := follow(t, f, func() {
				time.Sleep(time.Minute)
				f.split(0)
				f.put(1, "child")
			}, func(cfg *kin.ReaderConfig) {
				cfg.Hooks.ShardGone = func(i kin.ShardInfo) { gone = append(gone, i.Shard) }
			})
			wants(t, got, "child")
			if len(gone) != 0 {
				t.Errorf("told that %v are gone, want none", gone)
			}
		})
	})

	t.Run("one listing runs at a time, however slow it is and however many shards end", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(3)
			f.noChildShards = true
			var running, most atomic.Int32
			f.late = func() {
				if n := running.Add(1); n > most.Load() {
					most.Store(n)
				}
				time.Sleep(5 * time.Second)
				running.Add(-1)
			}
			follow(t, f, func() {
				time.Sleep(10 * time.Second)
				for shard := range 3 {
					f.split(shard)
					time.Sleep(2 * time.Second)
				}
			})
			if got := most.Load(); got != 1 {
				t.Errorf("%d listings ran at a time, want 1", got)
			}
		})
	})

	t.Run("listing is cheap when nothing happens, and not endless when shards stay away", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(4)
			follow(t, f, func() {})
			if got := f.count("ListShards"); got < 178 || got > 182 {
				t.Errorf("%d listings in three quiet hours, want one per minute", got)
			}
			f = newFakeStream(4)
			f.hide = func(id string) bool { return id == string(shardID(2)) }
			follow(t, f, func() {})
			if got := f.count("ListShards"); got < 178 || got > 200 {
				t.Errorf("%d listings in three hours with a hole, want about one per minute", got)
			}
		})
	})

	t.Run("a stream that is deleted ends the sequence with one clear error", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(3)
			f.put(0, "a")
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			time.AfterFunc(time.Minute, func() {
				f.setFault(func(string, string) error { return errNoStream })
			})
			var texts []string
			for rec, err := range newReader(t, f).Records(ctx) {
				if err != nil {
					texts = append(texts, err.Error())
					continue
				}
				texts = append(texts, string(rec.Data))
			}
			wants(t, texts, "a read orders: ListShards: ResourceNotFoundException: Stream orders under account 000000000000 not found"+
				" (check the name of the stream, the region and the account)")
		})
	})
}

func TestReaderOfOneShard(t *testing.T) {
	t.Parallel()

	t.Run("ends where the shard ends", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(2)
			f.put(1, "a", "b")
			f.split(1)
			f.put(2, "child")
			r := newReader(t, f, func(cfg *kin.ReaderConfig) { cfg.Shard = shardID(1) })
			wants(t, read(t, r, -1), "a b")
			if got := fmt.Sprint(r.Positions()); got != "map[shardId-000000000001:SHARD_END]" {
				t.Errorf("positions = %v, want the end of the shard only", got)
			}
			wants(t, read(t, r, -1), "") // and again
		})
	})

	t.Run("begins at a sequence number", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(1)
			f.put(0, "a", "b", "c") // 1002, 1003, 1004
			for from, want := range map[kin.Position]string{kin.AtSequence("1003"): "b c", kin.AfterSequence("1003"): "c"} {
				r := newReader(t, f, toTip, func(cfg *kin.ReaderConfig) { cfg.Shard, cfg.From = shardID(0), from })
				wants(t, read(t, r, -1), want)
			}
		})
	})

	t.Run("says which shards there are if it does not exist", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(3)
			r := newReader(t, f, func(cfg *kin.ReaderConfig) { cfg.Shard = "shardId-000000000009" })
			for _, err := range r.Records(t.Context()) {
				const want = "read orders shardId-000000000009: ListShards: kin: no such shard (the stream has 3 shards, shardId-000000000000 to shardId-000000000002)"
				if !errors.Is(err, kin.ErrShardNotFound) || err.Error() != want {
					t.Errorf("error = %v, want %v", err, want)
				}
			}
		})
	})
}
