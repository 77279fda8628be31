package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/internal/fetch"
	"github.com/kinstream/kin/internal/pace"
)

// script is a client whose answers of GetRecords are given by call, counted from
// 0. Iterators say in words where they stand.
type script struct {
	records  func(call int, iterator string) (*kinesis.GetRecordsOutput, error)
	iterator func(call int) error // nil: always answered
	hang     int                  // this call of GetRecords waits for its context; -1: none

	mu        sync.Mutex
	iterators []string    // asked for
	read      []time.Time // calls of GetRecords
}

func (s *script) GetShardIterator(_ context.Context, in *kinesis.GetShardIteratorInput, _ ...func(*kinesis.Options)) (*kinesis.GetShardIteratorOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	call := len(s.iterators)
	text := string(in.ShardIteratorType)
	if in.StartingSequenceNumber != nil {
		text += ":" + *in.StartingSequenceNumber
	}
	if in.Timestamp != nil {
		text += ":" + in.Timestamp.UTC().Format(time.TimeOnly)
	}
	s.iterators = append(s.iterators, text)
	if s.iterator != nil {
		if err := s.iterator(call); err != nil {
			return nil, err
		}
	}
	return &kinesis.GetShardIteratorOutput{ShardIterator: &text}, nil
}

func (s *script) GetRecords(ctx context.Context, in *kinesis.GetRecordsInput, _ ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error) {
	s.mu.Lock()
	call := len(s.read)
	s.read = append(s.read, time.Now())
	s.mu.Unlock()
	if call == s.hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.records(call, *in.ShardIterator)
}

func (s *script) asked() string { return strings.Join(s.iterators, " ") }

// answer is an answer with the records of these sequence numbers, 100 bytes each.
func answer(lag int64, sequences ...string) *kinesis.GetRecordsOutput {
	out := &kinesis.GetRecordsOutput{MillisBehindLatest: &lag, NextShardIterator: new("next")}
	for _, s := range sequences {
		out.Records = append(out.Records, types.Record{SequenceNumber: &s, PartitionKey: new("key"), Data: make([]byte, 97)})
	}
	return out
}

func ended(out *kinesis.GetRecordsOutput) *kinesis.GetRecordsOutput {
	out.NextShardIterator = nil
	out.ChildShards = []types.ChildShard{{ShardId: new("shardId-1")}}
	return out
}

type setup struct {
	*fetch.Shard
	client   *script
	budget   *fetch.Budget
	failures []fetch.Failure
}

func newShard(client *script, configure ...func(*fetch.Config)) *setup {
	s := &setup{client: client, budget: fetch.NewBudget(64 << 20)}
	cfg := fetch.Config{
		Client: client, Caller: fetch.Caller{Timeout: 30 * time.Second}, Stream: fetch.NewStream("orders"), ID: "shardId-0",
		Start: fetch.Start{Type: types.ShardIteratorTypeTrimHorizon}, Limit: 10_000,
		Pace:    pace.Config{MaxCallsPerSecond: 5, BytesPerSecond: 2 << 20, MinIdle: 250 * time.Millisecond, MaxIdle: time.Second},
		Backoff: fetch.Backoff(), Budget: s.budget,
		OnFailed: func(f fetch.Failure) { s.failures = append(s.failures, f) },
	}
	for _, c := range configure {
		c(&cfg)
	}
	s.Shard = fetch.NewShard(cfg)
	return s
}

// next returns the sequence numbers of the next page.
func (s *setup) next(t *testing.T) (string, fetch.Page) {
	t.Helper()
	page, err := s.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.budget.Give(page.Held)
	var seqs []string
	for _, r := range page.Records {
		seqs = append(seqs, *r.SequenceNumber)
	}
	return strings.Join(seqs, " "), page
}

func (s *setup) wants(t *testing.T, want string) fetch.Page {
	t.Helper()
	got, page := s.next(t)
	if got != want {
		t.Fatalf("page has records %q, want %q", got, want)
	}
	return page
}

