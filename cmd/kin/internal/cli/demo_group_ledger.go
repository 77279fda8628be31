package cli

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kinstream/kin"
	"github.com/kinstream/kin/lease"
)

// groupLedger is the account of act two: that of every record, and who read which shard when.
//
// A record counts as handled when the handler of a worker has it here, under the lock that a
// kill takes too. What the killed worker had handled, and had not checkpointed, must come
// again: at the next owner, who begins at the checkpoint. The ledger counts these records one
// by one when that owner begins, so that it knows how many readings may be doubled, and that
// every further one is a fault.
type groupLedger struct {
	*ledger

	mu      sync.Mutex // guards all below, and what of ledger is about reading; taken alone
	shards  map[kin.ShardID]*shardTrack
	changes int // of owners
	killed  *killedWorker
	allowed int64 // readings that may be doubled
	steady  gap   // the longest pause of a shard, but for those of the killed worker
	crash   gap   // the longest pause of a shard that the killed worker had
}

// shardTrack is what is known of a shard.
type shardTrack struct {
	owner   string
	last    time.Time // when its last batch was handled
	gap     time.Duration
	records int64
	highest kin.SequenceNumber

	// log are the sequence numbers that each owner has handled, for one who may be killed.
	log map[string][]kin.SequenceNumber
}

// killedWorker is the worker that was killed.
type killedWorker struct {
	name string
	at   time.Time
	left map[kin.ShardID]bool // its shards that nobody has taken yet
	dark map[kin.ShardID]bool // of which nothing has been handled since
}

// gap is a time in which a shard was not read.
type gap struct {
	took  time.Duration
	shard kin.ShardID
}

func (g *gap) note(took time.Duration, shard kin.ShardID) {
	if took > g.took {
		*g = gap{took, shard}
	}
}

func newGroupLedger(keys int) *groupLedger {
	return &groupLedger{ledger: newLedger(keys), shards: make(map[kin.ShardID]*shardTrack)}
}

// track returns what is known of a shard. mu is held.
func (l *groupLedger) track(shard kin.ShardID) *shardTrack {
	t := l.shards[shard]
	if t == nil {
		t = &shardTrack{log: make(map[string][]kin.SequenceNumber)}
		l.shards[kin.ShardID(strings.Clone(string(shard)))] = t
	}
	return t
}

// took takes what a worker handles, unless it is dead.
func (l *groupLedger) took(w *demoWorker, b *kin.Batch) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.isDead() {
		return errTornOut
	}
	now := time.Now()
	t := l.track(b.Shard)
	if !t.last.IsZero() {
		pause := now.Sub(t.last)
		t.gap = max(t.gap, pause)
		if l.killed != nil && l.killed.dark[b.Shard] {
			delete(l.killed.dark, b.Shard)
			l.crash.note(pause, b.Shard)
		} else {
			l.steady.note(pause, b.Shard)
		}
	}
	t.last = now
	for i := range b.Records {
		rec := &b.Records[i]
		l.sawRecord(rec)
		sequence := kin.SequenceNumber(strings.Clone(string(rec.SequenceNumber)))
		t.records++
		if sequence.Compare(t.highest) > 0 {
			t.highest = sequence
		}
		t.log[w.name] = append(t.log[w.name], sequence)
	}
	return nil
}

// began notes that a worker begins to read a shard.
func (l *groupLedger) began(worker string, i kin.LeaseInfo) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.track(i.Shard)
	t.owner = worker
	l.changes++
	if l.killed == nil || !l.killed.left[i.Shard] || worker == l.killed.name {
		return
	}
	delete(l.killed.left, i.Shard)
	from := afterOf(i.Position)
	for _, sequence := range t.log[l.killed.name] {
		if sequence.Compare(from) > 0 {
			l.allowed++
		}
	}
}

// afterOf is the sequence number in a checkpoint; none if nothing was done.
func afterOf(p kin.Position) kin.SequenceNumber {
	text, _ := strings.CutPrefix(p.String(), "AFTER_SEQUENCE_NUMBER:")
	number, _, _ := strings.Cut(text, ":")
	if strings.Trim(number, "0123456789") != "" {
		return ""
	}
	return kin.SequenceNumber(number)
}

// stopped notes that a worker does not read a shard any more. One that was killed does not get
// here as far as others can see.
func (l *groupLedger) stopped(worker string, i kin.LeaseInfo) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.track(i.Shard)
	if t.owner == worker && (l.killed == nil || worker != l.killed.name) {
		t.owner = ""
	}
	if l.killed == nil {
		delete(t.log, worker) // all of it is checkpointed
	}
}

// kill lets a worker die: die is called under the lock under which records are handled.
func (l *groupLedger) kill(worker string, die func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	die()
	l.killed = &killedWorker{name: worker, at: time.Now(), left: make(map[kin.ShardID]bool), dark: make(map[kin.ShardID]bool)}
	for id, t := range l.shards {
		if t.owner == worker {
			l.killed.left[id], l.killed.dark[id] = true, true
		}
	}
}

// owned is how many shards a worker reads.
func (l *groupLedger) owned(worker string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range l.shards {
		if t.owner == worker {
			n++
		}
	}
	return n
}

// handled is how many different records were handled.
func (l *groupLedger) handled() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.read.Load() - l.doubled.Load() - l.foreign.Load()
}

// groupShard is a shard as the view shows it.
type groupShard struct {
	id      kin.ShardID
	owner   string
	records int64
	gap     time.Duration // the longest so far
	quiet   time.Duration // since its last batch
}

// list returns the shards in the order of their IDs.
func (l *groupLedger) list() []groupShard {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	all := make([]groupShard, 0, len(l.shards))
	for id, t := range l.shards {
		s := groupShard{id: id, owner: t.owner, records: t.records, gap: t.gap}
		if !t.last.IsZero() {
			s.quiet = now.Sub(t.last)
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b groupShard) int { return strings.Compare(string(a.id), string(b.id)) })
	return all
}

// stored is how many shards have a checkpoint at their last record, of those that have records.
func (l *groupLedger) stored(leases []lease.Lease) (n, of int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, row := range leases {
		t := l.shards[kin.ShardID(row.Shard)]
		if t == nil || t.records == 0 {
			continue
		}
		of++
		if p, err := kin.ParsePosition(string(row.Checkpoint)); err == nil && afterOf(p) == t.highest {
			n++
		}
	}
	return n, of
}
