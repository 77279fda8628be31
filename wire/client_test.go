package wire_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/schemas"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go/middleware"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"

	"github.com/kinstream/kin/wire"
)

// A server on loopback that answers with megabytes is what makes the plain SDK
// close the connection under its own answer. Without plainStream about one call in
// five fails here.
func TestLargeAnswersFromAFastServerArriveWhole(t *testing.T) {
	t.Parallel()
	large := &kinesis.GetRecordsOutput{}
	for range 40 {
		large.Records = append(large.Records, types.Record{Data: bytes.Repeat([]byte("x"), 100_000)})
	}
	bodies := map[string][]byte{typeCBOR: encodeCBOR(large, cborStyle{}), typeJSON: encodeJSON(large)}
	service := serve(t, func(r request) reply {
		return reply{status: 200, contentType: r.contentType, body: bodies[r.contentType]}
	})
	for _, format := range []wire.Format{wire.Auto, wire.JSON} {
		codec, _ := newCodec(t, format)
		client := service.client(codec.Apply)
		for call := range 100 {
			out, err := client.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: new("AAA")})
			if err != nil || len(out.Records) != len(large.Records) {
				t.Fatalf("%v, call %d: %v", format, call, err)
			}
		}
	}
}

// bodies records the body of each request, and whether it could write itself.
type bodies struct {
	mu      sync.Mutex
	seen    [][]byte
	headers []http.Header
	writers []string
	answer  func(request) reply
}

func (b *bodies) Do(req *http.Request) (*http.Response, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, operation, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
	if _, ok := req.Body.(io.WriterTo); ok {
		b.writers = append(b.writers, operation)
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	if int64(len(body)) != req.ContentLength {
		return nil, fmt.Errorf("%s: Content-Length %d of a body of %d", operation, req.ContentLength, len(body))
	}
	b.seen, b.headers = append(b.seen, body), append(b.headers, req.Header.Clone())
	a := b.answer(request{operation: operation, contentType: req.Header.Get("Content-Type"), body: body})
	resp := httpResponse(a.status, a.contentType, a.body)
	resp.Header.Set("X-Amzn-Requestid", "request-1")
	return resp, nil
}

func TestNoRequestBodyWritesItself(t *testing.T) {
	t.Parallel()
	transport := &bodies{answer: func(r request) reply {
		if r.operation == "GetRecords" || strings.HasPrefix(r.operation, "Put") {
			return goodAnswer(r)
		}
		return reply{status: 200, contentType: typeJSON, body: []byte("{}")}
	}}
	client := newClient("http://unused", withHTTP(transport), wire.Enable)
	read(t, client)
	put(t, client)
	_, err := client.PutRecord(t.Context(), &kinesis.PutRecordInput{Data: []byte("x"), PartitionKey: new("k"), StreamName: new("s")})
	if err != nil {
		t.Error(err)
	}
	if _, err := client.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: new("s")}); err != nil {
		t.Error(err)
	}
	if _, err := client.DescribeLimits(t.Context(), &kinesis.DescribeLimitsInput{}); err != nil {
		t.Error(err)
	}
	if len(transport.writers) != 0 || len(transport.seen) != 5 {
		t.Errorf("bodies with a WriteTo: %v of %d requests, want none of 5", transport.writers, len(transport.seen))
	}
}

func TestTheSignatureIsOfWhatIsSent(t *testing.T) {
	t.Parallel()
	transport := &bodies{answer: func(r request) reply {
		if r.contentType == typeCBOR {
			return unsupported
		}
		return goodAnswer(r)
	}}
	var hashes []string
	noteHash := func(stack *middleware.Stack) error {
		return stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("noteHash",
			func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
				hashes = append(hashes, v4.GetPayloadHash(ctx))
				return next.HandleFinalize(ctx, in)
			}), middleware.After)
	}
	client := newClient("http://unused.amazonaws.com", withHTTP(transport), wire.Enable, kinesis.WithAPIOptions(noteHash))
	if got := put(t, client); got != "ok" || len(transport.seen) != 2 || len(hashes) != 2 {
		t.Fatalf("put ended %s after %d requests with %d hashes, want ok after 2 with 2", got, len(transport.seen), len(hashes))
	}
	for i, body := range transport.seen {
		sum := sha256.Sum256(body)
		if want := hex.EncodeToString(sum[:]); hashes[i] != want {
			t.Errorf("request %d was signed for %s, want %s", i, hashes[i], want)
		}
		if !strings.Contains(transport.headers[i].Get("Authorization"), "content-length;content-type;host;") {
			t.Errorf("request %d: Authorization %q, want the content type signed", i, transport.headers[i].Get("Authorization"))
		}
	}
}

