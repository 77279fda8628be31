package kin_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

// slowClient is a client whose calls do not notice at once that their context has
// ended.
type slowClient struct {
	*fakeStream
	running atomic.Int32
}

func (c *slowClient) GetRecords(ctx context.Context, in *kinesis.GetRecordsInput, options ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error) {
	c.running.Add(1)
	defer c.running.Add(-1)
	<-ctx.Done()
	time.Sleep(5 * time.Second)
	return c.fakeStream.GetRecords(ctx, in, options...)
}

// That nothing is left in a bubble shows only that everything ends some time. Here
// it must have ended when the loop has.
func TestReaderWaitsForItsCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := &slowClient{fakeStream: newFakeStream(3)}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		began := time.Now()
		for _, err := range newReader(t, client).Records(ctx) {
			if err == nil {
				t.Error("got a record, want only the end of the context")
			}
		}
		if n := client.running.Load(); n != 0 {
			t.Errorf("%d calls are running after the loop, want none", n)
		}
		// Calls that take up to CallTimeout, 30 s, are cut off and made again meanwhile.
		if took := time.Since(began); took > time.Minute+5*time.Second {
			t.Errorf("the loop ended %v after it began, want 5s after the context at most", took)
		}
	})
}
