package history

import (
	"fmt"
	"slices"
	"time"

	"github.com/kinstream/kin/lease"
)

// Settled returns what is not as it has to be some time after all trouble is over and the last
// record was put, or "": every record was acknowledged and is behind a checkpoint, every shard
// that takes records is read, and nobody who is gone owns anything.
func (c *Checker) Settled() string {
	for _, key := range c.keys() {
		if text := c.unsettled(c.shards[key]); text != "" {
			return text
		}
	}
	return ""
}

func (c *Checker) unsettled(s *shard) string {
	if s.gone || c.streams[s.key.Stream] == nil {
		return ""
	}
	row := c.rows[s.key]
	at, _ := c.position(s, row.Checkpoint)
	switch {
	case s.done.prefix < s.count:
		return fmt.Sprintf("%s has %d records, of which %d are done", shortKey(s.key), s.count, s.done.prefix)
	case !s.row:
		return shortKey(s.key) + " has no lease"
	case at < s.count:
		return fmt.Sprintf("%s has %d records, and its checkpoint is %s", shortKey(s.key), s.count, row.Checkpoint)
	case s.closed && !row.Finished():
		return fmt.Sprintf("%s is closed, and its lease is not finished: %s", shortKey(s.key), row.Checkpoint)
	case row.Finished():
		return ""
	case row.Owner == "" || !c.worker(row.Owner).row:
		return fmt.Sprintf("%s has no living owner: %q", shortKey(s.key), row.Owner)
	case s.session(row.Owner) == nil:
		return fmt.Sprintf("%s is not read by its owner %s", shortKey(s.key), row.Owner)
	}
	return ""
}

// Unsettled says that the group had all the time that it needs, and something is not as it has
// to be.
func (c *Checker) Unsettled(text string) {
	c.breaksf("every record is handled and checkpointed when trouble is over", "%s", text)
}

// Endless says that a worker does nothing but ask for more steps.
func (c *Checker) Endless(worker string) {
	c.breaksf("workers come to rest", "%s makes steps without end", worker)
}

// Stirred says that leases have moved although nobody could do better than who had them.
func (c *Checker) Stirred(text string) {
	c.breaksf("leases stay where they are while nobody can read", "%s", text)
}

// Watch judges that every shard is read: by a worker that is at work and may deliver. It is to
// be called again and again; a shard may be without such a worker for a time.
func (c *Checker) Watch(limit time.Duration) {
	for _, key := range c.keys() {
		s, row := c.shards[key], c.rows[key]
		if s.gone || !s.row || row.Finished() || !c.parentsFinished(key) || c.isRead(s) || s.readAt == 0 {
			s.readAt = c.now
			continue
		}
		c.figures.MaxUnread = max(c.figures.MaxUnread, c.now-s.readAt)
		if c.now-s.readAt > limit {
			c.breaksf("the shards of a worker in trouble are read by others soon", "%s is not read since %s, owner %q",
				shortKey(key), s.readAt.Round(time.Millisecond), row.Owner)
		}
	}
}

// isRead says whether somebody reads a shard who may deliver its records.
func (c *Checker) isRead(s *shard) bool {
	return slices.ContainsFunc(s.sessions, func(x *session) bool {
		w := c.worker(x.worker)
		return !w.frozen && !w.crashed && !w.shaded && w.trusting && c.now <= w.trusted+scale(c.cfg.TTL, trustFor)
	})
}

// Pass says that time has passed without an event.
func (c *Checker) Pass(now time.Duration) { c.now = max(c.now, now) }

// Shares returns how many leases that can be read each worker owns.
func (c *Checker) Shares() map[string]int {
	shares := map[string]int{}
	for id, w := range c.workers {
		if w.row {
			shares[id] = 0
		}
	}
	for key, row := range c.rows {
		if !row.Finished() && c.parentsFinished(key) {
			shares[row.Owner]++
		}
	}
	return shares
}

func (c *Checker) parentsFinished(key lease.Key) bool {
	for _, id := range c.rows[key].Parents {
		if p, ok := c.rows[lease.Key{Stream: key.Stream, Shard: id}]; ok && !p.Finished() {
			return false
		}
	}
	return true
}
