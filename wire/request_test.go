package wire_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/kinstream/kin/wire"
)

// putOf returns a call that puts n records of size bytes, all of them fill.
func putOf(n, size int, fill byte) *kinesis.PutRecordsInput {
	in := &kinesis.PutRecordsInput{StreamName: new("orders")}
	for range n {
		in.Records = append(in.Records, types.PutRecordsRequestEntry{Data: bytes.Repeat([]byte{fill}, size), PartitionKey: new("key")})
	}
	return in
}

// refill changes the payloads of a call that has returned.
func refill(in *kinesis.PutRecordsInput, fill byte) {
	for _, e := range in.Records {
		for i := range e.Data {
			e.Data[i] = fill
		}
	}
}

// withStream is an option that hands out the body of each request, as middleware
// of the user's can have it.
func withStream(got func(io.Reader)) func(*kinesis.Options) {
	return kinesis.WithAPIOptions(func(stack *middleware.Stack) error {
		return stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("stream",
			func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
				got(in.Request.(*smithyhttp.Request).GetStream())
				return next.HandleFinalize(ctx, in)
			}), middleware.After)
	})
}

// doFunc is an HTTP client.
type doFunc func(*http.Request) (*http.Response, error)

func (f doFunc) Do(req *http.Request) (*http.Response, error) { return f(req) }

// Each call ends while somebody still reads its body, and the next one begins with
// other payloads in the same slices and another body in the same memory.
func TestReadersThatComeLateGetNothingOfTheNextRequest(t *testing.T) {
	t.Parallel()
	codec, _ := newCodec(t, wire.CBOR)
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			var late sync.WaitGroup
			defer late.Wait()
			in := putOf(20, 2000, 0)
			for round := range 100 {
				refill(in, byte(worker*50+round%50))
				want, _ := wire.Encode(wire.CBOR, in)
				var stream io.Reader
				begun := make(chan struct{})
				client := newClient("http://unused", codec.Apply, withStream(func(s io.Reader) { stream = s }),
					withHTTP(doFunc(func(*http.Request) (*http.Response, error) {
						late.Go(func() { checkLateReader(t, stream, want, begun) })
						<-begun
						return nil, errors.New("no connection")
					})))
				if _, err := client.PutRecords(t.Context(), in); err == nil {
					t.Error("PutRecords without a connection succeeds")
				}
			}
		})
	}
	wg.Wait()
}

// checkLateReader reads a body until an error, and wants no more of it than it is.
func checkLateReader(t *testing.T, body io.Reader, want []byte, begun chan<- struct{}) {
	t.Helper()
	chunk := make([]byte, 100)
	for n := 0; ; {
		k, err := body.Read(chunk)
		if n == 0 {
			close(begun)
		}
		if !bytes.HasPrefix(want[n:], chunk[:k]) {
			t.Errorf("bytes %d to %d = %.40x..., want %.40x...", n, n+k, chunk[:k], want[n:])
			return
		}
		n += k
		switch {
		case errors.Is(err, io.EOF) && n == len(want), errors.Is(err, http.ErrBodyReadAfterClose):
			return
		case err != nil:
			t.Errorf("after %d of %d bytes: %v", n, len(want), err)
			return
		}
	}
}

func TestEveryAttemptSendsTheWholeBody(t *testing.T) {
	t.Parallel()
	for _, format := range []wire.Format{wire.CBOR, wire.JSON} {
		transport := &bodies{}
		transport.answer = func(r request) reply {
			if len(transport.seen)%3 != 0 {
				return reply{status: 500, contentType: typeJSON, body: []byte(`{"__type":"InternalFailure"}`)}
			}
			return goodAnswer(r)
		}
		codec, _ := newCodec(t, format)
		client := newClient("http://unused", withHTTP(transport), codec.Apply, func(o *kinesis.Options) {
			o.RetryMaxAttempts = 3
			o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
			})
		})
		for call := range 5 {
			in := putOf(30, 1000+call, byte('a'+call))
			want, _ := wire.Encode(format, in)
			transport.seen = nil
			if _, err := client.PutRecords(t.Context(), in); err != nil {
				t.Fatalf("%v, call %d: %v", format, call, err)
			}
			for i, body := range transport.seen {
				if !bytes.Equal(body, want) {
					t.Errorf("%v, call %d, attempt %d: %d bytes %.40q..., want %d bytes %.40q...", format, call, i, len(body), body, len(want), want)
				}
			}
			if len(transport.seen) != 3 {
				t.Errorf("%v, call %d: %d attempts, want 3", format, call, len(transport.seen))
			}
		}
	}
}

