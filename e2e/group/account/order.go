package account

import (
	"cmp"
	"slices"

	"github.com/kinstream/kin/e2e/group/trace"
)

// moment is the beginning or the end of a batch.
type moment struct {
	at    trace.Time
	begin bool
	*batch
}

// keyState is how far the records of a key are done.
type keyState struct {
	next int          // all counts below are done
	done map[int]bool // counts from next on that are done
}

func (k *keyState) add(count int) {
	if count < k.next {
		return
	}
	if k.done == nil {
		k.done = map[int]bool{}
	}
	k.done[count] = true
	for k.done[k.next] {
		delete(k.done, k.next)
		k.next++
	}
}

// checkOrder goes through the beginnings and ends of all batches in time. A record may be
// begun when all earlier ones of its key are done, or come before it in the same batch.
// What is never done is lost.
func (a *accountant) checkOrder() {
	unclear := a.unclear()
	keys := map[string]*keyState{}
	state := func(key string) *keyState {
		if keys[key] == nil {
			keys[key] = &keyState{}
		}
		return keys[key]
	}
	for _, m := range a.moments() {
		if !m.begin {
			for _, r := range m.records {
				if m.done {
					state(r.Key).add(r.Count)
				}
			}
			continue
		}
		before := map[string]int{} // by key, the count below which all are done or in this batch
		for _, r := range m.records {
			if a.byPlace[place{m.shard, r.Seq, r.Sub}] == nil && !unclear[countOf{r.Key, r.Count}] {
				a.violatef(m.at, "unknown: %s gave %s/%d of %s, key %s count %d, which nobody put there", m.worker, r.Seq, r.Sub, m.shard, r.Key, r.Count)
			}
			next := max(before[r.Key], state(r.Key).next)
			if r.Count > next {
				a.violatef(m.at, "reordered: %s (epoch %d) began count %d of key %s in %s, but only those below %d were done",
					m.worker, m.epoch, r.Count, r.Key, m.shard, next)
			}
			before[r.Key] = max(next, r.Count+1)
		}
	}
	for _, puts := range a.puts {
		for _, p := range puts {
			if p.done == 0 {
				a.violatef(p.acked, "lost: %s/%d of %s, key %s count %d, was never done", p.Seq, p.Sub, p.shard, p.Key, p.Count)
			}
		}
	}
}

// moments returns beginnings and ends in the order of time; what ends at a moment does so
// before what begins.
func (a *accountant) moments() []moment {
	var all []moment
	for _, b := range a.batches {
		all = append(all, moment{b.begin, true, b}, moment{b.end, false, b})
	}
	slices.SortStableFunc(all, func(x, y moment) int {
		if x.at == y.at && x.begin != y.begin {
			if x.begin {
				return 1
			}
			return -1
		}
		return cmp.Compare(x.at, y.at)
	})
	return all
}

type countOf struct {
	key   string
	count int
}

// unclear returns the counts that may be stored more than once, or where their answers don't say.
func (a *accountant) unclear() map[countOf]bool {
	unclear := map[countOf]bool{}
	for _, e := range a.in.Puts {
		for _, r := range e.Records {
			if e.Unclear {
				unclear[countOf{r.Key, r.Count}] = true
			}
		}
	}
	return unclear
}
