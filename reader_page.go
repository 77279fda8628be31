package kin

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/internal/fetch"
)

// page is an answer of GetRecords on its way to the loop, or the error that ended
// the reading of a shard.
type page struct {
	pageOf

	records  []types.Record
	held     int   // of the budget
	ended    bool  // the shard has ended
	stopped  bool  // the shard has reached ReaderConfig.Until
	err      error // a *fetch.Error; nothing else is set then
	children []types.ChildShard

	// done is how many records have been finished, times 2^32, plus how many user
	// records of the next one: the index of the last, plus 1. Written by the loop after
	// each body, read by Positions at any time: one store per record is all that
	// exact positions cost.
	done atomic.Uint64

	// Counted by the loop, read after it.
	yielded, yieldedBytes int64
	bad, outOfRange       int64
}

// pageOf is what all pages of a shard have in common.
type pageOf struct {
	reader *Reader
	shard  *readerShard
	closed bool // the shard took no more records when it was begun

	unpacking *unpacking // used by the loop only
}

// last says whether the shard is not fetched any further.
func (p *page) last() bool { return p.ended || p.stopped || p.err != nil }

// position returns how far the page has been read, given where it began.
func (p *page) position(before Position) Position {
	done := p.done.Load()
	records, users := int(done>>32), int(done&(1<<32-1))
	switch {
	case users > 0:
		return AfterSubSequence(cloneSequence(p.records[records].SequenceNumber), users-1)
	case records == len(p.records) && p.ended:
		return ShardEnd()
	case records > 0:
		return AfterSequence(cloneSequence(p.records[records-1].SequenceNumber))
	default:
		return before
	}
}

// complete says whether the loop body has finished all records.
func (p *page) complete() bool { return int(p.done.Load()>>32) == len(p.records) }

// yield runs the loop body for each user record until ctx ends, and reports whether to go on.
func (p *page) yield(ctx context.Context, yield func(Record, error) bool) bool {
	rec := Record{ShardID: p.shard.id}
	var left bool // by the loop body
	var d defects
	defer func() { p.bad, p.outOfRange = d.bad, d.outOfRange }() // also if the loop body panics
	var i int
	body := func(rec *Record) bool {
		if ctx.Err() != nil {
			return false
		}
		if left = !yield(*rec, nil); left {
			return false
		}
		p.yielded++
		p.yieldedBytes += int64(len(rec.Data) + len(rec.PartitionKey))
		if rec.Aggregated {
			p.done.Store(uint64(i)<<32 | uint64(rec.SubSequence+1))
		}
		return true
	}
	p.unpacking.keys = p.shard.keys
	for i = range p.records {
		if ctx.Err() != nil {
			return true
		}
		if !p.unpacking.each(&p.records[i], &rec, &d, body) {
			return !left
		}
		p.done.Store(uint64(i+1) << 32)
	}
	return true
}

// cut ends a page where the reading of its shard ends, if it does.
//
// A shard stops before its first record from limit on, even if an earlier one follows:
// AT_TIMESTAMP begins at the same record, so nothing falls between two runs. Without
// such a record it stops when nothing that was there before limit can still come: when
// an answer is empty at the tip (one that is not may have been cut, and some servers say a lag of
// 0 always), or when the position has passed the limit by more than the second or less
// that a record takes to become visible. A closed shard has no tip: after an empty
// answer there may still be its end, and the way to its children.
func (p *page) cut(until Stop, limit time.Time, from fetch.Page) {
	if until.kind == stopNever {
		return
	}
	if !limit.IsZero() {
		for i := range p.records {
			if at := p.records[i].ApproximateArrivalTimestamp; at != nil && !at.Before(limit) {
				p.records, p.stopped, p.ended = p.records[:i], true, false
				return
			}
		}
	}
	atTip := from.AtTip && len(p.records) == 0 && !p.closed
	if until.kind == stopAtTip {
		p.stopped = atTip && !p.ended
		return
	}
	passed := !from.Server.IsZero() && from.Lag >= 0 && !from.Server.Add(-from.Lag).Before(limit.Add(time.Second))
	p.stopped = passed && !p.ended && (atTip || from.Lag > 0)
}
