package leasetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/kinstream/kin/lease"
)

const arn = "arn:aws:kinesis:us-east-1:123456789012:stream/orders"

// moment is a time with as much precision as stores keep.
func moment() time.Time { return time.UnixMilli(1_800_000_000_123) }

// row returns a lease with a value in every field.
func row(n int) lease.Lease {
	return lease.Lease{
		Key:          lease.Key{Stream: arn, Shard: shard(n)},
		Parents:      []string{shard(n + 1_000_000), shard(n + 2_000_000)},
		HashStart:    "170141183460469231731687303715884105728",
		HashEnd:      "340282366920938463463374607431768211455",
		Owner:        "worker-a",
		Epoch:        7,
		Revision:     1,
		Checkpoint:   "AFTER_SEQUENCE_NUMBER:49590338271490256608559692538361571095921575989136588898:12",
		CheckpointAt: moment(),
		Pin:          "worker-b",
		Load:         5,
	}
}

func shard(n int) string { return fmt.Sprintf("shardId-%012d", n) }

// worker returns a worker with a value in every field but Draining.
func worker(id string) lease.Worker {
	return lease.Worker{
		ID:       id,
		Beat:     3,
		Streams:  []string{arn, arn + "-2"},
		Capacity: 40,
		Seen:     11,
		TTL:      10*time.Second + time.Nanosecond,
		Build:    "v1.2.3",
		JoinedAt: moment(),
	}
}

// stream returns the first revision of a stream with a value in every field.
func stream(arn string) lease.Stream {
	return lease.Stream{
		ARN:       arn,
		CreatedAt: moment(),
		Start:     "AT_TIMESTAMP:2027-01-15T08:00:00.123Z",
		Revision:  1,
	}
}

// wantLease compares all fields, times too.
func wantLease(t testing.TB, what string, got, want lease.Lease) {
	t.Helper()
	if !got.Equal(want) || !got.CheckpointAt.Equal(want.CheckpointAt) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// wantWorker compares all fields.
func wantWorker(t testing.TB, what string, got, want lease.Worker) {
	t.Helper()
	sameTime := got.JoinedAt.Equal(want.JoinedAt)
	got.JoinedAt = want.JoinedAt
	if !sameTime || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// wantStream compares all fields.
func wantStream(t testing.TB, what string, got, want lease.Stream) {
	t.Helper()
	sameTime := got.CreatedAt.Equal(want.CreatedAt)
	got.CreatedAt = want.CreatedAt
	if !sameTime || got != want {
		t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}
