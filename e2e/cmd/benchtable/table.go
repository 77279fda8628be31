package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// table is a title, the names of columns, and rows that begin with their name.
type table struct {
	title   string
	columns []string
	rows    [][]string
}

func (t table) write(w io.Writer) error {
	if len(t.rows) == 0 {
		return nil
	}
	if _, err := fmt.Fprintf(w, "\n%s\n\n", t.title); err != nil {
		return err
	}
	columns := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	for _, row := range append([][]string{append([]string{""}, t.columns...)}, t.rows...) {
		// Names are padded by hand, since a tabwriter aligns all columns to one side.
		fmt.Fprintf(columns, "  %-34s\t%s\t\n", row[0], strings.Join(row[1:], "\t"))
	}
	return columns.Flush()
}

// missing is shown for what was not measured.
const missing = "-"

func number(v float64, ok bool) string {
	switch {
	case !ok:
		return missing
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

// times is how many times b fits into a.
func times(a float64, okA bool, b float64, okB bool) string {
	if !okA || !okB || b == 0 {
		return missing
	}
	return fmt.Sprintf("%.1fx", a/b)
}

func percent(a float64, okA bool, b float64, okB bool) string {
	if !okA || !okB || b == 0 {
		return missing
	}
	return fmt.Sprintf("%.0f %%", 100*a/b)
}

func serverTable(all results) table {
	t := table{
		title:   "Servers: the plain SDK client over HTTP/1.1 on loopback, each server a process of its own",
		columns: []string{"kin serve", "kinesalite", "constant", "to kinesalite", "to constant"},
	}
	for _, row := range []struct{ name, benchmark, unit string }{
		{"PutRecords 500 x 1 KiB, MB/s", "PutRecords", "MB/s"},
		{"GetRecords 5,000 x 1 KiB, MB/s", "GetRecords", "MB/s"},
		{"PutRecord 100 B, calls/s", "PutRecord", "calls/s"},
		{"memory / payload held", "Memory", "rss/payload"},
		{"put to subscription, p99 ms", "Push", "p99-ms"},
	} {
		value := func(server string) (float64, bool) {
			return all.value("bench."+row.benchmark+"/server="+server, row.unit)
		}
		kin, okKin := value("kin_serve")
		lite, okLite := value("kinesalite")
		constant, okConstant := value("constant")
		if !okKin {
			continue
		}
		t.rows = append(t.rows, []string{
			row.name, number(kin, okKin), number(lite, okLite), number(constant, okConstant),
			times(kin, okKin, lite, okLite), percent(kin, okKin, constant, okConstant),
		})
	}
	return t
}

func codecTable(all results) table {
	t := table{
		title:   "Codec: client CPU, microseconds a call, against the plain SDK in the same run",
		columns: []string{"SDK", "JSON", "CBOR", "JSON", "CBOR", "allocs/record"},
	}
	for _, benchmark := range ordered(all, "wire.GetRecords/", "wire.PutRecords/") {
		cell := func(unit string) string { return number(all.value(benchmark, unit)) }
		t.rows = append(t.rows, []string{
			strings.TrimPrefix(strings.ReplaceAll(benchmark, "/", " "), "wire."),
			cell("sdk-cpu-us/call"), cell("json-cpu-us/call"), cell("cbor-cpu-us/call"),
			cell("json-times-faster") + "x", cell("cbor-times-faster") + "x", cell("cbor-allocs/record"),
		})
	}
	return t
}

func readerTable(all results) table {
	t := table{
		title:   "Reader: CPU, nanoseconds a record, against a bare GetRecords loop over the codec",
		columns: []string{"bare loop", "Reader", "Reader more"},
	}
	for _, benchmark := range ordered(all, "kin.Read/") {
		shape, isBare := strings.CutSuffix(benchmark, "/bare")
		if !isBare {
			continue
		}
		bare, okBare := all.value(benchmark, "cpu-ns/record")
		reader, okReader := all.value(shape+"/reader", "cpu-ns/record")
		t.rows = append(t.rows, []string{
			strings.TrimPrefix(shape, "kin.Read/"), number(bare, okBare), number(reader, okReader),
			percent(reader-bare, okReader, bare, okBare),
		})
	}
	return t
}

// ordered returns the benchmarks with one of the prefixes, sorted by prefix and name.
func ordered(all results, prefixes ...string) []string {
	var names []string
	for _, prefix := range prefixes {
		var some []string
		for name := range all {
			if strings.HasPrefix(name, prefix) {
				some = append(some, name)
			}
		}
		slices.Sort(some)
		names = append(names, some...)
	}
	return names
}
