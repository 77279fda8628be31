package kin_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kintest"
)

func TestConsumerReshards(t *testing.T) {
	t.Parallel()

	// What a handler has not finished of the parents must not be overtaken by the children, in
	// whatever worker.
	for name, reshard := range map[string]func(s *kintest.Server) error{
		"a split": func(s *kintest.Server) error {
			_, err := s.SplitShard("orders", string(shardID(0)))
			return err
		},
		"a merge, with both parents": func(s *kintest.Server) error {
			_, err := s.MergeShards("orders", string(shardID(0)), string(shardID(1)))
			return err
		},
		"several generations": func(s *kintest.Server) error {
			for _, n := range []int{3, 1, 4, 2, 2, 5} {
				if err := s.Reshard("orders", n); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		for _, latest := range []bool{false, true} {
			t.Run(fmt.Sprintf("handles parents before children: %s, from LATEST: %v", name, latest), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					g := newGroup(t, 2)
					var b book
					slow := kin.HandlerFunc(func(ctx context.Context, batch *kin.Batch) error {
						time.Sleep(30 * time.Second)
						return b.Handle(ctx, batch)
					})
					from := func(cfg *kin.ConsumerConfig) {
						cfg.MaxBatchRecords = 1
						if latest {
							cfg.From = kin.Latest()
						}
					}
					workers := []*worker{g.start(slow, from), g.start(slow, from)}
					time.Sleep(10 * time.Second)
					key := func(i int) string { return fmt.Sprint("customer-", i%4) }
					want := map[string][]string{}
					for i := range 20 {
						want[key(i)] = append(want[key(i)], fmt.Sprint(key(i), "/", i))
						if _, err := g.server.Put("orders", key(i), fmt.Append(nil, key(i), "/", i)); err != nil {
							t.Fatal(err)
						}
						if i == 10 {
							if err := reshard(g.server); err != nil {
								t.Fatal(err)
							}
						}
					}
					time.Sleep(12 * time.Minute)
					for _, w := range workers {
						w.end()
					}
					got := map[string][]string{}
					for _, line := range b.read() {
						key, _, _ := strings.Cut(line, "/")
						got[key] = append(got[key], line)
					}
					if fmt.Sprint(got) != fmt.Sprint(want) {
						t.Errorf("handled %v, want %v", got, want)
					}
				})
			})
		}
	}

	t.Run("tells of shards in the order in which they are read", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			var b book
			w := g.start(&book{}, func(cfg *kin.ConsumerConfig) {
				cfg.Hooks.ShardStarted = func(i kin.LeaseInfo) { b.notef("start %s %v %v", i.Shard[18:], i.Parents, i.Position) }
				cfg.Hooks.ShardStopped = func(i kin.LeaseInfo) { b.notef("stop %s: %v", i.Shard[18:], i.Reason) }
			})
			time.Sleep(10 * time.Second)
			if _, err := g.server.SplitShard("orders", string(shardID(0))); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
			w.end()
			b.wantsAny(t, "start 00 [] TRIM_HORIZON", "stop 00: shard end",
				"start 01 [shardId-000000000000] TRIM_HORIZON", "start 02 [shardId-000000000000] TRIM_HORIZON",
				"stop 01: leaving", "stop 02: leaving")
			if got := b.read(); got[1] != "stop 00: shard end" {
				t.Errorf("noted %q, want the parent to stop before its children start", got)
			}
		})
	})
}

