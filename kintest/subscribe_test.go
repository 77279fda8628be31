package kintest_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest"
)

// register registers a consumer called reader and returns its ARN.
func register(tb testing.TB, c *kinesis.Client) string {
	tb.Helper()
	stream, err := c.DescribeStreamSummary(tb.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: new("orders")})
	if err != nil {
		tb.Fatal(err)
	}
	out, err := c.RegisterStreamConsumer(tb.Context(), &kinesis.RegisterStreamConsumerInput{
		StreamARN: stream.StreamDescriptionSummary.StreamARN, ConsumerName: new("reader"),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return *out.Consumer.ConsumerARN
}

// subscribe opens a subscription to the first shard that is closed with the test.
func subscribe(tb testing.TB, c *kinesis.Client, consumer string, from types.ShardIteratorType) *kinesis.SubscribeToShardEventStream {
	tb.Helper()
	out, err := c.SubscribeToShard(tb.Context(), &kinesis.SubscribeToShardInput{
		ConsumerARN: &consumer, ShardId: new(shardID(0)), StartingPosition: &types.StartingPosition{Type: from},
	})
	if err != nil {
		tb.Fatal(err)
	}
	stream := out.GetStream()
	tb.Cleanup(func() { _ = stream.Close() })
	return stream
}

// next waits for the next event.
func next(tb testing.TB, stream *kinesis.SubscribeToShardEventStream) *types.SubscribeToShardEvent {
	tb.Helper()
	event, ok := <-stream.Events()
	if !ok {
		tb.Fatalf("the stream ended: %v", stream.Err())
	}
	return &event.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value
}

// drain reads all events to the end of the stream.
func drain(stream *kinesis.SubscribeToShardEventStream) (events []types.SubscribeToShardEvent, err error) {
	for event := range stream.Events() {
		events = append(events, event.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value)
	}
	return events, stream.Err()
}

// clients returns a client over HTTP/1.1 and one over HTTP/2, both in memory.
func clients(t *testing.T, s *kintest.Server) map[string]*kinesis.Client {
	t.Helper()
	tr := &http.Transport{DialContext: s.Dial, Protocols: protocols(false, false, true)}
	t.Cleanup(tr.CloseIdleConnections)
	return map[string]*kinesis.Client{
		"HTTP/1.1": s.Client(),
		"HTTP/2":   s.Client(func(o *kinesis.Options) { o.HTTPClient = &http.Client{Transport: tr} }),
	}
}

func TestSubscription(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"HTTP/1.1", "HTTP/2"} {
		bubble := func(name string, f func(t *testing.T, s *kintest.Server, c *kinesis.Client)) {
			t.Run(name+"_over_"+version, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := newStream(t, 1)
					f(t, s, clients(t, s)[version])
				})
			})
		}
		bubble("pushes_at_once", testPush)
		bubble("shows_that_it_is_alive_and_ends_after_five_minutes", testHeartbeat)
		bubble("tells_the_children_at_the_end_of_the_shard", testShardEnd)
		bubble("is_refused_within_five_seconds_and_taken_over_after", testTakeover)
		bubble("ends_when_the_consumer_is_deregistered", testDeregister)
		bubble("resumes_after_its_continuation_number", testContinuation)
		bubble("cuts_events_before_decoders_refuse_them", testLargeRecords)
		bubble("ends_when_the_client_goes_or_the_server_closes", testEnds)
	}
}

