package kin_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kintest"
)

// serve starts a server with a stream in a bubble, and lets a while pass, so that
// nothing happens in the second in which the stream was made.
func serve(t testing.TB, shards int, configure ...func(*kintest.Config)) *kintest.Server {
	t.Helper()
	s := kintest.New(t, configure...)
	if err := s.CreateStream("orders", shards); err != nil {
		t.Fatal(err)
	}
	time.Sleep(10 * time.Second)
	return s
}

// client returns a client of the server that is as any program makes it.
func client(s *kintest.Server) *kinesis.Client { return kinesis.NewFromConfig(s.AWSConfig()) }

func put(t testing.TB, s *kintest.Server, data ...string) {
	t.Helper()
	for _, d := range data {
		if _, err := s.Put("orders", "key "+d, []byte(d)); err != nil {
			t.Fatal(err)
		}
	}
}

func must[T any](t testing.TB, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// readFor returns the data that come in a time.
func readFor(t testing.TB, r *kin.Reader, d time.Duration) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	var data []string
	for rec, err := range r.Records(ctx) {
		if err != nil && ctx.Err() == nil {
			t.Fatal(err)
		}
		if err == nil {
			data = append(data, string(rec.Data))
		}
	}
	return data
}

func TestReaderAtLatest(t *testing.T) {
	t.Parallel()
	atTip := func(cfg *kin.ReaderConfig) { cfg.From = kin.Latest() }

	t.Run("reads only what is put from then on", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, 4)
			put(t, s, "old")
			time.AfterFunc(time.Second, func() { put(t, s, "new") })
			wants(t, readFor(t, newReader(t, client(s), atTip), time.Minute), "new")
			if got := s.CallCount("GetShardIterator"); got != 4 {
				t.Errorf("%d iterators for 4 shards, want 4", got)
			}
		})
	})

	t.Run("does not jump when an iterator expires before a record came", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, 1)
			put(t, s, "old")
			time.Sleep(2 * time.Second)
			time.AfterFunc(time.Hour, func() {
				s.ExpireIterators("orders")
				put(t, s, "between")
			})
			wants(t, readFor(t, newReader(t, client(s), atTip), 2*time.Hour), "between")
		})
	})

	t.Run("does not jump when the reader is ranged over again, or resumed, before a record came", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, 1)
			put(t, s, "old")
			time.Sleep(2 * time.Second)
			r := newReader(t, client(s), atTip)
			wants(t, readFor(t, r, time.Minute), "")
			put(t, s, "while nobody read")
			saved := r.Positions()
			if got := saved[shardID(0)].String(); !strings.HasPrefix(got, "AT_TIMESTAMP:") {
				t.Errorf("position = %v, want a time", got)
			}
			wants(t, readFor(t, r, time.Minute), "while nobody read")
			resumed := newReader(t, client(s), atTip, func(cfg *kin.ReaderConfig) { cfg.Positions = saved })
			wants(t, readFor(t, resumed, time.Minute), "while nobody read")
		})
	})

	t.Run("does not jump when the service is throttled at the start", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, 1)
			put(t, s, "old")
			time.Sleep(2 * time.Second)
			s.Inject(kintest.Fault{Operation: "GetShardIterator", Error: "ProvisionedThroughputExceededException", Times: 10})
			time.AfterFunc(time.Second, func() { put(t, s, "meanwhile") })
			wants(t, readFor(t, newReader(t, client(s), atTip), 3*time.Minute), "meanwhile")
		})
	})

	t.Run("resumes with the children of a shard that was split in between", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, 1)
			put(t, s, "old")
			time.Sleep(2 * time.Second)
			r := newReader(t, client(s), atTip)
			wants(t, readFor(t, r, time.Minute), "")
			must(t, 0, s.Reshard("orders", 4))
			put(t, s, "in a child")
			resumed := newReader(t, client(s), atTip, func(cfg *kin.ReaderConfig) { cfg.Positions = r.Positions() })
			wants(t, readFor(t, resumed, time.Minute), "in a child")
		})
	})
}

