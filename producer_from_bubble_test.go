package kin_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kintest"
)

// fromLog remembers the answers to the records of a channel.
type fromLog struct {
	mu      sync.Mutex
	answers map[string][]error
}

func (l *fromLog) done(rec kin.UserRecord, result kin.PutResult, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.answers == nil {
		l.answers = map[string][]error{}
	}
	if err == nil && result.Attempts == 0 {
		err = errors.New("neither a result nor an error")
	}
	l.answers[rec.PartitionKey] = append(l.answers[rec.PartitionKey], err)
}

// stored returns how many records were answered with a result, and the errors of the others. It wants one answer for each.
func (l *fromLog) stored(tb testing.TB) (stored int, failed map[string]error) {
	tb.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	failed = map[string]error{}
	for key, answers := range l.answers {
		if len(answers) != 1 {
			tb.Errorf("answers to %s = %v, want one", key, answers)
		}
		if answers[0] == nil {
			stored++
		} else {
			failed[key] = answers[0]
		}
	}
	return stored, failed
}

// sending returns a channel that the records come from, and is then closed.
func sending(recs []kin.UserRecord) <-chan kin.UserRecord {
	c := make(chan kin.UserRecord)
	go func() {
		defer close(c)
		for _, rec := range recs {
			c <- rec
		}
	}()
	return c
}

func TestPutFrom(t *testing.T) {
	t.Parallel()

	t.Run("answers each record once before it returns", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			server := kintest.New(t)
			if err := server.CreateStream("orders", 2); err != nil {
				t.Fatal(err)
			}
			p := newProducer(t, server.Client(), kin.ProducerConfig{MaxBatchRecords: 9})
			var l fromLog
			recs := userRecords("k", 300)
			recs = append(recs, kin.UserRecord{PartitionKey: "late", ExplicitHashKey: "x"})
			recs = append(recs, userRecords("after", 3)...)
			if err := p.PutFrom(t.Context(), sending(recs), l.done); err != nil {
				t.Errorf("PutFrom = %v, want nil", err)
			}
			stored, failed := l.stored(t)
			if stored != 303 || len(server.Records("orders")) != 303 {
				t.Errorf("stored = %d, in the stream %d, want 303", stored, len(server.Records("orders")))
			}
			if len(failed) != 1 || !errors.Is(failed["late"], kin.ErrInvalidRecord) {
				t.Errorf("failed = %v, want the one that is invalid", failed)
			}
			mustClose(t, p)
		})
	})

	t.Run("returns after the last done has", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := newProducer(t, &scriptedPuts{}, kin.ProducerConfig{})
			returned := 0
			err := p.PutFrom(t.Context(), sending(userRecords("k", 3)), func(kin.UserRecord, kin.PutResult, error) {
				time.Sleep(time.Second)
				returned++ // the callbacks of one call come one after the other
			})
			if err != nil || returned != 3 {
				t.Errorf("PutFrom = %v after %d of 3 callbacks", err, returned)
			}
			mustClose(t, p)
		})
	})

	t.Run("holds up who sends while the buffer is full", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := newProducer(t, &scriptedPuts{answer: slowly}, room(4))
			var l fromLog
			recs := make(chan kin.UserRecord)
			ended := make(chan error)
			go func() { ended <- p.PutFrom(t.Context(), recs, l.done) }()
			var sent atomic.Int64
			go func() {
				for _, rec := range smallRecords(10) {
					recs <- rec
					sent.Add(1)
				}
				close(recs)
			}()
			synctest.Wait()
			if n := sent.Load(); n != 5 {
				t.Errorf("records taken while nothing is answered = %d, want 4 in the buffer and one in hand", n)
			}
			if err := <-ended; err != nil {
				t.Errorf("PutFrom = %v, want nil", err)
			}
			if stored, _ := l.stored(t); stored != 10 {
				t.Errorf("stored = %d, want 10", stored)
			}
			mustClose(t, p)
		})
	})

	t.Run("answers records that find no room", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			cfg := room(4)
			cfg.WhenFull = kin.FailWhenFull
			p := newProducer(t, &scriptedPuts{answer: slowly}, cfg)
			var l fromLog
			if err := p.PutFrom(t.Context(), sending(smallRecords(10)), l.done); err != nil {
				t.Errorf("PutFrom = %v, want nil", err)
			}
			stored, failed := l.stored(t)
			if stored != 4 || len(failed) != 6 || !errors.Is(failed["k9"], kin.ErrBufferFull) {
				t.Errorf("stored = %d, failed = %v, want 4 and 6 with ErrBufferFull", stored, failed)
			}
			mustClose(t, p)
		})
	})

	t.Run("takes no more when its context ends, and leaves nothing that it took without an answer", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, testPutFromCutShort)
	})

	t.Run("waits for answers no longer than its context", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := newProducer(t, &scriptedPuts{answer: slowly}, kin.ProducerConfig{})
			var l fromLog
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			err := p.PutFrom(ctx, sending(userRecords("k", 3)), l.done)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("PutFrom = %v, want the deadline", err)
			}
			mustClose(t, p)
			if stored, _ := l.stored(t); stored != 3 {
				t.Errorf("stored = %d, want 3, told later", stored)
			}
		})
	})

	t.Run("returns when the producer is closed, also if nothing comes", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := newProducer(t, &scriptedPuts{}, kin.ProducerConfig{})
			var l fromLog
			recs := make(chan kin.UserRecord)
			ended := make(chan error, 1)
			go func() { ended <- p.PutFrom(t.Context(), recs, l.done) }()
			recs <- userRecords("k", 1)[0]
			mustClose(t, p)
			synctest.Wait()
			select {
			case err := <-ended:
				if !errors.Is(err, kin.ErrClosed) {
					t.Errorf("PutFrom = %v, want ErrClosed", err)
				}
			default:
				t.Error("PutFrom still waits for a record after Close has returned")
				close(recs)
			}
			if stored, failed := l.stored(t); stored != 1 || len(failed) != 0 {
				t.Errorf("stored = %d, failed = %v, want the one that was sent", stored, failed)
			}
		})
	})

	t.Run("takes no more when the producer is closed", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := newProducer(t, &scriptedPuts{}, kin.ProducerConfig{})
			mustClose(t, p)
			var l fromLog
			recs := make(chan kin.UserRecord, 3)
			for _, rec := range userRecords("k", 3) {
				recs <- rec
			}
			if err := p.PutFrom(t.Context(), recs, l.done); !errors.Is(err, kin.ErrClosed) {
				t.Errorf("PutFrom = %v, want ErrClosed", err)
			}
			if stored, failed := l.stored(t); stored+len(failed) != 0 || len(recs) != 3 {
				t.Errorf("stored = %d, failed = %v, left in the channel %d, want none and 3", stored, failed, len(recs))
			}
		})
	})

	t.Run("survives a callback that ends its goroutine", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			p := newProducer(t, &scriptedPuts{}, kin.ProducerConfig{})
			err := p.PutFrom(t.Context(), sending(userRecords("k", 3)), func(kin.UserRecord, kin.PutResult, error) { runtime.Goexit() })
			if err != nil {
				t.Errorf("PutFrom = %v, want nil", err)
			}
			mustClose(t, p)
		})
	})

	t.Run("needs somebody to answer", func(t *testing.T) {
		t.Parallel()
		p := newProducer(t, &scriptedPuts{}, kin.ProducerConfig{})
		if err := p.PutFrom(t.Context(), nil, nil); err == nil {
			t.Error("PutFrom = nil, want an error")
		}
	})
}

