package kintest

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/kintest/internal/seqnum"
)

// start is where to begin to read, as GetShardIterator and SubscribeToShard are told.
type start struct {
	kind     types.ShardIteratorType
	sequence *string
	at       *time.Time
}

// position is the position in a shard that a start means. LATEST is the tip of the
// moment. op is named in errors.
func (w start) position(c *call, key streamKey, sh *shard) (uint64, error) {
	switch w.kind {
	case types.ShardIteratorTypeAtSequenceNumber, types.ShardIteratorTypeAfterSequenceNumber:
		if w.sequence == nil {
			return 0, fail(codeInvalidArgument, startRule+"Request specified %s and no StartingSequenceNumber.", w.kind)
		}
		return w.atSequence(c, key, sh)
	case types.ShardIteratorTypeTrimHorizon, types.ShardIteratorTypeLatest:
		if w.sequence != nil {
			return 0, fail(codeInvalidArgument, startRule+"Request specified %s and also a StartingSequenceNumber.", w.kind)
		}
		if w.kind == types.ShardIteratorTypeLatest {
			return sh.log.Tip(), nil
		}
		return 0, nil
	default:
		return w.atTime(c, sh)
	}
}

const startRule = "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or " +
	"(2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. "

func (w start) atTime(c *call, sh *shard) (uint64, error) {
	if w.at == nil {
		return 0, fail(codeInvalidArgument, "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. "+
			"Current request has no timestamp parameter.")
	}
	if at, now := w.at.UnixMilli(), c.now.UnixMilli(); at > now {
		return 0, fail(codeInvalidArgument, "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. "+
			"timestampInMillis: %d, currentTimestampInMillis: %d", at, now)
	}
	return sh.log.SeekTime(w.at.UnixMilli()), nil
}

func (w start) atSequence(c *call, key streamKey, sh *shard) (uint64, error) {
	text := *w.sequence
	invalid := func(why string) error {
		return fail(codeInvalidArgument, "StartingSequenceNumber %s used in %s on shard %s in stream %s under account %s is invalid%s.",
			text, c.op, sh.id, key.name, key.account, why)
	}
	n, ok := seqnum.Parse(text)
	if !ok {
		return 0, invalid("")
	}
	parts, ok := n.Parts()
	if !ok {
		return 0, invalid("")
	}
	if parts.Shard != sh.index {
		return 0, fail(codeInvalidArgument, "Invalid StartingSequenceNumber. It encodes %s, while it was used in a call to a shard with %s",
			shardName(parts.Shard), sh.id)
	}
	if parts.Created != sh.log.Identity().Created {
		return 0, invalid(" because it did not come from this stream")
	}
	position := sh.log.SeekNumber(n)
	if w.kind == types.ShardIteratorTypeAfterSequenceNumber && position == parts.Counter {
		position++ // there it is itself, unless it was never given out
	}
	return position, nil
}
