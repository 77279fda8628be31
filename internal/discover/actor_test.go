package discover_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/kinstream/kin/internal/discover"
	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/lease"
)

// actor is a worker as far as shards go: it lists, writes leases, and reads.
type actor struct {
	*world
	name string
	life int // each has another ID

	stream lease.Stream  // as it knows it
	rows   []lease.Lease // as it knows them
	older  []lease.Lease // a load that has begun: what it read when it did
	loaded int           // the last change when the load of rows began
	since  int           // the last change when the load of older began

	memory  discover.Memory
	lacks   map[string]int
	listing *discover.Listing // under way
	kept    *discover.Listing // one that it will take in at the very end
	begun   int               // listings
	taken   int
	pending []lease.Change // of the plan, to be made in any order
	planned int            // the last change that the plan knows

	ending map[string]*ending
}

// ending is a shard that was read to its end.
type ending struct {
	children []topology.Shard
	since    int // listings that had begun by then
	at       time.Duration
}

func newActor(w *world, name string) *actor {
	return &actor{world: w, name: name, lacks: map[string]int{}, ending: map[string]*ending{}}
}

func (a *actor) id() string { return fmt.Sprintf("%s-%d", a.name, a.life) }

func (a *actor) crash() {
	a.logf("%s crashes", a.id())
	life := a.life + 1
	*a = *newActor(a.world, a.name)
	a.life = life
}

// beginLoad and endLoad are a load during which rows may be written: it sees some as they are
// when it begins, and others as they are when it ends.
func (a *actor) beginLoad() { a.older, a.since = a.sorted(), a.changes }

func (a *actor) endLoad() {
	if a.older == nil {
		a.beginLoad()
	}
	a.loaded = a.since
	pivot := fmt.Sprintf("shardId-%012d", a.r.IntN(len(a.shards)+1))
	a.rows = slices.DeleteFunc(a.older, func(l lease.Lease) bool { return l.Shard >= pivot })
	for _, l := range a.sorted() {
		if l.Shard >= pivot {
			a.rows = append(a.rows, l)
		}
	}
	a.older = nil
	a.stream = a.world.stream
}

// know takes in a row as it is now.
func (a *actor) know(id string, l lease.Lease) {
	a.rows = slices.DeleteFunc(a.rows, func(l lease.Lease) bool { return l.Shard == id })
	if l.Revision > 0 {
		a.rows = append(a.rows, l)
		slices.SortFunc(a.rows, func(a, b lease.Lease) int { return a.Compare(b.Key) })
	}
}

func (a *actor) beginListing(stale bool) {
	if a.listing == nil && a.stream.Revision > 0 {
		a.begun++
		a.listing = &discover.Listing{Shards: a.list(stale, a.lacks), Before: a.before(stale)}
	}
}

func (a *actor) endListing() {
	if a.listing == nil {
		return
	}
	if len(a.pending) > 0 {
		return // the plan of the one before is being carried out
	}
	a.memory.List(time.Duration(a.now)*time.Minute, a.stream, a.rows, *a.listing)
	a.listing = nil
	a.taken++
	a.logf("%s takes in a listing", a.id())
	a.plan()
}

// plan asks for the plan.
func (a *actor) plan() {
	p := a.memory.Plan(a.stream, a.rows)
	a.planned = a.loaded
	a.pending = a.pending[:0]
	for _, l := range p.Create {
		a.pending = append(a.pending, lease.Create(l))
	}
	for _, l := range p.Delete {
		a.pending = append(a.pending, lease.Remove(l))
	}
	a.pending = append(a.pending, p.Mend...)
	a.r.Shuffle(len(a.pending), func(i, j int) { a.pending[i], a.pending[j] = a.pending[j], a.pending[i] })
	if p.Seeded && !a.stream.Seeded {
		a.logf("%s says that the stream is seeded", a.id())
		a.world.stream.Seeded = true
		a.stream = a.world.stream
	}
}

// write makes one change of the plan.
func (a *actor) write() {
	if len(a.pending) == 0 {
		return
	}
	c := a.pending[0]
	a.pending = a.pending[1:]
	a.logf("%s writes %s of %s at %q, revision %d", a.id(), c.New.Shard, c.New.Parents, c.New.Checkpoint, c.New.Revision)
	a.know(c.Old.Shard, a.update(c, a.planned))
	if len(a.pending) == 0 {
		a.plan()
	}
}

// work goes on with each lease that the actor has, or takes one that is ready.
func (a *actor) work() {
	ready := discover.Ready(a.rows)
	for i, l := range slices.Clone(a.rows) {
		if mine := a.world.rows[l.Shard]; mine.Owner == a.id() && ready[i] {
			l = mine // of its own leases a worker knows the newest rows
			ready[i] = !l.Finished()
		}
		alive := l.Owner == "" || l.Owner == a.id() || slices.Contains(deadIDs(a.world, l.Owner), l.Owner)
		if !ready[i] || !alive || l.Owner != a.id() && a.r.IntN(2) == 0 {
			continue
		}
		if l.Owner != a.id() {
			next := l
			next.Owner, next.Epoch = a.id(), l.Epoch+1
			made := a.update(lease.Set(l, next), a.loaded)
			a.know(next.Shard, made)
			if made.Owner != a.id() || made.Revision != l.Revision+1 {
				continue
			}
			l = made
			a.logf("%s has taken %s", a.id(), l.Shard)
		}
		if e := a.ending[l.Shard]; e != nil {
			a.end(l, e)
			continue
		}
		checkpoint, end := a.read(l, 1+a.r.IntN(8))
		if checkpoint != l.Checkpoint {
			next := l
			next.Checkpoint = checkpoint
			l = a.update(lease.Set(l, next), a.loaded)
			a.know(next.Shard, l)
		}
		if end && l.Owner == a.id() {
			a.ending[l.Shard] = &ending{since: a.begun, at: time.Duration(a.now) * time.Minute}
			if !a.shard(l.Shard).trimmed {
				a.ending[l.Shard].children = a.children(l.Shard)
			}
		}
	}
}

// end goes on with the end of a shard.
func (a *actor) end(l lease.Lease, e *ending) {
	now := time.Duration(a.now) * time.Minute
	lacked := topology.Absence{Since: e.at, Listings: max(0, a.taken-e.since)} // those that were under way at the end are not counted
	todo := discover.AtEnd(a.stream, l.Shard, e.children, a.rows, now, lacked)
	for _, child := range todo.Create {
		a.logf("%s creates %s of %s at %q at the end of %s", a.id(), child.Shard, child.Parents, child.Checkpoint, l.Shard)
		a.know(child.Shard, a.update(lease.Create(child), a.loaded))
		if a.r.IntN(10) == 0 {
			return // it is asked again, or the actor crashes here
		}
	}
	if todo.Wait {
		return
	}
	next := l
	next.Checkpoint = lease.ShardEnd
	if made := a.update(lease.Set(l, next), a.loaded); made.Revision == l.Revision+1 && made.Finished() {
		a.logf("%s has finished %s", a.id(), l.Shard)
		a.shard(l.Shard).done = true
		a.know(l.Shard, made)
	}
	delete(a.ending, l.Shard)
}
