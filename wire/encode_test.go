package wire_test

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/kinstream/kin/wire"
)

func (c chance) flag() *bool {
	return []*bool{nil, nil, new(true), new(false)}[c.IntN(4)]
}

// request returns a random request of any hot operation.
func (c chance) request() smithy.Serializable {
	switch c.IntN(3) {
	case 0:
		in := &kinesis.GetRecordsInput{ShardIterator: c.text(), DryRun: c.flag(), StreamARN: c.text(), StreamId: c.text()}
		if c.IntN(2) == 0 {
			in.Limit = new(int32(c.Uint32()) >> c.IntN(31))
		}
		return in
	case 1:
		return &kinesis.PutRecordInput{
			Data: c.blob(), PartitionKey: c.text(), ExplicitHashKey: c.text(), DryRun: c.flag(),
			SequenceNumberForOrdering: c.text(), StreamARN: c.text(), StreamId: c.text(), StreamName: c.text(),
		}
	}
	in := &kinesis.PutRecordsInput{DryRun: c.flag(), StreamARN: c.text(), StreamId: c.text(), StreamName: c.text()}
	if c.IntN(8) > 0 {
		in.Records = make([]types.PutRecordsRequestEntry, c.IntN(40))
		for i := range in.Records {
			in.Records[i] = types.PutRecordsRequestEntry{Data: c.blob(), PartitionKey: c.text(), ExplicitHashKey: c.text()}
		}
	}
	return in
}

func TestJSONRequestsAreTheSDKsToTheByte(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3000) {
		in := newChance(seed).request()
		got, ok := wire.Encode(wire.JSON, in)
		if want := encodeJSON(in); !ok || !bytes.Equal(got, want) {
			t.Fatalf("seed %d: got %s\nwant %s", seed, got, want)
		}
	}
}

func TestCBORRequestsSayWhatTheSDKSays(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3000) {
		in := newChance(seed).request()
		body, ok := wire.Encode(wire.CBOR, in)
		if !ok {
			t.Fatalf("seed %d: %T is not encoded", seed, in)
		}
		got, err := cbor.Decode(body)
		if err != nil {
			t.Fatalf("seed %d: %v\n%x", seed, err, body)
		}
		if want := treeOf(in); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: got %v\nwant %v", seed, got, want)
		}
		// The independent encoder uses the shortest forms as well, in another order.
		if want := len(encodeCBOR(in, cborStyle{})); len(body) != want {
			t.Fatalf("seed %d: %d bytes, want %d", seed, len(body), want)
		}
	}
}

func TestOtherRequestsAreLeftToTheSDK(t *testing.T) {
	t.Parallel()
	for _, format := range []wire.Format{wire.CBOR, wire.JSON} {
		if body, ok := wire.Encode(format, &kinesis.ListShardsInput{}); ok {
			t.Errorf("Encode(%v, ListShardsInput) = %x, want it left alone", format, body)
		}
	}
}

// Not parallel: it counts allocations.
func TestPayloadsAreCopiedOnce(t *testing.T) {
	in := &kinesis.PutRecordsInput{StreamName: new("orders"), Records: make([]types.PutRecordsRequestEntry, 500)}
	for i := range in.Records {
		in.Records[i] = types.PutRecordsRequestEntry{Data: make([]byte, 1000), PartitionKey: new("key"), ExplicitHashKey: new("1234")}
	}
	for _, format := range []wire.Format{wire.CBOR, wire.JSON} {
		allocs := testing.AllocsPerRun(10, func() { wire.Encode(format, in) })
		if allocs > 2 { // the buffer and its writer
			t.Errorf("%v: %v allocations, want 2: the buffer was too small", format, allocs)
		}
	}
}
