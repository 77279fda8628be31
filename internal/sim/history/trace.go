package history

import (
	"fmt"
	"io"

	"github.com/kinstream/kin/lease"
)

// trace keeps the last events and a sum of all, so that two runs can be compared.
type trace struct {
	tail  []Event // a ring
	count int64
	sum   uint64
	out   io.Writer // gets every event as a line, if there is one
}

// tailLength is how many events a failure shows at most.
const tailLength = 400

func (t *trace) add(e Event) {
	if t.tail == nil {
		t.tail = make([]Event, tailLength)
		t.sum = fnvOffset
	}
	t.tail[t.count%tailLength] = e
	t.count++
	t.hash(e)
	if t.out != nil {
		fmt.Fprintln(t.out, e)
	}
}

// FNV-1a, in 64 bits.
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

func (t *trace) hash(e Event) {
	t.number(int64(e.At))
	t.number(int64(e.Kind))
	t.text(e.Worker)
	t.text(e.By)
	t.text(e.Key.Shard)
	t.number(e.Epoch)
	t.number(e.From)
	t.number(e.To)
	t.text(e.Text)
	if e.Change != nil {
		t.lease(e.Change.New)
	}
}

func (t *trace) lease(l lease.Lease) {
	t.text(l.Owner)
	t.number(l.Revision)
	t.text(string(l.Checkpoint))
}

// number takes in eight bytes at once: this is for comparing runs, not for strangers' data.
func (t *trace) number(n int64) { t.sum = (t.sum ^ uint64(n)) * fnvPrime }

func (t *trace) text(s string) {
	for i := range len(s) {
		t.sum = (t.sum ^ uint64(s[i])) * fnvPrime
	}
	t.number(int64(len(s)))
}

// Tail returns the last n events as lines, the newest last.
func (c *Checker) Tail(n int) []string {
	var lines []string
	n = min(n, tailLength, int(c.trace.count))
	for i := c.trace.count - int64(n); i < c.trace.count; i++ {
		lines = append(lines, c.trace.tail[i%tailLength].String())
	}
	return lines
}

// Sum stands for the whole history: two that are the same have the same one.
func (c *Checker) Sum() uint64 { return c.trace.sum }

// Events is how many there were.
func (c *Checker) Events() int64 { return c.trace.count }
