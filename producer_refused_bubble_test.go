package kin_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin"
)

// tooLargeForTheProxyError is the answer of something before the service that knows nothing of its errors.
type tooLargeForTheProxyError struct{}

func (tooLargeForTheProxyError) Error() string       { return "413 Request Entity Too Large" }
func (tooLargeForTheProxyError) HTTPStatusCode() int { return http.StatusRequestEntityTooLarge }

func TestProducerMakesCallsSmallerThatAProxyRefuses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const most = 40 // records
		client := &scriptedPuts{answer: func(_ context.Context, _ int, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
			if len(in.Records) > most {
				return nil, tooLargeForTheProxyError{}
			}
			return allStored(in), nil
		}}
		p := newProducer(t, client, kin.ProducerConfig{})
		l := newPutLog(t, p)
		keys := numbered("k", 300)
		l.put(10, keys...)
		mustClose(t, p)
		for _, key := range keys {
			if a := l.of(key); a.err != nil {
				t.Fatalf("answer to %s = %v, want stored in a smaller call", key, a.err)
			}
		}
	})
}
