package aggregate_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/kinstream/kin/aggregate"
)

// shapes are the aggregates of the benchmarks: one at about 50 KB, as the KPL makes
// them, of user records of each size.
var shapes = []struct{ size, count, keys int }{
	{20, 1500, 1500},
	{100, 450, 450},
	{100, 450, 10},
	{100, 450, 1},
	{1000, 50, 50},
}

func benchRecords(size, count, keys int) []aggregate.UserRecord {
	records := make([]aggregate.UserRecord, count)
	for i := range records {
		records[i] = aggregate.UserRecord{
			PartitionKey: fmt.Sprintf("user-%06d", i%keys),
			Data:         bytes.Repeat([]byte{'x'}, size),
		}
	}
	return records
}

func perRecord(b *testing.B, count int) {
	b.Helper()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*count), "ns/record")
}

func BenchmarkDecode(b *testing.B) {
	for _, s := range shapes {
		b.Run(fmt.Sprintf("%dx%dB/%dkeys", s.count, s.size, s.keys), func(b *testing.B) {
			data := build(benchRecords(s.size, s.count, s.keys)...).Pack(nil).Data
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				a, _ := aggregate.Parse(data)
				n := 0
				for _, err := range a.Records() {
					if err != nil {
						b.Fatal(err)
					}
					n++
				}
				if n != s.count {
					b.Fatalf("%d records", n)
				}
			}
			perRecord(b, s.count)
		})
	}
}

// BenchmarkChecksum is the part of the above that is MD5 alone.
func BenchmarkChecksum(b *testing.B) {
	for _, s := range shapes {
		b.Run(fmt.Sprintf("%dx%dB/%dkeys", s.count, s.size, s.keys), func(b *testing.B) {
			data := build(benchRecords(s.size, s.count, s.keys)...).Pack(nil).Data
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if !aggregate.Is(data) {
					b.Fatal("not an aggregate")
				}
			}
			perRecord(b, s.count)
		})
	}
}

// BenchmarkPlain is the price for records that are not aggregated.
func BenchmarkPlain(b *testing.B) {
	data := bytes.Repeat([]byte{'x'}, 1000)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := aggregate.Parse(data); ok {
			b.Fatal("taken for aggregated")
		}
	}
}

// BenchmarkEncode has the checksum in it, see [BenchmarkChecksum].
func BenchmarkEncode(b *testing.B) {
	for _, s := range shapes {
		b.Run(fmt.Sprintf("%dx%dB/%dkeys", s.count, s.size, s.keys), func(b *testing.B) {
			records := benchRecords(s.size, s.count, s.keys)
			var builder aggregate.Builder
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				builder.Reset()
				for i := range records {
					builder.Add(records[i])
				}
				buf = builder.PackAt(buf[:0], 1, 2).Data
			}
			b.SetBytes(int64(len(buf)))
			perRecord(b, s.count)
		})
	}
}

// BenchmarkSeal packs and seals 100 records together, as for one PutRecords call.
func BenchmarkSeal(b *testing.B) {
	for _, s := range shapes {
		b.Run(fmt.Sprintf("100x%dx%dB/%dkeys", s.count, s.size, s.keys), func(b *testing.B) {
			records := benchRecords(s.size, s.count, s.keys)
			var builder aggregate.Builder
			packed := make([]aggregate.Packed, 100)
			b.ReportAllocs()
			for b.Loop() {
				for i := range packed {
					builder.Reset()
					for j := range records {
						builder.Add(records[j])
					}
					packed[i] = builder.PackUnsealed(packed[i].Data, 1, 2)
				}
				aggregate.Seal(packed)
			}
			perRecord(b, 100*s.count)
		})
	}
}

// BenchmarkAdd is what finding keys and exact sizes costs.
func BenchmarkAdd(b *testing.B) {
	for _, s := range shapes {
		b.Run(fmt.Sprintf("%dx%dB/%dkeys", s.count, s.size, s.keys), func(b *testing.B) {
			records := benchRecords(s.size, s.count, s.keys)
			var builder aggregate.Builder
			b.ReportAllocs()
			for b.Loop() {
				builder.Reset()
				for i := range records {
					if builder.SizeWith(records[i]) > 1<<20 {
						b.Fatal("too large")
					}
					builder.Add(records[i])
				}
			}
			perRecord(b, s.count)
		})
	}
}