//nolint:paralleltest // it counts what the whole process allocates
func TestMemoryOfRequestsIsUsedAgain(t *testing.T) {
	codec, _ := newCodec(t, wire.CBOR)
	transport := doFunc(func(req *http.Request) (*http.Response, error) {
		_, err := io.Copy(io.Discard, req.Body)
		return httpResponse(200, typeJSON, []byte("{}")), err
	})
	client := newClient("http://unused", withHTTP(transport), codec.Apply)
	const calls, size = 50, 1 << 20
	in := putOf(10, size/10, 'x')
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range calls {
		if _, err := client.PutRecords(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	// Half, because under the race detector a sync.Pool drops some on purpose.
	if got := after.TotalAlloc - before.TotalAlloc; got > calls*size/2 {
		t.Errorf("%d calls of %d bytes allocated %d bytes, want less than half of what they sent", calls, size, got)
	}
}

// A body is compared with a reader of the standard library.
func TestBodiesAreReadAndWoundLikeBytes(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	content := []byte(strings.Repeat("0123456789", 20))
	body, end := wire.NewBody(content)
	twin := bytes.NewReader(content)
	for range 10_000 {
		if r.IntN(3) == 0 {
			offset, whence := int64(r.IntN(500)-250), r.IntN(3)
			got, err := body.Seek(offset, whence)
			want, wantErr := twin.Seek(offset, whence)
			if got != want || (err == nil) != (wantErr == nil) {
				t.Fatalf("Seek(%d, %d) = %d, %v; want %d, %v", offset, whence, got, err, want, wantErr)
			}
			continue
		}
		p, q := make([]byte, 1+r.IntN(50)), make([]byte, 50)
		n, err := body.Read(p)
		m, wantErr := twin.Read(q[:len(p)])
		if n != m || !errors.Is(err, wantErr) || !bytes.Equal(p[:n], q[:m]) {
			t.Fatalf("Read = %q, %v; want %q, %v", p[:n], err, q[:m], wantErr)
		}
	}
	end()
	_, _ = body.Seek(0, io.SeekStart)
	if n, err := body.Read(make([]byte, 10)); n != 0 || !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Errorf("Read after the call = %d, %v; want 0, %v", n, err, http.ErrBodyReadAfterClose)
	}
}

func TestBuffersAreLittleLargerThanNeeded(t *testing.T) {
	t.Parallel()
	for n := 4096; n < 20<<20; n += 1 + n/100 {
		got := wire.RoundUp(n)
		if got < n || got > n+n/8 || wire.RoundUp(got) != got {
			t.Fatalf("RoundUp(%d) = %d, want %d to %d, and the same for itself: %d", n, got, n, n+n/8, wire.RoundUp(got))
		}
	}
}

func TestBuffersFitWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	var b wire.Buffers
	for _, size := range []int{100, 5000, 50_000, 49_000, 1 << 20, 900_000, 5000, 100, 5 << 20} {
		buf := b.Get(size)
		if len(buf) != 0 || cap(buf) < size || size > 4096 && cap(buf) > 16*size {
			t.Errorf("Get(%d) has length %d, capacity %d; want 0, and %d to 16 times as much", size, len(buf), cap(buf), size)
		}
		b.Put(append(buf, "used"...))
	}
}
