package kin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/internal/fetch"
	"github.com/kinstream/kin/internal/hashkey"
	"github.com/kinstream/kin/internal/outbox"
)

// streamView is what a producer remembers of its looks at a stream.
type streamView struct {
	shards       *outbox.Map // nil: not known
	distribution outbox.Distribution
	described    time.Duration   // moment of the last description
	limit        int             // bytes of a record, as the stream says; 0: not known
	listing      error           // why the shards can't be listed, if they can't be
	describing   error           // why the stream can't be described, if it can't be
	failing      error           // why the last look found less than it could, if it did
	failures     int             // looks in a row of which that is true
	told         map[string]bool // operations of which the log has said that they are not allowed
}

// staleAfter is after how many times DescribeEvery without an answer it is no longer trusted that a stream
// chooses its shards by key: then nothing is aggregated.
const staleAfter = 5

// look asks for the shards of a stream and for its description, and tells the engine, which
// says when to ask again. There is one look at a stream at a time. What one of the two calls says counts
// also if the other one fails: then what was known before of that stays.
func (p *Producer) look(s *putStream) {
	returned := false
	defer func() {
		if !returned { // the client ended the goroutine (a test's FailNow)
			p.mu.Lock()
			s.box.Unlearned(p.now())
			p.looked(s)
			p.mu.Unlock()
			p.nudge()
		}
	}()
	p.mu.Lock()
	before := s.seen
	p.mu.Unlock()
	seen, view := p.view(s, &before)
	returned = true
	now, closed := p.now(), p.calls.Err() != nil
	p.mu.Lock()
	switch {
	case closed:
		s.box.Unlearned(now)
	case fetch.Code(seen.failing) == "ResourceNotFoundException":
		seen.shards, seen.distribution = nil, outbox.Unknown
		s.seen = seen
		s.box.Forget(now)
		s.box.Unlearned(now)
	default:
		s.seen = seen
		if view.MaxRecordBytes > 0 {
			s.limit.Store(int64(view.MaxRecordBytes))
		}
		s.box.Learn(view, now)
	}
	p.looked(s)
	p.mu.Unlock()
	p.nudge()
	if closed {
		return
	}
	if seen.failing != nil {
		p.logLook(s, seen.failures, seen.failing)
	}
	p.tellView(s, &before, &seen)
}

// looked makes room for another look. p.mu is held.
func (p *Producer) looked(s *putStream) {
	p.looking--
	p.mark(s)
}

// view lists the shards of a stream and describes it. What is not allowed, or not known to the
// endpoint, is left out; any other failure leaves what was known before.
func (p *Producer) view(s *putStream, before *streamView) (seen streamView, view outbox.View) {
	caller := fetch.Caller{Options: p.options, Timeout: p.cfg.CallTimeout}
	target := fetch.NewStream(s.name)
	seen = streamView{shards: before.shards, limit: before.limit, told: before.told}
	table, err := p.list(caller, target)
	switch {
	case err == nil:
		seen.shards, view.Map = table, table
	case isUnavailable(err):
		seen.listing = err
	default:
		seen.failing = err
	}
	summary, err := p.describe(caller, target)
	switch {
	case err == nil:
		seen.distribution, seen.described = distributionOf(summary), p.now()
		if kib := summary.MaxRecordSizeInKiB; kib != nil && *kib > 0 {
			seen.limit = int(*kib) << 10
		}
		view.MaxRecordBytes = p.cfg.recordLimit(seen.limit)
	case isUnavailable(err):
		seen.describing = err
		view.MaxRecordBytes = p.cfg.recordLimit(seen.limit)
	default:
		seen.failing = cmp.Or(seen.failing, err)
		if p.now()-before.described < staleAfter*p.cfg.DescribeEvery {
			seen.distribution, seen.described = before.distribution, before.described // and the limit stays as it is
		}
	}
	if seen.failing != nil {
		seen.failures = before.failures + 1
	}
	view.Distribution, view.Partial = seen.distribution, seen.failing != nil
	return seen, view
}

