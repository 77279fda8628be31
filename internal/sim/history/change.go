package history

import (
	"github.com/kinstream/kin/lease"
)

// change judges that a row of a lease changed.
func (c *Checker) change(e Event) {
	old, now := e.Change.Old, e.Change.New
	stored := c.rows[e.Key]
	stored.Key = e.Key
	if !stored.Equal(old) {
		c.breaksf("a lease changes by a compare-and-set on its revision", "%s: the row was %+v, not %+v", shortKey(e.Key), stored, old)
	}
	s := c.shards[e.Key]
	if s == nil {
		c.breaksf("leases are of shards that exist", "%s", shortKey(e.Key))
		return
	}
	switch {
	case old.Revision == 0:
		c.created(s, e)
	case e.Change.Removes():
		c.removed(s, e)
	default:
		c.moved(s, e)
	}
	if old.Owner != "" {
		c.owned[old.Owner]--
	}
	if e.Change.Removes() {
		delete(c.rows, e.Key)
		s.row = false
		return
	}
	if now.Owner != "" {
		c.owned[now.Owner]++
	}
	c.rows[e.Key] = now
	s.row, s.hadRow = true, true
}

// created judges a new lease.
func (c *Checker) created(s *shard, e Event) {
	now := e.Change.New
	c.figures.Created++
	if now.Revision != 1 {
		c.breaksf("each change raises the revision by one", "%s begins with %d", shortKey(e.Key), now.Revision)
	}
	if s.hadRow && !s.gone && e.By != Operator {
		c.breaksf("a lease stays for as long as its shard is listed", "%s gets another lease", shortKey(e.Key))
	}
	if now.Owner != "" && now.Owner != e.By {
		c.breaksf("a worker takes leases only for itself", "%s gave %s to %s", e.By, shortKey(e.Key), now.Owner)
	}
	for _, id := range s.parents {
		p := c.shards[lease.Key{Stream: e.Key.Stream, Shard: id}]
		if p != nil && !p.hadRow && !p.gone {
			c.breaksf("a shard gets a lease after its parents", "%s before its parent %s", shortKey(e.Key), shortKey(p.key))
		}
	}
	c.startsAt(s, now.Checkpoint)
}

// startsAt judges where the first owner of a lease will begin: nothing may be passed over.
func (c *Checker) startsAt(s *shard, cp lease.Checkpoint) {
	at, ok := c.position(s, cp)
	switch {
	case !ok:
		c.breaksf("checkpoints are positions", "%s of %s", cp, shortKey(s.key))
	case cp == lease.ShardEnd:
		if !s.complete() {
			c.breaksf("a new shard begins at its oldest record", "%s is finished from the start, and has %d records of which %d are done",
				shortKey(s.key), s.count, s.done.prefix)
		}
	case at > s.done.prefix:
		c.breaksf("a new shard begins at its oldest record", "%s begins at %s, after %d records of which %d are done",
			shortKey(s.key), cp, at, s.done.prefix)
	}
}

// removed judges that a row was deleted.
func (c *Checker) removed(s *shard, e Event) {
	c.figures.Removed++
	if e.By == Operator {
		s.revoked = e.Change.Old.Epoch
		return
	}
	if !e.Change.Old.Finished() {
		c.breaksf("only finished leases are deleted", "%s at %s", shortKey(e.Key), e.Change.Old.Checkpoint)
	}
	if !s.gone {
		c.breaksf("a lease stays for as long as its shard is listed", "%s was deleted", shortKey(e.Key))
	}
	for _, id := range s.children {
		child := c.shards[lease.Key{Stream: e.Key.Stream, Shard: id}]
		if !child.hadRow && !child.gone {
			c.breaksf("a lease stays until its children have leases", "%s was deleted, and %s has none", shortKey(e.Key), shortKey(child.key))
		}
	}
}

// moved judges a change of a row that was there before and still is.
func (c *Checker) moved(s *shard, e Event) {
	old, now := e.Change.Old, e.Change.New
	if now.Revision != old.Revision+1 {
		c.breaksf("each change raises the revision by one", "%s: from %d to %d", shortKey(e.Key), old.Revision, now.Revision)
	}
	epoch := old.Epoch
	if old.Owner != now.Owner {
		epoch++
		c.figures.Moves++
	}
	if now.Epoch != epoch && (e.By != Operator || now.Epoch != old.Epoch+1) {
		c.breaksf("the epoch rises by one with each change of the owner", "%s: owner %q to %q, epoch %d to %d",
			shortKey(e.Key), old.Owner, now.Owner, old.Epoch, now.Epoch)
	}
	if e.By == Operator {
		c.operated(s, e)
		return
	}
	if old.Pin != now.Pin {
		c.breaksf("pins are an operator's", "%s: %q to %q", shortKey(e.Key), old.Pin, now.Pin)
	}
	if old.Owner != now.Owner {
		c.newOwner(s, e)
	}
	if old.Checkpoint != now.Checkpoint {
		c.checkpointed(s, e)
	}
}

