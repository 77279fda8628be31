package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kinstream/kin/internal/coord"
	"github.com/kinstream/kin/internal/sim/history"
	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/lease"
)

// reader reads a shard for a process, and has a handler for its records.
type reader struct {
	p        *process
	shard    *shard
	key      lease.Key
	worker   string
	epoch    int64
	from     lease.Checkpoint
	next     int64    // the first record that was not fetched yet
	prefix   int64    // records that are done with all before them
	moved    bool     // prefix rose since the Machine was told
	now      bool     // and it is to be stored at once
	pieces   []*piece // what is delivered and not in prefix, in order
	batch    *batch   // what the handler has
	fetching bool
	stopping bool
	why      coord.Why
	ending   bool // all is done, and the Machine is about to be told
	over     bool
}

// piece is a number of records that are acknowledged together.
type piece struct {
	from, to int64
	acked    bool
}

// batch is what a handler has.
type batch struct {
	id       int64
	from, to int64
	ignores  bool
	over     bool
}

// start begins to read a shard.
func (p *process) start(l lease.Lease) {
	sh := p.world.service(l.Stream).shard(l.Shard)
	if p.readers[l.Key] != nil || sh == nil {
		p.world.checker.Record(history.Event{Kind: history.Started, At: p.world.loop.now, Worker: p.machine.ID(), Key: l.Key})
		return // which is judged as it deserves
	}
	r := &reader{p: p, shard: sh, key: l.Key, worker: p.machine.ID(), epoch: l.Epoch, from: l.Checkpoint}
	r.next = max(r.position(l.Checkpoint), sh.trimmed)
	r.prefix = r.next
	p.readers[l.Key] = r
	i, _ := slices.BinarySearchFunc(p.keys, l.Key, lease.Key.Compare)
	p.keys = slices.Insert(p.keys, i, l.Key)
	r.record(history.Event{Kind: history.Started, Text: string(l.Checkpoint)})
	r.fetch()
	p.sense()
}

func (r *reader) record(e history.Event) {
	e.Worker, e.Key, e.Epoch = r.worker, r.key, r.epoch
	r.p.world.record(e)
}

// position returns how many records a checkpoint is past.
func (r *reader) position(cp lease.Checkpoint) int64 {
	if at, ok := r.p.world.timestamp(cp); ok {
		return r.shard.since(at)
	}
	if text, ok := strings.CutPrefix(string(cp), "AFTER_SEQUENCE_NUMBER:"); ok {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			panic("sim: BUG: checkpoint " + string(cp))
		}
		return n + 1
	}
	return 0
}

// checkpoint is how far records are done; empty if none was.
func (r *reader) checkpoint() lease.Checkpoint {
	if r.prefix == r.position(r.from) || r.prefix == 0 {
		return ""
	}
	return lease.Checkpoint(fmt.Sprintf("AFTER_SEQUENCE_NUMBER:%d", r.prefix-1))
}

// maxPieces bounds what is not acknowledged.
const maxPieces = 8

func (r *reader) idle() bool { return r.batch == nil && len(r.pieces) == 0 }

// fetch sees to it that what is there is delivered, or the end of the shard told.
func (r *reader) fetch() {
	if r.fetching || r.over || r.stopping || r.batch != nil || len(r.pieces) >= maxPieces || !r.p.mayDeliver() {
		return
	}
	if r.next >= r.shard.count && (!r.shard.closed() || !r.ended()) {
		return
	}
	r.fetching = true
	r.p.after(time.Duration(2+r.p.world.rand.IntN(30))*time.Millisecond, func() {
		r.fetching = false
		switch {
		case r.over || r.stopping || r.batch != nil || !r.p.mayDeliver():
		case r.p.dark(): // sense looks again
		default:
			r.fetched()
		}
	})
}

// ended says whether nothing of a closed shard is left to do.
func (r *reader) ended() bool {
	return r.next >= r.shard.count && (r.idle() || r.p.world.mutant == EndBeforeAcks)
}

