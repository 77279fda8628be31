package kin_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin"
)

func TestProducerFlush(t *testing.T) {
	t.Parallel()

	t.Run("does not wait for the linger, and returns after the callbacks", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			begun := time.Now()
			p := newProducer(t, &scriptedPuts{answer: slowly}, kin.ProducerConfig{Linger: 10 * time.Second})
			l := newPutLog(t, p)
			l.put(1, numbered("k", 10)...)
			if err := p.Flush(t.Context()); err != nil {
				t.Errorf("Flush = %v, want nil", err)
			}
			if took := time.Since(begun); took != time.Second || l.count() != 10 {
				t.Errorf("after %v: %d answers, want 10 after 1 s", took, l.count())
			}
			mustClose(t, p)
		})
	})

	t.Run("does not wait for what comes later", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			begun := time.Now()
			p := newProducer(t, &scriptedPuts{answer: slowly}, kin.ProducerConfig{Linger: -1})
			l := newPutLog(t, p)
			var wg sync.WaitGroup
			for _, key := range numbered("k", 50) {
				l.put(1, key)
				wg.Go(func() {
					at := time.Now()
					if err := p.Flush(t.Context()); err != nil {
						t.Errorf("Flush = %v, want nil", err)
					}
					l.of(key)
					if took := time.Since(at); took > 2*time.Second {
						t.Errorf("Flush after %v took %v, want at most 2 s", at.Sub(begun), took)
					}
				})
				time.Sleep(100 * time.Millisecond)
			}
			wg.Wait()
			mustClose(t, p)
		})
	})
}

func TestProducerClose(t *testing.T) {
	t.Parallel()

	t.Run("drains what is buffered", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := newProducer(t, &scriptedPuts{answer: slowly}, kin.ProducerConfig{Linger: time.Minute})
			l := newPutLog(t, p)
			l.put(1, numbered("k", 5_300)...)
			mustClose(t, p)
			for _, key := range numbered("k", 5_300) {
				if a := l.of(key); a.err != nil {
					t.Fatalf("answer to %s = %v, want stored", key, a.err)
				}
			}
		})
	})

	t.Run("refuses what comes later, and what waits for room", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := newProducer(t, &scriptedPuts{answer: slowly}, room(2))
			l := newPutLog(t, p)
			l.put(1, "a0", "a1")
			var wg sync.WaitGroup
			wg.Go(func() {
				if _, err := p.Put(t.Context(), kin.UserRecord{PartitionKey: "b0"}); !errors.Is(err, kin.ErrClosed) || putError(t, err).Ambiguous {
					t.Errorf("waiting Put = %v, want ErrClosed, not ambiguous", err)
				}
			})
			synctest.Wait()
			for range 3 {
				wg.Go(func() { mustClose(t, p) })
			}
			wg.Wait()
			mustClose(t, p)
			if err := p.PutAsync(t.Context(), kin.UserRecord{PartitionKey: "c0"}, func(kin.PutResult, error) {}); !errors.Is(err, kin.ErrClosed) {
				t.Errorf("late PutAsync = %v, want ErrClosed", err)
			}
			if l.of("a0").err != nil || l.of("a1").err != nil {
				t.Error("records accepted before Close are not stored")
			}
			if err := p.Flush(t.Context()); err != nil {
				t.Errorf("Flush after Close = %v, want nil", err)
			}
		})
	})

	t.Run("needs no record to have been put", func(t *testing.T) {
		t.Parallel()
		p := newProducer(t, &scriptedPuts{}, kin.ProducerConfig{})
		mustClose(t, p)
		mustClose(t, p)
	})
}

// What Close has to give up is in flight (may be stored), failed once (throttled:
// is not stored; or failed inside: may be stored), or was never sent.
func TestProducerCloseThatGivesUpSaysWhatWasNotStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := &scriptedPuts{answer: func(ctx context.Context, n int, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
			if n == 0 {
				return failing(in, func(key string) string {
					return map[byte]string{'t': throttledCode, 'i': "InternalFailure"}[key[0]]
				}), nil
			}
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		p := newProducer(t, client, kin.ProducerConfig{MaxInFlight: 1, MaxBatchRecords: 6, CallTimeout: time.Hour, RecordTTL: -1})
		l := newPutLog(t, p)
		l.put(1, "s0", "s1", "t0", "t1", "i0", "i1")
		time.Sleep(20 * time.Millisecond) // before the first back-off ends
		l.put(1, numbered("f", 6)...)
		synctest.Wait()
		l.put(1, numbered("u", 7)...)

		why := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, why)
		defer cancel()
		begun := time.Now()
		err := p.Close(ctx)
		if took := time.Since(begun); took != time.Minute {
			t.Errorf("Close took %v, want 1 min", took)
		}
		e, ok := errors.AsType[*kin.CloseError](err)
		if !ok || e.NotStored != 9 || e.Ambiguous != 8 || !errors.Is(err, why) {
			t.Errorf("Close = %v, want 9 not stored and 8 that may have been", err)
		}
		if again := p.Close(t.Context()); again == nil || again.Error() != err.Error() {
			t.Errorf("second Close = %v, want the same", again)
		}
		for kind, want := range map[string]struct{ n, attempts, ambiguous int }{"s": {2, 1, 0}, "t": {2, 1, 0}, "i": {2, 1, 1}, "f": {6, 1, 1}, "u": {7, 0, 0}} {
			for _, key := range numbered(kind, want.n) {
				a := l.of(key)
				if kind == "s" {
					if a.err != nil {
						t.Errorf("%s: %v, want stored", key, a.err)
					}
					continue
				}
				if e := putError(t, a.err); !errors.Is(a.err, kin.ErrClosed) || e.Ambiguous != (want.ambiguous == 1) || e.Attempts != want.attempts || e.Record.Stream != "" {
					t.Errorf("%s: %v (%s), want ErrClosed, attempts %d, ambiguous %d", key, a.err, describe(e), want.attempts, want.ambiguous)
				}
			}
		}
	})
}

// With a context that has ended, Close may still find everything answered, or not:
// it says neither more nor less than the answers do.
func TestProducerCloseWithAnEndedContextCountsWhatItGaveUp(t *testing.T) {
	t.Parallel()
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			p := newProducer(t, &scriptedPuts{answer: slowly}, kin.ProducerConfig{})
			l := newPutLog(t, p)
			keys := numbered("k", 600)
			l.put(1, keys...)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			err := p.Close(ctx)
			failed := 0
			for _, key := range keys {
				if a := l.of(key); a.err != nil {
					failed++
				}
			}
			e, ok := errors.AsType[*kin.CloseError](err)
			if ok != (failed > 0) || ok && (e.NotStored+e.Ambiguous != failed || !errors.Is(err, context.Canceled)) {
				t.Errorf("Close = %v, want to give up the %d records that were answered with an error", err, failed)
			}
		})
	}
}