func TestMetadataIsTheSDKs(t *testing.T) {
	t.Parallel()
	transport := &bodies{answer: goodAnswer}
	client := newClient("http://unused", withHTTP(transport), wire.Enable)
	out, err := client.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: new("AAA")})
	if err != nil {
		t.Fatal(err)
	}
	if id, _ := awsmiddleware.GetRequestIDMetadata(out.ResultMetadata); id != "request-1" {
		t.Errorf("request ID = %q, want request-1", id)
	}
}

func TestApplyingTwiceIsHarmless(t *testing.T) {
	t.Parallel()
	service := serve(t, func(r request) reply {
		if r.contentType == typeCBOR {
			return unsupported
		}
		return goodAnswer(r)
	})
	one, _ := newCodec(t, wire.Auto)
	other, _ := newCodec(t, wire.Auto)
	toSDK := func(o *kinesis.Options) { o.Protocol = awsjson.New11(schemas.Kinesis_20131202) }
	client := service.client(one.Apply, one.Apply, other.Apply)
	countFallbacks := kinesis.WithAPIOptions(func(stack *middleware.Stack) error {
		if got := strings.Count(strings.Join(stack.Initialize.List(), " "), wire.FallbackID); got != 1 {
			t.Errorf("the stack has %d fallbacks, want 1", got)
		}
		return nil
	})
	for _, options := range [][]func(*kinesis.Options){{}, {one.Apply}, {other.Apply, wire.Enable}, {toSDK, other.Apply}} {
		if got := put(t, client, append(options, countFallbacks)...); got != "ok" {
			t.Errorf("put ended %s, want ok", got)
		}
	}
	// The last call goes through the other codec, which has not learnt yet.
	if got, want := service.formats(), "CJJJCJ"; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
}

func TestACodecServesCallsOfAClientThatDoesNotKnowIt(t *testing.T) {
	t.Parallel()
	service := serve(t, func(r request) reply {
		if r.contentType == typeCBOR && r.operation == "GetRecords" {
			return brokenCBOR
		}
		return goodAnswer(r)
	})
	codec, fallbacks := newCodec(t, wire.Auto)
	client := service.client()
	if got := read(t, client) + read(t, client, codec.Apply) + put(t, client, codec.Apply) + read(t, client); got != "okokokok" {
		t.Errorf("calls ended %s, want ok each", got)
	}
	if got, want := service.formats(), "JCJJJ"; got != want || len(fallbacks()) != 1 {
		t.Errorf("sent %s with fallbacks %v, want %s with 1", got, fallbacks(), want)
	}
}

func TestProtocolsOfOthersAreLeftAlone(t *testing.T) {
	t.Parallel()
	custom := struct{ *awsjson.Protocol }{awsjson.New11(schemas.Kinesis_20131202)}
	json10 := awsjson.New10(schemas.Kinesis_20131202)
	o := kinesis.Options{Protocol: custom}
	wire.Enable(&o)
	if !reflect.DeepEqual(o.Protocol, custom) || len(o.APIOptions) != 0 {
		t.Errorf("Protocol = %T with %d APIOptions, want it left alone", o.Protocol, len(o.APIOptions))
	}
	o = kinesis.Options{Protocol: json10}
	wire.Enable(&o)
	if o.Protocol != json10 || len(o.APIOptions) != 0 {
		t.Errorf("Protocol = %T with %d APIOptions, want AWS JSON 1.0 left alone", o.Protocol, len(o.APIOptions))
	}
}

