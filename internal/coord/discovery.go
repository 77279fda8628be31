package coord

import (
	"maps"
	"slices"
	"time"

	"github.com/kinstream/kin/internal/discover"
	"github.com/kinstream/kin/lease"
)

// latest is the start position that the first worker replaces by the time of that moment.
const latest lease.Checkpoint = "LATEST"

// standIn is for how long others wait for the one worker that is to see to a stream at the
// start of a group.
const standIn = 0.5 // of the TTL

// discovery is what the worker does about the shards of its streams.
type discovery struct {
	streams map[string]*stream
	dropped map[string]*stream // those not read any more of which calls are under way
	arns    []string           // sorted
	usable  []string           // those of them that have not failed; not changed in place
	lookAt  time.Duration

	birthUntil time.Duration // until then the first leases of a stream may come any moment
}

// stream is what is known of a stream that the worker reads.
type stream struct {
	cfg    StreamConfig
	row    lease.Stream
	at     uint64 // the Step in which it was learned
	known  bool   // whether there is a row, is known
	failed error

	mine     bool          // it is on us to list it now and then
	newSince time.Duration // since when we know that it is not seeded, and nobody does anything about it

	list     call
	start    lease.Checkpoint // Start of the last List
	taken    int              // how many were taken in
	listedAt time.Duration
	every    time.Duration // until the next listing without a reason
	soonAt   time.Duration // when something calls for one; never if nothing does
	doubts   int           // how many in a row called for another one

	memory  discover.Memory
	heard   bool             // it had a listing
	plan    bool             // ask memory what is to be done
	wave    []*entry         // what was to be done last, and may not be yet
	awaited bool             // an end of a shard waits for a child that nothing but listings can tell of
	births  bool             // rows have changed that ends of shards wait for
	resolve lease.Checkpoint // the start position as it is to be stored
	put     call
}

// setStreams takes in which streams are to be read.
func (m *Machine) setStreams(streams []StreamConfig) {
	old := m.streams
	m.streams = make(map[string]*stream, len(streams))
	for _, c := range streams {
		st := old[c.ARN]
		if st == nil {
			st = m.newStream(c.ARN)
		}
		st.cfg = c
		m.streams[c.ARN] = st
	}
	for arn, st := range old {
		if m.streams[arn] == nil && (st.list.out || st.put.out) {
			m.dropped[arn] = st
		}
	}
	m.arns = slices.Sorted(maps.Keys(m.streams))
	m.tellReadable()
}

// newStream returns a stream of which nothing is known. It may have been there before: then
// ends of shards may wait for it, and the answers of its calls are still to come. What a
// listing says that was asked for then is taken for no start.
func (m *Machine) newStream(arn string) *stream {
	st := &stream{list: call{due: never}, put: call{due: never}, soonAt: never, births: true}
	if was := m.dropped[arn]; was != nil {
		st.list.out, st.list.asked, st.list.askedAt = was.list.out, was.list.asked, was.list.askedAt
		st.put.out, st.put.asked, st.put.askedAt = was.put.out, was.put.asked, was.put.askedAt
		delete(m.dropped, arn)
	}
	for _, e := range m.order {
		if e.key.Stream == arn && e.slot != nil {
			e.slot.taken = 0
		}
	}
	m.load.due = min(m.load.due, m.now)
	return st
}

// asker returns the stream that asked for a call, and forgets about the call if that one is not
// read any more.
func (m *Machine) asker(arn string, which func(*stream) *call) *stream {
	st := m.streams[arn]
	if was := m.dropped[arn]; st == nil && was != nil {
		which(was).out = false
	}
	if st == nil || !which(st).out {
		return nil
	}
	return st
}

// readable returns the ARNs of the streams that the worker can read.
func (m *Machine) readable() []string { return m.usable }

// tellReadable takes in that they have changed, and tells the others.
func (m *Machine) tellReadable() {
	m.usable = nil
	for _, arn := range m.arns {
		if m.streams[arn].failed == nil {
			m.usable = append(m.usable, arn)
		}
	}
	if self := m.peers[m.id]; self != nil {
		self.row.Streams = m.usable
	}
	m.lookAt = m.now
	m.beat.due = min(m.beat.due, m.now)
	m.replanSoon()
}

