package kin

import (
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/internal/fetch"
	"github.com/kinstream/kin/internal/topology"
)

// listed is the outcome of a listing.
type listed struct {
	fetch.Listing
	err error
}

// list begins a listing if none is running.
func (u *readerRun) list() {
	if u.listing {
		return
	}
	u.listing, u.listedAt = true, time.Now()
	u.listings++
	r := u.r
	cfg := fetch.ListConfig{
		Client: r.client, Caller: r.caller, Stream: r.stream, Filter: u.filter(), Backoff: fetch.Backoff(),
		OnFailed: func(f fetch.Failure) { r.failed(nil, f) },
	}
	if u.listings == 1 {
		cfg.First = true
		cfg.GiveUpAfter = max(r.cfg.StartTimeout, 0)
	}
	// Ends when the listing is complete or has failed, or with u.ctx; u.stop waits for it.
	u.work.Go(func() {
		listing, err := fetch.List(u.ctx, cfg)
		select {
		case u.lists <- listed{listing, err}:
		case <-u.ctx.Done():
		}
	})
}

// filterMargin is how much longer than needed a shard is listed, because the arrival
// times of records are approximate, and the end of a shard is another clock's time.
const filterMargin = time.Minute

// filter is the filter of all listings of a loop. Shards that ended before the time
// at which reading begins have nothing to give, and asking each of them, one generation
// after the other, takes long on a stream that is often resharded. Positions may name
// such shards; then all are listed.
func (u *readerRun) filter() *types.ShardFilter {
	if u.r.cfg.From.kind != atTimestamp || u.resumed || u.r.cfg.Shard != "" {
		return nil
	}
	return &types.ShardFilter{
		Type:      types.ShardFilterTypeFromTimestamp,
		Timestamp: new(u.r.cfg.From.at.Add(-filterMargin)),
	}
}

// listSoon makes the next listing begin as soon as relistAtFirst after the last one began.
func (u *readerRun) listSoon() {
	u.relistGap = relistAtFirst
	u.relist.Reset(max(0, relistAtFirst-time.Since(u.listedAt)))
}

// schedule sets when the next listing begins: soon while shards are known to be missing,
// and less and less often, because waiting for one that never comes must not cost more
// and more.
func (u *readerRun) schedule() {
	switch {
	case len(u.suspects) > 0 || u.missing():
		u.relist.Reset(u.relistGap)
		u.relistGap = min(u.relistGap+u.relistGap/2, u.r.cfg.ListEvery)
	case u.r.cfg.Shard == "":
		u.relistGap = relistAtFirst
		u.relist.Reset(u.r.cfg.ListEvery)
	}
}

// tooEarly says whether a listing is not to be taken in, because reading is resumed and it shows
// that it lacks shards. What the stream has made since the positions were kept is
// recognised by its parents, one by one: where one is missing, those after it look as if
// they had nothing to do with the positions, and would begin at ReaderConfig.From.
func (u *readerRun) tooEarly(shards []topology.Shard) bool {
	if !u.resumed || u.began || !topology.Incomplete(shards) {
		return false
	}
	u.lacking = u.lacking.Again(u.madeAt())
	return !u.lacking.Proves(u.madeAt())
}

// madeAt is when the last listing was begun.
func (u *readerRun) madeAt() time.Duration { return u.listedAt.Sub(u.startedAt) }

// listedAll takes a listing in.
func (u *readerRun) listedAll(l listed) error {
	u.listing = false
	if l.err != nil {
		return u.r.shardError("", l.err)
	}
	shards := make([]topology.Shard, 0, len(l.Shards))
	for _, s := range l.Shards {
		if u.r.cfg.Shard == "" || string(u.r.cfg.Shard) == *s.ShardId {
			shards = append(shards, shardOf(s))
		}
	}
	if u.r.cfg.Shard != "" {
		if len(shards) == 0 {
			return u.noSuchShard(l.Shards)
		}
		shards[0].Parents = nil // nobody waits for them
	}
	if u.listings == 1 {
		u.resolve(l.Listing)
	}
	if u.tooEarly(shards) {
		u.schedule()
		return nil
	}
	first := !u.began
	u.began = true
	if first {
		u.resumeAncestors(shards)
	}
	u.graph.List(u.madeAt(), shards)
	for _, s := range shards {
		u.register(s)
	}
	if !u.missing() {
		u.r.setListed()
	}
	if first {
		u.reportUnlisted()
	}
	u.clearSuspects(shards)
	u.schedule()
	return nil
}