func testPush(t *testing.T, _ *kintest.Server, c *kinesis.Client) {
	t.Helper()
	stream := subscribe(t, c, register(t, c), types.ShardIteratorTypeLatest)
	if first := next(t, stream); len(first.Records) != 0 || first.ContinuationSequenceNumber == nil || *first.MillisBehindLatest != 0 {
		t.Errorf("first event = %+v, want an empty one with a continuation number", first)
	}
	for _, data := range []string{"a", "b"} {
		start := time.Now()
		seq := *put(t, c, data).SequenceNumber
		event := next(t, stream)
		if time.Since(start) != 0 {
			t.Errorf("event came after %v, want at once", time.Since(start))
		}
		if len(event.Records) != 1 || string(event.Records[0].Data) != data || *event.Records[0].PartitionKey != "k" ||
			*event.ContinuationSequenceNumber != seq || *event.MillisBehindLatest != 0 {
			t.Errorf("event = %+v, want record %s and %s", event, data, seq)
		}
	}
}

func testHeartbeat(t *testing.T, _ *kintest.Server, c *kinesis.Client) {
	t.Helper()
	start := time.Now()
	stream := subscribe(t, c, register(t, c), types.ShardIteratorTypeLatest)
	events, err := drain(stream)
	if err != nil {
		t.Errorf("the stream ended with %v, want a clean end", err)
	}
	if got := time.Since(start); got != 5*time.Minute {
		t.Errorf("it ended after %v, want 5m", got)
	}
	if len(events) != 60 {
		t.Errorf("%d events came, want one every 5 seconds", len(events))
	}
	for i := 1; i < len(events); i++ {
		if a, b := *events[i-1].ContinuationSequenceNumber, *events[i].ContinuationSequenceNumber; a >= b {
			t.Fatalf("continuation number %d = %s is not larger than %s", i, b, a)
		}
	}
}

func testShardEnd(t *testing.T, s *kintest.Server, c *kinesis.Client) {
	t.Helper()
	stream := subscribe(t, c, register(t, c), types.ShardIteratorTypeTrimHorizon)
	next(t, stream)
	put(t, c, "last")
	children, err := s.SplitShard("orders", shardID(0))
	if err != nil {
		t.Fatal(err)
	}
	events, err := drain(stream)
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, e := range events {
		read += len(e.Records)
	}
	last := events[len(events)-1]
	if read != 1 || len(last.ChildShards) != 2 || *last.ChildShards[0].ShardId != children[0] || last.ContinuationSequenceNumber != nil {
		t.Errorf("%d records came and the last event was %+v; want 1, children %v and no continuation number", read, last, children)
	}
}

func testTakeover(t *testing.T, _ *kintest.Server, c *kinesis.Client) {
	t.Helper()
	arn := register(t, c)
	stream := subscribe(t, c, arn, types.ShardIteratorTypeLatest)
	in := &kinesis.SubscribeToShardInput{
		ConsumerARN: &arn, ShardId: new(shardID(0)), StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeLatest},
	}
	once := func(o *kinesis.Options) { o.RetryMaxAttempts = 1 }
	if _, err := c.SubscribeToShard(t.Context(), in, once); codeOf(err) != "ResourceInUseException" {
		t.Errorf("second subscription = %v, want ResourceInUseException", err)
	}
	time.Sleep(6 * time.Second) // in a bubble
	second := subscribe(t, c, arn, types.ShardIteratorTypeLatest)
	if _, err := drain(stream); codeOf(err) != "ResourceInUseException" {
		t.Errorf("the first subscription ended with %v, want ResourceInUseException", err)
	}
	put(t, c, "x")
	for len(next(t, second).Records) == 0 {
	}
}

func testDeregister(t *testing.T, _ *kintest.Server, c *kinesis.Client) {
	t.Helper()
	arn := register(t, c)
	stream := subscribe(t, c, arn, types.ShardIteratorTypeLatest)
	next(t, stream)
	if _, err := c.DeregisterStreamConsumer(t.Context(), &kinesis.DeregisterStreamConsumerInput{ConsumerARN: &arn}); err != nil {
		t.Fatal(err)
	}
	if _, err := drain(stream); codeOf(err) != "ResourceNotFoundException" {
		t.Errorf("the subscription ended with %v, want ResourceNotFoundException", err)
	}
}

