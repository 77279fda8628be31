package main

import "strings"

// opRecords is how many records one operation of BenchmarkPut puts.
const opRecords = 500

// producerTable shows what putting costs: see BenchmarkPut of the root package, with kintest in a process of its own, and
// of package bench, with servers of others.
func producerTable(all results) table {
	t := table{
		title:   "Producer: records for each second of the client's CPU, 16 shards, against a plain PutRecords loop",
		columns: []string{"plain loop", "Producer", "more", "aggregated", "more", "allocs/record", "aggregated, in order"},
	}
	for _, benchmark := range ordered(all, "kin.Put/", "bench.Put/") {
		shape, rest, _ := strings.Cut(strings.SplitN(benchmark, "/", 2)[1], "/")
		kind, server, _ := strings.Cut(rest, "/server=")
		if kind != "producer" {
			continue
		}
		value := func(kind, unit string) (float64, bool) {
			return all.value(strings.Replace(benchmark, "/producer", "/"+kind, 1), unit)
		}
		const unit = "records/cpu-s"
		sdk, okSDK := value("sdk", unit)
		single, okSingle := value("producer", unit)
		packed, okPacked := value("aggregated", unit)
		allocs, okAllocs := value("aggregated", "allocs/op")
		if server == "" {
			server = "kintest"
		}
		t.rows = append(t.rows, []string{
			shape + ", " + server, number(sdk, okSDK),
			number(single, okSingle), times(single, okSingle, sdk, okSDK),
			number(packed, okPacked), times(packed, okPacked, sdk, okSDK), number(allocs/opRecords, okAllocs),
			number(value("aggregated_in_order", unit)),
		})
	}
	return t
}

// delayTable shows what a Producer adds to a call at a low rate: see BenchmarkPutDelay of package bench.
func delayTable(all results) table {
	t := table{
		title:   "Producer: delay that it adds to a call, 150 records a second, kin serve; milliseconds",
		columns: []string{"Linger", "added, median", "added, p99", "p99 over Linger", "a call alone"},
	}
	for _, benchmark := range ordered(all, "bench.PutDelay/") {
		linger, okLinger := all.value(benchmark, "linger-ms")
		p99, ok := all.value(benchmark, "added-p99-ms")
		t.rows = append(t.rows, []string{
			strings.ReplaceAll(strings.TrimPrefix(benchmark, "bench.PutDelay/"), "_", " "), number(linger, okLinger),
			number(all.value(benchmark, "added-p50-ms")), number(p99, ok), number(p99-linger, ok && okLinger),
			number(all.value(benchmark, "call-p50-ms")),
		})
	}
	return t
}
