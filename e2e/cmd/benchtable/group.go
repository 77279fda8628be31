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