func TestReaderByTime(t *testing.T) {
	t.Parallel()

	t.Run("replays slices of time that fit together", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, 2)
			begin := time.Now()
			for i := range 100 {
				put(t, s, fmt.Sprint(i))
				if i == 40 {
					must(t, 0, s.Reshard("orders", 3))
				}
				time.Sleep(time.Second)
			}
			seen := map[string]int{}
			for i := range 10 {
				from := begin.Add(time.Duration(i) * 10 * time.Second)
				until := from.Add(10 * time.Second)
				r := newReader(t, client(s), func(cfg *kin.ReaderConfig) {
					cfg.From, cfg.Until = kin.AtTimestamp(from), kin.AtTime(until)
				})
				for _, data := range read(t, r, -1) {
					seen[data]++
				}
			}
			for i := range 100 {
				if n := seen[fmt.Sprint(i)]; n != 1 {
					t.Errorf("record %d was read %d times, want once", i, n)
				}
			}
		})
	})

	t.Run("goes on where it stopped in the last page of a closed shard", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, 1)
			put(t, s, "a", "b")
			time.Sleep(time.Minute)
			until := time.Now()
			put(t, s, "c", "d")
			must(t, 0, s.Reshard("orders", 2))
			put(t, s, "e")
			r := newReader(t, client(s), func(cfg *kin.ReaderConfig) { cfg.Until = kin.AtTime(until) })
			wants(t, read(t, r, -1), "a b")
			rest := newReader(t, client(s), toTip, func(cfg *kin.ReaderConfig) { cfg.Positions = r.Positions() })
			wants(t, read(t, rest, -1), "c d e")
		})
	})

	t.Run("does not ask shards that ended before", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, 1)
			put(t, s, "old")
			for i := range 20 {
				time.Sleep(time.Hour / 2)
				must(t, 0, s.Reshard("orders", 1+(i+1)%2))
			}
			time.Sleep(time.Hour / 2)
			from := time.Now()
			put(t, s, "new")
			began := time.Now()
			wants(t, read(t, newReader(t, client(s), toTip, func(cfg *kin.ReaderConfig) { cfg.From = kin.AtTimestamp(from) }), -1), "new")
			if got := s.CallCount("GetShardIterator"); got > 2 {
				t.Errorf("%d iterators, want those of the open shards", got)
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("took %v, want under 1s", took)
			}
		})
	})

	t.Run("stops at what was there although records keep coming", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, 1)
			put(t, s, "a", "b")
			stop, putting := make(chan struct{}), sync.WaitGroup{}
			putting.Go(func() {
				for {
					select {
					case <-stop:
						return
					case <-time.After(50 * time.Millisecond):
						put(t, s, "later")
					}
				}
			})
			got := read(t, newReader(t, client(s), toTip), -1)
			close(stop)
			putting.Wait()
			if len(got) < 2 || len(got) > 70 || got[0] != "a" || got[1] != "b" {
				t.Errorf("read %v, want a and b, and at most what came in the 3 seconds after", got)
			}
		})
	})

	t.Run("waits for a time that is still to come", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, 2)
			put(t, s, "a")
			until := time.Now().Add(time.Hour)
			time.AfterFunc(59*time.Minute, func() { put(t, s, "b") })
			time.AfterFunc(61*time.Minute, func() { put(t, s, "c") })
			r := newReader(t, client(s), func(cfg *kin.ReaderConfig) { cfg.Until = kin.AtTime(until) })
			wants(t, readFor(t, r, 2*time.Hour), "a b")
			if late := time.Since(until); late < 0 || late > 5*time.Second {
				t.Errorf("ended %v after the time, want 0 to 5s", late)
			}
		})
	})
}

