package kin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin"
)

func TestReader(t *testing.T) {
	t.Parallel()

	t.Run("yields what a shard holds, in order and with everything known of it", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(1)
			f.put(0, "a", "b")
			var got []string
			for rec, err := range newReader(t, f, toTip).Records(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				if rec.ShardID != shardID(0) || rec.PartitionKey != "key" || !rec.ArrivalTime.Equal(time.Now()) && len(got) == 0 || rec.Aggregated {
					t.Errorf("record %+v has wrong fields", rec)
				}
				got = append(got, string(rec.SequenceNumber)+string(rec.Data))
			}
			wants(t, got, "1002a 1003b")
		})
	})

	t.Run("follows the stream until its context ends", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(3)
			ctx, cancel := context.WithCancelCause(t.Context())
			go func() {
				for i := range 100 {
					time.Sleep(time.Minute)
					f.put(i%3, fmt.Sprint(i))
				}
				time.Sleep(time.Minute)
				cancel(errors.New("enough"))
			}()
			n := 0
			var last error
			for rec, err := range newReader(t, f).Records(ctx) {
				if last = err; err != nil {
					continue
				}
				if string(rec.Data) != fmt.Sprint(n) {
					t.Fatalf("read %q, want %d", rec.Data, n)
				}
				if late := time.Since(rec.ArrivalTime); late > 1200*time.Millisecond {
					t.Errorf("record %d came %v after it was put, want at most about 1s", n, late)
				}
				n++
			}
			if n != 100 || last == nil || !strings.Contains(last.Error(), "enough") {
				t.Errorf("read %d records and then %v, want 100 and the cause", n, last)
			}
		})
	})

	t.Run("reads all shards side by side and takes turns", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(2)
			f.pageOfRecords = 10
			for i := range 1000 {
				f.put(0, fmt.Sprint(i))
			}
			f.put(1, "other")
			for i, data := range read(t, newReader(t, f), 1001) {
				if data == "other" {
					if i > 20 {
						t.Errorf("the record of the other shard came after %d of the large one, want at most 2 pages", i)
					}
					return
				}
			}
			t.Error("the record of the other shard did not come")
		})
	})

	t.Run("goes on where the last loop ended", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(1)
			f.put(0, "a", "b", "c", "d")
			r := newReader(t, f)
			wants(t, read(t, r, 2), "a b")
			wants(t, read(t, r, 1), "c")
			f.put(0, "e")
			wants(t, read(t, r, 2), "d e")
		})
	})

	t.Run("refuses a second loop at the same time and allows it later", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(1)
			f.put(0, "a")
			r := newReader(t, f, toTip)
			for range r.Records(t.Context()) {
				n := 0
				for _, err := range r.Records(t.Context()) {
					if n++; !errors.Is(err, kin.ErrReaderBusy) {
						t.Errorf("second loop yields %v, want %v", err, kin.ErrReaderBusy)
					}
				}
				if n != 1 {
					t.Errorf("second loop yields %d times, want once", n)
				}
				break
			}
			wants(t, read(t, r, -1), "a")
		})
	})

	t.Run("leaves nothing running however the loop ends", func(t *testing.T) {
		t.Parallel()
		for name, end := range map[string]func(r *kin.Reader){
			"break": func(r *kin.Reader) {
				for range r.Records(context.Background()) {
					break
				}
			},
			"return": func(r *kin.Reader) {
				for range r.Records(context.Background()) {
					return
				}
			},
			"panic": func(r *kin.Reader) {
				defer func() { _ = recover() }()
				for range r.Records(context.Background()) {
					panic("in the loop body")
				}
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				// A goroutine that is left fails the bubble.
				synctest.Test(t, func(t *testing.T) {
					f := newFakeStream(50)
					for i := range 50 {
						f.put(i, "a", "b")
					}
					r := newReader(t, f)
					end(r)
					if got := len(r.Positions()); got != 50 {
						t.Errorf("%d positions after the loop, want 50", got)
					}
					for _, s := range r.Shards() {
						if s.State == kin.ShardReading {
							t.Errorf("%s is %v after the loop", s.Shard, s.State)
						}
					}
				})
			})
		}
	})
}