// Why a client can't be asked.
var (
	errNoLister    = errors.New("the client has no ListShards")
	errNoDescriber = errors.New("the client has no DescribeStreamSummary")
)

func (p *Producer) list(caller fetch.Caller, target fetch.Stream) (*outbox.Map, error) {
	if p.lister == nil {
		return nil, errNoLister
	}
	return listMap(p.calls, caller, p.lister, target)
}

func (p *Producer) describe(caller fetch.Caller, target fetch.Stream) (*types.StreamDescriptionSummary, error) {
	if p.describer == nil {
		return nil, errNoDescriber
	}
	return describeSummary(p.calls, caller, p.describer, target)
}

// recordLimit returns how large a record may be in a stream that takes that much; 0: nobody says.
func (cfg *ProducerConfig) recordLimit(stream int) int {
	if stream == 0 {
		stream = defaultMaxRecord
		if cfg.MaxRecordBytes > 0 {
			return cfg.MaxRecordBytes
		}
	}
	return min(stream, cfg.maxRecord(true))
}

// distributionOf says how a stream chooses shards. A service that says nothing about it knows only
// one way.
func distributionOf(summary *types.StreamDescriptionSummary) outbox.Distribution {
	switch summary.RecordDistributionStrategy {
	case types.RecordDistributionStrategyAuto:
		return outbox.Auto
	case types.RecordDistributionStrategyUserPartitionKey, "":
		return outbox.ByKey
	default:
		return outbox.Unknown
	}
}

// isUnavailable says whether a call can't be made by this caller, or at this endpoint: asking again
// soon would not help, and putting may work nevertheless.
func isUnavailable(err error) bool {
	if errors.Is(err, errNoLister) || errors.Is(err, errNoDescriber) {
		return true
	}
	code := fetch.Code(err)
	return strings.HasPrefix(code, "AccessDenied") || code == "UnknownOperationException"
}

// listMap lists all shards, also closed ones, in one attempt.
func listMap(ctx context.Context, caller fetch.Caller, client fetch.Lister, target fetch.Stream) (*outbox.Map, error) {
	in := &kinesis.ListShardsInput{StreamName: target.Name, StreamARN: target.ARN}
	var shards []outbox.Shard
	for {
		out, err := fetch.Call(ctx, caller, "ListShards", client.ListShards, in)
		if err != nil {
			return nil, err
		}
		for i := range out.Shards {
			shard, err := mapShard(&out.Shards[i])
			if err != nil {
				return nil, err
			}
			shards = append(shards, shard)
		}
		if out.NextToken == nil || *out.NextToken == "" {
			return outbox.NewMap(shards)
		}
		if in.NextToken != nil && *in.NextToken == *out.NextToken {
			return nil, errors.New("unusable answer of ListShards: the next token is the one that was used")
		}
		in = &kinesis.ListShardsInput{NextToken: out.NextToken}
	}
}

func mapShard(s *types.Shard) (outbox.Shard, error) {
	if s.ShardId == nil || *s.ShardId == "" || s.HashKeyRange == nil || s.HashKeyRange.StartingHashKey == nil || s.HashKeyRange.EndingHashKey == nil {
		return outbox.Shard{}, errors.New("unusable answer of ListShards: a shard has no ID or no range")
	}
	start, err1 := hashkey.Parse(*s.HashKeyRange.StartingHashKey)
	end, err2 := hashkey.Parse(*s.HashKeyRange.EndingHashKey)
	if err := errors.Join(err1, err2); err != nil {
		return outbox.Shard{}, fmt.Errorf("unusable answer of ListShards: range of %s: %w", *s.ShardId, err)
	}
	closed := s.SequenceNumberRange != nil && s.SequenceNumberRange.EndingSequenceNumber != nil
	return outbox.Shard{ID: strings.Clone(*s.ShardId), Range: hashkey.Range{Start: start, End: end}, Closed: closed}, nil
}

