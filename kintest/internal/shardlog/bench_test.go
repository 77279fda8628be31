package shardlog_test

import (
	"strconv"
	"testing"

	"github.com/kinstream/kin/kintest/internal/shardlog"
)

func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{200, 1024} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			l := shardlog.New(identity, nil)
			e := shardlog.Entry{Data: make([]byte, size), Key: "0123456789", HasKey: true}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			now := int64(startMillis)
			for b.Loop() {
				now++
				l.Append(&e, now, now-100_000)
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	for _, size := range []int{200, 1024} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			l := shardlog.New(identity, nil)
			e := shardlog.Entry{Data: make([]byte, size), Key: "0123456789", HasKey: true}
			const records = 50_000
			for i := range records {
				l.Append(&e, startMillis+int64(i), 0)
			}
			var dst []shardlog.Record
			b.SetBytes(int64(size) * 1000)
			b.ReportAllocs()
			position := uint64(0)
			for b.Loop() {
				page := l.Read(position, dst[:0], 1000, 10<<20)
				dst = page.Records
				if position = page.Next; len(dst) < 1000 {
					position = 0
				}
			}
		})
	}
}
