package aggregate_test

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kinstream/kin/aggregate"
)

func build(records ...aggregate.UserRecord) *aggregate.Builder {
	b := new(aggregate.Builder)
	for _, rec := range records {
		b.Add(rec)
	}
	return b
}

func user(key, hashKey, data string) aggregate.UserRecord {
	return aggregate.UserRecord{PartitionKey: key, ExplicitHashKey: hashKey, Data: []byte(data)}
}

// bigHashKey is the naive way to a hash key.
func bigHashKey(partitionKey string) string {
	sum := md5.Sum([]byte(partitionKey))
	return new(big.Int).SetBytes(sum[:]).String()
}

func TestPack(t *testing.T) {
	t.Parallel()

	t.Run("writes the golden vector", func(t *testing.T) {
		t.Parallel()
		p := build(user("pk-1", "", "hello"), user("pk-2", "7", "world!")).Pack(nil)
		if want := unhex(t, golden); !bytes.Equal(p.Data, want) || !p.Aggregated {
			t.Errorf("data = %x, aggregated %v, want %x", p.Data, p.Aggregated, want)
		}
		if p.PartitionKey != "pk-1" || p.ExplicitHashKey != bigHashKey("pk-1") {
			t.Errorf("keys = %s, %s; want those of the first record, pk-1, %s", p.PartitionKey, p.ExplicitHashKey, bigHashKey("pk-1"))
		}
	})

	t.Run("takes the explicit hash key of the first record", func(t *testing.T) {
		t.Parallel()
		p := build(user("a", "42", "x"), user("b", "7", "y")).Pack(nil)
		if p.PartitionKey != "a" || p.ExplicitHashKey != "42" {
			t.Errorf("keys = %s, %s; want a, 42", p.PartitionKey, p.ExplicitHashKey)
		}
	})

	t.Run("leaves a single record raw", func(t *testing.T) {
		t.Parallel()
		p := build(user("a", "", "alone")).Pack([]byte("buf"))
		if string(p.Data) != "alone" || p.Aggregated || p.ExplicitHashKey != "16955237001963240173058271559858726497" {
			t.Errorf("got %+v", p)
		}
	})

	t.Run("wraps a single record that looks like an aggregate", func(t *testing.T) {
		t.Parallel()
		rec := aggregate.UserRecord{PartitionKey: "k", Data: unhex(t, golden)}
		var b aggregate.Builder
		size := b.SizeWith(rec)
		b.Add(rec)
		p := b.Pack(nil)
		if !p.Aggregated || len(p.Data) != size || b.Size() != size {
			t.Fatalf("aggregated %v, %d bytes, Size %d, SizeWith %d", p.Aggregated, len(p.Data), b.Size(), size)
		}
		wantLines(t, collect(t, p.Data), fmt.Sprintf("0 k/ %q", rec.Data))
	})

	t.Run("writes each key once", func(t *testing.T) {
		t.Parallel()
		var b aggregate.Builder
		for i := range 100 {
			b.Add(user("the-only-key", "12345678901234567890", fmt.Sprint(i)))
		}
		data := b.Pack(nil).Data
		if n := bytes.Count(data, []byte("the-only-key")); n != 1 {
			t.Errorf("the partition key is there %d times, want 1", n)
		}
		if n := bytes.Count(data, []byte("12345678901234567890")); n != 1 {
			t.Errorf("the explicit hash key is there %d times, want 1", n)
		}
	})

	t.Run("appends to the buffer without changing what is in it", func(t *testing.T) {
		t.Parallel()
		b := build(user("k", "", "x"), user("k", "", "y"))
		alone := b.Pack(nil).Data
		if got, want := b.Pack([]byte("head")).Data, append([]byte("head"), alone...); !bytes.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})

	t.Run("grows the buffer to the exact size", func(t *testing.T) {
		t.Parallel()
		b := build(user("k", "", "x"), user("l", "7", "y"))
		if exact := make([]byte, 0, b.Size()); &b.Pack(exact).Data[0] != &exact[:1][0] {
			t.Errorf("a buffer of Size bytes, %d, was too small", b.Size())
		}
	})

	t.Run("of an empty Builder is nothing", func(t *testing.T) {
		t.Parallel()
		var b aggregate.Builder
		if p := b.Pack(nil); p.Data != nil || p.PartitionKey != "" || p.Aggregated || b.Size() != 0 {
			t.Errorf("got %+v, size %d", p, b.Size())
		}
	})
}

func TestPackAt(t *testing.T) {
	t.Parallel()

	t.Run("takes the hash key of the first record from the caller", func(t *testing.T) {
		t.Parallel()
		for _, records := range [][]aggregate.UserRecord{
			{user("pk-1", "", "hello"), user("pk-2", "7", "world!")},
			{user("pk-1", "", "hello")},
		} {
			b := build(records...)
			sum := md5.Sum([]byte("pk-1"))
			got := b.PackAt(nil, binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:]))
			want := b.Pack(nil)
			if !bytes.Equal(got.Data, want.Data) || got.PartitionKey != want.PartitionKey ||
				got.ExplicitHashKey != want.ExplicitHashKey || got.Aggregated != want.Aggregated {
				t.Errorf("PackAt = %+v, Pack = %+v", got, want)
			}
			if got := b.PackAt(nil, 1, 2).ExplicitHashKey; got != "18446744073709551618" {
				t.Errorf("explicit hash key = %s, want 18446744073709551618, 2^64 + 2", got)
			}
		}
	})

	t.Run("prefers the explicit hash key of the first record", func(t *testing.T) {
		t.Parallel()
		if got := build(user("a", "42", "x"), user("b", "", "y")).PackAt(nil, 1, 2).ExplicitHashKey; got != "42" {
			t.Errorf("explicit hash key = %s, want 42", got)
		}
	})

	t.Run("of an empty Builder is nothing", func(t *testing.T) {
		t.Parallel()
		var b aggregate.Builder
		if p := b.PackAt(nil, 1, 2); p.Data != nil || p.ExplicitHashKey != "" {
			t.Errorf("got %+v", p)
		}
	})
}

