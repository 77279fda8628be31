package kin_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin"
)

// stored after a second: slow enough that the buffer fills.
func slowly(_ context.Context, _ int, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
	time.Sleep(time.Second)
	return allStored(in), nil
}

// room is a configuration whose buffer has room for n records of 1 byte and keys of 2.
func room(n int) kin.ProducerConfig {
	return kin.ProducerConfig{MaxRecordBytes: 3, MaxBatchBytes: 1 << 20, MaxBufferedBytes: n * (3 + kin.RecordOverhead), MaxInFlight: 1, Linger: -1}
}

func TestProducerWithAFullBuffer(t *testing.T) {
	t.Parallel()

	t.Run("blocks until there is room, and serves Puts of a shard in the order of their coming", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			client := &scriptedPuts{answer: slowly}
			cfg := room(4)
			cfg.MaxBufferedBytes += 4 * len(lowest)
			cfg.MaxBatchRecords = 1
			var blocked []kin.BufferInfo
			cfg.Hooks.Blocked = func(i kin.BufferInfo) { blocked = append(blocked, i) }
			p := newProducer(t, client, cfg)
			l := newPutLog(t, p)
			l.putTo(lowest, 1, numbered("a", 4)...)
			for _, key := range numbered("b", 6) {
				go l.putTo(lowest, 1, key)
				synctest.Wait()
			}
			if len(blocked) != 6 || blocked[5].Waiting != 6 || blocked[5].Unanswered != 4 || blocked[5].InFlight != 1 {
				t.Errorf("blocked = %+v, want 6, the last with 6 waiting, 4 unanswered and 1 call", blocked)
			}
			time.Sleep(20 * time.Second)
			if s := p.Stats(); s.Blocked != 6 || s.BlockedTime != 1+2+3+4+5+6 {
				t.Errorf("blocked = %d for %v s, want 6 for 21 s", s.Blocked, s.BlockedTime)
			}
			mustClose(t, p)
			var order []string
			for _, c := range client.seen() {
				order = append(order, c.keys...)
			}
			if want := append(numbered("a", 4), numbered("b", 6)...); !slices.Equal(order, want) {
				t.Errorf("order = %v, want %v", order, want)
			}
		})
	})

	t.Run("lets a Put go when its context ends", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := newProducer(t, &scriptedPuts{answer: slowly}, room(2))
			l := newPutLog(t, p)
			l.put(1, "a0", "a1")
			why := errors.New("no time")
			ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, why)
			defer cancel()
			_, err := p.Put(ctx, kin.UserRecord{PartitionKey: "b0"})
			if e := putError(t, err); !errors.Is(err, why) || e.Ambiguous || e.Attempts != 0 {
				t.Errorf("Put = %v (%s), want the cause, not ambiguous", err, describe(e))
			}
			mustClose(t, p)
			if l.count() != 2 {
				t.Errorf("answers = %d, want 2", l.count())
			}
		})
	})

	t.Run("fails at once if so configured", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			cfg := room(2)
			cfg.WhenFull = kin.FailWhenFull
			p := newProducer(t, &scriptedPuts{answer: slowly}, cfg)
			l := newPutLog(t, p)
			l.put(1, "a0", "a1")
			_, err := p.Put(t.Context(), kin.UserRecord{PartitionKey: "b0"})
			if e := putError(t, err); !errors.Is(err, kin.ErrBufferFull) || e.Ambiguous || e.Record.PartitionKey != "b0" {
				t.Errorf("Put = %v (%s), want ErrBufferFull", err, describe(e))
			}
			if err := p.Flush(t.Context()); err != nil {
				t.Errorf("Flush = %v, want nil", err)
			}
			l.put(1, "c0")
			mustClose(t, p)
			l.of("c0")
		})
	})

	t.Run("never holds more than configured", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			cfg := room(50)
			cfg.MaxInFlight = 3
			p := newProducer(t, &scriptedPuts{answer: slowly}, cfg)
			l := newPutLog(t, p)
			most := 0
			for i := range 40 {
				go l.put(1, numbered(string(rune('A'+i)), 10)...)
			}
			for range 100 {
				time.Sleep(100 * time.Millisecond)
				most = max(most, kin.ProducerHeld(p))
			}
			mustClose(t, p)
			if want := cfg.MaxBufferedBytes; most > want || most < want/2 {
				t.Errorf("held at most %d bytes, want up to %d", most, want)
			}
			if l.count() != 400 {
				t.Errorf("answers = %d, want 400", l.count())
			}
			if got := kin.ProducerHeld(p); got != 0 {
				t.Errorf("held after Close = %d, want 0", got)
			}
		})
	})
}

