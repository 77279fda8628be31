package operator

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/kinstream/kin/lease"
)

var (
	// ErrNoGroup says that the store has no rows of the group.
	ErrNoGroup = errors.New("no such group")

	// ErrNoLease says that the group has no lease of the shard.
	ErrNoLease = errors.New("the group has no such shard")

	// ErrAmbiguous says that a name means more than one thing.
	ErrAmbiguous = errors.New("ambiguous")
)

// State is how far a group is with a shard.
type State int

// The states, in the order in which a shard goes through them.
const (
	Waiting  State = iota // for its parents
	Unread                // may be read, and nobody owns it
	Orphaned              // the worker that owns it has no row any more
	Reading               // a worker owns it
	Finished              // all its records are done, and no more will come
)

// String returns the word for s in lower case.
func (s State) String() string {
	switch s {
	case Waiting:
		return "waiting"
	case Unread:
		return "unread"
	case Orphaned:
		return "orphaned"
	case Reading:
		return "reading"
	case Finished:
		return "finished"
	}
	return "invalid"
}

// Lease is a lease's row, and how far the group is with the shard.
type Lease struct {
	lease.Lease

	State State
}

// Group is what there is to know about a group from its rows.
type Group struct {
	Name    string
	Version int64
	Workers []Worker       // in the order of their IDs
	Streams []lease.Stream // in the order of their ARNs
	Leases  []Lease        // in the order of their keys
}

// Describe reads the rows of a group, and watches its workers for share of their TTL: see
// [Watch]. The error is [ErrNoGroup] if there are none.
func Describe(ctx context.Context, store lease.Store, group string, share float64) (Group, error) {
	seen, err := Watch(ctx, store, group, share)
	if err != nil {
		return Group{}, err
	}
	rows, err := Load(ctx, store, group)
	if err != nil {
		return Group{}, err
	}
	lives := make(map[string]Worker, len(seen))
	for _, w := range seen {
		lives[w.ID] = w
	}
	g := Group{Name: group, Version: rows.Version, Streams: rows.Streams, Leases: states(rows)}
	owned := make(map[string]int)
	for _, l := range rows.Leases {
		owned[l.Owner]++
	}
	for _, row := range rows.Workers {
		w := Worker{Worker: row, Life: lives[row.ID].Life, Quiet: lives[row.ID].Quiet, Leases: owned[row.ID]}
		if _, known := lives[row.ID]; share > 0 && (!known || row.Beat != lives[row.ID].Beat) {
			w.Life, w.Quiet = Alive, 0
		}
		g.Workers = append(g.Workers, w)
	}
	return g, nil
}

// Load is Store.Load for groups that exist: the error is [ErrNoGroup] if there are no rows.
func Load(ctx context.Context, store lease.Store, group string) (lease.Snapshot, error) {
	rows, err := store.Load(ctx, group)
	if err != nil {
		return lease.Snapshot{}, err
	}
	if rows.Version == 0 && len(rows.Workers)+len(rows.Streams)+len(rows.Leases) == 0 {
		return lease.Snapshot{}, fmt.Errorf("%w: %s", ErrNoGroup, group)
	}
	return rows, nil
}

func states(rows lease.Snapshot) []Lease {
	workers := make(map[string]bool, len(rows.Workers))
	for _, w := range rows.Workers {
		workers[w.ID] = true
	}
	finished := make(map[lease.Key]bool, len(rows.Leases))
	for _, l := range rows.Leases {
		finished[l.Key] = l.Finished()
	}
	all := make([]Lease, 0, len(rows.Leases))
	for _, l := range rows.Leases {
		state := Unread
		switch {
		case l.Finished():
			state = Finished
		case workers[l.Owner]:
			state = Reading
		case l.Owner != "":
			state = Orphaned
		case waits(l, finished):
			state = Waiting
		}
		all = append(all, Lease{Lease: l, State: state})
	}
	return all
}

// waits says whether a parent is in the way of a lease. One without a row is not.
func waits(l lease.Lease, finished map[lease.Key]bool) bool {
	for _, parent := range l.Parents {
		if done, known := finished[lease.Key{Stream: l.Stream, Shard: parent}]; known && !done {
			return true
		}
	}
	return false
}

// FindLease returns the lease of a shard. The stream, a name or an ARN, may be left out if the
// group has the shard in one stream only.
func FindLease(rows lease.Snapshot, stream, shard string) (lease.Lease, error) {
	var found []lease.Lease
	for _, l := range rows.Leases {
		if l.Shard == shard && (stream == "" || SameStream(l.Stream, stream)) {
			found = append(found, l)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return lease.Lease{}, fmt.Errorf("%w: %s", ErrNoLease, shard)
	}
	return lease.Lease{}, fmt.Errorf("%w: %d streams of the group have a shard %s", ErrAmbiguous, len(found), shard)
}

// FindWorker returns the worker whose ID is name, or is the only one to begin with it. The
// error wraps [lease.ErrNoWorker] or [ErrAmbiguous].
func FindWorker(rows lease.Snapshot, name string) (lease.Worker, error) {
	var found []lease.Worker
	for _, w := range rows.Workers {
		if w.ID == name {
			return w, nil
		}
		if strings.HasPrefix(w.ID, name) {
			found = append(found, w)
		}
	}
	switch {
	case len(found) == 1 && name != "":
		return found[0], nil
	case len(found) == 0:
		return lease.Worker{}, fmt.Errorf("%w: %s", lease.ErrNoWorker, name)
	}
	return lease.Worker{}, fmt.Errorf("%w: %d workers of the group begin with %q", ErrAmbiguous, len(found), name)
}

// SameStream says whether an ARN is that of a stream, which is given by name or ARN.
func SameStream(arn, stream string) bool { return arn == stream || StreamName(arn) == stream }

// StreamName is the name of a stream in its ARN, or the text itself if it is none.
func StreamName(arn string) string {
	if _, name, found := strings.Cut(arn, ":stream/"); found {
		return name
	}
	return arn
}
