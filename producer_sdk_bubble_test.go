package kin_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/kintest"
)

// dialing returns an SDK client that retries, as users have it, over connections that
// dial makes.
func dialing(credentials aws.CredentialsProviderFunc, dial func(ctx context.Context) (net.Conn, error)) *kinesis.Client {
	if credentials == nil {
		credentials = func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "secret"}, nil
		}
	}
	return kinesis.New(kinesis.Options{
		Region: "eu-west-1", BaseEndpoint: new("http://kinesis.test"), Credentials: credentials, RetryMaxAttempts: 5,
		HTTPClient: &http.Client{Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		}},
	})
}

// answering returns a dial function whose connections read one request and then
// do what answer does with the connection, which is closed afterwards.
func answering(answer func(c net.Conn)) func(context.Context) (net.Conn, error) {
	return func(context.Context) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			r, err := http.ReadRequest(bufio.NewReader(server))
			if err == nil {
				buf := make([]byte, 1<<10)
				for err == nil {
					_, err = r.Body.Read(buf)
				}
				answer(server)
			}
		}()
		return client, nil
	}
}

func writes(text string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = c.Write([]byte(text)) // the client may have gone: that is part of the test
	}
}

// TestProducerKnowsWhatWasSent proves with the SDK's client that a failure counts as
// ambiguous if and only if the request may have reached a server that did not refuse it.
func TestProducerKnowsWhatWasSent(t *testing.T) {
	t.Parallel()
	const length = "Content-Length: 0\r\n\r\n"
	for name, tt := range map[string]struct {
		credentials aws.CredentialsProviderFunc
		dial        func(context.Context) (net.Conn, error)
		ambiguous   bool
		final       bool
	}{
		"no credentials": {
			credentials: func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, errors.New("none") },
		},
		"no connection": {dial: func(context.Context) (net.Conn, error) { return nil, errors.New("no route") }},
		"no answer to connect": {dial: func(context.Context) (net.Conn, error) {
			time.Sleep(30 * time.Second)
			return nil, errors.New("timeout")
		}},
		"a connection that is closed in place of an answer": {dial: answering(func(net.Conn) {}), ambiguous: true},
		"an answer that does not come":                      {dial: answering(func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) }), ambiguous: true},
		"a server that is busy":                             {dial: answering(writes("HTTP/1.1 503 Busy\r\n" + length)), ambiguous: true},
		"an answer that is cut":                             {dial: answering(writes("HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: 100\r\n\r\n{\"Rec")), ambiguous: true},
		"an answer that is not Kinesis":                     {dial: answering(writes("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" + "Content-Length: 6\r\n\r\n<html>")), ambiguous: true},
		"a refusal":                                         {dial: answering(writes("HTTP/1.1 403 Forbidden\r\nContent-Type: application/x-amz-json-1.1\r\n" + length)), final: true},
		"a refusal of too many requests":                    {dial: answering(writes("HTTP/1.1 429 Slowly\r\nContent-Type: application/x-amz-cbor-1.1\r\n" + length))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var dials atomic.Int64
				client := dialing(tt.credentials, func(ctx context.Context) (net.Conn, error) {
					dials.Add(1)
					return tt.dial(ctx)
				})
				p := newProducer(t, client, kin.ProducerConfig{RecordTTL: 25 * time.Second, DescribeEvery: -1})
				_, err := p.Put(t.Context(), kin.UserRecord{PartitionKey: "k", Data: []byte("data")})
				mustClose(t, p)
				time.Sleep(time.Minute) // the transport goes on dialing for calls that were cut off
				e := putError(t, err)
				if e.Ambiguous != tt.ambiguous || errors.Is(err, kin.ErrExpired) == tt.final {
					t.Errorf("Put = %v (%s), want ambiguous %v, final %v", err, describe(e), tt.ambiguous, tt.final)
				}
				// The codec may ask once more in its other format; the SDK's own retries are off.
				if n := int(dials.Load()); tt.credentials == nil && (n < e.Attempts || n > 2*e.Attempts) {
					t.Errorf("connections = %d, want one or two for each of %d attempts", n, e.Attempts)
				}
			})
		})
	}
}

// TestProducerTellsWrongSettingsAtOnce proves that settings of the client with which the SDK can never make a request are
// answered with the first attempt, and not when RecordTTL is over.
func TestProducerTellsWrongSettingsAtOnce(t *testing.T) {
	t.Parallel()
	credentials := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "secret"}, nil
	})
	for name, tt := range map[string]struct {
		options kinesis.Options
		hint    string
	}{
		"no region":                     {kinesis.Options{Credentials: credentials}, "set a region, for example with AWS_REGION"},
		"an endpoint that is not a URL": {kinesis.Options{Credentials: credentials, Region: "eu-west-1", BaseEndpoint: new("127.0.0.1:4567")}, "the endpoint must be a URL, such as http://127.0.0.1:4567"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newProducer(t, kinesis.New(tt.options), kin.ProducerConfig{})
				begun := time.Now()
				_, err := p.Put(t.Context(), kin.UserRecord{PartitionKey: "k", Data: []byte("data")})
				e := putError(t, err)
				if took := time.Since(begun); e.Attempts != 1 || e.Ambiguous || e.Hint != tt.hint || took > time.Second {
					t.Errorf("Put = %v (%s) after %v, want one attempt, the hint %q, and no waiting", err, describe(e), took, tt.hint)
				}
				mustClose(t, p)
			})
		})
	}
}

func TestPutErrorNamesWhatIsWrongWithTheStream(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ stream, want string }{
		"none is named": {
			"", `put record with key "k" (4 bytes): kin: invalid record: UserRecord.Stream is empty, and so is ProducerConfig.Stream`,
		},
		"it does not exist, or not yet": {
			"orders", `put record with key "k" (4 bytes) to orders, attempt 1: ResourceNotFoundException: Stream orders under account 000000000000 not found` +
				" (check the name of the stream, the region and the account; one that is being created takes records when it is ACTIVE)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, err := kin.NewProducer(kintest.New(t).Client(), kin.ProducerConfig{Stream: tt.stream})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := p.Put(t.Context(), kin.UserRecord{PartitionKey: "k", Data: []byte("data")}); err == nil || err.Error() != tt.want {
					t.Errorf("Put = %v, want %s", err, tt.want)
				}
				mustClose(t, p)
			})
		})
	}
}

func TestPutErrorSaysThatNoAnswerCame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := kintest.New(t)
		if err := server.CreateStream("orders", 1); err != nil {
			t.Fatal(err)
		}
		server.Inject(kintest.Fault{Operation: "PutRecords", Hang: true})
		p := newProducer(t, server.Client(), kin.ProducerConfig{RecordTTL: 5 * time.Second})
		_, err := p.Put(t.Context(), kin.UserRecord{PartitionKey: "k", Data: []byte("data")})
		if e := putError(t, err); !e.Ambiguous || e.Hint != "no answer came within CallTimeout" {
			t.Errorf("Put = %v (%s), want an ambiguous one with a hint at CallTimeout", err, describe(e))
		}
		mustClose(t, p)
	})
}
