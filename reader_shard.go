package kin

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/internal/fetch"
	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/internal/topology"
)

// readerShard is what a Reader knows of a shard. It outlives the loop.
//
// All fields but id are guarded by Reader.mu. Those above the line are written only by
// the goroutine that ranges, which may therefore read them without.
type readerShard struct {
	id       ShardID
	found    bool // a listing or the end of a parent told of it: parents and keys are set
	parents  []ShardID
	keys     hashkey.Range
	position Position // before page
	atTip    bool     // position is LATEST, as this loop found it and has not asked for yet
	page     *page    // being yielded

	records, bytes  int64
	bad, outOfRange int64
	// ----
	reading  bool
	lag      time.Duration // -1: not known
	failures int
	err      error
	missed   int // how often in a row the service said that it does not exist
}

// current returns how far the shard has been read.
func (s *readerShard) current() Position {
	if s.page != nil {
		return s.page.position(s.position)
	}
	return s.position
}

func (s *readerShard) status() ShardStatus {
	status := ShardStatus{
		Shard: s.id, Parents: slices.Clone(s.parents), Position: s.current(), Lag: s.lag,
		Records: s.records, Bytes: s.bytes, Bad: s.bad, OutOfRange: s.outOfRange,
		Failures: s.failures, Err: s.err,
	}
	switch {
	case s.reading:
		status.State = ShardReading
	case s.position.kind == shardEnd:
		status.State = ShardFinished
	}
	return status
}

func (r *Reader) info(s *readerShard) ShardInfo {
	return ShardInfo{Stream: r.cfg.Stream, Shard: s.id, Parents: slices.Clone(s.parents), Position: s.position}
}

// unpacking returns how the records of a shard become user records, from its position on.
func (r *Reader) unpacking(s *readerShard) *unpacking {
	return &unpacking{
		stream: r.cfg.Stream, shard: s.id, skip: skipFor(s.position),
		unpack: r.cfg.WhenAggregated == UnpackAggregates, drop: r.cfg.WhenOutOfRange == DropOutOfRange,
		decode: r.cfg.Decode, badRecord: r.cfg.Hooks.BadRecord, outOfRange: r.cfg.Hooks.OutOfRange,
	}
}

// register notes what a listing, or the end of a parent, says about a shard. start is
// where the shard begins if it is new; atTip says that this is LATEST.
func (r *Reader) register(shard topology.Shard, start Position, atTip bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := ShardID(shard.ID)
	s := r.shards[id]
	if s == nil {
		s = &readerShard{id: id, position: start, atTip: atTip, lag: -1}
		r.shards[id] = s
	}
	// The end of a parent may tell less than a listing does.
	if !s.found || !s.keys.Valid() {
		s.keys = shard.Range
	}
	s.found = true
	if len(shard.Parents) <= len(s.parents) {
		return
	}
	s.parents = nil
	for _, parent := range shard.Parents {
		s.parents = append(s.parents, ShardID(parent))
		r.named[ShardID(parent)] = true
	}
}

// resolveLatest makes tip of the positions that are LATEST. Left as they are, they would
// jump over what is put until they are asked for again.
func (r *Reader) resolveLatest(tip Position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.shards {
		if s.position.kind == latest {
			s.position, s.atTip = tip, true
		}
	}
}

// setListed notes that a listing without holes was taken in.
func (r *Reader) setListed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.listed = true
}

// shard returns a shard, or nil.
func (r *Reader) shard(id string) *readerShard {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.shards[ShardID(id)]
}

// setPosition moves a shard that is not being yielded.
func (r *Reader) setPosition(s *readerShard, p Position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.position = p
}

// takeTip reports whether the shard may begin with an iterator of type LATEST. It
// may once: later LATEST is somewhere else.
func (r *Reader) takeTip(s *readerShard) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	atTip := s.atTip
	s.atTip = false
	return atTip
}

// setReading says whether a goroutine fetches the shard.
func (r *Reader) setReading(s *readerShard, reading bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.reading = reading
}

// noneReading notes the end of a loop.
func (r *Reader) noneReading() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.shards {
		s.reading, s.atTip = false, false
	}
}

// missed notes that the service said that a listed shard does not exist, and returns
// how often in a row it has.
func (r *Reader) missed(s *readerShard) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.missed++
	return s.missed
}

// enter makes p the page that is being yielded.
func (r *Reader) enter(p *page) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p.shard.page = p
}

// leave ends the yielding of p.
func (r *Reader) leave(p *page) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := p.shard
	s.position, s.page = p.position(s.position), nil
	s.records += p.yielded
	s.bytes += p.yieldedBytes
	s.bad += p.bad
	s.outOfRange += p.outOfRange
}

// answered notes an answer of GetRecords.
func (r *Reader) answered(s *readerShard, p fetch.Page) {
	r.mu.Lock()
	s.lag, s.failures, s.err, s.missed = p.Lag, 0, nil, 0
	r.mu.Unlock()
	if hook := r.cfg.Hooks.Fetched; hook != nil {
		hook(FetchInfo{Stream: r.cfg.Stream, Shard: s.id, Records: len(p.Records), Bytes: p.Held, Lag: p.Lag})
	}
}

// failed notes a call that failed and will be made again. s is nil for a listing.
func (r *Reader) failed(s *readerShard, f fetch.Failure) {
	info := retryInfo(r.cfg.Stream, "", f)
	if s != nil {
		info.Shard = s.id
		r.mu.Lock()
		s.failures, s.err = f.Attempt, f.Err
		r.mu.Unlock()
	}
	if hook := r.cfg.Hooks.Retrying; hook != nil {
		hook(info)
	}
	info.log(r.cfg.Logger, "reading")
}

// startOf returns p in the service's terms. Inside an aggregated record that is the
// record itself, of which the part that was read is skipped.
func startOf(p Position) fetch.Start {
	start := fetch.Start{Sequence: string(p.seq), Time: p.at}
	switch p.kind {
	case trimHorizon, noPosition, shardEnd:
		start.Type = types.ShardIteratorTypeTrimHorizon
	case latest:
		start.Type = types.ShardIteratorTypeLatest
	case atTimestamp:
		start.Type = types.ShardIteratorTypeAtTimestamp
	case atSequence, afterSubSequence:
		start.Type = types.ShardIteratorTypeAtSequenceNumber
	case afterSequence:
		start.Type = types.ShardIteratorTypeAfterSequenceNumber
	}
	return start
}

// rangeOf returns a range that is not valid if the text is none: then nothing is
// known, and nothing is out of it.
func rangeOf(r *types.HashKeyRange) hashkey.Range {
	if r == nil || r.StartingHashKey == nil || r.EndingHashKey == nil {
		return parseRange("", "")
	}
	return parseRange(*r.StartingHashKey, *r.EndingHashKey)
}

func parseRange(first, last string) hashkey.Range {
	start, err := hashkey.Parse(first)
	if err != nil {
		return hashkey.Range{Start: hashkey.Max()}
	}
	end, err := hashkey.Parse(last)
	if err != nil {
		return hashkey.Range{Start: hashkey.Max()}
	}
	return hashkey.Range{Start: start, End: end}
}

// cloneSequence returns s without the response that it aliases.
func cloneSequence(s *string) SequenceNumber { return SequenceNumber(strings.Clone(*s)) }