func TestProducerCallbacks(t *testing.T) {
	t.Parallel()

	// Every callback puts another record, of more bytes than the one that is
	// answered, while others fill what room there is.
	t.Run("may put when the buffer is full", func(t *testing.T) {
		t.Parallel()
		for name, put := range map[string]func(p *kin.Producer, rec kin.UserRecord, done func(kin.PutResult, error)){
			"Put": func(p *kin.Producer, rec kin.UserRecord, done func(kin.PutResult, error)) {
				done(p.Put(context.Background(), rec))
			},
			"PutAsync": func(p *kin.Producer, rec kin.UserRecord, done func(kin.PutResult, error)) {
				if err := p.PutAsync(context.Background(), rec, done); err != nil {
					done(kin.PutResult{}, err)
				}
			},
		} {
			synctest.Test(t, func(t *testing.T) {
				client := &scriptedPuts{answer: slowly}
				cfg := room(10)
				cfg.MaxRecordBytes, cfg.MaxInFlight = 1000, 2
				p := newProducer(t, client, cfg)
				var answers atomic.Int64
				count := func(_ kin.PutResult, err error) {
					if err != nil {
						t.Errorf("%s: %v", name, err)
					}
					answers.Add(1)
				}
				for i := range 100 {
					rec := kin.UserRecord{PartitionKey: "k"}
					if err := p.PutAsync(t.Context(), rec, func(result kin.PutResult, err error) {
						count(result, err)
						put(p, kin.UserRecord{PartitionKey: fmt.Sprint("again", i), Data: make([]byte, 500)}, count)
					}); err != nil {
						t.Fatal(err)
					}
				}
				for kin.ProducerHeld(p) > 0 {
					time.Sleep(time.Second) // Close would refuse what callbacks put
				}
				mustClose(t, p)
				if got := answers.Load(); got != 200 {
					t.Errorf("%s: answers = %d, want 200", name, got)
				}
			})
		}
	})

	t.Run("hold up what they keep in memory, and nothing else", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := newProducer(t, &scriptedPuts{}, room(4))
			hold := make(chan struct{})
			if err := p.PutAsync(t.Context(), kin.UserRecord{PartitionKey: "a0", Data: []byte("x")}, func(kin.PutResult, error) { <-hold }); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			for range 20 {
				if _, err := p.Put(t.Context(), kin.UserRecord{PartitionKey: "b0", Data: []byte("x")}); err != nil {
					t.Errorf("Put = %v, want nil", err)
				}
			}
			if got, want := kin.ProducerHeld(p), 3+kin.RecordOverhead; got != want {
				t.Errorf("held = %d, want %d: what the callback has", got, want)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := p.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Flush = %v, want to wait for the callback", err)
			}
			close(hold)
			mustClose(t, p)
		})
	})

	t.Run("do not hold up a Put in the same call", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := newProducer(t, &scriptedPuts{}, kin.ProducerConfig{})
			put := make(chan struct{})
			if err := p.PutAsync(t.Context(), kin.UserRecord{PartitionKey: "a0"}, func(kin.PutResult, error) { <-put }); err != nil {
				t.Fatal(err)
			}
			if _, err := p.Put(t.Context(), kin.UserRecord{PartitionKey: "b0"}); err != nil {
				t.Errorf("Put = %v, want nil", err)
			}
			close(put)
			mustClose(t, p)
		})
	})

	t.Run("that end their goroutine do not cost others their answer", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := newProducer(t, &scriptedPuts{}, kin.ProducerConfig{})
			l := newPutLog(t, p)
			l.put(1, "a0")
			for range 3 {
				if err := p.PutAsync(t.Context(), kin.UserRecord{PartitionKey: "k"}, func(kin.PutResult, error) { t.SkipNow() }); err != nil {
					t.Fatal(err)
				}
			}
			l.put(1, "a1")
			mustClose(t, p)
			l.of("a0")
			l.of("a1")
		})
	})

	t.Run("are required", func(t *testing.T) {
		t.Parallel()
		p := newProducer(t, &scriptedPuts{}, kin.ProducerConfig{})
		if err := p.PutAsync(t.Context(), kin.UserRecord{PartitionKey: "k"}, nil); err == nil {
			t.Error("PutAsync without a callback = nil, want an error")
		}
	})
}

func TestProducerPutAsyncOutlivesItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProducer(t, &scriptedPuts{answer: slowly}, kin.ProducerConfig{})
		l := newPutLog(t, p)
		ctx, cancel := context.WithCancel(t.Context())
		if err := p.PutAsync(ctx, kin.UserRecord{PartitionKey: "k"}, l.callback("k")); err != nil {
			t.Fatal(err)
		}
		cancel()
		mustClose(t, p)
		if a := l.of("k"); a.err != nil {
			t.Errorf("answer = %v, want stored", a.err)
		}
	})
}

func TestProducerPutThatIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := &scriptedPuts{answer: slowly}
		p := newProducer(t, client, kin.ProducerConfig{})
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		_, err := p.Put(ctx, kin.UserRecord{PartitionKey: "k"})
		if e := putError(t, err); !errors.Is(err, context.DeadlineExceeded) || !e.Ambiguous {
			t.Errorf("Put = %v (%s), want the deadline, ambiguous", err, describe(e))
		}
		mustClose(t, p)
		if len(client.seen()) != 1 {
			t.Errorf("calls = %d, want 1: the record goes on", len(client.seen()))
		}
		if _, err := p.Put(ctx, kin.UserRecord{PartitionKey: "k"}); !errors.Is(err, context.DeadlineExceeded) || putError(t, err).Ambiguous {
			t.Errorf("Put with an ended context = %v, want the deadline, not ambiguous", err)
		}
	})
}
