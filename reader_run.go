package kin

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/internal/fetch"
	"github.com/kinstream/kin/internal/topology"
)

// readerRun is one loop over a Reader. All its fields belong to the goroutine that
// ranges; the goroutines that it starts get what they need, and answer by channel.
//
//	        list --- listing ---+
//	                            v
//	readShard --- page ---> loop: which shards may be read -> start them
//	readShard --- page --->       page -> yield -> shard ended? -> its children
//
// The channels have no buffer. So a shard holds at most one fetched page that waits
// for its turn, and senders are served in the order in which they came.
type readerRun struct {
	r    *Reader
	ctx  context.Context
	end  context.CancelFunc
	work sync.WaitGroup // everything that was started; ended by ctx

	pages  chan *page
	lists  chan listed
	budget *fetch.Budget

	graph   *topology.Graph
	resumed bool      // positions were known when the loop began
	from    Position  // ReaderConfig.From, resolved
	fresh   time.Time // until then LATEST may be asked for: see fetch.Config.LatestUntil
	limit   time.Time // records from then on are not read; zero: all are
	active  int       // shards that are being fetched

	startedAt time.Time
	began     bool               // a listing was taken in
	lacking   topology.Absence   // of shards, in those that were not
	listings  int                // begun so far
	listing   bool               // one is running
	listedAt  time.Time          // when the last one was begun
	relist    *time.Timer        // when to begin the next
	relistGap time.Duration      // while shards are missing
	suspects  map[string]suspect // shards that the service says don't exist
}

// suspect is a shard that may have been trimmed.
type suspect struct {
	listing int              // the listing that shows it at the earliest
	absent  topology.Absence // from listings since then
}

// relistAtFirst is how soon the shards are listed again while some are missing. It
// grows by half each time, up to ReaderConfig.ListEvery.
const relistAtFirst = time.Second

func newReaderRun(ctx context.Context, r *Reader) *readerRun {
	u := &readerRun{
		r:         r,
		pages:     make(chan *page),
		lists:     make(chan listed),
		budget:    fetch.NewBudget(r.cfg.MaxBufferedBytes),
		from:      r.cfg.From,
		relist:    time.NewTimer(0),
		relistGap: relistAtFirst,
		startedAt: time.Now(),
		suspects:  make(map[string]suspect),
	}
	u.ctx, u.end = context.WithCancel(ctx)
	start := topology.AtHorizon
	if u.from.kind == latest {
		start = topology.AtTip
	}
	u.graph = topology.New(start)
	for id, p := range r.Positions() {
		u.resumed = true
		u.graph.Resume(string(id), p.kind == shardEnd)
	}
	if r.cfg.Until.kind == stopAtTime {
		u.limit = r.cfg.Until.at
	}
	return u
}

// stop ends everything that was started, and waits for it.
func (u *readerRun) stop() {
	u.end()
	u.relist.Stop()
	u.work.Wait()
	u.r.noneReading()
}

// loop reads until there is nothing more to read, until the context ends, or until
// yield returns false.
func (u *readerRun) loop(yield func(Record, error) bool) error {
	for {
		// Asked first: select takes any of several that are ready.
		if u.ctx.Err() != nil {
			return fmt.Errorf("kin: reading %s ended: %w", u.r.cfg.Stream, context.Cause(u.ctx))
		}
		select {
		case p := <-u.pages:
			if p.err != nil {
				if err := u.broken(p); err != nil {
					return err
				}
				break
			}
			if !u.deliver(p, yield) {
				return nil
			}
			if !p.last() || !p.complete() {
				continue // the shards are as they were, or the context has ended
			}
			u.finished(p)
		case l := <-u.lists:
			if err := u.listedAll(l); err != nil {
				return err
			}
		case <-u.relist.C:
			u.list()
			continue
		case <-u.ctx.Done():
			continue
		}
		u.startReady()
		if u.complete() {
			return nil
		}
	}
}

// deliver runs the loop body for the records of a page, all of them unless the context
// ends. It reports whether to go on.
func (u *readerRun) deliver(p *page, yield func(Record, error) bool) bool {
	u.r.enter(p)
	defer u.r.leave(p) // also if the loop body panics
	defer u.budget.Give(p.held)
	return p.yield(u.ctx, yield)
}

// startReady starts the shards that may be read now.
func (u *readerRun) startReady() {
	for _, shard := range u.graph.Ready() {
		u.graph.Begin(shard.ID)
		u.start(u.r.shard(shard.ID), shard.Closed)
	}
}