// A protocol that was taken out of its client has no fallback, and so speaks JSON.
func TestAProtocolWithoutItsFallbackSpeaksJSON(t *testing.T) {
	t.Parallel()
	service := serve(t, goodAnswer)
	donor := service.client(wire.Enable)
	client := service.client(func(o *kinesis.Options) { o.Protocol = donor.Options().Protocol })
	if got := read(t, client); got != "ok" || service.formats() != "J" {
		t.Errorf("read ended %s after %s, want ok after J", got, service.formats())
	}
}

func TestAnswersWithoutLengthArriveWhole(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 65_000, 65_536, 70_000, 1_000_000} {
		out := &kinesis.GetRecordsOutput{Records: []types.Record{{Data: bytes.Repeat([]byte("y"), size)}}}
		client := newClient("http://unused", wire.Enable, withHTTP(httpFunc(func(*http.Request) (*http.Response, error) {
			resp := httpResponse(200, typeCBOR, encodeCBOR(out, cborStyle{}))
			resp.ContentLength = -1
			return resp, nil
		})))
		want := bytes.Repeat([]byte("y"), size)
		var first []byte
		for call := range 3 { // the buffer for such answers is used again
			got, err := client.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: new("AAA")})
			if err != nil || call == 0 && !bytes.Equal(got.Records[0].Data, want) {
				t.Fatalf("size %d: %v", size, err)
			}
			if call == 0 {
				first = got.Records[0].Data
				out.Records[0].Data = bytes.Repeat([]byte("z"), size)
			}
		}
		if !bytes.Equal(first, want) {
			t.Errorf("size %d: a later answer has overwritten the first", size)
		}
	}
}

func TestAContentLengthThatLiesIsNotBelieved(t *testing.T) {
	t.Parallel()
	body := encodeCBOR(oneRecord, cborStyle{})
	for _, length := range []int64{0, 1, int64(len(body)) + 10, 1 << 40} {
		client := newClient("http://unused", wire.Enable, withHTTP(httpFunc(func(*http.Request) (*http.Response, error) {
			resp := httpResponse(200, typeCBOR, body)
			resp.ContentLength = length
			return resp, nil
		})))
		if got := read(t, client); got != "ok" {
			t.Errorf("Content-Length %d: read ended %s, want ok", length, got)
		}
	}
}

// An answer that ends too early is the network's fault when nothing said how long
// it is: it is no reason to give CBOR up.
func TestAnAnswerThatIsCutShortProvesNothing(t *testing.T) {
	t.Parallel()
	var sent []string
	client := newClient("http://unused", wire.Enable, withHTTP(httpFunc(func(req *http.Request) (*http.Response, error) {
		sent = append(sent, req.Header.Get("Content-Type"))
		body := encodeCBOR(oneRecord, cborStyle{})
		resp := httpResponse(200, typeCBOR, body[:len(body)-1])
		resp.ContentLength = -1
		return resp, nil
	})))
	got := makeCalls(t, client, "rr")
	if want := []string{typeCBOR, typeCBOR}; got != "--" || !reflect.DeepEqual(sent, want) {
		t.Errorf("reads ended %s after %v, want errors after %v", got, sent, want)
	}
}

func TestNothingIsLeftOfAnAnswerThatFailed(t *testing.T) {
	t.Parallel()
	half := append(encodeCBOR(oneRecord, cborStyle{}), "\x72MillisBehindLatest\x60"...)
	half[0]++ // one member more, of the wrong type
	service := serve(t, func(r request) reply {
		if r.contentType == typeCBOR {
			return reply{status: 200, contentType: typeCBOR, body: half}
		}
		return reply{status: 200, contentType: typeJSON, body: []byte("{}")}
	})
	if got := read(t, service.client(wire.Enable)); got != "empty" || service.formats() != "CJ" {
		t.Errorf("read ended %s after %s, want empty after CJ", got, service.formats())
	}
}

type httpFunc func(*http.Request) (*http.Response, error)

func (f httpFunc) Do(req *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, req.Body)
	return f(req)
}