func TestConsumerParallel(t *testing.T) {
	t.Parallel()

	t.Run("handles keys side by side, and each in order, also when the handler fails and the stream is resharded", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 2)
			var mu sync.Mutex
			got, busy, most := map[string][]int{}, map[string]bool{}, 0
			w := g.start(kin.EachRecord(func(_ context.Context, r kin.Record) error {
				mu.Lock()
				if busy[r.PartitionKey] {
					t.Errorf("key %s is being handled twice at a time", r.PartitionKey)
				}
				busy[r.PartitionKey] = true
				most = max(most, len(busy))
				mu.Unlock()
				time.Sleep(rand.N(time.Second))
				mu.Lock()
				defer mu.Unlock()
				delete(busy, r.PartitionKey)
				if rand.N(5) == 0 {
					return errHandler
				}
				n := 0
				fmt.Sscan(string(r.Data), &n)
				got[r.PartitionKey] = append(got[r.PartitionKey], n)
				return nil
			}), func(cfg *kin.ConsumerConfig) { cfg.Parallel, cfg.MaxBatchRecords = 4, 10 })
			const keys, each = 20, 15
			for i := range keys * each {
				if _, err := g.server.Put("orders", fmt.Sprint("key-", i%keys), fmt.Append(nil, i/keys)); err != nil {
					t.Fatal(err)
				}
				if i%70 == 60 {
					if err := g.server.Reshard("orders", 2+i/70); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(50 * time.Millisecond)
			}
			time.Sleep(10 * time.Minute)
			w.end()
			if len(got) != keys || most < 3 {
				t.Errorf("%d keys, at most %d at a time; want %d, several at a time", len(got), most, keys)
			}
			for key, numbers := range got {
				for i, n := range numbers {
					if i != n || len(numbers) != each {
						t.Fatalf("%s: %v, want 0 to %d", key, numbers, each-1)
					}
				}
			}
		})
	})

	t.Run("lets a key that fails hold up only its lane, up to the bound", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			var b book
			w := g.start(kin.EachRecord(func(_ context.Context, r kin.Record) error {
				if r.PartitionKey == "key bad" {
					return errHandler
				}
				b.notef("%s", r.Data)
				return nil
			}), func(cfg *kin.ConsumerConfig) { cfg.Parallel, cfg.MaxUnackedRecords = 100, 50 })
			g.put("bad")
			for i := range 100 {
				g.put(fmt.Sprint(i))
				time.Sleep(time.Second)
			}
			if n := len(b.read()); n < 40 || n > 50 {
				t.Errorf("%d records were handled behind one that fails, want nearly 50", n)
			}
			if o := w.Shards()[0]; o.StuckSince.IsZero() || time.Since(o.StuckSince) < time.Minute {
				t.Errorf("status = %+v, want it stuck", o)
			}
			if got := g.checkpoint(0); got != "TRIM_HORIZON" {
				t.Errorf("checkpoint = %s, want none", got)
			}
			w.end()
		})
	})

	t.Run("stops with batches that wait in lanes, and repeats only those", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			var b, want book
			for i := range 40 {
				want.notef("%d", i)
				g.put(fmt.Sprint(i))
			}
			slow := kin.HandlerFunc(func(ctx context.Context, batch *kin.Batch) error {
				time.Sleep(time.Second)
				return b.Handle(ctx, batch)
			})
			lanes := func(cfg *kin.ConsumerConfig) { cfg.Parallel, cfg.MaxBatchRecords = 3, 5 }
			w := g.start(slow, lanes)
			time.Sleep(4 * time.Second)
			w.end()
			first := len(b.read())
			w = g.start(slow, lanes)
			time.Sleep(time.Minute)
			w.end()
			seen := map[string]bool{}
			for _, line := range b.read() {
				seen[line] = true
			}
			if first == 0 || first >= 40 || len(seen) != 40 {
				t.Errorf("%d records before the stop, %d of 40 in all", first, len(seen))
			}
		})
	})
}

