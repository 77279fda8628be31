package kintest_test

import (
	"fmt"
	"math/bits"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest"
)

// once keeps the SDK from retrying.
func once(o *kinesis.Options) { o.RetryMaxAttempts = 1 }

// putOnce calls PutRecord without retries.
func putOnce(t *testing.T, c *kinesis.Client) error {
	t.Helper()
	_, err := c.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: new("orders"), PartitionKey: new("k"), Data: []byte("x")}, once)
	return err
}

func TestFaultsOfCalls(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		fault  kintest.Fault
		code   string // of the error of a call without retries; "*" is any that the SDK makes itself
		stored int    // records after it
	}{
		"throttle":             {kintest.Fault{Error: "ProvisionedThroughputExceededException"}, "ProvisionedThroughputExceededException", 0},
		"fail_after_commit":    {kintest.Fault{Error: "InternalFailureException", AfterCommit: true}, "InternalFailureException", 1},
		"status_without_body":  {kintest.Fault{Status: http.StatusServiceUnavailable}, "*", 0},
		"cut_before":           {kintest.Fault{Cut: kintest.CutBefore}, "*", 0},
		"cut_after_commit":     {kintest.Fault{Cut: kintest.CutBefore, AfterCommit: true}, "*", 1},
		"cut_in_mid_answer":    {kintest.Fault{Cut: kintest.CutMidBody}, "*", 1},
		"another_operation":    {kintest.Fault{Operation: "PutRecords", Error: "X"}, "", 1},
		"another_stream":       {kintest.Fault{Stream: "billing", Error: "X"}, "", 1},
		"another_consumer":     {kintest.Fault{Consumer: "reader", Error: "X"}, "", 1},
		"not_for_events_only":  {kintest.Fault{Operation: "SubscribeToShardEvent", Error: "X"}, "", 1},
		"this_stream":          {kintest.Fault{Operation: "PutRecord", Stream: "orders", Error: "KMSDisabledException"}, "KMSDisabledException", 0},
		"status_with_an_error": {kintest.Fault{Error: "ServiceUnavailable", Status: 503}, "ServiceUnavailable", 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStream(t, 1)
			client := s.Client()
			remove := s.Inject(c.fault)
			err := putOnce(t, client)
			if code := codeOf(err); c.code != "*" && code != c.code || c.code == "*" && err == nil {
				t.Errorf("error = %v, want %q", err, c.code)
			}
			if n := len(s.Records("orders")); n != c.stored {
				t.Errorf("%d records are stored, want %d", n, c.stored)
			}
			wantHits := int64(1)
			if c.code == "" {
				wantHits = 0
			}
			if n := s.FaultHits(); n != wantHits {
				t.Errorf("hits = %d, want %d", n, wantHits)
			}
			if last := s.Calls(); last[len(last)-1].Faulted != (wantHits == 1) {
				t.Errorf("call = %+v, want it to say whether it was faulted", last[len(last)-1])
			}
			remove()
			remove()
			if err := putOnce(t, client); err != nil {
				t.Errorf("after removing the fault: %v", err)
			}
		})
	}
}

func TestSDKRetriesDoubleWhatWasStoredButNotAnswered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStream(t, 1)
		s.Inject(kintest.Fault{Operation: "PutRecord", Cut: kintest.CutBefore, AfterCommit: true, Times: 1})
		put(t, s.Client(), "x")
		if n := len(s.Records("orders")); n != 2 {
			t.Errorf("%d records are stored, want 2: one per attempt", n)
		}
	})
}

func TestFaultsPickTheirCalls(t *testing.T) {
	t.Parallel()
	outcome := func(t *testing.T, f kintest.Fault, calls int) string {
		t.Helper()
		s := newStream(t, 1)
		var hits atomic.Int64
		f.Error, f.Hits = "LimitExceededException", &hits
		s.Inject(f)
		c, failed := s.Client(), int64(0)
		text := make([]byte, calls)
		for i := range text {
			text[i] = '.'
			if putOnce(t, c) != nil {
				text[i] = 'x'
				failed++
			}
		}
		if hits.Load() != failed {
			t.Errorf("hits = %d, failed calls = %d", hits.Load(), failed)
		}
		return string(text)
	}
	for want, f := range map[string]kintest.Fault{
		"xxxxxx": {},
		"..xxxx": {Skip: 2},
		"xx....": {Times: 2},
		"..x...": {Skip: 2, Times: 1},
	} {
		t.Run(fmt.Sprintf("skip_%d_times_%d", f.Skip, f.Times), func(t *testing.T) {
			t.Parallel()
			if got := outcome(t, f, 6); got != want {
				t.Errorf("calls = %s, want %s", got, want)
			}
		})
	}
	t.Run("probability_follows_the_seed", func(t *testing.T) {
		t.Parallel()
		a := outcome(t, kintest.Fault{Probability: 0.5, Seed: 1}, 40)
		if b := outcome(t, kintest.Fault{Probability: 0.5, Seed: 1}, 40); a != b {
			t.Errorf("same seed:\n%s\n%s", a, b)
		}
		if b := outcome(t, kintest.Fault{Probability: 0.5, Seed: 2}, 40); a == b {
			t.Errorf("another seed gave the same: %s", a)
		}
	})
}

