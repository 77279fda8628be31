package assign

import (
	"slices"

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
	Unable   bool     // it is to have only those that no other worker can have
}

// Plan returns the ID of the worker that is to have each lease, in the order of leases; it is
// empty where no worker can have the lease. Keys and IDs are unique. The order of leases and
// workers makes no difference, and nothing that was handed in is changed.
func Plan(leases []Lease, workers []Worker) []string {
	able, unable := divide(workers)
	plan := planFor(leases, able)
	if len(unable) == 0 {
		return plan
	}
	var rest []Lease
	var places []int
	for i, worker := range plan {
		if worker == "" {
			rest, places = append(rest, leases[i]), append(places, i)
		}
	}
	for i, worker := range planFor(rest, unable) {
		plan[places[i]] = worker
	}
	return plan
}

// divide returns the workers that are able, and those that are not.
func divide(workers []Worker) (able, unable []Worker) {
	if !slices.ContainsFunc(workers, func(w Worker) bool { return w.Unable }) {
		return workers, nil
	}
	for _, w := range workers {
		if w.Unable {
			unable = append(unable, w)
		} else {
			able = append(able, w)
		}
	}
	return able, unable
}

// planFor is Plan for workers that are alike in that.
func planFor(leases []Lease, workers []Worker) []string {
	p := newPlanner(leases, workers)
	p.pin()
	p.keep()
	p.fill()
	p.level()
	p.improve()
	p.place()
	p.balance()
	plan := make([]string, len(leases))
	for i, w := range p.to {
		if w != nobody {
			plan[p.order[i]] = p.workers[w].ID
		}
	}
	return plan
}
