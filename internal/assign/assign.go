package assign

import (
	"slices"
	"strings"

	"github.com/kinstream/kin/lease"
)

// Lease is a lease that may be read: ready, and not finished.
type Lease struct {
	Key   lease.Key
	Owner string // the ID of the worker that has it, alive or not; empty if there is none
	Pin   string // the ID of the worker that is to have it while it lives; empty as a rule
	Load  int    // as lease.Lease.Load counts
}

// Worker is a worker that is alive.
type Worker struct {
	ID       string
	Streams  []string // the ARNs of those that it can read
	Capacity int      // how many leases it takes at most; 0 means that there is no limit
	Draining bool     // it is to have no leases
}

// Plan returns the ID of the worker that is to have each lease, in the order of leases; it is
// empty where no worker can have the lease. Keys and IDs are unique. The
// order of leases and workers makes no difference, and nothing that was handed in is changed.
func Plan(leases []Lease, workers []Worker) []string {
	plan := make([]string, len(leases))
	order := make([]int, len(leases))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return leases[a].Key.Compare(leases[b].Key) })
	workers = slices.SortedFunc(slices.Values(workers), func(a, b Worker) int { return strings.Compare(a.ID, b.ID) })
	can := func(w Worker, l Lease, count int) bool {
		return !w.Draining && slices.Contains(w.Streams, l.Key.Stream) && (w.Capacity == 0 || count < w.Capacity)
	}
	count := make([]int, len(workers))
	give := func(i, w int) { plan[i] = workers[w].ID; count[w]++ }
	for _, id := range []func(Lease) string{func(l Lease) string { return l.Pin }, func(l Lease) string { return l.Owner }} {
		for _, i := range order {
			w := slices.IndexFunc(workers, func(w Worker) bool { return w.ID == id(leases[i]) })
			if plan[i] == "" && w >= 0 && can(workers[w], leases[i], count[w]) {
				give(i, w)
			}
		}
	}
	for _, i := range order {
		best := -1
		for w := range workers {
			if can(workers[w], leases[i], count[w]) && (best < 0 || count[w] < count[best]) {
				best = w
			}
		}
		owner := slices.IndexFunc(workers, func(w Worker) bool { return w.ID == plan[i] && w.ID != leases[i].Pin })
		switch {
		case best < 0:
		case plan[i] == "":
			give(i, best)
		case owner >= 0 && count[owner] > count[best]+1:
			count[owner]--
			give(i, best)
		}
	}
	return plan
}
