package account

import (
	"math"
	"sort"
	"strconv"
	"strings"

	"github.com/kinstream/kin/e2e/group/trace"
)

// checkRows checks each row as it changed before the observer's eyes: it must not go back, and
// a checkpoint must not be beyond what was done when it was seen.
func (a *accountant) checkRows() {
	done := map[Shard][]trace.Time{}
	for shard := range a.puts {
		done[shard] = a.doneUpTo(shard)
	}
	last := map[Shard]Row{}
	for _, row := range a.in.Rows {
		point, err := parsePoint(row.Checkpoint)
		if err != nil {
			a.violatef(row.At, "back: the checkpoint %q of %s can't be read: %v", row.Checkpoint, row.Shard, err)
			continue
		}
		if before, known := last[row.Shard]; known {
			a.checkStep(before, row, point)
			if before.Revision == row.Revision {
				continue
			}
		}
		last[row.Shard] = row
		puts := a.puts[row.Shard]
		n := sort.Search(len(puts), func(i int) bool { return point.less(puts[i].Record) })
		if n > 0 && done[row.Shard][n-1] > row.At {
			a.violatef(row.At, "passed: the row of %s (epoch %d, owner %s) had the checkpoint %s, but the records before were done only at %s",
				row.Shard, row.Epoch, row.Owner, row.Checkpoint, done[row.Shard][n-1])
		}
	}
}

// doneUpTo returns for each record of a shard when it and all before it were done.
func (a *accountant) doneUpTo(shard Shard) []trace.Time {
	var all []trace.Time
	latest := trace.Time(0)
	for _, p := range a.puts[shard] {
		if p.done == 0 {
			latest = math.MaxInt64
		}
		latest = max(latest, p.done)
		all = append(all, latest)
	}
	return all
}

// checkStep compares a row with how it was seen before.
func (a *accountant) checkStep(before, after Row, point point) {
	earlier, _ := parsePoint(before.Checkpoint)
	switch {
	case after.Revision < before.Revision:
		a.violatef(after.At, "back: the row of %s went from revision %d to %d", after.Shard, before.Revision, after.Revision)
	case after.Epoch < before.Epoch:
		a.violatef(after.At, "back: the row of %s went from epoch %d to %d", after.Shard, before.Epoch, after.Epoch)
	case after.Revision == before.Revision && (after.Owner != before.Owner || after.Checkpoint != before.Checkpoint || after.Epoch != before.Epoch):
		a.violatef(after.At, "back: the row of %s changed, but not its revision %d", after.Shard, after.Revision)
	case after.Epoch == before.Epoch && after.Owner != before.Owner:
		a.violatef(after.At, "back: the owner of %s changed from %q to %q, but not its epoch %d", after.Shard, before.Owner, after.Owner, after.Epoch)
	case point.compare(earlier) < 0:
		a.violatef(after.At, "back: the checkpoint of %s went from %s to %s (epochs %d and %d)",
			after.Shard, before.Checkpoint, after.Checkpoint, before.Epoch, after.Epoch)
	}
}

// point is a checkpoint as a place: all records up to it are done, it included.
type point struct {
	seq string
	sub int
	end bool // of the shard
}

// parsePoint reads the text form of a checkpoint.
func parsePoint(text string) (point, error) {
	kind, argument, _ := strings.Cut(text, ":")
	switch kind {
	case "TRIM_HORIZON", "AT_TIMESTAMP":
		return point{}, nil
	case "SHARD_END":
		return point{end: true}, nil
	case "AT_SEQUENCE_NUMBER":
		return point{seq: argument, sub: -1}, nil
	case "AFTER_SEQUENCE_NUMBER":
		seq, sub, found := strings.Cut(argument, ":")
		if !found {
			return point{seq: seq, sub: math.MaxInt}, nil
		}
		n, err := strconv.Atoi(sub)
		return point{seq: seq, sub: n}, err
	}
	return point{}, strconv.ErrSyntax
}

// less says whether p is before r, so that r need not be done.
func (p point) less(r trace.Record) bool {
	if p.end {
		return false
	}
	if c := trace.CompareSeq(p.seq, r.Seq); c != 0 {
		return c < 0
	}
	return p.sub < r.Sub
}

func (p point) compare(q point) int {
	switch {
	case p.end && q.end:
		return 0
	case p.end:
		return 1
	case q.end:
		return -1
	}
	if c := trace.CompareSeq(p.seq, q.seq); c != 0 {
		return c
	}
	switch {
	case p.sub < q.sub:
		return -1
	case p.sub > q.sub:
		return 1
	}
	return 0
}
