package main

import "strings"

// groupTable shows what changes in a group cost: see BenchmarkGroup of package group.
func groupTable(all results) table {
	t := table{
		title:   "Groups: worker processes with the default time-out of 10 s, kin serve; milliseconds",
		columns: []string{"store", "longest gap of a shard", "even after"},
	}
	for _, benchmark := range ordered(all, "group.Group/") {
		name, store, _ := strings.Cut(strings.TrimPrefix(benchmark, "group.Group/"), "/store=")
		t.rows = append(t.rows, []string{
			strings.ReplaceAll(name, "_", " "), store,
			number(all.value(benchmark, "longest-gap-ms")), number(all.value(benchmark, "even-after-ms")),
		})
	}
	return t
}

// consumerTable shows what leases, batches and acknowledgements cost: see BenchmarkConsume of
// the root package.
func consumerTable(all results) table {
	t := table{
		title:   "Consumer: CPU, nanoseconds a record, a group of one against the Reader",
		columns: []string{"Reader", "Consumer", "Consumer more", "8 lanes"},
	}
	for _, benchmark := range ordered(all, "kin.Consume/") {
		shape, isOneLane := strings.CutSuffix(benchmark, "/lanes=1")
		if !isOneLane {
			continue
		}
		shape = strings.TrimPrefix(shape, "kin.Consume/")
		reader, okReader := all.value("kin.Read/"+shape+"/reader", "cpu-ns/record")
		consumer, okConsumer := all.value(benchmark, "cpu-ns/record")
		t.rows = append(t.rows, []string{
			shape, number(reader, okReader), number(consumer, okConsumer),
			percent(consumer-reader, okConsumer, reader, okReader),
			number(all.value("kin.Consume/"+shape+"/lanes=8", "cpu-ns/record")),
		})
	}
	return t
}

// planTable shows how long the assignment of a large group takes: see BenchmarkPlan of package
// assign.
func planTable(all results) table {
	t := table{
		title:   "Assignment: 10,000 leases, 200 workers; milliseconds",
		columns: []string{"one plan"},
	}
	for _, benchmark := range ordered(all, "assign.Plan/") {
		ns, ok := all.value(benchmark, "ns/op")
		name := strings.TrimPrefix(benchmark, "assign.Plan/")
		t.rows = append(t.rows, []string{strings.ReplaceAll(name, "_", " "), number(ns/1e6, ok)})
	}
	return t
}
