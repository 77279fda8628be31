package account

import (
	"cmp"
	"slices"

	"github.com/kinstream/kin/e2e/group/trace"
)

// shortestGap is what the report keeps: shorter ones are the pace of polling.
const shortestGap = 50e6 // 50 ms

// change is what happens to a shard at a moment, as far as gaps go.
type change struct {
	at      trace.Time
	waiting int // records that may be read and were not delivered yet, more or less
	active  int // batches in hand, more or less
}

// gaps finds for each shard the times in which records could be read, and none was
// delivered nor handled. A record can be read when it was acknowledged, and all records of
// its shard's parents were done.
func (a *accountant) gaps() {
	byShard := a.byShard()
	for _, shard := range a.shards() {
		changes, ok := a.changes(shard, byShard[shard])
		if !ok {
			continue // something is lost: that is said elsewhere
		}
		var since trace.Time
		waiting, active := 0, 0
		for _, c := range changes {
			was := waiting > 0 && active == 0
			waiting += c.waiting
			active += c.active
			switch is := waiting > 0 && active == 0; {
			case is && !was:
				since = c.at
			case was && !is && c.at-since >= shortestGap:
				a.Gaps = append(a.Gaps, Gap{Shard: shard, From: since, To: c.at})
			}
		}
	}
}

// changes returns what happens to a shard in the order of time: at one moment batches begin and
// end before records come and go.
func (a *accountant) changes(shard Shard, batches []*batch) ([]change, bool) {
	var readable trace.Time
	for _, parent := range a.in.Parents[shard] {
		for _, p := range a.puts[parent] {
			if p.done == 0 {
				return nil, false
			}
			readable = max(readable, p.done)
		}
	}
	var all []change
	for _, p := range a.puts[shard] {
		if p.begun == 0 {
			return nil, false
		}
		if from := max(p.acked, readable); from < p.begun {
			all = append(all, change{at: from, waiting: 1}, change{at: p.begun, waiting: -1})
		}
	}
	for _, b := range batches {
		end := max(min(b.end, b.begin.Add(a.in.Handling)), b.begin+1)
		all = append(all, change{at: b.begin, active: 1}, change{at: end, active: -1})
	}
	slices.SortStableFunc(all, func(x, y change) int {
		return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(y.active, x.active), cmp.Compare(x.waiting, y.waiting))
	})
	return all, true
}

// overlaps finds the times in which handlers of two epochs of one shard ran: one for each
// batch in hand and each other epoch.
func (a *accountant) overlaps() {
	byShard := a.byShard()
	for _, shard := range a.shards() {
		type pair struct {
			earlier *batch
			epoch   int64
		}
		found := map[pair]int{} // the index in Overlaps
		var running []*batch
		for _, b := range byShard[shard] {
			running = slices.DeleteFunc(running, func(r *batch) bool { return r.end <= b.begin })
			for _, r := range running {
				if r.epoch == b.epoch {
					continue
				}
				to := min(r.end, b.end)
				if i, known := found[pair{r, b.epoch}]; known {
					a.Overlaps[i].To = to
					continue
				}
				found[pair{r, b.epoch}] = len(a.Overlaps)
				a.Overlaps = append(a.Overlaps, Overlap{Shard: shard, From: b.begin, To: to, Epochs: [2]int64{r.epoch, b.epoch}})
			}
			running = append(running, b)
		}
	}
}