func TestWaitingFaults(t *testing.T) {
	t.Parallel()
	t.Run("delays_add_up_and_come_with_an_error", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newStream(t, 1)
			s.Inject(kintest.Fault{Delay: 2 * time.Second})
			s.Inject(kintest.Fault{Delay: time.Second, Error: "LimitExceededException"})
			start := time.Now()
			if err := putOnce(t, s.Client()); codeOf(err) != "LimitExceededException" || time.Since(start) != 3*time.Second {
				t.Errorf("error = %v after %v, want LimitExceededException after 3s", err, time.Since(start))
			}
		})
	})
	t.Run("removing_a_fault_lets_its_calls_go", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newStream(t, 1)
			removeHang := s.Inject(kintest.Fault{Operation: "ListShards", Hang: true, Times: 1})
			removeDelay := s.Inject(kintest.Fault{Operation: "PutRecord", Delay: time.Hour})
			c := s.Client()
			var wg sync.WaitGroup
			wg.Go(func() {
				if _, err := c.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: new("orders")}, once); err == nil {
					t.Error("the call that hung was answered, want a broken connection")
				}
			})
			wg.Go(func() {
				if err := putOnce(t, c); err != nil {
					t.Errorf("delayed call: %v", err)
				}
			})
			synctest.Wait()
			start := time.Now()
			removeHang()
			removeDelay()
			wg.Wait()
			if time.Since(start) != 0 {
				t.Errorf("the calls went on after %v, want at once", time.Since(start))
			}
		})
	})
}