func testContinuation(t *testing.T, _ *kintest.Server, c *kinesis.Client) {
	t.Helper()
	arn := register(t, c)
	stream := subscribe(t, c, arn, types.ShardIteratorTypeTrimHorizon)
	put(t, c, "a")
	event := next(t, stream)
	for len(event.Records) == 0 {
		event = next(t, stream)
	}
	event = next(t, stream) // a sign of life, 5 seconds later
	put(t, c, "b")
	_ = stream.Close()
	time.Sleep(6 * time.Second) // in a bubble
	out, err := c.SubscribeToShard(t.Context(), &kinesis.SubscribeToShardInput{
		ConsumerARN: &arn, ShardId: new(shardID(0)),
		StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeAfterSequenceNumber, SequenceNumber: event.ContinuationSequenceNumber},
	})
	if err != nil {
		t.Fatal(err)
	}
	again := out.GetStream()
	defer again.Close()
	if first := next(t, again); len(first.Records) != 1 || string(first.Records[0].Data) != "b" {
		t.Errorf("first event after resuming = %+v, want record b", first)
	}
}

func testLargeRecords(t *testing.T, _ *kintest.Server, c *kinesis.Client) {
	t.Helper()
	stream, err := c.DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: new("orders")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.UpdateMaxRecordSize(t.Context(), &kinesis.UpdateMaxRecordSizeInput{
		StreamARN: stream.StreamDescriptionSummary.StreamARN, MaxRecordSizeInKiB: new(int32(10240)),
	}); err != nil {
		t.Fatal(err)
	}
	want := []string{strings.Repeat("x", 10<<20-1), strings.Repeat("y", 10<<20-1)}
	for _, data := range want {
		put(t, c, data)
	}
	events := subscribe(t, c, register(t, c), types.ShardIteratorTypeTrimHorizon)
	for read := 0; read < len(want); {
		for _, r := range next(t, events).Records {
			if string(r.Data) != want[read] {
				t.Errorf("record %d has %d bytes, or wrong ones", read, len(r.Data))
			}
			read++
		}
	}
}

// TestFramesAreSmallerThanDecodersTake looks at the frames themselves: the SDK of today has no limit, that of last year had
// 16 MiB.
func TestFramesAreSmallerThanDecodersTake(t *testing.T) {
	t.Parallel()
	s := newStream(t, 1)
	long := strings.Repeat("\x01", 256) // takes six times as much in an event
	for range 16_000 {
		if _, err := s.Put("orders", long, make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
	}
	body := fmt.Sprintf(`{"ConsumerARN":%q,"ShardId":%q,"StartingPosition":{"Type":"TRIM_HORIZON"}}`, register(t, s.Client()), shardID(0))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", "Kinesis_20131202.SubscribeToShard")
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	resp, err := s.HTTPClient().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for records := 0; records < 16_000; {
		prelude := make([]byte, 4)
		if _, err := io.ReadFull(resp.Body, prelude); err != nil {
			t.Fatal(err)
		}
		frame := make([]byte, binary.BigEndian.Uint32(prelude)-4)
		if _, err := io.ReadFull(resp.Body, frame); err != nil {
			t.Fatal(err)
		}
		if len(frame) >= 16<<20 {
			t.Errorf("a frame has %d bytes, want less than 16 MiB", len(frame))
		}
		records += strings.Count(string(frame), `"SequenceNumber":`)
	}
}

func testEnds(t *testing.T, s *kintest.Server, c *kinesis.Client) {
	t.Helper()
	arn := register(t, c)
	stream := subscribe(t, c, arn, types.ShardIteratorTypeLatest)
	next(t, stream)
	_ = stream.Close()
	time.Sleep(6 * time.Second) // in a bubble
	stream = subscribe(t, c, arn, types.ShardIteratorTypeLatest)
	next(t, stream)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	_, _ = drain(stream) // ends, with whatever the broken connection says
}