// newOwner judges that the owner of a lease changed.
func (c *Checker) newOwner(s *shard, e Event) {
	old, now := e.Change.Old, e.Change.New
	switch {
	case old.Owner == e.By:
		c.handedOver(s, e)
	case now.Owner != e.By:
		c.breaksf("a worker takes leases only for itself", "%s gave %s from %q to %q", e.By, shortKey(e.Key), old.Owner, now.Owner)
	case old.Owner != "" && c.worker(old.Owner).row && !c.worker(old.Owner).gone:
		c.breaksf("no lease is taken from a worker that has a row", "%s took %s from %s", e.By, shortKey(e.Key), old.Owner)
	}
	if now.Owner != "" && now.Owner != old.Owner && !c.worker(now.Owner).joined {
		c.breaksf("owners are workers of the group", "%s gave %s to %q", e.By, shortKey(e.Key), now.Owner)
	}
}

// handedOver judges that an owner gave its lease away: nothing of it may be under way, and what
// was done must not be done again.
func (c *Checker) handedOver(s *shard, e Event) {
	old, now := e.Change.Old, e.Change.New
	c.figures.HandOvers++
	if x := s.session(e.By); x != nil {
		c.breaksf("a lease is handed over after its reading ended", "%s reads %s and made %q the owner", e.By, shortKey(e.Key), now.Owner)
		return
	}
	if now.Finished() || s.last == nil || s.last.worker != e.By || s.last.epoch != old.Epoch {
		return
	}
	if at, _ := c.position(s, now.Checkpoint); at < min(s.last.done.prefix, s.count) {
		c.breaksf("a lease is handed over with its final checkpoint", "%s handed over %s at %s, and %d records were done",
			e.By, shortKey(e.Key), now.Checkpoint, s.last.done.prefix)
	}
}

// checkpointed judges that a checkpoint moved.
func (c *Checker) checkpointed(s *shard, e Event) {
	old, now := e.Change.Old, e.Change.New
	c.figures.Checkpoints++
	if old.Owner != e.By {
		c.breaksf("only the owner moves the checkpoint", "%s moved that of %s, which is %q's", e.By, shortKey(e.Key), old.Owner)
	}
	before, _ := c.position(s, old.Checkpoint)
	after, ok := c.position(s, now.Checkpoint)
	switch {
	case !ok:
		c.breaksf("checkpoints are positions", "%s of %s", now.Checkpoint, shortKey(e.Key))
	case now.Finished():
		c.finished(s, e)
	case after < before:
		c.breaksf("a checkpoint never goes back", "%s: %s to %s", shortKey(e.Key), old.Checkpoint, now.Checkpoint)
	case after > s.done.prefix:
		c.breaksf("checkpoints are of records that were acknowledged", "%s: %s, and %d records were acknowledged",
			shortKey(e.Key), now.Checkpoint, s.done.prefix)
	}
}

// finished judges that a lease was finished.
func (c *Checker) finished(s *shard, e Event) {
	c.figures.Finished++
	if !s.complete() {
		c.breaksf("a lease is finished after all its records are acknowledged", "%s: closed is %t, %d records of which %d are done",
			shortKey(e.Key), s.closed, s.count, s.done.prefix)
	}
	for _, id := range c.worker(e.By).ended[e.Key] {
		child := c.shards[lease.Key{Stream: e.Key.Stream, Shard: id}]
		if child == nil || !child.hadRow {
			c.breaksf("a lease is finished after the children that were named have leases", "%s before %s", shortKey(e.Key), id)
		}
	}
}

// operated takes in what an operator changed.
func (c *Checker) operated(s *shard, e Event) {
	old, now := e.Change.Old, e.Change.New
	if old.Checkpoint != now.Checkpoint {
		at, _ := c.position(s, now.Checkpoint)
		s.excuse(min(at, s.count))
	}
	if old.Epoch != now.Epoch || old.Checkpoint != now.Checkpoint {
		s.revoked = old.Epoch
		for _, x := range s.sessions {
			x.revoked = true
		}
		for _, d := range s.open {
			d.excused = true
		}
	}
}
