package kin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/kinstream/kin/internal/fetch"
	"github.com/kinstream/kin/internal/topology"
	"github.com/kinstream/kin/wire"
)

// Reader reads one shard or a whole stream, without a group and without a store:
//
//	for rec, err := range reader.Records(ctx) {
//		if err != nil {
//			return err
//		}
//		...
//	}
//
// All shards are read side by side, each by a goroutine that fetches its next page
// while the loop works on the one before:
//
//	ListShards --> which shards may be read: parents before children
//	                  | one goroutine per shard
//	                  v
//	               GetRecords -> page --+
//	               GetRecords -> page --+--> de-aggregate -> loop body, one record at a time
//	               GetRecords -> page --+
//
// Order: the records of a shard come in the order of their sequence numbers, and a
// shard begins when all its parents have been read to their end, so that the
// records of one partition key come in the order in which the shards took
// them, also across reshards. Shards take turns page by page.
//
// Delivery: every record that the service returns is yielded once, from the start
// position on. A page that is fetched again after a failure was not yielded before.
//
// Failures that may pass are waited for, shard by shard, for ever unless GiveUpAfter
// says otherwise: see ReaderHooks.Retrying and [Reader.Shards] for shards that
// make no progress. All others end the sequence with one [*ShardError]. The end of the
// context ends it with an error that wraps its cause, so that a loop that ended
// without an error has read everything that it was to read.
//
// When the loop ends, by break or otherwise, all goroutines have ended and the pages
// that were fetched in advance are dropped. A Reader can be ranged over again: it
// goes on after the last record whose loop body was finished. That is the rule of
// [Reader.Positions] too.
//
// The methods are safe for concurrent use, but only one loop at a time can range
// over a Reader.
type Reader struct {
	client ReadClient
	cfg    ReaderConfig
	stream fetch.Stream
	caller fetch.Caller

	busy atomic.Bool // a loop is ranging

	mu     sync.Mutex // guards all below; never held while anything waits or is called
	shards map[ShardID]*readerShard
	listed bool             // a listing without holes was taken in
	named  map[ShardID]bool // parents of all shards that were found
}

// NewReader returns a Reader of cfg.Stream that calls client, usually a
// [*kinesis.Client]. It makes no call.
func NewReader(client ReadClient, cfg ReaderConfig) (*Reader, error) {
	if noClient(client) {
		return nil, errors.New("kin: NewReader: client is nil")
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	codec, err := wire.New(wire.Config{})
	if err != nil {
		return nil, fmt.Errorf("kin: NewReader: %w", err)
	}
	r := &Reader{
		client: client,
		cfg:    cfg,
		stream: fetch.NewStream(cfg.Stream),
		caller: fetch.Caller{Options: cfg.callOptions(codec), Timeout: cfg.CallTimeout},
		shards: make(map[ShardID]*readerShard),
		named:  make(map[ShardID]bool),
	}
	for id, position := range cfg.Positions {
		if cfg.Shard == "" || cfg.Shard == id {
			r.shards[id] = &readerShard{id: id, position: position, lag: -1}
		}
	}
	return r, nil
}

// Records yields the records. The sequence ends after an error, when there is
// nothing more to read (with Until or Shard), or when the loop is left. See [Reader].
func (r *Reader) Records(ctx context.Context) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if !r.busy.CompareAndSwap(false, true) {
			yield(Record{}, ErrReaderBusy)
			return
		}
		if err := r.readAll(ctx, yield); err != nil {
			yield(Record{}, err)
		}
	}
}

// readAll runs one loop. When it has returned, nothing that it started still runs.
// The error is to be yielded; it is nil also when the loop was left.
func (r *Reader) readAll(ctx context.Context, yield func(Record, error) bool) error {
	defer r.busy.Store(false)
	run := newReaderRun(ctx, r)
	defer run.stop() // also if the loop body panics
	return run.loop(yield)
}

// Positions returns how far each shard has been read: just after the last record
// whose loop body was finished. A record does not count while its body runs, nor
// if the body was left by break, return or panic, because that may be how it
// failed. To count it nevertheless, set the shard's position to [Record.Position].
//
// The result is all that ReaderConfig.Positions needs to resume: it names finished
// shards too, until a later reader finds that the stream has trimmed them and their
// children, and shards that were not begun. Once shards have been listed, [Latest] is a time, so that a reader which
// saw no record yet misses nothing when it resumes. The map belongs to the caller;
// it can be encoded as JSON.
func (r *Reader) Positions() map[ShardID]Position {
	r.mu.Lock()
	defer r.mu.Unlock()
	positions := make(map[ShardID]Position, len(r.shards))
	for id, s := range r.shards {
		if p := s.current(); p.kind != shardEnd || !r.trimmed(s) {
			positions[id] = p
		}
	}
	return positions
}

// trimmed says whether a finished shard is not needed any more, because the stream has trimmed
// it: nobody asks for its position then. That a listing lacks it proves little, since a
// shard may be finished before it is ever listed, and would be read again. But there, the
// listing would lack its children too, and have a hole, or they would name it. mu is held.
func (r *Reader) trimmed(s *readerShard) bool { return r.listed && !s.found && !r.named[s.id] }

// ShardStatus is how a shard is doing.
type ShardStatus struct {
	Shard    ShardID
	Parents  []ShardID
	State    ShardState
	Position Position // as [Reader.Positions] says

	// Lag is how far behind the tip the shard was when its newest page was fetched;
	// -1 if that is not known.
	Lag time.Duration

	// Records and Bytes were yielded by this Reader: user records, and their data
	// and partition keys. The page that is being ranged over does not count yet.
	Records, Bytes int64

	// Bad and OutOfRange are how many user records could not be unpacked, and how
	// many belong to another shard.
	Bad, OutOfRange int64

	// Failures is how many calls have failed in a row, and Err why the last one did.
	Failures int
	Err      error
}

// ShardState is how far a [Reader] is with a shard.
type ShardState int

// The states of a shard.
const (
	ShardWaiting ShardState = iota // for its parents, or for the loop to begin
	ShardReading
	ShardFinished // read to its end, or passed over
)

// String returns the name of s in lower case.
func (s ShardState) String() string {
	switch s {
	case ShardWaiting:
		return "waiting"
	case ShardReading:
		return "reading"
	case ShardFinished:
		return "finished"
	}
	return "invalid"
}

// Shards returns how each known shard is doing, in the order of their IDs.
func (r *Reader) Shards() []ShardStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]ShardStatus, 0, len(r.shards))
	for _, s := range r.shards {
		all = append(all, s.status())
	}
	slices.SortFunc(all, func(a, b ShardStatus) int {
		return cmp.Or(cmp.Compare(len(a.Shard), len(b.Shard)), strings.Compare(string(a.Shard), string(b.Shard)))
	})
	return all
}

// shardOf returns what a listing says about a shard in the terms of package topology.
func shardOf(s types.Shard) topology.Shard {
	shard := topology.Shard{ID: *s.ShardId, Range: rangeOf(s.HashKeyRange)}
	for _, parent := range []*string{s.ParentShardId, s.AdjacentParentShardId} {
		if parent != nil {
			shard.Parents = append(shard.Parents, *parent)
		}
	}
	shard.Closed = s.SequenceNumberRange != nil && s.SequenceNumberRange.EndingSequenceNumber != nil
	return shard
}

// childOf returns what the end of a shard says about a child of it.
func childOf(s types.ChildShard) topology.Shard {
	return topology.Shard{ID: *s.ShardId, Parents: s.ParentShards, Range: rangeOf(s.HashKeyRange)}
}