func (r *reader) fetched() {
	if r.next < r.shard.trimmed && r.idle() {
		r.next = r.shard.trimmed
		r.prefix = r.next
	}
	switch {
	case r.next < r.shard.count:
		to := min(r.shard.count, r.next+r.p.world.batch())
		from := r.next
		r.next = to
		r.deliver(from, to)
	case r.shard.closed() && r.ended():
		r.end()
	}
}

// batch is how many records a handler gets at most.
func (w *world) batch() int64 {
	if w.calm {
		return 100
	}
	return 1 + w.rand.Int64N(int64(w.scenario.Handler.Batch))
}

// deliver gives records to the handler.
func (r *reader) deliver(from, to int64) {
	w := r.p.world
	w.ids++
	takes, ignores := w.handling()
	b := &batch{id: w.ids, from: from, to: to, ignores: ignores}
	r.batch = b
	r.record(history.Event{Kind: history.Delivered, From: from, To: to, ID: b.id, OK: b.ignores})
	if w.mutant == CheckpointBeforeHandler {
		r.prefix, r.moved = to, true
		r.p.progress()
	}
	r.p.after(takes, func() { r.handled(b, w.calm || w.rand.Float64() >= w.scenario.Handler.Fail) })
}

// handling is how long a handler has a batch, and whether it ignores that its context is cancelled.
func (w *world) handling() (takes time.Duration, ignores bool) {
	if h := w.scenario.Handler; !w.calm && w.rand.IntN(10) == 0 {
		return time.Duration(w.rand.Int64N(int64(h.Slow))), w.rand.Float64() < h.Ignore
	}
	return time.Duration(w.rand.IntN(int(10 * time.Millisecond))), false
}

// handled takes in that the handler returned.
func (r *reader) handled(b *batch, ok bool) {
	if b.over {
		return
	}
	b.over = true
	w := r.p.world
	w.record(history.Event{Kind: history.Handled, Worker: r.worker, Key: r.key, ID: b.id, OK: ok})
	r.batch = nil
	switch {
	case ok:
		r.succeeded(b)
	case r.stopping:
	default: // again, after a while
		r.fetching = true
		r.p.after(time.Duration(100+w.rand.IntN(900))*time.Millisecond, func() {
			r.fetching = false
			if r.over || r.stopping {
				return
			}
			if r.p.mayDeliver() {
				r.deliver(b.from, b.to)
				return
			}
			r.next = b.from
		})
		return
	}
	r.quiet()
}

// succeeded acknowledges a batch, at once or in pieces.
func (r *reader) succeeded(b *batch) {
	w := r.p.world
	if !w.scenario.Handler.Manual {
		p := &piece{from: b.from, to: b.to}
		r.pieces = append(r.pieces, p)
		r.ack(p)
		return
	}
	for from := b.from; from < b.to; {
		p := &piece{from: from, to: min(b.to, from+1+w.rand.Int64N(10))}
		from = p.to
		r.pieces = append(r.pieces, p)
		r.p.after(time.Duration(w.rand.IntN(300))*time.Millisecond, func() {
			if slices.Contains(r.pieces, p) && !r.over {
				r.ack(p)
				r.quiet()
			}
		})
	}
}

// ack says that the records of a piece are done.
func (r *reader) ack(p *piece) {
	p.acked = true
	r.record(history.Event{Kind: history.Acked, From: p.from, To: p.to})
	for len(r.pieces) > 0 && r.pieces[0].acked {
		r.prefix = max(r.prefix, r.pieces[0].to)
		r.pieces = r.pieces[1:]
		r.moved = true
	}
	w := r.p.world
	r.now = r.now || r.moved && w.rand.Float64() < w.scenario.Handler.Restive
	if r.moved {
		r.p.progress()
	}
}