func TestReaderOfAServer(t *testing.T) {
	t.Parallel()

	for name, fault := range map[string]kintest.Fault{
		"cut before the answer":     {Cut: kintest.CutBefore, Probability: 0.4, Seed: 1},
		"cut within the answer":     {Cut: kintest.CutMidBody, Probability: 0.4, Seed: 2},
		"hanging":                   {Operation: "GetRecords", Hang: true, Probability: 0.1, Seed: 3},
		"answering 503 and nothing": {Status: 503, Probability: 0.4, Seed: 4},
		"throttling":                {Error: "ProvisionedThroughputExceededException", Operation: "GetRecords", Probability: 0.4, Seed: 5},
		"failing":                   {Error: "InternalFailureException", Probability: 0.4, Seed: 6},
		"slow":                      {Delay: 3 * time.Second, Probability: 0.3, Seed: 7},
		"answering empty pages":     {Operation: "GetRecords", Empty: true, Probability: 0.3, Seed: 8},
	} {
		t.Run("survives "+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, 2)
				defer s.Inject(fault)()
				var putting sync.WaitGroup
				putting.Go(func() {
					for i := range 200 {
						time.Sleep(time.Second)
						put(t, s, fmt.Sprint(i))
						if i%50 == 49 {
							must(t, 0, s.Reshard("orders", 1+i%3))
						}
						if i%70 == 69 {
							s.ExpireIterators("orders")
						}
					}
				})
				defer putting.Wait()
				seen := map[string]int{}
				for _, data := range readFor(t, newReader(t, client(s), func(cfg *kin.ReaderConfig) { cfg.StartTimeout = -1 }), 30*time.Minute) {
					seen[data]++
				}
				putting.Wait()
				for i := range 200 {
					if n := seen[fmt.Sprint(i)]; n != 1 {
						t.Errorf("record %d was read %d times, want once", i, n)
					}
				}
			})
		})
	}

	t.Run("keeps the limits of the service while it catches up at full speed", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, 1, func(cfg *kintest.Config) { cfg.Limits = kintest.ServiceLimits() })
			data := []byte(strings.Repeat("x", 100<<10))
			for range 600 { // 60 MB
				must(t, 0, second(s.Put("orders", "key", data)))
				time.Sleep(110 * time.Millisecond)
			}
			began, n, refused := time.Now(), 0, 0
			r := newReader(t, client(s), toTip, func(cfg *kin.ReaderConfig) {
				cfg.Hooks.Retrying = func(kin.RetryInfo) { refused++ }
			})
			for _, err := range r.Records(t.Context()) {
				must(t, 0, err)
				n++
			}
			took := time.Since(began)
			if n != 600 || took > 40*time.Second {
				t.Errorf("read %d records in %v, want 600 at 2 MiB/s: about 30s", n, took)
			}
			if refused > 2 {
				t.Errorf("%d calls were refused, want next to none", refused)
			}
		})
	})

	t.Run("speaks CBOR, and makes one attempt per call", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, 1)
			put(t, s, "a")
			s.Inject(kintest.Fault{Operation: "GetRecords", Error: "InternalFailureException", Times: 3})
			failures := 0
			r := newReader(t, client(s), toTip, func(cfg *kin.ReaderConfig) {
				cfg.Hooks.Retrying = func(kin.RetryInfo) { failures++ }
			})
			wants(t, read(t, r, -1), "a")
			if failures != 3 {
				t.Errorf("told of %d failed calls, want 3: one attempt each", failures)
			}
			for _, c := range s.Calls() {
				if c.Operation == "GetRecords" && c.Protocol != "cbor" {
					t.Errorf("GetRecords was called in %s, want cbor", c.Protocol)
				}
			}
		})
	})

	t.Run("ends with one line for a stream that does not exist", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, 1)
			r := newReader(t, client(s), func(cfg *kin.ReaderConfig) { cfg.Stream = "orderz" })
			var texts []string
			for _, err := range r.Records(t.Context()) {
				texts = append(texts, err.Error())
			}
			wants(t, texts, "read orderz: ListShards: ResourceNotFoundException: Stream orderz under account 000000000000 not found"+
				" (check the name of the stream, the region and the account)")
		})
	})

	t.Run("begins at a position by sequence number in each shard", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, 1)
			put(t, s, "a", "b", "c")
			all := s.Records("orders")
			r := newReader(t, client(s), toTip, func(cfg *kin.ReaderConfig) {
				cfg.Positions = map[kin.ShardID]kin.Position{shardID(0): kin.AfterSequence(kin.SequenceNumber(all[0].SequenceNumber))}
			})
			wants(t, read(t, r, -1), "b c")
			if got := r.Shards()[0].Position.String(); got != "AFTER_SEQUENCE_NUMBER:"+all[2].SequenceNumber {
				t.Errorf("position = %v, want that of the last record", got)
			}
		})
	})

	t.Run("ends with one line when the stream is deleted and made again", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, 1)
			put(t, s, "a")
			time.AfterFunc(time.Minute, func() {
				must(t, 0, s.DeleteStream("orders"))
				must(t, 0, s.CreateStream("orders", 1))
			})
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			var texts []string
			for rec, err := range newReader(t, client(s)).Records(ctx) {
				if err != nil {
					texts = append(texts, err.Error())
					continue
				}
				texts = append(texts, string(rec.Data))
			}
			// A listing may fall between the two.
			if len(texts) != 2 || !strings.Contains(texts[1], "GetShardIterator: InvalidArgumentException") &&
				!strings.Contains(texts[1], "ListShards: ResourceNotFoundException") || strings.Contains(texts[1], "\n") {
				t.Errorf("got %q, want the record and an error about its position or the stream", texts)
			}
		})
	})
}

func second[T any](_ T, err error) error { return err }
