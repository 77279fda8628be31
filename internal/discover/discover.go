package discover

import (
	"time"

	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/lease"
)

// Listing is what the service says about the shards of a stream.
type Listing struct {
	// Shards are all that the service lists.
	Shards []topology.Shard

	// Before are the IDs of those that had ended before the start position of the stream's row, as
	// far as the service says so. It counts only until the stream is seeded.
	Before map[string]bool
}

// Memory is what the listings of one stream have taught the worker that made them. The zero
// value is ready to use. It may be lost at any time: then deleting waits a while, and doubts begin anew.
// It is not safe for concurrent use.
type Memory struct {
	listing  Listing
	listings int
}

// List takes a listing in. rows are the leases of the stream that were known when the listing was *begun*,
// or fewer. now is any clock that goes forward.
func (m *Memory) List(now time.Duration, listing Listing, rows []lease.Lease) {
	m.listing = listing
	m.listings++
}

// Plan is what is to be done about the leases of a stream.
type Plan struct {
	// Create are leases to write, with [lease.Create], side by side and in any order: all their parents
	// have leases, or are gone. Their children come with the next Plan.
	Create []lease.Lease

	// Delete are finished leases to delete, with [lease.Remove].
	Delete []lease.Lease

	// More says that there is more to do once Create and Delete are done: ask for the Plan
	// again, with the rows as they are then. No new listing is needed for that.
	More bool

	// Again says that the listing lacks shards, or shows what only another one can make certain: list
	// again soon, and less and less soon for as long as it stays.
	Again bool

	// Seeded says that every shard that was there at the start has a lease: if the stream's row
	// does not say so yet, write it.
	Seeded bool
}

// Plan returns what the last listing, and those before it, make of the rows: the leases
// of the stream as they are known now. Others are ignored. It may be asked as often as rows change; the
// answer is empty before the first listing.
func (m *Memory) Plan(stream lease.Stream, rows []lease.Lease) Plan { return Plan{} }

// End is what is to be done at the end of a shard.
type End struct {
	// Create are leases of children to write, side by side.
	Create []lease.Lease

	// Wait says that a child that the service named can't have a lease yet, because the end of one shard does not tell
	// enough about it: list, and ask [AtEnd] again before the lease of the shard is finished.
	Wait bool

	// List says that a listing is needed, now if it is not under way: because of Wait, or because the service named no
	// child.
	List bool
}

// AtEnd returns what is to be done before the lease of a shard is finished whose records are all done. named are
// the children that the service named; rows are the leases of the stream as they are known
// now, the shard's own among them.
func AtEnd(stream lease.Stream, shard string, named []topology.Shard, rows []lease.Lease) End {
	return End{List: len(named) == 0}
}

// Ready says of each lease, in the order of leases, whether its shard may be read: it is not finished, and each
// of its parents is finished or has no lease. leases are all of the group, of any number of streams.
func Ready(leases []lease.Lease) []bool { return make([]bool, len(leases)) }