// quiet goes on when the handler has returned: with the next batch, or with the end.
func (r *reader) quiet() {
	if r.stopping {
		r.stopIfQuiet()
		return
	}
	r.fetch()
}

// cancel cancels the context of the handler. What it had is delivered again.
func (r *reader) cancel() {
	if b := r.batch; b != nil && !b.ignores {
		r.p.after(time.Duration(r.p.world.rand.IntN(20))*time.Millisecond, func() { r.cancelled(b) })
	}
}

// cancelled takes in that a handler returned because its context was cancelled.
func (r *reader) cancelled(b *batch) {
	if b.over {
		return
	}
	b.over = true
	r.batch = nil
	r.p.world.record(history.Event{Kind: history.Handled, Worker: r.worker, Key: r.key, ID: b.id})
	r.next = b.from
	r.quiet()
}

// stop ends the reading of a shard.
func (p *process) stop(a coord.StopShard) {
	r := p.readers[a.Key]
	if r == nil || r.epoch != a.Epoch {
		p.world.notef("BUG: %s stops %v with epoch %d, which it does not read", p.machine.ID(), a.Key.Shard, a.Epoch)
		return
	}
	r.stopping, r.why = true, max(r.why, a.Why)
	if a.Why == coord.Lost || a.Why == coord.CutOff {
		r.cancel()
	}
	if p.world.mutant == StopWithoutHandler {
		r.answerStop()
		return
	}
	r.stopIfQuiet()
}

func (r *reader) stopIfQuiet() {
	waits := len(r.pieces) > 0 && r.why != coord.Lost && r.why != coord.CutOff // for what the handler has taken over
	if r.batch == nil && !r.over && !r.ending && !waits {
		r.answerStop()
	}
}

func (r *reader) answerStop() {
	r.over = true
	r.p.after(time.Duration(r.p.world.rand.IntN(5))*time.Millisecond, func() {
		r.close()
		checkpoint := r.checkpoint()
		if r.p.world.mutant == NoFinalCheckpoint {
			checkpoint = ""
		}
		r.p.step(coord.Stopped{Key: r.key, Epoch: r.epoch, Checkpoint: checkpoint})
	})
}

// close takes the reader out of the process.
func (r *reader) close() {
	r.over = true
	r.record(history.Event{Kind: history.Stopped})
	delete(r.p.readers, r.key)
	r.p.keys = slices.DeleteFunc(r.p.keys, func(k lease.Key) bool { return k == r.key })
}

// end tells the Machine that the shard is over, unless it stops the reading before it could.
func (r *reader) end() {
	r.ending = true
	w := r.p.world
	r.p.after(time.Duration(w.rand.IntN(5))*time.Millisecond, func() {
		if r.stopping {
			r.ending = false
			r.stopIfQuiet()
			return
		}
		var children []topology.Shard
		s := w.service(r.key.Stream)
		if !r.shard.gone && w.rand.Float64() < w.scenario.Service.Children {
			children = s.children(r.shard)
		}
		var names []string
		for _, c := range children {
			names = append(names, c.ID)
		}
		r.record(history.Event{Kind: history.Ended, Names: names})
		r.close()
		r.p.step(coord.Ended{Key: r.key, Epoch: r.epoch, Checkpoint: r.checkpoint(), Children: children})
	})
}

// progress tells the Machine soon of records that are done.
func (p *process) progress() {
	if p.ongoing {
		return
	}
	p.ongoing = true
	p.after(time.Duration(p.world.rand.IntN(200))*time.Millisecond, func() {
		p.ongoing = false
		for _, key := range slices.Clone(p.keys) {
			r := p.readers[key]
			if r == nil || !r.moved || r.stopping {
				continue
			}
			now := r.now
			r.moved, r.now = false, false
			if cp := r.checkpoint(); cp != "" {
				p.step(coord.Progress{Key: r.key, Epoch: r.epoch, Checkpoint: cp, Load: -1, Now: now})
			}
		}
	})
}