// Not parallel: AllocsPerRun counts the whole process.
func TestBuilderAllocatesNothingForUserRecords(t *testing.T) {
	for _, keys := range []int{500, 10, 1} {
		records := benchRecords(100, 500, keys)
		var b aggregate.Builder
		var buf []byte
		n := testing.AllocsPerRun(20, func() {
			b.Reset()
			for _, rec := range records {
				if b.SizeWith(rec) > 1<<20 {
					t.Fatal("too large")
				}
				b.Add(rec)
			}
			buf = b.PackAt(buf[:0], 1, 2).Data
		})
		if n > 1 {
			t.Errorf("%d keys: %v allocations for 500 records, want 1: the explicit hash key", keys, n)
		}
	}
}

// randomRecords has few or many keys, lengths around those at which the protobuf
// lengths grow, and more than 127 records now and then.
func randomRecords(r *rand.Rand) []aggregate.UserRecord {
	lengths := []int{0, 1, 20, 110, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 16370, 16383, 16384}
	records := make([]aggregate.UserRecord, 1+r.IntN(1<<r.IntN(10)))
	keys := 1 + r.IntN(1<<r.IntN(10))
	for i := range records {
		n := lengths[r.IntN(len(lengths)-3)]
		if r.IntN(50) == 0 {
			n = lengths[r.IntN(len(lengths))]
		}
		rec := aggregate.UserRecord{
			PartitionKey: strings.Repeat("k", r.IntN(200)) + fmt.Sprint(r.IntN(keys)),
			Data:         bytes.Repeat([]byte{byte(i)}, n),
		}
		if r.IntN(2) == 0 {
			rec.ExplicitHashKey = fmt.Sprint(r.IntN(keys))
		}
		records[i] = rec
	}
	return records
}

func TestBuilderRoundTripsWithExactSizes(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var b aggregate.Builder // reused, as a producer does
	var buf []byte
	for range 200 {
		b.Reset()
		records := randomRecords(r)
		for i, rec := range records {
			announced := b.SizeWith(rec)
			if r.IntN(3) == 0 { // a record that is left out after all
				b.SizeWith(records[r.IntN(len(records))])
			}
			b.Add(rec)
			if b.Size() != announced || b.Len() != i+1 {
				t.Fatalf("after record %d: Size %d, Len %d; SizeWith said %d", i, b.Size(), b.Len(), announced)
			}
			if i < 3 || i == len(records)-1 {
				if p := b.Pack(nil); len(p.Data) != announced {
					t.Fatalf("after record %d: %d bytes, SizeWith said %d", i, len(p.Data), announced)
				}
			}
		}
		p := b.Pack(buf[:0])
		checkRoundTrip(t, records, p)
		if p.Aggregated {
			buf = p.Data
		}
	}
}

// checkRoundTrip reads p by the package and by the naive twin.
func checkRoundTrip(t *testing.T, records []aggregate.UserRecord, p aggregate.Packed) {
	t.Helper()
	a, ok := aggregate.Parse(p.Data)
	twin, twinOK := twinDecode(p.Data)
	if ok != p.Aggregated || twinOK != ok {
		t.Fatalf("packed as aggregated: %v, read as aggregated: %v, by the twin: %v", p.Aggregated, ok, twinOK)
	}
	if !ok {
		if len(records) != 1 || !bytes.Equal(p.Data, records[0].Data) {
			t.Fatalf("%d records, raw data of %d bytes", len(records), len(p.Data))
		}
		return
	}
	i := 0
	for rec, err := range a.Records() {
		want := records[i]
		want.Index = i
		if err != nil || !equal(rec, want) || !equal(twin[i].rec, want) {
			t.Fatalf("record %d = %.100v, %v; twin %.100v; want %.100v", i, rec, err, twin[i], want)
		}
		i++
	}
	if i != len(records) || len(twin) != i {
		t.Fatalf("%d records read, %d by the twin, want %d", i, len(twin), len(records))
	}
}

func equal(a, b aggregate.UserRecord) bool {
	return a.PartitionKey == b.PartitionKey && a.ExplicitHashKey == b.ExplicitHashKey &&
		a.Index == b.Index && bytes.Equal(a.Data, b.Data)
}

func TestResetForgetsTheCallersMemory(t *testing.T) {
	t.Parallel()
	b := build(user("a", "1", "x"), user("b", "2", "y"))
	b.Reset()
	if b.Len() != 0 || b.Size() != 0 {
		t.Errorf("Len %d, Size %d after Reset, want 0, 0", b.Len(), b.Size())
	}
	records := []aggregate.UserRecord{user("b", "2", "y"), user("a", "1", "x")}
	for _, rec := range records {
		b.Add(rec)
	}
	if got, want := b.Pack(nil).Data, build(slices.Clone(records)...).Pack(nil).Data; !bytes.Equal(got, want) {
		t.Errorf("after Reset %x, from a new Builder %x", got, want)
	}
}
