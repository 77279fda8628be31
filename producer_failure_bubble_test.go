package kin_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	"github.com/kinstream/kin"
)

// failsOnce answers the first call with fail and stores the others.
func failsOnce(fail func(in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error)) putAnswer {
	return func(_ context.Context, n int, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
		if n == 0 {
			return fail(in)
		}
		return allStored(in), nil
	}
}

func fails(err error) func(*kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
	return func(*kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) { return nil, err }
}

func answers(out *kinesis.PutRecordsOutput) func(*kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
	return func(*kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) { return out, nil }
}

func entry(shard, seq, code *string) *kinesis.PutRecordsOutput {
	return &kinesis.PutRecordsOutput{Records: []types.PutRecordsResultEntry{{ShardId: shard, SequenceNumber: seq, ErrorCode: code}}}
}

func apiError(code string, fault smithy.ErrorFault) error {
	return &smithy.OperationError{ServiceID: "Kinesis", OperationName: "PutRecords", Err: &smithy.GenericAPIError{Code: code, Message: "no luck", Fault: fault}}
}

// putFailures are the ways in which the first call with one record can fail, and
// what that means: whether it is tried again, and whether it may have been stored.
var putFailures = map[string]struct {
	fail             func(*kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error)
	again, ambiguous bool
	code             string
}{
	"a throttled record":             {answers(entry(nil, nil, new(throttledCode))), true, false, throttledCode},
	"a record that failed inside":    {answers(entry(nil, nil, new("InternalFailure"))), true, true, "InternalFailure"},
	"a record with an unknown code":  {answers(entry(nil, nil, new("Whatever"))), true, true, "Whatever"},
	"a record without a number":      {answers(entry(new("shardId-000000000000"), nil, nil)), true, true, ""},
	"a record without a shard":       {answers(entry(nil, new("1"), nil)), true, true, ""},
	"a record with an empty number":  {answers(entry(new("shardId-000000000000"), new(""), nil)), true, true, ""},
	"an answer with no records":      {answers(&kinesis.PutRecordsOutput{}), true, true, ""},
	"an answer with two records":     {answers(&kinesis.PutRecordsOutput{Records: make([]types.PutRecordsResultEntry, 2)}), true, true, ""},
	"no answer and no error":         {answers(nil), true, true, ""},
	"a throttled call":               {fails(&types.ProvisionedThroughputExceededException{}), true, false, throttledCode},
	"a throttled account":            {fails(apiError("ThrottlingException", smithy.FaultUnknown)), true, false, "ThrottlingException"},
	"a throttled encryption key":     {fails(&types.KMSThrottlingException{}), true, false, "KMSThrottlingException"},
	"expired credentials":            {fails(apiError("ExpiredTokenException", smithy.FaultClient)), true, false, "ExpiredTokenException"},
	"a stream that is not active":    {fails(&types.ResourceInUseException{}), true, false, "ResourceInUseException"},
	"a stream that does not exist":   {fails(&types.ResourceNotFoundException{}), false, false, "ResourceNotFoundException"},
	"no permission":                  {fails(apiError("AccessDeniedException", smithy.FaultUnknown)), false, false, "AccessDeniedException"},
	"wrong credentials":              {fails(apiError("UnrecognizedClientException", smithy.FaultUnknown)), false, false, "UnrecognizedClientException"},
	"an argument that is refused":    {fails(&types.InvalidArgumentException{}), false, false, "InvalidArgumentException"},
	"an internal failure":            {fails(&types.InternalFailureException{}), true, true, "InternalFailureException"},
	"one with no status":             {fails(apiError("InternalFailure", smithy.FaultUnknown)), true, true, "InternalFailure"},
	"a service that is not there":    {fails(apiError("ServiceUnavailable", smithy.FaultUnknown)), true, true, "ServiceUnavailable"},
	"a record refused and stored":    {answers(entry(new("shardId-000000000000"), new("1"), new(throttledCode))), true, true, throttledCode},
	"a connection that broke":        {fails(&net.OpError{Op: "read", Err: errors.New("connection reset by peer")}), true, true, ""},
	"a connection that was not made": {fails(fmt.Errorf("send: %w", &net.OpError{Op: "dial", Err: errors.New("refused")})), true, false, ""},
	"an error that nobody knows":     {fails(errors.New("strange")), true, true, ""},
	"a call that took too long":      {fails(context.DeadlineExceeded), true, true, ""},
}

