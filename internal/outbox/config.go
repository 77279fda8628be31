package outbox

import (
	"time"

	"github.com/kinstream/kin/internal/retry"
)

// Aggregation says which user records share a Kinesis record.
type Aggregation uint8

const (
	// None packs nothing: each user record is a Kinesis record.
	None Aggregation = iota

	// ByShard packs records of one predicted shard, as the KPL does.
	ByShard

	// ByPartitionKey packs records of one partition key and explicit hash key.
	ByPartitionKey
)

// maxAggregateRecords is how many records an aggregate may have, so that sizes are
// bounds: an index has three bytes at most.
const maxAggregateRecords = 1 << 20

// Config holds the settings of an [Outbox]. All are required, unless they say what zero
// means, and the caller has checked them.
type Config struct {
	MaxCallRecords int // entries of a call
	MaxCallBytes   int // of data and partition keys; at least MaxRecordBytes
	MaxRecordBytes int // data and partition key of an entry; see View.MaxRecordBytes

	// Linger is how long a record waits for others. 0: not at all.
	Linger time.Duration

	// RecordTTL is how long after acceptance an attempt may begin; [Never] for no limit.
	RecordTTL time.Duration

	Aggregation         Aggregation
	AggregateMaxBytes   int // soft bound of an aggregate; at most MaxRecordBytes
	AggregateMaxRecords int // 0: as many as fit

	// Ordered keeps the order of acceptance per partition key and explicit hash key.
	Ordered bool

	// BytesPerSecond and RecordsPerSecond are what a shard takes. 0: no pace.
	BytesPerSecond, RecordsPerSecond float64

	// RetryAmbiguous puts records again of which nobody knows whether they were stored.
	RetryAmbiguous bool

	// RefreshEvery is how often to ask for a View of the stream. 0: never; then there is no
	// map, no pace and no aggregation.
	RefreshEvery time.Duration

	// Random returns numbers from 0 up to, not including, 1.
	Random func() float64
}

// Times that are the same for everybody.
const (
	tick         = 25 * time.Millisecond  // lanes that wait for tokens wake together, to share calls
	phaseLasts   = 250 * time.Millisecond // then they wake at other moments: others may always have come just before
	burst        = 500 * time.Millisecond // of tokens that a lane may save up
	serviceBurst = time.Second            // of its rate that a shard takes at once, if it took nothing for that long
	minPause     = 50 * time.Millisecond  // of a lane of which something failed
	askAgain     = time.Second            // between two questions for a View
	beyondEvery  = 100 * time.Millisecond // without any move, until another record is accepted on top of the bound
	judgeWithin  = 5 * time.Second        // what landed elsewhere and can't be judged by then is put again, alone
)

// Times that grow with failures in a row.
var (
	pauses    = retry.Backoff{Base: minPause, Max: 2 * time.Second}               // of a lane of which everything fails
	stops     = retry.Backoff{Base: 100 * time.Millisecond, Max: 5 * time.Second} // of the stream when calls fail as a whole
	questions = retry.Backoff{Base: askAgain, Max: 30 * time.Second}              // between those for a View that are not answered
)

const (
	virtualLanes = 64   // of a stream without a map
	maxRefusals  = 16   // records in a row that were refused alone: then it is not the records
	maxWalk      = 4096 // records that are looked at for one call of a lane if some must be passed over
)

// Distribution is how a stream chooses the shard of a record.
type Distribution uint8

const (
	// Unknown means that nobody knows: nothing is aggregated.
	Unknown Distribution = iota

	// ByKey is the classic way: by hash key.
	ByKey

	// Auto means that the service chooses: there is no order, and nothing is aggregated.
	Auto
)

// View is what is known of the stream.
type View struct {
	Map            *Map // nil: not known; then an earlier one stays
	Distribution   Distribution
	MaxRecordBytes int  // of data and partition key; 0: not known
	Partial        bool // more was asked than is known: it is asked again as after no answer
}