func (s *setup) wantsAsked(t *testing.T, want string) {
	t.Helper()
	if got := s.client.asked(); got != want {
		t.Errorf("asked for iterators %q, want %q", got, want)
	}
}

var (
	errExpired   = &types.ExpiredIteratorException{Message: new("old")}
	errThrottled = &types.ProvisionedThroughputExceededException{Message: new("slow down")}
	errInternal  = &types.InternalFailureException{Message: new("oops")}
	errInvalid   = &types.InvalidArgumentException{Message: new("what is that")}
	errDenied    = &types.AccessDeniedException{Message: new("no")}
)

func TestShardReads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShard(&script{hang: -1, records: func(call int, _ string) (*kinesis.GetRecordsOutput, error) {
			return []*kinesis.GetRecordsOutput{
				answer(1000, "1", "2"),
				answer(1000), // empty answers are normal, also far from the tip
				answer(0),    // a lag of 0 is not the end
				answer(0, "3"),
				ended(answer(0, "4")),
			}[call], nil
		}})
		for _, want := range []string{"1 2", "", "", "3"} {
			if page := s.wants(t, want); page.Ended {
				t.Fatalf("page %q ends the shard, want it to go on", want)
			}
		}
		page := s.wants(t, "4")
		if !page.Ended || len(page.Children) != 1 {
			t.Errorf("last page: Ended = %v with %d children, want true with 1", page.Ended, len(page.Children))
		}
		s.wantsAsked(t, "TRIM_HORIZON")
		if got := s.budget.Used(); got != 0 {
			t.Errorf("budget used at the end = %d, want 0", got)
		}
	})
}

func TestShardRenewsIterators(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	atTip := func(c *fetch.Config) {
		c.Start = fetch.Start{Type: types.ShardIteratorTypeAtTimestamp, Time: since}
		c.LatestUntil = time.Now().Add(time.Second)
	}
	expiresOnce := func(at int, before, after *kinesis.GetRecordsOutput) *script {
		return &script{hang: -1, records: func(call int, _ string) (*kinesis.GetRecordsOutput, error) {
			switch {
			case call < at:
				return before, nil
			case call == at:
				return nil, errExpired
			default:
				return after, nil
			}
		}}
	}

	t.Run("from the last record, not from where it began", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newShard(expiresOnce(1, answer(0, "6", "7"), answer(0, "8")))
			s.wants(t, "6 7")
			s.wants(t, "8")
			s.wantsAsked(t, "TRIM_HORIZON AFTER_SEQUENCE_NUMBER:7")
		})
	})

	t.Run("from the time of the start if it was LATEST and nothing came", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newShard(expiresOnce(1, answer(0), answer(0, "8")), atTip)
			s.wants(t, "")
			s.wants(t, "8")
			s.wantsAsked(t, "LATEST AT_TIMESTAMP:10:00:00")
		})
	})

	t.Run("from the time of the start if LATEST could not be had at once", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			client := expiresOnce(-1, nil, answer(0, "8"))
			client.iterator = func(call int) error {
				if call == 0 {
					return errThrottled
				}
				return nil
			}
			s := newShard(client, atTip)
			s.wants(t, "8")
			s.wantsAsked(t, "LATEST AT_TIMESTAMP:10:00:00")
		})
	})

	t.Run("from the time of the start if LATEST is asked for too late", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newShard(expiresOnce(-1, nil, answer(0, "8")), atTip)
			time.Sleep(2 * time.Second)
			s.wants(t, "8")
			s.wantsAsked(t, "AT_TIMESTAMP:10:00:00")
		})
	})

	t.Run("once if the service does not know it, and no further", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			valid := true
			s := newShard(&script{hang: -1, records: func(_ int, iterator string) (*kinesis.GetRecordsOutput, error) {
				if iterator == "next" || !valid {
					return nil, errInvalid
				}
				return answer(0, "5"), nil
			}})
			s.wants(t, "5")
			s.wants(t, "5") // renewed
			valid = false
			_, err := s.Next(t.Context())
			e, ok := errors.AsType[*fetch.Error](err)
			if !ok || e.Class != fetch.Terminal {
				t.Fatalf("Next = %v, want a terminal *Error", err)
			}
			s.wantsAsked(t, "TRIM_HORIZON AFTER_SEQUENCE_NUMBER:5 AFTER_SEQUENCE_NUMBER:5")
		})
	})
}

