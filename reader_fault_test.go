package kin_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin"
)

var (
	errNoStream  = &types.ResourceNotFoundException{Message: new("Stream orders under account 000000000000 not found.")}
	errThrottled = &types.ProvisionedThroughputExceededException{Message: new("Rate exceeded for shard")}
	errOops      = &types.InternalFailureException{Message: new("oops")}
	errDenied    = &types.AccessDeniedException{Message: new("not you")}
	errOld       = &types.ExpiredIteratorException{Message: new("Iterator expired")}
)

func TestReaderSurvives(t *testing.T) {
	t.Parallel()

	// Everything fails at times: nothing is lost, nothing comes twice.
	for name, failure := range map[string]error{
		"throttling":          errThrottled,
		"internal failures":   errOops,
		"expired iterators":   errOld,
		"broken connections":  errors.New("read tcp 10.0.0.1:443: connection reset by peer"),
		"missing credentials": errors.New("no credentials at the moment"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFakeStream(2)
				f.pageOfRecords = 3
				var calls atomic.Int64
				f.fault = func(op, _ string) error {
					if n := calls.Add(1); n > 3 && n%3 != 0 && (op != "GetShardIterator" || !errors.Is(failure, errOld)) {
						return failure
					}
					return nil
				}
				for i := range 30 {
					f.put(0, fmt.Sprint(i))
				}
				f.split(0)
				f.put(2, "30")
				for i, data := range read(t, newReader(t, f, toTip), -1) {
					if data != fmt.Sprint(i) {
						t.Fatalf("record %d is %q", i, data)
					}
				}
			})
		})
	}

	t.Run("a shard that fails for a day: it stops nothing else, is seen, and goes on", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(2)
			began := time.Now()
			f.fault = func(op, shard string) error {
				if op == "GetRecords" && shard == string(shardID(0)) && time.Since(began) < 24*time.Hour {
					return errOops
				}
				return nil
			}
			f.put(0, "late")
			f.put(1, "a")
			var retries, worst atomic.Int64
			r := newReader(t, f, func(cfg *kin.ReaderConfig) {
				cfg.Hooks.Retrying = func(i kin.RetryInfo) {
					if i.Shard != shardID(0) || i.Op != "GetRecords" || i.Err == nil || i.Throttled {
						t.Errorf("told of %+v, want GetRecords of the bad shard", i)
					}
					retries.Add(1)
					worst.Store(max(worst.Load(), int64(i.Wait)))
				}
			})
			ctx, cancel := context.WithTimeout(t.Context(), 25*time.Hour)
			defer cancel()
			time.AfterFunc(12*time.Hour, func() {
				bad := r.Shards()[0]
				if bad.Failures < 1000 || !errors.Is(bad.Err, errOops) || bad.State != kin.ShardReading {
					t.Errorf("status of the bad shard is %+v, want its failures", bad)
				}
				f.put(1, "b")
			})
			var got []string
			for rec, err := range r.Records(ctx) {
				if err != nil {
					break
				}
				if rec.ShardID == shardID(1) && time.Since(rec.ArrivalTime) > 1500*time.Millisecond {
					t.Errorf("%q of the good shard came after %v", rec.Data, time.Since(rec.ArrivalTime))
				}
				got = append(got, string(rec.Data))
			}
			wants(t, got, "a b late")
			if n := retries.Load(); n < 8000 || n > 20_000 {
				t.Errorf("told of %d failures in a day, want one in 5 to 10 seconds", n)
			}
			if time.Duration(worst.Load()) > 10*time.Second {
				t.Errorf("longest wait %v, want at most 10s", time.Duration(worst.Load()))
			}
		})
	})
}