func testPutFromCutShort(t *testing.T) {
	cfg := room(4)
	cfg.MaxBatchRecords = 1
	p := newProducer(t, &scriptedPuts{answer: slowly}, cfg)
	var l fromLog
	recs := make(chan kin.UserRecord)
	why := errors.New("no time")
	ctx, cancel := context.WithCancelCause(t.Context())
	var sent []string
	var sender sync.WaitGroup
	sender.Go(func() {
		for _, rec := range smallRecords(10) {
			select {
			case recs <- rec:
				sent = append(sent, rec.PartitionKey)
			case <-ctx.Done():
				return
			}
		}
	})
	time.AfterFunc(1500*time.Millisecond, func() { cancel(why) })
	begun := time.Now()
	if err := p.PutFrom(ctx, recs, l.done); !errors.Is(err, why) || time.Since(begun) != 1500*time.Millisecond {
		t.Errorf("PutFrom = %v after %v, want the cause after 1.5s", err, time.Since(begun))
	}
	sender.Wait()
	mustClose(t, p)
	// After a second one record was answered, and its place taken: five were accepted, one is refused.
	stored, failed := l.stored(t)
	if stored != 5 || len(failed) != 1 || !errors.Is(failed["k5"], why) {
		t.Errorf("stored = %d, failed = %v, want 5, and k5 with the cause", stored, failed)
	}
	if want := numbered("k", 6); !slices.Equal(sent, want) {
		t.Errorf("taken = %v, want %v", fmt.Sprint(sent), want)
	}
}