// start begins to fetch a shard from its position. closed says that it takes no more
// records.
func (u *readerRun) start(s *readerShard, closed bool) {
	r := u.r
	cfg := fetch.Config{
		Client: r.client, Caller: r.caller, Stream: r.stream, ID: string(s.id),
		Start: startOf(s.position), Limit: int32(r.cfg.MaxRecords),
		Pace: r.cfg.pace(), Backoff: fetch.Backoff(), Budget: u.budget,
		OnFailed:    func(f fetch.Failure) { r.failed(s, f) },
		GiveUpAfter: max(r.cfg.GiveUpAfter, 0),
	}
	if r.takeTip(s) {
		cfg.LatestUntil = u.fresh
	}
	r.setReading(s, true)
	if hook := r.cfg.Hooks.ShardStarted; hook != nil {
		hook(r.info(s))
	}
	u.active++
	common := pageOf{reader: r, shard: s, closed: closed, unpacking: r.unpacking(s)}
	// Ends with the shard, after an error, or with u.ctx; u.stop waits for it.
	u.work.Go(func() { u.readShard(fetch.NewShard(cfg), common) })
}

// readShard fetches the pages of a shard and sends those that have something to tell.
// What all pages have in common is given.
func (u *readerRun) readShard(shard *fetch.Shard, common pageOf) {
	for {
		answer, err := shard.Next(u.ctx)
		if u.ctx.Err() != nil {
			return
		}
		p := &page{pageOf: common, err: err}
		if err == nil {
			u.r.answered(p.shard, answer)
			p.records, p.held, p.ended, p.children = answer.Records, answer.Held, answer.Ended, answer.Children
			p.cut(u.r.cfg.Until, u.limit, answer)
			if len(p.records) == 0 && !p.last() {
				u.budget.Give(p.held)
				continue
			}
		}
		select {
		case u.pages <- p:
		case <-u.ctx.Done():
			return
		}
		if p.last() {
			return
		}
	}
}

// finished notes that a shard is not fetched any further because it has ended, or has
// reached the point where reading is to stop.
func (u *readerRun) finished(p *page) {
	s := p.shard
	u.active--
	u.r.setReading(s, false)
	if p.stopped {
		return // its children stay blocked: all they hold came later
	}
	if u.r.cfg.Shard == "" {
		u.children(p.children)
	}
	u.graph.Finish(string(s.id))
	if hook := u.r.cfg.Hooks.ShardEnded; hook != nil {
		hook(u.r.info(s))
	}
}

// children takes in what the end of a shard says about its children. Some servers say
// nothing, and of a merge one parent may be news: then a listing tells.
func (u *readerRun) children(shards []types.ChildShard) {
	children := make([]topology.Shard, 0, len(shards))
	unclear := len(shards) == 0
	for _, s := range shards {
		if s.ShardId != nil && *s.ShardId != "" {
			children = append(children, childOf(s))
		}
	}
	u.graph.Children(children)
	for _, child := range children {
		u.register(child)
	}
	if unclear || u.missing() {
		u.listSoon()
	}
}

// broken decides what follows when a shard could not be read any further.
func (u *readerRun) broken(p *page) error {
	u.active--
	u.r.setReading(p.shard, false)
	f, ok := errors.AsType[*fetch.Error](p.err)
	const patience = 5 // the stream lists the shard, but reading says that it does not exist
	if !ok || f.Class != fetch.NotFound || u.r.missed(p.shard) > patience {
		return u.r.shardError(p.shard.id, p.err)
	}
	// The shard was trimmed, or the whole stream is gone: a listing tells.
	u.suspects[string(p.shard.id)] = suspect{listing: u.listings + 1}
	u.listSoon()
	return nil
}

// complete says whether there is nothing left to read, now or later.
func (u *readerRun) complete() bool {
	return u.active == 0 && len(u.suspects) == 0 && len(u.graph.Ready()) == 0 && !u.missing()
}

// missing says whether there must be shards that are not known.
func (u *readerRun) missing() bool {
	if u.r.cfg.Shard != "" {
		return u.graph.State(string(u.r.cfg.Shard)) == topology.Unknown
	}
	if len(u.graph.Missing()) > 0 {
		return true
	}
	holes, _ := u.graph.Coverage()
	return len(holes) > 0
}
