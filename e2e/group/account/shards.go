package account

import (
	"cmp"
	"maps"
	"slices"

	"github.com/kinstream/kin/e2e/group/trace"
)

// byShard returns the batches of each shard in the order in which they began.
func (a *accountant) byShard() map[Shard][]*batch {
	all := map[Shard][]*batch{}
	for _, b := range a.batches {
		all[b.shard] = append(all[b.shard], b)
	}
	return all
}

// shards returns the shards that batches or puts name, in order.
func (a *accountant) shards() []Shard {
	all := map[Shard]bool{}
	for s := range a.puts {
		all[s] = true
	}
	for _, b := range a.batches {
		all[b.shard] = true
	}
	return slices.SortedFunc(maps.Keys(all), func(x, y Shard) int {
		return cmp.Or(cmp.Compare(x.Stream, y.Stream), cmp.Compare(x.ID, y.ID))
	})
}

// checkShards looks at each shard on its own: order within an epoch, one worker for an
// epoch, nothing by a former owner; and how far back each new owner began.
func (a *accountant) checkShards() {
	byShard := a.byShard()
	for _, shard := range a.shards() {
		newest := int64(-1)
		owners := map[int64]string{}
		last := map[string]*batch{} // by epoch, and by key if order is only by key
		for _, b := range byShard[shard] {
			if owner, known := owners[b.epoch]; known && owner != b.worker {
				a.violatef(b.begin, "zombie: %s and %s both deliver %s under epoch %d", owner, b.worker, shard, b.epoch)
			}
			owners[b.epoch] = b.worker
			if b.epoch < newest {
				a.violatef(b.begin, "zombie: %s began a batch of %s under epoch %d, after epoch %d had begun (cancelled already: %t)",
					b.worker, shard, b.epoch, newest, b.late)
			}
			newest = max(newest, b.epoch)
			a.checkBatch(b, last)
		}
		a.replays(shard, byShard[shard])
	}
}

// checkBatch checks the order of records of b, and after the batch before it in its epoch. A
// repeated attempt may begin again where the attempt before it began.
func (a *accountant) checkBatch(b *batch, last map[string]*batch) {
	lane := func(r trace.Record) string {
		if a.in.ByKey {
			return b.worker + " " + r.Key
		}
		return b.worker
	}
	latest := map[string]trace.Record{} // by lane, the record before
	for _, r := range b.records {
		l := lane(r)
		before, found := latest[l]
		if !found {
			if prior := last[l]; prior != nil && prior.epoch == b.epoch {
				before, found = lastOf(prior, lane, l), true
				if b.attempt > 1 && r.Compare(prior.records[0]) >= 0 {
					found = false
				}
			}
		}
		if found && r.Compare(before) <= 0 {
			a.violatef(b.begin, "disorder: %s (epoch %d) gave %s/%d of %s after %s/%d", b.worker, b.epoch, r.Seq, r.Sub, b.shard, before.Seq, before.Sub)
		}
		latest[l] = r
	}
	for l := range latest {
		last[l] = b
	}
}

// lastOf returns the last record of a batch in a lane.
func lastOf(b *batch, lane func(trace.Record) string, l string) trace.Record {
	for _, r := range slices.Backward(b.records) {
		if lane(r) == l {
			return r
		}
	}
	return trace.Record{}
}

// replays notes for each epoch what others had delivered before.
func (a *accountant) replays(shard Shard, batches []*batch) {
	byEpoch := map[int64]*Replay{}
	oldest := map[int64]trace.Time{}
	for _, b := range batches {
		for _, r := range b.records {
			p := a.byPlace[place{shard, r.Seq, r.Sub}]
			if p == nil || p.begun >= b.begin || p.epoch == b.epoch {
				continue
			}
			replay := byEpoch[b.epoch]
			if replay == nil {
				replay = &Replay{Shard: shard, At: b.begin, Worker: b.worker, Epoch: b.epoch}
				byEpoch[b.epoch], oldest[b.epoch] = replay, p.begun
			}
			replay.Records++
			if p.done != 0 && p.done <= b.begin {
				replay.Done++
			}
			oldest[b.epoch] = min(oldest[b.epoch], p.begun)
			replay.Window = max(replay.Window, p.begun.Sub(oldest[b.epoch]))
		}
	}
	for _, epoch := range slices.Sorted(maps.Keys(byEpoch)) {
		a.Replays = append(a.Replays, *byEpoch[epoch])
	}
}

// checkCalls says whether a former owner's checkpoint was accepted: one that was asked for after
// the next owner had begun.
func (a *accountant) checkCalls() {
	begun := map[Shard]map[int64]trace.Time{} // by epoch, its first beginning
	for _, b := range a.batches {
		if begun[b.shard] == nil {
			begun[b.shard] = map[int64]trace.Time{}
		}
		if _, known := begun[b.shard][b.epoch]; !known {
			begun[b.shard][b.epoch] = b.begin
		}
	}
	for _, log := range a.in.Logs {
		for _, e := range log {
			if e.Kind != trace.Checkpoint || e.Err != "" {
				continue
			}
			shard := Shard{e.Stream, e.Shard}
			for epoch, at := range begun[shard] {
				if epoch > e.Epoch && at < e.Asked {
					a.violatef(e.At, "not refused: %s had a checkpoint of %s accepted under epoch %d, asked for at %s, when epoch %d had begun",
						e.Worker, shard, e.Epoch, e.Asked, epoch)
				}
			}
		}
	}
}
