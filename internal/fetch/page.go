package fetch

import (
	"fmt"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/smithy-go/middleware"
)

const (
	// overhead is what a record takes in memory beside its data and key: the
	// structure itself, its sequence number and times.
	overhead = 200

	// maxPayload is what one answer holds at most.
	maxPayload = 10 << 20

	// fullPayload is the size from which an answer may have been cut because of
	// its size, although fewer records came than were asked for.
	fullPayload = 1 << 20

	// writeRate is what a shard takes in a second at most, in held bytes.
	writeRate = 1<<20 + 1000*overhead

	// slack is added to what the next answer is expected to hold.
	slack = 64 << 10
)

// maxHeld is what a page of up to limit records can hold.
func maxHeld(limit int32) int { return maxPayload + int(limit)*overhead }

// check returns an error if an answer is not one that the service gives.
//
// An answer without anything must not pass: no next iterator means that the shard
// has ended, and whatever answers {} to all would end it.
func check(out *kinesis.GetRecordsOutput) error {
	if out.NextShardIterator == nil && out.MillisBehindLatest == nil && len(out.Records) == 0 && len(out.ChildShards) == 0 {
		return garbled("GetRecords", "it is empty")
	}
	for i := range out.Records {
		if s := out.Records[i].SequenceNumber; s == nil || *s == "" {
			return garbled("GetRecords", fmt.Sprintf("record %d of %d has no sequence number", i, len(out.Records)))
		}
	}
	return nil
}

// newPage returns the page of an answer and the bytes that the service counts.
func newPage(out *kinesis.GetRecordsOutput, limit int32) (page Page, payload int) {
	for i := range out.Records {
		r := &out.Records[i]
		payload += len(r.Data)
		if r.PartitionKey != nil {
			payload += len(*r.PartitionKey)
		}
	}
	page = Page{
		Records:  out.Records,
		Held:     payload + overhead*len(out.Records),
		Lag:      -1,
		Server:   ServerTime(out.ResultMetadata),
		Ended:    out.NextShardIterator == nil || *out.NextShardIterator == "",
		Children: out.ChildShards,
	}
	if lag := out.MillisBehindLatest; lag != nil {
		page.Lag = time.Duration(*lag) * time.Millisecond
	}
	switch full := len(out.Records) >= int(limit) || payload >= fullPayload; {
	case full:
		// Some servers say a lag of 0 always. A full page says that there is more.
	case page.Lag >= 0:
		page.AtTip = page.Lag == 0
	default:
		page.AtTip = len(out.Records) == 0
	}
	return page, payload
}

// ServerTime returns when the service answered by its own clock, in whole seconds,
// and the zero time if the answer did not say.
func ServerTime(metadata middleware.Metadata) time.Time {
	t, _ := awsmiddleware.GetServerTime(metadata)
	return t.Truncate(time.Second)
}

// traffic is what the last answer says about the next one. The zero traffic is
// that of a shard that was not read yet.
type traffic struct {
	at      time.Time // when the call began
	held    int
	records int
	limit   int32
	tip     bool
}

// expect returns how many bytes the next page of up to limit records may be expected to hold:
// what has been put since if the last one reached the tip, as much as the last one and half as
// much again if that was cut at the number of records, and otherwise the most that can come.
func (t traffic) expect(now time.Time, limit int32) int {
	most := maxHeld(limit)
	switch {
	case t.tip && t.at.IsZero():
		return slack
	case t.tip:
		since := min(now.Sub(t.at), time.Minute)
		return min(most, slack+max(t.held, int(since.Seconds()*writeRate)))
	case t.records > 0 && t.records >= int(t.limit):
		held := int(float64(t.held) / float64(t.limit) * float64(limit))
		return min(most, slack+held+held/2)
	default:
		return most
	}
}

// smallPage is how much a page is to hold that goes beyond the budget.
const smallPage = 128 << 10

// few returns how many records make a small page, at least one, and how many bytes that is, as
// far as the last page tells.
func (t traffic) few(limit int32) (records int32, bytes int) {
	average := smallPage / 25
	if t.records > 0 {
		average = max(t.held/t.records, 1)
	}
	n := min(max(smallPage/average, 1), int(limit))
	return int32(n), n * average
}