func TestConsumerOfShardsInTrouble(t *testing.T) {
	t.Parallel()
	bad := string(shardID(0))

	for name, fault := range map[string]kintest.Fault{
		"throttled":     {Error: "ProvisionedThroughputExceededException"},
		"not allowed":   {Error: "AccessDeniedException"},
		"not decrypted": {Error: "KMSDisabledException"},
		"not served":    {Status: 503},
		"slow":          {Delay: 25 * time.Second},
		"cut":           {Cut: kintest.CutMidBody},
		"said not to exist for a while, although it is listed": {Error: "ResourceNotFoundException"},
	} {
		t.Run("goes on with the others, shows it, and goes on with it when it is cured: "+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newGroup(t, 2)
				var b book
				var mu sync.Mutex
				told := 0
				w := g.start(&b, func(cfg *kin.ConsumerConfig) {
					cfg.CallTimeout = 20 * time.Second
					cfg.Hooks.Retrying = func(i kin.RetryInfo) {
						mu.Lock()
						defer mu.Unlock()
						if told++; string(i.Shard) != bad || i.Err == nil {
							t.Errorf("told of %+v, want shard %s", i, bad)
						}
					}
				})
				time.Sleep(10 * time.Second)
				fault.Operation, fault.Shard = "GetRecords", bad
				remove := g.server.Inject(fault)
				time.Sleep(time.Second)
				var want book
				inBad := ""
				for i := range 60 {
					g.put(fmt.Sprint(i))
					if g.server.ShardFor("orders", "key "+fmt.Sprint(i)) == bad {
						inBad = fmt.Sprint(i)
					} else {
						want.notef("%d", i)
					}
					time.Sleep(time.Second)
				}
				time.Sleep(2 * time.Second)
				b.wants(t, want.read()...)
				if o := w.Shards()[0]; o.Failures == 0 || o.Err == nil || time.Since(o.StuckSince) < 30*time.Second {
					t.Errorf("status = %+v, want failures and since when", o)
				}
				remove()
				time.Sleep(time.Minute)
				if got := strings.Join(b.read(), " "); len(b.read()) != 60 || !strings.Contains(got+" ", " "+inBad+" ") {
					t.Errorf("handled %s, want all 60", got)
				}
				if o := w.Shards()[0]; o.Failures != 0 || o.Err != nil || !o.StuckSince.IsZero() {
					t.Errorf("status = %+v, want no failures", o)
				}
				if told == 0 {
					t.Error("Retrying was not called")
				}
				w.end()
			})
		})
	}

	t.Run("passes a shard that the stream has trimmed, and says so", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(2)
			f.put(0, "lost")
			f.split(0)
			f.put(2, "child")
			f.put(1, "other")
			var b, told book
			block := true
			f.setFault(func(op, shard string) error {
				if op == "GetRecords" && shard == bad && block {
					block = false
					f.trim(0)
				}
				return nil
			})
			g := &group{t: t}
			c := g.fake(f, &b, func(cfg *kin.ConsumerConfig) {
				cfg.Hooks.ShardGone = func(i kin.LeaseInfo) { told.notef("%s %v", i.Shard, i.Position) }
			})
			ctx, stop := context.WithTimeout(t.Context(), 10*time.Minute)
			defer stop()
			if err := c.Run(ctx); err != nil {
				t.Errorf("Run: %v", err)
			}
			b.wantsAny(t, "child", "other")
			told.wants(t, bad+" TRIM_HORIZON")
		})
	})

	t.Run("does not pass a shard that a listing lacks once", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(2)
			f.put(0, "a")
			var b book
			away, hidden := 2, false // calls that say that there is no such shard; a listing that shows that
			f.setFault(func(op, shard string) error {
				if op == "GetRecords" && shard == bad && away > 0 {
					away--
					f.hide = func(id string) bool {
						defer func() { hidden = true }()
						return id == bad && !hidden
					}
					return &types.ResourceNotFoundException{Message: new("gone")}
				}
				return nil
			})
			g := &group{t: t}
			c := g.fake(f, &b, func(cfg *kin.ConsumerConfig) {
				cfg.Hooks.ShardGone = func(i kin.LeaseInfo) { t.Errorf("told that %s is gone", i.Shard) }
			})
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			defer stop()
			if err := c.Run(ctx); err != nil {
				t.Errorf("Run: %v", err)
			}
			b.wants(t, "a")
		})
	})

	t.Run("does not pass a shard that listings lack for less than a minute, also if they do so twice", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(2)
			f.put(0, "a")
			began := time.Now()
			lists := 0
			f.hide = func(id string) bool {
				lists++
				d := time.Since(began)
				// Not before there is a lease. It is asked for every 30 seconds at least.
				return id == bad && lists > 4 && (d < 35*time.Second || d > 70*time.Second && d < 115*time.Second)
			}
			f.setFault(func(op, shard string) error {
				if op == "GetShardIterator" && shard == bad && time.Since(began) < 115*time.Second {
					return &types.ResourceNotFoundException{Message: new("gone")}
				}
				return nil
			})
			g := &group{t: t}
			var b book
			c := g.fake(f, &b, func(cfg *kin.ConsumerConfig) {
				cfg.Hooks.ShardGone = func(i kin.LeaseInfo) { t.Errorf("told that %s is gone", i.Shard) }
			})
			ctx, stop := context.WithTimeout(t.Context(), 4*time.Minute)
			defer stop()
			if err := c.Run(ctx); err != nil {
				t.Errorf("Run: %v", err)
			}
			b.wants(t, "a")
			if lists < 16 {
				t.Errorf("listings asked for %d shards, want several listings", lists)
			}
		})
	})

	t.Run("renews iterators that expired while a handler was at work", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 1)
			var b book
			w := g.start(kin.HandlerFunc(func(ctx context.Context, batch *kin.Batch) error {
				time.Sleep(20 * time.Minute)
				return b.Handle(ctx, batch)
			}), func(cfg *kin.ConsumerConfig) { cfg.From = kin.Latest() })
			time.Sleep(10 * time.Second)
			for i := range 3 {
				g.put(fmt.Sprint(i))
				time.Sleep(time.Minute)
				g.server.ExpireIterators("orders")
			}
			time.Sleep(65 * time.Minute)
			w.end()
			b.wants(t, "0", "1", "2")
		})
	})

	t.Run("does not let shards starve for memory that others hold", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, 4)
			big := strings.Repeat("x", 300_000)
			var b book
			w := g.start(kin.HandlerFunc(func(_ context.Context, batch *kin.Batch) error {
				if batch.Shard != shardID(3) {
					return errHandler // for ever, with its pages in memory
				}
				b.notef("%d", len(batch.Records))
				return nil
			}), func(cfg *kin.ConsumerConfig) { cfg.MaxBufferedBytes = 1 << 20 })
			n := 0
			for i := range 200 {
				key := fmt.Sprint("key-", i)
				if g.server.ShardFor("orders", key) == string(shardID(3)) {
					n++
				}
				if _, err := g.server.Put("orders", key, []byte(big)); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(10 * time.Minute)
			got := 0
			for _, line := range b.read() {
				k := 0
				fmt.Sscan(line, &k)
				got += k
			}
			if got != n {
				t.Errorf("%d of %d records of the good shard were handled", got, n)
			}
			w.end()
		})
	})
}
