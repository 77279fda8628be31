package kintest_test

import (
	"fmt"
	"testing"

	"github.com/kinstream/kin/kintest"
	"github.com/kinstream/kin/kintest/internal/proto"
)

// BenchmarkPutRecordsKept is PutRecords without HTTP: 500 records of 1 KiB, in memory, in
// a directory, and in one whose disk is waited for.
func BenchmarkPutRecordsKept(b *testing.B) {
	for _, bc := range []struct {
		name      string
		dir, sync bool
	}{{"memory", false, false}, {"dir", true, false}, {"sync", true, true}} {
		b.Run(bc.name, func(b *testing.B) {
			config := kintest.Config{Sync: bc.sync}
			if bc.dir {
				config.Dir = b.TempDir()
			}
			session(b, config, func(e engine) {
				e.create(orders, 4)
				in := &proto.PutRecordsRequest{StreamName: new(orders), HasRecords: true}
				for i := range 500 {
					in.Records = append(in.Records, entry(fmt.Sprint("key", i), fmt.Sprintf("%01024d", i)))
				}
				b.SetBytes(500 << 10)
				b.ReportAllocs()
				for b.Loop() {
					var out proto.PutRecordsReply
					if err := e.PutRecords(in, &out); err != nil || out.Failed > 0 {
						b.Fatal(err, out.Failed)
					}
				}
			})
		})
	}
}

// BenchmarkOpenDirectory is what a server does with a directory when it starts.
func BenchmarkOpenDirectory(b *testing.B) {
	config := kintest.Config{Dir: b.TempDir()}
	const calls = 200
	session(b, config, func(e engine) {
		e.create(orders, 4)
		in := &proto.PutRecordsRequest{StreamName: new(orders), HasRecords: true}
		for i := range 500 {
			in.Records = append(in.Records, entry(fmt.Sprint("key", i), fmt.Sprintf("%01024d", i)))
		}
		for range calls {
			if err := e.PutRecords(in, &proto.PutRecordsReply{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.SetBytes(calls * 500 << 10)
	b.ReportAllocs()
	for b.Loop() {
		session(b, config, func(engine) {})
	}
}