func TestProducerJudgesFailures(t *testing.T) {
	t.Parallel()
	for name, tt := range putFailures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, policy := range []kin.WhenAmbiguous{kin.RetryAmbiguous, kin.FailAmbiguous} {
				synctest.Test(t, func(t *testing.T) {
					client := &scriptedPuts{answer: failsOnce(tt.fail)}
					p := newProducer(t, client, kin.ProducerConfig{WhenAmbiguous: policy})
					result, err := p.Put(t.Context(), kin.UserRecord{PartitionKey: "k"})
					mustClose(t, p)
					if tt.again && (!tt.ambiguous || policy == kin.RetryAmbiguous) {
						want := kin.PutResult{ShardID: "shardId-000000000000", SequenceNumber: "seq-k", Attempts: 2, MaybeDuplicate: tt.ambiguous}
						if err != nil || result != want {
							t.Errorf("policy %d: Put = %+v, %v, want %+v", policy, result, err, want)
						}
						return
					}
					e := putError(t, err)
					if e.Attempts != 1 || e.Ambiguous != tt.ambiguous || e.Code != tt.code || e.Record.PartitionKey != "k" || e.Stream != "orders" {
						t.Errorf("policy %d: %s, want 1, %v, %q (%v)", policy, describe(e), tt.ambiguous, tt.code, err)
					}
					if len(client.seen()) != 1 {
						t.Errorf("policy %d: calls = %d, want 1", policy, len(client.seen()))
					}
				})
			}
		})
		t.Run(name+" until the time is over", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := &scriptedPuts{answer: func(_ context.Context, _ int, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
					return tt.fail(in)
				}}
				p := newProducer(t, client, kin.ProducerConfig{RecordTTL: 10 * time.Second})
				begun := time.Now()
				_, err := p.Put(t.Context(), kin.UserRecord{PartitionKey: "k"})
				mustClose(t, p)
				e := putError(t, err)
				if e.Ambiguous != tt.ambiguous || e.Code != tt.code || errors.Is(err, kin.ErrExpired) != tt.again {
					t.Errorf("%s, expired %v, want %v, %q, %v (%v)", describe(e), errors.Is(err, kin.ErrExpired), tt.ambiguous, tt.code, tt.again, err)
				}
				if e.Attempts != len(client.seen()) || tt.again != (e.Attempts > 3) {
					t.Errorf("attempts = %d in %d calls, again %v", e.Attempts, len(client.seen()), tt.again)
				}
				if took := time.Since(begun); took > 10*time.Second {
					t.Errorf("answered after %v, want within the 10 s of RecordTTL", took)
				}
			})
		})
	}
}

func TestProducerAnswersInTimeWhenCallsHang(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := &scriptedPuts{answer: func(ctx context.Context, _ int, _ *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		p := newProducer(t, client, kin.ProducerConfig{MaxInFlight: 2, RecordTTL: 5 * time.Second, CallTimeout: 9 * time.Second})
		l := newPutLog(t, p)
		keys := numbered("k", 3000)
		l.put(10, keys...)
		mustClose(t, p)
		var called []string
		for _, c := range client.seen() {
			called = append(called, c.keys...)
		}
		if len(called) != 2*500 {
			t.Errorf("records in calls = %d, want 1000", len(called))
		}
		slices.Sort(called)
		for _, key := range keys {
			a := l.of(key)
			e := putError(t, a.err)
			_, sent := slices.BinarySearch(called, key)
			want := 5 * time.Second // waiting for a call to be free
			if sent {
				want = 9 * time.Second
			}
			if !errors.Is(e, kin.ErrExpired) || e.Ambiguous != sent || a.after != want {
				t.Fatalf("%s after %v: %v (%s), want ErrExpired after %v, ambiguous %v", key, a.after, e, describe(e), want, sent)
			}
		}
	})
}

func TestProducerKeepsTheErrorsOfTheSDKInTheChain(t *testing.T) {
	t.Parallel()
	for _, fail := range []func(*kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error){
		answers(entry(nil, nil, new(throttledCode))), fails(&types.ProvisionedThroughputExceededException{}),
	} {
		synctest.Test(t, func(t *testing.T) {
			client := &scriptedPuts{answer: func(_ context.Context, _ int, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
				return fail(in)
			}}
			p := newProducer(t, client, kin.ProducerConfig{})
			_, err := p.Put(t.Context(), kin.UserRecord{PartitionKey: strings.Repeat("k", 200)})
			mustClose(t, p)
			if _, ok := errors.AsType[*types.ProvisionedThroughputExceededException](err); !ok || !errors.Is(err, kin.ErrExpired) {
				t.Errorf("error = %v, want ErrExpired and the SDK's exception in its chain", err)
			}
			if len(err.Error()) > 300 {
				t.Errorf("text has %d bytes, want a short one: %s", len(err.Error()), err)
			}
		})
	}
}

func TestProducerRetriesExactlyWhatFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		left := map[string]int{"k3": 1, "k7": 2, "k8": 2} // failures to come
		client := &scriptedPuts{answer: func(_ context.Context, _ int, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
			mu.Lock()
			defer mu.Unlock()
			return failing(in, func(key string) string {
				if left[key]--; left[key] >= 0 {
					return throttledCode
				}
				return ""
			}), nil
		}}
		var seen []kin.PutCallInfo
		p := newProducer(t, client, kin.ProducerConfig{Hooks: kin.ProducerHooks{Called: func(i kin.PutCallInfo) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, i)
		}}})
		l := newPutLog(t, p)
		l.put(10, numbered("k", 10)...)
		mustClose(t, p)

		at := map[string][]time.Time{}
		for _, c := range client.seen() {
			for _, key := range c.keys {
				at[key] = append(at[key], c.at)
			}
		}
		for _, key := range numbered("k", 10) {
			want := map[string]int{"k3": 2, "k7": 3, "k8": 3}[key]
			if got := len(at[key]); got != max(want, 1) {
				t.Errorf("calls with %s = %d, want %d", key, got, max(want, 1))
			}
			for i := 1; i < len(at[key]); i++ {
				// A pause of 50 ms, then of 100 ms, half of it by chance, until the next tick.
				longest := time.Duration(i)*50*time.Millisecond + 25*time.Millisecond
				if gap := at[key][i].Sub(at[key][i-1]); gap < 25*time.Millisecond || gap > longest {
					t.Errorf("%s: attempt %d came after %v, want 25ms to %v", key, i+1, gap, longest)
				}
			}
		}
		for key, want := range map[string]int{"k0": 1, "k3": 2, "k7": 3, "k8": 3} {
			if a := l.of(key); a.err != nil || a.result.Attempts != want || a.result.MaybeDuplicate {
				t.Errorf("answer to %s = %+v, %v, want %d attempts", key, a.result, a.err, want)
			}
		}
		first := kin.PutCallInfo{
			Stream: "orders", Entries: 10, Records: 10, Bytes: 120, Stored: 7, Throttled: 3, Retrying: 3,
			Shards: []kin.PutShardInfo{
				{ShardID: "shardId-000000000000", Entries: 7, Records: 7, Bytes: 84, Stored: 7},
				{Entries: 3, Records: 3, Bytes: 36, Throttled: 3},
			},
		}
		slices.SortFunc(seen[0].Shards, func(a, b kin.PutShardInfo) int { return strings.Compare(string(b.ShardID), string(a.ShardID)) })
		if got, want := fmt.Sprintf("%+v", seen[0]), fmt.Sprintf("%+v", first); got != want {
			t.Errorf("first call  = %s\nwant %s", got, want)
		}
		recovered := 0
		for _, info := range seen[1:] {
			recovered += info.Recovered
		}
		if recovered != 3 {
			t.Errorf("recovered = %d, want 3", recovered)
		}
	})
}

func TestProducerLetsRecordsThatFailedNotHoldUpOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := &scriptedPuts{answer: func(_ context.Context, _ int, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
			return failing(in, func(key string) string {
				if strings.HasPrefix(key, "hot") {
					return throttledCode
				}
				return ""
			}), nil
		}}
		p := newProducer(t, client, kin.ProducerConfig{RecordTTL: 10 * time.Second})
		l := newPutLog(t, p)
		for i := range 100 {
			l.putTo(lowest, 10, numbered(fmt.Sprintf("hot%d-", i), 2)...)
			l.putTo(highest, 10, numbered(fmt.Sprintf("cold%d-", i), 2)...)
			time.Sleep(50 * time.Millisecond)
		}
		mustClose(t, p)
		for i := range 100 {
			for _, key := range numbered(fmt.Sprintf("cold%d-", i), 2) {
				a := l.of(key)
				if took := a.after - time.Duration(i)*50*time.Millisecond; a.err != nil || took > 20*time.Millisecond {
					t.Errorf("%s: %v after %v, want stored within 20 ms", key, a.err, took)
				}
			}
			for _, key := range numbered(fmt.Sprintf("hot%d-", i), 2) {
				if a := l.of(key); !errors.Is(a.err, kin.ErrExpired) || putError(t, a.err).Ambiguous {
					t.Errorf("%s: %v, want ErrExpired, not ambiguous", key, a.err)
				}
			}
		}
	})
}

func TestProducerPausesWhileTheEndpointIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		client := &scriptedPuts{answer: func(_ context.Context, _ int, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
			if time.Since(begun) < 5*time.Minute {
				return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
			}
			return allStored(in), nil
		}}
		p := newProducer(t, client, kin.ProducerConfig{RecordTTL: -1})
		l := newPutLog(t, p)
		keys := numbered("k", 20_000)
		l.put(10, keys...)
		time.Sleep(5 * time.Minute)
		// At most 8 calls for each pause of 2.5 s or more.
		if n := len(client.seen()); n > 8*(5*60/2+10) {
			t.Errorf("calls in 5 minutes = %d, want few", n)
		}
		mustClose(t, p)
		for _, key := range keys {
			if a := l.of(key); a.err != nil || a.result.MaybeDuplicate || a.after > 5*time.Minute+10*time.Second {
				t.Fatalf("answer to %s = %+v, %v after %v, want stored soon after 5 min", key, a.result, a.err, a.after)
			}
		}
	})
}

// Calls that were out together and failed together say once that the endpoint is away.
func TestProducerCountsFailuresOfOneMomentOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const inFlight = 8
		client := &scriptedPuts{answer: func(_ context.Context, n int, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
			if n < inFlight {
				time.Sleep(time.Second)
				return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
			}
			return allStored(in), nil
		}}
		p := newProducer(t, client, kin.ProducerConfig{MaxInFlight: inFlight})
		newPutLog(t, p).put(10, numbered("k", inFlight*500)...)
		mustClose(t, p)
		calls := client.seen()
		if pause := calls[inFlight].at.Sub(calls[0].at) - time.Second; pause > 100*time.Millisecond {
			t.Errorf("pause after %d calls that failed together = %v, want that after one, at most 100ms", inFlight, pause)
		}
	})
}

// An answer that has not one entry for each record says nothing about any of them.
func TestProducerDoubtsAnswersOfAnotherLength(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*kinesis.PutRecordsOutput){
		"none":     func(out *kinesis.PutRecordsOutput) { out.Records = nil },
		"one less": func(out *kinesis.PutRecordsOutput) { out.Records = out.Records[1:] },
		"one more": func(out *kinesis.PutRecordsOutput) { out.Records = append(out.Records, out.Records[0]) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := &scriptedPuts{answer: func(_ context.Context, n int, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
					out := allStored(in)
					if n == 0 {
						change(out)
					}
					return out, nil
				}}
				p := newProducer(t, client, kin.ProducerConfig{})
				l := newPutLog(t, p)
				l.put(10, "a", "b", "c")
				mustClose(t, p)
				for _, key := range []string{"a", "b", "c"} {
					a := l.of(key)
					if a.err != nil || a.result.Attempts != 2 || !a.result.MaybeDuplicate || a.result.SequenceNumber != kin.SequenceNumber("seq-"+key) {
						t.Errorf("answer to %s = %+v, %v; want its own number after 2 attempts, perhaps stored twice", key, a.result, a.err)
					}
				}
			})
		})
	}
}

func TestProducerFindsTheRecordForWhichACallIsRefused(t *testing.T) {
	t.Parallel()
	bad := map[string]bool{}
	for i := 5; i < 3000; i += 97 {
		bad[fmt.Sprint("k", i)] = true // more than in a row would be taken for another cause
	}
	refuse := func(isBad func(key string) bool) putAnswer {
		return func(_ context.Context, _ int, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
			for _, e := range in.Records {
				if isBad(*e.PartitionKey) {
					return nil, &types.InvalidArgumentException{}
				}
			}
			return allStored(in), nil
		}
	}
	t.Run("and puts its neighbours", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			client := &scriptedPuts{answer: refuse(func(key string) bool { return bad[key] })}
			p := newProducer(t, client, kin.ProducerConfig{})
			l := newPutLog(t, p)
			l.put(10, numbered("k", 3000)...)
			mustClose(t, p)
			for _, key := range numbered("k", 3000) {
				a := l.of(key)
				if bad[key] != (a.err != nil) || a.err != nil && putError(t, a.err).Code != "InvalidArgumentException" {
					t.Errorf("answer to %s = %+v, %v, bad %v", key, a.result, a.err, bad[key])
				}
			}
			// Twice the depth of the halving of 500 for each bad record.
			if n, most := len(client.seen()), len(bad)*2*9+6; n > most {
				t.Errorf("calls = %d, want at most %d", n, most)
			}
		})
	})
	t.Run("but gives up when it is not the records", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			client := &scriptedPuts{answer: refuse(func(string) bool { return true })}
			p := newProducer(t, client, kin.ProducerConfig{MaxInFlight: 1})
			l := newPutLog(t, p)
			l.put(10, numbered("k", 20_000)...)
			mustClose(t, p)
			if l.count() != 20_000 {
				t.Errorf("answers = %d, want 20000", l.count())
			}
			// All are halved side by side until 16 single records were refused.
			if n := len(client.seen()); n > 20_000/16 {
				t.Errorf("calls = %d, want few", n)
			}
		})
	})
}