func TestShardTriesAgain(t *testing.T) {
	t.Parallel()

	for name, failure := range map[string]error{
		"after an internal failure":    errInternal,
		"after a connection was cut":   fmt.Errorf("read tcp: connection reset by peer"),
		"after something unheard of":   errors.New("no credentials right now"),
		"after a stream is updated":    &types.ResourceInUseException{},
		"after the key is throttled":   &types.KMSThrottlingException{},
		"after the shard is throttled": errThrottled,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var from time.Time
				s := newShard(&script{hang: -1, records: func(int, string) (*kinesis.GetRecordsOutput, error) {
					if from.IsZero() {
						from = time.Now()
					}
					if time.Since(from) < time.Hour {
						return nil, failure
					}
					return answer(0, "1"), nil
				}})
				s.wants(t, "1")
				if took := time.Since(from); took > time.Hour+15*time.Second {
					t.Errorf("went on %v after the failure was over, want within 15s", took-time.Hour)
				}
				n := len(s.failures)
				if n < 200 || n > 1000 {
					t.Errorf("told of %d failures in an hour, want 200 to 1000", n)
				}
				if last := s.failures[n-1]; last.Attempt != n || last.Op != "GetRecords" || last.Wait <= 0 {
					t.Errorf("last failure = %+v, want attempt %d of GetRecords with a wait", last, n)
				}
				if used := s.budget.Used(); used != 0 {
					t.Errorf("budget used = %d, want 0", used)
				}
			})
		})
	}

	t.Run("after an answer that makes no sense", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			noNumber := answer(0, "1", "2")
			noNumber.Records[1].SequenceNumber = nil
			bad := []*kinesis.GetRecordsOutput{{}, noNumber, nil}
			s := newShard(&script{hang: -1, records: func(call int, _ string) (*kinesis.GetRecordsOutput, error) {
				if call < len(bad) {
					return bad[call], nil
				}
				return answer(0, "1", "2"), nil
			}})
			if page := s.wants(t, "1 2"); page.Ended {
				t.Error("the shard ended")
			}
			if got := len(s.failures); got != len(bad) {
				t.Errorf("failures = %d, want %d", got, len(bad))
			}
		})
	})

	t.Run("after a call that hangs", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newShard(&script{hang: 0, records: func(int, string) (*kinesis.GetRecordsOutput, error) {
				return answer(0, "1"), nil
			}})
			began := time.Now()
			s.wants(t, "1")
			if took := time.Since(began); took < 30*time.Second || took > 31*time.Second {
				t.Errorf("went on after %v, want about 30s", took)
			}
			if !strings.Contains(s.failures[0].Err.Error(), "no answer within 30s") {
				t.Errorf("failure = %v, want it to name the time limit", s.failures[0].Err)
			}
		})
	})
}

func TestShardGivesUp(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct {
		err   error
		class fetch.Class
	}{
		"without access":         {errDenied, fetch.Terminal},
		"if the stream is gone":  {&types.ResourceNotFoundException{}, fetch.NotFound},
		"if the key is disabled": {&types.KMSDisabledException{}, fetch.Terminal},
	} {
		t.Run("at once "+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newShard(&script{hang: -1, records: func(int, string) (*kinesis.GetRecordsOutput, error) { return nil, tt.err }})
				_, err := s.Next(t.Context())
				e, ok := errors.AsType[*fetch.Error](err)
				if !ok || e.Class != tt.class || e.Op != "GetRecords" || !errors.Is(err, tt.err) {
					t.Errorf("Next = %v, want an *Error of class %v that wraps %v", err, tt.class, tt.err)
				}
				if len(s.failures) != 0 || len(s.client.read) != 1 {
					t.Errorf("%d calls and %d failures, want 1 and 0", len(s.client.read), len(s.failures))
				}
			})
		})
	}

	t.Run("after the given time", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			s := newShard(&script{hang: -1, records: func(int, string) (*kinesis.GetRecordsOutput, error) { return nil, errInternal }},
				func(c *fetch.Config) { c.GiveUpAfter = time.Minute })
			_, err := s.Next(t.Context())
			if e, ok := errors.AsType[*fetch.Error](err); !ok || e.After < time.Minute {
				t.Errorf("Next = %v, want an *Error after a minute", err)
			}
			if took := time.Since(began); took > 71*time.Second {
				t.Errorf("gave up after %v, want 1m to 1m10s", took)
			}
		})
	})
}

