package lease

import (
	"context"
	"errors"
	"slices"
)

// Store keeps the rows of many groups. It decides nothing: policy is in the workers.
//
// All methods are safe for concurrent use, also by many processes, and linearizable per row: a
// read that begins after a change has been answered sees it. An error says that it is not known
// whether anything was changed, unless it is one of those of this package; every method may be
// called again with the same arguments then. Methods end soon after their context. A name of a
// group is 1 to 128 of the characters a-z, A-Z, 0-9, '.', '_' and '-'. Other texts are at most
// 255 bytes of UTF-8 without control characters; IDs and ARNs are not empty, and revisions and
// beats not negative. What breaks these rules is refused with an error that wraps [ErrInvalid]:
// see [CheckGroup] and [CheckChanges].
type Store interface {
	// Load returns all rows of a group; none if there is no such group. Leases and streams
	// are read before workers, so that a worker which owns a lease and is missing had gone.
	// The version is read before the leases, so that what it stands for is seen.
	Load(ctx context.Context, group string) (Snapshot, error)

	// Poll returns the version and the workers. It is called often, and cheap.
	Poll(ctx context.Context, group string) (Snapshot, error)

	// Update tries changes of leases, each one on its own: a change is made if the row has the
	// revision and the owner of Change.Old, and refused otherwise. The results are in the order
	// of the changes. A change that turns out to have been made already, because its answer got
	// lost, counts as made. No two changes have the same key.
	//
	// If a change was made that [Change.Announces], the version of the group rises after
	// it and before Update returns without an error.
	Update(ctx context.Context, group string, changes []Change) ([]Result, error)

	// PutStream writes the row of a stream if the stored one has the revision that is one
	// lower (0: if there is none), and returns what is stored then, whoever wrote it. It does
	// not raise the version.
	PutStream(ctx context.Context, group string, s Stream) (Stream, error)

	// Join writes the row of a new worker, with its Beat as it is, and raises the version. The
	// group comes into being with its first row. If there is a row of that ID already, it stays
	// as it is: an answer got lost.
	Join(ctx context.Context, group string, w Worker) error

	// Beat raises the worker's Beat by at least one and writes Streams, Capacity and Seen. It
	// returns the row as it is then. Draining is not written. The error is [ErrNoWorker] if
	// there is no row; none is made.
	Beat(ctx context.Context, group string, w Worker) (Worker, error)

	// Drain sets a worker's Draining and raises the version. The error is [ErrNoWorker] if
	// there is no row.
	Drain(ctx context.Context, group, worker string, draining bool) error

	// Forget deletes the row of a worker if its Beat is still beat, or whatever it is if beat
	// is [AnyBeat], and raises the version. It reports whether there is no row any more, so
	// also if there was none.
	Forget(ctx context.Context, group, worker string, beat int64) (bool, error)

	// Groups returns the names of all groups, in order.
	Groups(ctx context.Context) ([]string, error)

	// Delete deletes a group with all its rows. While workers run that gives them all up: they
	// find their rows gone. The caller sees to it that there are none.
	Delete(ctx context.Context, group string) error
}

// AnyBeat makes [Store.Forget] delete a worker's row whatever its beat is.
const AnyBeat int64 = -1

// ErrNoWorker is returned by [Store.Beat] and [Store.Drain] if the worker has no row: it was
// forgotten, or never joined. Nothing was changed.
var ErrNoWorker = errors.New("lease: the worker has no row in the group")

// ErrSetup is wrapped by errors of a [Store] that trying again does not cure, because somebody
// has to set something right first: there is no such table, or it is another one; the caller
// may not use it; its credentials are refused. A worker that starts gives up with it at once.
// One that has used the store before goes on trying.
var ErrSetup = errors.New("lease: the store is not set up")

// Change is a compare-and-set of one lease. Make one with [Create], [Set] or [Remove].
type Change struct {
	Old Lease // as it was read; Key, Revision and Owner are compared
	New Lease // as it is to be: Revision is that of Old plus one; 0 to delete the row
}

// Create returns the change that makes a row which is not there yet.
func Create(l Lease) Change {
	l.Revision = 1
	return Change{Old: Lease{Key: l.Key}, New: l}
}

// Set returns the change from old to l, which has the same key.
func Set(old, l Lease) Change {
	l.Revision = old.Revision + 1
	return Change{Old: old, New: l}
}

// Remove returns the change that deletes a row.
func Remove(old Lease) Change { return Change{Old: old, New: Lease{Key: old.Key}} }

// Fits says whether the change may be made to row, where Revision 0 stands for no row: whether it
// has the revision of Old, and its owner. A row that was deleted and made again has the same
// revisions as the one before it.
func (c Change) Fits(row Lease) bool {
	return row.Revision == c.Old.Revision && (row.Revision == 0 || row.Owner == c.Old.Owner)
}

// MadeIn says whether row is as the change wants it, where Revision 0 stands for no row: so the
// change was made if row was read after it was tried.
func (c Change) MadeIn(row Lease) bool {
	if c.Removes() {
		return row.Revision == 0
	}
	return row.Equal(c.New)
}

// Removes says whether the change deletes the row.
func (c Change) Removes() bool { return c.New.Revision == 0 }

// Announces says whether other workers should know of the change at once: whether it does more than
// move a checkpoint on.
func (c Change) Announces() bool {
	return c.Old.Revision == 0 || c.Removes() || c.Old.Owner != c.New.Owner || c.Old.Epoch != c.New.Epoch ||
		c.Old.Finished() != c.New.Finished() || c.Old.Pin != c.New.Pin || c.Old.Load != c.New.Load ||
		!slices.Equal(c.Old.Parents, c.New.Parents)
}

// Result is what became of a [Change].
type Result struct {
	// Made says that the row is as the change wants it.
	Made bool

	// Lease is the row as it is now. If there is none, it has only its Key, and Revision 0.
	Lease Lease
}
