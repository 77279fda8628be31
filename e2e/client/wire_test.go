package client_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/e2e/server"
	"github.com/kinstream/kin/wire"
)

// codec returns a client that uses wire, and what made it fall back to JSON.
func (u *setup) codec(t *testing.T, format wire.Format) (client *kinesis.Client, fallbacks func() []wire.FallbackInfo) {
	t.Helper()
	var mu sync.Mutex // guards seen
	var seen []wire.FallbackInfo
	codec, err := wire.New(wire.Config{Format: format, Hooks: wire.Hooks{Fallback: func(i wire.FallbackInfo) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, i)
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return u.server.Client(codec.Apply), func() []wire.FallbackInfo {
		mu.Lock()
		defer mu.Unlock()
		return seen
	}
}

// TestWire puts with a client that uses wire, and gets with one that does and
// with the plain one: all see the same records, in each format that the server
// speaks, and where it does not speak CBOR the codec finds that out by itself.
func TestWire(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *server.Server) {
		formats := []wire.Format{wire.Auto, wire.JSON}
		if s.CBOR {
			formats = append(formats, wire.CBOR)
		}
		for _, format := range formats {
			t.Run(format.String(), func(t *testing.T) {
				t.Parallel()
				u := newSetup(t, s, 1)
				client, fallbacks := u.codec(t, format)
				want := u.putBinary(t, client)
				plain, coded := u.getAll(t, u.Client), u.getAll(t, client)
				if len(plain) != len(want) {
					t.Fatalf("the plain client reads %d records, want %d", len(plain), len(want))
				}
				for i, r := range plain {
					if !bytes.Equal(r.Data, want[i]) {
						t.Errorf("record %d has %d bytes, want %d", i, len(r.Data), len(want[i]))
					}
				}
				if !sameRecords(plain, coded) {
					t.Errorf("the coded client reads %d records that differ from the plain client's %d", len(coded), len(plain))
				}
				if fell := len(fallbacks()) > 0; fell != (format == wire.Auto && !s.CBOR) {
					t.Errorf("fell back: %t (%v), but the server speaks CBOR: %t", fell, fallbacks(), s.CBOR)
				}
			})
		}
	})
}

// TestWireGivesTheErrorsOfTheSDK compares errors with those of the plain client.
func TestWireGivesTheErrorsOfTheSDK(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *server.Server) {
		u := newSetup(t, s, 1)
		client, _ := u.codec(t, wire.Auto)
		put := func(c *kinesis.Client) error {
			_, err := c.PutRecord(u.ctx, &kinesis.PutRecordInput{
				StreamName: aws.String("nowhere"), PartitionKey: aws.String("k"), Data: []byte("x"),
			})
			return err
		}
		var got, want *types.ResourceNotFoundException
		if err := put(u.Client); !errors.As(err, &want) {
			t.Fatalf("plain client: got %v, want ResourceNotFoundException", err)
		}
		if err := put(client); !errors.As(err, &got) {
			t.Fatalf("coded client: got %v, want ResourceNotFoundException", err)
		}
		if got.ErrorMessage() != want.ErrorMessage() {
			t.Errorf("message %q, want %q", got.ErrorMessage(), want.ErrorMessage())
		}
	})
}

// putBinary puts records of all sizes and byte values by both operations.
func (u *setup) putBinary(t *testing.T, client *kinesis.Client) [][]byte {
	t.Helper()
	var all [][]byte
	in := &kinesis.PutRecordsInput{StreamName: &u.stream}
	for i := range 50 {
		data := make([]byte, i*i*3)
		for j := range data {
			data[j] = byte(i + j)
		}
		all = append(all, data)
		key := fmt.Sprintf("key \"%d\" ☃\n", i)
		if i < 5 {
			if _, err := client.PutRecord(u.ctx, &kinesis.PutRecordInput{
				StreamName: &u.stream, PartitionKey: &key, Data: data,
			}); err != nil {
				t.Fatalf("put record %d: %v", i, err)
			}
			continue
		}
		in.Records = append(in.Records, types.PutRecordsRequestEntry{PartitionKey: &key, Data: data})
	}
	out, err := client.PutRecords(u.ctx, in)
	if err != nil {
		t.Fatalf("put records: %v", err)
	}
	if n := aws.ToInt32(out.FailedRecordCount); n != 0 || len(out.Records) != len(in.Records) {
		t.Fatalf("put records: %d answers, %d failed; want %d and 0", len(out.Records), n, len(in.Records))
	}
	return all
}

// getAll reads shard 0 to its tip.
func (u *setup) getAll(t *testing.T, client *kinesis.Client) []types.Record {
	t.Helper()
	return u.getShard(t, client, "shardId-000000000000")
}

// getShard reads a shard to its tip or its end.
func (u *setup) getShard(t *testing.T, client *kinesis.Client, shard string) []types.Record {
	t.Helper()
	first, err := client.GetShardIterator(u.ctx, &kinesis.GetShardIteratorInput{
		StreamName: &u.stream, ShardId: &shard, ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
	})
	if err != nil {
		t.Fatalf("get shard iterator: %v", err)
	}
	var all []types.Record
	iterator := first.ShardIterator
	for iterator != nil {
		out, err := client.GetRecords(u.ctx, &kinesis.GetRecordsInput{ShardIterator: iterator, Limit: aws.Int32(17)})
		if err != nil {
			t.Fatalf("get records: %v", err)
		}
		if len(out.Records) == 0 {
			return all
		}
		all = append(all, out.Records...)
		iterator = out.NextShardIterator
	}
	return all
}

func sameRecords(a, b []types.Record) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		x, y := a[i], b[i]
		// An empty payload may be nil or empty; times are compared as instants.
		if !bytes.Equal(x.Data, y.Data) || !x.ApproximateArrivalTimestamp.Equal(*y.ApproximateArrivalTimestamp) {
			return false
		}
		x.Data, y.Data, x.ApproximateArrivalTimestamp, y.ApproximateArrivalTimestamp = nil, nil, nil, nil
		if !reflect.DeepEqual(x, y) {
			return false
		}
	}
	return true
}