func TestShardKeepsThePace(t *testing.T) {
	t.Parallel()

	t.Run("of five calls per second, whatever happens", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newShard(&script{hang: -1, records: func(call int, _ string) (*kinesis.GetRecordsOutput, error) {
				switch call % 5 {
				case 1:
					return nil, errThrottled
				case 3:
					return nil, errExpired
				}
				return answer(1000, "1"), nil
			}})
			for range 100 {
				s.next(t)
			}
			for i, at := range s.client.read[1:] {
				// A single failure may be followed by an early attempt; two calls per second stay free.
				if gap := at.Sub(s.client.read[i]); gap < 50*time.Millisecond {
					t.Fatalf("call %d came %v after the one before", i+1, gap)
				}
				if i >= 5 && at.Sub(s.client.read[i-4]) < time.Second {
					t.Fatalf("calls %d to %d came within a second", i-4, i+1)
				}
			}
		})
	})

	t.Run("that the service demands after 10 MiB", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			big := answer(1000, "1")
			big.Records[0].Data = make([]byte, 10<<20-3)
			s := newShard(&script{hang: -1, records: func(int, string) (*kinesis.GetRecordsOutput, error) { return big, nil }})
			s.next(t)
			began := time.Now()
			s.next(t)
			if took := time.Since(began); took < 5*time.Second || took > 5200*time.Millisecond {
				t.Errorf("next call after %v, want a little over 5s", took)
			}
		})
	})
}

func TestShardEndsWithItsContext(t *testing.T) {
	t.Parallel()
	cause := errors.New("enough")
	for name, client := range map[string]*script{
		"in a call":     {hang: 0},
		"in a back-off": {hang: -1, records: func(int, string) (*kinesis.GetRecordsOutput, error) { return nil, errInternal }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(10*time.Second, func() { cancel(cause) })
				began := time.Now()
				s := newShard(client)
				if _, err := s.Next(ctx); !errors.Is(err, cause) {
					t.Errorf("Next = %v, want %v", err, cause)
				}
				if took := time.Since(began); took != 10*time.Second {
					t.Errorf("ended after %v, want 10s", took)
				}
				if used := s.budget.Used(); used != 0 {
					t.Errorf("budget used = %d, want 0", used)
				}
			})
		})
	}
}

func TestShardExpectsWhatTheLastPageSaid(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for name, tt := range map[string]struct {
		first     *kinesis.GetRecordsOutput
		low, high int
	}{
		"little at the tip":                {answer(0, "1"), 64 << 10, 2 * mib},
		"everything far from it":           {answer(1000, "1"), 10 * mib, 13 * mib},
		"half as much again if it was cut": {answer(1000, "1", "2"), 64 << 10, 65 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				s := newShard(&script{hang: 1, records: func(int, string) (*kinesis.GetRecordsOutput, error) { return tt.first, nil }},
					func(c *fetch.Config) { c.Limit = 2 })
				s.next(t)
				go s.Next(ctx)
				time.Sleep(2 * time.Second) // the call hangs now
				if got := s.budget.Used(); got < tt.low || got > tt.high {
					t.Errorf("took %d bytes for the second call, want %d to %d", got, tt.low, tt.high)
				}
			})
		})
	}
}
