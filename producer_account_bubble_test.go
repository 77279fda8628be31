package kin_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kintest"
)

// account compares what a producer said about records with what the stream holds.
type account struct {
	mu      sync.Mutex
	answers map[string]answered // by partition key: each record has its own
	never   map[string]bool     // not accepted
}

func newAccount() *account {
	return &account{answers: map[string]answered{}, never: map[string]bool{}}
}

func (a *account) done(key string) func(kin.PutResult, error) {
	return func(result kin.PutResult, err error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.answers[key] = answered{result: result, err: err, times: a.answers[key].times + 1}
	}
}

func (a *account) refused(key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.never[key] = true
}

// check wants every one of the keys answered once, and truly. It returns how many were stored.
func (a *account) check(tb testing.TB, placed []kintest.Placed, keys []string, atMostOnce bool) (stored int) {
	tb.Helper()
	places := map[string][]kintest.Placed{}
	for _, r := range placed {
		places[r.PartitionKey] = append(places[r.PartitionKey], r)
		if string(r.Data) != "data of "+r.PartitionKey {
			tb.Errorf("%s: data = %q", r.PartitionKey, r.Data)
		}
	}
	for _, key := range keys {
		at, answer := places[key], a.answers[key]
		want := 1
		if a.never[key] {
			want = 0
		}
		if answer.times != want {
			tb.Errorf("%s: answers = %d, want %d", key, answer.times, want)
			continue
		}
		switch e, failed := errors.AsType[*kin.PutError](answer.err); {
		case a.never[key] && len(at) != 0, failed && !e.Ambiguous && len(at) != 0:
			tb.Errorf("%s: in the stream %d times, reported as not stored: %v", key, len(at), answer.err)
		case a.never[key] || failed:
		case len(at) == 0, len(at) > 1 && !answer.result.MaybeDuplicate:
			tb.Errorf("%s: in the stream %d times, reported as %+v", key, len(at), answer.result)
		default:
			stored++
			found := false
			for _, r := range at {
				found = found || r.ShardID == string(answer.result.ShardID) && r.SequenceNumber == string(answer.result.SequenceNumber)
			}
			if !found {
				tb.Errorf("%s: reported at %+v, is at %+v", key, answer.result, at)
			}
		}
		if atMostOnce && len(at) > 1 {
			tb.Errorf("%s: in the stream %d times, want at most once", key, len(at))
		}
	}
	return stored
}

func testRecord(key string) kin.UserRecord {
	return kin.UserRecord{PartitionKey: key, Data: []byte("data of " + key)}
}

// everyThird fails every third record of a call.
func everyThird(code string) func(i int) string {
	return func(i int) string {
		if i%3 == 0 {
			return code
		}
		return ""
	}
}

// putFaults are what can happen to a call on the way to the service and back.
var putFaults = map[string]kintest.Fault{
	"throttled records":               {Records: everyThird(throttledCode)},
	"records that failed inside":      {Records: everyThird("InternalFailure")},
	"records that failed when stored": {Records: everyThird("InternalFailure"), AfterCommit: true},
	"a throttled call":                {Error: throttledCode},
	"an internal failure":             {Error: "InternalFailureException"},
	"an internal failure when stored": {Error: "InternalFailureException", AfterCommit: true},
	"a proxy without its server":      {Status: http.StatusBadGateway},
	"a proxy that lost the answer":    {Status: http.StatusGatewayTimeout, AfterCommit: true},
	"a connection cut before":         {Cut: kintest.CutBefore},
	"a connection cut when stored":    {Cut: kintest.CutBefore, AfterCommit: true},
	"a connection cut in the answer":  {Cut: kintest.CutMidBody},
	"an answer that does not come":    {Hang: true},
	"expired credentials":             {Error: "ExpiredTokenException", Status: http.StatusBadRequest},
	"an answer that comes late":       {Delay: 15 * time.Second},
}

func TestProducerAgainstTheServer(t *testing.T) {
	t.Parallel()
	keys := numbered("k", 3000)
	for name, fault := range putFaults {
		for policy, what := range map[kin.WhenAmbiguous]string{kin.RetryAmbiguous: "at least once", kin.FailAmbiguous: "at most once"} {
			t.Run(name+" "+what, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := kintest.New(t)
					if err := s.CreateStream("orders", 4); err != nil {
						t.Fatal(err)
					}
					fault := fault // subtests share the outer one
					fault.Operation, fault.Skip, fault.Times = "PutRecords", 2, 3
					defer s.Inject(fault)()
					p := newProducer(t, s.Client(), kin.ProducerConfig{WhenAmbiguous: policy})
					a := newAccount()
					for _, key := range keys {
						if err := p.PutAsync(t.Context(), testRecord(key), a.done(key)); err != nil {
							t.Fatal(err)
						}
					}
					mustClose(t, p)
					stored := a.check(t, s.Records("orders"), keys, policy == kin.FailAmbiguous)
					if policy == kin.RetryAmbiguous && stored != len(keys) {
						t.Errorf("stored = %d, want all %d", stored, len(keys))
					}
				})
			})
		}
	}
}

