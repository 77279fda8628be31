package kin_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/kinstream/kin"
)

// ignorant is a client that does not heed the contexts of its calls.
type ignorant struct {
	scriptedPuts

	until chan struct{} // calls return when it is closed
}

func newIgnorant() *ignorant {
	c := &ignorant{until: make(chan struct{})}
	c.answer = func(_ context.Context, _ int, in *kinesis.PutRecordsInput) (*kinesis.PutRecordsOutput, error) {
		<-c.until
		return allStored(in), nil // with the keys that are there now
	}
	return c
}

// ignorantLister is one that lists shards, too.
type ignorantLister struct {
	ignorant

	lists chan struct{} // the same for ListShards
}

func (c *ignorantLister) ListShards(context.Context, *kinesis.ListShardsInput, ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error) {
	<-c.lists
	return nil, errors.New("no luck")
}

func TestProducerCloseDoesNotWaitForAClientThatIgnoresIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newIgnorant()
		p := newProducer(t, client, kin.ProducerConfig{CallTimeout: time.Minute, RecordTTL: -1, MaxInFlight: 1})
		l := newPutLog(t, p)
		l.put(1, "out")
		time.Sleep(time.Second)
		l.put(1, "in") // waits for the call

		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		begun := time.Now()
		err := p.Close(ctx)
		if took := time.Since(begun); took != 6*time.Second {
			t.Errorf("Close took %v, want the 5s of its context and a second", took)
		}
		e, ok := errors.AsType[*kin.CloseError](err)
		if !ok || e.Ambiguous != 1 || e.NotStored != 1 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close = %v, want one record that may be stored and one that is not", err)
		}
		for key, ambiguous := range map[string]bool{"out": true, "in": false} {
			if e := putError(t, l.of(key).err); e.Ambiguous != ambiguous || !errors.Is(e, kin.ErrClosed) {
				t.Errorf("answer to %s = %v (%s), want ErrClosed, ambiguous: %v", key, e, describe(e), ambiguous)
			}
		}
		close(client.until)
		synctest.Wait() // the client returns with an answer that nobody wants any more
		if keys := client.seen()[0].keys; len(keys) != 1 || keys[0] != "out" || l.count() != 2 {
			t.Errorf("calls of %v, answers to %d records, want the keys as they were, and an answer to each", keys, l.count())
		}
		_, _ = l.of("out"), l.of("in") // once each
		if got := p.Stats(); got.Unanswered != 0 || got.InFlight != 0 || got.BufferedBytes != 0 || got.Streams[0].Failed != 2 {
			t.Errorf("figures = %+v, want nothing left, and two that failed", got)
		}
		if again := p.Close(t.Context()); again == nil || again.Error() != err.Error() {
			t.Errorf("second Close = %v, want the same", again)
		}
	})
}

func TestProducerCloseWaitsForAClientThatIgnoresItIfItMay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newIgnorant()
		p := newProducer(t, client, kin.ProducerConfig{})
		l := newPutLog(t, p)
		l.put(1, "k")
		time.AfterFunc(time.Hour, func() { close(client.until) })
		mustClose(t, p)
		if a := l.of("k"); a.err != nil || a.after != time.Hour {
			t.Errorf("answer = %+v, want stored after an hour", a)
		}
	})
}

func TestProducerCloseDoesNotWaitForLooksThatIgnoreIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := &ignorantLister{lists: make(chan struct{}), ignorant: ignorant{until: make(chan struct{})}}
		p := newProducer(t, client, kin.ProducerConfig{})
		if _, err := p.Put(t.Context(), kin.UserRecord{PartitionKey: "k"}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		begun := time.Now()
		if err := p.Close(ctx); err != nil {
			t.Errorf("Close = %v, want nil: the record is stored", err)
		}
		if took := time.Since(begun); took != 6*time.Second {
			t.Errorf("Close took %v, want the 5s of its context and a second", took)
		}
		close(client.lists)
	})
}
