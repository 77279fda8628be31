package kin

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/internal/coord"
	"github.com/kinstream/kin/internal/fetch"
	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/lease"
)

// consumedStream is a stream of a consumer.
type consumedStream struct {
	c       *Consumer
	name    string // as configured
	arn     string
	created time.Time    // zero if the service did not say
	call    fetch.Stream // as calls name it

	// looking holds what the last listing said that was made to find out whether a shard is
	// gone. Whoever takes it out has it alone.
	looking chan sighting
}

// sighting is what a stream listed at a time.
type sighting struct {
	at     time.Time
	shards []string
}

// resolve finds out what streams have these names: their ARNs, and when they were created, so
// that another stream under the same name is recognised. A stream with two names comes once.
// With patience, failures of so long are an error, as are those that say that something is set
// wrong.
func (c *Consumer) resolve(ctx context.Context, names []string, patience time.Duration, first bool) ([]*consumedStream, error) {
	var streams []*consumedStream
	for _, name := range names {
		call := fetch.NewStream(name)
		summary, err := fetch.Describe(ctx, fetch.DescribeConfig{
			Client: c.client, Caller: c.caller, Stream: call, Backoff: fetch.Backoff(), First: first, GiveUpAfter: patience,
			OnFailed: func(f fetch.Failure) { c.retrying(retryInfo(name, "", f)) },
		})
		if err != nil {
			return nil, newShardError(name, "", err)
		}
		s := &consumedStream{c: c, name: name, arn: *summary.StreamARN, call: call, looking: make(chan sighting, 1)}
		if at := summary.StreamCreationTimestamp; at != nil {
			s.created = *at
		}
		s.looking <- sighting{}
		if !slices.ContainsFunc(streams, func(other *consumedStream) bool { return other.arn == s.arn }) {
			streams = append(streams, s)
		}
	}
	return streams, nil
}

// list lists the shards of the stream. It gives up after a time: whoever asked asks again.
func (s *consumedStream) list(ctx context.Context, filter *types.ShardFilter) (fetch.Listing, error) {
	c := s.c
	listing, err := fetch.List(ctx, fetch.ListConfig{
		Client: c.client, Caller: c.caller, Stream: s.call, Filter: filter, Backoff: fetch.Backoff(), GiveUpAfter: c.cfg.CallTimeout,
		OnFailed: func(f fetch.Failure) { c.retrying(retryInfo(s.name, "", f)) },
	})
	if err != nil {
		return fetch.Listing{}, newShardError(s.name, "", err)
	}
	return listing, nil
}

// lists says whether the stream lists a shard. Those who ask at the same time share a listing.
func (s *consumedStream) lists(ctx context.Context, id ShardID) (bool, error) {
	var last sighting
	select {
	case last = <-s.looking:
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
	defer func() { s.looking <- last }()
	if time.Since(last.at) > time.Second {
		listing, err := s.list(ctx, nil)
		if err != nil {
			return false, err
		}
		last = sighting{at: time.Now()}
		for _, shard := range listing.Shards {
			last.shards = append(last.shards, *shard.ShardId)
		}
	}
	return slices.Contains(last.shards, string(id)), nil
}

// add makes streams known, and returns what the worker is to read.
func (r *consumerRun) add(streams []*consumedStream) []coord.StreamConfig {
	r.mu.Lock()
	defer r.mu.Unlock()
	start := lease.Checkpoint(r.c.cfg.From.String())
	configs := make([]coord.StreamConfig, 0, len(streams))
	for _, s := range streams {
		r.streams[s.arn] = s
		configs = append(configs, coord.StreamConfig{ARN: s.arn, CreatedAt: s.created, Start: start})
	}
	return configs
}

// list is what the worker calls to list the shards of a stream.
func (r *consumerRun) list(ctx context.Context, arn string, start lease.Checkpoint) (coord.Listed, error) {
	r.mu.Lock()
	s := r.streams[arn]
	r.mu.Unlock()
	listing, err := s.list(ctx, nil)
	if err != nil {
		if f, ok := errors.AsType[*fetch.Error](err); ok && f.Class == fetch.Terminal && !r.listed.Load() && time.Now().Before(r.until) {
			r.fail(err)
		}
		return coord.Listed{}, err
	}
	r.listed.Store(true)
	l := coord.Listed{Stream: arn, At: listing.Server}
	if l.At.IsZero() {
		l.At = listing.Local
	}
	for _, shard := range listing.Shards {
		l.Shards = append(l.Shards, shardOf(shard))
	}
	if start != "" {
		l.Before, err = s.before(ctx, l.Shards, start)
	}
	return l, err
}

// before returns the shards that had ended before the position at which reading of the stream
// begins.
func (s *consumedStream) before(ctx context.Context, shards []topology.Shard, start lease.Checkpoint) (map[string]bool, error) {
	position, err := ParsePosition(string(start))
	if err != nil || position.kind == trimHorizon {
		return nil, err
	}
	before := make(map[string]bool)
	for _, shard := range shards {
		before[shard.ID] = shard.Closed
	}
	if position.kind == latest {
		return before, nil
	}
	listing, err := s.list(ctx, &types.ShardFilter{
		Type: types.ShardFilterTypeFromTimestamp, Timestamp: new(position.at.Add(-filterMargin)),
	})
	if err != nil {
		// Some servers have no filters. Then closed shards are read, which costs time and
		// nothing else.
		if f, ok := errors.AsType[*fetch.Error](err); ok && f.Class == fetch.Terminal {
			return map[string]bool{}, nil
		}
		return nil, err
	}
	for _, shard := range listing.Shards {
		delete(before, *shard.ShardId)
	}
	return before, nil
}

// followStreams applies what SetStreams says, until ctx ends.
func (r *consumerRun) followStreams(ctx context.Context) {
	for {
		select {
		case <-r.c.renamed:
		case <-ctx.Done():
			return
		}
		names := *r.c.streams.Load()
		streams, err := r.c.resolve(ctx, names, time.Minute, false)
		if err == nil {
			r.worker.SetStreams(r.add(streams))
			continue
		}
		if ctx.Err() != nil {
			return
		}
		// Somebody has to put it right, or to call SetStreams again.
		const wait = 10 * time.Second
		r.c.retrying(RetryInfo{Stream: failedStream(err), Op: "DescribeStreamSummary", Attempt: 1, Wait: wait, Err: err})
		select {
		case <-time.After(wait):
			r.c.signalRenamed()
		case <-ctx.Done():
			return
		}
	}
}

func failedStream(err error) string {
	if e, ok := errors.AsType[*ShardError](err); ok {
		return e.Stream
	}
	return ""
}
