package kintest_test

import (
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest"
)

func TestFaultsDoWhatTheTestWants(t *testing.T) {
	t.Parallel()
	t.Run("between_two_calls_of_a_reader", func(t *testing.T) {
		t.Parallel()
		s := newStream(t, 1)
		c := s.Client()
		put(t, c, "a")
		s.Inject(kintest.Fault{Operation: "GetRecords", Skip: 1, Times: 1, Do: func() {
			if _, err := s.SplitShard("orders", shardID(0)); err != nil {
				t.Error(err)
			}
		}})
		first := read(t, c, iterator(t, c))
		if len(first.Records) != 1 || first.NextShardIterator == nil {
			t.Fatalf("first page = %d records, next iterator %v; want 1 record of an open shard", len(first.Records), first.NextShardIterator)
		}
		if second := read(t, c, first.NextShardIterator); len(second.ChildShards) != 2 {
			t.Errorf("second page names %d children, want 2", len(second.ChildShards))
		}
	})
	t.Run("when_an_event_is_about_to_be_sent", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newStream(t, 1)
			c := s.Client()
			arn := register(t, c)
			told := make(chan struct{}, 1)
			s.Inject(kintest.Fault{Operation: "SubscribeToShardEvent", Times: 1, Do: func() { told <- struct{}{} }})
			stream := subscribe(t, c, arn, types.ShardIteratorTypeLatest)
			defer stream.Close()
			put(t, c, "a")
			<-told // or the bubble is deadlocked
		})
	})
}

func TestAListingCanLagBehind(t *testing.T) {
	t.Parallel()
	s := newStream(t, 1)
	c := s.Client()
	listed := func() int {
		out, err := c.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: new("orders")})
		if err != nil {
			t.Fatal(err)
		}
		return len(out.Shards)
	}
	remove := s.Inject(kintest.Fault{Operation: "ListShards", Repeat: true})
	before := listed()
	if _, err := s.SplitShard("orders", shardID(0)); err != nil {
		t.Fatal(err)
	}
	after := listed()
	remove()
	if later := listed(); before != 1 || after != 1 || later != 3 {
		t.Errorf("listings have %d, %d and %d shards, want 1, still 1 after a split, and 3 without the fault", before, after, later)
	}
}

func TestFaultsOfTheAnswersBody(t *testing.T) {
	t.Parallel()
	t.Run("it_stops_in_the_middle_and_arrives_whole", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newStream(t, 1)
			c := s.Client()
			put(t, c, "a")
			at := iterator(t, c)
			s.Inject(kintest.Fault{Operation: "GetRecords", BodyDelay: 7 * time.Second})
			began := time.Now()
			if page := read(t, c, at); len(page.Records) != 1 {
				t.Errorf("read %d records, want 1", len(page.Records))
			}
			if took := time.Since(began); took != 7*time.Second {
				t.Errorf("took %v, want 7s", took)
			}
		})
	})
	t.Run("closing_the_server_ends_the_wait", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newStream(t, 1)
			c := s.Client()
			s.Inject(kintest.Fault{BodyDelay: time.Hour})
			began := time.Now()
			time.AfterFunc(time.Minute, func() { _ = s.Close() })
			if _, err := c.ListStreams(t.Context(), &kinesis.ListStreamsInput{}, once); err == nil {
				t.Error("the call was answered, want a broken connection")
			}
			if took := time.Since(began); took != time.Minute {
				t.Errorf("took %v, want 1m0s", took)
			}
		})
	})
}

func TestFaultsOfTheAnswersHeader(t *testing.T) {
	t.Parallel()
	t.Run("its_clock_is_wrong", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newStream(t, 1)
			s.Inject(kintest.Fault{ClockSkew: -time.Hour})
			w := answerOf(t, s, s.HTTPClient())
			if got, want := w.Header.Get("Date"), time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat); got != want {
				t.Errorf("Date = %s, want %s", got, want)
			}
		})
	})
	for name, h2 := range map[string]bool{"HTTP_1": false, "HTTP_2": true} {
		t.Run("the_connection_is_closed_behind_the_answer_over_"+name, func(t *testing.T) {
			t.Parallel()
			s := newStream(t, 1)
			tr := &http.Transport{DialContext: s.Dial, Protocols: protocols(!h2, false, h2)}
			t.Cleanup(tr.CloseIdleConnections)
			client := &http.Client{Transport: tr}
			s.Inject(kintest.Fault{Skip: 1, Times: 1, Cut: kintest.CutAfter})
			for range 3 {
				answerOf(t, s, client)
			}
			calls := s.Calls()
			if calls[0].Client != calls[1].Client || calls[1].Client == calls[2].Client {
				t.Errorf("connections = %s, %s, %s; want the second call to be the last of its connection",
					calls[0].Client, calls[1].Client, calls[2].Client)
			}
		})
	}
}

// answerOf returns the answer to ListStreams, which was read to its end.
func answerOf(t *testing.T, s *kintest.Server, c *http.Client) *http.Response {
	t.Helper()
	resp, err := c.Do(listStreamsRequest(t, s))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp
}
