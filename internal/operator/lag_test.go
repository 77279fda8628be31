package operator_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinstream/kin/internal/operator"
	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/lease"
)

func TestLags(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := kintest.New(t)
		if err := server.CreateStream("orders", 1); err != nil {
			t.Fatal(err)
		}
		var placed []kintest.Placed
		for range 3 {
			p, err := server.Put("orders", "k", []byte("x"))
			if err != nil {
				t.Fatal(err)
			}
			placed = append(placed, p)
			time.Sleep(time.Minute)
		}
		lagOf := func(checkpoint lease.Checkpoint) operator.Lag {
			l := at(0, checkpoint)
			return operator.Lags(t.Context(), server.Client(), []lease.Lease{l})[0]
		}
		for checkpoint, want := range map[lease.Checkpoint]time.Duration{
			lease.TrimHorizon: 3 * time.Minute,
			lease.Checkpoint("AFTER_SEQUENCE_NUMBER:" + placed[0].SequenceNumber):                              2 * time.Minute,
			lease.Checkpoint("AT_SEQUENCE_NUMBER:" + placed[1].SequenceNumber):                                 2 * time.Minute,
			lease.Checkpoint("AFTER_SEQUENCE_NUMBER:" + placed[1].SequenceNumber + ":7"):                       time.Minute,
			lease.Checkpoint("AFTER_SEQUENCE_NUMBER:" + placed[2].SequenceNumber):                              0,
			lease.Checkpoint("AT_TIMESTAMP:" + time.Now().Add(-90*time.Second).UTC().Format(time.RFC3339Nano)): time.Minute,
			lease.ShardEnd: 0,
		} {
			if got := lagOf(checkpoint); got.Err != nil || got.Behind.Round(time.Second) != want {
				t.Errorf("lag after %s = %v (%v), want %v", checkpoint, got.Behind, got.Err, want)
			}
		}
		for _, checkpoint := range []lease.Checkpoint{"LATEST", "AT_TIMESTAMP:noon", "AFTER_SEQUENCE_NUMBER:x", ""} {
			if got := lagOf(checkpoint); got.Err == nil || got.Behind != -1 {
				t.Errorf("lag after %q = %v (%v), want that it is not known", checkpoint, got.Behind, got.Err)
			}
		}
	})
}
