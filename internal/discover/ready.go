package discover

import (
	"slices"

	"github.com/kinstream/kin/lease"
)

// Ready says of each lease, in the order of leases, whether its shard may be read: it is not
// finished, and each parent that it names is finished, or has no lease any more and had to be
// finished for this one to move. leases are all of the group, of any number of streams, in the
// order of their keys.
func Ready(leases []lease.Lease) []bool {
	if !slices.IsSortedFunc(leases, compareKeys) {
		return readyUnsorted(leases)
	}
	ready := make([]bool, len(leases))
	for i := range leases {
		ready[i] = isReady(leases, &leases[i])
	}
	return ready
}

func isReady(sorted []lease.Lease, l *lease.Lease) bool {
	if l.Finished() {
		return false
	}
	for _, p := range l.Parents {
		if p == "" || p == l.Shard {
			continue
		}
		key := lease.Key{Stream: l.Stream, Shard: p}
		i, found := slices.BinarySearchFunc(sorted, key, func(l lease.Lease, key lease.Key) int { return l.Compare(key) })
		if found && !sorted[i].Finished() || !found && !moved(l) {
			return false
		}
	}
	return true
}

func readyUnsorted(leases []lease.Lease) []bool {
	sorted := slices.SortedFunc(slices.Values(leases), compareKeys)
	ready := make([]bool, len(leases))
	for i := range leases {
		ready[i] = isReady(sorted, &leases[i])
	}
	return ready
}

func compareKeys(a, b lease.Lease) int { return a.Compare(b.Key) }