func describeSummary(ctx context.Context, caller fetch.Caller, client fetch.Describer, target fetch.Stream) (*types.StreamDescriptionSummary, error) {
	in := &kinesis.DescribeStreamSummaryInput{StreamName: target.Name, StreamARN: target.ARN}
	out, err := fetch.Call(ctx, caller, "DescribeStreamSummary", client.DescribeStreamSummary, in)
	if err != nil {
		return nil, err
	}
	if out.StreamDescriptionSummary == nil {
		return nil, errors.New("unusable answer of DescribeStreamSummary: it describes nothing")
	}
	return out.StreamDescriptionSummary, nil
}

// logLook tells of looks that fail, the first time not yet, and then less and less often.
func (p *Producer) logLook(s *putStream, failures int, err error) {
	if failures >= 2 && failures&(failures-1) == 0 {
		p.cfg.Logger.LogAttrs(p.calls, slog.LevelWarn, "look at shards: trying again",
			slog.String("stream", s.name), slog.Int("attempt", failures), slog.Any("err", err))
	}
}

// tellView tells hooks and the log what is new about a stream.
func (p *Producer) tellView(s *putStream, before, seen *streamView) {
	p.tellUnavailable(s, listAction, seen.listing)
	p.tellUnavailable(s, describeAction, seen.describing)
	if before.distribution != seen.distribution && seen.distribution == outbox.Auto && (p.cfg.Aggregation != NoAggregation || p.cfg.Ordered) {
		p.cfg.Logger.LogAttrs(p.calls, slog.LevelWarn, "the service chooses the shards of this stream: nothing is aggregated, and there is no order",
			slog.String("stream", s.name))
	}
	if p.cfg.Hooks.MapChanged == nil || sameView(before, seen) {
		return
	}
	p.cfg.Hooks.MapChanged(MapInfo{
		Stream: s.name, Shards: openShards(seen.shards), Auto: seen.distribution == outbox.Auto,
		Aggregating: p.aggregation(seen) != NoAggregation,
	})
}

// What looking at a stream needs, as policies name it.
const (
	listAction     = "kinesis:ListShards"
	describeAction = "kinesis:DescribeStreamSummary"
)

// tellUnavailable says once for each stream what is missing, and what helps.
func (p *Producer) tellUnavailable(s *putStream, action string, err error) {
	if err == nil {
		return
	}
	p.mu.Lock()
	told := s.seen.told[action]
	if !told {
		if s.seen.told == nil {
			s.seen.told = map[string]bool{}
		}
		s.seen.told[action] = true
	}
	p.mu.Unlock()
	if told {
		return
	}
	level := slog.LevelInfo // the rest works
	if p.cfg.Aggregation != NoAggregation {
		level = slog.LevelWarn
	}
	attrs := []slog.Attr{slog.String("stream", s.name), slog.Any("err", err)}
	if action == listAction {
		p.cfg.Logger.LogAttrs(p.calls, level, "shards are not known: allow "+listAction+" for pace and aggregation by shard", attrs...)
	} else {
		p.cfg.Logger.LogAttrs(p.calls, level, "how the stream chooses shards is not known: allow "+describeAction+" for aggregation", attrs...)
	}
}

// aggregation returns what is aggregated, given what is known of the stream.
func (p *Producer) aggregation(seen *streamView) Aggregation {
	if seen.distribution != outbox.ByKey || p.cfg.Aggregation == AggregateByShard && seen.shards == nil {
		return NoAggregation
	}
	return p.cfg.Aggregation
}

// sameView says whether two views have the same open shards, shared out in the same way.
func sameView(a, b *streamView) bool {
	if a.distribution != b.distribution || (a.shards == nil) != (b.shards == nil) {
		return false
	}
	if a.shards == nil || a.shards == b.shards {
		return true
	}
	if a.shards.Len() != b.shards.Len() {
		return false
	}
	for i := range a.shards.Len() {
		if a.shards.Open(i) != b.shards.Open(i) {
			return false
		}
	}
	return true
}

func openShards(m *outbox.Map) (ids []ShardID) {
	if m == nil {
		return nil
	}
	for i := range m.Len() {
		ids = append(ids, ShardID(m.Open(i).ID))
	}
	return ids
}
