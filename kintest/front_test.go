package kintest_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	"github.com/kinstream/kin/kintest"
)

// newStream returns a server with a stream called orders.
func newStream(tb testing.TB, shards int, configure ...func(*kintest.Config)) *kintest.Server {
	tb.Helper()
	s := kintest.New(tb, configure...)
	if err := s.CreateStream("orders", shards); err != nil {
		tb.Fatal(err)
	}
	return s
}

// put stores a record with the SDK.
func put(tb testing.TB, c *kinesis.Client, data string) *kinesis.PutRecordOutput {
	tb.Helper()
	out, err := c.PutRecord(tb.Context(), &kinesis.PutRecordInput{StreamName: new("orders"), PartitionKey: new("k"), Data: []byte(data)})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// iterator asks for an iterator at the beginning of the first shard.
func iterator(tb testing.TB, c *kinesis.Client) *string {
	tb.Helper()
	out, err := c.GetShardIterator(tb.Context(), &kinesis.GetShardIteratorInput{
		StreamName: new("orders"), ShardId: new(shardID(0)), ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return out.ShardIterator
}

func shardID(n int) string { return fmt.Sprintf("shardId-%012d", n) }

// codeOf returns the code of the service's error in err, or "".
func codeOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

func TestClientInMemory(t *testing.T) {
	t.Parallel()
	s := kintest.New(t)
	c := s.Client()
	if _, err := c.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: new("orders"), ShardCount: new(int32(2))}); err != nil {
		t.Fatal(err)
	}
	list, err := c.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: new("orders")})
	if err != nil || len(list.Shards) != 2 {
		t.Fatalf("ListShards = %v, %v; want 2 shards", list, err)
	}
	batch, err := c.PutRecords(t.Context(), &kinesis.PutRecordsInput{StreamName: new("orders"), Records: []types.PutRecordsRequestEntry{
		{Data: []byte("a"), PartitionKey: new("1"), ExplicitHashKey: new("0")},
		{Data: []byte("b"), PartitionKey: new("2"), ExplicitHashKey: new("0")},
	}})
	if err != nil || *batch.FailedRecordCount != 0 {
		t.Fatalf("PutRecords = %v, %v", batch, err)
	}
	page, err := c.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: iterator(t, c)})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Records) != 2 || string(page.Records[0].Data) != "a" || *page.Records[1].PartitionKey != "2" ||
		*page.Records[1].SequenceNumber != *batch.Records[1].SequenceNumber {
		t.Errorf("GetRecords = %+v, want what was put", page.Records)
	}
}

func TestAnHourOfPollingPassesInABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStream(t, 1)
		c := s.Client()
		it := iterator(t, c)
		start, read := time.Now(), 0
		for i := 0; time.Since(start) < time.Hour; i++ {
			if i%10 == 0 {
				put(t, c, "x")
			}
			page, err := c.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: it})
			if err != nil {
				t.Fatal(err)
			}
			read += len(page.Records)
			it = page.NextShardIterator
			time.Sleep(time.Second) // in a bubble
		}
		if read != 360 {
			t.Errorf("read %d records, want 360", read)
		}
	})
}

