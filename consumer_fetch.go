package kin

import (
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/internal/fetch"
	"github.com/kinstream/kin/internal/retry"
	"github.com/kinstream/kin/internal/topology"
)

// consumedPage is an answer of GetRecords on its way to the handler.
type consumedPage struct {
	records  []types.Record
	held     *heldPage
	lag      time.Duration
	ended    bool // there will be no more
	gone     bool // because the stream has trimmed the shard
	children []topology.Shard
}

// fetch sends the pages of the shard that have something to tell, until it has ended or reading
// ends. Failures hold up this shard only, and for as long as they last. If they are this worker's
// alone, its shards go to others: see serving.
func (s *shardRun) fetch(from Position, pages chan<- *consumedPage) {
	shard := fetch.NewShard(s.fetchConfig(from))
	obstacle := obstacle{backoff: retry.Backoff{Base: time.Second, Max: 30 * time.Second}, since: time.Now()}
	for {
		page, err := shard.Next(s.reading)
		switch {
		case s.reading.Err() != nil:
			s.giveBack(page)
			return
		case err == nil:
			obstacle.failures, obstacle.absent = 0, topology.Absence{}
			s.answered(page)
			if ended := s.send(page, pages); ended {
				return
			}
		case s.gone(err, &obstacle):
			s.pass(&consumedPage{held: &heldPage{left: 1}, lag: -1, ended: true, gone: true}, pages)
			return
		default:
			s.obstructed(err, &obstacle)
		}
	}
}

// obstacle is what package fetch could not overcome by itself.
type obstacle struct {
	backoff  retry.Backoff
	failures int // in a row
	since    time.Time
	absent   topology.Absence // of the shard, from listings
}

// obstructed tells of an error, and waits before the next attempt. Most such failures are cured
// by somebody who then looks whether it works.
func (s *shardRun) obstructed(err error, o *obstacle) {
	o.failures++
	f := fetch.Failure{Op: "GetRecords", Err: err, Attempt: o.failures, Wait: o.backoff.Delay(o.failures)}
	if e, ok := errors.AsType[*fetch.Error](err); ok {
		f.Op, f.Class = e.Op, e.Class
	}
	f.Err = newShardError(s.stream.name, s.id, err)
	s.callFailed(f)
	_ = fetch.Sleep(s.reading, f.Wait) // the next call notices the end of the reading
}

// gone says whether the shard can't be read because the stream does not have it any more.
// Listings lag behind, so one does not prove it.
func (s *shardRun) gone(err error, o *obstacle) bool {
	if e, ok := errors.AsType[*fetch.Error](err); !ok || e.Class != fetch.NotFound {
		return false
	}
	now := time.Since(o.since)
	switch listed, err := s.stream.lists(s.reading, s.id); {
	case err != nil:
		return false // the whole stream may be gone: what GetRecords said stands
	case listed:
		o.absent = topology.Absence{}
	default:
		o.absent = o.absent.Again(now)
	}
	return o.absent.Proves(now)
}

func (s *shardRun) fetchConfig(from Position) fetch.Config {
	c := s.run.c
	return fetch.Config{
		Client: clockedClient{c.client, s}, Caller: c.caller, Stream: s.stream.call, ID: string(s.id),
		Start: startOf(from), Limit: int32(c.reading.MaxRecords),
		Pace: c.reading.pace(), Backoff: fetch.Backoff(), Budget: s.run.budget,
		OnFailed: s.callFailed, Patience: stillness,
	}
}

// stillness is how long all memory may be held by shards that don't get on until the others read
// small pages beyond the bound: long enough for handlers that are only slow.
const stillness = 2 * time.Second

// send passes a page on that has something to tell, and reports whether it was the last.
func (s *shardRun) send(page fetch.Page, pages chan<- *consumedPage) bool {
	if len(page.Records) == 0 && !page.Ended {
		s.giveBack(page)
		return false
	}
	p := &consumedPage{
		records: page.Records, held: newHeldPage(page), lag: page.Lag, ended: page.Ended,
	}
	for _, child := range page.Children {
		if child.ShardId != nil && *child.ShardId != "" {
			p.children = append(p.children, childOf(child))
		}
	}
	s.mu.Lock()
	s.held.add(p.held)
	s.mu.Unlock()
	s.pass(p, pages)
	return p.ended
}

// pass hands a page to main, or drops it: what it holds is given back when the shard is settled.
func (s *shardRun) pass(p *consumedPage, pages chan<- *consumedPage) {
	select {
	case pages <- p:
	case <-s.reading.Done():
	}
}

func (s *shardRun) giveBack(page fetch.Page) { s.run.give(newHeldPage(page)) }

func newHeldPage(page fetch.Page) *heldPage {
	return &heldPage{bytes: page.Held, forced: page.Forced, left: 1}
}

// answered notes an answer of GetRecords.
func (s *shardRun) answered(page fetch.Page) {
	s.mu.Lock()
	st := &s.status
	st.lag, st.failures, st.err = page.Lag, 0, nil
	st.fetched += int64(page.Held)
	s.mu.Unlock()
	s.run.heard(nil)
	c := s.run.c
	callHook(c, "Fetched", c.cfg.Hooks.Fetched, FetchInfo{
		Stream: s.stream.name, Shard: s.id, Records: len(page.Records), Bytes: page.Held, Lag: page.Lag,
	})
}

// callFailed notes a call of Kinesis that failed and will be made again.
func (s *shardRun) callFailed(f fetch.Failure) {
	s.run.heard(f.Err)
	s.failed(f)
}

// failed notes what failed and will be tried again.
func (s *shardRun) failed(f fetch.Failure) {
	s.mu.Lock()
	st := &s.status
	if st.failures == 0 {
		st.failing = time.Now()
	}
	st.failures, st.err = f.Attempt, f.Err
	s.mu.Unlock()
	s.run.c.retrying(retryInfo(s.stream.name, s.id, f))
}
