package cli

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/kinstream/kin"
)

// loadCheck is the account of the records of loads that were read: see loadMark. It is for one goroutine.
type loadCheck struct {
	fromStart bool // the stream is read from its beginning: number 1 of each run has to be there
	runs      map[string]*runCheck
}

// runCheck is the account of one run.
type runCheck struct {
	read, doubled, reordered int64
	lowest, highest          int64
	seen                     map[int64]*seenPage // by number / seenPageLen
	last                     map[string]int64    // number by key
	stored, delay            delays              // from the making of a record to its arrival in the stream, and to its reading
}

const seenPageLen = 1 << 12

// seenPage has a bit for each number that was read.
type seenPage [seenPageLen / 64]uint64

// saw takes a record that was read at a time.
func (c *loadCheck) saw(rec *kin.Record, now time.Time) {
	mark, ok := parseLoad(rec.Data)
	if !ok {
		return
	}
	run := c.runs[string(mark.run)]
	if run == nil {
		run = &runCheck{lowest: mark.n, seen: make(map[int64]*seenPage), last: make(map[string]int64)}
		if c.runs == nil {
			c.runs = make(map[string]*runCheck)
		}
		c.runs[string(mark.run)] = run
	}
	run.saw(mark, rec, now)
}

func (r *runCheck) saw(mark loadMark, rec *kin.Record, now time.Time) {
	r.read++
	page := r.seen[mark.n/seenPageLen]
	if page == nil {
		page = new(seenPage)
		r.seen[mark.n/seenPageLen] = page
	}
	word, bit := mark.n%seenPageLen/64, uint64(1)<<(mark.n%64)
	if page[word]&bit != 0 {
		r.doubled++
		return
	}
	page[word] |= bit
	r.lowest, r.highest = min(r.lowest, mark.n), max(r.highest, mark.n)
	switch last, known := r.last[rec.PartitionKey]; {
	case mark.n < last:
		r.reordered++
	case known:
		r.last[rec.PartitionKey] = mark.n
	default:
		r.last[strings.Clone(rec.PartitionKey)] = mark.n
	}
	r.delay.add(now.Sub(mark.made))
	r.stored.add(rec.ArrivalTime.Sub(mark.made))
}

// checkedRun is what kin bench get --check says of a run.
type checkedRun struct {
	Run       string `json:"load"`
	Read      int64  `json:"read"`
	Lowest    int64  `json:"lowest"`
	Highest   int64  `json:"highest"`
	Missing   int64  `json:"missing"` // numbers up to the highest that were not read
	Doubled   int64  `json:"doubled"`
	Reordered int64  `json:"reordered"` // within their partition key

	Stored delaySummary `json:"stored_after_ms"` // by the service's clock and that of kin load
	Delay  delaySummary `json:"read_after_ms"`   // by our clock and that of kin load
}

// result returns the accounts, sorted by run.
func (c *loadCheck) result() (all []checkedRun) {
	for name, r := range c.runs {
		first := r.lowest
		if c.fromStart {
			first = 1
		}
		all = append(all, checkedRun{
			Run: name, Read: r.read, Lowest: r.lowest, Highest: r.highest, Missing: r.highest - first + 1 - (r.read - r.doubled),
			Doubled: r.doubled, Reordered: r.reordered, Stored: r.stored.summary(), Delay: r.delay.summary(),
		})
	}
	slices.SortFunc(all, func(a, b checkedRun) int { return cmp.Compare(a.Run, b.Run) })
	return slices.Clip(all)
}

// missingOf is what is missing of all runs.
func missingOf(runs []checkedRun) (n int64) {
	for run := range slices.Values(runs) {
		n += run.Missing
	}
	return n
}

// checkTable shows the accounts for people. live says that records were read as they came, so that the time
// until they were read means something.
func checkTable(runs []checkedRun, live bool) (header []string, rows [][]string) {
	header = []string{"LOAD", "READ", "NUMBERS", "MISSING", "DOUBLED", "REORDERED", "STORED P50", "P99"}
	if live {
		header = append(header, "READ P50", "P99")
	}
	for _, r := range runs {
		row := []string{
			r.Run, thousands(r.Read), thousands(r.Lowest) + " to " + thousands(r.Highest), thousands(r.Missing),
			thousands(r.Doubled), thousands(r.Reordered), millisText(r.Stored.P50), millisText(r.Stored.P99),
		}
		if live {
			row = append(row, millisText(r.Delay.P50), millisText(r.Delay.P99))
		}
		rows = append(rows, row)
	}
	return header, rows
}