func TestBadRequestsGetAClearAnswer(t *testing.T) {
	t.Parallel()
	s := newStream(t, 1)
	cases := map[string]struct {
		method, path, target, contentType, body string
		status                                  int
		want                                    string
	}{
		"health":            {"GET", "/health", "", "", "", 200, `{"status":"ok"}`},
		"get":               {"GET", "/", "", "", "", 400, "This is kintest"},
		"no_target":         {"POST", "/", "", "application/x-amz-json-1.1", "{}", 400, "no X-Amz-Target"},
		"dynamodb":          {"POST", "/", "DynamoDB_20120810.GetItem", "application/x-amz-json-1.0", "{}", 400, "not an operation of Kinesis"},
		"unknown_operation": {"POST", "/", "Kinesis_20131202.Fly", "application/x-amz-json-1.1", "{}", 400, "UnknownOperationException"},
		"text":              {"POST", "/", "Kinesis_20131202.ListStreams", "text/plain", "{}", 415, "UnsupportedMediaTypeException"},
		"gzip":              {"GZIP", "/", "Kinesis_20131202.ListStreams", "application/x-amz-json-1.1", "{}", 415, "Content-Encoding"},
		"malformed":         {"POST", "/", "Kinesis_20131202.ListStreams", "application/x-amz-json-1.1", "{", 400, "SerializationException"},
		"malformed_batch":   {"POST", "/", "Kinesis_20131202.PutRecords", "application/x-amz-json-1.1", `{"Records":{}}`, 400, "Start of structure"},
		"malformed_cbor":    {"POST", "/", "Kinesis_20131202.PutRecords", "application/x-amz-cbor-1.1", `{}`, 400, "SerializationException"},
		"json_1_0":          {"POST", "/", "Kinesis_20131202.ListStreams", "application/json", `{}`, 200, `"StreamNames":["orders"]`},
		"too_large":         {"POST", "/", "Kinesis_20131202.PutRecord", "application/x-amz-json-1.1", strings.Repeat("x", 25<<20), 413, "RequestEntityTooLargeException"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			method, gzipped := strings.CutPrefix(c.method, "GZIP")
			req, err := http.NewRequestWithContext(t.Context(), cmp.Or(method, http.MethodPost), s.URL()+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if gzipped {
				req.Header.Set("Content-Encoding", "gzip")
			}
			req.Header.Set("X-Amz-Target", c.target)
			req.Header.Set("Content-Type", c.contentType)
			resp, body := do(t, s.HTTPClient(), req)
			if resp.StatusCode != c.status || !strings.Contains(body, c.want) {
				t.Errorf("answer = %d %q, want %d with %q", resp.StatusCode, body, c.status, c.want)
			}
			if c.status >= 400 && (resp.Header.Get("X-Amzn-Errortype") == "" || resp.Header.Get("X-Amzn-Requestid") == "" || resp.Header.Get("X-Amz-Id-2") == "") {
				t.Errorf("header = %v, want error type and request IDs", resp.Header)
			}
		})
	}
}

func TestAccessKeyAndScopeSayWhoseStreamsAreMeant(t *testing.T) {
	t.Parallel()
	s := newStream(t, 1)
	other := s.AWSConfig()
	other.Region = "eu-west-1"
	out, err := kinesis.NewFromConfig(other).ListStreams(t.Context(), &kinesis.ListStreamsInput{})
	if err != nil || len(out.StreamNames) != 0 {
		t.Errorf("streams of another region = %v, %v; want none", out, err)
	}
	for credential, own := range map[string]bool{
		"": true, // not signed
		"local/20261121/us-east-1/kinesis/aws4_request":        true,
		"local/20261121//kinesis/aws4_request":                 true, // names no region
		"000000000000/20261121/us-east-1/kinesis/aws4_request": true,
		"123456789012/20261121/us-east-1/kinesis/aws4_request": false,
		"local/20261121/eu-west-1/kinesis/aws4_request":        false,
	} {
		req := listStreamsRequest(t, s)
		if credential != "" {
			req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+credential+", SignedHeaders=host, Signature=0")
		}
		if _, body := do(t, s.HTTPClient(), req); strings.Contains(body, "orders") != own {
			t.Errorf("streams for %q = %s, want the server's own: %v", credential, body, own)
		}
	}
}

func TestCloseEndsWhatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStream(t, 1)
		s.Inject(kintest.Fault{Operation: "ListShards", Hang: true})
		failed := make(chan error)
		go func() {
			c := s.Client(func(o *kinesis.Options) { o.RetryMaxAttempts = 1 })
			_, err := c.ListShards(context.Background(), &kinesis.ListShardsInput{StreamName: new("orders")})
			failed <- err
		}()
		synctest.Wait()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-failed; err == nil {
			t.Error("the call that hung was answered, want an error")
		}
		if err := s.Close(); err != nil {
			t.Errorf("second Close = %v", err)
		}
	})
}

