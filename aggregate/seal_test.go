package aggregate_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/kinstream/kin/aggregate"
)

func TestSeal(t *testing.T) {
	t.Parallel()

	t.Run("makes of unsealed records what Pack makes", func(t *testing.T) {
		t.Parallel()
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 0))
		for range 20 {
			var want, got []aggregate.Packed
			for range r.IntN(40) {
				records := randomRecords(r)
				if r.IntN(5) == 0 {
					records = records[:1]
				}
				b := build(records...)
				used := make([]byte, r.IntN(1+2*b.Size()))
				want, got = append(want, b.PackAt(nil, 1, 2)), append(got, b.PackUnsealed(used, 1, 2))
			}
			aggregate.Seal(got)
			aggregate.Seal(got[:len(got)/2])
			for i := range want {
				if !bytes.Equal(got[i].Data, want[i].Data) || got[i].Aggregated != want[i].Aggregated ||
					got[i].PartitionKey != want[i].PartitionKey || got[i].ExplicitHashKey != want[i].ExplicitHashKey {
					t.Fatalf("record %d of %d is %.100x, %+.100v; want %.100x, %+.100v", i, len(want), got[i].Data, got[i], want[i].Data, want[i])
				}
			}
		}
	})

	t.Run("is what makes a record aggregated", func(t *testing.T) {
		t.Parallel()
		p := build(user("a", "", "x"), user("b", "", "y")).PackUnsealed(nil, 1, 2)
		if aggregate.Is(p.Data) {
			t.Error("a record without checksum is taken for aggregated")
		}
		aggregate.Seal([]aggregate.Packed{p})
		wantLines(t, collect(t, p.Data), `0 a/ "x"`, `1 b/ "y"`)
	})

	t.Run("does not touch a record that is not aggregated", func(t *testing.T) {
		t.Parallel()
		data := []byte("the only one, and long enough for a frame")
		p := build(aggregate.UserRecord{PartitionKey: "k", Data: data}).PackUnsealed(nil, 1, 2)
		aggregate.Seal([]aggregate.Packed{p, {}})
		if got := string(data); got != "the only one, and long enough for a frame" || p.Aggregated {
			t.Errorf("data = %q, aggregated %v", got, p.Aggregated)
		}
	})

	t.Run("of an empty Builder is nothing", func(t *testing.T) {
		t.Parallel()
		var b aggregate.Builder
		p := b.PackUnsealed(nil, 1, 2)
		if aggregate.Seal([]aggregate.Packed{p}); p.Data != nil || p.Aggregated {
			t.Errorf("got %+v", p)
		}
	})

	t.Run("uses the memory that it is given", func(t *testing.T) {
		t.Parallel()
		b := build(user("k", "", "x"), user("l", "7", "y"))
		if exact := make([]byte, b.Size()); &b.PackUnsealed(exact, 1, 2).Data[0] != &exact[0] {
			t.Errorf("a buffer of Size bytes, %d, was too small", b.Size())
		}
	})
}