// resolve fixes what the tip of the stream is, by the clock of the service: the
// answer's date is in whole seconds, so the answer was given up to a second later.
//
// If the answer has no date, the tip is a time of our own clock. That may be wrong, but
// asking for LATEST twice would jump over records in any case.
func (u *readerRun) resolve(l fetch.Listing) {
	at := l.Server
	if at.IsZero() {
		at = l.Local
	}
	tip := AtTimestamp(at)
	u.fresh = l.Local.Add(time.Second)
	if u.from.kind == latest {
		u.from = tip
	}
	u.r.resolveLatest(tip)
	if u.r.cfg.Until.kind == stopAtTip && !l.Server.IsZero() {
		u.limit = l.Server.Add(tipSlack)
	}
}

// tipSlack is how much later than the listing a record may have arrived and still be of
// what was there when reading began: the listing's date is in whole seconds, and
// arrival times are approximate, on some servers whole seconds too. The limit is there
// so that reading ends while others go on putting, so it may be late but never early.
const tipSlack = 3 * time.Second

// resumeAncestors tells the graph which shards without a position count as read: the
// ancestors of shards that have one, because children are read after their parents.
//
// Those that descend from a shard with a position are something else. They were made after
// the positions were kept, and their child is named only because the end of its other
// parent told of it. They are to be read.
func (u *readerRun) resumeAncestors(shards []topology.Shard) {
	if !u.resumed {
		return
	}
	parents := make(map[string][]string, len(shards))
	for _, s := range shards {
		parents[s.ID] = s.Parents
	}
	made := make(map[string]bool, len(shards)) // whether a shard descends from one with a position
	var descends func(id string) bool
	descends = func(id string) bool {
		answer, asked := made[id]
		if !asked {
			made[id] = false // ends a circle of parents, which no service makes
			answer = slices.ContainsFunc(parents[id], func(p string) bool { return u.r.shard(p) != nil || descends(p) })
			made[id] = answer
		}
		return answer
	}
	seen := make(map[string]bool)
	var queue []string
	for id := range u.r.Positions() {
		queue = append(queue, parents[string(id)]...)
	}
	for len(queue) > 0 {
		id := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		above, listed := parents[id]
		if !listed || seen[id] || u.r.shard(id) != nil {
			continue
		}
		seen[id] = true
		if !descends(id) {
			u.graph.Resume(id, true)
		}
		queue = append(queue, above...)
	}
}

// register notes a shard and where it begins if it is new.
func (u *readerRun) register(shard topology.Shard) {
	start, atTip := u.from, u.r.cfg.From.kind == latest
	switch {
	case u.graph.State(shard.ID) == topology.Done:
		start, atTip = ShardEnd(), false
	case u.graph.Late(shard.ID):
		start, atTip = TrimHorizon(), false
	}
	u.r.register(shard, start, atTip)
}

// reportUnlisted tells of shards that have a position but are not listed.
func (u *readerRun) reportUnlisted() {
	for id, position := range u.r.Positions() {
		if position.kind != shardEnd && u.graph.State(string(id)) == topology.Unknown {
			u.tellGone(u.r.shard(string(id)))
		}
	}
}

// clearSuspects decides about shards that could not be found when they were read: those
// that are listed are read again, and the others have been trimmed when that is proved.
func (u *readerRun) clearSuspects(shards []topology.Shard) {
	for id, suspect := range u.suspects {
		if u.listings < suspect.listing {
			continue // it was begun before the shard was missed
		}
		s := u.r.shard(id)
		if i := slices.IndexFunc(shards, func(l topology.Shard) bool { return l.ID == id }); i >= 0 {
			delete(u.suspects, id)
			u.start(s, shards[i].Closed)
			continue
		}
		suspect.absent = suspect.absent.Again(u.madeAt())
		if u.suspects[id] = suspect; !suspect.absent.Proves(u.madeAt()) {
			continue
		}
		delete(u.suspects, id)
		u.tellGone(s)
		u.r.setPosition(s, ShardEnd())
		u.graph.Finish(id)
	}
}

// tellGone tells of a shard whose unread records are lost.
func (u *readerRun) tellGone(s *readerShard) {
	info := u.r.info(s)
	if hook := u.r.cfg.Hooks.ShardGone; hook != nil {
		hook(info)
	}
	u.r.cfg.Logger.Warn("reading: the stream does not have the shard any more", "stream", info.Stream,
		"shard", string(info.Shard), "position", info.Position.String())
}

// noSuchShard is the error of a Reader whose only shard is not listed.
func (u *readerRun) noSuchShard(shards []types.Shard) error {
	e := &ShardError{Op: "ListShards", Stream: u.r.cfg.Stream, Shard: u.r.cfg.Shard, Err: ErrShardNotFound}
	switch n := len(shards); n {
	case 0:
	case 1:
		e.Hint = "the stream has only " + *shards[0].ShardId
	default:
		e.Hint = fmt.Sprintf("the stream has %d shards, %s to %s", n, *shards[0].ShardId, *shards[n-1].ShardId)
	}
	return e
}