func TestProducerStress(t *testing.T) {
	t.Parallel()
	// A storm is many goroutines that put, flush and close while everything goes wrong.
	storm := func(t *testing.T, rounds int) {
		t.Helper()
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 1))
		s := kintest.New(t)
		if err := s.CreateStream("orders", 4); err != nil {
			t.Fatal(err)
		}
		for name, fault := range putFaults {
			if name != "an answer that comes late" {
				fault.Operation, fault.Probability, fault.Seed = "PutRecords", 0.03, r.Uint64()
				defer s.Inject(fault)()
			}
		}
		for round := range rounds {
			stormRound(t, s, rand.New(rand.NewPCG(seed, uint64(round)+2)), fmt.Sprint("r", round, "-"))
		}
	}
	t.Run("in virtual time", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) { storm(t, 12) })
	})
}

// TestProducerStartsAndStopsUnderPressure races the first Put, Flush and Close in
// real time, without pauses.
func TestProducerStartsAndStopsUnderPressure(t *testing.T) {
	t.Parallel()
	for round := range 300 {
		p := newProducer(t, &scriptedPuts{}, kin.ProducerConfig{
			MaxBatchRecords: 3, MaxRecordBytes: 100, MaxBatchBytes: 1000, MaxBufferedBytes: 2000, Linger: -1,
		})
		a := newAccount()
		var (
			wg   sync.WaitGroup
			keys []string
		)
		for g := range 6 {
			mine := numbered(fmt.Sprint("g", g, "-"), round%20)
			keys = append(keys, mine...)
			wg.Go(func() {
				for i, key := range mine {
					putOne(p, a, key, (i+g)%2 == 0)
				}
			})
		}
		for range 3 {
			wg.Go(func() { _ = p.Flush(t.Context()) })
			wg.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				if round%2 == 0 {
					cancel()
				}
				defer cancel()
				_ = p.Close(ctx) // what it could not store is in the account
			})
		}
		wg.Wait()
		for _, key := range keys {
			if n := a.answers[key].times; (n != 1) != a.never[key] || n > 1 {
				t.Fatalf("round %d: %s: answers = %d, not accepted %v", round, key, n, a.never[key])
			}
		}
		if held := kin.ProducerHeld(p); held != 0 {
			t.Fatalf("round %d: held after Close = %d, want 0", round, held)
		}
	}
}

// stormRound is the life of one producer.
func stormRound(t *testing.T, s *kintest.Server, r *rand.Rand, prefix string) {
	t.Helper()
	cfg := kin.ProducerConfig{
		MaxBatchRecords: 1 + r.IntN(50), MaxInFlight: 1 + r.IntN(6), Linger: time.Duration(r.IntN(20)) * time.Millisecond,
		MaxRecordBytes: 100, MaxBatchBytes: 10_000, MaxBufferedBytes: 300 + r.IntN(20_000),
		RecordTTL: time.Duration(50+r.IntN(20_000)) * time.Millisecond, CallTimeout: 500 * time.Millisecond,
		WhenFull: kin.WhenFull(r.IntN(2)), WhenAmbiguous: kin.WhenAmbiguous(r.IntN(2)),
	}
	p := newProducer(t, s.Client(), cfg)
	a := newAccount()
	var (
		wg   sync.WaitGroup
		over atomic.Int64
		keys []string
	)
	for g := range 8 {
		mine := numbered(fmt.Sprint(prefix, "g", g, "-"), 120)
		keys = append(keys, mine...)
		pause := time.Duration(r.IntN(20)) * time.Millisecond
		wg.Go(func() {
			for i, key := range mine {
				if held := kin.ProducerHeld(p); held > cfg.MaxBufferedBytes+100+kin.RecordOverhead {
					over.Add(1)
				}
				putOne(p, a, key, i%2 == 0)
				if i%7 == 0 {
					time.Sleep(pause)
				}
			}
		})
	}
	for range 2 {
		wg.Go(func() {
			for range 10 {
				ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
				_ = p.Flush(ctx) // whether it is in time does not matter
				cancel()
			}
		})
	}
	patience := time.Duration(r.IntN(4000)) * time.Millisecond
	wg.Go(func() {
		time.Sleep(patience)
		ctx, cancel := context.WithTimeout(context.Background(), patience/2)
		defer cancel()
		_ = p.Close(ctx) // the account says whether its answers are right
	})
	wg.Wait()
	_ = p.Close(context.Background())
	if over.Load() > 0 {
		t.Errorf("held more than MaxBufferedBytes %d times", over.Load())
	}
	a.check(t, s.Records("orders"), keys, cfg.WhenAmbiguous == kin.FailAmbiguous)
}

// putOne puts a record in one of both ways.
func putOne(p *kin.Producer, a *account, key string, wait bool) {
	done := a.done(key)
	if wait {
		result, err := p.Put(context.Background(), testRecord(key))
		if e, ok := errors.AsType[*kin.PutError](err); ok && e.Attempts == 0 && !e.Ambiguous && !errors.Is(err, kin.ErrExpired) {
			a.refused(key)
			return
		}
		done(result, err)
		return
	}
	if err := p.PutAsync(context.Background(), testRecord(key), done); err != nil {
		a.refused(key)
	}
}
