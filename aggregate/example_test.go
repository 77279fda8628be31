package aggregate_test

import (
	"fmt"

	"github.com/kinstream/kin/aggregate"
)

func Example() {
	const limit = 25_000 // bytes that a packed record may have

	// Producing: pack user records that go to the same shard.
	var b aggregate.Builder
	for _, rec := range []aggregate.UserRecord{
		{PartitionKey: "alice", Data: []byte("hello")},
		{PartitionKey: "bob", Data: []byte("world"), ExplicitHashKey: "7"},
	} {
		if b.SizeWith(rec) > limit {
			break // put b.Pack(nil), then b.Reset()
		}
		b.Add(rec)
	}
	packed := b.Pack(nil)
	fmt.Println("put", len(packed.Data), "bytes with partition key", packed.PartitionKey)

	// Reading: what is not aggregated is a user record itself.
	a, ok := aggregate.Parse(packed.Data)
	if !ok {
		fmt.Printf("plain: %s\n", packed.Data)
		return
	}
	for rec, err := range a.Records() {
		if err != nil {
			fmt.Println(err) // only this one is bad
			continue
		}
		fmt.Printf("%d %s: %s\n", rec.Index, rec.PartitionKey, rec.Data)
	}
	// Output:
	// put 59 bytes with partition key alice
	// 0 alice: hello
	// 1 bob: world
}