// putThree puts three records, of which the second belongs to the second shard.
func putThree(t *testing.T, s *kintest.Server) *kinesis.PutRecordsOutput {
	t.Helper()
	low, high := "0", "340282366920938463463374607431768211455"
	out, err := s.Client().PutRecords(t.Context(), &kinesis.PutRecordsInput{StreamName: new("orders"), Records: []types.PutRecordsRequestEntry{
		{Data: []byte("a"), PartitionKey: new("k"), ExplicitHashKey: &low},
		{Data: []byte("b"), PartitionKey: new("k"), ExplicitHashKey: &high},
		{Data: []byte("c"), PartitionKey: new("k"), ExplicitHashKey: &low},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestFaultsOfRecords(t *testing.T) {
	t.Parallel()
	second := func(i int) string {
		if i == 1 {
			return "InternalFailure"
		}
		return ""
	}
	cases := map[string]struct {
		fault  kintest.Fault
		failed string // per record
		stored int
	}{
		"one_record":             {kintest.Fault{Records: second}, ".x.", 2},
		"one_record_but_stored":  {kintest.Fault{Records: second, AfterCommit: true}, ".x.", 3},
		"one_shard":              {kintest.Fault{Shard: shardID(0), Error: "ProvisionedThroughputExceededException"}, "x.x", 1},
		"one_shard_but_stored":   {kintest.Fault{Shard: shardID(1), Error: "InternalFailure", AfterCommit: true}, ".x.", 3},
		"some_of_one_shard":      {kintest.Fault{Shard: shardID(0), Records: second}, "...", 3},
		"of_another_operation":   {kintest.Fault{Operation: "PutRecord", Shard: shardID(0), Error: "X"}, "...", 3},
		"of_a_shard_that_is_not": {kintest.Fault{Shard: shardID(7), Error: "X"}, "...", 3},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStream(t, 2)
			s.Inject(c.fault)
			out := putThree(t, s)
			got, failed := []byte("..."), 0
			for i, r := range out.Records {
				if r.ErrorCode == nil {
					continue
				}
				got[i] = 'x'
				failed++
				if r.SequenceNumber != nil || r.ShardId != nil || r.ErrorMessage == nil {
					t.Errorf("failed record = %+v", r)
				}
			}
			if string(got) != c.failed || int(*out.FailedRecordCount) != failed {
				t.Errorf("failed = %s, count %d; want %s", got, *out.FailedRecordCount, c.failed)
			}
			if n := len(s.Records("orders")); n != c.stored {
				t.Errorf("%d records are stored, want %d", n, c.stored)
			}
		})
	}
}

func TestFaultsOfRecordsBeforeAndAfterStoring(t *testing.T) {
	t.Parallel()
	s := newStream(t, 2)
	s.Inject(kintest.Fault{Shard: shardID(0), Error: "InternalFailure", AfterCommit: true})
	s.Inject(kintest.Fault{Shard: shardID(1), Error: "InternalFailure"})
	if out := putThree(t, s); *out.FailedRecordCount != 3 {
		t.Errorf("%d records failed, want 3", *out.FailedRecordCount)
	}
	if n := len(s.Records("orders")); n != 2 {
		t.Errorf("%d records are stored, want the 2 of the first shard", n)
	}
}

func TestFaultsOfAnswers(t *testing.T) {
	t.Parallel()
	t.Run("wrong_shard", func(t *testing.T) {
		t.Parallel()
		s := newStream(t, 2)
		s.Inject(kintest.Fault{ShardID: func(string) string { return "shardId-000000000099" }})
		if out := putThree(t, s); *out.Records[1].ShardId != "shardId-000000000099" {
			t.Errorf("shard = %s, want the wrong one", *out.Records[1].ShardId)
		}
		if out := put(t, s.Client(), "x"); *out.ShardId != "shardId-000000000099" {
			t.Errorf("shard = %s, want the wrong one", *out.ShardId)
		}
	})
	t.Run("empty_pages_lose_nothing", func(t *testing.T) {
		t.Parallel()
		s := newStream(t, 1)
		c := s.Client()
		put(t, c, "x")
		s.Inject(kintest.Fault{Operation: "GetRecords", Shard: shardID(0), Empty: true, Times: 2})
		it := iterator(t, c)
		for _, want := range []int{0, 0, 1} {
			page := read(t, c, it)
			if len(page.Records) != want {
				t.Errorf("page has %d records, want %d", len(page.Records), want)
			}
			it = page.NextShardIterator
		}
	})
	t.Run("an_answer_comes_twice", func(t *testing.T) {
		t.Parallel()
		s := newStream(t, 1)
		c := s.Client()
		put(t, c, "a")
		s.Inject(kintest.Fault{Operation: "GetRecords", Repeat: true, Times: 2})
		first := read(t, c, iterator(t, c))
		put(t, c, "b")
		second := read(t, c, first.NextShardIterator)
		if len(second.Records) != 1 || string(second.Records[0].Data) != "a" {
			t.Errorf("second page = %+v, want the first one again", second.Records)
		}
		if third := read(t, c, second.NextShardIterator); len(third.Records) != 1 || string(third.Records[0].Data) != "b" {
			t.Errorf("third page = %+v, want record b", third.Records)
		}
	})
	t.Run("one_bit_of_the_answer_is_flipped", func(t *testing.T) {
		t.Parallel()
		s := newStream(t, 1)
		want := listStreams(t, s)
		s.Inject(kintest.Fault{Operation: "ListStreams", Corrupt: true})
		got := listStreams(t, s)
		if len(got) != len(want) {
			t.Fatalf("answer = %q, want as many bytes as %q", got, want)
		}
		flipped := 0
		for i := range len(want) {
			flipped += bits.OnesCount8(got[i] ^ want[i])
		}
		if flipped != 1 {
			t.Errorf("%d bits are flipped, want 1: %q", flipped, got)
		}
	})
}

// listStreams returns the body of an answer to ListStreams.
func listStreams(t *testing.T, s *kintest.Server) string {
	t.Helper()
	_, body := do(t, s.HTTPClient(), listStreamsRequest(t, s))
	return body
}

func listStreamsRequest(t *testing.T, s *kintest.Server) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL(), strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", "Kinesis_20131202.ListStreams")
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	return req
}

// read reads a page.
func read(t *testing.T, c *kinesis.Client, iterator *string) *kinesis.GetRecordsOutput {
	t.Helper()
	page, err := c.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: iterator})
	if err != nil {
		t.Fatal(err)
	}
	return page
}