func TestReaderPositions(t *testing.T) {
	t.Parallel()

	t.Run("count a record when its loop body is finished, and not before", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(1)
			f.put(0, "a", "b", "c") // 1002, 1003, 1004
			r := newReader(t, f)
			var got []string
			for range r.Records(t.Context()) {
				got = append(got, r.Positions()[shardID(0)].String())
				if len(got) == 3 {
					break
				}
			}
			got = append(got, r.Positions()[shardID(0)].String()) // left by break: not finished
			wants(t, got, "TRIM_HORIZON AFTER_SEQUENCE_NUMBER:1002 AFTER_SEQUENCE_NUMBER:1003 AFTER_SEQUENCE_NUMBER:1003")
		})
	})

	t.Run("name every shard, so that a new reader resumes exactly, also from JSON", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(2)
			f.put(0, "a")
			f.put(1, "b")
			f.split(0) // children 2 and 3
			f.put(2, "c")
			f.put(3, "d")
			var positions map[kin.ShardID]kin.Position
			seen := map[string]int{}
			for range 100 {
				r := newReader(t, f, toTip, func(cfg *kin.ReaderConfig) { cfg.Positions = positions })
				done := true
				for rec, err := range r.Records(t.Context()) {
					if err != nil {
						t.Fatal(err)
					}
					if !done {
						break
					}
					done = false
					seen[string(rec.Data)]++
				}
				text, err := json.Marshal(r.Positions())
				if err != nil {
					t.Fatal(err)
				}
				positions = nil
				if err := json.Unmarshal(text, &positions); err != nil {
					t.Fatal(err)
				}
				if done {
					break
				}
			}
			if want := map[string]int{"a": 1, "b": 1, "c": 1, "d": 1}; !maps.Equal(seen, want) {
				t.Errorf("read %v, want %v", seen, want)
			}
			if got := positions[shardID(0)]; got != kin.ShardEnd() {
				t.Errorf("position of the split shard = %v, want %v", got, kin.ShardEnd())
			}
		})
	})

	t.Run("can be asked from elsewhere while reading", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(2)
			for i := range 500 {
				f.put(i%2, fmt.Sprint(i))
			}
			r := newReader(t, f, toTip)
			var done atomic.Bool
			var asking sync.WaitGroup
			asking.Go(func() {
				for !done.Load() {
					_, _ = r.Positions(), r.Shards()
					time.Sleep(time.Millisecond)
				}
			})
			for _, err := range r.Records(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
			}
			done.Store(true)
			asking.Wait()
			for _, s := range r.Shards() {
				if s.Records != 250 || s.Bytes == 0 || s.Lag != 0 {
					t.Errorf("status %+v, want 250 records and no lag", s)
				}
			}
		})
	})
}

func TestReaderConfig(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]kin.ReaderConfig{
		"Stream is empty":                   {},
		"neither the name nor the ARN":      {Stream: "no spaces"},
		"is a position in one shard":        {Stream: "s", From: kin.AfterSequence("1")},
		"is an end":                         {Stream: "s", From: kin.ShardEnd()},
		"has no position for shardId-1":     {Stream: "s", Positions: map[kin.ShardID]kin.Position{"shardId-1": {}}},
		"MaxRecords (10001) must be from":   {Stream: "s", MaxRecords: 10_001},
		"MaxCallsPerSecond (-2)":            {Stream: "s", MaxCallsPerSecond: -2},
		"MinIdleWait (2s) is longer than":   {Stream: "s", MinIdleWait: 2 * time.Second, MaxIdleWait: time.Second},
		"CallTimeout (-1ns) must be from":   {Stream: "s", CallTimeout: -1},
		"WhenAggregated (7) must be":        {Stream: "s", WhenAggregated: 7},
		"WhenOutOfRange (-1) must be":       {Stream: "s", WhenOutOfRange: -1},
		"MaxBufferedBytes (-1) must be":     {Stream: "s", MaxBufferedBytes: -1},
		"StartTimeout (-2ns) must be from":  {Stream: "s", StartTimeout: -2},
		"or -1 for none":                    {Stream: "s", MaxBytesPerSecond: -5},
		"Positions names an empty shard ID": {Stream: "s", Positions: map[kin.ShardID]kin.Position{"": kin.Latest()}},
	} {
		if _, err := kin.NewReader(newFakeStream(1), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NewReader(%+v) = %v, want %q in it", cfg, err, want)
		}
	}
	if _, err := kin.NewReader(nil, kin.ReaderConfig{Stream: "s"}); err == nil {
		t.Error("NewReader without a client = nil error")
	}
	full := kin.ReaderConfig{Stream: "arn:aws:kinesis:eu-west-1:123456789012:stream/s", MaxCallsPerSecond: -1, MaxBytesPerSecond: -1, StartTimeout: -1, GiveUpAfter: -1}
	if _, err := kin.NewReader(newFakeStream(1), full); err != nil {
		t.Errorf("NewReader = %v, want -1 to be taken for none", err)
	}
}