func TestCallsAreLogged(t *testing.T) {
	t.Parallel()
	s := newStream(t, 1)
	c := s.Client(func(o *kinesis.Options) { o.RetryMaxAttempts = 1 })
	put(t, c, "x")
	it := iterator(t, c)
	if _, err := c.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: it}); err != nil {
		t.Fatal(err)
	}
	_, err := c.DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: new("nothing")})
	if codeOf(err) != "ResourceNotFoundException" {
		t.Fatalf("error = %v", err)
	}
	want := []kintest.Call{
		{Operation: "PutRecord", Stream: "orders", Status: 200},
		{Operation: "GetShardIterator", Stream: "orders", Shard: shardID(0), Status: 200},
		{Operation: "GetRecords", Stream: "orders", Shard: shardID(0), Status: 200},
		{Operation: "DescribeStreamSummary", Stream: "nothing", Status: 400, Error: "ResourceNotFoundException"},
	}
	got := s.Calls()
	if len(got) != len(want) {
		t.Fatalf("log has %d calls, want %d: %+v", len(got), len(want), got)
	}
	for i, w := range want {
		g := got[i]
		if g.Protocol != "json" || g.HTTP != "HTTP/1.1" || g.Client == "" || g.Time.IsZero() {
			t.Errorf("call %d = %+v", i, g)
		}
		g = kintest.Call{Operation: g.Operation, Stream: g.Stream, Shard: g.Shard, Status: g.Status, Error: g.Error}
		if g != w {
			t.Errorf("call %d = %+v, want %+v", i, g, w)
		}
	}
	if n := s.CallCount("GetRecords"); n != 1 {
		t.Errorf("GetRecords was counted %d times, want 1", n)
	}
}

func TestBodiesOfUnknownLength(t *testing.T) {
	t.Parallel()
	s := newStream(t, 1)
	for name, c := range map[string]struct {
		body   io.Reader
		status int
	}{
		"short":     {strings.NewReader(`{"StreamName":"orders","PartitionKey":"k","Data":"eA=="}`), 200},
		"long":      {strings.NewReader(`{"StreamName":"orders","PartitionKey":"k","Data":"eA==","More":"` + strings.Repeat("x", 3<<20) + `"}`), 200},
		"too_long":  {strings.NewReader(strings.Repeat("x", 25<<20)), 413},
		"malformed": {strings.NewReader(`{"StreamName"`), 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL(), struct{ io.Reader }{c.body})
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("X-Amz-Target", "Kinesis_20131202.PutRecord")
			req.Header.Set("Content-Type", "application/x-amz-json-1.1")
			if resp, body := do(t, s.HTTPClient(), req); resp.StatusCode != c.status {
				t.Errorf("answer = %d %q, want %d", resp.StatusCode, body, c.status)
			}
		})
	}
}

func TestClosedServerRefuses(t *testing.T) {
	t.Parallel()
	s := newStream(t, 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/health", http.NoBody))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("health = %d, want 503", w.Code)
	}
	if _, err := s.Dial(t.Context(), "", ""); err == nil {
		t.Error("dial succeeded, want connection refused")
	}
	if n := len(s.Records("orders")); n != 0 {
		t.Errorf("the direct API sees %d records, want none and no panic", n)
	}
}

func TestLogOfCallsIsBounded(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	s := kintest.New(t, func(c *kintest.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	const calls = 5000
	for i := range calls {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(fmt.Sprintf(`{"StreamName":"s%d"}`, i)))
		r.Header.Set("X-Amz-Target", "Kinesis_20131202.DescribeStreamSummary")
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		s.Handler().ServeHTTP(httptest.NewRecorder(), r)
	}
	got := s.Calls()
	if len(got) != 4096 || got[0].Stream != "s904" || got[4095].Stream != "s4999" {
		t.Errorf("log has %d calls, %q to %q; want the last 4096", len(got), got[0].Stream, got[len(got)-1].Stream)
	}
	if n := s.CallCount("DescribeStreamSummary"); n != calls {
		t.Errorf("counted %d calls, want %d", n, calls)
	}
	if n := strings.Count(text.String(), "msg=call operation=DescribeStreamSummary"); n != calls {
		t.Errorf("the logger has %d calls, want %d", n, calls)
	}
}
