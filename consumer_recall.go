package kin

import "context"

// With ManualAcks, records may be in somebody's hands after the handler has returned. When the
// trust ends, the context that they were handed out with is cancelled, so nobody may work on
// them any more; and when there is trust again, nobody does. What is not acknowledged by then
// has to be delivered again. The order of a shard wants that all after it is, too. So the shard
// is begun anew at its position: by another shardRun, because batches that are still around
// must not acknowledge what the next one delivers. The worker in the group and hooks hear
// nothing of that.

// handled takes in that a handler has returned nil, and reports whether that is the end of a
// batch: not, if its context was cancelled before and it is not acknowledged.
func (s *shardRun) handled(ctx context.Context, b *Batch) bool {
	if !s.run.c.cfg.ManualAcks {
		b.AckAll()
		return true
	}
	left, _ := s.unacked(b.chunk, b.index)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(left) > 0 && ctx.Err() != nil {
		return false
	}
	s.lent = s.lent || len(left) > 0 && s.mark.Unacked() > 0
	return true
}

// outlived says whether records are handed out whose context has ended. mu is held.
func (s *shardRun) outlived() bool { return s.lent && s.tenure.Err() != nil }

// recall calls records back if they are handed out and their context has ended. It never waits.
func (s *shardRun) recall() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.outlived() {
		s.callBack()
	}
}

// callBack makes the shard be begun anew. mu is held.
func (s *shardRun) callBack() {
	s.recalled = true
	s.end()
}

// givesBack says whether the shard is to be begun anew, and not given up.
func (s *shardRun) givesBack() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.recalled && !s.stopped
}

// renew has another shardRun go on where s is done, if s was ended for that and for nothing else.
func (s *shardRun) renew(from Position) bool {
	if !s.givesBack() {
		return false
	}
	next := newShardRun(s.run, s.stream, s.lease)
	next.from = &from
	s.mu.Lock()
	if s.stopped {
		s.mu.Unlock()
		next.end()
		next.impatient()
		return false
	}
	next.status, s.next = s.status, next // a stop from now on is for that one
	s.mu.Unlock()
	s.run.replace(s, next)
	return true
}

// replaced says whether another shardRun goes on with the shard, so that what the batches of
// this one acknowledge is of no use.
func (s *shardRun) replaced() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next != nil
}

// beginning returns where reading is to begin.
func (s *shardRun) beginning() (Position, error) {
	if s.from != nil {
		return *s.from, nil
	}
	return ParsePosition(string(s.lease.Checkpoint))
}

// replace has next go on with the shard of s.
func (r *consumerRun) replace(s, next *shardRun) {
	r.mu.Lock()
	if r.shards[s.lease.Key] == s {
		r.shards[s.lease.Key] = next
	}
	r.mu.Unlock()
	// Ends as that of s would have; it is started before s has ended, so loop waits for it.
	r.work.Go(next.main)
}