// mergeStreams takes in the rows of all streams, as a load has them that was asked for in a Step.
func (m *Machine) mergeStreams(rows []lease.Stream, asked uint64) {
	for _, arn := range m.arns {
		row := lease.Stream{ARN: arn}
		if i := slices.IndexFunc(rows, func(s lease.Stream) bool { return s.ARN == arn }); i >= 0 {
			row = rows[i]
		}
		m.learnStream(m.streams[arn], row, asked)
	}
}

func (m *Machine) learnStream(st *stream, row lease.Stream, asked uint64) {
	if st.known && asked < st.at && row.Revision <= st.row.Revision {
		return
	}
	if !st.known || row.Revision < st.row.Revision { // the group was deleted: what listings taught us is of no use
		st.heard, st.memory, st.wave, st.resolve = false, discover.Memory{}, nil, ""
		if !row.Seeded {
			m.unseeded(st)
		}
	}
	st.row, st.at, st.known = row, m.step, true
	m.lookAt = m.now
	m.judge(st)
}

// judge compares when the stream was created with when the one was that the leases are of.
func (m *Machine) judge(st *stream) {
	now, stored := st.cfg.CreatedAt, st.row.CreatedAt
	off := now.Sub(stored).Abs() >= time.Second // stores and services round
	if st.row.Revision > 0 && !now.IsZero() && !stored.IsZero() && off {
		if st.failed == nil {
			m.fail(st, &RecreatedError{Stream: st.cfg.ARN, Now: now, Stored: stored})
		}
		return
	}
	if st.failed != nil {
		m.fail(st, nil)
	}
}

func (m *Machine) fail(st *stream, err error) {
	st.failed = err
	m.do(StreamFailed{Stream: st.cfg.ARN, Err: err})
	m.tellReadable()
	if err != nil && len(m.usable) == 0 {
		m.giveUp(err)
	}
}

// chooseListers finds out which streams are on us: all workers that know the same rows find the
// same one.
func (m *Machine) chooseListers() {
	for _, arn := range m.arns {
		st := m.streams[arn]
		best, least, able := "", uint64(0), false
		for _, id := range m.peerIDs {
			p := m.peers[id]
			if p.out() || !slices.Contains(p.row.Streams, arn) || able && p.row.Unable() {
				continue
			}
			if h := hash(id, arn); best == "" || h < least || !able && !p.row.Unable() {
				best, least, able = id, h, !p.row.Unable()
			}
		}
		st.mine = best == m.id
	}
	m.lookAt = m.now
}

// discoverDue returns when discover has something to do.
func (m *Machine) discoverDue() time.Duration {
	if m.phase != member || m.lapsed {
		return never
	}
	return m.lookAt
}

// discover sees to the shards of all streams.
func (m *Machine) discover() {
	if m.discoverDue() > m.now {
		return
	}
	m.lookAt = never
	for _, arn := range m.arns {
		st := m.streams[arn]
		if !st.known || st.failed != nil {
			continue
		}
		if !m.wantsOut {
			m.sow(arn, st)
		}
		if st.births {
			st.births = false
			m.bear(arn, st)
		}
		if !m.wantsOut {
			m.listIfDue(arn, st)
		}
	}
}

// listIfDue asks for a listing, or for the stream's row, if one is due, and notes when it will be.
func (m *Machine) listIfDue(arn string, st *stream) {
	if st.row.Revision == 0 && m.mayBegin(st) {
		m.putStart(st)
	}
	if due := m.listDue(st); due > m.now {
		m.lookAt = min(m.lookAt, due)
		return
	}
	m.ask(&st.list)
	st.soonAt, st.start = never, ""
	switch {
	case st.row.Revision == 0:
		st.start = latest
	case !st.row.Seeded:
		st.start = st.row.Start
	}
	m.do(List{Stream: arn, Start: st.start})
}

