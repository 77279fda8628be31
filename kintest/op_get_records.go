package kintest

import (
	"strconv"
	"time"

	"github.com/kinstream/kin/kintest/internal/proto"
)

const (
	maxGetRecords = 10_000
	maxGetBytes   = 10 << 20
)

// getRecords is GetRecords.
func (s *Server) getRecords(c *call, in *proto.GetRecordsRequest, out *proto.GetRecordsReply) error {
	if err := validateGetRecords(in); err != nil {
		return err
	}
	it, ok := s.decodeIterator(*in.ShardIterator)
	if !ok {
		return fail(codeInvalidArgument, "Invalid ShardIterator.")
	}
	st, state, sh, err := s.readable(c, it, in.StreamARN)
	if err != nil {
		return err
	}
	if in.DryRun {
		return dryRun()
	}
	if !sh.limits.read(c.now) {
		return fail(codeThroughput, "%s", shardRateExceeded(st.key, sh.id))
	}
	most := maxGetRecords
	if in.Limit != nil {
		most = int(*in.Limit)
	}
	sh.log.Trim(state.horizon(c.now).UnixMilli())
	page := sh.log.Read(it.position, out.Records, most, maxGetBytes)
	sh.limits.gave(c.now, page.Bytes)
	sh.reads.Add(1)

	out.Records = page.Records
	out.MillisBehindLatest = behind(c.now, page.Unread)
	if page.End {
		if sh = st.closed(sh); sh == nil {
			return shardMissing(it.stream, shardName(it.shard))
		}
		out.ChildShards = sh.children()
		return nil
	}
	it.position = page.Next
	it.generation = st.generation.Load()
	it.created = c.now
	out.NextShardIterator = s.encodeIterator(it)
	return nil
}

// behind is how long, in milliseconds, the oldest record that was not read yet has
// been there: 0 only if there is none.
func behind(now time.Time, unread int64) int64 {
	if unread == 0 {
		return 0
	}
	return max(1, now.UnixMilli()-unread)
}

// closed returns a shard whose log has ended as the state has it that knows its end,
// also while that is being published. It is nil if the log has ended because the
// stream was deleted.
func (st *stream) closed(sh *shard) *shard {
	if sh.end == nil {
		st.wait()
		sh = st.state.Load().shards[sh.index]
	}
	if sh.end == nil {
		return nil
	}
	return sh
}

// readable returns what an iterator leads to.
func (s *Server) readable(c *call, it iterator, arn *string) (*stream, *streamState, *shard, error) {
	name := shardName(it.shard)
	st, state := s.stream(it.stream, c.now)
	if st == nil || st.nonce != it.nonce {
		return nil, nil, nil, shardMissing(it.stream, name)
	}
	if arn != nil && *arn != it.stream.arn() {
		return nil, nil, nil, fail(codeInvalidArgument, "StreamARN %s is not that of the stream of the ShardIterator.", *arn)
	}
	if age(c.now, it.created) > s.config.IteratorTTL || it.generation != st.generation.Load() {
		return nil, nil, nil, fail(codeExpiredIterator, "Iterator expired. The iterator was created at time %s while right now it is %s "+
			"which is further in the future than the tolerated delay of %d milliseconds.",
			serviceTime(it.created), serviceTime(c.now), s.config.IteratorTTL.Milliseconds())
	}
	sh := state.shard(name, c.now)
	if sh == nil {
		return nil, nil, nil, shardMissing(it.stream, name)
	}
	return st, state, sh, nil
}

func validateGetRecords(in *proto.GetRecordsRequest) error {
	v := validation{model: theModel()}
	if in.ShardIterator == nil {
		v.report("shardIterator", nil, "Member must not be null")
	} else {
		v.length("shardIterator", *in.ShardIterator, len(*in.ShardIterator), &shape{min: 1, max: 512})
	}
	if in.Limit != nil {
		if n := *in.Limit; n < 1 || n > maxGetRecords {
			text := strconv.Itoa(int(n))
			v.report("limit", &text, limitConstraint(int(n)))
		}
	}
	v.stream(nil, in.StreamARN, in.StreamID)
	return v.err()
}

func limitConstraint(n int) string {
	if n < 1 {
		return "Member must have value greater than or equal to 1"
	}
	return "Member must have value less than or equal to 10000"
}
