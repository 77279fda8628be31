package kintest

import (
	"sync"
	"time"

	"github.com/kinstream/kin/kintest/internal/limit"
)

// shardLimits are the throughput limits of one shard.
type shardLimits struct {
	mu        sync.Mutex // guards the buckets
	on        Limits
	inBytes   limit.Bucket
	inRecords limit.Bucket
	outBytes  limit.Bucket
	outCalls  limit.Bucket
	iterators limit.Bucket
}

func newShardLimits(l Limits) *shardLimits {
	if l.WriteBytesPerSecond|l.WriteRecordsPerSecond|l.ReadBytesPerSecond|l.ReadCallsPerSecond|l.IteratorCallsPerSecond == 0 {
		return nil
	}
	return &shardLimits{
		on:        l,
		inBytes:   limit.NewBucket(l.WriteBytesPerSecond),
		inRecords: limit.NewBucket(l.WriteRecordsPerSecond),
		outBytes:  limit.NewBucket(l.ReadBytesPerSecond),
		outCalls:  limit.NewBucket(l.ReadCallsPerSecond),
		iterators: limit.NewBucket(l.IteratorCallsPerSecond),
	}
}

// write says whether the shard may take a record of so many bytes now.
func (l *shardLimits) write(now time.Time, bytes int) bool {
	if l == nil {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	at := now.UnixNano()
	if l.on.WriteBytesPerSecond > 0 && !l.inBytes.Fits(at, float64(bytes)) {
		return false
	}
	if l.on.WriteRecordsPerSecond > 0 && !l.inRecords.Take(at, 1) {
		return false
	}
	if l.on.WriteBytesPerSecond > 0 {
		l.inBytes.Take(at, float64(bytes))
	}
	return true
}

// read says whether GetRecords may be called now.
func (l *shardLimits) read(now time.Time) bool {
	if l == nil {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	at := now.UnixNano()
	if l.on.ReadBytesPerSecond > 0 && !l.outBytes.Ready(at) {
		return false
	}
	return l.on.ReadCallsPerSecond == 0 || l.outCalls.Take(at, 1)
}

// gave notes what GetRecords returned.
func (l *shardLimits) gave(now time.Time, bytes int) {
	if l == nil || l.on.ReadBytesPerSecond == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.outBytes.Spend(now.UnixNano(), float64(bytes))
}

// iterator says whether GetShardIterator may be called now.
func (l *shardLimits) iterator(now time.Time) bool {
	if l == nil || l.on.IteratorCallsPerSecond == 0 {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.iterators.Take(now.UnixNano(), 1)
}

// controlRates is how often an operation may be called per second. Those of
// tags and consumers count per stream, the others per account and region.
var controlRates = map[string]int{
	"AddTagsToStream":                        5,
	"CreateStream":                           5,
	"DecreaseStreamRetentionPeriod":          5,
	"DeleteResourcePolicy":                   5,
	"DeleteStream":                           5,
	"DeregisterStreamConsumer":               5,
	"DescribeAccountSettings":                5,
	"DescribeLimits":                         1,
	"DescribeStream":                         10,
	"DescribeStreamConsumer":                 20,
	"DescribeStreamSummary":                  20,
	"DisableEnhancedMonitoring":              5,
	"EnableEnhancedMonitoring":               5,
	"GetResourcePolicy":                      5,
	"IncreaseStreamRetentionPeriod":          5,
	"ListShards":                             1000,
	"ListStreamConsumers":                    5,
	"ListStreams":                            5,
	"ListTagsForResource":                    5,
	"ListTagsForStream":                      5,
	"MergeShards":                            5,
	"PutResourcePolicy":                      5,
	"RegisterStreamConsumer":                 5,
	"RemoveTagsFromStream":                   5,
	"SplitShard":                             5,
	"StartStreamEncryption":                  5,
	"StopStreamEncryption":                   5,
	"TagResource":                            5,
	"UntagResource":                          5,
	"UpdateAccountSettings":                  5,
	"UpdateMaxRecordSize":                    5,
	"UpdateShardCount":                       10,
	"UpdateStreamMode":                       5,
	"UpdateStreamRecordDistributionStrategy": 5,
	"UpdateStreamWarmThroughput":             5,
}

// perStream are the operations whose rate counts per stream.
var perStream = map[string]bool{
	"ListShards": true, "AddTagsToStream": true, "RemoveTagsFromStream": true, "ListTagsForStream": true,
	"RegisterStreamConsumer": true, "DeregisterStreamConsumer": true, "ListStreamConsumers": true, "DescribeStreamConsumer": true,
}

// rateKey says what a rate of control calls counts for.
type rateKey struct{ account, region, op, stream string }

// controlGate counts the control calls of a server.
type controlGate struct {
	mu      sync.Mutex // guards buckets
	buckets map[rateKey]*limit.Bucket
}

// admit refuses a control call that comes too fast. The stream may be empty.
func (s *Server) admit(c *call, stream string) error {
	rate, limited := controlRates[c.op]
	if !s.config.Limits.ControlCalls || !limited || c.protocol == direct {
		return nil
	}
	key := rateKey{c.account, c.region, c.op, ""}
	if perStream[c.op] {
		key.stream = stream
	}
	g := &s.gate
	g.mu.Lock()
	b := g.buckets[key]
	if b == nil {
		if g.buckets == nil {
			g.buckets = make(map[rateKey]*limit.Bucket)
		}
		b = new(limit.NewBucket(rate))
		g.buckets[key] = b
	}
	ok := b.Take(c.now.UnixNano(), 1)
	g.mu.Unlock()
	switch {
	case ok:
		return nil
	case stream == "":
		return fail(codeLimitExceeded, "Rate exceeded for account %s.", c.account)
	default:
		return fail(codeLimitExceeded, "Rate exceeded for stream %s under account %s.", stream, c.account)
	}
}

// A day's worth of changes, where the service counts them.
const (
	day            = 24 * time.Hour
	rescalesPerDay = 10
	remodesPerDay  = 2
	encryptsPerDay = 25
)

// daily refuses a change that was made too often in 24 hours. The stream's lock is
// held.
func (s *Server) daily(c *call, w *limit.Window, most int, what string, key streamKey) error {
	if !s.config.Limits.ControlCalls || c.protocol == direct || w.Take(c.now.UnixNano(), int64(day), most) {
		return nil
	}
	return fail(codeLimitExceeded, "%s for stream %s under account %s has been called more than %d times in a rolling 24-hour period.",
		what, key.name, key.account, most)
}

// shardQuota refuses shards above the account's quota. The direct API has none.
func (s *Server) shardQuota(c *call, more int) error {
	most := s.config.Limits.Shards
	if most == 0 || more <= 0 || c.protocol == direct {
		return nil
	}
	have, _ := s.count(c)
	if have+more <= most {
		return nil
	}
	return fail(codeLimitExceeded, "This request would exceed the shard limit for the account %s in %s. "+
		"Current shard count for the account: %d. Limit: %d. Number of additional shards that would have resulted from this request: %d. "+
		"Refer to the AWS Service Limits page (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) "+
		"for current limits and how to request higher limits.", c.account, c.region, have, most, more)
}
