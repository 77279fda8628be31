package kintest

import (
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

const defaultListShards = 1000

// list ranges over the shards from an index on that have not expired.
func (s *streamState) list(now time.Time, from int) iter.Seq[*shard] {
	horizon := s.horizon(now)
	return func(yield func(*shard) bool) {
		for _, sh := range s.shards[min(from, len(s.shards)):] {
			if !sh.expired(horizon) && !yield(sh) {
				return
			}
		}
	}
}

// listing is what a NextToken of ListShards remembers.
type listing struct {
	stream streamKey
	nonce  uint64
	from   int // index of the first shard of the page
	filter types.ShardFilterType
	at     time.Time // of the filter
}

const listShardsToken = "ListShards"

func (l listing) encode(s *Server, now time.Time) string {
	return s.seal(listShardsToken, strings.Join([]string{
		l.stream.account, l.stream.region, l.stream.name, strconv.FormatUint(l.nonce, 36),
		strconv.Itoa(l.from), string(l.filter), strconv.FormatInt(l.at.UnixMilli(), 10),
	}, "/"), now)
}

func (s *Server) decodeListing(token string) (l listing, made time.Time, ok bool) {
	text, made, ok := s.unseal(listShardsToken, token)
	parts := strings.Split(text, "/")
	if !ok || len(parts) != 7 {
		return l, made, false
	}
	l.stream = streamKey{parts[0], parts[1], parts[2]}
	l.nonce, _ = strconv.ParseUint(parts[3], 36, 64)
	l.from, _ = strconv.Atoi(parts[4])
	l.filter = types.ShardFilterType(parts[5])
	millis, _ := strconv.ParseInt(parts[6], 10, 64)
	l.at = time.UnixMilli(millis)
	return l, made, true
}

func listShards(s *Server, c *call, in *kinesis.ListShardsInput) (*kinesis.ListShardsOutput, error) {
	l, st, state, err := s.startListing(c, in)
	if err != nil {
		return nil, err
	}
	if state.phase == types.StreamStatusCreating {
		return nil, notActive(st.key, state.phase)
	}
	most := defaultListShards
	if in.MaxResults != nil {
		most = min(int(*in.MaxResults), defaultListShards)
	}
	out := &kinesis.ListShardsOutput{Shards: []types.Shard{}}
	for sh := range state.list(c.now, l.from) {
		if !l.matches(sh, state.horizon(c.now)) {
			continue
		}
		if len(out.Shards) == most {
			l.from = int(sh.index)
			out.NextToken = new(l.encode(s, c.now))
			break
		}
		out.Shards = append(out.Shards, sh.describe())
	}
	return out, nil
}

// startListing makes out of an input what to list.
func (s *Server) startListing(c *call, in *kinesis.ListShardsInput) (l listing, st *stream, state *streamState, err error) {
	if in.NextToken == nil {
		if in.StreamName == nil && in.StreamARN == nil {
			return l, nil, nil, fail(codeInvalidArgument, "Either NextToken or StreamName should be provided.")
		}
		if st, state, err = s.find(c, in.StreamName, in.StreamARN); err != nil {
			return l, nil, nil, err
		}
		if in.StreamCreationTimestamp != nil && !inSeconds(*in.StreamCreationTimestamp).Equal(inSeconds(st.born)) {
			return l, nil, nil, notFound(st.key)
		}
		l, err = newListing(c, st, in)
		return l, st, state, err
	}
	switch {
	case in.StreamName != nil:
		return l, nil, nil, fail(codeInvalidArgument, "NextToken and StreamName cannot be provided together.")
	case in.ExclusiveStartShardId != nil:
		return l, nil, nil, fail(codeInvalidArgument, "NextToken and ExclusiveStartShardId cannot be provided together.")
	case in.StreamCreationTimestamp != nil:
		return l, nil, nil, fail(codeInvalidArgument, "NextToken and StreamCreationTimestamp cannot be provided together.")
	case in.ShardFilter != nil:
		return l, nil, nil, fail(codeInvalidArgument, "NextToken and ShardFilter cannot be provided together.")
	}
	l, made, ok := s.decodeListing(*in.NextToken)
	if !ok || (in.StreamARN != nil && *in.StreamARN != l.stream.arn()) {
		return l, nil, nil, fail(codeInvalidArgument, "Invalid NextToken.")
	}
	if age(c.now, made) > s.config.NextTokenTTL {
		return l, nil, nil, expiredToken(s, c, made)
	}
	if err := s.admit(c, l.stream.name); err != nil {
		return l, nil, nil, err
	}
	if st, state = s.stream(l.stream, c.now); st == nil || st.nonce != l.nonce {
		return l, nil, nil, notFound(l.stream)
	}
	return l, st, state, nil
}

// newListing is the listing of a first page.
func newListing(c *call, st *stream, in *kinesis.ListShardsInput) (listing, error) {
	l := listing{stream: st.key, nonce: st.nonce, filter: types.ShardFilterTypeFromTrimHorizon}
	after := in.ExclusiveStartShardId
	if f := in.ShardFilter; f != nil {
		l.filter = f.Type
		switch f.Type {
		case types.ShardFilterTypeAfterShardId:
			if f.ShardId == nil {
				return l, fail(codeInvalidArgument, "ShardId must be provided in a ShardFilter of type %s.", f.Type)
			}
			after = f.ShardId
		case types.ShardFilterTypeAtTimestamp, types.ShardFilterTypeFromTimestamp:
			if f.Timestamp == nil {
				return l, fail(codeInvalidArgument, "Timestamp must be provided in a ShardFilter of type %s.", f.Type)
			}
			if f.Timestamp.After(c.now) {
				return l, fail(codeInvalidArgument, "The Timestamp of a ShardFilter must not be in the future.")
			}
			l.at = *f.Timestamp
		case types.ShardFilterTypeAtTrimHorizon, types.ShardFilterTypeFromTrimHorizon, types.ShardFilterTypeAtLatest:
		}
	}
	if after != nil {
		index, ok := shardIndex(*after)
		if !ok {
			return l, shardNotFound(st.key, *after)
		}
		l.from = int(index) + 1
	}
	return l, nil
}

// matches says whether a shard that has not expired passes the filter.
func (l listing) matches(sh *shard, horizon time.Time) bool {
	switch l.filter {
	case types.ShardFilterTypeAtLatest:
		return sh.end == nil
	case types.ShardFilterTypeAtTrimHorizon:
		return sh.openAtOrFirst(horizon)
	case types.ShardFilterTypeAtTimestamp:
		if l.at.Before(horizon) {
			return sh.openAtOrFirst(horizon)
		}
		return sh.openAtOrFirst(l.at)
	case types.ShardFilterTypeFromTimestamp:
		return sh.end == nil || !sh.end.at.Before(l.at) // also one that ended at that very moment
	default: // FROM_TRIM_HORIZON, AFTER_SHARD_ID
		return true
	}
}
