package main

import (
	"bufio"
	"fmt"
	"io"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// results holds the metrics of benchmarks by their names: the last element of
// the package path, a dot, and the benchmark without its number of processors.
type results map[string]map[string]float64

// value returns a metric, and whether it was measured.
func (r results) value(benchmark, unit string) (float64, bool) {
	v, ok := r[benchmark][unit]
	return v, ok
}

var benchmarkLine = regexp.MustCompile(`^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+(.+)$`)

// parse reads results in the format of package testing. A line that is none is passed over.
func parse(r io.Reader) (results, error) {
	all := results{}
	pkg := ""
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		if name, found := strings.CutPrefix(line, "pkg: "); found {
			pkg = path.Base(name)
			continue
		}
		match := benchmarkLine.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		metrics := map[string]float64{}
		fields := strings.Fields(match[2])
		for i := 0; i+1 < len(fields); i += 2 {
			value, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", line, err)
			}
			metrics[fields[i+1]] = value
		}
		all[pkg+"."+match[1]] = metrics
	}
	return all, lines.Err()
}