func TestReaderGivesUp(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct {
		op      string
		err     error
		shard   kin.ShardID
		within  time.Duration
		mention string
	}{
		"without access to a shard": {
			"GetRecords", errDenied, shardID(1), 0,
			"read orders shardId-000000000001: GetRecords: AccessDeniedException: not you (the caller needs kinesis:ListShards",
		},
		"with a position of another stream": {
			"GetShardIterator", &types.InvalidArgumentException{Message: new("bad number")}, shardID(1), 0,
			"GetShardIterator: InvalidArgumentException: bad number (the position may belong to another shard",
		},
		"without the stream": {
			"ListShards", errNoStream, "", 0,
			"ListShards: ResourceNotFoundException: Stream orders under account 000000000000 not found (check the name of the stream",
		},
		"without a region": {
			"ListShards", errors.New("Invalid Configuration: Missing Region"), "", 0,
			"(set a region",
		},
		"if the endpoint can't be reached": {
			"ListShards", errors.New("dial tcp: connection reset"), "", 30 * time.Second,
			"ListShards: gave up after ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFakeStream(2)
				f.fault = func(op, shard string) error {
					if op == tt.op && shard == string(tt.shard) {
						return tt.err
					}
					return nil
				}
				began := time.Now()
				var errs []error
				for _, err := range newReader(t, f).Records(t.Context()) {
					errs = append(errs, err)
				}
				if len(errs) != 1 {
					t.Fatalf("yielded %v, want one error", errs)
				}
				e, ok := errors.AsType[*kin.ShardError](errs[0])
				if !ok || e.Op != tt.op || e.Shard != tt.shard || e.Stream != "orders" || !errors.Is(e, tt.err) {
					t.Errorf("error = %#v, want a *ShardError with its fields", errs[0])
				}
				if text := e.Error(); !strings.Contains(text, tt.mention) || strings.Contains(text, "\n") {
					t.Errorf("error = %q, want %q in one line", text, tt.mention)
				}
				if took := time.Since(began); took < tt.within || took > tt.within+11*time.Second {
					t.Errorf("gave up after %v, want %v", took, tt.within)
				}
			})
		})
	}

	t.Run("after GiveUpAfter, and can go on later", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(1)
			f.put(0, "a")
			bad := true
			f.fault = func(op, _ string) error {
				if op == "GetRecords" && bad {
					return errOops
				}
				return nil
			}
			r := newReader(t, f, toTip, func(cfg *kin.ReaderConfig) { cfg.GiveUpAfter = time.Minute })
			for _, err := range r.Records(t.Context()) {
				if !errors.Is(err, errOops) || !strings.Contains(err.Error(), "gave up after") {
					t.Errorf("error = %v, want the cause and that it gave up", err)
				}
			}
			bad = false
			wants(t, read(t, r, -1), "a")
		})
	})
}

func TestReaderPace(t *testing.T) {
	t.Parallel()

	t.Run("never makes more than five calls per second on a shard", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(1)
			f.pageOfRecords = 1
			for i := range 100 {
				f.put(0, fmt.Sprint(i))
			}
			began := time.Now()
			if got := read(t, newReader(t, f, toTip), -1); len(got) != 100 {
				t.Fatalf("read %d records, want 100", len(got))
			}
			if took := time.Since(began); took > 25*time.Second {
				t.Errorf("100 pages took %v, want about 20s: 5 calls per second", took)
			}
			calls := f.times[string(shardID(0))]
			for i := 5; i < len(calls); i++ {
				if gap := calls[i].Sub(calls[i-5]); gap < time.Second {
					t.Fatalf("calls %d to %d came within %v", i-5, i, gap)
				}
			}
		})
	})

	t.Run("keeps up with a shard that takes all that it may", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := newFakeStream(1)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute+5*time.Second)
			defer cancel()
			go func() {
				data := strings.Repeat("x", 1000)
				for range 60 * 10 { // 1,000 records of 1 kB per second
					for range 100 {
						f.put(0, data)
					}
					time.Sleep(100 * time.Millisecond)
				}
			}()
			n := 0
			for rec, err := range newReader(t, f).Records(ctx) {
				if err != nil {
					break
				}
				n++
				if late := time.Since(rec.ArrivalTime); late > time.Second {
					t.Fatalf("record %d came %v late", n, late)
				}
			}
			if n != 60_000 {
				t.Errorf("read %d records, want 60000", n)
			}
		})
	})

	t.Run("waits for the loop when its memory is used up, and holds few pages", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			const shards, page = 20, 100 << 10
			f := newFakeStream(shards)
			f.pageOfRecords = 1
			data := strings.Repeat("x", page)
			for i := range shards {
				f.put(i, data, data, data)
			}
			r := newReader(t, f, toTip, func(cfg *kin.ReaderConfig) { cfg.MaxBufferedBytes = 300 << 10 })
			n, fetched := 0, 0
			for _, err := range r.Records(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				if n++; n == 1 {
					time.Sleep(time.Minute)
					if fetched = f.count("GetRecords"); fetched > 5 {
						t.Errorf("%d pages of 100 KiB were fetched while the loop did not move, want at most 5 with 300 KiB", fetched)
					}
				}
			}
			if n != 3*shards {
				t.Errorf("read %d records, want %d", n, 3*shards)
			}
		})
	})
}
