package main

import (
	"strings"
	"testing"
)

const output = `goos: linux
pkg: github.com/kinstream/kin/e2e/bench
BenchmarkPutRecords/server=kin_serve-2         	     505	   6137100 ns/op	  84.00 MB/s
BenchmarkPutRecords/server=kinesalite-2        	      18	 122366646 ns/op	   4.20 MB/s
BenchmarkPutRecords/server=constant-2          	     778	   4243797 ns/op	 120.00 MB/s
BenchmarkPut/100B/sdk/server=kinesalite-2         	       1	    200000 records/cpu-s
BenchmarkPut/100B/producer/server=kinesalite-2    	       1	    400000 records/cpu-s
BenchmarkPut/100B/aggregated/server=kinesalite-2  	       1	   1000000 records/cpu-s
BenchmarkPutDelay/aggregated_in_order-2 	       1	 67.81 added-p50-ms	 103.5 added-p99-ms	 0.20 call-p50-ms	 100.0 linger-ms
pkg: github.com/kinstream/kin/wire
BenchmarkGetRecords/10000x200B-2	1	12.10 cbor-times-faster	2903 cbor-cpu-us/call	35133 sdk-cpu-us/call
pkg: github.com/kinstream/kin
BenchmarkRead/10000x200B/bare-2         	       1	       500 cpu-ns/record
BenchmarkRead/10000x200B/reader-2       	       1	       550 cpu-ns/record
BenchmarkConsume/10000x200B/lanes=1-2   	       1	       572 cpu-ns/record
BenchmarkConsume/10000x200B/lanes=8-2   	       1	       900 cpu-ns/record
BenchmarkPut/100B/sdk-2                 	       1	    300000 records/cpu-s
BenchmarkPut/100B/producer-2            	       1	    900000 records/cpu-s
BenchmarkPut/100B/aggregated-2          	       1	   1500000 records/cpu-s	  10 allocs/op
BenchmarkPut/100B/aggregated_in_order-2 	       1	   1200000 records/cpu-s
pkg: github.com/kinstream/kin/internal/assign
BenchmarkPlan/cold_start/100_streams-2  	      60	  18500000 ns/op
pkg: github.com/kinstream/kin/e2e/group
BenchmarkGroup/kill_-9/store=dynalite-2         	       1	      9500 longest-gap-ms
PASS
`

func TestFiguresStandSideBySide(t *testing.T) {
	t.Parallel()
	var page strings.Builder
	if err := run(strings.NewReader(output), &page); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(strings.Fields(page.String()), " ")
	for _, want := range []string{
		"PutRecords 500 x 1 KiB, MB/s 84.0 4.20 120 20.0x 70 %",
		"GetRecords 10000x200B 35133 - 2903 -x 12.1x -",
		"10000x200B 500 550 10 %",
		"10000x200B 550 572 4 % 900",
		"100B, kintest 300000 900000 3.0x 1500000 5.0x 0.02 1200000",
		"100B, kinesalite 200000 400000 2.0x 1000000 5.0x - -",
		"aggregated in order 100 67.8 104 3.50 0.20",
		"cold start/100 streams 18.5",
		"kill -9 dynalite 9500 -",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in:\n%s", want, page.String())
		}
	}
}

func TestInputWithoutResultsIsAnError(t *testing.T) {
	t.Parallel()
	if err := run(strings.NewReader("FAIL\n"), &strings.Builder{}); err == nil {
		t.Error("got no error, want one")
	}
}
