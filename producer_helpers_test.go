package kin_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin"
)

// putAnswer answers the call with index n, counted from 0.
type putAnswer func(ctx context.Context, n int, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error)

// scriptedPuts is a PutClient that answers by a function and remembers what it was asked.
type scriptedPuts struct {
	answer putAnswer

	mu     sync.Mutex
	calls  []seenPut
	out    int // calls that are out
	maxOut int
}

// seenPut is one call as the service would see it.
type seenPut struct {
	at    time.Time
	keys  []string
	bytes int
}

func (s *scriptedPuts) PutRecords(ctx context.Context, in *kinesis.PutRecordsInput, _ ...func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error) {
	seen := seenPut{at: time.Now()}
	for _, e := range in.Records {
		seen.keys = append(seen.keys, *e.PartitionKey)
		seen.bytes += len(*e.PartitionKey) + len(e.Data)
	}
	s.mu.Lock()
	n := len(s.calls)
	s.calls = append(s.calls, seen)
	s.out++
	s.maxOut = max(s.maxOut, s.out)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.out--
		s.mu.Unlock()
	}()
	if s.answer == nil {
		return allStored(in), nil
	}
	return s.answer(ctx, n, in)
}

func (s *scriptedPuts) seen() []seenPut {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]seenPut{}, s.calls...)
}

func (s *scriptedPuts) sizes() (sizes []int) {
	for _, c := range s.seen() {
		sizes = append(sizes, len(c.keys))
	}
	return sizes
}

// allStored answers that every record is stored, with its key in the sequence number.
func allStored(in *kinesis.PutRecordsInput) *kinesis.PutRecordsOutput {
	out := &kinesis.PutRecordsOutput{}
	for _, e := range in.Records {
		out.Records = append(out.Records, types.PutRecordsResultEntry{
			ShardId: new("shardId-000000000000"), SequenceNumber: new("seq-" + *e.PartitionKey),
		})
	}
	return out
}

// failing answers with an error code for each record for which code returns one.
func failing(in *kinesis.PutRecordsInput, code func(key string) string) *kinesis.PutRecordsOutput {
	out := allStored(in)
	for i, e := range in.Records {
		if c := code(*e.PartitionKey); c != "" {
			out.Records[i] = types.PutRecordsResultEntry{ErrorCode: &c, ErrorMessage: new("no luck")}
		}
	}
	return out
}

const throttledCode = "ProvisionedThroughputExceededException"

// answered is the answer to one record.
type answered struct {
	result kin.PutResult
	err    error
	times  int
	after  time.Duration // since the log was made
}

// putLog puts records and remembers their answers by partition key.
type putLog struct {
	t testing.TB
	p *kin.Producer

	begun   time.Time
	mu      sync.Mutex
	answers map[string]answered
}

func newPutLog(tb testing.TB, p *kin.Producer) *putLog {
	return &putLog{t: tb, p: p, begun: time.Now(), answers: map[string]answered{}}
}

func (l *putLog) callback(key string) func(kin.PutResult, error) {
	return func(result kin.PutResult, err error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.answers[key] = answered{result: result, err: err, times: l.answers[key].times + 1, after: time.Since(l.begun)}
	}
}

// put puts a record with each key and data of the given size, without waiting for the answers.
func (l *putLog) put(size int, keys ...string) {
	l.t.Helper()
	l.putTo("", size, keys...)
}

// Hash keys of two shards, or parts of a stream, that are far from each other.
const (
	lowest  = "0"
	highest = "340282366920938463463374607431768211455"
)

// putTo is put with an explicit hash key.
func (l *putLog) putTo(hash string, size int, keys ...string) {
	l.t.Helper()
	for _, key := range keys {
		rec := kin.UserRecord{PartitionKey: key, ExplicitHashKey: hash, Data: bytes.Repeat([]byte("x"), size)}
		if err := l.p.PutAsync(context.Background(), rec, l.callback(key)); err != nil {
			l.t.Errorf("PutAsync(%s) = %v, want nil", key, err)
		}
	}
}

// of returns the answer to the record with the key, which must have been given once.
func (l *putLog) of(key string) answered {
	l.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.answers[key]
	if a.times != 1 {
		l.t.Errorf("answers to %s = %d, want 1", key, a.times)
	}
	return a
}

func (l *putLog) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.answers)
}

// numbered returns the keys prefix0 to prefix(n-1).
func numbered(prefix string, n int) (keys []string) {
	for i := range n {
		keys = append(keys, prefix+strconv.Itoa(i))
	}
	return keys
}

func newProducer(tb testing.TB, client kin.PutClient, cfg kin.ProducerConfig) *kin.Producer {
	tb.Helper()
	if cfg.Stream == "" {
		cfg.Stream = "orders"
	}
	p, err := kin.NewProducer(client, cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// mustClose closes p and wants a clean end.
func mustClose(tb testing.TB, p *kin.Producer) {
	tb.Helper()
	if err := p.Close(context.Background()); err != nil {
		tb.Errorf("Close = %v, want nil", err)
	}
}

// putError returns err as a *kin.PutError.
func putError(tb testing.TB, err error) *kin.PutError {
	tb.Helper()
	e, ok := errors.AsType[*kin.PutError](err)
	if !ok {
		tb.Fatalf("error = %v, want a *PutError", err)
	}
	return e
}

func describe(err *kin.PutError) string {
	return fmt.Sprintf("attempts %d, ambiguous %v, code %q", err.Attempts, err.Ambiguous, err.Code)
}