// mayBegin says whether it is on us to do something about a stream that is not seeded. If whose
// duty it is does nothing for a while, everybody does, after making sure with a new load.
// Workers that start together are to know of each other before one of them begins.
func (m *Machine) mayBegin(st *stream) bool {
	if m.acquainted && st.mine {
		return true
	}
	from := st.newSince + m.ttl(standIn)
	if m.now < from {
		m.lookAt = min(m.lookAt, from)
		return false
	}
	if m.loadedAt < from {
		m.load.due = min(m.load.due, m.now)
		return false
	}
	return true
}

// sown takes in that a lease of a stream was written: if the stream is not seeded, somebody is at it.
func (m *Machine) sown(arn string) {
	if st := m.streams[arn]; st != nil && !st.row.Seeded {
		m.unseeded(st)
	}
}

// unseeded takes in that a stream is not seeded yet, and somebody else may be at it.
func (m *Machine) unseeded(st *stream) {
	st.newSince = m.now
	m.birthUntil = m.now + m.ttl(standIn)
}

// listDue returns when a listing is to be asked for.
func (m *Machine) listDue(st *stream) time.Duration {
	due := st.soonAt
	switch {
	case st.row.Revision == 0:
		if st.cfg.Start == latest && st.resolve == "" && m.mayBegin(st) {
			due = m.now
		}
	case !st.row.Seeded:
		if m.mayBegin(st) {
			due = m.now
			if st.heard {
				due = min(st.soonAt, st.listedAt+st.every)
			}
		}
	case st.mine && !st.heard:
		due = m.now
	case st.mine:
		due = min(due, st.listedAt+st.every)
	}
	if st.list.out || due == never {
		return never
	}
	return max(due, st.list.earliest)
}

// putStart writes the stream's row, when it is known where the group begins.
func (m *Machine) putStart(st *stream) {
	start := st.cfg.Start
	if start == latest {
		start = st.resolve
	}
	if start == "" {
		return
	}
	st.put.due = min(st.put.due, m.now)
	m.putIfDue(st, lease.Stream{ARN: st.cfg.ARN, CreatedAt: st.cfg.CreatedAt, Start: start, Revision: 1})
}

func (m *Machine) putIfDue(st *stream, row lease.Stream) {
	if !st.put.ready(m.now) {
		m.lookAt = min(m.lookAt, st.put.next())
		return
	}
	m.ask(&st.put)
	m.do(PutStream{Stream: row})
}

func (m *Machine) onStreamPut(e StreamPut) {
	st := m.asker(e.Stream.ARN, func(st *stream) *call { return &st.put })
	if st == nil {
		return
	}
	m.lookAt = m.now
	asked := st.put.asked
	if m.answered(&st.put, e.Err) {
		m.learnStream(st, e.Stream, asked)
	}
}

// listSoon asks for a listing of a stream, less and less soon when one after the other is of no
// use. listIfDue comes after it.
func (m *Machine) listSoon(st *stream) {
	wait := min(listLeast<<min(st.doubts, 10)/2, m.cfg.ListEvery)
	if st.doubts == 0 {
		wait = 0
	}
	st.soonAt = min(st.soonAt, max(m.now, st.list.askedAt+wait))
}

func (m *Machine) onListed(e Listed) {
	st := m.asker(e.Stream, func(st *stream) *call { return &st.list })
	if st == nil {
		return
	}
	m.lookAt = m.now
	if !m.answered(&st.list, e.Err) {
		st.soonAt = m.now
		return
	}
	switch {
	case st.start == latest:
		st.resolve = lease.Checkpoint("AT_TIMESTAMP:" + e.At.UTC().Truncate(time.Millisecond).Format("2006-01-02T15:04:05.000Z07:00"))
		return
	case st.row.Revision == 0 || !st.row.Seeded && st.start != st.row.Start:
		st.soonAt = m.now
		return
	}
	st.listedAt, st.heard = m.now, true
	st.every = m.spread(m.cfg.ListEvery, 0.1)
	st.memory.List(m.now, st.row, m.rowsOf(e.Stream), discover.Listing{Shards: e.Shards, Before: e.Before})
	st.taken++
	st.doubts++
	st.plan, st.births = true, true
}
